/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/park.h"

#include <errno.h>
#include <pthread.h>

#include "fs/fs.h"
#include "fs/proc.h"

struct parking {
    pthread_mutex_t lock; /* of all below */
    GHashTable *all;      /* of struct parked *, borrowed */
    bool closed;
};

struct parking *parking_new(void)
{
    struct parking *parking = g_new0(struct parking, 1);

    pthread_mutex_init(&parking->lock, NULL);
    parking->all = g_hash_table_new(NULL, NULL);
    return parking;
}

void parking_free(struct parking *parking)
{
    if (!parking)
        return;
    g_hash_table_destroy(parking->all);
    pthread_mutex_destroy(&parking->lock);
    g_free(parking);
}

/* Before the ticket is there, park_began() sees `cancelled`; after it, the ticket is seen here. */
static void cancel(struct parked *parked)
{
    engine_ticket ticket;

    atomic_store(&parked->cancelled, true);
    ticket = atomic_load(&parked->ticket);
    if (ticket)
        engine_cancel(parked->fs->engine, ticket);
}

void parking_close(struct parking *parking)
{
    GHashTableIter iter;
    void *parked;

    pthread_mutex_lock(&parking->lock);
    parking->closed = true;
    g_hash_table_iter_init(&iter, parking->all);
    while (g_hash_table_iter_next(&iter, &parked, NULL))
        cancel(parked);
    pthread_mutex_unlock(&parking->lock);
}

static void on_interrupt(fuse_req_t req, void *data)
{
    if (!proc_only_noise(fuse_req_ctx(req)->pid))
        cancel(data);
}

struct parked *park_new(struct fs *fs, fuse_req_t req)
{
    struct parked *parked = g_new0(struct parked, 1);

    refs_init(&parked->refs);
    parked->fs = fs;
    parked->req = req;
    parked->actor = fs_actor(req);
    parked->answer = park_answer_err;
    pthread_mutex_lock(&fs->parking->lock);
    g_hash_table_add(fs->parking->all, parked);
    atomic_init(&parked->cancelled, fs->parking->closed);
    pthread_mutex_unlock(&fs->parking->lock);
    return parked;
}

static void unref(struct parked *parked)
{
    if (!refs_dec(&parked->refs))
        return;
    g_free(parked->name);
    g_strfreev(parked->lines);
    g_free(parked);
}

static void answer(void *data)
{
    struct parked *parked = data;

    parked->answer(parked, parked->err);
    notify_release(parked->fs->notify, parked->dirs);
    unref(parked);
}

static void answer_when_named(void *data)
{
    struct parked *parked = data;

    notify_call_names(parked->fs->notify, parked->dirs, answer, parked);
}

/* Once the answer is there, everybody sees what was done: the kernel hears of it before. CALL:
 * notify_call() within the request. */
static void finish(struct parked *parked, int err,
                   void (*call)(struct notify *notify, void (*fn)(void *data), void *data))
{
    struct parking *parking = parked->fs->parking;

    /* Waits for an on_interrupt() that is running; none comes after it. */
    fuse_req_interrupt_func(parked->req, NULL, NULL);
    pthread_mutex_lock(&parking->lock);
    g_hash_table_remove(parking->all, parked);
    pthread_mutex_unlock(&parking->lock);
    parked->err = err;
    call(parked->fs->notify, parked->renames ? answer_when_named : answer, parked);
}

/* Whether there is another step, which was begun. */
static bool next(struct parked *parked, int *err)
{
    if (!*err && atomic_load(&parked->cancelled))
        *err = EINTR;
    if (*err || !parked->step)
        return false;
    if (parked->step(parked))
        return true;
    *err = parked->err;
    return false;
}

void park_run(struct parked *parked)
{
    int err = 0;

    fuse_req_interrupt_func(parked->req, on_interrupt, parked);
    notify_hold(parked->fs->notify, parked->dirs);
    if (!next(parked, &err))
        finish(parked, err, notify_call);
}

void park_hold(struct parked *parked)
{
    refs_inc(&parked->refs);
}

/* DONE may have been called already: the request is gone then, and cancelling does nothing. */
void park_began(struct parked *parked, engine_ticket ticket)
{
    atomic_store(&parked->ticket, ticket);
    if (atomic_load(&parked->cancelled))
        engine_cancel(parked->fs->engine, ticket);
    unref(parked);
}

void park_done(void *ctx, int err)
{
    struct parked *parked = ctx;

    if (!next(parked, &err))
        finish(parked, err, notify_call_here);
}

void park_ignore(void *ctx, int err)
{
    (void)ctx;
    (void)err;
}

void park_answer_err(struct parked *parked, int err)
{
    fuse_reply_err(parked->req, err);
}

static bool step_refuse(struct parked *parked)
{
    park_hold(parked);
    park_began(parked, engine_report(parked->fs->engine, parked->id, (int)parked->todo,
                                     parked->name, &parked->actor, park_done, parked));
    return true;
}

void park_refuse(struct fs *fs, fuse_req_t req, uint64_t id, int err, const char *sentence)
{
    struct parked *parked = park_new(fs, req);

    parked->id = id;
    parked->todo = (unsigned)err;
    parked->name = g_strdup(sentence);
    parked->step = step_refuse;
    park_run(parked);
}
