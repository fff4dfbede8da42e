/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/known.h"

#include <glib.h>
#include <pthread.h>

#include "fs/ino.h"
#include "fs/table.h"

/* Ids are given one after the other, so that those of a block are mostly there together. */
enum { BLOCK = 64 };

struct block {
    uint64_t number;       /* of its first id, over BLOCK */
    unsigned used;         /* how many of its ids have any */
    uint32_t codes[BLOCK]; /* of each id, a bit for each */
};
G_STATIC_ASSERT(CODES <= 32);

struct known {
    pthread_mutex_t lock;
    GHashTable *blocks; /* set of struct block *, by their number */
};

struct known *known_new(void)
{
    struct known *known = g_new0(struct known, 1);

    pthread_mutex_init(&known->lock, NULL);
    known->blocks = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    return known;
}

void known_free(struct known *known)
{
    if (!known)
        return;
    g_hash_table_destroy(known->blocks);
    pthread_mutex_destroy(&known->lock);
    g_free(known);
}

static uint32_t bit(uint64_t ino)
{
    return UINT32_C(1) << ino_code(ino);
}

static struct block *find(const struct known *known, uint64_t id)
{
    const uint64_t number = id / BLOCK;

    return g_hash_table_lookup(known->blocks, &number);
}

static struct block *find_or_make(struct known *known, uint64_t id)
{
    struct block *block = find(known, id);

    if (block)
        return block;
    block = g_new0(struct block, 1);
    block->number = id / BLOCK;
    g_hash_table_add(known->blocks, block);
    return block;
}

void known_add(struct known *known, uint64_t ino)
{
    struct block *block;
    uint32_t *codes;

    pthread_mutex_lock(&known->lock);
    block = find_or_make(known, ino_id(ino));
    codes = &block->codes[ino_id(ino) % BLOCK];
    block->used += *codes == 0;
    *codes |= bit(ino);
    pthread_mutex_unlock(&known->lock);
}

bool known_has(struct known *known, uint64_t ino)
{
    uint64_t id = ino_id(ino);
    const struct block *block;
    bool has;

    pthread_mutex_lock(&known->lock);
    block = find(known, id);
    has = ino == INO_ROOT || (block && (block->codes[id % BLOCK] & bit(ino)));
    pthread_mutex_unlock(&known->lock);
    return has;
}

void known_forget(struct known *known, uint64_t id)
{
    struct block *block;

    pthread_mutex_lock(&known->lock);
    block = find(known, id);
    if (block && block->codes[id % BLOCK]) {
        block->codes[id % BLOCK] = 0;
        if (--block->used == 0)
            g_hash_table_remove(known->blocks, block);
    }
    pthread_mutex_unlock(&known->lock);
}
