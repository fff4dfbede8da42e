/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of operations, and those that need no more than an answer. */
#include <errno.h>

#include "fs/fs.h"

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
    /* AUTO_INVAL_DATA: pages go when the kernel hears of another size or time (notify.h). */
    unsigned want = FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_READDIRPLUS |
                    FUSE_CAP_NO_OPENDIR_SUPPORT | FUSE_CAP_CACHE_SYMLINKS |
                    FUSE_CAP_AUTO_INVAL_DATA;
    struct fs *fs = userdata;

    /* With allow_root each opening has to be asked for: what follows is not refused to anybody. */
    fs->no_opendir = !fs->allow_root && conn->capable & FUSE_CAP_NO_OPENDIR_SUPPORT;
    conn->want &= ~(unsigned)FUSE_CAP_READDIRPLUS_AUTO; /* always: it fills the caches */
    conn->want |= want & conn->capable;
    conn->want &=
        ~(unsigned)FUSE_CAP_WRITEBACK_CACHE; /* errors of write(2) must reach the writer */
    conn->time_gran = 1;
    conn->max_read = fs->max_read; /* libfuse gives the mount up if it differs from the option */
}

/* Blocks are MiB of memory, inodes objects: df shows how full the cloud is. */
static void op_statfs(fuse_req_t req, fuse_ino_t ino) EXCLUDES(model)
{
    const fsfilcnt_t room = 1 << 24; /* objects are not limited; "0 free" would alarm people */
    struct fs *fs = fs_of(req);
    struct cloud_score score;
    struct statvfs st = {.f_bsize = 1 << 20, .f_frsize = 1 << 20, .f_namemax = 255};

    (void)ino;
    cloud_read_lock(fs->cloud);
    cloud_total_score(fs->cloud, &score);
    for (int kind = OBJECT_FOLDER + 1; kind < OBJECT_KINDS; kind++)
        st.f_files += cloud_objects(fs->cloud, (enum object_kind)kind)->len;
    cloud_read_unlock(fs->cloud);
    st.f_blocks = (fsblkcnt_t)(score.memory / (1 << 20));
    st.f_bfree = (fsblkcnt_t)(MAX(score.memory - score.memory_reserved, 0) / (1 << 20));
    st.f_bavail = st.f_bfree;
    st.f_files += room;
    st.f_ffree = st.f_favail = room;
    fuse_reply_statfs(req, &st);
}

static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
    (void)ino;
    (void)datasync;
    (void)fi;
    fuse_reply_err(req, 0);
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    (void)fi;
    fuse_reply_err(req, 0);
}

/* ---- no names but those of the tables */

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
    (void)parent;
    (void)name;
    (void)mode;
    (void)dev;
    fuse_reply_err(req, EPERM);
}

/* ---- no extended attributes. ENOSYS is EOPNOTSUPP for programs, and the kernel remembers it:
 * ls -l asks for two of each file. */

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
                        size_t size, int flags)
{
    (void)ino;
    (void)name;
    (void)value;
    (void)size;
    (void)flags;
    fuse_reply_err(req, EOPNOTSUPP);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    (void)ino;
    (void)name;
    (void)size;
    fuse_reply_err(req, ENOSYS);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    (void)ino;
    if (size == 0)
        fuse_reply_xattr(req, 0);
    else
        fuse_reply_buf(req, NULL, 0);
}

static void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
    (void)ino;
    (void)name;
    fuse_reply_err(req, EOPNOTSUPP);
}

static void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg,
                     struct fuse_file_info *fi, unsigned flags, const void *in, size_t in_size,
                     size_t out_size)
{
    (void)ino;
    (void)cmd;
    (void)arg;
    (void)fi;
    (void)flags;
    (void)in;
    (void)in_size;
    (void)out_size;
    fuse_reply_err(req, ENOTTY);
}

const struct fuse_lowlevel_ops fs_ops = {
    .init = op_init,
    .lookup = op_lookup,
    .getattr = op_getattr,
    .setattr = op_setattr,
    .readlink = op_readlink,
    .mknod = op_mknod,
    .mkdir = op_mkdir,
    .unlink = op_unlink,
    .rmdir = op_rmdir,
    .symlink = op_symlink,
    .rename = op_rename,
    .link = op_link,
    .open = op_open,
    .read = op_read,
    .write = op_write,
    .flush = op_flush,
    .release = op_release,
    .fsync = op_fsync,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .releasedir = op_releasedir,
    .fsyncdir = op_fsyncdir,
    .statfs = op_statfs,
    .setxattr = op_setxattr,
    .getxattr = op_getxattr,
    .listxattr = op_listxattr,
    .removexattr = op_removexattr,
    .create = op_create,
    .ioctl = op_ioctl,
    .poll = op_poll,
    .readdirplus = op_readdirplus,
};
