/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What no host could ever hold, even up and empty, and the sentence that says why. */
#include "core/place/internal.h"

static bool fits_empty(const struct query *query, const struct host *host)
{
    uint64_t signature = host->signature;
    return (signature & query->need) == query->need && (signature & query->types) &&
           filter_refusal(query, host) == FILTERS;
}

static bool any_fits(const struct query *query)
{
    const GPtrArray *rows = query->place->rows;
    for (guint row = 0; row < rows->len; row++) {
        const struct host *host = g_ptr_array_index(rows, row);
        if (host && host->present && fits_empty(query, host))
            return true;
    }
    return false;
}

static bool any_passes(const struct query *query, enum filter filter)
{
    const GPtrArray *rows = query->place->rows;
    for (guint row = 0; row < rows->len; row++) {
        const struct host *host = g_ptr_array_index(rows, row);
        if (host && host->present && filter_passes(query, host, filter))
            return true;
    }
    return false;
}

/* The host with the most CPUs, or memory; the lowest id among equals. */
static const struct host *largest(const struct place *place, bool by_memory)
{
    const struct host *best = NULL;
    for (guint row = 0; row < place->rows->len; row++) {
        const struct host *host = g_ptr_array_index(place->rows, row);
        if (!host || !host->present)
            continue;
        uint64_t size = by_memory ? host->memory : host->cpus;
        uint64_t most = best ? (by_memory ? best->memory : best->cpus) : 0;
        if (!best || size > most || (size == most && host->id < best->id))
            best = host;
    }
    return best;
}

/* "label gpu: no host has it", or of words that are all somewhere, "labels gpu ssd: …". */
static char *lack_words(const struct place *place, enum trait_kind kind, const char *singular,
                        const char *const *names)
{
    for (const char *const *name = names; *name; name++) {
        if (!trait_find(place, kind, *name))
            return g_strdup_printf("%s %s: no host has it", singular, *name);
    }
    g_autofree char *all = g_strjoinv(" ", (char **)names);
    return g_strdup_printf("%ss %s: no host has them all", singular, all);
}

/* Why FILTER refuses every host there is. */
static char *lack(const struct query *query, enum filter filter)
{
    const struct place_want *want = query->want;
    const struct host *host = largest(query->place, filter == FILTER_MEMORY);
    g_autofree char *wants = NULL, *holds = NULL;
    switch (filter) {
    case FILTER_VIRTUALIZATION:
        wants = g_strjoinv(" or ", (char **)want->types);
        return g_strdup_printf("virtualization %s: no host offers it", wants);
    case FILTER_CPUS:
        return g_strdup_printf("cpus: wants %u, the largest host (%s) holds %u", want->cpus,
                               host->name, host->cpus);
    case FILTER_MEMORY:
        detail_sizes(want->memory, (int64_t)host->memory, &wants, &holds);
        return g_strdup_printf("memory: wants %s, the largest host (%s) holds %s", wants,
                               host->name, holds);
    case FILTER_ZONE:
        return g_strdup_printf("zone %s: no host is in it", want->zone);
    case FILTER_LABELS:
        return lack_words(query->place, TRAIT_LABEL, "label", want->labels);
    case FILTER_NETWORK:
        return lack_words(query->place, TRAIT_NETWORK, "network", want->networks);
    default:
        return g_strdup_printf("host %s: there is no such host", want->host);
    }
}

static guint misses(const struct query *query, const struct host *host)
{
    guint count = 0;
    for (enum filter filter = 0; filter < FILTERS; filter++)
        count += filter_lasts(filter) && !filter_passes(query, host, filter);
    return count;
}

/* The host that the pin names, or the one that the fewest filters refuse. */
static const struct host *nearest(const struct query *query)
{
    const struct place *place = query->place;
    if (query->want->host)
        return g_hash_table_lookup(place->names, query->want->host);
    const struct host *best = NULL;
    guint fewest = 0;
    for (guint row = 0; row < place->rows->len; row++) {
        const struct host *host = g_ptr_array_index(place->rows, row);
        if (!host || !host->present)
            continue;
        guint count = misses(query, host);
        if (best && (count > fewest || (count == fewest && host->id > best->id)))
            continue;
        best = host;
        fewest = count;
    }
    return best;
}

static char *explain_never(const struct query *query)
{
    for (enum filter filter = 0; filter < FILTERS; filter++) {
        if (filter_lasts(filter) && !any_passes(query, filter))
            return lack(query, filter);
    }
    const struct host *host = nearest(query);
    enum filter filter = filter_refusal(query, host);
    g_autofree char *detail = detail_of(query, host, filter);
    return g_strdup_printf("no host meets it all: %s fails on %s: %s", host->name,
                           filter_name(filter), detail);
}

bool place_never(const struct place *place, const struct place_want *want, char **why)
{
    if (place->n_hosts == 0 || place->n_unknown > 0)
        return false;
    struct query query;
    query_init_empty(&query, place, want);
    bool is_never = !any_fits(&query);
    if (is_never && why)
        *why = explain_never(&query);
    query_clear(&query);
    return is_never;
}
