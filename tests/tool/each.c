/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * each stat|read LIST: lstat(2), or open, read to the end and close, of each path in LIST, a line
 * each. What find and cat do, without what they do besides.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int stat_one(const char *path)
{
    struct stat st;

    return lstat(path, &st);
}

static int read_one(const char *path)
{
    static char buffer[131072];
    int fd = open(path, O_RDONLY);
    ssize_t n;

    if (fd < 0)
        return -1;
    do {
        n = read(fd, buffer, sizeof buffer);
    } while (n > 0);
    close(fd);
    return n < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    int (*one)(const char *path) = argc == 3 && argv[1][0] == 's' ? stat_one : read_one;
    FILE *list = argc == 3 ? fopen(argv[2], "r") : NULL;
    char path[4096];
    int failed = 0;

    if (!list) {
        fputs("usage: each stat|read LIST\n", stderr);
        return 2;
    }
    while (fgets(path, sizeof path, list)) {
        path[strcspn(path, "\n")] = '\0';
        if (one(path) != 0 && !failed++)
            fprintf(stderr, "each: %s: %s\n", path, strerror(errno));
    }
    fclose(list);
    return failed != 0;
}
