/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the model and the placement table: what a VM wants, and which VM goes first. */
#include <string.h>

#include "core/reconcile/internal.h"
#include "core/score/score.h"

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

const char **placing_types(struct engine *engine, const struct vm_spec *spec)
{
    const GPtrArray *hosts = cloud_objects(engine->cloud, OBJECT_HOST);
    g_autoptr(GPtrArray) types = g_ptr_array_new();

    if (spec->virtualization) {
        g_ptr_array_add(types, spec->virtualization);
        hosts = NULL;
    }
    for (unsigned i = 0; hosts && i < hosts->len; i++) {
        const struct object *host = hosts->pdata[i];

        for (char **type = host->host.types; type && *type; type++)
            if (suits(engine, spec, *type) &&
                !g_ptr_array_find_with_equal_func(types, *type, g_str_equal, NULL))
                g_ptr_array_add(types, *type);
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

static void explain_wait(struct engine *engine, struct object *vm) REQUIRES(model)
{
    const char *first = vm->placement, *end = first ? strchr(first, '\n') : NULL;
    g_autofree char *line = end ? g_strndup(first, (gsize)(end - first)) : g_strdup("no host");
    g_autofree char *sentence =
        g_strdup_printf("waiting for room: %s; see placement for each host's reason", line);

    cloud_set_error(engine->cloud, vm, 0, sentence);
}

bool vm_place(struct engine *engine, struct object *vm)
{
    struct place *place = cloud_place(engine->cloud);
    g_autofree const char **types = placing_types(engine, &vm->spec->vm);
    struct place_want want = cloud_want(vm, &vm->spec->vm, types);
    GArray *tried = vm_work(vm)->tried;
    struct place_choice choice;
    struct object *host;

    want.tried = tried ? (const uint64_t *)(void *)tried->data : NULL;
    want.n_tried = tried ? tried->len : 0;
    cloud_set_placement(engine->cloud, vm, place_explain(place, &want));
    engine_touch(engine, vm);
    if (place_find(place, &want, &choice) != PLACE_FOUND) {
        explain_wait(engine, vm);
        return false;
    }
    host = cloud_by_id(engine->cloud, choice.host);
    vm->vm.choice = choice;
    g_free(vm->vm.type);
    vm->vm.type = g_strdup(placing_best_type(engine, host, types));
    place_take(place, vm->id, choice.host, &want);
    cloud_set_host(engine->cloud, vm, host);
    cloud_event(engine->cloud, vm, NULL, "placed on %s, S = %.6f", host->name, choice.schedule);
    vm_create(engine, vm);
    return true;
}

/* D x R / C of what waits: a service counts whole, a single VM as one replica at cost 1. */
static double urgency(const struct object *vm) REQUIRES_SHARED(model)
{
    const struct object *service = vm->vm.service;

    if (service && service->spec)
        return score_schedule(service->spec->service.demand, service->spec->service.replicas,
                              service->spec->service.cost);
    return score_schedule(vm->spec->vm.demand, 1, 1);
}

static int by_urgency(const void *a, const void *b) REQUIRES(model)
{
    const struct object *x = *(struct object *const *)a, *y = *(struct object *const *)b;
    double left = urgency(x), right = urgency(y);

    if (left != right)
        return left > right ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

void placing_pending(struct engine *engine)
{
    g_autoptr(GPtrArray) todo = objects_in(engine->pending);

    g_ptr_array_sort(todo, by_urgency);
    for (unsigned i = 0; i < todo->len; i++) {
        struct object *vm = todo->pdata[i];

        if (vm->vm.phase != VM_PENDING || !vm->spec || vm_work(vm)->busy)
            continue;
        if (vm_place(engine, vm))
            g_hash_table_remove(engine->pending, &vm->id);
        else
            requests_answer(engine, &vm_work(vm)->waiters, 0); /* accepted; it waits for room */
        if (vm->vm.service)
            service_nudge(engine, vm->vm.service);
    }
}
