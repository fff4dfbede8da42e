/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What users ask of VMs: a spec, and to be destroyed. */
#include <string.h>

#include "core/failpoint.h"
#include "core/reconcile/internal.h"

static bool same_text(const struct object *vm, const char *text) REQUIRES_SHARED(model)
{
    return vm->spec_text && strcmp(vm->spec_text, text) == 0;
}

/* Nothing to do: this very spec is in force, or on its way to be. */
static bool in_force(const struct object *vm, const char *text) REQUIRES_SHARED(model)
{
    return vm->vm.managed && !vm->next && same_text(vm, text) && vm->vm.phase != VM_FAILED &&
           vm->vm.phase != VM_DRAFT;
}

static bool may_commit(struct object *vm, GError **error) REQUIRES(model)
{
    if (vm->vm.service)
        fail(error, EPERM, "%s is a member of service %s: change services/%s/spec", vm->name,
             vm->vm.service->name, vm->vm.service->name);
    else if (vm_glance(vm)->busy || vm->vm.phase == VM_CREATING || vm->vm.phase == VM_DESTROYING)
        fail(error, EBUSY, "a job of %s is under way: state is %s", vm->name, vm->state);
    else
        return true;
    return false;
}

/* What is refused leaves the object as it was, but for `error` and the reasons in `placement`. */
static bool can_be_placed(struct engine *engine, struct object *vm, Spec *spec, GError **error)
    REQUIRES(model)
{
    g_autofree const char **types = placing_types(engine, &spec->vm);
    struct place_want want = cloud_want(vm, &spec->vm, types);

    if (placing_check(engine, vm, &spec->vm, error))
        return true;
    cloud_set_placement(engine->cloud, vm, place_explain(cloud_place(engine->cloud), &want));
    return false;
}

/* Whether VM may stay where it is under SPEC. */
static bool fits_in_place(struct engine *engine, struct object *vm, Spec *spec, GError **error)
    REQUIRES(model)
{
    struct object *host = vm->vm.host;

    if (spec->vm.virtualization && g_strcmp0(spec->vm.virtualization, vm->vm.type) != 0) {
        fail(error, EOPNOTSUPP,
             "virtualization cannot change from %s to %s: remove %s and make "
             "it again",
             vm->vm.type, spec->vm.virtualization, vm->name);
        return false;
    }
    if (spec->vm.host && strcmp(spec->vm.host, host->name) != 0) {
        fail(error, EBUSY, "%s is on host %s and cannot move to %s", vm->name, host->name,
             spec->vm.host);
        return false;
    }
    return placing_may_stay(engine, vm, &spec->vm, error);
}

/* Of one whose disk is on its host: it is made again there, with that. */
static bool keeps_disk(struct engine *engine, struct object *vm, Spec *spec, GError **error)
    REQUIRES(model)
{
    if (!vm_is_bound(vm))
        return true;
    if (spec->vm.disk || spec->vm.image)
        return fits_in_place(engine, vm, spec, error);
    fail(error, EINVAL, "disk cannot be left out: %s has it on host %s, and data on it", vm->name,
         vm->vm.host->name);
    return false;
}

static void commit_new(struct engine *engine, struct request *request, struct object *vm,
                       const char *text, Spec *spec) REQUIRES(model)
{
    g_autoptr(GError) error = NULL;

    if (!quota_allows(engine, vm, spec, &error) || !keeps_disk(engine, vm, spec, &error) ||
        (!request->actor.restoring && !can_be_placed(engine, vm, spec, &error))) {
        request_finish(engine, request->ticket, vm, error);
        return;
    }
    cloud_set_error(engine->cloud, vm, 0, NULL);
    cloud_event(engine->cloud, vm, &request->actor, "spec written");
    failpoint_reached("create.accepted");
    vm_begin(engine, vm, text, spec);
    request_wait(engine, request, &vm_work(vm)->waiters, true);
}

static void commit_change(struct engine *engine, struct request *request, struct object *vm,
                          const char *text, Spec *spec) REQUIRES(model)
{
    g_autoptr(GError) error = NULL;

    if (!quota_allows(engine, vm, spec, &error) || !host_require_up(vm->vm.host, &error) ||
        !fits_in_place(engine, vm, spec, &error)) {
        request_finish(engine, request->ticket, vm, error);
        return;
    }
    cloud_event(engine->cloud, vm, &request->actor, "spec written%s",
                vm->vm.managed ? "" : ": adopted");
    vm_work(vm)->adopting = !vm->vm.managed;
    vm_set_next(engine, vm, text, spec);
    failpoint_reached("change.accepted");
    request_wait(engine, request, &vm_work(vm)->waiters, true);
}

void vm_commit(struct engine *engine, struct request *request, struct object *vm, const char *text,
               Spec *spec)
{
    g_autoptr(GError) error = NULL;

    if (in_force(vm, text)) {
        request_answer(engine, request->ticket, 0);
        return;
    }
    if (!may_commit(vm, &error)) {
        request_finish(engine, request->ticket, vm, error);
        return;
    }
    if (vm->vm.phase == VM_ACTIVE)
        commit_change(engine, request, vm, text, spec);
    else
        commit_new(engine, request, vm, text, spec);
}

bool vm_may_go(struct object *vm, GError **error)
{
    if (vm->vm.service)
        fail(error, EPERM, "%s is a member of service %s: scale or remove that", vm->name,
             vm->vm.service->name);
    else if (!vm->vm.managed)
        fail(error, EPERM, "%s was not made by cloudfs: write its spec to adopt it first",
             vm->name);
    else if (vm->spec && vm->spec->vm.protect)
        fail(error, EPERM, "%s is protected (protect = yes in its spec)", vm->name);
    else if (vm_glance(vm)->busy)
        fail(error, EBUSY, "a job of %s is under way: state is %s", vm->name, vm->state);
    else
        return true;
    return false;
}

void vm_remove(struct engine *engine, struct request *request, struct object *vm)
{
    g_autoptr(GError) error = NULL;

    if (!vm_may_go(vm, &error) || (vm->vm.host && !host_require_up(vm->vm.host, &error))) {
        request_finish(engine, request->ticket, vm, error);
        return;
    }
    if (vm->vm.host) {
        cloud_event(engine->cloud, vm, &request->actor, "removing");
        vm_destroy(engine, vm);
        failpoint_reached("destroy.accepted");
        /* Not bounded: rmdir(2) that says 0 while the name is still there would mislead. */
        request_wait(engine, request, &vm_work(vm)->waiters, false);
        return;
    }
    cloud_event(engine->cloud, vm, &request->actor, "removed");
    vm_forget(engine, vm);
    request_answer(engine, request->ticket, 0);
}
