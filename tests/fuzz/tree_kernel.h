/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's side of FUSE, for a fuzzer: the functions of libfuse that fs/ answers and asks with,
 * in place of libfuse's. A request that is answered twice, or used after its answer, ends the
 * process; one that is never answered ends it when somebody waits for it. One thread: who waits
 * lets the world go on (tree_world.h).
 */
#pragma once

#include <fuse_lowlevel.h>
#include <glib.h>
#include <stdbool.h>

struct fs;

/* A request and what came of it. The fuzzer's, whereas struct fuse_req dies with its answer. */
struct call {
    struct fuse_req *req; /* NULL: answered */
    struct fs *fs;
    struct fuse_ctx ctx;
    bool interrupted;

    /* The answer. */
    int err;
    bool has_entry, has_handle, has_attr;
    uint64_t ino;
    struct stat attr;
    struct fuse_file_info fi;
    GByteArray *data;
    size_t written;

    void (*interrupt)(fuse_req_t req, void *data);
    void *interrupt_data;
};

struct call *call_new(struct fs *fs, uid_t uid, pid_t pid);
/* Waits until it is answered; returns its errno. */
int call_wait(struct call *call);
/* A signal for the process that waits for it. */
void call_interrupt(struct call *call);
/* It has been answered. */
void call_free(struct call *call);
