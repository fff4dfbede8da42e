/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Quotas: drafts count, once, whichever way they come and whatever becomes of them. */
#include <string.h>

#include "tests/unit/reconcile_fixture.h"

/* Of each user, or of a group. */
static struct conf_quota quota_of(bool group, uint32_t vms)
{
    return (struct conf_quota){.name = (char *)(group ? "@team" : "*"),
                               .everybody = !group,
                               .group = group,
                               .id = group ? somebody.gid : 0,
                               .vms = vms,
                               .cpus = G_MAXUINT32,
                               .memory = G_MAXUINT64};
}

static const struct actor root = {.uid = 0, .gid = 0, .pid = 4712};

static int chown_object(struct fixture *f, enum object_kind kind, const char *name, uid_t uid,
                        gid_t gid)
{
    engine_chown(f->engine, id_of(f, kind, name), uid, gid, (mode_t)-1, &root, answered, f);
    return answer(f);
}

static int chown_to(struct fixture *f, const char *name, uid_t uid, gid_t gid)
{
    return chown_object(f, OBJECT_VM, name, uid, gid);
}

static void assert_event(struct fixture *f, const char *part)
{
    struct cloud *cloud = engine_cloud(f->engine);
    int64_t time;

    cloud_read_lock(cloud);
    assert_non_null(strstr(cloud_events_text(cloud, &time)->str, part));
    cloud_read_unlock(cloud);
}

static void a_draft_counts(void **state)
{
    struct conf_quota quota = quota_of(false, 2);
    struct fixture *f = *state;

    g_ptr_array_add(f->conf.quotas, &quota);
    assert_int_equal(make_dir(f, OBJECT_VM, "a"), 0);
    assert_int_equal(make_dir(f, OBJECT_VM, "b"), 0);
    assert_int_equal(make_dir(f, OBJECT_VM, "c"), EDQUOT);
    assert_event(f, "cloud refused vms/c: quota of each user: 2 of 2 VMs are taken, this needs 1 "
                    "more uid=1000 pid=4711\n");
    assert_int_equal(id_of(f, OBJECT_VM, "c"), 0);
    /* A plan that is made real is one more, with a spec or without; a service without is none. */
    assert_int_equal(make_dir(f, OBJECT_PLAN, "p"), 0);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "p", OBJECT_VM, "p"), EDQUOT);
    assert_int_equal(make_dir(f, OBJECT_PLAN, "many"), 0);
    assert_int_equal(make_dir(f, OBJECT_PLAN, "many/q"), 0);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "many", OBJECT_VM, "many"), EDQUOT);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "p", OBJECT_SERVICE, "p"), 0);
    /* At the limit, a draft that becomes a VM is no more than it was. */
    assert_int_equal(commit(f, OBJECT_VM, "a", "cpus = 1\n"), 0);
    assert_int_equal(commit(f, OBJECT_VM, "b", "cpus = 1\n"), 0);
    assert_int_equal(domains(), 2);
    assert_int_equal(make_dir(f, OBJECT_VM, "c"), EDQUOT);
    assert_int_equal(remove_dir(f, OBJECT_VM, "b"), 0);
    assert_int_equal(make_dir(f, OBJECT_VM, "c"), 0);
}

static void plans_without_specs_count_together(void **state)
{
    struct conf_quota quota = quota_of(false, 2);
    struct fixture *f = *state;

    g_ptr_array_add(f->conf.quotas, &quota);
    assert_int_equal(make_dir(f, OBJECT_PLAN, "many"), 0);
    assert_int_equal(make_dir(f, OBJECT_PLAN, "many/a"), 0);
    assert_int_equal(make_dir(f, OBJECT_PLAN, "many/b"), 0);
    assert_int_equal(make_dir(f, OBJECT_PLAN, "many/c"), 0);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "many", OBJECT_VM, "many"), EDQUOT);
    assert_int_equal(remove_dir(f, OBJECT_PLAN, "many/c"), 0);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "many", OBJECT_VM, "many"), 0);
    assert_int_equal(make_dir(f, OBJECT_VM, "c"), EDQUOT);
}

/* Those that were there before their quota do not become VMs beyond it. */
static void old_drafts_grow_into_the_quota_only(void **state)
{
    struct conf_quota quota = quota_of(false, 1);
    struct fixture *f = *state;

    assert_int_equal(make_dir(f, OBJECT_VM, "a"), 0);
    assert_int_equal(make_dir(f, OBJECT_VM, "b"), 0);
    g_ptr_array_add(f->conf.quotas, &quota);
    assert_int_equal(commit(f, OBJECT_VM, "a", "cpus = 1\n"), EDQUOT);
    expect_in(f, OBJECT_VM, "a", "error", "1 of 1 VMs are taken, this needs 1 more");
    assert_int_equal(chown_to(f, "a", (uid_t)-1, 1234), 0); /* takes no more than it did */
    assert_int_equal(remove_dir(f, OBJECT_VM, "b"), 0);
    assert_int_equal(commit(f, OBJECT_VM, "a", "cpus = 1\n"), 0);
}

static void a_draft_counts_for_its_group_and_new_owner(void **state)
{
    struct conf_quota group = quota_of(true, 1), each = quota_of(false, 2);
    struct fixture *f = *state;

    g_ptr_array_add(f->conf.quotas, &group);
    g_ptr_array_add(f->conf.quotas, &each);
    assert_int_equal(make_dir(f, OBJECT_VM, "a"), 0);
    assert_int_equal(make_dir(f, OBJECT_VM, "b"), EDQUOT);
    assert_int_equal(chown_to(f, "a", (uid_t)-1, 1234), 0);
    assert_int_equal(make_dir(f, OBJECT_VM, "b"), 0);
    assert_int_equal(chown_to(f, "a", (uid_t)-1, somebody.gid), EDQUOT);
    expect_in(f, OBJECT_VM, "a", "error", "quota of @team: 1 of 1 VMs are taken");
    engine_mkdir(f->engine, OBJECT_VM, "gift", 0755, &root, answered, f);
    assert_int_equal(answer(f), 0);
    assert_int_equal(chown_to(f, "gift", somebody.uid, (gid_t)-1), EDQUOT);
    expect_in(f, OBJECT_VM, "gift", "error", "quota of each user: 2 of 2 VMs are taken");
}

#define ONE       "replicas = 1\n[vm]\ncpus = 1\n"
#define TWO(cpus) "replicas = 2\nspread = none\n[vm]\ncpus = " cpus "\n"

/* Where a rollout has stopped, the others are as large as they were. */
static void members_count_as_they_are(void **state)
{
    struct conf_quota quota = quota_of(false, G_MAXUINT32);
    struct fixture *f = *state;

    quota.cpus = 4;
    g_ptr_array_add(f->conf.quotas, &quota);
    assert_int_equal(make(f, OBJECT_SERVICE, "web", TWO("2")), 0);
    set_flag(&fake.bad_image, true);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", TWO("1\nimage = /bad")), ENOENT);
    expect_in(f, OBJECT_SERVICE, "web", "error", "the rollout stopped");
    assert_int_equal(make(f, OBJECT_VM, "more", "cpus = 2\n"), EDQUOT);
    expect_in(f, OBJECT_VM, "more", "error", "3 of 4 vCPUs are taken, this needs 2 more");
    assert_int_equal(commit(f, OBJECT_VM, "more", "cpus = 1\n"), 0);
}

/* What is to become smaller at the next start is as large as it was until then. */
static void what_waits_for_a_restart_counts_as_it_is(void **state)
{
    struct conf_quota quota = quota_of(false, G_MAXUINT32);
    struct fixture *f = *state;

    quota.cpus = 4;
    g_ptr_array_add(f->conf.quotas, &quota);
    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 4\n"), 0);
    set_flag(&fake.change_later, true);
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpus = 1\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "more", "cpus = 1\n"), EDQUOT);
    assert_int_equal(control(f, OBJECT_VM, "web", "destroy"), 0);
    assert_int_equal(commit(f, OBJECT_VM, "more", "cpus = 1\n"), 0);
}

/* A service of root's, which another's VM keeps from having its first member. */
static void make_root_service(struct fixture *f, const char *name, const char *text)
{
    engine_mkdir(f->engine, OBJECT_SERVICE, name, 0755, &root, answered, f);
    assert_int_equal(answer(f), 0);
    engine_commit(f->engine, id_of(f, OBJECT_SERVICE, name), text, strlen(text), &root, answered,
                  f);
    assert_int_equal(answer(f), EEXIST);
}

/* A VM that becomes a member of what is given to its owner, or made real, is not one more. */
static void what_joins_counts_once(void **state)
{
    struct conf_quota quota = quota_of(false, 2);
    struct fixture *f = *state;

    g_ptr_array_add(f->conf.quotas, &quota);
    assert_int_equal(make(f, OBJECT_VM, "web-0", "cpus = 1\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "other", "cpus = 1\n"), 0);
    make_root_service(f, "web", TWO("1"));
    assert_int_equal(chown_object(f, OBJECT_SERVICE, "web", somebody.uid, (gid_t)-1), EDQUOT);
    expect_in(f, OBJECT_SERVICE, "web", "error", "2 of 2 VMs are taken, this needs 1 more");
    assert_int_equal(remove_dir(f, OBJECT_VM, "other"), 0);
    assert_int_equal(chown_object(f, OBJECT_SERVICE, "web", somebody.uid, (gid_t)-1), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(domains(), 2);
}

static void what_joins_a_plan_counts_once(void **state)
{
    struct conf_quota quota = quota_of(false, 2);
    struct fixture *f = *state;

    g_ptr_array_add(f->conf.quotas, &quota);
    assert_int_equal(make(f, OBJECT_VM, "web-0", "cpus = 1\n"), 0);
    assert_int_equal(make(f, OBJECT_PLAN, "p", TWO("1")), 0);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "p", OBJECT_SERVICE, "db"), EDQUOT);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "p", OBJECT_SERVICE, "web"), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(remove_dir(f, OBJECT_SERVICE, "web"), 0);
    /* Of several too. */
    assert_int_equal(make(f, OBJECT_VM, "web-0", "cpus = 1\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "db-0", "cpus = 1\n"), 0);
    assert_int_equal(make_dir(f, OBJECT_PLAN, "many"), 0);
    assert_int_equal(make(f, OBJECT_PLAN, "many/db", ONE), 0);
    assert_int_equal(make(f, OBJECT_PLAN, "many/web", ONE), 0);
    assert_int_equal(make(f, OBJECT_PLAN, "many/more", ONE), 0);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "many", OBJECT_SERVICE, "many"), EDQUOT);
    assert_int_equal(remove_dir(f, OBJECT_PLAN, "many/more"), 0);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "many", OBJECT_SERVICE, "many"), 0);
    expect(f, OBJECT_SERVICE, "db", "state", "ready");
    assert_int_equal(domains(), 2);
}

static void not_awaited(void *ctx, int err)
{
    (void)ctx;
    assert_int_equal(err, 0);
}

/* No quota counts them, but they are kept. */
static void plans_and_services_are_bounded(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make_dir(f, OBJECT_SERVICE, "s"), 0);
    for (int i = 2; i < POLICY_OWN_MAX; i++) {
        g_autofree char *name = g_strdup_printf("p%d", i);

        engine_mkdir(f->engine, OBJECT_PLAN, name, 0755, &somebody, not_awaited, NULL);
    }
    assert_int_equal(make_dir(f, OBJECT_PLAN, "p1"), 0);
    assert_int_equal(make_dir(f, OBJECT_PLAN, "more"), EDQUOT);
    assert_event(f, "cloud refused plan/more: a user has 2048 plans, services and hosts at most");
    assert_int_equal(make_dir(f, OBJECT_SERVICE, "more"), EDQUOT);
    assert_int_equal(make_dir(f, OBJECT_VM, "vm"), 0);
    engine_mkdir(f->engine, OBJECT_PLAN, "roots", 0755, &root, answered, f);
    assert_int_equal(answer(f), 0);
    assert_int_equal(remove_dir(f, OBJECT_PLAN, "p1"), 0);
    assert_int_equal(make_dir(f, OBJECT_SERVICE, "more"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_draft_counts),
        TEST(plans_without_specs_count_together),
        TEST(old_drafts_grow_into_the_quota_only),
        TEST(a_draft_counts_for_its_group_and_new_owner),
        TEST(members_count_as_they_are),
        TEST(what_waits_for_a_restart_counts_as_it_is),
        TEST(plans_and_services_are_bounded),
        TEST(what_joins_counts_once),
        TEST(what_joins_a_plan_counts_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
