/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of core/place share. Not for other rooms.
 *
 * A host is a row: a number that it keeps until it is removed. What the search reads of rows lies
 * in the lanes of blocks, of 64 hosts that are alike (block.c); all else is in struct host. Lanes
 * hold rounded numbers, and each block has a summary: they say which blocks and hosts cannot be
 * the best, and the few that could be are compared exactly (scan.c).
 */
#pragma once

#include <string.h>

#include "core/place/place.h"

#define BLOCK          64
#define COLUMN_MAX     (1 << 30) /* vCPUs and MiB above this count as this in the columns */
#define PLACE_MIN_LEFT 0.01      /* of R for pack: the sum of shares left counts as this at least */

/* --- trait.c: the words that a host has and a VM asks for --------------------------------- */

enum trait_kind { TRAIT_TYPE, TRAIT_ZONE, TRAIT_LABEL, TRAIT_NETWORK, TRAIT_KINDS };

/*
 * A word that at least one host has. `mask` is its part of a host's signature: the first words
 * own a bit each, later ones share bits. So a signature without the mask proves that the host
 * lacks the word; one with the mask proves nothing.
 */
struct trait {
    enum trait_kind kind;
    char *name; /* "": the zone of hosts without a zone */
    uint64_t mask;
    uint32_t hosts;
};

#define SIGNATURE_ANY ((uint64_t)1) /* set in every signature */

/* Whether MASK has bits that prove nothing. */
bool mask_is_shared(uint64_t mask);
struct trait *trait_ref(struct place *place, enum trait_kind kind, const char *name);
void trait_unref(struct place *place, struct trait *trait);
struct trait *trait_find(const struct place *place, enum trait_kind kind, const char *name);
void trait_free(gpointer trait);

/* --- group.c: how many VMs of a group are on which row ------------------------------------ */

struct group {
    GHashTable *home; /* the table that holds it */
    char *name;       /* of an avoid or near group */
    uint64_t service;
    uint32_t total;
    GHashTable *rows; /* row to the number of members there, never 0 */
    uint64_t *bits;   /* a bit a row, of a large group; else NULL */
    uint32_t n_bits;  /* of 64 */
    uint32_t last;    /* the highest row that ever was in it */
};

/* The group of that name, made if need be; NULL for no name. */
struct group *group_get(GHashTable *home, const char *name);
struct group *group_get_service(GHashTable *home, uint64_t service);
void group_add(struct group *group, uint32_t row);
/* Removes a member; the group is freed with its last. */
void group_remove(struct group *group, uint32_t row);
bool group_has(const struct group *group, uint32_t row);
uint32_t group_count(const struct group *group, uint32_t row);
void group_free(gpointer group);

/* --- table.c ------------------------------------------------------------------------------ */

struct host {
    /* What comparing hosts reads, in one cache line. */
    uint64_t id;
    uint64_t memory;
    uint64_t cpus_reserved, memory_reserved;
    double cost;
    uint32_t cpus;
    uint32_t row;
    struct block *block; /* NULL: it takes nothing */
    uint32_t lane;
    uint64_t size, same; /* parts of its code (block.c) */
    uint64_t signature;
    bool present; /* false: only reserved on so far, place_set_host() is still to come */
    bool up, known;
    uint32_t vms;
    char *name, *why_down;
    struct place_load *load; /* NULL: no limit */
    struct trait *zone;      /* never NULL when present */
    GPtrArray *traits;       /* types, labels and networks; counted */
};

struct reservation {
    uint64_t vm;
    struct host *host;
    uint32_t cpus;
    uint64_t memory;
    struct group *avoid, *near, *service; /* NULL: none */
};

/* --- lanes, of 64 rows or 64 blocks (summary.c) ------------------------------------------- */

/*
 * What an amount left counts: pack, cost / capacity, which lowers the key; spread, 1 / (cost x
 * capacity), which raises it.
 */
struct gains {
    float cpus[BLOCK];
    float memory[BLOCK]; /* of a MiB */
};

struct lanes {
    _Alignas(64) int32_t cpus[BLOCK]; /* free; -1: the row takes nothing */
    int32_t memory[BLOCK];            /* free MiB, rounded down; -1: less than none */
    struct gains gains[2];            /* by policy */
    uint32_t low[BLOCK], high[BLOCK]; /* signatures */
};

/* A lane a block: what is best of any of its rows. */
struct summaries {
    struct lanes most;
    int32_t cpus_least[BLOCK], memory_least[BLOCK]; /* free; which is best to pack */
};

/* Up to 64 rows of hosts that are up, those with codes from `start` to below `end` (block.c). */
struct block {
    struct lanes lanes;
    struct host *hosts[BLOCK];
    uint64_t ids[BLOCK];
    uint64_t codes[BLOCK];
    uint32_t rows[BLOCK];
    uint64_t start, end;
    uint64_t odd; /* a bit each: what is free is rounded in its lane */
    uint64_t first_id;
    uint32_t number; /* of its summary */
    uint32_t n;
    bool alike; /* all are of the same size and cost */
};

struct range {
    uint64_t start;
    struct block *block;
};

struct blocks {
    GPtrArray *all; /* by number; NULL: unused */
    GArray *unused; /* numbers */
    GArray *order;  /* of struct range */
    struct summaries *summaries;
    size_t n_summaries; /* of 64 */
};

struct place {
    GPtrArray *rows; /* of struct host *; NULL: a free row */
    GArray *free_rows;
    struct blocks blocks;
    GHashTable *ids;   /* &host->id to struct host */
    GHashTable *names; /* host->name to struct host */
    GHashTable *vms;   /* &reservation->vm to struct reservation */
    GHashTable *traits[TRAIT_KINDS];
    uint64_t room;       /* place_room() */
    uint64_t bits_taken; /* of the signature, by traits that own a bit */
    GHashTable *avoid, *near, *services;
    GHashTable *needed;          /* label to the number of waiting specs that need it */
    uint32_t n_hosts, n_unknown; /* present ones */
};

struct host *place_lookup(const struct place *place, uint64_t id);
struct host *place_ensure(struct place *place, uint64_t id);
/* Frees the row of a host that is not present and has nothing reserved. */
void place_settle(struct place *place, struct host *host);

/* --- block.c ------------------------------------------------------------------------------ */

void blocks_init(struct blocks *blocks);
void blocks_clear(struct blocks *blocks);
/* After what is free on HOST has changed; after anything has. */
void row_set_free(struct place *place, struct host *host);
void row_set(struct place *place, struct host *host);

/* --- summary.c ---------------------------------------------------------------------------- */

/* Lanes that no row has. */
void lanes_clear(struct lanes *lanes, uint32_t first, uint32_t end);
/* Writes HOST's lane in the block; only what is free. */
void lanes_set(struct block *block, const struct host *host);
void lanes_set_free(struct block *block, const struct host *host);
void lanes_copy(struct block *to, uint32_t at, const struct block *from, uint32_t lane);

/* Makes BLOCK's summary as tight as can be; but `alike` is the caller's. */
void summarise(struct blocks *blocks, struct block *block);
bool same_size(const struct host *a, const struct host *b);
/* Has it hold for LANE too, which is new or has changed. */
void summary_widen(struct blocks *blocks, struct block *block, uint32_t lane);
/* After a row that had as much free no longer has: what is free is tight again. */
void summary_tighten(struct blocks *blocks, const struct block *block, int32_t cpus,
                     int32_t memory);
void summary_clear(struct blocks *blocks, uint32_t number);
/* Room for more of them. */
void summaries_grow(struct blocks *blocks);

/* --- filter.c ----------------------------------------------------------------------------- */

enum filter {
    FILTER_UP,
    FILTER_VIRTUALIZATION,
    FILTER_CPUS,
    FILTER_MEMORY,
    FILTER_LOAD,
    FILTER_ZONE,
    FILTER_LABELS,
    FILTER_NETWORK,
    FILTER_HOST,
    FILTER_AVOID,
    FILTER_NEAR,
    FILTER_SPREAD,
    FILTER_TRIED,
    FILTERS, /* their number; as an answer: none refuses */
};

/* A want and what the table knows that concerns it; valid until the table changes. */
struct query {
    const struct place *place;
    const struct place_want *want;
    const struct reservation *own;              /* of want->vm; NULL: none */
    const struct group *avoid, *near, *service; /* NULL: nothing to heed */
    bool empty;                                 /* hosts are judged as if they were up and empty */
    GHashTable *zones;    /* spread over zones: struct trait to number of members */
    guint zone_level;     /* … a zone with more members than this is refused */
    uint64_t need;        /* every host that passes has all these bits, */
    uint64_t types;       /* any of these, */
    uint64_t zones_below; /* and any of these: zones within zone_level */
    uint32_t unsure;      /* bits of the filters that a row within all that may still fail */
};

void query_init(struct query *query, const struct place *place, const struct place_want *want);
/* The same, to judge hosts as if they were up and empty. */
void query_init_empty(struct query *query, const struct place *place,
                      const struct place_want *want);
void query_clear(struct query *query);
/* Sets zone_level and with it zones_below. */
void query_set_level(struct query *query, guint level);
/* Members of the service in the host's zone, want->vm itself not counted. */
guint query_zone_count(const struct query *query, const struct host *host);
int64_t query_free_cpus(const struct query *query, const struct host *host);
int64_t query_free_memory(const struct query *query, const struct host *host);

const char *filter_name(enum filter filter);
bool filter_passes(const struct query *query, const struct host *host, enum filter filter);
/* Whether a filter is about the host itself, so that emptying hosts changes nothing. */
bool filter_lasts(enum filter filter);
/* The first filter that refuses HOST, or FILTERS. */
enum filter filter_refusal(const struct query *query, const struct host *host);
/* Whether HOST, whose row the columns did not refuse, passes those that are unsure. */
bool filter_settles(const struct query *query, const struct host *host);
bool host_has(const struct host *host, enum trait_kind kind, const char *name);
/* How many waiting specs need HOST's labels, each label counted (trait.c). */
uint64_t host_needs(const struct place *place, const struct host *host);

/* --- detail.c ----------------------------------------------------------------------------- */

/* The numbers behind a refusal. Free with g_free. */
char *detail_of(const struct query *query, const struct host *host, enum filter filter);
/* Two sizes for people: "8.0 GiB"; in bytes if they would look the same but are not. */
void detail_sizes(uint64_t want, int64_t have, char **want_text, char **have_text);
char *detail_size(int64_t bytes);

/* --- keys.c ------------------------------------------------------------------------------- */

#define KEY_NONE INT32_MAX /* of a row that is refused */
#define KEY_LAST (INT32_MAX - 1)

/* A want as the columns need it. */
struct ask {
    int32_t cpus, memory; /* a row with less free is refused */
    int32_t memory_more;  /* what more of it is taken, so that what is left never looks too bad */
    uint64_t need, types, zones; /* of the signature: all of these, any, any */
};

/* Floats that are not negative order as their bits do. */
static inline int32_t float_bits(float real)
{
    int32_t bits;
    memcpy(&bits, &real, sizeof(bits));
    return bits;
}

static inline float float_of_bits(int32_t bits)
{
    float real;
    memcpy(&real, &bits, sizeof(real));
    return real;
}

struct keys {
    /* These return the least key; that of a block is not above that of any row in it. */
    int32_t (*of_summaries)(const struct summaries *summaries, const struct ask *ask,
                            int32_t *keys);
    int32_t (*of_rows)(const struct lanes *rows, const struct ask *ask, int32_t *keys);
    int32_t (*least)(const int32_t *keys);
};
const struct keys *keys_for(enum spec_policy policy);

/* --- scan.c ------------------------------------------------------------------------------- */

struct best {
    const struct host *host; /* NULL: none yet */
    double resources, schedule;
    double squares; /* of the shares left, where these decide */
    uint64_t needs; /* of its labels */
    int32_t bound;  /* rows with a key above this are worse */
};

double place_resources(const struct query *query, const struct host *host);
double place_schedule(const struct query *query, const struct host *host, double resources);
/* Which of two hosts of the same S goes first: below 0 if A does. */
int rank_equals(const struct query *query, const struct host *a, const struct host *b);
/* Takes HOST if it passes and is better. */
void best_consider(struct best *best, const struct query *query, const struct host *host);
/* Considers every host that could be better. */
void best_scan(struct best *best, const struct query *query);
/* The best host under QUERY's zone_level. */
void best_search(struct best *best, const struct query *query);

/* --- find.c ------------------------------------------------------------------------------- */

/*
 * The best host; for a service that is spread over zones, also sets zone_level.
 */
void best_find(struct best *best, struct query *query);
