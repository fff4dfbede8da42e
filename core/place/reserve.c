/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reservations: what each VM holds on its host, and which groups it brings there. */
#include "core/place/internal.h"

/* Keeps the sum over a host far from overflowing; no spec allows as much. */
#define MEMORY_MAX ((uint64_t)1 << 50)

static void join(struct group *group, const struct host *host)
{
    if (group)
        group_add(group, host->row);
}

static void leave(struct group *group, const struct host *host)
{
    if (group)
        group_remove(group, host->row);
}

static void give(struct place *place, struct reservation *taken);

static const struct group *find_group(GHashTable *home, const char *name)
{
    return name ? g_hash_table_lookup(home, name) : NULL;
}

/* TAKEN, by what takes WANT in its place. */
static bool makes_room(const struct place *place, const struct reservation *taken, uint64_t id,
                       const struct place_want *want)
{
    return taken->host->id != id || taken->cpus > want->cpus || taken->memory > want->memory ||
           taken->avoid != find_group(place->avoid, want->avoid) ||
           taken->near != find_group(place->near, want->near) ||
           taken->service != g_hash_table_lookup(place->services, &want->service);
}

void place_take(struct place *place, uint64_t vm, uint64_t id, const struct place_want *want)
{
    struct reservation *before = g_hash_table_lookup(place->vms, &vm);
    bool stays = before && before->host->id == id;
    if (before) {
        place->room += makes_room(place, before, id, want);
        give(place, before);
    }
    struct host *host = place_ensure(place, id);
    struct reservation *taken = g_new0(struct reservation, 1);
    taken->vm = vm;
    taken->host = host;
    taken->cpus = want->cpus;
    taken->memory = MIN(want->memory, MEMORY_MAX);
    taken->avoid = group_get(place->avoid, want->avoid);
    taken->near = group_get(place->near, want->near);
    taken->service = group_get_service(place->services, want->service);
    join(taken->avoid, host);
    join(taken->near, host);
    join(taken->service, host);
    if (host->load && !stays) {
        host->load->cpus += want->cpus * want->usage;
        host->load->memory += (double)taken->memory * want->usage;
    }
    host->vms++;
    host->cpus_reserved += taken->cpus;
    host->memory_reserved += taken->memory;
    g_hash_table_insert(place->vms, &taken->vm, taken);
    row_set_free(place, host);
}

void place_give(struct place *place, uint64_t vm)
{
    struct reservation *taken = g_hash_table_lookup(place->vms, &vm);
    if (!taken)
        return;
    place->room++;
    give(place, taken);
}

void place_give_paper(struct place *place, uint64_t first, uint64_t end, uint64_t room)
{
    for (uint64_t vm = first; vm < end; vm++)
        place_give(place, vm);
    place->room = room;
}

static void give(struct place *place, struct reservation *taken)
{
    struct host *host = taken->host;
    leave(taken->avoid, host);
    leave(taken->near, host);
    leave(taken->service, host);
    host->vms--;
    host->cpus_reserved -= taken->cpus;
    host->memory_reserved -= taken->memory;
    row_set_free(place, host);
    g_hash_table_remove(place->vms, &taken->vm);
    place_settle(place, host);
}
