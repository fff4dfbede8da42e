/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/restore.h"

#include <glib.h>
#include <pthread.h>
#include <string.h>

#include "fs/proc.h"

enum { FOR_SECONDS = 60 /* since a directory was made or a file written */, SWEEP_SECONDS = 1 };

struct restore {
    pthread_mutex_t lock;
    GHashTable *makers;  /* process to monotonic microseconds (copied), until which it is one */
    GHashTable *made;    /* object's id (copied) to the maker that made it, while both are there */
    GHashTable *probers; /* process to monotonic microseconds (copied) */
    int64_t swept;       /* monotonic microseconds */
};

struct restore *restore_new(void)
{
    struct restore *restore = g_new0(struct restore, 1);

    pthread_mutex_init(&restore->lock, NULL);
    restore->makers = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    restore->made = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    restore->probers = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return restore;
}

void restore_free(struct restore *restore)
{
    if (!restore)
        return;
    g_hash_table_destroy(restore->makers);
    g_hash_table_destroy(restore->made);
    g_hash_table_destroy(restore->probers);
    pthread_mutex_destroy(&restore->lock);
    g_free(restore);
}

static int64_t later(void)
{
    return g_get_monotonic_time() + FOR_SECONDS * G_USEC_PER_SEC;
}

static gboolean is_over(void *process, void *until, void *now)
{
    (void)process;
    return *(int64_t *)until < *(int64_t *)now;
}

static gboolean has_no_maker(void *id, void *process, void *makers)
{
    (void)id;
    return !g_hash_table_contains(makers, process);
}

/* Not each time: there may be many, as each mkdir(1) is one. */
static void drop_old(struct restore *restore)
{
    int64_t now = g_get_monotonic_time();

    if (now - restore->swept < SWEEP_SECONDS * G_USEC_PER_SEC)
        return;
    restore->swept = now;
    g_hash_table_foreach_remove(restore->probers, is_over, &now);
    if (g_hash_table_foreach_remove(restore->makers, is_over, &now) > 0)
        g_hash_table_foreach_remove(restore->made, has_no_maker, restore->makers);
}

/* PROCESS is in TABLE for a while. */
static void remember(struct restore *restore, GHashTable *table, pid_t process)
{
    int64_t until = later();

    drop_old(restore);
    g_hash_table_replace(table, GINT_TO_POINTER(process), g_memdup2(&until, sizeof until));
}

/* Whether PROCESS is in TABLE, where it stays for a while then. */
static bool knows(struct restore *restore, GHashTable *table, pid_t process)
{
    int64_t *until;
    bool known;

    pthread_mutex_lock(&restore->lock);
    until = g_hash_table_lookup(table, GINT_TO_POINTER(process));
    known = until && *until >= g_get_monotonic_time();
    if (known)
        *until = later();
    pthread_mutex_unlock(&restore->lock);
    return known;
}

void restore_made(struct restore *restore, uint64_t id, pid_t process)
{
    if (process == 0)
        return;
    pthread_mutex_lock(&restore->lock);
    remember(restore, restore->makers, process);
    g_hash_table_replace(restore->made, g_memdup2(&id, sizeof id), GINT_TO_POINTER(process));
    pthread_mutex_unlock(&restore->lock);
}

void restore_forget(struct restore *restore, uint64_t id)
{
    pthread_mutex_lock(&restore->lock);
    g_hash_table_remove(restore->made, &id);
    pthread_mutex_unlock(&restore->lock);
}

unsigned restore_remembered(struct restore *restore)
{
    unsigned n;

    pthread_mutex_lock(&restore->lock);
    n = g_hash_table_size(restore->made);
    pthread_mutex_unlock(&restore->lock);
    return n;
}

void restore_probed(struct restore *restore, pid_t tid)
{
    pid_t process = proc_tgid(tid);

    if (process == 0)
        return;
    pthread_mutex_lock(&restore->lock);
    remember(restore, restore->probers, process);
    pthread_mutex_unlock(&restore->lock);
}

bool restore_is_probing(struct restore *restore, pid_t tid)
{
    pid_t process = proc_tgid(tid);

    return knows(restore, restore->probers, process) || proc_is(process, "tar") ||
           proc_is(process, "bsdtar") || proc_is(process, "borg");
}

/* Most of the time nobody makes any: /proc need not be read then. */
static bool any(struct restore *restore)
{
    bool any;

    pthread_mutex_lock(&restore->lock);
    drop_old(restore);
    any = g_hash_table_size(restore->makers) > 0;
    pthread_mutex_unlock(&restore->lock);
    return any;
}

bool restore_may_write(struct restore *restore, pid_t tid)
{
    return any(restore) && (knows(restore, restore->makers, proc_tgid(tid)) ||
                            knows(restore, restore->makers, proc_parent(tid)));
}

bool restore_expects_nothing(struct restore *restore, uint64_t id, pid_t tid)
{
    bool known;

    pthread_mutex_lock(&restore->lock);
    known = g_hash_table_contains(restore->made, &id);
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
