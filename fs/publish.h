/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Published versions of files whose content changes by sampling.
 *
 * A tool does lstat, open, fstat, reads and a last fstat, and must see one version in all of them;
 * the kernel does not say which handle an fstat is about. So text, length and time are made
 * together when somebody looks, and stay while somebody looks: HOLD after the last look, and
 * LIMIT in all. Who has the file open keeps its own version by a reference to the text.
 *
 * A file's time moves only when its text does, also over versions that were dropped meanwhile:
 * their hash is kept. Any thread; no lock is held while rendering.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    PUBLISH_HOLD = 1000 * 1000,      /* microseconds */
    PUBLISH_LIMIT = 3 * 1000 * 1000, /* the same */
    /* How long before its end a version is not cached any more. Looks at what is cached are not
     * seen, and a tool that was given it so still has to open and read it. */
    PUBLISH_MARGIN = 300 * 1000,
    PUBLISH_REMEMBER = 65536, /* files of which nothing but hash and time is kept */
};

/* A version of a file. */
struct view {
    GBytes *text;
    int64_t time; /* nanoseconds since the epoch */
    int64_t life; /* microseconds for which its attributes may be taken to be so */
};
void view_clear(struct view *view);
size_t view_size(const struct view *view);

struct publish_ops {
    /* The text of INO as it is now; NULL: there is no such file any more. */
    GString *(*render)(void *ctx, uint64_t ino);
    /* INO shows another text from now on. With a lock held: is to take leaves only. */
    void (*changed)(void *ctx, uint64_t ino);
    int64_t (*monotonic)(void); /* microseconds */
    int64_t (*wall)(void);      /* nanoseconds since the epoch */
};

struct publish;
struct publish *publish_new(const struct publish_ops *ops, void *ctx);
void publish_free(struct publish *publish);

/* The version of INO that is being looked at, or a new one; false: the file is gone. */
bool publish_look(struct publish *publish, uint64_t ino, struct view *view);
/* A version is being read through a handle. */
void publish_touch(struct publish *publish, uint64_t ino);
/* Drops the texts that nobody looks at. */
void publish_sweep(struct publish *publish);
/* Bytes of text in all versions. */
size_t publish_bytes(struct publish *publish);
