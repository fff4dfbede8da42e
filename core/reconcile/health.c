/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking guests whether they work, as `health` in their specs says. Each VM has a timer of its own;
 * the question is a job in a lane of the host for that alone, so that guests that do not answer
 * delay nothing but other questions to the same host. Until the first answer of a start failures
 * do not count, for as long as the guest may take to boot. What says nothing about the guest (its
 * host is down, no address of it is known) counts as neither.
 */
#include "core/reconcile/vmtask.h"

enum {
    PROBE_DEADLINE_MS = 45000, /* above what a hypervisor itself waits for a guest that is busy */
    EAGER_MS = 1000,           /* between checks while nothing is known yet */
};

static bool is_checked(const struct object *vm) REQUIRES_SHARED(model)
{
    return vm->vm.managed && vm->spec && vm->spec->vm.health.kind != HEALTH_NONE &&
           vm->vm.phase == VM_ACTIVE && vm->vm.domain == DOMAIN_RUNNING && host_is_up(vm->vm.host);
}

void health_reset(struct object *vm)
{
    vm->vm.health = HEALTH_UNKNOWN;
    if (vm->work) {
        vm_work(vm)->sick = 0;
        vm_work(vm)->asked = 0;
    }
}

static void note_health(struct engine *engine, struct object *vm, bool good, const char *sentence)
    REQUIRES(model)
{
    vm->vm.health = good ? HEALTH_GOOD : HEALTH_BAD;
    cloud_event(engine->cloud, vm, NULL, "%s", sentence ? sentence : "healthy");
    cloud_set_error(engine->cloud, vm, sentence ? EIO : 0, sentence);
    cloud_refresh_state(engine->cloud, vm);
    engine_touch(engine, vm);
    if (vm->vm.service)
        service_nudge(engine, vm->vm.service);
}

static void failed_check(struct engine *engine, struct object *vm, const char *why) REQUIRES(model)
{
    struct vm_work *work = vm_work(vm);
    const struct vm_spec *spec = &vm->spec->vm;
    double since = (double)(g_get_monotonic_time() - work->asked) / G_USEC_PER_SEC;
    g_autofree char *sentence = NULL;

    if (vm->vm.health == HEALTH_UNKNOWN && since < spec->health_start)
        return;
    work->sick++;
    if (work->sick < spec->health_failures)
        return;
    sentence = g_strdup_printf("unhealthy: %s", why);
    if (vm->vm.health != HEALTH_BAD)
        note_health(engine, vm, false, sentence);
    vm_cure_later(engine, vm);
}

/* Nobody can tell; a reader of `error` should know why, if it is not ready for that. */
static void unknown_check(struct engine *engine, struct object *vm, const GError *error)
    REQUIRES(model)
{
    g_autofree char *sentence = g_strdup_printf("health is not known: %s", error->message);

    if (vm->vm.health != HEALTH_UNKNOWN || vm_outcome_unknown(error) || error->code == EBUSY)
        return;
    cloud_set_error(engine->cloud, vm, error->code, sentence);
    if (vm->vm.service)
        service_nudge(engine, vm->vm.service);
}

static void run_probe(struct task *task, const struct virt_ops *ops, struct virt *virt,
                      GError **error)
{
    ops->probe(virt, task->uuid, &task->spec->vm.health, &task->what, error);
}

static void done_probe(struct engine *engine, struct task *task, const GError *error)
    REQUIRES(model)
{
    struct object *vm = cloud_by_id(engine->cloud, task->id);

    if (!vm || vm->kind != OBJECT_VM)
        return;
    vm_work(vm)->probing = false;
    /* What it says may be of another spec, or of the start before. */
    if (!is_checked(vm) || vm_glance(vm)->busy || vm->spec != task->spec || !vm_glance(vm)->asked) {
        health_follow(engine, vm);
        return;
    }
    if (error) {
        unknown_check(engine, vm, error);
    } else if (task->what) {
        failed_check(engine, vm, task->what);
    } else {
        vm_work(vm)->sick = 0;
        if (vm->vm.health != HEALTH_GOOD)
            note_health(engine, vm, true, NULL);
    }
    health_follow(engine, vm);
}

static void check_now(struct engine *engine, void *data) REQUIRES(model)
{
    struct object *vm = cloud_by_id(engine->cloud, *(uint64_t *)data);
    struct task *task;

    if (!vm || vm->kind != OBJECT_VM)
        return;
    vm_work(vm)->health_timer = 0;
    if (!is_checked(vm) || vm_glance(vm)->busy) {
        health_follow(engine, vm);
        return;
    }
    if (!vm_glance(vm)->asked)
        vm_work(vm)->asked = g_get_monotonic_time();
    task = task_new(engine, vm->vm.host, vm->id);
    task->uuid = g_strdup(vm->vm.uuid);
    task->spec = spec_ref(vm->spec);
    task->run = run_probe;
    task->done = done_probe;
    task->deadline_ms = PROBE_DEADLINE_MS;
    vm_work(vm)->probing = true;
    task_submit(engine, host_work(vm->vm.host)->probe, task);
}

void health_follow(struct engine *engine, struct object *vm)
{
    struct vm_work *work;
    unsigned delay;

    if (!is_checked(vm)) {
        if (vm->work)
            timer_stop(engine, &vm_work(vm)->health_timer);
        return;
    }
    work = vm_work(vm);
    if (work->health_timer || work->probing)
        return;
    delay = (unsigned)(vm->spec->vm.health_interval * 1000);
    if (vm->vm.health == HEALTH_UNKNOWN)
        delay = MIN(delay, EAGER_MS);
    work->health_timer =
        timer_start(engine, delay, check_now, g_memdup2(&vm->id, sizeof vm->id), g_free);
}
