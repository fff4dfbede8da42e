/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that the kernel's dentries are to forget.
 *
 * Telling the kernel of a name waits for the lock of its directory, which the kernel holds as long
 * as a request that changes the directory is unanswered. So each directory has a queue of its own,
 * which is held back while such a request is parked, and the queues are emptied by a few threads,
 * each at one directory: one that is just locked keeps none of the others waiting.
 *
 * A stale name does no harm when its object is gone: its inode was invalidated, the kernel asks
 * for its attributes, hears ESTALE, and looks the name up again. After a renaming the object is
 * still there, and what is written to its old name would change the wrong one; so who renames is
 * answered when the names of objects have been told: dentries_wait().
 *
 * Two who wait so for one another's directories would wait for ever; so nobody waits for the
 * directories of others that wait, whose answers are only a moment away.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A request that moves a directory locks that, where it was and where it goes to. */
enum { DENTRY_THREADS = 4, DENTRY_HELD = 3 };

/* Called from the threads, with no lock held. */
struct dentry_ops {
    /* Before what was dropped so far is told: waits for what must have gone out first. */
    void (*before)(void *ctx);
    /* Tells the kernel of NAME in DIR; "": of DIR's listing. */
    void (*tell)(void *ctx, uint64_t dir, const char *name);
};

struct dentries;
struct dentries *dentries_new(const struct dentry_ops *ops, void *ctx, GError **error);
/* Calls all that wait and ends the threads; what comes after is dropped, waits end at once. While
 * requests are still being answered. */
void dentries_stop(struct dentries *dentries);
void dentries_free(struct dentries *dentries);

/* NAME in DIR is not what the kernel takes it for. Any lock may be held. */
void dentries_drop(struct dentries *dentries, uint64_t dir, const char *name);
/* The same; it is the name of an object, for which dentries_wait() waits. */
void dentries_drop_object(struct dentries *dentries, uint64_t dir, const char *name);

/* A request that the kernel holds DIRS locked for was parked, and is answered. 0: none. */
void dentries_hold(struct dentries *dentries, const uint64_t dirs[DENTRY_HELD]);
void dentries_release(struct dentries *dentries, const uint64_t dirs[DENTRY_HELD]);

/* FN(DATA), perhaps at once, when all objects' names so far have been told, except those in DIRS,
 * which the caller holds, and in the directories of others that wait. */
void dentries_wait(struct dentries *dentries, const uint64_t dirs[DENTRY_HELD],
                   void (*fn)(void *data), void *data);
