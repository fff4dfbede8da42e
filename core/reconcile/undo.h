/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of a round that could not be saved are taken back: a part of internal.h, which
 * includes it.
 *
 * A request that is answered with an error must leave its object as it was. So what objects were
 * before the requests of a round is kept until its save has succeeded. Changes that come from
 * elsewhere (a job's outcome, an event) tell what is; they stay, and the next save has them.
 */
#pragma once

#include "core/cloud/cloud.h"

struct engine;

/* Before a request changes OBJECT, or removes it. Once a round is enough. */
void undo_keep(struct engine *engine, struct object *object) REQUIRES(model);
/* OBJECT was not there before the request. */
void undo_keep_none(struct engine *engine, struct object *object) REQUIRES(model);
/* Whether a request of this round is about OBJECT. */
bool undo_keeps(const struct engine *engine, const struct object *object) REQUIRES_SHARED(model);
/* The save has succeeded: nothing is taken back any more. */
void undo_clear(struct engine *engine);
/* It failed with ERROR: all is as it was, and whoever waits for it gets ERROR. */
void undo_all(struct engine *engine, const GError *error) EXCLUDES(model);
