/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file renamed onto a spec that is not there yet, or made as one: its object is made, and found
 * by its name. The engine has no thread: what is asked of it before its round is all done in that
 * round. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#undef fail /* cmocka's: ours makes a GError */
#include "core/reconcile/internal.h"
#include "fs/fs.h"
#include "fs/ino.h"
#include "fs/scratch.h"

enum { ALICE = 61001, BOB };

static const uint64_t dir = (uint64_t)SPECS_VMS_ID << INO_CODE_BITS;
static const char text[] = "cpus = 2\n";

struct fuse_req {
    struct fs fs;
    struct conf conf;
    char *state;
    struct fuse_ctx ctx;
    gint err; /* atomic; -1: not answered yet */
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
    (void)req;
    (void)size;
    (void)list;
    return 0;
}

void fuse_req_interrupt_func(fuse_req_t req, fuse_interrupt_func_t func, void *data)
{
    (void)req;
    (void)func;
    (void)data;
}

int fuse_reply_err(fuse_req_t req, int err)
{
    g_atomic_int_set(&req->err, err);
    return 0;
}

static const struct notify_ops notify_ops = {NULL, NULL};

/* Where there is no host anywhere there would be one. */
static struct virt *no_host(const struct virt_options *options, GError **error)
{
    (void)options;
    fail(error, EHOSTDOWN, "there is none");
    return NULL;
}

static const struct virt_ops no_hosts = {.new = no_host};

static int setup(void **state)
{
    struct fuse_req *req = g_new0(struct fuse_req, 1);
    struct engine *engine;

    req->state = g_dir_make_tmp("cloudfs-XXXXXX", NULL);
    req->conf.state = req->state;
    req->conf.sample = 1;
    req->conf.wait = 10;
    req->conf.virtualization = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    req->conf.hosts = g_ptr_array_new();
    req->conf.quotas = g_ptr_array_new();
    engine = engine_make(&req->conf, &no_hosts, NULL);
    if (!engine)
        return -1;
    fs_init(&req->fs, engine, &req->conf);
    req->fs.notify = notify_new(NULL, &notify_ops, NULL, NULL);
    *state = req;
    return req->fs.notify ? 0 : -1;
}

static int teardown(void **state)
{
    struct fuse_req *req = *state;
    const char *argv[] = {"rm", "-rf", req->state, NULL};

    notify_stop(req->fs.notify);
    engine_free(req->fs.engine);
    notify_free(req->fs.notify);
    fs_release(&req->fs);
    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                 NULL);
    g_hash_table_destroy(req->conf.virtualization);
    g_ptr_array_free(req->conf.hosts, true);
    g_ptr_array_free(req->conf.quotas, true);
    g_free(req->state);
    g_free(req);
    return 0;
}

static void ignore(void *ctx, int err)
{
    (void)ctx;
    assert_int_equal(err, 0);
}

/* Alice's file onto x.ini; asked of the engine, not done yet. */
static void begin_rename(struct fuse_req *req)
{
    uint64_t ino;

    assert_int_equal(
        scratch_create(req->fs.scratches, dir, "tmp", ALICE, ALICE, S_IFREG | 0600, &ino), 0);
    assert_int_equal(scratch_write(req->fs.scratches, ino, text, strlen(text), 0, false), 0);
    req->ctx.uid = ALICE;
    req->ctx.gid = ALICE;
    req->err = -1;
    op_rename(req, dir, "tmp", dir, "x.ini", 0);
    assert_int_equal(req->err, -1);
}

static int outcome(struct fuse_req *req)
{
    for (int rounds = 0; rounds < 5 && g_atomic_int_get(&req->err) == -1; rounds++)
        engine_round(req->fs.engine);
    for (int tries = 0; tries < 1000 && g_atomic_int_get(&req->err) == -1; tries++)
        g_usleep(10000);
    return g_atomic_int_get(&req->err);
}

static void assert_vm(struct fuse_req *req, const char *name, uid_t uid, const char *spec)
{
    const struct object *vm;

    cloud_read_lock(req->fs.cloud);
    vm = cloud_find(req->fs.cloud, OBJECT_VM, name);
    assert_non_null(vm);
    assert_int_equal(vm->uid, uid);
    assert_string_equal(vm->spec_text ? vm->spec_text : "", spec);
    cloud_read_unlock(req->fs.cloud);
}

static void it_makes_the_object(void **state)
{
    struct fuse_req *req = *state;

    begin_rename(req);
    assert_int_equal(outcome(req), 0);
    assert_vm(req, "x", ALICE, text);
}

/* What alice made got another name in the same moment, and its name went to bob's. */
static void what_has_the_name_by_then_may_be_anothers(void **state)
{
    struct actor alice = {.uid = ALICE, .gid = ALICE, .user = true};
    struct actor bob = {.uid = BOB, .gid = BOB, .user = true};
    struct fuse_req *req = *state;
    struct engine *engine = req->fs.engine;
    uint64_t last;

    engine_mkdir(engine, OBJECT_VM, "last", 0700, &alice, ignore, NULL);
    engine_round(engine);
    last = fs_object_id(&req->fs, OBJECT_VM, "last");
    assert_int_not_equal(last, 0);
    begin_rename(req);
    engine_rename(engine, last + 1, OBJECT_VM, "y", &alice, ignore, NULL);
    engine_mkdir(engine, OBJECT_VM, "x", 0700, &bob, ignore, NULL);
    assert_int_equal(outcome(req), EACCES);
    assert_vm(req, "x", BOB, "");
    assert_vm(req, "y", ALICE, "");
}

static void begin_create(struct fuse_req *req, int flags)
{
    struct fuse_file_info fi = {.flags = O_WRONLY | O_CREAT | flags};

    req->ctx.uid = ALICE;
    req->ctx.gid = ALICE;
    req->err = -1;
    op_create(req, dir, "x.ini", 0644, &fi);
    assert_int_equal(req->err, -1);
}

/* It was about to be kept. The kernel looks again, and makes it. */
static void what_went_meanwhile_is_looked_for_again(void **state)
{
    struct actor alice = {.uid = ALICE, .gid = ALICE, .user = true};
    struct fuse_req *req = *state;
    struct engine *engine = req->fs.engine;
    uint64_t id;

    req->conf.grace = 60;
    engine_mkdir(engine, OBJECT_VM, "x", 0700, &alice, ignore, NULL);
    engine_round(engine);
    id = fs_object_id(&req->fs, OBJECT_VM, "x");
    assert_int_not_equal(id, 0);
    engine_drop(engine, id, &alice, ignore, NULL);
    engine_round(engine);
    engine_rmdir(engine, id, &alice, ignore, NULL);
    begin_create(req, O_EXCL);
    assert_int_equal(outcome(req), ESTALE);
}

/* Only O_EXCL asks for EEXIST. */
static void what_was_made_meanwhile_is_looked_for_again(void **state)
{
    struct actor bob = {.uid = BOB, .gid = BOB, .user = true};
    struct fuse_req *req = *state;

    engine_mkdir(req->fs.engine, OBJECT_VM, "x", 0700, &bob, ignore, NULL);
    begin_create(req, O_EXCL);
    assert_int_equal(outcome(req), EEXIST);
    engine_rmdir(req->fs.engine, fs_object_id(&req->fs, OBJECT_VM, "x"), &bob, ignore, NULL);
    engine_round(req->fs.engine);
    engine_mkdir(req->fs.engine, OBJECT_VM, "x", 0700, &bob, ignore, NULL);
    begin_create(req, 0);
    assert_int_equal(outcome(req), ESTALE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_makes_the_object, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_the_name_by_then_may_be_anothers, setup, teardown),
        cmocka_unit_test_setup_teardown(what_went_meanwhile_is_looked_for_again, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_made_meanwhile_is_looked_for_again, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("fs_commit", tests, NULL, NULL);
}
