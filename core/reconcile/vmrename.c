/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The job that gives a VM's domain another name; the directory's follows. Which name it is to be is
 * kept with the VM until that is over, so that a crash, or a host that is lost, on the way does not
 * leave the two with different ones.
 */
#include <string.h>

#include "core/failpoint.h"
#include "core/reconcile/vmtask.h"

enum { RENAME_DEADLINE_MS = 60000 };

static void run_rename(struct task *task, const struct virt_ops *ops, struct virt *virt,
                       GError **error)
{
    const struct virt_plan plan = task_plan(task);

    ops->rename(virt, &plan, &task->domain, error);
}

static bool is_taken(struct engine *engine, const struct object *vm, const char *name)
    REQUIRES_SHARED(model)
{
    const struct object *other = cloud_find(engine->cloud, OBJECT_VM, name);

    return other && other != vm;
}

/* Somebody took the name while the domain was given it: it gets its own again. */
static void rename_back(struct engine *engine, struct object *vm, const char *name) REQUIRES(model)
{
    g_autoptr(GError) error = NULL;

    fail(&error, EEXIST, "the name %s was taken meanwhile", name);
    vm_report(engine, vm, "renaming", error);
    vm->vm.new_name = g_strdup(vm->name);
    vm_settled(engine, vm, error);
    vm_reconcile(engine, vm);
}

static void renamed(struct engine *engine, struct object *vm, const struct task *task)
    REQUIRES(model)
{
    failpoint_reached("rename.told");
    if (strcmp(task->object, vm->name) != 0)
        vm_renamed(engine, vm, task->object);
    vm_seen(engine, vm, task->domain);
    vm_settled(engine, vm, NULL);
}

static void done_rename(struct engine *engine, struct task *task, const GError *error)
    REQUIRES(model)
{
    struct object *vm = vm_of_task(engine, task);

    if (!vm)
        return;
    if (!error || !vm_outcome_unknown(error))
        g_clear_pointer(&vm->vm.new_name, g_free);
    if (error) {
        vm_report(engine, vm, "renaming", error);
        vm_settled(engine, vm, error);
    } else if (is_taken(engine, vm, task->object)) {
        vm_seen(engine, vm, task->domain);
        rename_back(engine, vm, task->object);
    } else {
        renamed(engine, vm, task);
    }
}

void vm_rename(struct engine *engine, struct object *vm, const char *name)
{
    struct task *task = vm_task(engine, vm);

    if (is_taken(engine, vm, name)) /* since it was asked for */
        name = vm->name;
    vm_task_plan(engine, task, vm, vm->spec, vm->spec_text);
    if (name != vm->vm.new_name) {
        g_free(vm->vm.new_name);
        vm->vm.new_name = g_strdup(name);
    }
    engine_touch(engine, vm);
    g_free(task->name);
    task->name = g_strdup(name);
    g_free(task->object);
    task->object = g_strdup(name);
    task->run = run_rename;
    task->done = done_rename;
    task->deadline_ms = RENAME_DEADLINE_MS;
    task_submit(engine, host_work(vm->vm.host)->work, task);
}
