/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answer to a want: a host, later, or never. */
#include "core/place/internal.h"

/*
 * Members of a service spread over zones go to the zones that have the fewest, so that their
 * counts differ by at most one. A zone without a host that is up and could hold a member when
 * empty does not count; one that is only full does, and members wait for it.
 */
static bool could_hold(const struct query *query, const struct host *host)
{
    if (!host || !host->present || !filter_passes(query, host, FILTER_UP))
        return false;
    for (enum filter filter = 0; filter < FILTERS; filter++) {
        if (filter_lasts(filter) && !filter_passes(query, host, filter))
            return false;
    }
    return true;
}

/* The fewest members that a zone has which counts; G_MAXUINT: none counts. */
static guint fewest_of_eligible(const struct query *query)
{
    const GPtrArray *rows = query->place->rows;
    struct query empty = *query;
    guint fewest = G_MAXUINT;
    empty.empty = true;
    for (guint row = 0; row < rows->len; row++) {
        const struct host *host = g_ptr_array_index(rows, row);
        if (host && host->present && query_zone_count(query, host) < fewest &&
            could_hold(&empty, host))
            fewest = query_zone_count(query, host);
    }
    return fewest;
}

/* The fewest members that any zone has. */
static guint fewest_of_all(const struct query *query)
{
    GHashTable *zones = query->place->traits[TRAIT_ZONE];
    GHashTableIter iter;
    gpointer count;
    guint fewest = G_MAXUINT;
    if (g_hash_table_size(query->zones) < g_hash_table_size(zones))
        return 0;
    g_hash_table_iter_init(&iter, query->zones);
    while (g_hash_table_iter_next(&iter, NULL, &count))
        fewest = MIN(fewest, GPOINTER_TO_UINT(count));
    return fewest;
}

static void find_zone(struct best *best, struct query *query)
{
    guint fewest = fewest_of_all(query);
    query_set_level(query, fewest);
    best_search(best, query);
    if (best->host)
        return;
    guint eligible = fewest_of_eligible(query);
    if (eligible == fewest)
        return;
    query_set_level(query, eligible);
    best_search(best, query);
}

void best_find(struct best *best, struct query *query)
{
    if (query->zones)
        find_zone(best, query);
    else
        best_search(best, query);
}

bool place_choose(const struct place *place, const struct place_want *want,
                  struct place_choice *choice)
{
    struct query query;
    struct best best;
    query_init(&query, place, want);
    best_find(&best, &query);
    query_clear(&query);
    if (!best.host)
        return false;
    if (choice)
        *choice = (struct place_choice){
            .host = best.host->id,
            .demand = want->demand,
            .resources = best.resources,
            .cost = best.host->cost,
            .schedule = best.schedule,
        };
    return true;
}

enum place_verdict place_find(const struct place *place, const struct place_want *want,
                              struct place_choice *choice)
{
    if (place_choose(place, want, choice))
        return PLACE_FOUND;
    return place_never(place, want, NULL) ? PLACE_NEVER : PLACE_LATER;
}

/* What a VM that stays need not meet again. */
static bool stays_anyway(const struct query *query, enum filter filter)
{
    const struct place_want *want = query->want;
    switch (filter) {
    case FILTER_UP:
    case FILTER_TRIED:
        return true;
    case FILTER_CPUS:
        return want->cpus <= query->own->cpus;
    case FILTER_MEMORY:
        return want->memory <= query->own->memory;
    default:
        return false;
    }
}

bool place_may_stay(const struct place *place, const struct place_want *want, char **why)
{
    struct query query;
    bool stays;
    query_init(&query, place, want);
    stays = query.own && query.own->host->present;
    for (enum filter filter = 0; stays && filter < FILTERS; filter++) {
        const struct host *host = query.own->host;
        if (stays_anyway(&query, filter) || filter_passes(&query, host, filter))
            continue;
        g_autofree char *detail = detail_of(&query, host, filter);
        *why = g_strdup_printf("%s: %s", filter_name(filter), detail);
        stays = false;
    }
    query_clear(&query);
    return stays;
}
