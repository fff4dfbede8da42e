/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/restore.h"

#include <glib.h>
#include <pthread.h>
#include <string.h>

#include "fs/proc.h"

enum { FOR_SECONDS = 60 /* since a directory was made or a file written */, SWEEP_SECONDS = 1 };

struct maker {
    int64_t until; /* monotonic microseconds */
    GArray *ids;   /* uint64_t: the objects that it made */
};

struct restore {
    pthread_mutex_t lock;
    GHashTable *makers;  /* process to struct maker * */
    GHashTable *made;    /* object's id (copied) to the process that made it */
    GHashTable *probers; /* process to struct maker *, which has made nothing */
    int64_t swept;       /* monotonic microseconds */
};

static void maker_free(void *data)
{
    struct maker *maker = data;

    g_array_unref(maker->ids);
    g_free(maker);
}

struct restore *restore_new(void)
{
    struct restore *restore = g_new0(struct restore, 1);

    pthread_mutex_init(&restore->lock, NULL);
    restore->makers = g_hash_table_new_full(NULL, NULL, NULL, maker_free);
    restore->made = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    restore->probers = g_hash_table_new_full(NULL, NULL, NULL, maker_free);
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

static void sweep(struct restore *restore, GHashTable *table, int64_t now)
{
    GHashTableIter iter;
    void *process, *value;

    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, &process, &value)) {
        const struct maker *maker = value;

        if (maker->until >= now)
            continue;
        for (unsigned i = 0; i < maker->ids->len; i++) {
            uint64_t *id = &g_array_index(maker->ids, uint64_t, i);

            if (g_hash_table_lookup(restore->made, id) == process)
                g_hash_table_remove(restore->made, id);
        }
        g_hash_table_iter_remove(&iter);
    }
}

/* Not each time: there may be many, as each mkdir(1) is one. */
static void drop_old(struct restore *restore)
{
    int64_t now = g_get_monotonic_time();

    if (now - restore->swept < SWEEP_SECONDS * G_USEC_PER_SEC)
        return;
    restore->swept = now;
    sweep(restore, restore->makers, now);
    sweep(restore, restore->probers, now);
}

/* PROCESS is in TABLE for a while. */
static struct maker *remember(struct restore *restore, GHashTable *table, pid_t process)
{
    struct maker *maker = g_hash_table_lookup(table, GINT_TO_POINTER(process));

    drop_old(restore);
    if (!maker) {
        maker = g_new0(struct maker, 1);
        maker->ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        g_hash_table_insert(table, GINT_TO_POINTER(process), maker);
    }
    maker->until = later();
    return maker;
}

/* Whether PROCESS is in TABLE, where it stays for a while then. */
static bool knows(struct restore *restore, GHashTable *table, pid_t process)
{
    struct maker *maker;
    bool known;

    pthread_mutex_lock(&restore->lock);
    maker = g_hash_table_lookup(table, GINT_TO_POINTER(process));
    known = maker && maker->until >= g_get_monotonic_time();
    if (known)
        maker->until = later();
    pthread_mutex_unlock(&restore->lock);
    return known;
}

void restore_made(struct restore *restore, uint64_t id, pid_t process)
{
    pthread_mutex_lock(&restore->lock);
    g_array_append_val(remember(restore, restore->makers, process)->ids, id);
    g_hash_table_replace(restore->made, g_memdup2(&id, sizeof id), GINT_TO_POINTER(process));
    pthread_mutex_unlock(&restore->lock);
}

void restore_probed(struct restore *restore, pid_t tid)
{
    pid_t process = proc_tgid(tid);

    pthread_mutex_lock(&restore->lock);
    remember(restore, restore->probers, process);
    pthread_mutex_unlock(&restore->lock);
}

bool restore_is_probing(struct restore *restore, pid_t tid)
{
    return knows(restore, restore->probers, proc_tgid(tid));
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
