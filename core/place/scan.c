/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The argmax: every row is looked at, and the answer is exact.
 *
 * S = D x R / C is highest where K = C / R is lowest, because D is the same for all. A pass over
 * the columns (keys.c), compiled to vector code, computes a key for each row in single precision:
 * the bits of a float, which order as integers do, so that lower is better. Each rounding on the
 * way to a key is such that the key is at most a few units in the last place worse than the exact
 * K. Rows whose key is worse than the best host's exact K by more than a millionth are therefore
 * worse; only the others are judged by the filters and compared in double precision. How many
 * they are falls off quickly: a new best in N random rows is found about ln N times, and what
 * ties costs a comparison.
 *
 * What the columns cannot say (groups, words that share signature bits, bytes below a MiB) makes
 * a row look better than it is, never worse, and the exact comparison puts it right.
 */
#include "core/place/internal.h"

#include <math.h>

#include "core/score/score.h"

#define MIB   ((uint64_t)1 << 20)
#define PART  16   /* of a block */
#define SLACK 1e-6 /* more than the few roundings of 6e-8 each that a key suffers */

static double share(int64_t left, uint64_t capacity)
{
    return capacity ? (double)left / (double)capacity : 0;
}

/* Of what HOST has left after taking the VM. */
struct shares {
    double cpus, memory;
};

static struct shares shares_left(const struct query *query, const struct host *host)
{
    const struct place_want *want = query->want;
    int64_t taken = (int64_t)MIN(want->memory, (uint64_t)G_MAXINT64 / 2);
    return (struct shares){
        .cpus = share(query_free_cpus(query, host) - (int64_t)want->cpus, host->cpus),
        .memory = share(query_free_memory(query, host) - taken, host->memory),
    };
}

double place_resources(const struct query *query, const struct host *host)
{
    struct shares left = shares_left(query, host);
    if (query->want->policy == POLICY_SPREAD)
        return MIN(left.cpus, left.memory);
    return 1 / MAX(PLACE_MIN_LEFT, left.cpus + left.memory);
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

/* Hosts that are the same and equally full score the same; a fleet has many of them. */
static bool same_score(const struct query *query, const struct host *a, const struct host *b)
{
    const struct host *own = query->own ? query->own->host : NULL;
    return a->memory_reserved == b->memory_reserved && a->cpus_reserved == b->cpus_reserved &&
           a->memory == b->memory && a->cpus == b->cpus && a->cost == b->cost && a != own &&
           b != own;
}

/*
 * Hosts that `pack` has filled to the floor of R all score the same. Of these, and of those with
 * the same sum, the one whose shares are small and alike goes first.
 */
static double squares_left(const struct query *query, const struct host *host)
{
    struct shares left = shares_left(query, host);
    if (query->want->policy == POLICY_SPREAD)
        return 0;
    return left.cpus * left.cpus + left.memory * left.memory;
}

int rank_equals(const struct query *query, const struct host *a, const struct host *b)
{
    uint64_t needs_a = host_needs(query->place, a), needs_b = host_needs(query->place, b);
    if (needs_a != needs_b)
        return needs_a < needs_b ? -1 : 1;
    double squares_a = squares_left(query, a), squares_b = squares_left(query, b);
    if (squares_a != squares_b)
        return squares_a < squares_b ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

/* SCANNED: the columns have not refused it, so most filters need not be asked. */
static void consider(struct best *best, const struct query *query, const struct host *host,
                     bool scanned)
{
    bool spare = g_hash_table_size(query->place->needed) > 0; /* then ids do not decide */
    if (best->host && host->id > best->host->id && !spare && same_score(query, host, best->host))
        return;
    double resources = place_resources(query, host);
    double schedule = place_schedule(query, host, resources);
    if (best->host) {
        if (!(schedule >= best->schedule))
            return;
        if (schedule == best->schedule && rank_equals(query, host, best->host) >= 0)
            return;
    }
    bool own = query->own && query->own->host == host;
    if (scanned && !own ? !filter_settles(query, host) : filter_refusal(query, host) != FILTERS)
        return;
    best->host = host;
    best->resources = resources;
    best->schedule = schedule;
    best->bound = bound_of(query, host, resources, schedule);
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

/* Where the walk along a group's members is. */
struct ruled_out {
    const GArray *words; /* NULL: none */
    guint at;
};

static struct ruled_out rule_out(const struct group *group)
{
    return (struct ruled_out){.words = group ? group->words : NULL};
}

/*
 * Adds the rows of a chunk that hold members of a group, which may not come together. Where
 * want->vm itself is one of them its host has been considered before.
 */
static void refuse_rows(struct ruled_out *out, size_t first, size_t end, uint64_t *refused)
{
    for (; out->words && out->at < out->words->len; out->at++) {
        const struct word *word = &g_array_index(out->words, struct word, out->at);
        if (word->block >= end)
            return;
        refused[word->block - first] |= word->rows;
    }
}

/* Vector code once more: most parts of a block hold nothing of interest. */
static bool any_within(const int32_t *keys, int32_t bound)
{
    int32_t any = 0;
    for (int i = 0; i < PART; i++)
        any |= keys[i] <= bound;
    return any;
}

static void consider_block(struct best *best, const struct query *query, size_t block,
                           const int32_t *keys)
{
    gpointer *hosts = &query->place->rows->pdata[block * BLOCK];
    for (int first = 0; first < BLOCK; first += PART) {
        if (!any_within(keys + first, best->bound))
            continue;
        for (int lane = first; lane < first + PART; lane++) {
            if (keys[lane] <= best->bound)
                consider(best, query, hosts[lane], true);
        }
    }
}

/* The blocks of a chunk that could hold the best; LEAST: the least of LEASTS. */
static void consider_chunk(struct best *best, const struct query *query, const struct keys *keys,
                           const struct ask *ask, size_t first, size_t end, const uint64_t *refused,
                           const int32_t *leasts, int32_t least)
{
    int32_t lanes[BLOCK];
    /* The blocks of the least key first: mostly nothing else remains to be looked at then. */
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = first; i < end; i++) {
            int32_t mine = leasts[i - first];
            if (mine > best->bound || (mine == least) != (pass == 0) || mine == KEY_NONE)
                continue;
            keys->of_block(&query->place->columns, i, ask, refused ? refused[i - first] : 0, lanes);
            consider_block(best, query, i, lanes);
        }
    }
}

void best_scan(struct best *best, const struct query *query)
{
    const struct place *place = query->place;
    bool by_host = query->want->spread == SPREAD_HOST;
    struct ruled_out avoid = rule_out(query->avoid);
    struct ruled_out members = rule_out(by_host ? query->service : NULL);
    bool groups = avoid.words || members.words;
    struct ask ask = ask_of(query);
    const struct keys *keys = keys_for(query->want->policy);
    size_t blocks = (place->rows->len + BLOCK - 1) / BLOCK;
    uint64_t refused[CHUNK];
    int32_t leasts[CHUNK];
    for (size_t first = 0; first < blocks; first += CHUNK) {
        size_t end = MIN(first + CHUNK, blocks);
        if (groups) {
            memset(refused, 0, sizeof(refused));
            refuse_rows(&avoid, first, end, refused);
            refuse_rows(&members, first, end, refused);
        }
        const uint64_t *rows = groups ? refused : NULL;
        int32_t least = keys->least(&place->columns, first, end, &ask, rows, leasts);
        if (least <= best->bound)
            consider_chunk(best, query, keys, &ask, first, end, rows, leasts, least);
    }
}

static void search_group(struct best *best, const struct query *query)
{
    const GArray *tallies = query->near->tallies;
    for (guint i = 0; i < tallies->len; i++) {
        uint32_t row = g_array_index(tallies, struct tally, i).row;
        best_consider(best, query, g_ptr_array_index(query->place->rows, row));
    }
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
