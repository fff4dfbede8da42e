/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Renaming. Of a scratch file onto a spec it is the commit, and fails with its errno; of an
 * object's directory it renames the object, or makes a plan real; of a spec to another name it is
 * an editor's backup.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* RENAME_NOREPLACE */
#include <string.h>

#include "fs/backup.h"
#include "fs/commit.h"
#include "fs/handle.h"
#include "fs/hidden.h"
#include "fs/relink.h"
#include "fs/restore.h"
#include "fs/rights.h"
#include "fs/scratch.h"
#include "fs/spot.h"

/* ---- a scratch file */

/* Onto a file that makes itself: only trees that are put back may, and nothing comes of it. *HOST:
 * nothing was done yet, the VM is to move there. */
static int replace_derived(struct fs *fs, fuse_req_t req, const struct spot *from,
                           const struct spot *to, char **host)
{
    int err = 0;

    if (to->is_dir)
        return EISDIR;
    if (S_ISLNK(to->row->mode) && !to->hidden)
        err = relink_check(fs, req, from, to, host);
    else if (!to->hidden && !scratch_is_restored(fs->scratches, from->scratch) &&
             !restore_may_write(fs->restore, fuse_req_ctx(req)->pid))
        err = EACCES;
    if (err || *host)
        return err;
    hidden_take(fs->hidden, spot_key(to));
    return scratch_unlink(fs->scratches, from->parent, from->name);
}

static void move_scratch(struct fs *fs, fuse_req_t req, const struct spot *from,
                         const struct spot *to)
{
    g_autofree char *host = NULL;
    struct stat st = {0};
    int err = scratch_stat(fs->scratches, from->scratch, &st);
    bool commits = spot_is_spec(to) && !to->is_dir && S_ISREG(st.st_mode);

    /* A spec may be for others to read than the file. */
    if (!err && commits)
        err = rights_open_made(req, &st, O_RDONLY);
    if (!err && commits) {
        commit_scratch(fs, req, from, to, rights_dir_mode(st.st_mode));
        return;
    }
    if (!err && to->ino)
        err = replace_derived(fs, req, from, to, &host);
    else if (!err && (spot_takes_scratch(to) || to->dir == SPOT_LINKS))
        err = scratch_rename(fs->scratches, from->parent, from->name, to->parent, to->name);
    else if (!err)
        err = EXDEV;
    if (!err && host)
        relink_move(fs, req, from, to, to->id, host);
    else
        fuse_reply_err(req, err);
}

/* ---- a file of specs/ that goes */

static bool step_drop(struct parked *parked)
{
    if (parked->next++ > 0)
        return false;
    park_hold(parked);
    park_began(parked,
               engine_drop(parked->fs->engine, parked->id, &parked->actor, park_done, parked));
    return true;
}

void fs_drop(struct fs *fs, fuse_req_t req, uint64_t dir, uint64_t id)
{
    struct parked *parked = park_new(fs, req);

    parked->id = id;
    parked->dirs[0] = dir;
    parked->step = step_drop;
    park_run(parked);
}

/* ---- an object to another name */

static bool step_rename(struct parked *parked)
{
    if (parked->next++ > 0)
        return false;
    park_hold(parked);
    park_began(parked, engine_rename(parked->fs->engine, parked->id, (enum object_kind)parked->todo,
                                     parked->name, &parked->actor, park_done, parked));
    return true;
}

/* Where a batch became real, the kernel takes its new name for the directory. */
static void answer_rename(struct parked *parked, int err)
{
    struct fs *fs = parked->fs;
    const char *slash = strchr(parked->name, '/');

    if (!err && parked->ino && fs_object_id(fs, (enum object_kind)parked->todo, parked->name) == 0)
        notify_name(fs->notify, parked->ino, slash ? slash + 1 : parked->name);
    fuse_reply_err(parked->req, err);
}

/* FROM becomes NAME, of KIND, at TO. */
static void rename_object(struct fs *fs, fuse_req_t req, const struct spot *from,
                          const struct spot *to, enum object_kind kind, const char *name)
{
    struct parked *parked = park_new(fs, req);

    parked->id = from->id;
    parked->ino = from->is_dir ? to->parent : 0; /* where its directory gets the name */
    parked->todo = kind;
    parked->name = g_strdup(name);
    parked->dirs[0] = from->parent;
    parked->dirs[1] = to->parent;
    parked->dirs[2] = from->ino;
    parked->renames = true;
    parked->step = step_rename;
    parked->answer = answer_rename;
    park_run(parked);
}

static void move_file(struct fs *fs, fuse_req_t req, const struct spot *from, const struct spot *to)
{
    bool flat = from->dir == SPOT_FLAT, moves = from->row && from->row->code == CODE_OF_HOST;
    int err = flat || moves ? rights_remove(fs, req, from->dir_id, from->id) : 0;

    if (err)
        fuse_reply_err(req, err);
    else if (moves)
        relink_move_entry(fs, req, from, to);
    else if (flat && to->parent == from->parent && to->object_name)
        rename_object(fs, req, from, to, from->folder->kind, to->object_name);
    else if (to->parent == from->parent && spot_takes_scratch(to) && spot_is_spec(from))
        backup_spec(fs, req, from, to);
    else
        fuse_reply_err(req, spot_is_spec(from) ? EXDEV : EPERM);
}

/* Not EXDEV: mv would copy the object and then destroy it. */
static void move_dir(struct fs *fs, fuse_req_t req, const struct spot *from, const struct spot *to)
{
    int err;

    if (from->row || from->dirs == OBJECT_FOLDER || to->dirs == OBJECT_FOLDER)
        fuse_reply_err(req, EPERM);
    else if (to->ino)
        fuse_reply_err(req, ENOTEMPTY);
    else if ((err = rights_remove(fs, req, from->dir_id, from->id)) ||
             (to->dirs != OBJECT_PLAN && (err = rights_batch(fs, req, from->id))))
        fuse_reply_err(req, err);
    else
        rename_object(fs, req, from, to, to->dirs, spot_object(to));
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to_parent,
               const char *to_name, unsigned flags)
{
    struct fs *fs = fs_of(req);
    g_auto(Spot) from = {0};
    g_auto(Spot) to = {0};
    int err = flags & ~(unsigned)RENAME_NOREPLACE ? EINVAL : 0;

    if (!err)
        err = spot_find(fs, parent, name, &from);
    if (!err)
        err = spot_find(fs, to_parent, to_name, &to);
    if (!err)
        err = spot_check_new(&to);
    if (!err && !spot_is_there(&from))
        err = ENOENT;
    if (!err && (flags & RENAME_NOREPLACE) && spot_is_there(&to))
        err = EEXIST;
    if (err)
        fuse_reply_err(req, err);
    else if (from.scratch)
        move_scratch(fs, req, &from, &to);
    else if (from.is_dir)
        move_dir(fs, req, &from, &to);
    else
        move_file(fs, req, &from, &to);
}
