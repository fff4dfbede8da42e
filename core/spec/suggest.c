// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "Did you mean": the sentence for a key that is not there.
 */
#include <string.h>

#include "core/error.h"
#include "core/spec/internal.h"

enum { LONGEST = 32, NEAR = 2 };

/* Levenshtein's distance; TO has at most LONGEST bytes. */
static unsigned edit_distance(const char *from, const char *to)
{
    unsigned row[LONGEST + 1];
    size_t n = strlen(to);
    for (size_t j = 0; j <= n; j++)
        row[j] = (unsigned)j;
    for (; *from; from++) {
        unsigned diagonal = row[0]++;
        for (size_t j = 1; j <= n; j++) {
            unsigned change = diagonal + (*from != to[j - 1]);
            diagonal = row[j];
            row[j] = MIN(change, MIN(row[j - 1], row[j]) + 1);
        }
    }
    return row[n];
}

/* The key that NAME may have been meant to be, or NULL. */
static const char *nearest(const struct spec_key *rows, size_t n, const char *name)
{
    const char *best = NULL;
    unsigned least = NEAR + 1;
    if (strlen(name) < 3 || strlen(name) > LONGEST)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        unsigned distance = edit_distance(rows[i].name, name);
        if (g_str_has_prefix(rows[i].name, name))
            distance = MIN(distance, 1); /* "mem" */
        if (distance >= least)
            continue;
        least = distance;
        best = rows[i].name;
    }
    return best;
}

void spec_fail_unknown_key(const struct spec_key *rows, size_t n, const char *name, GError **error)
{
    g_autofree char *quoted = spec_quote(name, strlen(name));
    const char *meant = nearest(rows, n, name);
    if (meant)
        fail(error, EINVAL, "unknown key %s (did you mean \"%s\"?)", quoted, meant);
    else
        fail(error, EINVAL, "unknown key %s", quoted);
}
