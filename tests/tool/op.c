/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * op: one system call, and the name of its errno. A shell says "Invalid argument" for all of
 * open, write and close, and says nothing at all when close fails after a builtin's echo.
 *
 *     op write FILE TEXT       ok, or the step that failed and its errno: "write EINVAL"
 *     op append|exclusive FILE TEXT       the same with O_APPEND, with O_EXCL
 *     op create FILE r|w|rw    open(2) with O_CREAT, of what may be there; "open EACCES"
 *     op mkdir|rmdir|unlink|read|list|mknod|mkfifo|statfs PATH
 *     op powercut DIRECTORY    of an ext4: what was not synced is lost, nothing is written any more
 *     op chmod|truncate PATH NUMBER       in octal, in bytes
 *     op chown PATH UID
 *     op setxattr|getxattr|removexattr PATH NAME
 *     op rename|exchange|noreplace|link|symlink FROM TO
 *     op poll FILE SECONDS     "changed" or "timeout", after reading FILE to its end
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { USAGE = 2 };

static int say(const char *step, int failed)
{
    if (failed) {
        printf("%s%s\n", step, strerrorname_np(errno));
        return 1;
    }
    puts("ok");
    return 0;
}

static int write_text(const char *file, int flags, const char *text)
{
    int fd = open(file, O_WRONLY | flags, 0644);
    if (fd < 0)
        return say("open ", 1);
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        say("write ", 1);
        close(fd);
        return 1;
    }
    return say("close ", close(fd));
}

static int create(const char *file, const char *access)
{
    int flags = strcmp(access, "r") == 0 ? O_RDONLY : strcmp(access, "w") == 0 ? O_WRONLY : O_RDWR;
    int fd = open(file, O_CREAT | flags, 0600);
    if (fd < 0)
        return say("open ", 1);
    return say("close ", close(fd));
}

static int read_all(const char *file)
{
    char buffer[4096];
    int fd = open(file, O_RDONLY);
    if (fd < 0)
        return say("open ", 1);
    ssize_t n;
    do {
        n = read(fd, buffer, sizeof buffer);
    } while (n > 0);
    if (n < 0)
        return say("read ", 1);
    return say("close ", close(fd));
}

static int list(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir)
        return say("", 1);
    errno = 0;
    while (readdir(dir))
        continue;
    int failed = errno;
    closedir(dir);
    errno = failed;
    return say("", failed);
}

static int poll_file(const char *file, int seconds)
{
    char buffer[65536];
    int fd = open(file, O_RDONLY);
    if (fd < 0)
        return say("open ", 1);
    while (read(fd, buffer, sizeof buffer) > 0)
        continue;
    struct pollfd one = {.fd = fd, .events = POLLPRI};
    int n = poll(&one, 1, seconds * 1000);
    puts(n > 0 ? "changed" : "timeout");
    close(fd);
    return n <= 0;
}

/* Nothing that is not on the disk yet comes there any more, as a power cut has it. */
static int cut_power(const char *directory)
{
    /* EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH: in no header of Debian 12. */
    const unsigned long shutdown = _IOR('X', 125, __u32);
    __u32 flags = 2;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = say("", fd < 0 ? -1 : ioctl(fd, shutdown, &flags));

    if (fd >= 0)
        close(fd);
    return status;
}

static int one_path(const char *what, const char *path)
{
    struct statvfs st;

    if (strcmp(what, "mkdir") == 0)
        return say("", mkdir(path, 0755));
    if (strcmp(what, "rmdir") == 0)
        return say("", rmdir(path));
    if (strcmp(what, "unlink") == 0)
        return say("", unlink(path));
    if (strcmp(what, "read") == 0)
        return read_all(path);
    if (strcmp(what, "list") == 0)
        return list(path);
    if (strcmp(what, "mknod") == 0)
        return say("", mknod(path, S_IFCHR | 0600, makedev(1, 3)));
    if (strcmp(what, "mkfifo") == 0)
        return say("", mkfifo(path, 0600));
    if (strcmp(what, "powercut") == 0)
        return cut_power(path);
    if (strcmp(what, "statfs") == 0)
        return say("", statvfs(path, &st));
    return USAGE;
}

static int two_names(const char *what, const char *a, const char *b)
{
    if (strcmp(what, "rename") == 0)
        return say("", rename(a, b));
    if (strcmp(what, "exchange") == 0)
        return say("", renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE));
    if (strcmp(what, "noreplace") == 0)
        return say("", renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE));
    if (strcmp(what, "link") == 0)
        return say("", link(a, b));
    if (strcmp(what, "symlink") == 0)
        return say("", symlink(a, b));
    return USAGE;
}

static int with_text(const char *what, const char *file, const char *text)
{
    if (strcmp(what, "write") == 0)
        return write_text(file, O_CREAT | O_TRUNC, text);
    if (strcmp(what, "append") == 0)
        return write_text(file, O_APPEND, text);
    if (strcmp(what, "exclusive") == 0)
        return write_text(file, O_CREAT | O_EXCL, text);
    if (strcmp(what, "create") == 0)
        return create(file, text);
    return USAGE;
}

static int attribute(const char *what, const char *path, const char *value)
{
    char buffer[256];

    if (strcmp(what, "chmod") == 0)
        return say("", chmod(path, (mode_t)strtoul(value, NULL, 8)));
    if (strcmp(what, "chown") == 0)
        return say("", chown(path, (uid_t)strtoul(value, NULL, 10), (gid_t)-1));
    if (strcmp(what, "truncate") == 0)
        return say("", truncate(path, strtol(value, NULL, 10)));
    if (strcmp(what, "setxattr") == 0)
        return say("", setxattr(path, value, "x", 1, 0));
    if (strcmp(what, "getxattr") == 0)
        return say("", getxattr(path, value, buffer, sizeof buffer) < 0);
    if (strcmp(what, "removexattr") == 0)
        return say("", removexattr(path, value));
    if (strcmp(what, "poll") == 0)
        return poll_file(path, atoi(value));
    return USAGE;
}

static int run(int argc, char **argv)
{
    int status = USAGE;

    if (argc == 3)
        status = one_path(argv[1], argv[2]);
    if (argc == 4)
        status = two_names(argv[1], argv[2], argv[3]);
    if (argc == 4 && status == USAGE)
        status = with_text(argv[1], argv[2], argv[3]);
    if (argc == 4 && status == USAGE)
        status = attribute(argv[1], argv[2], argv[3]);
    return status;
}

int main(int argc, char **argv)
{
    int status = run(argc, argv);

    if (status == USAGE)
        fputs("usage: op OPERATION PATH [ARGUMENT]; tests/tool/op.c has the list\n", stderr);
    return status;
}
