/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/notify.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "core/error.h"

struct note {
    uint64_t ino;
    void (*fn)(void *data); /* instead of a notification */
    void *data;
    bool again;  /* was sent once */
    char name[]; /* stands for something else in directory ino now; "": ino itself changed */
};

/* A queue and the thread that empties it. */
struct lane {
    struct notify *notify;
    pthread_t thread;
    bool idles;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t woken;
    GQueue queue; /* of struct note * */
    bool stopped;
};

enum { INODES, NAMES, LANES };

struct notify {
    struct fuse_session *session;
    const struct notify_ops *ops;
    void *ctx;
    pthread_rwlock_t barrier;
    struct lane lanes[LANES];
};

static struct note *note_new(uint64_t ino, const char *name)
{
    size_t len = strlen(name) + 1;
    struct note *note = g_malloc0(sizeof *note + len);

    note->ino = ino;
    memcpy(note->name, name, len);
    return note;
}

/* False: too late, and NOTE is still the caller's. */
static bool lane_push(struct lane *lane, struct note *note)
{
    bool open;

    pthread_mutex_lock(&lane->lock);
    open = !lane->stopped;
    if (open) {
        g_queue_push_tail(&lane->queue, note);
        pthread_cond_signal(&lane->woken);
    }
    pthread_mutex_unlock(&lane->lock);
    return open;
}

static void push_or_drop(struct lane *lane, struct note *note)
{
    if (!lane_push(lane, note))
        g_free(note);
}

void notify_inode(struct notify *notify, uint64_t ino)
{
    push_or_drop(&notify->lanes[INODES], note_new(ino, ""));
}

void notify_name(struct notify *notify, uint64_t parent, const char *name)
{
    push_or_drop(&notify->lanes[NAMES], note_new(parent, name));
}

/* The name is nobody's: sending it waits until who reads the directory has taken the answer in. */
void notify_listing(struct notify *notify, uint64_t dir)
{
    notify_name(notify, dir, ".");
    push_or_drop(&notify->lanes[NAMES], note_new(dir, ""));
}

void notify_call(struct notify *notify, void (*fn)(void *data), void *data)
{
    struct note *note = note_new(0, "");

    note->fn = fn;
    note->data = data;
    if (lane_push(&notify->lanes[INODES], note))
        return;
    g_free(note);
    fn(data);
}

void notify_reply_begin(struct notify *notify)
{
    pthread_rwlock_rdlock(&notify->barrier);
}

void notify_reply_end(struct notify *notify)
{
    pthread_rwlock_unlock(&notify->barrier);
}

/* Whether it is to be sent again. Failures are none: the kernel does not know what it is about, or
 * the mount is gone. */
static bool send_note(struct notify *notify, struct note *note)
{
    bool first = !note->again, unknown = false;

    note->again = true;
    if (note->fn) {
        note->fn(note->data);
    } else if (note->name[0]) {
        fuse_lowlevel_notify_inval_entry(notify->session, note->ino, note->name,
                                         strlen(note->name));
    } else {
        unknown = fuse_lowlevel_notify_inval_inode(notify->session, note->ino, 0, 0) == -ENOENT;
        if (first)
            notify->ops->told(notify->ctx, note->ino);
    }
    return unknown && first;
}

/* Empties QUEUE; what is to be sent again goes to AGAIN. */
static void send_all(struct notify *notify, GQueue *queue, GQueue *again)
{
    struct note *note;

    /* All answers that may have been made before the changes have gone. */
    pthread_rwlock_wrlock(&notify->barrier);
    pthread_rwlock_unlock(&notify->barrier);
    while ((note = g_queue_pop_head(queue))) {
        if (send_note(notify, note))
            g_queue_push_tail(again, note);
        else
            g_free(note);
    }
}

static struct timespec later(long ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += ms % 1000 * 1000000;
    at.tv_sec += ms / 1000 + at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

/* Takes what there is into QUEUE; empty: nothing came in MS. False: the end. */
static bool take(struct lane *lane, long ms, GQueue *queue)
{
    struct timespec at = later(ms);
    int err = 0;
    bool open;

    pthread_mutex_lock(&lane->lock);
    while (!err && !lane->stopped && g_queue_is_empty(&lane->queue))
        err = pthread_cond_timedwait(&lane->woken, &lane->lock, &at);
    open = !lane->stopped;
    if (open) {
        *queue = lane->queue;
        g_queue_init(&lane->queue);
    }
    pthread_mutex_unlock(&lane->lock);
    return open;
}

static void *run(void *data)
{
    struct lane *lane = data;
    struct notify *notify = lane->notify;
    GQueue queue = G_QUEUE_INIT, again = G_QUEUE_INIT;

    for (;;) {
        bool quick = !g_queue_is_empty(&again);

        if (!take(lane, quick ? NOTIFY_AGAIN_MS : NOTIFY_IDLE_S * 1000, &queue))
            break;
        if (!g_queue_is_empty(&queue))
            send_all(notify, &queue, &again);
        else if (quick)
            send_all(notify, &again, NULL);
        else if (lane->idles)
            notify->ops->idle(notify->ctx);
    }
    g_queue_clear_full(&again, g_free);
    return NULL;
}

/* The threads first: lookups that never pause must not keep them out. */
static void init_barrier(pthread_rwlock_t *barrier)
{
    pthread_rwlockattr_t attr;

    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(barrier, &attr);
    pthread_rwlockattr_destroy(&attr);
}

static void init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

static int lane_start(struct lane *lane, struct notify *notify, bool idles)
{
    int err;

    lane->notify = notify;
    lane->idles = idles;
    g_queue_init(&lane->queue);
    init_cond(&lane->woken);
    pthread_mutex_init(&lane->lock, NULL);
    err = pthread_create(&lane->thread, NULL, run, lane);
    if (err) /* else it is the thread's to read by now */
        lane->stopped = true;
    return err;
}

struct notify *notify_new(struct fuse_session *session, const struct notify_ops *ops, void *ctx,
                          GError **error)
{
    struct notify *notify = g_new0(struct notify, 1);
    int err = 0;

    notify->session = session;
    notify->ops = ops;
    notify->ctx = ctx;
    init_barrier(&notify->barrier);
    for (int i = 0; i < LANES; i++)
        err |= lane_start(&notify->lanes[i], notify, i == INODES); /* EAGAIN, if any */
    if (err) {
        fail(error, err, "cannot start a thread: %s", g_strerror(err));
        notify_free(notify);
        return NULL;
    }
    return notify;
}

/* Who waits for a call gets it. */
static void drain(struct lane *lane)
{
    struct note *note;

    while ((note = g_queue_pop_head(&lane->queue))) {
        if (note->fn)
            note->fn(note->data);
        g_free(note);
    }
}

static void lane_stop(struct lane *lane)
{
    bool first;

    pthread_mutex_lock(&lane->lock);
    first = !lane->stopped;
    lane->stopped = true;
    pthread_cond_signal(&lane->woken);
    pthread_mutex_unlock(&lane->lock);
    if (!first)
        return;
    pthread_join(lane->thread, NULL);
    drain(lane);
}

void notify_stop(struct notify *notify)
{
    for (int i = 0; i < LANES; i++)
        lane_stop(&notify->lanes[i]);
}

void notify_free(struct notify *notify)
{
    if (!notify)
        return;
    notify_stop(notify);
    for (int i = 0; i < LANES; i++) {
        pthread_cond_destroy(&notify->lanes[i].woken);
        pthread_mutex_destroy(&notify->lanes[i].lock);
    }
    pthread_rwlock_destroy(&notify->barrier);
    g_free(notify);
}
