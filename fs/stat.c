/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A node's attributes. */
#include "fs/ino.h"
#include "fs/node.h"

enum { BLOCK = 4096, DIR_SIZE = 4096 };

static mode_t node_mode(const struct node *node) REQUIRES_SHARED(model)
{
    mode_t most = node->object->mode & 0777;

    if (!node->row) /* folders have the set-group-ID and sticky bits too */
        return S_IFDIR | (node->object->mode & 03777);
    if (S_ISLNK(node->row->mode))
        return node->row->mode;
    return (node->row->mode & S_IFMT) |
           (((node->row->mode & 0777) | (node->row->store ? 0222 : 0)) & most);
}

/* Plans in batches are not in plan/ itself. */
static nlink_t count_objects(struct cloud *cloud, enum object_kind kind) REQUIRES_SHARED(model)
{
    const GPtrArray *objects = cloud_objects(cloud, kind);
    nlink_t n = objects->len;

    for (unsigned i = 0; kind == OBJECT_PLAN && i < objects->len; i++)
        n -= ((struct object *)objects->pdata[i])->plan.drafts;
    return n;
}

static nlink_t count_folders(uint64_t parent)
{
    nlink_t n = 0;

    for (size_t i = 0; i < N_FOLDERS; i++)
        n += folders[i].parent == parent;
    return n;
}

/* ".", its name in its parent, and a ".." for each directory in it. */
static nlink_t node_links(struct cloud *cloud, const struct node *node) REQUIRES_SHARED(model)
{
    const struct file_table *files = table_of(node->object);
    const struct folder_row *folder = folder_by_id(node->object->id);
    nlink_t links = 2;

    /* A spec's second name, in specs/, is a view and no link: tools that look for hard links would
     * put back one name and link the other, and some remove what is there before they do. */
    if (node->row)
        return S_ISDIR(node->row->mode) ? 2 : 1;
    if (folder && folder->kind != OBJECT_FOLDER)
        return folder->flat ? 2 : 2 + count_objects(cloud, folder->kind);
    if (node->object->kind == OBJECT_FOLDER)
        return 2 + count_folders(node->object->id);
    for (size_t i = 0; i < files->n; i++)
        if (S_ISDIR(files->rows[i].mode))
            links++;
    if (node->object->kind == OBJECT_PLAN)
        links += node->object->plan.drafts;
    return links;
}

static int64_t node_time(struct cloud *cloud, const struct node *node) REQUIRES_SHARED(model)
{
    const int64_t *times = node->object->times;
    int64_t time;

    if (!node->row) /* a VM's `host` comes and goes */
        return node->object->kind == OBJECT_VM ? MAX(times[FACET_SELF], times[FACET_LINKS])
                                               : times[FACET_SELF];
    if (node->row->facet < FACETS)
        return times[node->row->facet];
    cloud_events_text(cloud, &time);
    return time ? time : times[FACET_SELF];
}

void stat_set_size(struct stat *st, size_t size)
{
    st->st_size = (off_t)size;
    st->st_blocks = (blkcnt_t)((size + 511) / 512);
}

static struct timespec to_timespec(int64_t time)
{
    const int64_t second = G_GINT64_CONSTANT(1000000000);
    int64_t rest = ((time % second) + second) % second;

    return (struct timespec){.tv_sec = (time - rest) / second, .tv_nsec = rest};
}

static bool is_later(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

void stat_set_time(struct stat *st, int64_t time)
{
    st->st_mtim = st->st_atim = to_timespec(time);
    if (is_later(st->st_mtim, st->st_ctim))
        st->st_ctim = st->st_mtim;
}

/* Long texts are kept packed, and know their length. */
static bool packed_size(const struct node *node, size_t *size) REQUIRES_SHARED(model)
{
    if (node->row->facet == FACET_PLACEMENT)
        *size = packed_length(node->object->placement);
    else if (node->row->facet == FACET_XML)
        *size = packed_length(node->object->vm.xml);
    else
        return false;
    return true;
}

static size_t node_size(struct cloud *cloud, const struct node *node) REQUIRES_SHARED(model)
{
    int64_t time;
    size_t size;

    if (node_is_dir(node))
        return DIR_SIZE;
    if (node->row->facet == LOG)
        return cloud_events_text(cloud, &time)->len;
    return packed_size(node, &size) ? size : node_text(cloud, node)->len;
}

void node_stat(struct cloud *cloud, const struct node *node, struct stat *st)
{
    *st = (struct stat){
        .st_ino = node_ino(node),
        .st_mode = node_mode(node),
        .st_nlink = node_links(cloud, node),
        .st_uid = node->object->uid,
        .st_gid = node->object->gid,
        .st_blksize = BLOCK,
        .st_ctim = to_timespec(node->object->times[FACET_ATTR]),
    };
    if (node_is_live(node))
        return;
    stat_set_size(st, node_size(cloud, node));
    stat_set_time(st, node_time(cloud, node));
}
