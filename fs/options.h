/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line, also as mount(8) writes it. */
#pragma once

#include <fuse_opt.h>
#include <glib.h>

#include "core/spec/conf.h"

enum action {
    ACTION_MOUNT,
    ACTION_CHECK,
    ACTION_HELP,
    ACTION_VERSION,
    ACTION_LIST_FILES,
    ACTION_LIST_KEYS,
    ACTION_LIST_FAILPOINTS, /* builds that have them */
};

struct options {
    enum action action;
    char *conf_file; /* NULL: none */
    int foreground, debug;
    int allow_root;        /* also among ARGS */
    GPtrArray *words;      /* char *: SOURCE and MOUNTPOINT */
    GPtrArray *overrides;  /* char *: "KEY=VALUE" of [cloud] */
    bool named;            /* an fsname= was given */
    unsigned max_read;     /* bytes; 0: no limit. Also among ARGS */
    struct fuse_args args; /* what is left for libfuse */

    char *source;     /* borrowed from words; NULL: none */
    char *mountpoint; /* the same; NULL unless ACTION_MOUNT */
};

/* EINVAL. Release in any case. */
bool options_parse(struct options *options, int argc, char **argv, GError **error);
void options_release(struct options *options);

/* The configuration file with the overrides of the command line. */
struct conf *options_conf(const struct options *options, GError **error);

extern const char options_help[];
