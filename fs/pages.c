/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/pages.h"

#include <glib.h>
#include <pthread.h>

/* Of a file that is open in pages, or of whose change the kernel has not heard yet. */
struct entry {
    uint64_t ino;
    unsigned open, untold;
    bool old; /* it has changed since it was opened */
};

struct pages {
    pthread_mutex_t lock;
    GHashTable *entries; /* ino to struct entry *; under the lock */
};

struct pages *pages_new(void)
{
    struct pages *pages = g_new0(struct pages, 1);

    pthread_mutex_init(&pages->lock, NULL);
    pages->entries = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    return pages;
}

void pages_free(struct pages *pages)
{
    if (!pages)
        return;
    g_hash_table_destroy(pages->entries);
    pthread_mutex_destroy(&pages->lock);
    g_free(pages);
}

static struct entry *find_or_add(struct pages *pages, uint64_t ino)
{
    struct entry *entry = g_hash_table_lookup(pages->entries, &ino);

    if (!entry) {
        entry = g_new0(struct entry, 1);
        entry->ino = ino;
        g_hash_table_insert(pages->entries, &entry->ino, entry);
    }
    return entry;
}

static void drop_unused(struct pages *pages, const struct entry *entry)
{
    if (entry->open == 0 && entry->untold == 0)
        g_hash_table_remove(pages->entries, &entry->ino);
}

bool pages_open(struct pages *pages, uint64_t ino)
{
    struct entry *entry;
    bool may;

    pthread_mutex_lock(&pages->lock);
    entry = find_or_add(pages, ino);
    may = !entry->old && entry->untold == 0;
    if (may)
        entry->open++;
    pthread_mutex_unlock(&pages->lock);
    return may;
}

bool pages_close(struct pages *pages, uint64_t ino)
{
    struct entry *entry;
    bool old = false;

    pthread_mutex_lock(&pages->lock);
    entry = find_or_add(pages, ino);
    if (--entry->open == 0) {
        old = entry->old;
        entry->old = false;
        entry->untold += old;
        drop_unused(pages, entry);
    }
    pthread_mutex_unlock(&pages->lock);
    return old;
}

void pages_replaced(struct pages *pages, uint64_t ino)
{
    struct entry *entry;

    pthread_mutex_lock(&pages->lock);
    entry = g_hash_table_lookup(pages->entries, &ino);
    if (entry)
        entry->old = entry->open > 0;
    pthread_mutex_unlock(&pages->lock);
}

void pages_telling(struct pages *pages, uint64_t ino)
{
    pthread_mutex_lock(&pages->lock);
    find_or_add(pages, ino)->untold++;
    pthread_mutex_unlock(&pages->lock);
}

void pages_told(struct pages *pages, uint64_t ino)
{
    struct entry *entry;

    pthread_mutex_lock(&pages->lock);
    entry = g_hash_table_lookup(pages->entries, &ino);
    if (entry && entry->untold > 0) {
        entry->untold--;
        drop_unused(pages, entry);
    }
    pthread_mutex_unlock(&pages->lock);
}

bool pages_are_old(struct pages *pages, uint64_t ino)
{
    const struct entry *entry;
    bool old;

    pthread_mutex_lock(&pages->lock);
    entry = g_hash_table_lookup(pages->entries, &ino);
    old = entry && entry->old;
    pthread_mutex_unlock(&pages->lock);
    return old;
}
