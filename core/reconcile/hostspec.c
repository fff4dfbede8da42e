/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What users ask of hosts: a spec, and to be forgotten. */
#include <string.h>

#include "core/reconcile/internal.h"

/* What is only shown, but being switched, is in use too. */
static unsigned used_vms(const struct object *host) REQUIRES_SHARED(model)
{
    unsigned n = cloud_managed_vms(host);

    for (unsigned i = 0; i < host->host.vms->len; i++) {
        const struct object *vm = host->host.vms->pdata[i];

        n += !cloud_vm_holds_host(vm) && vm_glance(vm)->busy;
    }
    return n;
}

bool host_check_data_uri(const struct host_spec *spec, GError **error)
{
    return !spec->uri || !spec->migrate_uri ||
           virt_check_data_uri(spec->uri, spec->migrate_uri, error);
}

static bool may_commit(struct object *host, const Spec *spec, GError **error) REQUIRES(model)
{
    bool moves = host->spec && strcmp(host->spec->host.uri, spec->host.uri) != 0;

    if (host->host.from_conf) {
        fail(error, EPERM, "host %s is defined in the configuration: change it there", host->name);
        return false;
    }
    if (moves && used_vms(host) > 0) {
        fail(error, EBUSY, "host %s has %u VMs of cloudfs: its uri cannot change", host->name,
             used_vms(host));
        return false;
    }
    return virt_check_uri(spec->host.uri, error) && host_check_data_uri(&spec->host, error);
}

/* Domains that are only shown go with the connection that showed them. */
static void drop_unmanaged(struct engine *engine, struct object *host) REQUIRES(model)
{
    for (unsigned i = host->host.vms->len; i-- > 0;) {
        struct object *vm = host->host.vms->pdata[i];

        if (!vm->vm.managed)
            vm_forget(engine, vm);
    }
}

static void keep_unmanaged(struct engine *engine, struct object *host) REQUIRES(model)
{
    for (unsigned i = 0; i < host->host.vms->len; i++) {
        struct object *vm = host->host.vms->pdata[i];

        if (!vm->vm.managed)
            undo_keep(engine, vm);
    }
}

bool host_restart(struct engine *engine, struct object *host, GError **error)
{
    bool ok;

    host_end(engine, host);
    drop_unmanaged(engine, host);
    host->host.phase = host->spec ? HOST_CONNECTING : HOST_DRAFT;
    host->host.leaving_uri = false;
    host->host.known = false;
    cloud_refresh_state(engine->cloud, host);
    ok = !host->spec || host_begin(engine, host, error);
    if (!ok) {
        host->host.phase = HOST_DOWN;
        cloud_refresh_state(engine->cloud, host);
    }
    return ok;
}

/* A connection is left only when that was kept: if it cannot be, nothing has happened to it. */
struct leaving {
    struct object *host; /* a reference */
    engine_ticket ticket;
};

static void leave_later(struct engine *engine, struct object *host, engine_ticket ticket,
                        after_fn fn)
{
    struct leaving *leaving = g_new0(struct leaving, 1);

    leaving->host = object_ref(host);
    leaving->ticket = ticket;
    engine_after_commit(engine, fn, leaving);
}

static void leave_now(struct engine *engine, const struct leaving *leaving, const GError *refused)
    REQUIRES(model)
{
    struct request *request = g_hash_table_lookup(engine->requests, &leaving->ticket);
    struct object *host = leaving->host;
    g_autoptr(GError) error = NULL;

    if (refused || !host->alive)
        request_answer(engine, leaving->ticket, refused ? refused->code : ENOENT);
    else if (!host_restart(engine, host, &error))
        request_finish(engine, leaving->ticket, host, error);
    else if (request)
        request_wait(engine, request, &host_work(host)->waiters, true);
}

static void go_to_uri(struct engine *engine, void *data, const GError *error)
{
    struct leaving *leaving = data;

    cloud_write_lock(engine->cloud);
    leave_now(engine, leaving, error);
    cloud_write_unlock(engine->cloud);
    object_unref(leaving->host);
    g_free(leaving);
}

static void end_removed(struct engine *engine, void *data, const GError *error)
{
    struct leaving *leaving = data;

    cloud_write_lock(engine->cloud);
    if (!error)
        host_end(engine, leaving->host);
    cloud_write_unlock(engine->cloud);
    object_unref(leaving->host);
    g_free(leaving);
}

void host_commit(struct engine *engine, struct request *request, struct object *host,
                 const char *text, Spec *spec)
{
    g_autoptr(GError) error = NULL;
    bool moves = !host->spec || strcmp(host->spec->host.uri, spec->host.uri) != 0;

    if (host->spec && strcmp(host->spec_text, text) == 0) {
        request_answer(engine, request->ticket, 0);
        return;
    }
    if (!may_commit(host, spec, &error)) {
        request_finish(engine, request->ticket, host, error);
        return;
    }
    cloud_set_spec(engine->cloud, host, g_strdup(text), spec_ref(spec));
    cloud_event(engine->cloud, host, &request->actor, "spec written");
    engine_touch(engine, host);
    if (moves) {
        /* From now on it takes no VM, or that would be left behind. */
        host->host.leaving_uri = true;
        cloud_refresh_state(engine->cloud, host);
        leave_later(engine, host, request->ticket, go_to_uri);
        return;
    }
    cloud_refresh_state(engine->cloud, host);
    engine->room_changed = true;
    request_finish(engine, request->ticket, host, NULL);
}

bool host_may_go(struct object *host, GError **error)
{
    if (host->host.from_conf)
        fail(error, EPERM, "host %s is defined in the configuration: remove it there", host->name);
    else if (used_vms(host) > 0)
        fail(error, EBUSY, "host %s has %u VMs of cloudfs", host->name, used_vms(host));
    else
        return true;
    return false;
}

void host_remove(struct engine *engine, struct request *request, struct object *host)
{
    g_autoptr(GError) error = NULL;

    if (!host_may_go(host, &error)) {
        request_finish(engine, request->ticket, host, error);
        return;
    }
    cloud_event(engine->cloud, host, &request->actor, "removed");
    keep_unmanaged(engine, host);
    drop_unmanaged(engine, host);
    leave_later(engine, host, 0, end_removed);
    engine_forget(engine, host->id);
    cloud_remove(engine->cloud, host);
    engine->room_changed = true;
    request_answer(engine, request->ticket, 0);
}
