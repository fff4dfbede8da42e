/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/tree_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/tree_kernel.h"
#include "tests/fuzz/tree_world.h"

enum { DEPTH = 5, LISTED = 1 << 11, READ = 1 << 13 /* bytes at a time */, PARTS = 4096 };

static struct call *ask(struct fs *fs)
{
    return call_new(fs, 0, 0);
}

static int lookup(struct fs *fs, uint64_t dir, const char *name, uint64_t *ino, struct stat *st)
{
    struct call *call = ask(fs);
    int err;

    fs_ops.lookup(call->req, dir, name);
    err = call_wait(call);
    *ino = call->ino;
    *st = call->attr;
    call_free(call);
    return err;
}

uint64_t walk_find(struct fs *fs, const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    uint64_t ino = FUSE_ROOT_ID;
    struct stat st;

    for (char **part = parts; *part; part++)
        if (lookup(fs, ino, *part, &ino, &st) != 0)
            world_wrong("is not there", path);
    return ino;
}

/* ---- directories */

static void check_name(const char *name)
{
    if (!*name || strlen(name) > 255 || strchr(name, '/'))
        world_wrong("is no name", name);
}

/* Takes the entries apart; the offset to go on from. */
static off_t take_entries(const GByteArray *data, bool plus, off_t offset, GPtrArray *names)
{
    const size_t skip = plus ? offsetof(struct fuse_direntplus, dirent) : 0;

    for (size_t at = 0; at < data->len;) {
        const struct fuse_dirent *entry = (const void *)(data->data + at + skip);
        char *name = g_strndup(entry->name, entry->namelen);

        check_name(name);
        if (!entry->type || !entry->ino || entry->off == (uint64_t)offset)
            world_wrong("its entry is wrong", name);
        g_ptr_array_add(names, name);
        offset = (off_t)entry->off;
        at += plus ? FUSE_DIRENTPLUS_SIZE((const struct fuse_direntplus *)(data->data + at))
                   : FUSE_DIRENT_SIZE(entry);
    }
    return offset;
}

/* NULL: DIR is none, or not any more. */
static GPtrArray *list(struct fs *fs, uint64_t dir, size_t size, bool plus)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    struct fuse_file_info fi = {0};
    off_t offset = 0;
    bool more = true;

    for (unsigned part = 0; more; part++) {
        struct call *call = ask(fs);

        if (part == PARTS)
            world_wrong("a listing has no end", "");
        if (plus)
            fs_ops.readdirplus(call->req, dir, size, offset, &fi);
        else
            fs_ops.readdir(call->req, dir, size, offset, &fi);
        if (call_wait(call) != 0)
            g_clear_pointer(&names, g_ptr_array_unref);
        more = names && call->data && call->data->len > 0;
        if (more)
            offset = take_entries(call->data, plus, offset, names);
        call_free(call);
    }
    return names;
}

/* Only what is a directory gets a readdir from the kernel. */
static bool is_dir(struct fs *fs, uint64_t ino)
{
    struct call *call = ask(fs);
    struct fuse_file_info fi = {0};
    bool is;

    fs_ops.opendir(call->req, ino, &fi);
    is = call_wait(call) == 0;
    call_free(call);
    return is;
}

void walk_names(struct fs *fs, uint64_t dir, size_t size, bool plus)
{
    GPtrArray *names = is_dir(fs, dir) ? list(fs, dir, size, plus) : NULL;

    g_clear_pointer(&names, g_ptr_array_unref);
}

/* They are few. */
static void check_unique(const GPtrArray *names)
{
    for (unsigned i = 0; i < names->len; i++)
        for (unsigned j = 0; j < i; j++)
            if (strcmp(names->pdata[i], names->pdata[j]) == 0)
                world_wrong("is listed twice", names->pdata[i]);
}

/* ---- files */

static size_t read_all(struct fs *fs, uint64_t ino, struct fuse_file_info *fi)
{
    size_t size = 0, got;

    do {
        struct call *call = ask(fs);

        fs_ops.read(call->req, ino, READ, (off_t)size, fi);
        got = call_wait(call) == 0 ? call->data->len : 0;
        size += got;
        call_free(call);
    } while (got > 0);
    return size;
}

static off_t size_of(struct fs *fs, uint64_t ino, struct fuse_file_info *fi)
{
    struct call *call = ask(fs);
    off_t size;

    fs_ops.getattr(call->req, ino, fi);
    size = call_wait(call) == 0 ? call->attr.st_size : -1;
    call_free(call);
    return size;
}

/* 0, ERANGE: the sizes differ, or why it cannot be opened. */
static int read_once(struct fs *fs, uint64_t ino)
{
    struct call *call = ask(fs);
    struct fuse_file_info fi = {0};
    off_t size;
    int err;

    fs_ops.open(call->req, ino, &fi);
    err = call_wait(call);
    fi = call->fi;
    call_free(call);
    if (err)
        return err;
    size = size_of(fs, ino, NULL);
    if ((off_t)read_all(fs, ino, &fi) != size || size_of(fs, ino, &fi) != size)
        err = ERANGE;
    call = ask(fs);
    fs_ops.release(call->req, ino, &fi);
    call_wait(call);
    call_free(call);
    return err;
}

static void check_file(struct fs *fs, uint64_t ino, const char *name)
{
    int err = read_once(fs, ino);

    if (err)
        world_wrong(err == ERANGE ? "its size is not what reading gives" : g_strerror(err), name);
}

static void check_link(struct fs *fs, uint64_t ino)
{
    struct call *call = ask(fs);

    fs_ops.readlink(call->req, ino);
    call_wait(call);
    call_free(call);
}

static void walk(struct fs *fs, uint64_t dir, unsigned depth);

static void check_entry(struct fs *fs, uint64_t dir, const char *name, unsigned depth)
{
    uint64_t ino;
    struct stat st;
    int err = lookup(fs, dir, name, &ino, &st);

    if (err)
        world_wrong(g_strerror(err), name);
    if (S_ISDIR(st.st_mode) && depth < DEPTH)
        walk(fs, ino, depth + 1);
    else if (S_ISREG(st.st_mode))
        check_file(fs, ino, name);
    else if (S_ISLNK(st.st_mode))
        check_link(fs, ino);
}

static void walk(struct fs *fs, uint64_t dir, unsigned depth)
{
    g_autoptr(GPtrArray) names = list(fs, dir, LISTED, true);

    if (!names)
        return;
    check_unique(names);
    for (unsigned i = 0; i < names->len; i++)
        if (strcmp(names->pdata[i], ".") != 0 && strcmp(names->pdata[i], "..") != 0)
            check_entry(fs, dir, names->pdata[i], depth);
}

void walk_tree(struct fs *fs)
{
    walk(fs, FUSE_ROOT_ID, 0);
}

void walk_dir(struct fs *fs, uint64_t dir)
{
    walk(fs, dir, DEPTH);
}
