/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs that pass their deadline or hang delay nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "tests/unit/job_probe.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

static void test_deadline_queued(void **ctx)
{
    (void)ctx;
    struct jobs *jobs = new_jobs(4);
    struct lane *lane = lane_new(jobs, 1);
    struct probe first = {.hangs = true}, second = {.deadline_ms = 30}, third = {0};
    probe_submit(lane, &first);
    probe_submit(lane, &second);
    probe_submit(lane, &third);
    WAIT(second.frees);
    assert_told(&second, 0, ETIMEDOUT, 0);
    assert_int_equal(probe_get(&third.runs), 0);
    probe_set(&first.hangs, false);
    WAIT(third.frees);
    assert_told(&first, 1, 0, 0);
    assert_told(&third, 1, 0, 0);
    lane_close(lane);
    jobs_free(jobs, 1000);
}

static void test_deadline_running(void **ctx)
{
    (void)ctx;
    struct jobs *jobs = new_jobs(1);
    struct lane *lane = lane_new(jobs, 1), *other = lane_new(jobs, 1);
    struct probe hung = {.hangs = true, .deadline_ms = 300, .fails = EIO};
    struct probe behind = {.deadline_ms = 400}, last = {0}, elsewhere = {0};
    probe_submit(lane, &hung);
    probe_submit(lane, &behind);
    probe_submit(lane, &last);
    WAIT(hung.dones && behind.frees);
    probe_submit(other, &elsewhere);
    WAIT(elsewhere.frees); /* MAX_BUSY is 1, and the one is lost: replaced */
    assert_told(&elsewhere, 1, 0, 0);
    assert_told(&behind, 0, ETIMEDOUT, 0);
    wait_stats(jobs, 0, 1);
    assert_int_equal(probe_get(&hung.frees), 0);
    assert_int_equal(probe_get(&hung.lates), 0);
    assert_int_equal(probe_get(&last.runs), 0); /* the lost one keeps its place in the lane */
    probe_set(&hung.hangs, false);
    WAIT(hung.frees && last.frees);
    assert_told(&hung, 1, ETIMEDOUT, 1);
    assert_int_equal(hung.late_code, EIO);
    assert_told(&last, 1, 0, 0);
    wait_stats(jobs, 0, 0);
    lane_close(lane);
    lane_close(other);
    jobs_free(jobs, 1000);
}

static void test_bare_job(void **ctx)
{
    (void)ctx;
    struct jobs *jobs = new_jobs(2);
    struct lane *lane = lane_new(jobs, 1);
    struct probe hung = {.hangs = true, .deadline_ms = 300}, next = {0};
    struct job bare = {.run = probe_run, .data = &hung, .deadline_ms = 300};
    lane_submit(lane, &bare);
    wait_stats(jobs, 0, 1);
    probe_set(&hung.hangs, false);
    probe_submit(lane, &next);
    WAIT(next.frees);
    assert_int_equal(hung.dones + hung.lates + hung.frees, 0);
    lane_close(lane);
    jobs_free(jobs, 1000);
}

static double quick_jobs(struct jobs *jobs)
{
    struct lane *lane = lane_new(jobs, 2);
    struct probe quick[100] = {0};
    int64_t from = g_get_monotonic_time();
    for (int i = 0; i < 100; i++)
        probe_submit(lane, &quick[i]);
    for (int i = 0; i < 100; i++) {
        WAIT(quick[i].frees);
        assert_told(&quick[i], 1, 0, 0);
    }
    lane_close(lane);
    return (double)(g_get_monotonic_time() - from) / G_USEC_PER_SEC;
}

/* Four may be busy, fifty hang one after the other; the fifty-first lane notices nothing. */
static void test_hanging_lanes(void **ctx)
{
    (void)ctx;
    enum { LANES = 50, BUSY = 4 };
    struct jobs *jobs = new_jobs(BUSY);
    struct lane *lanes[LANES];
    struct probe hung[LANES] = {0}, behind[LANES] = {0};
    for (int i = 0; i < LANES; i++) {
        lanes[i] = lane_new(jobs, 1);
        if (i >= BUSY)
            WAIT(hung[i - BUSY].dones); /* or this one could time out in the queue */
        hung[i] = (struct probe){.hangs = true, .deadline_ms = 250};
        behind[i] = (struct probe){.deadline_ms = 1};
        probe_submit(lanes[i], &hung[i]);
        WAIT(hung[i].began);
        probe_submit(lanes[i], &behind[i]);
    }
    wait_stats(jobs, 0, LANES);
    double seconds = quick_jobs(jobs);
    print_message("100 quick jobs beside %d hanging hosts: %.3f s\n", LANES, seconds);
    assert_in_range(stats_of(jobs).workers, LANES, LANES + BUSY);
    for (int i = 0; i < LANES; i++)
        probe_set(&hung[i].hangs, false);
    for (int i = 0; i < LANES; i++) {
        WAIT(hung[i].frees && behind[i].frees);
        assert_told(&hung[i], 1, ETIMEDOUT, 1);
        assert_told(&behind[i], 0, ETIMEDOUT, 0);
        lane_close(lanes[i]);
    }
    jobs_free(jobs, 1000);
}

/* What hangs is replaced long before its deadline, but not without end. */
static void test_replaced(void **ctx)
{
    (void)ctx;
    enum { BUSY = 2, HUNG = 3, ALL = BUSY + HUNG };
    struct jobs *jobs = jobs_new(&(struct jobs_limits){.busy = BUSY, .hung = HUNG});
    jobs->slow_ms = 50;
    struct lane *lanes[ALL + 1];
    struct probe hung[ALL + 1] = {0}, quick = {0}, last = {0};
    for (int i = 0; i < ALL + 1; i++) {
        lanes[i] = lane_new(jobs, 1);
        hung[i] = (struct probe){.hangs = true, .deadline_ms = i == 0 ? 200 : 0};
    }
    struct lane *other = lane_new(jobs, 1);
    for (int i = 0; i < HUNG; i++) {
        probe_submit(lanes[i], &hung[i]);
        WAIT(hung[i].began);
    }
    probe_submit(other, &quick);
    WAIT(quick.frees && hung[0].dones); /* past its deadline is no more than hanging */
    for (int i = HUNG; i < ALL + 1; i++)
        probe_submit(lanes[i], &hung[i]);
    WAIT(hung[ALL - 1].began);
    probe_submit(other, &last);
    g_usleep(200000); /* the bound: neither of these two starts */
    assert_int_equal(stats_of(jobs).workers, ALL);
    assert_int_equal(probe_get(&hung[ALL].runs) + probe_get(&last.runs), 0);
    probe_set(&hung[1].hangs, false);
    WAIT(hung[ALL].began);
    probe_set(&hung[2].hangs, false);
    WAIT(last.frees);
    for (int i = 0; i < ALL + 1; i++) {
        probe_set(&hung[i].hangs, false);
        WAIT(hung[i].frees);
        lane_close(lanes[i]);
    }
    lane_close(other);
    jobs_free(jobs, 1000);
}

/* Any number of hosts that hang while they are connected to take nothing from the others. */
static void test_hanging_openings(void **ctx)
{
    (void)ctx;
    enum { LANES = 20, OPENING = 4 };
    struct jobs *jobs = jobs_new(&(struct jobs_limits){.busy = 1, .opening = OPENING});
    struct lane *lanes[LANES], *other = lane_new(jobs, 1);
    struct probe hung[LANES] = {0}, quick[50] = {0};
    for (int i = 0; i < LANES; i++) {
        lanes[i] = lane_new(jobs, 1);
        hung[i] = (struct probe){.hangs = true, .opens = true};
        probe_submit(lanes[i], &hung[i]);
    }
    WAIT(hung[OPENING - 1].began);
    for (int i = 0; i < 50; i++)
        probe_submit(other, &quick[i]);
    for (int i = 0; i < 50; i++)
        WAIT(quick[i].frees); /* with one place, and none that it could be replaced by */
    assert_int_equal(probe_get(&hung[OPENING].runs), 0);
    wait_stats(jobs, OPENING, 0);
    assert_in_range(stats_of(jobs).workers, OPENING, OPENING + 2); /* those that rest too */
    for (int i = 0; i < LANES; i++) {
        probe_set(&hung[i].hangs, false);
        WAIT(hung[i].frees);
        lane_close(lanes[i]);
    }
    lane_close(other);
    jobs_free(jobs, 1000);
}

/* Where opening hung the last time, the next try waits rather than take all the places. */
static void test_hanging_again(void **ctx)
{
    (void)ctx;
    enum { OPENING = 4 };
    struct jobs *jobs = jobs_new(&(struct jobs_limits){.busy = 1, .opening = OPENING});
    struct lane *lanes[OPENING], *fresh = lane_new(jobs, 1);
    struct probe first[OPENING] = {0}, again[OPENING] = {0}, good = {.opens = true};
    unsigned now = 0, most = 0;
    for (int i = 0; i < OPENING; i++) {
        lanes[i] = lane_new(jobs, 1);
        first[i] =
            (struct probe){.hangs = true, .opens = true, .deadline_ms = 300, .fails = ETIMEDOUT};
        again[i] = (struct probe){.hangs = true, .opens = true, .now = &now, .most = &most};
        probe_submit(lanes[i], &first[i]);
        probe_submit(lanes[i], &again[i]);
    }
    for (int i = 0; i < OPENING; i++)
        WAIT(first[i].dones);
    probe_submit(fresh, &good);
    g_usleep(50000);
    assert_int_equal(probe_get(&good.runs), 0); /* they hold their places until they return */
    for (int i = 0; i < OPENING; i++)
        probe_set(&first[i].hangs, false);
    WAIT(good.frees);
    WAIT(now == OPENING / 2); /* until then, what is busy may be the first ones */
    wait_stats(jobs, OPENING / 2, 0);
    for (int i = 0; i < OPENING; i++)
        probe_set(&again[i].hangs, false);
    for (int i = 0; i < OPENING; i++) {
        WAIT(again[i].frees);
        assert_told(&first[i], 1, ETIMEDOUT, 1);
        assert_told(&again[i], 1, 0, 0);
        lane_close(lanes[i]);
    }
    assert_int_equal(probe_get(&most), OPENING / 2);
    lane_close(fresh);
    jobs_free(jobs, 1000);
}

/* Whose turn has not come, as others hold all the places, has not failed; once begun, time runs. */
static void test_deadline_opening(void **ctx)
{
    (void)ctx;
    enum { OPENING = 2, DEADLINE_MS = 200 };
    struct jobs *jobs = jobs_new(&(struct jobs_limits){.busy = 1, .opening = OPENING});
    struct lane *lanes[OPENING], *lane = lane_new(jobs, 1);
    struct probe slow[OPENING] = {0};
    struct probe waits = {.hangs = true, .opens = true, .deadline_ms = DEADLINE_MS};
    struct probe behind = {.deadline_ms = 1}, also = {.opens = true, .deadline_ms = DEADLINE_MS};
    for (int i = 0; i < OPENING; i++) {
        lanes[i] = lane_new(jobs, 1);
        slow[i] = (struct probe){.hangs = true, .opens = true};
        probe_submit(lanes[i], &slow[i]);
        WAIT(slow[i].began);
    }
    probe_submit(lane, &waits);
    probe_submit(lane, &behind);
    probe_submit(lane, &also);
    WAIT(behind.frees);
    g_usleep(2 * DEADLINE_MS * 1000);
    assert_int_equal(probe_get(&waits.dones), 0);
    assert_int_equal(probe_get(&waits.runs), 0);
    for (int i = 0; i < OPENING; i++)
        probe_set(&slow[i].hangs, false);
    WAIT(waits.began && waits.dones);
    assert_int_equal(waits.code, ETIMEDOUT);
    probe_set(&waits.hangs, false);
    WAIT(waits.frees && also.frees);
    assert_told(&waits, 1, ETIMEDOUT, 1);
    assert_told(&behind, 0, ETIMEDOUT, 0);
    assert_told(&also, 0, ETIMEDOUT, 0); /* it waited for its own host, not for others */
    for (int i = 0; i < OPENING; i++)
        lane_close(lanes[i]);
    lane_close(lane);
    jobs_free(jobs, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadline_queued), cmocka_unit_test(test_deadline_running),
        cmocka_unit_test(test_bare_job),        cmocka_unit_test(test_hanging_lanes),
        cmocka_unit_test(test_replaced),        cmocka_unit_test(test_hanging_openings),
        cmocka_unit_test(test_hanging_again),   cmocka_unit_test(test_deadline_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
