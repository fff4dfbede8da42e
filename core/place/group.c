/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups: the VMs that avoid one another, that stay near one another, that make up a service. A
 * large group also has a bitmap of its rows, because a search asks for many of them; it takes no
 * more than 8 bytes a member.
 */
#include "core/place/internal.h"

static struct group *group_new(GHashTable *home)
{
    struct group *group = g_new0(struct group, 1);
    group->home = home;
    group->rows = g_hash_table_new(NULL, NULL);
    return group;
}

void group_free(gpointer data)
{
    struct group *group = data;
    g_hash_table_unref(group->rows);
    g_free(group->bits);
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

uint32_t group_count(const struct group *group, uint32_t row)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(group->rows, GUINT_TO_POINTER(row)));
}

bool group_has(const struct group *group, uint32_t row)
{
    if (!group->bits)
        return g_hash_table_contains(group->rows, GUINT_TO_POINTER(row));
    return row / 64 < group->n_bits && (group->bits[row / 64] >> row % 64 & 1);
}

/* Makes the bitmap reach up to ROW, half as far again when it grows. */
static void extend_bits(struct group *group, uint32_t row)
{
    uint32_t old = group->n_bits;
    if (row / 64 < old)
        return;
    group->n_bits = row / 64 + 1 + old / 2;
    group->bits = g_renew(uint64_t, group->bits, group->n_bits);
    memset(group->bits + old, 0, (group->n_bits - old) * sizeof(uint64_t));
}

static void set_bit(struct group *group, uint32_t row, bool on)
{
    uint64_t bit = (uint64_t)1 << row % 64;
    extend_bits(group, row);
    group->bits[row / 64] = on ? group->bits[row / 64] | bit : group->bits[row / 64] & ~bit;
}

static void make_bits(struct group *group)
{
    GHashTableIter iter;
    gpointer row;
    g_hash_table_iter_init(&iter, group->rows);
    while (g_hash_table_iter_next(&iter, &row, NULL))
        set_bit(group, GPOINTER_TO_UINT(row), true);
}

static void set_count(struct group *group, uint32_t row, uint32_t count)
{
    gpointer key = GUINT_TO_POINTER(row);
    if (count > 0)
        g_hash_table_insert(group->rows, key, GUINT_TO_POINTER(count));
    else
        g_hash_table_remove(group->rows, key);
    group->last = MAX(group->last, row);
    if (group->bits)
        set_bit(group, row, count > 0);
    else if (g_hash_table_size(group->rows) > group->last / 64)
        make_bits(group);
}

void group_add(struct group *group, uint32_t row)
{
    set_count(group, row, group_count(group, row) + 1);
    group->total++;
}

void group_remove(struct group *group, uint32_t row)
{
    uint32_t count = group_count(group, row);
    if (count == 0)
        return;
    set_count(group, row, count - 1);
    if (--group->total > 0)
        return;
    if (group->name)
        g_hash_table_remove(group->home, group->name);
    else
        g_hash_table_remove(group->home, &group->service);
}
