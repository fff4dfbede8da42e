/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transactions, and the ids that go with them. */
#include "core/failpoint.h"
#include "core/store/internal.h"

uint64_t store_next_id(struct store *store)
{
    return store->next_id++;
}

/* SQLite takes this at once, so it is no prepared statement, and not within a transaction. */
static bool set_lightly(struct store *store, bool lightly, GError **error)
{
    if (store->lightly == lightly)
        return true;
    if (!store_exec(store, lightly ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL",
                    "write", error))
        return false;
    store->lightly = lightly;
    return true;
}

static bool begin(struct store *store, bool lightly, GError **error)
{
    if (store->begun) {
        fail(error, EINVAL, "a transaction is open already on %s", store->file);
        return false;
    }
    if (!set_lightly(store, lightly, error) || !store_run(store, STMT_BEGIN, "write", error))
        return false;
    store->begun = true;
    store->failed = 0;
    store->deleted = false;
    return true;
}

bool store_begin(struct store *store, GError **error)
{
    return begin(store, false, error);
}

bool store_begin_lightly(struct store *store, GError **error)
{
    return begin(store, true, error);
}

/*
 * Of its own and not max(id), so that the id of a removed object is not given again. While the
 * object with the id before it is there, the one says the same as the other, and a page less is
 * written.
 */
static bool save_next_id(struct store *store, GError **error)
{
    sqlite3_bind_int64(store->statements[STMT_SET_NEXT_ID], 1, (int64_t)store->next_id);
    return store_run(store, STMT_SET_NEXT_ID, "write", error);
}

static bool is_next_id_told(const struct store *store)
{
    bool follows = store->next_id == store->highest + 1 && !store->deleted;
    return follows || store->next_id == store->saved_next_id;
}

bool store_commit(struct store *store, GError **error)
{
    bool told = is_next_id_told(store);
    if (!store_statement(store, STMT_COMMIT, error) || (!told && !save_next_id(store, error)) ||
        !store_run(store, STMT_COMMIT, "write", error))
        return false;
    failpoint_reached("store.commit.done");
    if (!told)
        store->saved_next_id = store->next_id;
    store->begun = false;
    return true;
}

void store_rollback(struct store *store)
{
    /* SQLite has rolled back by itself after some failures. */
    if (store->begun && !sqlite3_get_autocommit(store->db))
        store_run(store, STMT_ROLLBACK, "roll back", NULL);
    store->begun = false;
    store->failed = 0;
    store->highest = 0; /* it may have been of what is not there now */
}
