/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Openers that are gone when they are answered: nothing of their open stays. Answers, and the
 * requests themselves, are of our own making in place of libfuse's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>

#include "fs/handle.h"
#include "fs/hidden.h"
#include "fs/ino.h"
#include "fs/pages.h"
#include "fs/restore.h"
#include "fs/scratch.h"

enum { VM_ID = OBJECT_FIRST };

static const uint64_t dir = (uint64_t)VM_ID << INO_CODE_BITS;

struct fuse_req {
    struct fs fs;
    struct conf conf;
    struct fuse_ctx ctx;
    int gone; /* what the kernel says to an answer */
    int err;
    struct fuse_file_info fi;
    uint64_t ino; /* created */
};

void *fuse_req_userdata(fuse_req_t req)
{
    return &req->fs;
}

const struct fuse_ctx *fuse_req_ctx(fuse_req_t req)
{
    return &req->ctx;
}

int fuse_reply_err(fuse_req_t req, int err)
{
    req->err = err;
    return 0;
}

int fuse_reply_open(fuse_req_t req, const struct fuse_file_info *fi)
{
    req->err = 0;
    if (!req->gone)
        req->fi = *fi;
    return req->gone;
}

int fuse_reply_create(fuse_req_t req, const struct fuse_entry_param *entry,
                      const struct fuse_file_info *fi)
{
    req->ino = entry->ino;
    return fuse_reply_open(req, fi);
}

static const struct notify_ops notify_ops = {NULL, NULL};

static int setup(void **state)
{
    struct fuse_req *req = g_new0(struct fuse_req, 1);
    struct fs *fs = &req->fs;

    req->conf.virtualization = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    fs->cloud = cloud_new(&req->conf);
    fs->pages = pages_new();
    fs->cuts = cuts_new();
    fs->handles = handles_new();
    fs->scratches = scratches_new();
    fs->hidden = hidden_new(10);
    fs->restore = restore_new();
    fs->notify = notify_new(NULL, &notify_ops, NULL, NULL);
    cloud_write_lock(fs->cloud);
    cloud_add(fs->cloud, OBJECT_VM, VM_ID, "web1", 0, 0, 0755);
    cloud_write_unlock(fs->cloud);
    *state = req;
    return fs->notify ? 0 : -1;
}

static int teardown(void **state)
{
    struct fuse_req *req = *state;
    struct fs *fs = &req->fs;

    notify_stop(fs->notify);
    notify_free(fs->notify);
    restore_free(fs->restore);
    hidden_free(fs->hidden);
    handles_free(fs->handles);
    scratches_free(fs->scratches);
    cuts_free(fs->cuts);
    pages_free(fs->pages);
    cloud_free(fs->cloud);
    g_hash_table_destroy(req->conf.virtualization);
    g_free(req);
    return 0;
}

static void open_file(struct fuse_req *req, uint64_t ino, int flags, int gone)
{
    struct fuse_file_info fi = {.flags = flags};

    req->gone = gone;
    op_open(req, ino, &fi);
}

static void create(struct fuse_req *req, const char *name, int flags, int gone)
{
    struct fuse_file_info fi = {.flags = O_RDWR | O_CREAT | flags};

    req->gone = gone;
    op_create(req, dir, name, 0600, &fi);
}

static void release(struct fuse_req *req)
{
    op_release(req, req->ino, &req->fi);
    assert_int_equal(req->err, 0);
}

/* Without a name it stays for who has it open, and for nobody else. */
static void assert_opens(struct fuse_req *req, uint64_t ino, unsigned opens)
{
    struct stat st;

    assert_int_equal(scratch_unlink(req->fs.scratches, dir, "new"), 0);
    for (; opens > 0; opens--) {
        assert_int_equal(scratch_stat(req->fs.scratches, ino, &st), 0);
        release(req);
    }
    assert_int_equal(scratch_stat(req->fs.scratches, ino, &st), ESTALE);
}

static void a_creator_that_is_gone_has_nothing_open(void **state)
{
    struct fuse_req *req = *state;

    create(req, "new", O_EXCL, -ENOENT);
    assert_int_equal(req->err, 0);
    assert_opens(req, req->ino, 0);
}

/* What it made stays, for others to find, as files of all filesystems do. */
static void what_it_made_is_any_file(void **state)
{
    struct fuse_req *req = *state;

    create(req, "new", O_EXCL, -ENOENT);
    create(req, "new", O_EXCL, 0);
    assert_int_equal(req->err, EEXIST);
    create(req, "new", 0, 0);
    assert_int_equal(req->err, 0);
    assert_opens(req, req->ino, 1);
}

static void an_opener_that_is_gone_leaves_the_others(void **state)
{
    struct fuse_req *req = *state;

    create(req, "new", O_EXCL, 0);
    open_file(req, req->ino, O_RDWR, -ENOENT);
    open_file(req, req->ino, O_RDONLY | O_TRUNC, -ENOENT);
    assert_int_equal(req->err, 0);
    assert_opens(req, req->ino, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_creator_that_is_gone_has_nothing_open, setup, teardown),
        cmocka_unit_test_setup_teardown(what_it_made_is_any_file, setup, teardown),
        cmocka_unit_test_setup_teardown(an_opener_that_is_gone_leaves_the_others, setup, teardown),
    };

    return cmocka_run_group_tests_name("fs_open", tests, NULL, NULL);
}
