/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in scratch files, and their attributes. */
#include "fs/scratchset.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fs/node.h"

bool scratch_is_unbounded(uid_t uid)
{
    return uid == 0 || uid == geteuid();
}

static size_t held_by(const struct scratches *all, uid_t uid)
{
    return GPOINTER_TO_SIZE(g_hash_table_lookup(all->held, GUINT_TO_POINTER(uid)));
}

int scratch_check_bytes(const struct scratches *all, uid_t uid, size_t more)
{
    bool unbounded = scratch_is_unbounded(uid);

    if (held_by(all, uid) + more > SCRATCH_USER_MAX && !unbounded)
        return EDQUOT;
    return all->bytes + more > SCRATCH_ALL_MAX - (unbounded ? 0 : SCRATCH_ALL_KEPT) ? ENOSPC : 0;
}

void scratch_count(struct scratches *all, uid_t uid, ssize_t change)
{
    size_t held = held_by(all, uid) + (size_t)change;

    all->bytes += (size_t)change;
    if (held)
        g_hash_table_insert(all->held, GUINT_TO_POINTER(uid), GSIZE_TO_POINTER(held));
    else
        g_hash_table_remove(all->held, GUINT_TO_POINTER(uid));
}

static void give(struct scratches *all, struct scratch *scratch, uid_t uid)
{
    ssize_t size = (ssize_t)scratch->text->len;

    scratch_count(all, scratch->uid, -size);
    scratch_count(all, uid, size);
    scratch->uid = uid;
}

int scratch_open(struct scratches *all, uint64_t ino)
{
    struct scratch *scratch;

    pthread_mutex_lock(&all->lock);
    scratch = scratch_by_ino(all, ino);
    if (scratch)
        scratch->opens++;
    pthread_mutex_unlock(&all->lock);
    return scratch ? 0 : ESTALE;
}

void scratch_close(struct scratches *all, uint64_t ino)
{
    struct scratch *scratch;

    pthread_mutex_lock(&all->lock);
    scratch = scratch_by_ino(all, ino);
    if (scratch) {
        scratch->opens--;
        scratch_free_if_unused(all, scratch);
    }
    pthread_mutex_unlock(&all->lock);
}

void scratch_fill_stat(const struct scratch *scratch, struct stat *st)
{
    *st = (struct stat){
        .st_ino = scratch->ino,
        .st_mode = scratch->mode,
        .st_nlink = scratch->dir ? 1 : 0,
        .st_uid = scratch->uid,
        .st_gid = scratch->gid,
        .st_blksize = 4096,
    };
    stat_set_size(st, scratch->text->len);
    stat_set_time(st, scratch->changed);
    stat_set_time(st, scratch->time);
}

int scratch_stat(struct scratches *all, uint64_t ino, struct stat *st)
{
    const struct scratch *scratch;

    pthread_mutex_lock(&all->lock);
    scratch = scratch_by_ino(all, ino);
    if (scratch)
        scratch_fill_stat(scratch, st);
    pthread_mutex_unlock(&all->lock);
    return scratch ? 0 : ESTALE;
}

int scratch_set(struct scratches *all, uint64_t ino, uid_t uid, gid_t gid, mode_t mode,
                int64_t time)
{
    struct scratch *scratch;

    pthread_mutex_lock(&all->lock);
    scratch = scratch_by_ino(all, ino);
    if (scratch) {
        if (uid != (uid_t)-1)
            give(all, scratch, uid);
        scratch->gid = gid != (gid_t)-1 ? gid : scratch->gid;
        scratch->mode =
            mode != (mode_t)-1 ? (scratch->mode & S_IFMT) | (mode & 0777) : scratch->mode;
        scratch->time = time != -1 ? time : scratch->time;
        scratch->restored = scratch->restored || time != -1;
        scratch_touch(scratch);
    }
    pthread_mutex_unlock(&all->lock);
    return scratch ? 0 : ESTALE;
}

bool scratch_is_restored(struct scratches *all, uint64_t ino)
{
    const struct scratch *scratch;
    bool restored;

    pthread_mutex_lock(&all->lock);
    scratch = scratch_by_ino(all, ino);
    restored = scratch && scratch->restored;
    pthread_mutex_unlock(&all->lock);
    return restored;
}

GBytes *scratch_read(struct scratches *all, uint64_t ino, size_t size, off_t offset)
{
    const struct scratch *scratch;
    GBytes *bytes = NULL;
    size_t start;

    pthread_mutex_lock(&all->lock);
    scratch = scratch_by_ino(all, ino);
    if (scratch) {
        start = MIN((size_t)MAX(offset, 0), scratch->text->len);
        bytes = g_bytes_new(scratch->text->str + start, MIN(size, scratch->text->len - start));
    }
    pthread_mutex_unlock(&all->lock);
    return bytes;
}

/* New bytes read as NULs. */
static int resize(struct scratches *all, struct scratch *scratch, size_t size)
{
    size_t old = scratch->text->len;
    int err = 0;

    if (size > SCRATCH_FILE_MAX)
        return EFBIG;
    if (size > old)
        err = scratch_check_bytes(all, scratch->uid, size - old);
    if (err)
        return err;
    g_string_set_size(scratch->text, size);
    if (size > old)
        memset(scratch->text->str + old, 0, size - old);
    scratch_count(all, scratch->uid, (ssize_t)size - (ssize_t)old);
    scratch->time = scratch_touch(scratch);
    scratch->restored = false;
    return 0;
}

int scratch_resize(struct scratches *all, uint64_t ino, off_t size)
{
    struct scratch *scratch;
    int err;

    if (size < 0)
        return EINVAL;
    pthread_mutex_lock(&all->lock);
    scratch = scratch_by_ino(all, ino);
    err = scratch ? resize(all, scratch, (size_t)size) : ESTALE;
    pthread_mutex_unlock(&all->lock);
    return err;
}

int scratch_write(struct scratches *all, uint64_t ino, const char *data, size_t size, off_t offset,
                  bool append)
{
    struct scratch *scratch;
    size_t start;
    int err = ESTALE;

    if (offset < 0)
        return EINVAL;
    if (offset > SCRATCH_FILE_MAX)
        return EFBIG;
    pthread_mutex_lock(&all->lock);
    scratch = scratch_by_ino(all, ino);
    if (scratch) {
        start = append ? scratch->text->len : (size_t)offset;
        err = resize(all, scratch, MAX(scratch->text->len, start + size));
        if (!err)
            memcpy(scratch->text->str + start, data, size);
    }
    pthread_mutex_unlock(&all->lock);
    return err;
}

bool scratch_is_young(struct scratches *all, uint64_t ino, double seconds)
{
    const struct scratch *scratch;
    bool young;

    pthread_mutex_lock(&all->lock);
    scratch = scratch_by_ino(all, ino);
    young =
        scratch && (double)(g_get_monotonic_time() - scratch->touched) < seconds * G_USEC_PER_SEC;
    pthread_mutex_unlock(&all->lock);
    return young;
}
