/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mount: what all requests share, and how they reach it.
 *
 * Every request is answered exactly once. None waits: reads come from the model and from
 * published versions, what takes long is parked (park.h) and answered from the engine's thread.
 * Lock order: a handle's lock, the reply barrier (notify.h), the model's, that of published
 * versions (publish.h).
 */
#pragma once

#include <fuse_lowlevel.h>
#include <glib.h>

#include "core/reconcile/engine.h"
#include "fs/cut.h"
#include "fs/inval.h"
#include "fs/known.h"
#include "fs/node.h"
#include "fs/notify.h"
#include "fs/park.h"
#include "fs/poll.h"
#include "fs/publish.h"

struct fs {
    struct engine *engine;
    struct cloud *cloud;
    struct fuse_session *session;
    const char *mountpoint;
    unsigned max_read; /* bytes; 0: no limit */
    bool allow_root;   /* libfuse refuses requests of all but root and who mounted */
    struct publish *publish;
    struct notify *notify;
    struct pages *pages;
    struct inval inval;
    bool no_opendir; /* the kernel can do without; set once, before all other requests */
    struct parking *parking;
    struct cuts *cuts;
    struct handles *handles;
    struct scratches *scratches;
    struct hidden *hidden;
    struct restore *restore;
    struct pollers *pollers;
    struct known *known;
};

/*
 * Seconds. Names, attributes and listings are cached until they are invalidated; those of what
 * changes by sampling until the next sample (publish.h). Those of the log and of scratch files are
 * always asked for.
 */
#define ENTRY_TIMEOUT 3600.0
#define ATTR_TIMEOUT  3600.0

extern const struct fuse_lowlevel_ops fs_ops;

/* All but session, mountpoint, max_read, allow_root and inval, which are the mount's. ENGINE and
 * CONF stay the caller's. */
void fs_init(struct fs *fs, struct engine *engine, const struct conf *conf);
/* When no request is being answered any more, after the engine's end. */
void fs_release(struct fs *fs);

static inline struct fs *fs_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

struct actor fs_actor(fuse_req_t req);

/* Attributes of INO, and the seconds for which they hold. ESTALE. */
int fs_stat(struct fs *fs, uint64_t ino, struct stat *st, double *valid) EXCLUDES(model);
/* The same of NODE. */
void fs_node_stat(struct fs *fs, const struct node *node, struct stat *st, double *valid)
    REQUIRES_SHARED(model);
/* The version that a live NODE shows now, with its text where that is asked for. */
void fs_version(struct fs *fs, const struct node *node, bool text, struct view *view)
    REQUIRES_SHARED(model);
/* ENOENT, ESTALE, ENOTDIR. */
int fs_entry(struct fs *fs, uint64_t parent, const char *name, struct fuse_entry_param *entry)
    EXCLUDES(model);
/* The id of an object by name; 0: there is none. */
uint64_t fs_object_id(struct fs *fs, enum object_kind kind, const char *name) EXCLUDES(model);
/* Removes an object's file from DIR in specs/ and answers REQ. */
void fs_drop(struct fs *fs, fuse_req_t req, uint64_t dir, uint64_t id);
/* The text of INO, or NULL. */
GString *fs_render(struct fs *fs, uint64_t ino) EXCLUDES(model);

/* ---- the operations, by file */
/* names.c */
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_readlink(fuse_req_t req, fuse_ino_t ino);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
/* create.c, rename.c */
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to_parent,
               const char *to_name, unsigned flags);
/* dir.c */
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                    struct fuse_file_info *fi);
/* attr.c */
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int what,
                struct fuse_file_info *fi);
/* file.c */
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
               struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
/* poll.c */
void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
             struct fuse_pollhandle *wait);
/* write.c */
void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
              struct fuse_file_info *fi);
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
