/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of core/place share. Not for other rooms.
 *
 * A host is a row: a number that it keeps until it is removed. What the search reads of every
 * row lies in columns, in blocks of 64 rows (struct block); all else is in struct host. The
 * columns hold rounded numbers: they say which hosts cannot be the best, and the few that could
 * be are compared exactly (scan.c).
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

struct tally {
    uint32_t row, count;
};

struct group {
    GHashTable *home; /* the table that holds it */
    char *name;       /* of an avoid or near group */
    uint64_t service;
    uint32_t total;
    GArray *tallies; /* of struct tally, by row, none of them 0 */
    GArray *words;   /* of struct word, by block: the same rows as a bitmap without its zeros */
};

struct word {
    uint32_t block;
    uint64_t rows; /* a bit each */
};

/* The group of that name, made if need be; NULL for no name. */
struct group *group_get(GHashTable *home, const char *name);
struct group *group_get_service(GHashTable *home, uint64_t service);
void group_add(struct group *group, uint32_t row);
/* Removes a member; the group is freed with its last. */
void group_remove(struct group *group, uint32_t row);
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

/* The columns, for 64 rows each. Apart, so that a search streams through what it reads only. */
struct block {
    _Alignas(64) int32_t cpus[BLOCK]; /* free; -1: the row takes nothing */
    int32_t memory[BLOCK];            /* free MiB, rounded down; -1: less than none */
    uint64_t all, any; /* signature bits that all rows have, and that any has, of those up */
};

/*
 * What an amount left counts: pack, cost / capacity, which lowers the key; spread, 1 / (cost x
 * capacity), which raises it.
 */
struct gains {
    _Alignas(64) float cpus[BLOCK];
    float memory[BLOCK]; /* of a MiB */
};

struct signatures {
    _Alignas(64) uint32_t low[BLOCK];
    uint32_t high[BLOCK];
};

struct columns {
    size_t n; /* blocks */
    struct block *blocks;
    struct gains *gains[2]; /* by policy */
    struct signatures *signatures;
};

struct place {
    GPtrArray *rows; /* of struct host *; NULL: a free row */
    GArray *free_rows;
    struct columns columns;
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

/* --- column.c ----------------------------------------------------------------------------- */

void column_reserve(struct place *place, uint32_t rows);
void column_free(struct place *place);
/* Writes what is free on HOST; all of its columns. */
void column_set_free(struct place *place, const struct host *host);
void column_set(struct place *place, const struct host *host);
void column_clear(struct place *place, uint32_t row);
uint64_t column_signature(const struct place *place, uint32_t row);

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

/*
 * The scan goes twice over each CHUNK of blocks: first for the best key of each block, in one
 * stream, then for all keys of the few blocks that matter.
 */
#define CHUNK 256

struct keys {
    /* LEASTS of blocks FIRST to END, and returns the least. REFUSED: rows that are, by block; NULL:
     * none. */
    int32_t (*least)(const struct columns *columns, size_t first, size_t end, const struct ask *ask,
                     const uint64_t *refused, int32_t *leasts);
    void (*of_block)(const struct columns *columns, size_t block, const struct ask *ask,
                     uint64_t refused, int32_t *keys);
};
const struct keys *keys_for(enum spec_policy policy);

/* --- scan.c ------------------------------------------------------------------------------- */

struct best {
    const struct host *host; /* NULL: none yet */
    double resources, schedule;
    int32_t bound; /* rows with a key above this are worse */
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
