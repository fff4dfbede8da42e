/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables: making them, and telling a sound database of ours from anything else. */
#include "core/store/internal.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

/* Strict tables, so that quick_check sees a value of a wrong type too. */
static const char tables[] =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;"
    "CREATE TABLE object (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, name TEXT,"
    " uid INTEGER NOT NULL, gid INTEGER NOT NULL, mode INTEGER NOT NULL, times TEXT,"
    " spec TEXT, next_spec TEXT, error TEXT, error_code INTEGER NOT NULL, placement TEXT,"
    " available INTEGER NOT NULL, detail TEXT) STRICT;"
    "CREATE TABLE event (seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, text TEXT) STRICT;";

static char *stamp_sql(int64_t version)
{
    return g_strdup_printf("PRAGMA application_id = %d; PRAGMA user_version = %" G_GINT64_FORMAT,
                           STORE_MAGIC, version);
}

static bool fill(struct store *store, GError **error)
{
    g_autofree char *uuid = g_uuid_string_random();
    g_autofree char *stamp = stamp_sql(STORE_SCHEMA);
    g_autofree char *all =
        g_strdup_printf("PRAGMA synchronous = FULL; BEGIN; %s"
                        "INSERT INTO meta VALUES ('uuid', '%s'), ('next_id', 1), ('schema', %d);"
                        "%s; COMMIT;",
                        tables, uuid, STORE_SCHEMA, stamp);
    return store_exec(store, all, "create", error);
}

static bool make_file(const char *path, GError **error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        int err = errno;
        fail(error, err, "cannot create %s: %s", path, g_strerror(err));
        return false;
    }
    close(fd);
    return true;
}

static bool fill_file(struct store *store, const char *path, GError **error)
{
    bool ok = sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK;
    ok = ok ? fill(store, error) : store_fail(store, "create", error);
    sqlite3_close(store->db);
    store->db = NULL;
    return ok;
}

static bool publish(struct store *store, const char *path, GError **error)
{
    int dir = open(store->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = dir >= 0 && rename(path, store->file) == 0 && fsync(dir) == 0;
    int err = errno;
    if (dir >= 0)
        close(dir);
    if (!ok)
        fail(error, err, "cannot create %s: %s", store->file, g_strerror(err));
    return ok;
}

/* A log without its database would be replayed over the new one. */
static bool check_log(struct store *store, GError **error)
{
    g_autofree char *log = g_strconcat(store->file, "-wal", NULL);
    GStatBuf st;
    if (g_stat(log, &st) != 0 || st.st_size == 0)
        return true;
    fail(error, EUCLEAN,
         "%s is gone but its log %s is there; put the database back, or remove the log to begin "
         "anew",
         store->file, log);
    return false;
}

bool store_create(struct store *store, GError **error)
{
    g_autofree char *path = g_strconcat(store->file, ".tmp", NULL);
    g_autofree char *journal = g_strconcat(path, "-journal", NULL);
    if (!check_log(store, error))
        return false;
    unlink(journal); /* of an attempt that was cut off */
    if (make_file(path, error) && fill_file(store, path, error) && publish(store, path, error))
        return true;
    unlink(path);
    unlink(journal);
    return false;
}

/* quick_check answers "ok", or a row for each thing that it found. */
static bool check_pages(struct store *store, GError **error)
{
    g_autofree char *answer = NULL;
    if (!store_get_text(store, "PRAGMA quick_check(1)", &answer, error))
        return false;
    if (g_strcmp0(answer, "ok") == 0)
        return true;
    if (answer)
        g_strdelimit(g_strstrip(answer), "\n", ' ');
    return store_damaged(store, answer ? answer : "it cannot be checked", error);
}

static bool refuse_foreign(struct store *store, GError **error)
{
    fail(error, EPROTO, "%s is a database, but not one of cloudfs", store->file);
    return false;
}

/* A database rebuilt from a dump has lost the numbers in the header; the meta table tells that
 * it is ours, and of what version. */
static bool identify(struct store *store, int64_t *version, GError **error)
{
    int64_t found, meta;
    if (!store_get_int(store, "SELECT count(*) FROM sqlite_master", &found, error) ||
        !store_get_int(store, "SELECT count(*) FROM sqlite_master WHERE name = 'meta'", &meta,
                       error))
        return false;
    if (found == 0)
        return store_damaged(store, "it is empty", error);
    if (meta == 0 ||
        !store_get_int(store, "SELECT value FROM meta WHERE key = 'schema'", version, NULL))
        return refuse_foreign(store, error);
    return *version > 0 || refuse_foreign(store, error);
}

static bool check_version(struct store *store, int64_t version, GError **error)
{
    if (version <= 0)
        return store_damaged(store, "it has no schema version", error);
    if (version <= STORE_SCHEMA)
        return true;
    fail(error, EPROTO,
         "%s was written by a newer cloudfs (schema %" G_GINT64_FORMAT ", this one knows up to %d)",
         store->file, version, STORE_SCHEMA);
    return false;
}

bool store_check(struct store *store, GError **error)
{
    int64_t magic, version;
    if (!store_get_int(store, "PRAGMA application_id", &magic, error) ||
        !store_get_int(store, "PRAGMA user_version", &version, error))
        return false;
    bool stripped = magic == 0 && version == 0;
    if (magic != STORE_MAGIC && !stripped)
        return refuse_foreign(store, error);
    if (stripped && !identify(store, &version, error))
        return false;
    if (!check_version(store, version, error) || !check_pages(store, error))
        return false;
    g_autofree char *stamp = stamp_sql(version);
    return !stripped || store_exec(store, stamp, "write", error);
}
