/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel caches of the model: which inodes and names a change of it makes wrong. */
#pragma once

#include "core/cloud/cloud.h"

struct known;
struct notify;
struct pages;
struct pollers;
struct publish;
struct restore;
struct scratches;

struct inval {
    struct notify *notify;
    struct publish *publish;
    struct pages *pages;
    struct pollers *pollers; /* woken by changes */
    struct known *known;     /* what the kernel may know */
    struct restore *restore;
    struct scratches *scratches; /* go with their objects */
};

/* A cloud_watcher; CTX is a struct inval. */
void inval_watch(void *ctx, enum change what, const struct object *object, enum facet facet,
                 const struct object *other) REQUIRES_SHARED(model);
