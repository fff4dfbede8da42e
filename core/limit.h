/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of something is kept, or done at once: a matter of memory and speed only, so that any
 * number will do. `make tiny` builds with the least and runs the tests, which then come to the end
 * of each buffer, cache and queue. What a user can see of a limit (EFBIG, ENOSPC) is none of these.
 */
#pragma once

#ifdef CLOUDFS_TINY
#define LIMIT(usual, tiny) (tiny)
#else
#define LIMIT(usual, tiny) (usual)
#endif
