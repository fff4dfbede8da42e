/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts and wants for the tests of placement: every host has 64 CPUs and 64 GiB unless changed. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/place/place.h"

#define GIB        ((uint64_t)1 << 30)

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *const kvm[] = {"kvm", "qemu", NULL};
static const char *const nets[] = {"br0", "user", "none", NULL};

static inline struct place_host host(uint64_t id, const char *name)
{
    return (struct place_host){.id = id,
                               .name = name,
                               .up = true,
                               .known = true,
                               .cpus = 64,
                               .memory = 64 * GIB,
                               .cost = 1,
                               .types = kvm,
                               .networks = nets};
}

static inline void add(struct place *place, uint64_t id, const char *name)
{
    struct place_host h = host(id, name);
    place_set_host(place, &h);
}

static inline struct place_want want(uint32_t cpus, uint64_t gib)
{
    return (struct place_want){.cpus = cpus, .memory = gib * GIB, .demand = 1};
}

static inline void take(struct place *place, uint64_t vm, uint64_t on, uint32_t cpus, uint64_t gib)
{
    struct place_want w = want(cpus, gib);
    place_take(place, vm, on, &w);
}

/* The id of the host found, 0: later, -1: never. */
static inline int found(const struct place *place, const struct place_want *w)
{
    struct place_choice choice;
    switch (place_find(place, w, &choice)) {
    case PLACE_FOUND:
        return (int)choice.host;
    case PLACE_LATER:
        return 0;
    default:
        return -1;
    }
}

static inline struct place *three(void)
{
    struct place *place = place_new();
    add(place, 1, "h1");
    add(place, 2, "h2");
    add(place, 3, "h3");
    return place;
}
