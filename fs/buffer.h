/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a handle that is open for writing has been told so far. Pure: no lock, no I/O.
 *
 * A buffer is due for a commit when something was written since the last; opening or truncating
 * alone is no commit. A refused write poisons it: nothing is due any more, and every write and
 * flush gets the same errno, until it is truncated to nothing.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

struct buffer {
    GString *text;
    bool append;  /* opened with O_APPEND: offsets do not matter */
    bool written; /* since the last commit */
    int refused;  /* errno; 0: nothing was */
};

struct buffer *buffer_new(const char *start, size_t len, bool append);
void buffer_free(struct buffer *buffer);

/* EFBIG beyond MAX, with nothing changed. *END: where this write ends. A hole reads as NULs. */
int buffer_write(struct buffer *buffer, const char *data, size_t size, off_t offset, size_t max,
                 size_t *end);
int buffer_resize(struct buffer *buffer, off_t size, size_t max);
void buffer_refuse(struct buffer *buffer, int err);
bool buffer_due(const struct buffer *buffer);
/* A copy of the text to commit, if one is due; NULL otherwise. Nothing is due after it. */
char *buffer_take(struct buffer *buffer, size_t *len);
