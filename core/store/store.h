/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The durable state: specs, ids, times, available seconds, events. One SQLite database
 * (WAL, synchronous=FULL) in the state directory, guarded by a lock file against a second mount.
 *
 * Threads: used by one thread only, the engine's, but for store_open() and store_close().
 * A store_commit() that returned true is on the disk, unless store_begin_lightly() began it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct store;

enum { STORE_TIMES = 8 };

/* One object. Strings may be NULL. All are the row's own in what store_load() passes. */
struct store_object {
    uint64_t id; /* from store_next_id(); never used twice in the life of a database */
    int kind;    /* enum object_kind of the model */
    char *name;
    uint32_t uid, gid, mode;    /* of the object's directory and files */
    int64_t times[STORE_TIMES]; /* nanoseconds since the epoch, by facet of the model */
    char *spec;                 /* the text in force */
    char *next_spec;            /* the text being applied */
    char *error;
    int32_t error_code; /* errno behind `error` */
    char *placement;
    int64_t available; /* nanoseconds */
    char *detail;      /* the kind's own fields, as GKeyFile text: written and read by the model */
};

/* Of a copy, as g_free(): the row and its strings. Here, as not only this room makes copies. */
static inline void store_object_free(void *data)
{
    struct store_object *row = data;

    g_free(row->name);
    g_free(row->spec);
    g_free(row->next_spec);
    g_free(row->error);
    g_free(row->placement);
    g_free(row->detail);
    g_free(row);
}

struct store_event {
    uint64_t seq;
    int64_t time; /* nanoseconds since the epoch */
    char *text;   /* the rest of the line */
};

/*
 * Opens or creates the database in DIR (made with mode 0700 if it is not there) and takes its
 * lock. Fails with EBUSY when another cloudfs has it (the sentence names its pid), EUCLEAN when
 * the database is damaged (the sentence says how to recover; nothing is started over it), EPROTO
 * when a newer cloudfs (or another program) wrote it, EROFS, EACCES, ENOSPC, ENOENT (DIR's parent
 * is not there), ENOTDIR, EOPNOTSUPP (a file system without shared memory maps). After the last
 * fork only: the lock's pid is the caller's, and SQLite must not be carried across a fork.
 */
struct store *store_open(const char *dir, GError **error);
/* Rolls an open transaction back. NULL is fine. */
void store_close(struct store *store);

/* A random UUID made with the database: which cloud this is. */
const char *store_cloud_uuid(const struct store *store);

/* Calls EACH for every object in the order of ids. OBJ lives for the call. */
bool store_load(struct store *store, void (*each)(const struct store_object *obj, void *data),
                void *data, GError **error);

/* The newest LIMIT events, oldest first. */
bool store_load_events(struct store *store, unsigned limit,
                       void (*each)(const struct store_event *event, void *data), void *data,
                       GError **error);

/* The next object id. Kept in memory and written with the next commit. */
uint64_t store_next_id(struct store *store);

/*
 * What follows store_begin() becomes durable together with store_commit(), or not at all: after
 * a failure (of any of them, ENOSPC and EIO among the errors) call store_rollback(). Until then
 * all else of the transaction, store_commit() too, fails with the first failure's errno. EINVAL:
 * no transaction is open, or one is already. EBUSY: another program (a sqlite3 shell) has kept
 * the database locked for 5 s.
 */
bool store_begin(struct store *store, GError **error);
/*
 * The same for what would be found out again. Its commit does not wait for the disk: it survives
 * the end of this process, but after a power cut it may be as if it had never been, unless a
 * commit that is durable came after it.
 */
bool store_begin_lightly(struct store *store, GError **error);
bool store_put(struct store *store, const struct store_object *obj, GError **error);
bool store_delete(struct store *store, uint64_t id, GError **error);
/* Appends (EEXIST: the number was used); events older than the newest KEEP are dropped now and
 * then, but never the newest, so that the numbers go on. */
bool store_put_event(struct store *store, const struct store_event *event, unsigned keep,
                     GError **error);
bool store_commit(struct store *store, GError **error);
void store_rollback(struct store *store);
