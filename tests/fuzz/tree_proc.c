/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fs/proc.h tells of a process, from its number (tree_proc.h) and not from /proc. */
#include "tests/fuzz/tree_proc.h"

#include "fs/proc.h"

pid_t proc_tgid(pid_t tid)
{
    return tid > 0 ? PROC_ANY | (tid & PROC_GROUP) : tid;
}

pid_t proc_parent(pid_t tid)
{
    return tid > 0 && (tid & PROC_GROUP) ? PROC_ANY | ((tid & PROC_GROUP) - 1) : 0;
}

bool proc_only_noise(pid_t tid)
{
    return tid & PROC_NOISE;
}

bool proc_is(pid_t tid, const char *name)
{
    (void)tid;
    (void)name;
    return false;
}

bool proc_makes_new(pid_t tid)
{
    return tid & PROC_NEW;
}

bool proc_makes_private(pid_t tid)
{
    return tid & PROC_PRIVATE;
}

GPtrArray *proc_open_paths(pid_t tid)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);

    if (tid & PROC_NEW)
        g_ptr_array_add(paths, g_strdup("/nowhere/vms/web1/spec"));
    return paths;
}
