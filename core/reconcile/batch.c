/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Batches: the plans of one directory, placed together on paper and in one pass for real. */
#include <string.h>

#include "core/reconcile/internal.h"
#include "core/score/score.h"

/* ---- on paper */

static double urgency(const struct object *plan) REQUIRES_SHARED(model)
{
    const struct spec *spec = plan->spec;

    if (spec->kind == SPEC_SERVICE)
        return score_schedule(spec->service.demand, spec->service.replicas, spec->service.cost);
    return score_schedule(spec->vm.demand, 1, 1);
}

/* Those without a spec last: nothing is to be placed. */
static int by_urgency(const void *a, const void *b) REQUIRES(model)
{
    const struct object *x = *(struct object *const *)a, *y = *(struct object *const *)b;
    double left = x->spec ? urgency(x) : -1, right = y->spec ? urgency(y) : -1;

    if (left != right)
        return left > right ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

void batch_refresh(struct engine *engine, struct object *batch)
{
    g_autoptr(GPtrArray) drafts = cloud_drafts(engine->cloud, batch);
    GString *summary = g_string_new(NULL);
    struct paper paper;

    g_ptr_array_sort(drafts, by_urgency);
    paper_begin(engine, &paper);
    for (unsigned i = 0; i < drafts->len; i++) {
        struct object *plan = drafts->pdata[i];

        if (!plan->spec)
            break;
        g_string_append(summary, object_leaf(plan));
        if (paper_is_full(&paper))
            plan_pass_over(engine, plan, summary);
        else
            plan_explain(engine, plan, &paper, summary);
        g_string_append_c(summary, '\n');
    }
    paper_end(engine, &paper);
    cloud_set_placement(engine->cloud, batch, g_string_free(summary, false));
    engine_touch(engine, batch);
}

/* ---- for real: one answer for all */

struct gather {
    struct engine *engine;
    engine_ticket ticket;
    unsigned left;
    int err; /* the first */
};

static void gather_done(void *ctx, int err)
{
    struct gather *gather = ctx;

    if (!gather->err)
        gather->err = err;
    if (--gather->left > 0)
        return;
    request_answer(gather->engine, gather->ticket, gather->err);
    g_free(gather);
}

static bool may_promote(struct engine *engine, const GPtrArray *drafts, enum object_kind kind,
                        GError **error) REQUIRES(model)
{
    for (unsigned i = 0; i < drafts->len; i++) {
        struct object *plan = drafts->pdata[i];

        if (cloud_find(engine->cloud, kind, object_leaf(plan))) {
            fail(error, EEXIST, "the name %s is taken", object_leaf(plan));
            return false;
        }
        if (!plan_may_promote(engine, plan, kind, object_leaf(plan), error)) {
            g_prefix_error(error, "%s: ", plan->name);
            return false;
        }
    }
    return quota_allows_plans(engine, drafts, kind, error);
}

void batch_promote(struct engine *engine, struct request *request, struct object *batch,
                   enum object_kind kind)
{
    g_autoptr(GPtrArray) drafts = cloud_drafts(engine->cloud, batch);
    g_autoptr(GError) error = NULL;
    struct gather *gather;

    if (!may_promote(engine, drafts, kind, &error)) {
        request_finish(engine, request->ticket, batch, error);
        return;
    }
    gather = g_new0(struct gather, 1);
    *gather = (struct gather){engine, request->ticket, drafts->len, 0};
    cloud_event(engine->cloud, batch, &request->actor, "made real: %u together", drafts->len);
    for (unsigned i = 0; i < drafts->len; i++) {
        struct object *plan = drafts->pdata[i];
        g_autofree char *name = g_strdup(object_leaf(plan));

        plan_promote(engine, request_inner(engine, &request->actor, gather_done, gather), plan,
                     kind, name);
    }
    engine_forget(engine, batch->id);
    cloud_remove(engine->cloud, batch);
}
