/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of hosts: rows come with place_set_host() and go with place_remove_host(). */
#include "core/place/internal.h"

#include <math.h>

struct place *place_new(void)
{
    struct place *place = g_new0(struct place, 1);
    place->rows = g_ptr_array_new();
    place->free_rows = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    blocks_init(&place->blocks);
    place->ids = g_hash_table_new(g_int64_hash, g_int64_equal);
    place->names = g_hash_table_new(g_str_hash, g_str_equal);
    place->vms = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    for (int i = 0; i < TRAIT_KINDS; i++)
        place->traits[i] = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, trait_free);
    place->avoid = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, group_free);
    place->near = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, group_free);
    place->needed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    place->services = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, group_free);
    return place;
}

static void host_free(struct host *host)
{
    g_free(host->name);
    g_free(host->why_down);
    g_free(host->load);
    g_ptr_array_unref(host->traits);
    g_free(host);
}

void place_free(struct place *place)
{
    if (!place)
        return;
    for (guint i = 0; i < place->rows->len; i++) {
        struct host *host = g_ptr_array_index(place->rows, i);
        if (host)
            host_free(host);
    }
    g_ptr_array_unref(place->rows);
    g_array_unref(place->free_rows);
    blocks_clear(&place->blocks);
    g_hash_table_unref(place->ids);
    g_hash_table_unref(place->names);
    g_hash_table_unref(place->vms);
    for (int i = 0; i < TRAIT_KINDS; i++)
        g_hash_table_unref(place->traits[i]);
    g_hash_table_unref(place->avoid);
    g_hash_table_unref(place->near);
    g_hash_table_unref(place->services);
    g_hash_table_unref(place->needed);
    g_free(place);
}

struct host *place_lookup(const struct place *place, uint64_t id)
{
    return g_hash_table_lookup(place->ids, &id);
}

/* A row for a new host: one that became free, or one more. */
static uint32_t take_row(struct place *place, struct host *host)
{
    if (place->free_rows->len == 0) {
        g_ptr_array_add(place->rows, host);
        return place->rows->len - 1;
    }
    guint last = place->free_rows->len - 1;
    uint32_t row = g_array_index(place->free_rows, uint32_t, last);
    g_array_set_size(place->free_rows, last);
    place->rows->pdata[row] = host;
    return row;
}

struct host *place_ensure(struct place *place, uint64_t id)
{
    struct host *host = place_lookup(place, id);
    if (host)
        return host;
    host = g_new0(struct host, 1);
    host->id = id;
    host->cost = 1;
    host->traits = g_ptr_array_new();
    host->row = take_row(place, host);
    g_hash_table_insert(place->ids, &host->id, host);
    return host;
}

/* Lets go of all that place_set_host() gave, and keeps what is reserved. */
static void forget(struct place *place, struct host *host)
{
    if (!host->present)
        return;
    host->present = false;
    place->n_hosts--;
    place->n_unknown -= !host->known;
    host->up = host->known = false;
    if (g_hash_table_lookup(place->names, host->name) == host)
        g_hash_table_remove(place->names, host->name);
    trait_unref(place, host->zone);
    host->zone = NULL;
    for (guint i = 0; i < host->traits->len; i++)
        trait_unref(place, g_ptr_array_index(host->traits, i));
    g_ptr_array_set_size(host->traits, 0);
}

static void add_traits(struct place *place, struct host *host, enum trait_kind kind,
                       const char *const *names)
{
    for (; names && *names; names++)
        g_ptr_array_add(host->traits, trait_ref(place, kind, *names));
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

static char *copy(char *old, const char *text)
{
    char *fresh = g_strdup(text);
    g_free(old);
    return fresh;
}

uint64_t place_room(const struct place *place)
{
    return place->room;
}

void place_set_host(struct place *place, const struct place_host *new)
{
    struct host *host = place_ensure(place, new->id);
    place->room++;
    forget(place, host);
    host->present = true;
    host->up = new->up;
    host->known = new->known;
    host->name = copy(host->name, new->name ? new->name : "");
    host->why_down = copy(host->why_down, new->why_down);
    host->cpus = new->cpus;
    host->memory = MIN(new->memory, (uint64_t)G_MAXINT64 / 2);
    host->cost = new->cost > 0 && isfinite(new->cost) ? new->cost : 1;
    host->zone = trait_ref(place, TRAIT_ZONE, new->zone ? new->zone : "");
    add_traits(place, host, TRAIT_TYPE, new->types);
    add_traits(place, host, TRAIT_LABEL, new->labels);
    add_traits(place, host, TRAIT_NETWORK, new->networks);
    host->signature = signature_of(host);
    place->n_hosts++;
    place->n_unknown += !host->known;
    g_hash_table_replace(place->names, host->name, host);
    row_set(place, host);
}

void place_set_load(struct place *place, uint64_t id, const struct place_load *load)
{
    struct host *host = place_lookup(place, id);
    if (!host)
        return;
    if (host->load && (!load || load->cpus < host->load->cpus || load->memory < host->load->memory))
        place->room++;
    g_free(host->load);
    host->load = load ? g_memdup2(load, sizeof(*load)) : NULL;
}

void place_settle(struct place *place, struct host *host)
{
    if (host->present || host->vms > 0)
        return;
    place->rows->pdata[host->row] = NULL;
    g_array_append_val(place->free_rows, host->row);
    g_hash_table_remove(place->ids, &host->id);
    host_free(host);
}

/* The VMs on HOST. Looks at every reservation, which only the rare removal of a host does. */
static GArray *vms_on(const struct place *place, const struct host *host)
{
    GArray *vms = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, place->vms);
    while (vms->len < host->vms && g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct reservation *reservation = value;
        if (reservation->host == host)
            g_array_append_val(vms, reservation->vm);
    }
    return vms;
}

void place_remove_host(struct place *place, uint64_t id)
{
    struct host *host = place_lookup(place, id);
    if (!host)
        return;
    g_autoptr(GArray) vms = vms_on(place, host);
    forget(place, host);
    row_set(place, host);
    for (guint i = 0; i < vms->len; i++)
        place_give(place, g_array_index(vms, uint64_t, i)); /* the last settles it */
    if (vms->len == 0)
        place_settle(place, host);
}

bool place_use(const struct place *place, uint64_t id, struct place_use *use)
{
    const struct host *host = place_lookup(place, id);
    if (!host || !host->present)
        return false;
    *use = (struct place_use){
        .vms = host->vms,
        .cpus = host->cpus_reserved,
        .memory = host->memory_reserved,
        .cpus_max = host->cpus,
        .memory_max = host->memory,
    };
    return true;
}
