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

enum {
    PAPER_LEAST = 32, /* places to look for, however long that takes; */
    PAPER_MS = 30,    /* then until so much time is over */
};

void paper_begin(struct engine *engine, struct paper *paper)
{
    *paper = (struct paper){
        .next = first_on_paper,
        .room = place_room(cloud_place(engine->cloud)),
        .start = g_get_monotonic_time(),
    };
}

bool paper_is_full(const struct paper *paper)
{
    return paper->steps >= PAPER_LEAST &&
           g_get_monotonic_time() - paper->start > PAPER_MS * G_TIME_SPAN_MILLISECOND;
}

void paper_end(struct engine *engine, struct paper *paper)
{
    place_give_paper(cloud_place(engine->cloud), first_on_paper, paper->next, paper->room);
}

/* A host for WANT, which is taken. */
static bool take_on_paper(struct engine *engine, const struct place_want *want, struct paper *paper,
                          struct place_choice *choice, GString *hosts) REQUIRES(model)
{
    struct place *place = cloud_place(engine->cloud);

    paper->steps++;
    if (!place_choose(place, want, choice)) {
        g_string_append(hosts, " -");
        return false;
    }
    place_take(place, paper->next++, choice->host, want);
    g_string_append_printf(hosts, " %s", cloud_by_id(engine->cloud, choice->host)->name);
    return true;
}

/* What becomes of the replicas of a plan. */
struct replicas {
    const char *name;
    unsigned n, tried, found; /* where one has no host, those after it have none either */
    GString *rows;            /* each with its host and the terms of S */
    char *why, *whose;        /* in full: of the first that has none or is not tried, or the last */
};

/* The next one, as the table stands. */
static void tell_why(struct engine *engine, const struct place_want *want,
                     struct replicas *replicas) REQUIRES(model)
{
    replicas->why = place_explain(cloud_place(engine->cloud), want);
    replicas->whose = g_strdup_printf("%s-%u", replicas->name, replicas->tried);
}

static void add_replica(struct engine *engine, const struct place_want *want, struct paper *paper,
                        struct replicas *replicas, GString *hosts) REQUIRES(model)
{
    bool open = replicas->found == replicas->tried;
    struct place_choice choice;

    if (open && replicas->tried + 1 == replicas->n)
        tell_why(engine, want, replicas);
    g_string_append_printf(replicas->rows, "%s-%u ", replicas->name, replicas->tried);
    if (open && take_on_paper(engine, want, paper, &choice, hosts)) {
        g_string_append_printf(replicas->rows, "%s %f %f %f %f\n",
                               cloud_by_id(engine->cloud, choice.host)->name, choice.demand,
                               choice.resources, choice.cost, choice.schedule);
        replicas->found++;
    } else {
        g_string_append(replicas->rows, "-\n");
        if (!replicas->why)
            tell_why(engine, want, replicas);
    }
    replicas->tried++;
}

/* One after the other as if all went, each seeing those before it. */
static char *explain_replicas(struct engine *engine, const struct object *plan,
                              struct place_want *want, struct paper *paper, GString *hosts)
    REQUIRES(model)
{
    struct replicas replicas = {
        .name = object_leaf(plan),
        .n = plan->spec->service.replicas,
        .rows = g_string_new("REPLICA HOST DEMAND RESOURCES COST SCORE\n"),
    };
    g_autoptr(GString) rows = replicas.rows;
    g_autofree char *why = NULL, *whose = NULL;
    const char *others = "";

    want->service = plan->id;
    want->spread = plan->spec->service.spread;
    while (replicas.tried < replicas.n && !paper_is_full(paper))
        add_replica(engine, want, paper, &replicas, hosts);
    if (replicas.tried < replicas.n) {
        others = replicas.why ? "" : ", and there was no time to try the others";
        g_string_append(hosts, " ...");
        g_string_append(rows, "...\n");
        if (!replicas.why)
            tell_why(engine, want, &replicas);
    }
    why = replicas.why;
    whose = replicas.whose;
    return g_strdup_printf("%u of %u replicas have a host%s\n%s\n%s: %s", replicas.found,
                           replicas.n, others, rows->str, whose ? whose : replicas.name,
                           why ? why : "no replicas\n");
}

/* The same for one VM. */
static char *explain_vm(struct engine *engine, const struct place_want *want, struct paper *paper,
                        GString *hosts) REQUIRES(model)
{
    char *why = place_explain(cloud_place(engine->cloud), want);
    struct place_choice choice;

    take_on_paper(engine, want, paper, &choice, hosts);
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

void plan_pass_over(struct engine *engine, struct object *plan, GString *hosts)
{
    g_string_append(hosts, " ...");
    cloud_set_placement(engine->cloud, plan,
                        g_strdup("not tried: there was no time after the others of its batch\n"));
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
