/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening and creating. Openers that are gone when they are answered: nothing of their open stays.
 * Creating what exists needs what opening it does, as the kernel takes it for made and does not
 * look. Answers, and the requests themselves, are of our own making in place of libfuse's. */
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
    gid_t group; /* supplementary */
    int gone;    /* what the kernel says to an answer */
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

int fuse_req_getgroups(fuse_req_t req, int size, gid_t list[])
{
    if (size > 0)
        list[0] = req->group;
    return 1;
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
    fs->known = known_new();
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
    known_free(fs->known);
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

/* ---- creating what exists */

enum { OWNER = 61001, OTHER, TEAM };

/* What user UID hears who creates NAME, which is there, with FLAGS; GROUP: one that they are in. */
static int creates(struct fuse_req *req, uid_t uid, gid_t group, const char *name, int flags)
{
    struct fuse_file_info fi = {.flags = O_CREAT | flags};

    req->ctx.uid = uid;
    req->ctx.gid = uid;
    req->group = group;
    req->gone = 0;
    op_create(req, dir, name, 0600, &fi);
    if (req->err)
        return req->err;
    release(req);
    return 0;
}

/* The VM, with its spec, is OWNER's and of TEAM. */
static void set_mode(struct fuse_req *req, mode_t mode)
{
    struct object *vm;

    cloud_write_lock(req->fs.cloud);
    vm = cloud_by_id(req->fs.cloud, VM_ID);
    vm->uid = OWNER;
    vm->gid = TEAM;
    vm->mode = mode;
    cloud_write_unlock(req->fs.cloud);
}

static void assert_denied(struct fuse_req *req, const char *name, uid_t uid, gid_t group)
{
    const int flags[] = {O_RDONLY, O_WRONLY, O_RDWR, O_ACCMODE, O_RDONLY | O_TRUNC};

    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
        assert_int_equal(creates(req, uid, group, name, flags[i]), EACCES);
}

static void creating_what_is_there_is_opening_it(void **state)
{
    struct fuse_req *req = *state;

    set_mode(req, 0700);
    assert_denied(req, "spec", OTHER, TEAM);
    set_mode(req, 0077); /* the owner's class is the first */
    assert_denied(req, "spec", OWNER, TEAM);
    set_mode(req, 0707);
    assert_denied(req, "spec", OTHER, TEAM);
    assert_int_equal(creates(req, OTHER, OTHER, "spec", O_RDWR), 0);
    set_mode(req, 0740);
    assert_denied(req, "spec", OTHER, OTHER);
    assert_int_equal(creates(req, OTHER, TEAM, "spec", O_RDONLY | O_TRUNC), EACCES);
    assert_int_equal(creates(req, OTHER, TEAM, "spec", O_WRONLY), EACCES);
    assert_int_equal(creates(req, OTHER, TEAM, "spec", O_RDWR), EACCES);
    assert_int_equal(creates(req, OTHER, TEAM, "spec", O_RDONLY), 0);
    set_mode(req, 0722);
    assert_int_equal(creates(req, OTHER, OTHER, "spec", O_RDONLY), EACCES);
    assert_int_equal(creates(req, OTHER, OTHER, "spec", O_RDWR), EACCES);
    assert_int_equal(creates(req, OTHER, OTHER, "spec", O_WRONLY | O_TRUNC), 0);
    set_mode(req, 0);
    assert_int_equal(creates(req, 0, 0, "spec", O_RDWR), 0);
}

static void creating_a_scratch_file_that_is_there_is_opening_it(void **state)
{
    struct fuse_req *req = *state;
    uint64_t ino;

    set_mode(req, 0777);
    assert_int_equal(
        scratch_create(req->fs.scratches, dir, "notes", OWNER, TEAM, S_IFREG | 0640, &ino), 0);
    assert_denied(req, "notes", OTHER, OTHER);
    assert_int_equal(creates(req, OTHER, TEAM, "notes", O_RDWR), EACCES);
    assert_int_equal(creates(req, OTHER, TEAM, "notes", O_RDONLY), 0);
    assert_int_equal(creates(req, OWNER, OWNER, "notes", O_RDWR), 0);
}

/* A name that was removed is nobody's to take; its owner makes it anew whatever its mode. */
static void creating_what_was_removed_needs_its_rights(void **state)
{
    const char *const names[] = {"spec", "state"};
    struct fuse_req *req = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        uint64_t ino = dir | (i == 0 ? CODE_SPEC : CODE_STATE);

        set_mode(req, 0500);
        hidden_add(req->fs.hidden, ino);
        assert_denied(req, names[i], OTHER, TEAM);
        assert_true(hidden_is(req->fs.hidden, ino));
        assert_int_equal(creates(req, OWNER, OWNER, names[i], O_RDWR), 0);
        assert_false(hidden_is(req->fs.hidden, ino));
        set_mode(req, 0770);
        hidden_add(req->fs.hidden, ino);
        assert_denied(req, names[i], OTHER, OTHER);
        assert_int_equal(creates(req, OTHER, TEAM, names[i], O_RDWR), 0);
    }
}

/* Its mode is not for who makes it. */
static void a_new_file_is_open_whatever_its_mode(void **state)
{
    struct fuse_file_info fi = {.flags = O_CREAT | O_EXCL | O_RDWR};
    struct fuse_req *req = *state;

    set_mode(req, 0777);
    req->ctx.uid = OTHER;
    op_create(req, dir, "new", 0400, &fi);
    assert_int_equal(req->err, 0);
    release(req);
    assert_int_equal(creates(req, OTHER, OTHER, "new", O_WRONLY), EACCES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_creator_that_is_gone_has_nothing_open, setup, teardown),
        cmocka_unit_test_setup_teardown(what_it_made_is_any_file, setup, teardown),
        cmocka_unit_test_setup_teardown(an_opener_that_is_gone_leaves_the_others, setup, teardown),
        cmocka_unit_test_setup_teardown(creating_what_is_there_is_opening_it, setup, teardown),
        cmocka_unit_test_setup_teardown(creating_a_scratch_file_that_is_there_is_opening_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(creating_what_was_removed_needs_its_rights, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_new_file_is_open_whatever_its_mode, setup, teardown),
    };

    return cmocka_run_group_tests_name("fs_open", tests, NULL, NULL);
}
