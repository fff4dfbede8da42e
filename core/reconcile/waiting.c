/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What waits for room.
 *
 * Order. All that waits is tried in one pass, the highest D x R / C first, each on the host that is
 * best for it; one that fits nowhere does not stop those behind it. D counts once more for every
 * WAIT_COUNTS_SECONDS that a VM has waited, so whoever waits goes, in the end, before any stream of
 * newcomers: it gets the first room that is large enough for it.
 *
 * Cost. Placing takes room and never makes any, so what was refused is tried again only after a
 * host got room (place_room()), and of those that ask for the same only the first. Nor is all time
 * spent here where thousands wait and hosts come and go: a pass ends after PASS_MS and goes on
 * later, and PAUSE times as long as it took belongs to others.
 *
 * Explanations (`placement`, and the sentence in `error`) look at every host and would cost more
 * than placing. Who has just asked gets one at once; those of others are renewed in turns.
 */
#include <string.h>

#include "core/reconcile/internal.h"
#include "core/score/score.h"

enum {
    WAIT_COUNTS_SECONDS = 60,
    PASS_MS = LIMIT(100, 1),
    PAUSE = 2,
    EXPLAIN_MS = LIMIT(10, 0), /* of explaining, */
    EXPLAIN_PAUSE_MS = 50,     /* then so much for others */
};

struct candidate {
    struct object *vm;
    double urgency;
};

static bool over(int64_t since, unsigned ms)
{
    return g_get_monotonic_time() - since > ms * G_GINT64_CONSTANT(1000);
}

static double waited(struct object *vm, int64_t now)
{
    struct waiting *waiting = &vm_work(vm)->waiting;

    if (!waiting->since)
        waiting->since = now;
    return (double)(now - waiting->since) / G_USEC_PER_SEC;
}

/* D x R / C of what waits: a service counts whole, a single VM as one replica at cost 1. */
static double urgency_of(struct object *vm, int64_t now) REQUIRES(model)
{
    const struct object *service = vm->vm.service;
    double patience = 1 + waited(vm, now) / WAIT_COUNTS_SECONDS;

    if (service && service->spec)
        return score_schedule(patience * service->spec->service.demand,
                              service->spec->service.replicas, service->spec->service.cost);
    return score_schedule(patience * vm->spec->vm.demand, 1, 1);
}

static int by_urgency(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->urgency != y->urgency)
        return x->urgency > y->urgency ? -1 : 1;
    return x->vm->id < y->vm->id ? -1 : 1;
}

static bool may_be_placed(struct object *vm) REQUIRES_SHARED(model)
{
    return vm->vm.phase == VM_PENDING && vm->spec && !vm_glance(vm)->busy;
}

/* All that waits, in its order; what its labels are is known to the table from now on. */
static GArray *candidates(struct engine *engine, GPtrArray *pending) REQUIRES(model)
{
    GArray *todo = g_array_sized_new(false, false, sizeof(struct candidate), pending->len);
    int64_t now = g_get_monotonic_time();

    place_need_nothing(cloud_place(engine->cloud));
    for (unsigned i = 0; i < pending->len; i++) {
        struct candidate each = {.vm = pending->pdata[i]};

        if (!may_be_placed(each.vm))
            continue;
        each.urgency = urgency_of(each.vm, now);
        place_need(cloud_place(engine->cloud), (const char *const *)each.vm->spec->vm.labels);
        g_array_append_val(todo, each);
    }
    g_array_sort(todo, by_urgency);
    return todo;
}

static enum spec_spread spread_of(const struct object *vm) REQUIRES_SHARED(model)
{
    const struct object *service = vm->vm.service;

    return service && service->spec ? service->spec->service.spread : SPREAD_NONE;
}

/* Nothing has changed that would let VM in where it was refused before. */
static bool still_refused(struct engine *engine, struct object *vm) REQUIRES(model)
{
    const struct waiting *waiting = &vm_work(vm)->waiting;

    return waiting->spec_time == vm->times[FACET_SPEC] && waiting->spread == spread_of(vm) &&
           waiting->room == place_room(cloud_place(engine->cloud));
}

static void note_refusal(struct engine *engine, struct object *vm) REQUIRES(model)
{
    struct waiting *waiting = &vm_work(vm)->waiting;

    waiting->spec_time = vm->times[FACET_SPEC];
    waiting->spread = spread_of(vm);
    waiting->room = place_room(cloud_place(engine->cloud));
}

/* What VM asks for; who asks for the same in this pass gets the same answer. */
static char *asks_for(const struct object *vm) REQUIRES_SHARED(model)
{
    uint64_t service = vm->vm.service ? vm->vm.service->id : 0;
    uint64_t host = vm_is_bound(vm) ? vm->vm.host->id : 0;

    return g_strdup_printf("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n%s", service, host,
                           vm->spec_text);
}

/* AGAIN: nothing has changed since it was refused last. */
static void refuse(struct engine *engine, struct object *vm, bool again) REQUIRES(model)
{
    bool asked = vm_work(vm)->waiters && vm_work(vm)->waiters->len > 0;

    if (!again)
        g_hash_table_replace(engine->unexplained, &vm->id, object_ref(vm));
    note_refusal(engine, vm);
    if (asked)
        placing_explain(engine, vm);
    requests_answer(engine, &vm_work(vm)->waiters, 0); /* accepted; it waits for room */
}

/* REFUSED: what was asked for in vain in this pass. */
static void try_one(struct engine *engine, struct object *vm, GHashTable *refused) REQUIRES(model)
{
    g_autofree char *asks = asks_for(vm);
    bool again = still_refused(engine, vm);

    if (!again && !g_hash_table_contains(refused, asks) && vm_place(engine, vm)) {
        place_unneed(cloud_place(engine->cloud), (const char *const *)vm->spec->vm.labels);
        g_hash_table_remove(engine->pending, &vm->id);
        g_hash_table_remove(engine->unexplained, &vm->id);
    } else {
        g_hash_table_add(refused, g_steal_pointer(&asks));
        refuse(engine, vm, again);
    }
    if (vm->vm.service && !again)
        service_nudge(engine, vm->vm.service);
}

void placing_wait(struct engine *engine, struct object *vm)
{
    vm->vm.phase = VM_PENDING;
    cloud_refresh_state(engine->cloud, vm);
    g_hash_table_replace(engine->pending, &vm->id, object_ref(vm));
    engine->room_changed = true;
    engine_touch(engine, vm);
}

static void resume(struct engine *engine, void *data)
{
    (void)data;
    engine->pass_timer = 0;
    engine->room_changed = true;
}

static void resume_later(struct engine *engine, unsigned ms)
{
    if (!engine->pass_timer)
        engine->pass_timer = timer_start(engine, ms, resume, NULL, NULL);
}

void placing_pending(struct engine *engine)
{
    g_autoptr(GPtrArray) pending = NULL;
    g_autoptr(GArray) todo = NULL;
    g_autoptr(GHashTable) refused = NULL;
    int64_t start = g_get_monotonic_time();

    if (start < engine->pass_from) {
        resume_later(engine, (unsigned)((engine->pass_from - start) / 1000) + 1);
        return;
    }
    pending = objects_in(engine->pending);
    todo = candidates(engine, pending);
    refused = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (unsigned i = 0; i < todo->len; i++) {
        /* One in any case, however long it took to find out who waits. */
        if (i > 0 && over(start, PASS_MS)) {
            resume_later(engine, 1);
            break;
        }
        try_one(engine, g_array_index(todo, struct candidate, i).vm, refused);
    }
    engine->pass_from = g_get_monotonic_time();
    if (over(start, 1))
        engine->pass_from += PAUSE * (engine->pass_from - start);
}

/* ---- explanations */

static void explain_wait(struct engine *engine, struct object *vm) REQUIRES(model)
{
    g_autofree char *first = packed_text(vm->placement);
    const char *end = first ? strchr(first, '\n') : NULL;
    g_autofree char *line = end ? g_strndup(first, (gsize)(end - first)) : g_strdup("no host");
    g_autofree char *sentence =
        g_strdup_printf("waiting for room: %s; see placement for each host's reason", line);

    cloud_set_error(engine->cloud, vm, 0, sentence);
}

void placing_explain(struct engine *engine, struct object *vm)
{
    g_hash_table_remove(engine->unexplained, &vm->id);
    if (!may_be_placed(vm))
        return;
    vm_explain(engine, vm);
    explain_wait(engine, vm);
}

static void explain_again(struct engine *engine, void *data) REQUIRES(model)
{
    (void)data;
    engine->explain_timer = 0;
    placing_explain_some(engine);
}

void placing_explain_some(struct engine *engine)
{
    g_autoptr(GPtrArray) todo = NULL;
    int64_t start = g_get_monotonic_time();

    if (engine->explain_timer || g_hash_table_size(engine->unexplained) == 0)
        return;
    todo = objects_in(engine->unexplained);
    for (unsigned i = 0; i < todo->len && (i == 0 || !over(start, EXPLAIN_MS)); i++) {
        struct object *object = todo->pdata[i];

        g_hash_table_remove(engine->unexplained, &object->id);
        if (!object->alive)
            continue;
        if (object->kind == OBJECT_PLAN)
            plan_refresh(engine, object);
        else
            placing_explain(engine, object);
    }
    if (g_hash_table_size(engine->unexplained) > 0)
        engine->explain_timer = timer_start(engine, EXPLAIN_PAUSE_MS, explain_again, NULL, NULL);
}
