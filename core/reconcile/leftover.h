/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What moves may have left on hosts that did not answer then: a part of internal.h, which includes
 * it. */
#pragma once

#include "core/cloud/cloud.h"

struct engine;

/* A move of the VM of UUID, which is not on HOST, may have left something there: it is removed now,
 * or as soon as HOST is up. Kept with HOST until then. */
void leftover_note(struct engine *engine, struct object *host, const char *uuid) REQUIRES(model);
bool leftover_is_noted(const struct object *host, const char *uuid) REQUIRES_SHARED(model);
/* HOST is up: what was noted is removed. */
void leftover_tidy(struct engine *engine, struct object *host) REQUIRES(model);
