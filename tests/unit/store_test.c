/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store: opening it, transactions, numbers; one process at a time. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <sqlite3.h>

#include "core/error.h"
#include "tests/unit/store_place.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

static char web1[] = "web1";

static void test_errnos(void **ctx)
{
    (void)ctx;
    static const struct {
        int code, sys, err;
    } rows[] = {
        {SQLITE_FULL,               0,       ENOSPC },
        {SQLITE_IOERR_WRITE,        0,       EIO    },
        {SQLITE_IOERR_WRITE,        ENOSPC,  ENOSPC },
        {SQLITE_IOERR_FSYNC,        EDQUOT,  ENOSPC },
        {SQLITE_IOERR_SHMSIZE,      ENOSPC,  ENOSPC },
        {SQLITE_IOERR_WRITE,        EROFS,   EROFS  },
        {SQLITE_IOERR_NOMEM,        0,       ENOMEM },
        {SQLITE_READONLY,           0,       EROFS  },
        {SQLITE_READONLY_DBMOVED,   0,       EROFS  },
        {SQLITE_READONLY_DIRECTORY, 0,       EACCES },
        {SQLITE_CORRUPT,            0,       EUCLEAN},
        {SQLITE_CORRUPT_INDEX,      0,       EUCLEAN},
        {SQLITE_NOTADB,             0,       EUCLEAN},
        {SQLITE_CANTOPEN,           0,       EACCES },
        {SQLITE_CANTOPEN,           ENOENT,  ENOENT },
        {SQLITE_CANTOPEN,           ENOTDIR, ENOTDIR},
        {SQLITE_CANTOPEN,           EAGAIN,  EACCES },
        {SQLITE_BUSY,               0,       EBUSY  },
        {SQLITE_LOCKED,             0,       EBUSY  },
        {SQLITE_NOMEM,              0,       ENOMEM },
        {SQLITE_CONSTRAINT,         0,       EEXIST },
        {SQLITE_ERROR,              0,       EIO    },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_int_equal(store_errno(rows[i].code, rows[i].sys), rows[i].err);
}

static void test_paths(void **ctx)
{
    struct place *place = *ctx;
    g_autofree char *file = g_build_filename(place->dir, "file", NULL);
    g_autofree char *below = g_build_filename(file, "state", NULL);
    g_autofree char *far = g_build_filename(place->dir, "a", "b", NULL);
    assert_true(g_file_set_contents(file, "x", 1, NULL));
    g_free(refused(file, ENOTDIR));
    g_free(refused(below, ENOTDIR));
    g_free(refused(far, ENOENT));
    g_free(refused("/proc/no-such-place", ENOENT));
}

static void test_modes(void **ctx)
{
    struct place *place = *ctx;
    mode_t old = umask(0);
    struct store *store = open_ok(place->state);
    umask(old);
    GStatBuf st;
    assert_int_equal(g_stat(place->state, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    static const char *const names[] = {"cloudfs.db", "cloudfs.db-wal", "lock"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(place->state, names[i], NULL);
        assert_int_equal(g_stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    int64_t value = -1;
    assert_true(store_get_int(store, "PRAGMA synchronous", &value, NULL));
    assert_int_equal(value, 2);
    g_autofree char *mode = NULL;
    assert_true(store_get_text(store, "PRAGMA journal_mode", &mode, NULL));
    assert_string_equal(mode, "wal");
    store_close(store);
}

static void test_uuid_stays(void **ctx)
{
    struct place *place = *ctx;
    struct store *store = open_ok(place->state);
    g_autofree char *uuid = g_strdup(store_cloud_uuid(store));
    assert_true(g_uuid_string_is_valid(uuid));
    store_close(store);
    store = open_ok(place->state);
    assert_string_equal(store_cloud_uuid(store), uuid);
    store_close(store);
    store_close(NULL);
}

static void test_transactions(void **ctx)
{
    struct place *place = *ctx;
    struct store *store = open_ok(place->state);
    struct store_object obj = {.id = store_next_id(store), .name = web1};
    g_autoptr(GError) error = NULL;
    assert_false(store_put(store, &obj, &error));
    assert_int_equal(error->code, EINVAL);
    g_clear_error(&error);
    assert_false(store_commit(store, &error));
    assert_int_equal(error->code, EINVAL);
    g_clear_error(&error);
    store_rollback(store);
    begin(store);
    assert_false(store_begin(store, &error));
    assert_int_equal(error->code, EINVAL);
    put(store, &obj);
    store_rollback(store);
    assert_int_equal(count(store), 0);
    begin(store);
    put(store, &obj);
    commit(store);
    assert_int_equal(count(store), 1);
    store_close(store);
}

/* After a failure within a transaction nothing of it may become durable. */
static void test_failed_transaction(void **ctx)
{
    struct place *place = *ctx;
    struct store *store = open_ok(place->state);
    struct store_object obj = {.id = store_next_id(store), .name = web1};
    struct store_event event = {.seq = 1, .text = web1};
    begin(store);
    put(store, &obj);
    assert_true(store_put_event(store, &event, 10, NULL));
    g_autoptr(GError) error = NULL;
    assert_false(store_put_event(store, &event, 10, &error));
    assert_int_equal(error->code, EEXIST);
    g_clear_error(&error);
    assert_false(store_commit(store, &error));
    assert_int_equal(error->code, EEXIST);
    assert_false(store_put(store, &obj, NULL));
    store_rollback(store);
    assert_int_equal(count(store), 0);
    store_close(store);
}

static void test_ids_never_repeat(void **ctx)
{
    struct place *place = *ctx;
    struct store *store = open_ok(place->state);
    assert_int_equal(store_next_id(store), 1);
    struct store_object obj = {.id = store_next_id(store)};
    assert_int_equal(obj.id, 2);
    begin(store);
    put(store, &obj);
    commit(store);
    begin(store);
    assert_true(store_delete(store, obj.id, NULL));
    assert_true(store_delete(store, 77, NULL));
    commit(store);
    store_close(store);

    store = open_ok(place->state);
    assert_int_equal(count(store), 0);
    assert_int_equal(store_next_id(store), 3);
    obj.id = 1000;
    begin(store);
    put(store, &obj);
    commit(store);
    assert_int_equal(store_next_id(store), 1001);
    store_close(store);

    tamper(place->file, "UPDATE meta SET value = 5 WHERE key = 'next_id'");
    store = open_ok(place->state);
    assert_int_equal(store_next_id(store), 1001);
    store_close(store);
}

/* What is committed lightly is in its place among the others, and gives no id twice either. */
static void test_light_commits(void **ctx)
{
    struct place *place = *ctx;
    struct store *store = open_ok(place->state);
    g_autoptr(GError) error = NULL;
    begin(store);
    assert_false(store_begin_lightly(store, &error));
    assert_int_equal(error->code, EINVAL);
    store_rollback(store);
    for (int i = 0; i < 3; i++) {
        struct store_object obj = {.id = store_next_id(store), .name = web1};
        assert_true(i % 2 ? store_begin(store, NULL) : store_begin_lightly(store, NULL));
        put(store, &obj);
        commit(store);
    }
    assert_true(store_begin_lightly(store, NULL));
    assert_true(store_delete(store, 3, NULL));
    commit(store);
    store_close(store);
    store = open_ok(place->state);
    assert_int_equal(count(store), 2);
    assert_int_equal(store_next_id(store), 4);
    /* One that was rolled back was given, too. */
    struct store_object obj = {.id = store_next_id(store), .name = web1};
    begin(store);
    put(store, &obj);
    store_rollback(store);
    begin(store);
    commit(store);
    store_close(store);
    store = open_ok(place->state);
    assert_int_equal(store_next_id(store), 6);
    store_close(store);
}

/* The child opens, tells, and holds until it is killed. */
static pid_t hold(const char *dir)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!store_open(dir, NULL) || write(ends[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char byte;
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    return pid;
}

static void test_second_open(void **ctx)
{
    struct place *place = *ctx;
    pid_t pid = hold(place->state);
    g_autofree char *sentence = refused(place->state, EBUSY);
    g_autofree char *want =
        g_strdup_printf("%s is in use by another cloudfs (pid %d)", place->state, pid);
    assert_string_equal(sentence, want);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    struct store *store = open_ok(place->state);
    g_free(refused(place->state, EBUSY)); /* within the process too */
    store_close(store);
    store_close(open_ok(place->state));
}

/* A program that was started while the store was open must not keep its lock. */
static void test_lock_not_inherited(void **ctx)
{
    struct place *place = *ctx;
    struct store *store = open_ok(place->state);
    char sleeper[] = "sleep", seconds[] = "60";
    char *argv[] = {sleeper, seconds, NULL};
    GPid pid;
    GSpawnFlags flags =
        G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_LEAVE_DESCRIPTORS_OPEN;
    assert_true(g_spawn_async(NULL, argv, NULL, flags, NULL, NULL, &pid, NULL));
    store_close(store);
    store_close(open_ok(place->state));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_errnos),
        PLACE_TEST(test_paths),
        PLACE_TEST(test_modes),
        PLACE_TEST(test_uuid_stays),
        PLACE_TEST(test_transactions),
        PLACE_TEST(test_failed_transaction),
        PLACE_TEST(test_ids_never_repeat),
        PLACE_TEST(test_light_commits),
        PLACE_TEST(test_second_open),
        PLACE_TEST(test_lock_not_inherited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
