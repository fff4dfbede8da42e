/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services and their members. */
#include <string.h>

#include "tests/unit/reconcile_fixture.h"

static void a_service_is_its_replicas(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_SERVICE, "web", "replicas = 2\n[vm]\ncpus = 1\n"), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale"), EINVAL);
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale -1"), EINVAL);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web-0"), EPERM);
    assert_int_equal(commit(f, OBJECT_VM, "web-0", "cpus = 9\n"), EPERM);
    /* Spread over hosts: the third waits. */
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 3"), 0);
    expect(f, OBJECT_VM, "web-2", "state", "pending");
    expect(f, OBJECT_SERVICE, "web", "state", "degraded");
    expect(f, OBJECT_SERVICE, "web", "spec", "replicas = 3\n[vm]\ncpus = 1\n");
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 1"), 0);
    expect(f, OBJECT_VM, "web-1", "state", "gone");
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", "replicas = 1\n[vm]\ncpus = 2\n"), 0);
    expect(f, OBJECT_VM, "web-0", "spec", "cpus = 2\n");
    assert_int_equal(remove_dir(f, OBJECT_SERVICE, "web"), 0);
    assert_int_equal(domains(), 0);
}

static void a_service_takes_restored_members(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "web-0", "cpus = 1\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "web-1", "cpus = 3\n"), 0);
    assert_int_equal(make(f, OBJECT_SERVICE, "web", "replicas = 2\n[vm]\ncpus = 1\n"), EEXIST);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web-0"), EPERM);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web-1"), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(domains(), 2);
}

static const struct actor alice = {.uid = 1001, .gid = 1001, .pid = 4713};

static int make_for_alice(struct fixture *f, enum object_kind kind, const char *name,
                          const char *text)
{
    int err;

    engine_mkdir(f->engine, kind, name, 0700, &alice, answered, f);
    err = answer(f);
    if (err || !text)
        return err;
    engine_commit(f->engine, id_of(f, kind, name), text, strlen(text), &alice, answered, f);
    return answer(f);
}

static int chown_to(struct fixture *f, enum object_kind kind, const char *name, uid_t uid)
{
    static const struct actor root = {.pid = 4714};

    engine_chown(f->engine, id_of(f, kind, name), uid, (gid_t)-1, (mode_t)-1, &root, answered, f);
    return answer(f);
}

/* What write(2) of TEXT, which may go on, is told. */
static int check(struct fixture *f, const char *service, const char *text)
{
    g_autoptr(GError) error = NULL;

    if (engine_check(f->engine, id_of(f, OBJECT_SERVICE, service), OBJECT_SERVICE, text,
                     strlen(text), &somebody, &error))
        return 0;
    return error->code;
}

struct rights {
    bool member;
    gid_t gid;
    mode_t mode;
};

static struct rights rights_of(struct fixture *f, const char *name)
{
    struct cloud *cloud = engine_cloud(f->engine);
    struct rights rights = {0};
    const struct object *vm;

    cloud_read_lock(cloud);
    vm = cloud_find(cloud, OBJECT_VM, name);
    if (vm)
        rights = (struct rights){vm->vm.service != NULL, vm->gid, vm->mode};
    cloud_read_unlock(cloud);
    return rights;
}

/* Whose names they are made them members: rewritten, read and removed by somebody else. */
static void a_service_takes_only_vms_of_its_owner(void **state)
{
    struct fixture *f = *state;
    const char *spec = "replicas = 2\nspread = none\n[vm]\ncpus = 1\n";

    assert_int_equal(make_for_alice(f, OBJECT_VM, "web-0", "cpus = 1\n"), 0);
    assert_int_equal(make_for_alice(f, OBJECT_VM, "web-1", NULL), 0);
    assert_int_equal(make(f, OBJECT_SERVICE, "web", spec), EEXIST);
    expect(f, OBJECT_SERVICE, "web", "error",
           "vms/web-0 of user 1001 exists and is no member: rename or remove it");
    assert_false(rights_of(f, "web-0").member);
    assert_false(rights_of(f, "web-1").member);
    expect(f, OBJECT_VM, "web-1", "state", "draft");
    /* Nor does one of root's. */
    assert_int_equal(chown_to(f, OBJECT_SERVICE, "web", 0), 0);
    assert_int_equal(
        commit(f, OBJECT_SERVICE, "web", "# root's\nreplicas = 2\nspread = none\n[vm]\ncpus = 1\n"),
        EEXIST);
    assert_false(rights_of(f, "web-0").member);
    /* They come under one owner as a tree that is put back does. */
    assert_int_equal(chown_to(f, OBJECT_VM, "web-0", 0), 0);
    expect_in(f, OBJECT_SERVICE, "web", "error", "vms/web-1 of user 1001");
    assert_true(rights_of(f, "web-0").member);
    assert_int_equal(chown_to(f, OBJECT_VM, "web-1", 0), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(domains(), 2);
}

static void a_member_that_joins_is_as_its_service(void **state)
{
    struct fixture *f = *state;
    struct rights rights;

    assert_int_equal(make_dir(f, OBJECT_VM, "web-0"), 0);
    assert_int_equal(make_dir(f, OBJECT_SERVICE, "web"), 0);
    engine_chown(f->engine, id_of(f, OBJECT_SERVICE, "web"), (uid_t)-1, 1234, 0700, &somebody,
                 answered, f);
    assert_int_equal(answer(f), 0);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", "replicas = 1\n[vm]\ncpus = 1\n"), 0);
    rights = rights_of(f, "web-0");
    assert_true(rights.member);
    assert_int_equal(rights.gid, 1234);
    assert_int_equal(rights.mode, 0700);
}

static void a_service_that_is_not_saved_takes_nothing(void **state)
{
    const char *spec = "replicas = 1\n[vm]\ncpus = 1\n";
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "web-0", "cpus = 1\n"), 0);
    assert_int_equal(make_dir(f, OBJECT_SERVICE, "web"), 0);
    fail_saves(true);
    assert_int_not_equal(commit(f, OBJECT_SERVICE, "web", spec), 0);
    fail_saves(false);
    expect(f, OBJECT_SERVICE, "web", "state", "draft");
    assert_false(rights_of(f, "web-0").member);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web-0"), 0);
}

/* Whoever was at his limit could not put them under a service, which would have made nothing. */
static void a_vm_that_joins_counts_once(void **state)
{
    struct fixture *f = *state;
    static struct conf_quota quota = {
        .name = (char *)"1000", .id = 1000, .vms = 2, .cpus = 2, .memory = G_MAXUINT64};

    g_ptr_array_add(f->conf.quotas, &quota);
    assert_int_equal(make(f, OBJECT_VM, "web-0", "cpus = 1\n"), 0);
    assert_int_equal(make_dir(f, OBJECT_VM, "web-1"), 0);
    assert_int_equal(make(f, OBJECT_SERVICE, "web", "replicas = 3\n[vm]\ncpus = 1\n"), EDQUOT);
    expect(f, OBJECT_SERVICE, "web", "error",
           "quota of 1000: 2 of 2 VMs are taken, this needs 1 more");
    /* What stays a VM of its own counts beside it. */
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", "replicas = 2\n[vm]\ncpus = 2\n"), EDQUOT);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", "replicas = 1\n[vm]\ncpus = 2\n"), EDQUOT);
    assert_false(rights_of(f, "web-0").member);
    assert_int_equal(check(f, "web", "replicas = 3\n"), EDQUOT);
    assert_int_equal(check(f, "web", "replicas = 2\n[vm]\ncpus = 2\n"), EDQUOT);
    assert_int_equal(check(f, "web", "replicas = 2\n"), 0);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", "replicas = 2\n[vm]\ncpus = 1\n"), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(counted(&fake.creates), 2);
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 3"), EDQUOT);
}

/* Else the service would make another under its name, and both would be there. */
static void a_vm_that_was_counted_as_a_member_is_one(void **state)
{
    const char *spec = "replicas = 1\n[vm]\ncpus = 1\n";
    struct fixture *f = *state;
    static struct conf_quota quota = {
        .name = (char *)"1000", .id = 1000, .vms = 1, .cpus = 1, .memory = G_MAXUINT64};
    uint64_t vm, service;

    g_ptr_array_add(f->conf.quotas, &quota);
    assert_int_equal(make(f, OBJECT_VM, "web-0", "cpus = 1\n"), 0);
    assert_int_equal(make_dir(f, OBJECT_SERVICE, "web"), 0);
    vm = id_of(f, OBJECT_VM, "web-0");
    service = id_of(f, OBJECT_SERVICE, "web");
    /* Both come in one round. */
    cloud_read_lock(engine_cloud(f->engine));
    engine_commit(f->engine, service, spec, strlen(spec), &somebody, answered, f);
    engine_rename(f->engine, vm, OBJECT_VM, "mine", &somebody, answered, f);
    cloud_read_unlock(engine_cloud(f->engine));
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    expect(f, OBJECT_VM, "mine", "state", "gone");
    assert_int_equal(domains(), 1);
    assert_true(rights_of(f, "web-0").member);
}

static void the_highest_numbers_go_first(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        make(f, OBJECT_SERVICE, "web", "replicas = 3\nspread = none\n[vm]\ncpus = 1\n"), 0);
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 2"), 0);
    expect(f, OBJECT_VM, "web-2", "state", "gone");
    expect(f, OBJECT_VM, "web-1", "state", "running");
    /* While a rollout has stopped, too. */
    set_flag(&fake.bad_image, true);
    assert_int_equal(
        commit(f, OBJECT_SERVICE, "web", "replicas = 2\nspread = none\n[vm]\nimage = /x\n"),
        ENOENT);
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 1"), 0);
    expect(f, OBJECT_VM, "web-1", "state", "gone");
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 0"), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    expect(f, OBJECT_SERVICE, "web", "error", "");
    assert_int_equal(domains(), 0);
}

/* It was tried again and again, without a rest and without an answer. */
static void a_member_that_cannot_be_destroyed_rests(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        make(f, OBJECT_SERVICE, "web", "replicas = 2\nspread = none\n[vm]\ncpus = 1\n"), 0);
    set_failure(&fake.fail_destroy, EHOSTDOWN);
    assert_int_equal(remove_dir(f, OBJECT_SERVICE, "web"), EHOSTDOWN);
    set_failure(&fake.fail_destroy, EIO);
    assert_int_equal(remove_dir(f, OBJECT_SERVICE, "web"), EIO);
    expect_in(f, OBJECT_VM, "web-1", "error", "tried again in 2 s");
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 1"), 0);
    assert_int_equal(domains(), 2);
    set_failure(&fake.fail_destroy, 0);
    expect(f, OBJECT_VM, "web-1", "state", "gone");
    assert_int_equal(remove_dir(f, OBJECT_SERVICE, "web"), 0);
    assert_int_equal(domains(), 0);
}

/* Its rmdir was told that the host is down; the VMs went when that was back, and were made anew. */
static void a_removal_goes_on_when_the_host_is_back(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_SERVICE, "web", "replicas = 2\n[vm]\ncpus = 1\n"), 0);
    set_failure(&fake.fail_destroy, EHOSTDOWN);
    assert_int_equal(remove_dir(f, OBJECT_SERVICE, "web"), EHOSTDOWN);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", "replicas = 1\n[vm]\ncpus = 1\n"), EBUSY);
    set_failure(&fake.fail_destroy, 0);
    expect(f, OBJECT_SERVICE, "web", "state", "gone");
    assert_int_equal(counted(&fake.creates), 2);
    assert_int_equal(domains(), 0);
}

static void told(void *ctx, int err)
{
    g_atomic_int_set((int *)ctx, err);
}

/* Writes TEXT; *ERR becomes other than -1 with the answer. */
static void write_spec(struct fixture *f, const char *text, int *err)
{
    *err = -1;
    engine_commit(f->engine, id_of(f, OBJECT_SERVICE, "web"), text, strlen(text), &somebody, told,
                  err);
    expect(f, OBJECT_SERVICE, "web", "spec", text);
}

static int wait_answer(int *err)
{
    for (int i = 0; i < 20000 && g_atomic_int_get(err) < 0; i++)
        g_usleep(1000);
    return g_atomic_int_get(err);
}

/* Who corrects a template was told the error of what was being made by the old one. */
static void a_correction_is_not_told_of_what_it_corrects(void **state)
{
    struct fixture *f = *state;
    int first, second;

    assert_int_equal(make_dir(f, OBJECT_SERVICE, "web"), 0);
    set_flag(&fake.bad_image, true);
    set_flag(&fake.hold_creates, true);
    write_spec(f, "replicas = 1\n[vm]\nimage = /none\n", &first);
    while (counted(&fake.held_creates) == 0)
        g_usleep(1000);
    write_spec(f, "replicas = 1\n[vm]\ncpus = 1\n", &second);
    set_flag(&fake.hold_creates, false);
    assert_int_equal(wait_answer(&second), 0);
    assert_int_equal(wait_answer(&first), 0); /* it was replaced */
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    expect(f, OBJECT_SERVICE, "web", "error", "");
    assert_int_equal(counted(&fake.creates), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_service_is_its_replicas),
        TEST(a_service_takes_restored_members),
        TEST(a_service_takes_only_vms_of_its_owner),
        TEST(a_member_that_joins_is_as_its_service),
        TEST(a_service_that_is_not_saved_takes_nothing),
        TEST(a_vm_that_joins_counts_once),
        TEST(a_vm_that_was_counted_as_a_member_is_one),
        TEST(the_highest_numbers_go_first),
        TEST(a_member_that_cannot_be_destroyed_rests),
        TEST(a_removal_goes_on_when_the_host_is_back),
        TEST(a_correction_is_not_told_of_what_it_corrects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
