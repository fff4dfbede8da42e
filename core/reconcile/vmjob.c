/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The jobs that make, change and destroy a VM's domain, and what comes of each. */
#include <string.h>

#include "core/failpoint.h"
#include "core/reconcile/vmtask.h"

enum {
    CREATE_DEADLINE_MS = 300000, /* images may be copied */
    CHANGE_DEADLINE_MS = 60000,
    DESTROY_DEADLINE_MS = 60000,
};

/* ---- make */

static void run_create(struct task *task, const struct virt_ops *ops, struct virt *virt,
                       GError **error)
{
    const struct virt_plan plan = task_plan(task);

    ops->create(virt, &plan, &task->domain, error);
}

bool vm_is_bound(const struct object *vm)
{
    return vm->vm.host && vm->vm.uuid[0] && !vm->vm.fresh && vm->spec &&
           (vm->spec->vm.disk || vm->spec->vm.image);
}

static void leave_host(struct engine *engine, struct object *vm) REQUIRES(model)
{
    if (vm_is_bound(vm))
        return;
    place_give(cloud_place(engine->cloud), vm->id);
    cloud_set_host(engine->cloud, vm, NULL);
    engine->room_changed = true;
}

void vm_withdraw(struct engine *engine, struct object *vm, enum vm_phase phase)
{
    vm_work(vm)->busy = false;
    vm_work(vm)->job = 0;
    g_clear_pointer(&vm_work(vm)->tried, g_array_unref);
    leave_host(engine, vm);
    vm->vm.phase = phase;
    if (phase == VM_PENDING)
        g_hash_table_replace(engine->pending, &vm->id, object_ref(vm));
    else
        g_hash_table_remove(engine->pending, &vm->id);
    cloud_refresh_state(engine->cloud, vm);
    engine_touch(engine, vm);
}

bool vm_is_made_in_vain(const struct object *vm)
{
    return vm->vm.service && vm->vm.outdated &&
           (vm->vm.phase == VM_CREATING || vm->vm.phase == VM_FAILED);
}

/* The host could not: the next best is tried, if there is one. */
static bool try_elsewhere(struct engine *engine, struct object *vm, uint64_t failed_on)
    REQUIRES(model)
{
    struct vm_work *work = vm_work(vm);

    if (vm_is_bound(vm))
        return false;
    if (!work->tried)
        work->tried = g_array_new(false, false, sizeof(uint64_t));
    g_array_append_val(work->tried, failed_on);
    leave_host(engine, vm);
    if (vm_place(engine, vm))
        return true;
    vm_explain(engine, vm);
    return false;
}

/* Where it could not be made. Under another template its service makes it anew, and not before what
 * it has on its host is removed. */
static bool is_made_again(const struct object *vm) REQUIRES_SHARED(model)
{
    if (!vm_is_bound(vm))
        return vm->vm.service != NULL;
    return vm_wants_to_run(vm) && !vm_is_made_in_vain(vm);
}

static void create_failed(struct engine *engine, struct object *vm, uint64_t host,
                          const GError *error) REQUIRES(model)
{
    vm_report(engine, vm, "creating", error);
    vm_work(vm)->awaited = 0;
    if (vm_outcome_unknown(error)) {
        /* It stays bound to the host and is finished when that returns: making it on another
         * one now could make it twice. */
        vm_settled(engine, vm, error);
        return;
    }
    vm_work(vm)->busy = false;
    if (vm_is_made_in_vain(vm))
        leave_host(engine, vm);
    else if (try_elsewhere(engine, vm, host))
        return;
    g_clear_pointer(&vm_work(vm)->tried, g_array_unref);
    vm->vm.phase = VM_FAILED;
    /* The disk of one that has been there goes by its UUID: it shall find that when it is made. */
    if (vm->vm.fresh)
        cloud_set_uuid(engine->cloud, vm, NULL);
    cloud_refresh_state(engine->cloud, vm);
    if (is_made_again(vm))
        vm_retry_later(engine, vm);
    vm_settled(engine, vm, error);
}

static void done_create(struct engine *engine, struct task *task, const GError *error)
    REQUIRES(model)
{
    struct object *vm = vm_of_task(engine, task);

    if (!vm)
        return;
    if (task->unsaved) {
        vm_withdraw(engine, vm, VM_PENDING); /* placed again when saving works */
        return;
    }
    if (error) {
        create_failed(engine, vm, task->host, error);
        return;
    }
    failpoint_reached("create.told");
    g_clear_pointer(&vm_work(vm)->tried, g_array_unref);
    cloud_set_error(engine->cloud, vm, 0, NULL);
    vm_seen(engine, vm, task->domain);
    cloud_event(engine->cloud, vm, NULL, "%s on %s", vm->vm.power ? "running" : "defined",
                vm->vm.host->name);
    requests_answer_kept(engine, &vm_work(vm)->waiters);
    vm_settled(engine, vm, NULL);
    vm_reconcile(engine, vm);
}

void vm_create(struct engine *engine, struct object *vm)
{
    bool newborn = !vm->vm.uuid[0];
    struct task *task;

    /* Stored by a cloudfs that placed VMs on hosts that offer nothing for them. */
    if (!vm->vm.type) {
        vm_withdraw(engine, vm, VM_PENDING);
        return;
    }
    if (newborn) {
        g_autofree char *uuid = g_uuid_string_random();

        cloud_set_uuid(engine->cloud, vm, uuid);
        vm->vm.fresh = true;
    }
    vm->vm.phase = VM_CREATING;
    cloud_refresh_state(engine->cloud, vm);
    engine_touch(engine, vm);
    task = vm_task(engine, vm);
    vm_task_plan(engine, task, vm, vm->spec, vm->spec_text);
    task->newborn = newborn;
    task->seen = packed_text(vm->vm.xml);
    vm_work(vm)->awaited = 1U << VIRT_DEFINED | (task->start ? 1U << VIRT_STARTED : 0);
    task->run = run_create;
    task->done = done_create;
    task->deadline_ms = CREATE_DEADLINE_MS;
    task_submit(engine, host_work(vm->vm.host)->work, task);
}

/* ---- change */

static void run_change(struct task *task, const struct virt_ops *ops, struct virt *virt,
                       GError **error)
{
    const struct virt_plan plan = task_plan(task);

    ops->change(virt, &plan, &task->before->vm, &task->restart, &task->what, &task->domain, error);
}

static void change_failed(struct engine *engine, struct object *vm, const GError *error)
    REQUIRES(model)
{
    vm_report(engine, vm, "changing", error);
    vm_work(vm)->adopting = false;
    if (!vm_outcome_unknown(error)) {
        g_free(vm_work(vm)->refused);
        vm_work(vm)->refused = g_strdup(vm->next_text);
        vm_work(vm)->refused_code = error->code;
        cloud_set_next(engine->cloud, vm, NULL, NULL);
        placing_reserve(engine, vm);
        engine->room_changed = true;
        if (vm->vm.service && error->code != EOPNOTSUPP) /* then its service makes it anew */
            vm_retry_later(engine, vm);
    }
    vm_settled(engine, vm, error);
}

/* A spec that says `power` rules; one that does not leaves the power as it is. */
static void take_power(struct object *vm) REQUIRES(model)
{
    if (!(vm->spec->given & spec_key_bit(SPEC_VM, "power")))
        return;
    vm->vm.power = vm->spec->vm.power;
    vm->vm.power_due = true;
}

static void note_restart(struct engine *engine, struct object *vm, const struct task *task)
    REQUIRES(model)
{
    g_autofree char *sentence =
        task->restart ? g_strdup_printf("a restart is pending; %s", task->what ? task->what : "")
                      : NULL;

    cloud_set_pending(engine->cloud, vm, sentence);
}

static void done_change(struct engine *engine, struct task *task, const GError *error)
    REQUIRES(model)
{
    struct object *vm = vm_of_task(engine, task);

    if (!vm)
        return;
    if (error) {
        change_failed(engine, vm, error);
        return;
    }
    failpoint_reached("change.told");
    if (vm_work(vm)->adopting) {
        cloud_set_managed(engine->cloud, vm);
        vm->vm.power = domain_is_active(vm->vm.domain);
        vm_work(vm)->adopting = false;
    }
    cloud_accept_next(vm);
    take_power(vm);
    cloud_set_error(engine->cloud, vm, 0, NULL);
    note_restart(engine, vm, task);
    vm_seen(engine, vm, task->domain);
    cloud_event(engine->cloud, vm, NULL, "changed%s",
                task->restart ? ", in part at the next start" : "");
    vm_settled(engine, vm, NULL);
    if (vm->vm.power_due)
        vm_follow_power(engine, vm);
}

void vm_set_next(struct engine *engine, struct object *vm, const char *text, Spec *spec)
{
    cloud_set_next(engine->cloud, vm, g_strdup(text), spec_ref(spec));
    placing_reserve(engine, vm);
    engine_touch(engine, vm);
    vm_change(engine, vm);
}

void vm_change(struct engine *engine, struct object *vm)
{
    struct task *task = vm_task(engine, vm);

    vm_task_plan(engine, task, vm, vm->next, vm->next_text);
    task->before = spec_ref(vm->spec ? vm->spec : vm->next);
    task->run = run_change;
    task->done = done_change;
    task->deadline_ms = CHANGE_DEADLINE_MS;
    task_submit(engine, host_work(vm->vm.host)->work, task);
}

/* ---- destroy */

static void run_destroy(struct task *task, const struct virt_ops *ops, struct virt *virt,
                        GError **error)
{
    ops->destroy(virt, task->uuid, task->name, task->seen, error);
}

static void done_destroy(struct engine *engine, struct task *task, const GError *error)
    REQUIRES(model)
{
    struct object *vm = vm_of_task(engine, task);
    struct object *service;

    if (!vm)
        return;
    service = vm->vm.service;
    if (!error) {
        failpoint_reached("destroy.told");
        cloud_event(engine->cloud, vm, NULL, "destroyed");
        discover_bury(engine, task->uuid);
        vm_settled(engine, vm, NULL);
        vm_forget(engine, vm);
    } else {
        vm_report(engine, vm, "destroying", error);
        /* It is tried again when the host returns; a plain refusal brings the VM back, as it was:
         * one whose domain is gone has no state of that. */
        if (!vm_outcome_unknown(error))
            vm->vm.phase = vm->vm.domain == DOMAIN_NOSTATE ? VM_FAILED : VM_ACTIVE;
        vm_work(vm)->hung = error->code == ETIMEDOUT;
        vm_work(vm)->kept = service != NULL;
        if (vm_work(vm)->kept)
            vm_retry_later(engine, vm);
        cloud_refresh_state(engine->cloud, vm);
        vm_settled(engine, vm, error);
    }
    if (service)
        service_nudge(engine, service);
}

void vm_destroy(struct engine *engine, struct object *vm)
{
    struct task *task = vm_task(engine, vm);

    vm->vm.phase = VM_DESTROYING;
    cloud_refresh_state(engine->cloud, vm);
    engine_touch(engine, vm);
    task->seen = packed_text(vm->vm.xml);
    task->run = run_destroy;
    task->done = done_destroy;
    task->deadline_ms = DESTROY_DEADLINE_MS;
    task_submit(engine, host_work(vm->vm.host)->work, task);
}
