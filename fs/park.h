/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parked requests: those that wait for the engine. No FUSE thread waits with them; they go on in
 * the engine's thread, step by step, and are answered when the kernel has heard of the inodes that
 * they changed (notify.h), in the thread that tells it.
 *
 * A signal for the waiting process ends the wait with EINTR, what was begun goes on. Signals that
 * programs get in passing (a child has ended) do not: a shell's echo must not fail because a job
 * in its background ended.
 */
#pragma once

#include <fuse_lowlevel.h>
#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/reconcile/engine.h"
#include "core/refs.h"
#include "fs/dentry.h"

struct fs;
struct parking; /* all that are parked */

struct parked {
    /* Filled by park_new(). */
    refs_t refs;
    struct fs *fs;
    fuse_req_t req;
    struct actor actor;
    _Atomic engine_ticket ticket;
    atomic_bool cancelled;
    int err; /* what it ended with; a step that may not begin says it here */

    /* Filled before park_run(). */
    /* Begins the next step with park_hold() and park_began(); false: there is none (left), or it
     * may not begin. */
    bool (*step)(struct parked *parked);
    /* Answers the request: ERR of the step that failed, or 0. */
    void (*answer)(struct parked *parked, int err);
    /* The directories that the kernel holds locked until it is answered; 0: none. */
    uint64_t dirs[DENTRY_HELD];
    bool renames; /* an object: answered when the kernel has heard of its names, too */

    /* For the two: the kind of request knows what it uses. */
    uint64_t id, ino;
    char *name;   /* freed with it */
    char **lines; /* the same */
    size_t size, next;
    unsigned todo;
    bool made;
    uid_t uid;
    gid_t gid;
    mode_t mode;
    int64_t time;
};

struct parking *parking_new(void);
void parking_free(struct parking *parking);
/* Cancels all that are parked; who comes from now on is cancelled at once. */
void parking_close(struct parking *parking);

struct parked *park_new(struct fs *fs, fuse_req_t req);
/* Takes PARKED over: steps until one fails or none is left, then answers. */
void park_run(struct parked *parked);

/* Around a call of the engine, with park_done as its DONE: */
void park_hold(struct parked *parked);
void park_began(struct parked *parked, engine_ticket ticket);
void park_done(void *parked, int err);
/* The DONE of a call whose outcome nobody waits for. */
void park_ignore(void *ctx, int err);

/* Answers REQ with ERR, when the object's `error` has SENTENCE. */
void park_refuse(struct fs *fs, fuse_req_t req, uint64_t id, int err, const char *sentence);

/* An `answer` for requests that have nothing but an errno. */
void park_answer_err(struct parked *parked, int err);
