/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory for what is made while something is only tried. It is gone afterwards, also if
 * SIGINT, SIGTERM or SIGHUP ends the process meanwhile. One at a time.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct trial;

/* Before other threads are started: they inherit that these signals are not theirs. EIO. */
struct trial *trial_begin(GError **error);
/* Absolute; the trial's own. */
const char *trial_directory(const struct trial *trial);
/*
 * Begins a part of what is tried. False: a signal came, nothing more shall begin. What leaves
 * something behind when it is cut off, and ends by itself, is WAITED_FOR at the first signal.
 */
bool trial_part(struct trial *trial, bool waited_for);
/* Removes the directory. Does not return if a signal came: the process ends as by that. */
void trial_end(struct trial *trial);
