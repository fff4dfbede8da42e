/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The watchdog: tells of deadlines and closed lanes, and joins workers that have ended. */
#include "core/job/internal.h"

void jobs_tell_later(struct jobs *jobs, struct task *task, int code)
{
    struct lane *lane = task->lane;
    task_claim(task);
    task->code = code;
    if (task->started) {
        task->lost = true;
        jobs->lost++;
        lane->lost++;
        if (task->job.opens)
            lane->hung = true;
        lane_update(lane);
        jobs_hangs(jobs, task);
    } else {
        task->behind = lane->lost > 0;
        g_queue_unlink(&lane->queue, &task->link);
        lane_update(lane);
    }
    g_queue_push_tail_link(&jobs->untold, &task->untold_link);
    pthread_cond_signal(&jobs->tick);
    jobs_ensure_worker(jobs);
}

static GError *outcome(const struct task *task) REQUIRES(jobs_token)
{
    const char *what = "its turn did not come";
    if (task->code == ECANCELED)
        return g_error_new(CLOUDFS_ERROR, task->code, "canceled: its host is no longer in use");
    if (task->started)
        what = "no answer";
    else if (task->behind)
        what = "no answer to what was asked before, nor to this,";
    return g_error_new(CLOUDFS_ERROR, task->code, "%s within %g seconds", what,
                       task->job.deadline_ms / 1000.0);
}

static void tell_one(struct jobs *jobs, struct task *task) REQUIRES(jobs_token)
{
    const struct job *job = &task->job;
    bool started = task->started;
    g_autoptr(GError) error = outcome(task);
    jobs->telling++;
    jobs_unlock(jobs);
    if (job->done)
        job->done(job->data, error);
    if (!started && job->free)
        job->free(job->data);
    jobs_lock(jobs);
    jobs->telling--;
    task->settled = true;
    pthread_cond_broadcast(&jobs->changed);
    if (!started)
        task_end(task);
}

void jobs_tell(struct jobs *jobs)
{
    GList *link;
    while ((link = g_queue_pop_head_link(&jobs->untold)))
        tell_one(jobs, link->data);
}

/* The earliest deadline; 0: there is none. */
static int64_t next_deadline(const struct jobs *jobs) REQUIRES(jobs_token)
{
    GSequenceIter *first = g_sequence_get_begin_iter(jobs->timers);
    if (g_sequence_iter_is_end(first))
        return 0;
    const struct task *task = g_sequence_get(first);
    return task->deadline;
}

/* All that are due at once, so that no worker starts one while another one is told. */
static void expire(struct jobs *jobs) REQUIRES(jobs_token)
{
    int64_t now = g_get_monotonic_time();
    int64_t next;
    while ((next = next_deadline(jobs)) != 0 && next <= now)
        jobs_tell_later(jobs, g_sequence_get(g_sequence_get_begin_iter(jobs->timers)), ETIMEDOUT);
}

/* When the one that has run for the longest is to be taken to hang; 0: none runs. */
static int64_t next_hung(const struct jobs *jobs) REQUIRES(jobs_token)
{
    if (jobs->running.length == 0)
        return 0;
    const struct task *task = jobs->running.head->data;
    return task->began + (int64_t)jobs->slow_ms * 1000;
}

static void replace_hung(struct jobs *jobs) REQUIRES(jobs_token)
{
    int64_t now = g_get_monotonic_time();
    int64_t next;
    while ((next = next_hung(jobs)) != 0 && next <= now)
        jobs_hangs(jobs, jobs->running.head->data);
}

/* The earlier of two times, of which 0 is never. */
static int64_t earlier(int64_t one, int64_t other)
{
    return one == 0 || (other != 0 && other < one) ? other : one;
}

static void wait_for_tick(struct jobs *jobs) REQUIRES(jobs_token)
{
    int64_t until = earlier(next_deadline(jobs), next_hung(jobs));
    if (jobs->starved)
        until = earlier(until, g_get_monotonic_time() + JOB_RETRY_MS * 1000);
    jobs->wakes = until;
    jobs_wait(jobs, &jobs->tick, until);
    jobs->wakes = -1; /* it is awake */
    if (jobs->starved)
        jobs_ensure_worker(jobs);
}

void *jobs_watchdog(void *data)
{
    struct jobs *jobs = data;
    pthread_setname_np(pthread_self(), "cloudfs-watch");
    jobs_lock(jobs);
    while (!jobs->stop) {
        expire(jobs);
        replace_hung(jobs);
        jobs_tell(jobs);
        jobs_reap(jobs);
        /* Something may have come up while the lock was not held. */
        int64_t next = next_deadline(jobs);
        if (jobs->stop || jobs->untold.length > 0 || jobs->ended->len > 0 ||
            (next != 0 && next <= g_get_monotonic_time()))
            continue;
        wait_for_tick(jobs);
    }
    jobs_unlock(jobs);
    return NULL;
}
