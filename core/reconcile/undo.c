/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What requests have changed is taken back when it could not be saved. */
#include <string.h>

#include "core/reconcile/internal.h"

/* An object as it was before the requests of this round. */
struct memento {
    struct object *object;
    bool none; /* it was not there */
    char *name, *text, *error;
    int error_code;
    Spec *spec;
    uid_t uid;
    gid_t gid;
    mode_t mode;
    int64_t times[FACETS];
    bool leaving;
    int64_t leaves_at;
    /* Of a VM, with the host it was on and the service it was in (0: none). */
    enum vm_phase phase;
    bool power;
    uint64_t host, service;
    char uuid[37];
    /* Of a host; of a service. */
    bool maintenance, drain_due, leaving_uri, removing;
};

/* Of a round. */
struct mementos {
    GPtrArray *all;        /* struct memento *, in the order of the changes */
    GHashTable *of_object; /* the objects that have one */
};

static void memento_free(void *data)
{
    struct memento *old = data;

    object_unref(old->object);
    g_free(old->name);
    g_free(old->text);
    g_free(old->error);
    g_clear_pointer(&old->spec, spec_unref);
    g_free(old);
}

bool undo_keeps(const struct engine *engine, const struct object *object)
{
    return engine->mementos && g_hash_table_contains(engine->mementos->of_object, object);
}

static struct mementos *mementos_new(void)
{
    struct mementos *mementos = g_new0(struct mementos, 1);

    mementos->all = g_ptr_array_new_with_free_func(memento_free);
    mementos->of_object = g_hash_table_new(NULL, NULL);
    return mementos;
}

static void mementos_free(struct mementos *mementos)
{
    g_hash_table_destroy(mementos->of_object);
    g_ptr_array_unref(mementos->all);
    g_free(mementos);
}

static struct memento *keep(struct engine *engine, struct object *object) REQUIRES(model)
{
    struct memento *old = g_new0(struct memento, 1);

    old->object = object_ref(object);
    if (!engine->mementos)
        engine->mementos = mementos_new();
    g_ptr_array_add(engine->mementos->all, old);
    g_hash_table_add(engine->mementos->of_object, object);
    return old;
}

static void keep_part(struct memento *old, struct object *object) REQUIRES(model)
{
    switch (object->kind) {
    case OBJECT_VM:
        old->phase = object->vm.phase;
        old->power = object->vm.power;
        old->host = object->vm.host ? object->vm.host->id : 0;
        old->service = object->vm.service ? object->vm.service->id : 0;
        g_strlcpy(old->uuid, object->vm.uuid, sizeof old->uuid);
        break;
    case OBJECT_HOST:
        old->maintenance = object->host.maintenance;
        old->drain_due = object->host.drain_due;
        old->leaving_uri = object->host.leaving_uri;
        break;
    case OBJECT_SERVICE:
        old->removing = service_work(object)->removing;
        break;
    case OBJECT_FOLDER:
    case OBJECT_PLAN:
    case OBJECT_KINDS:
        break;
    }
}

void undo_keep(struct engine *engine, struct object *object)
{
    struct memento *old;

    if (undo_keeps(engine, object))
        return;
    old = keep(engine, object);
    old->name = g_strdup(object->name);
    old->text = g_strdup(object->spec_text);
    old->error = g_strdup(object->error);
    old->error_code = object->error_code;
    old->spec = object->spec ? spec_ref(object->spec) : NULL;
    old->uid = object->uid;
    old->gid = object->gid;
    old->mode = object->mode;
    memcpy(old->times, object->times, sizeof old->times);
    old->leaving = object->leaving;
    old->leaves_at = object->leaves_at;
    keep_part(old, object);
}

void undo_keep_none(struct engine *engine, struct object *object)
{
    keep(engine, object)->none = true;
}

void undo_clear(struct engine *engine)
{
    g_clear_pointer(&engine->mementos, mementos_free);
}

/* ---- taking back */

/* Away with it, as if it had never been; its row is not there either. */
static void vanish(struct engine *engine, struct object *object, int err) REQUIRES(model)
{
    if (object->kind == OBJECT_VM) {
        requests_answer(engine, &vm_work(object)->waiters, err);
        vm_work_free(engine, object);
        g_hash_table_remove(engine->pending, &object->id);
    } else if (object->kind == OBJECT_SERVICE) {
        requests_answer(engine, &service_work(object)->waiters, err);
        service_work_free(object);
        g_hash_table_remove(engine->restless, &object->id);
    } else if (object->kind == OBJECT_HOST) {
        host_end(engine, object);
    }
    g_hash_table_remove(engine->unexplained, &object->id);
    g_hash_table_remove(engine->dirty, &object->id);
    cloud_remove(engine->cloud, object);
}

static void keep_row(struct engine *engine, uint64_t id)
{
    for (unsigned i = engine->deleted->len; i-- > 0;)
        if (g_array_index(engine->deleted, uint64_t, i) == id)
            g_array_remove_index(engine->deleted, i);
}

/* It was removed, or became something else under its id. */
static void come_back(struct engine *engine, struct object *object, int err) REQUIRES(model)
{
    struct object *other = cloud_by_id(engine->cloud, object->id);

    if (other)
        vanish(engine, other, err);
    keep_row(engine, object->id);
    cloud_add_again(engine->cloud, object);
}

/* A VM that has a domain, or loses it, has a job, which ends with the error and does the rest. */
static void restore_vm(struct engine *engine, const struct memento *old, bool rewritten, int err)
    REQUIRES(model)
{
    struct object *vm = old->object;

    vm->vm.power = old->power;
    if (!old->service)
        cloud_set_service(engine->cloud, vm, NULL);
    if (vm->vm.phase == VM_ACTIVE || vm->vm.phase == VM_DESTROYING)
        return;
    if (rewritten || (vm->vm.phase != old->phase && old->phase != VM_PENDING))
        requests_answer(engine, &vm_work(vm)->waiters, err);
    if (vm->vm.phase != old->phase)
        vm_withdraw(engine, vm, old->phase);
    cloud_set_uuid(engine->cloud, vm, old->uuid);
    cloud_set_host(engine->cloud, vm, old->host ? cloud_by_id(engine->cloud, old->host) : NULL);
    placing_reserve(engine, vm);
}

/* Its connection was not left yet (hostspec.c). */
static void restore_host(struct engine *engine, const struct memento *old) REQUIRES(model)
{
    struct object *host = old->object;

    host->host.maintenance = old->maintenance;
    host->host.drain_due = old->drain_due;
    host->host.leaving_uri = old->leaving_uri;
    cloud_refresh_place(engine->cloud, host);
}

static void restore_part(struct engine *engine, const struct memento *old, bool rewritten, int err)
    REQUIRES(model)
{
    struct object *object = old->object;

    switch (object->kind) {
    case OBJECT_VM:
        restore_vm(engine, old, rewritten, err);
        break;
    case OBJECT_HOST:
        restore_host(engine, old);
        break;
    case OBJECT_SERVICE:
        if (rewritten || service_work(object)->removing != old->removing)
            requests_answer(engine, &service_work(object)->waiters, err);
        service_work(object)->removing = old->removing;
        service_nudge(engine, object);
        break;
    case OBJECT_FOLDER:
    case OBJECT_PLAN:
    case OBJECT_KINDS:
        break;
    }
}

static void restore(struct engine *engine, struct memento *old, const GError *error) REQUIRES(model)
{
    struct object *object = old->object;
    bool rewritten = g_strcmp0(old->text, object->spec_text) != 0;

    if (!object->alive)
        come_back(engine, object, error->code);
    if (strcmp(object->name, old->name) != 0)
        cloud_rename(engine->cloud, object, old->name);
    cloud_set_owner(engine->cloud, object, old->uid, old->gid, old->mode);
    object->leaves_at = old->leaves_at;
    cloud_set_leaving(engine->cloud, object, old->leaving);
    if (rewritten)
        cloud_set_spec(engine->cloud, object, g_strdup(old->text),
                       old->spec ? spec_ref(old->spec) : NULL);
    restore_part(engine, old, rewritten, error->code);
    memcpy(object->times, old->times, sizeof object->times);
    if (object->id >= OBJECT_FIRST)
        cloud_set_error(engine->cloud, object, error->code, error->message);
    cloud_refresh_state(engine->cloud, object);
    engine_touch(engine, object);
}

/* A domain that was only shown went with its host, and is there again as that is. */
static void relink(struct engine *engine, const struct memento *old) REQUIRES(model)
{
    struct object *vm = old->object;
    struct object *host = old->host ? cloud_by_id(engine->cloud, old->host) : NULL;

    if (vm->kind != OBJECT_VM || !vm->alive || vm->vm.host || !host)
        return;
    cloud_set_host(engine->cloud, vm, host);
    placing_reserve(engine, vm);
    cloud_set_error(engine->cloud, vm, old->error_code, old->error); /* nobody asked for it */
    cloud_refresh_state(engine->cloud, vm);
    memcpy(vm->times, old->times, sizeof vm->times);
}

/* The last change first: a name may have gone from one to another. */
static void take_back(struct engine *engine, const GPtrArray *mementos, const GError *error)
    REQUIRES(model)
{
    for (unsigned i = mementos->len; i-- > 0;) {
        struct memento *old = mementos->pdata[i];

        if (!old->none)
            restore(engine, old, error);
        else if (old->object->alive)
            vanish(engine, old->object, error->code);
    }
    for (unsigned i = 0; i < mementos->len; i++)
        relink(engine, mementos->pdata[i]);
}

void undo_all(struct engine *engine, const GError *error)
{
    struct mementos *mementos = g_steal_pointer(&engine->mementos);

    if (!mementos)
        return;
    cloud_write_lock(engine->cloud);
    take_back(engine, mementos->all, error);
    engine->room_changed = true;
    cloud_write_unlock(engine->cloud);
    mementos_free(mementos);
    undo_clear(engine); /* nothing of this is a change */
}
