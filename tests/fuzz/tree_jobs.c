/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/job without threads: a job runs when the world says so, whole. */
#include "tests/fuzz/tree_jobs.h"

#include <errno.h>

#include "core/error.h"
#include "core/job/job.h"

struct task {
    struct job job;
    int64_t deadline; /* monotonic microseconds; 0: none */
};

struct lane {
    struct jobs *jobs;
    GQueue tasks; /* of struct task * */
    bool owned;
};

struct jobs {
    GPtrArray *lanes;
    unsigned queued;
};

static void lane_free(void *data)
{
    struct lane *lane = data;

    g_queue_clear_full(&lane->tasks, g_free);
    g_free(lane);
}

struct jobs *jobs_new(const struct jobs_limits *limits)
{
    struct jobs *jobs = g_new0(struct jobs, 1);

    (void)limits;
    jobs->lanes = g_ptr_array_new_with_free_func(lane_free);
    return jobs;
}

struct lane *lane_new(struct jobs *jobs, unsigned width)
{
    struct lane *lane = g_new0(struct lane, 1);

    (void)width;
    lane->jobs = jobs;
    lane->owned = true;
    g_queue_init(&lane->tasks);
    g_ptr_array_add(jobs->lanes, lane);
    return lane;
}

void lane_submit(struct lane *lane, const struct job *job)
{
    struct task *task = g_new0(struct task, 1);

    task->job = *job;
    if (job->deadline_ms)
        task->deadline = g_get_monotonic_time() + (int64_t)job->deadline_ms * 1000;
    g_queue_push_tail(&lane->tasks, task);
    lane->jobs->queued++;
}

static struct task *take(struct lane *lane)
{
    lane->jobs->queued--;
    return g_queue_pop_head(&lane->tasks);
}

static void tell(struct task *task, const GError *error)
{
    if (task->job.done)
        task->job.done(task->job.data, error);
    if (task->job.free)
        task->job.free(task->job.data);
    g_free(task);
}

static void refuse(struct task *task, int code)
{
    g_autoptr(GError) error = g_error_new(CLOUDFS_ERROR, code, "%s", g_strerror(code));

    tell(task, error);
}

/* In time, or too late: its outcome is then told as an afterthought. */
static void run(struct task *task)
{
    g_autoptr(GError) error = NULL, late = NULL;

    if (!task->deadline || g_get_monotonic_time() < task->deadline) {
        task->job.run(task->job.data, &error);
        tell(task, error);
        return;
    }
    error = g_error_new(CLOUDFS_ERROR, ETIMEDOUT, "no answer");
    if (task->job.done)
        task->job.done(task->job.data, error);
    task->job.run(task->job.data, &late);
    task->job.done = task->job.late;
    tell(task, late);
}

bool jobs_step(struct jobs *jobs, unsigned choice)
{
    struct lane *lane;

    if (!jobs->queued)
        return false;
    do
        lane = jobs->lanes->pdata[choice++ % jobs->lanes->len];
    while (g_queue_is_empty(&lane->tasks));
    if (lane->owned)
        run(take(lane));
    else
        refuse(take(lane), ECANCELED);
    if (!lane->owned && g_queue_is_empty(&lane->tasks))
        g_ptr_array_remove(jobs->lanes, lane);
    return true;
}

/* What is queued is told by the next steps, as nothing may be told from within. */
void lane_close(struct lane *lane)
{
    if (!lane)
        return;
    lane->owned = false;
    if (g_queue_is_empty(&lane->tasks))
        g_ptr_array_remove(lane->jobs->lanes, lane);
}

void jobs_free(struct jobs *jobs, unsigned grace_ms)
{
    (void)grace_ms;
    for (unsigned i = 0; i < jobs->lanes->len; i++) {
        struct lane *lane = jobs->lanes->pdata[i];

        while (!g_queue_is_empty(&lane->tasks))
            refuse(take(lane), ECANCELED);
    }
    g_ptr_array_unref(jobs->lanes);
    g_free(jobs);
}
