/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reference counts. GLib's own are calls into a library that is not built with the thread
 * sanitizer, which then sees every last unref as a race; these are inline.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

typedef struct {
    atomic_int count;
} refs_t;

static inline void refs_init(refs_t *refs)
{
    atomic_init(&refs->count, 1);
}

static inline void refs_inc(refs_t *refs)
{
    atomic_fetch_add_explicit(&refs->count, 1, memory_order_relaxed);
}

/* Whether that was the last. */
static inline bool refs_dec(refs_t *refs)
{
    return atomic_fetch_sub_explicit(&refs->count, 1, memory_order_acq_rel) == 1;
}
