/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs: errors, order, width, threads, and many of them. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include "tests/unit/job_probe.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

static void test_errors(void **ctx)
{
    (void)ctx;
    struct jobs *jobs = new_jobs(4);
    struct lane *lane = lane_new(jobs, 1);
    struct probe bad = {.fails = EHOSTDOWN, .deadline_ms = 60000}, good = {0};
    probe_submit(lane, &bad);
    probe_submit(lane, &good);
    WAIT(bad.frees && good.frees);
    assert_told(&bad, 1, EHOSTDOWN, 0);
    assert_told(&good, 1, 0, 0);
    lane_close(lane);
    lane_close(NULL);
    jobs_free(jobs, 1000);
    jobs_free(NULL, 0);
}

static void test_order(void **ctx)
{
    (void)ctx;
    enum { N = 1000 };
    struct jobs *jobs = new_jobs(8);
    struct lane *lane = lane_new(jobs, 1);
    unsigned now = 0, most = 0;
    g_autofree struct probe *probes = g_new0(struct probe, N);
    for (int i = 0; i < N; i++) {
        probes[i].now = &now;
        probes[i].most = &most;
        probe_submit(lane, &probes[i]);
    }
    WAIT(probes[N - 1].frees);
    for (int i = 0; i < N; i++) {
        assert_told(&probes[i], 1, 0, 0);
        assert_true(i == 0 || probes[i].order == probes[i - 1].order + 1);
    }
    assert_int_equal(most, 1);
    lane_close(lane);
    jobs_free(jobs, 1000);
}

/* Lanes of width WIDTH with hanging jobs: RUN of them run at a time, and all in the end. */
static void try_width(unsigned max_busy, unsigned lanes, unsigned width, unsigned most_at_once)
{
    enum { N = 30 };
    struct jobs *jobs = new_jobs(max_busy);
    struct lane *lane[8];
    struct probe probes[N] = {0};
    unsigned now = 0, most = 0;
    for (unsigned i = 0; i < lanes; i++)
        lane[i] = lane_new(jobs, width);
    for (int i = 0; i < N; i++) {
        probes[i] = (struct probe){.hangs = true, .now = &now, .most = &most};
        probe_submit(lane[(unsigned)i % lanes], &probes[i]);
    }
    WAIT(now == most_at_once);
    g_usleep(20000);
    assert_int_equal(stats_of(jobs).busy, most_at_once);
    for (int i = 0; i < N; i++)
        probe_set(&probes[i].hangs, false);
    for (int i = 0; i < N; i++)
        WAIT(probes[i].frees);
    assert_int_equal(probe_get(&most), most_at_once);
    for (unsigned i = 0; i < lanes; i++)
        lane_close(lane[i]);
    jobs_free(jobs, 1000);
}

static void test_width(void **ctx)
{
    (void)ctx;
    try_width(16, 1, 3, 3);
    try_width(16, 4, 2, 8);
    try_width(3, 5, 2, 3); /* MAX_BUSY is less than the lanes could take */
    try_width(0, 2, 0, 1);
}

static void look_around(struct probe *probe)
{
    (void)probe;
    pthread_attr_t attr;
    size_t size = 0;
    sigset_t blocked;
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstacksize(&attr, &size);
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    pthread_mutex_lock(&probe_mutex);
    probe->late_code = (int)(size / 1024);
    probe->overlaps |= !sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGCHLD);
    pthread_mutex_unlock(&probe_mutex);
}

static void test_threads(void **ctx)
{
    (void)ctx;
    struct jobs *jobs = new_jobs(4);
    jobs->idle_ms = 20;
    struct lane *lane = lane_new(jobs, 4);
    struct probe probe = {.look = look_around}, again = {0};
    probe_submit(lane, &probe);
    WAIT(probe.frees);
    assert_told(&probe, 1, 0, 0);
    assert_in_range(probe.late_code, 200, 320);
    for (int i = 0; i < PATIENCE * 100 && stats_of(jobs).workers > 0; i++)
        g_usleep(10000);
    assert_int_equal(stats_of(jobs).workers, 0);
    probe_submit(lane, &again);
    WAIT(again.frees);
    lane_close(lane);
    jobs_free(jobs, 1000);
}

/* A job now and then keeps one worker, not all those that a burst has left. */
static void test_surplus_ends(void **ctx)
{
    (void)ctx;
    enum { BURST = 8, ROUNDS = PATIENCE * 100 };
    struct jobs *jobs = new_jobs(BURST);
    jobs->idle_ms = 200;
    struct lane *lane = lane_new(jobs, BURST);
    struct probe burst[BURST] = {0};
    for (int i = 0; i < BURST; i++) {
        burst[i].hangs = true;
        probe_submit(lane, &burst[i]);
    }
    for (int i = 0; i < BURST; i++)
        WAIT(burst[i].began);
    assert_int_equal(stats_of(jobs).workers, BURST);
    for (int i = 0; i < BURST; i++)
        probe_set(&burst[i].hangs, false);
    for (int i = 0; i < BURST; i++)
        WAIT(burst[i].frees);
    for (int i = 0; i < ROUNDS && stats_of(jobs).workers > 1; i++) {
        struct probe now_and_then = {0};
        probe_submit(lane, &now_and_then);
        WAIT(now_and_then.frees);
        g_usleep(10000);
    }
    assert_int_equal(stats_of(jobs).workers, 1);
    lane_close(lane);
    jobs_free(jobs, 1000);
}

/* Each connection has a thread of its own, which leaves nothing in malloc's caches; also where no
 * more may be opened until it has ended. */
static void test_opener_ends(void **ctx)
{
    (void)ctx;
    enum { OPENERS = 5 };
    struct jobs *jobs = new_jobs(1);
    jobs->idle_ms = 10 * PATIENCE * 1000;
    struct probe probes[OPENERS] = {0};
    struct lane *lanes[OPENERS];
    for (int i = 0; i < OPENERS; i++) {
        lanes[i] = lane_new(jobs, 1);
        probes[i].opens = true;
        probe_submit(lanes[i], &probes[i]);
    }
    for (int i = 0; i < OPENERS; i++)
        WAIT(probes[i].frees);
    for (int i = 0; i < PATIENCE * 100 && stats_of(jobs).workers > 0; i++)
        g_usleep(10000);
    assert_int_equal(stats_of(jobs).workers, 0);
    for (int i = 0; i < OPENERS; i++)
        lane_close(lanes[i]);
    jobs_free(jobs, 1000);
}

static unsigned tiny_runs, tiny_dones, tiny_frees; /* atomics */

static void tiny_run(void *data, GError **error)
{
    (void)data;
    (void)error;
    __atomic_fetch_add(&tiny_runs, 1, __ATOMIC_RELAXED);
}

static void tiny_done(void *data, const GError *error)
{
    (void)data;
    __atomic_fetch_add(&tiny_dones, error == NULL, __ATOMIC_RELAXED);
}

static void tiny_free(void *data)
{
    (void)data;
    __atomic_fetch_add(&tiny_frees, 1, __ATOMIC_RELEASE);
}

static void test_tiny_jobs(void **ctx)
{
    (void)ctx;
    enum { N = 100000, LANES = 100 };
    struct jobs *jobs = new_jobs(16);
    struct lane *lanes[LANES];
    for (int i = 0; i < LANES; i++)
        lanes[i] = lane_new(jobs, 2);
    struct job job = {.run = tiny_run, .done = tiny_done, .free = tiny_free};
    int64_t from = g_get_monotonic_time();
    for (unsigned i = 0; i < N; i++) {
        job.deadline_ms = 600000 - i;
        lane_submit(lanes[i * 7 % LANES], &job);
    }
    while (__atomic_load_n(&tiny_frees, __ATOMIC_ACQUIRE) < N)
        g_usleep(1000);
    print_message("%d tiny jobs: %.3f s\n", N,
                  (double)(g_get_monotonic_time() - from) / G_USEC_PER_SEC);
    assert_int_equal(tiny_runs, N);
    assert_int_equal(tiny_dones, N);
    for (int i = 0; i < LANES; i++)
        lane_close(lanes[i]);
    jobs_free(jobs, 10000);
    assert_int_equal(tiny_frees, N);
}

static void look_short(struct probe *probe)
{
    g_usleep(500 + probe->order * 37 % 1000);
}

/* Runs that end about when their deadline comes, on lanes that close about then too. */
static void test_races(void **ctx)
{
    (void)ctx;
    enum { N = 2000, EACH = 50 };
    struct jobs *jobs = new_jobs(8);
    g_autofree struct probe *probes = g_new0(struct probe, N);
    for (int i = 0; i < N; i += EACH) {
        struct lane *lane = lane_new(jobs, 4);
        for (int k = i; k < i + EACH; k++) {
            probes[k] = (struct probe){.look = look_short, .deadline_ms = 1 + (unsigned)k % 7};
            probe_submit(lane, &probes[k]);
        }
        g_usleep(3000);
        lane_close(lane);
    }
    jobs_free(jobs, 60000);
    unsigned in_time = 0, timed_out = 0, canceled = 0, lates = 0;
    for (int i = 0; i < N; i++) {
        bool failed = probes[i].code != 0;
        assert_told(&probes[i], probes[i].runs, probes[i].code, failed && probes[i].runs);
        in_time += !failed;
        timed_out += probes[i].code == ETIMEDOUT;
        canceled += probes[i].code == ECANCELED;
        lates += probes[i].lates;
    }
    assert_int_equal(in_time + timed_out + canceled, N);
    print_message("%u in time, %u timed out, %u canceled, %u late\n", in_time, timed_out, canceled,
                  lates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),       cmocka_unit_test(test_order),
        cmocka_unit_test(test_width),        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_surplus_ends), cmocka_unit_test(test_opener_ends),
        cmocka_unit_test(test_tiny_jobs),    cmocka_unit_test(test_races),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
