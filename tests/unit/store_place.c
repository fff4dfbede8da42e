/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/store_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mount.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <sqlite3.h>

#include "core/error.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

void place_remove_tree(const char *dir)
{
    GDir *names = g_dir_open(dir, 0, NULL);
    const char *name;
    while (names && (name = g_dir_read_name(names))) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR))
            place_remove_tree(path);
        else
            g_unlink(path);
    }
    if (names)
        g_dir_close(names);
    g_rmdir(dir);
}

int place_set_up(void **ctx)
{
    struct place *place = g_new0(struct place, 1);
    place->dir = g_dir_make_tmp("store-XXXXXX", NULL);
    place->state = g_build_filename(place->dir, "state", NULL);
    place->file = g_build_filename(place->state, "cloudfs.db", NULL);
    *ctx = place;
    return place->dir ? 0 : -1;
}

int place_tear_down(void **ctx)
{
    struct place *place = *ctx;
    umount2(place->dir, MNT_DETACH); /* of a test that failed; else there is none */
    place_remove_tree(place->dir);
    g_free(place->file);
    g_free(place->state);
    g_free(place->dir);
    g_free(place);
    return 0;
}

struct store *open_ok(const char *dir)
{
    g_autoptr(GError) error = NULL;
    struct store *store = store_open(dir, &error);
    if (!store)
        fail_msg("%s", error->message);
    assert_null(error);
    return store;
}

char *refused(const char *dir, int err)
{
    g_autoptr(GError) error = NULL;
    assert_null(store_open(dir, &error));
    assert_non_null(error);
    assert_true(error->domain == CLOUDFS_ERROR);
    if (error->code != err)
        fail_msg("%d, not %d: %s", error->code, err, error->message);
    return g_strdup(error->message);
}

void assert_names(const char *sentence, const char *part)
{
    if (!strstr(sentence, part))
        fail_msg("\"%s\" does not name \"%s\"", sentence, part);
}

void must(bool ok, const GError *error)
{
    if (!ok)
        fail_msg("%s", error ? error->message : "failed without an error");
    assert_null(error);
}

void begin(struct store *store)
{
    g_autoptr(GError) error = NULL;
    must(store_begin(store, &error), error);
}

void commit(struct store *store)
{
    g_autoptr(GError) error = NULL;
    must(store_commit(store, &error), error);
}

void put(struct store *store, const struct store_object *obj)
{
    g_autoptr(GError) error = NULL;
    must(store_put(store, obj, &error), error);
}

static void count_one(const struct store_object *obj, void *data)
{
    (void)obj;
    ++*(unsigned *)data;
}

unsigned count(struct store *store)
{
    g_autoptr(GError) error = NULL;
    unsigned n = 0;
    must(store_load(store, count_one, &n, &error), error);
    return n;
}

void tamper(const char *file, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    sqlite3_close(db);
}

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

struct store_object *sample(uint64_t id)
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

void sample_free(struct store_object *obj)
{
    g_free(obj->name);
    g_free(obj->spec);
    g_free(obj->next_spec);
    g_free(obj->error);
    g_free(obj->placement);
    g_free(obj->detail);
    g_free(obj);
}

void fill_store(const char *dir)
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
