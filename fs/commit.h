/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scratch file that is renamed onto a spec: the commit, as sed -i, rsync and git make it. */
#pragma once

#include <fuse_lowlevel.h>

#include "fs/spot.h"

struct fs;

/* Commits the text of the scratch file FROM as the spec TO, whose object is made or kept first if
 * need be, and answers REQ: 0, or the errno of the step that failed, and then nothing has changed;
 * EPERM, EACCES: it is not the caller's to replace (rights.h). MODE: of an object that this makes;
 * one that is there keeps its own. */
void commit_scratch(struct fs *fs, fuse_req_t req, const struct spot *from, const struct spot *to,
                    mode_t mode);
