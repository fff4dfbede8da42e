/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The job that switches a VM's domain on or off, for its spec or for ctl, and what comes of it. */
#include "core/reconcile/vmtask.h"

enum { POWER_DEADLINE_MS = 60000 };

/* Its domain was to be: VM is wanted as before, or, if it is not known, as it will be found. */
static void not_switched_off(struct object *vm, const GError *error) REQUIRES(model)
{
    if (!domain_is_active(vm->vm.domain))
        return; /* it had stopped by itself, and is not to be started again */
    if (!vm_outcome_unknown(error))
        vm->vm.power = true;
    else if (error->code != ETIMEDOUT) /* then it may stop yet */
        vm_work(vm)->cut_off = true;
}

void vm_power_found(struct engine *engine, struct object *vm)
{
    if (!vm_glance(vm)->cut_off)
        return;
    vm_work(vm)->cut_off = false;
    vm->vm.power = domain_is_active(vm->vm.domain);
    engine_touch(engine, vm);
}

static void run_power(struct task *task, const struct virt_ops *ops, struct virt *virt,
                      GError **error)
{
    if (task->cold) {
        if (!ops->power(virt, task->uuid, VERB_DESTROY, &task->domain, error))
            return;
        g_clear_pointer(&task->domain, virt_domain_free);
    }
    ops->power(virt, task->uuid, task->verb, &task->domain, error);
}

/* Whether its domain may not have heard of it. */
static bool is_unheard(const struct task *task, const GError *error)
{
    return error && (task->unsaved || error->code == EHOSTDOWN || error->code == ECANCELED);
}

/* Only what has stopped, or was to be, is started after a rest: not what is paused, say. */
static bool is_tried_again(const struct object *vm, const struct task *task) REQUIRES_SHARED(model)
{
    return vm_wants_to_run(vm) && (task->cold || (task->verb == VERB_START && vm_is_dead(vm)));
}

static void done_power(struct engine *engine, struct task *task, const GError *error)
    REQUIRES(model)
{
    struct object *vm = vm_of_task(engine, task);

    if (!vm)
        return;
    vm->vm.power_due = vm->vm.power_due && is_unheard(task, error);
    if (error) {
        vm_report(engine, vm, "power", error);
        if (task->start && !vm->vm.power)
            not_switched_off(vm, error);
        if (error->code == ENOENT) /* it went, or to another host, and was still seen after that */
            vm_work(vm)->heard = true;
        if (is_tried_again(vm, task))
            vm_retry_later(engine, vm);
    } else {
        /* A restart that was pending has happened if the domain was started anew. */
        if (task->cold)
            cloud_set_pending(engine->cloud, vm, NULL);
        if (task->cold || task->verb == VERB_REBOOT || task->verb == VERB_RESET)
            health_reset(vm);
        vm_seen(engine, vm, task->domain);
        if (vm->vm.restarts < CRASH_LOOP)
            cloud_set_error(engine->cloud, vm, 0, NULL);
    }
    vm_settled(engine, vm, error);
    if (!vm->vm.power_due) /* else when its host was asked: it may be down, and not known to be */
        vm_reconcile(engine, vm);
}

void vm_power(struct engine *engine, struct object *vm, enum domain_verb verb, bool cold)
{
    struct task *task = vm_task(engine, vm);

    vm_work(vm)->cut_off = false;
    task->start = vm->vm.power;
    task->verb = verb;
    task->cold = cold;
    task->run = run_power;
    task->done = done_power;
    task->deadline_ms = POWER_DEADLINE_MS;
    engine_touch(engine, vm);
    task_submit(engine, host_work(vm->vm.host)->work, task);
}

void vm_follow_power(struct engine *engine, struct object *vm)
{
    if (vm->vm.power != domain_is_active(vm->vm.domain)) {
        cloud_event(engine->cloud, vm, NULL, "%s, as its spec says",
                    vm->vm.power ? "switched on" : "switched off");
        vm_power(engine, vm, vm->vm.power ? VERB_START : VERB_SHUTDOWN, false);
        return;
    }
    vm->vm.power_due = false;
    engine_touch(engine, vm);
}
