/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/cut.h"

#include <glib.h>
#include <pthread.h>

#include "core/limit.h"

enum { CUT_LIFE = 10 * 1000 * 1000 /* microseconds */, MAX_CUTS = LIMIT(256, 2) };

struct cut {
    uint64_t ino;
    off_t size;
    int64_t made;
};

struct cuts {
    pthread_mutex_t lock;
    GHashTable *by_ino; /* ino to struct cut * */
};

struct cuts *cuts_new(void)
{
    struct cuts *cuts = g_new0(struct cuts, 1);

    pthread_mutex_init(&cuts->lock, NULL);
    cuts->by_ino = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    return cuts;
}

void cuts_free(struct cuts *cuts)
{
    if (!cuts)
        return;
    g_hash_table_destroy(cuts->by_ino);
    pthread_mutex_destroy(&cuts->lock);
    g_free(cuts);
}

static gboolean is_old(void *key, void *value, void *data)
{
    (void)key;
    return *(int64_t *)data - ((struct cut *)value)->made > CUT_LIFE;
}

void cuts_set(struct cuts *cuts, uint64_t ino, off_t size)
{
    struct cut *cut = g_new0(struct cut, 1);
    int64_t now = g_get_monotonic_time();

    *cut = (struct cut){ino, size, now};
    pthread_mutex_lock(&cuts->lock);
    if (g_hash_table_size(cuts->by_ino) >= MAX_CUTS)
        g_hash_table_foreach_remove(cuts->by_ino, is_old, &now);
    if (g_hash_table_size(cuts->by_ino) < MAX_CUTS)
        g_hash_table_replace(cuts->by_ino, &cut->ino, cut);
    else
        g_free(cut);
    pthread_mutex_unlock(&cuts->lock);
}

bool cuts_take(struct cuts *cuts, uint64_t ino, off_t *size)
{
    int64_t now = g_get_monotonic_time();
    struct cut *cut;
    bool found;

    pthread_mutex_lock(&cuts->lock);
    cut = g_hash_table_lookup(cuts->by_ino, &ino);
    found = cut && !is_old(NULL, cut, &now);
    if (found)
        *size = cut->size;
    if (cut)
        g_hash_table_remove(cuts->by_ino, &ino);
    pthread_mutex_unlock(&cuts->lock);
    return found;
}
