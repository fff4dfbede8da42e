/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs whose domains somebody else removed: their disks are on their hosts, and so they are made
 * again there, with these, or removed there. */
#include "tests/unit/reconcile_fixture.h"

#include <errno.h>
#include <string.h>

#define KEPT "restart = never\n"

static void copy_uuid(struct fixture *f, const char *name, char uuid[37])
{
    struct cloud *cloud = engine_cloud(f->engine);

    cloud_read_lock(cloud);
    memcpy(uuid, cloud_find(cloud, OBJECT_VM, name)->vm.uuid, 37);
    cloud_read_unlock(cloud);
}

static void remove_domain(struct fixture *f, const char *name)
{
    g_autofree char *host = field(f, OBJECT_VM, name, "host");
    g_autofree char *uri = g_strdup_printf("test:///%s", host);
    char uuid[37];

    copy_uuid(f, name, uuid);
    pthread_mutex_lock(&fake.lock);
    g_hash_table_remove(fake.domains, uuid);
    pthread_mutex_unlock(&fake.lock);
    fake_event(uri, uuid);
}

/* NAME is made on a, and is not there any more, nor can it be made there again. */
static void lose(struct fixture *f, const char *name, const char *spec)
{
    fail_create("test:///b", EIO);
    assert_int_equal(make(f, OBJECT_VM, name, spec), 0);
    expect(f, OBJECT_VM, name, "host", "a");
    fail_create("test:///b", 0);
    fail_create("test:///a", EIO);
    remove_domain(f, name);
    expect(f, OBJECT_VM, name, "state", "failed");
}

/* Its disk goes by its UUID: with another one it would have an empty disk, as on another host. */
static void its_disk_is_kept(void **state)
{
    struct fixture *f = *state;
    char before[37], after[37];

    lose(f, "web", "cpus = 1\ndisk = 1G\n");
    copy_uuid(f, "web", before);
    expect_in(f, OBJECT_VM, "web", "error", "told to fail on test:///a; tried again in ");
    expect(f, OBJECT_VM, "web", "state", "failed");
    expect(f, OBJECT_VM, "web", "host", "a");
    assert_int_equal(control(f, OBJECT_VM, "web", "start"), EIO);
    expect(f, OBJECT_VM, "web", "host", "a");
    assert_int_equal(domains(), 0);
    fail_create("test:///a", 0);
    expect(f, OBJECT_VM, "web", "state", "running"); /* by itself */
    expect(f, OBJECT_VM, "web", "host", "a");
    expect(f, OBJECT_VM, "web", "error", "");
    copy_uuid(f, "web", after);
    assert_string_equal(after, before);
}

static void one_without_a_disk_goes_elsewhere(void **state)
{
    struct fixture *f = *state;

    lose(f, "web", "cpus = 1\n" KEPT);
    assert_int_equal(control(f, OBJECT_VM, "web", "start"), 0);
    expect(f, OBJECT_VM, "web", "state", "running");
    expect(f, OBJECT_VM, "web", "host", "b");
}

static void removing_it_removes_its_disk(void **state)
{
    struct fixture *f = *state;

    lose(f, "web", "cpus = 1\nimage = /i\n" KEPT);
    assert_int_equal(control(f, OBJECT_VM, "web", "start"), EIO);
    set_failure(&fake.fail_destroy, EIO);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web"), EIO);
    expect(f, OBJECT_VM, "web", "state", "failed");
    set_failure(&fake.fail_destroy, 0);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web"), 0);
    assert_int_equal(counted(&fake.destroys), 1);
    assert_int_equal(id_of(f, OBJECT_VM, "web"), 0);
    assert_int_equal(cpus_reserved(f), 0);
}

static void it_waits_for_its_host(void **state)
{
    struct fixture *f = *state;

    lose(f, "web", "cpus = 1\ndisk = 1G\n" KEPT);
    set_failure(&fake.fail_open, EHOSTDOWN);
    fake_tell("test:///a", VIRT_CLOSED, NULL);
    expect(f, OBJECT_HOST, "a", "state", "down");
    assert_int_equal(control(f, OBJECT_VM, "web", "start"), EHOSTDOWN);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web"), EHOSTDOWN);
    expect(f, OBJECT_VM, "web", "state", "failed");
    expect(f, OBJECT_VM, "web", "host", "a");
    set_failure(&fake.fail_open, 0);
    fail_create("test:///a", 0);
    expect(f, OBJECT_HOST, "a", "state", "up");
    assert_int_equal(control(f, OBJECT_VM, "web", "start"), 0);
    expect(f, OBJECT_VM, "web", "host", "a");
}

static void another_spec_has_it_made_there_too(void **state)
{
    struct fixture *f = *state;

    lose(f, "web", "cpus = 1\ndisk = 1G\n" KEPT);
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpus = 2\ndisk = 1G\nhost = b\n"), EBUSY);
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpus = 2\n"), EINVAL);
    expect_in(f, OBJECT_VM, "web", "error", "disk cannot be left out");
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpus = 2\ndisk = 1G\n" KEPT), EIO);
    expect(f, OBJECT_VM, "web", "host", "a");
    fail_create("test:///a", 0);
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpus = 3\ndisk = 1G\n"), 0);
    expect(f, OBJECT_VM, "web", "state", "running");
    expect(f, OBJECT_VM, "web", "host", "a");
    assert_int_equal(cpus_reserved(f), 3);
}

/* That it is being made could not be saved: when it can, it is, where it was. */
static void a_full_disk_of_ours_does_not_move_it(void **state)
{
    struct fixture *f = *state;

    lose(f, "web", "cpus = 1\ndisk = 1G\n" KEPT);
    fail_saves(true);
    assert_int_not_equal(control(f, OBJECT_VM, "web", "start"), 0);
    fail_saves(false);
    assert_int_equal(control(f, OBJECT_VM, "web", "start"), EIO);
    expect(f, OBJECT_VM, "web", "host", "a");
    assert_int_equal(domains(), 0);
}

/* Its service makes it anew under another template, and not before what it had is removed. */
static void a_member_with_another_template_is_made_anew(void **state)
{
    struct fixture *f = *state;

    fail_create("test:///b", EIO);
    assert_int_equal(make(f, OBJECT_SERVICE, "web", "[vm]\ncpus = 1\ndisk = 1G\n"), 0);
    expect(f, OBJECT_VM, "web-0", "host", "a");
    fail_create("test:///b", 0);
    fail_create("test:///a", EIO);
    remove_domain(f, "web-0");
    expect_in(f, OBJECT_VM, "web-0", "error", "told to fail");
    expect(f, OBJECT_VM, "web-0", "host", "a");
    assert_int_equal(counted(&fake.destroys), 0);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", "[vm]\ncpus = 2\ndisk = 1G\n"), 0);
    expect(f, OBJECT_VM, "web-0", "state", "running");
    expect(f, OBJECT_VM, "web-0", "host", "b");
    assert_int_equal(counted(&fake.destroys), 1);
    assert_int_equal(domains(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(its_disk_is_kept),
        TEST(one_without_a_disk_goes_elsewhere),
        TEST(removing_it_removes_its_disk),
        TEST(it_waits_for_its_host),
        TEST(another_spec_has_it_made_there_too),
        TEST(a_full_disk_of_ours_does_not_move_it),
        TEST(a_member_with_another_template_is_made_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
