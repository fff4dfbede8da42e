/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans of moves: moveplan.c makes them, moveplan_text.c tells of them, rebalance.c carries them
 * out. */
#pragma once

#include "core/reconcile/internal.h"

/* VMs, their wants, and the steps of a plan of them. */
struct moves {
    GPtrArray *vms;  /* of struct object *, borrowed */
    GPtrArray *held; /* what the wants point to */
    GArray *wants;   /* struct place_want, parallel to vms */
    struct place_step *steps;
    size_t n;
};

/* ---- moveplan.c: as the cloud stands now. Clear them, even those with no step. */
/* What pays, of the whole cloud. */
void moves_rebalance(struct engine *engine, struct moves *moves) REQUIRES(model);
/* All that can go away from HOST. */
void moves_drain(struct engine *engine, struct object *host, struct moves *moves) REQUIRES(model);
void moves_clear(struct moves *moves);
/* Why VM goes nowhere, wherever that is; free with g_free. NULL: it may. */
char *moves_why_not(struct engine *engine, struct object *vm) REQUIRES(model);

/* ---- moveplan_text.c */
/* The texts of `rebalance` and of a host's `moves`; PROGRESS: more lines that begin with #. */
char *moves_rebalance_text(struct engine *engine, const char *progress) REQUIRES(model);
char *moves_drain_text(struct engine *engine, struct object *host, unsigned *reasons)
    REQUIRES(model);
/*
 * Adds a line for each of HOST's VMs that stays though MOVES are made, and why; returns their
 * number. REASONS is how many may still be looked for, each at the cost of looking at all hosts.
 */
unsigned moves_add_stays(struct engine *engine, struct object *host, const struct moves *moves,
                         unsigned *reasons, GString *text) REQUIRES(model);
