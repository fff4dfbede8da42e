/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's life: specs, failures, restarts, names, plans. */
#include "tests/unit/reconcile_fixture.h"

static void names_and_specs_are_checked(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make_dir(f, OBJECT_VM, "-web"), EINVAL);
    assert_int_equal(make_dir(f, OBJECT_FOLDER, "web"), EPERM);
    assert_int_equal(make_dir(f, OBJECT_VM, "web"), 0);
    assert_int_equal(make_dir(f, OBJECT_VM, "web"), EEXIST);
    expect(f, OBJECT_VM, "web", "state", "draft");
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpu = 1\n"), EINVAL);
    expect(f, OBJECT_VM, "web", "state", "draft");
    assert_int_equal(control(f, OBJECT_VM, "web", "explode"), EINVAL);
    assert_int_equal(control(f, OBJECT_VM, "web", "start"), EBUSY);
    assert_int_equal(commit(f, OBJECT_HOST, "a", "uri = test:///other\n"), EPERM);
    assert_int_equal(commit(f, OBJECT_HOST, "a", "uri = test:///a\n"), 0);
    assert_int_equal(remove_dir(f, OBJECT_HOST, "a"), EPERM);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web"), 0);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web"), ENOENT);
}

static void a_spec_makes_a_vm(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    expect(f, OBJECT_VM, "web", "state", "running");
    assert_int_equal(domains(), 1);
    assert_int_equal(cpus_reserved(f), 2);
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpus = 3\n"), 0);
    assert_int_equal(cpus_reserved(f), 3);
    assert_int_equal(fake.creates, 1);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web"), 0);
    assert_int_equal(domains(), 0);
    assert_int_equal(cpus_reserved(f), 0);
}

static void what_no_host_could_hold_is_refused(void **state)
{
    struct fixture *f = *state;
    g_autoptr(GError) error = NULL;

    assert_int_equal(make(f, OBJECT_VM, "big", "cpus = 17\n"), ENOSPC);
    expect(f, OBJECT_VM, "big", "state", "draft");
    assert_int_equal(commit(f, OBJECT_VM, "big", "cpus = 1\nhost = c\n"), ENOSPC);
    assert_false(engine_check(f->engine, 0, OBJECT_VM, "memory = 5GiB\n", 14, &somebody, &error));
    assert_int_equal(error->code, ENOSPC);
    assert_true(engine_check(f->engine, 0, OBJECT_VM, "memory = 5GiB", 13, &somebody, NULL));
    assert_int_equal(domains(), 0);
}

static void a_host_that_fails_is_passed_over(void **state)
{
    struct fixture *f = *state;

    fail_create("test:///a", EIO);
    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    expect(f, OBJECT_VM, "web", "host", "b");
    expect(f, OBJECT_VM, "web", "error", "");
    fail_create("test:///b", EOPNOTSUPP);
    assert_int_equal(make(f, OBJECT_VM, "db", "cpus = 2\n"), EIO); /* the last one's */
    expect(f, OBJECT_VM, "db", "state", "failed");
    assert_int_equal(cpus_reserved(f), 2);
    fail_create("test:///b", 0);
    assert_int_equal(commit(f, OBJECT_VM, "db", "cpus = 2\n"), 0);
    expect(f, OBJECT_VM, "db", "state", "running");
}

static void a_failed_change_leaves_the_last_good_spec(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    set_failure(&fake.fail_change, EOPNOTSUPP);
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpus = 3\n"), EOPNOTSUPP);
    expect(f, OBJECT_VM, "web", "spec", "cpus = 2\n");
    expect(f, OBJECT_VM, "web", "error", "told to fail");
    assert_int_equal(cpus_reserved(f), 2);
    set_failure(&fake.fail_change, 0);
    set_failure(&fake.fail_destroy, EIO);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web"), EIO);
    expect(f, OBJECT_VM, "web", "state", "running");
}

static void a_lost_answer_does_not_make_it_twice(void **state)
{
    struct fixture *f = *state;

    pthread_mutex_lock(&fake.lock);
    fake.lose_create = true;
    pthread_mutex_unlock(&fake.lock);
    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), EHOSTDOWN);
    expect(f, OBJECT_VM, "web", "state", "running");
    assert_int_equal(domains(), 1);
    assert_int_equal(cpus_reserved(f), 2);
}

/* It was tried hundreds of times a second where the connection held. */
static void what_became_of_making_it_is_asked_after_a_rest(void **state)
{
    struct fixture *f = *state;

    fail_create("test:///a", EHOSTDOWN);
    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), EHOSTDOWN);
    g_usleep(G_USEC_PER_SEC / 2);
    assert_int_equal(counted(&fake.creates), 1);
    fail_create("test:///a", 0);
    expect(f, OBJECT_VM, "web", "state", "running");
    assert_int_equal(counted(&fake.creates), 2);
}

static void a_restart_finds_all_as_it_was(void **state)
{
    struct fixture *f = *state;
    uint64_t id;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    assert_int_equal(make_dir(f, OBJECT_VM, "draft"), 0);
    id = id_of(f, OBJECT_VM, "web");
    g_usleep(G_USEC_PER_SEC / 5);
    engine_free(f->engine);
    start(f);
    assert_int_equal(id_of(f, OBJECT_VM, "web"), id);
    expect(f, OBJECT_VM, "web", "state", "running");
    expect(f, OBJECT_VM, "web", "host", "a");
    expect(f, OBJECT_VM, "draft", "state", "draft");
    assert_int_equal(cpus_reserved(f), 2);
    {
        struct cloud *cloud = engine_cloud(f->engine);
        double available;

        cloud_read_lock(cloud);
        available = cloud_available(cloud_find(cloud, OBJECT_VM, "web"));
        cloud_read_unlock(cloud);
        assert_true(available >= 0.2);
    }
    assert_int_equal(make_dir(f, OBJECT_VM, "new"), 0);
    assert_true(id_of(f, OBJECT_VM, "new") > id + 1);
}

/* Time in which no cloudfs ran does not count, and what was counted counts once. */
static void availability_is_counted_once_over_restarts(void **state)
{
    struct fixture *f = *state;
    struct cloud *cloud;
    int64_t ran = 0, begin;
    double available;

    for (int run = 0; run < 3; run++) {
        begin = g_get_monotonic_time();
        if (run == 0)
            assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
        else
            start(f);
        g_usleep(G_USEC_PER_SEC / 5);
        engine_free(f->engine);
        ran += g_get_monotonic_time() - begin;
        g_usleep(G_USEC_PER_SEC);
    }
    begin = g_get_monotonic_time();
    start(f);
    cloud = engine_cloud(f->engine);
    cloud_read_lock(cloud);
    available = cloud_available(cloud_find(cloud, OBJECT_VM, "web"));
    cloud_read_unlock(cloud);
    ran += g_get_monotonic_time() - begin;
    assert_true(available >= 0.6);
    assert_true(available <= (double)ran / G_USEC_PER_SEC);
}

static void runs_are_known_for_a_while(void **state)
{
    struct runs runs = {0};

    (void)state;
    assert_int_equal(runs_heartbeat(&runs, 0), 0); /* nothing ended yet */
    assert_int_equal(runs_heartbeat(&runs, 7), 0);
    for (uint64_t run = 0; run < RUNS_KEPT; run++) {
        struct runs before = runs;

        runs_begin(&runs, run, (int64_t)(1000 + run), before.heartbeats);
        assert_int_equal(runs.current, run + 1);
        assert_int_equal(runs_heartbeat(&runs, run), 1000 + run);
        assert_int_equal(runs_heartbeat(&runs, 0), 1000);
        assert_int_equal(runs_is_old(&runs, 0), run == RUNS_KEPT - 1);
        assert_int_equal(runs_heartbeat(&runs, run + 1), 0);
    }
    {
        struct runs before = runs;

        runs_begin(&runs, RUNS_KEPT, 5000, before.heartbeats);
    }
    assert_int_equal(runs_heartbeat(&runs, 0), 0);
    assert_int_equal(runs_heartbeat(&runs, 1), 1001);
}

static void a_vm_is_renamed_with_its_domain(void **state)
{
    struct fixture *f = *state;
    uint64_t id;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    assert_int_equal(make_dir(f, OBJECT_VM, "draft"), 0);
    id = id_of(f, OBJECT_VM, "web");
    assert_int_equal(rename_to(f, OBJECT_VM, "web", OBJECT_VM, "draft"), EEXIST);
    assert_int_equal(rename_to(f, OBJECT_VM, "web", OBJECT_VM, ".hidden"), EINVAL);
    assert_int_equal(rename_to(f, OBJECT_VM, "web", OBJECT_SERVICE, "web"), EPERM);
    assert_int_equal(rename_to(f, OBJECT_HOST, "a", OBJECT_HOST, "c"), EPERM);
    set_failure(&fake.fail_change, EBUSY);
    assert_int_equal(rename_to(f, OBJECT_VM, "web", OBJECT_VM, "www"), EBUSY);
    expect(f, OBJECT_VM, "web", "state", "running");
    set_failure(&fake.fail_change, 0);
    assert_int_equal(rename_to(f, OBJECT_VM, "web", OBJECT_VM, "www"), 0);
    assert_int_equal(id_of(f, OBJECT_VM, "www"), id);
    expect(f, OBJECT_VM, "web", "state", "gone");
    expect(f, OBJECT_VM, "www", "state", "running");
    assert_int_equal(rename_to(f, OBJECT_VM, "draft", OBJECT_VM, "web"), 0);
    assert_int_equal(remove_dir(f, OBJECT_VM, "www"), 0);
    assert_int_equal(domains(), 0);
}

static void a_plan_makes_nothing_until_it_is_moved(void **state)
{
    struct fixture *f = *state;
    uint64_t id;

    assert_int_equal(make(f, OBJECT_PLAN, "web", "cpus = 17\n"), ENOSPC);
    assert_int_equal(commit(f, OBJECT_PLAN, "web", "cpus = 2\n"), 0);
    assert_int_equal(domains(), 0);
    assert_int_equal(cpus_reserved(f), 0);
    id = id_of(f, OBJECT_PLAN, "web");
    assert_int_equal(rename_to(f, OBJECT_PLAN, "web", OBJECT_SERVICE, "web"), EINVAL);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "web", OBJECT_HOST, "web"), EINVAL);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "web", OBJECT_VM, "web1"), 0);
    assert_int_equal(id_of(f, OBJECT_VM, "web1"), id);
    expect(f, OBJECT_PLAN, "web", "state", "gone");
    expect(f, OBJECT_VM, "web1", "state", "running");
    assert_int_equal(make(f, OBJECT_PLAN, "s", "replicas = 2\n[vm]\ncpus = 1\n"), 0);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "s", OBJECT_VM, "s"), EINVAL);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "s", OBJECT_SERVICE, "s"), 0);
    expect(f, OBJECT_SERVICE, "s", "state", "ready");
    assert_int_equal(domains(), 3);
}

static void a_dropped_spec_may_come_back(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "safe", "cpus = 2\nprotect = yes\n"), 0);
    assert_int_equal(drop(f, OBJECT_VM, "safe"), EPERM);
    assert_int_equal(drop(f, OBJECT_VM, "web"), 0);
    assert_int_equal(keep(f, OBJECT_VM, "web"), 0);
    g_usleep(G_USEC_PER_SEC);
    expect(f, OBJECT_VM, "web", "state", "running");
    assert_int_equal(drop(f, OBJECT_VM, "web"), 0);
    expect(f, OBJECT_VM, "web", "state", "gone");
    assert_int_equal(domains(), 1);
}

/* Makes `web`; UUID and HOST are its domain's. */
static void make_web(struct fixture *f, char **uuid, char **host)
{
    struct cloud *cloud = engine_cloud(f->engine);
    const struct object *vm;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    cloud_read_lock(cloud);
    vm = cloud_find(cloud, OBJECT_VM, "web");
    *uuid = g_strdup(vm->vm.uuid);
    *host = g_strdup_printf("test:///%s", vm->vm.host->name);
    cloud_read_unlock(cloud);
}

static void has_it_looked_at(const char *host, enum virt_event what, const char *uuid)
{
    unsigned before = counted(&fake.looks);

    fake_tell(host, what, uuid);
    while (counted(&fake.looks) == before)
        g_usleep(1000);
}

/* What is heard of a domain because it was just made is no reason to look at it; all else is. A
 * sample that was under way may be one, too, but not each time. */
static void what_a_job_did_is_no_news(void **state)
{
    struct fixture *f = *state;
    bool looked = true;

    for (int i = 0; looked && i < 10; i++) {
        g_autofree char *uuid = NULL, *host = NULL;
        unsigned before;

        make_web(f, &uuid, &host);
        before = counted(&fake.looks);
        fake_tell(host, VIRT_DEFINED, uuid);
        fake_tell(host, VIRT_STARTED, uuid);
        g_usleep(G_USEC_PER_SEC / 20);
        looked = counted(&fake.looks) != before;
        has_it_looked_at(host, VIRT_STARTED, uuid); /* a second time */
        assert_int_equal(remove_dir(f, OBJECT_VM, "web"), 0);
    }
    assert_false(looked);
}

/* Where more happened, that it was started may be news. */
static void all_else_is_news(void **state)
{
    struct fixture *f = *state;
    g_autofree char *uuid = NULL, *host = NULL;

    make_web(f, &uuid, &host);
    has_it_looked_at(host, VIRT_DOMAIN, uuid);
    has_it_looked_at(host, VIRT_STARTED, uuid);
}

/* A hypervisor may tell that a domain goes before it has gone: whoever looks then still sees it. */
static void what_went_unheard_is_missed_by_a_job(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    assert_int_equal(control(f, OBJECT_VM, "web", "destroy"), 0);
    pthread_mutex_lock(&fake.lock);
    g_hash_table_remove_all(fake.domains);
    pthread_mutex_unlock(&fake.lock);
    before = counted(&fake.looks);
    assert_int_equal(control(f, OBJECT_VM, "web", "start"), ENOENT);
    for (int tries = 0; tries < 100 && counted(&fake.looks) == before; tries++)
        g_usleep(10000); /* less than until it is tried again */
    assert_true(counted(&fake.looks) > before);
    expect(f, OBJECT_VM, "web", "state", "running");
    assert_int_equal(domains(), 1);
}

/* A look that began before a rename is told after it: what it says is of before. */
static void a_look_from_before_a_job_is_old(void **state)
{
    struct fixture *f = *state;
    struct cloud *cloud = engine_cloud(f->engine);
    g_autofree char *uuid = NULL, *host = NULL;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    cloud_read_lock(cloud);
    uuid = g_strdup(cloud_find(cloud, OBJECT_VM, "web")->vm.uuid);
    host = g_strdup_printf("test:///%s", cloud_find(cloud, OBJECT_VM, "web")->vm.host->name);
    cloud_read_unlock(cloud);
    set_flag(&fake.hold_looks, true);
    fake_event(host, uuid);
    while (!counted(&fake.held_looks))
        g_usleep(1000);
    assert_int_equal(rename_to(f, OBJECT_VM, "web", OBJECT_VM, "www"), 0);
    /* Later looks would put right what it says, and are held on. */
    set_flag(&fake.tell_one_look, true);
    g_usleep(G_USEC_PER_SEC / 5);
    assert_int_equal(remove_dir(f, OBJECT_VM, "www"), 0);
    assert_int_equal(domains(), 0);
    set_flag(&fake.hold_looks, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_and_specs_are_checked),
        TEST(a_spec_makes_a_vm),
        TEST(what_no_host_could_hold_is_refused),
        TEST(a_host_that_fails_is_passed_over),
        TEST(a_failed_change_leaves_the_last_good_spec),
        TEST(a_lost_answer_does_not_make_it_twice),
        TEST(what_became_of_making_it_is_asked_after_a_rest),
        TEST(a_restart_finds_all_as_it_was),
        TEST(availability_is_counted_once_over_restarts),
        cmocka_unit_test(runs_are_known_for_a_while),
        TEST(a_vm_is_renamed_with_its_domain),
        TEST(a_plan_makes_nothing_until_it_is_moved),
        TEST(a_dropped_spec_may_come_back),
        TEST(what_a_job_did_is_no_news),
        TEST(all_else_is_news),
        TEST(what_went_unheard_is_missed_by_a_job),
        TEST(a_look_from_before_a_job_is_old),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
