/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Placement as the design words it: plain arrays, every host and every VM looked at each time.
 * Too slow to use and too simple to be wrong.
 */
#pragma once

#include <string.h>

#include "core/place/place.h"
#include "core/score/score.h"

#define HOSTS 150
#define VMS   200

struct ref_host {
    bool there;
    struct place_host host;
    char name[16];
    const char *labels[6], *types[4], *networks[4];
    bool limited;
    struct place_load load;
};

struct ref_vm {
    uint64_t host; /* 0: none */
    struct place_want want;
};

static struct ref_host hosts[HOSTS + 1]; /* by id */
static struct ref_vm vms[VMS + 1];
static const char *waiting[50]; /* labels that waiting specs need */
static size_t n_waiting;

static inline bool ref_has(const char *const *words, const char *word)
{
    for (; *words; words++) {
        if (g_str_equal(*words, word))
            return true;
    }
    return false;
}

static inline bool ref_has_all(const char *const *words, const char *const *wanted)
{
    for (; wanted && *wanted; wanted++) {
        if (!ref_has(words, *wanted))
            return false;
    }
    return true;
}

static inline bool ref_has_type(const char *const *words, const char *const *wanted)
{
    bool found = !wanted || !*wanted;
    for (; wanted && *wanted; wanted++)
        found |= ref_has(words, *wanted);
    return found;
}

/* What is free of host ID for WANT, which may go below 0. */
static inline void ref_free(uint64_t id, const struct place_want *want, int64_t *cpus,
                            int64_t *memory)
{
    *cpus = hosts[id].host.cpus;
    *memory = (int64_t)hosts[id].host.memory;
    for (uint64_t vm = 1; vm <= VMS; vm++) {
        if (vms[vm].host != id || vm == want->vm)
            continue;
        *cpus -= vms[vm].want.cpus;
        *memory -= (int64_t)vms[vm].want.memory;
    }
}

static inline bool ref_static(const struct ref_host *h, const struct place_want *want)
{
    return ref_has_type(h->types, want->types) &&
           (!want->zone || g_strcmp0(h->host.zone, want->zone) == 0) &&
           ref_has_all(h->labels, want->labels) && ref_has_all(h->networks, want->networks) &&
           (!want->host || g_str_equal(h->name, want->host));
}

static inline bool ref_load(uint64_t id, const struct place_want *want)
{
    const struct place_load *load = &hosts[id].load;
    if (!hosts[id].limited || (want->vm && vms[want->vm].host == id))
        return true;
    return load->cpus + load->cpus_error + want->cpus * want->usage <= load->cpus_max &&
           load->memory + load->memory_error + (double)want->memory * want->usage <=
               load->memory_max;
}

static inline bool ref_groups(uint64_t id, const struct place_want *want)
{
    bool near_placed = false, near_here = false;
    for (uint64_t vm = 1; vm <= VMS; vm++) {
        const struct place_want *other = &vms[vm].want;
        if (!vms[vm].host || vm == want->vm)
            continue;
        bool here = vms[vm].host == id;
        if (here && want->avoid && g_strcmp0(other->avoid, want->avoid) == 0)
            return false;
        if (here && want->service && other->service == want->service && want->spread == SPREAD_HOST)
            return false;
        bool near = want->near && g_strcmp0(other->near, want->near) == 0;
        near_placed |= near;
        near_here |= near && here;
    }
    return near_here || !near_placed;
}

static inline bool ref_passes(uint64_t id, const struct place_want *want)
{
    const struct ref_host *h = &hosts[id];
    int64_t cpus, memory;
    if (!h->there || !h->host.up || !h->host.known || !ref_static(h, want))
        return false;
    ref_free(id, want, &cpus, &memory);
    if (cpus < (int64_t)want->cpus || memory < (int64_t)want->memory)
        return false;
    for (size_t i = 0; i < want->n_tried; i++) {
        if (want->tried[i] == id)
            return false;
    }
    return ref_load(id, want) && ref_groups(id, want);
}

static inline int ref_zone_members(uint64_t id, const struct place_want *want)
{
    int count = 0;
    for (uint64_t vm = 1; vm <= VMS; vm++) {
        if (vms[vm].host && vm != want->vm && vms[vm].want.service == want->service &&
            g_strcmp0(hosts[vms[vm].host].host.zone, hosts[id].host.zone) == 0)
            count++;
    }
    return count;
}

static inline double ref_score(uint64_t id, const struct place_want *want, double *resources)
{
    int64_t cpus, memory;
    ref_free(id, want, &cpus, &memory);
    double a = (double)(cpus - (int64_t)want->cpus) / hosts[id].host.cpus;
    double b = (double)(memory - (int64_t)want->memory) / (double)hosts[id].host.memory;
    *resources = want->policy == POLICY_SPREAD ? MIN(a, b) : 1 / MAX(0.01, a + b);
    return score_schedule(want->demand, *resources, hosts[id].host.cost);
}

static inline bool ref_holds_empty(uint64_t id, const struct place_want *want)
{
    const struct ref_host *h = &hosts[id];
    return h->there && ref_static(h, want) && h->host.cpus >= want->cpus &&
           h->host.memory >= want->memory;
}

/* How many waiting specs need the labels of host ID. */
static inline int ref_needs(uint64_t id)
{
    int needs = 0;
    for (const char **label = hosts[id].labels; *label; label++) {
        for (size_t i = 0; i < n_waiting; i++)
            needs += g_str_equal(waiting[i], *label);
    }
    return needs;
}

static inline double ref_squares(uint64_t id, const struct place_want *want)
{
    int64_t cpus, memory;
    ref_free(id, want, &cpus, &memory);
    double a = (double)(cpus - (int64_t)want->cpus) / hosts[id].host.cpus;
    double b = (double)(memory - (int64_t)want->memory) / (double)hosts[id].host.memory;
    return want->policy == POLICY_SPREAD ? 0 : a * a + b * b;
}

/* Of two hosts of the same score, whether A, which has the higher id, goes before B. */
static inline bool ref_before(uint64_t a, uint64_t b, const struct place_want *want)
{
    if (ref_needs(a) != ref_needs(b))
        return ref_needs(a) < ref_needs(b);
    return ref_squares(a, want) < ref_squares(b, want);
}

static inline uint64_t ref_find(const struct place_want *want, double *best, double *resources)
{
    bool by_zone = want->service && want->spread == SPREAD_ZONE;
    int level = INT32_MAX;
    uint64_t winner = 0;
    for (uint64_t id = 1; id <= HOSTS && by_zone; id++) {
        if (ref_holds_empty(id, want) && hosts[id].host.up && hosts[id].host.known)
            level = MIN(level, ref_zone_members(id, want));
    }
    for (uint64_t id = 1; id <= HOSTS; id++) {
        if (!ref_passes(id, want) || (by_zone && ref_zone_members(id, want) > level))
            continue;
        double r, score = ref_score(id, want, &r);
        if (winner && (score < *best || (score == *best && !ref_before(id, winner, want))))
            continue;
        winner = id;
        *best = score;
        *resources = r;
    }
    return winner;
}

static inline bool ref_never(const struct place_want *want)
{
    bool any = false;
    for (uint64_t id = 1; id <= HOSTS; id++) {
        const struct ref_host *h = &hosts[id];
        if (!h->there)
            continue;
        any = true;
        if (!h->host.known || ref_holds_empty(id, want))
            return false;
    }
    return any;
}
