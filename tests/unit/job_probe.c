/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/job_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

pthread_mutex_t probe_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t probe_changed = PTHREAD_COND_INITIALIZER;
static unsigned starts;

void probe_set(bool *flag, bool value)
{
    pthread_mutex_lock(&probe_mutex);
    *flag = value;
    pthread_cond_broadcast(&probe_changed);
    pthread_mutex_unlock(&probe_mutex);
}

bool probe_wait(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE;
    return pthread_cond_timedwait(&probe_changed, &probe_mutex, &until) == 0;
}

unsigned probe_get(const unsigned *field)
{
    pthread_mutex_lock(&probe_mutex);
    unsigned value = *field;
    pthread_mutex_unlock(&probe_mutex);
    return value;
}

void probe_run(void *data, GError **error)
{
    struct probe *probe = data;
    pthread_mutex_lock(&probe_mutex);
    probe->order = ++starts;
    probe->runs++;
    probe->began = true;
    if (probe->now && ++*probe->now > *probe->most)
        *probe->most = *probe->now;
    pthread_cond_broadcast(&probe_changed);
    while (probe->hangs)
        pthread_cond_wait(&probe_changed, &probe_mutex);
    int fails = probe->fails;
    void (*look)(struct probe *) = probe->look;
    pthread_mutex_unlock(&probe_mutex);
    if (look)
        look(probe);
    if (fails)
        g_set_error(error, CLOUDFS_ERROR, fails, "as ordered");
    pthread_mutex_lock(&probe_mutex);
    if (probe->now)
        --*probe->now;
    probe->ended = true;
    pthread_cond_broadcast(&probe_changed);
    pthread_mutex_unlock(&probe_mutex);
}

static struct job job_of(struct probe *probe);

static void done(void *data, const GError *error)
{
    struct probe *probe = data;
    struct job next = {0};
    pthread_mutex_lock(&probe_mutex);
    probe->overlaps |= probe->lates || probe->frees;
    probe->dones++;
    probe->code = error ? error->code : 0;
    struct lane *again = probe->again;
    if (again)
        next = job_of(probe->next);
    pthread_cond_broadcast(&probe_changed);
    pthread_mutex_unlock(&probe_mutex);
    if (again)
        lane_submit(again, &next);
}

static void late(void *data, const GError *error)
{
    struct probe *probe = data;
    pthread_mutex_lock(&probe_mutex);
    probe->overlaps |= !probe->dones || probe->frees || !probe->ended;
    probe->lates++;
    probe->late_code = error ? error->code : 0;
    pthread_cond_broadcast(&probe_changed);
    pthread_mutex_unlock(&probe_mutex);
}

static void release(void *data)
{
    struct probe *probe = data;
    pthread_mutex_lock(&probe_mutex);
    probe->overlaps |= !probe->dones || (probe->began && !probe->ended);
    probe->frees++;
    pthread_cond_broadcast(&probe_changed);
    pthread_mutex_unlock(&probe_mutex);
}

static struct job job_of(struct probe *probe)
{
    return (struct job){.run = probe_run,
                        .done = done,
                        .late = late,
                        .free = release,
                        .data = probe,
                        .deadline_ms = probe->deadline_ms,
                        .opens = probe->opens};
}

void probe_submit(struct lane *lane, struct probe *probe)
{
    struct job job = job_of(probe);
    lane_submit(lane, &job);
}

void assert_told(const struct probe *probe, unsigned runs, int code, unsigned lates)
{
    pthread_mutex_lock(&probe_mutex);
    struct probe seen = *probe;
    pthread_mutex_unlock(&probe_mutex);
    assert_int_equal(seen.runs, runs);
    assert_int_equal(seen.dones, 1);
    assert_int_equal(seen.code, code);
    assert_int_equal(seen.lates, lates);
    assert_int_equal(seen.frees, 1);
    assert_false(seen.overlaps);
}

struct jobs_stats stats_of(struct jobs *jobs)
{
    struct jobs_stats stats;
    jobs_stats(jobs, &stats);
    return stats;
}

void wait_stats(struct jobs *jobs, unsigned busy, unsigned lost)
{
    int64_t until = g_get_monotonic_time() + PATIENCE * G_USEC_PER_SEC;
    struct jobs_stats stats;
    do {
        stats = stats_of(jobs);
        if (stats.busy == busy && stats.lost == lost)
            return;
        g_usleep(1000);
    } while (g_get_monotonic_time() < until);
    fail_msg("busy %u, lost %u; not %u, %u", stats.busy, stats.lost, busy, lost);
}

struct jobs *new_jobs(unsigned busy)
{
    return jobs_new(&(struct jobs_limits){.busy = busy, .hung = 60, .opening = 4});
}
