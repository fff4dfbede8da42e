/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/dentry.h"

#include <pthread.h>
#include <string.h>

#include "core/error.h"

struct name {
    uint64_t number; /* of all names, in their order */
    char text[];
};

/* A directory that something is queued for or that is held. */
struct dir {
    uint64_t ino;
    GQueue names;     /* of struct name * */
    uint64_t telling; /* the number of the name that is on its way; 0: none */
    bool objects;     /* its names are those of objects */
    bool busy;        /* a thread is at it */
    unsigned held;    /* requests that the kernel holds it locked for */
    unsigned waiting; /* of those, the ones that wait */
};

struct waiter {
    uint64_t number; /* of the last name that it waits for */
    uint64_t dirs[DENTRY_HELD];
    void (*fn)(void *data);
    void *data;
};

struct dentries {
    const struct dentry_ops *ops;
    void *ctx;
    pthread_t threads[DENTRY_THREADS];
    unsigned n_threads;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t woken;
    GHashTable *dirs; /* ino to struct dir * */
    GQueue ready;     /* of struct dir *: a thread may go to them */
    GQueue waiters;   /* of struct waiter * */
    uint64_t last;
    bool stopped;
};

static void dir_free(void *data)
{
    struct dir *dir = data;

    g_queue_clear_full(&dir->names, g_free);
    g_free(dir);
}

static struct dir *dir_of(struct dentries *dentries, uint64_t ino)
{
    struct dir *dir = g_hash_table_lookup(dentries->dirs, &ino);

    if (dir)
        return dir;
    dir = g_new0(struct dir, 1);
    dir->ino = ino;
    g_queue_init(&dir->names);
    g_hash_table_insert(dentries->dirs, &dir->ino, dir);
    return dir;
}

/* Where DIR belongs now: among those that are ready, nowhere, or with its thread. */
static void place(struct dentries *dentries, struct dir *dir)
{
    if (dir->busy)
        return;
    if (g_queue_is_empty(&dir->names) && !dir->held) {
        g_hash_table_remove(dentries->dirs, &dir->ino);
    } else if (!g_queue_is_empty(&dir->names) && !dir->held) {
        dir->busy = true;
        g_queue_push_tail(&dentries->ready, dir);
        pthread_cond_signal(&dentries->woken);
    }
}

/* ---- waiting */

static uint64_t oldest(const struct dir *dir)
{
    const struct name *head = g_queue_peek_head((GQueue *)&dir->names);

    return dir->telling ? dir->telling : head ? head->number : UINT64_MAX;
}

static bool has_waited(struct dentries *dentries, const struct waiter *waiter)
{
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, dentries->dirs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct dir *dir = value;

        if (dir->objects && !dir->waiting && oldest(dir) <= waiter->number)
            return false;
    }
    return true;
}

static void count_waiting(struct dentries *dentries, const struct waiter *waiter, int by)
{
    for (int i = 0; i < DENTRY_HELD; i++)
        if (waiter->dirs[i])
            dir_of(dentries, waiter->dirs[i])->waiting += (unsigned)by;
}

/* Takes those whose time has come, all of them at the end, to CALLED. */
static void take_waiters(struct dentries *dentries, GQueue *called)
{
    for (GList *at = dentries->waiters.head, *next; at; at = next) {
        struct waiter *waiter = at->data;

        next = at->next;
        if (!dentries->stopped && !has_waited(dentries, waiter))
            continue;
        g_queue_unlink(&dentries->waiters, at);
        g_queue_push_tail_link(called, at);
    }
    for (GList *at = called->head; at; at = at->next)
        count_waiting(dentries, at->data, -1);
}

/* Without the lock, as each answers a request. */
static void call(GQueue *called)
{
    struct waiter *waiter;

    while ((waiter = g_queue_pop_head(called))) {
        waiter->fn(waiter->data);
        g_free(waiter);
    }
}

static void unlock_and_call(struct dentries *dentries)
{
    GQueue called = G_QUEUE_INIT;

    take_waiters(dentries, &called);
    pthread_mutex_unlock(&dentries->lock);
    call(&called);
}

void dentries_wait(struct dentries *dentries, const uint64_t dirs[DENTRY_HELD],
                   void (*fn)(void *data), void *data)
{
    struct waiter *waiter = g_new0(struct waiter, 1);

    memcpy(waiter->dirs, dirs, sizeof waiter->dirs);
    waiter->fn = fn;
    waiter->data = data;
    pthread_mutex_lock(&dentries->lock);
    waiter->number = dentries->last;
    count_waiting(dentries, waiter, 1);
    g_queue_push_tail(&dentries->waiters, waiter);
    unlock_and_call(dentries);
}

/* ---- queueing */

static void drop(struct dentries *dentries, uint64_t ino, const char *text, bool object)
{
    size_t len = strlen(text) + 1;
    struct name *name = g_malloc(sizeof *name + len);
    struct dir *dir;

    memcpy(name->text, text, len);
    pthread_mutex_lock(&dentries->lock);
    if (dentries->stopped) {
        g_free(name);
    } else {
        name->number = ++dentries->last;
        dir = dir_of(dentries, ino);
        dir->objects |= object;
        g_queue_push_tail(&dir->names, name);
        place(dentries, dir);
    }
    pthread_mutex_unlock(&dentries->lock);
}

void dentries_drop(struct dentries *dentries, uint64_t dir, const char *name)
{
    drop(dentries, dir, name, false);
}

void dentries_drop_object(struct dentries *dentries, uint64_t dir, const char *name)
{
    drop(dentries, dir, name, true);
}

void dentries_hold(struct dentries *dentries, const uint64_t dirs[DENTRY_HELD])
{
    pthread_mutex_lock(&dentries->lock);
    for (int i = 0; i < DENTRY_HELD; i++)
        if (dirs[i])
            dir_of(dentries, dirs[i])->held++;
    pthread_mutex_unlock(&dentries->lock);
}

void dentries_release(struct dentries *dentries, const uint64_t dirs[DENTRY_HELD])
{
    pthread_mutex_lock(&dentries->lock);
    for (int i = 0; i < DENTRY_HELD; i++) {
        struct dir *dir = dirs[i] ? dir_of(dentries, dirs[i]) : NULL;

        if (dir) {
            dir->held--;
            place(dentries, dir);
        }
    }
    pthread_mutex_unlock(&dentries->lock);
}

/* ---- telling */

/* What is queued now, as long as nobody holds the directory. */
static void tell_dir(struct dentries *dentries, struct dir *dir)
{
    unsigned n = g_queue_get_length(&dir->names);

    pthread_mutex_unlock(&dentries->lock);
    dentries->ops->before(dentries->ctx);
    pthread_mutex_lock(&dentries->lock);
    for (; n > 0 && !dir->held && !dentries->stopped; n--) {
        g_autofree struct name *name = g_queue_pop_head(&dir->names);

        dir->telling = name->number;
        pthread_mutex_unlock(&dentries->lock);
        dentries->ops->tell(dentries->ctx, dir->ino, name->text);
        pthread_mutex_lock(&dentries->lock);
        dir->telling = 0;
        if (!g_queue_is_empty(&dentries->waiters)) {
            unlock_and_call(dentries);
            pthread_mutex_lock(&dentries->lock);
        }
    }
}

static void *run(void *data)
{
    struct dentries *dentries = data;
    struct dir *dir;

    pthread_mutex_lock(&dentries->lock);
    while (!dentries->stopped) {
        dir = g_queue_pop_head(&dentries->ready);
        if (!dir) {
            pthread_cond_wait(&dentries->woken, &dentries->lock);
            continue;
        }
        tell_dir(dentries, dir);
        dir->busy = false;
        place(dentries, dir);
    }
    pthread_mutex_unlock(&dentries->lock);
    return NULL;
}

/* ---- life */

struct dentries *dentries_new(const struct dentry_ops *ops, void *ctx, GError **error)
{
    struct dentries *dentries = g_new0(struct dentries, 1);
    int err = 0;

    dentries->ops = ops;
    dentries->ctx = ctx;
    pthread_mutex_init(&dentries->lock, NULL);
    pthread_cond_init(&dentries->woken, NULL);
    dentries->dirs = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, dir_free);
    while (!err && dentries->n_threads < DENTRY_THREADS) {
        err = pthread_create(&dentries->threads[dentries->n_threads], NULL, run, dentries);
        dentries->n_threads += !err;
    }
    if (err) {
        fail(error, err, "cannot start a thread: %s", g_strerror(err));
        g_clear_pointer(&dentries, dentries_free);
    }
    return dentries;
}

void dentries_stop(struct dentries *dentries)
{
    bool first;

    pthread_mutex_lock(&dentries->lock);
    first = !dentries->stopped;
    dentries->stopped = true;
    pthread_cond_broadcast(&dentries->woken);
    unlock_and_call(dentries);
    for (unsigned i = 0; first && i < dentries->n_threads; i++)
        pthread_join(dentries->threads[i], NULL);
}

void dentries_free(struct dentries *dentries)
{
    if (!dentries)
        return;
    dentries_stop(dentries);
    g_queue_clear(&dentries->ready);
    g_hash_table_destroy(dentries->dirs);
    pthread_cond_destroy(&dentries->woken);
    pthread_mutex_destroy(&dentries->lock);
    g_free(dentries);
}
