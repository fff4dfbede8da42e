/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Relations: on which host a VM is, of which service it is a member. */
#include "core/cloud/internal.h"

static void leave(struct cloud *cloud, GPtrArray *list, struct object *vm, struct object *from)
    REQUIRES(model)
{
    if (!objects_remove(list, vm))
        return;
    cloud_tell(cloud, CHANGE_UNLINKED, vm, FACET_LINKS, from);
    cloud_stamp(cloud, from, FACET_LINKS);
}

static void enter(struct cloud *cloud, GPtrArray *list, struct object *vm, struct object *to)
    REQUIRES(model)
{
    objects_insert(list, vm);
    cloud_tell(cloud, CHANGE_LINKED, vm, FACET_LINKS, to);
    cloud_stamp(cloud, to, FACET_LINKS);
}

void cloud_set_host(struct cloud *cloud, struct object *vm, struct object *host)
{
    struct object *old = vm->vm.host;

    if (old == host)
        return;
    if (old)
        leave(cloud, old->host.vms, vm, old);
    vm->vm.host = host;
    member_count(vm);
    if (host)
        enter(cloud, host->host.vms, vm, host);
    cloud_stamp(cloud, vm, FACET_LINKS);
}

bool cloud_vm_holds_host(const struct object *vm)
{
    const struct object *host = vm->vm.host;

    return vm->vm.managed || (vm->next && host && host->host.phase != HOST_DOWN);
}

unsigned cloud_managed_vms(const struct object *host)
{
    unsigned n = host->host.incoming;

    for (unsigned i = 0; i < host->host.vms->len; i++)
        n += cloud_vm_holds_host(host->host.vms->pdata[i]);
    return n;
}

void cloud_relink(struct cloud *cloud, struct object *vm)
{
    cloud_stamp(cloud, vm, FACET_LINKS);
}

void cloud_set_service(struct cloud *cloud, struct object *vm, struct object *service)
{
    struct object *old = vm->vm.service;

    if (old == service)
        return;
    if (old) {
        member_uncount(vm);
        leave(cloud, old->service.members, vm, old);
    }
    vm->vm.service = service;
    member_count(vm);
    if (service)
        enter(cloud, service->service.members, vm, service);
}

struct place_want cloud_want(const struct object *vm, const struct vm_spec *spec,
                             const char *const *types)
{
    const struct object *service = vm ? vm->vm.service : NULL;

    return (struct place_want){
        .vm = vm ? vm->id : 0,
        .cpus = spec->cpus,
        .memory = spec->memory,
        .usage = spec->usage,
        .demand = spec->demand,
        .policy = spec->policy,
        .types = types,
        .zone = spec->zone,
        .labels = (const char *const *)spec->labels,
        .networks = (const char *const *)spec->networks,
        .host = spec->host,
        .avoid = spec->avoid,
        .near = spec->near,
        .service = service ? service->id : 0,
        .spread = service && service->spec ? service->spec->service.spread : SPREAD_NONE,
    };
}

void cloud_refresh_place(struct cloud *cloud, struct object *host)
{
    const struct host_part *part = &host->host;
    const struct host_spec *spec = host->spec ? &host->spec->host : NULL;
    static const char *const none[] = {NULL};
    uint32_t cpus;
    uint64_t memory;

    if (!spec) {
        place_remove_host(cloud->place, host->id);
        return;
    }
    cpus = part->cpus > spec->reserved_cpus ? part->cpus - spec->reserved_cpus : 0;
    memory = part->memory > spec->reserved_memory ? part->memory - spec->reserved_memory : 0;
    place_set_host(cloud->place,
                   &(struct place_host){
                       .id = host->id,
                       .name = host->name,
                       .up = part->phase == HOST_UP && !part->leaving_uri && !part->maintenance,
                       .known = part->known,
                       .why_down = host->state,
                       .cpus = (uint32_t)MIN(cpus * spec->cpu_overcommit, (double)UINT32_MAX),
                       .memory = (uint64_t)MIN((double)memory * spec->memory_overcommit, 9e18),
                       .cost = spec->cost,
                       .zone = spec->zone,
                       .labels = (const char *const *)spec->labels,
                       .types = part->types ? (const char *const *)part->types : none,
                       .networks = part->networks ? (const char *const *)part->networks : none,
                   });
}
