/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs that move to another host. */
#include <errno.h>

#include "tests/unit/reconcile_fixture.h"

static void a_vm_moves_where_it_fits(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "vm", "cpus = 2\nhost = a\n"), 0);
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate nowhere"), EINVAL);
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), EPERM);
    assert_int_equal(commit(f, OBJECT_VM, "vm", "cpus = 2\ndisk = 1G\n"), 0);
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), EOPNOTSUPP);
    assert_int_equal(commit(f, OBJECT_VM, "vm", "cpus = 2\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "big", "cpus = 15\nhost = b\n"), 0);
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), ENOSPC);
    assert_int_equal(remove_dir(f, OBJECT_VM, "big"), 0);
    assert_int_equal(control(f, OBJECT_HOST, "b", "drain"), 0);
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), EBUSY);
    assert_int_equal(control(f, OBJECT_HOST, "b", "activate"), 0);
    assert_int_equal(fake.moves, 0);
    expect(f, OBJECT_VM, "vm", "host", "a");
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate a"), 0);
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), 0);
    expect(f, OBJECT_VM, "vm", "host", "b");
    expect(f, OBJECT_VM, "vm", "state", "running");
    expect(f, OBJECT_VM, "vm", "error", "");
    assert_int_equal(fake.moves, 1);
    assert_int_equal(cpus_reserved(f), 2);
}

static void a_move_that_fails_leaves_it(void **state)
{
    struct fixture *f = *state;

    fake.fail_move = EIO;
    assert_int_equal(make(f, OBJECT_VM, "vm", "cpus = 2\nhost = a\n"), 0);
    assert_int_equal(commit(f, OBJECT_VM, "vm", "cpus = 2\n"), 0);
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), EIO);
    expect(f, OBJECT_VM, "vm", "host", "a");
    expect(f, OBJECT_VM, "vm", "error", "told to fail");
    expect(f, OBJECT_VM, "vm", "state", "running");
    assert_int_equal(cpus_reserved(f), 2);
    fake.fail_move = 0;
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), 0);
    expect(f, OBJECT_VM, "vm", "host", "b");
}

/* It has moved, but nobody heard: it is asked for, and not moved again. */
static void a_move_of_which_nobody_heard_is_found(void **state)
{
    struct fixture *f = *state;

    fake.fail_move = EHOSTDOWN;
    assert_int_equal(make(f, OBJECT_VM, "vm", "cpus = 2\nhost = a\n"), 0);
    assert_int_equal(commit(f, OBJECT_VM, "vm", "cpus = 2\n"), 0);
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), EHOSTDOWN);
    assert_int_equal(control(f, OBJECT_VM, "vm", "suspend"), EBUSY);
    /* As if it were killed now. */
    engine_free(f->engine);
    start(f);
    expect(f, OBJECT_VM, "vm", "host", "b");
    expect(f, OBJECT_VM, "vm", "error", "");
    assert_int_equal(fake.moves, 1);
    assert_int_equal(fake.creates, 1);
    assert_int_equal(cpus_reserved(f), 2);
    assert_int_equal(control(f, OBJECT_VM, "vm", "suspend"), 0);
}

/* Its host may never be back. */
static void a_move_that_nobody_knows_holds_up_no_other(void **state)
{
    struct fixture *f = *state;

    fake.fail_move = EHOSTDOWN;
    fake.nobody_knows = true;
    f->conf.rebalance_at_once = 1;
    assert_int_equal(make(f, OBJECT_VM, "lost", "cpus = 2\nhost = a\n"), 0);
    assert_int_equal(commit(f, OBJECT_VM, "lost", "cpus = 2\n"), 0);
    assert_int_equal(control(f, OBJECT_HOST, "a", "drain"), 0);
    expect_in(f, OBJECT_VM, "lost", "error", "nobody knows");
    assert_int_equal(control(f, OBJECT_VM, "lost", "suspend"), EBUSY);
    assert_int_equal(control(f, OBJECT_HOST, "a", "activate"), 0);
    set_failure(&fake.fail_move, 0);
    assert_int_equal(make(f, OBJECT_VM, "vm", "cpus = 2\nhost = b\n"), 0);
    assert_int_equal(commit(f, OBJECT_VM, "vm", "cpus = 2\n"), 0);
    assert_int_equal(control(f, OBJECT_HOST, "b", "drain"), 0);
    expect(f, OBJECT_VM, "vm", "host", "a");
    set_flag(&fake.nobody_knows, false);
    expect(f, OBJECT_VM, "lost", "host", "b");
    expect(f, OBJECT_VM, "lost", "error", "");
    assert_int_equal(cpus_reserved(f), 4);
}

/* What its hypervisor has of a VM that was off says where it is. */
static void one_that_was_off_is_free_though_the_target_is_gone(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "ran", "cpus = 2\nhost = a\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "off", "cpus = 2\nhost = a\npower = off\n"), 0);
    assert_int_equal(commit(f, OBJECT_VM, "ran", "cpus = 2\n"), 0);
    assert_int_equal(commit(f, OBJECT_VM, "off", "cpus = 2\npower = off\n"), 0);
    set_flag(&fake.lose_target, true);
    assert_int_equal(control(f, OBJECT_VM, "ran", "migrate b"), EHOSTDOWN);
    assert_int_equal(control(f, OBJECT_VM, "off", "migrate b"), EHOSTDOWN);
    /* As if it were killed now. */
    engine_free(f->engine);
    start(f);
    expect_in(f, OBJECT_VM, "ran", "error", "nobody knows");
    expect_in(f, OBJECT_VM, "off", "error", "it is still here");
    assert_int_equal(cpus_reserved(f), 6); /* what runs, in two places */
    assert_int_equal(control(f, OBJECT_VM, "ran", "suspend"), EBUSY);
    assert_int_equal(control(f, OBJECT_VM, "off", "start"), 0);
    expect(f, OBJECT_VM, "off", "state", "running");
    assert_int_equal(remove_dir(f, OBJECT_VM, "off"), 0);
    set_flag(&fake.lose_target, false);
    expect_in(f, OBJECT_VM, "ran", "error", "it is still here");
    assert_int_equal(cpus_reserved(f), 2);
}

static void make_movable(struct fixture *f, const char *name, const char *host)
{
    g_autofree char *pinned = g_strdup_printf("cpus = 2\nhost = %s\n", host);

    assert_int_equal(make(f, OBJECT_VM, name, pinned), 0);
    assert_int_equal(commit(f, OBJECT_VM, name, "cpus = 2\n"), 0);
}

/* What fails is given up, and not the drain of another host, which waits for its turn. */
static void a_drain_that_fails_ends_no_other(void **state)
{
    struct fixture *f = *state;

    f->conf.rebalance_at_once = 1;
    assert_int_equal(make(f, OBJECT_HOST, "c", "uri = test:///c\n"), 0);
    expect(f, OBJECT_HOST, "c", "state", "up");
    make_movable(f, "first", "a");
    make_movable(f, "same", "a");
    make_movable(f, "other", "b");
    pthread_mutex_lock(&fake.lock);
    fake.fail_move = EIO; /* when it goes on */
    assert_int_equal(control(f, OBJECT_HOST, "a", "drain"), 0);
    assert_int_equal(control(f, OBJECT_HOST, "b", "drain"), 0);
    pthread_mutex_unlock(&fake.lock);
    expect(f, OBJECT_VM, "other", "error", "told to fail");
    assert_int_equal(fake.moves, 2);
}

/* A VM of which a move to b has left something there, and b is down. */
static void leave_something(struct fixture *f)
{
    assert_int_equal(make(f, OBJECT_VM, "vm", "cpus = 2\nhost = a\npower = off\n"), 0);
    assert_int_equal(commit(f, OBJECT_VM, "vm", "cpus = 2\npower = off\n"), 0);
    set_flag(&fake.lose_target, true);
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), EHOSTDOWN);
    set_flag(&fake.lose_target, false);
    set_failure(&fake.fail_open, EIO);
    fake_tell("test:///b", VIRT_CLOSED, NULL);
    expect(f, OBJECT_HOST, "b", "state", "down");
    expect_in(f, OBJECT_VM, "vm", "error", "it is still here");
    assert_int_equal(leftovers(), 1);
}

static void expect_tidy(void)
{
    for (int tries = 0; tries < 1000 && leftovers() > 0; tries++)
        g_usleep(10000);
    assert_int_equal(leftovers(), 0);
}

static void what_a_move_left_goes_when_its_host_is_back(void **state)
{
    struct fixture *f = *state;

    leave_something(f);
    set_failure(&fake.fail_tidy, EIO);
    set_failure(&fake.fail_open, 0);
    expect(f, OBJECT_HOST, "b", "state", "up");
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), EBUSY);
    expect_in(f, OBJECT_VM, "vm", "error", "has left");
    set_failure(&fake.fail_tidy, 0);
    fake_tell("test:///b", VIRT_CLOSED, NULL);
    expect_tidy();
    assert_string_equal(fake.tidied_for, "test:///a");
    expect(f, OBJECT_HOST, "b", "state", "up");
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), 0);
    expect(f, OBJECT_VM, "vm", "host", "b");
}

static void nor_is_it_found_as_a_vm_when_that_was_destroyed(void **state)
{
    struct fixture *f = *state;

    leave_something(f);
    assert_int_equal(remove_dir(f, OBJECT_VM, "vm"), 0);
    engine_free(f->engine);
    set_failure(&fake.fail_open, 0);
    set_failure(&fake.fail_tidy, EIO);
    start(f);
    assert_int_equal(id_of(f, OBJECT_VM, "vm"), 0);
    engine_free(f->engine);
    set_failure(&fake.fail_tidy, 0);
    start(f);
    expect_tidy();
    assert_null(fake.tidied_for);
    assert_int_equal(id_of(f, OBJECT_VM, "vm"), 0);
}

/* Of its first move nobody hears, and none is begun until it is known what became of it. */
static void drain_and_lose(struct fixture *f)
{
    f->conf.rebalance_at_once = 1;
    make_movable(f, "one", "a");
    make_movable(f, "two", "a");
    set_flag(&fake.lose_target, true);
    set_flag(&fake.nobody_knows, true);
    assert_int_equal(control(f, OBJECT_HOST, "a", "drain"), 0);
    expect_in(f, OBJECT_VM, "one", "error", "nobody knows");
    set_flag(&fake.lose_target, false);
}

static void a_drain_goes_on(void **state)
{
    struct fixture *f = *state;

    drain_and_lose(f);
    set_flag(&fake.nobody_knows, false);
    expect(f, OBJECT_VM, "one", "host", "b");
    expect(f, OBJECT_VM, "two", "host", "b");
    expect(f, OBJECT_HOST, "a", "state", "maintenance");
}

/* Its job is under way when the drain is asked for. */
static void a_drain_waits_for_a_busy_vm(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(control(f, OBJECT_HOST, "b", "drain"), 0);
    f->conf.wait = 0;
    f->conf.rebalance_at_once = 1;
    set_flag(&fake.hold_creates, true);
    assert_int_equal(make(f, OBJECT_VM, "busy", "cpus = 2\n"), 0);
    expect(f, OBJECT_VM, "busy", "state", "creating");
    assert_int_equal(control(f, OBJECT_HOST, "b", "activate"), 0);
    assert_int_equal(control(f, OBJECT_HOST, "a", "drain"), 0);
    set_flag(&fake.hold_creates, false);
    expect(f, OBJECT_VM, "busy", "host", "b");
}

static void a_drain_outlives_cloudfs(void **state)
{
    struct fixture *f = *state;

    drain_and_lose(f);
    engine_free(f->engine);
    set_flag(&fake.nobody_knows, false);
    start_engine(f);
    expect(f, OBJECT_VM, "one", "host", "b");
    expect(f, OBJECT_VM, "two", "host", "b");
    expect(f, OBJECT_HOST, "a", "state", "maintenance");
}

/* What was refused is not tried again. */
static void a_drain_that_failed_is_over(void **state)
{
    struct fixture *f = *state;

    f->conf.rebalance_at_once = 1;
    make_movable(f, "one", "a");
    make_movable(f, "two", "a");
    set_failure(&fake.fail_move, EIO);
    assert_int_equal(control(f, OBJECT_HOST, "a", "drain"), 0);
    expect(f, OBJECT_VM, "one", "error", "told to fail");
    engine_free(f->engine);
    fake.fail_move = 0;
    start_engine(f);
    expect(f, OBJECT_HOST, "b", "state", "up");
    g_usleep(5 * G_USEC_PER_SEC / 2);
    expect(f, OBJECT_VM, "two", "host", "a");
    assert_int_equal(counted(&fake.moves), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_vm_moves_where_it_fits),
        TEST(a_move_that_fails_leaves_it),
        TEST(a_move_of_which_nobody_heard_is_found),
        TEST(a_move_that_nobody_knows_holds_up_no_other),
        TEST(one_that_was_off_is_free_though_the_target_is_gone),
        TEST(a_drain_that_fails_ends_no_other),
        TEST(a_drain_goes_on),
        TEST(a_drain_waits_for_a_busy_vm),
        TEST(a_drain_outlives_cloudfs),
        TEST(a_drain_that_failed_is_over),
        TEST(what_a_move_left_goes_when_its_host_is_back),
        TEST(nor_is_it_found_as_a_vm_when_that_was_destroyed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
