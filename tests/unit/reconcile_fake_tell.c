/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests tell the fake hypervisor, and ask it. */
#include "tests/unit/reconcile_fake.h"

#include <string.h>

struct fake fake;

void fake_init(void)
{
    memset(&fake, 0, sizeof fake);
    pthread_mutex_init(&fake.lock, NULL);
    fake.domains = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, fake_domain_free);
    fake.left = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, fake_domain_free);
    fake.fail_create = g_hash_table_new(g_str_hash, g_str_equal);
    fake.virts = g_hash_table_new(g_str_hash, g_str_equal);
    fake.least = G_MAXUINT;
}

void fake_clear(void)
{
    g_hash_table_destroy(fake.domains);
    g_hash_table_destroy(fake.left);
    g_free(fake.tidied_for);
    g_hash_table_destroy(fake.fail_create);
    g_hash_table_destroy(fake.virts);
}

void fail_create(const char *host, int err)
{
    pthread_mutex_lock(&fake.lock);
    g_hash_table_insert(fake.fail_create, (void *)host, GINT_TO_POINTER(err));
    pthread_mutex_unlock(&fake.lock);
}

void set_failure(int *which, int err)
{
    pthread_mutex_lock(&fake.lock);
    *which = err;
    pthread_mutex_unlock(&fake.lock);
}

void set_flag(bool *which, bool on)
{
    pthread_mutex_lock(&fake.lock);
    *which = on;
    pthread_mutex_unlock(&fake.lock);
}

unsigned counted(const unsigned *which)
{
    unsigned n;

    pthread_mutex_lock(&fake.lock);
    n = *which;
    pthread_mutex_unlock(&fake.lock);
    return n;
}

unsigned domains(void)
{
    unsigned n;

    pthread_mutex_lock(&fake.lock);
    n = g_hash_table_size(fake.domains);
    pthread_mutex_unlock(&fake.lock);
    return n;
}

unsigned leftovers(void)
{
    unsigned n;

    pthread_mutex_lock(&fake.lock);
    n = g_hash_table_size(fake.left);
    pthread_mutex_unlock(&fake.lock);
    return n;
}

void fake_event(const char *host, const char *uuid)
{
    fake_tell(host, VIRT_DOMAIN, uuid);
}

void fake_tell(const char *host, enum virt_event what, const char *uuid)
{
    struct virt *v;

    pthread_mutex_lock(&fake.lock);
    v = g_hash_table_lookup(fake.virts, host);
    pthread_mutex_unlock(&fake.lock);
    v->event(v->ctx, what, uuid);
}

static void turn(const char *host, const char *uuid, enum domain_state state)
{
    struct fake_domain *domain;

    pthread_mutex_lock(&fake.lock);
    domain = g_hash_table_lookup(fake.domains, uuid);
    domain->state = state;
    pthread_mutex_unlock(&fake.lock);
    fake_event(host, uuid);
}

void fake_die(const char *host, const char *uuid)
{
    turn(host, uuid, DOMAIN_SHUTOFF);
}

void fake_start(const char *host, const char *uuid)
{
    turn(host, uuid, DOMAIN_RUNNING);
}
