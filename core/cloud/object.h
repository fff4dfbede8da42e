/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an object of the model is: a host, a VM, a service, a plan or a folder; what each has that
 * is its own, and the references that keep it. It changes through the functions of cloud.h only.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/annotate.h"
#include "core/cloud/packed.h"
#include "core/domain.h"
#include "core/refs.h"
#include "core/score/forecast.h"
#include "core/spec/spec.h"

/* The token that stands for the model's lock. */
struct CAPABILITY("model") model_token {
    char none;
};
extern struct model_token model;

enum object_kind {
    OBJECT_FOLDER,
    OBJECT_HOST,
    OBJECT_VM,
    OBJECT_SERVICE,
    OBJECT_PLAN, /* a VM or a service on paper: what it is, its spec says */
    OBJECT_KINDS
};

/* Ids of the folders; those of other objects start at OBJECT_FIRST. */
enum {
    ROOT_ID = 1,
    HOSTS_ID,
    VMS_ID,
    SERVICES_ID,
    PLAN_ID,
    SPECS_ID,
    SPECS_HOSTS_ID,
    SPECS_VMS_ID,
    SPECS_SERVICES_ID,
    OBJECT_FIRST = 16
};

/* What of an object can change by itself; each has a time. */
enum facet {
    FACET_SELF, /* the directory: it was made, or names in it came or went */
    FACET_SPEC,
    FACET_STATE,
    FACET_ERROR,
    FACET_PLACEMENT,
    FACET_XML,
    FACET_LINKS, /* a VM's `host`; the `vms/` of a host or service */
    FACET_ATTR,  /* owner, group, mode */
    FACETS
};

enum host_phase { HOST_DRAFT, HOST_CONNECTING, HOST_UP, HOST_DOWN };

enum vm_phase {
    VM_DRAFT,      /* no spec yet */
    VM_PENDING,    /* waits for room */
    VM_CREATING,   /* placed and reserved; the domain is being made */
    VM_ACTIVE,     /* the domain exists */
    VM_FAILED,     /* could not be made, or is gone */
    VM_DESTROYING, /* its domain is being removed */
};

/* Smoothed measurements; -1: not known yet. */
struct usage {
    double usage;       /* R, 0..1 */
    double cpu, memory; /* shares, 0..1, of the last sample */
    double cpu_seconds, memory_used, memory_max;
    double read_bytes, written_bytes, received_bytes, sent_bytes;
    int64_t at; /* monotonic microseconds of the last sample */
};

struct object;

struct host_part {
    enum host_phase phase;
    bool maintenance;         /* takes no new VMs */
    bool drain_due;           /* its VMs were asked to leave, and not all have that may yet */
    bool from_conf;           /* its spec is in cloudfs.conf */
    bool known;               /* the inventory below was seen */
    bool leaving_uri;         /* its `uri` has changed; the old one is connected yet */
    uint32_t cpus;            /* physical */
    uint64_t memory;          /* bytes */
    char **types, **networks; /* as virt_info has them; NULL until known */
    char **leftovers;         /* UUIDs of VMs of which moves may have left something; or NULL */
    GPtrArray *vms;           /* of struct object *, borrowed, by id */
    unsigned incoming;        /* VMs that are being moved to it */
    struct usage load;        /* of the host itself */
    uint64_t samples;         /* taken since cloudfs started */
    struct forecast *cpu_forecast, *memory_forecast; /* in CPUs and bytes; its own */
};

struct vm_part {
    enum vm_phase phase;
    enum { HEALTH_UNKNOWN, HEALTH_GOOD, HEALTH_BAD } health; /* where its spec has a check */
    enum domain_state domain;
    unsigned restarts; /* in a row, without having stayed up in between */
    uint32_t cpus;     /* of the domain as it is */
    bool managed;      /* cloudfs made or adopted it; otherwise it is only shown */
    bool power;        /* whether it shall run: its spec's, then ctl's */
    bool power_due;    /* its spec has set that, and its domain was not told yet */
    bool fresh;        /* its domain, under this UUID, was never seen */
    bool moves_off;    /* it is being moved, and was off when that began */
    bool outdated;     /* does not follow its service's template: cloud_set_outdated() */
    uint8_t counted;   /* as what of its service's sums; 0: as nothing (state.c) */
    char uuid[37];
    char *domain_name; /* libvirt's name of it; NULL: none yet */
    char *new_name;    /* its domain is being given this name; NULL: it is not */
    char *pending;     /* what waits for its next start, a sentence; NULL: nothing does */
    char *type;        /* virtualization type in use; NULL: not placed. See cloud_set_type() */
    uint64_t memory;   /* of the domain as it is */
    struct packed *xml;
    struct object *host;      /* borrowed; NULL: not placed */
    struct object *moving_to; /* the host it is moved to; borrowed; NULL: none */
    struct object *service;   /* borrowed; NULL: no member */
    double resources;         /* R of its host when that was chosen: a term of `schedule` */
    struct usage usage;
};

/* So many restarts in a row are a loop: the VM is not ready, though it may run at the moment. */
enum { CRASH_LOOP = 3 };

struct service_part {
    GPtrArray *members; /* of struct object * (VMs), borrowed, by id */
    /* Of them; kept by state.c, as adding up 10,000 when one of them moves takes too long. */
    unsigned ready, failed, outdated;
};

struct plan_part {
    unsigned drafts; /* plans in it: it is a batch if there are any */
};

struct object {
    /* Immutable from birth. */
    uint64_t id; /* the first, so that tables by id need no pointer besides it */
    refs_t refs;
    enum object_kind kind;

    /* Under the model's lock. There are many objects: small fields are together. */
    bool alive GUARDED_BY(model); /* in the tree */
    /* Its file in specs/ was removed: the object follows when the grace is over. */
    bool leaving GUARDED_BY(model);
    uid_t uid GUARDED_BY(model);
    gid_t gid GUARDED_BY(model);
    mode_t mode GUARDED_BY(model);       /* permission bits of the directory */
    int error_code GUARDED_BY(model);    /* 0: all is well */
    int64_t leaves_at GUARDED_BY(model); /* monotonic microseconds */
    char *name GUARDED_BY(model);
    int64_t times[FACETS] GUARDED_BY(model); /* nanoseconds since the epoch */

    /* In force; NULL: none yet. The text of a shared spec is the spec's own. */
    char *spec_text GUARDED_BY(model);
    Spec *spec GUARDED_BY(model);
    char *next_text GUARDED_BY(model); /* being applied; NULL: nothing */
    Spec *next GUARDED_BY(model);

    const char *state GUARDED_BY(model);        /* the word; static */
    char *error GUARDED_BY(model);              /* NULL: all is well */
    struct packed *placement GUARDED_BY(model); /* NULL: never placed */

    int64_t available GUARDED_BY(model); /* ns of availability counted until `since` */
    int64_t since GUARDED_BY(model);     /* monotonic ns when it became available; -1: it is not */
    /* Monotonic ns of the last sample of it, or change of its state: its scores are as of then. */
    int64_t measured GUARDED_BY(model);

    union {
        struct host_part host GUARDED_BY(model);
        struct vm_part vm GUARDED_BY(model);
        struct service_part service GUARDED_BY(model);
        struct plan_part plan GUARDED_BY(model);
    };

    void *work; /* the engine's own; nobody else looks */
};

struct object *object_ref(struct object *object);
void object_unref(struct object *object);
static inline bool object_alive(const struct object *object) REQUIRES_SHARED(model)
{
    return object->alive;
}
typedef struct object Object;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Object, object_unref)
