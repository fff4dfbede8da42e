/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * random: random sequences of file operations on a mount, and a model of what must come of them.
 *
 *     random MOUNT WORKER SECONDS SEED TRACE >model
 *
 * A worker owns the VMs w<WORKER>-<0…>, of which it knows exactly what must be true, and throws
 * the same operations at names that it shares with the others, where only the answers' sanity
 * can be told. In the end it prints what must be there, a line a VM: its name, then "draft", or
 * the text of its spec, encoded as a number; and says on standard error what was wrong. Every
 * call and its answer is in the file TRACE.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OWN = 6, SHARED = 4, PATH_SIZE = 512, TEXT_SIZE = 256 };
enum { NONE = -2, DRAFT = -1 }; /* else the number of its spec */

static char mount_point[256];
static int worker, failures;
static FILE *trace;
static unsigned long operations;
static unsigned seed;
static int model[OWN];

static int below(int n)
{
    return (int)(rand_r(&seed) % (unsigned)n);
}

static void wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void wrong(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "worker %d, operation %lu: ", worker, operations);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    failures++;
}

/* Every errno has its meaning; these have none here. */
static int checked(const char *what, const char *path, int result)
{
    static const int insane[] = {ENOSYS, EIO, EFAULT, ENOTCONN, ECONNABORTED, EPROTO, ENOMEM};
    int err = result < 0 ? errno : 0;

    fprintf(trace, "%lu %s %s %s\n", operations, what, path, err ? strerrorname_np(err) : "ok");
    for (size_t i = 0; i < sizeof insane / sizeof insane[0]; i++)
        if (err == insane[i])
            wrong("%s %s: %s", what, path, strerrorname_np(err));
    return err;
}

/* ---- names */

struct target {
    int own; /* -1: shared */
    char name[32];
    char dir[PATH_SIZE], spec[PATH_SIZE], flat[PATH_SIZE];
};

static void name_target(struct target *t, int own, int number)
{
    t->own = own ? number : -1;
    if (own)
        snprintf(t->name, sizeof t->name, "w%d-%d", worker, number);
    else
        snprintf(t->name, sizeof t->name, "shared-%d", number);
    snprintf(t->dir, PATH_SIZE, "%s/vms/%s", mount_point, t->name);
    snprintf(t->spec, PATH_SIZE, "%s/vms/%s/spec", mount_point, t->name);
    snprintf(t->flat, PATH_SIZE, "%s/specs/vms/%s.ini", mount_point, t->name);
}

static void pick(struct target *t)
{
    bool own = below(4) != 0;

    name_target(t, own, below(own ? OWN : SHARED));
}

static bool exists(const struct target *t)
{
    struct stat st;

    return stat(t->dir, &st) == 0;
}

static int known(const struct target *t)
{
    return t->own < 0 ? NONE : model[t->own];
}

/* What is true of T now, when an operation was answered by ERR. */
static void becomes(const struct target *t, int state)
{
    if (t->own >= 0)
        model[t->own] = state;
}

/* ---- specs */

static int spec_text(char *text, int number)
{
    return snprintf(text, TEXT_SIZE, "# spec %d of worker %d\ncpus = %d\nmemory = %dMiB\n", number,
                    worker, number % 3 + 1, 16 + number % 16);
}

static int bad_text(char *text)
{
    static const char *const bad[] = {"cpus = none\n",   "cpus = 1\ncpus = 2\n",
                                      "nothing\n",       "memory = 32MiB\nimage = ../x\n",
                                      "cpus = 400000\n", "memory = lots"};

    return snprintf(text, TEXT_SIZE, "%s", bad[below(sizeof bad / sizeof bad[0])]);
}

/* In one piece or several, with what editors do before and after. */
static int write_file(const char *path, int flags, const char *text, int len)
{
    int fd = open(path, O_WRONLY | O_CREAT | flags, 0644);
    int err = checked("open", path, fd);
    int done = 0;

    if (err)
        return err;
    if (below(8) == 0)
        checked("ftruncate", path, ftruncate(fd, 0));
    while (!err && done < len) {
        int part = below(3) == 0 ? below(len - done) + 1 : len - done;
        ssize_t n = write(fd, text + done, (size_t)part);

        err = checked("write", path, (int)n);
        done += n > 0 ? (int)n : 0;
    }
    if (!err && below(4) == 0)
        err = checked("fsync", path, fsync(fd));
    int close_err = checked("close", path, close(fd));
    return err ? err : close_err;
}

/* What lost a part only, in do_remove_parts(), is not empty: then as `rm -r` has it. */
static int remove_object(const struct target *t)
{
    int err = checked("rmdir", t->dir, rmdir(t->dir));

    if (err != ENOTEMPTY)
        return err;
    checked("unlink", t->spec, unlink(t->spec));
    return checked("rmdir", t->dir, rmdir(t->dir));
}

/* After a write that must have been taken or, being refused, have changed nothing. */
static void wrote(const struct target *t, int number, int err)
{
    if (!err)
        becomes(t, number);
    else if (known(t) == NONE)
        remove_object(t); /* a draft that it may have left */
    if (err && err != EBUSY && err != ENOENT && t->own >= 0 && number >= 0)
        wrong("a sound spec of %s is refused: %s", t->name, strerrorname_np(err));
}

static void do_write(struct target *t)
{
    char text[TEXT_SIZE];
    int number = below(1000);
    int len = spec_text(text, number);
    bool flat = below(2) == 0;

    wrote(t, number, write_file(flat ? t->flat : t->spec, O_TRUNC, text, len));
}

static void do_write_bad(struct target *t)
{
    char text[TEXT_SIZE];
    int len = bad_text(text);
    int err = write_file(below(2) ? t->flat : t->spec, O_TRUNC, text, len);

    if (!err)
        wrong("a bad spec of %s is taken: %s", t->name, text);
    else
        wrote(t, NONE, err);
}

/* As sed -i, rsync and git do it. */
static void do_replace(struct target *t)
{
    char text[TEXT_SIZE], temporary[PATH_SIZE + 16];
    bool flat = below(2) == 0, bad = below(4) == 0;
    const char *path = flat ? t->flat : t->spec;
    int number = below(1000);
    int len = bad ? bad_text(text) : spec_text(text, number);
    int err;

    snprintf(temporary, sizeof temporary, "%s.%d.tmp", path, worker);
    err = write_file(temporary, O_EXCL, text, len);
    if (!err)
        err = checked("rename", path, rename(temporary, path));
    if (err)
        checked("unlink", temporary, unlink(temporary));
    if (bad && !err)
        wrong("a bad spec is renamed onto %s: %s", path, text);
    wrote(t, bad ? NONE : number, err);
}

/* As tar, install and git do it. */
static void do_unlink_and_write(struct target *t)
{
    char text[TEXT_SIZE];
    int number = below(1000);
    int len = spec_text(text, number);
    const char *path = below(2) ? t->flat : t->spec;

    int err = checked("unlink", path, unlink(path));
    wrote(t, number, write_file(path, err && err != ENOENT ? O_TRUNC : O_EXCL, text, len));
}

/* ---- objects */

static void do_mkdir(struct target *t)
{
    int err = checked("mkdir", t->dir, mkdir(t->dir, 0755));

    if (!err && known(t) == NONE)
        becomes(t, DRAFT);
    else if (t->own >= 0 && (err == EEXIST) != (known(t) != NONE))
        wrong("mkdir %s: %s", t->name, err ? strerrorname_np(err) : "ok");
}

static void do_rmdir(struct target *t)
{
    int err = remove_object(t);

    if (t->own >= 0 && !err && exists(t))
        wrong("rmdir %s: it is still there", t->name);
    if (t->own >= 0 && err && err != EBUSY && (err != ENOENT || known(t) != NONE))
        wrong("rmdir %s: %s", t->name, strerrorname_np(err));
    if (!err)
        becomes(t, NONE);
}

/* Its file in specs/ goes; then the VM does, after the grace. */
static void do_drop(struct target *t)
{
    static const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    int err = checked("unlink", t->flat, unlink(t->flat));

    if (t->own < 0 || err)
        return;
    for (int i = 0; i < 400 && exists(t); i++)
        nanosleep(&pause, NULL);
    if (exists(t))
        wrong("%s is still there, long after its file in specs/ was removed", t->name);
    becomes(t, NONE);
}

static void do_rename(struct target *t)
{
    struct target to;
    int err;

    name_target(&to, t->own >= 0, below(t->own >= 0 ? OWN : SHARED));
    if (strcmp(to.name, t->name) == 0)
        return;
    err = checked("rename", t->dir, rename(t->dir, to.dir));
    if (err || t->own < 0)
        return;
    if (known(&to) != NONE)
        wrong("%s was renamed onto %s", t->name, to.name);
    if (known(t) == NONE)
        wrong("%s was renamed and should not be there", t->name);
    becomes(&to, known(t));
    becomes(t, NONE);
}

static void do_plan(struct target *t)
{
    char dir[PATH_SIZE], spec[PATH_SIZE + 8], text[TEXT_SIZE];
    int number = below(1000);
    int len = spec_text(text, number);
    int err;

    snprintf(dir, sizeof dir, "%s/plan/%s", mount_point, t->name);
    snprintf(spec, sizeof spec, "%s/spec", dir);
    checked("mkdir", dir, mkdir(dir, 0755));
    err = write_file(spec, O_TRUNC, text, len);
    if (!err)
        err = checked("rename", dir, rename(dir, t->dir));
    if (!err && known(t) != NONE && t->own >= 0)
        wrong("a plan was renamed onto %s", t->name);
    if (!err)
        becomes(t, number);
    else
        checked("rmdir", dir, rmdir(dir));
}

/* ---- what changes nothing */

static void do_truncate(struct target *t)
{
    const char *path = below(2) ? t->flat : t->spec;
    int fd;

    checked("truncate", path, truncate(path, 0));
    fd = open(path, O_WRONLY | O_TRUNC);
    if (checked("open", path, fd) == 0)
        checked("close", path, close(fd));
}

static void do_scratch(struct target *t)
{
    char path[PATH_SIZE + 32], to[PATH_SIZE + 32];

    snprintf(path, sizeof path, "%s/note.%d", t->dir, worker);
    snprintf(to, sizeof to, "%s/.note.%d~", t->dir, worker);
    if (write_file(path, O_TRUNC, "cpus = none\n", 12) != 0)
        return;
    checked("rename", path, rename(path, to));
    checked("chmod", to, chmod(to, 0600));
    checked("unlink", to, unlink(to));
}

static void do_remove_parts(struct target *t)
{
    static const char *const parts[] = {"spec", "state", "ctl", "host", "score", "error"};
    char path[PATH_SIZE + 16];

    snprintf(path, sizeof path, "%s/%s", t->dir, parts[below(6)]);
    checked("unlink", path, unlink(path));
}

static void do_read(struct target *t)
{
    static const char *const parts[] = {"spec", "state", "placement", "score", "domain.xml"};
    char path[PATH_SIZE + 16], buffer[4096];
    int fd;

    snprintf(path, sizeof path, "%s/%s", t->dir, parts[below(5)]);
    fd = open(path, O_RDONLY);
    if (checked("open", path, fd) != 0)
        return;
    checked("read", path, (int)read(fd, buffer, sizeof buffer));
    checked("close", path, close(fd));
}

static void step(void)
{
    static void (*const steps[])(struct target * t) = {
        do_write,  do_write, do_write_bad, do_replace, do_replace,
        do_mkdir,  do_mkdir, do_rmdir,     do_drop,    do_unlink_and_write,
        do_rename, do_plan,  do_truncate,  do_scratch, do_remove_parts,
        do_read,
    };
    struct target t;

    pick(&t);
    steps[below(sizeof steps / sizeof steps[0])](&t);
    operations++;
}

int main(int argc, char **argv)
{
    struct timespec now, end;

    if (argc != 6) {
        fputs("usage: random MOUNT WORKER SECONDS SEED TRACE\n", stderr);
        return 2;
    }
    snprintf(mount_point, sizeof mount_point, "%s", argv[1]);
    worker = atoi(argv[2]);
    seed = (unsigned)atoi(argv[4]) + (unsigned)worker;
    trace = fopen(argv[5], "w");
    if (!trace)
        return 2;
    for (int i = 0; i < OWN; i++)
        model[i] = NONE;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += atoi(argv[3]);
    do {
        step();
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec < end.tv_sec && failures == 0); /* what follows would be wrong too */
    for (int i = 0; i < OWN; i++)
        if (model[i] != NONE)
            printf("w%d-%d %d\n", worker, i, model[i]);
    fclose(trace);
    fprintf(stderr, "worker %d: %lu operations, %d wrong\n", worker, operations, failures);
    return failures > 0;
}
