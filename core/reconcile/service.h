/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services, their members and their rollouts: a part of internal.h, which includes it. */
#pragma once

#include "core/cloud/cloud.h"
#include "core/reconcile/engine.h"

struct request;

/* ---- service.c, servicespec.c */
struct service_work {
    GArray *waiters;
    bool removing;
    int first_error; /* of the members' jobs since the last request, */
    uint64_t since;  /* the number of the last one before it */
    char *conflict;  /* a name that it wants is taken: the sentence; NULL: none is */
    bool updating;   /* at the last look, members were outdated */
    bool rolling;    /* and the next of them waits for one that is on its way up */
    char *halt;      /* why the rollout goes no further; NULL: it does */
    int halt_code;
    char *told; /* of its own accord in `error`; NULL: nothing */
};
struct service_work *service_work(struct object *service);
void service_commit(struct engine *engine, struct request *request, struct object *service,
                    const char *text, Spec *spec) REQUIRES(model);
void service_remove(struct engine *engine, struct request *request, struct object *service)
    REQUIRES(model);
void service_restart(struct engine *engine, struct request *request, struct object *service)
    REQUIRES(model);
/* EPERM, EBUSY: policy and state against its removal. */
bool service_may_go(struct object *service, GError **error) REQUIRES(model);
/* Something about it or its members has changed: look at it in the next round. */
void service_nudge(struct engine *engine, struct object *service);
/* A name, room or a VM has become free: services that wanted one look again. */
void services_nudge_blocked(struct engine *engine) REQUIRES(model);
/* HOST is back: what could not be begun while it was down is, for the services of its VMs. */
void services_nudge_on(struct engine *engine, const struct object *host) REQUIRES(model);
void service_reconcile(struct engine *engine, struct object *service) REQUIRES(model);
void service_work_free(struct object *service);

/* ---- member.c */
/* The template in a service's SPEC_TEXT as a VM's spec, and its text (free with g_free). */
Spec *service_template(const char *spec_text, bool trusted, char **text);
/* Its members by their numbers, borrowed; NULL where there is none. */
GPtrArray *members_by_number(const struct object *service) REQUIRES_SHARED(model);
/* A service as it would be. */
struct service_wish {
    const char *name;
    uid_t uid;
    unsigned replicas;
    const char *text; /* of its template; NULL: not known, any */
    unsigned mark;
};
/* Puts the VMs that would become its members into JOINING, borrowed, with its mark. */
void members_find_joining(const struct engine *engine, const struct service_wish *wish,
                          GHashTable *joining) REQUIRES_SHARED(model);
/* Takes in the VMs of which that is true. */
void members_join(struct engine *engine, struct object *service, const char *text, Spec *spec)
    REQUIRES(model);
/* The same, and makes what there is not. */
void members_add_missing(struct engine *engine, struct object *service, const char *text,
                         Spec *spec) REQUIRES(model);
/* Whether VM is a member that its service wants, as far as its number says. */
bool member_is_wanted(const struct object *vm) REQUIRES(model);
/* The highest numbers go first: those of REPLICAS and above. */
void members_drop_surplus(struct engine *engine, struct object *service, int replicas)
    REQUIRES(model);

/* ---- rollout.c: outdated members follow TEXT and SPEC, as many as may be away at a time */
void rollout_look(struct engine *engine, struct object *service, const char *text, Spec *spec)
    REQUIRES(model);
