/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of files: one for each kind of directory, a row and a small function for a file.
 * lookup, readdir, getattr, the root's README and the manual's list come from them.
 */
#pragma once

#include <fuse_lowlevel.h>
#include <glib.h>
#include <sys/stat.h>

#include "core/cloud/cloud.h"

struct fs;
struct handle;

/* The low byte of an inode number: on users' disks, so never given to something else. */
enum file_code {
    CODE_SELF,
    CODE_SPEC,
    CODE_STATE,
    CODE_CTL,
    CODE_SCORE,
    CODE_METRICS,
    CODE_PLACEMENT,
    CODE_ERROR,
    CODE_RESOURCES,
    CODE_XML,
    CODE_HOST,       /* a VM's link to its host */
    CODE_VMS,        /* the vms/ of a host or service */
    CODE_OF_HOST,    /* a VM's entry in its host's vms/ */
    CODE_OF_SERVICE, /* a VM's entry in its service's vms/ */
    CODE_README,
    CODE_EVENTS,
    CODE_INI, /* a spec's name in specs/; of no inode */
    CODE_REBALANCE,
    CODE_MOVES,
    CODES
};

/* What a row has in place of a facet when its content does not change with one. */
enum {
    LIVE = FACETS, /* changes by sampling: published, see publish.h */
    CLOCKED,       /* and by the clock too */
    LOG,           /* grows at its end: read where it is, no snapshot */
};

struct file_row {
    const char *name; /* NULL: the name of the VM that it stands for */
    unsigned char code;
    mode_t mode; /* its type, and what may be read at most; `store` adds the write bits */
    int facet;
    /* A file's text, or a link's target: a link without a target is not there. */
    void (*show)(const struct object *object, struct cloud *cloud, GString *text);
    /* Takes one write(2) and answers it. NULL: read only. */
    void (*store)(struct fs *fs, fuse_req_t req, struct handle *handle, const char *data,
                  size_t size, off_t offset);
    const char *doc;
};

struct file_table {
    const char *of; /* what its directory is, for people */
    const struct file_row *rows;
    size_t n;
};
extern const struct file_table root_files, host_files, vm_files, service_files, plan_files;

/*
 * The folders. Each holds the objects of one kind, as directories or (below specs/) as files; the
 * kind of one that holds other folders only is OBJECT_FOLDER.
 */
struct folder_row {
    const char *name;
    uint64_t id, parent;
    enum object_kind kind;
    bool flat; /* its objects are files NAME.ini */
    const char *doc;
};
enum { N_FOLDERS = 8 };
extern const struct folder_row folders[N_FOLDERS];

/* The table of OBJECT's directory; one without rows for a folder. */
const struct file_table *table_of(const struct object *object);
const struct file_row *table_by_code(const struct file_table *table, unsigned code);
const struct file_row *table_by_name(const struct file_table *table, const char *name);

const struct folder_row *folder_by_id(uint64_t id);
const struct folder_row *folder_by_name(uint64_t parent, const char *name);
/* Where the objects of KIND are directories, or files. NULL: nowhere. */
const struct folder_row *folder_by_kind(enum object_kind kind, bool flat);

static inline bool row_is_live(const struct file_row *row)
{
    return row->facet == LIVE || row->facet == CLOCKED;
}

/* "r", "rw", "link" or "dir". */
const char *row_access(const struct file_row *row);

/* ---- what rows of several tables share: object.c, score.c, metrics.c */
void show_spec(const struct object *object, struct cloud *cloud, GString *text)
    REQUIRES_SHARED(model);
void show_state(const struct object *object, struct cloud *cloud, GString *text)
    REQUIRES_SHARED(model);
void show_verbs(const struct object *object, struct cloud *cloud, GString *text)
    REQUIRES_SHARED(model);
void show_placement(const struct object *object, struct cloud *cloud, GString *text)
    REQUIRES_SHARED(model);
void show_error(const struct object *object, struct cloud *cloud, GString *text)
    REQUIRES_SHARED(model);
void show_packed(const struct packed *packed, GString *text);
void show_score(const struct object *object, struct cloud *cloud, GString *text)
    REQUIRES_SHARED(model);
void show_metrics(const struct object *object, struct cloud *cloud, GString *text)
    REQUIRES_SHARED(model);
void show_readme(const struct object *object, struct cloud *cloud, GString *text);

/* write.c, control.c */
void store_spec(struct fs *fs, fuse_req_t req, struct handle *handle, const char *data, size_t size,
                off_t offset);
void store_control(struct fs *fs, fuse_req_t req, struct handle *handle, const char *data,
                   size_t size, off_t offset);
/* The same for a file whose text is a plan: what starts with '#' is one that is put back. */
void store_plan(struct fs *fs, fuse_req_t req, struct handle *handle, const char *data, size_t size,
                off_t offset);

/* The rows that hosts, VMs and services have alike. */
#define ROW_SPEC                                                                                   \
    {                                                                                              \
        "spec", CODE_SPEC, S_IFREG | 0444, FACET_SPEC, show_spec, store_spec,                      \
            "the desired state as it was written; writing it changes things"                       \
    }
#define ROW_STATE                                                                                  \
    {                                                                                              \
        "state", CODE_STATE, S_IFREG | 0444, FACET_STATE, show_state, NULL,                        \
            "the actual state, one word"                                                           \
    }
#define ROW_CTL                                                                                    \
    {                                                                                              \
        "ctl", CODE_CTL, S_IFREG | 0444, FACET_ATTR, show_verbs, store_control,                    \
            "writing runs a verb a line, reading lists the verbs"                                  \
    }
#define ROW_SCORE                                                                                  \
    {                                                                                              \
        "score", CODE_SCORE, S_IFREG | 0444, LIVE, show_score, NULL,                               \
            "the metrics, then the terms they are made from"                                       \
    }
#define ROW_METRICS                                                                                \
    {                                                                                              \
        "metrics", CODE_METRICS, S_IFREG | 0444, LIVE, show_metrics, NULL,                         \
            "its samples in OpenMetrics text"                                                      \
    }
#define ROW_PLACEMENT                                                                              \
    {                                                                                              \
        "placement", CODE_PLACEMENT, S_IFREG | 0444, FACET_PLACEMENT, show_placement, NULL,        \
            "why: a row a host, the winner first"                                                  \
    }
#define ROW_ERROR                                                                                  \
    {                                                                                              \
        "error", CODE_ERROR, S_IFREG | 0444, FACET_ERROR, show_error, NULL,                        \
            "the sentence behind the last failure; empty: all is well"                             \
    }
