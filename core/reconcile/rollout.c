/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rollouts: how the members of a service follow a template that changed. A look is taken whenever
 * a member or the service has changed, and begins no more than `max_unavailable` allows. Nothing
 * is remembered from look to look that members do not say themselves (the spec that each was made
 * with), so that a crash in between loses nothing: the next look goes on.
 *
 * Each member is changed in the gentlest way that does it: as it runs; else by a restart, which
 * keeps its disk; else it is destroyed and made anew under its name. The lowest numbers go first,
 * but what is not ready anyhow costs nothing and goes at once. A member that fails under the new
 * template ends the rollout there; what has not been touched runs on.
 */
#include <string.h>

#include "core/reconcile/internal.h"

struct look {
    struct engine *engine;
    struct object *service;
    const char *text; /* the template */
    Spec *spec;
    GPtrArray *slots;
    unsigned outdated;
    unsigned away, may_be_away;
    const struct object *coming; /* of the new template, and not ready yet */
};

/* Something that waits for the next start does not concern what is off. */
static bool follows(const struct object *vm, const char *text) REQUIRES_SHARED(model)
{
    return !vm->next && g_strcmp0(vm->spec_text, text) == 0 &&
           !(vm->vm.pending && domain_is_active(vm->vm.domain));
}

/* A member that its user switched off is not missed. */
static bool is_away(struct object *vm) REQUIRES(model)
{
    return vm->vm.power && (!cloud_vm_ready(vm) || vm_glance(vm)->busy || vm->next);
}

static void halt(struct look *look, int code, const char *name, const char *why) REQUIRES(model)
{
    struct service_work *work = service_work(look->service);

    if (work->halt)
        return;
    work->halt = g_strdup_printf("%s: %s; the rollout stopped with %u of %u members to update",
                                 name, why, look->outdated, look->slots->len);
    work->halt_code = code;
}

/* What has gone wrong with a member under the new template; NULL: nothing. */
static const char *failure_of(struct object *vm, const char *text) REQUIRES(model)
{
    const struct vm_work *work = vm_glance(vm);
    bool refused = g_strcmp0(work->refused, text) == 0 && work->refused_code != EOPNOTSUPP;
    bool failed = vm->vm.phase == VM_FAILED || (vm->vm.restarts > 0 && !cloud_vm_ready(vm));

    if (!refused && !(failed && follows(vm, text)))
        return NULL;
    return vm->error ? vm->error : "it stopped by itself";
}

static void count(struct look *look) REQUIRES(model)
{
    for (unsigned i = 0; i < look->slots->len; i++) {
        struct object *vm = look->slots->pdata[i];

        if (!vm)
            continue;
        cloud_set_outdated(vm, !follows(vm, look->text));
        look->outdated += vm->vm.outdated;
        look->away += is_away(vm);
        if (is_away(vm) && !vm->vm.outdated && !look->coming)
            look->coming = vm;
    }
}

static void find_failures(struct look *look) REQUIRES(model)
{
    for (unsigned i = 0; i < look->slots->len; i++) {
        struct object *vm = look->slots->pdata[i];
        const char *why = vm ? failure_of(vm, look->text) : NULL;

        if (why)
            halt(look, vm->error_code, vm->name, why);
    }
}

/* Keys that only a new VM can follow; NULL: there is none that differs. */
static const char *key_to_replace(const struct object *vm, const struct vm_spec *new)
    REQUIRES_SHARED(model)
{
    const struct vm_spec *old = &vm->spec->vm;

    if (g_strcmp0(old->image, new->image) != 0)
        return "image";
    if (g_strcmp0(old->root, new->root) != 0)
        return "root";
    if (g_strcmp0(old->user_data, new->user_data) != 0)
        return "user_data"; /* a guest reads it once in its life */
    if (old->disk > new->disk)
        return "disk";
    if (new->virtualization && g_strcmp0(new->virtualization, vm->vm.type) != 0)
        return "virtualization";
    return NULL;
}

static bool same_words(char **one, char **two)
{
    return g_strv_equal((const char *const *)one, (const char *const *)two);
}

/* Whether what NEW asks of a host, OLD asked of it, too. */
static bool same_place(const struct vm_spec *old, const struct vm_spec *new)
{
    bool bigger = new->cpus > old->cpus || new->memory > old->memory;

    return !bigger && g_strcmp0(new->zone, old->zone) == 0 &&
           g_strcmp0(new->host, old->host) == 0 && g_strcmp0(new->avoid, old->avoid) == 0 &&
           g_strcmp0(new->near, old->near) == 0 && same_words(new->labels, old->labels) &&
           same_words(new->networks, old->networks);
}

static bool may_stay(struct look *look, const struct object *vm) REQUIRES(model)
{
    const char *types[] = {vm->vm.type, NULL};
    struct place_want want = cloud_want(vm, &look->spec->vm, types);

    if (same_place(&vm->spec->vm, &look->spec->vm))
        return true;
    if (want.host && strcmp(want.host, vm->vm.host->name) != 0)
        return false;
    want.host = vm->vm.host->name;
    return place_find(cloud_place(look->engine->cloud), &want, NULL) == PLACE_FOUND;
}

/* Only where the new one will find room, in which that of the old one counts as free. */
static void replace(struct look *look, struct object *vm, const char *why) REQUIRES(model)
{
    struct engine *engine = look->engine;
    g_autofree const char **types = placing_types(engine, &look->spec->vm);
    struct place_want want = cloud_want(vm, &look->spec->vm, types);
    g_autofree char *placement = NULL;

    if (place_find(cloud_place(engine->cloud), &want, NULL) == PLACE_FOUND) {
        cloud_event(engine->cloud, vm, NULL, "to be replaced: %s", why);
        vm_destroy(engine, vm);
        return;
    }
    placement = place_explain(cloud_place(engine->cloud), &want);
    *strchrnul(placement, '\n') = '\0';
    halt(look, ENOSPC, vm->name, placement);
}

static void update_active(struct look *look, struct object *vm) REQUIRES(model)
{
    const char *key = key_to_replace(vm, &look->spec->vm);

    if (g_strcmp0(vm->spec_text, look->text) == 0) {
        cloud_event(look->engine->cloud, vm, NULL, "to be restarted");
        vm_power(look->engine, vm, VERB_START, true);
    } else if (key) {
        replace(look, vm, key);
    } else if (g_strcmp0(vm_glance(vm)->refused, look->text) == 0) {
        replace(look, vm, vm->error ? vm->error : "it cannot be changed");
    } else if (!may_stay(look, vm)) {
        replace(look, vm, "it cannot stay on its host");
    } else {
        vm_set_next(look->engine, vm, look->text, look->spec);
    }
}

/* Whether something was begun for VM. */
static bool update(struct look *look, struct object *vm) REQUIRES(model)
{
    if (vm_glance(vm)->busy || vm->next || vm_glance(vm)->restart_timer)
        return false;
    if (!vm->vm.host) {
        vm_begin(look->engine, vm, look->text, look->spec);
        return true;
    }
    if (!host_is_up(vm->vm.host))
        return false;
    if (vm->vm.phase == VM_FAILED)
        replace(look, vm, "its domain is gone");
    else if (vm->vm.phase == VM_ACTIVE)
        update_active(look, vm);
    return vm_glance(vm)->busy;
}

/* Those that follow it already and have stopped meanwhile. */
static void start_dead(struct look *look) REQUIRES(model)
{
    for (unsigned i = 0; i < look->slots->len; i++) {
        struct object *vm = look->slots->pdata[i];

        if (vm && !vm->vm.outdated)
            vm_revive(look->engine, vm);
    }
}

static void update_some(struct look *look) REQUIRES(model)
{
    struct service_work *work = service_work(look->service);

    for (unsigned i = 0; i < look->slots->len && !work->halt; i++) {
        struct object *vm = look->slots->pdata[i];
        bool away;

        if (!vm || !vm->vm.outdated)
            continue;
        away = is_away(vm) || !vm->vm.power;
        if ((away || look->away < look->may_be_away) && update(look, vm) && !away)
            look->away++;
        cloud_set_outdated(vm, !follows(vm, look->text));
    }
}

/* The administrator's view: when it began, when and why it stopped, when it was done. */
static void log_progress(struct look *look, const char *halted) REQUIRES(model)
{
    struct service_work *work = service_work(look->service);
    struct cloud *cloud = look->engine->cloud;

    if (look->outdated > 0 && !work->updating)
        cloud_event(cloud, look->service, NULL, "rollout: %u of %u members to update",
                    look->outdated, look->slots->len);
    if (look->outdated == 0 && work->updating)
        cloud_event(cloud, look->service, NULL, "rollout done");
    if (work->halt && !halted)
        cloud_event(cloud, look->service, NULL, "rollout stopped: %s", work->halt);
    work->updating = look->outdated > 0;
}

void rollout_look(struct engine *engine, struct object *service, const char *text, Spec *spec)
{
    struct service_work *work = service_work(service);
    g_autofree char *halted = g_steal_pointer(&work->halt);
    g_autoptr(GPtrArray) slots = members_by_number(service);
    struct look look = {
        .engine = engine,
        .service = service,
        .text = text,
        .spec = spec,
        .slots = slots,
        .may_be_away =
            spec_share_of(service->spec->service.max_unavailable, service->spec->service.replicas),
    };

    work->halt_code = 0;
    count(&look);
    if (look.outdated > 0)
        find_failures(&look);
    update_some(&look);
    start_dead(&look);
    work->rolling =
        look.outdated > 0 && !work->halt && look.coming && look.coming->vm.phase == VM_ACTIVE;
    log_progress(&look, halted);
}
