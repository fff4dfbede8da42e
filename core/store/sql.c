/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The prepared statements, and SQL that runs once. */
#include "core/failpoint.h"
#include "core/store/internal.h"

static const char *const sql[STATEMENTS] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_LOAD] = "SELECT id, kind, name, uid, gid, mode, times, spec, next_spec, error,"
                  " error_code, placement, available, detail FROM object ORDER BY id",
    [STMT_PUT] = "INSERT OR REPLACE INTO object (id, kind, name, uid, gid, mode, times, spec,"
                 " next_spec, error, error_code, placement, available, detail)"
                 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [STMT_DELETE] = "DELETE FROM object WHERE id = ?",
    [STMT_SET_NEXT_ID] = "INSERT OR REPLACE INTO meta (key, value) VALUES ('next_id', ?)",
    [STMT_LOAD_EVENTS] = "SELECT seq, time, text FROM (SELECT seq, time, text FROM event"
                         " ORDER BY seq DESC LIMIT ?) ORDER BY seq",
    [STMT_PUT_EVENT] = "INSERT INTO event (seq, time, text) VALUES (?, ?, ?)",
    /* By count, not by number: sequence numbers may have gaps. */
    [STMT_TRIM_EVENTS] = "DELETE FROM event WHERE seq <="
                         " (SELECT seq FROM event ORDER BY seq DESC LIMIT 1 OFFSET ?)",
};

bool store_exec(struct store *store, const char *text, const char *doing, GError **error)
{
    if (sqlite3_exec(store->db, text, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    return store_fail(store, doing, error);
}

/* One row at most; *STMT is NULL after a failure. */
static bool query(struct store *store, const char *text, sqlite3_stmt **stmt, bool *row,
                  GError **error)
{
    if (sqlite3_prepare_v2(store->db, text, -1, stmt, NULL) != SQLITE_OK)
        return store_fail(store, "read", error);
    int code = sqlite3_step(*stmt);
    *row = code == SQLITE_ROW;
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return true;
    store_fail(store, "read", error);
    sqlite3_finalize(*stmt);
    *stmt = NULL;
    return false;
}

bool store_get_int(struct store *store, const char *text, int64_t *value, GError **error)
{
    sqlite3_stmt *stmt = NULL;
    bool row;
    if (!query(store, text, &stmt, &row, error))
        return false;
    *value = row ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return true;
}

bool store_get_text(struct store *store, const char *text, char **value, GError **error)
{
    sqlite3_stmt *stmt = NULL;
    bool row;
    if (!query(store, text, &stmt, &row, error))
        return false;
    *value = row ? g_strdup((const char *)sqlite3_column_text(stmt, 0)) : NULL;
    sqlite3_finalize(stmt);
    return true;
}

bool store_prepare(struct store *store, GError **error)
{
    for (int i = 0; i < STATEMENTS; i++) {
        int code = sqlite3_prepare_v3(store->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &store->statements[i], NULL);
        /* The version is ours: a table or a column that is missing is damage. */
        if (code == SQLITE_ERROR)
            return store_damaged(store, sqlite3_errmsg(store->db), error);
        if (code != SQLITE_OK)
            return store_fail(store, "read", error);
    }
    return true;
}

void store_finalize(struct store *store)
{
    for (int i = 0; i < STATEMENTS; i++)
        g_clear_pointer(&store->statements[i], sqlite3_finalize);
}

/* Before a statement runs: a point each. */
static bool may_run(enum statement which, GError **error)
{
    switch (which) {
    case STMT_BEGIN:
        return failpoint("store.begin", error);
    case STMT_PUT:
        return failpoint("store.put", error);
    case STMT_DELETE:
        return failpoint("store.delete", error);
    case STMT_PUT_EVENT:
        return failpoint("store.event", error);
    case STMT_COMMIT:
        return failpoint("store.commit", error);
    default:
        return true;
    }
}

/* A failpoint's failure counts as SQLite's own. */
static bool step(struct store *store, enum statement which, const char *doing, GError **error)
{
    g_autoptr(GError) local = NULL;
    if (may_run(which, &local))
        return sqlite3_step(store->statements[which]) == SQLITE_DONE ||
               store_fail(store, doing, error);
    if (store->begun && !store->failed)
        store->failed = local->code;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

bool store_run(struct store *store, enum statement which, const char *doing, GError **error)
{
    sqlite3_stmt *stmt = store->statements[which];
    bool ok = step(store, which, doing, error);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return ok;
}

sqlite3_stmt *store_statement(struct store *store, enum statement which, GError **error)
{
    if (!store->begun) {
        fail(error, EINVAL, "no transaction is open on %s", store->file);
        return NULL;
    }
    /* SQLite may have rolled back by itself; going on would write outside of the transaction. */
    if (store->failed) {
        fail(error, store->failed, "the transaction on %s has failed before", store->file);
        return NULL;
    }
    return store->statements[which];
}
