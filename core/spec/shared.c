/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Specs of one text, kept once: of a hundred thousand VMs that were found, or are members of
 * services, few differ.
 *
 * The table holds no references. Taking one and giving the last one back both happen under its
 * lock, so that none is taken of a spec that is being freed.
 */
#include <pthread.h>
#include <string.h>

#include "core/spec/internal.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* By kind and trust: the spec's own text to it. Under the lock; NULL: empty. */
static GHashTable *tables[SPEC_SERVICE + 1][2];

static struct spec *find(enum spec_kind kind, const char *text, bool trusted)
{
    GHashTable *table = tables[kind][trusted];
    struct spec *spec = table ? g_hash_table_lookup(table, text) : NULL;

    return spec ? spec_ref(spec) : NULL;
}

/* SPEC is taken over; what comes back may be another one's of the same text. */
static struct spec *keep(struct spec *spec, const char *text)
{
    GHashTable **table = &tables[spec->kind][spec->trusted];
    struct spec *kept;

    pthread_mutex_lock(&lock);
    kept = find(spec->kind, text, spec->trusted);
    if (!kept) {
        kept = spec_ref(spec);
        kept->text = g_strdup(text);
        if (!*table)
            *table = g_hash_table_new(g_str_hash, g_str_equal);
        g_hash_table_insert(*table, kept->text, kept);
    }
    pthread_mutex_unlock(&lock);
    spec_unref(spec);
    return kept;
}

struct spec *spec_parse_shared(enum spec_kind kind, const char *text, bool trusted, GError **error)
{
    struct spec *spec;

    pthread_mutex_lock(&lock);
    spec = find(kind, text, trusted);
    pthread_mutex_unlock(&lock);
    if (spec)
        return spec;
    spec = spec_parse(kind, text, strlen(text), error);
    if (!spec)
        return NULL;
    spec->trusted = trusted;
    return keep(spec, text);
}

bool spec_release_shared(struct spec *spec)
{
    GHashTable **table = &tables[spec->kind][spec->trusted];
    bool last;

    pthread_mutex_lock(&lock);
    last = refs_dec(&spec->refs);
    if (last)
        g_hash_table_remove(*table, spec->text);
    if (last && g_hash_table_size(*table) == 0)
        g_clear_pointer(table, g_hash_table_destroy);
    pthread_mutex_unlock(&lock);
    return last;
}
