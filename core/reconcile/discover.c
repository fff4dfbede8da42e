/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains as they are found on hosts: ours are recognised by their UUID, then by the mark we left
 * in them; all others are shown, with a spec derived from their XML, and left alone.
 */
#include <string.h>
#include <unistd.h>

#include "core/reconcile/internal.h"

enum { AT_ONCE = 8 }; /* domains of a list, then readers are let in: a millisecond */

/* NAME, else NAME@HOST, else NAME@HOST.2 and so on. */
static char *free_name(struct engine *engine, const struct object *host, const char *domain)
    REQUIRES_SHARED(model)
{
    char *name = spec_encode_name(domain);
    g_autofree char *base = NULL;

    if (!cloud_find(engine->cloud, OBJECT_VM, name))
        return name;
    base = g_strdup_printf("%s@%s", name, host->name);
    g_free(name);
    name = g_strdup(base);
    for (unsigned i = 2; cloud_find(engine->cloud, OBJECT_VM, name); i++) {
        g_free(name);
        name = g_strdup_printf("%s.%u", base, i);
    }
    return name;
}

static Spec *parse_found(const char *text)
{
    return text ? spec_parse_shared(SPEC_VM, text, false, NULL) : NULL;
}

/* Who might read the spec where it was written is not known, and it may hold passwords. */
static void hide(struct engine *engine, struct object *vm) REQUIRES(model)
{
    if (vm->mode & 077)
        cloud_set_owner(engine->cloud, vm, vm->uid, vm->gid, vm->mode & 0700);
}

/*
 * The spec as its user wrote it where the mark has it, else the one derived from the XML, else
 * (a hypervisor may say anything) its size alone.
 */
static void set_found_spec(struct engine *engine, struct object *vm,
                           const struct virt_domain *domain) REQUIRES(model)
{
    g_autofree char *size = g_strdup_printf("cpus = %u\n", CLAMP(domain->cpus, 1, 4096));
    const char *marked = domain->mark ? domain->mark->spec : NULL;
    const char *texts[] = {marked, domain->spec, size};
    Spec *spec = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(texts) && !spec; i++) {
        spec = parse_found(texts[i]);
        if (!spec)
            continue;
        if (g_strcmp0(texts[i], vm->spec_text) == 0) {
            spec_unref(spec);
            continue;
        }
        if (texts[i] == marked)
            hide(engine, vm);
        cloud_set_spec(engine->cloud, vm, g_strdup(texts[i]), spec);
    }
}

/* Who copies a domain, as virt-clone does, copies its mark. */
static bool is_copy(const struct engine *engine, const struct virt_mark *mark)
    REQUIRES_SHARED(model)
{
    const struct object *vm = cloud_by_id(engine->cloud, mark->id);

    return vm && vm->kind == OBJECT_VM && g_strcmp0(vm->name, mark->name) == 0;
}

/* Of a domain whose UUID no VM has. */
static bool is_ours(const struct engine *engine, const struct virt_domain *domain)
    REQUIRES_SHARED(model)
{
    const struct virt_mark *mark = domain->mark;
    g_autoptr(Spec) spec = mark ? parse_found(mark->spec) : NULL;

    return spec && g_strcmp0(mark->cloud, store_cloud_uuid(engine->store)) == 0 &&
           !is_copy(engine, mark);
}

/* What a move has left of a VM that was destroyed meanwhile. */
static bool is_leftover(const struct engine *engine, const struct object *host,
                        const struct virt_domain *domain) REQUIRES_SHARED(model)
{
    return leftover_is_noted(host, domain->uuid) && !domain_is_active(domain->state) &&
           is_ours(engine, domain);
}

static void add_found(struct engine *engine, struct object *host, const struct virt_domain *domain)
    REQUIRES(model)
{
    g_autofree char *name = free_name(engine, host, domain->name);
    bool ours = is_ours(engine, domain);
    struct object *vm =
        cloud_add(engine->cloud, OBJECT_VM, engine_new_id(engine), name, getuid(), getgid(), 0755);

    vm->vm.managed = ours;
    vm->vm.power = domain_is_active(domain->state);
    vm->vm.phase = VM_ACTIVE;
    cloud_set_uuid(engine->cloud, vm, domain->uuid);
    set_found_spec(engine, vm, domain);
    cloud_set_host(engine->cloud, vm, host);
    cloud_event(engine->cloud, vm, NULL, "found on %s%s", host->name,
                vm->vm.managed ? ", made by this cloud" : "");
    vm_seen(engine, vm, domain);
}

/* Longer than a look at a host can take. */
enum { BURIED_MS = 60000 };

static void unbury(struct engine *engine, void *data) REQUIRES(model)
{
    g_hash_table_remove(engine->buried, data);
}

void discover_bury(struct engine *engine, const char *uuid)
{
    g_hash_table_add(engine->buried, g_strdup(uuid));
    timer_start(engine, BURIED_MS, unbury, g_strdup(uuid), g_free);
}

/* A domain that moved behind our back is on its new host when it has left the old one. */
static bool belongs_here(struct object *vm, struct object *host, const struct virt_domain *domain)
    REQUIRES(model)
{
    if (vm->vm.host == host)
        return true;
    if (vm->vm.host && host_is_up(vm->vm.host) && vm->vm.phase == VM_ACTIVE) {
        vm_work(vm)->other = host->id;
        return false;
    }
    return domain_is_active(domain->state) && !vm_glance(vm)->busy;
}

/* Whether all but its XML is known. */
static bool is_no_news(const struct object *vm, const struct virt_domain *domain)
    REQUIRES_SHARED(model)
{
    const struct vm_part *part = &vm->vm;

    return part->phase == VM_ACTIVE && part->domain == domain->state &&
           part->cpus == domain->cpus && part->memory == domain->memory &&
           g_strcmp0(part->domain_name, domain->name) == 0 &&
           g_strcmp0(part->type, domain->type) == 0;
}

void discover_one(struct engine *engine, struct object *host, const struct virt_domain *domain)
{
    struct object *vm = cloud_by_uuid(engine->cloud, domain->uuid);
    bool moved;

    if (!vm &&
        (g_hash_table_contains(engine->buried, domain->uuid) || is_leftover(engine, host, domain)))
        return;
    if (!vm) {
        add_found(engine, host, domain);
        return;
    }
    if (!belongs_here(vm, host, domain))
        return;
    if (vm_glance(vm)->awaited)
        vm_work(vm)->awaited = 0; /* it may have been missed */
    moved = vm->vm.host != host;
    cloud_set_host(engine->cloud, vm, host);
    if (vm_glance(vm)->busy)
        return; /* its job will tell */
    if (vm_is_wanted_again(vm))
        vm_keep(engine, vm);
    if (vm->vm.phase == VM_CREATING || vm->vm.phase == VM_DESTROYING) {
        vm_reconcile(engine, vm);
        return;
    }
    if (!vm->vm.managed)
        set_found_spec(engine, vm, domain);
    if (vm->vm.phase == VM_FAILED)
        cloud_set_error(engine->cloud, vm, 0, NULL);
    if (!moved && is_no_news(vm, domain))
        cloud_set_xml(engine->cloud, vm, domain->xml);
    else
        vm_seen(engine, vm, domain);
    vm_power_found(engine, vm);
    health_follow(engine, vm); /* it was left while its host was down */
    vm_reconcile(engine, vm);
}

void discover_all(struct engine *engine, struct object *host, const GPtrArray *domains)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) missing = g_ptr_array_new();

    for (unsigned i = 0; i < domains->len; i++) {
        struct virt_domain *domain = domains->pdata[i];

        g_hash_table_add(seen, domain->uuid);
        discover_one(engine, host, domain);
        if (i % AT_ONCE == AT_ONCE - 1)
            cloud_yield(engine->cloud);
    }
    for (unsigned i = 0; i < host->host.vms->len; i++) {
        struct object *vm = host->host.vms->pdata[i];

        if (!g_hash_table_contains(seen, vm->vm.uuid))
            g_ptr_array_add(missing, vm);
    }
    for (unsigned i = 0; i < missing->len; i++)
        vm_gone(engine, missing->pdata[i]);
}
