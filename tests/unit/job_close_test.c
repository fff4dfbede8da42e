/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of lanes and of all jobs, with what is queued, runs or hangs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "tests/unit/job_probe.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

static void test_close(void **ctx)
{
    (void)ctx;
    struct jobs *jobs = new_jobs(4);
    struct lane *lane = lane_new(jobs, 2);
    struct probe running = {.hangs = true, .fails = EBUSY};
    struct probe lost = {.hangs = true, .deadline_ms = 300};
    struct probe queued[3] = {{.deadline_ms = 60000}, {0}, {0}}, more = {0};
    running.again = lane; /* done() finds the lane closed, but not gone */
    running.next = &more;
    probe_submit(lane, &running);
    probe_submit(lane, &lost);
    WAIT(running.began && lost.dones);
    for (int i = 0; i < 3; i++)
        probe_submit(lane, &queued[i]);
    lane_close(lane);
    for (int i = 0; i < 3; i++) {
        WAIT(queued[i].frees);
        assert_told(&queued[i], 0, ECANCELED, 0);
    }
    assert_int_equal(probe_get(&running.dones), 0);
    probe_set(&running.hangs, false);
    WAIT(running.frees && more.frees);
    assert_told(&running, 1, EBUSY, 0);
    assert_told(&more, 0, ECANCELED, 0);
    probe_set(&lost.hangs, false);
    WAIT(lost.frees);
    assert_told(&lost, 1, ETIMEDOUT, 1);
    jobs_free(jobs, 1000);
}

/* The caller's own lock, held across lane_submit() and lane_close(), is not in the way. */
static void test_no_callback_inside(void **ctx)
{
    (void)ctx;
    struct jobs *jobs = new_jobs(1);
    struct lane *lane = lane_new(jobs, 1);
    struct probe probes[20] = {0};
    pthread_mutex_lock(&probe_mutex);
    for (int i = 0; i < 20; i++)
        probe_submit(lane, &probes[i]);
    lane_close(lane);
    pthread_mutex_unlock(&probe_mutex);
    for (int i = 0; i < 20; i++)
        WAIT(probes[i].frees);
    jobs_free(jobs, 1000);
}

static void test_free_waits(void **ctx)
{
    (void)ctx;
    struct jobs *jobs = new_jobs(4);
    struct lane *lane = lane_new(jobs, 1), *other = lane_new(jobs, 1);
    struct probe slow = {.fails = EIO}, queued = {0}, again = {0};
    queued.again = other; /* tries the next host, as an owner might */
    queued.next = &again;
    pthread_mutex_lock(&probe_mutex);
    probe_submit(lane, &slow);
    probe_submit(lane, &queued);
    pthread_mutex_unlock(&probe_mutex);
    jobs_free(jobs, 60000);
    assert_told(&slow, slow.runs, slow.runs ? EIO : ECANCELED, 0);
    assert_told(&queued, queued.runs, queued.runs ? 0 : ECANCELED, 0);
    assert_told(&again, again.runs, again.runs ? 0 : ECANCELED, 0);
}

static void look_slow(struct probe *probe)
{
    (void)probe;
    g_usleep(100000);
}

static void test_free_grace(void **ctx)
{
    (void)ctx;
    struct jobs *jobs = new_jobs(4);
    struct lane *lane = lane_new(jobs, 1);
    struct probe slow = {.look = look_slow}, queued = {0};
    probe_submit(lane, &slow);
    probe_submit(lane, &queued);
    WAIT(slow.began);
    jobs_free(jobs, 60000);
    assert_told(&slow, 1, 0, 0);
    assert_told(&queued, 0, ECANCELED, 0);
}

/* After jobs_free() has returned nothing is called for those that hung, whenever they return. */
static void test_free_hanging(void **ctx)
{
    (void)ctx;
    struct jobs *jobs = new_jobs(4);
    struct lane *lane = lane_new(jobs, 2), *closed = lane_new(jobs, 1);
    struct probe hung = {.hangs = true}, lost = {.hangs = true, .deadline_ms = 300};
    struct probe other = {.hangs = true, .deadline_ms = 60000}, queued = {.deadline_ms = 60000};
    probe_submit(lane, &hung);
    probe_submit(lane, &lost);
    probe_submit(lane, &queued);
    probe_submit(closed, &other);
    WAIT(hung.began && lost.dones && other.began);
    lane_close(closed);
    jobs_free(jobs, 50);
    assert_told(&queued, 0, ECANCELED, 0);
    assert_int_equal(probe_get(&hung.dones), 1);
    assert_int_equal(hung.code, ECANCELED);
    assert_int_equal(other.code, ECANCELED);
    assert_int_equal(lost.code, ETIMEDOUT);
    probe_set(&hung.hangs, false);
    probe_set(&lost.hangs, false);
    probe_set(&other.hangs, false);
    WAIT(hung.ended && lost.ended && other.ended);
    g_usleep(50000);
    pthread_mutex_lock(&probe_mutex);
    assert_int_equal(hung.dones + lost.dones + other.dones, 3);
    assert_int_equal(hung.lates + lost.lates + other.lates, 0);
    assert_int_equal(hung.frees + lost.frees + other.frees, 0);
    pthread_mutex_unlock(&probe_mutex);
}

static void run_held(void *data, GError **error)
{
    probe_run(*(struct probe **)data, error);
}

/* What a hanging job holds is not lost when it returns: LeakSanitizer would say so at the end. */
static void test_free_keeps(void **ctx)
{
    (void)ctx;
    static struct probe hung;
    struct jobs *jobs = new_jobs(4);
    struct lane *lane = lane_new(jobs, 1);
    struct probe **held = g_new(struct probe *, 1);
    *held = &hung;
    hung.hangs = true;
    lane_submit(lane, &(struct job){.run = run_held, .data = held, .free = g_free});
    WAIT(hung.began);
    jobs_free(jobs, 0);
    probe_set(&hung.hangs, false);
    WAIT(hung.ended);
    g_usleep(50000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close),        cmocka_unit_test(test_no_callback_inside),
        cmocka_unit_test(test_free_waits),   cmocka_unit_test(test_free_grace),
        cmocka_unit_test(test_free_hanging), cmocka_unit_test(test_free_keeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
