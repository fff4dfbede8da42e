/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The whole: making it, and taking it apart while some of it hangs. */
#include "core/job/internal.h"

struct jobs *
jobs_new(const struct jobs_limits *limits) UNCHECKED_LOCKING /* nobody else has it yet */
{
    struct jobs *jobs = g_new0(struct jobs, 1);
    pthread_mutex_init(&jobs->mutex, NULL);
    jobs_init_cond(&jobs->tick);
    jobs_init_cond(&jobs->changed);
    jobs->max = (struct jobs_limits){
        .busy = MAX(limits->busy, 1),
        .hung = limits->hung,
        .opening = MAX(limits->opening, 2), /* one of them for lanes in which none has hung */
    };
    jobs->idle_ms = JOB_IDLE_MS;
    jobs->slow_ms = JOB_SLOW_MS;
    jobs->timers = g_sequence_new(NULL);
    jobs->ended = g_array_new(FALSE, FALSE, sizeof(pthread_t));
    int err = jobs_thread(&jobs->watchdog, jobs_watchdog, jobs);
    if (err == 0)
        return jobs;
    jobs_destroy(jobs);
    errno = err;
    return NULL;
}

void jobs_destroy(struct jobs *jobs) UNCHECKED_LOCKING /* nobody else has it any more */
{
    g_sequence_free(jobs->timers);
    g_array_unref(jobs->ended);
    pthread_cond_destroy(&jobs->changed);
    pthread_cond_destroy(&jobs->tick);
    pthread_mutex_destroy(&jobs->mutex);
    g_free(jobs);
}

/* The lanes stay until the end: done() may still submit to another one. */
static void close_lanes(struct jobs *jobs) REQUIRES(jobs_token)
{
    jobs->closing = true;
    for (GList *link = jobs->lanes.head; link; link = link->next)
        lane_close_locked(link->data);
    jobs_call_all(jobs);
}

static void wait_for_running(struct jobs *jobs, unsigned grace_ms) REQUIRES(jobs_token)
{
    int64_t until = g_get_monotonic_time() + (int64_t)grace_ms * 1000;
    while (jobs_under_way(jobs) > 0)
        if (!jobs_wait(jobs, &jobs->changed, until))
            return;
}

static void stop_watchdog(struct jobs *jobs) REQUIRES(jobs_token)
{
    jobs->stop = true;
    pthread_cond_signal(&jobs->tick);
    jobs_unlock(jobs);
    pthread_join(jobs->watchdog, NULL);
    jobs_lock(jobs);
}

static void give_up(struct jobs *jobs, GQueue *tasks) REQUIRES(jobs_token)
{
    GList *next;
    for (GList *link = tasks->head; link; link = next) {
        struct task *task = link->data;
        next = link->next; /* telling moves it to `hung` */
        if (!task->told)
            jobs_tell_later(jobs, task, ECANCELED);
    }
}

/* Tells those that hang, then waits for all threads that are not in a run(). */
static void settle(struct jobs *jobs) REQUIRES(jobs_token)
{
    give_up(jobs, &jobs->running);
    give_up(jobs, &jobs->opening);
    give_up(jobs, &jobs->hung);
    for (;;) {
        jobs_tell(jobs);
        jobs_reap(jobs);
        if (jobs->untold.length > 0 || jobs->ended->len > 0)
            continue;
        if (jobs->telling == 0 && jobs->workers <= jobs_under_way(jobs))
            return;
        jobs_wait(jobs, &jobs->changed, 0);
    }
}

/* A hanging thread may have nothing but this of its own job; never taken off. */
static void leave_to_the_end(struct jobs *jobs)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static GSList *left;
    pthread_mutex_lock(&mutex);
    left = g_slist_prepend(left, jobs);
    pthread_mutex_unlock(&mutex);
}

void jobs_free(struct jobs *jobs, unsigned grace_ms)
{
    if (!jobs)
        return;
    jobs_lock(jobs);
    close_lanes(jobs);
    wait_for_running(jobs, grace_ms);
    stop_watchdog(jobs);
    settle(jobs);
    GList *link;
    while ((link = g_queue_peek_head_link(&jobs->lanes)))
        lane_disown(link->data);
    jobs->over = true;
    bool last = jobs->workers == 0;
    jobs_unlock(jobs);
    if (last)
        jobs_destroy(jobs);
    else
        leave_to_the_end(jobs);
}

void jobs_stats(struct jobs *jobs, struct jobs_stats *stats)
{
    jobs_lock(jobs);
    *stats = (struct jobs_stats){
        .workers = jobs->workers,
        .busy = jobs_under_way(jobs) - jobs->lost,
        .lost = jobs->lost,
    };
    jobs_unlock(jobs);
}
