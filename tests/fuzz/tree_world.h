/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mount without a kernel: fs/ over an engine over two hosts in memory, a and b. */
#pragma once

#include "fs/fs.h"

/* An empty cloud; the one at a time. */
struct fs *world_begin(void);
/* As an unmount and a mount again; all handles are gone with the former. */
void world_again(struct fs *fs);
void world_end(struct fs *fs);
