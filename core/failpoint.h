/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Failpoints: named points at which a build with FAILPOINTS=1 can be made to die, to fail or to
 * wait, so that tests can see what comes of it. In every other build they are nothing.
 *
 * The environment's CLOUDFS_FAILPOINTS has the rules, or names (with a leading '/') a file of
 * them, which is read again when it was replaced. Rules are separated by commas or newlines:
 *
 *     NAME:ACTION[:nth=N][:rate=R][:max=N]
 *
 * NAME is a point's, or the beginning of it and a '*'. ACTION is one of
 *
 *     kill           SIGKILL to the process, as a crash and a power cut end it
 *     error=ERRNO    the step fails ("EIO", "ENOSPC", …)
 *     wait=MS        the step is begun so much later
 *     trace          nothing happens, but for the log
 *
 * at every pass; or at the Nth only (from 1, since the rule was read), or at a share R of them,
 * and N times at most. What was done is logged, a line "NAME ACTION" each, in the file that
 * CLOUDFS_FAILPOINTS_LOG names.
 *
 * A call that is made to fail before it begins is the point "virt.create", say; "virt.create.done"
 * is passed when it has succeeded: an error there loses the answer, a wait makes it late.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/error.h"

#ifdef CLOUDFS_FAILPOINTS

/* Passes the point NAME, a string literal: true, or false with *error. Any thread. */
#define failpoint(name, error)                                                                     \
    ({                                                                                             \
        static const char *const failpoint_here __attribute__((section("failpoints"), used)) =     \
            name;                                                                                  \
        failpoint_pass(failpoint_here, error);                                                     \
    })
bool failpoint_pass(const char *name, GError **error);

#else

#define failpoint(name, error) ((void)(error), true)

#endif

/* A point whose step cannot fail. */
#define failpoint_reached(name) ((void)failpoint(name, NULL))

/* The names of all points that the program has, a line each; nothing in other builds. */
void failpoint_list(GString *out);
