/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans of moves, and carrying them out: `rebalance` of the whole cloud and `moves` of a host,
 * which its `drain` makes.
 *
 * The texts are made anew a little after something has changed, never more often than each
 * REFRESH_MS. What is carried out is a plan made at that moment, one step after the other, some
 * at once; each is judged again before it begins, and after it looked at: the VM must be there, and
 * better off.
 */
#include <string.h>

#include "core/reconcile/internal.h"

enum {
    REFRESH_MS = 1000,
    MOST_STEPS = 100,            /* of a plan of the whole cloud */
    MOST_VMS = 2000,             /* that are looked at for it */
    MOST_REASONS = LIMIT(50, 1), /* of a refresh: each looks at all hosts */
};

struct step {
    uint64_t vm, from, to;
    double here; /* S before */
    bool drain;  /* gain does not matter */
};

struct mover {
    unsigned timer;
    GArray *todo;      /* struct step */
    GArray *under_way; /* struct step */
    unsigned reasons;  /* that may still be looked for */
    char *stopped;     /* why the last run was given up; NULL: it was not */
};

static struct mover *mover(struct engine *engine)
{
    if (!engine->mover) {
        engine->mover = g_new0(struct mover, 1);
        engine->mover->todo = g_array_new(false, false, sizeof(struct step));
        engine->mover->under_way = g_array_new(false, false, sizeof(struct step));
    }
    return engine->mover;
}

void mover_free(struct engine *engine)
{
    struct mover *m = engine->mover;

    if (!m)
        return;
    timer_stop(engine, &m->timer);
    g_array_free(m->todo, true);
    g_array_free(m->under_way, true);
    g_free(m->stopped);
    g_free(m);
    engine->mover = NULL;
}

/* ---- plans */

/* VMs, their wants, and the steps of a plan of them. */
struct plan {
    GPtrArray *vms;  /* of struct object *, borrowed */
    GPtrArray *held; /* what the wants point to */
    GArray *wants;   /* struct place_want, parallel to vms */
    struct place_step *steps;
    size_t n;
};

static void plan_clear(struct plan *plan)
{
    g_ptr_array_unref(plan->vms);
    g_ptr_array_unref(plan->held);
    g_array_unref(plan->wants);
    g_free(plan->steps);
}

static void plan_init(struct plan *plan)
{
    plan->vms = g_ptr_array_new();
    plan->held = g_ptr_array_new_with_free_func(g_free);
    plan->wants = g_array_new(false, false, sizeof(struct place_want));
    plan->steps = NULL;
    plan->n = 0;
}

static void plan_add(struct plan *plan, struct object *vm) REQUIRES(model)
{
    const char **types = g_new0(const char *, 2);
    struct place_want want;

    types[0] = vm->vm.type;
    want = cloud_want(vm, &vm->spec->vm, types);
    g_ptr_array_add(plan->held, types);
    g_ptr_array_add(plan->vms, vm);
    g_array_append_val(plan->wants, want);
}

/* Why VM goes nowhere, wherever that is; free with g_free. NULL: it may. */
static char *why_not(struct engine *engine, struct object *vm) REQUIRES(model)
{
    g_autoptr(GError) error = NULL;
    struct virt *here;

    if (!vm->vm.managed)
        return g_strdup("not made by cloudfs: write its spec to adopt it first");
    if (vm->vm.phase != VM_ACTIVE || !vm->spec || vm->next || vm_work(vm)->busy)
        return g_strdup_printf("a job of it is under way, or it has no domain: state is %s",
                               vm->state);
    if (!host_is_up(vm->vm.host))
        return g_strdup_printf("host %s is %s", vm->vm.host->name, vm->vm.host->state);
    here = host_link_virt(host_work(vm->vm.host)->link);
    if (!engine->virt->can_move(here, here, &vm->spec->vm, vm->vm.type,
                                domain_is_active(vm->vm.domain), &error))
        return g_strdup(error->message);
    return NULL;
}

/* Moved not long ago: it has not shown yet what came of it. */
static bool is_held(const struct engine *engine, struct object *vm) REQUIRES(model)
{
    int64_t moved = vm_work(vm)->moved;

    return moved &&
           (double)(g_get_monotonic_time() - moved) < engine->conf->rebalance_hold * G_USEC_PER_SEC;
}

static void plan_rebalance(struct engine *engine, struct plan *plan) REQUIRES(model)
{
    const GPtrArray *vms = cloud_objects(engine->cloud, OBJECT_VM);

    plan_init(plan);
    for (unsigned i = 0; i < vms->len && plan->vms->len < MOST_VMS; i++) {
        struct object *vm = vms->pdata[i];
        g_autofree char *why = vm->vm.host ? why_not(engine, vm) : NULL;

        if (vm->vm.host && !why && !is_held(engine, vm))
            plan_add(plan, vm);
    }
    plan->steps = g_new0(struct place_step, MOST_STEPS);
    plan->n = place_rebalance(
        cloud_place(engine->cloud), (const struct place_want *)(void *)plan->wants->data,
        plan->wants->len, engine->conf->rebalance_gain, plan->steps, MOST_STEPS);
}

static void plan_drain(struct engine *engine, struct object *host, struct plan *plan)
    REQUIRES(model)
{
    plan_init(plan);
    for (unsigned i = 0; i < host->host.vms->len; i++) {
        struct object *vm = host->host.vms->pdata[i];
        g_autofree char *why = why_not(engine, vm);

        if (!why)
            plan_add(plan, vm);
    }
    plan->steps = g_new0(struct place_step, plan->vms->len + 1);
    plan->n = place_drain(cloud_place(engine->cloud),
                          (const struct place_want *)(void *)plan->wants->data, plan->wants->len,
                          plan->steps);
}

/* ---- their texts */

static void add_step(struct engine *engine, GString *text, const struct place_step *step)
    REQUIRES(model)
{
    const struct object *vm = cloud_by_id(engine->cloud, step->vm);
    const struct object *from = cloud_by_id(engine->cloud, step->from);
    const struct object *to = cloud_by_id(engine->cloud, step->choice.host);

    g_string_append_printf(text, "%s %s %s %+.6f %.3fGiB\n", vm->name, from->name, to->name,
                           place_gain(step), (double)vm->vm.memory / (1 << 30));
}

static void add_progress(const struct mover *m, GString *text)
{
    if (m->todo->len + m->under_way->len > 0)
        g_string_append_printf(text, "# under way: %u, to come: %u\n", m->under_way->len,
                               m->todo->len);
    if (m->stopped)
        g_string_append_printf(text, "# stopped: %s\n", m->stopped);
}

static char *rebalance_text(struct engine *engine) REQUIRES(model)
{
    GString *text = g_string_new(NULL);
    struct plan plan;

    plan_rebalance(engine, &plan);
    g_string_append_printf(text, "# %zu %s of a gain of %g or more%s\n", plan.n,
                           plan.n == 1 ? "move" : "moves", engine->conf->rebalance_gain,
                           plan.n ? ": echo apply >rebalance" : "");
    add_progress(mover(engine), text);
    if (plan.n)
        g_string_append(text, "# VM FROM TO GAIN COST\n");
    for (size_t i = 0; i < plan.n; i++)
        add_step(engine, text, &plan.steps[i]);
    plan_clear(&plan);
    return g_string_free(text, false);
}

static bool has_step(const struct plan *plan, uint64_t vm)
{
    for (size_t i = 0; i < plan->n; i++)
        if (plan->steps[i].vm == vm)
            return true;
    return false;
}

/* What refused the other hosts, in a line. */
static char *refusals(struct engine *engine, struct object *vm) REQUIRES(model)
{
    const char *types[] = {vm->vm.type, NULL};
    struct place_want want = cloud_want(vm, &vm->spec->vm, types);
    g_autofree char *text = NULL;

    if (mover(engine)->reasons == 0)
        return g_strdup("no other host takes it");
    mover(engine)->reasons--;
    want.tried = &vm->vm.host->id;
    want.n_tried = 1;
    text = place_explain(cloud_place(engine->cloud), &want);
    return g_strndup(text, strcspn(text, "\n"));
}

/* A line for each of HOST's VMs that stays; their number. */
static unsigned add_stays(struct engine *engine, struct object *host, const struct plan *plan,
                          GString *text) REQUIRES(model)
{
    unsigned n = 0;

    for (unsigned i = 0; i < host->host.vms->len; i++) {
        struct object *vm = host->host.vms->pdata[i];
        g_autofree char *why = NULL;

        if (has_step(plan, vm->id) || vm->vm.moving_to)
            continue;
        why = why_not(engine, vm);
        if (!why)
            why = refusals(engine, vm);
        g_string_append_printf(text, "%s %s - stays: %s\n", vm->name, host->name, why);
        n++;
    }
    return n;
}

static char *drain_text(struct engine *engine, struct object *host) REQUIRES(model)
{
    GString *text = g_string_new(NULL);
    g_autoptr(GString) rows = g_string_new(NULL);
    struct plan plan;
    unsigned stay;

    plan_drain(engine, host, &plan);
    for (size_t i = 0; i < plan.n; i++)
        add_step(engine, rows, &plan.steps[i]);
    stay = add_stays(engine, host, &plan, rows);
    g_string_append_printf(text, "# drain: %zu of %u VMs go, %u stay\n", plan.n,
                           host->host.vms->len, stay);
    if (rows->len)
        g_string_append_printf(text, "# VM FROM TO GAIN COST\n%s", rows->str);
    plan_clear(&plan);
    return g_string_free(text, false);
}

static void refresh(struct engine *engine, void *data) REQUIRES(model)
{
    const GPtrArray *hosts = cloud_objects(engine->cloud, OBJECT_HOST);
    const GPtrArray *vms = cloud_objects(engine->cloud, OBJECT_VM);

    (void)data;
    mover(engine)->timer = 0;
    mover(engine)->reasons = MOST_REASONS;
    cloud_set_placement(engine->cloud, cloud_by_id(engine->cloud, ROOT_ID), rebalance_text(engine));
    for (unsigned i = 0; i < hosts->len && vms->len <= MOST_VMS; i++)
        cloud_set_placement(engine->cloud, hosts->pdata[i], drain_text(engine, hosts->pdata[i]));
}

void rebalance_later(struct engine *engine)
{
    if (!mover(engine)->timer)
        mover(engine)->timer = timer_start(engine, REFRESH_MS, refresh, NULL, NULL);
}

/* ---- carrying them out */

static bool begin(struct engine *engine, const struct step *step) REQUIRES(model)
{
    struct object *vm = cloud_by_id(engine->cloud, step->vm);
    struct object *host = cloud_by_id(engine->cloud, step->to);
    g_autoptr(GError) error = NULL;
    struct place_choice choice;

    if (!vm || !host || vm->kind != OBJECT_VM || !vm->vm.host || vm->vm.host->id != step->from)
        return false; /* it is not there any more */
    if (!vm_may_move(engine, vm, host, &choice, &error)) {
        cloud_event(engine->cloud, vm, NULL, "not moved to %s: %s", host->name, error->message);
        return false;
    }
    g_array_append_val(mover(engine)->under_way, *step);
    vm_move(engine, vm, host, &choice);
    return true;
}

static void pump(struct engine *engine) REQUIRES(model)
{
    struct mover *m = mover(engine);

    while (m->todo->len > 0 && m->under_way->len < engine->conf->rebalance_at_once) {
        struct step step = g_array_index(m->todo, struct step, 0);

        g_array_remove_index(m->todo, 0);
        begin(engine, &step);
    }
    rebalance_later(engine);
}

static void give_up(struct engine *engine, const char *why) REQUIRES(model)
{
    struct mover *m = mover(engine);

    g_array_set_size(m->todo, 0);
    g_free(m->stopped);
    m->stopped = g_strdup(why);
    cloud_event(engine->cloud, NULL, NULL, "moves stopped: %s", why);
}

/* The check after a step. */
static void check(struct engine *engine, struct object *vm, const struct step *step,
                  const GError *error) REQUIRES(model)
{
    const char *types[] = {vm->vm.type, NULL};
    struct place_want want = cloud_want(vm, &vm->spec->vm, types);
    g_autofree char *why = NULL;

    if (error)
        why = g_strdup_printf("%s: %s", vm->name, error->message);
    else if (!vm->vm.host || vm->vm.host->id != step->to)
        why = g_strdup_printf("%s is not where it was moved to", vm->name);
    else if (!step->drain && place_here(cloud_place(engine->cloud), &want) <= step->here)
        why = g_strdup_printf("%s gained nothing on %s", vm->name, vm->vm.host->name);
    if (why)
        give_up(engine, why);
}

void rebalance_moved(struct engine *engine, struct object *vm, const GError *error)
{
    struct mover *m = mover(engine);

    for (unsigned i = 0; i < m->under_way->len; i++) {
        struct step step = g_array_index(m->under_way, struct step, i);

        if (step.vm != vm->id)
            continue;
        g_array_remove_index(m->under_way, i);
        check(engine, vm, &step, error);
        pump(engine);
        return;
    }
}

static void enqueue(struct engine *engine, const struct plan *plan, bool drain) REQUIRES(model)
{
    for (size_t i = 0; i < plan->n; i++) {
        const struct place_step *from = &plan->steps[i];
        struct step step = {from->vm, from->from, from->choice.host, from->here, drain};

        g_array_append_val(mover(engine)->todo, step);
    }
    g_clear_pointer(&mover(engine)->stopped, g_free);
    pump(engine);
}

void rebalance_apply(struct engine *engine)
{
    struct plan plan;

    plan_rebalance(engine, &plan);
    enqueue(engine, &plan, false);
    plan_clear(&plan);
}

void rebalance_stop(struct engine *engine, uint64_t from)
{
    GArray *todo = mover(engine)->todo;

    for (unsigned i = todo->len; i-- > 0;)
        if (!from || g_array_index(todo, struct step, i).from == from)
            g_array_remove_index(todo, i);
    rebalance_later(engine);
}

void rebalance_drain(struct engine *engine, struct object *host)
{
    g_autoptr(GString) stays = g_string_new(NULL);
    g_autofree char *sentence = NULL;
    struct plan plan;
    unsigned n;

    mover(engine)->reasons = MOST_REASONS;
    plan_drain(engine, host, &plan);
    n = add_stays(engine, host, &plan, stays);
    if (n)
        sentence = g_strdup_printf("%u of its VMs stay; see moves. The first: %.*s", n,
                                   (int)strcspn(stays->str, "\n"), stays->str);
    cloud_set_error(engine->cloud, host, 0, sentence);
    enqueue(engine, &plan, true);
    plan_clear(&plan);
}
