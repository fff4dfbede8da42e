/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's own check of modes cannot know. It allows to remove a name to who may write the
 * folder; but here that destroys what is in it, for which rm -r would need to write the object's
 * directory too. And the owners that it goes by may be a moment old.
 */
#pragma once

#include <fuse_lowlevel.h>
#include <stdint.h>

#include "core/cloud/cloud.h"

struct fs;

/* Whether the caller may take object ID out of folder FOLDER: 0; EPERM: the folder is sticky and
 * neither is theirs; EACCES: the object is not theirs to write. Nothing is known of what is gone.
 */
int rights_remove(struct fs *fs, fuse_req_t req, uint64_t folder, uint64_t id) EXCLUDES(model);
/* New objects in a set-group-ID folder get its group. */
void rights_inherit(struct fs *fs, uint64_t folder, struct actor *actor) EXCLUDES(model);
/* A directory can be entered by who may read it: a spec's mode has no bit for that. */
mode_t rights_dir_mode(mode_t spec_mode);
