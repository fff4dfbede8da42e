/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that were removed from an object's directory. That destroys nothing (rmdir of the object
 * does), but the name is gone for who removed it: install, tar -x, and mv from elsewhere remove a
 * file before they make it anew. It comes back when it is made, or by itself after the grace.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct hidden;

struct hidden *hidden_new(double grace);
void hidden_free(struct hidden *hidden);
void hidden_add(struct hidden *hidden, uint64_t ino);
/* Whether it was hidden until now. */
bool hidden_take(struct hidden *hidden, uint64_t ino);
/* All of object ID's names are back. */
void hidden_forget(struct hidden *hidden, uint64_t id);
bool hidden_is(struct hidden *hidden, uint64_t ino);
/* Whether it was removed in the last minute and not made anew, also where its grace is over. */
bool hidden_lately(struct hidden *hidden, uint64_t ino);
