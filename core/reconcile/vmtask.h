/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the jobs of VMs share: from the model to a task, and back. */
#pragma once

#include "core/reconcile/internal.h"

/* A task on VM's domain; VM is busy from now on. */
struct task *vm_task(struct engine *engine, struct object *vm) REQUIRES(model);
/* What is to be made of the domain: as SPEC says, whose text is TEXT. */
void vm_task_plan(struct engine *engine, struct task *task, struct object *vm, Spec *spec,
                  const char *text) REQUIRES(model);
/* The same for the hypervisor; on a worker. */
struct virt_plan task_plan(const struct task *task);
/* The VM a task is about, unless it is gone or the task was taken back. */
struct object *vm_of_task(struct engine *engine, const struct task *task) REQUIRES(model);
/* The call may have done its work, or may yet: nobody knows until the host is seen again. */
bool vm_outcome_unknown(const GError *error);
/* Into `error` and `events`; its host is asked later what became of it if nobody knows,
 * and VM switched then if that is due. */
void vm_report(struct engine *engine, struct object *vm, const char *doing, const GError *error)
    REQUIRES(model);
