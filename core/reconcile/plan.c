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

/* Reservations on paper are under numbers that no VM has, and are given back at once. */
static const uint64_t first_on_paper = UINT64_C(1) << 63;

void paper_begin(struct engine *engine, struct paper *paper)
{
    paper->next = first_on_paper;
    paper->room = place_room(cloud_place(engine->cloud));
}

void paper_end(struct engine *engine, struct paper *paper)
{
    place_give_paper(cloud_place(engine->cloud), first_on_paper, paper->next, paper->room);
}

/* A row a replica: its host and the terms of S. */
static void add_replica(struct engine *engine, const char *name, const struct place_choice *choice,
                        GString *rows) REQUIRES(model)
{
    if (choice)
        g_string_append_printf(rows, "%s %s %f %f %f %f\n", name,
                               cloud_by_id(engine->cloud, choice->host)->name, choice->demand,
                               choice->resources, choice->cost, choice->schedule);
    else
        g_string_append_printf(rows, "%s -\n", name);
}

/*
 * One after the other as if all went, each seeing those before it. In full is explained the first
 * that goes nowhere, else the last: it has seen most.
 */
static char *explain_replicas(struct engine *engine, const struct object *plan,
                              struct place_want *want, struct paper *paper, GString *hosts)
    REQUIRES(model)
{
    struct place *place = cloud_place(engine->cloud);
    unsigned n = plan->spec->service.replicas, found = 0;
    g_autoptr(GString) rows = g_string_new("REPLICA HOST DEMAND RESOURCES COST SCORE\n");
    g_autofree char *why = NULL, *whose = NULL;

    want->service = plan->id;
    want->spread = plan->spec->service.spread;
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *name = g_strdup_printf("%s-%u", object_leaf(plan), i);
        struct place_choice choice;
        bool fits = found == i && place_choose(place, want, &choice); /* else none after it does */

        if (found == i && (!fits || i + 1 == n)) {
            why = place_explain(place, want);
            whose = g_strdup(name);
        }
        if (fits) {
            place_take(place, paper->next++, choice.host, want);
            g_string_append_printf(hosts, " %s", cloud_by_id(engine->cloud, choice.host)->name);
            found++;
        } else if (found == i) {
            g_string_append(hosts, " -");
        }
        add_replica(engine, name, fits ? &choice : NULL, rows);
    }
    return g_strdup_printf("%u of %u replicas have a host\n%s\n%s: %s", found, n, rows->str,
                           whose ? whose : object_leaf(plan), why ? why : "no replicas\n");
}

/* The same for one VM. */
static char *explain_vm(struct engine *engine, struct place_want *want, struct paper *paper,
                        GString *hosts) REQUIRES(model)
{
    struct place *place = cloud_place(engine->cloud);
    char *why = place_explain(place, want);
    struct place_choice choice;

    if (place_choose(place, want, &choice)) {
        place_take(place, paper->next++, choice.host, want);
        g_string_append_printf(hosts, " %s", cloud_by_id(engine->cloud, choice.host)->name);
    } else {
        g_string_append(hosts, " -");
    }
    return why;
}

void plan_explain(struct engine *engine, struct object *plan, struct paper *paper, GString *hosts)
{
    g_autofree const char **types = placing_types(engine, vm_of(plan->spec));
    struct place_want want = cloud_want(NULL, vm_of(plan->spec), types);
    char *text = plan->spec->kind == SPEC_SERVICE
                     ? explain_replicas(engine, plan, &want, paper, hosts)
                     : explain_vm(engine, &want, paper, hosts);

    cloud_set_placement(engine->cloud, plan, text);
    engine_touch(engine, plan);
}

/* One by itself. */
static void explain_alone(struct engine *engine, struct object *plan) REQUIRES(model)
{
    g_autoptr(GString) hosts = g_string_new(NULL);
    struct paper paper;

    if (!plan->spec)
        return;
    paper_begin(engine, &paper);
    plan_explain(engine, plan, &paper, hosts);
    paper_end(engine, &paper);
}

void plan_refresh(struct engine *engine, struct object *plan)
{
    struct object *batch = plan->plan.drafts > 0 ? plan : cloud_batch(engine->cloud, plan);

    if (batch)
        batch_refresh(engine, batch);
    else
        explain_alone(engine, plan);
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
