/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services: N VMs from one template. A service is looked at again at the end of every round in
 * which it or a member changed; each look does what is missing and starts no more than is needed.
 */
#include <string.h>

#include "core/reconcile/internal.h"

struct service_work *service_work(struct object *service)
{
    if (!service->work)
        service->work = g_new0(struct service_work, 1);
    return service->work;
}

void service_work_free(struct object *service)
{
    struct service_work *work = service->work;

    if (!work)
        return;
    g_clear_pointer(&work->waiters, g_array_unref);
    g_clear_pointer(&work->to_restart, g_array_unref);
    g_free(work);
    service->work = NULL;
}

void service_nudge(struct engine *engine, struct object *service)
{
    g_hash_table_replace(engine->restless, &service->id, object_ref(service));
}

void services_nudge_blocked(struct engine *engine)
{
    const GPtrArray *services = cloud_objects(engine->cloud, OBJECT_SERVICE);

    for (unsigned i = 0; i < services->len; i++) {
        struct object *service = services->pdata[i];

        if (service->error_code == EEXIST)
            service_nudge(engine, service);
    }
}

static char *member_name(const struct object *service, unsigned i) REQUIRES_SHARED(model)
{
    return g_strdup_printf("%s-%u", service->name, i);
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

static Spec *template_of(const struct object *service, char **text) REQUIRES_SHARED(model)
{
    Spec *spec;

    *text = spec_text_template(service->spec_text);
    spec = spec_parse(SPEC_VM, *text, strlen(*text), NULL);
    if (spec)
        return spec;
    /* An empty [vm]: all defaults, which a VM's spec of its own has to say. */
    g_free(*text);
    *text = g_strdup("cpus = 1\n");
    return spec_parse(SPEC_VM, *text, strlen(*text), NULL);
}

static void begin_member(struct engine *engine, struct object *vm, const char *text, Spec *spec)
    REQUIRES(model)
{
    cloud_set_spec(engine->cloud, vm, g_strdup(text), spec_ref(spec));
    vm->vm.power = spec->vm.power;
    vm->vm.phase = VM_PENDING;
    cloud_refresh_state(engine->cloud, vm);
    g_hash_table_replace(engine->pending, &vm->id, object_ref(vm));
    engine->room_changed = true;
    engine_touch(engine, vm);
}

static void add_member(struct engine *engine, struct object *service, const char *name,
                       const char *text, Spec *spec) REQUIRES(model)
{
    struct object *vm = cloud_add(engine->cloud, OBJECT_VM, engine_new_id(engine), name,
                                  service->uid, service->gid, service->mode);

    cloud_set_service(engine->cloud, vm, service);
    begin_member(engine, vm, text, spec);
}

/* As a tree that is put back has it, which may bring VMs, or their directories, before services. */
static bool may_join(struct object *vm, const char *text) REQUIRES(model)
{
    return !vm->vm.service && vm->vm.managed && !vm_work(vm)->busy &&
           (vm->vm.phase == VM_DRAFT || g_strcmp0(vm->spec_text, text) == 0);
}

static void join(struct engine *engine, struct object *service, struct object *vm, const char *text,
                 Spec *spec) REQUIRES(model)
{
    cloud_set_service(engine->cloud, vm, service);
    engine_touch(engine, vm);
    if (vm->vm.phase == VM_DRAFT)
        begin_member(engine, vm, text, spec);
}

static void add_missing(struct engine *engine, struct object *service, const char *text, Spec *spec)
    REQUIRES(model)
{
    unsigned replicas = service->spec->service.replicas;

    if (service->error_code == EEXIST)
        cloud_set_error(engine->cloud, service, 0, NULL);
    for (unsigned i = 0; i < replicas; i++) {
        g_autofree char *name = member_name(service, i);
        struct object *vm = cloud_find(engine->cloud, OBJECT_VM, name);
        g_autofree char *sentence = NULL;

        if (!vm) {
            add_member(engine, service, name, text, spec);
        } else if (may_join(vm, text)) {
            join(engine, service, vm, text, spec);
        } else if (vm->vm.service != service) {
            sentence = g_strdup_printf("vms/%s exists and is no member: rename or remove it", name);
            cloud_set_error(engine->cloud, service, EEXIST, sentence);
            service_work(service)->first_error = EEXIST;
        }
    }
}

/* A member without a domain just goes; one with a domain is destroyed first. */
static void drop_member(struct engine *engine, struct object *vm) REQUIRES(model)
{
    if (vm_work(vm)->busy)
        return;
    if (!vm->vm.host)
        vm_forget(engine, vm);
    else if (host_is_up(vm->vm.host))
        vm_destroy(engine, vm);
}

/* The highest numbers go first. */
static void drop_surplus(struct engine *engine, struct object *service, int replicas)
    REQUIRES(model)
{
    for (unsigned i = service->service.members->len; i-- > 0;) {
        struct object *vm = service->service.members->pdata[i];

        if (member_number(service, vm) >= replicas)
            drop_member(engine, vm);
    }
}

/* The template changed: members follow it. */
static void follow_template(struct engine *engine, struct object *service, const char *text,
                            Spec *spec) REQUIRES(model)
{
    for (unsigned i = 0; i < service->service.members->len; i++) {
        struct object *vm = service->service.members->pdata[i];

        if (vm_work(vm)->busy || vm->next || g_strcmp0(vm->spec_text, text) == 0 ||
            g_strcmp0(vm_work(vm)->refused, text) == 0)
            continue;
        if (vm->vm.phase == VM_ACTIVE && host_is_up(vm->vm.host)) {
            vm_set_next(engine, vm, text, spec);
        } else if (!vm->vm.host) {
            cloud_set_spec(engine->cloud, vm, g_strdup(text), spec_ref(spec));
            vm->vm.phase = VM_PENDING;
            cloud_refresh_state(engine->cloud, vm);
            g_hash_table_replace(engine->pending, &vm->id, object_ref(vm));
            engine->room_changed = true;
            engine_touch(engine, vm);
        }
    }
}

static bool is_busy(const struct object *service) REQUIRES_SHARED(model)
{
    for (unsigned i = 0; i < service->service.members->len; i++) {
        struct object *vm = service->service.members->pdata[i];

        if (vm_work(vm)->busy)
            return true;
    }
    return false;
}

/* One member at a time: the next goes when the one before runs. */
static bool restart_next(struct engine *engine, struct object *service) REQUIRES(model)
{
    struct service_work *work = service_work(service);

    while (work->to_restart && work->to_restart->len > 0) {
        uint64_t id = g_array_index(work->to_restart, uint64_t, 0);
        struct object *vm = cloud_by_id(engine->cloud, id);

        g_array_remove_index(work->to_restart, 0);
        if (!vm || vm->vm.service != service || vm->vm.phase != VM_ACTIVE ||
            !host_is_up(vm->vm.host))
            continue;
        vm->vm.power = true;
        vm_power(engine, vm, VERB_START, true);
        return true;
    }
    return false;
}

/* A line a member and why the first that waits does. */
static void explain(struct engine *engine, struct object *service) REQUIRES(model)
{
    GString *text = g_string_new(NULL);
    const struct object *shown = NULL;

    for (unsigned i = 0; i < service->service.members->len; i++) {
        const struct object *vm = service->service.members->pdata[i];

        g_string_append_printf(text, "%s %s\n", vm->name,
                               vm->vm.host ? vm->vm.host->name : vm->state);
        if (vm->placement && (!shown || (shown->vm.host && !vm->vm.host)))
            shown = vm;
    }
    if (shown)
        g_string_append_printf(text, "\n%s: %s", shown->name, shown->placement);
    cloud_set_placement(engine->cloud, service, g_string_free(text, false));
}

static void finish_removal(struct engine *engine, struct object *service) REQUIRES(model)
{
    struct service_work *work = service_work(service);

    drop_surplus(engine, service, 0);
    if (service->service.members->len == 0) {
        requests_answer(engine, &work->waiters, 0);
        cloud_event(engine->cloud, service, NULL, "removed");
        service_work_free(service);
        engine_forget(engine, service->id);
        g_hash_table_remove(engine->restless, &service->id);
        cloud_remove(engine->cloud, service);
        return;
    }
    if (!is_busy(service)) {
        work->removing = false;
        engine_touch(engine, service);
        requests_answer(engine, &work->waiters, work->first_error ? work->first_error : EBUSY);
    }
}

static void answer_when_quiet(struct engine *engine, struct object *service) REQUIRES(model)
{
    struct service_work *work = service_work(service);

    if (is_busy(service))
        return;
    if (engine->room_changed) {
        service_nudge(engine, service); /* its members may be placed yet, in this very round */
        return;
    }
    if (work->waiters)
        requests_answer(engine, &work->waiters, work->first_error);
    work->first_error = 0;
}

void service_reconcile(struct engine *engine, struct object *service)
{
    g_autofree char *text = NULL;
    g_autoptr(Spec) spec = NULL;

    if (service_work(service)->removing) {
        g_autoptr(Object) keep = object_ref(service);

        finish_removal(engine, keep);
        return;
    }
    if (!service->spec)
        return;
    spec = template_of(service, &text);
    if (!spec)
        return;
    drop_surplus(engine, service, (int)service->spec->service.replicas);
    add_missing(engine, service, text, spec);
    follow_template(engine, service, text, spec);
    if (!is_busy(service))
        restart_next(engine, service);
    explain(engine, service);
    cloud_refresh_state(engine->cloud, service);
    engine_touch(engine, service);
    answer_when_quiet(engine, service);
}
