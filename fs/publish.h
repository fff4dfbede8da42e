/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Published versions of files whose content changes by sampling.
 *
 * Text, length and time of a version are made together when somebody looks, and last until the next
 * sample (publish_sampled()) or event (publish_outdate()); the kernel may keep them as long. So
 * whoever looks at a file again costs nobody anything, until there is something new to see.
 *
 * A tool does lstat, open, fstat, reads and a last fstat, and must see one version in all of them;
 * the kernel does not say which handle an fstat is about, and a look at what it keeps is not seen
 * here. So a sample does not end a version in the middle of that: the kernel is told to ask for
 * attributes again, and the version stays while somebody looks: HOLD after the last look or the
 * sample, and where the file is open LIMIT after the sample. Where one look follows the other it
 * ends when the file is closed, from LIMIT on, and LAST after the sample in all. Events, which are
 * rare, end it at once. Who has the file open keeps its own version by a reference to the text.
 *
 * A file's time moves only when its text does, also over versions that are over: their hash is
 * kept. Texts are kept while they may be needed, the newest KEEP bytes of them at most: until the
 * next sample the same can be made again.
 *
 * Any thread. Versions are asked for and made with the model locked, so that no sample and no event
 * comes in between; the lock in here is a leaf but for the functions of publish_ops.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/limit.h"

enum {
    PUBLISH_HOLD = 300 * 1000,          /* microseconds */
    PUBLISH_LIMIT = 1000 * 1000,        /* the same */
    PUBLISH_LAST = 3 * 1000 * 1000,     /* the same */
    PUBLISH_KEEP = 4 << 20,             /* bytes */
    PUBLISH_REMEMBER = LIMIT(32768, 2), /* files of which nothing but hash and time is kept */
};

/* A version of a file. */
struct view {
    GBytes *text; /* NULL: not asked for */
    size_t size;
    int64_t time; /* nanoseconds since the epoch */
    bool lasts;   /* its attributes are so until publish_ops say otherwise */
};
void view_clear(struct view *view);
typedef struct view View;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(View, view_clear)

/* These two are called with a lock held, and are to take leaves only. */
struct publish_ops {
    /* The attributes of INO that last do no more. */
    void (*expired)(void *ctx, uint64_t ino);
    /* INO shows another text from now on. Its attributes do not last any more, if they ever did. */
    void (*replaced)(void *ctx, uint64_t ino);
    int64_t (*monotonic)(void); /* microseconds */
    int64_t (*wall)(void);      /* nanoseconds since the epoch */
};

struct publish;
struct publish *publish_new(const struct publish_ops *ops, void *ctx);
void publish_free(struct publish *publish);

/* The version that INO shows, with its text where that is asked for. False: it is over, or its text
 * is gone, and publish_put() is to follow. */
bool publish_look(struct publish *publish, uint64_t ino, bool text, struct view *view);
/* TEXT is what INO says now; the view has it. It lasts until GROUP is sampled, or until it is
 * outdated; not where FLEETING: it moves with the clock too. */
void publish_put(struct publish *publish, uint64_t ino, uint64_t group, bool fleeting,
                 const GString *text, struct view *view);
/* Somebody has INO open; publish_closed() is to follow, unless false: nothing is known of INO. */
bool publish_opened(struct publish *publish, uint64_t ino);
/* IN_TIME: who has closed it has not heard so yet, and cannot have begun another look. */
void publish_closed(struct publish *publish, uint64_t ino, bool in_time);
/* Whether INO still shows the version of TIME. */
bool publish_shows(struct publish *publish, uint64_t ino, int64_t time);

/* The files of GROUP, and those of group 0, may say something else from now on. */
void publish_sampled(struct publish *publish, uint64_t group);
/* INO may say something else, and is to say it at once. */
void publish_outdate(struct publish *publish, uint64_t ino);
/* INO is no more: nothing is remembered of it. */
void publish_forget(struct publish *publish, uint64_t ino);

/* Drops the texts that nobody looks at. */
void publish_sweep(struct publish *publish);
/* Bytes of text in all versions. */
size_t publish_bytes(struct publish *publish);
