/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/reconcile/vmtask.h"

enum { ASK_MS = 2000 }; /* until a host is asked what became of a job */

struct task *vm_task(struct engine *engine, struct object *vm)
{
    struct task *task = task_new(engine, vm->vm.host, vm->id);

    task->uuid = g_strdup(vm->vm.uuid);
    task->name = g_strdup(vm->vm.domain_name ? vm->vm.domain_name : vm->name);
    task->job = ++engine->last_job;
    vm_work(vm)->job = task->job;
    vm_work(vm)->busy = true;
    return task;
}

void vm_task_plan(struct engine *engine, struct task *task, struct object *vm, Spec *spec,
                  const char *text)
{
    task->type = g_strdup(vm->vm.type);
    task->object = g_strdup(vm->name);
    task->spec = spec_ref(spec);
    task->paths = spec->trusted ? NULL : (const char *const *)engine->conf->paths;
    task->given = engine->conf->paths_given;
    task->text = g_strdup(text);
    task->cloud_uuid = g_strdup(store_cloud_uuid(engine->store));
    task->service = vm->vm.service ? g_strdup(vm->vm.service->name) : NULL;
    task->start = vm->vm.power;
    task->fresh = vm->vm.fresh;
    task->waits = g_strdup(vm->vm.pending);
}

struct virt_plan task_plan(const struct task *task)
{
    return (struct virt_plan){
        .uuid = task->uuid,
        .name = task->name,
        .type = task->type,
        .vm = &task->spec->vm,
        .mark = {.cloud = task->cloud_uuid,
                 .id = task->id,
                 .name = task->object,
                 .service = task->service,
                 .spec = task->text},
        .paths = task->paths,
        .waits = task->waits,
        .seen = task->seen,
        .given = task->given,
        .start = task->start,
        .fresh = task->fresh,
        .newborn = task->newborn,
    };
}

struct object *vm_of_task(struct engine *engine, const struct task *task)
{
    struct object *vm = cloud_by_id(engine->cloud, task->id);

    return vm && vm->kind == OBJECT_VM && vm_work(vm)->job == task->job ? vm : NULL;
}

bool vm_outcome_unknown(const GError *error)
{
    return error->code == EHOSTDOWN || error->code == ETIMEDOUT || error->code == ECANCELED;
}

static void ask(struct engine *engine, void *data) REQUIRES(model)
{
    struct object *vm = cloud_by_id(engine->cloud, *(uint64_t *)data);

    if (!vm || vm->kind != OBJECT_VM)
        return;
    vm_work(vm)->ask_timer = 0;
    if (host_is_up(vm->vm.host))
        host_look(engine, vm->vm.host, vm->vm.uuid);
}

/* A host that is connected to anew tells of all its domains; one that was not lost is asked. */
static void ask_later(struct engine *engine, struct object *vm) REQUIRES(model)
{
    timer_stop(engine, &vm_work(vm)->ask_timer);
    vm_work(vm)->ask_timer =
        timer_start(engine, ASK_MS, ask, g_memdup2(&vm->id, sizeof vm->id), g_free);
}

void vm_report(struct engine *engine, struct object *vm, const char *doing, const GError *error)

{
    cloud_set_error(engine->cloud, vm, error->code, error->message);
    cloud_event(engine->cloud, vm, NULL, "%s failed: %s", doing, error->message);
    engine_touch(engine, vm);
    if (vm_outcome_unknown(error) || vm->vm.power_due)
        ask_later(engine, vm);
}
