/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * truncate(2) of a spec by its name: nobody has a handle yet, and a spec that is only truncated
 * is none. It is remembered for who opens the file next, as the start of what that one writes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cuts;
struct cuts *cuts_new(void);
void cuts_free(struct cuts *cuts);

void cuts_set(struct cuts *cuts, uint64_t ino, off_t size);
/* The length to which INO was cut, once; false if it was not, or too long ago to belong. */
bool cuts_take(struct cuts *cuts, uint64_t ino, off_t *size);
