/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transactions, and the ids that go with them. */
#include "core/failpoint.h"
#include "core/store/internal.h"

uint64_t store_next_id(struct store *store)
{
    return store->next_id++;
}

bool store_begin(struct store *store, GError **error)
{
    if (store->begun) {
        fail(error, EINVAL, "a transaction is open already on %s", store->file);
        return false;
    }
    if (!store_run(store, STMT_BEGIN, "write", error))
        return false;
    store->begun = true;
    store->failed = 0;
    return true;
}

/* Of its own and not max(id), so that the id of a removed object is not given again. */
static bool save_next_id(struct store *store, GError **error)
{
    if (store->next_id == store->saved_next_id)
        return true;
    sqlite3_bind_int64(store->statements[STMT_SET_NEXT_ID], 1, (int64_t)store->next_id);
    return store_run(store, STMT_SET_NEXT_ID, "write", error);
}

bool store_commit(struct store *store, GError **error)
{
    if (!store_statement(store, STMT_COMMIT, error) || !save_next_id(store, error) ||
        !store_run(store, STMT_COMMIT, "write", error))
        return false;
    failpoint_reached("store.commit.done");
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
}
