/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine: makes what is like what is wanted.
 *
 * One thread owns all changes. Requests from FUSE, outcomes of jobs, events of hypervisors and
 * timers reach it through a queue; it takes what is there, changes the model under the write
 * lock, then makes all of it durable in one transaction, and only then starts jobs and answers.
 * So concurrent requests share one fsync, no two placements race, and nobody is told "done"
 * before the disk knows.
 *
 * Requests. Each call returns at once; DONE is called exactly once, from the engine's thread
 * without any lock held, with 0 or a positive errno. The sentence is in the object's `error` by
 * then. Nothing else may be assumed about the order of answers to different requests.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/cloud/cloud.h"
#include "core/spec/conf.h"

struct engine;

/*
 * Opens the database, restores the model, starts the thread; connecting to hosts goes on in the
 * background. CONF outlives the engine. After the last fork only. Errors: those of store_open(),
 * EINVAL for hosts of the configuration that clash.
 */
struct engine *engine_new(const struct conf *conf, GError **error);
/* Answers what is waiting with EINTR, saves, ends the thread. VMs go on running. */
void engine_free(struct engine *engine);

struct cloud *engine_cloud(struct engine *engine);

typedef void (*engine_done)(void *ctx, int err);

/* Identifies a request until its DONE was called; never 0. */
typedef uint64_t engine_ticket;

/* A draft. EEXIST, EINVAL (name), EPERM (kind has no drafts, the batch is none), EDQUOT. */
engine_ticket engine_mkdir(struct engine *engine, enum object_kind kind, const char *name,
                           mode_t mode, const struct actor *actor, engine_done done, void *ctx);
/* Destroys. ENOENT, EBUSY (a host with VMs, a job under way), EPERM (protected, never adopted,
 * of the configuration, a member of a service), EHOSTDOWN. */
engine_ticket engine_rmdir(struct engine *engine, uint64_t id, const struct actor *actor,
                           engine_done done, void *ctx);
/*
 * Gives an object another name, or makes a plan real as a KIND (OBJECT_VM, OBJECT_SERVICE) called
 * NAME, with the errors of its commit; of a batch, all plans in it under their own names, or none.
 * The name of a plan in a batch is "BATCH/NAME". EEXIST, EINVAL (name, or a plan for something
 * else), EPERM (between other folders), EBUSY (a running domain where the driver cannot, a host
 * that specs name, a service with members), EPERM, EHOSTDOWN.
 */
engine_ticket engine_rename(struct engine *engine, uint64_t id, enum object_kind kind,
                            const char *name, const struct actor *actor, engine_done done,
                            void *ctx);
/* Its file in specs/ was removed: the object leaves specs/ at once, and goes when the grace of
 * the configuration is over unless engine_keep() comes first. Errors of engine_rmdir(). */
engine_ticket engine_drop(struct engine *engine, uint64_t id, const struct actor *actor,
                          engine_done done, void *ctx);
/* It stays, and comes back to specs/. ENOENT, EACCES (nobody but its owner may write it). */
engine_ticket engine_keep(struct engine *engine, uint64_t id, const struct actor *actor,
                          engine_done done, void *ctx);
/* The life of a write from step 2 on. EINVAL, EFBIG, ENOSPC, EBUSY, EPERM, ESTALE (the object is
 * gone) and what its job fails with. */
engine_ticket engine_commit(struct engine *engine, uint64_t id, const char *text, size_t len,
                            const struct actor *actor, engine_done done, void *ctx);
/* One line of `ctl`: a verb and its arguments. EINVAL for unknown words. */
engine_ticket engine_control(struct engine *engine, uint64_t id, const char *line,
                             const struct actor *actor, engine_done done, void *ctx);
/* Owner, group, permission bits of an object or folder; (uid_t)-1, (gid_t)-1, (mode_t)-1 leave as
 * is. EPERM for others than its owner, and for giving it away but for root; EDQUOT. */
engine_ticket engine_chown(struct engine *engine, uint64_t id, uid_t uid, gid_t gid, mode_t mode,
                           const struct actor *actor, engine_done done, void *ctx);
/* A file's time set by a user (utimens), so that backups can restore it. */
engine_ticket engine_utime(struct engine *engine, uint64_t id, enum facet facet, int64_t time,
                           engine_done done, void *ctx);

/* Ends the wait for a request: DONE comes soon, with EINTR unless it was on its way already. What
 * was begun goes on. Any time, any thread. */
void engine_cancel(struct engine *engine, engine_ticket ticket);

/*
 * The part of the check that write(2) can do, at once and in any thread: complete lines are
 * right (EINVAL, EFBIG), ACTOR may want it of object ID, of KIND (EPERM), its owner's quota has
 * room (EDQUOT) and some host could hold it (ENOSPC). Takes the read lock for all but the first.
 */
bool engine_check(struct engine *engine, uint64_t id, enum object_kind kind, const char *text,
                  size_t len, const struct actor *actor, GError **error) EXCLUDES(model);
/* Puts a sentence that FUSE came upon itself (a refused write) into an object's `error`; DONE
 * gets ERR when it is there. */
engine_ticket engine_report(struct engine *engine, uint64_t id, int err, const char *sentence,
                            const struct actor *actor, engine_done done, void *ctx);

/*
 * Somebody looks at what sampling tells of OBJECT: of a host, a VM's or the members' hosts, or for
 * a folder of all. They are sampled soon, unless that was done within `sample` seconds; and as
 * often as that as long as somebody looks (pace.h). What comes of it is CHANGE_SAMPLED. Returns at
 * once; any thread, takes nothing but the mailbox's lock, a leaf.
 */
void engine_look(struct engine *engine, const struct object *object) REQUIRES_SHARED(model);

/* The verbs of a kind's `ctl`, one a line with its arguments, as reading `ctl` lists them. */
const char *engine_verbs(enum object_kind kind);

/*
 * `cloudfs --check`: connects to each host of CONF (`local` if it has none) and prints a line each
 * to OUT; *BAD is the number of hosts with something wrong. Nothing that it makes stays, also
 * if SIGINT, SIGTERM or SIGHUP ends it, and so the process. Once in a process, before there are
 * other threads. May wait. EIO.
 */
bool engine_check_hosts(const struct conf *conf, GString *out, int *bad, GError **error);
