/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Placement: which host a VM goes to, and why (design section 4).
 *
 * One table holds every host's capacity and what is reserved on it, by VM; it is the only owner
 * of both. Filters reduce the hosts, then the highest S = D x R / C wins. The answer is exact,
 * as if every host were looked at. Among hosts of the same S the one goes first whose labels the
 * fewest waiting specs need (place_need()), then for `pack` the one with the least squares of the
 * shares left, then the lower id.
 *
 * Knows neither libvirt nor FUSE nor the model, so that the same code runs in benchmarks.
 * Threads: none of its own and no lock; the caller serialises (cloudfs: the model's lock).
 * Strings given are copied.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/spec/spec.h"

struct place; /* the table */

struct place_host {
    uint64_t id;
    const char *name;
    bool up;              /* may take new VMs */
    bool known;           /* its inventory was seen: cpus, memory, types, networks are real */
    const char *why_down; /* the state's word, for the explanation: "down", "maintenance", … */
    uint32_t cpus;        /* vCPUs it may promise: after reservation and overcommit */
    uint64_t memory;      /* bytes it may promise */
    double cost;          /* C, above 0 */
    const char *zone;     /* NULL: none */
    const char *const *labels;   /* NULL-terminated */
    const char *const *types;    /* virtualization types offered, libvirt's words */
    const char *const *networks; /* names, "user" and "none" where the driver can */
};

struct place_want {
    uint64_t vm; /* its own reservation, if any, counts as free; 0: none */
    uint32_t cpus;
    uint64_t memory;
    double usage; /* the share of these that it is expected to use; of the load filter */
    double demand;
    enum spec_policy policy;
    const char *const *types; /* any of these will do; NULL or empty: any */
    const char *zone;
    const char *const *labels;
    const char *const *networks;
    const char *host;        /* pin: a host's name */
    const char *avoid;       /* anti-affinity group */
    const char *near;        /* affinity group */
    uint64_t service;        /* the service it is a member of; 0: none */
    enum spec_spread spread; /* of the service */
    const uint64_t *tried;   /* hosts on which the job has failed: not again */
    size_t n_tried;
};

enum place_verdict {
    PLACE_FOUND,
    PLACE_LATER, /* no host has room now, but one could when emptier or up; or not all are known */
    PLACE_NEVER, /* no known host could hold it even when empty, and every host is known */
};

struct place_choice {
    uint64_t host;
    double demand, resources, cost, schedule; /* D, R, C, S */
};

struct place *place_new(void);
void place_free(struct place *place);

/* Adds or updates a host; what is reserved on it stays. */
void place_set_host(struct place *place, const struct place_host *host);
/* Forgets a host and all reservations on it. */
void place_remove_host(struct place *place, uint64_t host);

/* What a host is expected to be loaded with, and what is too much. */
struct place_load {
    double cpus, memory;             /* expected, in CPUs and bytes */
    double cpus_error, memory_error; /* by which that is usually wrong */
    double cpus_max, memory_max;     /* what it may be */
};
/*
 * From now on HOST refuses what would bring its load, error included, above the maximum. What is
 * placed on it from then on is added until the next call, which is to count it in. NULL: no limit.
 */
void place_set_load(struct place *place, uint64_t host, const struct place_load *load);

/*
 * The filters in order, by the names that the explanation prints: up, virtualization, cpus,
 * memory, load, zone, labels, network, host, avoid, near, spread, tried. CHOICE may be NULL, and is
 * filled for PLACE_FOUND only. With no hosts at all the verdict is PLACE_LATER.
 */
enum place_verdict place_find(const struct place *place, const struct place_want *want,
                              struct place_choice *choice);

/* Whether HOST takes WANT. CHOICE (which may be NULL) is filled if it does; if not, *filter is the
 * name of what refuses it and *why its numbers, to be freed with g_free. */
bool place_judge(const struct place *place, const struct place_want *want, uint64_t host,
                 struct place_choice *choice, const char **filter, char **why);
/* The same without telling LATER from NEVER, which is what costs most when there is no host. */
bool place_choose(const struct place *place, const struct place_want *want,
                  struct place_choice *choice);

/*
 * Whether WANT's VM may stay on the host that it is on. Its CPUs and memory count only if they are
 * more than it has there; that the host is up does not. If not, WHY is the filter and its numbers:
 * "avoid: group db is here". False for a VM that has no reservation.
 */
bool place_may_stay(const struct place *place, const struct place_want *want, char **why);

/* Whether no host could ever hold it: place_find() with PLACE_NEVER, and the sentence why. */
bool place_never(const struct place *place, const struct place_want *want, char **why);

/*
 * Reserves WANT for VM on HOST, in place of what VM had reserved before. Never fails: what runs
 * already is recorded even where it exceeds the capacity. WANT's groups, service and zone are
 * remembered with it.
 */
void place_take(struct place *place, uint64_t vm, uint64_t host, const struct place_want *want);
/* Gives VM's reservation back; nothing happens if it has none. */
void place_give(struct place *place, uint64_t vm);

/*
 * A spec that waits needs LABELS: hosts that have them are spared for it where others do as well.
 * place_unneed() takes that back, and must be given the same labels.
 */
void place_need(struct place *place, const char *const *labels);
void place_unneed(struct place *place, const char *const *labels);
void place_need_nothing(struct place *place);

/*
 * Gives back what VMs FIRST to END took on paper; the table is as it was before, place_room() too,
 * which was ROOM.
 */
void place_give_paper(struct place *place, uint64_t first, uint64_t end, uint64_t room);

/* Grows whenever a host may have got room, or come to offer more; taking never makes it grow. */
uint64_t place_room(const struct place *place);
/* Appends the virtualization types that hosts offer, sorted; good until the table changes. */
void place_types(const struct place *place, GPtrArray *types);

struct place_use {
    uint32_t vms;
    uint64_t cpus, memory;         /* reserved */
    uint64_t cpus_max, memory_max; /* the capacity */
};
bool place_use(const struct place *place, uint64_t host, struct place_use *use);

/* One move of a plan. */
struct place_step {
    uint64_t vm, from;
    struct place_choice choice; /* where to, and its S there */
    double here;                /* S where it is, when its turn comes */
};
/* How much better S is there, as a share of S here. */
double place_gain(const struct place_step *step);

/*
 * The moves of WANTS (N of them, each by its `vm`, as it was given to place_take()) that better
 * their S by a share of LEAST or more, the greatest gain first; MOST of them at most, into STEPS.
 * Each is judged with those before it made, so that in this order no filter is ever broken. The
 * table is changed meanwhile, and as it was afterwards. Returns their number.
 */
size_t place_rebalance(struct place *place, const struct place_want *wants, size_t n, double least,
                       struct place_step *steps, size_t most);
/* The same for getting all of WANTS away from where they are, in their order; STEPS has room for N.
 * Those that can go nowhere have none. */
size_t place_drain(struct place *place, const struct place_want *wants, size_t n,
                   struct place_step *steps);
/* S of WANT on the host where it is; -1: nowhere. */
double place_here(const struct place *place, const struct place_want *want);

/*
 * The text of a `placement` file for WANT as the table stands, winner first:
 *
 *     1 of 3 hosts passed: h1
 *     HOST RESULT DEMAND RESOURCES COST SCORE
 *     h1 chosen 1.000000 0.571429 1.000000 0.571429
 *     h2 passed 1.000000 0.500000 1.000000 0.500000
 *     h3 memory wants 8.0 GiB, 3.0 GiB free of 64.0 GiB
 *
 * Columns are separated by one or more blanks, aligned for people. Beyond 100 hosts: the ten
 * best, then for each filter a count with up to three examples. Free with g_free.
 */
char *place_explain(const struct place *place, const struct place_want *want);
