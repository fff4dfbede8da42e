/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/mount.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "core/error.h"
#include "core/spec/spec.h"

/* "36 35 98:0 /root /mount/point rw,noatime - fuse.cloudfs source options"; blanks in paths are
 * written as \040, which g_strcompress() takes back. */
static bool line_is_cloudfs(const char *line, const char *path)
{
    g_auto(GStrv) halves = g_strsplit(line, " - ", 2);
    g_auto(GStrv) fields = halves[0] ? g_strsplit(halves[0], " ", 6) : NULL;
    g_autofree char *at = NULL;

    if (!halves[0] || !halves[1] || g_strv_length(fields) < 5)
        return false;
    at = g_strcompress(fields[4]);
    return strcmp(at, path) == 0 && g_str_has_prefix(halves[1], "fuse.cloudfs ");
}

bool mount_is_cloudfs(const char *mountinfo, const char *path)
{
    g_auto(GStrv) lines = g_strsplit(mountinfo, "\n", -1);
    bool found = false;

    for (char **line = lines; *line && !found; line++)
        found = line_is_cloudfs(*line, path);
    return found;
}

static void fail_place(const char *dir, int err, GError **error)
{
    if (err == ENOTCONN)
        fail(error, err, "%s is what a dead mount left; try: fusermount3 -u %s", dir, dir);
    else
        fail(error, err, "cannot mount on %s: %s", dir, g_strerror(err));
}

/* Its attributes may still be cached by the kernel; statfs(2) never is. */
static bool is_dead(const char *path)
{
    struct statvfs st;

    return statvfs(path, &st) != 0 && errno == ENOTCONN;
}

static bool check_free(const char *path, GError **error)
{
    g_autofree char *mountinfo = NULL;

    if (!g_file_get_contents("/proc/self/mountinfo", &mountinfo, NULL, NULL) ||
        !mount_is_cloudfs(mountinfo, path))
        return true;
    if (is_dead(path))
        fail_place(path, ENOTCONN, error);
    else
        fail(error, EBUSY, "a cloudfs is mounted on %s already", path);
    return false;
}

char *mount_point(const char *dir, GError **error)
{
    char *real = realpath(dir, NULL); /* freed with g_free: the same */
    struct stat st;
    int err = real && stat(real, &st) == 0 ? 0 : errno;

    if (!err && !S_ISDIR(st.st_mode))
        err = ENOTDIR;
    if (err)
        fail_place(dir, err, error);
    if (err || !check_free(real, error))
        g_clear_pointer(&real, g_free);
    return real;
}

/* PATH without links, as far as it is there. */
static char *resolve(const char *path)
{
    g_autofree char *full = g_canonicalize_filename(path, NULL);
    g_autofree char *real = realpath(full, NULL);
    g_autofree char *dir = NULL, *name = NULL;

    if (real)
        return g_steal_pointer(&real);
    name = g_path_get_basename(full);
    full[strlen(full) - strlen(name)] = '\0'; /* its directory: "/" is always there */
    dir = resolve(full);
    return g_build_filename(dir, name, NULL);
}

bool mount_hides(const char *mountpoint, const char *path)
{
    g_autofree char *real = resolve(path);
    const char *mounts[] = {mountpoint, NULL};

    return spec_path_below(real, mounts);
}

/* ---- into the background */

static int ready_pipe = -1; /* the child's end; -1: in the foreground */

/* False: it ended before it was ready. */
static bool wait_for_child(int fd)
{
    char byte;
    ssize_t n;

    do
        n = read(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    close(fd);
    return n == 1;
}

bool daemon_begin(bool *parent, GError **error)
{
    int fds[2];
    pid_t child;

    if (pipe2(fds, O_CLOEXEC) != 0) {
        fail(error, errno, "cannot go to the background: %s", g_strerror(errno));
        return false;
    }
    child = fork();
    if (child < 0) {
        fail(error, errno, "cannot go to the background: %s", g_strerror(errno));
        close(fds[0]);
        close(fds[1]);
        return false;
    }
    close(fds[child == 0 ? 0 : 1]);
    *parent = child > 0;
    if (child > 0)
        return wait_for_child(fds[0]);
    ready_pipe = fds[1];
    setsid();
    return true;
}

/* What is printed from now on goes to the journal, where there is one. */
static void leave_terminal(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int log = sd_journal_stream_fd("cloudfs", LOG_WARNING, 0);

    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(log >= 0 ? log : null, STDERR_FILENO);
    if (log > STDERR_FILENO)
        close(log);
    if (null > STDERR_FILENO)
        close(null);
}

void daemon_ready(void)
{
    if (ready_pipe < 0)
        return;
    if (chdir("/") != 0) { /* then the directory stays in use: no harm else */
    }
    leave_terminal();
    if (write(ready_pipe, "", 1) != 1) { /* the parent is gone: nobody to tell */
    }
    close(ready_pipe);
    ready_pipe = -1;
}
