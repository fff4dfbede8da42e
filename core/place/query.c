/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A want, looked up in the table once, so that judging a host looks up little. */
#include "core/place/internal.h"

/* A mask that no signature has, for a word that no host has. */
#define SIGNATURE_NONE (~(uint64_t)0)

static uint64_t mask_of(const struct place *place, enum trait_kind kind, const char *name)
{
    const struct trait *trait = trait_find(place, kind, name);
    return trait ? trait->mask : SIGNATURE_NONE;
}

static uint64_t mask_of_all(const struct place *place, enum trait_kind kind,
                            const char *const *names)
{
    uint64_t mask = 0;
    for (; names && *names; names++)
        mask |= mask_of(place, kind, *names);
    return mask;
}

/* Nothing matches 0, everything SIGNATURE_ANY. */
static uint64_t mask_of_types(const struct place *place, const char *const *types)
{
    if (!types || !*types)
        return SIGNATURE_ANY;
    uint64_t mask = 0;
    for (; *types; types++) {
        const struct trait *trait = trait_find(place, TRAIT_TYPE, *types);
        mask |= trait ? trait->mask : 0;
    }
    return mask;
}

/* GROUP, unless nobody but want->vm, whose own is OWN, is in it. */
static const struct group *with_others(const struct group *group, const struct group *own)
{
    return group && group->total > (own == group) ? group : NULL;
}

static void find_groups(struct query *query)
{
    static const struct reservation none;
    const struct place *place = query->place;
    const struct place_want *want = query->want;
    const struct reservation *own = query->own ? query->own : &none;
    if (want->avoid)
        query->avoid = with_others(g_hash_table_lookup(place->avoid, want->avoid), own->avoid);
    if (want->near)
        query->near = with_others(g_hash_table_lookup(place->near, want->near), own->near);
    if (want->service && want->spread != SPREAD_NONE)
        query->service =
            with_others(g_hash_table_lookup(place->services, &want->service), own->service);
}

static void count_zones(struct query *query)
{
    const struct group *group = query->service;
    GHashTableIter iter;
    gpointer row, members;
    query->zones = g_hash_table_new(NULL, NULL);
    g_hash_table_iter_init(&iter, group->rows);
    while (g_hash_table_iter_next(&iter, &row, &members)) {
        const struct host *host = query->place->rows->pdata[GPOINTER_TO_UINT(row)];
        bool self = query->own && query->own->service == group && query->own->host == host;
        guint count = GPOINTER_TO_UINT(members) - self;
        if (!host->present || count == 0)
            continue;
        count += query_zone_count(query, host);
        g_hash_table_insert(query->zones, host->zone, GUINT_TO_POINTER(count));
    }
}

guint query_zone_count(const struct query *query, const struct host *host)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(query->zones, host->zone));
}

/*
 * Lanes hold whole MiB, know nothing of loads and groups, and of words that share bits only that
 * they may be there.
 */
static uint32_t unsure_filters(const struct query *query)
{
    const struct place_want *want = query->want;
    uint32_t unsure = 1u << FILTER_CPUS | 1u << FILTER_MEMORY | 1u << FILTER_LOAD;
    if (mask_is_shared(query->need))
        unsure |= 1u << FILTER_ZONE | 1u << FILTER_LABELS | 1u << FILTER_NETWORK;
    if (mask_is_shared(query->types))
        unsure |= 1u << FILTER_VIRTUALIZATION;
    if (query->avoid)
        unsure |= 1u << FILTER_AVOID;
    if (query->service)
        unsure |= 1u << FILTER_SPREAD;
    if (want->n_tried > 0)
        unsure |= 1u << FILTER_TRIED;
    return unsure;
}

void query_set_level(struct query *query, guint level)
{
    query->zone_level = level;
    query->zones_below = SIGNATURE_ANY;
    if (!query->zones || level == G_MAXUINT)
        return;
    GHashTableIter iter;
    gpointer zone;
    query->zones_below = 0;
    g_hash_table_iter_init(&iter, query->place->traits[TRAIT_ZONE]);
    while (g_hash_table_iter_next(&iter, NULL, &zone)) {
        if (GPOINTER_TO_UINT(g_hash_table_lookup(query->zones, zone)) <= level)
            query->zones_below |= ((struct trait *)zone)->mask;
    }
}

void query_init(struct query *query, const struct place *place, const struct place_want *want)
{
    *query = (struct query){.place = place, .want = want};
    if (want->vm)
        query->own = g_hash_table_lookup(place->vms, &want->vm);
    find_groups(query);
    query->need = mask_of_all(place, TRAIT_LABEL, want->labels) |
                  mask_of_all(place, TRAIT_NETWORK, want->networks);
    if (want->zone)
        query->need |= mask_of(place, TRAIT_ZONE, want->zone);
    query->types = mask_of_types(place, want->types);
    if (query->service && want->spread == SPREAD_ZONE)
        count_zones(query);
    query->unsure = unsure_filters(query);
    query_set_level(query, G_MAXUINT);
}

void query_init_empty(struct query *query, const struct place *place, const struct place_want *want)
{
    query_init(query, place, want);
    query->empty = true;
}

void query_clear(struct query *query)
{
    g_clear_pointer(&query->zones, g_hash_table_unref);
}
