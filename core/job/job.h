/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Jobs: calls that can wait, made on worker threads, in a queue for each host.
 *
 * A lane is a queue with a width: at most WIDTH of its jobs run at a time, in the order they
 * came. Workers are shared by all lanes; lanes that have something to run take turns. Stacks are
 * small (256 KiB) and idle workers end after a while.
 *
 * A call cannot be ended from outside, so what hangs keeps its thread until it returns, and its
 * place in its lane's width: a host that hangs holds WIDTH threads of each of its lanes and never
 * more, and what is queued behind them ends at its own deadline. That it costs nobody else
 * anything comes from three bounds, struct jobs_limits:
 *
 *   - A job that has run for a second, or past its deadline, is taken to hang, and another worker
 *     takes its place, for up to HUNG of them: so a call that hangs holds one of the BUSY places
 *     for a second at most. (One that is merely slow does no harm by that.)
 *   - Jobs that make a connection (`opens`), which is where hosts that are away hang, have OPENING
 *     places of their own and hold none of the others', however many of them hang.
 *   - Of these, lanes whose last such job hung have half: as many as that hang again and again,
 *     the other half is for those that have not.
 *
 * So there are never more than BUSY + HUNG + OPENING workers, whatever the number of lanes, and
 * with less than HUNG calls that hang, all others find BUSY places. Beyond that, each one more
 * takes a BUSY place until it returns.
 *
 * A job's outcome is told exactly once, by done(): with the run's own error or, at the deadline
 * (whether it was still queued or already running), with ETIMEDOUT, or with ECANCELED when the
 * lane is closed. If run() returns after that, late() is told instead, so that the owner can look
 * at what came of it. All three run without any lock of this room held; done() and late() must
 * not wait. For one job, done(), late() and free() never overlap and come in this order; a job's
 * place in its lane is given on only after them, so that in a lane of width 1 a job starts after
 * done() of the one before has returned.
 *
 * Threads: every function may be called from any thread, done() and late() included, but for
 * jobs_free(). done() is told by a thread of this room, never from within lane_submit() or
 * lane_close(); a caller may hold its own lock across those two. All signals are blocked in the
 * room's threads. Use after the last fork.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct jobs; /* the workers */
struct lane;

struct job {
    /* Makes the call; on a worker. May fail with *error. */
    void (*run)(void *data, GError **error);
    /* Takes the outcome; ERROR is NULL for success and stays the caller's. */
    void (*done)(void *data, const GError *error);
    /* NULL, or: run() returned after done() had been told of the deadline. */
    void (*late)(void *data, const GError *error);
    /* NULL, or: frees data; after done() and after run() has returned, whichever is later. */
    void (*free)(void *data);
    void *data;
    /* From submission; 0: none. The time of one that opens stands still while it waits for nothing
     * but a place among OPENING, and begins anew when it runs: what was not tried has not failed.
     */
    unsigned deadline_ms;
    bool opens; /* makes the connection that later ones of its lane need */
};

/* How many workers there are for what; see above. */
struct jobs_limits {
    unsigned busy; /* 0 counts as 1 */
    unsigned hung;
    unsigned opening; /* below 2 counts as 2 */
};
/* NULL, with errno, when the system has no thread to give. */
struct jobs *jobs_new(const struct jobs_limits *limits);
/*
 * Closes all lanes, tells queued jobs ECANCELED, waits up to GRACE_MS for running ones and
 * leaves those that still hang to the end of the process: they are told ECANCELED if they were
 * told nothing yet, and when they return, nothing is called any more, free() neither, and their
 * threads and data stay. done() and late() may run in the caller's thread too: hold no lock that
 * they take. No lane may be used after it.
 */
void jobs_free(struct jobs *jobs, unsigned grace_ms);

/* WIDTH 0 counts as 1. */
struct lane *lane_new(struct jobs *jobs, unsigned width);
/* No more jobs: queued ones end with ECANCELED, those that run end as they would; freed when the
 * last of them has returned. NULL is fine. */
void lane_close(struct lane *lane);

/* Queues a copy of JOB. On a closed lane that still lives it ends with ECANCELED at once. */
void lane_submit(struct lane *lane, const struct job *job);

struct jobs_stats {
    unsigned workers, busy, lost; /* threads; running jobs in time, and past their deadline */
};
void jobs_stats(struct jobs *jobs, struct jobs_stats *stats);
