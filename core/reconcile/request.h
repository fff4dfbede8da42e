/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An order: a request on its way to the engine's thread, with what it asks for. */
#pragma once

#include "core/reconcile/internal.h"

struct order;
/* Under the write lock. REQUEST is in the table of those not answered and must be answered, or
 * made to wait, before long. */
typedef void (*order_fn)(struct engine *engine, struct request *request, struct order *order);

struct order {
    order_fn fn;
    struct request *request;
    enum object_kind kind;
    uint64_t id;
    char *text;
    size_t len;
    int err;
    uid_t uid;
    gid_t gid;
    mode_t mode;
    enum facet facet;
    int64_t time;
};

struct order *order_make(order_fn fn, const struct actor *actor, engine_done done, void *ctx);
/* Any thread. Takes ORDER over. */
engine_ticket order_post(struct engine *engine, struct order *order);
