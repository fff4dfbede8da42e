/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making files and links: scratch files, specs in specs/, and names that were removed before. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fs/handle.h"
#include "fs/hidden.h"
#include "fs/ino.h"
#include "fs/proc.h"
#include "fs/restore.h"
#include "fs/rights.h"
#include "fs/scratch.h"
#include "fs/spot.h"

static void reply_created(struct fs *fs, fuse_req_t req, const struct fuse_entry_param *entry,
                          struct handle *handle, int flags)
{
    struct fuse_file_info fi = {.flags = flags};

    handle_fill(handle, &fi);
    if (fuse_reply_create(req, entry, &fi) != 0)
        handle_close(fs, handle); /* its creator is gone: what was made stays, as with any file */
}

/* What a create opens, and so whose rights it needs. */
enum opened {
    FOUND,   /* was there: as open(2) has it */
    MADE,    /* was not, or was taken away before */
    NOTHING, /* makes itself: what is written is thrown away */
};

static int open_as(struct fs *fs, fuse_req_t req, const struct fuse_entry_param *entry, int flags,
                   enum opened what, struct handle **handle)
{
    int err;

    if (what == NOTHING)
        return handle_discard(fs, entry->ino, handle);
    err = what == MADE ? rights_open_made(req, &entry->attr, flags)
                       : rights_open(req, &entry->attr, flags);
    return err ? err : handle_open(fs, req, entry->ino, flags, handle);
}

/* Opens INO and answers a create. */
static void open_created(struct fs *fs, fuse_req_t req, uint64_t ino, int flags, enum opened what)
{
    struct fuse_entry_param entry = {.ino = ino};
    struct handle *handle = NULL;
    double valid;
    int err;

    notify_reply_begin(fs->notify);
    err = fs_stat(fs, ino, &entry.attr, &valid);
    if (!err && !S_ISREG(entry.attr.st_mode))
        err = ESTALE; /* it became a link since it was looked for: the kernel looks again */
    if (!err)
        err = open_as(fs, req, &entry, flags, what, &handle);
    if (err)
        fuse_reply_err(req, err);
    else
        reply_created(fs, req, &entry, handle, flags);
    notify_reply_end(fs->notify);
}

static bool is_there(struct fs *fs, uint64_t id) EXCLUDES(model)
{
    bool is;

    cloud_read_lock(fs->cloud);
    is = cloud_by_id(fs->cloud, id) != NULL;
    cloud_read_unlock(fs->cloud);
    return is;
}

/* Its directory may go at any time, and takes those along that it has then. */
static int make_scratch(struct fs *fs, fuse_req_t req, const struct spot *spot, mode_t mode,
                        uint64_t *ino)
{
    const struct fuse_ctx *ctx = fuse_req_ctx(req);
    int err =
        scratch_create(fs->scratches, spot->parent, spot->name, ctx->uid, ctx->gid, mode, ino);

    if (!err && !is_there(fs, spot->dir_id)) {
        scratch_unlink(fs->scratches, spot->parent, spot->name);
        err = ESTALE;
    }
    return err;
}

static void create_scratch(struct fs *fs, fuse_req_t req, const struct spot *spot, mode_t mode,
                           int flags)
{
    uint64_t ino;
    int err = make_scratch(fs, req, spot, S_IFREG | mode, &ino);

    if (err)
        fuse_reply_err(req, err);
    else
        open_created(fs, req, ino, flags, MADE);
}

/* ---- NAME.ini: the object is made, or kept if it was about to go */

static bool step_create(struct parked *parked)
{
    struct engine *engine = parked->fs->engine;
    engine_ticket ticket;

    if (parked->next++ > 0)
        return false;
    park_hold(parked);
    if (parked->id)
        ticket = engine_keep(engine, parked->id, &parked->actor, park_done, parked);
    else
        ticket = engine_mkdir(engine, (enum object_kind)parked->size, parked->name, parked->mode,
                              &parked->actor, park_done, parked);
    park_began(parked, ticket);
    return true;
}

static void answer_create(struct parked *parked, int err)
{
    struct fs *fs = parked->fs;
    g_autofree char *file = specs_file_name(parked->name);
    struct fuse_entry_param entry;

    /* Its object went, or was made, since it was looked for: the kernel looks again. */
    if ((err == ENOENT && parked->id) || (err == EEXIST && !(parked->todo & O_EXCL)))
        err = ESTALE;
    if (!err)
        err = fs_entry(fs, parked->ino, file, &entry);
    if (err) {
        fuse_reply_err(parked->req, err);
        return;
    }
    if (parked->todo & O_EXCL)
        restore_made(fs->restore, ino_id(entry.ino), proc_tgid(parked->actor.pid));
    open_created(fs, parked->req, entry.ino, (int)parked->todo | O_TRUNC, MADE);
}

static void create_object(struct fs *fs, fuse_req_t req, const struct spot *spot, mode_t mode,
                          int flags)
{
    uint64_t id = fs_object_id(fs, spot->folder->kind, spot->object_name);
    int err = id ? rights_write(fs, req, id) : 0;
    struct parked *parked;

    if (err) {
        fuse_reply_err(req, err);
        return;
    }
    parked = park_new(fs, req);
    parked->id = id;
    parked->ino = spot->parent;
    parked->name = g_strdup(spot->object_name);
    parked->size = spot->folder->kind;
    parked->mode = rights_dir_mode(mode);
    rights_inherit(fs, spot->dir_id, &parked->actor);
    parked->todo = (unsigned)flags;
    parked->dirs[0] = spot->parent;
    parked->step = step_create;
    parked->answer = answer_create;
    park_run(parked);
}

/* A name that was removed is made again: a spec from nothing, what makes itself for nothing. */
static void create_hidden(struct fs *fs, fuse_req_t req, const struct spot *spot, int flags)
{
    int err = spot->is_dir ? EEXIST : rights_write(fs, req, spot->id);

    if (err) {
        fuse_reply_err(req, err);
        return;
    }
    hidden_take(fs->hidden, spot_key(spot));
    open_created(fs, req, spot->ino, flags | O_TRUNC, spot_is_spec(spot) ? MADE : NOTHING);
}

/* tar makes a file first where a link is to be. */
static void create_anew(struct fs *fs, fuse_req_t req, const struct spot *spot, mode_t mode,
                        int flags)
{
    if (spot_is_link(spot))
        create_scratch(fs, req, spot, mode, flags);
    else
        create_hidden(fs, req, spot, flags);
}

static bool expects_nothing(struct fs *fs, fuse_req_t req, const struct spot *spot)
{
    return (spot->dir == SPOT_OBJECT || spot->dir == SPOT_LINKS) &&
           restore_expects_nothing(fs->restore, spot->dir_id, fuse_req_ctx(req)->pid);
}

/* What makes itself, or is hidden: it is there for us, and not for the caller. */
static bool is_made_anew(struct fs *fs, fuse_req_t req, const struct spot *spot)
{
    if (spot_is_shown(spot))
        return expects_nothing(fs, req, spot);
    return spot->hidden && !spot->scratch;
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
               struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    g_auto(Spot) spot = {0};
    int err = spot_find(fs, parent, name, &spot);

    if (!err)
        err = spot_check_new(&spot);
    if (err)
        fuse_reply_err(req, err);
    else if (is_made_anew(fs, req, &spot))
        create_anew(fs, req, &spot, mode, fi->flags);
    else if (spot_is_there(&spot) && (fi->flags & O_EXCL))
        fuse_reply_err(req, EEXIST);
    else if (spot.scratch)
        open_created(fs, req, spot.scratch, fi->flags, FOUND);
    else if (spot_is_shown(&spot))
        open_created(fs, req, spot.ino, fi->flags, FOUND);
    else if (spot.object_name)
        create_object(fs, req, &spot, mode, fi->flags);
    else if (spot_takes_scratch(&spot))
        create_scratch(fs, req, &spot, mode, fi->flags);
    else
        fuse_reply_err(req, EACCES);
}

/* ---- links */

/* A link as this tree has it: into vms/, or of a VM that is being put back to its host. */
static bool is_ours(struct fs *fs, fuse_req_t req, const struct spot *spot, const char *target)
{
    g_autofree char *wanted = g_strdup_printf("../../../vms/%s", spot->name);

    if (spot->dir == SPOT_LINKS && !fs_object_id(fs, OBJECT_VM, spot->name))
        return strcmp(target, wanted) == 0;
    return restore_may_write(fs->restore, fuse_req_ctx(req)->pid);
}

static int check_link(struct fs *fs, fuse_req_t req, const struct spot *spot, const char *target)
{
    bool reserved = spot->hidden || spot->dir == SPOT_LINKS ||
                    (spot->dir == SPOT_OBJECT && strcmp(spot->name, "host") == 0);

    if (spot->scratch)
        return EEXIST;
    if (spot_is_shown(spot))
        return is_ours(fs, req, spot, target) && expects_nothing(fs, req, spot) ? 0 : EEXIST;
    if (spot->dir == SPOT_ELSEWHERE || spot->dir == SPOT_ROOT || spot->object_name)
        return EPERM;
    if (reserved && !spot->hidden && !is_ours(fs, req, spot, target))
        return EOPNOTSUPP; /* it would have to move a VM */
    return 0;
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fs_of(req);
    struct fuse_entry_param entry = {0};
    g_auto(Spot) spot = {0};
    int err = spot_find(fs, parent, name, &spot);

    if (!err)
        err = spot_check_new(&spot);
    if (!err)
        err = check_link(fs, req, &spot, target);
    if (!err)
        err = make_scratch(fs, req, &spot, S_IFLNK | 0777, &entry.ino);
    if (!err)
        err = scratch_write(fs->scratches, entry.ino, target, strlen(target), 0, false);
    if (!err)
        err = scratch_stat(fs->scratches, entry.ino, &entry.attr);
    if (err)
        fuse_reply_err(req, err);
    else
        fuse_reply_entry(req, &entry);
}

/* ---- hard links: a spec has two names, and no others */

static void answer_link(struct parked *parked, int err)
{
    struct fuse_entry_param entry;

    hidden_take(parked->fs->hidden, ino_make(parked->id, CODE_SPEC));
    hidden_take(parked->fs->hidden, ino_make(parked->id, CODE_INI));
    if (!err)
        err = fs_entry(parked->fs, parked->ino, parked->name, &entry);
    if (err)
        fuse_reply_err(parked->req, err);
    else
        fuse_reply_entry(parked->req, &entry);
}

/* Tools that keep hard links remove one of the two and link it anew. */
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fs_of(req);
    g_auto(Spot) spot = {0};
    int err = spot_find(fs, parent, name, &spot);
    uint64_t id = ino_id(ino);
    struct parked *parked;

    if (!err && spot_is_there(&spot))
        err = EEXIST;
    if (!err && (ino_code(ino) != CODE_SPEC ||
                 (spot.object_name ? fs_object_id(fs, spot.folder->kind, spot.object_name) != id
                                   : spot.ino != ino)))
        err = EPERM;
    if (!err)
        err = rights_write(fs, req, id);
    if (err) {
        fuse_reply_err(req, err);
        return;
    }
    parked = park_new(fs, req);
    parked->id = id;
    parked->ino = parent;
    parked->name = g_strdup(name);
    parked->dirs[0] = parent;
    parked->step = step_create;
    parked->answer = answer_link;
    park_run(parked);
}
