/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What scratch.c (names) and scratchtext.c (what is in the files) share. */
#pragma once

#include <pthread.h>

#include "fs/scratch.h"

struct scratch {
    uint64_t ino, dir; /* dir 0: unlinked */
    char *name;
    GString *text;
    uid_t uid;
    gid_t gid;
    mode_t mode;
    int64_t time, changed; /* of content and of status, nanoseconds since the epoch */
    int64_t touched;       /* `changed` by the clock that nobody sets, microseconds */
    bool restored;         /* its time was set */
    unsigned opens;
};

struct scratches {
    pthread_mutex_t lock;
    GHashTable *by_ino; /* &scratch->ino to scratch, which it owns */
    GHashTable *by_dir; /* directory (copied) to GPtrArray of scratch, in the order of numbers */
    GHashTable *gone;   /* of directories (copied), which went and have files */
    GHashTable *held;   /* the bytes of each owner who has any: uid to size_t, as pointers */
    uint64_t next;
    size_t bytes; /* of all */
};

/* All under the lock. */
static inline struct scratch *scratch_by_ino(struct scratches *all, uint64_t ino)
{
    return g_hash_table_lookup(all->by_ino, &ino);
}
/* Frees one that has neither a name nor an opener. */
void scratch_free_if_unused(struct scratches *all, struct scratch *scratch);
/* Whether UID may have all: root, and who runs cloudfs, whose memory it is. */
bool scratch_is_unbounded(uid_t uid);
/* What keeps UID from holding MORE bytes: EDQUOT, ENOSPC; else 0. */
int scratch_check_bytes(const struct scratches *all, uid_t uid, size_t more);
/* UID holds so many bytes more, or less. */
void scratch_count(struct scratches *all, uid_t uid, ssize_t change);
/* Its status has changed; the time of that. */
int64_t scratch_touch(struct scratch *scratch);
void scratch_fill_stat(const struct scratch *scratch, struct stat *st);
