/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at a tree as find and tar do; what is wrong ends the process. */
#pragma once

#include "fs/fs.h"

/* The number of what is at PATH; it has to be there. */
uint64_t walk_find(struct fs *fs, const char *path);
/* The names in DIR, listed in parts of SIZE bytes: each is a file's. */
void walk_names(struct fs *fs, uint64_t dir, size_t size, bool plus);
/* Everything: no name twice, each can be looked up and has the size that reading gives. */
void walk_tree(struct fs *fs);
/* The same of what DIR holds, but not what is in directories there. */
void walk_dir(struct fs *fs, uint64_t dir);
