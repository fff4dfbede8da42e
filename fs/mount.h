/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The place of the mount, and the way into the background. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* The absolute path of DIR, if something can be mounted there. ENOENT, ENOTDIR, ENOTCONN (a dead
 * mount), EBUSY (a cloudfs is mounted there already), EACCES. Free with g_free. */
char *mount_point(const char *dir, GError **error);
/* Whether PATH, which need not be there, is MOUNTPOINT or below it, links followed: whoever serves
 * the mount would wait for itself. MOUNTPOINT is as mount_point() gives it. */
bool mount_hides(const char *mountpoint, const char *path);
/* Whether PATH is the place of a cloudfs, by the text of a mountinfo. */
bool mount_is_cloudfs(const char *mountinfo, const char *path);

/*
 * The caller becomes a child in the background. Its parent, for which *PARENT is true, gets true
 * when the child has called daemon_ready(), and false without an error when it ended before, which
 * has said why. Before any thread. False with an error: errno of fork().
 */
bool daemon_begin(bool *parent, GError **error);
/* The child: lets the parent go, and its terminal. Nothing in the foreground. */
void daemon_ready(void);
