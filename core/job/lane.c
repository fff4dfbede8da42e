/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lanes: queues with a width. */
#include "core/job/internal.h"

struct lane *lane_new(struct jobs *jobs, unsigned width)
{
    struct lane *lane = g_new0(struct lane, 1);
    lane->jobs = jobs;
    lane->width = MAX(width, 1);
    jobs_lock(jobs);
    lane->refs = 1;
    lane->owned = true;
    lane->closed = jobs->closing;
    lane->ready = READY_NOT;
    lane->link.data = lane;
    lane->ready_link.data = lane;
    g_queue_push_tail_link(&jobs->lanes, &lane->link);
    jobs_unlock(jobs);
    return lane;
}

static void lane_unref(struct lane *lane) REQUIRES(jobs_token)
{
    if (--lane->refs == 0)
        g_free(lane);
}

static int by_deadline(const void *a, const void *b, void *data) REQUIRES(jobs_token)
{
    (void)data;
    int64_t one = ((const struct task *)a)->deadline, other = ((const struct task *)b)->deadline;
    return (one > other) - (one < other);
}

void task_start_timer(struct task *task)
{
    struct jobs *jobs = task->lane->jobs;
    if (task->job.deadline_ms == 0)
        return;
    task->deadline = g_get_monotonic_time() + (int64_t)task->job.deadline_ms * 1000;
    task->timer = g_sequence_insert_sorted(jobs->timers, task, by_deadline, NULL);
    if (jobs->wakes == 0 || task->deadline < jobs->wakes)
        pthread_cond_signal(&jobs->tick);
}

static void stop_timer(struct task *task) REQUIRES(jobs_token)
{
    g_clear_pointer(&task->timer, g_sequence_remove);
}

static enum ready next_of(const struct lane *lane) REQUIRES(jobs_token)
{
    if (lane->queue.length == 0 || lane->running >= lane->width)
        return READY_NOT;
    const struct task *task = lane->queue.head->data;
    if (!task->job.opens)
        return READY_WORK;
    return lane->hung ? READY_AGAIN : READY_OPENING;
}

void lane_update(struct lane *lane)
{
    struct jobs *jobs = lane->jobs;
    enum ready ready = next_of(lane);
    if (ready == lane->ready)
        return;
    if (lane->ready != READY_NOT)
        g_queue_unlink(&jobs->ready[lane->ready], &lane->ready_link);
    lane->ready = ready;
    if (ready == READY_NOT)
        return;
    g_queue_push_tail_link(&jobs->ready[ready], &lane->ready_link);
    if (ready != READY_WORK)
        stop_timer(lane->queue.head->data); /* it waits for other hosts from now on */
}

void lane_close_locked(struct lane *lane)
{
    GList *first;
    lane->closed = true;
    while ((first = g_queue_peek_head_link(&lane->queue)))
        jobs_tell_later(lane->jobs, first->data, ECANCELED);
}

void lane_disown(struct lane *lane)
{
    lane->owned = false;
    g_queue_unlink(&lane->jobs->lanes, &lane->link);
    lane_unref(lane);
}

void lane_close(struct lane *lane)
{
    if (!lane)
        return;
    struct jobs *jobs = lane->jobs;
    jobs_lock(jobs);
    if (lane->owned) {
        lane_close_locked(lane);
        lane_disown(lane);
    }
    jobs_unlock(jobs);
}

static void enqueue(struct lane *lane, struct task *task) REQUIRES(jobs_token)
{
    lane->refs++;
    task->link.data = task;
    task->untold_link.data = task;
    g_queue_push_tail_link(&lane->queue, &task->link);
    if (lane->closed) {
        jobs_tell_later(lane->jobs, task, ECANCELED);
        return;
    }
    task_start_timer(task);
    lane_update(lane);
    jobs_ensure_worker(lane->jobs);
}

void lane_submit(struct lane *lane, const struct job *job)
{
    struct jobs *jobs = lane->jobs;
    struct task *task = g_new0(struct task, 1);
    task->job = *job;
    task->lane = lane;
    jobs_lock(jobs);
    enqueue(lane, task);
    jobs_unlock(jobs);
}

void task_claim(struct task *task)
{
    task->told = true;
    stop_timer(task);
}

void task_end(struct task *task)
{
    struct lane *lane = task->lane;
    struct jobs *jobs = lane->jobs;
    if (task->started) {
        g_queue_unlink(task->under, &task->link);
        lane->running--;
        lane->lost -= task->lost;
        jobs->lost -= task->lost;
        jobs->again -= task->again;
        lane_update(lane);
        jobs_ensure_worker(jobs);
    }
    lane_unref(lane);
    g_free(task);
    pthread_cond_broadcast(&jobs->changed);
}
