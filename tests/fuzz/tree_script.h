/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A script of requests: what its bytes say, and the requests under way. */
#pragma once

#include <stdint.h>

#include "tests/fuzz/tree_kernel.h"

enum { INOS = 32, FIXED = 12, HANDLES = 8, NAME_LENGTH = 255 };

struct open {
    bool used;
    uint64_t ino;
    struct fuse_file_info fi;
    struct call *busy; /* what was asked of it last, if nobody has waited for it */
};

struct script {
    const uint8_t *data;
    size_t left;
    struct fs *fs;
    uint64_t inos[INOS]; /* the first FIXED stay, others are what lookups found */
    unsigned next_ino, remounts;
    struct open opens[HANDLES];
    struct call *busy; /* the last setattr, if nobody has waited for it */
    char name[2][NAME_LENGTH + 1];
};

unsigned script_byte(struct script *s);
/* One of few, or what the bytes spell; good until WHICH (0, 1) is asked for again. */
const char *script_name(struct script *s, unsigned which);
/* For writing; free with g_bytes_unref. */
GBytes *script_text(struct script *s);
uint64_t script_ino(struct script *s);
/* NULL: it is not open. */
struct open *script_open(struct script *s);
bool script_has_room(const struct script *s); /* for one more that is open */

/* A request of one of several users. */
struct call *script_ask(struct script *s);
/* Waits for its answer, remembers what it gave, and frees it; returns its errno. */
int script_finish(struct script *s, struct call *call);
/* The same of what is under way, if anything. */
void script_wait(struct script *s, struct call **busy);
/* Goes on without the answer, or with it; some get a signal. */
void script_later(struct script *s, struct call *call, struct call **busy);
