/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which inodes the kernel may know, so that it is not told of the others: of a VM that is made, a
 * process looks at its directory and its spec, and at none of a dozen more.
 *
 * Who makes attributes for an answer says so before it lets go of the model's lock; so a change
 * that comes after them finds the inode here, and one that came before is in them. Nothing is taken
 * out again while its object lives: what the kernel has forgotten does no harm. A mutex, a leaf.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct known;

struct known *known_new(void);
void known_free(struct known *known);
/* INO's attributes are about to be answered. */
void known_add(struct known *known, uint64_t ino);
/* The root's always is. */
bool known_has(struct known *known, uint64_t ino);
/* The object is gone: its inodes are never given again. */
void known_forget(struct known *known, uint64_t id);
