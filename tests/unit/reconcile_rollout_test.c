/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services whose template changes. */
#include "tests/unit/reconcile_fixture.h"

#define PAIR       "replicas = 2\n[vm]\ncpus = 1\nimage = /one\n"
#define PAIR_OF(x) "replicas = 2\n[vm]\ncpus = 1\nimage = /" x "\n"

static void a_rollout_takes_one_at_a_time(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_SERVICE, "web", "max_unavailable = 0\n"), EINVAL);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", PAIR), 0);
    /* What can change as it runs does. */
    assert_int_equal(
        commit(f, OBJECT_SERVICE, "web", "replicas = 2\n[vm]\ncpus = 2\nimage = /one\n"), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    expect(f, OBJECT_VM, "web-1", "spec", "cpus = 2\nimage = /one\n");
    assert_int_equal(counted(&fake.destroys) + counted(&fake.restarts), 0);
    /* An image is for life. */
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", PAIR_OF("two")), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    expect(f, OBJECT_VM, "web-0", "spec", "cpus = 1\nimage = /two\n");
    expect(f, OBJECT_VM, "web-1", "spec", "cpus = 1\nimage = /two\n");
    assert_int_equal(counted(&fake.destroys), 2);
    assert_int_equal(counted(&fake.least), 1);
    assert_int_equal(domains(), 2);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", "max_unavailable = 100%\n" PAIR), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(counted(&fake.least), 0);
}

static void a_rollout_restarts_what_cannot_change_live(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_SERVICE, "web", PAIR), 0);
    set_flag(&fake.change_later, true);
    assert_int_equal(
        commit(f, OBJECT_SERVICE, "web", "replicas = 2\n[vm]\ncpus = 2\nimage = /one\n"), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(counted(&fake.restarts), 2);
    assert_int_equal(counted(&fake.destroys), 0);
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "restart"), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(counted(&fake.restarts), 4);
    /* And what the driver cannot change at all is made anew. */
    set_failure(&fake.fail_change, EOPNOTSUPP);
    commit(f, OBJECT_SERVICE, "web", "replicas = 2\n[vm]\ncpus = 3\nimage = /one\n");
    expect(f, OBJECT_VM, "web-1", "spec", "cpus = 3\nimage = /one\n");
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(counted(&fake.destroys), 2);
}

static void a_bad_template_stops_the_rollout(void **state)
{
    struct fixture *f = *state;
    uint64_t second;

    assert_int_equal(make(f, OBJECT_SERVICE, "web", PAIR), 0);
    second = id_of(f, OBJECT_VM, "web-1");
    set_flag(&fake.bad_image, true);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", PAIR_OF("bad")), ENOENT);
    expect(f, OBJECT_SERVICE, "web", "state", "degraded");
    expect_in(f, OBJECT_SERVICE, "web", "error",
              "the rollout stopped with 1 of 2 members to update");
    expect_in(f, OBJECT_SERVICE, "web", "error", "web-0: told to fail on test:///");
    expect(f, OBJECT_VM, "web-1", "state", "running");
    assert_int_equal(domains(), 1);
    /* The template as it was rolls back, and does not touch what was never touched. */
    set_flag(&fake.bad_image, false);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", PAIR), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    expect(f, OBJECT_SERVICE, "web", "error", "");
    assert_int_equal(id_of(f, OBJECT_VM, "web-1"), second);
    assert_int_equal(domains(), 2);
}

static void a_rollout_goes_on_after_a_restart(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_SERVICE, "web", PAIR), 0);
    set_flag(&fake.bad_image, true);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", PAIR_OF("two")), ENOENT);
    engine_free(f->engine);
    set_flag(&fake.bad_image, false);
    start(f);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    expect(f, OBJECT_VM, "web-0", "spec", "cpus = 1\nimage = /two\n");
    expect(f, OBJECT_VM, "web-1", "spec", "cpus = 1\nimage = /two\n");
    expect(f, OBJECT_SERVICE, "web", "error", "");
    assert_int_equal(domains(), 2);
}

static void a_rollout_waits_for_room(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_SERVICE, "web", "[vm]\nmemory = 1GiB\nimage = /one\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "x", "memory = 2GiB\nhost = a\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "y", "memory = 2GiB\nhost = b\n"), 0);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", "[vm]\nmemory = 3GiB\nimage = /two\n"), 0);
    expect_in(f, OBJECT_SERVICE, "web", "error", "the rollout stopped with 1 of 1");
    expect(f, OBJECT_SERVICE, "web", "state", "degraded");
    expect(f, OBJECT_VM, "web-0", "state", "running");
    assert_int_equal(counted(&fake.destroys), 0);
    assert_int_equal(remove_dir(f, OBJECT_VM, "y"), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    expect(f, OBJECT_VM, "web-0", "host", "b");
    expect(f, OBJECT_SERVICE, "web", "error", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_rollout_takes_one_at_a_time),    TEST(a_rollout_restarts_what_cannot_change_live),
        TEST(a_bad_template_stops_the_rollout), TEST(a_rollout_goes_on_after_a_restart),
        TEST(a_rollout_waits_for_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
