/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes: asking for them and setting them. */
#include <errno.h>

#include "core/spec/spec.h"
#include "fs/handle.h"
#include "fs/ino.h"
#include "fs/pages.h"
#include "fs/rights.h"
#include "fs/scratch.h"

/* What a handle has in its buffer is its file's size for who asks through it. */
static void reply_attr(struct fs *fs, fuse_req_t req, uint64_t ino, const struct fuse_file_info *fi)
{
    struct stat st;
    size_t size;
    double valid;
    int err = fs_stat(fs, ino, &st, &valid);

    if (err) {
        fuse_reply_err(req, err);
        return;
    }
    if (fi && S_ISREG(st.st_mode) && handle_size(handle_of(fi), &size)) {
        stat_set_size(&st, size);
        if (!handle_of(fi)->paged || pages_are_old(fs->pages, ino))
            valid = 0;
    }
    fuse_reply_attr(req, &st, valid);
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    reply_attr(fs_of(req), req, ino, fi);
}

enum {
    SET_OWNER = FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID,
    SET_TIME = FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW
};

static bool step_setattr(struct parked *parked)
{
    struct engine *engine = parked->fs->engine;
    engine_ticket ticket;

    if (!parked->todo)
        return false;
    park_hold(parked);
    if (parked->todo & SET_OWNER) {
        parked->todo &= ~(unsigned)SET_OWNER;
        ticket = engine_chown(engine, parked->id, parked->uid, parked->gid, parked->mode,
                              &parked->actor, park_done, parked);
    } else {
        parked->todo = 0;
        ticket = engine_utime(engine, parked->id, FACET_SPEC, parked->time, park_done, parked);
    }
    park_began(parked, ticket);
    return true;
}

static void answer_setattr(struct parked *parked, int err)
{
    if (err)
        fuse_reply_err(parked->req, err);
    else
        reply_attr(parked->fs, parked->req, parked->ino, NULL);
}

static mode_t dir_mode(mode_t mode, uint64_t ino)
{
    if (ino_code(ino) == CODE_SPEC)
        return rights_dir_mode(mode);
    return mode & (ino_id(ino) < OBJECT_FIRST ? 03777 : 0777);
}

static int64_t time_of(const struct stat *attr, unsigned what)
{
    if (what & FUSE_SET_ATTR_MTIME_NOW)
        return cloud_now();
    return attr->st_mtim.tv_sec * G_GINT64_CONSTANT(1000000000) + attr->st_mtim.tv_nsec;
}

/* Owner and mode are the object's: its directory and its spec have them. Time is a spec's only;
 * everything else accepts what it is told, so that touch and cp -a do not fail, and keeps its own.
 */
static void set_later(struct fs *fs, fuse_req_t req, fuse_ino_t ino, const struct stat *attr,
                      unsigned what)
{
    struct parked *parked = park_new(fs, req);
    bool spec = ino_code(ino) == CODE_SPEC;

    if (spec || ino_code(ino) == CODE_SELF)
        parked->todo = what & SET_OWNER;
    if (spec)
        parked->todo |= what & SET_TIME;
    parked->id = ino_id(ino);
    parked->ino = ino;
    parked->uid = what & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1;
    parked->gid = what & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1;
    parked->mode = what & FUSE_SET_ATTR_MODE ? dir_mode(attr->st_mode, ino) : (mode_t)-1;
    parked->time = time_of(attr, what);
    parked->step = step_setattr;
    parked->answer = answer_setattr;
    park_run(parked);
}

/* Truncating alone is no commit: what is in force stays until something is written. */
static int set_size(struct fs *fs, uint64_t ino, off_t size, const struct fuse_file_info *fi)
    EXCLUDES(model)
{
    struct node node;
    const struct file_row *row = NULL;
    bool found;

    cloud_read_lock(fs->cloud);
    found = node_find(fs->cloud, ino, &node);
    if (found)
        row = node.row;
    cloud_read_unlock(fs->cloud);
    if (!found)
        return ESTALE;
    if (!row || !S_ISREG(row->mode))
        return EINVAL;
    if (fi && handle_is_discarding(handle_of(fi)))
        return 0;
    if (!row->store)
        return EACCES;
    if (row->store != store_spec)
        return 0;
    if (fi)
        return handle_resize(handle_of(fi), size);
    if (size > SPEC_MAX_BYTES)
        return EFBIG;
    cuts_set(fs->cuts, ino, size);
    return 0;
}

static void set_scratch(struct fs *fs, fuse_req_t req, uint64_t ino, const struct stat *attr,
                        unsigned what, const struct fuse_file_info *fi)
{
    int err = 0;

    if (what & FUSE_SET_ATTR_SIZE)
        err = scratch_resize(fs->scratches, ino, attr->st_size);
    if (!err && (what & (SET_OWNER | SET_TIME)))
        err = scratch_set(fs->scratches, ino, what & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1,
                          what & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1,
                          what & FUSE_SET_ATTR_MODE ? attr->st_mode : (mode_t)-1,
                          what & SET_TIME ? time_of(attr, what) : -1);
    if (err)
        fuse_reply_err(req, err);
    else
        reply_attr(fs, req, ino, fi);
}

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int what,
                struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    int err;

    if (scratch_is(ino)) {
        set_scratch(fs, req, ino, attr, (unsigned)what, fi);
        return;
    }
    if (what & FUSE_SET_ATTR_SIZE) {
        err = set_size(fs, ino, attr->st_size, fi);
        if (err)
            fuse_reply_err(req, err);
        else
            reply_attr(fs, req, ino, fi);
        return;
    }
    if (what & (SET_OWNER | SET_TIME))
        set_later(fs, req, ino, attr, (unsigned)what);
    else
        reply_attr(fs, req, ino, fi);
}
