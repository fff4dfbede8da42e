/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes: what an inode number stands for in the model, its attributes, text and names. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "core/cloud/cloud.h"
#include "fs/table.h"

/* Borrowed: good while the model is locked. */
struct node {
    struct object *object;
    const struct file_row *row; /* NULL: the object's own directory */
};

static inline bool node_is_dir(const struct node *node)
{
    return !node->row || S_ISDIR(node->row->mode);
}

static inline bool node_is_live(const struct node *node)
{
    return node->row && row_is_live(node->row);
}

uint64_t node_ino(const struct node *node);

/* The host whose samples change a file that is live; 0: those of any. */
uint64_t node_sampled_with(const struct node *node) REQUIRES_SHARED(model);

/* What CHILD is hidden under as a name in DIR: see hidden.h. */
uint64_t node_key(const struct node *dir, const struct node *child);

/* False: there is no such thing (any more). */
bool node_find(struct cloud *cloud, uint64_t ino, struct node *node) REQUIRES_SHARED(model);
/* NAME in the directory DIR, "." and ".." included. */
bool node_child(struct cloud *cloud, const struct node *dir, const char *name, struct node *child)
    REQUIRES_SHARED(model);
void node_parent(struct cloud *cloud, const struct node *node, struct node *parent)
    REQUIRES_SHARED(model);

/* Where a file of the root or of an object is in the mount: "vms/web1/score". */
char *node_place(const struct node *node) REQUIRES_SHARED(model);

/* A link without a target is not there. */
bool node_is_there(struct cloud *cloud, const struct node *node) REQUIRES_SHARED(model);
/* The VMs in the vms/ of a host or a service, and the code of their links in it. */
const GPtrArray *node_members(const struct object *object, unsigned *code) REQUIRES_SHARED(model);

/* A file's text or a link's target as they are now, in a buffer of the calling thread that its next
 * call reuses: most are looked at for their length only. */
const GString *node_text(struct cloud *cloud, const struct node *node) REQUIRES_SHARED(model);
/* Everything but size and time of what is LIVE. */
void node_stat(struct cloud *cloud, const struct node *node, struct stat *st)
    REQUIRES_SHARED(model);
void stat_set_size(struct stat *st, size_t size);
/* The time of the content; that of the status moves with it. */
void stat_set_time(struct stat *st, int64_t time);

/*
 * The entries of DIR whose offset is above AFTER, in the order of offsets, until FILL returns
 * false. An offset belongs to an entry, not to a position: what comes and goes while a
 * directory is read neither hides nor repeats others.
 */
typedef bool (*node_fill)(void *ctx, const struct node *node, const char *name, off_t offset);
void node_walk(struct cloud *cloud, const struct node *dir, off_t after, node_fill fill, void *ctx)
    REQUIRES_SHARED(model);
