/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/spot.h"

#include <errno.h>
#include <string.h>

#include "fs/hidden.h"
#include "fs/ino.h"
#include "fs/scratch.h"
#include "fs/specs.h"

static enum spot_dir kind_of_dir(const struct node *dir, const struct folder_row *folder)
{
    if (dir->row)
        return SPOT_LINKS;
    if (dir->object->kind != OBJECT_FOLDER)
        return SPOT_OBJECT;
    if (folder && folder->flat)
        return SPOT_FLAT;
    if (dir->object->id == ROOT_ID)
        return SPOT_ROOT;
    return dir->object->id == SPECS_ID ? SPOT_SPECS : SPOT_ELSEWHERE;
}

/* A batch is one level deep. */
static void look_dirs(struct fs *fs, const struct node *dir, struct spot *spot)
    REQUIRES_SHARED(model)
{
    if (spot->folder && !spot->folder->flat) {
        spot->dirs = spot->folder->kind;
    } else if (!dir->row && dir->object->kind == OBJECT_PLAN &&
               !cloud_batch(fs->cloud, dir->object)) {
        spot->dirs = OBJECT_PLAN;
        spot->path = g_strdup_printf("%s/%s", dir->object->name, spot->name);
    }
}

static int look(struct fs *fs, struct spot *spot) REQUIRES_SHARED(model)
{
    struct node dir, child;

    if (!node_find(fs->cloud, spot->parent, &dir))
        return ESTALE;
    if (!node_is_dir(&dir))
        return ENOTDIR;
    spot->folder = dir.row ? NULL : folder_by_id(dir.object->id);
    spot->dir = kind_of_dir(&dir, spot->folder);
    spot->dir_id = dir.object->id;
    look_dirs(fs, &dir, spot);
    if (!node_child(fs->cloud, &dir, spot->name, &child))
        return 0;
    spot->ino = node_ino(&child);
    spot->id = child.object->id;
    spot->row = child.row;
    spot->is_dir = node_is_dir(&child);
    return 0;
}

/* A link that was put back says nothing any more when its VM has been there for a while. */
static bool is_outdated(struct fs *fs, const struct spot *spot)
{
    return fs_object_id(fs, OBJECT_VM, spot->name) &&
           !scratch_is_young(fs->scratches, spot->scratch, cloud_conf(fs->cloud)->grace);
}

int spot_find(struct fs *fs, uint64_t parent, const char *name, struct spot *spot)
{
    int err;

    *spot = (struct spot){.parent = parent, .name = name};
    cloud_read_lock(fs->cloud);
    err = look(fs, spot);
    cloud_read_unlock(fs->cloud);
    if (err)
        return err;
    spot->hidden = spot->ino && hidden_is(fs->hidden, spot_key(spot));
    if (!spot_is_shown(spot))
        spot->scratch = scratch_find(fs->scratches, parent, name);
    if (spot->scratch && spot->dir == SPOT_LINKS && !spot->hidden && is_outdated(fs, spot))
        spot->scratch = 0;
    if (spot->dir == SPOT_FLAT)
        spot->object_name = specs_object_name(name);
    return 0;
}

void spot_clear(struct spot *spot)
{
    g_clear_pointer(&spot->object_name, g_free);
    g_clear_pointer(&spot->path, g_free);
}
