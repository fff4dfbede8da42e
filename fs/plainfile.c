/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Open files that stand for nothing in the model: scratch files, and what is thrown away. */
#include <errno.h>
#include <fcntl.h>

#include "fs/handle.h"
#include "fs/scratch.h"

static void store_scratch(struct fs *fs, fuse_req_t req, struct handle *handle, const char *data,
                          size_t size, off_t offset)
{
    int err = scratch_write(fs->scratches, handle->ino, data, size, offset, handle->append);

    if (err)
        fuse_reply_err(req, err);
    else
        fuse_reply_write(req, size);
}

/* Its size is what was written, for tools that look. */
static void store_nothing(struct fs *fs, fuse_req_t req, struct handle *handle, const char *data,
                          size_t size, off_t offset)
{
    (void)fs;
    (void)data;
    pthread_mutex_lock(&handle->lock);
    handle->discarded = MAX(handle->discarded, (size_t)offset + size);
    pthread_mutex_unlock(&handle->lock);
    fuse_reply_write(req, size);
}

static const struct file_row scratch_row = {
    .mode = S_IFREG | 0666, .facet = FACET_SELF, .store = store_scratch, .doc = "a scratch file"};
static const struct file_row nothing_row = {
    .mode = S_IFREG | 0666, .facet = FACET_SELF, .store = store_nothing, .doc = "nothing"};

bool handle_is_scratch(const struct handle *handle)
{
    return handle->row == &scratch_row;
}

bool handle_is_discarding(const struct handle *handle)
{
    return handle->row == &nothing_row;
}

int handle_open_scratch(struct fs *fs, uint64_t ino, int flags, struct handle *handle)
{
    int err = scratch_open(fs->scratches, ino);

    if (err)
        return err;
    handle->row = &scratch_row;
    handle->append = flags & O_APPEND;
    if (flags & O_TRUNC)
        scratch_resize(fs->scratches, ino, 0);
    return 0;
}

void handle_open_nothing(struct handle *handle)
{
    handle->row = &nothing_row;
}
