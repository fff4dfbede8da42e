/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/handle.h"

#include <fcntl.h>
#include <string.h>

#include "core/spec/spec.h"
#include "fs/pages.h"
#include "fs/proc.h"
#include "fs/restore.h"
#include "fs/scratch.h"

struct handles {
    pthread_mutex_t lock;
    GQueue queue; /* under the lock */
};

struct handles *handles_new(void)
{
    struct handles *all = g_new0(struct handles, 1);

    pthread_mutex_init(&all->lock, NULL);
    g_queue_init(&all->queue);
    return all;
}

static void leave_pages(struct handle *handle)
{
    if (handle->paged && pages_close(handle->paged->pages, handle->ino))
        notify_inode(handle->paged->notify, handle->ino);
    handle->paged = NULL;
}

static void unpublish(struct handle *handle, bool in_time)
{
    struct publish *published;

    pthread_mutex_lock(&handle->lock);
    published = g_steal_pointer(&handle->published);
    pthread_mutex_unlock(&handle->lock);
    if (published)
        publish_closed(published, handle->ino, in_time);
}

void handle_end_look(struct handle *handle)
{
    unpublish(handle, true);
}

/* The kernel releases a file some time after it was closed. */
static void dispose(struct handle *handle)
{
    leave_pages(handle);
    unpublish(handle, false);
    g_clear_pointer(&handle->text, g_bytes_unref);
    buffer_free(handle->buffer);
    pthread_mutex_destroy(&handle->lock);
    g_free(handle);
}

void handles_free(struct handles *all)
{
    GList *link;

    if (!all)
        return;
    while ((link = g_queue_pop_head_link(&all->queue))) {
        struct handle *handle = link->data;

        handle->paged = NULL; /* nobody is told any more */
        handle->published = NULL;
        dispose(handle);
    }
    pthread_mutex_destroy(&all->lock);
    g_free(all);
}

static bool wants_write(int flags)
{
    return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
}

/* The pages are for who has the version that INO still shows when it has got them: its time may
 * have been over in between. */
static void take_version(struct fs *fs, const struct node *node, struct handle *handle)
    REQUIRES_SHARED(model)
{
    struct view view;

    fs_version(fs, node, true, &view);
    handle->text = view.text;
    handle->passing = !view.lasts;
    if (publish_opened(fs->publish, handle->ino))
        handle->published = fs->publish;
    if (pages_open(fs->pages, handle->ino))
        handle->paged = fs;
    if (!publish_shows(fs->publish, handle->ino, view.time))
        leave_pages(handle);
}

/* What the model says about INO, at the moment of open. */
static int look(struct fs *fs, uint64_t ino, int flags, struct handle *handle)
    REQUIRES_SHARED(model)
{
    const GString *text;
    struct node node;

    if (!node_find(fs->cloud, ino, &node))
        return ESTALE;
    if (node_is_dir(&node))
        return EISDIR;
    if (S_ISLNK(node.row->mode))
        return ELOOP;
    handle->id = node.object->id;
    handle->kind = node.object->kind;
    handle->row = node.row;
    if (node.row->facet < FACETS)
        atomic_store(&handle->seen, node.object->times[node.row->facet]);
    if (wants_write(flags) && !node.row->store)
        return EACCES; /* for root too: nothing could come of it */
    if (node.row->facet == LOG)
        return 0;
    if (node_is_live(&node)) {
        take_version(fs, &node, handle);
        return 0;
    }
    if (!wants_write(flags) && pages_open(fs->pages, ino))
        handle->paged = fs;
    text = node_text(fs->cloud, &node);
    handle->text = g_bytes_new(text->str, text->len);
    return 0;
}

static int look_locked(struct fs *fs, uint64_t ino, int flags, struct handle *handle)
    EXCLUDES(model)
{
    int err;

    cloud_read_lock(fs->cloud);
    err = look(fs, ino, flags, handle);
    cloud_read_unlock(fs->cloud);
    return err;
}

/* The text that writing starts from. */
static void begin_buffer(struct fs *fs, struct handle *handle, int flags)
{
    size_t len;
    const char *start = g_bytes_get_data(handle->text, &len);
    off_t cut;

    handle->buffer = buffer_new(start, flags & O_TRUNC ? 0 : len, flags & O_APPEND);
    if (cuts_take(fs->cuts, handle->ino, &cut))
        buffer_resize(handle->buffer, flags & O_TRUNC ? 0 : cut, SPEC_MAX_BYTES);
}

static struct handle *handle_new(uint64_t ino)
{
    struct handle *made = g_new0(struct handle, 1);

    pthread_mutex_init(&made->lock, NULL);
    made->ino = ino;
    made->link.data = made;
    return made;
}

static void enlist(struct fs *fs, struct handle *made)
{
    made->all = fs->handles;
    pthread_mutex_lock(&made->all->lock);
    g_queue_push_tail_link(&made->all->queue, &made->link);
    pthread_mutex_unlock(&made->all->lock);
}

/* A derived file is open for writing to who puts its tree back. */
static bool puts_back(struct fs *fs, fuse_req_t req, uint64_t ino) EXCLUDES(model)
{
    pid_t tid = fuse_req_ctx(req)->pid;
    g_autofree char *place = NULL;
    struct node node;

    if (restore_may_write(fs->restore, tid))
        return true;
    cloud_read_lock(fs->cloud);
    if (node_find(fs->cloud, ino, &node))
        place = node_place(&node);
    cloud_read_unlock(fs->cloud);
    return place && fs->mountpoint && restore_puts_back(tid, fs->mountpoint, place);
}

static int open_model(struct fs *fs, fuse_req_t req, int flags, struct handle *made)
{
    int err = look_locked(fs, made->ino, flags, made);

    if (err != EACCES || !made->row || !puts_back(fs, req, made->ino))
        return err;
    handle_open_nothing(made);
    return 0;
}

int handle_discard(struct fs *fs, uint64_t ino, struct handle **handle)
{
    struct handle *made = handle_new(ino);

    handle_open_nothing(made);
    enlist(fs, made);
    *handle = made;
    return 0;
}

int handle_open(struct fs *fs, fuse_req_t req, uint64_t ino, int flags, struct handle **handle)
{
    struct handle *made = handle_new(ino);
    int err = scratch_is(ino) ? handle_open_scratch(fs, ino, flags, made)
                              : open_model(fs, req, flags, made);

    if (err) {
        dispose(made);
        return err;
    }
    if ((flags & O_ACCMODE) != O_RDONLY) {
        made->opener = fs_actor(req);
        made->process = proc_tgid(made->opener.pid);
        if (made->row->store == store_spec)
            begin_buffer(fs, made, flags);
    }
    enlist(fs, made);
    *handle = made;
    return 0;
}

void handle_close(struct fs *fs, struct handle *handle)
{
    if (handle_is_scratch(handle))
        scratch_close(fs->scratches, handle->ino);
    pthread_mutex_lock(&handle->all->lock);
    g_queue_unlink(&handle->all->queue, &handle->link);
    pthread_mutex_unlock(&handle->all->lock);
    dispose(handle);
}

bool handle_size(struct handle *handle, size_t *size)
{
    bool known = handle->buffer || handle_is_discarding(handle) || handle->paged;

    pthread_mutex_lock(&handle->lock);
    if (handle->buffer)
        *size = handle->buffer->text->len;
    else if (handle->paged)
        *size = g_bytes_get_size(handle->text);
    else if (known)
        *size = handle->discarded;
    pthread_mutex_unlock(&handle->lock);
    return known;
}

char *handle_take(struct handle *handle, size_t *len, int *refused)
{
    char *text;

    *refused = 0;
    if (!handle->buffer)
        return NULL;
    pthread_mutex_lock(&handle->lock);
    *refused = handle->buffer->refused;
    text = buffer_take(handle->buffer, len);
    pthread_mutex_unlock(&handle->lock);
    return text;
}

int handle_resize(struct handle *handle, off_t size)
{
    int err;

    if (!handle->buffer)
        return 0;
    pthread_mutex_lock(&handle->lock);
    err = buffer_resize(handle->buffer, size, SPEC_MAX_BYTES);
    pthread_mutex_unlock(&handle->lock);
    return err;
}
