/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of this room share.
 *
 * The database is made under a temporary name and renamed when it is whole, so that a file of
 * the real name that is empty or has no tables is damage and never taken for a new cloud.
 */
#pragma once

#include <sqlite3.h>

#include "core/error.h"
#include "core/limit.h"
#include "core/store/store.h"

#define STORE_FILE   "cloudfs.db"
#define STORE_LOCK   "lock"
#define STORE_SCHEMA 1          /* PRAGMA user_version */
#define STORE_MAGIC  1668048499 /* PRAGMA application_id: "clfs" */
/* The database is written to when the log is as long as it may stay (store.c), as that holds
 * commits up; or SQLite has a page and writes at each commit. */
#define STORE_CACHE                                                                                \
    LIMIT("PRAGMA wal_autocheckpoint = 4000",                                                      \
          "PRAGMA cache_size = 1; PRAGMA wal_autocheckpoint = 1")
#define STORE_BUSY_MS 5000          /* patience with an administrator's sqlite3 shell */
#define STORE_TRIM    LIMIT(256, 1) /* events between two trims */

enum statement {
    STMT_BEGIN,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_LOAD,
    STMT_PUT,
    STMT_DELETE,
    STMT_SET_NEXT_ID,
    STMT_LOAD_EVENTS,
    STMT_PUT_EVENT,
    STMT_TRIM_EVENTS,
    STATEMENTS
};

struct store {
    char *dir;  /* absolute */
    char *file; /* of the database */
    int lock;   /* descriptor of the lock file, -1: not held */
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    char *uuid;
    uint64_t next_id;       /* the next to hand out */
    uint64_t saved_next_id; /* what the database holds */
    unsigned untrimmed;     /* events put since the last trim */
    bool begun;             /* between store_begin() and the end of its transaction */
    bool lightly;           /* commits do not wait for the disk */
    uint64_t highest;       /* id of the objects that were put; 0: not known */
    bool deleted;           /* something, in this transaction */
    int failed;             /* errno of the first failure within the transaction */
};

/* fault.c: an errno for an (extended) result code of SQLite; SYS is sqlite3_system_errno(). */
int store_errno(int code, int sys);
/* SQLite's last failure as ours, remembered for the transaction; returns false. */
bool store_fail(struct store *store, const char *doing, GError **error);
/* EUCLEAN with what was found and how to recover; returns false. */
bool store_damaged(struct store *store, const char *found, GError **error);

/* lock.c: takes STATE/lock; store_unlock() also when it was not taken. */
bool store_lock(struct store *store, GError **error);
void store_unlock(struct store *store);

/* schema.c: makes the database file, whole or not at all. */
bool store_create(struct store *store, GError **error);
/* Whether the file that is open is ours, of this version, and sound. Writes nothing into a file
 * that is not. */
bool store_check(struct store *store, GError **error);

/* sql.c */
bool store_exec(struct store *store, const char *sql, const char *doing, GError **error);
/* The first column of the first row of SQL as a number or as text (NULL if there is no row). */
bool store_get_int(struct store *store, const char *sql, int64_t *value, GError **error);
bool store_get_text(struct store *store, const char *sql, char **value, GError **error);
bool store_prepare(struct store *store, GError **error);
void store_finalize(struct store *store);
/* Runs a prepared statement that returns no rows, and makes it ready for the next time. */
bool store_run(struct store *store, enum statement which, const char *doing, GError **error);
/* The statement for binding in a transaction; NULL, with *error, when none is open or it has
 * failed already. */
sqlite3_stmt *store_statement(struct store *store, enum statement which, GError **error);
