/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/poll.h"

#include <poll.h>
#include <pthread.h>

#include "fs/handle.h"

struct pollers {
    pthread_mutex_t lock;
    GHashTable *waits; /* struct handle * to struct fuse_pollhandle *; under the lock */
};

static void wait_free(void *wait)
{
    fuse_pollhandle_destroy(wait);
}

static GHashTable *no_waits(void)
{
    return g_hash_table_new_full(NULL, NULL, NULL, wait_free);
}

struct pollers *pollers_new(void)
{
    struct pollers *pollers = g_new0(struct pollers, 1);

    pthread_mutex_init(&pollers->lock, NULL);
    pollers->waits = no_waits();
    return pollers;
}

void pollers_free(struct pollers *pollers)
{
    if (!pollers)
        return;
    g_hash_table_destroy(pollers->waits);
    pthread_mutex_destroy(&pollers->lock);
    g_free(pollers);
}

void pollers_add(struct pollers *pollers, struct handle *handle, struct fuse_pollhandle *wait)
{
    pthread_mutex_lock(&pollers->lock);
    g_hash_table_replace(pollers->waits, handle, wait);
    pthread_mutex_unlock(&pollers->lock);
}

void pollers_remove(struct pollers *pollers, struct handle *handle)
{
    pthread_mutex_lock(&pollers->lock);
    g_hash_table_remove(pollers->waits, handle);
    pthread_mutex_unlock(&pollers->lock);
}

bool pollers_any(struct pollers *pollers)
{
    bool any;

    pthread_mutex_lock(&pollers->lock);
    any = g_hash_table_size(pollers->waits) > 0;
    pthread_mutex_unlock(&pollers->lock);
    return any;
}

void pollers_wake(struct pollers *pollers)
{
    GHashTable *waits;
    GHashTableIter iter;
    void *wait;

    pthread_mutex_lock(&pollers->lock);
    waits = pollers->waits;
    pollers->waits = no_waits();
    pthread_mutex_unlock(&pollers->lock);

    g_hash_table_iter_init(&iter, waits);
    while (g_hash_table_iter_next(&iter, NULL, &wait))
        fuse_lowlevel_notify_poll(wait);
    g_hash_table_destroy(waits);
}

/* Whether the log has lines that HANDLE has not read to the end, or what it opened is not what
 * the file says now. */
static bool has_changed(struct fs *fs, struct handle *handle) EXCLUDES(model)
{
    const struct object *object;
    int64_t time = 0;

    cloud_read_lock(fs->cloud);
    object = cloud_by_id(fs->cloud, handle->id);
    if (handle->row->facet == LOG)
        cloud_events_text(fs->cloud, &time);
    else if (object)
        time = object->times[handle->row->facet];
    cloud_read_unlock(fs->cloud);
    return time != atomic_load(&handle->seen);
}

static bool waits_for_events(const struct handle *handle)
{
    return !handle->buffer && !handle_is_scratch(handle) && !handle_is_discarding(handle) &&
           !row_is_live(handle->row);
}

void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
             struct fuse_pollhandle *wait)
{
    struct fs *fs = fs_of(req);
    struct handle *handle = handle_of(fi);
    unsigned ready = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM; /* as any file */

    (void)ino;
    if (!waits_for_events(handle)) {
        if (wait)
            fuse_pollhandle_destroy(wait);
        fuse_reply_poll(req, ready);
        return;
    }
    /* Registered before it is looked at, so that no line falls between the two. */
    if (wait) {
        atomic_store(&handle->polled, true);
        pollers_add(fs->pollers, handle, wait);
    }
    if (handle->row->facet == LOG)
        ready = 0; /* as a pipe: at its end there is nothing to read */
    if (has_changed(fs, handle))
        ready |= POLLIN | POLLRDNORM | POLLPRI;
    fuse_reply_poll(req, ready);
}
