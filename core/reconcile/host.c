/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hosts: connecting, losing the connection and getting it back, and what is heard meanwhile.
 *
 * A connection never heals by itself, so after it broke (or could not be made) it is opened
 * anew, first at once and then ever more rarely; each time all domains are listed, because
 * nothing was heard while it was down.
 */
#include <string.h>

#include "core/reconcile/internal.h"

enum {
    CONNECT_DEADLINE_MS = 60000,
    SECOND_LOOK_MS = 2500,
    FIRST_RETRY_MS = 250,
    LAST_RETRY_MS = 15000,
    PROBE_WIDTH = 2,          /* on the sampling connection */
    WORK_WIDTH = LIMIT(8, 1), /* with the other lanes well below the 20 workers of a libvirtd */
};

struct host_work *host_work(struct object *host)
{
    return host->work;
}

bool host_is_up(const struct object *host)
{
    return host && host->host.phase == HOST_UP && !host->host.leaving_uri;
}

bool host_require_up(const struct object *host, GError **error)
{
    if (host_is_up(host))
        return true;
    fail(error, EHOSTDOWN, "host %s is %s", host ? host->name : "(none)",
         host ? host->state : "gone");
    return false;
}

/* What a hypervisor's thread has to say travels as a copy. */
struct heard {
    uint64_t host;
    enum virt_event what;
    char *uuid;
};

/* Handed to the virt handle: who is told of its events. */
struct ear {
    struct mailbox *box;
    uint64_t host;
};

static void heard_free(void *data)
{
    struct heard *heard = data;

    g_free(heard->uuid);
    g_free(heard);
}

static void lost(struct engine *engine, struct object *host, const char *why) REQUIRES(model);

/*
 * The making of a domain is heard of, once for each step of it, and the job reads the domain after
 * the last: nothing is learned from these. Anything else that is heard means that more happened.
 */
static bool is_awaited(struct object *vm, enum virt_event what) REQUIRES(model)
{
    unsigned before = vm_glance(vm)->awaited, bit = 1U << what;

    if (before)
        vm_work(vm)->awaited = before & bit ? before & ~bit : 0;
    return before & bit;
}

/* What is heard of a VM while a job changes it is mostly of that: one look at the end will do. */
static void hear_of_domain(struct engine *engine, struct object *host, enum virt_event what,
                           const char *uuid) REQUIRES(model)
{
    struct object *vm = cloud_by_uuid(engine->cloud, uuid);

    if (vm && is_awaited(vm, what))
        return;
    if (vm && vm_glance(vm)->busy)
        vm_work(vm)->heard = true;
    else
        host_look(engine, host, uuid);
}

static void hear(struct engine *engine, void *data) REQUIRES(model)
{
    const struct heard *heard = data;
    struct object *host = cloud_by_id(engine->cloud, heard->host);

    if (!host || !host_work(host))
        return;
    if (heard->what != VIRT_CLOSED)
        hear_of_domain(engine, host, heard->what, heard->uuid);
    else if (host->host.phase == HOST_UP)
        lost(engine, host, "the connection broke");
}

/* Any thread. */
static void on_event(void *ctx, enum virt_event what, const char *uuid)
{
    const struct ear *ear = ctx;
    struct heard *heard = g_new0(struct heard, 1);

    heard->host = ear->host;
    heard->what = what;
    heard->uuid = g_strdup(uuid);
    mailbox_post(ear->box, hear, heard, heard_free);
}

static void ear_free(void *data)
{
    struct ear *ear = data;

    mailbox_unref(ear->box);
    g_free(ear);
}

bool host_begin(struct engine *engine, struct object *host, GError **error)
{
    struct ear *ear = g_new0(struct ear, 1);
    const struct virt_options options = {
        .uri = host->spec->host.uri,
        .state = engine->conf->state,
        .event = on_event,
        .ctx = ear,
    };
    struct host_work *work;
    struct virt *virt;

    ear->box = mailbox_ref(engine->box);
    ear->host = host->id;
    virt = engine->virt->new (&options, error);
    if (!virt) {
        ear_free(ear);
        return false;
    }
    work = g_new0(struct host_work, 1);
    work->link = host_link_new(engine->virt, virt, ear, ear_free);
    work->work = lane_new(engine->jobs, WORK_WIDTH);
    work->look = lane_new(engine->jobs, 1);
    work->sample = lane_new(engine->jobs, 1);
    work->probe = lane_new(engine->jobs, PROBE_WIDTH);
    work->move = lane_new(engine->jobs, 1);
    work->to_look = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    work->tidying = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    host->work = work;
    host_connect(engine, host);
    return true;
}

static void close_lane(struct engine *engine, void *data, const GError *error)
{
    (void)engine;
    (void)error;
    lane_close(data);
}

/* Lanes close after the commit, when all tasks that were submitted to them have been queued. */
void host_end(struct engine *engine, struct object *host)
{
    struct host_work *work = host_work(host);

    if (!work)
        return;
    timer_stop(engine, &work->retry_timer);
    timer_stop(engine, &work->sample_timer);
    timer_stop(engine, &work->look_timer);
    timer_stop(engine, &work->tidy_timer);
    requests_answer(engine, &work->waiters, EINTR);
    engine_after_commit(engine, close_lane, work->work);
    engine_after_commit(engine, close_lane, work->look);
    engine_after_commit(engine, close_lane, work->sample);
    engine_after_commit(engine, close_lane, work->probe);
    engine_after_commit(engine, close_lane, work->move);
    g_hash_table_destroy(work->to_look);
    g_hash_table_destroy(work->tidying);
    host_link_unref(work->link);
    g_free(work);
    host->work = NULL;
}

static void retry(struct engine *engine, void *data) REQUIRES(model)
{
    struct object *host = cloud_by_id(engine->cloud, *(uint64_t *)data);

    if (!host || !host_work(host))
        return;
    host_work(host)->retry_timer = 0;
    host_connect(engine, host);
}

static void retry_later(struct engine *engine, struct object *host) REQUIRES(model)
{
    struct host_work *work = host_work(host);
    unsigned delay = FIRST_RETRY_MS << MIN(work->retries, 6);

    work->retries++;
    timer_stop(engine, &work->retry_timer);
    work->retry_timer = timer_start(engine, MIN(delay, LAST_RETRY_MS), retry,
                                    g_memdup2(&host->id, sizeof host->id), g_free);
}

static void set_phase(struct engine *engine, struct object *host, enum host_phase phase)
    REQUIRES(model)
{
    if (host->host.phase != phase && phase == HOST_UP)
        cloud_event(engine->cloud, host, NULL, "up");
    if (host->host.phase != phase && phase == HOST_DOWN)
        cloud_event(engine->cloud, host, NULL, "down");
    host->host.phase = phase;
    cloud_refresh_state(engine->cloud, host);
    engine_touch(engine, host);
    for (unsigned i = 0; i < host->host.vms->len; i++)
        engine_touch(engine, host->host.vms->pdata[i]);
}

static void lost(struct engine *engine, struct object *host, const char *why)
{
    g_autofree char *sentence =
        g_strdup_printf("host %s is down: %s%s", host->name, why,
                        host->host.drain_due ? "; its VMs are moved when it is back" : "");

    cloud_set_error(engine->cloud, host, EHOSTDOWN, sentence);
    set_phase(engine, host, HOST_DOWN);
    vm_moves_settle(engine, host);
    retry_later(engine, host);
}

static void run_connect(struct task *task, const struct virt_ops *ops, struct virt *virt,
                        GError **error)
{
    g_autoptr(VirtInfo) info = NULL;

    if (!ops->open(virt, error) || !ops->info(virt, &info, error) ||
        !ops->list(virt, &task->domains, error))
        return;
    task->info = g_steal_pointer(&info);
}

static void take_inventory(struct object *host, struct virt_info *info) REQUIRES(model)
{
    struct host_part *part = &host->host;

    part->known = true;
    part->cpus = info->cpus;
    part->memory = info->memory;
    g_strfreev(part->types);
    g_strfreev(part->networks);
    part->types = g_steal_pointer(&info->types);
    part->networks = g_steal_pointer(&info->networks);
}

/*
 * A hypervisor that has just started tells what it remembers, and finds out by and by, without
 * an event, which guests are not there any more.
 */
static void second_look(struct engine *engine, void *data) REQUIRES(model)
{
    struct object *host = cloud_by_id(engine->cloud, *(uint64_t *)data);

    if (!host_is_up(host))
        return;
    for (unsigned i = 0; i < host->host.vms->len; i++)
        host_look(engine, host, ((struct object *)host->host.vms->pdata[i])->vm.uuid);
}

static void connected(struct engine *engine, struct object *host, struct task *task) REQUIRES(model)
{
    host_work(host)->retries = 0;
    take_inventory(host, task->info);
    cloud_set_error(engine->cloud, host, 0, NULL);
    set_phase(engine, host, HOST_UP);
    discover_all(engine, host, task->domains);
    services_nudge_on(engine, host);
    vm_moves_settle(engine, host);
    leftover_tidy(engine, host);
    engine->room_changed = true;
    rebalance_host_up(engine);
    host_sample_begin(engine, host);
    timer_start(engine, SECOND_LOOK_MS, second_look, g_memdup2(&host->id, sizeof host->id), g_free);
}

static void done_connect(struct engine *engine, struct task *task, const GError *error)
    REQUIRES(model)
{
    struct object *host = cloud_by_id(engine->cloud, task->host);
    struct host_work *work = host ? host_work(host) : NULL;

    /* The host may have got another URI, and so another link, meanwhile. */
    if (!work || work->link != task->link)
        return;
    work->connecting = false;
    if (!error && host->host.leaving_uri) {
        retry_later(engine, host); /* what it finds is not of the host that there will be */
        return;
    }
    if (error && error->code == ETIMEDOUT)
        engine->virt->close(host_link_virt(work->link)); /* ends what hangs, where that can be */
    if (error)
        lost(engine, host, error->message);
    else
        connected(engine, host, task);
    requests_answer(engine, &work->waiters, 0);
}

void host_connect(struct engine *engine, struct object *host)
{
    struct host_work *work = host_work(host);
    struct task *task;

    if (!work || work->connecting)
        return;
    timer_stop(engine, &work->retry_timer);
    work->connecting = true;
    task = task_new(engine, host, host->id);
    task->run = run_connect;
    task->done = done_connect;
    task->deadline_ms = CONNECT_DEADLINE_MS;
    task->opens = true;
    task_submit(engine, work->look, task);
}
