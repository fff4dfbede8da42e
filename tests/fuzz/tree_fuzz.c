/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as what processes do with the tree: names made, renamed and removed, files opened,
 * written and read through several handles, by several users, signals in between, a hypervisor
 * that fails or takes its time, and the mount taken down and up.
 *
 * Each request is answered once, with an errno that there is (tree_kernel.c), and at the end the
 * tree is one: tree_walk.c. The names and texts are few, so that they meet.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/tree_script.h"
#include "tests/fuzz/tree_walk.h"
#include "tests/fuzz/tree_world.h"
#include "tests/unit/reconcile_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 60, REMOUNTS = 2 };

static void do_lookup(struct script *s)
{
    struct call *call = script_ask(s);
    uint64_t dir = script_ino(s);

    fs_ops.lookup(call->req, dir, script_name(s, 0));
    script_finish(s, call);
}

static void do_getattr(struct script *s)
{
    struct call *call = script_ask(s);
    struct open *open = script_open(s);

    fs_ops.getattr(call->req, open ? open->ino : script_ino(s), open ? &open->fi : NULL);
    script_finish(s, call);
}

static bool is_link(struct script *s, uint64_t ino)
{
    struct call *call = call_new(s->fs, 0, 0);
    bool is;

    fs_ops.getattr(call->req, ino, NULL);
    is = call_wait(call) == 0 && S_ISLNK(call->attr.st_mode);
    call_free(call);
    return is;
}

/* The kernel follows links: none is opened or cut. */
static void do_setattr(struct script *s)
{
    struct call *call = script_ask(s);
    struct open *open = script_open(s);
    int what = (int)(script_byte(s) | script_byte(s) << 8);
    struct stat attr = {.st_size = (off_t)script_byte(s) << script_byte(s) % 20,
                        .st_mode = script_byte(s) << 4};
    uint64_t ino;

    attr.st_uid = attr.st_gid = 1000 + script_byte(s) % 3;
    attr.st_mtim.tv_sec = script_byte(s);
    script_wait(s, &s->busy);
    ino = open ? open->ino : script_ino(s);
    if (is_link(s, ino))
        what &= ~FUSE_SET_ATTR_SIZE;
    fs_ops.setattr(call->req, ino, &attr, what, open ? &open->fi : NULL);
    script_later(s, call, &s->busy);
}

/* It asks links only. */
static void do_readlink(struct script *s)
{
    struct call *call = script_ask(s);
    uint64_t link = script_ino(s);

    if (is_link(s, link))
        fs_ops.readlink(call->req, link);
    else
        fs_ops.getattr(call->req, link, NULL);
    script_finish(s, call);
}

static void do_mkdir(struct script *s)
{
    struct call *call = script_ask(s);
    uint64_t dir = script_ino(s);

    fs_ops.mkdir(call->req, dir, script_name(s, 0), 0755);
    script_finish(s, call);
}

static void do_remove(struct script *s)
{
    struct call *call = script_ask(s);
    uint64_t dir = script_ino(s);

    if (script_byte(s) & 1)
        fs_ops.rmdir(call->req, dir, script_name(s, 0));
    else
        fs_ops.unlink(call->req, dir, script_name(s, 0));
    script_finish(s, call);
}

static void do_link(struct script *s)
{
    static const char *const targets[] = {"../../hosts/a", "../../hosts/b", "../../../vms/web1",
                                          "/", "../../hosts/nowhere"};
    struct call *call = script_ask(s);
    unsigned choice = script_byte(s);
    uint64_t dir = script_ino(s);

    if (choice & 1)
        fs_ops.link(call->req, script_ino(s), dir, script_name(s, 0));
    else
        fs_ops.symlink(call->req, targets[(choice >> 1) % G_N_ELEMENTS(targets)], dir,
                       script_name(s, 0));
    script_finish(s, call);
}

static void do_rename(struct script *s)
{
    static const unsigned flags[] = {0, 0, 0, 1, 2, 4};
    struct call *call = script_ask(s);
    uint64_t from = script_ino(s), to = script_ino(s);
    const char *old = script_name(s, 0), *new = script_name(s, 1);

    fs_ops.rename(call->req, from, old, to, new, flags[script_byte(s) % G_N_ELEMENTS(flags)]);
    script_finish(s, call);
}

static int open_flags(struct script *s)
{
    static const int flags[] = {O_RDONLY,
                                O_WRONLY,
                                O_WRONLY | O_TRUNC,
                                O_RDWR,
                                O_WRONLY | O_APPEND,
                                O_RDWR | O_TRUNC | O_EXCL};

    return flags[script_byte(s) % G_N_ELEMENTS(flags)];
}

static void do_open(struct script *s)
{
    struct call *call;
    struct fuse_file_info fi = {0};

    if (!script_has_room(s))
        return;
    call = script_ask(s);
    fi.flags = open_flags(s);
    call->ino = script_ino(s);
    if (script_byte(s) > 0xf0)
        call_interrupt(call);
    if (is_link(s, call->ino))
        fi.flags = O_RDONLY;
    fs_ops.open(call->req, call->ino, &fi);
    script_finish(s, call);
}

static void do_create(struct script *s)
{
    struct call *call;
    struct fuse_file_info fi = {0};
    uint64_t dir;

    if (!script_has_room(s))
        return;
    call = script_ask(s);
    fi.flags = open_flags(s) | O_CREAT;
    dir = script_ino(s);
    if (script_byte(s) > 0xf0)
        call_interrupt(call);
    fs_ops.create(call->req, dir, script_name(s, 0), S_IFREG | 0644, &fi);
    script_finish(s, call);
}

static void do_read(struct script *s)
{
    struct open *open = script_open(s);
    struct call *call;

    if (!open)
        return;
    call = script_ask(s);
    fs_ops.read(call->req, open->ino, (size_t)1 << script_byte(s) % 18, script_byte(s), &open->fi);
    script_finish(s, call);
}

/* The kernel sends nothing to write for what is not open for it. */
static void do_write(struct script *s)
{
    struct open *open = script_open(s);
    g_autoptr(GBytes) bytes = script_text(s);
    struct call *call;
    const char *data;
    size_t size;

    if (!open || (open->fi.flags & O_ACCMODE) == O_RDONLY)
        return;
    call = script_ask(s);
    data = g_bytes_get_data(bytes, &size);
    fs_ops.write(call->req, open->ino, data ? data : "", size,
                 (off_t)script_byte(s) << script_byte(s) % 16, &open->fi);
    script_later(s, call, &open->busy);
}

static void do_flush(struct script *s)
{
    struct open *open = script_open(s);
    struct call *call;

    if (!open)
        return;
    call = script_ask(s);
    if (script_byte(s) & 1)
        fs_ops.flush(call->req, open->ino, &open->fi);
    else
        fs_ops.fsync(call->req, open->ino, 0, &open->fi);
    script_later(s, call, &open->busy);
}

/* After all that was asked of it. */
static void release(struct script *s, struct open *open)
{
    struct call *call = call_new(s->fs, 0, 0);

    script_wait(s, &open->busy);
    open->used = false;
    fs_ops.release(call->req, open->ino, &open->fi);
    script_finish(s, call);
}

static void do_release(struct script *s)
{
    struct open *open = script_open(s);

    if (open)
        release(s, open);
}

static void do_list(struct script *s)
{
    uint64_t dir = script_ino(s);

    walk_names(s->fs, dir, 100 + script_byte(s) * 16, script_byte(s) & 1);
}

static void do_poll(struct script *s)
{
    struct open *open = script_open(s);
    struct call *call;

    if (!open)
        return;
    call = script_ask(s);
    fs_ops.poll(call->req, open->ino, &open->fi, script_byte(s) & 1 ? g_malloc0(8) : NULL);
    script_finish(s, call);
}

static void do_statfs(struct script *s)
{
    struct call *call = script_ask(s);

    fs_ops.statfs(call->req, script_ino(s));
    script_finish(s, call);
}

static void do_hypervisor(struct script *s)
{
    static const int errors[] = {0, 0, EIO, EHOSTDOWN, ENOSPC, EOPNOTSUPP, EBUSY};
    unsigned what = script_byte(s), err = (unsigned)errors[script_byte(s) % G_N_ELEMENTS(errors)];

    switch (what % 8) {
    case 0:
        fail_create(what & 0x80 ? "test:///a" : "test:///b", (int)err);
        break;
    case 1:
        set_failure(&fake.fail_change, (int)err);
        break;
    case 2:
        set_failure(&fake.fail_destroy, (int)err);
        break;
    case 3:
        set_failure(&fake.fail_move, (int)err);
        break;
    case 4:
        set_flag(&fake.lose_create, err != 0);
        break;
    case 5:
        world_set_slow(err != 0);
        break;
    case 6:
        set_flag(&fake.sick, err != 0);
        break;
    default:
        set_flag(&fake.change_later, err != 0);
    }
}

static void let_go(struct script *s)
{
    for (unsigned i = 0; i < HANDLES; i++)
        if (s->opens[i].used)
            release(s, &s->opens[i]);
    script_wait(s, &s->busy);
}

static void do_remount(struct script *s)
{
    if (s->remounts++ >= REMOUNTS)
        return;
    let_go(s);
    world_again(s->fs);
}

/* From a moment to a minute. */
static void do_sleep(struct script *s)
{
    world_sleep(s->fs, 1U << script_byte(s) % 16);
}

static void (*const steps[])(struct script *) = {
    do_lookup,  do_getattr,    do_setattr, do_readlink, do_mkdir, do_remove, do_link,
    do_rename,  do_open,       do_create,  do_read,     do_write, do_write,  do_flush,
    do_release, do_list,       do_poll,    do_statfs,   do_mkdir, do_rename, do_create,
    do_remove,  do_hypervisor, do_remount, do_sleep,
};

/* What every input may name from the start. */
static const struct {
    const char *path;
    bool changes; /* names come and go there */
} places[] = {
    {"hosts",          false},
    {"vms",            true },
    {"services",       true },
    {"plan",           true },
    {"specs",          false},
    {"hosts/a",        false},
    {"hosts/b",        false},
    {"specs/vms",      true },
    {"specs/services", true },
    {"specs/hosts",    true },
    {"hosts/a/vms",    true },
};

/* The numbers are the same each time. */
static void find_fixed(struct script *s)
{
    static uint64_t found[G_N_ELEMENTS(places)];

    G_STATIC_ASSERT(G_N_ELEMENTS(places) + 1 == FIXED);
    for (unsigned i = 0; i < G_N_ELEMENTS(places) && !found[i]; i++)
        found[i] = walk_find(s->fs, places[i].path);
    for (unsigned i = 0; i < INOS; i++)
        s->inos[i] = i > 0 && i < FIXED ? found[i - 1] : 1;
}

/* Everything takes several times as long as the script: for one order in 64. */
static void look(struct script *s, unsigned order)
{
    if (order % 64 == 63) {
        walk_tree(s->fs);
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(places); i++)
        if (places[i].changes)
            walk_dir(s->fs, s->inos[i + 1]);
}

/* The first byte chooses the order of what happens beside the script. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script s = {.data = data, .left = size};
    unsigned order;

    order = script_byte(&s);
    s.fs = world_begin(order);
    find_fixed(&s);
    for (unsigned i = 0; s.left && i < STEPS; i++)
        steps[script_byte(&s) % G_N_ELEMENTS(steps)](&s);
    let_go(&s);
    look(&s, order);
    world_end(s.fs);
    return 0;
}
