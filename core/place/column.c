/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The columns: what scan.c reads of every row. Their roundings are all to the safe side, so that
 * a row's key is never worse than the row is; scan.c has the other half of this argument.
 */
#include "core/place/internal.h"

#include <float.h>
#include <string.h>

#define MIB      ((int64_t)1 << 20)
#define GAIN_MIN 1e-30 /* below, floats lose the precision that the argument needs */

void column_clear(struct place *place, uint32_t row)
{
    struct columns *columns = &place->columns;
    uint32_t at = row / BLOCK, lane = row % BLOCK;
    columns->blocks[at].cpus[lane] = columns->blocks[at].memory[lane] = -1;
    columns->signatures[at].low[lane] = columns->signatures[at].high[lane] = 0;
    for (int i = 0; i < 2; i++)
        columns->gains[i][at].cpus[lane] = columns->gains[i][at].memory[lane] = 0;
}

/* OLD, N things of SIZE, as the start of MORE of them, zeroed. */
static void *grow(void *old, size_t n, size_t more, size_t size)
{
    void *grown = g_aligned_alloc0(more, size, 64);
    if (n > 0)
        memcpy(grown, old, n * size);
    g_aligned_free(old);
    return grown;
}

void column_reserve(struct place *place, uint32_t rows)
{
    struct columns *columns = &place->columns;
    size_t old = columns->n, need = (rows + BLOCK - 1) / BLOCK;
    if (need <= old)
        return;
    size_t n = MAX(need, old * 2);
    columns->blocks = grow(columns->blocks, old, n, sizeof(*columns->blocks));
    columns->signatures = grow(columns->signatures, old, n, sizeof(*columns->signatures));
    for (int i = 0; i < 2; i++)
        columns->gains[i] = grow(columns->gains[i], old, n, sizeof(*columns->gains[i]));
    columns->n = n;
    for (size_t row = old * BLOCK; row < n * BLOCK; row++)
        column_clear(place, (uint32_t)row);
}

void column_free(struct place *place)
{
    struct columns *columns = &place->columns;
    g_aligned_free(columns->blocks);
    g_aligned_free(columns->signatures);
    for (int i = 0; i < 2; i++)
        g_aligned_free(columns->gains[i]);
}

static int32_t clamp_free(int64_t amount)
{
    if (amount < 0)
        return -1;
    return (int32_t)MIN(amount, COLUMN_MAX);
}

void column_set_free(struct place *place, const struct host *host)
{
    struct block *block = &place->columns.blocks[host->row / BLOCK];
    uint32_t lane = host->row % BLOCK;
    if (!host->up || !host->known) {
        block->cpus[lane] = block->memory[lane] = -1;
        return;
    }
    int64_t memory = (int64_t)host->memory - (int64_t)host->memory_reserved;
    block->cpus[lane] = clamp_free((int64_t)host->cpus - (int64_t)host->cpus_reserved);
    block->memory[lane] = memory < 0 ? -1 : clamp_free(memory / MIB);
}

/*
 * The factors that turn an amount left into a part of the key. Where the column of free amounts
 * is cut off at COLUMN_MAX, or a float would be too coarse, the factor makes the key as good as
 * can be: such a host is always compared exactly.
 */
static void set_gains(double capacity, double cost, float *pack, float *spread)
{
    if (capacity >= COLUMN_MAX) {
        *pack = 0;
        *spread = FLT_MAX;
    } else if (capacity > 0) {
        *pack = cost / capacity < GAIN_MIN ? 0 : (float)MIN(cost / capacity, FLT_MAX);
        *spread = (float)CLAMP(1 / (cost * capacity), GAIN_MIN, FLT_MAX);
    }
}

static uint64_t signature_of(const struct host *host)
{
    uint64_t signature = SIGNATURE_ANY | host->zone->mask;
    for (guint i = 0; i < host->traits->len; i++) {
        const struct trait *trait = g_ptr_array_index(host->traits, i);
        signature |= trait->mask;
    }
    return signature;
}

uint64_t column_signature(const struct place *place, uint32_t row)
{
    const struct signatures *signatures = &place->columns.signatures[row / BLOCK];
    uint32_t lane = row % BLOCK;
    return signatures->low[lane] | (uint64_t)signatures->high[lane] << 32;
}

/* Rows that are not up take nothing: they need not keep a block from being judged as a whole. */
static void summarise(struct place *place, uint32_t at)
{
    struct block *block = &place->columns.blocks[at];
    uint32_t end = MIN((at + 1) * BLOCK, place->rows->len);
    block->all = ~(uint64_t)0;
    block->any = 0;
    for (uint32_t row = at * BLOCK; row < end; row++) {
        const struct host *host = g_ptr_array_index(place->rows, row);
        if (!host || !host->up || !host->known)
            continue;
        uint64_t signature = column_signature(place, row);
        block->all &= signature;
        block->any |= signature;
    }
}

static void describe(struct place *place, const struct host *host)
{
    uint32_t at = host->row / BLOCK, lane = host->row % BLOCK;
    struct gains *pack = &place->columns.gains[POLICY_PACK][at];
    struct gains *spread = &place->columns.gains[POLICY_SPREAD][at];
    uint64_t signature = signature_of(host);
    place->columns.signatures[at].low[lane] = (uint32_t)signature;
    place->columns.signatures[at].high[lane] = (uint32_t)(signature >> 32);
    set_gains(host->cpus, host->cost, &pack->cpus[lane], &spread->cpus[lane]);
    set_gains((double)host->memory / (double)MIB, host->cost, &pack->memory[lane],
              &spread->memory[lane]);
}

void column_set(struct place *place, const struct host *host)
{
    column_clear(place, host->row);
    if (host->present)
        describe(place, host);
    column_set_free(place, host);
    summarise(place, host->row / BLOCK);
}
