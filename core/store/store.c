/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening and closing the database. */
#include "core/store/internal.h"

#include <sys/stat.h>
#include <unistd.h>

static bool make_directory(struct store *store, GError **error)
{
    if (mkdir(store->dir, 0700) == 0 || errno == EEXIST)
        return true;
    int err = errno;
    fail(error, err, "cannot create the state directory %s: %s", store->dir, g_strerror(err));
    return false;
}

static bool find_file(struct store *store, GError **error)
{
    if (access(store->file, F_OK) == 0)
        return true;
    if (errno == ENOENT)
        return store_create(store, error);
    int err = errno;
    fail(error, err, "cannot open %s: %s", store->file, g_strerror(err));
    return false;
}

static bool attach(struct store *store, GError **error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(store->file, &store->db, flags, NULL) != SQLITE_OK)
        return store_fail(store, "open", error);
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
    /* Until it is known to be sound, closing must not move the log into the file. */
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (sqlite3_db_readonly(store->db, "main") == 1) {
        fail(error, EACCES, "cannot write %s: permission denied", store->file);
        return false;
    }
    return true;
}

static bool set_up(struct store *store, GError **error)
{
    g_autofree char *mode = NULL;
    if (!store_get_text(store, "PRAGMA journal_mode = WAL", &mode, error))
        return false;
    if (g_strcmp0(mode, "wal") != 0) {
        fail(error, EOPNOTSUPP,
             "the file system of %s has no shared memory maps, which the "
             "database needs",
             store->dir);
        return false;
    }
    return store_exec(store,
                      "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON;"
                      "PRAGMA journal_size_limit = 16777216",
                      "set up", error) &&
           store_exec(store, STORE_CACHE, "set up", error);
}

static bool read_meta(struct store *store, GError **error)
{
    int64_t saved, highest;
    if (!store_get_text(store, "SELECT value FROM meta WHERE key = 'uuid'", &store->uuid, error) ||
        !store_get_int(store, "SELECT value FROM meta WHERE key = 'next_id'", &saved, error) ||
        !store_get_int(store, "SELECT max(id) FROM object", &highest, error))
        return false;
    if (!store->uuid)
        return store_damaged(store, "it has lost the cloud's UUID", error);
    store->saved_next_id = saved > 0 ? (uint64_t)saved : 0;
    store->highest = (uint64_t)MAX(highest, 0);
    store->next_id = MAX(store->saved_next_id, (uint64_t)MAX(highest, 0) + 1);
    return true;
}

static bool open_database(struct store *store, GError **error)
{
    if (!attach(store, error) || !store_check(store, error) || !set_up(store, error) ||
        !store_prepare(store, error) || !read_meta(store, error))
        return false;
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return true;
}

struct store *store_open(const char *dir, GError **error)
{
    struct store *store = g_new0(struct store, 1);
    store->lock = -1;
    store->dir = g_canonicalize_filename(dir, NULL);
    store->file = g_build_filename(store->dir, STORE_FILE, NULL);
    store->untrimmed = STORE_TRIM; /* restarts must not put the trimming off for ever */
    if (make_directory(store, error) && store_lock(store, error) && find_file(store, error) &&
        open_database(store, error))
        return store;
    store_close(store);
    return NULL;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    store_finalize(store);
    sqlite3_close(store->db);
    store_unlock(store);
    g_free(store->uuid);
    g_free(store->file);
    g_free(store->dir);
    g_free(store);
}

const char *store_cloud_uuid(const struct store *store)
{
    return store->uuid;
}
