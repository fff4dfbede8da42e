/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gathers the terms of the scores from the model; the formulas are core/score's. */
#include "core/cloud/internal.h"

#include <string.h>

#include "core/score/score.h"

static double usage_of(const struct object *vm) REQUIRES_SHARED(model)
{
    if (vm->vm.usage.usage >= 0)
        return vm->vm.usage.usage;
    return vm->spec ? vm->spec->vm.usage : 1.0;
}

static double factor_of(struct cloud *cloud, const struct object *vm) REQUIRES_SHARED(model)
{
    const char *type = vm->vm.type;

    if (!type && vm->spec)
        type = vm->spec->vm.virtualization;
    return conf_virtualization(cloud->conf, type ? type : "");
}

static double processors_of(const struct object *vm) REQUIRES_SHARED(model)
{
    if (vm->vm.cpus > 0)
        return vm->vm.cpus;
    return vm->spec ? vm->spec->vm.cpus : 0;
}

void cloud_vm_score(struct cloud *cloud, const struct object *vm, struct vm_score *score)
{
    const struct object *host = vm->vm.host;

    *score = (struct vm_score){
        .processors = processors_of(vm),
        .virtualization = factor_of(cloud, vm),
        .usage = usage_of(vm),
        .demand = vm->spec ? vm->spec->vm.demand : 1.0,
        .resources = vm->vm.resources,
        .cost = host && host->spec ? host->spec->host.cost : 1.0,
        .available = cloud_available(vm),
        .maintenance_cost = host && host->spec ? host->spec->host.maintenance_cost : 1.0,
    };
    score->performance = score_performance(score->processors, score->virtualization, score->usage);
    score->schedule = score_schedule(score->demand, score->resources, score->cost);
    score->management =
        score_management(score->processors, score->available, score->maintenance_cost);
}

void cloud_host_score(struct cloud *cloud, const struct object *host, struct host_score *score)
{
    *score = (struct host_score){
        .cpus = host->host.cpus,
        .available = cloud_available(host),
        .maintenance_cost = host->spec ? host->spec->host.maintenance_cost : 1.0,
    };
    for (unsigned i = 0; i < host->host.vms->len; i++) {
        struct vm_score vm;

        cloud_vm_score(cloud, host->host.vms->pdata[i], &vm);
        score->performance += vm.performance;
    }
    score->management = score_management(score->cpus, score->available, score->maintenance_cost);
}

static bool runs(const struct object *vm) REQUIRES_SHARED(model)
{
    return strcmp(vm->state, "running") == 0 || strcmp(vm->state, "blocked") == 0;
}

void cloud_service_score(struct cloud *cloud, const struct object *service,
                         struct service_score *score)
{
    const struct service_spec *spec = service->spec ? &service->spec->service : NULL;
    const GPtrArray *members = service->service.members;

    *score = (struct service_score){
        .demand = spec ? spec->demand : 1.0,
        .replicas = spec ? spec->replicas : 0,
        .cost = spec ? spec->cost : 1.0,
        .members = members->len,
    };
    for (unsigned i = 0; i < members->len; i++) {
        const struct object *member = members->pdata[i];
        struct vm_score vm;

        cloud_vm_score(cloud, member, &vm);
        score->performance += vm.performance;
        score->management += vm.management;
        score->running += runs(member);
        score->ready += cloud_vm_ready(member);
        score->updated += !member->vm.outdated;
    }
    score->schedule = score_schedule(score->demand, score->replicas, score->cost);
}

static void add_hosts(struct cloud *cloud, struct cloud_score *score) REQUIRES_SHARED(model)
{
    const GPtrArray *hosts = cloud->objects[OBJECT_HOST];

    score->hosts = hosts->len;
    for (unsigned i = 0; i < hosts->len; i++) {
        const struct object *host = hosts->pdata[i];
        struct place_use use;

        score->hosts_up += host->host.phase == HOST_UP;
        if (!place_use(cloud->place, host->id, &use))
            continue;
        score->cpus += (double)use.cpus_max;
        score->cpus_reserved += (double)use.cpus;
        score->memory += (double)use.memory_max;
        score->memory_reserved += (double)use.memory;
    }
}

void cloud_total_score(struct cloud *cloud, struct cloud_score *score)
{
    const GPtrArray *vms = cloud->objects[OBJECT_VM];

    *score = (struct cloud_score){
        .vms = vms->len,
        .services = cloud->objects[OBJECT_SERVICE]->len,
    };
    add_hosts(cloud, score);
    for (unsigned i = 0; i < vms->len; i++) {
        struct vm_score vm;

        cloud_vm_score(cloud, vms->pdata[i], &vm);
        score->performance += vm.performance;
        score->schedule += vm.schedule;
        score->management += vm.management;
        score->vms_running += runs(vms->pdata[i]);
    }
}
