/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's own check of modes cannot know. It allows to remove a name to who may write the
 * folder; but here that destroys what is in it, for which rm -r would need to write the object's
 * directory too. It takes what open(2) with O_CREAT opens for made by this call, and checks nothing
 * more; but here a name may be there that was not a moment ago, or that only seemed to be gone. And
 * the owners that it goes by may be a moment old.
 *
 * Modes are for the caller's class, of owner, group (supplementary ones too) and others; root may
 * all. Nothing is known of what is gone: 0.
 */
#pragma once

#include <fuse_lowlevel.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/cloud/cloud.h"

struct fs;

/* Whether the caller may take object ID out of folder FOLDER, or put another text in its place: 0;
 * EPERM: the folder is sticky and neither is theirs; EACCES: the object is not theirs to write. */
int rights_remove(struct fs *fs, fuse_req_t req, uint64_t folder, uint64_t id) EXCLUDES(model);
/* Whether the caller owns object ID or may write it: to give it back a name that it had. EACCES. */
int rights_write(struct fs *fs, fuse_req_t req, uint64_t id) EXCLUDES(model);
/* Whether the caller owns or may write all plans in BATCH: to make them real. EACCES. */
int rights_batch(struct fs *fs, fuse_req_t req, uint64_t batch) EXCLUDES(model);
/* Whether open(2) with FLAGS of a file with the attributes ST is allowed. EACCES. */
int rights_open(fuse_req_t req, const struct stat *st, int flags);
/* The same of one that the caller seems to have made with this call: its mode is not for the
 * owner, as a file of 0444 is written by who creates it. */
int rights_open_made(fuse_req_t req, const struct stat *st, int flags);
/* New objects in a set-group-ID folder get its group. */
void rights_inherit(struct fs *fs, uint64_t folder, struct actor *actor) EXCLUDES(model);
/* A directory can be entered by who may read it: a spec's mode has no bit for that. */
mode_t rights_dir_mode(mode_t spec_mode);
