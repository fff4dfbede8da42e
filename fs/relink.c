/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/relink.h"

#include <errno.h>
#include <string.h>

#include "core/spec/spec.h"
#include "fs/fs.h"
#include "fs/restore.h"
#include "fs/scratch.h"

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

void relink_move(struct fs *fs, fuse_req_t req, const struct spot *from, const struct spot *to,
                 uint64_t vm, const char *host)
{
    struct parked *parked;

    if (!*host) {
        park_refuse(fs, req, vm, EINVAL, "the link to a host is ../../hosts/NAME");
        return;
    }
    parked = park_new(fs, req);
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

int relink_check(struct fs *fs, fuse_req_t req, const struct spot *from, const struct spot *to,
                 char **host)
{
    g_autoptr(GString) now = fs_render(fs, to->ino);
    g_autofree char *target = target_of(fs, from);
    const char *name = g_str_has_prefix(target, "../../hosts/") ? target + 12 : NULL;

    if ((now && strcmp(now->str, target) == 0) || is_put_back(fs, req, from, to))
        return 0;
    if (to->row->code != CODE_HOST)
        return EPERM;
    *host = g_strdup(name && spec_valid_name(name) ? name : "");
    return 0;
}

void relink_move_entry(struct fs *fs, fuse_req_t req, const struct spot *from,
                       const struct spot *to)
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
        park_refuse(fs, req, from->id, EINVAL,
                    "a VM that is moved to another host keeps its name there");
    else
        relink_move(fs, req, from, to, from->id, host);
}
