/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/commit.h"

#include <string.h>

#include "core/spec/spec.h"
#include "fs/fs.h"
#include "fs/hidden.h"
#include "fs/ino.h"
#include "fs/restore.h"
#include "fs/rights.h"
#include "fs/scratch.h"

/* What `lines` of a parked commit are. */
enum { RENAME_FROM, RENAME_OBJECT, RENAME_NAMES };

/* What was made by its name: the name may be another's by now. */
static bool find_made(struct parked *parked)
{
    uint64_t id =
        fs_object_id(parked->fs, (enum object_kind)parked->todo, parked->lines[RENAME_OBJECT]);

    parked->err = rights_write(parked->fs, parked->req, id);
    if (!parked->err)
        parked->id = id;
    return !parked->err;
}

/* First the object is made or kept where there is none, then the text is committed. */
static bool step_commit(struct parked *parked)
{
    struct engine *engine = parked->fs->engine;
    engine_ticket ticket;

    if (parked->next == 2)
        return false;
    if (parked->next++ == 0 && parked->lines[RENAME_OBJECT][0]) {
        park_hold(parked);
        if (parked->id)
            ticket = engine_keep(engine, parked->id, &parked->actor, park_done, parked);
        else
            ticket =
                engine_mkdir(engine, (enum object_kind)parked->todo, parked->lines[RENAME_OBJECT],
                             parked->mode, &parked->actor, park_done, parked);
        park_began(parked, ticket);
        return true;
    }
    parked->next = 2;
    if (!parked->id && !find_made(parked))
        return false;
    park_hold(parked);
    ticket = engine_commit(engine, parked->id, parked->name, parked->size, &parked->actor,
                           park_done, parked);
    park_began(parked, ticket);
    return true;
}

static void answer_commit(struct parked *parked, int err)
{
    struct fs *fs = parked->fs;

    if (!err) {
        scratch_unlink(fs->scratches, parked->ino, parked->lines[RENAME_FROM]);
        hidden_take(fs->hidden, ino_make(parked->id, CODE_SPEC));
        hidden_take(fs->hidden, ino_make(parked->id, CODE_INI));
    } else if (parked->made && parked->id) {
        /* Made for this commit, which failed: nothing is left of it. */
        engine_rmdir(fs->engine, parked->id, &parked->actor, park_ignore, NULL);
    }
    fuse_reply_err(parked->req, err);
}

/* The object that TO is, or was, the spec of; 0: there is none. */
static uint64_t object_of(struct fs *fs, const struct spot *to)
{
    return to->ino ? to->id : fs_object_id(fs, to->folder->kind, to->object_name);
}

static void take_text(struct parked *parked, const struct spot *from)
{
    g_autoptr(GBytes) text =
        scratch_read(parked->fs->scratches, from->scratch, SPEC_MAX_BYTES + 1, 0);

    parked->size = text ? g_bytes_get_size(text) : 0;
    parked->name = g_malloc0(parked->size + 1);
    if (parked->size > 0)
        memcpy(parked->name, g_bytes_get_data(text, NULL), parked->size);
}

void commit_scratch(struct fs *fs, fuse_req_t req, const struct spot *from, const struct spot *to,
                    mode_t mode)
{
    uint64_t id = object_of(fs, to);
    int err = id ? rights_remove(fs, req, to->dir_id, id) : 0;
    struct parked *parked;

    if (err) {
        fuse_reply_err(req, err);
        return;
    }
    parked = park_new(fs, req);
    parked->id = id;
    parked->ino = from->parent;
    parked->lines = g_new0(char *, RENAME_NAMES + 1);
    parked->lines[RENAME_FROM] = g_strdup(from->name);
    parked->lines[RENAME_OBJECT] = g_strdup(to->ino ? "" : to->object_name);
    take_text(parked, from);
    parked->todo = to->folder ? to->folder->kind : 0;
    parked->made = !id;
    parked->mode = mode;
    rights_inherit(fs, to->dir_id, &parked->actor);
    parked->actor.restoring = scratch_is_restored(fs->scratches, from->scratch) ||
                              restore_may_write(fs->restore, parked->actor.pid);
    parked->dirs[0] = from->parent;
    parked->dirs[1] = to->parent;
    parked->step = step_commit;
    parked->answer = answer_commit;
    park_run(parked);
}
