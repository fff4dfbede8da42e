/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations of a hypervisor on a table in memory, but for migrations. */
#include "tests/unit/reconcile_fake_ops.h"

#include <errno.h>
#include <string.h>

#include "core/error.h"

void fake_domain_free(void *data)
{
    struct fake_domain *domain = data;

    g_free(domain->host);
    g_free(domain->name);
    g_free(domain->mark.cloud);
    g_free(domain->mark.name);
    g_free(domain);
}

static struct virt *fake_new(const struct virt_options *options, GError **error)
{
    struct virt *v = g_new0(struct virt, 1);

    (void)error;
    v->uri = g_strdup(options->uri);
    v->event = options->event;
    v->ctx = options->ctx;
    pthread_mutex_lock(&fake.lock);
    g_hash_table_replace(fake.virts, v->uri, v);
    pthread_mutex_unlock(&fake.lock);
    return v;
}

static void fake_free(struct virt *v)
{
    pthread_mutex_lock(&fake.lock);
    if (g_hash_table_lookup(fake.virts, v->uri) == v)
        g_hash_table_remove(fake.virts, v->uri);
    pthread_mutex_unlock(&fake.lock);
    g_free(v->uri);
    g_free(v);
}

bool told_to_fail(const int *which, GError **error)
{
    int err;

    pthread_mutex_lock(&fake.lock);
    err = *which;
    pthread_mutex_unlock(&fake.lock);
    if (err)
        fail(error, err, "told to fail");
    return err != 0;
}

static bool fake_open(struct virt *v, GError **error)
{
    (void)v;
    return !told_to_fail(&fake.fail_open, error);
}

static void fake_close(struct virt *v)
{
    (void)v;
}

static bool fake_info(struct virt *v, struct virt_info **info, GError **error)
{
    (void)v;
    (void)error;
    *info = g_new0(struct virt_info, 1);
    (*info)->cpus = 4;
    (*info)->memory = G_GUINT64_CONSTANT(4) << 30;
    (*info)->types = g_strsplit("test", " ", -1);
    (*info)->networks = g_strsplit("none", " ", -1);
    return true;
}

static struct virt_mark *describe_mark(const struct virt_mark *from)
{
    struct virt_mark *mark = g_new0(struct virt_mark, 1);

    mark->cloud = g_strdup(from->cloud);
    mark->id = from->id;
    mark->name = g_strdup(from->name);
    mark->spec = g_strdup("cpus = 1\n");
    return mark;
}

static struct virt_domain *describe(const char *uuid, const struct fake_domain *from)
{
    struct virt_domain *domain = g_new0(struct virt_domain, 1);

    domain->uuid = g_strdup(uuid);
    domain->name = g_strdup(from->name);
    domain->state = from->state;
    domain->cpus = from->cpus;
    domain->memory = from->memory;
    domain->type = g_strdup("test");
    domain->xml = g_strdup(from->words ? from->words : "<domain/>\n");
    domain->spec = from->words ? g_strdup(from->words)
                               : g_strdup_printf("cpus = %u\nmemory = %" G_GUINT64_FORMAT "\n",
                                                 from->cpus, from->memory);
    domain->mark = from->mark.cloud ? describe_mark(&from->mark) : NULL;
    return domain;
}

static void list_those(GPtrArray *domains, const struct virt *v, GHashTable *of)
{
    GHashTableIter iter;
    void *uuid, *each;

    g_hash_table_iter_init(&iter, of);
    while (g_hash_table_iter_next(&iter, &uuid, &each))
        if (strcmp(((struct fake_domain *)each)->host, v->uri) == 0)
            g_ptr_array_add(domains, describe(uuid, each));
}

static bool fake_list(struct virt *v, GPtrArray **domains, GError **error)
{
    (void)error;
    *domains = g_ptr_array_new_with_free_func((GDestroyNotify)virt_domain_free);
    pthread_mutex_lock(&fake.lock);
    list_those(*domains, v, fake.domains);
    list_those(*domains, v, fake.left);
    pthread_mutex_unlock(&fake.lock);
    return true;
}

bool with_domain(struct virt *v, const char *uuid, struct virt_domain **out, GError **error,
                 void (*fn)(struct fake_domain *domain, const void *data), const void *data)
{
    struct fake_domain *domain;
    bool found;

    pthread_mutex_lock(&fake.lock);
    domain = g_hash_table_lookup(fake.domains, uuid);
    found = domain && strcmp(domain->host, v->uri) == 0;
    if (found && fn)
        fn(domain, data);
    if (found)
        *out = describe(uuid, domain);
    pthread_mutex_unlock(&fake.lock);
    if (!found)
        fail(error, ENOENT, "no domain %s", uuid);
    return found;
}

static bool fake_domain_op(struct virt *v, const char *uuid, struct virt_domain **domain,
                           GError **error)
{
    bool found = with_domain(v, uuid, domain, error, NULL, NULL), held = true;

    while (held) {
        pthread_mutex_lock(&fake.lock);
        held = fake.hold_looks && !fake.tell_one_look;
        fake.tell_one_look = false;
        fake.held_looks += held && !fake.held_looks;
        fake.looks += !held;
        pthread_mutex_unlock(&fake.lock);
        if (held)
            g_usleep(1000);
    }
    return found;
}

static int planned_failure(const char *uri)
{
    return GPOINTER_TO_INT(g_hash_table_lookup(fake.fail_create, uri));
}

/* With the lock. */
static void wait_for_release(const bool *hold, unsigned *held)
{
    *held += *hold;
    while (*hold) {
        pthread_mutex_unlock(&fake.lock);
        g_usleep(1000);
        pthread_mutex_lock(&fake.lock);
    }
}

static bool fake_create(struct virt *v, const struct virt_plan *plan, struct virt_domain **domain,
                        GError **error)
{
    struct fake_domain *made = g_new0(struct fake_domain, 1);
    bool lose;
    int err;

    g_assert_nonnull(plan->type); /* as hypervisors rely on it */
    pthread_mutex_lock(&fake.lock);
    wait_for_release(&fake.hold_creates, &fake.held_creates);
    err = planned_failure(v->uri);
    if (fake.bad_image && plan->vm->image)
        err = ENOENT;
    lose = fake.lose_create;
    fake.lose_create = false;
    fake.creates++;
    made->host = g_strdup(v->uri);
    made->name = g_strdup(plan->name);
    made->state = plan->start ? DOMAIN_RUNNING : DOMAIN_SHUTOFF;
    made->cpus = plan->vm->cpus;
    made->memory = plan->vm->memory;
    if (err) {
        fake_domain_free(made);
        fail(error, err, "told to fail on %s", v->uri);
    } else {
        g_hash_table_replace(fake.domains, g_strdup(plan->uuid), made);
        if (lose)
            fail(error, EHOSTDOWN, "told to lose the connection");
        else
            *domain = describe(plan->uuid, made);
    }
    pthread_mutex_unlock(&fake.lock);
    if (lose)
        v->event(v->ctx, VIRT_CLOSED, NULL);
    return !err && !lose;
}

static void set_size(struct fake_domain *domain, const void *data)
{
    const struct vm_spec *spec = data;

    domain->cpus = spec->cpus;
    domain->memory = spec->memory;
}

static bool fake_change(struct virt *v, const struct virt_plan *plan, const struct vm_spec *before,
                        bool *restart, char **what, struct virt_domain **domain, GError **error)
{
    (void)before;
    if (told_to_fail(&fake.fail_change, error))
        return false;
    *restart = fake.change_later;
    *what = fake.change_later ? g_strdup("at the next start: cpus") : NULL;
    return with_domain(v, plan->uuid, domain, error, *restart ? NULL : set_size, plan->vm);
}

static void set_name(struct fake_domain *domain, const void *data)
{
    g_free(domain->name);
    domain->name = g_strdup(data);
}

static bool fake_rename(struct virt *v, const struct virt_plan *plan, struct virt_domain **domain,
                        GError **error)
{
    if (told_to_fail(&fake.fail_change, error))
        return false;
    return with_domain(v, plan->uuid, domain, error, set_name, plan->name);
}

static void set_state(struct fake_domain *domain, const void *data)
{
    domain->state = *(const enum domain_state *)data;
    fake.restarts += domain->state == DOMAIN_RUNNING;
}

static bool fake_power(struct virt *v, const char *uuid, enum domain_verb verb,
                       struct virt_domain **domain, GError **error)
{
    const enum domain_state state =
        verb == VERB_SHUTDOWN || verb == VERB_DESTROY ? DOMAIN_SHUTOFF : DOMAIN_RUNNING;

    if (told_to_fail(&fake.fail_power, error))
        return false;
    return with_domain(v, uuid, domain, error, set_state, &state);
}

static bool fake_destroy(struct virt *v, const char *uuid, const char *name, const char *seen,
                         GError **error)
{
    const struct fake_domain *domain;
    bool other;

    (void)v;
    (void)seen;
    if (told_to_fail(&fake.fail_destroy, error))
        return false;
    pthread_mutex_lock(&fake.lock);
    domain = g_hash_table_lookup(fake.domains, uuid);
    other = domain && strcmp(domain->name, name) != 0;
    if (other)
        fail(error, EPERM, "%s is named %s", name, domain->name);
    else
        g_hash_table_remove(fake.domains, uuid);
    fake.destroys += !other;
    fake.least = MIN(fake.least, g_hash_table_size(fake.domains));
    pthread_mutex_unlock(&fake.lock);
    return !other;
}

static bool fake_abort(struct virt *v, const char *uuid, GError **error)
{
    (void)v;
    (void)uuid;
    (void)error;
    return true;
}

static bool fake_sample(struct virt *v, bool disks, GArray **samples, struct virt_load *load,
                        GError **error)
{
    (void)v;
    (void)error;
    pthread_mutex_lock(&fake.lock);
    fake.samples++;
    fake.with_disks += disks;
    pthread_mutex_unlock(&fake.lock);
    *samples = g_array_new(false, false, sizeof(struct virt_sample));
    *load = (struct virt_load){-1, -1};
    return true;
}

static bool fake_probe(struct virt *v, const char *uuid, const struct spec_health *check,
                       char **why, GError **error)
{
    (void)v;
    (void)uuid;
    (void)error;
    (void)check;
    pthread_mutex_lock(&fake.lock);
    *why = fake.sick ? g_strdup("told to be sick") : NULL;
    pthread_mutex_unlock(&fake.lock);
    return true;
}

const struct virt_ops fake_ops = {
    .new = fake_new,
    .free = fake_free,
    .open = fake_open,
    .close = fake_close,
    .info = fake_info,
    .list = fake_list,
    .domain = fake_domain_op,
    .create = fake_create,
    .change = fake_change,
    .power = fake_power,
    .rename = fake_rename,
    .destroy = fake_destroy,
    .can_move = fake_can_move,
    .migrate = fake_migrate,
    .settle = fake_settle,
    .tidy = fake_tidy,
    .abort = fake_abort,
    .sample = fake_sample,
    .probe = fake_probe,
};
