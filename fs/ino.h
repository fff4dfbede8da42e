/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inode numbers: an object's id and the code of one of its files, so that they never repeat and
 * survive a remount, and nothing has to be remembered for the kernel to be answered.
 */
#pragma once

#include <stdint.h>

#include "core/cloud/cloud.h"

enum { INO_CODE_BITS = 8, INO_ROOT = 1 };

/* CODE 0 is the object's directory. The root's own number is fixed by FUSE. */
static inline uint64_t ino_make(uint64_t id, unsigned code)
{
    if (id == ROOT_ID && code == 0)
        return INO_ROOT;
    return id << INO_CODE_BITS | code;
}

static inline uint64_t ino_id(uint64_t ino)
{
    return ino == INO_ROOT ? ROOT_ID : ino >> INO_CODE_BITS;
}

static inline unsigned ino_code(uint64_t ino)
{
    return ino == INO_ROOT ? 0 : ino & ((1U << INO_CODE_BITS) - 1);
}
