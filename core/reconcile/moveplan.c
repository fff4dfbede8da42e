/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which VMs a plan of moves is about, and their moves. */
#include "core/reconcile/moveplan.h"

enum {
    MOST_STEPS = 100, /* of a plan of the whole cloud */
    MOST_VMS = 20000, /* that are looked at for it: some 2 us each, with the model locked */
};

void moves_clear(struct moves *moves)
{
    g_ptr_array_unref(moves->vms);
    g_ptr_array_unref(moves->held);
    g_array_unref(moves->wants);
    g_free(moves->steps);
}

static void start(struct moves *moves)
{
    moves->vms = g_ptr_array_new();
    moves->held = g_ptr_array_new_with_free_func(g_free);
    moves->wants = g_array_new(false, false, sizeof(struct place_want));
    moves->steps = NULL;
    moves->n = 0;
}

static void add(struct moves *moves, struct object *vm) REQUIRES(model)
{
    const char **types = g_new0(const char *, 2);
    struct place_want want;

    types[0] = vm->vm.type;
    want = cloud_want(vm, &vm->spec->vm, types);
    g_ptr_array_add(moves->held, types);
    g_ptr_array_add(moves->vms, vm);
    g_array_append_val(moves->wants, want);
}

/* Why VM goes nowhere, wherever that is; free with g_free. NULL: it may. */
char *moves_why_not(struct engine *engine, struct object *vm) REQUIRES(model)
{
    g_autoptr(GError) error = NULL;
    struct virt *here;

    if (!vm->vm.managed)
        return g_strdup("not made by cloudfs: write its spec to adopt it first");
    if (vm->vm.phase != VM_ACTIVE || !vm->spec || vm->next || vm_glance(vm)->busy ||
        vm_glance(vm)->tidied > 0)
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
    int64_t moved = vm_glance(vm)->moved;

    return moved &&
           (double)(g_get_monotonic_time() - moved) < engine->conf->rebalance_hold * G_USEC_PER_SEC;
}

void moves_rebalance(struct engine *engine, struct moves *moves) REQUIRES(model)
{
    const GPtrArray *vms = cloud_objects(engine->cloud, OBJECT_VM);

    start(moves);
    for (unsigned i = 0; i < vms->len && moves->vms->len < MOST_VMS; i++) {
        struct object *vm = vms->pdata[i];
        g_autofree char *why = NULL;

        if (!vm->vm.host || !vm->vm.managed)
            continue; /* without a sentence, as it may be true of a hundred thousand */
        why = moves_why_not(engine, vm);
        if (!why && !is_held(engine, vm))
            add(moves, vm);
    }
    moves->steps = g_new0(struct place_step, MOST_STEPS);
    moves->n = place_rebalance(
        cloud_place(engine->cloud), (const struct place_want *)(void *)moves->wants->data,
        moves->wants->len, engine->conf->rebalance_gain, moves->steps, MOST_STEPS);
}

void moves_drain(struct engine *engine, struct object *host, struct moves *moves) REQUIRES(model)
{
    start(moves);
    for (unsigned i = 0; i < host->host.vms->len; i++) {
        struct object *vm = host->host.vms->pdata[i];
        g_autofree char *why = moves_why_not(engine, vm);

        if (!why)
            add(moves, vm);
    }
    moves->steps = g_new0(struct place_step, moves->vms->len + 1);
    moves->n = place_drain(cloud_place(engine->cloud),
                           (const struct place_want *)(void *)moves->wants->data, moves->wants->len,
                           moves->steps);
}
