/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/tree_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/tree_world.h"

enum { PATIENCE = 10000 /* steps */ };

struct fuse_req {
    struct call *call;
};
struct fuse_pollhandle {
    int unused;
};

struct call *call_new(struct fs *fs, uid_t uid, pid_t pid)
{
    struct call *call = g_new0(struct call, 1);

    call->fs = fs;
    call->ctx = (struct fuse_ctx){.uid = uid, .gid = uid, .pid = pid, .umask = 022};
    call->req = g_new0(struct fuse_req, 1);
    call->req->call = call;
    return call;
}

int call_wait(struct call *call)
{
    for (unsigned i = 0; call->req; i++) {
        if (i == PATIENCE)
            world_wrong("a request is not answered", "");
        world_step(call->fs);
    }
    return call->err;
}

void call_interrupt(struct call *call)
{
    call->interrupted = true;
    if (call->req && call->interrupt)
        call->interrupt(call->req, call->interrupt_data);
}

void call_free(struct call *call)
{
    if (call->data)
        g_byte_array_unref(call->data);
    g_free(call);
}

/* ---- what fs/ answers with */

/* The request is gone from here on, as libfuse's is. */
static struct call *begin(fuse_req_t req)
{
    struct call *call = req->call;

    if (call->req != req)
        abort(); /* answered twice */
    call->req = NULL;
    g_free(req);
    return call;
}

/* An errno that the kernel takes; others make it give up the mount. */
int fuse_reply_err(fuse_req_t req, int err)
{
    struct call *call = begin(req);

    if (err < 0 || err >= 512)
        abort();
    call->err = err;
    return 0;
}

void fuse_reply_none(fuse_req_t req)
{
    begin(req);
}

static void check_attr(const struct stat *attr)
{
    if (attr->st_size < 0 || !(attr->st_mode & S_IFMT))
        abort();
}

static void take_entry(struct call *call, const struct fuse_entry_param *entry)
{
    if (!entry->ino)
        abort(); /* a name that is not there is an error: nothing is to be cached of it */
    check_attr(&entry->attr);
    call->has_entry = call->has_attr = true;
    call->ino = entry->ino;
    call->attr = entry->attr;
}

int fuse_reply_entry(fuse_req_t req, const struct fuse_entry_param *entry)
{
    struct call *call = begin(req);

    take_entry(call, entry);
    return 0;
}

/* The kernel says ENOENT when who asked is gone: then nobody will release it. */
static int take_handle(struct call *call, const struct fuse_file_info *fi)
{
    bool gone = call->interrupted;

    call->has_handle = !gone;
    call->fi = *fi;
    call->err = gone ? EINTR : 0;
    return gone ? -ENOENT : 0;
}

int fuse_reply_create(fuse_req_t req, const struct fuse_entry_param *entry,
                      const struct fuse_file_info *fi)
{
    struct call *call = begin(req);

    take_entry(call, entry);
    return take_handle(call, fi);
}

int fuse_reply_open(fuse_req_t req, const struct fuse_file_info *fi)
{
    return take_handle(begin(req), fi);
}

int fuse_reply_attr(fuse_req_t req, const struct stat *attr, double attr_timeout)
{
    struct call *call = begin(req);

    check_attr(attr);
    if (!(attr_timeout >= 0))
        abort();
    call->has_attr = true;
    call->attr = *attr;
    return 0;
}

static int reply_bytes(fuse_req_t req, const void *data, size_t size)
{
    struct call *call = begin(req);

    call->data = g_byte_array_new();
    if (size)
        g_byte_array_append(call->data, data, (guint)size);
    return 0;
}

int fuse_reply_buf(fuse_req_t req, const char *buf, size_t size)
{
    return reply_bytes(req, buf, size);
}

int fuse_reply_readlink(fuse_req_t req, const char *link)
{
    if (!*link)
        abort();
    return reply_bytes(req, link, strlen(link));
}

int fuse_reply_write(fuse_req_t req, size_t count)
{
    struct call *call = begin(req);

    call->written = count;
    return 0;
}

int fuse_reply_statfs(fuse_req_t req, const struct statvfs *stbuf)
{
    (void)stbuf;
    begin(req);
    return 0;
}

int fuse_reply_xattr(fuse_req_t req, size_t count)
{
    (void)count;
    begin(req);
    return 0;
}

int fuse_reply_poll(fuse_req_t req, unsigned revents)
{
    (void)revents;
    begin(req);
    return 0;
}

/* ---- what it asks */

void *fuse_req_userdata(fuse_req_t req)
{
    return req->call->fs;
}

const struct fuse_ctx *fuse_req_ctx(fuse_req_t req)
{
    return &req->call->ctx;
}

int fuse_req_getgroups(fuse_req_t req, int size, gid_t list[])
{
    if (size > 0)
        list[0] = req->call->ctx.gid;
    return 1;
}

void fuse_req_interrupt_func(fuse_req_t req, fuse_interrupt_func_t func, void *data)
{
    struct call *call = req->call;

    call->interrupt = func;
    call->interrupt_data = data;
    if (call->interrupted && func)
        func(req, data);
}

/* ---- what it tells; all but this goes by tree_notify.c */

int fuse_lowlevel_notify_poll(struct fuse_pollhandle *ph)
{
    (void)ph;
    return 0;
}

void fuse_pollhandle_destroy(struct fuse_pollhandle *ph)
{
    g_free(ph);
}
