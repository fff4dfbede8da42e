/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a directory. */
#include "fs/ino.h"
#include "fs/node.h"
#include "fs/specs.h"

/* ---- offsets: 1 and 2 for "." and "..", then 2 + code, then above all codes by id */

enum { OFFSET_DOT = 1, OFFSET_PARENT, OFFSET_FOLDERS = OFFSET_PARENT + (1 << INO_CODE_BITS) };

struct walk {
    struct cloud *cloud;
    off_t after;
    node_fill fill;
    void *ctx;
};

static bool give(const struct walk *walk, const struct node *node, const char *name, off_t offset)
{
    return offset <= walk->after || walk->fill(walk->ctx, node, name, offset);
}

/* Objects by id; ROW tells what they appear as. */
static void walk_objects(const struct walk *walk, const GPtrArray *objects,
                         const struct file_row *row) REQUIRES_SHARED(model)
{
    unsigned i = objects_after(objects, (uint64_t)MAX(walk->after, OFFSET_PARENT));

    for (; i < objects->len; i++) {
        struct node node = {objects->pdata[i], row};

        if (object_leaf(node.object) != node.object->name)
            continue; /* in a batch */
        if (!give(walk, &node, node.object->name, (off_t)node.object->id))
            return;
    }
}

static bool walk_files(const struct walk *walk, struct object *object) REQUIRES_SHARED(model)
{
    const struct file_table *files = table_of(object);

    for (size_t i = 0; i < files->n; i++) {
        struct node node = {object, &files->rows[i]};
        off_t offset = OFFSET_PARENT + node.row->code;

        if (node.row->name && offset > walk->after && node_is_there(walk->cloud, &node) &&
            !give(walk, &node, node.row->name, offset))
            return false;
    }
    return true;
}

static void walk_drafts(const struct walk *walk, const struct object *batch) REQUIRES_SHARED(model)
{
    g_autoptr(GPtrArray) drafts = cloud_drafts(walk->cloud, batch);

    for (unsigned i = 0; i < drafts->len; i++) {
        struct node node = {drafts->pdata[i], NULL};

        if (!give(walk, &node, object_leaf(node.object), (off_t)(OFFSET_FOLDERS + node.object->id)))
            return;
    }
}

/* The objects of a flat folder, as the files of their specs. */
static void walk_specs(const struct walk *walk, enum object_kind kind) REQUIRES_SHARED(model)
{
    const GPtrArray *objects = cloud_objects(walk->cloud, kind);
    unsigned i = objects_after(objects, (uint64_t)MAX(walk->after, OFFSET_PARENT));

    for (; i < objects->len; i++) {
        struct object *object = objects->pdata[i];
        struct node node = {object, table_by_code(table_of(object), CODE_SPEC)};
        g_autofree char *name = specs_file_name(object->name);

        if (cloud_in_specs(object) && !give(walk, &node, name, (off_t)object->id))
            return;
    }
}

static void walk_folders(const struct walk *walk, uint64_t parent) REQUIRES_SHARED(model)
{
    for (size_t i = 0; i < N_FOLDERS; i++) {
        struct node node = {cloud_by_id(walk->cloud, folders[i].id), NULL};

        if (folders[i].parent != parent)
            continue;
        if (!give(walk, &node, folders[i].name, (off_t)(OFFSET_FOLDERS + folders[i].id)))
            return;
    }
}

void node_walk(struct cloud *cloud, const struct node *dir, off_t after, node_fill fill, void *ctx)
{
    const struct walk walk = {cloud, after, fill, ctx};
    const struct folder_row *folder = folder_by_id(dir->object->id);
    const GPtrArray *members;
    struct node parent;
    unsigned code;

    node_parent(cloud, dir, &parent);
    if (!give(&walk, dir, ".", OFFSET_DOT) || !give(&walk, &parent, "..", OFFSET_PARENT))
        return;
    if (dir->row) {
        members = node_members(dir->object, &code);
        walk_objects(&walk, members, table_by_code(&vm_files, code));
    } else if (folder && folder->flat) {
        walk_specs(&walk, folder->kind);
    } else if (folder && folder->kind != OBJECT_FOLDER) {
        walk_objects(&walk, cloud_objects(cloud, folder->kind), NULL);
    } else if (walk_files(&walk, dir->object)) {
        if (dir->object->kind == OBJECT_FOLDER)
            walk_folders(&walk, dir->object->id);
        else if (dir->object->kind == OBJECT_PLAN && dir->object->plan.drafts > 0)
            walk_drafts(&walk, dir->object);
    }
}
