/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may use the kernel's pages of a file. They are one set for an inode, but an open file keeps
 * the version it was opened with. So the pages belong to one version: a file is opened for them
 * only while nobody has an older version of it open in them, and while the kernel has heard of
 * every change. All others read directly, each its own version.
 *
 * While an older version is open in the pages, no attributes may be cached: reads through pages
 * ask for the size, and are told that of what they read.
 *
 * Any thread, any lock held: a leaf.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pages;
struct pages *pages_new(void);
void pages_free(struct pages *pages);

/* Whether INO may be opened for the kernel's pages; then pages_close() is to follow. Before the
 * version is read, or with a lock that keeps it from changing. */
bool pages_open(struct pages *pages, uint64_t ino);
/* True: INO's pages are of an older version, and the kernel is to be told, as by a change. */
bool pages_close(struct pages *pages, uint64_t ino);
/* INO shows another version. */
void pages_replaced(struct pages *pages, uint64_t ino);
/* The kernel is to be told about INO; pages_told() is to follow when it has heard. */
void pages_telling(struct pages *pages, uint64_t ino);
void pages_told(struct pages *pages, uint64_t ino);
/* Whether an older version of INO is open. */
bool pages_are_old(struct pages *pages, uint64_t ino);
