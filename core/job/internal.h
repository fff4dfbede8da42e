/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of this room share.
 *
 * One mutex guards everything; it is never held across a callback. The life of a task:
 *
 *     queued in its lane -> running -> ended
 *          |                  |
 *          +-- told late -----+   (deadline, closing: the watchdog calls done())
 *
 * Whoever sets `told` calls done(). The worker that runs a task ends it; a task that never ran
 * is ended by who told it. So nobody else frees a task, and a worker whose task was told of its
 * deadline only has to wait until that done() has returned (`settled`) before it calls late().
 */
#pragma once

#include <pthread.h>

#include "core/annotate.h"
#include "core/error.h"
#include "core/job/job.h"
#include "core/limit.h"

#define JOB_STACK    (256 * 1024)
#define JOB_IDLE_MS  LIMIT(2000, 1) /* after which an idle worker ends */
#define JOB_RETRY_MS 100            /* until a thread is asked for again when the system had none */
#define JOB_SLOW_MS  1000           /* after which a call is taken to hang */

/* What the next job of a lane is, and so which bound is its own. */
enum ready {
    READY_WORK,
    READY_OPENING,
    READY_AGAIN, /* opening, in a lane in which that hung the last time */
    READY_KINDS,
    READY_NOT = READY_KINDS, /* none, or the lane's width is used up */
};

/* Stands for the mutex of struct jobs. */
struct CAPABILITY("mutex") jobs_token {
    char none;
};
extern struct jobs_token jobs_token;

struct lane {
    struct jobs *jobs;                       /* immutable */
    unsigned width;                          /* immutable */
    unsigned refs GUARDED_BY(jobs_token);    /* its owner's and one a task */
    unsigned running GUARDED_BY(jobs_token); /* tasks on workers */
    unsigned lost GUARDED_BY(jobs_token);    /* of them, told of their deadline */
    bool owned GUARDED_BY(jobs_token);
    bool closed GUARDED_BY(jobs_token);
    bool hung GUARDED_BY(jobs_token);        /* the last opening did not end in time */
    enum ready ready GUARDED_BY(jobs_token); /* in which of jobs->ready it is */
    GQueue queue GUARDED_BY(jobs_token);     /* struct task, by its `link` */
    GList ready_link GUARDED_BY(jobs_token);
    GList link GUARDED_BY(jobs_token); /* in jobs->lanes while owned */
};

struct task {
    struct job job;                              /* immutable */
    struct lane *lane;                           /* immutable; holds a reference */
    int64_t deadline GUARDED_BY(jobs_token);     /* monotonic microseconds */
    GSequenceIter *timer GUARDED_BY(jobs_token); /* NULL: no deadline, it stands still, or told */
    GList link GUARDED_BY(jobs_token);           /* in lane->queue, then in `under` */
    GQueue *under GUARDED_BY(jobs_token);        /* of struct jobs: where it is while it runs */
    int64_t began GUARDED_BY(jobs_token);        /* monotonic microseconds */
    GList untold_link GUARDED_BY(jobs_token);
    int code GUARDED_BY(jobs_token);     /* errno that the watchdog tells */
    bool started GUARDED_BY(jobs_token); /* on a worker; immutable once told */
    bool told GUARDED_BY(jobs_token);
    bool settled GUARDED_BY(jobs_token);
    bool again GUARDED_BY(jobs_token);  /* started as a READY_AGAIN */
    bool lost GUARDED_BY(jobs_token);   /* told while running */
    bool behind GUARDED_BY(jobs_token); /* told while a lost one was in its way */
};

struct jobs {
    pthread_mutex_t mutex;
    pthread_cond_t tick;    /* the watchdog waits for the next deadline or something to tell */
    pthread_cond_t changed; /* done() returned, a task or a worker ended */
    pthread_t watchdog;     /* immutable */
    struct jobs_limits max; /* immutable */
    unsigned idle_ms;       /* immutable but for tests */
    unsigned slow_ms;       /* the same */

    GQueue lanes GUARDED_BY(jobs_token);              /* open to their owners */
    GQueue ready[READY_KINDS] GUARDED_BY(jobs_token); /* lanes, the one whose turn it is first */
    GQueue running GUARDED_BY(jobs_token); /* tasks on workers, in the order of their start */
    GQueue hung GUARDED_BY(jobs_token);    /* those that have run for too long */
    GQueue opening GUARDED_BY(jobs_token); /* those that make a connection, hanging or not */
    unsigned again GUARDED_BY(jobs_token); /* of those, how many may well hang */
    unsigned lost GUARDED_BY(jobs_token);  /* tasks on workers that were told of their deadline */
    GQueue untold GUARDED_BY(jobs_token);  /* tasks that the watchdog has to tell */
    GSequence *timers GUARDED_BY(jobs_token); /* tasks by deadline */
    GArray *ended GUARDED_BY(jobs_token);     /* pthread_t to join */
    unsigned workers GUARDED_BY(jobs_token);  /* threads, those being started too */
    unsigned coming GUARDED_BY(jobs_token);   /* workers that were started or called, to be here */
    GQueue idle GUARDED_BY(jobs_token);       /* struct rest, the latest first */
    unsigned telling GUARDED_BY(jobs_token);  /* threads within callbacks other than run() */
    int64_t wakes GUARDED_BY(jobs_token);     /* until when the watchdog waits; 0: for ever */
    bool starved GUARDED_BY(jobs_token);      /* the system had no thread to give */
    bool closing GUARDED_BY(jobs_token);      /* no worker may wait for work */
    bool stop GUARDED_BY(jobs_token);         /* the watchdog's end */
    bool over GUARDED_BY(jobs_token); /* jobs_free() has returned: call nobody, free nothing */
};

/* thread.c */
void jobs_lock(struct jobs *jobs) ACQUIRES(jobs_token);
void jobs_unlock(struct jobs *jobs) RELEASES(jobs_token);
/* Waits; with a deadline (monotonic microseconds, 0: none) returns false when it has passed. */
bool jobs_wait(struct jobs *jobs, pthread_cond_t *cond, int64_t until) REQUIRES(jobs_token);
void jobs_init_cond(pthread_cond_t *cond);
/* A joinable thread with a small stack and all signals blocked; an errno, or 0. */
int jobs_thread(pthread_t *thread, void *(*main)(void *), struct jobs *jobs);

/* worker.c */
/* All idle workers come, to find that they may end. */
void jobs_call_all(struct jobs *jobs) REQUIRES(jobs_token);
/* Sees to it that a worker comes for what may run now. */
void jobs_ensure_worker(struct jobs *jobs) REQUIRES(jobs_token);
/* Tasks on workers. */
unsigned jobs_under_way(const struct jobs *jobs) REQUIRES(jobs_token);
/* TASK runs for too long, or was told: another worker may come in its place. */
void jobs_hangs(struct jobs *jobs, struct task *task) REQUIRES(jobs_token);
/* Joins the workers that have ended. */
void jobs_reap(struct jobs *jobs) REQUIRES(jobs_token);

/* watchdog.c */
void *jobs_watchdog(void *data) EXCLUDES(jobs_token);
/* Has the watchdog tell TASK the errno CODE; it is lost if it runs. Not for told ones. */
void jobs_tell_later(struct jobs *jobs, struct task *task, int code) REQUIRES(jobs_token);
/* Tells what is to be told; lets go of the lock for each. */
void jobs_tell(struct jobs *jobs) REQUIRES(jobs_token);

/* lane.c */
void lane_close_locked(struct lane *lane) REQUIRES(jobs_token);
/* Gives the owner's reference back. */
void lane_disown(struct lane *lane) REQUIRES(jobs_token);
/* Puts the lane among the ready ones or takes it out, after its queue or width has changed. */
void lane_update(struct lane *lane) REQUIRES(jobs_token);
/* Its time runs from now on. */
void task_start_timer(struct task *task) REQUIRES(jobs_token);
/* Marks it told: its deadline no longer matters. */
void task_claim(struct task *task) REQUIRES(jobs_token);
/* Gives its place and its reference back and frees it. */
void task_end(struct task *task) REQUIRES(jobs_token);

/* jobs.c: frees the struct, when no thread has it any more. */
void jobs_destroy(struct jobs *jobs) EXCLUDES(jobs_token);
