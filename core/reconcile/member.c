/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The members of a service: NAME-0 to NAME-(N-1), made, taken in and removed. */
#include <string.h>

#include "core/failpoint.h"
#include "core/reconcile/internal.h"

static char *member_name(const char *service, unsigned i)
{
    return g_strdup_printf("%s-%u", service, i);
}

/* The number of a member from its name; -1 if it has none. */
static int member_number(const struct object *service, const struct object *vm)
    REQUIRES_SHARED(model)
{
    size_t prefix = strlen(service->name);

    if (strncmp(vm->name, service->name, prefix) != 0 || vm->name[prefix] != '-')
        return -1;
    return (int)g_ascii_strtoull(vm->name + prefix + 1, NULL, 10);
}

GPtrArray *members_by_number(const struct object *service)
{
    GPtrArray *slots = g_ptr_array_new();

    g_ptr_array_set_size(slots, (int)service->spec->service.replicas);
    for (unsigned i = 0; i < service->service.members->len; i++) {
        struct object *vm = service->service.members->pdata[i];
        int number = member_number(service, vm);

        if (number >= 0 && (unsigned)number < slots->len)
            slots->pdata[number] = vm;
    }
    return slots;
}

Spec *service_template(const char *spec_text, bool trusted, char **text)
{
    Spec *spec;

    *text = spec_text_template(spec_text);
    spec = spec_parse_shared(SPEC_VM, *text, trusted, NULL);
    if (spec)
        return spec;
    /* An empty [vm]: all defaults, which a VM's spec of its own has to say. */
    g_free(*text);
    *text = g_strdup("cpus = 1\n");
    return spec_parse_shared(SPEC_VM, *text, trusted, NULL);
}

static void add_member(struct engine *engine, struct object *service, const char *name,
                       const char *text, Spec *spec) REQUIRES(model)
{
    struct object *vm = cloud_add(engine->cloud, OBJECT_VM, engine_new_id(engine), name,
                                  service->uid, service->gid, service->mode);

    if (undo_keeps(engine, service))
        undo_keep_none(engine, vm);
    cloud_set_service(engine->cloud, vm, service);
    vm_begin(engine, vm, text, spec);
    failpoint_reached("scale.added");
}

/* As a tree that is put back has it, which may bring VMs, or their directories, before services.
 * Another user's VM stays his: as a member it would be the service's owner's to change and to
 * destroy, or he would read a template that is not for him. */
static bool may_join(uid_t uid, const struct object *vm, const char *text) REQUIRES_SHARED(model)
{
    return vm->uid == uid && !vm->vm.service && vm->vm.managed && !vm_glance(vm)->busy &&
           (!text || vm->vm.phase == VM_DRAFT || g_strcmp0(vm->spec_text, text) == 0);
}

void members_find_joining(const struct engine *engine, const struct service_wish *wish,
                          GHashTable *joining)
{
    for (unsigned i = 0; i < wish->replicas; i++) {
        g_autofree char *name = member_name(wish->name, i);
        struct object *vm = cloud_find(engine->cloud, OBJECT_VM, name);

        if (vm && may_join(wish->uid, vm, wish->text))
            g_hash_table_replace(joining, vm, GUINT_TO_POINTER(wish->mark));
    }
}

static void join(struct engine *engine, struct object *service, struct object *vm, const char *text,
                 Spec *spec) REQUIRES(model)
{
    if (undo_keeps(engine, service))
        undo_keep(engine, vm);
    cloud_set_service(engine->cloud, vm, service);
    if (vm->gid != service->gid || vm->mode != service->mode)
        cloud_set_owner(engine->cloud, vm, service->uid, service->gid, service->mode);
    engine_touch(engine, vm);
    if (vm->vm.phase == VM_DRAFT)
        vm_begin(engine, vm, text, spec);
}

void members_join(struct engine *engine, struct object *service, const char *text, Spec *spec)
{
    unsigned replicas = service->spec->service.replicas;

    for (unsigned i = 0; i < replicas; i++) {
        g_autofree char *name = member_name(service->name, i);
        struct object *vm = cloud_find(engine->cloud, OBJECT_VM, name);

        if (vm && may_join(service->uid, vm, text))
            join(engine, service, vm, text, spec);
    }
}

void members_add_missing(struct engine *engine, struct object *service, const char *text,
                         Spec *spec)
{
    struct service_work *work = service_work(service);
    unsigned replicas = service->spec->service.replicas;

    members_join(engine, service, text, spec);
    g_clear_pointer(&work->conflict, g_free);
    for (unsigned i = 0; i < replicas; i++) {
        g_autofree char *name = member_name(service->name, i);
        struct object *vm = cloud_find(engine->cloud, OBJECT_VM, name);

        if (!vm) {
            add_member(engine, service, name, text, spec);
        } else if (vm->vm.service != service && !work->conflict) {
            work->conflict = g_strdup_printf(
                "vms/%s of user %u exists and is no member: rename or remove it", name, vm->uid);
            work->first_error = EEXIST;
        }
    }
}

bool member_is_wanted(const struct object *vm)
{
    struct object *service = vm->vm.service;
    int number = service && service->spec ? member_number(service, vm) : -1;

    return number >= 0 && number < (int)service->spec->service.replicas &&
           !service_work(service)->removing;
}

/* A member without a domain just goes; one with a domain is destroyed first. */
static void drop_member(struct engine *engine, struct object *vm) REQUIRES(model)
{
    if (vm_glance(vm)->busy || vm_glance(vm)->kept)
        return;
    if (!vm->vm.host)
        vm_forget(engine, vm);
    else if (host_is_up(vm->vm.host))
        vm_destroy(engine, vm);
    failpoint_reached("scale.dropped");
}

/* The highest numbers go first. */
void members_drop_surplus(struct engine *engine, struct object *service, int replicas)
{
    for (unsigned i = service->service.members->len; i-- > 0;) {
        struct object *vm = service->service.members->pdata[i];

        if (member_number(service, vm) >= replicas)
            drop_member(engine, vm);
    }
}
