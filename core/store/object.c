/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects: a row each. */
#include "core/digits.h"
#include "core/store/internal.h"

/* Columns of STMT_LOAD, in its order; STMT_PUT binds them from 1. */
enum column {
    COL_ID,
    COL_KIND,
    COL_NAME,
    COL_UID,
    COL_GID,
    COL_MODE,
    COL_TIMES,
    COL_SPEC,
    COL_NEXT_SPEC,
    COL_ERROR,
    COL_ERROR_CODE,
    COL_PLACEMENT,
    COL_AVAILABLE,
    COL_DETAIL,
};

/* Numbers with a blank between them: a facet more needs no new schema. */
static char *times_text(const int64_t times[STORE_TIMES])
{
    GString *text = g_string_new(NULL);
    for (int i = 0; i < STORE_TIMES; i++)
        g_string_append_printf(text, "%s%" G_GINT64_FORMAT, i ? " " : "", times[i]);
    return g_string_free(text, FALSE);
}

static void times_parse(const char *text, int64_t times[STORE_TIMES])
{
    if (!text)
        text = "";
    for (int i = 0; i < STORE_TIMES; i++) {
        times[i] = digits_read_signed(text, &text);
        text += *text == ' ';
    }
}

/* Owned by the statement until its next step; the object is const to who gets it. */
static char *text_at(sqlite3_stmt *row, enum column col)
{
    return (char *)sqlite3_column_text(row, col);
}

static void read_object(sqlite3_stmt *row, struct store_object *obj)
{
    *obj = (struct store_object){
        .id = (uint64_t)sqlite3_column_int64(row, COL_ID),
        .kind = sqlite3_column_int(row, COL_KIND),
        .name = text_at(row, COL_NAME),
        .uid = (uint32_t)sqlite3_column_int64(row, COL_UID),
        .gid = (uint32_t)sqlite3_column_int64(row, COL_GID),
        .mode = (uint32_t)sqlite3_column_int64(row, COL_MODE),
        .spec = text_at(row, COL_SPEC),
        .next_spec = text_at(row, COL_NEXT_SPEC),
        .error = text_at(row, COL_ERROR),
        .error_code = sqlite3_column_int(row, COL_ERROR_CODE),
        .placement = text_at(row, COL_PLACEMENT),
        .available = sqlite3_column_int64(row, COL_AVAILABLE),
        .detail = text_at(row, COL_DETAIL),
    };
    times_parse(text_at(row, COL_TIMES), obj->times);
}

bool store_load(struct store *store, void (*each)(const struct store_object *obj, void *data),
                void *data, GError **error)
{
    sqlite3_stmt *stmt = store->statements[STMT_LOAD];
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct store_object obj;
        read_object(stmt, &obj);
        each(&obj, data);
    }
    bool ok = code == SQLITE_DONE || store_fail(store, "read", error);
    sqlite3_reset(stmt);
    return ok;
}

static void bind_int(sqlite3_stmt *stmt, enum column col, int64_t value)
{
    sqlite3_bind_int64(stmt, col + 1, value);
}

/* The text outlives the step that reads it. NULL stays NULL, "" stays "". */
static void bind_text(sqlite3_stmt *stmt, enum column col, const char *text)
{
    sqlite3_bind_text(stmt, col + 1, text, -1, SQLITE_STATIC);
}

bool store_put(struct store *store, const struct store_object *obj, GError **error)
{
    sqlite3_stmt *stmt = store_statement(store, STMT_PUT, error);
    if (!stmt)
        return false;
    g_autofree char *times = times_text(obj->times);
    bind_int(stmt, COL_ID, (int64_t)obj->id);
    bind_int(stmt, COL_KIND, obj->kind);
    bind_text(stmt, COL_NAME, obj->name);
    bind_int(stmt, COL_UID, obj->uid);
    bind_int(stmt, COL_GID, obj->gid);
    bind_int(stmt, COL_MODE, obj->mode);
    bind_text(stmt, COL_TIMES, times);
    bind_text(stmt, COL_SPEC, obj->spec);
    bind_text(stmt, COL_NEXT_SPEC, obj->next_spec);
    bind_text(stmt, COL_ERROR, obj->error);
    bind_int(stmt, COL_ERROR_CODE, obj->error_code);
    bind_text(stmt, COL_PLACEMENT, obj->placement);
    bind_int(stmt, COL_AVAILABLE, obj->available);
    bind_text(stmt, COL_DETAIL, obj->detail);
    if (!store_run(store, STMT_PUT, "write", error))
        return false;
    store->next_id = MAX(store->next_id, obj->id + 1);
    store->highest = MAX(store->highest, obj->id);
    return true;
}

bool store_delete(struct store *store, uint64_t id, GError **error)
{
    sqlite3_stmt *stmt = store_statement(store, STMT_DELETE, error);
    if (!stmt)
        return false;
    bind_int(stmt, COL_ID, (int64_t)id);
    store->deleted = true;
    return store_run(store, STMT_DELETE, "write", error);
}
