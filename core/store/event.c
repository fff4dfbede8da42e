/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log of events: bounded, its numbers never given twice. */
#include "core/store/internal.h"

bool store_load_events(struct store *store, unsigned limit,
                       void (*each)(const struct store_event *event, void *data), void *data,
                       GError **error)
{
    sqlite3_stmt *stmt = store->statements[STMT_LOAD_EVENTS];
    sqlite3_bind_int64(stmt, 1, limit);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct store_event event = {
            .seq = (uint64_t)sqlite3_column_int64(stmt, 0),
            .time = sqlite3_column_int64(stmt, 1),
            .text = (char *)sqlite3_column_text(stmt, 2),
        };
        each(&event, data);
    }
    bool ok = code == SQLITE_DONE || store_fail(store, "read", error);
    sqlite3_reset(stmt);
    return ok;
}

/* The newest stays whatever KEEP says: the next sequence number follows from it. */
static bool trim(struct store *store, unsigned keep, GError **error)
{
    sqlite3_bind_int64(store->statements[STMT_TRIM_EVENTS], 1, MAX(keep, 1));
    if (!store_run(store, STMT_TRIM_EVENTS, "write", error))
        return false;
    store->untrimmed = 0;
    return true;
}

bool store_put_event(struct store *store, const struct store_event *event, unsigned keep,
                     GError **error)
{
    sqlite3_stmt *stmt = store_statement(store, STMT_PUT_EVENT, error);
    if (!stmt)
        return false;
    sqlite3_bind_int64(stmt, 1, (int64_t)event->seq);
    sqlite3_bind_int64(stmt, 2, event->time);
    sqlite3_bind_text(stmt, 3, event->text, -1, SQLITE_STATIC);
    if (!store_run(store, STMT_PUT_EVENT, "write", error))
        return false;
    return ++store->untrimmed < STORE_TRIM || trim(store, keep, error);
}
