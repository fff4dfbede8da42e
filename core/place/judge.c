/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether one host takes a want, and what refuses it. */
#include "core/place/internal.h"

bool place_judge(const struct place *place, const struct place_want *want, uint64_t id,
                 struct place_choice *choice, const char **filter, char **why)
{
    const struct host *host = place_lookup(place, id);
    struct query query;
    struct best best;
    query_init(&query, place, want);
    best_find(&best, &query); /* for its zone_level */
    enum filter refusal = host && host->present ? filter_refusal(&query, host) : FILTER_UP;
    if (refusal != FILTERS) {
        *filter = filter_name(refusal);
        *why = host && host->present ? detail_of(&query, host, refusal) : g_strdup("not known");
    } else if (choice) {
        double resources = place_resources(&query, host);
        *choice = (struct place_choice){
            .host = id,
            .demand = want->demand,
            .resources = resources,
            .cost = host->cost,
            .schedule = place_schedule(&query, host, resources),
        };
    }
    query_clear(&query);
    return refusal == FILTERS;
}
