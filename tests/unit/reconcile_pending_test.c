/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What waits for the next start of a VM is told until that. */
#include <sqlite3.h>

#include "tests/unit/reconcile_fixture.h"

#define PENDING "a restart is pending; at the next start: cpus"

static void refusals_do_not_hide_it(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 1\n"), 0);
    expect(f, OBJECT_VM, "web", "pending", "");
    set_flag(&fake.change_later, true);
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    expect(f, OBJECT_VM, "web", "pending", PENDING);
    expect(f, OBJECT_VM, "web", "error", "");
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpu = 3\n"), EINVAL);
    expect_in(f, OBJECT_VM, "web", "error", "line 1");
    expect(f, OBJECT_VM, "web", "pending", PENDING);
    set_failure(&fake.fail_change, EIO);
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpus = 3\n"), EIO);
    assert_int_equal(control(f, OBJECT_VM, "web", "reboot"), 0); /* starts nothing anew */
    expect(f, OBJECT_VM, "web", "error", "");
    expect(f, OBJECT_VM, "web", "pending", PENDING);
    engine_free(f->engine);
    start(f);
    expect(f, OBJECT_VM, "web", "state", "running");
    expect(f, OBJECT_VM, "web", "pending", PENDING);
    /* Until it was off. */
    assert_int_equal(control(f, OBJECT_VM, "web", "destroy"), 0);
    assert_int_equal(control(f, OBJECT_VM, "web", "start"), 0);
    expect(f, OBJECT_VM, "web", "pending", "");
}

static void a_change_that_is_taken_back_does_not_wait(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 1\n"), 0);
    set_flag(&fake.change_later, true);
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    set_flag(&fake.change_later, false);
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpus = 1\n"), 0);
    expect(f, OBJECT_VM, "web", "pending", "");
}

/* VMs as an older version wrote them: a flag, and the sentence in `error` until that told of
 * something else. */
static void make_old(struct fixture *f, const char *error, int error_code)
{
    g_autofree char *file = g_build_filename(f->conf.state, "cloudfs.db", NULL);
    char *sql = sqlite3_mprintf("UPDATE object SET error = %Q, error_code = %d, "
                                "detail = detail || 'restart_pending=true' || char(10) "
                                "WHERE kind = %d",
                                error, error_code, OBJECT_VM);
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_free(sql);
    sqlite3_close(db);
}

static void old_databases_are_understood(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 1\n"), 0);
    engine_free(f->engine);
    make_old(f, "line 1: unknown key", EINVAL);
    start(f);
    expect(f, OBJECT_VM, "web", "pending", "a restart is pending");
    expect(f, OBJECT_VM, "web", "error", "line 1: unknown key");
    assert_int_equal(control(f, OBJECT_VM, "web", "destroy"), 0);
    assert_int_equal(control(f, OBJECT_VM, "web", "start"), 0);
    expect(f, OBJECT_VM, "web", "pending", "");
    engine_free(f->engine);
    make_old(f, PENDING, 0);
    start(f);
    expect(f, OBJECT_VM, "web", "pending", PENDING);
    expect(f, OBJECT_VM, "web", "error", "");
    /* From now on it is kept as it is today. */
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpu = 3\n"), EINVAL);
    engine_free(f->engine);
    start(f);
    expect(f, OBJECT_VM, "web", "pending", PENDING);
    expect_in(f, OBJECT_VM, "web", "error", "line 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refusals_do_not_hide_it),
        TEST(a_change_that_is_taken_back_does_not_wait),
        TEST(old_databases_are_understood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
