// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The embedded driver: libvirt's QEMU driver in this process, without a daemon, everything of it
 * below one directory. A process can have one such root.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "core/virt/internal.h"

static GMutex lock;
static char *claimed; /* the root in use; guarded by lock */
static bool opened;   /* once: libvirt keeps the root for good; guarded by lock */
static char *trial;   /* the root to open in place of the one claimed; set before any is */
static gint loaded;   /* atomic: libvirt was asked to open it, and finds no other driver any more */

/*
 * There are no daemons to help (virtlogd), no cgroups to clash with those of a libvirtd on the
 * same machine, and no security driver, which is compiled for /etc/libvirt.
 *
 * As root, QEMU runs as root: Debian's choice, libvirt-qemu, exists only where the daemon's
 * packages are installed, and could neither read the kernels and images that a spec names nor
 * enter a state directory of mode 0700, and with dynamic_ownership = 0 nobody hands them over to
 * it. Who wants less writes another user here, before the first start; the file is never
 * overwritten.
 */
static const char configuration[] = "# Written once by cloudfs; yours to change.\n"
                                    "stdio_handler = \"file\"\n"
                                    "security_driver = \"none\"\n"
                                    "cgroup_controllers = []\n"
                                    "namespaces = []\n"
                                    "dynamic_ownership = 0\n"
                                    "remember_owner = 0\n";
static const char as_root[] = "user = \"root\"\ngroup = \"root\"\n";

/* False, of errno. */
static bool cannot_make(const char *path, GError **error)
{
    fail(error, errno == EACCES || errno == EPERM ? EACCES : EIO, "cannot make %s: %s", path,
         g_strerror(errno));
    return false;
}

static bool make_directory(const char *path, GError **error)
{
    return g_mkdir_with_parents(path, 0711) == 0 || cannot_make(path, error);
}

static bool write_configuration(const char *root, GError **error)
{
    g_autofree char *file = g_build_filename(root, "etc", "qemu.conf", NULL);
    g_autofree char *text = g_strconcat(configuration, geteuid() == 0 ? as_root : NULL, NULL);
    g_autoptr(GError) cause = NULL;
    if (g_file_test(file, G_FILE_TEST_EXISTS) ||
        g_file_set_contents_full(file, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, &cause))
        return true;
    fail(error, EIO, "cannot write %s: %s", file, cause->message);
    return false;
}

/*
 * Another process has the root, perhaps our own predecessor on its way out. libvirt would find
 * out too, but then refuse to be asked again. Not to be called when the root is open: closing the
 * file gives up this process's own lock on it.
 */
static bool is_free(const char *root, GError **error)
{
    struct flock held = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    g_autofree char *file = g_build_filename(root, "run", "qemu", "driver.pid", NULL);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    bool taken = fcntl(fd, F_GETLK, &held) == 0 && held.l_type != F_UNLCK;
    close(fd);
    if (taken)
        fail(error, EHOSTDOWN, "%s is in use by process %ld", root, (long)held.l_pid);
    return !taken;
}

static bool prepare(const char *root, GError **error)
{
    g_autofree char *etc = g_build_filename(root, "etc", NULL);
    g_autofree char *log = g_build_filename(root, "log", NULL);
    if (!make_directory(etc, error) || !make_directory(log, error) ||
        !write_configuration(root, error))
        return false;
    return virt_embed_in_use() || is_free(root, error);
}

/* As prepare() would find it, with nothing made. */
static bool could_prepare(const char *root, GError **error)
{
    g_autofree char *there = g_strdup(root);
    while (access(there, F_OK) < 0 && errno == ENOENT) {
        char *parent = g_path_get_dirname(there);
        g_free(there);
        there = parent;
    }
    return access(there, W_OK | X_OK) == 0 || cannot_make(root, error);
}

void virt_try_in(const char *directory)
{
    trial = g_build_filename(directory, "embed", NULL);
    virt_log_in(directory);
}

char *virt_embed_uri(const char *root)
{
    g_autofree char *escaped = g_uri_escape_string(root, "/", FALSE);
    return g_strdup_printf("qemu:///embed?root=%s", escaped);
}

char *virt_embed_trial_uri(void)
{
    return trial ? virt_embed_uri(trial) : NULL;
}

static bool claim(const char *root, GError **error)
{
    g_mutex_lock(&lock);
    bool mine = !claimed || strcmp(claimed, root) == 0;
    if (!claimed)
        claimed = g_strdup(root);
    if (!mine)
        fail(error, EOPNOTSUPP, "the embedded driver can have one root in a process, and it is %s",
             claimed);
    g_mutex_unlock(&lock);
    return mine;
}

bool virt_embed_claim(const char *root, GError **error)
{
    if (!claim(root, error))
        return false;
    if (trial ? could_prepare(root, error) && prepare(trial, error) : prepare(root, error)) {
        g_atomic_int_set(&loaded, true);
        return true;
    }
    virt_embed_settle(root, false);
    return false;
}

void virt_embed_settle(const char *root, bool success)
{
    g_mutex_lock(&lock);
    opened = opened || success;
    if (!opened && g_strcmp0(claimed, root) == 0)
        g_clear_pointer(&claimed, g_free);
    g_mutex_unlock(&lock);
}

bool virt_embed_in_use(void)
{
    return g_atomic_int_get(&loaded);
}
