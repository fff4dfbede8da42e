/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interned words and their part of a signature. Bit 0 is set in every signature; bits 1 to 39
 * belong to one trait each for as long as a host has it; whoever comes when they are taken gets
 * two of the last 24 bits, by its hash, as in a Bloom filter: hosts rarely have more than a
 * few such words, so a signature still rules nearly all others out.
 */
#include "core/place/internal.h"

#define OWN_BITS    40
#define SHARED_BITS (64 - OWN_BITS)

bool mask_is_shared(uint64_t mask)
{
    return mask >> OWN_BITS != 0;
}

static uint64_t shared_mask(enum trait_kind kind, const char *name)
{
    guint hash = g_str_hash(name) * 2654435761u + kind;
    guint first = (hash >> 8) % SHARED_BITS;
    guint second = (first + 1 + (hash >> 16) % (SHARED_BITS - 1)) % SHARED_BITS;
    return ((uint64_t)1 << (OWN_BITS + first)) | ((uint64_t)1 << (OWN_BITS + second));
}

static uint64_t take_mask(struct place *place, enum trait_kind kind, const char *name)
{
    for (guint bit = 1; bit < OWN_BITS; bit++) {
        uint64_t mask = (uint64_t)1 << bit;
        if (place->bits_taken & mask)
            continue;
        place->bits_taken |= mask;
        return mask;
    }
    return shared_mask(kind, name);
}

struct trait *trait_find(const struct place *place, enum trait_kind kind, const char *name)
{
    return g_hash_table_lookup(place->traits[kind], name);
}

struct trait *trait_ref(struct place *place, enum trait_kind kind, const char *name)
{
    struct trait *trait = trait_find(place, kind, name);
    if (!trait) {
        trait = g_new0(struct trait, 1);
        trait->kind = kind;
        trait->name = g_strdup(name);
        trait->mask = take_mask(place, kind, name);
        g_hash_table_insert(place->traits[kind], trait->name, trait);
    }
    trait->hosts++;
    return trait;
}

void trait_free(gpointer data)
{
    struct trait *trait = data;
    g_free(trait->name);
    g_free(trait);
}

void trait_unref(struct place *place, struct trait *trait)
{
    if (--trait->hosts > 0)
        return;
    uint64_t own = ((uint64_t)1 << OWN_BITS) - 1;
    place->bits_taken &= ~(trait->mask & own);
    g_hash_table_remove(place->traits[trait->kind], trait->name);
}

static guint needs_of(const struct place *place, const char *label)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(place->needed, label));
}

void place_need(struct place *place, const char *const *labels)
{
    for (; labels && *labels; labels++)
        g_hash_table_insert(place->needed, g_strdup(*labels),
                            GUINT_TO_POINTER(needs_of(place, *labels) + 1));
}

void place_unneed(struct place *place, const char *const *labels)
{
    for (; labels && *labels; labels++) {
        guint needs = needs_of(place, *labels);
        if (needs > 1)
            g_hash_table_insert(place->needed, g_strdup(*labels), GUINT_TO_POINTER(needs - 1));
        else
            g_hash_table_remove(place->needed, *labels);
    }
}

uint64_t host_needs(const struct place *place, const struct host *host)
{
    uint64_t needs = 0;
    if (g_hash_table_size(place->needed) == 0)
        return 0;
    for (guint i = 0; i < host->traits->len; i++) {
        const struct trait *trait = g_ptr_array_index(host->traits, i);
        if (trait->kind == TRAIT_LABEL)
            needs += needs_of(place, trait->name);
    }
    return needs;
}

void place_need_nothing(struct place *place)
{
    g_hash_table_remove_all(place->needed);
}

static int compare_words(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void place_types(const struct place *place, GPtrArray *types)
{
    GHashTableIter iter;
    gpointer type;
    g_hash_table_iter_init(&iter, place->traits[TRAIT_TYPE]);
    while (g_hash_table_iter_next(&iter, &type, NULL))
        g_ptr_array_add(types, type);
    g_ptr_array_sort(types, compare_words);
}
