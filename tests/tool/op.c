/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * op: one system call, and the name of its errno. A shell says "Invalid argument" for all of
 * open, write and close, and says nothing at all when close fails after a builtin's echo.
 *
 *     op write FILE TEXT     ok, or the step that failed and its errno: "write EINVAL"
 *     op append FILE TEXT
 *     op mkdir|rmdir|unlink|read PATH
 *     op rename|link|symlink FROM TO
 *     op poll FILE SECONDS   "changed" or "timeout"
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int one_path(const char *what, const char *path)
{
    if (strcmp(what, "mkdir") == 0)
        return say("", mkdir(path, 0755));
    if (strcmp(what, "rmdir") == 0)
        return say("", rmdir(path));
    if (strcmp(what, "unlink") == 0)
        return say("", unlink(path));
    if (strcmp(what, "read") == 0)
        return read_all(path);
    return 2;
}

static int two_words(const char *what, const char *a, const char *b)
{
    if (strcmp(what, "write") == 0)
        return write_text(a, O_CREAT | O_TRUNC, b);
    if (strcmp(what, "append") == 0)
        return write_text(a, O_APPEND, b);
    if (strcmp(what, "rename") == 0)
        return say("", rename(a, b));
    if (strcmp(what, "link") == 0)
        return say("", link(a, b));
    if (strcmp(what, "symlink") == 0)
        return say("", symlink(a, b));
    if (strcmp(what, "poll") == 0)
        return poll_file(a, atoi(b));
    return 2;
}

int main(int argc, char **argv)
{
    int status = 2;
    if (argc == 3)
        status = one_path(argv[1], argv[2]);
    else if (argc == 4)
        status = two_words(argv[1], argv[2], argv[3]);
    if (status == 2)
        fputs("usage: op mkdir|rmdir|unlink|read PATH\n"
              "       op write|append|rename|link|symlink|poll PATH ARGUMENT\n",
              stderr);
    return status;
}
