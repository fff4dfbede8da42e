/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host of libvirt's test driver with the domain ONE, running, and what it says: for the tests of
 * connections and of calls. What fails here fails the test.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/virt/internal.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

#define ONE "11111111-0000-4000-8000-000000000001"
#define TWO "11111111-0000-4000-8000-000000000002"

extern const char domain_two[]; /* the XML of TWO: 3 CPUs, 128 MiB */
extern char *directory;         /* of the group's state; removed in the end */
extern char *node_uri;          /* of such a host */

/* What event() was told. */
struct heard {
    GMutex lock;
    GCond more;
    unsigned domains, closed; /* how often */
    char last[40];            /* the domain's UUID, "" for none */
};

struct fixture {
    struct virt *v;
    struct heard heard;
};

/* cmocka's for a group: libvirt, `directory` and `node_uri`. */
int hearing_start(void **state);
int hearing_stop(void **state);
/* cmocka's for a test: such a host, connected, with a struct fixture in *STATE. */
int hearing_set_up(void **state);
int hearing_tear_down(void **state);
#define HOSTED(name) cmocka_unit_test_setup_teardown(name, hearing_set_up, hearing_tear_down)

/* What such a host calls, with a struct heard as CTX. */
void hear(void *ctx, enum virt_event what, const char *uuid);
/* A host at URI, not connected, which tells HEARD; NULL if URI is none. */
struct virt *make(const char *uri, struct heard *heard);
/* Whether COUNT, of HEARD, reaches AT_LEAST within a second. */
bool comes(struct heard *heard, const unsigned *count, unsigned at_least);

/* TWO is there then, and off. */
void define_two(struct virt *v);
/* Does VERB; gives the state in which the domain is then. */
enum domain_state verb(struct virt *v, const char *uuid, enum domain_verb verb);
/* With the errno ERR. */
void verb_fails(struct virt *v, const char *uuid, enum domain_verb verb, int err);
