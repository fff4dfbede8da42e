/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store: what is committed survives, what is damaged is refused and left alone. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <sqlite3.h>

#include "core/error.h"
#include "core/store/internal.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

static char web1[] = "web1";

/* Each test has a directory of its own; the store is a directory below it. */
struct place {
    char *dir, *state, *file;
};

static int set_up(void **ctx)
{
    struct place *place = g_new0(struct place, 1);
    place->dir = g_dir_make_tmp("store-XXXXXX", NULL);
    place->state = g_build_filename(place->dir, "state", NULL);
    place->file = g_build_filename(place->state, "cloudfs.db", NULL);
    *ctx = place;
    return place->dir ? 0 : -1;
}

static void remove_tree(const char *dir)
{
    GDir *names = g_dir_open(dir, 0, NULL);
    const char *name;
    while (names && (name = g_dir_read_name(names))) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR))
            remove_tree(path);
        else
            g_unlink(path);
    }
    if (names)
        g_dir_close(names);
    g_rmdir(dir);
}

static int tear_down(void **ctx)
{
    struct place *place = *ctx;
    umount2(place->dir, MNT_DETACH); /* of a test that failed; else there is none */
    remove_tree(place->dir);
    g_free(place->file);
    g_free(place->state);
    g_free(place->dir);
    g_free(place);
    return 0;
}

static struct store *open_ok(const char *dir)
{
    g_autoptr(GError) error = NULL;
    struct store *store = store_open(dir, &error);
    if (!store)
        fail_msg("%s", error->message);
    assert_null(error);
    return store;
}

/* The sentence of the refusal. */
static char *refused(const char *dir, int err)
{
    g_autoptr(GError) error = NULL;
    assert_null(store_open(dir, &error));
    assert_non_null(error);
    assert_true(error->domain == CLOUDFS_ERROR);
    if (error->code != err)
        fail_msg("%d, not %d: %s", error->code, err, error->message);
    return g_strdup(error->message);
}

static void assert_names(const char *sentence, const char *part)
{
    if (!strstr(sentence, part))
        fail_msg("\"%s\" does not name \"%s\"", sentence, part);
}

static void must(bool ok, const GError *error)
{
    if (!ok)
        fail_msg("%s", error ? error->message : "failed without an error");
    assert_null(error);
}

static void begin(struct store *store)
{
    g_autoptr(GError) error = NULL;
    must(store_begin(store, &error), error);
}

static void commit(struct store *store)
{
    g_autoptr(GError) error = NULL;
    must(store_commit(store, &error), error);
}

static void put(struct store *store, const struct store_object *obj)
{
    g_autoptr(GError) error = NULL;
    must(store_put(store, obj, &error), error);
}

static void count_one(const struct store_object *obj, void *data)
{
    (void)obj;
    ++*(unsigned *)data;
}

static unsigned count(struct store *store)
{
    g_autoptr(GError) error = NULL;
    unsigned n = 0;
    must(store_load(store, count_one, &n, &error), error);
    return n;
}

/* Runs SQL on the file as another program would. */
static void tamper(const char *file, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    sqlite3_close(db);
}

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

enum { OBJECTS = 10000 };

/* Every third text missing, every third empty, the others with everything that can be in them. */
static char *sample_text(uint64_t id, unsigned field)
{
    switch ((id + field) % 3) {
    case 0:
        return NULL;
    case 1:
        return g_strdup("");
    default:
        return g_strdup_printf("%u \"of\" '%" G_GUINT64_FORMAT "'; \xff\xc3\x28 \x01\t\r\n# ö\n",
                               field, id);
    }
}

static struct store_object *sample(uint64_t id)
{
    struct store_object *obj = g_new0(struct store_object, 1);
    *obj = (struct store_object){
        .id = id,
        .kind = (int)(id % 4),
        .name = sample_text(id, 0),
        .uid = UINT32_MAX - (uint32_t)id,
        .gid = (uint32_t)id,
        .mode = 0100644,
        .spec = sample_text(id, 1),
        .next_spec = sample_text(id, 2),
        .error = sample_text(id, 3),
        .error_code = (int32_t)id % 134,
        .placement = sample_text(id, 4),
        .available = INT64_MAX - (int64_t)id,
        .detail = sample_text(id, 5),
    };
    for (int i = 0; i < STORE_TIMES; i++)
        obj->times[i] = (i % 2 ? 1 : -1) * (int64_t)(id * 1000003 + (uint64_t)i);
    obj->times[0] = INT64_MIN;
    obj->times[STORE_TIMES - 1] = INT64_MAX;
    return obj;
}

static void sample_free(struct store_object *obj)
{
    g_free(obj->name);
    g_free(obj->spec);
    g_free(obj->next_spec);
    g_free(obj->error);
    g_free(obj->placement);
    g_free(obj->detail);
    g_free(obj);
}

static void assert_same(const struct store_object *a, const struct store_object *b)
{
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(g_strcmp0(a->name, b->name), 0);
    assert_true(a->uid == b->uid && a->gid == b->gid && a->mode == b->mode);
    assert_memory_equal(a->times, b->times, sizeof a->times);
    assert_int_equal(g_strcmp0(a->spec, b->spec), 0);
    assert_int_equal(g_strcmp0(a->next_spec, b->next_spec), 0);
    assert_int_equal(g_strcmp0(a->error, b->error), 0);
    assert_int_equal(a->error_code, b->error_code);
    assert_int_equal(g_strcmp0(a->placement, b->placement), 0);
    assert_true(a->available == b->available);
    assert_int_equal(g_strcmp0(a->detail, b->detail), 0);
}

static void compare_one(const struct store_object *obj, void *data)
{
    uint64_t *last = data;
    assert_int_equal(obj->id, *last + 1);
    struct store_object *want = sample(obj->id);
    assert_same(obj, want);
    sample_free(want);
    *last = obj->id;
}

static void test_round_trip(void **ctx)
{
    struct place *place = *ctx;
    struct store *store = open_ok(place->state);
    begin(store);
    for (int i = 0; i < OBJECTS; i++) {
        struct store_object *obj = sample(store_next_id(store));
        put(store, obj);
        sample_free(obj);
    }
    commit(store);
    store_close(store);
    store = open_ok(place->state);
    uint64_t last = 0;
    assert_true(store_load(store, compare_one, &last, NULL));
    assert_int_equal(last, OBJECTS);
    store_close(store);
}

static void check_strange(const struct store_object *obj, void *data)
{
    (void)data;
    assert_null(obj->name);
    assert_int_equal(obj->times[0], 12);
    assert_int_equal(obj->times[1], 0);
}

static void test_strange_rows(void **ctx)
{
    struct place *place = *ctx;
    store_close(open_ok(place->state));
    tamper(place->file,
           "INSERT INTO object (id, kind, uid, gid, mode, times, error_code, available)"
           " VALUES (4, -9, -1, -1, 1 << 40, '12 x 9', 1 << 40, -1)");
    struct store *store = open_ok(place->state);
    g_autoptr(GError) error = NULL;
    must(store_load(store, check_strange, NULL, &error), error);
    store_close(store);
}

struct seen {
    unsigned n;
    uint64_t first, last;
};

static void see_event(const struct store_event *event, void *data)
{
    struct seen *seen = data;
    g_autofree char *want = g_strdup_printf("event %" G_GUINT64_FORMAT, event->seq);
    assert_string_equal(event->text, want);
    assert_int_equal(event->time, -(int64_t)event->seq);
    if (seen->n++ == 0)
        seen->first = event->seq;
    assert_true(event->seq > seen->last);
    seen->last = event->seq;
}

static struct seen events(struct store *store, unsigned limit)
{
    g_autoptr(GError) error = NULL;
    struct seen seen = {0};
    must(store_load_events(store, limit, see_event, &seen, &error), error);
    return seen;
}

static void put_events(struct store *store, uint64_t from, uint64_t to, unsigned keep)
{
    begin(store);
    for (uint64_t seq = from; seq <= to; seq++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = g_strdup_printf("event %" G_GUINT64_FORMAT, seq);
        struct store_event event = {.seq = seq, .time = -(int64_t)seq, .text = text};
        must(store_put_event(store, &event, keep, &error), error);
    }
    commit(store);
}

static void test_events(void **ctx)
{
    struct place *place = *ctx;
    struct store *store = open_ok(place->state);
    assert_int_equal(events(store, 10).n, 0);
    put_events(store, 1, 5000, 100);
    struct seen all = events(store, UINT32_MAX);
    assert_int_equal(all.last, 5000);
    assert_in_range(all.n, 100, 100 + STORE_TRIM);
    assert_int_equal(all.first, 5000 - all.n + 1);
    store_close(store);

    store = open_ok(place->state);
    struct seen ten = events(store, 10);
    assert_int_equal(ten.n, 10);
    assert_int_equal(ten.first, 4991);
    put_events(store, 7000, 7000, 3); /* a gap; and the first of a run trims */
    struct seen few = events(store, 100);
    assert_int_equal(few.n, 3);
    assert_int_equal(few.first, 4999);
    put_events(store, 7001, 7000 + STORE_TRIM, 0); /* the last number is never lost */
    assert_int_equal(events(store, 100).last, 7000 + STORE_TRIM);
    store_close(store);
}

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
        remove_tree(place->state);
    }
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

static void fill_store(const char *dir)
{
    struct store *store = open_ok(dir);
    begin(store);
    for (int i = 0; i < 500; i++) {
        struct store_object *obj = sample(store_next_id(store));
        put(store, obj);
        sample_free(obj);
    }
    commit(store);
    store_close(store);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_errnos),
        TEST(test_paths),
        TEST(test_modes),
        TEST(test_uuid_stays),
        TEST(test_transactions),
        TEST(test_failed_transaction),
        TEST(test_ids_never_repeat),
        TEST(test_light_commits),
        TEST(test_round_trip),
        TEST(test_strange_rows),
        TEST(test_events),
        TEST(test_kill),
        TEST(test_second_open),
        TEST(test_lock_not_inherited),
        TEST(test_damaged_pages),
        TEST(test_damaged_lengths),
        TEST(test_damaged_with_log),
        TEST(test_wrong_versions),
        TEST(test_foreign_database),
        TEST(test_rebuilt),
        TEST(test_cut_off_creation),
        TEST(test_read_only),
        TEST(test_disk_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
