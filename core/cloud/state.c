/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The word in `state`, worked out from the fields that make it, and the clock of availability. */
#include "core/cloud/internal.h"

#include <string.h>

static const char *host_word(const struct object *host) REQUIRES_SHARED(model)
{
    switch (host->host.phase) {
    case HOST_DRAFT:
        return "draft";
    case HOST_CONNECTING:
        return "connecting";
    case HOST_DOWN:
        return "down";
    case HOST_UP:
        break;
    }
    if (host->host.leaving_uri)
        return "connecting";
    return host->host.maintenance ? "maintenance" : "up";
}

static const char *vm_word(const struct object *vm) REQUIRES_SHARED(model)
{
    switch (vm->vm.phase) {
    case VM_DRAFT:
        return "draft";
    case VM_PENDING:
        return "pending";
    case VM_CREATING:
        return "creating";
    case VM_FAILED:
        return "failed";
    case VM_DESTROYING:
        return "destroying";
    case VM_ACTIVE:
        break;
    }
    if (!vm->vm.host || vm->vm.host->host.phase == HOST_DOWN)
        return "unknown";
    return domain_state_word(vm->vm.domain);
}

static bool vm_runs(const struct object *vm) REQUIRES_SHARED(model)
{
    return vm->vm.phase == VM_ACTIVE && vm->vm.host && vm->vm.host->host.phase == HOST_UP &&
           (vm->vm.domain == DOMAIN_RUNNING || vm->vm.domain == DOMAIN_BLOCKED);
}

bool cloud_vm_ready(const struct object *vm)
{
    bool checked = vm->spec && vm->spec->vm.health.kind != HEALTH_NONE;

    return vm_runs(vm) && vm->vm.restarts < CRASH_LOOP &&
           (!checked || vm->vm.health == HEALTH_GOOD);
}

/* ---- what a service has of its members */

enum { READY = 1, FAILED = 2, OUTDATED = 4 };

static uint8_t standing(const struct object *vm) REQUIRES_SHARED(model)
{
    uint8_t outdated = vm->vm.outdated ? OUTDATED : 0;

    if (cloud_vm_ready(vm))
        return READY | outdated;
    return (vm->vm.phase == VM_FAILED ? FAILED : 0) | outdated;
}

static void count_as(struct object *vm, uint8_t now) REQUIRES(model)
{
    struct service_part *part = &vm->vm.service->service;
    uint8_t before = vm->vm.counted;

    part->ready += !!(now & READY) - !!(before & READY);
    part->failed += !!(now & FAILED) - !!(before & FAILED);
    part->outdated += !!(now & OUTDATED) - !!(before & OUTDATED);
    vm->vm.counted = now;
}

void member_count(struct object *vm)
{
    if (vm->kind == OBJECT_VM && vm->vm.service)
        count_as(vm, standing(vm));
}

void member_uncount(struct object *vm)
{
    count_as(vm, 0);
}

void cloud_set_outdated(struct object *vm, bool outdated)
{
    vm->vm.outdated = outdated;
    member_count(vm);
}

static const char *service_word(const struct object *service) REQUIRES_SHARED(model)
{
    const struct service_part *part = &service->service;

    if (!service->spec)
        return "draft";
    if (part->ready >= service->spec->service.replicas && part->outdated == 0)
        return "ready";
    if (part->ready > 0)
        return "degraded";
    return part->failed > 0 && part->failed == part->members->len ? "failed" : "pending";
}

static const char *plan_word(const struct object *plan) REQUIRES_SHARED(model)
{
    if (plan->plan.drafts > 0)
        return "batch";
    return plan->spec ? "plan" : "draft";
}

static const char *word_of(const struct object *object) REQUIRES_SHARED(model)
{
    switch (object->kind) {
    case OBJECT_HOST:
        return host_word(object);
    case OBJECT_VM:
        return vm_word(object);
    case OBJECT_SERVICE:
        return service_word(object);
    case OBJECT_PLAN:
        return plan_word(object);
    case OBJECT_FOLDER:
    case OBJECT_KINDS:
        break;
    }
    return "";
}

static bool is_available(const struct object *object) REQUIRES_SHARED(model)
{
    switch (object->kind) {
    case OBJECT_HOST:
        return object->host.phase == HOST_UP;
    case OBJECT_VM:
        return vm_runs(object);
    case OBJECT_SERVICE:
        return strcmp(service_word(object), "ready") == 0;
    case OBJECT_PLAN:
    case OBJECT_FOLDER:
    case OBJECT_KINDS:
        break;
    }
    return false;
}

/* T counts by the monotonic clock: setting the wall clock must not move it. */
static void run_clock(struct object *object) REQUIRES(model)
{
    bool runs = object->since >= 0;
    bool should = is_available(object);
    int64_t now = monotonic_now();

    object->measured = now;
    if (runs == should)
        return;
    if (runs) {
        object->available += now - object->since;
        object->since = -1;
    } else {
        object->since = now;
    }
}

double cloud_available(const struct object *object)
{
    int64_t total = object->available;

    if (object->since >= 0)
        total += MAX(object->measured - object->since, 0);
    return (double)total / 1e9;
}

void cloud_sampled(struct cloud *cloud, struct object *host)
{
    int64_t now = monotonic_now();

    host->measured = now;
    host->host.samples++;
    for (unsigned i = 0; i < host->host.vms->len; i++)
        ((struct object *)host->host.vms->pdata[i])->measured = now;
    cloud_tell(cloud, CHANGE_SAMPLED, host, FACET_SELF, NULL);
}

void cloud_reserved(struct cloud *cloud, const struct object *host)
{
    cloud_tell(cloud, CHANGE_MEASURED, host, FACET_SELF, NULL);
}

void cloud_refresh_state(struct cloud *cloud, struct object *object)
{
    const char *word;
    bool moved;

    member_count(object);
    word = word_of(object);
    moved = strcmp(word, object->state) != 0;
    run_clock(object);
    object->state = word;
    if (moved)
        cloud_stamp(cloud, object, FACET_STATE);
    else
        cloud_tell(cloud, CHANGE_MEASURED, object, FACET_SELF, NULL);
    if (object->kind == OBJECT_HOST) {
        cloud_refresh_place(cloud, object);
        for (unsigned i = 0; i < object->host.vms->len; i++)
            cloud_refresh_state(cloud, object->host.vms->pdata[i]);
    } else if (object->kind == OBJECT_VM && object->vm.service) {
        cloud_refresh_state(cloud, object->vm.service);
    }
}
