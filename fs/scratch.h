/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scratch files: what editors, sed -i, rsync and git write beside a spec before they rename it
 * onto the spec. In memory, bounded, never scheduled, gone with their directory and the mount. An
 * owner other than root and who runs cloudfs has a share, and all such owners together leave some
 * room, so that nobody locks the others out.
 *
 * Threads: any; one lock of its own, a leaf: any other may be held. Inode numbers are from a
 * range of their own and never repeat.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct scratches;

enum {
    SCRATCH_FILE_MAX = 1 << 20,                 /* bytes of one: more is EFBIG */
    SCRATCH_DIR_MAX = 1024,                     /* files in a directory: more is ENOSPC */
    SCRATCH_ALL_MAX = 64 << 20,                 /* bytes of all: more is ENOSPC */
    SCRATCH_DIR_USER_MAX = SCRATCH_DIR_MAX / 4, /* those of one owner: more is EDQUOT */
    SCRATCH_USER_MAX = SCRATCH_ALL_MAX / 4,
    SCRATCH_DIR_KEPT = SCRATCH_DIR_MAX / 16, /* of all, for root and who runs cloudfs */
    SCRATCH_ALL_KEPT = SCRATCH_ALL_MAX / 16,
};

static inline bool scratch_is(uint64_t ino)
{
    return ino >> 62 & 1;
}

struct scratches *scratches_new(void);
void scratches_free(struct scratches *all);

/* The number of NAME in directory DIR; 0: there is none. */
uint64_t scratch_find(struct scratches *all, uint64_t dir, const char *name);
/* MODE with the type: S_IFREG, or S_IFLNK for a link whose target is its text. EEXIST, EDQUOT,
 * ENOSPC. */
int scratch_create(struct scratches *all, uint64_t dir, const char *name, uid_t uid, gid_t gid,
                   mode_t mode, uint64_t *ino);
/* The same with TEXT and with the owner and mode of LIKE, in the place of what was called so, which
 * whoever has it open goes on with. EFBIG, EDQUOT, ENOSPC: nothing has changed. */
int scratch_put(struct scratches *all, uint64_t dir, const char *name, const struct stat *like,
                const char *text, size_t len);
/* ENOENT. Who has it open goes on with it. */
int scratch_unlink(struct scratches *all, uint64_t dir, const char *name);
/* NAME in DIR becomes TO_NAME in TO, in the place of what was called so. ENOENT, EDQUOT, ENOSPC:
 * nothing has changed. */
int scratch_rename(struct scratches *all, uint64_t dir, const char *name, uint64_t to,
                   const char *to_name);
/*
 * Directory DIR went: its files go with the next scratch_sweep(), unless it came back before. (A
 * plan that is made real goes and comes back in one change, as does what could not be saved.)
 */
void scratch_dir_went(struct scratches *all, uint64_t dir);
void scratch_dir_came(struct scratches *all, uint64_t dir);
void scratch_sweep(struct scratches *all);

/* Keeps an unlinked one for a handle; ESTALE. Every open has its close. */
int scratch_open(struct scratches *all, uint64_t ino);
void scratch_close(struct scratches *all, uint64_t ino);

/* ESTALE for all of these. */
int scratch_stat(struct scratches *all, uint64_t ino, struct stat *st);
/* (uid_t)-1, (gid_t)-1, (mode_t)-1, -1 leave as it is. TIME in nanoseconds. Who gives a file away
 * is root: a new owner takes it even beyond his share. */
int scratch_set(struct scratches *all, uint64_t ino, uid_t uid, gid_t gid, mode_t mode,
                int64_t time);
/* Up to SIZE bytes from OFFSET; free with g_bytes_unref. NULL: it is gone. */
GBytes *scratch_read(struct scratches *all, uint64_t ino, size_t size, off_t offset);
/* Also EFBIG, EDQUOT, ENOSPC. */
int scratch_write(struct scratches *all, uint64_t ino, const char *data, size_t size, off_t offset,
                  bool append);
int scratch_resize(struct scratches *all, uint64_t ino, off_t size);
/* Whether its time was set by somebody, as tools do that put files back. */
bool scratch_is_restored(struct scratches *all, uint64_t ino);

/* Whether it was made or changed in the last SECONDS. */
bool scratch_is_young(struct scratches *all, uint64_t ino, double seconds);

struct scratch_name {
    char *name;
    struct stat st;
};
/* The files of DIR with numbers above AFTER, in their order: of struct scratch_name. NULL: none.
 * Free with g_ptr_array_unref. */
GPtrArray *scratch_list(struct scratches *all, uint64_t dir, uint64_t after);
