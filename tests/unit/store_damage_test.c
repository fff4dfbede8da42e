/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is committed survives a kill and a full disk; what is damaged is refused and left alone. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "core/error.h"
#include "tests/unit/store_place.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

static char web1[] = "web1";

/* Commits generation after generation of the same objects, telling each, until it is killed. */
static void churn(const char *dir, int out)
{
    struct store *store = store_open(dir, NULL);
    for (int64_t generation = 1; store; generation++) {
        bool ok = store_begin(store, NULL);
        for (uint64_t id = 1; ok && id <= 50; id++) {
            struct store_object obj = {.id = id, .available = generation, .spec = web1};
            ok = store_put(store, &obj, NULL);
        }
        struct store_event event = {.seq = (uint64_t)generation, .text = web1};
        ok = ok && store_put_event(store, &event, 1000000, NULL) && store_commit(store, NULL);
        if (!ok || write(out, &generation, sizeof generation) != sizeof generation)
            break;
    }
    _exit(1);
}

struct generation {
    unsigned n;
    int64_t number;
};

static void see_generation(const struct store_object *obj, void *data)
{
    struct generation *seen = data;
    if (seen->n++ == 0)
        seen->number = obj->available;
    assert_int_equal(obj->available, seen->number);
}

static void last_event(const struct store_event *event, void *data)
{
    *(uint64_t *)data = event->seq;
}

static void kill_once(const char *dir, unsigned wait_us)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        churn(dir, ends[1]);
    close(ends[1]);
    int64_t told = 0, generation;
    assert_int_equal(read(ends[0], &told, sizeof told), sizeof told);
    g_usleep(wait_us);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    while (read(ends[0], &generation, sizeof generation) == sizeof generation)
        told = generation;
    close(ends[0]);

    struct store *store = open_ok(dir);
    struct generation seen = {0};
    uint64_t seq = 0;
    assert_true(store_load(store, see_generation, &seen, NULL));
    assert_true(store_load_events(store, 1, last_event, &seq, NULL));
    assert_int_equal(seen.n, 50);
    assert_true(seen.number == told || seen.number == told + 1);
    assert_int_equal(seq, seen.number);
    assert_true(store_next_id(store) > 50);
    store_close(store);
}

static void test_kill(void **ctx)
{
    struct place *place = *ctx;
    for (unsigned i = 0; i < 20; i++) {
        kill_once(place->state, i * 1013);
        place_remove_tree(place->state);
    }
}

/* Refused with the recovery in the sentence, and not a byte of it changed. */
static void refused_untouched(struct place *place, int err, const char *part)
{
    g_autofree char *before = NULL, *after = NULL;
    gsize size_before, size_after;
    assert_true(g_file_get_contents(place->file, &before, &size_before, NULL));
    for (int i = 0; i < 2; i++) {
        g_autofree char *sentence = refused(place->state, err);
        assert_names(sentence, place->file);
        assert_names(sentence, part);
    }
    assert_true(g_file_get_contents(place->file, &after, &size_after, NULL));
    assert_int_equal(size_before, size_after);
    assert_memory_equal(before, after, size_before);
}

static void overwrite(const char *file, off_t at, size_t size)
{
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    g_autofree char *junk = g_malloc(size);
    memset(junk, 0xa5, size);
    assert_int_equal(pwrite(fd, junk, size, at), size);
    close(fd);
}

static void test_damaged_pages(void **ctx)
{
    struct place *place = *ctx;
    fill_store(place->state);
    g_autofree char *recovery = g_strdup_printf("'sqlite3 %s .dump |", place->file);
    overwrite(place->file, 3 * 4096, 4096 * 8);
    refused_untouched(place, EUCLEAN, recovery);
    overwrite(place->file, 0, 4096);
    refused_untouched(place, EUCLEAN, recovery);
}

static void test_damaged_lengths(void **ctx)
{
    struct place *place = *ctx;
    fill_store(place->state);
    assert_int_equal(truncate(place->file, 5 * 4096), 0);
    refused_untouched(place, EUCLEAN, ".dump");
    assert_int_equal(truncate(place->file, 10), 0);
    refused_untouched(place, EUCLEAN, ".dump");
    assert_int_equal(truncate(place->file, 0), 0);
    refused_untouched(place, EUCLEAN, "is empty");
}

/* What was committed sits in the log still; damage to the file must not let the log go. */
static void test_damaged_with_log(void **ctx)
{
    struct place *place = *ctx;
    fill_store(place->state);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct store *store = store_open(place->state, NULL);
        struct store_object obj = {.id = 900};
        if (store && store_begin(store, NULL) && store_put(store, &obj, NULL) &&
            store_commit(store, NULL))
            raise(SIGKILL);
        _exit(1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status));
    g_autofree char *log = g_strconcat(place->file, "-wal", NULL);
    g_autofree char *before = NULL, *after = NULL;
    gsize size_before, size_after;
    assert_true(g_file_get_contents(log, &before, &size_before, NULL));
    assert_true(size_before > 0);
    overwrite(place->file, 5 * 4096, 4096 * 4);
    refused_untouched(place, EUCLEAN, ".dump");
    assert_true(g_file_get_contents(log, &after, &size_after, NULL));
    assert_int_equal(size_before, size_after);
    assert_memory_equal(before, after, size_before);
    g_unlink(place->file);
    g_autofree char *sentence = refused(place->state, EUCLEAN);
    assert_names(sentence, log);
}

static void test_wrong_versions(void **ctx)
{
    struct place *place = *ctx;
    fill_store(place->state);
    tamper(place->file, "PRAGMA user_version = 2");
    refused_untouched(place, EPROTO, "newer");
    tamper(place->file, "PRAGMA user_version = 0");
    refused_untouched(place, EUCLEAN, "version");
    tamper(place->file, "PRAGMA user_version = 1; PRAGMA application_id = 7");
    refused_untouched(place, EPROTO, "not one of cloudfs");
    tamper(place->file, "PRAGMA application_id = 1668048499; DROP TABLE event");
    refused_untouched(place, EUCLEAN, "event");
}

static void test_foreign_database(void **ctx)
{
    struct place *place = *ctx;
    assert_int_equal(g_mkdir(place->state, 0700), 0);
    tamper(place->file, "CREATE TABLE cats (name)");
    refused_untouched(place, EPROTO, "not one of cloudfs");
    tamper(place->file, "CREATE TABLE meta (key, value)");
    refused_untouched(place, EPROTO, "not one of cloudfs");
}

/* `sqlite3 FILE .dump | sqlite3 NEW` keeps the tables and loses the numbers in the header. */
static void test_rebuilt(void **ctx)
{
    struct place *place = *ctx;
    fill_store(place->state);
    tamper(place->file, "PRAGMA journal_mode = DELETE; PRAGMA application_id = 0;"
                        "PRAGMA user_version = 0; UPDATE meta SET value = 9 WHERE key = 'schema'");
    refused_untouched(place, EPROTO, "newer");
    tamper(place->file, "UPDATE meta SET value = 1 WHERE key = 'schema'");
    struct store *store = open_ok(place->state);
    int64_t magic = 0, version = 0;
    assert_true(store_get_int(store, "PRAGMA application_id", &magic, NULL));
    assert_true(store_get_int(store, "PRAGMA user_version", &version, NULL));
    assert_int_equal(magic, STORE_MAGIC);
    assert_int_equal(version, STORE_SCHEMA);
    assert_int_equal(count(store), 500);
    store_close(store);
}

/* An attempt that was cut off leaves its temporary file; the next one starts it anew. */
static void test_cut_off_creation(void **ctx)
{
    struct place *place = *ctx;
    assert_int_equal(g_mkdir(place->state, 0700), 0);
    g_autofree char *tmp = g_strconcat(place->file, ".tmp", NULL);
    assert_true(g_file_set_contents(tmp, "half a file", -1, NULL));
    store_close(open_ok(place->state));
    assert_false(g_file_test(tmp, G_FILE_TEST_EXISTS));
}

static void test_read_only(void **ctx)
{
    struct place *place = *ctx;
    fill_store(place->state);
    if (mount("tmpfs", place->dir, "tmpfs", MS_RDONLY, NULL) != 0) {
        print_message("no right to mount: the read-only test is left out\n");
        skip();
    }
    g_autofree char *sentence = NULL;
    sentence = refused(place->state, EROFS);
    assert_int_equal(umount(place->dir), 0);
    assert_names(sentence, "Read-only");
}

/* Fills the store until it refuses; then all that was committed, and no more, is there. */
static void fill_disk(const char *dir)
{
    struct store *store = open_ok(dir);
    g_autofree char *spec = g_strnfill(20000, '#');
    g_autoptr(GError) error = NULL;
    unsigned committed = 0;
    while (committed < 1000) {
        struct store_object obj = {.id = store_next_id(store), .spec = spec};
        if (!store_begin(store, &error) || !store_put(store, &obj, &error) ||
            !store_commit(store, &error))
            break;
        committed++;
    }
    assert_non_null(error);
    assert_int_equal(error->code, ENOSPC);
    store_rollback(store);
    assert_int_equal(count(store), committed);
    g_clear_error(&error);
    begin(store); /* a removal may need room too, but must not hurt */
    if (!store_delete(store, 1, &error) || !store_commit(store, &error))
        store_rollback(store);
    unsigned left = count(store);
    assert_true(left == committed || left == committed - 1);
    store_close(store);
    store = open_ok(dir);
    assert_int_equal(count(store), left);
    store_close(store);
}

static void test_disk_full(void **ctx)
{
    struct place *place = *ctx;
    if (mount("tmpfs", place->dir, "tmpfs", 0, "size=1m,mode=0700") != 0) {
        print_message("no right to mount: the full disk is left out\n");
        skip();
    }
    fill_disk(place->state);
    assert_int_equal(umount(place->dir), 0);
    assert_int_equal(mount("tmpfs", place->dir, "tmpfs", 0, "size=16k,mode=0700"), 0);
    g_free(refused(place->state, ENOSPC)); /* not even room to begin: and nothing half made */
    assert_false(g_file_test(place->file, G_FILE_TEST_EXISTS));
    assert_int_equal(umount(place->dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_kill),
        PLACE_TEST(test_damaged_pages),
        PLACE_TEST(test_damaged_lengths),
        PLACE_TEST(test_damaged_with_log),
        PLACE_TEST(test_wrong_versions),
        PLACE_TEST(test_foreign_database),
        PLACE_TEST(test_rebuilt),
        PLACE_TEST(test_cut_off_creation),
        PLACE_TEST(test_read_only),
        PLACE_TEST(test_disk_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
