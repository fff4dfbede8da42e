/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/known.h"

#include <glib.h>
#include <pthread.h>

#include "fs/ino.h"
#include "fs/table.h"

struct entry {
    uint64_t id;
    uint32_t codes; /* a bit for each */
};
G_STATIC_ASSERT(CODES <= 32);

struct known {
    pthread_mutex_t lock;
    GHashTable *entries; /* set of struct entry *, by their id */
};

struct known *known_new(void)
{
    struct known *known = g_new0(struct known, 1);

    pthread_mutex_init(&known->lock, NULL);
    known->entries = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    return known;
}

void known_free(struct known *known)
{
    if (!known)
        return;
    g_hash_table_destroy(known->entries);
    pthread_mutex_destroy(&known->lock);
    g_free(known);
}

static uint32_t bit(uint64_t ino)
{
    return UINT32_C(1) << ino_code(ino);
}

void known_add(struct known *known, uint64_t ino)
{
    const struct entry key = {.id = ino_id(ino)};
    struct entry *entry;

    pthread_mutex_lock(&known->lock);
    entry = g_hash_table_lookup(known->entries, &key.id);
    if (!entry) {
        entry = g_memdup2(&key, sizeof key);
        g_hash_table_add(known->entries, entry);
    }
    entry->codes |= bit(ino);
    pthread_mutex_unlock(&known->lock);
}

bool known_has(struct known *known, uint64_t ino)
{
    uint64_t id = ino_id(ino);
    const struct entry *entry;
    bool has;

    pthread_mutex_lock(&known->lock);
    entry = g_hash_table_lookup(known->entries, &id);
    has = ino == INO_ROOT || (entry && (entry->codes & bit(ino)));
    pthread_mutex_unlock(&known->lock);
    return has;
}

void known_forget(struct known *known, uint64_t id)
{
    pthread_mutex_lock(&known->lock);
    g_hash_table_remove(known->entries, &id);
    pthread_mutex_unlock(&known->lock);
}
