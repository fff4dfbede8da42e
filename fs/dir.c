/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading directories. */
#include <errno.h>
#include <string.h>

#include "fs/fs.h"
#include "fs/hidden.h"
#include "fs/scratch.h"
#include "fs/spot.h"

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct node node;
    int err = 0;

    cloud_read_lock(fs->cloud);
    if (!node_find(fs->cloud, ino, &node))
        err = ESTALE;
    else if (!node_is_dir(&node))
        err = ENOTDIR;
    cloud_read_unlock(fs->cloud);
    fi->cache_readdir = fi->keep_cache = 1;
    if (err)
        fuse_reply_err(req, err);
    else if (fs->no_opendir)
        fuse_reply_err(req, ENOSYS); /* the kernel asks no more, and keeps listings */
    else
        fuse_reply_open(req, fi);
}

struct listing {
    fuse_req_t req;
    struct fs *fs;
    char *at;
    size_t left;
    bool plus;
    const struct node *dir;
    bool passing; /* what it has, or has not, changes by time too */
};

/* Without a number here, the kernel takes the name's type only and asks when it wants more. So are
 * files that are made from many objects: to list the root is not to add up the cloud. */
static bool wants_number(const struct node *node, const char *name)
{
    return (!node_is_live(node) || node->object->kind == OBJECT_VM) && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static mode_t node_type(const struct node *node)
{
    return node->row ? node->row->mode & S_IFMT : S_IFDIR;
}

static size_t add_plus(struct listing *list, const struct node *node, const char *name,
                       off_t offset) REQUIRES_SHARED(model)
{
    struct fuse_entry_param entry = {.entry_timeout = ENTRY_TIMEOUT};

    if (wants_number(node, name)) {
        fs_node_stat(list->fs, node, &entry.attr, &entry.attr_timeout);
        entry.ino = entry.attr.st_ino;
    } else {
        entry.attr = (struct stat){.st_ino = node_ino(node), .st_mode = node_type(node)};
    }
    return fuse_add_direntry_plus(list->req, list->at, list->left, name, &entry, offset);
}

static size_t add_plain(struct listing *list, const struct node *node, const char *name,
                        off_t offset)
{
    struct stat st = {
        .st_ino = node_ino(node),
        .st_mode = node_type(node),
    };

    return fuse_add_direntry(list->req, list->at, list->left, name, &st, offset);
}

static bool take(struct listing *list, size_t size)
{
    if (size > list->left)
        return false;
    list->at += size;
    list->left -= size;
    return true;
}

static bool add_entry(void *ctx, const struct node *node, const char *name, off_t offset)
    REQUIRES_SHARED(model)
{
    struct listing *list = ctx;

    if (hidden_is(list->fs->hidden, node_key(list->dir, node))) {
        list->passing = true;
        return true;
    }
    return take(list, list->plus ? add_plus(list, node, name, offset)
                                 : add_plain(list, node, name, offset));
}

static bool add_scratch(struct listing *list, const struct scratch_name *each)
{
    struct fuse_entry_param entry = {.attr = each->st};
    off_t offset = (off_t)each->st.st_ino;

    /* The kernel asks for each when it wants more than its type. */
    return take(list, list->plus ? fuse_add_direntry_plus(list->req, list->at, list->left,
                                                          each->name, &entry, offset)
                                 : fuse_add_direntry(list->req, list->at, list->left, each->name,
                                                     &each->st, offset));
}

/* Behind all others, but for those whose names the model has come to have itself. */
static void add_scratches(struct listing *list, uint64_t ino, off_t after) EXCLUDES(model)
{
    g_autoptr(GPtrArray) names = scratch_list(list->fs->scratches, ino, (uint64_t)after);
    bool more = true;

    list->passing |= names != NULL;
    for (unsigned i = 0; names && more && i < names->len; i++) {
        const struct scratch_name *each = names->pdata[i];
        g_auto(Spot) spot = {0};

        if (spot_find(list->fs, ino, each->name, &spot) == 0 && spot.scratch)
            more = add_scratch(list, each);
    }
}

static void list_dir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, bool plus)
    EXCLUDES(model)
{
    struct fs *fs = fs_of(req);
    g_autofree char *buf = g_malloc(size);
    struct node dir;
    struct listing list = {req, fs, buf, size, plus, &dir, false};
    bool found;

    notify_reply_begin(fs->notify);
    cloud_read_lock(fs->cloud);
    found = node_find(fs->cloud, ino, &dir);
    if (found)
        node_walk(fs->cloud, &dir, offset, add_entry, &list);
    cloud_read_unlock(fs->cloud);
    if (found)
        add_scratches(&list, ino, offset);
    if (found && list.passing)
        notify_listing(fs->notify, ino);
    if (found)
        fuse_reply_buf(req, buf, size - list.left);
    else
        fuse_reply_err(req, ESTALE);
    notify_reply_end(fs->notify);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                struct fuse_file_info *fi)
{
    (void)fi;
    list_dir(req, ino, size, offset, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                    struct fuse_file_info *fi)
{
    (void)fi;
    list_dir(req, ino, size, offset, true);
}
