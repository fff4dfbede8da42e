/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/hidden.h"

#include <glib.h>
#include <pthread.h>

#include "fs/ino.h"

enum { LATELY_SECONDS = 60 };

struct hidden {
    pthread_mutex_t lock;
    GHashTable *until; /* inode number (copied) to monotonic microseconds (copied) */
    int64_t grace;
};

struct hidden *hidden_new(double grace)
{
    struct hidden *hidden = g_new0(struct hidden, 1);

    pthread_mutex_init(&hidden->lock, NULL);
    hidden->until = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    hidden->grace = (int64_t)(grace * G_USEC_PER_SEC);
    return hidden;
}

void hidden_free(struct hidden *hidden)
{
    if (!hidden)
        return;
    g_hash_table_destroy(hidden->until);
    pthread_mutex_destroy(&hidden->lock);
    g_free(hidden);
}

static bool is_late(int64_t until, int64_t now)
{
    return until + LATELY_SECONDS * G_USEC_PER_SEC <= now;
}

static gboolean is_over(void *ino, void *until, void *now)
{
    (void)ino;
    return is_late(*(int64_t *)until, *(int64_t *)now);
}

void hidden_add(struct hidden *hidden, uint64_t ino)
{
    int64_t now = g_get_monotonic_time(), until = now + hidden->grace;

    pthread_mutex_lock(&hidden->lock);
    /* Those of objects that are gone go here too. */
    g_hash_table_foreach_remove(hidden->until, is_over, &now);
    g_hash_table_replace(hidden->until, g_memdup2(&ino, sizeof ino),
                         g_memdup2(&until, sizeof until));
    pthread_mutex_unlock(&hidden->lock);
}

static bool look(struct hidden *hidden, uint64_t ino)
{
    const int64_t *until = g_hash_table_lookup(hidden->until, &ino);

    return until && *until > g_get_monotonic_time();
}

bool hidden_is(struct hidden *hidden, uint64_t ino)
{
    bool is;

    pthread_mutex_lock(&hidden->lock);
    is = look(hidden, ino);
    pthread_mutex_unlock(&hidden->lock);
    return is;
}

bool hidden_lately(struct hidden *hidden, uint64_t ino)
{
    const int64_t *until;
    bool lately;

    pthread_mutex_lock(&hidden->lock);
    until = g_hash_table_lookup(hidden->until, &ino);
    lately = until && !is_late(*until, g_get_monotonic_time());
    pthread_mutex_unlock(&hidden->lock);
    return lately;
}

static gboolean is_of(void *ino, void *until, void *id)
{
    (void)until;
    return ino_id(*(uint64_t *)ino) == *(uint64_t *)id;
}

void hidden_forget(struct hidden *hidden, uint64_t id)
{
    pthread_mutex_lock(&hidden->lock);
    g_hash_table_foreach_remove(hidden->until, is_of, &id);
    pthread_mutex_unlock(&hidden->lock);
}

bool hidden_take(struct hidden *hidden, uint64_t ino)
{
    bool was;

    pthread_mutex_lock(&hidden->lock);
    was = look(hidden, ino);
    g_hash_table_remove(hidden->until, &ino);
    pthread_mutex_unlock(&hidden->lock);
    return was;
}
