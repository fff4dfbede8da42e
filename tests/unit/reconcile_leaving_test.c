/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects whose file in specs/ was removed: the end of their grace, over an end of cloudfs too. */
#include "tests/unit/reconcile_fixture.h"

#include <string.h>

static bool is_leaving(struct fixture *f, enum object_kind kind, const char *name)
{
    struct cloud *cloud = engine_cloud(f->engine);
    struct object *object;
    bool leaving;

    cloud_read_lock(cloud);
    object = cloud_find(cloud, kind, name);
    leaving = object && object->leaving;
    cloud_read_unlock(cloud);
    return leaving;
}

static void restart(struct fixture *f)
{
    engine_free(f->engine);
    start(f);
}

/* The removal had been answered with success, and was forgotten. */
static void what_leaves_goes_after_a_restart(void **state)
{
    struct fixture *f = *state;

    f->conf.grace = 1;
    assert_int_equal(make(f, OBJECT_VM, "vm", "cpus = 1\n"), 0);
    assert_int_equal(make(f, OBJECT_SERVICE, "web", "replicas = 1\n[vm]\ncpus = 1\n"), 0);
    assert_int_equal(make(f, OBJECT_HOST, "c", "uri = test:///c\n"), 0);
    assert_int_equal(drop(f, OBJECT_VM, "web-0"), EPERM);
    assert_int_equal(drop(f, OBJECT_VM, "vm"), 0);
    assert_int_equal(drop(f, OBJECT_SERVICE, "web"), 0);
    assert_int_equal(drop(f, OBJECT_HOST, "c"), 0);
    restart(f);
    expect(f, OBJECT_VM, "vm", "state", "gone");
    expect(f, OBJECT_SERVICE, "web", "state", "gone");
    expect(f, OBJECT_HOST, "c", "state", "gone");
    assert_int_equal(domains(), 0);
}

/* The grace begins anew with the start, and what came back in it stays. */
static void what_leaves_may_come_back_after_a_restart(void **state)
{
    struct fixture *f = *state;

    f->conf.grace = 60;
    assert_int_equal(make(f, OBJECT_VM, "vm", "cpus = 1\n"), 0);
    assert_int_equal(drop(f, OBJECT_VM, "vm"), 0);
    restart(f);
    assert_true(is_leaving(f, OBJECT_VM, "vm"));
    assert_int_equal(keep(f, OBJECT_VM, "vm"), 0);
    f->conf.grace = 0;
    restart(f);
    assert_false(is_leaving(f, OBJECT_VM, "vm"));
    expect(f, OBJECT_VM, "vm", "state", "running");
}

/* The write was answered with success, and the VM was destroyed. */
static void what_is_written_as_its_grace_ends_stays(void **state)
{
    static const char spec[] = "cpus = 1\n"; /* the same: no job keeps it from being removed */
    struct fixture *f = *state;
    struct cloud *cloud = engine_cloud(f->engine);
    uint64_t id;

    f->conf.grace = 0.1;
    assert_int_equal(make(f, OBJECT_VM, "vm", "cpus = 1\n"), 0);
    assert_int_equal(drop(f, OBJECT_VM, "vm"), 0);
    id = id_of(f, OBJECT_VM, "vm");
    /* The engine is at the end of the grace, and waits for readers; the write comes after it. */
    cloud_read_lock(cloud);
    g_usleep(300000);
    engine_commit(f->engine, id, spec, strlen(spec), &somebody, answered, f);
    cloud_read_unlock(cloud);
    assert_int_equal(answer(f), 0);
    assert_int_equal(commit(f, OBJECT_VM, "vm", "cpus = 2\n"), 0); /* all before has been done */
    expect(f, OBJECT_VM, "vm", "spec", "cpus = 2\n");
    expect(f, OBJECT_VM, "vm", "state", "running");
    assert_int_equal(id_of(f, OBJECT_VM, "vm"), id);
}

/* A removal that was answered was refused when its time came, and forgotten. */
static void what_is_just_made_again_goes_after_that(void **state)
{
    struct fixture *f = *state;
    g_autofree char *host = NULL, *uri = NULL, *uuid = NULL;
    struct cloud *cloud;

    assert_int_equal(make(f, OBJECT_VM, "vm", "cpus = 1\n"), 0);
    host = field(f, OBJECT_VM, "vm", "host");
    uri = g_strdup_printf("test:///%s", host);
    cloud = engine_cloud(f->engine);
    cloud_read_lock(cloud);
    uuid = g_strdup(cloud_find(cloud, OBJECT_VM, "vm")->vm.uuid);
    cloud_read_unlock(cloud);
    set_flag(&fake.hold_creates, true);
    f->conf.grace = 4; /* it is made again after 2 s */
    pthread_mutex_lock(&fake.lock);
    g_hash_table_remove(fake.domains, uuid);
    pthread_mutex_unlock(&fake.lock);
    fake_event(uri, uuid);
    expect(f, OBJECT_VM, "vm", "state", "failed");
    assert_int_equal(drop(f, OBJECT_VM, "vm"), 0);
    for (int i = 0; i < 1000 && is_leaving(f, OBJECT_VM, "vm"); i++)
        g_usleep(5000);
    assert_int_equal(counted(&fake.held_creates), 1);
    set_flag(&fake.hold_creates, false);
    expect(f, OBJECT_VM, "vm", "state", "gone");
    assert_int_equal(domains(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_leaves_goes_after_a_restart),
        TEST(what_leaves_may_come_back_after_a_restart),
        TEST(what_is_written_as_its_grace_ends_stays),
        TEST(what_is_just_made_again_goes_after_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
