/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Failures. A function that can fail takes a GError ** as its last argument and returns false
 * or NULL when it fails; its other outputs are then untouched. The error's domain is
 * CLOUDFS_ERROR, its code a positive errno (the class, design section 5), its message one
 * sentence without a full stop at the end that a user can act on: it ends up in the `error`
 * file. Errors of GLib and libvirt are translated where they are met, never passed up raw.
 */
#pragma once

#include <errno.h>
#include <glib.h>

#define CLOUDFS_ERROR (cloudfs_error_quark())
GQuark cloudfs_error_quark(void);

/* Sets *error (which may be NULL) to errno ERR with a printf-formatted sentence. */
#define fail(error, err, ...) g_set_error((error), CLOUDFS_ERROR, (err), __VA_ARGS__)
