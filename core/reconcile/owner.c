/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chown(2) and chmod(2) of objects and folders. */
#include "core/reconcile/request.h"

static bool may_give(const struct object *object, const struct order *order,
                     const struct actor *actor, GError **error) REQUIRES_SHARED(model)
{
    if (!policy_owns(object, actor, error))
        return false;
    if (order->uid == object->uid || actor_is_admin(actor))
        return true;
    fail(error, EPERM, "only root gives %s to somebody else", object->name);
    return false;
}

/* A service's members are its owner's. */
static void give(struct engine *engine, struct object *object, const struct order *order)
    REQUIRES(model)
{
    cloud_set_owner(engine->cloud, object, order->uid, order->gid, order->mode);
    engine_touch(engine, object);
    for (unsigned i = 0; object->kind == OBJECT_SERVICE && i < object->service.members->len; i++) {
        struct object *vm = object->service.members->pdata[i];

        undo_keep(engine, vm);
        cloud_set_owner(engine->cloud, vm, order->uid, order->gid, order->mode);
        engine_touch(engine, vm);
    }
    services_nudge_blocked(engine); /* a VM of its owner's may join */
}

static void do_chown(struct engine *engine, struct request *request, struct order *order)
    REQUIRES(model)
{
    struct object *object = cloud_by_id(engine->cloud, order->id);
    g_autoptr(GError) error = NULL;

    if (!object) {
        request_answer(engine, request->ticket, ESTALE);
        return;
    }
    if (order->uid == (uid_t)-1)
        order->uid = object->uid;
    if (order->gid == (gid_t)-1)
        order->gid = object->gid;
    if (order->mode == (mode_t)-1)
        order->mode = object->mode;
    if (order->uid == object->uid && order->gid == object->gid && order->mode == object->mode) {
        request_answer(engine, request->ticket, 0);
        return;
    }
    if (!may_give(object, order, &request->actor, &error)) {
        request_answer(engine, request->ticket, error->code);
        return;
    }
    if (!quota_allows_owner(engine, object, order->uid, order->gid, &error)) {
        request_finish(engine, request->ticket, object, error);
        return;
    }
    cloud_event(engine->cloud, object, &request->actor, "owner %u, group %u, mode %04o", order->uid,
                order->gid, order->mode);
    give(engine, object, order);
    request_answer(engine, request->ticket, 0);
}

engine_ticket engine_chown(struct engine *engine, uint64_t id, uid_t uid, gid_t gid, mode_t mode,
                           const struct actor *actor, engine_done done, void *ctx)
{
    struct order *order = order_make(do_chown, actor, done, ctx);

    order->id = id;
    order->uid = uid;
    order->gid = gid;
    order->mode = mode;
    return order_post(engine, order);
}
