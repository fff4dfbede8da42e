/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling the kernel that what it caches is wrong.
 *
 * A notification can wait for what a request holds, so none is made from inside a request or with
 * a lock held: all are queued and sent by threads. One sends those about inodes (attributes, pages,
 * listings). They wait at most for a read or readdir under way, which we answer at once, so
 * answers to writers can wait for them: notify_call(). So can the engine's thread, which has those
 * answers: it sends itself what is to go before one, notify_call_here(). Those about names can wait
 * for longer, and are dentry.h's.
 *
 * It answers ENOENT for what it does not know; what it cannot know is not sent (known.h).
 *
 * An answer that was made before a change must not reach the kernel after the notification about
 * it, or it stays wrong for as long as it is cached. So answers that carry names or attributes of
 * inodes that may be new to the kernel are made between notify_reply_begin() and
 * notify_reply_end(), and the threads let those pass that were under way. The kernel itself drops
 * old attributes of inodes that it knows; and whoever looks a name up holds the directory's lock
 * until it has taken the answer in. What is left is an inode that the kernel is just about to know:
 * where it says ENOENT, it is told once more, AGAIN_MS later.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "fs/dentry.h"

struct fuse_session;
struct notify;

enum { NOTIFY_AGAIN_MS = 2, NOTIFY_IDLE_S = 5 };

struct notify_ops {
    void (*told)(void *ctx, uint64_t ino); /* the kernel has heard of one change of it */
    void (*idle)(void *ctx);               /* each few seconds, from the first thread */
};
struct notify *notify_new(struct fuse_session *session, const struct notify_ops *ops, void *ctx,
                          GError **error);
/* Ends the threads; what comes after is dropped, but calls are made at once. While requests are
 * still being answered, as it may have to wait for one. */
void notify_stop(struct notify *notify);
void notify_free(struct notify *notify);

/* Attributes, text or entries of INO have changed. Of an inode that is queued already the kernel
 * hears once. */
void notify_inode(struct notify *notify, uint64_t ino);
/* The same, for one of several: it is sent with notify_flush(), or with what is queued after it. */
void notify_inode_later(struct notify *notify, uint64_t ino);
void notify_flush(struct notify *notify);
/* Attributes of INO have, or will have. What the kernel has of its text goes by itself when it
 * hears of another size or time. */
void notify_attributes(struct notify *notify, uint64_t ino);
/* NAME in directory PARENT is not what the kernel takes it for. */
void notify_name(struct notify *notify, uint64_t parent, const char *name);
/* The same; it is an object's, and notify_call_names() waits for it. */
void notify_object_name(struct notify *notify, uint64_t parent, const char *name);
/* The listing of DIR that is being answered is not to be kept. */
void notify_listing(struct notify *notify, uint64_t dir);
/* FN(DATA) when the kernel has heard of all inodes so far. */
void notify_call(struct notify *notify, void (*fn)(void *data), void *data);
/* The same, by this thread unless the other is just at it: for one that serves no request and holds
 * no lock. Waking the other takes as long as making a file does elsewhere. */
void notify_call_here(struct notify *notify, void (*fn)(void *data), void *data);

/* A request that the kernel holds DIRS locked for is parked, and answered: dentries_hold(). */
void notify_hold(struct notify *notify, const uint64_t dirs[DENTRY_HELD]);
void notify_release(struct notify *notify, const uint64_t dirs[DENTRY_HELD]);
/* FN(DATA) when it has heard of all objects' names so far, those in DIRS excepted. */
void notify_call_names(struct notify *notify, const uint64_t dirs[DENTRY_HELD],
                       void (*fn)(void *data), void *data);

void notify_reply_begin(struct notify *notify);
void notify_reply_end(struct notify *notify);
