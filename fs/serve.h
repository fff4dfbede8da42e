/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mount's life, from the engine's start to the unmount. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/spec/conf.h"
#include "fs/options.h"

/*
 * Mounts on MOUNTPOINT with the ARGS of OPTIONS, calls READY, serves until it is unmounted or
 * SIGTERM, SIGINT or SIGHUP comes, and takes everything down. False: it could not be mounted or
 * broke; libfuse's own sentences are on stderr then.
 */
bool serve(const struct conf *conf, struct options *options, const char *mountpoint,
           void (*ready)(void), GError **error);
