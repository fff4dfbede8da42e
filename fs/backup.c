/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/backup.h"

#include <errno.h>

#include "fs/hidden.h"
#include "fs/scratch.h"

/* First it is asked whether the spec may go: only then is there anything to see. */
static bool step_backup(struct parked *parked)
{
    if (!parked->todo || parked->next++ > 0)
        return false;
    park_hold(parked);
    park_began(parked,
               engine_drop(parked->fs->engine, parked->id, &parked->actor, park_done, parked));
    return true;
}

static int put_copy(struct parked *parked)
{
    const struct stat like = {
        .st_uid = parked->uid, .st_gid = parked->gid, .st_mode = parked->mode};

    return scratch_put(parked->fs->scratches, parked->dirs[0], parked->lines[0], &like,
                       parked->name, parked->size);
}

static void answer_backup(struct parked *parked, int err)
{
    struct fs *fs = parked->fs;
    bool dropped = parked->todo && !err;

    if (!err)
        err = put_copy(parked);
    if (err && dropped)
        engine_keep(fs->engine, parked->id, &parked->actor, park_ignore, NULL);
    if (!err && !dropped)
        hidden_add(fs->hidden, parked->ino);
    fuse_reply_err(parked->req, err);
    /* The kernel takes the new name for the spec's inode until it is told. */
    if (!err)
        notify_name(fs->notify, parked->dirs[0], parked->lines[0]);
}

/* What the copy is to have. */
static int take_spec(struct fs *fs, struct parked *parked, uint64_t ino)
{
    g_autoptr(GString) text = fs_render(fs, ino);
    struct stat st;
    double valid;
    int err = text ? fs_stat(fs, ino, &st, &valid) : ESTALE;

    if (err)
        return err;
    parked->uid = st.st_uid;
    parked->gid = st.st_gid;
    parked->mode = st.st_mode;
    parked->size = text->len;
    parked->name = g_string_free(g_steal_pointer(&text), false);
    return 0;
}

void backup_spec(struct fs *fs, fuse_req_t req, const struct spot *from, const struct spot *to)
{
    struct parked *parked = park_new(fs, req);

    parked->id = from->id;
    parked->ino = from->ino;
    parked->lines = g_new0(char *, 2);
    parked->lines[0] = g_strdup(to->name);
    parked->todo = from->dir == SPOT_FLAT; /* the object follows */
    parked->dirs[0] = from->parent;
    parked->err = take_spec(fs, parked, from->ino);
    if (!parked->err)
        parked->step = step_backup;
    parked->answer = answer_backup;
    park_run(parked);
}
