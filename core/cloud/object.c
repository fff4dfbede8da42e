/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects: birth, change of one field at a time, death. */
#include "core/cloud/internal.h"

#include <string.h>

static void init_part(struct object *object) UNCHECKED_LOCKING
{
    const struct usage unknown = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0};

    switch (object->kind) {
    case OBJECT_HOST:
        object->host.vms = g_ptr_array_new();
        object->host.load = unknown;
        object->host.cpu_forecast = g_new0(struct forecast, 1);
        object->host.memory_forecast = g_new0(struct forecast, 1);
        break;
    case OBJECT_VM:
        object->vm.usage = unknown;
        object->vm.managed = true;
        break;
    case OBJECT_SERVICE:
        object->service.members = g_ptr_array_new();
        break;
    case OBJECT_PLAN:
    case OBJECT_FOLDER:
    case OBJECT_KINDS:
        break;
    }
}

struct object *object_new(enum object_kind kind, uint64_t id, const char *name) UNCHECKED_LOCKING
{
    struct object *object = g_new0(struct object, 1);

    refs_init(&object->refs);
    object->kind = kind;
    object->id = id;
    object->name = g_strdup(name);
    object->state = "draft";
    object->since = -1;
    init_part(object);
    return object;
}

struct object *object_ref(struct object *object)
{
    refs_inc(&object->refs);
    return object;
}

static void free_part(struct object *object) UNCHECKED_LOCKING
{
    switch (object->kind) {
    case OBJECT_HOST:
        g_strfreev(object->host.types);
        g_strfreev(object->host.leftovers);
        g_strfreev(object->host.networks);
        g_free(object->host.cpu_forecast);
        g_free(object->host.memory_forecast);
        g_ptr_array_free(object->host.vms, true);
        break;
    case OBJECT_VM:
        g_free(object->vm.domain_name);
        g_free(object->vm.new_name);
        g_free(object->vm.pending);
        g_clear_pointer(&object->vm.type, g_ref_string_release);
        g_free(object->vm.xml);
        break;
    case OBJECT_SERVICE:
        g_ptr_array_free(object->service.members, true);
        break;
    case OBJECT_PLAN:
    case OBJECT_FOLDER:
    case OBJECT_KINDS:
        break;
    }
}

/* TEXT and SPEC in place of what is there. A shared spec has the text already. */
static void hold_spec(char **text_field, Spec **spec_field, char *text, Spec *spec)
{
    bool shared = spec && spec->text && g_strcmp0(spec->text, text) == 0;

    if (!*spec_field || *text_field != (*spec_field)->text)
        g_free(*text_field);
    g_clear_pointer(spec_field, spec_unref);
    if (shared)
        g_free(text);
    *text_field = shared ? spec->text : text;
    *spec_field = spec;
}

/* The last reference: nobody else can look any more. */
void object_unref(struct object *object) UNCHECKED_LOCKING
{
    if (!object || !refs_dec(&object->refs))
        return;
    free_part(object);
    g_free(object->name);
    hold_spec(&object->spec_text, &object->spec, NULL, NULL);
    hold_spec(&object->next_text, &object->next, NULL, NULL);
    g_free(object->error);
    g_free(object->placement);
    g_free(object);
}

static void note_changed(struct cloud *cloud, struct object *object) REQUIRES(model)
{
    if (!g_hash_table_contains(cloud->changed, &object->id))
        g_hash_table_insert(cloud->changed, &object->id, object_ref(object));
}

void cloud_set_loading(struct cloud *cloud, bool loading)
{
    cloud->loading = loading;
}

void cloud_stamp(struct cloud *cloud, struct object *object, enum facet facet)
{
    if (cloud->loading)
        return;
    object->times[facet] = cloud_now();
    note_changed(cloud, object);
    cloud_tell(cloud, CHANGE_FACET, object, facet, NULL);
}

/* Where objects of a kind have their names: as directories, and as files in specs/. */
static const uint64_t folders_of[OBJECT_KINDS][2] = {
    [OBJECT_FOLDER] = {ROOT_ID,     0                },
      [OBJECT_HOST] = {HOSTS_ID,    SPECS_HOSTS_ID   },
    [OBJECT_VM] = {VMS_ID,      SPECS_VMS_ID     },
      [OBJECT_SERVICE] = {SERVICES_ID, SPECS_SERVICES_ID},
    [OBJECT_PLAN] = {PLAN_ID,     0                },
};

static void stamp_one(struct cloud *cloud, uint64_t id) REQUIRES(model)
{
    struct object *folder = id ? cloud_by_id(cloud, id) : NULL;

    if (folder)
        cloud_stamp(cloud, folder, FACET_SELF);
}

/* A name of an object came or went. */
static void stamp_folder(struct cloud *cloud, const struct object *object) REQUIRES(model)
{
    const struct object *batch = cloud_batch(cloud, object);

    stamp_one(cloud, batch ? batch->id : folders_of[object->kind][0]);
    if (cloud_in_specs(object))
        stamp_one(cloud, folders_of[object->kind][1]);
}

bool cloud_in_specs(const struct object *object)
{
    return folders_of[object->kind][1] != 0 && !object->leaving &&
           (object->kind != OBJECT_VM || object->vm.managed);
}

void cloud_set_leaving(struct cloud *cloud, struct object *object, bool leaving)
{
    if (object->leaving == leaving)
        return;
    object->leaving = leaving;
    note_changed(cloud, object);
    stamp_one(cloud, folders_of[object->kind][1]);
    cloud_tell(cloud, leaving ? CHANGE_LEAVING : CHANGE_STAYING, object, FACET_SPEC, NULL);
}

void cloud_set_managed(struct cloud *cloud, struct object *vm)
{
    if (vm->vm.managed)
        return;
    vm->vm.managed = true;
    stamp_one(cloud, folders_of[OBJECT_VM][1]);
    cloud_tell(cloud, CHANGE_STAYING, vm, FACET_SPEC, NULL);
}

/* The cloud takes the reference over. */
static void enter(struct cloud *cloud, struct object *object) REQUIRES(model)
{
    object->alive = true;
    objects_insert(cloud->objects[object->kind], object);
    g_hash_table_add(cloud->by_name[object->kind], &object->name);
    g_hash_table_insert(cloud->by_id, &object->id, object);
    batch_recount(cloud, object);
    if (cloud->loading)
        return;
    note_changed(cloud, object);
    stamp_folder(cloud, object);
    cloud_tell(cloud, CHANGE_ADDED, object, FACET_SELF, NULL);
}

struct object *cloud_add(struct cloud *cloud, enum object_kind kind, uint64_t id, const char *name,
                         uid_t uid, gid_t gid, mode_t mode)
{
    struct object *object = object_new(kind, id, name);
    int64_t now = cloud_now();

    object->uid = uid;
    object->gid = gid;
    object->mode = mode;
    for (int facet = 0; facet < FACETS; facet++)
        object->times[facet] = now;
    enter(cloud, object);
    return object;
}

void cloud_add_again(struct cloud *cloud, struct object *object)
{
    enter(cloud, object_ref(object));
    if (object->kind == OBJECT_VM && object->vm.uuid[0])
        g_hash_table_add(cloud->by_uuid, object->vm.uuid);
}

/* A host or a service goes: what points at it must not. */
static void orphan_all(struct cloud *cloud, struct object *object) REQUIRES(model)
{
    if (object->kind == OBJECT_HOST) {
        while (object->host.vms->len > 0)
            cloud_set_host(cloud, object->host.vms->pdata[0], NULL);
        place_remove_host(cloud->place, object->id);
    } else if (object->kind == OBJECT_SERVICE) {
        while (object->service.members->len > 0)
            cloud_set_service(cloud, object->service.members->pdata[0], NULL);
    } else if (object->kind == OBJECT_VM) {
        cloud_set_host(cloud, object, NULL);
        cloud_set_service(cloud, object, NULL);
        place_give(cloud->place, object->id);
    }
}

void cloud_remove(struct cloud *cloud, struct object *object)
{
    if (!object->alive)
        return;
    orphan_all(cloud, object);
    object->alive = false;
    g_hash_table_remove(cloud->by_name[object->kind], &object->name);
    g_hash_table_remove(cloud->by_id, &object->id);
    if (object->kind == OBJECT_VM && object->vm.uuid[0])
        g_hash_table_remove(cloud->by_uuid, object->vm.uuid);
    cloud_tell(cloud, CHANGE_REMOVED, object, FACET_SELF, cloud_batch(cloud, object));
    stamp_folder(cloud, object);
    object_ref(object);
    objects_remove(cloud->objects[object->kind], object);
    batch_recount(cloud, object);
    object_unref(object); /* may free it */
}

void cloud_rename(struct cloud *cloud, struct object *object, const char *name)
{
    char *fresh = g_strdup(name);
    struct object *batch = cloud_batch(cloud, object);

    g_hash_table_remove(cloud->by_name[object->kind], &object->name);
    cloud_tell(cloud, CHANGE_REMOVED, object, FACET_SELF, batch);
    stamp_folder(cloud, object);
    g_free(object->name);
    object->name = fresh;
    g_hash_table_add(cloud->by_name[object->kind], &object->name);
    if (batch)
        batch_recount(cloud, batch);
    batch_recount(cloud, object);
    cloud_tell(cloud, CHANGE_ADDED, object, FACET_SELF, NULL);
    stamp_folder(cloud, object);
}

void cloud_set_uuid(struct cloud *cloud, struct object *vm, const char *uuid)
{
    if (vm->vm.uuid[0])
        g_hash_table_remove(cloud->by_uuid, vm->vm.uuid);
    g_strlcpy(vm->vm.uuid, uuid ? uuid : "", sizeof vm->vm.uuid);
    if (vm->vm.uuid[0])
        g_hash_table_add(cloud->by_uuid, vm->vm.uuid);
}

void cloud_set_type(struct object *vm, const char *type)
{
    char *shared = type ? g_ref_string_new_intern(type) : NULL;

    g_clear_pointer(&vm->vm.type, g_ref_string_release);
    vm->vm.type = shared;
}

void cloud_set_spec(struct cloud *cloud, struct object *object, char *text, Spec *spec)
{
    bool same = g_strcmp0(text, object->spec_text) == 0;

    hold_spec(&object->spec_text, &object->spec, text, spec);
    member_count(object); /* as its check says, if it has one now */
    if (!same)
        cloud_stamp(cloud, object, FACET_SPEC);
}

void cloud_set_next(struct cloud *cloud, struct object *object, char *text, Spec *spec)
{
    hold_spec(&object->next_text, &object->next, text, spec);
    /* What is being applied is what a reader of `spec` sees: the text seen has changed. */
    cloud_stamp(cloud, object, FACET_SPEC);
}

void cloud_accept_next(struct object *object)
{
    hold_spec(&object->spec_text, &object->spec, NULL, NULL);
    object->spec_text = g_steal_pointer(&object->next_text);
    object->spec = g_steal_pointer(&object->next);
    member_count(object);
}

void cloud_set_error(struct cloud *cloud, struct object *object, int code, const char *sentence)
{
    if (code == object->error_code && g_strcmp0(sentence, object->error) == 0)
        return;
    g_free(object->error);
    object->error = g_strdup(sentence);
    object->error_code = code;
    cloud_stamp(cloud, object, FACET_ERROR);
}

void cloud_set_pending(struct cloud *cloud, struct object *vm, const char *sentence)
{
    if (g_strcmp0(sentence, vm->vm.pending) == 0)
        return;
    g_free(vm->vm.pending);
    vm->vm.pending = g_strdup(sentence);
    cloud_stamp(cloud, vm, FACET_ERROR);
}

/* Whether that made a difference. */
static bool set_packed(struct packed **field, const char *text)
{
    struct packed *packed = packed_new(text);
    bool same = packed_equal(packed, *field);

    g_free(same ? packed : *field);
    if (!same)
        *field = packed;
    return !same;
}

void cloud_set_placement(struct cloud *cloud, struct object *object, char *text)
{
    if (set_packed(&object->placement, text))
        cloud_stamp(cloud, object, FACET_PLACEMENT);
    g_free(text);
}

void cloud_set_xml(struct cloud *cloud, struct object *vm, const char *xml)
{
    if (set_packed(&vm->vm.xml, xml))
        cloud_stamp(cloud, vm, FACET_XML);
}

void cloud_set_owner(struct cloud *cloud, struct object *object, uid_t uid, gid_t gid, mode_t mode)
{
    if (uid != (uid_t)-1)
        object->uid = uid;
    if (gid != (gid_t)-1)
        object->gid = gid;
    if (mode != (mode_t)-1)
        object->mode = mode & 07777;
    cloud_stamp(cloud, object, FACET_ATTR);
}

void cloud_set_time(struct cloud *cloud, struct object *object, enum facet facet, int64_t time)
{
    object->times[facet] = time;
    object->times[FACET_ATTR] = cloud_now();
    cloud_tell(cloud, CHANGE_FACET, object, facet, NULL);
    cloud_tell(cloud, CHANGE_FACET, object, FACET_ATTR, NULL);
}
