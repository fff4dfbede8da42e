/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups: the VMs that avoid one another, that stay near one another, that make up a service.
 * The rows of a group are a sorted array: looked up in O(log members), walked without a cost
 * for the hosts that hold none, and inserting moves a few kilobytes at worst.
 */
#include "core/place/internal.h"

static struct group *group_new(GHashTable *home)
{
    struct group *group = g_new0(struct group, 1);
    group->home = home;
    group->tallies = g_array_new(FALSE, FALSE, sizeof(struct tally));
    group->words = g_array_new(FALSE, FALSE, sizeof(struct word));
    return group;
}

void group_free(gpointer data)
{
    struct group *group = data;
    g_array_unref(group->tallies);
    g_array_unref(group->words);
    g_free(group->name);
    g_free(group);
}

struct group *group_get(GHashTable *home, const char *name)
{
    if (!name)
        return NULL;
    struct group *group = g_hash_table_lookup(home, name);
    if (!group) {
        group = group_new(home);
        group->name = g_strdup(name);
        g_hash_table_insert(home, group->name, group);
    }
    return group;
}

struct group *group_get_service(GHashTable *home, uint64_t service)
{
    if (service == 0)
        return NULL;
    struct group *group = g_hash_table_lookup(home, &service);
    if (!group) {
        group = group_new(home);
        group->service = service;
        g_hash_table_insert(home, &group->service, group);
    }
    return group;
}

/* The position of the first tally whose row is not below ROW. */
static guint group_position(const struct group *group, uint32_t row)
{
    guint low = 0, high = group->tallies->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(group->tallies, struct tally, middle).row < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct tally *group_tally(const struct group *group, uint32_t row)
{
    guint at = group_position(group, row);
    if (at == group->tallies->len)
        return NULL;
    struct tally *tally = &g_array_index(group->tallies, struct tally, at);
    return tally->row == row ? tally : NULL;
}

uint32_t group_count(const struct group *group, uint32_t row)
{
    const struct tally *tally = group_tally(group, row);
    return tally ? tally->count : 0;
}

/* Sets or clears the bit of ROW. */
static void group_mark(struct group *group, uint32_t row, bool on)
{
    uint32_t block = row / BLOCK;
    uint64_t bit = (uint64_t)1 << row % BLOCK;
    guint low = 0, high = group->words->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(group->words, struct word, middle).block < block)
            low = middle + 1;
        else
            high = middle;
    }
    struct word *word = &g_array_index(group->words, struct word, low);
    struct word fresh = {.block = block, .rows = bit};
    if (low == group->words->len || word->block != block) {
        if (on)
            g_array_insert_val(group->words, low, fresh);
        return;
    }
    word->rows = on ? word->rows | bit : word->rows & ~bit;
    if (word->rows == 0)
        g_array_remove_index(group->words, low);
}

void group_add(struct group *group, uint32_t row)
{
    struct tally *tally = group_tally(group, row);
    if (tally) {
        tally->count++;
    } else {
        struct tally fresh = {.row = row, .count = 1};
        g_array_insert_val(group->tallies, group_position(group, row), fresh);
        group_mark(group, row, true);
    }
    group->total++;
}

void group_remove(struct group *group, uint32_t row)
{
    struct tally *tally = group_tally(group, row);
    if (!tally)
        return;
    if (--tally->count == 0) {
        g_array_remove_index(group->tallies, group_position(group, row));
        group_mark(group, row, false);
    }
    if (--group->total > 0)
        return;
    if (group->name)
        g_hash_table_remove(group->home, group->name);
    else
        g_hash_table_remove(group->home, &group->service);
}
