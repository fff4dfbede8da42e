/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What moves may have left on hosts that did not answer when they ended: a definition of a VM that
 * is elsewhere, or nowhere any more, and copies of its files.
 *
 * Each host has a list of such VMs, by UUID. A VM that moves is not tidied up after, as its files
 * may be on their way; and one that is tidied up after does not move.
 */
#include <string.h>

#include "core/reconcile/internal.h"

enum { AGAIN_MS = 15000 };

bool leftover_is_noted(const struct object *host, const char *uuid)
{
    const char *const *noted = (const char *const *)host->host.leftovers;

    return noted && g_strv_contains(noted, uuid);
}

static void forget(struct engine *engine, struct object *host, const char *uuid) REQUIRES(model)
{
    char **noted = host->host.leftovers;
    unsigned n = 0;

    for (unsigned i = 0; noted && noted[i]; i++) {
        if (strcmp(noted[i], uuid) == 0)
            g_free(noted[i]);
        else
            noted[n++] = noted[i];
    }
    if (noted)
        noted[n] = NULL;
    if (n == 0)
        g_clear_pointer(&host->host.leftovers, g_free);
    engine_touch(engine, host);
}

static void again(struct engine *engine, void *data) REQUIRES(model)
{
    struct object *host = cloud_by_id(engine->cloud, *(uint64_t *)data);

    if (!host || !host_work(host))
        return;
    host_work(host)->tidy_timer = 0;
    leftover_tidy(engine, host);
}

static void again_later(struct engine *engine, struct object *host) REQUIRES(model)
{
    struct host_work *work = host_work(host);

    timer_stop(engine, &work->tidy_timer);
    work->tidy_timer =
        timer_start(engine, AGAIN_MS, again, g_memdup2(&host->id, sizeof host->id), g_free);
}

static void run_tidy(struct task *task, const struct virt_ops *ops, struct virt *virt,
                     GError **error)
{
    ops->tidy(virt, task->uuid, task->cloud_uuid, task->to ? host_link_virt(task->to) : NULL,
              error);
}

static void done_tidy(struct engine *engine, struct task *task, const GError *error) REQUIRES(model)
{
    struct object *host = cloud_by_id(engine->cloud, task->host);
    struct object *vm = cloud_by_uuid(engine->cloud, task->uuid);

    if (vm && vm_glance(vm)->tidied > 0) {
        vm_work(vm)->tidied--;
        rebalance_freed(engine, vm);
    }
    if (!host || !host_work(host) || host_work(host)->link != task->link)
        return;
    g_hash_table_remove(host_work(host)->tidying, task->uuid);
    if (error)
        again_later(engine, host);
    else
        forget(engine, host, task->uuid);
}

/* As long as its call takes, which may be until its connection breaks, VM does not move. */
static void begin(struct engine *engine, struct object *host, const char *uuid, struct object *vm)
    REQUIRES(model)
{
    struct task *task = task_new(engine, host, host->id);

    task->uuid = g_strdup(uuid);
    task->cloud_uuid = g_strdup(store_cloud_uuid(engine->store));
    task->run = run_tidy;
    task->done = done_tidy;
    if (vm) {
        task->to = host_link_ref(host_work(vm->vm.host)->link);
        vm_work(vm)->tidied++;
    }
    g_hash_table_add(host_work(host)->tidying, g_strdup(uuid));
    task_submit(engine, host_work(host)->move, task);
}

/* Where its files are can be told. */
static bool is_settled(const struct object *vm) REQUIRES_SHARED(model)
{
    return !vm->vm.moving_to && host_is_up(vm->vm.host) &&
           (vm->vm.phase == VM_ACTIVE || vm->vm.phase == VM_FAILED);
}

static void tidy(struct engine *engine, struct object *host, const char *uuid) REQUIRES(model)
{
    struct object *vm = cloud_by_uuid(engine->cloud, uuid);

    if (g_hash_table_contains(host_work(host)->tidying, uuid))
        return;
    if (vm && vm->vm.host == host)
        forget(engine, host, uuid);
    else if (!vm || is_settled(vm))
        begin(engine, host, uuid, vm);
    else
        again_later(engine, host);
}

void leftover_tidy(struct engine *engine, struct object *host)
{
    g_auto(GStrv) noted = host_is_up(host) ? g_strdupv(host->host.leftovers) : NULL;

    for (unsigned i = 0; noted && noted[i]; i++)
        tidy(engine, host, noted[i]);
}

void leftover_note(struct engine *engine, struct object *host, const char *uuid)
{
    unsigned n = host->host.leftovers ? g_strv_length(host->host.leftovers) : 0;

    if (!leftover_is_noted(host, uuid)) {
        host->host.leftovers = g_renew(char *, host->host.leftovers, n + 2);
        host->host.leftovers[n] = g_strdup(uuid);
        host->host.leftovers[n + 1] = NULL;
        engine_touch(engine, host);
    }
    leftover_tidy(engine, host);
}
