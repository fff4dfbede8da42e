/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/proc.h"

#include <glib.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

static char *read_status(pid_t tid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)tid);
    char *text = NULL;

    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

pid_t proc_tgid(pid_t tid)
{
    g_autofree char *status = tid > 0 ? read_status(tid) : NULL;
    pid_t tgid = status ? proc_parse_tgid(status) : 0;

    return tgid ? tgid : tid;
}

pid_t proc_parent(pid_t tid)
{
    g_autofree char *status = tid > 0 ? read_status(tid) : NULL;

    return status ? proc_parse_parent(status) : 0;
}

bool proc_only_noise(pid_t tid)
{
    g_autofree char *status = tid > 0 ? read_status(tid) : NULL;

    return status && proc_parse_noise(status);
}
