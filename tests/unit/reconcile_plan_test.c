/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans: services and batches on paper, as if all went; quotas of a batch. */
#include "tests/unit/reconcile_fixture.h"

static void a_service_on_paper_tells_of_each_replica(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_PLAN, "web", "replicas = 2\n[vm]\ncpus = 2\n"), 0);
    expect_in(f, OBJECT_PLAN, "web", "placement", "2 of 2 replicas have a host\n");
    expect_in(f, OBJECT_PLAN, "web", "placement", "\nweb-0 a 1.000000 ");
    expect_in(f, OBJECT_PLAN, "web", "placement", "\nweb-1 b 1.000000 ");
    expect_in(f, OBJECT_PLAN, "web", "placement", "\nweb-1: 1 of 2 hosts passed: b\n");
    assert_int_equal(commit(f, OBJECT_PLAN, "web", "replicas = 4\n[vm]\ncpus = 2\n"), 0);
    expect_in(f, OBJECT_PLAN, "web", "placement", "2 of 4 replicas have a host\n");
    expect_in(f, OBJECT_PLAN, "web", "placement", "\nweb-2 -\nweb-3 -\n");
    expect_in(f, OBJECT_PLAN, "web", "placement", "\nweb-2: 0 of 2 hosts passed: spread 2\n");
    assert_int_equal(cpus_reserved(f), 0);
    assert_int_equal(domains(), 0);
}

/* What is reserved on paper and given back lets nobody in who was refused. */
static void paper_makes_no_room(void **state)
{
    struct fixture *f = *state;
    struct cloud *cloud = engine_cloud(f->engine);
    uint64_t room;

    assert_int_equal(make(f, OBJECT_VM, "vm", "cpus = 1\n"), 0);
    cloud_read_lock(cloud);
    room = place_room(cloud_place(cloud));
    cloud_read_unlock(cloud);
    assert_int_equal(make(f, OBJECT_PLAN, "web", "replicas = 2\n[vm]\ncpus = 2\n"), 0);
    cloud_read_lock(cloud);
    assert_int_equal(place_room(cloud_place(cloud)), room);
    cloud_read_unlock(cloud);
}

/* Many plans of many replicas, for which there is room. Nobody else is answered meanwhile. */
static void paper_is_not_endless(void **state)
{
    static const char many[] = "replicas = 10000\nspread = none\n[vm]\nmemory = 1MiB\n";
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_HOST, "c",
                          "uri = test:///c\ncpu_overcommit = 1000000\n"
                          "memory_overcommit = 1000000\n"),
                     0);
    expect(f, OBJECT_HOST, "c", "state", "up");
    assert_int_equal(make_dir(f, OBJECT_PLAN, "b"), 0);
    for (int i = 0; i < 40; i++) {
        g_autofree char *name = g_strdup_printf("b/p%02d", i);

        assert_int_equal(make(f, OBJECT_PLAN, name, many), 0);
    }
    expect_in(f, OBJECT_PLAN, "b/p00", "placement", " of 10000 replicas have a host");
    expect_in(f, OBJECT_PLAN, "b", "placement", "\np39 ...\n");
    expect_in(f, OBJECT_PLAN, "b/p39", "placement", "not tried");
    assert_int_equal(cpus_reserved(f), 0);
    assert_int_equal(make(f, OBJECT_PLAN, "small", "cpus = 1\n"), 0); /* by itself: all of it */
    expect_in(f, OBJECT_PLAN, "small", "placement", "3 of 3 hosts passed");
}

static void a_quota_counts_all_of_a_batch(void **state)
{
    struct conf_quota quota = {.name = (char *)"*",
                               .everybody = true,
                               .vms = 3,
                               .cpus = G_MAXUINT32,
                               .memory = G_MAXUINT64};
    struct fixture *f = *state;

    g_ptr_array_add(f->conf.quotas, &quota);
    assert_int_equal(make(f, OBJECT_VM, "one", "cpus = 1\n"), 0);
    assert_int_equal(make_dir(f, OBJECT_PLAN, "b"), 0);
    assert_int_equal(make(f, OBJECT_PLAN, "b/x", "cpus = 1\n"), 0);
    assert_int_equal(make(f, OBJECT_PLAN, "b/y", "cpus = 1\n"), 0);
    assert_int_equal(make(f, OBJECT_PLAN, "b/z", "cpus = 1\n"), 0);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "b", OBJECT_VM, "b"), EDQUOT);
    expect_in(f, OBJECT_PLAN, "b", "error", "3 of 3 VMs are taken, this needs 1 more");
    assert_int_equal(domains(), 1);
    assert_int_equal(remove_dir(f, OBJECT_PLAN, "b/y"), 0);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "b", OBJECT_VM, "b"), 0);
    expect(f, OBJECT_VM, "x", "state", "running");
    expect(f, OBJECT_VM, "z", "state", "running");
    assert_int_equal(domains(), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_service_on_paper_tells_of_each_replica),
        TEST(paper_makes_no_room),
        TEST(paper_is_not_endless),
        TEST(a_quota_counts_all_of_a_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
