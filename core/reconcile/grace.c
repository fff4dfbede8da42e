/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of specs/ that go: the object follows after a grace, unless its file comes back. */
#include <sys/stat.h>

#include "core/reconcile/request.h"

#define LOOK_AGAIN 1.0 /* seconds, for what it has to wait for */

/* A request that nobody waits for: the end of a grace is nobody's call. */
static void nobody(void *ctx, int err)
{
    (void)ctx;
    (void)err;
}

static bool is_away(const struct object *vm) REQUIRES_SHARED(model)
{
    return vm->vm.host && !host_is_up(vm->vm.host);
}

/* Whether a host that it needs is down, or is being asked for, as after a start, or it is just
 * being made again, say: it cannot go yet, but its removal was accepted. */
static bool has_to_wait(const struct object *object) REQUIRES_SHARED(model)
{
    if (object->kind == OBJECT_VM)
        return is_away(object) || vm_glance(object)->busy;
    for (unsigned i = 0; object->kind == OBJECT_SERVICE && i < object->service.members->len; i++)
        if (is_away(object->service.members->pdata[i]))
            return true;
    return false;
}

static void leave_in(struct engine *engine, struct object *object, double seconds) REQUIRES(model);

/* It may have come back, and left again: then this was the first time's end. */
static bool is_over(const struct object *object) REQUIRES_SHARED(model)
{
    return object && object->leaving && g_get_monotonic_time() >= object->leaves_at;
}

/* Whoever wrote it before this came to its turn wants it. */
static void do_go(struct engine *engine, struct request *request, struct order *order)
    REQUIRES(model)
{
    struct object *object = cloud_by_id(engine->cloud, order->id);

    if (!is_over(object)) {
        request_answer(engine, request->ticket, 0);
        return;
    }
    cloud_set_leaving(engine->cloud, object, false);
    object_remove(engine, request, object);
}

static void grace_over(struct engine *engine, void *data) REQUIRES(model)
{
    struct object *object = cloud_by_id(engine->cloud, *(uint64_t *)data);
    struct order *order;

    if (!is_over(object))
        return;
    if (has_to_wait(object)) {
        leave_in(engine, object, MAX(engine->conf->grace, LOOK_AGAIN));
        return;
    }
    order = order_make(do_go, NULL, nobody, NULL);
    order->id = object->id;
    order_post(engine, order);
}

static void leave_in(struct engine *engine, struct object *object, double seconds)
{
    cloud_set_leaving(engine->cloud, object, true);
    object->leaves_at = g_get_monotonic_time() + (int64_t)(seconds * G_USEC_PER_SEC);
    /* A little later: timers count in milliseconds. */
    timer_start(engine, (unsigned)(seconds * 1000) + 10, grace_over,
                g_memdup2(&object->id, sizeof object->id), g_free);
}

void grace_begin(struct engine *engine, struct object *object)
{
    leave_in(engine, object, engine->conf->grace);
}

static void do_drop(struct engine *engine, struct request *request, struct order *order)
    REQUIRES(model)
{
    struct object *object = cloud_by_id(engine->cloud, order->id);
    g_autoptr(GError) error = NULL;

    if (!object) {
        request_answer(engine, request->ticket, ENOENT);
        return;
    }
    if (!object_may_go(object, &error)) {
        request_finish(engine, request->ticket, object, error);
        return;
    }
    cloud_event(engine->cloud, object, &request->actor, "leaves: its file in specs/ was removed");
    grace_begin(engine, object);
    request_answer(engine, request->ticket, 0);
}

engine_ticket engine_drop(struct engine *engine, uint64_t id, const struct actor *actor,
                          engine_done done, void *ctx)
{
    struct order *order = order_make(do_drop, actor, done, ctx);

    order->id = id;
    return order_post(engine, order);
}

/* FUSE has let in who may write it by its mode, and knows the groups; but it may have another owner
 * or mode since. */
static bool may_keep(const struct object *object, const struct actor *actor) REQUIRES_SHARED(model)
{
    return actor_is_admin(actor) || actor->uid == object->uid ||
           (object->mode & (S_IWGRP | S_IWOTH));
}

static void do_keep(struct engine *engine, struct request *request, struct order *order)
    REQUIRES(model)
{
    struct object *object = cloud_by_id(engine->cloud, order->id);

    if (!object || !may_keep(object, &request->actor)) {
        request_answer(engine, request->ticket, object ? EACCES : ENOENT);
        return;
    }
    if (object->leaving)
        cloud_event(engine->cloud, object, &request->actor, "stays");
    cloud_set_leaving(engine->cloud, object, false);
    request_answer(engine, request->ticket, 0);
}

engine_ticket engine_keep(struct engine *engine, uint64_t id, const struct actor *actor,
                          engine_done done, void *ctx)
{
    struct order *order = order_make(do_keep, actor, done, ctx);

    order->id = id;
    return order_post(engine, order);
}
