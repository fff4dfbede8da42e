/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/rights.h"

#include <errno.h>
#include <fcntl.h>

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

/* What a check of modes needs to know. */
struct owned {
    uid_t uid;
    gid_t gid;
    mode_t mode;
};

/* False: it is gone. */
static bool look(struct fs *fs, uint64_t id, struct owned *owned) EXCLUDES(model)
{
    const struct object *object;

    cloud_read_lock(fs->cloud);
    object = cloud_by_id(fs->cloud, id);
    if (object)
        *owned = (struct owned){object->uid, object->gid, object->mode};
    cloud_read_unlock(fs->cloud);
    return object != NULL;
}

static bool is_owner(fuse_req_t req, uid_t owner)
{
    uid_t uid = fuse_req_ctx(req)->uid;

    return uid == 0 || uid == owner;
}

/* WANT: the bits that others would need. The first class that the caller is in decides. */
static bool allows(fuse_req_t req, const struct owned *owned, mode_t want)
{
    uid_t uid = fuse_req_ctx(req)->uid;
    unsigned shift = uid == owned->uid ? 6 : in_group(req, owned->gid) ? 3 : 0;

    return uid == 0 || !(want & ~(owned->mode >> shift));
}

int rights_write(struct fs *fs, fuse_req_t req, uint64_t id)
{
    struct owned object;

    if (!look(fs, id, &object) || is_owner(req, object.uid))
        return 0;
    return allows(req, &object, S_IWOTH) ? 0 : EACCES;
}

int rights_remove(struct fs *fs, fuse_req_t req, uint64_t folder, uint64_t id)
{
    struct owned in, object;

    if (!look(fs, id, &object) || is_owner(req, object.uid))
        return 0;
    if (look(fs, folder, &in) && (in.mode & S_ISVTX) && !is_owner(req, in.uid))
        return EPERM;
    return allows(req, &object, S_IWOTH) ? 0 : EACCES;
}

/* Those of the plans in BATCH. Free with g_array_unref. */
static GArray *drafts_in(struct fs *fs, uint64_t batch) EXCLUDES(model)
{
    GArray *all = g_array_new(false, false, sizeof(struct owned));
    const struct object *object;

    cloud_read_lock(fs->cloud);
    object = cloud_by_id(fs->cloud, batch);
    if (object) {
        g_autoptr(GPtrArray) drafts = cloud_drafts(fs->cloud, object);

        for (unsigned i = 0; i < drafts->len; i++) {
            const struct object *plan = drafts->pdata[i];
            const struct owned owned = {plan->uid, plan->gid, plan->mode};

            g_array_append_val(all, owned);
        }
    }
    cloud_read_unlock(fs->cloud);
    return all;
}

int rights_batch(struct fs *fs, fuse_req_t req, uint64_t batch)
{
    g_autoptr(GArray) drafts = drafts_in(fs, batch);

    for (unsigned i = 0; i < drafts->len; i++) {
        const struct owned *plan = &g_array_index(drafts, struct owned, i);

        if (!is_owner(req, plan->uid) && !allows(req, plan, S_IWOTH))
            return EACCES;
    }
    return 0;
}

int rights_open(fuse_req_t req, const struct stat *st, int flags)
{
    const struct owned file = {st->st_uid, st->st_gid, st->st_mode};
    int access = flags & O_ACCMODE; /* 3 is both, too */
    mode_t want = access == O_WRONLY ? 0 : S_IROTH;

    if (access != O_RDONLY || (flags & O_TRUNC))
        want |= S_IWOTH;
    return allows(req, &file, want) ? 0 : EACCES;
}

int rights_open_made(fuse_req_t req, const struct stat *st, int flags)
{
    return is_owner(req, st->st_uid) ? 0 : rights_open(req, st, flags);
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
