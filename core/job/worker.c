/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workers.
 *
 * Who makes something runnable calls or starts one worker at most; a worker that takes a task
 * looks whether there is more and calls or starts the next. So nothing can be missed: as long as
 * something may run, somebody is on the way.
 *
 * The idle worker that has worked last is called first, so that after a burst the others rest long
 * enough to end: each keeps a stack and, in malloc, up to a quarter of a MiB of what it freed. One
 * that has opened a connection, or worked for long, ends at once. It costs next to nothing to start
 * another, and dozens that wait for their turn to parse then wait with nothing in their caches.
 */
#include "core/job/internal.h"

#include <unistd.h>

static void *worker_main(void *data) EXCLUDES(jobs_token);

unsigned jobs_under_way(const struct jobs *jobs)
{
    return jobs->running.length + jobs->hung.length + jobs->opening.length;
}

/* Lanes of this kind have to wait for others to end. */
static bool is_full(const struct jobs *jobs, enum ready kind) REQUIRES(jobs_token)
{
    unsigned hung = jobs->hung.length, replaced = MIN(hung, jobs->max.hung);
    if (kind == READY_WORK)
        return jobs->running.length + (hung - replaced) >= jobs->max.busy;
    return jobs->opening.length >= jobs->max.opening ||
           (kind == READY_AGAIN && jobs->again >= jobs->max.opening / 2);
}

/* The kind of lane whose turn it is; READY_NOT: nothing may run. */
static enum ready runnable(const struct jobs *jobs) REQUIRES(jobs_token)
{
    enum ready kind = READY_WORK;
    while (kind < READY_KINDS && (jobs->ready[kind].length == 0 || is_full(jobs, kind)))
        kind++;
    return kind;
}

/* An idle worker, on its own stack. */
struct rest {
    pthread_cond_t woken;
    bool called; /* and so not in jobs->idle any more */
    GList link;
};

/* False: there is no idle one. */
static bool call_worker(struct jobs *jobs) REQUIRES(jobs_token)
{
    GList *link = g_queue_pop_head_link(&jobs->idle);
    if (!link)
        return false;
    struct rest *rest = link->data;
    rest->called = true;
    jobs->coming++;
    pthread_cond_signal(&rest->woken);
    return true;
}

void jobs_call_all(struct jobs *jobs)
{
    while (call_worker(jobs))
        continue;
}

void jobs_ensure_worker(struct jobs *jobs)
{
    jobs->starved = false;
    if (runnable(jobs) == READY_NOT || jobs->coming > 0 || call_worker(jobs))
        return;
    pthread_t thread;
    if (jobs_thread(&thread, worker_main, jobs) != 0) {
        jobs->starved = true; /* the watchdog asks again */
        pthread_cond_signal(&jobs->tick);
        return;
    }
    jobs->workers++;
    jobs->coming++;
}

/* The watchdog is woken in time to see that it takes long; once a second at most. */
static void begin(struct jobs *jobs, struct task *task) REQUIRES(jobs_token)
{
    task->started = true;
    task->began = g_get_monotonic_time();
    task->under = task->job.opens ? &jobs->opening : &jobs->running;
    g_queue_push_tail_link(task->under, &task->link);
    if (!task->timer)
        task_start_timer(task);
    if (jobs->wakes == 0 || jobs->wakes > task->began + (int64_t)jobs->slow_ms * 1000)
        pthread_cond_signal(&jobs->tick);
}

static struct task *take(struct jobs *jobs) REQUIRES(jobs_token)
{
    enum ready kind = runnable(jobs);
    if (kind == READY_NOT)
        return NULL;
    struct lane *lane = g_queue_pop_head_link(&jobs->ready[kind])->data;
    struct task *task = g_queue_pop_head_link(&lane->queue)->data;
    lane->ready = READY_NOT;
    lane->running++;
    lane_update(lane); /* to the end of the line, if it has more */
    task->again = kind == READY_AGAIN;
    jobs->again += task->again;
    begin(jobs, task);
    jobs_ensure_worker(jobs);
    return task;
}

void jobs_hangs(struct jobs *jobs, struct task *task)
{
    if (task->under != &jobs->running)
        return;
    g_queue_unlink(task->under, &task->link);
    task->under = &jobs->hung;
    g_queue_push_tail_link(task->under, &task->link);
    jobs_ensure_worker(jobs);
}

/* The outcome of a run: done(), or late() when it was told already. */
static void tell(struct jobs *jobs, struct task *task, const GError *error) REQUIRES(jobs_token)
{
    jobs->telling++;
    void (*outcome)(void *, const GError *) = task->told ? task->job.late : task->job.done;
    if (!task->told)
        task_claim(task);
    else
        while (!task->settled)
            jobs_wait(jobs, &jobs->changed, 0);
    jobs_unlock(jobs);
    if (outcome)
        outcome(task->job.data, error);
    if (task->job.free)
        task->job.free(task->job.data);
    jobs_lock(jobs);
    jobs->telling--;
}

static bool is_slow(const struct jobs *jobs, const struct task *task) REQUIRES(jobs_token)
{
    return g_get_monotonic_time() - task->began > (int64_t)jobs->slow_ms * 1000;
}

/*
 * What is left to the end of the process keeps all that it has: only its owner could free that,
 * and the owner is gone.
 */
static G_NORETURN void stay(struct jobs *jobs) REQUIRES(jobs_token)
{
    jobs_unlock(jobs);
    for (;;)
        pause();
}

/* Whether the worker may take another one. */
static bool work(struct jobs *jobs, struct task *task) REQUIRES(jobs_token)
{
    g_autoptr(GError) error = NULL;
    jobs_unlock(jobs);
    task->job.run(task->job.data, &error);
    jobs_lock(jobs);
    bool slow = is_slow(jobs, task), opens = task->job.opens;
    if (opens)
        task->lane->hung = error && (task->lost || slow);
    if (jobs->over)
        stay(jobs);
    tell(jobs, task, error);
    task_end(task);
    return !slow && !opens;
}

/* Waits for work; false when there is none and the worker may end. */
static bool take_rest(struct jobs *jobs) REQUIRES(jobs_token)
{
    if (jobs->closing)
        return false;
    struct rest rest = {.link.data = &rest};
    int64_t until = g_get_monotonic_time() + (int64_t)jobs->idle_ms * 1000;
    bool in_time = true;
    jobs_init_cond(&rest.woken);
    g_queue_push_head_link(&jobs->idle, &rest.link);
    while (!rest.called && in_time)
        in_time = jobs_wait(jobs, &rest.woken, until);
    if (rest.called)
        jobs->coming--;
    else
        g_queue_unlink(&jobs->idle, &rest.link);
    pthread_cond_destroy(&rest.woken);
    return rest.called || runnable(jobs) != READY_NOT;
}

static void leave(struct jobs *jobs) RELEASES(jobs_token)
{
    pthread_t self = pthread_self();
    jobs->workers--;
    g_array_append_val(jobs->ended, self);
    pthread_cond_signal(&jobs->tick);
    pthread_cond_broadcast(&jobs->changed);
    jobs_unlock(jobs);
}

static void *worker_main(void *data)
{
    struct jobs *jobs = data;
    pthread_setname_np(pthread_self(), "cloudfs-job");
    jobs_lock(jobs);
    jobs->coming--;
    for (bool goes_on = true; goes_on;) {
        struct task *task = take(jobs);
        goes_on = task ? work(jobs, task) : take_rest(jobs);
    }
    jobs_ensure_worker(jobs); /* for what waited for this one's place */
    leave(jobs);
    return NULL;
}

void jobs_reap(struct jobs *jobs)
{
    g_autoptr(GArray) ended = jobs->ended;
    if (ended->len == 0) {
        ended = NULL;
        return;
    }
    jobs->ended = g_array_new(FALSE, FALSE, sizeof(pthread_t));
    jobs_unlock(jobs);
    for (unsigned i = 0; i < ended->len; i++)
        pthread_join(g_array_index(ended, pthread_t, i), NULL);
    jobs_lock(jobs);
}
