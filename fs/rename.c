/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Renaming. Of a scratch file onto a spec it is the commit, and fails with its errno; of an
 * object's directory it renames the object, or makes a plan real; of a spec to another name it is
 * an editor's backup.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/spec/spec.h"
#include "fs/handle.h"
#include "fs/hidden.h"
#include "fs/ino.h"
#include "fs/restore.h"
#include "fs/rights.h"
#include "fs/scratch.h"
#include "fs/spot.h"

/* ---- a scratch file onto a spec */

/* What `lines` of a parked commit are. */
enum { RENAME_FROM, RENAME_OBJECT, RENAME_NAMES };

/* First the object is made or kept where there is none, then the text is committed. */
static bool step_commit(struct parked *parked)
{
    struct engine *engine = parked->fs->engine;
    engine_ticket ticket;

    if (parked->next == 2)
        return false;
    park_hold(parked);
    if (parked->next++ == 0 && parked->lines[RENAME_OBJECT][0]) {
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
    if (!parked->id)
        parked->id =
            fs_object_id(parked->fs, (enum object_kind)parked->todo, parked->lines[RENAME_OBJECT]);
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

/* MODE: of an object that this makes; one that is there keeps its own. */
static void commit_scratch(struct fs *fs, fuse_req_t req, const struct spot *from,
                           const struct spot *to, mode_t mode)
{
    g_autoptr(GBytes) text = scratch_read(fs->scratches, from->scratch, SPEC_MAX_BYTES + 1, 0);
    struct parked *parked = park_new(fs, req);
    bool named = to->object_name && !to->ino;

    parked->ino = from->parent;
    parked->lines = g_new0(char *, RENAME_NAMES + 1);
    parked->lines[RENAME_FROM] = g_strdup(from->name);
    parked->lines[RENAME_OBJECT] = g_strdup(named ? to->object_name : "");
    parked->size = text ? g_bytes_get_size(text) : 0;
    parked->name = g_malloc0(parked->size + 1);
    if (parked->size > 0)
        memcpy(parked->name, g_bytes_get_data(text, NULL), parked->size);
    parked->todo = to->folder ? to->folder->kind : 0;
    parked->id = to->ino ? to->id : named ? fs_object_id(fs, to->folder->kind, to->object_name) : 0;
    parked->made = named && !parked->id;
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

/* ---- a scratch file elsewhere */

/* ---- a link of a VM to another host, and a VM's link from one host to another: it moves */

static bool step_migrate(struct parked *parked)
{
    if (parked->next++ > 0)
        return false;
    park_hold(parked);
    park_began(parked, engine_control(parked->fs->engine, parked->id, parked->name, &parked->actor,
                                      park_done, parked));
    return true;
}

/* A move that takes longer goes on: then the kernel must not take the names for what they will be.
 */
static void answer_migrate(struct parked *parked, int err)
{
    struct fs *fs = parked->fs;

    if (!err && parked->lines[0][0])
        scratch_unlink(fs->scratches, parked->ino, parked->lines[0]);
    fuse_reply_err(parked->req, err);
    notify_name(fs->notify, parked->ino, parked->lines[1]);
    notify_name(fs->notify, (uint64_t)parked->size, parked->lines[2]);
}

/* FROM is a scratch link, or the VM's entry in its host's vms/. */
static void migrate(struct fs *fs, fuse_req_t req, const struct spot *from, const struct spot *to,
                    uint64_t vm, const char *host)
{
    struct parked *parked = park_new(fs, req);

    parked->id = vm;
    parked->ino = from->parent;
    parked->size = to->parent;
    parked->name = g_strdup_printf("migrate %s", host);
    parked->lines = g_new0(char *, 4);
    parked->lines[0] = g_strdup(from->scratch ? from->name : "");
    parked->lines[1] = g_strdup(from->name);
    parked->lines[2] = g_strdup(to->name);
    parked->dirs[0] = from->parent;
    parked->dirs[1] = to->parent;
    parked->step = step_migrate;
    parked->answer = answer_migrate;
    park_run(parked);
}

/* What the scratch link FROM points to. */
static char *target_of(struct fs *fs, const struct spot *from)
{
    g_autoptr(GBytes) target = scratch_read(fs->scratches, from->scratch, SCRATCH_FILE_MAX, 0);
    size_t len = 0;
    const char *text = target ? g_bytes_get_data(target, &len) : NULL;

    return g_strndup(text ? text : "", text ? len : 0);
}

/*
 * Tools that put a tree back bring links as they were, and where a VM runs is nothing to put back:
 * rsync is known by the names of its temporary files (".host.XXXXXX"), others as ever.
 */
static bool is_put_back(struct fs *fs, fuse_req_t req, const struct spot *from,
                        const struct spot *to)
{
    g_autofree char *prefix = g_strdup_printf(".%s.", to->name);

    return g_str_has_prefix(from->name, prefix) ||
           scratch_is_restored(fs->scratches, from->scratch) ||
           restore_may_write(fs->restore, fuse_req_ctx(req)->pid);
}

/* Whether a link that replaces TO is to move a VM: ln -sfn ../../hosts/H vms/NAME/host. *HOST is
 * its name then. EINVAL: it is no host's. */
static int check_relink(struct fs *fs, fuse_req_t req, const struct spot *from,
                        const struct spot *to, char **host)
{
    g_autoptr(GString) now = fs_render(fs, to->ino);
    g_autofree char *target = target_of(fs, from);
    const char *name = g_str_has_prefix(target, "../../hosts/") ? target + 12 : NULL;

    if ((now && strcmp(now->str, target) == 0) || is_put_back(fs, req, from, to))
        return 0;
    if (to->row->code != CODE_HOST)
        return EPERM;
    if (!name || !spec_valid_name(name))
        return EINVAL;
    *host = g_strdup(name);
    return 0;
}

/* Onto a file that makes itself: only trees that are put back may, and nothing comes of it. */
/* *HOST: nothing was done yet, it is to move there. */
static int replace_derived(struct fs *fs, fuse_req_t req, const struct spot *from,
                           const struct spot *to, char **host)
{
    int err = 0;

    if (to->is_dir)
        return EISDIR;
    if (S_ISLNK(to->row->mode) && !to->hidden)
        err = check_relink(fs, req, from, to, host);
    else if (!to->hidden && !scratch_is_restored(fs->scratches, from->scratch) &&
             !restore_may_write(fs->restore, fuse_req_ctx(req)->pid))
        err = EACCES;
    if (err || *host)
        return err;
    hidden_take(fs->hidden, spot_key(to));
    return scratch_unlink(fs->scratches, from->parent, from->name);
}

static void move_scratch(struct fs *fs, fuse_req_t req, const struct spot *from,
                         const struct spot *to)
{
    g_autofree char *host = NULL;
    struct stat st = {0};
    int err = scratch_stat(fs->scratches, from->scratch, &st);

    if (!err && spot_is_spec(to) && !to->is_dir && S_ISREG(st.st_mode)) {
        commit_scratch(fs, req, from, to, rights_dir_mode(st.st_mode));
        return;
    }
    if (!err && to->ino)
        err = replace_derived(fs, req, from, to, &host);
    else if (!err && (spot_takes_scratch(to) || to->dir == SPOT_LINKS))
        err = scratch_rename(fs->scratches, from->parent, from->name, to->parent, to->name);
    else if (!err)
        err = EXDEV;
    if (!err && host)
        migrate(fs, req, from, to, to->id, host);
    else
        fuse_reply_err(req, err);
}

/* ---- a spec to another name: an editor's backup */

static int back_up(struct fs *fs, fuse_req_t req, const struct spot *from, const struct spot *to)
{
    g_autoptr(GString) text = fs_render(fs, from->ino);
    const struct fuse_ctx *ctx = fuse_req_ctx(req);
    uint64_t ino = to->scratch;
    int err = 0;

    if (!text)
        return ESTALE;
    if (!ino)
        err = scratch_create(fs->scratches, to->parent, to->name, ctx->uid, ctx->gid,
                             S_IFREG | 0644, &ino);
    if (!err)
        err = scratch_resize(fs->scratches, ino, 0);
    if (!err)
        err = scratch_write(fs->scratches, ino, text->str, text->len, 0, false);
    if (!err)
        hidden_add(fs->hidden, spot_key(from));
    /* The kernel takes the new name for the spec's inode until it is told. */
    notify_name(fs->notify, to->parent, to->name);
    return err;
}

static bool step_drop(struct parked *parked)
{
    if (parked->next++ > 0)
        return false;
    park_hold(parked);
    park_began(parked,
               engine_drop(parked->fs->engine, parked->id, &parked->actor, park_done, parked));
    return true;
}

void fs_drop(struct fs *fs, fuse_req_t req, uint64_t dir, uint64_t id)
{
    struct parked *parked = park_new(fs, req);

    parked->id = id;
    parked->dirs[0] = dir;
    parked->step = step_drop;
    park_run(parked);
}

/* ---- an object to another name */

static bool step_rename(struct parked *parked)
{
    if (parked->next++ > 0)
        return false;
    park_hold(parked);
    park_began(parked, engine_rename(parked->fs->engine, parked->id, (enum object_kind)parked->todo,
                                     parked->name, &parked->actor, park_done, parked));
    return true;
}

/* Where a batch became real, the kernel takes its new name for the directory. */
static void answer_rename(struct parked *parked, int err)
{
    struct fs *fs = parked->fs;
    const char *slash = strchr(parked->name, '/');

    if (!err && parked->ino && fs_object_id(fs, (enum object_kind)parked->todo, parked->name) == 0)
        notify_name(fs->notify, parked->ino, slash ? slash + 1 : parked->name);
    fuse_reply_err(parked->req, err);
}

/* FROM becomes NAME, of KIND, at TO. */
static void rename_object(struct fs *fs, fuse_req_t req, const struct spot *from,
                          const struct spot *to, enum object_kind kind, const char *name)
{
    struct parked *parked = park_new(fs, req);

    parked->id = from->id;
    parked->ino = from->is_dir ? to->parent : 0; /* where its directory gets the name */
    parked->todo = kind;
    parked->name = g_strdup(name);
    parked->dirs[0] = from->parent;
    parked->dirs[1] = to->parent;
    parked->dirs[2] = from->ino;
    parked->renames = true;
    parked->step = step_rename;
    parked->answer = answer_rename;
    park_run(parked);
}

/* mv hosts/h1/vms/web1 hosts/h2/vms/ */
static void move_link(struct fs *fs, fuse_req_t req, const struct spot *from, const struct spot *to)
{
    g_autofree char *host = NULL;
    struct object *object;

    cloud_read_lock(fs->cloud);
    object = cloud_by_id(fs->cloud, to->dir_id);
    if (to->dir == SPOT_LINKS && object && object->kind == OBJECT_HOST)
        host = g_strdup(object->name);
    cloud_read_unlock(fs->cloud);
    if (!host)
        fuse_reply_err(req, EPERM);
    else if (strcmp(from->name, to->name) != 0)
        fuse_reply_err(req, EINVAL);
    else
        migrate(fs, req, from, to, from->id, host);
}

static void move_file(struct fs *fs, fuse_req_t req, const struct spot *from, const struct spot *to)
{
    bool flat = from->dir == SPOT_FLAT, moves = from->row && from->row->code == CODE_OF_HOST;
    int err = flat || moves ? rights_remove(fs, req, from->dir_id, from->id) : 0;

    if (err)
        fuse_reply_err(req, err);
    else if (moves)
        move_link(fs, req, from, to);
    else if (flat && to->parent == from->parent && to->object_name) {
        rename_object(fs, req, from, to, from->folder->kind, to->object_name);
    } else if (to->parent == from->parent && spot_takes_scratch(to) && spot_is_spec(from)) {
        err = back_up(fs, req, from, to);
        if (!err && flat)
            fs_drop(fs, req, from->parent, from->id);
        else
            fuse_reply_err(req, err);
    } else {
        fuse_reply_err(req, spot_is_spec(from) ? EXDEV : EPERM);
    }
}

/* Not EXDEV: mv would copy the object and then destroy it. */
static void move_dir(struct fs *fs, fuse_req_t req, const struct spot *from, const struct spot *to)
{
    int err;

    if (from->row || from->dirs == OBJECT_FOLDER || to->dirs == OBJECT_FOLDER)
        fuse_reply_err(req, EPERM);
    else if (to->ino)
        fuse_reply_err(req, ENOTEMPTY);
    else if ((err = rights_remove(fs, req, from->dir_id, from->id)))
        fuse_reply_err(req, err);
    else
        rename_object(fs, req, from, to, to->dirs, spot_object(to));
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to_parent,
               const char *to_name, unsigned flags)
{
    struct fs *fs = fs_of(req);
    g_auto(Spot) from = {0};
    g_auto(Spot) to = {0};
    int err = flags & ~(unsigned)RENAME_NOREPLACE ? EINVAL : 0;

    if (!err)
        err = spot_find(fs, parent, name, &from);
    if (!err)
        err = spot_find(fs, to_parent, to_name, &to);
    if (!err)
        err = spot_check_new(&to);
    if (!err && !spot_is_there(&from))
        err = ENOENT;
    if (!err && (flags & RENAME_NOREPLACE) && spot_is_there(&to))
        err = EEXIST;
    if (err)
        fuse_reply_err(req, err);
    else if (from.scratch)
        move_scratch(fs, req, &from, &to);
    else if (from.is_dir)
        move_dir(fs, req, &from, &to);
    else
        move_file(fs, req, &from, &to);
}
