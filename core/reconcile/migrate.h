/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs that move to another host, one by one and by plan: a part of internal.h, which includes it.
 */
#pragma once

#include "core/cloud/cloud.h"
#include "core/place/place.h"

struct engine;

/* ---- migrate.c: VMs that move to another host, which vm_part.moving_to is */
/* EBUSY, EHOSTDOWN, EPERM (not managed; pin, zone, labels), ENOSPC, EOPNOTSUPP (its driver or the
 * other host cannot). CHOICE takes how the host was judged; it may be NULL. */
bool vm_may_move(struct engine *engine, struct object *vm, struct object *host,
                 struct place_choice *choice, GError **error) REQUIRES(model);
/* Begins the move of a VM that may. */
void vm_move(struct engine *engine, struct object *vm, struct object *host,
             const struct place_choice *choice) REQUIRES(model);
/* A move that an earlier run of the engine began. */
void vm_move_resume(struct engine *engine, struct object *vm) REQUIRES(model);
/* HOST answers, or does not: what became of moves from and to it is asked now. */
void vm_moves_settle(struct engine *engine, struct object *host) REQUIRES(model);

/* ---- rebalance.c: plans of moves, and carrying them out */
void mover_free(struct engine *engine);
/* Something has changed: the plans are made anew before long. */
void rebalance_later(struct engine *engine);
void rebalance_apply(struct engine *engine) REQUIRES(model);
/* No more moves from the host FROM (0: at all) but for those under way. */
void rebalance_stop(struct engine *engine, uint64_t from) REQUIRES(model);
/* All of HOST's VMs are to leave, once it is up; its `error` tells of those that cannot. */
void rebalance_drain(struct engine *engine, struct object *host) REQUIRES(model);
/* A host is up again: drains that wait for it, or for room on it, go on a little later. */
void rebalance_host_up(struct engine *engine);
/* A job of VM has ended, or what a move has left of it was removed: it may be moved again, and is
 * where its host is drained. */
void rebalance_freed(struct engine *engine, const struct object *vm) REQUIRES(model);
/* A move of VM has ended, or its host does not answer and others are not to wait for its end. */
void rebalance_moved(struct engine *engine, struct object *vm, const GError *error) REQUIRES(model);
