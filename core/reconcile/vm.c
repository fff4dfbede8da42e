/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM between what is wanted and what is: what was seen of its domain, and what follows from it.
 */
#include <string.h>

#include "core/reconcile/vmtask.h"

struct vm_work *vm_work(struct object *vm)
{
    if (!vm->work)
        vm->work = g_new0(struct vm_work, 1);
    return vm->work;
}

const struct vm_work *vm_glance(const struct object *vm)
{
    static const struct vm_work blank;

    return vm->work ? vm->work : &blank;
}

void vm_work_free(struct engine *engine, struct object *vm)
{
    struct vm_work *work = vm->work;

    if (!work)
        return;
    timer_stop(engine, &work->restart_timer);
    timer_stop(engine, &work->move_timer);
    timer_stop(engine, &work->ask_timer);
    timer_stop(engine, &work->calm_timer);
    timer_stop(engine, &work->health_timer);
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

void vm_begin(struct engine *engine, struct object *vm, const char *text, Spec *spec)
{
    cloud_set_spec(engine->cloud, vm, g_strdup(text), spec_ref(spec));
    vm->vm.power = spec->vm.power;
    placing_wait(engine, vm);
}

/* A member's job that was begun before the service's last request, or makes what that no longer
 * asks for, says nothing of the request. */
static bool is_news(struct object *vm) REQUIRES(model)
{
    return vm_work(vm)->job > service_work(vm->vm.service)->since && !vm_is_made_in_vain(vm);
}

void vm_settled(struct engine *engine, struct object *vm, const GError *error)
{
    struct vm_work *work = vm_work(vm);

    work->busy = false;
    work->settled = ++engine->last_job;
    /* Where it is asked in a while, what is missing would be made over and over, with no rest. */
    if (work->heard && !work->ask_timer && host_is_up(vm->vm.host))
        host_look(engine, vm->vm.host, vm->vm.uuid);
    work->heard = false;
    rebalance_freed(engine, vm);
    requests_answer(engine, &work->waiters, error ? error->code : 0);
    if (!vm->vm.service)
        return;
    if (error && is_news(vm))
        service_work(vm->vm.service)->first_error = error->code;
    service_nudge(engine, vm->vm.service);
}

/* The terms of `schedule` for a VM that was not placed by us stay at nothing. */
void vm_seen(struct engine *engine, struct object *vm, const struct virt_domain *domain)
{
    struct vm_part *part = &vm->vm;
    bool was_active = domain_is_active(part->domain);

    part->fresh = false;
    part->domain = domain->state;
    part->cpus = domain->cpus;
    part->memory = domain->memory;
    g_free(part->domain_name);
    part->domain_name = g_strdup(domain->name);
    if (domain->type)
        cloud_set_type(vm, domain->type);
    cloud_set_xml(engine->cloud, vm, domain->xml);
    if (!was_active && domain_is_active(domain->state)) {
        cloud_set_pending(engine->cloud, vm, NULL);
        vm_came_up(engine, vm);
    }
    if (was_active != domain_is_active(domain->state))
        rebalance_later(engine); /* what cannot move while it runs can when it is off */
    if (part->phase != VM_DESTROYING)
        part->phase = VM_ACTIVE;
    placing_reserve(engine, vm);
    health_follow(engine, vm);
    cloud_refresh_state(engine->cloud, vm);
    engine_touch(engine, vm);
    if (vm->vm.service)
        service_nudge(engine, vm->vm.service);
}

/* It was seen on another host too, and is there still if somebody else has moved it. */
static bool moved_behind_our_back(struct engine *engine, struct object *vm) REQUIRES(model)
{
    struct object *host = cloud_by_id(engine->cloud, vm_glance(vm)->other);

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

    if (vm_glance(vm)->busy)
        return; /* the job's own doing; its outcome will tell */
    if (!vm->vm.managed && !vm->next) {
        vm_forget(engine, vm);
        return;
    }
    if (!vm->vm.managed) { /* it was being adopted, and its spec may have been accepted */
        cloud_set_managed(engine->cloud, vm);
        cloud_accept_next(vm);
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
    if (vm_wants_to_run(vm))
        vm_restart_later(engine, vm);
}

bool vm_is_wanted_again(const struct object *vm)
{
    return vm->vm.phase == VM_DESTROYING && !vm_glance(vm)->busy && !vm_glance(vm)->hung &&
           member_is_wanted(vm);
}

void vm_keep(struct engine *engine, struct object *vm)
{
    vm->vm.phase = VM_ACTIVE;
    vm_rested(engine, vm);
    cloud_set_error(engine->cloud, vm, 0, NULL);
    cloud_event(engine->cloud, vm, NULL, "kept: its service wants it again");
    cloud_refresh_state(engine->cloud, vm);
    engine_touch(engine, vm);
}

void vm_reconcile(struct engine *engine, struct object *vm)
{
    if (!vm->vm.managed && vm->next)
        vm_work(vm)->adopting = true; /* it was under way when cloudfs ended */
    if (vm_glance(vm)->busy || !(vm->vm.managed || vm->next) || !vm->spec ||
        !host_is_up(vm->vm.host))
        return;
    switch (vm->vm.phase) {
    case VM_CREATING:
        vm_create(engine, vm);
        return;
    case VM_DESTROYING:
        vm_destroy(engine, vm);
        return;
    case VM_FAILED:
        vm_revive(engine, vm);
        return;
    case VM_ACTIVE:
        break;
    case VM_DRAFT:
    case VM_PENDING:
        return;
    }
    if (vm->vm.new_name)
        vm_rename(engine, vm, vm->vm.new_name);
    else if (vm->next)
        vm_change(engine, vm);
    else if (vm->vm.power_due)
        vm_follow_power(engine, vm);
    else
        vm_revive(engine, vm);
}
