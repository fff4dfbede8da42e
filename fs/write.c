/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing a spec: a private buffer until it is complete, then a commit.
 *
 * Shells duplicate and close the descriptor before they write, and a child's exit closes its copy.
 * So a close commits only when something was written since the last commit, and only when it is
 * made by the process that opened the file. Where that cannot be seen, as cloudfs is in another pid
 * namespace, the last close of all commits, whose errors are in `error` only; fsync(2) has them.
 */
#include <errno.h>

#include "core/error.h"
#include "fs/handle.h"
#include "fs/proc.h"
#include "fs/restore.h"

void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
              struct fuse_file_info *fi)
{
    struct handle *handle = handle_of(fi);

    (void)ino;
    handle->row->store(fs_of(req), req, handle, data, size, offset);
}

/* Puts DATA into the buffer and checks the text up to its end. Shells report nothing but what
 * write(2) returns, so a bad line is refused here. */
static bool take_data(struct fs *fs, struct handle *handle, const char *data, size_t size,
                      off_t offset, GError **error)
{
    struct buffer *buffer = handle->buffer;
    size_t end;
    int err = buffer_write(buffer, data, size, offset, SPEC_MAX_BYTES, &end);

    if (err) {
        fail(error, err, "the spec is larger than %d KiB", SPEC_MAX_BYTES / 1024);
        return false;
    }
    if (engine_check(fs->engine, handle->id, handle->kind, buffer->text->str, end, &handle->opener,
                     error))
        return true;
    if (!error || (*error)->code != ENOSPC || !restore_may_write(fs->restore, handle->opener.pid))
        return false;
    g_clear_error(error); /* its host may come back after it */
    return true;
}

void store_spec(struct fs *fs, fuse_req_t req, struct handle *handle, const char *data, size_t size,
                off_t offset)
{
    g_autoptr(GError) error = NULL;
    int err;

    pthread_mutex_lock(&handle->lock);
    if (!handle->buffer->refused && !take_data(fs, handle, data, size, offset, &error))
        buffer_refuse(handle->buffer, error->code);
    err = handle->buffer->refused;
    pthread_mutex_unlock(&handle->lock);
    if (error)
        park_refuse(fs, req, handle->id, error->code, error->message);
    else if (err)
        fuse_reply_err(req, err);
    else
        fuse_reply_write(req, size);
}

static bool step_commit(struct parked *parked)
{
    g_autofree char *text = g_steal_pointer(&parked->name);

    if (!text)
        return false;
    park_hold(parked);
    park_began(parked, engine_commit(parked->fs->engine, parked->id, text, parked->size,
                                     &parked->actor, park_done, parked));
    return true;
}

/* TEXT is taken over. */
static void commit(struct fs *fs, fuse_req_t req, struct handle *handle, char *text, size_t len)
{
    struct parked *parked = park_new(fs, req);

    parked->id = handle->id;
    parked->actor.uid = handle->opener.uid; /* as with files, the rights are those of the open */
    parked->actor.gid = handle->opener.gid;
    parked->actor.restoring = restore_may_write(fs->restore, parked->actor.pid);
    parked->name = text;
    parked->size = len;
    parked->step = step_commit;
    park_run(parked);
}

static void take_and_commit(fuse_req_t req, struct handle *handle)
{
    int refused;
    size_t len;
    char *text = handle_take(handle, &len, &refused);

    if (text)
        commit(fs_of(req), req, handle, text, len);
    else
        fuse_reply_err(req, refused);
}

static bool is_opener(fuse_req_t req, const struct handle *handle)
{
    return handle->process && proc_tgid(fuse_req_ctx(req)->pid) == handle->process;
}

void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct handle *handle = handle_of(fi);

    (void)ino;
    handle_end_look(handle);
    if (!handle->buffer || !is_opener(req, handle))
        fuse_reply_err(req, 0);
    else
        take_and_commit(req, handle);
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
    (void)ino;
    (void)datasync;
    take_and_commit(req, handle_of(fi));
}
