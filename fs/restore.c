/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/restore.h"

#include <glib.h>
#include <pthread.h>
#include <string.h>

#include "fs/proc.h"

enum { FOR_SECONDS = 60 /* since a directory was made or a file written */ };

struct maker {
    pid_t process;
    int64_t until; /* monotonic microseconds */
};

struct restore {
    pthread_mutex_t lock;
    GHashTable *makers;  /* object's id (copied) to struct maker * */
    GHashTable *probers; /* process (copied, 64 bits) to struct maker * */
};

struct restore *restore_new(void)
{
    struct restore *restore = g_new0(struct restore, 1);

    pthread_mutex_init(&restore->lock, NULL);
    restore->makers = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    restore->probers = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    return restore;
}

void restore_free(struct restore *restore)
{
    if (!restore)
        return;
    g_hash_table_destroy(restore->makers);
    g_hash_table_destroy(restore->probers);
    pthread_mutex_destroy(&restore->lock);
    g_free(restore);
}

static int64_t later(void)
{
    return g_get_monotonic_time() + FOR_SECONDS * G_USEC_PER_SEC;
}

static gboolean is_over(void *id, void *data, void *now)
{
    const struct maker *maker = data;

    (void)id;
    return maker->until < *(int64_t *)now;
}

static void drop_old(struct restore *restore)
{
    int64_t now = g_get_monotonic_time();

    g_hash_table_foreach_remove(restore->makers, is_over, &now);
    g_hash_table_foreach_remove(restore->probers, is_over, &now);
}

static void remember(struct restore *restore, GHashTable *table, uint64_t key, pid_t process)
{
    struct maker maker = {process, later()};

    pthread_mutex_lock(&restore->lock);
    drop_old(restore);
    g_hash_table_replace(table, g_memdup2(&key, sizeof key), g_memdup2(&maker, sizeof maker));
    pthread_mutex_unlock(&restore->lock);
}

void restore_made(struct restore *restore, uint64_t id, pid_t process)
{
    remember(restore, restore->makers, id, process);
}

void restore_probed(struct restore *restore, pid_t tid)
{
    pid_t process = proc_tgid(tid);

    remember(restore, restore->probers, (uint64_t)process, process);
}

bool restore_is_probing(struct restore *restore, pid_t tid)
{
    uint64_t process = (uint64_t)proc_tgid(tid);
    struct maker *maker;

    pthread_mutex_lock(&restore->lock);
    drop_old(restore);
    maker = g_hash_table_lookup(restore->probers, &process);
    if (maker)
        maker->until = later();
    pthread_mutex_unlock(&restore->lock);
    return maker != NULL;
}

/* Most of the time nobody makes any: /proc need not be read then. */
static bool any(struct restore *restore)
{
    bool any;

    pthread_mutex_lock(&restore->lock);
    any = g_hash_table_size(restore->makers) > 0;
    pthread_mutex_unlock(&restore->lock);
    return any;
}

bool restore_may_write(struct restore *restore, pid_t tid)
{
    pid_t process, parent;
    GHashTableIter iter;
    void *value;
    bool may = false;

    if (!any(restore))
        return false;
    process = proc_tgid(tid);
    parent = proc_parent(tid);
    pthread_mutex_lock(&restore->lock);
    drop_old(restore);
    g_hash_table_iter_init(&iter, restore->makers);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct maker *maker = value;

        if (maker->process != process && maker->process != parent)
            continue;
        maker->until = later();
        may = true;
    }
    pthread_mutex_unlock(&restore->lock);
    return may;
}

bool restore_expects_nothing(struct restore *restore, uint64_t id, pid_t tid)
{
    bool known;

    pthread_mutex_lock(&restore->lock);
    known = g_hash_table_contains(restore->makers, &id);
    pthread_mutex_unlock(&restore->lock);
    return known && restore_may_write(restore, tid) && proc_makes_new(tid);
}

bool restore_is_copy(const char *path, const char *mountpoint, const char *place)
{
    g_autofree char *end = g_strconcat("/", place, NULL);
    size_t len = strlen(path), end_len = strlen(end);

    if (path[0] != '/' || !g_str_has_suffix(path, end))
        return false;
    len -= end_len;
    return !(strlen(mountpoint) == len && strncmp(path, mountpoint, len) == 0);
}

bool restore_puts_back(pid_t tid, const char *mountpoint, const char *place)
{
    g_autoptr(GPtrArray) paths = proc_open_paths(tid);

    for (unsigned i = 0; i < paths->len; i++)
        if (restore_is_copy(paths->pdata[i], mountpoint, place))
            return true;
    return proc_makes_private(tid);
}
