/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share. */
#pragma once

#include <pthread.h>

#include "core/cloud/cloud.h"

struct cloud {
    pthread_rwlock_t lock;
    const struct conf *conf; /* immutable */

    /* Under the lock. */
    GPtrArray *objects[OBJECT_KINDS]; /* by id; each element is a reference */
    /* Sets of what objects have in themselves: a key that is its own value takes no room twice. */
    GHashTable *by_name[OBJECT_KINDS]; /* &object->name */
    GHashTable *by_id;                 /* &object->id to object */
    GHashTable *by_uuid;               /* object->vm.uuid, of VMs */
    struct place *place;

    bool loading;        /* cloud_set_loading() */
    GHashTable *changed; /* id to object (reference): stamped since cloud_take_changed() */

    cloud_watcher watcher;
    void *watcher_ctx;
    bool told; /* the watcher, since cloud_over() */

    GString *log; /* the text of `events` */
    unsigned log_lines;
    uint64_t log_seq;     /* of the last line */
    int64_t log_time;     /* of the last line */
    GPtrArray *log_fresh; /* of struct event *, not yet taken for the store */
};

/* The object that has KEY, a key of one of those sets, as its MEMBER. */
#define OBJECT_OF(key, member)                                                                     \
    ((struct object *)(void *)((char *)(key)-offsetof(struct object, member)))

struct object *object_new(enum object_kind kind, uint64_t id, const char *name);

/* Stamps FACET with the time of now and tells the watcher. */
void cloud_stamp(struct cloud *cloud, struct object *object, enum facet facet) REQUIRES(model);
void cloud_tell(struct cloud *cloud, enum change what, const struct object *object,
                enum facet facet, const struct object *other) REQUIRES(model);

/* state.c: VM's service, if it has one, counts it as what it is now; no more, before it leaves. */
void member_count(struct object *vm) REQUIRES(model);
void member_uncount(struct object *vm) REQUIRES(model);

/* A plan has come, or is about to have gone: its batch holds as many as it holds. */
void batch_recount(struct cloud *cloud, struct object *object) REQUIRES(model);

/* Keep an array of objects sorted by id. */
void objects_insert(GPtrArray *objects, struct object *object);
bool objects_remove(GPtrArray *objects, const struct object *object);

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t monotonic_now(void);
