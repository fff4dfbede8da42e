/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/scratchset.h"

#include <errno.h>
#include <string.h>

#include "core/cloud/cloud.h"

#define FIRST_INO (UINT64_C(1) << 62)

static void scratch_free(void *data)
{
    struct scratch *scratch = data;

    g_free(scratch->name);
    g_string_free(scratch->text, true);
    g_free(scratch);
}

static void list_free(void *list)
{
    g_ptr_array_unref(list);
}

struct scratches *scratches_new(void)
{
    struct scratches *all = g_new0(struct scratches, 1);

    pthread_mutex_init(&all->lock, NULL);
    all->by_ino = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, scratch_free);
    all->by_dir = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, list_free);
    all->gone = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    all->held = g_hash_table_new(NULL, NULL);
    /* Microseconds, so that a remount begins above all numbers of the mount before. */
    all->next = FIRST_INO + (uint64_t)g_get_real_time();
    return all;
}

void scratches_free(struct scratches *all)
{
    if (!all)
        return;
    g_hash_table_destroy(all->held);
    g_hash_table_destroy(all->gone);
    g_hash_table_destroy(all->by_dir);
    g_hash_table_destroy(all->by_ino);
    pthread_mutex_destroy(&all->lock);
    g_free(all);
}

static GPtrArray *list_of(struct scratches *all, uint64_t dir, bool make)
{
    GPtrArray *list = g_hash_table_lookup(all->by_dir, &dir);

    if (!list && make) {
        list = g_ptr_array_new();
        g_hash_table_insert(all->by_dir, g_memdup2(&dir, sizeof dir), list);
    }
    return list;
}

static struct scratch *find(struct scratches *all, uint64_t dir, const char *name)
{
    GPtrArray *list = list_of(all, dir, false);

    for (unsigned i = 0; list && i < list->len; i++) {
        struct scratch *scratch = list->pdata[i];

        if (strcmp(scratch->name, name) == 0)
            return scratch;
    }
    return NULL;
}

int64_t scratch_touch(struct scratch *scratch)
{
    scratch->touched = g_get_monotonic_time();
    return scratch->changed = cloud_now();
}

void scratch_free_if_unused(struct scratches *all, struct scratch *scratch)
{
    if (scratch->dir || scratch->opens)
        return;
    scratch_count(all, scratch->uid, -(ssize_t)scratch->text->len);
    g_hash_table_remove(all->by_ino, &scratch->ino);
}

/* Takes the name away. */
static void leave(struct scratches *all, struct scratch *scratch)
{
    GPtrArray *list = list_of(all, scratch->dir, false);

    g_ptr_array_remove(list, scratch);
    if (list->len == 0)
        g_hash_table_remove(all->by_dir, &scratch->dir);
    scratch->dir = 0;
}

static void enter(struct scratches *all, struct scratch *scratch, uint64_t dir, const char *name)
{
    GPtrArray *list = list_of(all, dir, true);
    unsigned i = 0;

    while (i < list->len && ((struct scratch *)list->pdata[i])->ino < scratch->ino)
        i++;
    g_ptr_array_insert(list, (int)i, scratch);
    if (scratch->name != name) {
        g_free(scratch->name);
        scratch->name = g_strdup(name);
    }
    scratch->dir = dir;
}

/* What keeps a file of UID from being called NAME in DIR, in the place of what is called so. */
static int check_name(struct scratches *all, uint64_t dir, const char *name, uid_t uid)
{
    GPtrArray *list = list_of(all, dir, false);
    bool unbounded = scratch_is_unbounded(uid);
    unsigned others = 0, his = 0;

    for (unsigned i = 0; list && i < list->len; i++) {
        const struct scratch *scratch = list->pdata[i];

        if (strcmp(scratch->name, name) == 0)
            continue;
        others++;
        his += scratch->uid == uid;
    }
    if (his >= SCRATCH_DIR_USER_MAX && !unbounded)
        return EDQUOT;
    return others >= SCRATCH_DIR_MAX - (unbounded ? 0 : SCRATCH_DIR_KEPT) ? ENOSPC : 0;
}

uint64_t scratch_find(struct scratches *all, uint64_t dir, const char *name)
{
    const struct scratch *scratch;
    uint64_t ino;

    pthread_mutex_lock(&all->lock);
    scratch = find(all, dir, name);
    ino = scratch ? scratch->ino : 0;
    pthread_mutex_unlock(&all->lock);
    return ino;
}

static uint64_t add(struct scratches *all, uint64_t dir, const char *name, uid_t uid, gid_t gid,
                    mode_t mode)
{
    struct scratch *scratch = g_new0(struct scratch, 1);

    scratch->ino = all->next++;
    scratch->text = g_string_new(NULL);
    scratch->uid = uid;
    scratch->gid = gid;
    scratch->mode = mode & (S_IFMT | 0777);
    scratch->time = scratch_touch(scratch);
    g_hash_table_insert(all->by_ino, &scratch->ino, scratch);
    enter(all, scratch, dir, name);
    return scratch->ino;
}

int scratch_create(struct scratches *all, uint64_t dir, const char *name, uid_t uid, gid_t gid,
                   mode_t mode, uint64_t *ino)
{
    int err;

    pthread_mutex_lock(&all->lock);
    err = find(all, dir, name) ? EEXIST : check_name(all, dir, name, uid);
    if (!err)
        *ino = add(all, dir, name, uid, gid, mode);
    pthread_mutex_unlock(&all->lock);
    return err;
}

static int unlink_locked(struct scratches *all, uint64_t dir, const char *name)
{
    struct scratch *scratch = find(all, dir, name);

    if (!scratch)
        return ENOENT;
    leave(all, scratch);
    scratch_free_if_unused(all, scratch);
    return 0;
}

int scratch_unlink(struct scratches *all, uint64_t dir, const char *name)
{
    int err;

    pthread_mutex_lock(&all->lock);
    err = unlink_locked(all, dir, name);
    pthread_mutex_unlock(&all->lock);
    return err;
}

/* What UID's text, of LEN bytes, cannot be put under NAME for. */
static int check_put(struct scratches *all, uint64_t dir, const char *name, uid_t uid, size_t len)
{
    int err = len > SCRATCH_FILE_MAX ? EFBIG : check_name(all, dir, name, uid);

    return err ? err : scratch_check_bytes(all, uid, len);
}

int scratch_put(struct scratches *all, uint64_t dir, const char *name, const struct stat *like,
                const char *text, size_t len)
{
    uint64_t ino;
    int err;

    pthread_mutex_lock(&all->lock);
    err = check_put(all, dir, name, like->st_uid, len);
    if (!err) {
        unlink_locked(all, dir, name);
        ino = add(all, dir, name, like->st_uid, like->st_gid, like->st_mode);
        g_string_append_len(scratch_by_ino(all, ino)->text, text, (gssize)len);
        scratch_count(all, like->st_uid, (ssize_t)len);
    }
    pthread_mutex_unlock(&all->lock);
    return err;
}

int scratch_rename(struct scratches *all, uint64_t dir, const char *name, uint64_t to,
                   const char *to_name)
{
    struct scratch *scratch;
    int err = 0;

    pthread_mutex_lock(&all->lock);
    scratch = find(all, dir, name);
    if (!scratch)
        err = ENOENT;
    else if (to != dir)
        err = check_name(all, to, to_name, scratch->uid);
    if (!err && find(all, to, to_name) != scratch) {
        unlink_locked(all, to, to_name);
        leave(all, scratch);
        enter(all, scratch, to, to_name);
        scratch_touch(scratch);
    }
    pthread_mutex_unlock(&all->lock);
    return err;
}

void scratch_dir_went(struct scratches *all, uint64_t dir)
{
    pthread_mutex_lock(&all->lock);
    if (list_of(all, dir, false))
        g_hash_table_add(all->gone, g_memdup2(&dir, sizeof dir));
    pthread_mutex_unlock(&all->lock);
}

void scratch_dir_came(struct scratches *all, uint64_t dir)
{
    pthread_mutex_lock(&all->lock);
    g_hash_table_remove(all->gone, &dir);
    pthread_mutex_unlock(&all->lock);
}

static gboolean drop(void *dir, void *value, void *data)
{
    struct scratches *all = data;
    GPtrArray *list;

    (void)value;
    while ((list = list_of(all, *(uint64_t *)dir, false))) {
        struct scratch *scratch = list->pdata[0];

        leave(all, scratch);
        scratch_free_if_unused(all, scratch);
    }
    return true;
}

void scratch_sweep(struct scratches *all)
{
    pthread_mutex_lock(&all->lock);
    g_hash_table_foreach_remove(all->gone, drop, all);
    pthread_mutex_unlock(&all->lock);
}

static void name_free(void *data)
{
    struct scratch_name *each = data;

    g_free(each->name);
    g_free(each);
}

GPtrArray *scratch_list(struct scratches *all, uint64_t dir, uint64_t after)
{
    GPtrArray *names = NULL, *list;

    pthread_mutex_lock(&all->lock);
    list = list_of(all, dir, false);
    if (list)
        names = g_ptr_array_new_with_free_func(name_free);
    for (unsigned i = 0; list && i < list->len; i++) {
        const struct scratch *scratch = list->pdata[i];
        struct scratch_name *each;

        if (scratch->ino <= after)
            continue;
        each = g_new0(struct scratch_name, 1);
        each->name = g_strdup(scratch->name);
        scratch_fill_stat(scratch, &each->st);
        g_ptr_array_add(names, each);
    }
    pthread_mutex_unlock(&all->lock);
    return names;
}
