/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts for VMs, and those that wait for one: a part of internal.h, which includes it. */
#pragma once

#include "core/cloud/cloud.h"
#include "core/place/place.h"

struct engine;

/* ---- placing.c */
/* The types that will do for VM: that of its spec, else what hosts offer that suits it, else what
 * one would have to offer; never none. NULL-terminated, free with g_free. */
const char **placing_types(struct engine *engine, const struct vm_spec *spec)
    REQUIRES_SHARED(model);
/* The best of TYPES that HOST offers; NULL: it offers none of them. */
const char *placing_best_type(struct engine *engine, const struct object *host,
                              const char *const *types) REQUIRES_SHARED(model);
/* ENOSPC when no host could ever hold it. Also writes VM's `placement` (VM may be NULL). */
bool placing_check(struct engine *engine, struct object *vm, const struct vm_spec *spec,
                   GError **error) REQUIRES_SHARED(model);
/* ENOSPC when VM cannot stay on its host under SPEC: see place_may_stay(). */
bool placing_may_stay(struct engine *engine, const struct object *vm, const struct vm_spec *spec,
                      GError **error) REQUIRES_SHARED(model);
/* What VM asks for, hosts on which it failed before included; its host, if it is bound. */
struct place_want placing_want(struct object *vm, const char *const *types) REQUIRES_SHARED(model);
/* Writes VM's `placement` as things stand. */
void vm_explain(struct engine *engine, struct object *vm) REQUIRES(model);
/* The want of what a VM holds on its host. */
void placing_reserve(struct engine *engine, struct object *vm) REQUIRES(model);

/* ---- waiting.c */
/* VM, which has no host, waits for one. It is tried at the end of this round, together with what
 * else became ready in it. */
void placing_wait(struct engine *engine, struct object *vm) REQUIRES(model);
/* Tries the pending VMs, the most wanted first. */
void placing_pending(struct engine *engine) REQUIRES(model);
/* Says of VM, if it waits, what for: `placement` and `error`. */
void placing_explain(struct engine *engine, struct object *vm) REQUIRES(model);
/* Renews what is in `unexplained`, for a moment; a timer goes on. */
void placing_explain_some(struct engine *engine) REQUIRES(model);
