/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM between what is wanted and what is: what was seen of its domain, and what follows from it.
 */
#include <string.h>

#include "core/reconcile/internal.h"

enum {
    FIRST_RESTART_MS = 2000, /* long enough for a person to see that it had stopped */
    LAST_RESTART_MS = 60000,
    STABLE_SECONDS = 60, /* ran for so long: the next death is the first again */
};

struct vm_work *vm_work(struct object *vm)
{
    if (!vm->work)
        vm->work = g_new0(struct vm_work, 1);
    return vm->work;
}

void vm_work_free(struct engine *engine, struct object *vm)
{
    struct vm_work *work = vm->work;

    if (!work)
        return;
    timer_stop(engine, &work->restart_timer);
    timer_stop(engine, &work->move_timer);
    requests_answer(engine, &work->waiters, EINTR);
    g_clear_pointer(&work->tried, g_array_unref);
    g_free(work->refused);
    g_free(work);
    vm->work = NULL;
}

void vm_forget(struct engine *engine, struct object *vm)
{
    struct object *service = vm->vm.service;

    vm_work_free(engine, vm);
    g_hash_table_remove(engine->pending, &vm->id);
    engine_forget(engine, vm->id);
    cloud_remove(engine->cloud, vm);
    engine->room_changed = true;
    if (service)
        service_nudge(engine, service);
    services_nudge_blocked(engine);
}

/* A member's failure is its service's too. */
static void blame(struct engine *engine, struct object *vm, const GError *error) REQUIRES(model)
{
    g_autofree char *sentence = g_strdup_printf("%s: %s", vm->name, error->message);

    service_work(vm->vm.service)->first_error = error->code;
    cloud_set_error(engine->cloud, vm->vm.service, error->code, sentence);
}

void vm_settled(struct engine *engine, struct object *vm, const GError *error)
{
    struct vm_work *work = vm_work(vm);

    work->busy = false;
    requests_answer(engine, &work->waiters, error ? error->code : 0);
    if (!vm->vm.service)
        return;
    if (error)
        blame(engine, vm, error);
    service_nudge(engine, vm->vm.service);
}

/* The terms of `schedule` for a VM that was not placed by us stay at nothing. */
void vm_seen(struct engine *engine, struct object *vm, const struct virt_domain *domain)
{
    struct vm_part *part = &vm->vm;
    bool was_active = domain_is_active(part->domain);

    part->domain = domain->state;
    part->cpus = domain->cpus;
    part->memory = domain->memory;
    g_free(part->domain_name);
    part->domain_name = g_strdup(domain->name);
    if (domain->type) {
        g_free(part->type);
        part->type = g_strdup(domain->type);
    }
    cloud_set_xml(engine->cloud, vm, domain->xml);
    if (part->restart_pending && !was_active && domain_is_active(domain->state)) {
        part->restart_pending = false;
        cloud_set_error(engine->cloud, vm, 0, NULL);
    }
    if (!was_active && domain_is_active(domain->state))
        vm_work(vm)->started = g_get_monotonic_time();
    if (part->phase != VM_DESTROYING)
        part->phase = VM_ACTIVE;
    placing_reserve(engine, vm);
    cloud_refresh_state(engine->cloud, vm);
    engine_touch(engine, vm);
    if (vm->vm.service)
        service_nudge(engine, vm->vm.service);
}

static bool wants_to_run(const struct object *vm) REQUIRES_SHARED(model)
{
    return vm->vm.managed && vm->vm.power && vm->spec && vm->spec->vm.restart == RESTART_ALWAYS;
}

static bool is_dead(const struct object *vm) REQUIRES_SHARED(model)
{
    return vm->vm.domain == DOMAIN_SHUTOFF || vm->vm.domain == DOMAIN_CRASHED;
}

static void restart_due(struct engine *engine, void *data) REQUIRES(model)
{
    struct object *vm = cloud_by_id(engine->cloud, *(uint64_t *)data);

    if (!vm || vm->kind != OBJECT_VM)
        return;
    vm_work(vm)->restart_timer = 0;
    if (vm_work(vm)->busy || !wants_to_run(vm) || !host_is_up(vm->vm.host))
        return;
    if (vm->vm.phase == VM_ACTIVE && is_dead(vm)) {
        cloud_event(engine->cloud, vm, NULL, "started again (restart = always)");
        vm_power(engine, vm, VERB_START, false);
    } else if (vm->vm.phase == VM_FAILED && vm->vm.uuid[0]) {
        cloud_event(engine->cloud, vm, NULL, "made again (restart = always)");
        vm_create(engine, vm);
    }
}

static void restart_later(struct engine *engine, struct object *vm) REQUIRES(model)
{
    struct vm_work *work = vm_work(vm);
    int64_t lived = work->started ? g_get_monotonic_time() - work->started : 0;

    if (work->restart_timer)
        return;
    if (lived > STABLE_SECONDS * G_USEC_PER_SEC)
        work->restarts = 0;
    work->restart_timer =
        timer_start(engine, MIN(FIRST_RESTART_MS << MIN(work->restarts, 6), LAST_RESTART_MS),
                    restart_due, g_memdup2(&vm->id, sizeof vm->id), g_free);
    work->restarts++;
}

/* It was seen on another host too, and is there still if somebody else has moved it. */
static bool moved_behind_our_back(struct engine *engine, struct object *vm) REQUIRES(model)
{
    struct object *host = cloud_by_id(engine->cloud, vm_work(vm)->other);

    vm_work(vm)->other = 0;
    if (!host || host->kind != OBJECT_HOST || !host_is_up(host))
        return false;
    cloud_event(engine->cloud, vm, NULL, "moved to %s by somebody else", host->name);
    cloud_set_host(engine->cloud, vm, host);
    placing_reserve(engine, vm);
    engine_touch(engine, vm);
    host_look(engine, host, vm->vm.uuid);
    return true;
}

/* Somebody else removed it. What he took for good is only what is not wanted. */
void vm_gone(struct engine *engine, struct object *vm)
{
    struct object *host = vm->vm.host;
    g_autofree char *sentence = NULL;

    if (vm_work(vm)->busy)
        return; /* the job's own doing; its outcome will tell */
    if (!vm->vm.managed) {
        vm_forget(engine, vm);
        return;
    }
    if (vm->vm.phase == VM_CREATING || vm->vm.phase == VM_DESTROYING || vm->vm.phase == VM_FAILED ||
        vm->vm.phase == VM_PENDING) {
        vm_reconcile(engine, vm);
        return;
    }
    if (moved_behind_our_back(engine, vm))
        return;
    sentence = g_strdup_printf("its domain is gone from host %s: somebody else removed it",
                               host ? host->name : "(none)");
    cloud_event(engine->cloud, vm, NULL, "domain is gone from %s", host ? host->name : "(none)");
    vm->vm.phase = VM_FAILED;
    vm->vm.domain = DOMAIN_NOSTATE;
    cloud_set_error(engine->cloud, vm, ENOENT, sentence);
    cloud_refresh_state(engine->cloud, vm);
    engine_touch(engine, vm);
    if (wants_to_run(vm))
        restart_later(engine, vm);
}

void vm_reconcile(struct engine *engine, struct object *vm)
{
    if (vm_work(vm)->busy || !vm->vm.managed || !vm->spec || !host_is_up(vm->vm.host))
        return;
    switch (vm->vm.phase) {
    case VM_CREATING:
        vm_create(engine, vm);
        return;
    case VM_DESTROYING:
        vm_destroy(engine, vm);
        return;
    case VM_ACTIVE:
        break;
    case VM_DRAFT:
    case VM_PENDING:
    case VM_FAILED:
        return;
    }
    if (vm->next)
        vm_change(engine, vm);
    else if (is_dead(vm) && wants_to_run(vm))
        restart_later(engine, vm);
}
