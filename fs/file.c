/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening, reading and closing files. */
#include <errno.h>

#include "fs/handle.h"
#include "fs/scratch.h"

void handle_fill(struct handle *handle, struct fuse_file_info *fi)
{
    fi->fh = (uint64_t)(uintptr_t)handle;
    fi->direct_io = handle->paged == NULL;
    fi->keep_cache = handle->paged != NULL;
    /* Only a close after writing means something, or one after which another version is shown. */
    fi->noflush = handle->buffer == NULL && !handle->passing;
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct handle *handle;
    int err = handle_open(fs, req, ino, fi->flags, &handle);

    if (err) {
        fuse_reply_err(req, err);
        return;
    }
    handle_fill(handle, fi);
    if (fuse_reply_open(req, fi) != 0)
        handle_close(fs, handle); /* the opener is gone: there will be no release */
}

static void reply_part(fuse_req_t req, const char *text, size_t len, size_t size, off_t offset)
{
    size_t start = offset < 0 ? 0 : MIN((size_t)offset, len);

    fuse_reply_buf(req, text ? text + start : NULL, MIN(size, len - start));
}

/* Copied, so that the model is not locked while the kernel takes it in. */
static void read_log(struct fs *fs, struct handle *handle, fuse_req_t req, size_t size,
                     off_t offset) EXCLUDES(model)
{
    g_autofree char *part = NULL;
    const GString *log;
    size_t start, len;
    int64_t time;

    cloud_read_lock(fs->cloud);
    log = cloud_events_text(fs->cloud, &time);
    start = offset < 0 ? 0 : MIN((size_t)offset, log->len);
    len = MIN(size, log->len - start);
    part = g_memdup2(log->str + start, len + 1); /* one more: never NULL */
    if (start + len == log->len)
        atomic_store(&handle->seen, time);
    cloud_read_unlock(fs->cloud);
    fuse_reply_buf(req, part, len);
}

/* Copied too: once answered, the handle may be released. */
static void read_buffer(struct handle *handle, fuse_req_t req, size_t size, off_t offset)
{
    g_autofree char *copy = NULL;
    size_t len;

    pthread_mutex_lock(&handle->lock);
    len = handle->buffer->text->len;
    copy = g_memdup2(handle->buffer->text->str, len + 1);
    pthread_mutex_unlock(&handle->lock);
    reply_part(req, copy, len, size, offset);
}

static void read_scratch(struct fs *fs, const struct handle *handle, fuse_req_t req, size_t size,
                         off_t offset)
{
    g_autoptr(GBytes) bytes = scratch_read(fs->scratches, handle->ino, size, offset);
    size_t len = 0;
    const char *data = bytes ? g_bytes_get_data(bytes, &len) : NULL;

    fuse_reply_buf(req, data, len);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct handle *handle = handle_of(fi);
    g_autoptr(GBytes) text = NULL;
    struct view view;
    const char *data;
    size_t len;

    if (handle_is_scratch(handle)) {
        read_scratch(fs, handle, req, size, offset);
        return;
    }
    if (handle_is_discarding(handle)) {
        fuse_reply_buf(req, NULL, 0);
        return;
    }
    if (handle->row->facet == LOG) {
        read_log(fs, handle, req, size, offset);
        return;
    }
    if (handle->buffer) {
        read_buffer(handle, req, size, offset);
        return;
    }
    if (handle->row->facet >= FACETS && publish_look(fs->publish, ino, false, &view))
        view_clear(&view); /* that it is looked at is what matters */
    text = g_bytes_ref(handle->text);
    data = g_bytes_get_data(text, &len);
    reply_part(req, data, len, size, offset);
}

/* The last resort of a writer whose own close did not come: nobody hears an error any more. */
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct handle *handle = handle_of(fi);
    g_autofree char *text = NULL;
    size_t len;
    int refused;

    (void)ino;
    if (atomic_load(&handle->polled))
        pollers_remove(fs->pollers, handle);
    text = handle_take(handle, &len, &refused);
    if (text)
        engine_commit(fs->engine, handle->id, text, len, &handle->opener, park_ignore, NULL);
    handle_close(fs, handle);
    fuse_reply_err(req, 0);
}
