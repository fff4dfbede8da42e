/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An open file: what its reads give, and what was written through it. */
#pragma once

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>

#include "fs/buffer.h"
#include "fs/fs.h"

struct handles; /* all that are open */

struct handle {
    /* Immutable from open on. */
    struct handles *all;
    GList link; /* in all */
    uint64_t id, ino;
    enum object_kind kind;
    const struct file_row *row;
    GBytes *text; /* the version it was opened with; NULL: of a LOG */
    struct actor opener;
    pid_t process; /* the opener's thread group; 0: not known */

    struct fs *paged; /* whose kernel's pages it reads (pages.h); NULL: it reads directly */
    bool append;      /* a scratch file opened with O_APPEND */
    bool passing;     /* its version was to end soon (publish.h): who closes it is to wait */

    /* The time of the content that was opened; of a LOG's last line, when read to its end. */
    _Atomic int64_t seen;
    atomic_bool polled; /* it may be among the pollers */

    pthread_mutex_t lock;      /* of all below */
    struct publish *published; /* where it counts as open; NULL: nowhere, or not any more */
    struct buffer *buffer;     /* of a spec open for writing; NULL: none */
    size_t discarded;          /* what was written and thrown away */
};

static inline struct handle *handle_of(const struct fuse_file_info *fi)
{
    return (struct handle *)(uintptr_t)fi->fh;
}

struct handles *handles_new(void);
/* Those still open too: the kernel releases nothing when a mount is torn away. */
void handles_free(struct handles *all);

/* ESTALE, EACCES (a derived file, for writing), EISDIR. */
int handle_open(struct fs *fs, fuse_req_t req, uint64_t ino, int flags, struct handle **handle)
    EXCLUDES(model);
/* Who looked at it closes it, and waits for the answer. */
void handle_end_look(struct handle *handle);
/* Gives back all that open took: at release, or when the opener did not hear of it. */
void handle_close(struct fs *fs, struct handle *handle);
/* One whose writes are thrown away, for a file that makes itself (restore.h). */
int handle_discard(struct fs *fs, uint64_t ino, struct handle **handle);
/* What the kernel is to know of it. */
void handle_fill(struct handle *handle, struct fuse_file_info *fi);

/* plainfile.c */
int handle_open_scratch(struct fs *fs, uint64_t ino, int flags, struct handle *handle);
void handle_open_nothing(struct handle *handle);
bool handle_is_scratch(const struct handle *handle);
bool handle_is_discarding(const struct handle *handle);

/* Length of what reads of it give, where that may differ from what the file shows now. */
bool handle_size(struct handle *handle, size_t *size);
/* What is due for a commit, with its length; NULL: nothing. *REFUSED: errno of a write. */
char *handle_take(struct handle *handle, size_t *len, int *refused);
/* ftruncate. EFBIG. */
int handle_resize(struct handle *handle, off_t size);
