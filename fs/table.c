/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/table.h"

#include <string.h>

static const struct file_table no_files = {"folder", NULL, 0};

const struct file_table *table_of(const struct object *object)
{
    switch (object->kind) {
    case OBJECT_HOST:
        return &host_files;
    case OBJECT_VM:
        return &vm_files;
    case OBJECT_SERVICE:
        return &service_files;
    case OBJECT_PLAN:
        return &plan_files;
    case OBJECT_FOLDER:
    case OBJECT_KINDS:
        break;
    }
    return object->id == ROOT_ID ? &root_files : &no_files;
}

const struct file_row *table_by_code(const struct file_table *table, unsigned code)
{
    for (size_t i = 0; i < table->n; i++)
        if (table->rows[i].code == code)
            return &table->rows[i];
    return NULL;
}

const struct file_row *table_by_name(const struct file_table *table, const char *name)
{
    for (size_t i = 0; i < table->n; i++)
        if (table->rows[i].name && strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    return NULL;
}

const struct folder_row *folder_by_id(uint64_t id)
{
    for (size_t i = 0; i < N_FOLDERS; i++)
        if (folders[i].id == id)
            return &folders[i];
    return NULL;
}

const struct folder_row *folder_by_name(uint64_t parent, const char *name)
{
    for (size_t i = 0; i < N_FOLDERS; i++)
        if (folders[i].parent == parent && strcmp(folders[i].name, name) == 0)
            return &folders[i];
    return NULL;
}

const struct folder_row *folder_by_kind(enum object_kind kind, bool flat)
{
    for (size_t i = 0; i < N_FOLDERS; i++)
        if (kind != OBJECT_FOLDER && folders[i].kind == kind && folders[i].flat == flat)
            return &folders[i];
    return NULL;
}

const char *row_access(const struct file_row *row)
{
    if (S_ISDIR(row->mode))
        return "dir";
    if (S_ISLNK(row->mode))
        return "link";
    return row->store ? "rw" : "r";
}
