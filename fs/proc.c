/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The value of "\nKEY:\t…"; KEY comes with the newline and the colon. */
static const char *field(const char *status, const char *key)
{
    const char *at = strstr(status, key);

    return at ? at + strlen(key) : NULL;
}

static pid_t parse_pid(const char *status, const char *key)
{
    const char *value = field(status, key);
    long pid = value ? strtol(value, NULL, 10) : 0;

    return pid > 0 && pid <= G_MAXINT ? (pid_t)pid : 0;
}

pid_t proc_parse_tgid(const char *status)
{
    return parse_pid(status, "\nTgid:");
}

pid_t proc_parse_parent(const char *status)
{
    return parse_pid(status, "\nPPid:");
}

static uint64_t signals(const char *status, const char *key)
{
    const char *value = field(status, key);

    return value ? strtoull(value, NULL, 16) : 0;
}

static uint64_t bit(int number)
{
    return G_GUINT64_CONSTANT(1) << (number - 1);
}

bool proc_parse_noise(const char *status)
{
    uint64_t pending = signals(status, "\nSigPnd:") | signals(status, "\nShdPnd:");
    uint64_t noise = bit(SIGCHLD) | bit(SIGURG) | bit(SIGWINCH) | bit(SIGCONT);

    pending &= ~signals(status, "\nSigBlk:");
    return pending != 0 && (pending & ~noise) == 0;
}

bool proc_parse_is(const char *status, const char *name)
{
    size_t len = strlen(name);

    return g_str_has_prefix(status, "Name:\t") && strncmp(status + 6, name, len) == 0 &&
           (status[6 + len] == '\n' || status[6 + len] == '-');
}

static bool is_exclusive(unsigned long flags)
{
    return (flags & O_CREAT) && (flags & O_EXCL);
}

/* "NUMBER ARGUMENT ARGUMENT …", the arguments in hexadecimal. */
bool proc_parse_makes_new(const char *syscall)
{
    unsigned long number, args[3] = {0};

    if (sscanf(syscall, "%lu %lx %lx %lx", &number, &args[0], &args[1], &args[2]) != 4)
        return false;
    switch (number) {
#ifdef SYS_open
    case SYS_open:
        return is_exclusive(args[1]);
    case SYS_symlink:
    case SYS_mkdir:
        return true;
#endif
    case SYS_openat:
        return is_exclusive(args[2]);
    case SYS_symlinkat:
    case SYS_mkdirat:
        return true;
    default:
        return false;
    }
}

bool proc_parse_makes_private(const char *syscall)
{
    unsigned long number, args[4] = {0}, flags = 0, mode = 0;

    if (sscanf(syscall, "%lu %lx %lx %lx %lx", &number, &args[0], &args[1], &args[2], &args[3]) !=
        5)
        return false;
    if (number == SYS_openat) {
        flags = args[2];
        mode = args[3];
    }
#ifdef SYS_open
    if (number == SYS_open) {
        flags = args[1];
        mode = args[2];
    }
#endif
    return (flags & O_CREAT) && (mode & 0600) == 0600 && (mode & 0077) == 0;
}

static char *read_file(pid_t tid, const char *name)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)tid, name);
    char *text = NULL;

    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

enum { START_BYTES = 512 };

/* The first bytes of a file, which have what most ask for, with a NUL at their end. */
static bool read_start(pid_t tid, const char *name, char text[START_BYTES])
{
    char path[64];
    ssize_t len;
    int fd;

    if (tid <= 0)
        return false;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)tid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    len = read(fd, text, START_BYTES - 1);
    close(fd);
    text[MAX(len, 0)] = '\0';
    return len > 0;
}

/* Most threads are the first of their process. A signal that is none reaches a thread of this
 * process or nobody, and that is cheaper to ask than a file. */
static bool leads(pid_t tid)
{
    return tid > 0 && (tgkill(tid, tid, 0) == 0 || errno != ESRCH);
}

pid_t proc_tgid(pid_t tid)
{
    char status[START_BYTES];
    pid_t tgid = leads(tid) ? tid : read_start(tid, "status", status) ? proc_parse_tgid(status) : 0;

    return tgid ? tgid : tid;
}

enum { LOOK_AGAIN_US = 50, LOOK_LAST_US = 50 * 1000 };

/*
 * The kernel tells a call of a thread that waits only. One that has asked us is on its way to wait;
 * its processor may have something else to do before, or signals (a Go program has many) may have
 * woken it for a moment. So "running" is asked again, for a tenth of a second in all.
 */
static bool read_syscall(pid_t tid, char text[START_BYTES])
{
    for (unsigned wait_us = LOOK_AGAIN_US; read_start(tid, "syscall", text); wait_us *= 2) {
        if (!g_str_has_prefix(text, "running") || wait_us > LOOK_LAST_US)
            return true;
        g_usleep(wait_us);
    }
    return false;
}

bool proc_makes_new(pid_t tid)
{
    char syscall[START_BYTES];

    return read_syscall(tid, syscall) && proc_parse_makes_new(syscall);
}

bool proc_makes_private(pid_t tid)
{
    char syscall[START_BYTES];

    return read_syscall(tid, syscall) && proc_parse_makes_private(syscall);
}

GPtrArray *proc_open_paths(pid_t tid)
{
    g_autofree char *folder = g_strdup_printf("/proc/%d/fd", (int)tid);
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = tid > 0 ? g_dir_open(folder, 0, NULL) : NULL;
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *link = g_build_filename(folder, name, NULL);
        char *path = g_file_read_link(link, NULL);

        if (path)
            g_ptr_array_add(paths, path);
    }
    g_clear_pointer(&dir, g_dir_close);
    return paths;
}

pid_t proc_parent(pid_t tid)
{
    char status[START_BYTES];

    return read_start(tid, "status", status) ? proc_parse_parent(status) : 0;
}

bool proc_only_noise(pid_t tid)
{
    g_autofree char *status = tid > 0 ? read_file(tid, "status") : NULL;

    return status && proc_parse_noise(status);
}

bool proc_is(pid_t tid, const char *name)
{
    char status[START_BYTES];

    return read_start(tid, "status", status) && proc_parse_is(status, name);
}
