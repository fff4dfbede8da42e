/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fits nowhere now, and who goes first when room appears. */
#include "tests/unit/reconcile_fixture.h"

#include <string.h>

static void what_does_not_fit_now_waits(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "one", "memory = 3GiB\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "two", "memory = 3GiB\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "three", "memory = 3GiB\n"), 0);
    expect(f, OBJECT_VM, "three", "state", "pending");
    assert_int_equal(domains(), 2);
    assert_int_equal(remove_dir(f, OBJECT_VM, "one"), 0);
    expect(f, OBJECT_VM, "three", "state", "running");
}

static void has_waited(struct fixture *f, const char *name, int seconds)
{
    struct cloud *cloud = engine_cloud(f->engine);

    cloud_write_lock(cloud);
    vm_work(cloud_find(cloud, OBJECT_VM, name))->waiting.since -= seconds * G_USEC_PER_SEC;
    cloud_write_unlock(cloud);
}

static void the_most_wanted_goes_first(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "one", "memory = 3GiB\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "two", "memory = 3GiB\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "low", "memory = 3GiB\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "bad", "memory = 4GiB\nhost = a\ndemand = 100\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "high", "memory = 3GiB\ndemand = 5\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "next", "memory = 3GiB\ndemand = 5\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "small", "memory = 1GiB\n"), 0);
    expect(f, OBJECT_VM, "small", "state", "running"); /* what waits does not stop it */
    assert_int_equal(remove_dir(f, OBJECT_VM, "one"), 0);
    expect(f, OBJECT_VM, "high", "state", "running");
    expect(f, OBJECT_VM, "bad", "state", "pending");
    has_waited(f, "low", 600);
    assert_int_equal(remove_dir(f, OBJECT_VM, "two"), 0);
    expect(f, OBJECT_VM, "low", "state", "running"); /* its demand counts 11 times by now */
    expect(f, OBJECT_VM, "next", "state", "pending");
    assert_int_equal(commit(f, OBJECT_VM, "next", "memory = 1GiB\n"), 0);
    expect(f, OBJECT_VM, "next", "state", "running");
}

/* Of hosts that are equal otherwise, the one without what others wait for. */
static void labels_that_others_need_are_spared(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_HOST, "c", "uri = test:///c\nlabels = gpu\n"), 0);
    assert_int_equal(make(f, OBJECT_HOST, "d", "uri = test:///d\n"), 0);
    expect(f, OBJECT_HOST, "c", "state", "up");
    expect(f, OBJECT_HOST, "d", "state", "up");
    assert_int_equal(make(f, OBJECT_VM, "a1", "memory = 4GiB\nhost = a\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "b1", "memory = 4GiB\nhost = b\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "c1", "memory = 2GiB\nhost = c\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "d1", "memory = 2GiB\nhost = d\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "gpu", "memory = 3GiB\nlabels = gpu\n"), 0);
    expect(f, OBJECT_VM, "gpu", "state", "pending");
    assert_int_equal(make(f, OBJECT_VM, "any", "memory = 1GiB\n"), 0);
    expect(f, OBJECT_VM, "any", "host", "d");
}

/* The last to be answered tells. */
static int commit_together(struct fixture *f, const char *const names[], const char *const specs[])
{
    struct cloud *cloud = engine_cloud(f->engine);
    uint64_t ids[8];
    unsigned n = 0;

    for (; names[n]; n++) {
        assert_int_equal(make_dir(f, OBJECT_VM, names[n]), 0);
        ids[n] = id_of(f, OBJECT_VM, names[n]);
    }
    /* The engine takes what there is at once: the first keeps it while the others arrive. */
    cloud_read_lock(cloud);
    engine_drop(f->engine, 0, &somebody, answered, f);
    g_usleep(200000);
    for (unsigned i = 0; i < n; i++)
        engine_commit(f->engine, ids[i], specs[i], strlen(specs[i]), &somebody, answered, f);
    cloud_read_unlock(cloud);
    return answer(f);
}

/* One round takes all that has arrived while the one before was saved. */
static void what_arrives_together_goes_by_urgency(void **state)
{
    static const char *const names[] = {"low", "lower", "high", NULL};
    static const char *const specs[] = {"memory = 3GiB\ndemand = 2\n", "memory = 3GiB\n",
                                        "memory = 3GiB\ndemand = 5\n"};
    struct fixture *f = *state;

    commit_together(f, names, specs);
    expect(f, OBJECT_VM, "high", "state", "running");
    expect(f, OBJECT_VM, "low", "state", "running");
    expect(f, OBJECT_VM, "lower", "state", "pending");
    expect(f, OBJECT_VM, "high", "host", "a"); /* it chose first */
}

/* The hosts offer only `test`. */
static void what_no_host_offers_a_type_for_is_refused(void **state)
{
    struct fixture *f = *state;
    double none = 0;

    g_hash_table_insert(f->conf.virtualization, g_strdup("test"), g_memdup2(&none, sizeof none));
    assert_int_equal(make(f, OBJECT_VM, "one", "cpus = 1\n"), ENOSPC);
    expect(f, OBJECT_VM, "one", "error",
           "no host could ever hold it: virtualization kvm or qemu: no host offers it");
    assert_int_equal(make(f, OBJECT_VM, "two", "init = /bin/sh\n"), ENOSPC);
    expect_in(f, OBJECT_VM, "two", "error", "virtualization lxc: no host offers it");
    assert_int_equal(commit(f, OBJECT_VM, "one", "virtualization = test\n"), 0);
    expect(f, OBJECT_VM, "one", "state", "running");
}

/* It is placed anew. */
static void what_was_placed_without_a_type_waits(void **state)
{
    struct fixture *f = *state;
    struct cloud *cloud = engine_cloud(f->engine);
    struct object *vm;

    assert_int_equal(make(f, OBJECT_VM, "one", "cpus = 1\n"), 0);
    cloud_write_lock(cloud);
    vm = cloud_find(cloud, OBJECT_VM, "one");
    vm->vm.phase = VM_FAILED;
    cloud_set_type(vm, NULL);
    cloud_write_unlock(cloud);
    assert_int_equal(control(f, OBJECT_VM, "one", "start\n"), 0);
    expect(f, OBJECT_VM, "one", "state", "running");
    expect(f, OBJECT_VM, "one", "error", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_does_not_fit_now_waits),
        TEST(the_most_wanted_goes_first),
        TEST(labels_that_others_need_are_spared),
        TEST(what_arrives_together_goes_by_urgency),
        TEST(what_no_host_offers_a_type_for_is_refused),
        TEST(what_was_placed_without_a_type_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
