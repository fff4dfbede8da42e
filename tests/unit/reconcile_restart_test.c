/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests that end by themselves or do not answer. */
#include "tests/unit/reconcile_fixture.h"

#include <string.h>

/* TURN: what happens to its domain from outside. */
static void from_outside(struct fixture *f, const char *name,
                         void (*turn)(const char *host, const char *uuid))
{
    struct cloud *cloud = engine_cloud(f->engine);
    g_autofree char *host = field(f, OBJECT_VM, name, "host");
    g_autofree char *host_uri = g_strdup_printf("test:///%s", host);
    char uuid[37];

    cloud_read_lock(cloud);
    memcpy(uuid, cloud_find(cloud, OBJECT_VM, name)->vm.uuid, sizeof uuid);
    cloud_read_unlock(cloud);
    turn(host_uri, uuid);
}

/* Its guest ends by itself. */
static void die(struct fixture *f, const char *name)
{
    from_outside(f, name, fake_die);
    expect(f, OBJECT_VM, name, "state", "shutoff");
}

static void a_crash_loop_is_told_and_slows_down(void **state)
{
    struct fixture *f = *state;
    int64_t begin = g_get_monotonic_time();

    assert_int_equal(make(f, OBJECT_SERVICE, "web", "[vm]\ncpus = 1\n"), 0);
    for (int i = 0; i < 2; i++) {
        die(f, "web-0");
        expect(f, OBJECT_VM, "web-0", "error", "");
        expect(f, OBJECT_VM, "web-0", "state", "running");
        expect(f, OBJECT_SERVICE, "web", "state", "ready");
    }
    /* The rests were 2 and 4 seconds. */
    assert_true(g_get_monotonic_time() - begin > 5500000);
    die(f, "web-0");
    expect_in(f, OBJECT_VM, "web-0", "error", "stopped by itself 3 times in a row");
    expect_in(f, OBJECT_SERVICE, "web", "error", "web-0: it stopped by itself 3 times");
    /* It runs again, and is not trusted yet. */
    expect(f, OBJECT_VM, "web-0", "state", "running");
    expect_in(f, OBJECT_VM, "web-0", "error", "stopped by itself 3 times in a row");
    expect(f, OBJECT_SERVICE, "web", "state", "pending");
}

/* Then there is nothing to be tried again. */
static void somebody_else_may_start_it(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 1\n"), 0);
    set_failure(&fake.fail_power, EIO);
    die(f, "web");
    expect_in(f, OBJECT_VM, "web", "error", "told to fail; tried again in 4 s");
    from_outside(f, "web", fake_start);
    expect(f, OBJECT_VM, "web", "state", "running");
    expect(f, OBJECT_VM, "web", "error", "");
    /* A spec that was refused was for another reason. */
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpu = 1\n"), EINVAL);
    from_outside(f, "web", fake_die);
    expect(f, OBJECT_VM, "web", "state", "shutoff");
    from_outside(f, "web", fake_start);
    expect(f, OBJECT_VM, "web", "state", "running");
    expect_in(f, OBJECT_VM, "web", "error", "line 1");
}

#define SICKLY(start)                                                                              \
    "[vm]\nhealth = agent\nhealth_interval = 0.5\nhealth_failures = 2\nhealth_start = " start "\n"

static void the_unhealthy_are_restarted(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_SERVICE, "web", "[vm]\nhealth = udp 1\n"), EINVAL);
    set_flag(&fake.sick, true);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", SICKLY("60")), 0);
    /* While it may still be booting, it is only not ready. */
    g_usleep(G_USEC_PER_SEC * 2);
    expect(f, OBJECT_VM, "web-0", "state", "running");
    expect(f, OBJECT_SERVICE, "web", "state", "pending");
    expect(f, OBJECT_VM, "web-0", "error", "");
    assert_int_equal(counted(&fake.restarts), 0);
    set_flag(&fake.sick, false);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    set_flag(&fake.sick, true);
    expect(f, OBJECT_VM, "web-0", "error", "unhealthy: told to be sick");
    expect(f, OBJECT_SERVICE, "web", "state", "pending");
    expect_in(f, OBJECT_SERVICE, "web", "error", "web-0: unhealthy: told to be sick");
    /* It is stopped and started after a rest. */
    for (int i = 0; i < 500 && counted(&fake.restarts) == 0; i++)
        g_usleep(10000);
    assert_int_equal(counted(&fake.restarts), 1);
    set_flag(&fake.sick, false);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    expect(f, OBJECT_SERVICE, "web", "error", "");
}

#define PAIR(image)                                                                                \
    "replicas = 2\n[vm]\nimage = " image "\nhealth = agent\nhealth_interval = 0.5\n"               \
    "health_start = 60\nhealth_failures = 20\n"

/* A member that runs and does not answer keeps the rollout from the next one. */
static void the_sick_hold_a_rollout(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_SERVICE, "web", PAIR("/one")), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    set_flag(&fake.sick, true);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", PAIR("/two")), 0);
    for (int i = 0; i < 1000 && counted(&fake.destroys) == 0; i++)
        g_usleep(10000);
    g_usleep(G_USEC_PER_SEC * 2);
    assert_int_equal(counted(&fake.destroys), 1);
    assert_int_equal(domains(), 2);
    set_flag(&fake.sick, false);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    for (int i = 0; i < 1000 && counted(&fake.destroys) < 2; i++)
        g_usleep(10000);
    assert_int_equal(counted(&fake.destroys), 2);
    assert_int_equal(counted(&fake.least), 1);
    expect_in(f, OBJECT_VM, "web-0", "spec", "/two");
    expect_in(f, OBJECT_VM, "web-1", "spec", "/two");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_crash_loop_is_told_and_slows_down),
        TEST(somebody_else_may_start_it),
        TEST(the_unhealthy_are_restarted),
        TEST(the_sick_hold_a_rollout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
