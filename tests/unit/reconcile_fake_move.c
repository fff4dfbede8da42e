/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fake hypervisor's migrations, which can be lost, silent or left half done. */
#include "tests/unit/reconcile_fake_ops.h"

#include <errno.h>
#include <string.h>

#include "core/error.h"

bool fake_can_move(struct virt *v, struct virt *to, const struct vm_spec *vm, const char *type,
                   bool running, GError **error)
{
    (void)v;
    (void)to;
    (void)type;
    (void)running;
    if (!vm->disk)
        return true;
    fail(error, EOPNOTSUPP, "told that disks do not move");
    return false;
}

static void set_host(struct fake_domain *domain, const void *data)
{
    g_free(domain->host);
    domain->host = g_strdup(data);
}

static void leave_definition(const struct virt_plan *plan, const struct virt_way *way)
{
    struct fake_domain *domain = g_new0(struct fake_domain, 1);

    domain->host = g_strdup(way->to->uri);
    domain->name = g_strdup(plan->name);
    domain->state = DOMAIN_SHUTOFF;
    domain->cpus = plan->vm->cpus;
    domain->memory = plan->vm->memory;
    domain->mark.cloud = g_strdup(plan->mark.cloud);
    domain->mark.id = plan->mark.id;
    domain->mark.name = g_strdup(plan->mark.name);
    pthread_mutex_lock(&fake.lock);
    g_hash_table_replace(fake.left, g_strdup(plan->uuid), domain);
    pthread_mutex_unlock(&fake.lock);
}

bool fake_migrate(struct virt *v, const struct virt_plan *plan, const struct virt_way *way,
                  struct virt_domain **domain, GError **error)
{
    bool silent = fake.fail_move == EHOSTDOWN;

    fake.moves++;
    if (fake.lose_target) {
        leave_definition(plan, way);
        fail(error, EHOSTDOWN, "told to lose the other host");
        return false;
    }
    if (!silent && told_to_fail(&fake.fail_move, error))
        return false;
    if (!with_domain(v, plan->uuid, domain, error, set_host, way->to->uri))
        return false;
    if (silent) {
        g_clear_pointer(domain, virt_domain_free);
        fail(error, EHOSTDOWN, "told to be silent");
    }
    return !silent;
}

bool fake_settle(struct virt *v, const struct virt_plan *plan, const struct virt_way *way,
                 struct virt_domain **domain, GError **error)
{
    g_autoptr(VirtDomain) here = NULL;

    if (fake.nobody_knows || (fake.lose_target && !way->off)) {
        fail(error, EHOSTDOWN, "told that nobody knows");
        return false;
    }
    if (!with_domain(v, plan->uuid, &here, NULL, NULL, NULL))
        return with_domain(way->to, plan->uuid, domain, error, NULL, NULL);
    fail(error, ECANCELED, "it is still here");
    return false;
}

bool fake_tidy(struct virt *v, const char *uuid, const char *cloud, struct virt *at, GError **error)
{
    const struct fake_domain *left;

    if (told_to_fail(&fake.fail_tidy, error))
        return false;
    pthread_mutex_lock(&fake.lock);
    left = g_hash_table_lookup(fake.left, uuid);
    if (left && strcmp(left->host, v->uri) == 0 && strcmp(left->mark.cloud, cloud) == 0)
        g_hash_table_remove(fake.left, uuid);
    g_free(fake.tidied_for);
    fake.tidied_for = at ? g_strdup(at->uri) : NULL;
    pthread_mutex_unlock(&fake.lock);
    return true;
}
