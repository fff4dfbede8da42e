/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <string.h>

#include "fs/notify.h"

enum { GATE = 1, FILE_A, FILE_B, PATIENCE_US = 20 * 1000 * 1000, MOMENT_US = 50 * 1000 };

/* A kernel, which hears of GATE only when that is opened. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_open, is_at_gate;
static unsigned heard[FILE_B + 1], told[FILE_B + 1];
static int64_t offset; /* of the last: below 0 what the kernel has of the text stays */

/* In place of libfuse's. */
int fuse_lowlevel_notify_inval_inode(struct fuse_session *session, fuse_ino_t ino, off_t at,
                                     off_t len)
{
    (void)session;
    (void)len;
    pthread_mutex_lock(&lock);
    is_at_gate |= ino == GATE;
    pthread_cond_broadcast(&changed);
    while (ino == GATE && !is_open)
        pthread_cond_wait(&changed, &lock);
    heard[ino]++;
    offset = at;
    pthread_mutex_unlock(&lock);
    return 0;
}

static void note_told(void *ctx, uint64_t ino)
{
    (void)ctx;
    pthread_mutex_lock(&lock);
    told[ino]++;
    pthread_mutex_unlock(&lock);
}

static void idle(void *ctx)
{
    (void)ctx;
}

static unsigned count(const unsigned *counts, uint64_t ino)
{
    unsigned n;

    pthread_mutex_lock(&lock);
    n = counts[ino];
    pthread_mutex_unlock(&lock);
    return n;
}

static void open_gate(void)
{
    pthread_mutex_lock(&lock);
    is_open = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void set_called(void *called)
{
    pthread_mutex_lock(&lock);
    *(bool *)called = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void wait_called(const bool *called)
{
    pthread_mutex_lock(&lock);
    while (!*called)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static int set_up(void **state)
{
    static const struct notify_ops ops = {note_told, idle};

    is_open = is_at_gate = false;
    memset(heard, 0, sizeof heard);
    memset(told, 0, sizeof told);
    *state = notify_new(NULL, &ops, NULL, NULL);
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    open_gate();
    notify_free(*state);
    return 0;
}

static void of_one_inode_it_hears_once(void **state)
{
    struct notify *notify = *state;
    bool called = false;

    notify_inode(notify, GATE);
    notify_attributes(notify, FILE_A);
    notify_inode(notify, FILE_A);
    notify_attributes(notify, FILE_A);
    notify_call(notify, set_called, &called);
    notify_inode(notify, FILE_A); /* is heard of with the others */
    open_gate();
    wait_called(&called);
    assert_int_equal(count(heard, FILE_A), 1);
    assert_int_equal(count(told, FILE_A), 4);
    assert_true(offset >= 0); /* one of them was about its text */
}

static void what_changes_after_it_heard_it_hears_again(void **state)
{
    struct notify *notify = *state;
    bool first = false, second = false;

    open_gate();
    notify_attributes(notify, FILE_A);
    notify_call(notify, set_called, &first);
    wait_called(&first);
    assert_true(offset < 0);
    notify_attributes(notify, FILE_A);
    notify_call(notify, set_called, &second);
    wait_called(&second);
    assert_int_equal(count(heard, FILE_A), 2);
    assert_int_equal(count(told, FILE_A), 2);
}

static void later_is_with_the_next_or_a_flush(void **state)
{
    struct notify *notify = *state;
    int64_t end = g_get_monotonic_time() + PATIENCE_US;
    bool called = false;

    g_usleep(MOMENT_US); /* the thread waits */
    notify_inode_later(notify, FILE_A);
    g_usleep(MOMENT_US);
    assert_int_equal(count(heard, FILE_A), 0);
    notify_call(notify, set_called, &called);
    wait_called(&called);
    assert_int_equal(count(heard, FILE_A), 1);

    notify_inode_later(notify, FILE_B);
    notify_flush(notify);
    while (count(told, FILE_B) == 0 && g_get_monotonic_time() < end)
        g_usleep(1000);
    assert_int_equal(count(told, FILE_B), 1);
}

struct call {
    pthread_t by;
    bool made;
    unsigned heard; /* of FILE_A, before */
};

static void note_call(void *data)
{
    struct call *call = data;

    call->by = pthread_self();
    call->heard = count(heard, FILE_A);
    set_called(&call->made);
}

static void here_it_hears_before_the_call(void **state)
{
    struct notify *notify = *state;
    struct call call = {0};

    g_usleep(MOMENT_US); /* the thread waits */
    notify_inode_later(notify, FILE_A);
    notify_call_here(notify, note_call, &call);
    assert_true(call.made && pthread_equal(call.by, pthread_self()));
    assert_int_equal(call.heard, 1);
    assert_int_equal(count(told, FILE_A), 1);
}

/* The engine's thread, which calls this, goes on. */
static void here_nobody_waits_for_the_thread(void **state)
{
    struct notify *notify = *state;
    struct call call = {0};

    notify_inode(notify, GATE);
    wait_called(&is_at_gate);
    notify_inode_later(notify, FILE_A);
    notify_call_here(notify, note_call, &call);
    assert_false(call.made);
    open_gate();
    wait_called(&call.made);
    assert_false(pthread_equal(call.by, pthread_self()));
    assert_int_equal(call.heard, 1);
}

static void after_the_end_it_is_called_all_the_same(void **state)
{
    struct notify *notify = *state;
    struct call call = {0};

    notify_stop(notify);
    notify_call_here(notify, note_call, &call);
    assert_true(call.made);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_one_inode_it_hears_once),        TEST(what_changes_after_it_heard_it_hears_again),
        TEST(later_is_with_the_next_or_a_flush), TEST(here_it_hears_before_the_call),
        TEST(here_nobody_waits_for_the_thread),  TEST(after_the_end_it_is_called_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
