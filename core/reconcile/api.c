/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The requests of engine.h: from the call to the function that does it. */
#include <string.h>

#include "core/reconcile/request.h"

uint64_t engine_new_id(struct engine *engine)
{
    uint64_t id = store_next_id(engine->store);

    while (id < OBJECT_FIRST)
        id = store_next_id(engine->store);
    engine_promise(engine); /* it is never given again */
    return id;
}

/* The object an order is about; answers ESTALE if it is gone. */
static struct object *order_object(struct engine *engine, struct request *request,
                                   const struct order *order) REQUIRES(model)
{
    struct object *object = cloud_by_id(engine->cloud, order->id);

    if (!object)
        request_answer(engine, request->ticket, ESTALE);
    return object;
}

static int check_name(struct engine *engine, const struct order *order) REQUIRES(model)
{
    if (order->kind == OBJECT_FOLDER)
        return EPERM;
    int err = order->kind == OBJECT_PLAN     ? plan_check_name(engine, order->text)
              : spec_valid_name(order->text) ? 0
                                             : EINVAL;

    if (err)
        return err;
    return cloud_find(engine->cloud, order->kind, order->text) ? EEXIST : 0;
}

/* What is not there has no `error`: the numbers are in `events`. */
static int check_quota(struct engine *engine, const struct request *request,
                       const struct order *order) REQUIRES(model)
{
    static const char *const folders[OBJECT_KINDS] = {"", "hosts/", "vms/", "services/", "plan/"};
    const struct actor *actor = &request->actor;
    g_autoptr(GError) error = NULL;

    if (policy_may_add(engine, order->kind, actor, &error) &&
        quota_allows_draft(engine, order->kind, actor->uid, actor->gid, &error))
        return 0;
    cloud_event(engine->cloud, NULL, actor, "refused %s%s: %s", folders[order->kind], order->text,
                error->message);
    return error->code;
}

static void do_mkdir(struct engine *engine, struct request *request, struct order *order)
    REQUIRES(model)
{
    int err = check_name(engine, order);
    struct object *object;

    if (!err)
        err = check_quota(engine, request, order);
    if (!err) {
        object = cloud_add(engine->cloud, order->kind, engine_new_id(engine), order->text,
                           request->actor.uid, request->actor.gid, order->mode & 07777);
        undo_keep_none(engine, object);
        cloud_event(engine->cloud, object, &request->actor, "draft");
        engine_touch(engine, object);
    }
    request_answer(engine, request->ticket, err);
}

bool object_may_go(struct object *object, GError **error)
{
    switch (object->kind) {
    case OBJECT_HOST:
        return host_may_go(object, error);
    case OBJECT_VM:
        return vm_may_go(object, error);
    case OBJECT_SERVICE:
        return service_may_go(object, error);
    case OBJECT_PLAN:
        return true;
    case OBJECT_FOLDER:
    case OBJECT_KINDS:
        break;
    }
    fail(error, EPERM, "a folder stays");
    return false;
}

engine_ticket engine_mkdir(struct engine *engine, enum object_kind kind, const char *name,
                           mode_t mode, const struct actor *actor, engine_done done, void *ctx)
{
    struct order *order = order_make(do_mkdir, actor, done, ctx);

    order->kind = kind;
    order->text = g_strdup(name);
    order->mode = mode;
    return order_post(engine, order);
}

void object_remove(struct engine *engine, struct request *request, struct object *object)
{
    if (object->kind == OBJECT_VM)
        vm_remove(engine, request, object);
    else if (object->kind == OBJECT_HOST)
        host_remove(engine, request, object);
    else if (object->kind == OBJECT_SERVICE)
        service_remove(engine, request, object);
    else if (object->kind == OBJECT_PLAN)
        plan_remove(engine, request, object);
    else
        request_answer(engine, request->ticket, EPERM);
}

static void do_rmdir(struct engine *engine, struct request *request, struct order *order)
    REQUIRES(model)
{
    struct object *object = cloud_by_id(engine->cloud, order->id);

    if (object)
        object_remove(engine, request, object);
    else
        request_answer(engine, request->ticket, ENOENT);
}

engine_ticket engine_rmdir(struct engine *engine, uint64_t id, const struct actor *actor,
                           engine_done done, void *ctx)
{
    struct order *order = order_make(do_rmdir, actor, done, ctx);

    order->id = id;
    return order_post(engine, order);
}

/* The very spec that is in force may stay, with what it was trusted with. */
static bool may_want(struct engine *engine, const struct request *request,
                     const struct object *object, const char *text, Spec *spec, GError **error)
    REQUIRES(model)
{
    bool same = object->spec && g_strcmp0(object->spec_text, text) == 0;

    if (same && !actor_is_admin(&request->actor)) {
        spec->trusted = object->spec->trusted;
        return true;
    }
    return (same || spec_check_needs(spec, error)) &&
           policy_allows(engine, object, &request->actor, spec, error);
}

static void do_commit(struct engine *engine, struct request *request, struct order *order)
    REQUIRES(model)
{
    struct object *object = order_object(engine, request, order);
    g_autoptr(GError) error = NULL;
    g_autoptr(Spec) spec = NULL;

    if (!object)
        return;
    cloud_set_leaving(engine->cloud, object, false); /* whoever writes it wants it */
    if (order->len == 0 && !object->spec_text && !object->next_text) {
        request_answer(engine, request->ticket, 0); /* a draft that is put back */
        return;
    }
    spec = spec_parse(spec_kind_of(object->kind, order->text, order->len), order->text, order->len,
                      &error);
    if (!spec || !may_want(engine, request, object, order->text, spec, &error))
        request_finish(engine, request->ticket, object, error);
    else if (object->kind == OBJECT_VM)
        vm_commit(engine, request, object, order->text, spec);
    else if (object->kind == OBJECT_HOST)
        host_commit(engine, request, object, order->text, spec);
    else if (object->kind == OBJECT_PLAN)
        plan_commit(engine, request, object, order->text, spec);
    else
        service_commit(engine, request, object, order->text, spec);
}

engine_ticket engine_commit(struct engine *engine, uint64_t id, const char *text, size_t len,
                            const struct actor *actor, engine_done done, void *ctx)
{
    struct order *order = order_make(do_commit, actor, done, ctx);

    order->id = id;
    order->text = g_malloc(len + 1);
    memcpy(order->text, text, len);
    order->text[len] = '\0';
    order->len = len;
    return order_post(engine, order);
}

static void do_control(struct engine *engine, struct request *request, struct order *order)
    REQUIRES(model)
{
    struct object *object = order_object(engine, request, order);

    if (object)
        control_run(engine, request, object, order->text);
}

engine_ticket engine_control(struct engine *engine, uint64_t id, const char *line,
                             const struct actor *actor, engine_done done, void *ctx)
{
    struct order *order = order_make(do_control, actor, done, ctx);

    order->id = id;
    order->text = g_strdup(line);
    return order_post(engine, order);
}

static void do_utime(struct engine *engine, struct request *request, struct order *order)
    REQUIRES(model)
{
    struct object *object = order_object(engine, request, order);

    if (!object)
        return;
    cloud_set_time(engine->cloud, object, order->facet, order->time);
    engine_touch(engine, object);
    request_answer(engine, request->ticket, 0);
}

engine_ticket engine_utime(struct engine *engine, uint64_t id, enum facet facet, int64_t time,
                           engine_done done, void *ctx)
{
    struct order *order = order_make(do_utime, NULL, done, ctx);

    order->id = id;
    order->facet = facet;
    order->time = time;
    return order_post(engine, order);
}

static void do_report(struct engine *engine, struct request *request, struct order *order)
    REQUIRES(model)
{
    struct object *object = order_object(engine, request, order);

    if (!object)
        return;
    cloud_set_error(engine->cloud, object, order->err, order->text);
    engine_touch(engine, object);
    request_answer(engine, request->ticket, order->err);
}

engine_ticket engine_report(struct engine *engine, uint64_t id, int err, const char *sentence,
                            const struct actor *actor, engine_done done, void *ctx)
{
    struct order *order = order_make(do_report, actor, done, ctx);

    order->id = id;
    order->text = g_strdup(sentence);
    order->err = err;
    return order_post(engine, order);
}
