/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the search reads: lanes of rows, and of each block a summary that is a lane as well, of a
 * row as good as any of the block's, so that its key is never worse than theirs. All roundings
 * are to the safe side: a key is never worse than the row is; scan.c has the other half of this
 * argument.
 */
#include "core/place/internal.h"

#include <float.h>
#include <string.h>

#define MIB      ((int64_t)1 << 20)
#define GAIN_MIN 1e-30 /* below, floats lose the precision that the argument needs */

void lanes_clear(struct lanes *lanes, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        lanes->cpus[i] = lanes->memory[i] = -1;
        lanes->low[i] = lanes->high[i] = 0;
        lanes->gains[POLICY_PACK].cpus[i] = lanes->gains[POLICY_PACK].memory[i] = FLT_MAX;
        lanes->gains[POLICY_SPREAD].cpus[i] = lanes->gains[POLICY_SPREAD].memory[i] = 0;
    }
}

static int32_t clamp_free(int64_t amount)
{
    if (amount < 0)
        return -1;
    return (int32_t)MIN(amount, COLUMN_MAX);
}

void lanes_set_free(struct block *block, const struct host *host)
{
    int64_t memory = (int64_t)host->memory - (int64_t)host->memory_reserved;
    int64_t cpus = (int64_t)host->cpus - (int64_t)host->cpus_reserved;
    uint64_t bit = (uint64_t)1 << host->lane;
    bool odd = host->memory_reserved % (uint64_t)MIB != 0 || MAX(cpus, memory / MIB) >= COLUMN_MAX;
    block->lanes.cpus[host->lane] = clamp_free(cpus);
    block->lanes.memory[host->lane] = memory < 0 ? -1 : clamp_free(memory / MIB);
    block->odd = odd ? block->odd | bit : block->odd & ~bit;
}

/*
 * The factors that turn an amount left into a part of the key. Where the column of free amounts
 * is cut off at COLUMN_MAX, or a float would be too coarse, the factor makes the key as good as
 * can be: such a host is always compared exactly.
 */
static void set_gains(double capacity, double cost, float *pack, float *spread)
{
    *pack = *spread = 0;
    if (capacity >= COLUMN_MAX) {
        *spread = FLT_MAX;
    } else if (capacity > 0) {
        *pack = cost / capacity < GAIN_MIN ? 0 : (float)MIN(cost / capacity, FLT_MAX);
        *spread = (float)CLAMP(1 / (cost * capacity), GAIN_MIN, FLT_MAX);
    }
}

void lanes_set(struct block *block, const struct host *host)
{
    uint32_t i = host->lane;
    struct lanes *lanes = &block->lanes;
    struct gains *pack = &lanes->gains[POLICY_PACK], *spread = &lanes->gains[POLICY_SPREAD];
    lanes->low[i] = (uint32_t)host->signature;
    lanes->high[i] = (uint32_t)(host->signature >> 32);
    set_gains(host->cpus, host->cost, &pack->cpus[i], &spread->cpus[i]);
    set_gains((double)host->memory / (double)MIB, host->cost, &pack->memory[i], &spread->memory[i]);
    lanes_set_free(block, host);
}

void lanes_copy(struct block *to, uint32_t at, const struct block *from, uint32_t lane)
{
    uint64_t odd = from->odd >> lane & 1;
    to->lanes.cpus[at] = from->lanes.cpus[lane];
    to->lanes.memory[at] = from->lanes.memory[lane];
    to->lanes.low[at] = from->lanes.low[lane];
    to->lanes.high[at] = from->lanes.high[lane];
    for (int i = 0; i < 2; i++) {
        to->lanes.gains[i].cpus[at] = from->lanes.gains[i].cpus[lane];
        to->lanes.gains[i].memory[at] = from->lanes.gains[i].memory[lane];
    }
    to->odd = (to->odd & ~((uint64_t)1 << at)) | odd << at;
}

/* --- summaries ---------------------------------------------------------------------------- */

void summary_clear(struct blocks *blocks, uint32_t number)
{
    struct summaries *summaries = &blocks->summaries[number / BLOCK];
    uint32_t at = number % BLOCK;
    lanes_clear(&summaries->most, at, at + 1);
    summaries->cpus_least[at] = summaries->memory_least[at] = -1;
}

void summaries_grow(struct blocks *blocks)
{
    size_t old = blocks->n_summaries, n = old + 1 + old / 2;
    struct summaries *grown = g_aligned_alloc0(n, sizeof(*grown), 64);
    if (old > 0)
        memcpy(grown, blocks->summaries, old * sizeof(*grown));
    g_aligned_free(blocks->summaries);
    blocks->summaries = grown;
    blocks->n_summaries = n;
    for (size_t number = old * BLOCK; number < n * BLOCK; number++)
        summary_clear(blocks, (uint32_t)number);
}

static float least_gain(const float *gains)
{
    int32_t least = INT32_MAX;
    for (int i = 0; i < BLOCK; i++)
        least = MIN(least, float_bits(gains[i]));
    return float_of_bits(least);
}

static float most_gain(const float *gains)
{
    int32_t most = 0;
    for (int i = 0; i < BLOCK; i++)
        most = MAX(most, float_bits(gains[i]));
    return float_of_bits(most);
}

/* The most that is free of a row, and the least of those where it is not less than none. */
static void summarise_free(struct summaries *summaries, uint32_t at, const struct lanes *lanes)
{
    uint32_t cpus_least = UINT32_MAX, memory_least = UINT32_MAX;
    int32_t cpus = -1, memory = -1;
    for (int i = 0; i < BLOCK; i++) {
        cpus = MAX(cpus, lanes->cpus[i]);
        memory = MAX(memory, lanes->memory[i]);
        cpus_least = MIN(cpus_least, (uint32_t)lanes->cpus[i]);
        memory_least = MIN(memory_least, (uint32_t)lanes->memory[i]);
    }
    summaries->most.cpus[at] = cpus;
    summaries->most.memory[at] = memory;
    summaries->cpus_least[at] = (int32_t)cpus_least;
    summaries->memory_least[at] = (int32_t)memory_least;
}

bool same_size(const struct host *a, const struct host *b)
{
    return a->cpus == b->cpus && a->memory == b->memory && a->cost == b->cost;
}

void summarise(struct blocks *blocks, struct block *block)
{
    struct summaries *summaries = &blocks->summaries[block->number / BLOCK];
    const struct gains *gains = block->lanes.gains;
    struct lanes *most = &summaries->most;
    uint32_t at = block->number % BLOCK, low = 0, high = 0;
    summarise_free(summaries, at, &block->lanes);
    most->gains[POLICY_PACK].cpus[at] = least_gain(gains[POLICY_PACK].cpus);
    most->gains[POLICY_PACK].memory[at] = least_gain(gains[POLICY_PACK].memory);
    most->gains[POLICY_SPREAD].cpus[at] = most_gain(gains[POLICY_SPREAD].cpus);
    most->gains[POLICY_SPREAD].memory[at] = most_gain(gains[POLICY_SPREAD].memory);
    for (int i = 0; i < BLOCK; i++) {
        low |= block->lanes.low[i];
        high |= block->lanes.high[i];
    }
    most->low[at] = low;
    most->high[at] = high;
    block->first_id = UINT64_MAX;
    for (uint32_t i = 0; i < block->n; i++)
        block->first_id = MIN(block->first_id, block->ids[i]);
}

/* Unsigned, so that less than none is not the least. */
static int32_t lesser(int32_t a, int32_t b)
{
    return (int32_t)MIN((uint32_t)a, (uint32_t)b);
}

void summary_widen(struct blocks *blocks, struct block *block, uint32_t lane)
{
    struct summaries *summaries = &blocks->summaries[block->number / BLOCK];
    const struct lanes *lanes = &block->lanes;
    struct lanes *most = &summaries->most;
    uint32_t at = block->number % BLOCK;
    const struct gains *pack = &lanes->gains[POLICY_PACK], *spread = &lanes->gains[POLICY_SPREAD];
    struct gains *packs = &most->gains[POLICY_PACK], *spreads = &most->gains[POLICY_SPREAD];
    most->cpus[at] = MAX(most->cpus[at], lanes->cpus[lane]);
    most->memory[at] = MAX(most->memory[at], lanes->memory[lane]);
    summaries->cpus_least[at] = lesser(summaries->cpus_least[at], lanes->cpus[lane]);
    summaries->memory_least[at] = lesser(summaries->memory_least[at], lanes->memory[lane]);
    packs->cpus[at] = MIN(packs->cpus[at], pack->cpus[lane]);
    packs->memory[at] = MIN(packs->memory[at], pack->memory[lane]);
    spreads->cpus[at] = MAX(spreads->cpus[at], spread->cpus[lane]);
    spreads->memory[at] = MAX(spreads->memory[at], spread->memory[lane]);
    most->low[at] |= lanes->low[lane];
    most->high[at] |= lanes->high[lane];
    block->first_id = MIN(block->first_id, block->ids[lane]);
    block->alike = block->alike && same_size(block->hosts[0], block->hosts[lane]);
}

void summary_tighten(struct blocks *blocks, const struct block *block, int32_t cpus, int32_t memory)
{
    struct summaries *summaries = &blocks->summaries[block->number / BLOCK];
    uint32_t at = block->number % BLOCK;
    if (cpus == summaries->most.cpus[at] || cpus == summaries->cpus_least[at] ||
        memory == summaries->most.memory[at] || memory == summaries->memory_least[at])
        summarise_free(summaries, at, &block->lanes);
}
