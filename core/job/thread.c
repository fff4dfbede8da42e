/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads, the lock and waiting. */
#include "core/job/internal.h"

#include <signal.h>
#include <time.h>

struct jobs_token jobs_token;

void jobs_lock(struct jobs *jobs) UNCHECKED_LOCKING
{
    pthread_mutex_lock(&jobs->mutex);
}

void jobs_unlock(struct jobs *jobs) UNCHECKED_LOCKING
{
    pthread_mutex_unlock(&jobs->mutex);
}

void jobs_init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* that of g_get_monotonic_time() */
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

bool jobs_wait(struct jobs *jobs, pthread_cond_t *cond, int64_t until)
{
    if (until == 0)
        return pthread_cond_wait(cond, &jobs->mutex) == 0;
    struct timespec at = {
        .tv_sec = until / G_USEC_PER_SEC,
        .tv_nsec = until % G_USEC_PER_SEC * 1000,
    };
    return pthread_cond_timedwait(cond, &jobs->mutex, &at) != ETIMEDOUT;
}

int jobs_thread(pthread_t *thread, void *(*main)(void *), struct jobs *jobs)
{
    pthread_attr_t attr;
    sigset_t all, before;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, JOB_STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* a new thread inherits the mask */
    int err = pthread_create(thread, &attr, main, jobs);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return err;
}
