/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SQLite's result codes as errnos and sentences. */
#include "core/store/internal.h"

/* SQLite keeps the errno of failed opens; anything that open(2) does not say is stale. */
static int open_errno(int sys)
{
    switch (sys) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EROFS:
    case ELOOP:
    case EMFILE:
    case ENFILE:
    case ENOSPC:
        return sys;
    case EDQUOT:
        return ENOSPC;
    default:
        return EACCES;
    }
}

static int io_errno(int code, int sys)
{
    if (code == SQLITE_IOERR_NOMEM)
        return ENOMEM;
    if (sys == ENOSPC || sys == EDQUOT)
        return ENOSPC;
    return sys == EROFS ? EROFS : EIO;
}

static int read_only_errno(int code)
{
    switch (code) {
    case SQLITE_READONLY_DIRECTORY:
    case SQLITE_READONLY_CANTINIT:
    case SQLITE_READONLY_CANTLOCK:
        return EACCES; /* the file could be written, but not its log beside it */
    default:
        return EROFS;
    }
}

int store_errno(int code, int sys)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
        return ENOSPC;
    case SQLITE_IOERR:
        return io_errno(code, sys);
    case SQLITE_CANTOPEN:
        return open_errno(sys);
    case SQLITE_READONLY:
        return read_only_errno(code);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return EUCLEAN;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return EBUSY;
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return EACCES;
    case SQLITE_NOMEM:
        return ENOMEM;
    case SQLITE_TOOBIG:
        return EFBIG;
    case SQLITE_CONSTRAINT:
        return EEXIST;
    default:
        return EIO;
    }
}

bool store_damaged(struct store *store, const char *found, GError **error)
{
    if (store->begun && !store->failed)
        store->failed = EUCLEAN;
    /* Not .recover, for which Debian's SQLite lacks a module. No chain of commands that ends in mv:
     * a dump that fails still makes an empty file. The log of the damaged file must not be replayed
     * over the new one. */
    fail(
        error, EUCLEAN,
        "%s is damaged (%s) and was left as it is; save what can be read of it with "
        "'sqlite3 %s .dump | sed \"s/^ROLLBACK.*/COMMIT;/\" | sqlite3 %s.new', put the new file in "
        "its place, without %s-wal and %s-shm, and what is missing back from a backup of specs/",
        store->file, found, store->file, store->file, store->file, store->file);
    return false;
}

bool store_fail(struct store *store, const char *doing, GError **error)
{
    int code = sqlite3_extended_errcode(store->db);
    int err = store_errno(code, sqlite3_system_errno(store->db));
    if (err == EUCLEAN)
        return store_damaged(store, sqlite3_errmsg(store->db), error);
    if (store->begun && !store->failed)
        store->failed = err;
    fail(error, err, "cannot %s %s: %s", doing, store->file, sqlite3_errmsg(store->db));
    return false;
}
