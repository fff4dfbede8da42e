/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that change: an object renamed, a plan made real. */
#include <string.h>

#include "core/failpoint.h"
#include "core/reconcile/request.h"

static bool is_batch(const struct object *object) REQUIRES_SHARED(model)
{
    return object->kind == OBJECT_PLAN && object->plan.drafts > 0;
}

static bool check_target(struct engine *engine, const struct object *object,
                         const struct order *order, GError **error) REQUIRES(model)
{
    const char *name = order->text;

    int err = order->kind == OBJECT_PLAN ? plan_check_name(engine, name)
              : spec_valid_name(name)    ? 0
                                         : EINVAL;

    if (err == EPERM)
        fail(error, err, "what %s is to be in has a spec of its own", name);
    else if (err)
        fail(error, err, "\"%s\" is no name for it", name);
    else if (cloud_find(engine->cloud, order->kind, name))
        fail(error, EEXIST, "the name %s is taken", name);
    else if (object->kind != order->kind && object->kind != OBJECT_PLAN)
        fail(error, EPERM, "%s cannot become something else", object->name);
    else if (is_batch(object) && order->kind == OBJECT_PLAN && strchr(name, '/'))
        fail(error, EPERM, "%s holds plans: it cannot be in another", object->name);
    else
        return true;
    return false;
}

/* ---- renaming */

static bool names_host(const Spec *spec, const char *name)
{
    if (!spec)
        return false;
    return g_strcmp0(spec->kind == SPEC_SERVICE ? spec->service.vm.host : spec->vm.host, name) == 0;
}

/* The VM, service or plan whose spec, in force or being applied, names HOST; NULL: none does. */
static const struct object *pinned_to(struct engine *engine, const struct object *host)
    REQUIRES_SHARED(model)
{
    static const enum object_kind kinds[] = {OBJECT_VM, OBJECT_SERVICE, OBJECT_PLAN};

    for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
        const GPtrArray *objects = cloud_objects(engine->cloud, kinds[k]);

        for (unsigned i = 0; i < objects->len; i++) {
            const struct object *object = objects->pdata[i];

            if (names_host(object->spec, host->name) || names_host(object->next, host->name))
                return object;
        }
    }
    return NULL;
}

static bool may_rename(struct engine *engine, struct object *object, GError **error) REQUIRES(model)
{
    const struct object *pinned = object->kind == OBJECT_HOST ? pinned_to(engine, object) : NULL;

    if (object->kind == OBJECT_HOST && object->host.from_conf)
        fail(error, EPERM, "host %s is defined in the configuration: rename it there",
             object->name);
    else if (pinned)
        fail(error, EBUSY, "the spec of %s names host %s", pinned->name, object->name);
    else if (object->kind == OBJECT_SERVICE && object->service.members->len > 0)
        fail(error, EBUSY, "the VMs of service %s carry its name: scale it to 0 first",
             object->name);
    else if (object->kind == OBJECT_VM && object->vm.service)
        fail(error, EPERM, "%s is a member of service %s", object->name, object->vm.service->name);
    else if (object->kind == OBJECT_VM && !object->vm.managed)
        fail(error, EPERM, "%s was not made by cloudfs: write its spec to adopt it first",
             object->name);
    else if (object->kind == OBJECT_VM && vm_glance(object)->busy)
        fail(error, EBUSY, "a job of %s is under way: state is %s", object->name, object->state);
    else
        return true;
    return false;
}

/* What is in a batch has its name in its own. */
static void rename_drafts(struct engine *engine, const GPtrArray *drafts, const char *batch)
    REQUIRES(model)
{
    for (unsigned i = 0; i < drafts->len; i++) {
        struct object *plan = drafts->pdata[i];
        g_autofree char *name = g_strdup_printf("%s/%s", batch, object_leaf(plan));

        undo_keep(engine, plan);
        cloud_rename(engine->cloud, plan, name);
        engine_touch(engine, plan);
    }
}

static void rename_now(struct engine *engine, struct object *object, const char *name,
                       const struct actor *actor) REQUIRES(model)
{
    g_autoptr(GPtrArray) drafts = cloud_drafts(engine->cloud, object);

    cloud_event(engine->cloud, object, actor, "renamed to %s", name);
    cloud_rename(engine->cloud, object, name);
    engine_touch(engine, object);
    rename_drafts(engine, drafts, name);
    if (object->kind == OBJECT_PLAN)
        engine->room_changed = true; /* what batches hold is told anew */
    if (object->kind != OBJECT_HOST)
        return;
    cloud_refresh_place(engine->cloud, object);
    for (unsigned i = 0; i < object->host.vms->len; i++)
        cloud_relink(engine->cloud, object->host.vms->pdata[i]);
}

static void rename_object(struct engine *engine, struct request *request, struct object *object,
                          const char *name) REQUIRES(model)
{
    g_autoptr(GError) error = NULL;
    bool ok = may_rename(engine, object, &error);

    if (ok && object->kind == OBJECT_VM && object->vm.phase == VM_ACTIVE)
        ok = host_require_up(object->vm.host, &error);
    if (!ok) {
        request_finish(engine, request->ticket, object, error);
        return;
    }
    if (object->kind == OBJECT_VM && object->vm.host) {
        cloud_event(engine->cloud, object, &request->actor, "to be renamed to %s", name);
        vm_rename(engine, object, name);
        failpoint_reached("rename.accepted");
        request_wait(engine, request, &vm_work(object)->waiters, false);
        return;
    }
    rename_now(engine, object, name, &request->actor);
    request_answer(engine, request->ticket, 0);
}

void vm_renamed(struct engine *engine, struct object *vm, const char *name)
{
    rename_now(engine, vm, name, NULL);
}

/* ---- a plan made real */

bool plan_may_promote(struct engine *engine, struct object *plan, enum object_kind kind,
                      const char *name, GError **error)
{
    const struct spec *spec = plan->spec;
    bool ok;

    if (kind == OBJECT_HOST) {
        fail(error, EINVAL, "plan %s is no host", plan->name);
        return false;
    }
    if (spec && (spec->kind == SPEC_SERVICE) != (kind == OBJECT_SERVICE)) {
        fail(error, EINVAL, "plan %s is for a %s", plan->name,
             spec->kind == SPEC_SERVICE ? "service: move it into services/"
                                        : "VM: move it into vms/");
        return false;
    }
    if (!quota_allows_plan(engine, plan, kind, name, error))
        return false;
    if (!spec)
        return true;
    ok = placing_check(engine, NULL, kind == OBJECT_VM ? &spec->vm : &spec->service.vm, error);
    return ok;
}

/* The same object, by id and so by inode number, in another folder. */
static struct object *promote(struct engine *engine, struct object *plan, enum object_kind kind,
                              const char *name) REQUIRES(model)
{
    uint64_t id = plan->id;
    uid_t uid = plan->uid;
    gid_t gid = plan->gid;
    mode_t mode = plan->mode;

    cloud_remove(engine->cloud, plan);
    g_hash_table_remove(engine->dirty, &id);
    return cloud_add(engine->cloud, kind, id, name, uid, gid, mode);
}

void plan_promote(struct engine *engine, struct request *request, struct object *plan,
                  enum object_kind kind, const char *name)
{
    g_autofree char *text = g_strdup(plan->spec_text);
    g_autoptr(Spec) spec = plan->spec ? spec_ref(plan->spec) : NULL;
    struct object *object;

    undo_keep(engine, plan);
    cloud_event(engine->cloud, plan, &request->actor, "made real as %s", name);
    object = promote(engine, plan, kind, name);
    engine_touch(engine, object);
    failpoint_reached("plan.real");
    if (!spec)
        request_answer(engine, request->ticket, 0);
    else if (kind == OBJECT_VM)
        vm_commit(engine, request, object, text, spec);
    else
        service_commit(engine, request, object, text, spec);
}

static void make_real(struct engine *engine, struct request *request, struct object *plan,
                      const struct order *order) REQUIRES(model)
{
    g_autoptr(GError) error = NULL;

    if (is_batch(plan))
        batch_promote(engine, request, plan, order->kind);
    else if (plan_may_promote(engine, plan, order->kind, order->text, &error))
        plan_promote(engine, request, plan, order->kind, order->text);
    else
        request_finish(engine, request->ticket, plan, error);
}

static void do_rename(struct engine *engine, struct request *request, struct order *order)
    REQUIRES(model)
{
    struct object *object = cloud_by_id(engine->cloud, order->id);
    g_autoptr(GError) error = NULL;

    if (!object)
        request_answer(engine, request->ticket, ENOENT);
    else if (!check_target(engine, object, order, &error))
        request_finish(engine, request->ticket, object, error);
    else if (object->kind == order->kind)
        rename_object(engine, request, object, order->text);
    else
        make_real(engine, request, object, order);
}

engine_ticket engine_rename(struct engine *engine, uint64_t id, enum object_kind kind,
                            const char *name, const struct actor *actor, engine_done done,
                            void *ctx)
{
    struct order *order = order_make(do_rename, actor, done, ctx);

    order->id = id;
    order->kind = kind;
    order->text = g_strdup(name);
    return order_post(engine, order);
}
