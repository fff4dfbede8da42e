/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answer to a want: a host, later, or never. */
#include "core/place/internal.h"

static int compare_counts(gconstpointer a, gconstpointer b)
{
    guint left = *(const guint *)a, right = *(const guint *)b;
    return (left > right) - (left < right);
}

/* The numbers of members that zones have, ascending, 0 among them. */
static GArray *zone_levels(const struct query *query)
{
    GArray *levels = g_array_new(FALSE, TRUE, sizeof(guint));
    g_array_set_size(levels, 1);
    GHashTableIter iter;
    gpointer count;
    g_hash_table_iter_init(&iter, query->zones);
    while (g_hash_table_iter_next(&iter, NULL, &count)) {
        guint level = GPOINTER_TO_UINT(count);
        g_array_append_val(levels, level);
    }
    g_array_sort(levels, compare_counts);
    return levels;
}

static bool search_level(struct best *best, struct query *query, guint level)
{
    query_set_level(query, level);
    best_search(best, query);
    return best->host != NULL;
}

/*
 * Members of a service spread over zones go to a zone that has as few of them as any zone that
 * could take one. So the emptiest zones are searched first, and fuller ones only if none of them
 * has a host that passes.
 */
static void find_zone(struct best *best, struct query *query)
{
    if (search_level(best, query, 0) || !search_level(best, query, G_MAXUINT))
        return;
    g_autoptr(GArray) levels = zone_levels(query);
    for (guint i = 1; i < levels->len; i++) {
        guint level = g_array_index(levels, guint, i);
        if (level != query->zone_level && search_level(best, query, level))
            return;
    }
}

void best_find(struct best *best, struct query *query)
{
    if (query->zones)
        find_zone(best, query);
    else
        best_search(best, query);
}

enum place_verdict place_find(const struct place *place, const struct place_want *want,
                              struct place_choice *choice)
{
    struct query query;
    struct best best;
    query_init(&query, place, want);
    best_find(&best, &query);
    query_clear(&query);
    if (!best.host)
        return place_never(place, want, NULL) ? PLACE_NEVER : PLACE_LATER;
    if (choice)
        *choice = (struct place_choice){
            .host = best.host->id,
            .demand = want->demand,
            .resources = best.resources,
            .cost = best.host->cost,
            .schedule = best.schedule,
        };
    return PLACE_FOUND;
}
