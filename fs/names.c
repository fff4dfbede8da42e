/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names: finding, making and removing them. */
#include <errno.h>
#include <string.h>

#include "fs/fs.h"
#include "fs/hidden.h"
#include "fs/ino.h"
#include "fs/proc.h"
#include "fs/restore.h"
#include "fs/rights.h"
#include "fs/scratch.h"
#include "fs/spot.h"

static void reply_entry(struct fs *fs, fuse_req_t req, uint64_t parent, const char *name)
{
    struct fuse_entry_param entry;
    int err;

    notify_reply_begin(fs->notify);
    err = fs_entry(fs, parent, name, &entry);
    if (err)
        fuse_reply_err(req, err);
    else
        fuse_reply_entry(req, &entry);
    notify_reply_end(fs->notify);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fs_of(req);

    if (!scratch_is(parent) && (ino_code(parent) == CODE_SELF || ino_code(parent) == CODE_VMS) &&
        restore_expects_nothing(fs->restore, ino_id(parent), fuse_req_ctx(req)->pid))
        fuse_reply_err(req, ENOENT);
    else
        reply_entry(fs, req, parent, name);
}

static void read_scratch_link(struct fs *fs, fuse_req_t req, uint64_t ino)
{
    g_autoptr(GBytes) bytes = scratch_read(fs->scratches, ino, SCRATCH_FILE_MAX, 0);
    g_autofree char *target =
        bytes ? g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)) : NULL;

    if (target)
        fuse_reply_readlink(req, target);
    else
        fuse_reply_err(req, ESTALE);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
    g_autoptr(GString) target = NULL;

    if (scratch_is(ino)) {
        read_scratch_link(fs_of(req), req, ino);
        return;
    }
    target = fs_render(fs_of(req), ino);
    if (target && target->len > 0)
        fuse_reply_readlink(req, target->str);
    else
        fuse_reply_err(req, ESTALE);
}

/* ---- mkdir, rmdir: an object's life */

static bool step_mkdir(struct parked *parked)
{
    if (parked->next++ > 0)
        return false;
    park_hold(parked);
    park_began(parked, engine_mkdir(parked->fs->engine, (enum object_kind)parked->todo,
                                    parked->name, parked->mode, &parked->actor, park_done, parked));
    return true;
}

static void answer_mkdir(struct parked *parked, int err)
{
    struct fs *fs = parked->fs;
    const char *slash = strchr(parked->name, '/');

    if (err) {
        fuse_reply_err(parked->req, err);
        return;
    }
    restore_made(fs->restore, fs_object_id(fs, (enum object_kind)parked->todo, parked->name),
                 proc_tgid(parked->actor.pid));
    reply_entry(fs, parked->req, parked->ino, slash ? slash + 1 : parked->name);
}

static bool is_folder(fuse_ino_t ino)
{
    const struct folder_row *folder = folder_by_id(ino_id(ino));

    return ino_code(ino) == CODE_SELF && folder && folder->kind != OBJECT_FOLDER && !folder->flat;
}

static void make_object(struct fs *fs, fuse_req_t req, const struct spot *spot, mode_t mode)
{
    struct parked *parked = park_new(fs, req);

    parked->ino = spot->parent;
    parked->todo = spot->dirs;
    parked->name = g_strdup(spot_object(spot));
    parked->mode = mode & 0777;
    rights_inherit(fs, ino_id(spot->parent), &parked->actor);
    parked->dirs[0] = spot->parent;
    parked->step = step_mkdir;
    parked->answer = answer_mkdir;
    park_run(parked);
}

/* No directories but objects'; the vms/ of one that is being put back is there already. */
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    struct fs *fs = fs_of(req);
    g_auto(Spot) spot = {0};
    int err = spot_find(fs, parent, name, &spot);

    if (!err && spot.is_dir && spot.dir == SPOT_OBJECT &&
        restore_expects_nothing(fs->restore, spot.dir_id, fuse_req_ctx(req)->pid))
        reply_entry(fs, req, parent, name);
    else if (!err && spot.dirs != OBJECT_FOLDER && !(spot.path && spot_is_there(&spot)))
        make_object(fs, req, &spot, mode);
    else
        fuse_reply_err(req, err ? err : spot_is_there(&spot) ? EEXIST : EPERM);
}

static bool step_rmdir(struct parked *parked)
{
    if (parked->next++ > 0)
        return false;
    park_hold(parked);
    park_began(parked,
               engine_rmdir(parked->fs->engine, parked->id, &parked->actor, park_done, parked));
    return true;
}

/* Refused: what `rm -r` removed before it came here is all there again. */
static void answer_rmdir(struct parked *parked, int err)
{
    struct fs *fs = parked->fs;

    hidden_forget(fs->hidden, parked->id);
    fuse_reply_err(parked->req, err);
}

static void destroy_object(struct fs *fs, fuse_req_t req, uint64_t dir, uint64_t id)
{
    struct parked *parked = park_new(fs, req);

    parked->id = id;
    parked->dirs[0] = dir;
    parked->dirs[1] = ino_make(id, CODE_SELF);
    parked->step = step_rmdir;
    parked->answer = answer_rmdir;
    park_run(parked);
}

/*
 * What `rm -r` removes one by one before it comes to the object's directory: the answer is
 * yes, and nothing happens.
 */
static int remove_part(struct fs *fs, uint64_t parent, const char *name, bool dir, uint64_t *id)
    EXCLUDES(model)
{
    struct node at, child;
    int err = 0;

    *id = 0;
    cloud_read_lock(fs->cloud);
    if (!node_find(fs->cloud, parent, &at))
        err = ESTALE;
    else if (!node_child(fs->cloud, &at, name, &child))
        err = ENOENT;
    else if (node_is_dir(&child) != dir)
        err = dir ? ENOTDIR : EISDIR;
    else if (is_folder(parent) || (at.object->kind == OBJECT_PLAN && !child.row))
        *id = child.object->id;
    else if (at.object->kind != OBJECT_FOLDER)
        err = 0; /* vms/ of a host: nothing happens */
    else
        err = EPERM;
    cloud_read_unlock(fs->cloud);
    return err;
}

static bool is_partly_removed(struct fs *fs, uint64_t id) EXCLUDES(model)
{
    const struct file_table *table = NULL;
    const struct object *object;
    bool partly = false;

    cloud_read_lock(fs->cloud);
    object = cloud_by_id(fs->cloud, id);
    if (object)
        table = table_of(object);
    cloud_read_unlock(fs->cloud);
    for (size_t i = 0; table && i < table->n && !partly; i++)
        partly = hidden_is(fs->hidden, ino_make(id, table->rows[i].code));
    return partly;
}

/*
 * On a disk, a directory that holds files stays, and programs count on it: tar -U and borg with
 * each that they are about to make, git with that of a file that it removed. They must not destroy
 * a VM. rmdir(1) of what is whole is meant, and so is that of who has removed the spec before, as
 * `rm -r` does.
 */
static bool is_only_tried(struct fs *fs, fuse_req_t req, uint64_t id) EXCLUDES(model)
{
    if (hidden_lately(fs->hidden, ino_make(id, CODE_SPEC)))
        return false;
    return restore_is_probing(fs->restore, fuse_req_ctx(req)->pid) || is_partly_removed(fs, id);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    uint64_t id;
    struct fs *fs = fs_of(req);
    int err = remove_part(fs, parent, name, true, &id);

    if (err == EPERM)
        restore_probed(fs->restore, fuse_req_ctx(req)->pid);
    else if (!err && id && is_only_tried(fs, req, id))
        err = ENOTEMPTY;
    if (!err && id)
        err = rights_remove(fs, req, ino_id(parent), id);
    if (!err && id)
        destroy_object(fs, req, parent, id);
    else
        fuse_reply_err(req, err);
}

/* Hidden, not removed: see hidden.h. */
static int unlink_spot(struct fs *fs, const struct spot *spot)
{
    if (!spot_is_there(spot))
        return ENOENT;
    if (spot->scratch) {
        /* What it stands before must not come back just when its name is made again. */
        if (spot->ino)
            hidden_add(fs->hidden, spot_key(spot));
        return scratch_unlink(fs->scratches, spot->parent, spot->name);
    }
    if (spot->is_dir)
        return EISDIR;
    if (spot->dir == SPOT_ELSEWHERE)
        return EPERM;
    /* Nor must what stood before it until its grace was over. */
    scratch_unlink(fs->scratches, spot->parent, spot->name);
    hidden_add(fs->hidden, spot_key(spot));
    return 0;
}

/*
 * Hosts of the configuration or with VMs of cloudfs, and members of services, are not removed
 * through specs/: the file only seems to go, as tar, git and `rsync --delete` remove files that
 * they write again.
 */
static bool stays(struct fs *fs, uint64_t id) EXCLUDES(model)
{
    const struct object *object;
    bool stays;

    cloud_read_lock(fs->cloud);
    object = cloud_by_id(fs->cloud, id);
    stays = object && ((object->kind == OBJECT_HOST &&
                        (object->host.from_conf || cloud_managed_vms(object) > 0)) ||
                       (object->kind == OBJECT_VM && object->vm.service));
    cloud_read_unlock(fs->cloud);
    return stays;
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fs_of(req);
    g_auto(Spot) spot = {0};
    int err = spot_find(fs, parent, name, &spot);

    if (!err && spot_is_shown(&spot) && spot.dir == SPOT_FLAT)
        err = rights_remove(fs, req, spot.dir_id, spot.id);
    if (!err && spot_is_shown(&spot) && spot.dir == SPOT_FLAT && !stays(fs, spot.id)) {
        fs_drop(fs, req, spot.parent, spot.id);
        return;
    }
    fuse_reply_err(req, err ? err : unlink_spot(fs, &spot));
}
