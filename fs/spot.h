/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A spot: a name in a directory, whether there is something or not, and what may be there. */
#pragma once

#include <errno.h>

#include "fs/fs.h"
#include "fs/ino.h"
#include "fs/specs.h"

enum spot_dir {
    SPOT_ELSEWHERE, /* folders: nothing but objects */
    SPOT_ROOT,
    SPOT_OBJECT, /* an object's directory */
    SPOT_LINKS,  /* the vms/ of a host or service */
    SPOT_SPECS,  /* specs/ itself */
    SPOT_FLAT,   /* hosts/, vms/, services/ in it */
};

struct spot {
    uint64_t parent;
    const char *name; /* borrowed */
    enum spot_dir dir;
    uint64_t dir_id;                 /* of the directory's object */
    const struct folder_row *folder; /* where DIR is a folder, and for names of objects */
    uint64_t ino;                    /* of what the model has there; 0: nothing */
    uint64_t id;                     /* of its object */
    const struct file_row *row;      /* NULL with an INO: a directory of an object */
    bool is_dir, hidden;
    enum object_kind dirs; /* what directories here are of; OBJECT_FOLDER: none can be made */
    char *path;            /* the name that a plan has here in its batch; NULL: in none */
    uint64_t scratch;      /* number of the scratch file there; 0: none */
    char *object_name; /* in a flat folder: of the object that NAME is the file of; NULL: none */
};

/* ESTALE, ENOTDIR. SPOT is to be cleared. */
int spot_find(struct fs *fs, uint64_t parent, const char *name, struct spot *spot) EXCLUDES(model);
void spot_clear(struct spot *spot);

/* The name that an object has whose directory is here. */
static inline const char *spot_object(const struct spot *spot)
{
    return spot->path ? spot->path : spot->name;
}

/* What the name is hidden under: the two names of a spec go one by one. */
static inline uint64_t spot_key(const struct spot *spot)
{
    return spot->dir == SPOT_FLAT ? ino_make(spot->id, CODE_INI) : spot->ino;
}

/* Whether the model shows something there. */
static inline bool spot_is_shown(const struct spot *spot)
{
    return spot->ino && !spot->hidden;
}

static inline bool spot_is_there(const struct spot *spot)
{
    return spot_is_shown(spot) || spot->scratch;
}

/* Whether the model has a link there. */
static inline bool spot_is_link(const struct spot *spot)
{
    return spot->row && S_ISLNK(spot->row->mode);
}

/* Whether the name can be a scratch file's. */
static inline bool spot_takes_scratch(const struct spot *spot)
{
    if (spot_is_shown(spot) || spot->object_name || spot->dir == SPOT_ELSEWHERE)
        return false;
    if (spot->dir == SPOT_ROOT && spot->name[0] != '.') /* rsync's, of a whole tree */
        return false;
    return !spot->ino || spot_is_link(spot);
}

/* EINVAL for a name that would be an object's and cannot be one's. */
static inline int spot_check_new(const struct spot *spot)
{
    return spot->dir == SPOT_FLAT && specs_is_misnamed(spot->name) ? EINVAL : 0;
}

/* Whether it is, or would be, a spec. */
static inline bool spot_is_spec(const struct spot *spot)
{
    return (spot->row && spot->row->store == store_spec) || spot->object_name;
}

typedef struct spot Spot;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Spot, spot_clear)
