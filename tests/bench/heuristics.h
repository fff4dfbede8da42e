/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fleet of equal servers, and the policies that those of cloudfs are compared with. */
#pragma once

#include "core/place/place.h"
#include "tests/bench/sample.h"

struct fleet {
    const struct sample *sample;
    size_t n;
    uint32_t *cpus, *memory; /* free, for the policies below; cloudfs has its own table */
    size_t *fits;            /* for random */
    struct place *place;
    GRand *rng;
};

static inline bool fits(const struct fleet *fleet, size_t host, const struct vm *vm)
{
    return fleet->cpus[host] >= vm->cpus && fleet->memory[host] >= vm->memory;
}

static inline size_t first_fit(const struct fleet *fleet, const struct vm *vm)
{
    for (size_t i = 0; i < fleet->n; i++) {
        if (fits(fleet, i, vm))
            return i;
    }
    return NOWHERE;
}

static inline double sum(double cpus, double memory)
{
    return cpus + memory;
}

static inline double squares(double cpus, double memory)
{
    return cpus * cpus + memory * memory;
}

static inline double product(double cpus, double memory)
{
    return MAX(cpus, 0.01) * MAX(memory, 0.01);
}

/* The server with the least of what MEASURE makes of the shares of CPU and memory left. */
static inline size_t least(const struct fleet *fleet, const struct vm *vm,
                           double (*measure)(double cpus, double memory))
{
    size_t best = NOWHERE;
    double lowest = INFINITY;
    for (size_t i = 0; i < fleet->n; i++) {
        if (!fits(fleet, i, vm))
            continue;
        double left = measure((double)(fleet->cpus[i] - vm->cpus) / fleet->sample->cpus,
                              (double)(fleet->memory[i] - vm->memory) / fleet->sample->memory);
        if (left < lowest) {
            lowest = left;
            best = i;
        }
    }
    return best;
}

static inline size_t best_fit(const struct fleet *fleet, const struct vm *vm)
{
    return least(fleet, vm, sum);
}

/* Two that were tried for `pack`. */
static inline size_t least_squares(const struct fleet *fleet, const struct vm *vm)
{
    return least(fleet, vm, squares);
}

static inline size_t least_product(const struct fleet *fleet, const struct vm *vm)
{
    return least(fleet, vm, product);
}

static inline size_t any_fit(const struct fleet *fleet, const struct vm *vm)
{
    gint32 n = 0;
    for (size_t i = 0; i < fleet->n; i++) {
        if (fits(fleet, i, vm))
            fleet->fits[n++] = i;
    }
    return n > 0 ? fleet->fits[g_rand_int_range(fleet->rng, 0, n)] : NOWHERE;
}
