/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/rights.h"

#include <unistd.h>

#include "fs/fs.h"

static bool in_group(fuse_req_t req, gid_t gid)
{
    g_autofree gid_t *list = NULL;
    int n;

    if (fuse_req_ctx(req)->gid == gid)
        return true;
    n = fuse_req_getgroups(req, 0, NULL);
    if (n <= 0)
        return false;
    list = g_new(gid_t, n);
    n = MIN(n, fuse_req_getgroups(req, n, list));
    for (int i = 0; i < n; i++)
        if (list[i] == gid)
            return true;
    return false;
}

static int check(fuse_req_t req, const struct object *folder, const struct object *object)
    REQUIRES_SHARED(model)
{
    uid_t uid = fuse_req_ctx(req)->uid;

    if (uid == 0 || uid == object->uid)
        return 0;
    if (folder && (folder->mode & S_ISVTX) && folder->uid != uid)
        return EPERM;
    return object->mode & (in_group(req, object->gid) ? S_IWGRP : S_IWOTH) ? 0 : EACCES;
}

int rights_remove(struct fs *fs, fuse_req_t req, uint64_t folder, uint64_t id)
{
    const struct object *object;
    int err = 0;

    cloud_read_lock(fs->cloud);
    object = cloud_by_id(fs->cloud, id);
    if (object)
        err = check(req, cloud_by_id(fs->cloud, folder), object);
    cloud_read_unlock(fs->cloud);
    return err;
}

void rights_inherit(struct fs *fs, uint64_t folder, struct actor *actor)
{
    const struct object *object;

    cloud_read_lock(fs->cloud);
    object = cloud_by_id(fs->cloud, folder);
    if (object && (object->mode & S_ISGID))
        actor->gid = object->gid;
    cloud_read_unlock(fs->cloud);
}

mode_t rights_dir_mode(mode_t spec_mode)
{
    return (spec_mode & 0666) | (spec_mode & 0444) >> 2;
}
