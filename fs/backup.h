/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A spec renamed to a name that means nothing: the backup of an editor, or of sed -i.bak. */
#pragma once

#include <fuse_lowlevel.h>

#include "fs/spot.h"

struct fs;

/*
 * The spec FROM goes from its name, and the scratch file TO in the same directory, in the place of
 * what was called so, has its text, its owner and its mode: what others may not read there, they
 * may not read here. Answers REQ: 0, ESTALE, EDQUOT, ENOSPC, or what engine_drop() has against it
 * where the object would follow its file of specs/; nothing has changed then.
 */
void backup_spec(struct fs *fs, fuse_req_t req, const struct spot *from, const struct spot *to)
    EXCLUDES(model);
