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
    } else {
        g_queue_unlink(&lane->queue, &task->link);
        lane_update(lane);
    }
    g_queue_push_tail_link(&jobs->untold, &task->untold_link);
    pthread_cond_signal(&jobs->tick);
    jobs_ensure_worker(jobs); /* in the place of a lost one */
}

static GError *outcome(int code, bool started, unsigned deadline_ms)
{
    if (code == ECANCELED)
        return g_error_new(CLOUDFS_ERROR, code, "canceled: its host is no longer in use");
    return g_error_new(CLOUDFS_ERROR, code, "%s within %g seconds",
                       started ? "no answer" : "its turn did not come", deadline_ms / 1000.0);
}

static void tell_one(struct jobs *jobs, struct task *task) REQUIRES(jobs_token)
{
    const struct job *job = &task->job;
    bool started = task->started;
    g_autoptr(GError) error = outcome(task->code, started, job->deadline_ms);
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

static void wait_for_tick(struct jobs *jobs) REQUIRES(jobs_token)
{
    int64_t until = next_deadline(jobs);
    int64_t retry = g_get_monotonic_time() + JOB_RETRY_MS * 1000;
    if (jobs->starved && (until == 0 || retry < until))
        until = retry;
    jobs_wait(jobs, &jobs->tick, until);
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
