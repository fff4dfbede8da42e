/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the operations share: what struct fs holds, attributes, entries, the text of live files. */
#include "fs/fs.h"

#include <errno.h>
#include <string.h>

#include "fs/handle.h"
#include "fs/hidden.h"
#include "fs/pages.h"
#include "fs/restore.h"
#include "fs/scratch.h"
#include "fs/spot.h"

static int64_t now_us(void)
{
    return g_get_monotonic_time();
}

static void live_expired(void *ctx, uint64_t ino)
{
    struct fs *fs = ctx;

    pages_telling(fs->pages, ino);
    notify_attributes(fs->notify, ino);
}

static void live_replaced(void *ctx, uint64_t ino)
{
    pages_replaced(((struct fs *)ctx)->pages, ino);
}

static const struct publish_ops publish_ops = {live_expired, live_replaced, now_us, cloud_now};

void fs_init(struct fs *fs, struct engine *engine, const struct conf *conf)
{
    fs->engine = engine;
    fs->cloud = engine_cloud(engine);
    fs->publish = publish_new(&publish_ops, fs);
    fs->pages = pages_new();
    fs->parking = parking_new();
    fs->cuts = cuts_new();
    fs->handles = handles_new();
    fs->scratches = scratches_new();
    fs->hidden = hidden_new(conf->grace);
    fs->restore = restore_new();
    fs->pollers = pollers_new();
    fs->known = known_new();
}

void fs_release(struct fs *fs)
{
    pollers_free(fs->pollers);
    known_free(fs->known);
    cuts_free(fs->cuts);
    handles_free(fs->handles);
    scratches_free(fs->scratches);
    hidden_free(fs->hidden);
    restore_free(fs->restore);
    parking_free(fs->parking);
    publish_free(fs->publish);
    pages_free(fs->pages);
}

struct actor fs_actor(fuse_req_t req)
{
    const struct fuse_ctx *ctx = fuse_req_ctx(req);

    return (struct actor){.uid = ctx->uid, .gid = ctx->gid, .pid = ctx->pid, .user = true};
}

uint64_t fs_object_id(struct fs *fs, enum object_kind kind, const char *name)
{
    const struct object *object;
    uint64_t id;

    cloud_read_lock(fs->cloud);
    object = cloud_find(fs->cloud, kind, name);
    id = object ? object->id : 0;
    cloud_read_unlock(fs->cloud);
    return id;
}

GString *fs_render(struct fs *fs, uint64_t ino)
{
    struct node node;
    GString *text = NULL;

    cloud_read_lock(fs->cloud);
    if (node_find(fs->cloud, ino, &node))
        text = g_string_new(node_text(fs->cloud, &node)->str);
    cloud_read_unlock(fs->cloud);
    return text;
}

void fs_version(struct fs *fs, const struct node *node, bool text, struct view *view)
{
    uint64_t ino = node_ino(node);

    if (publish_look(fs->publish, ino, text, view))
        return;
    publish_put(fs->publish, ino, node_sampled_with(node), node->row->facet == CLOCKED,
                node_text(fs->cloud, node), view);
    /* Once for each version is enough: it lasts until the next sample. */
    engine_look(fs->engine, node->object);
}

void fs_node_stat(struct fs *fs, const struct node *node, struct stat *st, double *valid)
{
    bool lasts = node_is_dir(node) || node->row->facet != LOG;

    node_stat(fs->cloud, node, st);
    if (node_is_live(node)) {
        g_auto(View) view = {0};

        fs_version(fs, node, false, &view);
        stat_set_size(st, view.size);
        stat_set_time(st, view.time);
        lasts = view.lasts;
    }
    *valid = lasts && !pages_are_old(fs->pages, st->st_ino) ? ATTR_TIMEOUT : 0;
    known_add(fs->known, st->st_ino);
}

int fs_stat(struct fs *fs, uint64_t ino, struct stat *st, double *valid)
{
    struct node node;
    bool found;

    *valid = 0;
    if (scratch_is(ino))
        return scratch_stat(fs->scratches, ino, st);
    cloud_read_lock(fs->cloud);
    found = node_find(fs->cloud, ino, &node);
    if (found)
        fs_node_stat(fs, &node, st, valid);
    cloud_read_unlock(fs->cloud);
    return found ? 0 : ESTALE;
}

static int find_entry(struct fs *fs, uint64_t parent, const char *name, struct node *child)
    REQUIRES_SHARED(model)
{
    struct node dir;

    if (!node_find(fs->cloud, parent, &dir))
        return ESTALE;
    /* Without a handle of the inode, NFS asks for "." also of files. */
    if (!node_is_dir(&dir) && strcmp(name, ".") != 0)
        return ENOTDIR;
    if (!node_child(fs->cloud, &dir, name, child) || hidden_is(fs->hidden, node_key(&dir, child)))
        return ENOENT;
    return 0;
}

/* Not cached: a rename makes it, for the kernel, what it was renamed onto. */
static int scratch_entry(struct fs *fs, uint64_t parent, const char *name,
                         struct fuse_entry_param *entry)
{
    g_auto(Spot) spot = {0};
    int err = spot_find(fs, parent, name, &spot);

    if (err)
        return err;
    *entry = (struct fuse_entry_param){.ino = spot.scratch};
    return entry->ino ? scratch_stat(fs->scratches, entry->ino, &entry->attr) : ENOENT;
}

int fs_entry(struct fs *fs, uint64_t parent, const char *name, struct fuse_entry_param *entry)
{
    struct node child;
    int err;

    *entry = (struct fuse_entry_param){.entry_timeout = ENTRY_TIMEOUT};
    cloud_read_lock(fs->cloud);
    err = find_entry(fs, parent, name, &child);
    if (!err)
        fs_node_stat(fs, &child, &entry->attr, &entry->attr_timeout);
    cloud_read_unlock(fs->cloud);
    if (err == ENOENT)
        return scratch_entry(fs, parent, name, entry);
    entry->ino = entry->attr.st_ino;
    return err;
}
