/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The argmax, exactly.
 *
 * S = D x R / C is highest where K = C / R is lowest, because D is the same for all. A row's lane
 * gives a key in single precision (keys.c): the bits of a float, which order as integers do, so
 * that lower is better. Each rounding on the way to a key is such that the key is at most a few
 * units in the last place worse than the exact K. Rows whose key is worse than the best host's
 * exact K by more than a millionth are therefore worse; only the others are judged by the filters
 * and compared in double precision.
 *
 * The summary of a block has a key that is not worse than that of any row in it. So blocks are
 * looked into in the order of their keys, and the search is over when the next is worse than the
 * best host. How many that are depends on how much alike the rows of a block are (block.c): a few,
 * mostly. Blocks of hosts that at best equal the best host, with higher ids, are passed over: a
 * fleet of equal machines has many of them.
 *
 * What lanes cannot say (groups, words that share signature bits, bytes below a MiB) makes a row
 * look better than it is, never worse, and the exact comparison puts it right.
 */
#include "core/place/internal.h"

#include <math.h>

#include "core/score/score.h"

#define MIB   ((uint64_t)1 << 20)
#define PART  16   /* of the lanes */
#define CHUNK 8    /* summaries of 64 blocks each: of some 25,000 hosts */
#define SLACK 1e-6 /* more than the few roundings of 6e-8 each that a key suffers */

static double share(int64_t left, uint64_t capacity)
{
    return capacity ? (double)left / (double)capacity : 0;
}

/* Of what HOST has left after taking the VM. */
struct shares {
    double cpus, memory;
};

/* With as much free as given. */
static struct shares shares_of(const struct query *query, const struct host *host, int64_t cpus,
                               int64_t memory)
{
    const struct place_want *want = query->want;
    int64_t taken = (int64_t)MIN(want->memory, (uint64_t)G_MAXINT64 / 2);
    return (struct shares){
        .cpus = share(cpus - (int64_t)want->cpus, host->cpus),
        .memory = share(memory - taken, host->memory),
    };
}

static struct shares shares_left(const struct query *query, const struct host *host)
{
    return shares_of(query, host, query_free_cpus(query, host), query_free_memory(query, host));
}

static double resources_of(const struct query *query, struct shares left)
{
    if (query->want->policy == POLICY_SPREAD)
        return MIN(left.cpus, left.memory);
    return 1 / MAX(PLACE_MIN_LEFT, left.cpus + left.memory);
}

double place_resources(const struct query *query, const struct host *host)
{
    return resources_of(query, shares_left(query, host));
}

double place_schedule(const struct query *query, const struct host *host, double resources)
{
    return score_schedule(query->want->demand, resources, host->cost);
}

/* Far from where doubles lose precision or end. */
static bool ordinary(double real)
{
    return real > 1e-200 && real < 1e200;
}

/* The worst key that a host at least as good as this one can have. */
static int32_t bound_of(const struct query *query, const struct host *host, double resources,
                        double schedule)
{
    if (!ordinary(schedule) || !ordinary(query->want->demand * resources))
        return KEY_LAST;
    if (query->want->policy == POLICY_PACK) {
        float worst = (float)(host->cost / resources * (1 + SLACK));
        return MIN(float_bits(nextafterf(worst, INFINITY)), KEY_LAST);
    }
    float worst = (float)(resources / host->cost * (1 - SLACK));
    return KEY_LAST - float_bits(nextafterf(worst, 0));
}

/*
 * Hosts that `pack` has filled to the floor of R all score the same. Of these, and of those with
 * the same sum, the one whose shares are small and alike goes first.
 */
static double squares_of(const struct query *query, struct shares left)
{
    if (query->want->policy == POLICY_SPREAD)
        return 0;
    return left.cpus * left.cpus + left.memory * left.memory;
}

/* Below 0 if A goes first. */
static int compare(double a, double b)
{
    return (a > b) - (a < b);
}

int rank_equals(const struct query *query, const struct host *a, const struct host *b)
{
    uint64_t needs_a = host_needs(query->place, a), needs_b = host_needs(query->place, b);
    if (needs_a != needs_b)
        return needs_a < needs_b ? -1 : 1;
    int by_squares =
        compare(squares_of(query, shares_left(query, a)), squares_of(query, shares_left(query, b)));
    return by_squares ? by_squares : (a->id > b->id) - (a->id < b->id);
}

/* SCANNED: its lane has not refused it, so most filters need not be asked. */
static bool passes(const struct query *query, const struct host *host, bool scanned)
{
    bool own = query->own && query->own->host == host;
    return scanned && !own ? filter_settles(query, host) : filter_refusal(query, host) == FILTERS;
}

static void consider(struct best *best, const struct query *query, const struct host *host,
                     bool scanned)
{
    struct shares left = shares_left(query, host);
    double resources = resources_of(query, left);
    double schedule = place_schedule(query, host, resources);
    if (best->host) {
        if (!(schedule >= best->schedule))
            return;
        if (schedule == best->schedule && rank_equals(query, host, best->host) >= 0)
            return;
    }
    if (!passes(query, host, scanned))
        return;
    *best = (struct best){
        .host = host,
        .resources = resources,
        .schedule = schedule,
        .squares = squares_of(query, left),
        .needs = host_needs(query->place, host),
        .bound = bound_of(query, host, resources, schedule),
    };
}

void best_consider(struct best *best, const struct query *query, const struct host *host)
{
    consider(best, query, host, false);
}

static struct ask ask_of(const struct query *query)
{
    const struct place_want *want = query->want;
    uint64_t most = COLUMN_MAX - 1; /* below what a cut-off column holds */
    uint64_t down = MIN(want->memory / MIB, most);
    uint64_t up = MIN(want->memory / MIB + (want->memory % MIB != 0), most);
    return (struct ask){
        .cpus = (int32_t)MIN(want->cpus, most),
        .memory = (int32_t)down,
        .memory_more = want->policy == POLICY_SPREAD ? -1 : (int32_t)(up - down),
        .need = query->need,
        .types = query->types,
        .zones = query->zones_below,
    };
}

/* What a host of BLOCK has left that would be better than any of them is, or as good. */
static struct shares shares_at_best(const struct query *query, const struct block *block)
{
    const struct summaries *summaries = &query->place->blocks.summaries[block->number / BLOCK];
    uint32_t at = block->number % BLOCK;
    const struct host *host = block->hosts[0];
    int64_t cpus = summaries->most.cpus[at], memory = summaries->most.memory[at];
    if (query->want->policy == POLICY_PACK) {
        cpus = MAX(summaries->cpus_least[at], (int64_t)query->want->cpus);
        memory = summaries->memory_least[at];
    }
    memory = memory * (int64_t)MIB + (int64_t)(host->memory % MIB);
    if (query->want->policy == POLICY_PACK)
        memory = MAX(memory, (int64_t)query->want->memory);
    return shares_of(query, host, cpus, memory);
}

/*
 * Hosts of BLOCK with this id or a higher one are not better than the best. The arithmetic is that
 * of consider(), so no rounding makes a difference: more free never gives less.
 */
static uint64_t id_limit(const struct best *best, const struct query *query,
                         const struct block *block)
{
    if (!best->host || !block->alike || block->odd || best->needs > 0)
        return UINT64_MAX;
    struct shares left = shares_at_best(query, block);
    double schedule = place_schedule(query, block->hosts[0], resources_of(query, left));
    int by_schedule = compare(best->schedule, schedule);
    int by_squares = compare(squares_of(query, left), best->squares);
    if (by_schedule > 0 || (by_schedule == 0 && by_squares > 0))
        return 0;
    return by_schedule == 0 && by_squares == 0 ? best->host->id : UINT64_MAX;
}

/* Vector code once more. */
static bool part_has(const int32_t *keys, int32_t key)
{
    int32_t has = 0;
    for (int i = 0; i < PART; i++)
        has |= keys[i] == key;
    return has;
}

/* The first of the lanes with KEY; there is one. */
static uint32_t find_key(const int32_t *keys, int32_t key)
{
    uint32_t at = 0;
    while (at < BLOCK - PART && !part_has(keys + at, key))
        at += PART;
    while (keys[at] != key)
        at++;
    return at;
}

/* Whether a member of a group of which no two may come together is on a row. */
static bool keeps_off(const struct query *query, uint32_t row)
{
    const struct group *members = query->want->spread == SPREAD_HOST ? query->service : NULL;
    return (query->avoid && group_has(query->avoid, row)) || (members && group_has(members, row));
}

/*
 * The least key of rows that no group keeps off; those with a lesser key that are kept off lose
 * theirs. Where want->vm itself is on such a row, its host has been considered before.
 */
static int32_t least_apart(const struct query *query, const struct block *block, int32_t *keys,
                           int32_t bound)
{
    int32_t least = KEY_NONE;
    for (uint32_t lane = 0; lane < BLOCK; lane++) {
        if (keys[lane] >= least || keys[lane] > bound)
            continue;
        if (keeps_off(query, block->rows[lane]))
            keys[lane] = KEY_NONE;
        else
            least = keys[lane];
    }
    return least;
}

static void look_into(struct best *best, const struct query *query, const struct keys *keys,
                      const struct ask *ask, const struct block *block)
{
    int32_t of_rows[BLOCK];
    bool groups = query->avoid || query->service;
    int32_t least = keys->of_rows(&block->lanes, ask, of_rows);
    uint64_t limit = least <= best->bound ? id_limit(best, query, block) : 0;
    if (block->first_id >= limit)
        return;
    while (least <= best->bound) {
        if (groups)
            least = least_apart(query, block, of_rows, best->bound);
        if (least > best->bound)
            return;
        uint32_t lane = find_key(of_rows, least);
        if (block->ids[lane] < limit) {
            const struct host *before = best->host;
            consider(best, query, block->hosts[lane], true);
            if (best->host != before)
                limit = id_limit(best, query, block);
        }
        of_rows[lane] = KEY_NONE;
        least = keys->least(of_rows);
    }
}

/* The blocks of summaries FIRST to END, the one with the least key first. */
static void scan_chunk(struct best *best, const struct query *query, const struct keys *keys,
                       const struct ask *ask, uint32_t first, uint32_t end)
{
    const struct blocks *blocks = &query->place->blocks;
    int32_t of_blocks[CHUNK][BLOCK], leasts[CHUNK];
    int32_t least = KEY_NONE;
    for (uint32_t i = first; i < end; i++) {
        leasts[i - first] = keys->of_summaries(&blocks->summaries[i], ask, of_blocks[i - first]);
        least = MIN(least, leasts[i - first]);
    }
    while (least <= best->bound) {
        uint32_t i = 0;
        while (leasts[i] != least)
            i++;
        uint32_t at = find_key(of_blocks[i], least);
        look_into(best, query, keys, ask, blocks->all->pdata[(first + i) * BLOCK + at]);
        of_blocks[i][at] = KEY_NONE;
        leasts[i] = keys->least(of_blocks[i]);
        least = KEY_NONE;
        for (uint32_t j = 0; j < end - first; j++)
            least = MIN(least, leasts[j]);
    }
}

void best_scan(struct best *best, const struct query *query)
{
    const struct blocks *blocks = &query->place->blocks;
    struct ask ask = ask_of(query);
    const struct keys *keys = keys_for(query->want->policy);
    uint32_t n = (blocks->all->len + BLOCK - 1) / BLOCK;
    for (uint32_t first = 0; first < n; first += CHUNK)
        scan_chunk(best, query, keys, &ask, first, MIN(first + CHUNK, n));
}

static void search_group(struct best *best, const struct query *query)
{
    GHashTableIter iter;
    gpointer row;
    g_hash_table_iter_init(&iter, query->near->rows);
    while (g_hash_table_iter_next(&iter, &row, NULL))
        best_consider(best, query, query->place->rows->pdata[GPOINTER_TO_UINT(row)]);
}

void best_search(struct best *best, const struct query *query)
{
    *best = (struct best){.bound = KEY_LAST};
    if (query->want->host) {
        const struct host *host = g_hash_table_lookup(query->place->names, query->want->host);
        if (host)
            best_consider(best, query, host);
        return;
    }
    if (query->near) {
        search_group(best, query);
        return;
    }
    /* In the columns want->vm still takes what it has: its host is seen to first. */
    if (query->own)
        best_consider(best, query, query->own->host);
    best_scan(best, query);
}
