/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * churn MOUNT OPERATIONS FIRST: so many operations, as months bring them: VMs are made, looked at,
 * changed, renamed and removed, some as services; their names are numbered from FIRST, so that
 * several can run. Nothing is left in the end. An operation is a call that names something, with
 * what it takes to read or write it to the end. One that fails is said on standard error, and ends
 * it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 512, READ_SIZE = 128 * 1024, BATCH = 8 };

static const char *mount_point;
static unsigned long done;

static void path_of(char *path, const char *format, va_list args)
{
    int n = snprintf(path, PATH_SIZE, "%s/", mount_point);

    vsnprintf(path + n, (size_t)(PATH_SIZE - n), format, args);
}

static void must(int result, const char *what, const char *path)
{
    done++;
    if (result >= 0)
        return;
    fprintf(stderr, "operation %lu: %s %s: %s\n", done, what, path, strerror(errno));
    exit(EXIT_FAILURE);
}

__attribute__((format(printf, 1, 2))) static void make(const char *format, ...)
{
    char path[PATH_SIZE];
    va_list args;

    va_start(args, format);
    path_of(path, format, args);
    va_end(args);
    must(mkdir(path, 0755), "mkdir", path);
}

__attribute__((format(printf, 1, 2))) static void destroy(const char *format, ...)
{
    char path[PATH_SIZE];
    va_list args;

    va_start(args, format);
    path_of(path, format, args);
    va_end(args);
    must(rmdir(path), "rmdir", path);
}

__attribute__((format(printf, 2, 3))) static void put(const char *text, const char *format, ...)
{
    char path[PATH_SIZE];
    va_list args;
    int fd, err;

    va_start(args, format);
    path_of(path, format, args);
    va_end(args);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    err = fd < 0 || write(fd, text, strlen(text)) < 0;
    must((fd >= 0 && close(fd) != 0) || err ? -1 : 0, "write", path);
}

__attribute__((format(printf, 1, 2))) static void look(const char *format, ...)
{
    static char part[READ_SIZE];
    char path[PATH_SIZE];
    va_list args;
    ssize_t n = -1;
    int fd;

    va_start(args, format);
    path_of(path, format, args);
    va_end(args);
    fd = open(path, O_RDONLY);
    while (fd >= 0 && (n = read(fd, part, sizeof part)) > 0)
        ;
    must((int)n, "read", path);
    close(fd);
}

__attribute__((format(printf, 1, 2))) static void list(const char *format, ...)
{
    char path[PATH_SIZE];
    va_list args;
    DIR *dir;

    va_start(args, format);
    path_of(path, format, args);
    va_end(args);
    dir = opendir(path);
    must(dir ? 0 : -1, "list", path);
    while (readdir(dir))
        ;
    closedir(dir);
}

/* As an editor saves: a scratch file that is renamed onto the spec. */
static void edit(unsigned long n, const char *text)
{
    char from[PATH_SIZE], to[PATH_SIZE];

    put(text, "vms/vm%lu/.spec.new", n);
    snprintf(from, sizeof from, "%s/vms/vm%lu/.spec.new", mount_point, n);
    snprintf(to, sizeof to, "%s/vms/vm%lu/spec", mount_point, n);
    must(rename(from, to), "rename", to);
}

static void move(unsigned long n)
{
    char from[PATH_SIZE], to[PATH_SIZE];

    snprintf(from, sizeof from, "%s/vms/vm%lu", mount_point, n);
    snprintf(to, sizeof to, "%s/vms/moved%lu", mount_point, n);
    must(rename(from, to), "rename", from);
}

static void one_vm(unsigned long n)
{
    make("vms/vm%lu", n);
    put("cpus = 1\nmemory = 16MiB\n", "vms/vm%lu/spec", n);
    look("vms/vm%lu/state", n);
    look("vms/vm%lu/score", n);
    look("vms/vm%lu/domain.xml", n);
    edit(n, "cpus = 2\nmemory = 16MiB\n");
    list("vms/vm%lu", n);
    put("destroy\n", "vms/vm%lu/ctl", n);
    move(n);
    look("vms/moved%lu/placement", n);
    destroy("vms/moved%lu", n);
}

static void one_service(unsigned long n)
{
    make("services/web%lu", n);
    put("replicas = 2\nspread = none\n[vm]\nmemory = 16MiB\n", "services/web%lu/spec", n);
    list("services/web%lu/vms", n);
    look("services/web%lu/score", n);
    put("scale 1\n", "services/web%lu/ctl", n);
    destroy("services/web%lu", n);
    list("vms");
    look("metrics");
    look("events");
}

int main(int argc, char **argv)
{
    unsigned long wanted;

    if (argc != 4) {
        fprintf(stderr, "usage: churn MOUNT OPERATIONS FIRST\n");
        return 2;
    }
    mount_point = argv[1];
    wanted = strtoul(argv[2], NULL, 10);
    for (unsigned long n = strtoul(argv[3], NULL, 10); done < wanted; n++) {
        if (n % BATCH == 0)
            one_service(n);
        else
            one_vm(n);
    }
    printf("%lu\n", done);
    return EXIT_SUCCESS;
}
