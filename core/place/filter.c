/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filters, exactly: one row of a table and one function each. The search calls them for the
 * few hosts that could win, the explanation for all.
 */
#include "core/place/internal.h"

#include <string.h>

static bool any_word(const char *const *words)
{
    return words && *words;
}

bool host_has(const struct host *host, enum trait_kind kind, const char *name)
{
    for (guint i = 0; i < host->traits->len; i++) {
        const struct trait *trait = g_ptr_array_index(host->traits, i);
        if (trait->kind == kind && strcmp(trait->name, name) == 0)
            return true;
    }
    return false;
}

static bool host_has_all(const struct host *host, enum trait_kind kind, const char *const *names)
{
    for (; names && *names; names++) {
        if (!host_has(host, kind, *names))
            return false;
    }
    return true;
}

static bool pass_up(const struct query *query, const struct host *host)
{
    (void)query;
    return host->up && host->known;
}

static bool pass_virtualization(const struct query *query, const struct host *host)
{
    if (!any_word(query->want->types))
        return true;
    for (const char *const *type = query->want->types; *type; type++) {
        if (host_has(host, TRAIT_TYPE, *type))
            return true;
    }
    return false;
}

int64_t query_free_cpus(const struct query *query, const struct host *host)
{
    int64_t free = host->cpus;
    if (query->empty)
        return free;
    if (query->own && query->own->host == host)
        free += query->own->cpus;
    return free - (int64_t)host->cpus_reserved;
}

int64_t query_free_memory(const struct query *query, const struct host *host)
{
    int64_t free = (int64_t)host->memory;
    if (query->empty)
        return free;
    if (query->own && query->own->host == host)
        free += (int64_t)query->own->memory;
    return free - (int64_t)host->memory_reserved;
}

static bool pass_cpus(const struct query *query, const struct host *host)
{
    return query_free_cpus(query, host) >= (int64_t)query->want->cpus;
}

static bool pass_memory(const struct query *query, const struct host *host)
{
    int64_t free = query_free_memory(query, host);
    return free >= 0 && (uint64_t)free >= query->want->memory;
}

/* A VM that is here already is part of the load. */
static bool pass_load(const struct query *query, const struct host *host)
{
    const struct place_want *want = query->want;
    const struct place_load *load = host->load;
    if (!load || (query->own && query->own->host == host))
        return true;
    return load->cpus + load->cpus_error + want->cpus * want->usage <= load->cpus_max &&
           load->memory + load->memory_error + (double)want->memory * want->usage <=
               load->memory_max;
}

static bool pass_zone(const struct query *query, const struct host *host)
{
    return !query->want->zone || strcmp(host->zone->name, query->want->zone) == 0;
}

static bool pass_labels(const struct query *query, const struct host *host)
{
    return host_has_all(host, TRAIT_LABEL, query->want->labels);
}

static bool pass_network(const struct query *query, const struct host *host)
{
    return host_has_all(host, TRAIT_NETWORK, query->want->networks);
}

static bool pass_host(const struct query *query, const struct host *host)
{
    return !query->want->host || strcmp(host->name, query->want->host) == 0;
}

/* Members of GROUP on HOST other than want->vm, whose own group of that kind is OWN. */
static uint32_t others(const struct query *query, const struct group *group,
                       const struct group *own, const struct host *host)
{
    uint32_t count = group_count(group, host->row);
    bool self = query->own && own == group && query->own->host == host;
    return count - self;
}

static bool pass_avoid(const struct query *query, const struct host *host)
{
    const struct group *group = query->avoid;
    return !group || others(query, group, query->own ? query->own->avoid : NULL, host) == 0;
}

static bool pass_near(const struct query *query, const struct host *host)
{
    const struct group *group = query->near;
    return !group || others(query, group, query->own ? query->own->near : NULL, host) > 0;
}

static bool pass_spread(const struct query *query, const struct host *host)
{
    const struct group *group = query->service;
    if (!group)
        return true;
    if (query->want->spread == SPREAD_ZONE)
        return query_zone_count(query, host) <= query->zone_level;
    return others(query, group, query->own ? query->own->service : NULL, host) == 0;
}

static bool pass_tried(const struct query *query, const struct host *host)
{
    for (size_t i = 0; i < query->want->n_tried; i++) {
        if (query->want->tried[i] == host->id)
            return false;
    }
    return true;
}

static const struct {
    const char *name;
    bool lasts; /* about the host itself: emptying hosts changes nothing */
    bool (*passes)(const struct query *query, const struct host *host);
} filters[FILTERS] = {
    [FILTER_UP] = {"up",             false, pass_up            },
    [FILTER_VIRTUALIZATION] = {"virtualization", true,  pass_virtualization},
    [FILTER_CPUS] = {"cpus",           true,  pass_cpus          },
    [FILTER_MEMORY] = {"memory",         true,  pass_memory        },
    [FILTER_LOAD] = {"load",           false, pass_load          },
    [FILTER_ZONE] = {"zone",           true,  pass_zone          },
    [FILTER_LABELS] = {"labels",         true,  pass_labels        },
    [FILTER_NETWORK] = {"network",        true,  pass_network       },
    [FILTER_HOST] = {"host",           true,  pass_host          },
    [FILTER_AVOID] = {"avoid",          false, pass_avoid         },
    [FILTER_NEAR] = {"near",           false, pass_near          },
    [FILTER_SPREAD] = {"spread",         false, pass_spread        },
    [FILTER_TRIED] = {"tried",          false, pass_tried         },
};

const char *filter_name(enum filter filter)
{
    return filters[filter].name;
}

bool filter_lasts(enum filter filter)
{
    return filters[filter].lasts;
}

bool filter_passes(const struct query *query, const struct host *host, enum filter filter)
{
    return filters[filter].passes(query, host);
}

bool filter_settles(const struct query *query, const struct host *host)
{
    for (uint32_t unsure = query->unsure; unsure; unsure &= unsure - 1) {
        if (!filters[__builtin_ctz(unsure)].passes(query, host))
            return false;
    }
    return true;
}

enum filter filter_refusal(const struct query *query, const struct host *host)
{
    for (enum filter filter = 0; filter < FILTERS; filter++) {
        if (query->empty && !filters[filter].lasts)
            continue;
        if (!filters[filter].passes(query, host))
            return filter;
    }
    return FILTERS;
}
