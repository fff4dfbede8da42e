/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs of this room: what a call needs, and what comes of it: a part of internal.h, which includes
 * it. */
#pragma once

#include "core/cloud/cloud.h"
#include "core/job/job.h"
#include "core/virt/virt.h"

struct engine;
struct host_link;
struct mailbox;

struct task {
    /* Filled by the maker, then read only. */
    struct engine *engine;
    struct mailbox *box;
    struct host_link *link;
    uint64_t id; /* the object it is about */
    uint64_t host;
    void (*run)(struct task *task, const struct virt_ops *virt, struct virt *v, GError **error);
    /* Under the write lock, in the engine's thread, if the engine still lives. */
    void (*done)(struct engine *engine, struct task *task, const GError *error);
    unsigned deadline_ms;
    /* The number of a VM's job; 0: it only looks, and is begun whether the save failed or not. */
    uint64_t job;
    uint64_t after; /* of a look: the last number when it was begun */
    bool unsaved;   /* it was not begun, as what led to it could not be saved: done() is told so */
    bool opens;     /* see job.h */
    /* What run() needs. */
    char *uuid, *name, *object, *type, *text, *cloud_uuid, *service, *waits, *seen;
    Spec *spec, *before;
    const char *const *paths; /* of the configuration, which outlives the engine; NULL: any */
    bool given;               /* they are no preset */
    enum domain_verb verb;
    bool start, cold, fresh, newborn; /* start: is, or was before the verb, wanted to run; cold:
                                         stop before the verb */
    struct host_link *to;             /* of a move */
    char *peer, *data;                /* of its host's spec */
    bool off;                         /* it did not run when that began */
    GPtrArray *uuids;
    /* What it made; looked at only after success. */
    struct virt_domain *domain;
    struct virt_info *info;
    GPtrArray *domains;
    GArray *samples;
    struct virt_load load;
    bool restart;
    char *what;
};
struct task *task_new(struct engine *engine, struct object *host, uint64_t id) REQUIRES(model);
/* Queues it in LANE when what led to it is durable; if that fails, done() gets the error of it, but
 * for one that only looks. */
void task_submit(struct engine *engine, struct lane *lane, struct task *task);

/* EAR is freed with it. */
struct host_link *host_link_new(const struct virt_ops *ops, struct virt *virt, void *ear,
                                GDestroyNotify free_ear);
struct host_link *host_link_ref(struct host_link *link);
void host_link_unref(struct host_link *link);
struct virt *host_link_virt(struct host_link *link);
