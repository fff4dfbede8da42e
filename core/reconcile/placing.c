/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the model and the placement table: what a VM wants, and where it goes. */
#include <string.h>

#include "core/failpoint.h"
#include "core/reconcile/internal.h"

/* Types that run a program in a directory, not a machine with a kernel and disks. */
static bool is_container(const char *type)
{
    return strcmp(type, "lxc") == 0 || strcmp(type, "openvz") == 0 || strcmp(type, "vz") == 0;
}

static bool suits(const struct engine *engine, const struct vm_spec *spec, const char *type)
{
    bool container = spec->init || spec->root;

    if (conf_virtualization(engine->conf, type) <= 0)
        return false;
    return strcmp(type, "test") == 0 || is_container(type) == container;
}

static void remove_unsuitable(const struct engine *engine, const struct vm_spec *spec,
                              GPtrArray *types)
{
    for (unsigned i = types->len; i-- > 0;)
        if (!suits(engine, spec, types->pdata[i]))
            g_ptr_array_remove_index(types, i);
}

/* What is missing where no host offers what will do: to the table, no types at all are any. */
static void add_missing(const struct engine *engine, const struct vm_spec *spec, GPtrArray *types)
{
    static char kvm[] = "kvm", qemu[] = "qemu", lxc[] = "lxc", other[] = "of a factor above 0";
    char *const known[] = {kvm, qemu, lxc};

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (suits(engine, spec, known[i]))
            g_ptr_array_add(types, known[i]);
    if (types->len == 0)
        g_ptr_array_add(types, other);
}

const char **placing_types(struct engine *engine, const struct vm_spec *spec)
{
    g_autoptr(GPtrArray) types = g_ptr_array_new();

    if (spec->virtualization) {
        g_ptr_array_add(types, spec->virtualization);
    } else {
        place_types(cloud_place(engine->cloud), types);
        remove_unsuitable(engine, spec, types);
        if (types->len == 0)
            add_missing(engine, spec, types);
    }
    g_ptr_array_add(types, NULL);
    return (const char **)g_ptr_array_free(g_steal_pointer(&types), false);
}

const char *placing_best_type(struct engine *engine, const struct object *host,
                              const char *const *types)
{
    const char *best = NULL;

    for (char **type = host->host.types; type && *type; type++)
        if (g_strv_contains(types, *type) && (!best || conf_virtualization(engine->conf, *type) >
                                                           conf_virtualization(engine->conf, best)))
            best = *type;
    return best;
}

void placing_reserve(struct engine *engine, struct object *vm)
{
    const Spec *spec = vm->next ? vm->next : vm->spec;
    const char *types[] = {vm->vm.type, NULL};
    struct place_want want;

    if (!vm->vm.host || !spec)
        return;
    want = cloud_want(vm, &spec->vm, types);
    /* What runs already takes what it takes, whatever its spec says. */
    if (!vm->vm.managed) {
        want.cpus = vm->vm.cpus;
        want.memory = vm->vm.memory;
    }
    place_take(cloud_place(engine->cloud), vm->id, vm->vm.host->id, &want);
    cloud_reserved(engine->cloud, vm->vm.host);
}

bool placing_check(struct engine *engine, struct object *vm, const struct vm_spec *spec,
                   GError **error)
{
    g_autofree const char **types = placing_types(engine, spec);
    struct place_want want = cloud_want(vm, spec, types);
    g_autofree char *why = NULL;

    if (!place_never(cloud_place(engine->cloud), &want, &why))
        return true;
    fail(error, ENOSPC, "no host could ever hold it: %s", why);
    return false;
}

bool placing_may_stay(struct engine *engine, const struct object *vm, const struct vm_spec *spec,
                      GError **error)
{
    const char *types[] = {vm->vm.type, NULL};
    struct place_want want = cloud_want(vm, spec, types);
    g_autofree char *why = NULL;

    if (place_may_stay(cloud_place(engine->cloud), &want, &why))
        return true;
    fail(error, ENOSPC, "%s cannot stay on host %s: %s", vm->name, vm->vm.host->name, why);
    return false;
}

struct place_want placing_want(struct object *vm, const char *const *types)
{
    struct place_want want = cloud_want(vm, &vm->spec->vm, types);
    const GArray *tried = vm_glance(vm)->tried;

    if (vm_is_bound(vm))
        want.host = vm->vm.host->name;
    want.tried = tried ? (const uint64_t *)(void *)tried->data : NULL;
    want.n_tried = tried ? tried->len : 0;
    return want;
}

void vm_explain(struct engine *engine, struct object *vm)
{
    g_autofree const char **types = placing_types(engine, &vm->spec->vm);
    struct place_want want = placing_want(vm, types);

    cloud_set_placement(engine->cloud, vm, place_explain(cloud_place(engine->cloud), &want));
}

bool vm_place(struct engine *engine, struct object *vm)
{
    struct place *place = cloud_place(engine->cloud);
    g_autofree const char **types = placing_types(engine, &vm->spec->vm);
    struct place_want want = placing_want(vm, types);
    struct place_choice choice;
    struct object *host;

    if (!place_choose(place, &want, &choice))
        return false;
    cloud_set_placement(engine->cloud, vm, place_explain(place, &want));
    engine_touch(engine, vm);
    host = cloud_by_id(engine->cloud, choice.host);
    vm->vm.resources = choice.resources;
    cloud_set_type(vm, placing_best_type(engine, host, types));
    place_take(place, vm->id, choice.host, &want);
    cloud_set_host(engine->cloud, vm, host);
    engine_look(engine, host); /* it is not what it was any more */
    cloud_event(engine->cloud, vm, NULL, "placed on %s, S = %.6f", host->name, choice.schedule);
    memset(&vm_work(vm)->waiting, 0, sizeof vm_work(vm)->waiting);
    vm_create(engine, vm);
    failpoint_reached("create.placed");
    return true;
}
