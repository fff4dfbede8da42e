/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks: this room's jobs. A task carries copies of what its call needs, so that nothing of the
 * model is touched by a worker, and brings its outcome back to the engine's thread as a message.
 */
#include "core/reconcile/internal.h"

struct host_link {
    refs_t refs;
    const struct virt_ops *ops;
    struct virt *virt;
    void *ear;
    GDestroyNotify free_ear;
};

struct host_link *host_link_new(const struct virt_ops *ops, struct virt *virt, void *ear,
                                GDestroyNotify free_ear)
{
    struct host_link *link = g_new0(struct host_link, 1);

    refs_init(&link->refs);
    link->ops = ops;
    link->virt = virt;
    link->ear = ear;
    link->free_ear = free_ear;
    return link;
}

struct host_link *host_link_ref(struct host_link *link)
{
    refs_inc(&link->refs);
    return link;
}

void host_link_unref(struct host_link *link)
{
    if (!link || !refs_dec(&link->refs))
        return;
    link->ops->free(link->virt);
    link->free_ear(link->ear);
    g_free(link);
}

struct virt *host_link_virt(struct host_link *link)
{
    return link->virt;
}

struct task *task_new(struct engine *engine, struct object *host, uint64_t id)
{
    struct task *task = g_new0(struct task, 1);

    task->engine = engine;
    task->box = mailbox_ref(engine->box);
    task->link = host_link_ref(host_work(host)->link);
    task->host = host->id;
    task->id = id;
    return task;
}

static void task_free(void *data)
{
    struct task *task = data;

    g_free(task->uuid);
    g_free(task->name);
    g_free(task->object);
    g_free(task->type);
    g_free(task->text);
    g_free(task->cloud_uuid);
    g_free(task->service);
    g_free(task->waits);
    g_free(task->seen);
    g_clear_pointer(&task->spec, spec_unref);
    g_clear_pointer(&task->before, spec_unref);
    g_clear_pointer(&task->uuids, g_ptr_array_unref);
    g_clear_pointer(&task->domain, virt_domain_free);
    g_clear_pointer(&task->info, virt_info_free);
    g_clear_pointer(&task->domains, g_ptr_array_unref);
    g_clear_pointer(&task->samples, g_array_unref);
    g_free(task->what);
    g_free(task->peer);
    g_free(task->data);
    host_link_unref(task->to);
    host_link_unref(task->link);
    mailbox_unref(task->box);
    g_free(task);
}

/*
 * The job's hold on a task. The worker's run() and the message that tells the outcome may
 * overlap when the deadline has passed, so each has a reference; and what run() made is only
 * looked at when the message says that it has ended well.
 */
struct hold {
    refs_t refs;
    struct task *task;
};

struct outcome {
    struct hold *hold;
    GError *error;
};

static void hold_unref(void *data)
{
    struct hold *hold = data;

    if (!refs_dec(&hold->refs))
        return;
    task_free(hold->task);
    g_free(hold);
}

static void outcome_free(void *data)
{
    struct outcome *outcome = data;

    hold_unref(outcome->hold);
    g_clear_error(&outcome->error);
    g_free(outcome);
}

static void outcome_tell(struct engine *engine, void *data)
{
    struct outcome *outcome = data;

    outcome->hold->task->done(engine, outcome->hold->task, outcome->error);
}

static void hold_run(void *data, GError **error)
{
    struct hold *hold = data;
    struct task *task = hold->task;

    task->run(task, task->link->ops, task->link->virt, error);
}

static void hold_done(void *data, const GError *error)
{
    struct hold *hold = data;
    struct outcome *outcome = g_new0(struct outcome, 1);

    refs_inc(&hold->refs);
    outcome->hold = hold;
    outcome->error = error ? g_error_copy(error) : NULL;
    mailbox_post(hold->task->box, outcome_tell, outcome, outcome_free);
}

/* Came back after its deadline: what the host looks like now is anybody's guess. */
static void look_again(struct engine *engine, void *data) REQUIRES(model)
{
    struct object *host = cloud_by_id(engine->cloud, *(uint64_t *)data);

    if (host)
        host_connect(engine, host);
}

static void hold_late(void *data, const GError *error)
{
    struct hold *hold = data;

    (void)error;
    mailbox_post(hold->task->box, look_again, g_memdup2(&hold->task->host, sizeof(uint64_t)),
                 g_free);
}

struct start {
    struct lane *lane;
    struct hold *hold;
};

static void start_now(struct engine *engine, void *data, const GError *error)
{
    struct start *start = data;
    struct task *task = start->hold->task;

    if (error && task->job) {
        task->unsaved = true;
        hold_done(start->hold, error);
        hold_unref(start->hold);
    } else {
        lane_submit(start->lane, &(struct job){
                                     .run = hold_run,
                                     .done = hold_done,
                                     .late = hold_late,
                                     .free = hold_unref,
                                     .data = start->hold,
                                     .deadline_ms = task->deadline_ms,
                                     .opens = task->opens,
                                 });
    }
    g_free(start);
    (void)engine;
}

void task_submit(struct engine *engine, struct lane *lane, struct task *task)
{
    struct start *start = g_new0(struct start, 1);

    start->lane = lane;
    start->hold = g_new0(struct hold, 1);
    refs_init(&start->hold->refs);
    start->hold->task = task;
    if (task->job)
        engine_promise(engine);
    engine_after_commit(engine, start_now, start);
}
