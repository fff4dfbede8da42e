/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel caches, and how it hears that it is wrong.
 *
 * The model's watcher only queues; one thread of its own notifies the kernel, as a notification
 * can wait for a lock that a request holds. Nothing is remembered of what the kernel knows: it
 * answers ENOENT for what it does not.
 *
 * An answer that was made before a change must not reach the kernel after the notification about
 * it, or a name stays wrong for as long as names are cached. So answers that carry names are made
 * between inval_reply_begin() and inval_reply_end(), and the thread lets those pass that were
 * under way. From there on the kernel orders the two: whoever looks a name up holds the
 * directory's lock until it has taken the answer in, and the notification wants the same lock.
 */
#pragma once

#include <glib.h>

#include "core/cloud/cloud.h"

struct fuse_session;
struct pollers;
struct publish;
struct inval;

/* The same thread sweeps PUBLISH and wakes POLLERS. */
struct inval *inval_new(struct fuse_session *session, struct publish *publish,
                        struct pollers *pollers, GError **error);
/* Ends the thread; what comes after is dropped. While requests are still being answered, as it
 * may have to wait for one. */
void inval_stop(struct inval *inval);
void inval_free(struct inval *inval);

/* A cloud_watcher. */
void inval_watch(void *inval, enum change what, const struct object *object, enum facet facet,
                 const struct object *other) REQUIRES_SHARED(model);

/* NAME in directory PARENT is not what the kernel takes it for. */
void inval_name(struct inval *inval, uint64_t parent, const char *name);

void inval_reply_begin(struct inval *inval);
void inval_reply_end(struct inval *inval);
