/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the store to the model, at start.
 *
 * Availability over the end of a run, be it a crash: an object's row has the monotonic time when it
 * became available and the number of the run in which that was; the root's row, rewritten every few
 * seconds, has the time of the last heartbeat, of this run and of the last ones before. What lies
 * between was available time; so T loses a few seconds, and one small row is all that has to be
 * written while nothing happens, and at the start and the end of a run too.
 */
#include <string.h>
#include <unistd.h>

#include "core/reconcile/internal.h"

/* The ids of what a VM belongs to, which may come after it. */
struct bonds {
    struct object *vm; /* borrowed */
    uint64_t host, moving_to, service;
};

struct loading {
    struct engine *engine;
    GArray *bonds; /* of struct bonds */
};

static Spec *parse_kept(enum object_kind kind, const char *text, bool trusted)
{
    if (!text || kind == OBJECT_FOLDER)
        return NULL;
    return spec_parse_shared(spec_kind_of(kind, text, strlen(text)), text, trusted, NULL);
}

/* A folder is there already; it is as its row has it, and not to be saved. */
static struct object *folder_or_new(struct engine *engine, const struct store_object *row)
    REQUIRES(model)
{
    if (row->kind != OBJECT_FOLDER)
        return cloud_add(engine->cloud, (enum object_kind)row->kind, row->id, row->name, row->uid,
                         row->gid, row->mode);
    g_hash_table_remove(engine->dirty, &row->id);
    return cloud_by_id(engine->cloud, row->id);
}

static bool acceptable(struct engine *engine, const struct store_object *row) REQUIRES_SHARED(model)
{
    if (row->kind < 0 || row->kind >= OBJECT_KINDS || !row->name)
        return false;
    if (row->kind == OBJECT_FOLDER)
        return cloud_by_id(engine->cloud, row->id) != NULL;
    return row->id >= OBJECT_FIRST && !cloud_by_id(engine->cloud, row->id) &&
           !cloud_find(engine->cloud, (enum object_kind)row->kind, row->name);
}

/* RUN: in which it became available. Its row says so until it is written for another reason, or
 * until the heartbeats of that run are about to be forgotten. */
static void count_availability(struct engine *engine, struct object *object, uint64_t run)
    REQUIRES(model)
{
    int64_t heartbeat = runs_heartbeat(&engine->runs, run);

    if (object->since < 0)
        return;
    if (heartbeat > object->since)
        object->available += heartbeat - object->since;
    object->since = -1;
    if (runs_is_old(&engine->runs, run))
        engine_touch(engine, object);
}

static void keep_bonds(struct loading *loading, struct object *vm, const struct detail_rest *rest)
    REQUIRES(model)
{
    struct bonds bonds = {vm, rest->host, rest->moving_to, rest->service};

    if (vm->kind == OBJECT_VM && (bonds.host || bonds.moving_to || bonds.service))
        g_array_append_val(loading->bonds, bonds);
}

/* Older versions had the sentence in `error`, until another took its place. */
static void take_pending(struct object *vm) REQUIRES(model)
{
    vm->vm.pending = vm->error_code ? NULL : g_steal_pointer(&vm->error);
    if (!vm->vm.pending)
        vm->vm.pending = g_strdup("a restart is pending");
}

static void load_object(const struct store_object *row, void *data) REQUIRES(model)
{
    struct loading *loading = data;
    struct engine *engine = loading->engine;
    struct detail_rest rest;
    struct object *object;

    if (!acceptable(engine, row))
        return;
    object = folder_or_new(engine, row);
    memcpy(object->times, row->times, sizeof object->times);
    object->uid = row->uid;
    object->gid = row->gid;
    object->mode = row->mode;
    object->available = row->available;
    detail_read(engine, object, row->detail, &rest);
    cloud_set_spec(engine->cloud, object, g_strdup(row->spec),
                   parse_kept(object->kind, row->spec, rest.trusted));
    cloud_set_next(engine->cloud, object, g_strdup(row->next_spec),
                   parse_kept(object->kind, row->next_spec, rest.next_trusted));
    object->error = g_strdup(row->error);
    object->error_code = row->error_code;
    if (object->kind == OBJECT_VM && rest.restart_pending)
        take_pending(object);
    if (!object->placement) /* it was kept as it is by older versions */
        object->placement = packed_new(row->placement);
    if (object->kind == OBJECT_HOST && object->spec)
        object->host.phase = HOST_CONNECTING;
    count_availability(engine, object, rest.run);
    keep_bonds(loading, object, &rest);
}

static void load_event(const struct store_event *row, void *data) REQUIRES(model)
{
    struct engine *engine = data;

    cloud_restore_event(engine->cloud, row->seq, row->time, row->text);
}

static void resume(struct engine *engine, struct object *object) REQUIRES(model)
{
    if (object->leaving)
        grace_begin(engine, object);
    if (object->kind == OBJECT_SERVICE)
        service_nudge(engine, object);
    if (object->kind != OBJECT_VM)
        return;
    placing_reserve(engine, object);
    if (object->vm.moving_to)
        vm_move_resume(engine, object);
    if (object->vm.phase == VM_PENDING)
        g_hash_table_insert(engine->pending, &object->id, object_ref(object));
}

static void link_vm(struct engine *engine, const struct bonds *bonds) REQUIRES(model)
{
    struct object *host = cloud_by_id(engine->cloud, bonds->host);
    struct object *target = cloud_by_id(engine->cloud, bonds->moving_to);
    struct object *service = cloud_by_id(engine->cloud, bonds->service);

    if (host && host->kind == OBJECT_HOST)
        cloud_set_host(engine->cloud, bonds->vm, host);
    if (target && target->kind == OBJECT_HOST) {
        bonds->vm->vm.moving_to = target;
        target->host.incoming++;
    }
    if (service && service->kind == OBJECT_SERVICE)
        cloud_set_service(engine->cloud, bonds->vm, service);
}

/* Hosts first, whose VMs follow them. */
static void refresh_all(struct engine *engine, enum object_kind kind) REQUIRES(model)
{
    const GPtrArray *objects = cloud_objects(engine->cloud, kind);

    for (unsigned i = 0; i < objects->len; i++) {
        struct object *object = objects->pdata[i];

        if (kind != OBJECT_VM || !object->vm.host)
            cloud_refresh_state(engine->cloud, object);
    }
}

static void resume_all(struct engine *engine, enum object_kind kind) REQUIRES(model)
{
    const GPtrArray *objects = cloud_objects(engine->cloud, kind);

    for (unsigned i = 0; i < objects->len; i++)
        resume(engine, objects->pdata[i]);
}

static void finish_objects(struct loading *loading) REQUIRES(model)
{
    struct engine *engine = loading->engine;

    for (unsigned i = 0; i < loading->bonds->len; i++)
        link_vm(engine, &g_array_index(loading->bonds, struct bonds, i));
    for (int kind = 0; kind < OBJECT_KINDS; kind++)
        refresh_all(engine, (enum object_kind)kind);
    resume_all(engine, OBJECT_HOST);
    resume_all(engine, OBJECT_VM);
    resume_all(engine, OBJECT_SERVICE);
    engine_touch(engine, cloud_by_id(engine->cloud, ROOT_ID)); /* a run's first heartbeat */
}

/* Those of a new database have no rows yet. */
static void touch_folders(struct engine *engine) REQUIRES(model)
{
    const GPtrArray *folders = cloud_objects(engine->cloud, OBJECT_FOLDER);

    g_hash_table_unref(cloud_take_changed(engine->cloud));
    for (unsigned i = 0; i < folders->len; i++)
        engine_touch(engine, folders->pdata[i]);
}

static bool load_all(struct engine *engine, GError **error) REQUIRES(model)
{
    struct loading loading = {engine, g_array_new(false, false, sizeof(struct bonds))};
    bool ok;

    touch_folders(engine);
    cloud_set_loading(engine->cloud, true);
    ok = store_load(engine->store, load_object, &loading, error) &&
         store_load_events(engine->store, EVENTS_KEEP, load_event, engine, error);
    if (ok)
        finish_objects(&loading);
    cloud_set_loading(engine->cloud, false);
    g_array_free(loading.bonds, true);
    return ok;
}

static struct object *add_host(struct engine *engine, const char *name) REQUIRES(model)
{
    struct object *host = cloud_add(engine->cloud, OBJECT_HOST, engine_new_id(engine), name,
                                    getuid(), getgid(), 0755);

    cloud_event(engine->cloud, host, NULL, "added");
    return host;
}

static void set_host(struct engine *engine, struct object *host, const char *text, Spec *spec)
    REQUIRES(model)
{
    cloud_set_spec(engine->cloud, host, g_strdup(text), spec_ref(spec));
    if (host->host.phase == HOST_CONNECTING) {
        cloud_refresh_place(engine->cloud, host); /* its VMs know that it is not up */
    } else {
        host->host.phase = HOST_CONNECTING;
        cloud_refresh_state(engine->cloud, host);
    }
    engine_touch(engine, host);
}

/* The hosts of the configuration are always there, under their own specs. */
static void add_conf_hosts(struct engine *engine) REQUIRES(model)
{
    for (unsigned i = 0; i < engine->conf->hosts->len; i++) {
        const struct conf_host *conf = engine->conf->hosts->pdata[i];
        struct object *host = cloud_find(engine->cloud, OBJECT_HOST, conf->name);

        if (!host)
            host = add_host(engine, conf->name);
        host->host.from_conf = true;
        set_host(engine, host, conf->text, conf->spec);
    }
}

/* With no host anywhere, there is one. */
static void add_local_host(struct engine *engine, const char *uri) REQUIRES(model)
{
    g_autofree char *text = g_strdup_printf("uri = %s\n", uri);
    g_autoptr(Spec) spec = spec_parse(SPEC_HOST, text, strlen(text), NULL);

    if (spec)
        set_host(engine, add_host(engine, "local"), text, spec);
}

bool engine_load(struct engine *engine, GError **error)
{
    g_autofree char *local = NULL;
    bool ok, none;

    cloud_write_lock(engine->cloud);
    ok = load_all(engine, error);
    if (ok)
        add_conf_hosts(engine);
    none = cloud_objects(engine->cloud, OBJECT_HOST)->len == 0;
    cloud_write_unlock(engine->cloud);
    if (!ok || !none)
        return ok;

    local = virt_local_uri(engine->conf->state);
    cloud_write_lock(engine->cloud);
    add_local_host(engine, local);
    cloud_write_unlock(engine->cloud);
    return true;
}
