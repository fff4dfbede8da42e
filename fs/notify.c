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
    unsigned changes; /* that it tells of */
    bool again;       /* was sent once */
    bool keep;        /* what the kernel has of the text, or listing, of ino */
};

struct notify {
    struct fuse_session *session;
    const struct notify_ops *ops;
    void *ctx;
    pthread_rwlock_t barrier;
    struct dentries *dentries;
    pthread_t thread;
    bool started;
    pthread_mutex_t sending; /* before `lock`: what is taken from the queue goes out in its order */
    pthread_mutex_t lock;    /* of all below */
    pthread_cond_t woken;
    GQueue queue;       /* of struct note * */
    GHashTable *inodes; /* ino to its struct note in the queue */
    GQueue again;       /* of struct note *: to be sent once more */
    bool stopped;
};

/* A note about INO in the queue tells of this change too. */
static bool join(struct notify *notify, uint64_t ino, bool keep)
{
    struct note *note = g_hash_table_lookup(notify->inodes, &ino);

    if (!note)
        return false;
    note->changes++;
    note->keep &= keep;
    return true;
}

static void enqueue(struct notify *notify, const struct note *from)
{
    struct note *note;

    if (!from->fn && join(notify, from->ino, from->keep))
        return;
    note = g_memdup2(from, sizeof *from);
    g_queue_push_tail(&notify->queue, note);
    if (!note->fn)
        g_hash_table_insert(notify->inodes, &note->ino, note);
}

/* False: too late. */
static bool push(struct notify *notify, const struct note *from)
{
    bool open;

    pthread_mutex_lock(&notify->lock);
    open = !notify->stopped;
    if (open)
        enqueue(notify, from);
    pthread_mutex_unlock(&notify->lock);
    return open;
}

static void wake(struct notify *notify)
{
    pthread_cond_signal(&notify->woken);
}

void notify_flush(struct notify *notify)
{
    bool any;

    pthread_mutex_lock(&notify->lock);
    any = !g_queue_is_empty(&notify->queue);
    pthread_mutex_unlock(&notify->lock);
    if (any)
        wake(notify);
}

void notify_inode_later(struct notify *notify, uint64_t ino)
{
    push(notify, &(struct note){.ino = ino, .changes = 1});
}

void notify_inode(struct notify *notify, uint64_t ino)
{
    notify_inode_later(notify, ino);
    wake(notify);
}

void notify_attributes(struct notify *notify, uint64_t ino)
{
    push(notify, &(struct note){.ino = ino, .changes = 1, .keep = true});
    wake(notify);
}

void notify_name(struct notify *notify, uint64_t parent, const char *name)
{
    dentries_drop(notify->dentries, parent, name);
}

void notify_object_name(struct notify *notify, uint64_t parent, const char *name)
{
    dentries_drop_object(notify->dentries, parent, name);
}

/* The name is nobody's: sending it waits until who reads the directory has taken the answer in. */
void notify_listing(struct notify *notify, uint64_t dir)
{
    dentries_drop(notify->dentries, dir, ".");
    dentries_drop(notify->dentries, dir, "");
}

void notify_call(struct notify *notify, void (*fn)(void *data), void *data)
{
    if (push(notify, &(struct note){.fn = fn, .data = data}))
        wake(notify);
    else
        fn(data);
}

void notify_hold(struct notify *notify, const uint64_t dirs[DENTRY_HELD])
{
    dentries_hold(notify->dentries, dirs);
}

void notify_release(struct notify *notify, const uint64_t dirs[DENTRY_HELD])
{
    dentries_release(notify->dentries, dirs);
}

void notify_call_names(struct notify *notify, const uint64_t dirs[DENTRY_HELD],
                       void (*fn)(void *data), void *data)
{
    dentries_wait(notify->dentries, dirs, fn, data);
}

void notify_reply_begin(struct notify *notify)
{
    pthread_rwlock_rdlock(&notify->barrier);
}

void notify_reply_end(struct notify *notify)
{
    pthread_rwlock_unlock(&notify->barrier);
}

/* All answers that may have been made before the changes go out. */
static void let_answers_pass(void *ctx)
{
    struct notify *notify = ctx;

    pthread_rwlock_wrlock(&notify->barrier);
    pthread_rwlock_unlock(&notify->barrier);
}

/* Failures are none: the kernel does not know what it is about, or the mount is gone. */
static void tell_name(void *ctx, uint64_t dir, const char *name)
{
    struct notify *notify = ctx;

    if (name[0])
        fuse_lowlevel_notify_inval_entry(notify->session, dir, name, strlen(name));
    else
        fuse_lowlevel_notify_inval_inode(notify->session, dir, 0, 0);
}

static const struct dentry_ops dentry_ops = {let_answers_pass, tell_name};

/* Whether it is to be sent again. */
static bool send_note(struct notify *notify, struct note *note)
{
    bool first = !note->again, unknown = false;

    note->again = true;
    if (note->fn) {
        note->fn(note->data);
    } else {
        unknown = fuse_lowlevel_notify_inval_inode(notify->session, note->ino, note->keep ? -1 : 0,
                                                   0) == -ENOENT;
        for (unsigned i = 0; first && i < note->changes; i++)
            notify->ops->told(notify->ctx, note->ino);
    }
    return unknown && first;
}

/* Takes what is in FROM. */
static GQueue take(struct notify *notify, GQueue *from)
{
    GQueue taken;

    pthread_mutex_lock(&notify->lock);
    taken = *from;
    g_queue_init(from);
    if (from == &notify->queue)
        g_hash_table_remove_all(notify->inodes);
    pthread_mutex_unlock(&notify->lock);
    return taken;
}

static void send_later(struct notify *notify, struct note *note)
{
    pthread_mutex_lock(&notify->lock);
    g_queue_push_tail(&notify->again, note);
    pthread_mutex_unlock(&notify->lock);
    wake(notify);
}

/* Sends what is in FROM; SENDING is held. */
static void send_all(struct notify *notify, GQueue *from)
{
    GQueue queue = take(notify, from);
    struct note *note;

    let_answers_pass(notify);
    while ((note = g_queue_pop_head(&queue))) {
        if (send_note(notify, note))
            send_later(notify, note);
        else
            g_free(note);
    }
}

void notify_call_here(struct notify *notify, void (*fn)(void *data), void *data)
{
    if (!push(notify, &(struct note){.fn = fn, .data = data})) {
        fn(data);
    } else if (pthread_mutex_trylock(&notify->sending) == 0) {
        send_all(notify, &notify->queue);
        pthread_mutex_unlock(&notify->sending);
    } else {
        wake(notify); /* the thread is at it, and looks again */
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

enum due { STOPPED, NOTES, AGAIN, NOTHING };

/* Waits until something is due. */
static enum due rest(struct notify *notify)
{
    enum due due = STOPPED;
    int err = 0;

    pthread_mutex_lock(&notify->lock);
    while (!err && !notify->stopped && g_queue_is_empty(&notify->queue)) {
        bool quick = !g_queue_is_empty(&notify->again);
        struct timespec at = later(quick ? NOTIFY_AGAIN_MS : NOTIFY_IDLE_S * 1000L);

        due = quick ? AGAIN : NOTHING;
        err = pthread_cond_timedwait(&notify->woken, &notify->lock, &at);
    }
    if (!err)
        due = notify->stopped ? STOPPED : NOTES;
    pthread_mutex_unlock(&notify->lock);
    return due;
}

static void *run(void *data)
{
    struct notify *notify = data;
    enum due due;

    while ((due = rest(notify)) != STOPPED) {
        if (due == NOTHING) {
            notify->ops->idle(notify->ctx);
            continue;
        }
        pthread_mutex_lock(&notify->sending);
        send_all(notify, due == AGAIN ? &notify->again : &notify->queue);
        pthread_mutex_unlock(&notify->sending);
    }
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

struct notify *notify_new(struct fuse_session *session, const struct notify_ops *ops, void *ctx,
                          GError **error)
{
    struct notify *notify = g_new0(struct notify, 1);
    int err;

    notify->session = session;
    notify->ops = ops;
    notify->ctx = ctx;
    g_queue_init(&notify->queue);
    notify->inodes = g_hash_table_new(g_int64_hash, g_int64_equal);
    init_cond(&notify->woken);
    pthread_mutex_init(&notify->sending, NULL);
    pthread_mutex_init(&notify->lock, NULL);
    init_barrier(&notify->barrier);
    notify->dentries = dentries_new(&dentry_ops, notify, error);
    if (notify->dentries) {
        err = pthread_create(&notify->thread, NULL, run, notify);
        notify->started = !err;
        if (err)
            fail(error, err, "cannot start a thread: %s", g_strerror(err));
    }
    if (!notify->started)
        g_clear_pointer(&notify, notify_free);
    return notify;
}

/* Who waits for a call gets it. */
static void drain(struct notify *notify)
{
    struct note *note;

    while ((note = g_queue_pop_head(&notify->queue))) {
        if (note->fn)
            note->fn(note->data);
        g_free(note);
    }
}

void notify_stop(struct notify *notify)
{
    bool first;

    pthread_mutex_lock(&notify->lock);
    first = notify->started && !notify->stopped;
    notify->stopped = true;
    pthread_cond_signal(&notify->woken);
    pthread_mutex_unlock(&notify->lock);
    if (first) {
        pthread_join(notify->thread, NULL);
        drain(notify);
    }
    if (notify->dentries)
        dentries_stop(notify->dentries);
}

void notify_free(struct notify *notify)
{
    if (!notify)
        return;
    notify_stop(notify);
    dentries_free(notify->dentries);
    g_queue_clear_full(&notify->again, g_free);
    g_hash_table_destroy(notify->inodes);
    pthread_cond_destroy(&notify->woken);
    pthread_mutex_destroy(&notify->lock);
    pthread_mutex_destroy(&notify->sending);
    pthread_rwlock_destroy(&notify->barrier);
    g_free(notify);
}
