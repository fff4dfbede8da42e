/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs: order, width, deadlines, and that what hangs delays nobody else. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "core/job/internal.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

/* pthread's, not GLib's: the thread sanitizer does not see into GLib's. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

enum { PATIENCE = 60 }; /* seconds; under valgrind things take their time */

/* What happened to a job. All fields under `mutex`. */
struct probe {
    struct jobs *jobs;
    struct lane *again; /* where done() submits `next` to */
    struct probe *next;
    unsigned deadline_ms;
    bool opens;
    bool hangs; /* run() waits until this is false */
    bool began, ended;
    int fails;      /* errno of the run */
    unsigned order; /* of its start */
    unsigned runs, dones, lates, frees;
    int code, late_code;  /* what done() and late() were told; 0: success */
    bool overlaps;        /* a callback came out of its turn */
    unsigned *now, *most; /* how many run at a time */
    void (*look)(struct probe *probe);
};

static unsigned starts;

static void set(bool *flag, bool value)
{
    pthread_mutex_lock(&mutex);
    *flag = value;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static bool wait_locked(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE;
    return pthread_cond_timedwait(&changed, &mutex, &until) == 0;
}

/* Until EXPR, which reads what `mutex` guards, holds. */
#define WAIT(expr)                                                                                 \
    do {                                                                                           \
        pthread_mutex_lock(&mutex);                                                                \
        bool there = true;                                                                         \
        while (there && !(expr))                                                                   \
            there = wait_locked();                                                                 \
        pthread_mutex_unlock(&mutex);                                                              \
        if (!there)                                                                                \
            fail_msg("waited in vain for %s", #expr);                                              \
    } while (0)

/* The value of EXPR, which reads what `mutex` guards. */
static unsigned get(const unsigned *field)
{
    pthread_mutex_lock(&mutex);
    unsigned value = *field;
    pthread_mutex_unlock(&mutex);
    return value;
}

static void run(void *data, GError **error)
{
    struct probe *probe = data;
    pthread_mutex_lock(&mutex);
    probe->order = ++starts;
    probe->runs++;
    probe->began = true;
    if (probe->now && ++*probe->now > *probe->most)
        *probe->most = *probe->now;
    pthread_cond_broadcast(&changed);
    while (probe->hangs)
        pthread_cond_wait(&changed, &mutex);
    int fails = probe->fails;
    void (*look)(struct probe *) = probe->look;
    pthread_mutex_unlock(&mutex);
    if (look)
        look(probe);
    if (fails)
        g_set_error(error, CLOUDFS_ERROR, fails, "as ordered");
    pthread_mutex_lock(&mutex);
    if (probe->now)
        --*probe->now;
    probe->ended = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static struct job job_of(struct probe *probe);

static void done(void *data, const GError *error)
{
    struct probe *probe = data;
    struct job next = {0};
    pthread_mutex_lock(&mutex);
    probe->overlaps |= probe->lates || probe->frees;
    probe->dones++;
    probe->code = error ? error->code : 0;
    struct lane *again = probe->again;
    if (again)
        next = job_of(probe->next);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    if (again)
        lane_submit(again, &next);
}

static void late(void *data, const GError *error)
{
    struct probe *probe = data;
    pthread_mutex_lock(&mutex);
    probe->overlaps |= !probe->dones || probe->frees || !probe->ended;
    probe->lates++;
    probe->late_code = error ? error->code : 0;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static void release(void *data)
{
    struct probe *probe = data;
    pthread_mutex_lock(&mutex);
    probe->overlaps |= !probe->dones || (probe->began && !probe->ended);
    probe->frees++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static struct job job_of(struct probe *probe)
{
    return (struct job){.run = run,
                        .done = done,
                        .late = late,
                        .free = release,
                        .data = probe,
                        .deadline_ms = probe->deadline_ms,
                        .opens = probe->opens};
}

static void submit(struct lane *lane, struct probe *probe)
{
    struct job job = job_of(probe);
    lane_submit(lane, &job);
}

static void assert_told(const struct probe *probe, unsigned runs, int code, unsigned lates)
{
    pthread_mutex_lock(&mutex);
    struct probe seen = *probe;
    pthread_mutex_unlock(&mutex);
    assert_int_equal(seen.runs, runs);
    assert_int_equal(seen.dones, 1);
    assert_int_equal(seen.code, code);
    assert_int_equal(seen.lates, lates);
    assert_int_equal(seen.frees, 1);
    assert_false(seen.overlaps);
}

static struct jobs_stats stats_of(struct jobs *jobs)
{
    struct jobs_stats stats;
    jobs_stats(jobs, &stats);
    return stats;
}

/* The counts follow the callbacks a moment later. */
static void wait_stats(struct jobs *jobs, unsigned busy, unsigned lost)
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

static struct jobs *new_jobs(unsigned busy)
{
    return jobs_new(&(struct jobs_limits){.busy = busy, .hung = 60, .opening = 4});
}

static void test_errors(void **ctx)
{
    (void)ctx;
    struct jobs *jobs = new_jobs(4);
    struct lane *lane = lane_new(jobs, 1);
    struct probe bad = {.fails = EHOSTDOWN, .deadline_ms = 60000}, good = {0};
    submit(lane, &bad);
    submit(lane, &good);
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
        submit(lane, &probes[i]);
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
        submit(lane[(unsigned)i % lanes], &probes[i]);
    }
    WAIT(now == most_at_once);
    g_usleep(20000);
    assert_int_equal(stats_of(jobs).busy, most_at_once);
    for (int i = 0; i < N; i++)
        set(&probes[i].hangs, false);
    for (int i = 0; i < N; i++)
        WAIT(probes[i].frees);
    assert_int_equal(get(&most), most_at_once);
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

static void test_deadline_queued(void **ctx)
{
    (void)ctx;
    struct jobs *jobs = new_jobs(4);
    struct lane *lane = lane_new(jobs, 1);
    struct probe first = {.hangs = true}, second = {.deadline_ms = 30}, third = {0};
    submit(lane, &first);
    submit(lane, &second);
    submit(lane, &third);
    WAIT(second.frees);
    assert_told(&second, 0, ETIMEDOUT, 0);
    assert_int_equal(get(&third.runs), 0);
    set(&first.hangs, false);
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
    submit(lane, &hung);
    submit(lane, &behind);
    submit(lane, &last);
    WAIT(hung.dones && behind.frees);
    submit(other, &elsewhere);
    WAIT(elsewhere.frees); /* MAX_BUSY is 1, and the one is lost: replaced */
    assert_told(&elsewhere, 1, 0, 0);
    assert_told(&behind, 0, ETIMEDOUT, 0);
    wait_stats(jobs, 0, 1);
    assert_int_equal(get(&hung.frees), 0);
    assert_int_equal(get(&hung.lates), 0);
    assert_int_equal(get(&last.runs), 0); /* the lost one keeps its place in the lane */
    set(&hung.hangs, false);
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
    struct job bare = {.run = run, .data = &hung, .deadline_ms = 300};
    lane_submit(lane, &bare);
    wait_stats(jobs, 0, 1);
    set(&hung.hangs, false);
    submit(lane, &next);
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
        submit(lane, &quick[i]);
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
        submit(lanes[i], &hung[i]);
        WAIT(hung[i].began);
        submit(lanes[i], &behind[i]);
    }
    wait_stats(jobs, 0, LANES);
    double seconds = quick_jobs(jobs);
    print_message("100 quick jobs beside %d hanging hosts: %.3f s\n", LANES, seconds);
    assert_in_range(stats_of(jobs).workers, LANES, LANES + BUSY);
    for (int i = 0; i < LANES; i++)
        set(&hung[i].hangs, false);
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
        submit(lanes[i], &hung[i]);
        WAIT(hung[i].began);
    }
    submit(other, &quick);
    WAIT(quick.frees && hung[0].dones); /* past its deadline is no more than hanging */
    for (int i = HUNG; i < ALL + 1; i++)
        submit(lanes[i], &hung[i]);
    WAIT(hung[ALL - 1].began);
    submit(other, &last);
    g_usleep(200000); /* the bound: neither of these two starts */
    assert_int_equal(stats_of(jobs).workers, ALL);
    assert_int_equal(get(&hung[ALL].runs) + get(&last.runs), 0);
    set(&hung[1].hangs, false);
    WAIT(hung[ALL].began);
    set(&hung[2].hangs, false);
    WAIT(last.frees);
    for (int i = 0; i < ALL + 1; i++) {
        set(&hung[i].hangs, false);
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
        submit(lanes[i], &hung[i]);
    }
    WAIT(hung[OPENING - 1].began);
    for (int i = 0; i < 50; i++)
        submit(other, &quick[i]);
    for (int i = 0; i < 50; i++)
        WAIT(quick[i].frees); /* with one place, and none that it could be replaced by */
    assert_int_equal(get(&hung[OPENING].runs), 0);
    wait_stats(jobs, OPENING, 0);
    assert_in_range(stats_of(jobs).workers, OPENING, OPENING + 2); /* those that rest too */
    for (int i = 0; i < LANES; i++) {
        set(&hung[i].hangs, false);
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
        submit(lanes[i], &first[i]);
        submit(lanes[i], &again[i]);
    }
    for (int i = 0; i < OPENING; i++)
        WAIT(first[i].dones);
    submit(fresh, &good);
    g_usleep(50000);
    assert_int_equal(get(&good.runs), 0); /* they hold their places until they return */
    for (int i = 0; i < OPENING; i++)
        set(&first[i].hangs, false);
    WAIT(good.frees);
    wait_stats(jobs, OPENING / 2, 0);
    for (int i = 0; i < OPENING; i++)
        set(&again[i].hangs, false);
    for (int i = 0; i < OPENING; i++) {
        WAIT(again[i].frees);
        assert_told(&first[i], 1, ETIMEDOUT, 1);
        assert_told(&again[i], 1, 0, 0);
        lane_close(lanes[i]);
    }
    assert_int_equal(get(&most), OPENING / 2);
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
        submit(lanes[i], &slow[i]);
        WAIT(slow[i].began);
    }
    submit(lane, &waits);
    submit(lane, &behind);
    submit(lane, &also);
    WAIT(behind.frees);
    g_usleep(2 * DEADLINE_MS * 1000);
    assert_int_equal(get(&waits.dones), 0);
    assert_int_equal(get(&waits.runs), 0);
    for (int i = 0; i < OPENING; i++)
        set(&slow[i].hangs, false);
    WAIT(waits.began && waits.dones);
    assert_int_equal(waits.code, ETIMEDOUT);
    set(&waits.hangs, false);
    WAIT(waits.frees && also.frees);
    assert_told(&waits, 1, ETIMEDOUT, 1);
    assert_told(&behind, 0, ETIMEDOUT, 0);
    assert_told(&also, 0, ETIMEDOUT, 0); /* it waited for its own host, not for others */
    for (int i = 0; i < OPENING; i++)
        lane_close(lanes[i]);
    lane_close(lane);
    jobs_free(jobs, 1000);
}

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
    submit(lane, &running);
    submit(lane, &lost);
    WAIT(running.began && lost.dones);
    for (int i = 0; i < 3; i++)
        submit(lane, &queued[i]);
    lane_close(lane);
    for (int i = 0; i < 3; i++) {
        WAIT(queued[i].frees);
        assert_told(&queued[i], 0, ECANCELED, 0);
    }
    assert_int_equal(get(&running.dones), 0);
    set(&running.hangs, false);
    WAIT(running.frees && more.frees);
    assert_told(&running, 1, EBUSY, 0);
    assert_told(&more, 0, ECANCELED, 0);
    set(&lost.hangs, false);
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
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < 20; i++)
        submit(lane, &probes[i]);
    lane_close(lane);
    pthread_mutex_unlock(&mutex);
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
    pthread_mutex_lock(&mutex);
    submit(lane, &slow);
    submit(lane, &queued);
    pthread_mutex_unlock(&mutex);
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
    submit(lane, &slow);
    submit(lane, &queued);
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
    submit(lane, &hung);
    submit(lane, &lost);
    submit(lane, &queued);
    submit(closed, &other);
    WAIT(hung.began && lost.dones && other.began);
    lane_close(closed);
    jobs_free(jobs, 50);
    assert_told(&queued, 0, ECANCELED, 0);
    assert_int_equal(get(&hung.dones), 1);
    assert_int_equal(hung.code, ECANCELED);
    assert_int_equal(other.code, ECANCELED);
    assert_int_equal(lost.code, ETIMEDOUT);
    set(&hung.hangs, false);
    set(&lost.hangs, false);
    set(&other.hangs, false);
    WAIT(hung.ended && lost.ended && other.ended);
    g_usleep(50000);
    pthread_mutex_lock(&mutex);
    assert_int_equal(hung.dones + lost.dones + other.dones, 3);
    assert_int_equal(hung.lates + lost.lates + other.lates, 0);
    assert_int_equal(hung.frees + lost.frees + other.frees, 0);
    pthread_mutex_unlock(&mutex);
}

static void run_held(void *data, GError **error)
{
    run(*(struct probe **)data, error);
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
    set(&hung.hangs, false);
    WAIT(hung.ended);
    g_usleep(50000);
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
    pthread_mutex_lock(&mutex);
    probe->late_code = (int)(size / 1024);
    probe->overlaps |= !sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGCHLD);
    pthread_mutex_unlock(&mutex);
}

static void test_threads(void **ctx)
{
    (void)ctx;
    struct jobs *jobs = new_jobs(4);
    jobs->idle_ms = 20;
    struct lane *lane = lane_new(jobs, 4);
    struct probe probe = {.look = look_around}, again = {0};
    submit(lane, &probe);
    WAIT(probe.frees);
    assert_told(&probe, 1, 0, 0);
    assert_in_range(probe.late_code, 200, 320);
    for (int i = 0; i < PATIENCE * 100 && stats_of(jobs).workers > 0; i++)
        g_usleep(10000);
    assert_int_equal(stats_of(jobs).workers, 0);
    submit(lane, &again);
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
        submit(lane, &burst[i]);
    }
    for (int i = 0; i < BURST; i++)
        WAIT(burst[i].began);
    assert_int_equal(stats_of(jobs).workers, BURST);
    for (int i = 0; i < BURST; i++)
        set(&burst[i].hangs, false);
    for (int i = 0; i < BURST; i++)
        WAIT(burst[i].frees);
    for (int i = 0; i < ROUNDS && stats_of(jobs).workers > 1; i++) {
        struct probe now_and_then = {0};
        submit(lane, &now_and_then);
        WAIT(now_and_then.frees);
        g_usleep(10000);
    }
    assert_int_equal(stats_of(jobs).workers, 1);
    lane_close(lane);
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
            submit(lane, &probes[k]);
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
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_deadline_queued),
        cmocka_unit_test(test_deadline_running),
        cmocka_unit_test(test_bare_job),
        cmocka_unit_test(test_hanging_lanes),
        cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_hanging_openings),
        cmocka_unit_test(test_hanging_again),
        cmocka_unit_test(test_deadline_opening),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_no_callback_inside),
        cmocka_unit_test(test_free_waits),
        cmocka_unit_test(test_free_grace),
        cmocka_unit_test(test_free_hanging),
        cmocka_unit_test(test_free_keeps),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_surplus_ends),
        cmocka_unit_test(test_tiny_jobs),
        cmocka_unit_test(test_races),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
