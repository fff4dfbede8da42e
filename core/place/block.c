/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks: where rows lie, so that scan.c need not look at most of them.
 *
 * Hosts of about the same size that are about as full lie together. Each has a code, whose high
 * bits are its size and whose next ones are how full it is, with those of CPUs and memory in turns
 * (a Z-order curve); of hosts that are as full, the last bits bring those together that are exactly
 * alike. The codes are cut into ranges, and a block holds the rows of one, up to 64.
 * A full block is cut in two, and one that is nearly empty joins a neighbour, as in a B-tree. The
 * summary of a block (summary.c) then says much about each of its rows.
 *
 * Only speed depends on where a row lies: the answer does not.
 */
#include "core/place/internal.h"

#include <float.h>

#include "core/limit.h"

#define ROWS      LIMIT(BLOCK, 4) /* of a block at most */
#define FEW       (ROWS / 4)      /* a block with fewer rows joins another, */
#define JOINED    (ROWS / 4 * 3)  /* unless both together have more than this */
#define FULL_BITS 10              /* of a code: how full each of CPUs and memory is, */
#define SAME_BITS 8               /* of a hash of its exact size and cost, */
#define ID_BITS   14              /* and of the id, so that codes differ */
#define CODE_END  UINT64_MAX

/* --- codes -------------------------------------------------------------------------------- */

/* The power of two and the next quarter below an amount that is not negative. */
static uint64_t size_class(double amount)
{
    return (uint64_t)float_bits((float)MIN(amount, (double)FLT_MAX)) >> 21;
}

/* BITS, at most 16, with a zero before each. */
static uint64_t spaced(uint32_t bits)
{
    bits = (bits | bits << 8) & 0x00ff00ff;
    bits = (bits | bits << 4) & 0x0f0f0f0f;
    bits = (bits | bits << 2) & 0x33333333;
    bits = (bits | bits << 1) & 0x55555555;
    return bits;
}

static uint32_t fullness(double left, double capacity)
{
    double most = (1 << FULL_BITS) - 1;
    return left > 0 && capacity > 0 ? (uint32_t)MIN(left / capacity * most, most) : 0;
}

static uint64_t code_of(const struct host *host)
{
    double cpus = host->cpus, memory = (double)host->memory;
    uint64_t full = spaced(fullness(cpus - (double)host->cpus_reserved, cpus)) << 1 |
                    spaced(fullness(memory - (double)host->memory_reserved, memory));
    uint64_t id = host->id & (((uint64_t)1 << ID_BITS) - 1);
    return ((host->size << 2 * FULL_BITS | full) << SAME_BITS | host->same) << ID_BITS | id;
}

/* The parts of a code that stay as long as the host is what it is. */
static void set_size(struct host *host)
{
    uint64_t cost;
    memcpy(&cost, &host->cost, sizeof(cost));
    uint64_t mixed = (host->cpus * 31 + host->memory) * 31 + cost;
    host->size =
        size_class(host->cpus / host->cost) << 10 | size_class((double)host->memory / host->cost);
    host->same = (mixed * 0x9e3779b97f4a7c15u) >> (64 - SAME_BITS);
}

/* --- the blocks in order ------------------------------------------------------------------ */

/* The position of the last block that starts at CODE or before. */
static guint order_find(const struct blocks *blocks, uint64_t code)
{
    guint low = 0, high = blocks->order->len;
    while (high - low > 1) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(blocks->order, struct range, middle).start <= code)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static struct block *order_at(const struct blocks *blocks, guint at)
{
    return g_array_index(blocks->order, struct range, at).block;
}

/* Where BLOCK is; of several with the same start it need not be the last. */
static guint order_of(const struct blocks *blocks, const struct block *block)
{
    guint at = order_find(blocks, block->start);
    while (order_at(blocks, at) != block)
        at--;
    return at;
}

/* A number for one more block, and room for its summary. */
static uint32_t take_number(struct blocks *blocks)
{
    GPtrArray *all = blocks->all;
    if (blocks->unused->len > 0) {
        guint last = blocks->unused->len - 1;
        uint32_t number = g_array_index(blocks->unused, uint32_t, last);
        g_array_set_size(blocks->unused, last);
        return number;
    }
    g_ptr_array_add(all, NULL);
    if (all->len > blocks->n_summaries * BLOCK)
        summaries_grow(blocks);
    return all->len - 1;
}

static struct block *block_new(struct blocks *blocks, guint at, uint64_t start, uint64_t end)
{
    struct block *block = g_aligned_alloc0(1, sizeof(*block), 64);
    struct range range = {.start = start, .block = block};
    block->start = start;
    block->end = end;
    block->first_id = UINT64_MAX;
    block->alike = true;
    block->number = take_number(blocks);
    blocks->all->pdata[block->number] = block;
    lanes_clear(&block->lanes, 0, BLOCK);
    g_array_insert_val(blocks->order, at, range);
    return block;
}

static void block_free(struct blocks *blocks, struct block *block)
{
    g_array_remove_index(blocks->order, order_of(blocks, block));
    summary_clear(blocks, block->number);
    blocks->all->pdata[block->number] = NULL;
    g_array_append_val(blocks->unused, block->number);
    g_aligned_free(block);
}

void blocks_init(struct blocks *blocks)
{
    blocks->all = g_ptr_array_new();
    blocks->unused = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    blocks->order = g_array_new(FALSE, FALSE, sizeof(struct range));
    block_new(blocks, 0, 0, CODE_END);
}

void blocks_clear(struct blocks *blocks)
{
    for (guint i = 0; i < blocks->all->len; i++)
        g_aligned_free(blocks->all->pdata[i]);
    g_ptr_array_unref(blocks->all);
    g_array_unref(blocks->unused);
    g_array_unref(blocks->order);
    g_aligned_free(blocks->summaries);
}

/* --- rows in blocks ----------------------------------------------------------------------- */

/* Puts a row after those that are there. */
static void append(struct block *block, struct host *host, uint64_t code)
{
    uint32_t lane = block->n++;
    host->block = block;
    host->lane = lane;
    block->hosts[lane] = host;
    block->ids[lane] = host->id;
    block->rows[lane] = host->row;
    block->codes[lane] = code;
    lanes_set(block, host);
}

/* Copies the row in LANE of FROM to place AT of TO. */
static void move_row(struct block *to, uint32_t at, struct block *from, uint32_t lane)
{
    struct host *host = from->hosts[lane];
    host->block = to;
    host->lane = at;
    to->hosts[at] = host;
    to->ids[at] = from->ids[lane];
    to->rows[at] = from->rows[lane];
    to->codes[at] = from->codes[lane];
    lanes_copy(to, at, from, lane);
}

/* Takes the row in LANE out; the last one fills its place. */
static void take_out(struct block *block, uint32_t lane)
{
    uint32_t last = --block->n;
    if (lane != last)
        move_row(block, lane, block, last);
    block->odd &= ~((uint64_t)1 << last);
    lanes_clear(&block->lanes, last, last + 1);
}

/* Whether all hosts are of the same size and cost. Few of them are looked at if not. */
static bool all_alike(const struct block *block)
{
    uint64_t mask = (((uint64_t)1 << SAME_BITS) - 1) << ID_BITS, differ = 0;
    for (uint32_t i = 1; i < block->n; i++)
        differ |= (block->codes[i] ^ block->codes[0]) & mask;
    for (uint32_t i = 1; i < block->n && !differ; i++)
        differ |= !same_size(block->hosts[0], block->hosts[i]);
    return !differ;
}

static int compare_codes(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Makes room: the upper half goes to a new block. */
static void split(struct blocks *blocks, struct block *block)
{
    uint64_t codes[ROWS];
    memcpy(codes, block->codes, sizeof(codes));
    qsort(codes, ROWS, sizeof(*codes), compare_codes);
    uint64_t cut = codes[ROWS / 2];
    struct block *upper = block_new(blocks, order_of(blocks, block) + 1, cut, block->end);
    block->end = cut;
    for (uint32_t i = block->n; i-- > 0 && upper->n < ROWS / 2;) {
        if (block->codes[i] < cut)
            continue;
        move_row(upper, upper->n++, block, i);
        take_out(block, i);
    }
    upper->alike = block->alike || all_alike(upper);
    block->alike = block->alike || all_alike(block);
    summarise(blocks, block);
    summarise(blocks, upper);
}

/* Has a block with few rows join a neighbour with room, of which the upper one ends. */
static void join(struct blocks *blocks, struct block *block)
{
    guint at = order_of(blocks, block);
    if (blocks->order->len == 1)
        return;
    guint first = at + 1 < blocks->order->len ? at : at - 1;
    struct block *lower = order_at(blocks, first), *upper = order_at(blocks, first + 1);
    if (lower->n + upper->n > JOINED)
        return;
    for (uint32_t i = 0; i < upper->n; i++)
        move_row(lower, lower->n++, upper, i);
    lower->end = upper->end;
    lower->alike = all_alike(lower);
    block_free(blocks, upper);
    summarise(blocks, lower);
}

static void insert(struct blocks *blocks, struct host *host, uint64_t code)
{
    struct block *block = order_at(blocks, order_find(blocks, code));
    if (block->n == ROWS) {
        split(blocks, block);
        block = order_at(blocks, order_find(blocks, code));
    }
    append(block, host, code);
    summary_widen(blocks, block, host->lane);
}

static void withdraw(struct blocks *blocks, struct host *host)
{
    struct block *block = host->block;
    if (!block)
        return;
    int32_t cpus = block->lanes.cpus[host->lane], memory = block->lanes.memory[host->lane];
    take_out(block, host->lane);
    host->block = NULL;
    summary_tighten(blocks, block, cpus, memory);
    if (block->n < FEW)
        join(blocks, block);
}

/* Rows that take nothing are in no block. */
static bool takes(const struct host *host)
{
    return host->present && host->up && host->known;
}

void row_set_free(struct place *place, struct host *host)
{
    struct block *block = host->block;
    if (!takes(host)) {
        withdraw(&place->blocks, host);
        return;
    }
    uint64_t code = code_of(host);
    if (!block || code < block->start || code >= block->end) {
        withdraw(&place->blocks, host);
        insert(&place->blocks, host, code);
        return;
    }
    int32_t cpus = block->lanes.cpus[host->lane], memory = block->lanes.memory[host->lane];
    block->codes[host->lane] = code;
    lanes_set_free(block, host);
    summary_widen(&place->blocks, block, host->lane);
    summary_tighten(&place->blocks, block, cpus, memory);
}

void row_set(struct place *place, struct host *host)
{
    withdraw(&place->blocks, host);
    set_size(host);
    if (takes(host))
        insert(&place->blocks, host, code_of(host));
}
