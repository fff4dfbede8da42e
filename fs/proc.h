/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc says about the process behind a request. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* The thread group in the text of a status file; 0 if it does not say. */
pid_t proc_parse_tgid(const char *status);
/* The same of its parent. */
pid_t proc_parse_parent(const char *status);
/* Whether signals wait for the process, and all of them are such that a program is not stopped
 * or told anything by them that it would give up a write for: SIGCHLD, SIGURG, SIGWINCH,
 * SIGCONT. */
bool proc_parse_noise(const char *status);
/* Whether the text is of a process whose program is called NAME, or NAME-…, as "borg-linux64". */
bool proc_parse_is(const char *status, const char *name);

/* The thread group of a thread; the thread itself where /proc does not tell. */
pid_t proc_tgid(pid_t tid);
bool proc_only_noise(pid_t tid);
/* Whether a thread's program is called so. */
bool proc_is(pid_t tid, const char *name);
/* Whether the text of /proc/PID/syscall is of a call that makes a new name or fails: open(2) with
 * O_EXCL, symlink(2), mkdir(2). */
bool proc_parse_makes_new(const char *syscall);
/* Whether the thread, which waits for us or is about to, is in such a call. Takes a tenth of a
 * second if it does not come to wait. */
bool proc_makes_new(pid_t tid);
/* Whether it is of open(2) with O_CREAT for a file that only its owner may read or write. */
bool proc_parse_makes_private(const char *syscall);
/* Whether the thread is in such a call; as proc_makes_new(). */
bool proc_makes_private(pid_t tid);
/* The paths of what a thread's process has open, as /proc has them: of char *. Free with
 * g_ptr_array_unref. */
GPtrArray *proc_open_paths(pid_t tid);
/* The parent of a thread's process; 0 where /proc does not tell. */
pid_t proc_parent(pid_t tid);
