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
    g_free(work->conflict);
    g_free(work->halt);
    g_free(work->told);
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

        if (service->work && (service_work(service)->conflict || service_work(service)->halt))
            service_nudge(engine, service);
    }
}

void services_nudge_on(struct engine *engine, const struct object *host)
{
    for (unsigned i = 0; i < host->host.vms->len; i++) {
        const struct object *vm = host->host.vms->pdata[i];

        if (vm->vm.service)
            service_nudge(engine, vm->vm.service);
    }
}

static bool is_busy(const struct object *service) REQUIRES_SHARED(model)
{
    for (unsigned i = 0; i < service->service.members->len; i++) {
        struct object *vm = service->service.members->pdata[i];

        if (vm_glance(vm)->busy)
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
    if (shown) {
        g_autofree char *why = packed_text(shown->placement);

        g_string_append_printf(text, "\n%s: %s", shown->name, why);
    }
    cloud_set_placement(engine->cloud, service, g_string_free(text, false));
}

/* What is destroyed as soon as its host is back would only be made anew by a service that stays. */
static bool is_going(const struct object *service) REQUIRES_SHARED(model)
{
    for (unsigned i = 0; i < service->service.members->len; i++) {
        const struct object *vm = service->service.members->pdata[i];

        if (vm->vm.phase == VM_DESTROYING)
            return true;
    }
    return false;
}

static void finish_removal(struct engine *engine, struct object *service) REQUIRES(model)
{
    struct service_work *work = service_work(service);

    members_drop_surplus(engine, service, 0);
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
        work->removing = is_going(service);
        engine_touch(engine, service);
        requests_answer(engine, &work->waiters, work->first_error ? work->first_error : EBUSY);
    }
}

/* What a reader of `error` is to know, the gravest first. */
static char *trouble_of(struct object *service, int *code) REQUIRES(model)
{
    const struct service_work *work = service_work(service);
    const struct object *worst = NULL;

    *code = work->conflict ? EEXIST : work->halt_code;
    if (work->conflict || work->halt)
        return g_strdup(work->conflict ? work->conflict : work->halt);
    for (unsigned i = 0; i < service->service.members->len; i++) {
        const struct object *vm = service->service.members->pdata[i];

        if (vm->error && (!worst || (vm->error_code && !worst->error_code)))
            worst = vm;
    }
    if (!worst)
        return NULL;
    *code = worst->error_code;
    return g_strdup_printf("%s: %s", worst->name, worst->error);
}

/* Puts it into `error`, but what a user was told last (a spec that was refused) stays as long as
 * nothing new has happened. */
static void tell(struct engine *engine, struct object *service) REQUIRES(model)
{
    struct service_work *work = service_work(service);
    int code;
    g_autofree char *trouble = trouble_of(service, &code);

    if (g_strcmp0(trouble, work->told) == 0)
        return;
    if (trouble)
        cloud_set_error(engine->cloud, service, code, trouble);
    else if (g_strcmp0(service->error, work->told) == 0)
        cloud_set_error(engine->cloud, service, 0, NULL);
    g_free(work->told);
    work->told = g_steal_pointer(&trouble);
}

static void answer_when_quiet(struct engine *engine, struct object *service) REQUIRES(model)
{
    struct service_work *work = service_work(service);

    if (is_busy(service) || work->rolling)
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
    spec = service_template(service->spec_text, service->spec->trusted, &text);
    if (!spec)
        return;
    members_drop_surplus(engine, service, (int)service->spec->service.replicas);
    members_add_missing(engine, service, text, spec);
    rollout_look(engine, service, text, spec);
    explain(engine, service);
    tell(engine, service);
    cloud_refresh_state(engine->cloud, service);
    engine_touch(engine, service);
    answer_when_quiet(engine, service);
}
