/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What users ask of services: a spec, a restart, and to be removed. */
#include <string.h>

#include "core/failpoint.h"
#include "core/reconcile/internal.h"

/* Under a new template everything is tried anew, at once. */
static void begin_anew(struct engine *engine, struct object *service, const char *text)
    REQUIRES(model)
{
    g_autofree char *new = spec_text_template(text);
    g_autofree char *old = service->spec_text ? spec_text_template(service->spec_text) : NULL;

    for (unsigned i = 0; g_strcmp0(old, new) != 0 && i < service->service.members->len; i++)
        vm_rested(engine, service->service.members->pdata[i]);
}

/* A request is answered with what the jobs from now on come to. */
static void expect_jobs(struct engine *engine, struct object *service) REQUIRES(model)
{
    struct service_work *work = service_work(service);

    work->first_error = 0;
    work->since = engine->last_job;
}

void service_commit(struct engine *engine, struct request *request, struct object *service,
                    const char *text, Spec *spec)
{
    g_autofree char *template = NULL;
    g_autoptr(Spec) member = service_template(text, spec->trusted, &template);
    g_autoptr(GError) error = NULL;

    if (service->spec && strcmp(service->spec_text, text) == 0) {
        request_answer(engine, request->ticket, 0);
        return;
    }
    if (service_work(service)->removing)
        fail(&error, EBUSY, "service %s is being removed", service->name);
    else if (quota_allows_service(engine, service, spec, template, &error) &&
             !request->actor.restoring)
        placing_check(engine, NULL, &spec->service.vm, &error);
    if (error) {
        request_finish(engine, request->ticket, service, error);
        return;
    }
    begin_anew(engine, service, text);
    cloud_set_spec(engine->cloud, service, g_strdup(text), spec_ref(spec));
    cloud_set_error(engine->cloud, service, 0, NULL);
    cloud_event(engine->cloud, service, &request->actor, "spec written, %u replicas",
                spec->service.replicas);
    expect_jobs(engine, service);
    /* At once: until then, a VM that its quota takes for a member may go another way. */
    if (member)
        members_join(engine, service, template, member);
    g_clear_pointer(&service_work(service)->told, g_free);
    engine->room_changed = true; /* its spread may allow more than before */
    engine_touch(engine, service);
    service_nudge(engine, service);
    failpoint_reached("scale.accepted");
    request_wait(engine, request, &service_work(service)->waiters, true);
}

bool service_may_go(struct object *service, GError **error)
{
    for (unsigned i = 0; i < service->service.members->len; i++) {
        const struct object *vm = service->service.members->pdata[i];

        if (vm->vm.host && !host_require_up(vm->vm.host, error))
            return false;
    }
    if (service->spec && service->spec->service.vm.protect) {
        fail(error, EPERM, "service %s is protected (protect = yes under [vm])", service->name);
        return false;
    }
    return true;
}

void service_remove(struct engine *engine, struct request *request, struct object *service)
{
    g_autoptr(GError) error = NULL;

    if (!service_may_go(service, &error)) {
        request_finish(engine, request->ticket, service, error);
        return;
    }
    cloud_event(engine->cloud, service, &request->actor, "removing");
    for (unsigned i = 0; i < service->service.members->len; i++)
        vm_rested(engine, service->service.members->pdata[i]);
    service_work(service)->removing = true;
    expect_jobs(engine, service);
    engine_touch(engine, service);
    service_nudge(engine, service);
    request_wait(engine, request, &service_work(service)->waiters, false);
}

/* What runs is started anew as after a change of the template; what is off is not missed. */
void service_restart(struct engine *engine, struct request *request, struct object *service)
{
    struct service_work *work = service_work(service);

    for (unsigned i = 0; i < service->service.members->len; i++) {
        struct object *vm = service->service.members->pdata[i];

        if (vm->vm.phase != VM_ACTIVE)
            continue;
        vm->vm.power = true;
        if (domain_is_active(vm->vm.domain))
            cloud_set_pending(engine->cloud, vm, "a restart is pending; its service is restarted");
        else if (!vm_glance(vm)->busy && host_is_up(vm->vm.host))
            vm_power(engine, vm, VERB_START, false);
        engine_touch(engine, vm);
    }
    expect_jobs(engine, service);
    service_nudge(engine, service);
    request_wait(engine, request, &work->waiters, true);
}
