/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers and names to nodes. */
#include "fs/node.h"

#include <string.h>

#include "fs/ino.h"
#include "fs/specs.h"

enum { BUFFER_START = 4096, BUFFER_KEEP = 1 << 20 };

uint64_t node_ino(const struct node *node)
{
    return ino_make(node->object->id, node->row ? node->row->code : CODE_SELF);
}

uint64_t node_sampled_with(const struct node *node)
{
    const struct object *object = node->object;

    if (object->kind == OBJECT_VM && object->vm.host)
        return object->vm.host->id;
    return object->kind == OBJECT_HOST ? object->id : 0;
}

uint64_t node_key(const struct node *dir, const struct node *child)
{
    const struct folder_row *folder = folder_by_id(dir->object->id);

    return folder && folder->flat ? ino_make(child->object->id, CODE_INI) : node_ino(child);
}

bool node_is_there(struct cloud *cloud, const struct node *node)
{
    if (!node->row || !S_ISLNK(node->row->mode))
        return true;
    return node_text(cloud, node)->len > 0;
}

bool node_find(struct cloud *cloud, uint64_t ino, struct node *node)
{
    struct node found = {.object = cloud_by_id(cloud, ino_id(ino))};
    unsigned code = ino_code(ino);

    if (!found.object || !object_alive(found.object))
        return false;
    if (found.object->kind == OBJECT_FOLDER && found.object->id != ROOT_ID &&
        !folder_by_id(found.object->id))
        return false;
    if (code != CODE_SELF) {
        found.row = table_by_code(table_of(found.object), code);
        if (!found.row || !node_is_there(cloud, &found))
            return false;
    }
    *node = found;
    return true;
}

const GPtrArray *node_members(const struct object *object, unsigned *code)
{
    *code = object->kind == OBJECT_HOST ? CODE_OF_HOST : CODE_OF_SERVICE;
    return object->kind == OBJECT_HOST ? object->host.vms : object->service.members;
}

static bool find_member(struct cloud *cloud, const struct object *object, const char *name,
                        struct node *child) REQUIRES_SHARED(model)
{
    struct object *vm = cloud_find(cloud, OBJECT_VM, name);
    unsigned code;

    node_members(object, &code);
    if (!vm || (code == CODE_OF_HOST ? vm->vm.host : vm->vm.service) != object)
        return false;
    *child = (struct node){vm, table_by_code(&vm_files, code)};
    return true;
}

static bool find_object(struct cloud *cloud, enum object_kind kind, uint64_t id, const char *name,
                        struct node *child) REQUIRES_SHARED(model)
{
    struct object *object = id ? cloud_by_id(cloud, id) : cloud_find(cloud, kind, name);

    if (!object)
        return false;
    *child = (struct node){object, NULL};
    return true;
}

/* A plan in a batch. */
static bool find_draft(struct cloud *cloud, const struct object *batch, const char *name,
                       struct node *child) REQUIRES_SHARED(model)
{
    g_autofree char *path = g_strdup_printf("%s/%s", batch->name, name);

    return batch->plan.drafts > 0 && find_object(cloud, OBJECT_PLAN, 0, path, child);
}

/* The spec of an object by its name in specs/. */
static bool find_spec(struct cloud *cloud, enum object_kind kind, const char *name,
                      struct node *child) REQUIRES_SHARED(model)
{
    g_autofree char *object_name = specs_object_name(name);
    struct object *object = object_name ? cloud_find(cloud, kind, object_name) : NULL;

    if (!object || !cloud_in_specs(object))
        return false;
    *child = (struct node){object, table_by_code(table_of(object), CODE_SPEC)};
    return true;
}

bool node_child(struct cloud *cloud, const struct node *dir, const char *name, struct node *child)
{
    const struct object *object = dir->object;
    const struct folder_row *folder;
    struct node found = {.object = dir->object};

    if (strcmp(name, ".") == 0) {
        *child = *dir;
        return true;
    }
    if (strcmp(name, "..") == 0) {
        node_parent(cloud, dir, child);
        return true;
    }
    if (dir->row)
        return node_is_dir(dir) && find_member(cloud, object, name, child);
    if (object->kind == OBJECT_FOLDER && (folder = folder_by_name(object->id, name)))
        return find_object(cloud, OBJECT_FOLDER, folder->id, NULL, child);
    folder = folder_by_id(object->id);
    if (folder && folder->flat)
        return find_spec(cloud, folder->kind, name, child);
    if (folder)
        return find_object(cloud, folder->kind, 0, name, child);
    if (object->kind == OBJECT_PLAN && find_draft(cloud, object, name, child))
        return true;
    found.row = table_by_name(table_of(object), name);
    if (!found.row || !node_is_there(cloud, &found))
        return false;
    *child = found;
    return true;
}

void node_parent(struct cloud *cloud, const struct node *node, struct node *parent)
{
    const struct folder_row *own = folder_by_id(node->object->id);
    const struct folder_row *folder = folder_by_kind(node->object->kind, false);
    uint64_t id = own ? own->parent : folder ? folder->id : ROOT_ID;

    struct object *batch = cloud_batch(cloud, node->object);

    if (!node->row)
        *parent = (struct node){batch ? batch : cloud_by_id(cloud, id), NULL};
    else if (node->row->code == CODE_OF_HOST)
        *parent = (struct node){node->object->vm.host, table_by_code(&host_files, CODE_VMS)};
    else if (node->row->code == CODE_OF_SERVICE)
        *parent = (struct node){node->object->vm.service, table_by_code(&service_files, CODE_VMS)};
    else
        *parent = (struct node){node->object, NULL};
}

char *node_place(const struct node *node)
{
    const struct folder_row *folder = folder_by_kind(node->object->kind, false);

    if (!folder)
        return g_strdup(node->row->name);
    return g_build_filename(folder->name, node->object->name, node->row->name, NULL);
}

static void free_buffer(void *buffer)
{
    g_string_free(buffer, true);
}

/* Emptied; one that was very long once does not stay so. */
static GString *thread_buffer(void)
{
    static GPrivate key = G_PRIVATE_INIT(free_buffer);
    GString *buffer = g_private_get(&key);

    if (!buffer || buffer->allocated_len > BUFFER_KEEP) {
        buffer = g_string_sized_new(BUFFER_START);
        g_private_replace(&key, buffer);
    }
    return g_string_truncate(buffer, 0);
}

const GString *node_text(struct cloud *cloud, const struct node *node)
{
    GString *text = thread_buffer();

    if (node->row && node->row->show)
        node->row->show(node->object, cloud, text);
    return text;
}
