/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When hosts are sampled. */
#include <math.h>
#include <stdlib.h>

#include "core/reconcile/pace.h"
#include "tests/unit/reconcile_fixture.h"

#define assert_near(a, b) assert_true(fabs((a) - (b)) < 1e-6)

static void nobody_looks(void **state)
{
    struct conf conf = {.sample = 5, .sample_idle = 30, .forecast = 600};

    (void)state;
    assert_near(pace_interval(&conf, 5, true), 5);
    assert_near(pace_interval(&conf, 5, false), 10);
    assert_near(pace_interval(&conf, 10, false), 20);
    assert_near(pace_interval(&conf, 20, false), 30);
    assert_near(pace_interval(&conf, 30, false), 30);
    assert_near(pace_interval(&conf, 30, true), 5);
    assert_near(pace_interval(&conf, 0, false), 5);
    conf.forecast = 160;
    assert_near(pace_interval(&conf, 20, false), 10);
    conf.forecast = 1;
    assert_near(pace_interval(&conf, 5, false), 5);
    conf.forecast = 600;
    conf.sample_idle = 1; /* as often as ever */
    assert_near(pace_interval(&conf, 5, false), 5);
}

/* A timer is never early and a little late; that adds up to nothing. */
static void moments_keep_their_distance(void **state)
{
    double now = 1000;

    (void)state;
    for (uint64_t id = 16; id < 100; id++) {
        double first = now + pace_wait(id, 5, now, 0), at = first;

        assert_true(first >= now && first < now + 5 + 1e-6);
        for (int i = 1; i < 100; i++) {
            at += 0.01;
            at += pace_wait(id, 5, at, 2.5);
            assert_near(at, first + 5.0 * i);
        }
        assert_true(pace_wait(id, 20, at, 10) >= 10 - 1e-6);
        assert_true(pace_wait(id, 20, at, 10) < 30 + 1e-6);
    }
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* No gap is much larger than if all were as far apart as can be. */
static void moments_are_spread(void **state)
{
    enum { HOSTS = 100 };
    double at[HOSTS + 1];

    (void)state;
    for (int i = 0; i < HOSTS; i++)
        at[i] = pace_wait(16 + (uint64_t)i, 30, 0, 0);
    qsort(at, HOSTS, sizeof at[0], by_value);
    at[HOSTS] = at[0] + 30;
    for (int i = 0; i < HOSTS; i++)
        assert_true(at[i + 1] - at[i] < 2 * 30.0 / HOSTS);
}

static void look_at(struct fixture *f, enum object_kind kind, const char *name)
{
    struct cloud *cloud = engine_cloud(f->engine);

    cloud_read_lock(cloud);
    engine_look(f->engine, name ? cloud_find(cloud, kind, name) : cloud_by_id(cloud, ROOT_ID));
    cloud_read_unlock(cloud);
}

static void wait_for_samples(unsigned n)
{
    for (int tries = 0; tries < 1000 && counted(&fake.samples) < n; tries++)
        g_usleep(10000);
    assert_true(counted(&fake.samples) >= n);
}

/* In what follows no host's own moment comes, but for a chance of one in many thousands: an
 * interval that is longer than most machines have been up, since their clock begins with them. */
static void sample_rarely(struct fixture *f)
{
    engine_free(f->engine);
    f->conf.sample = f->conf.sample_idle = 1e6;
    start(f);
}

/* Whoever looks has a host sampled that was not for as long as `sample`, and only that one. */
static void who_looks_is_served(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    sample_rarely(f);
    before = counted(&fake.samples);
    look_at(f, OBJECT_HOST, "a");
    wait_for_samples(before + 1);
    assert_int_equal(counted(&fake.with_disks), counted(&fake.samples)); /* its first, and looked */
    look_at(f, OBJECT_HOST, "a");                                        /* not that old */
    assert_int_equal(make(f, OBJECT_VM, "one", "memory = 1GiB\nhost = b\n"), 0);
    wait_for_samples(before + 2); /* b has got a VM */
    look_at(f, OBJECT_VM, "one");
    look_at(f, OBJECT_FOLDER, NULL);
    assert_int_equal(remove_dir(f, OBJECT_VM, "one"), 0);
    assert_int_equal(counted(&fake.samples), before + 2);
}

/* Nothing in the engine reads the configuration without the lock here. */
static void set_sample(struct fixture *f, double seconds)
{
    struct cloud *cloud = engine_cloud(f->engine);

    cloud_write_lock(cloud);
    f->conf.sample = seconds;
    cloud_write_unlock(cloud);
}

/* Who looks at the cloud, or at a VM, looks at all hosts, or at its. */
static void a_look_reaches_hosts(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    sample_rarely(f);
    assert_int_equal(make(f, OBJECT_VM, "one", "memory = 1GiB\nhost = b\n"), 0);
    wait_for_samples(1);
    before = counted(&fake.samples);
    set_sample(f, 0.5);
    look_at(f, OBJECT_FOLDER, NULL);
    wait_for_samples(before + 2);
    set_sample(f, 3600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_looks),       cmocka_unit_test(moments_keep_their_distance),
        cmocka_unit_test(moments_are_spread), TEST(who_looks_is_served),
        TEST(a_look_reaches_hosts),
    };

    return cmocka_run_group_tests_name("reconcile_pace", tests, NULL, NULL);
}
