/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking at domains of which something was heard, all of a host at a time: what was heard says
 * that they changed, how they are is asked.
 */
#include <string.h>

#include "core/reconcile/internal.h"

enum {
    LOOK_DEADLINE_MS = 30000,
    LOOK_AGAIN_MS = 2000, /* after a look that failed */
};

static void run_look(struct task *task, const struct virt_ops *ops, struct virt *virt,
                     GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)virt_domain_free);

    for (unsigned i = 0; i < task->uuids->len; i++) {
        struct virt_domain *domain = NULL;
        g_autoptr(GError) failure = NULL;

        if (ops->domain(virt, task->uuids->pdata[i], &domain, &failure)) {
            g_ptr_array_add(found, domain);
        } else if (failure->code != ENOENT) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return;
        }
    }
    task->domains = g_steal_pointer(&found);
}

static const struct virt_domain *find_uuid(const GPtrArray *domains, const char *uuid)
{
    for (unsigned i = 0; i < domains->len; i++) {
        const struct virt_domain *domain = domains->pdata[i];

        if (strcmp(domain->uuid, uuid) == 0)
            return domain;
    }
    return NULL;
}

static void look_more(struct engine *engine, struct object *host) REQUIRES(model);

static void look_again(struct engine *engine, void *data) REQUIRES(model)
{
    struct object *host = cloud_by_id(engine->cloud, *(uint64_t *)data);

    if (!host || !host_work(host))
        return;
    host_work(host)->look_timer = 0;
    look_more(engine, host);
}

/* What could not be looked at is not forgotten. */
static void look_later(struct engine *engine, struct object *host, const GPtrArray *uuids)
    REQUIRES(model)
{
    struct host_work *work = host_work(host);

    for (unsigned i = 0; i < uuids->len; i++)
        g_hash_table_add(work->to_look, g_strdup(uuids->pdata[i]));
    timer_stop(engine, &work->look_timer);
    work->look_timer = timer_start(engine, LOOK_AGAIN_MS, look_again,
                                   g_memdup2(&host->id, sizeof host->id), g_free);
}

/*
 * What was seen of a VM before a job of it ended, and is told after that, may be of before the job:
 * another name, or no domain. It is looked at again.
 */
static void done_look(struct engine *engine, struct task *task, const GError *error) REQUIRES(model)
{
    struct object *host = cloud_by_id(engine->cloud, task->host);

    if (!host || !host_work(host) || host_work(host)->link != task->link)
        return;
    host_work(host)->looking = false;
    if (error || host->host.leaving_uri) {
        look_later(engine, host, task->uuids);
        return;
    }
    for (unsigned i = 0; i < task->uuids->len; i++) {
        const char *uuid = task->uuids->pdata[i];
        const struct virt_domain *domain = find_uuid(task->domains, uuid);
        struct object *vm = cloud_by_uuid(engine->cloud, uuid);

        if (vm && vm_glance(vm)->settled > task->after)
            g_hash_table_add(host_work(host)->to_look, g_strdup(uuid)); /* it is old */
        else if (domain)
            discover_one(engine, host, domain);
        else if (vm && vm->vm.host == host)
            vm_gone(engine, vm);
    }
    look_more(engine, host);
}

static void look_more(struct engine *engine, struct object *host)
{
    struct host_work *work = host_work(host);
    GHashTableIter iter;
    struct task *task;
    void *uuid;

    if (work->looking || g_hash_table_size(work->to_look) == 0)
        return;
    task = task_new(engine, host, host->id);
    task->uuids = g_ptr_array_new_with_free_func(g_free);
    g_hash_table_iter_init(&iter, work->to_look);
    while (g_hash_table_iter_next(&iter, &uuid, NULL)) {
        g_hash_table_iter_steal(&iter);
        g_ptr_array_add(task->uuids, uuid);
    }
    work->looking = true;
    task->after = engine->last_job;
    task->run = run_look;
    task->done = done_look;
    task->deadline_ms = LOOK_DEADLINE_MS;
    task_submit(engine, work->look, task);
}

void host_look(struct engine *engine, struct object *host, const char *uuid)
{
    struct host_work *work = host_work(host);

    if (!work)
        return;
    g_hash_table_add(work->to_look, g_strdup(uuid));
    look_more(engine, host);
}
