/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts: their links, and sampling them: a part of internal.h, which includes it. */
#pragma once

#include "core/cloud/cloud.h"
#include "core/job/job.h"

struct engine;
struct request;

struct host_link; /* a virt handle, counted: jobs keep it */
struct host_work {
    struct host_link *link;
    struct lane *work, *look, *sample, *probe;
    struct lane *move; /* VMs leave one at a time */
    bool connecting, looking, sampling;
    GHashTable *to_look; /* char *uuid: domains of which something was heard */
    GHashTable *tidying; /* char *uuid: VMs of which what a move has left is being removed */
    unsigned retry_timer, sample_timer, look_timer, tidy_timer;
    double sample_due; /* monotonic seconds: when the timer fires */
    double interval;   /* seconds: between samples */
    gint looked;       /* atomic: somebody has looked at it since the last one began */
    unsigned retries;  /* since it was last up */
    GArray *waiters;   /* tickets */
};
/* NULL while the host has no spec. */
struct host_work *host_work(struct object *host);
void host_commit(struct engine *engine, struct request *request, struct object *host,
                 const char *text, Spec *spec) REQUIRES(model);
/* EINVAL: where its new VMs are sent, if SPEC says so, is nothing that libvirt takes. */
bool host_check_data_uri(const struct host_spec *spec, GError **error);
void host_remove(struct engine *engine, struct request *request, struct object *host)
    REQUIRES(model);
/* Makes the link for the spec in force and connects. */
bool host_begin(struct engine *engine, struct object *host, GError **error) REQUIRES(model);
void host_connect(struct engine *engine, struct object *host) REQUIRES(model);
/* Ends what there is and begins anew for the spec in force, if there is one. */
bool host_restart(struct engine *engine, struct object *host, GError **error) REQUIRES(model);
void host_end(struct engine *engine, struct object *host) REQUIRES(model);
/* look.c: the domain of UUID is looked at, and again if that fails. */
void host_look(struct engine *engine, struct object *host, const char *uuid) REQUIRES(model);
bool host_is_up(const struct object *host) REQUIRES_SHARED(model);
/* EHOSTDOWN with a sentence unless VM's host is up. */
bool host_require_up(const struct object *host, GError **error) REQUIRES_SHARED(model);
/* sample.c: now; DISKS: what costs a call to each guest too. */
void host_sample(struct engine *engine, struct object *host, bool disks) REQUIRES(model);
/* pace.c: from now on, HOST being up. */
void host_sample_begin(struct engine *engine, struct object *host) REQUIRES(model);

/* EPERM, EBUSY: policy and state against its removal. */
bool host_may_go(struct object *host, GError **error) REQUIRES(model);
