/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans: what would become of a spec, without anything being made. */
#include <string.h>

#include "core/reconcile/internal.h"

enum spec_kind plan_kind(const char *text, size_t len)
{
    g_autoptr(Spec) as_vm = spec_parse_partial(SPEC_VM, text, len, NULL);
    g_autoptr(Spec) as_service = NULL;

    if (as_vm)
        return SPEC_VM;
    as_service = spec_parse_partial(SPEC_SERVICE, text, len, NULL);
    if (as_service || g_strstr_len(text, (gssize)len, "[vm]") ||
        g_strstr_len(text, (gssize)len, "replicas"))
        return SPEC_SERVICE;
    return SPEC_VM; /* neither: said of the likelier */
}

static const struct vm_spec *vm_of(const Spec *spec)
{
    return spec->kind == SPEC_SERVICE ? &spec->service.vm : &spec->vm;
}

void plan_explain(struct engine *engine, struct object *plan)
{
    g_autofree const char **types = NULL;
    struct place_want want;
    g_autofree char *text = NULL;

    if (!plan->spec)
        return;
    types = placing_types(engine, vm_of(plan->spec));
    want = cloud_want(NULL, vm_of(plan->spec), types);
    text = place_explain(cloud_place(engine->cloud), &want);
    if (plan->spec->kind == SPEC_SERVICE)
        cloud_set_placement(
            engine->cloud, plan,
            g_strdup_printf("the first of %u replicas: %s", plan->spec->service.replicas, text));
    else
        cloud_set_placement(engine->cloud, plan, g_steal_pointer(&text));
    engine_touch(engine, plan);
}

void plan_refresh(struct engine *engine, struct object *plan)
{
    struct object *batch = plan->plan.drafts > 0 ? plan : cloud_batch(engine->cloud, plan);

    if (batch)
        batch_refresh(engine, batch);
    else
        plan_explain(engine, plan);
}

void plan_refresh_all(struct engine *engine)
{
    const GPtrArray *plans = cloud_objects(engine->cloud, OBJECT_PLAN);

    for (unsigned i = 0; i < plans->len; i++) {
        struct object *plan = plans->pdata[i];

        if (!cloud_batch(engine->cloud, plan))
            g_hash_table_replace(engine->unexplained, &plan->id, object_ref(plan));
    }
}

int plan_check_name(struct engine *engine, const char *name)
{
    const char *slash = strchr(name, '/');
    g_autofree char *outer = slash ? g_strndup(name, (gsize)(slash - name)) : NULL;
    struct object *batch = outer ? cloud_find(engine->cloud, OBJECT_PLAN, outer) : NULL;

    if (!spec_valid_name(slash ? slash + 1 : name))
        return EINVAL;
    if (!slash)
        return 0;
    if (!batch)
        return ESTALE;
    if (!batch->spec)
        return 0;
    cloud_set_error(engine->cloud, batch, EPERM, "it has a spec of its own: it cannot hold plans");
    return EPERM;
}

void plan_commit(struct engine *engine, struct request *request, struct object *plan,
                 const char *text, Spec *spec)
{
    g_autoptr(GError) error = NULL;

    if (plan->spec_text && strcmp(plan->spec_text, text) == 0) {
        request_answer(engine, request->ticket, 0);
        return;
    }
    if (plan->plan.drafts > 0)
        fail(&error, EINVAL, "%s holds plans: write their specs", plan->name);
    if (error || !placing_check(engine, NULL, vm_of(spec), &error)) {
        request_finish(engine, request->ticket, plan, error);
        return;
    }
    cloud_set_spec(engine->cloud, plan, g_strdup(text), spec_ref(spec));
    cloud_refresh_state(engine->cloud, plan);
    cloud_event(engine->cloud, plan, &request->actor, "spec written");
    plan_refresh(engine, plan);
    request_finish(engine, request->ticket, plan, NULL);
}

void plan_remove(struct engine *engine, struct request *request, struct object *plan)
{
    if (plan->plan.drafts > 0) {
        request_answer(engine, request->ticket, ENOTEMPTY);
        return;
    }
    engine->room_changed = true; /* its batch is told anew */
    cloud_event(engine->cloud, plan, &request->actor, "removed");
    engine_forget(engine, plan->id);
    cloud_remove(engine->cloud, plan);
    request_answer(engine, request->ticket, 0);
}
