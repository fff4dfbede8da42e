/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A job that notes what happens to it, for the tests of jobs: it may hang, fail, and look around.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "core/job/internal.h"

enum { PATIENCE = 60 }; /* seconds; under valgrind things take their time */

/* pthread's, not GLib's: the thread sanitizer does not see into GLib's. */
extern pthread_mutex_t probe_mutex;

/* What happened to a job. All fields under `probe_mutex`. */
struct probe {
    struct jobs *jobs;
    struct lane *again; /* where done() submits `next` to */
    struct probe *next;
    unsigned deadline_ms;
    bool opens;
    bool hangs; /* probe_run() waits until this is false */
    bool began, ended;
    int fails;      /* errno of the run */
    unsigned order; /* of its start */
    unsigned runs, dones, lates, frees;
    int code, late_code;  /* what done() and late() were told; 0: success */
    bool overlaps;        /* a callback came out of its turn */
    unsigned *now, *most; /* how many run at a time */
    void (*look)(struct probe *probe);
};

void probe_set(bool *flag, bool value);
unsigned probe_get(const unsigned *field);
/* With the mutex held: until something has changed. False: for longer than anybody waits. */
bool probe_wait(void);

/* Until EXPR, which reads what `probe_mutex` guards, holds. */
#define WAIT(expr)                                                                                 \
    do {                                                                                           \
        pthread_mutex_lock(&probe_mutex);                                                          \
        bool there = true;                                                                         \
        while (there && !(expr))                                                                   \
            there = probe_wait();                                                                  \
        pthread_mutex_unlock(&probe_mutex);                                                        \
        if (!there)                                                                                \
            fail_msg("waited in vain for %s", #expr);                                              \
    } while (0)

void probe_run(void *data, GError **error);
void probe_submit(struct lane *lane, struct probe *probe);

/* How often it ran, what it was told, once, and how often it came late; freed once. */
void assert_told(const struct probe *probe, unsigned runs, int code, unsigned lates);

struct jobs *new_jobs(unsigned busy);
struct jobs_stats stats_of(struct jobs *jobs);
/* The counts follow the callbacks a moment later. */
void wait_stats(struct jobs *jobs, unsigned busy, unsigned lost);
