/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model: every object of the cloud as cloudfs knows it, and the relations between them.
 *
 * One writer, many readers. The engine's thread is the only one that changes the model, under
 * the write lock; FUSE's threads read it under the read lock. Nothing waits while it holds
 * either: no libvirt, no SQLite, no reply. A reader that keeps an object beyond the lock takes a
 * reference and, when it has locked again, asks object_alive().
 *
 * Every change goes through a function of this header, which stamps the time of the facet that
 * changed and tells the watcher, so that file times and kernel caches follow by themselves.
 *
 * Lock order: model, then nothing. The watcher is called with the lock held and only queues.
 */
#pragma once

#include "core/cloud/object.h"
#include "core/limit.h"
#include "core/place/place.h"
#include "core/spec/conf.h"

/* What the watcher is told. */
enum change {
    CHANGE_ADDED,    /* the object appeared in its folder */
    CHANGE_REMOVED,  /* it left its folder, or the batch OTHER */
    CHANGE_LEAVING,  /* its file left specs/ */
    CHANGE_STAYING,  /* it came there, or came back */
    CHANGE_FACET,    /* FACET of the object changed */
    CHANGE_LINKED,   /* VM appeared in the `vms/` of OTHER (a host or service) */
    CHANGE_UNLINKED, /* VM left the `vms/` of OTHER */
    CHANGE_SAMPLED,  /* what is measured of the host, and of the VMs on it, has a new value */
    CHANGE_MEASURED, /* a score of the object may have a new value by another cause */
    CHANGE_EVENTS,   /* a line was added to the log; object is NULL */
    CHANGE_OVER,     /* there are no more for the moment; object is NULL */
};
typedef void (*cloud_watcher)(void *ctx, enum change what, const struct object *object,
                              enum facet facet, const struct object *other);

struct cloud;

/* CONF outlives the cloud. The folders are there from the start. */
struct cloud *cloud_new(const struct conf *conf);
/* Nobody else may use the cloud any more; objects live on for who holds a reference. */
void cloud_free(struct cloud *cloud);

void cloud_read_lock(struct cloud *cloud) ACQUIRES_SHARED(model);
void cloud_read_unlock(struct cloud *cloud) RELEASES_SHARED(model);
void cloud_write_lock(struct cloud *cloud) ACQUIRES(model);
void cloud_write_unlock(struct cloud *cloud) RELEASES(model);
/* Lets those read who wait to, in the middle of something long. Nothing is changed meanwhile, as
 * the caller is the only writer; what it does may be seen half done. */
void cloud_yield(struct cloud *cloud) REQUIRES(model);
/* The writer has made all its changes for the moment: the watcher, which may have put off what it
 * does, hears that if there were any. The writer's thread. */
void cloud_over(struct cloud *cloud) REQUIRES_SHARED(model);

/* One watcher; set before other threads come. */
void cloud_watch(struct cloud *cloud, cloud_watcher watcher, void *ctx);

const struct conf *cloud_conf(const struct cloud *cloud);
struct place *cloud_place(struct cloud *cloud) REQUIRES_SHARED(model);

/* ---- finding: borrowed references, good while the lock is held; NULL if there is none */
struct object *cloud_find(struct cloud *cloud, enum object_kind kind, const char *name)
    REQUIRES_SHARED(model);
struct object *cloud_by_id(struct cloud *cloud, uint64_t id) REQUIRES_SHARED(model);
struct object *cloud_by_uuid(struct cloud *cloud, const char *uuid) REQUIRES_SHARED(model);
/* All objects of a kind in the order of ids (for OBJECT_FOLDER: the folders). */
const GPtrArray *cloud_objects(struct cloud *cloud, enum object_kind kind) REQUIRES_SHARED(model);
/* Index of the first element of OBJECTS whose id is above ID. */
unsigned objects_after(const GPtrArray *objects, uint64_t id);

/* ---- batches: plans with plans in them. The name of one in a batch is "BATCH/NAME". batch.c */
/* The part of its name that its directory shows. */
const char *object_leaf(const struct object *object) REQUIRES_SHARED(model);
/* The batch that OBJECT is in; NULL: none. */
struct object *cloud_batch(struct cloud *cloud, const struct object *object) REQUIRES_SHARED(model);
/* The plans in BATCH, by id: of struct object *, borrowed. Free with g_ptr_array_unref. */
GPtrArray *cloud_drafts(struct cloud *cloud, const struct object *batch) REQUIRES_SHARED(model);

/* ---- changing: the engine only */
/* From here until it is said again with false, what is put in is as it was: no time is stamped, and
 * nothing is told or noted for the store. At start only, before there is a watcher. */
void cloud_set_loading(struct cloud *cloud, bool loading) REQUIRES(model);
/* A new draft in its folder. ID must be new, NAME free in KIND. The cloud keeps the reference;
 * the result is borrowed. */
struct object *cloud_add(struct cloud *cloud, enum object_kind kind, uint64_t id, const char *name,
                         uid_t uid, gid_t gid, mode_t mode) REQUIRES(model);
void cloud_remove(struct cloud *cloud, struct object *object) REQUIRES(model);
/* OBJECT, which was removed, is back under its id and name, on no host and in no service. */
void cloud_add_again(struct cloud *cloud, struct object *object) REQUIRES(model);
void cloud_rename(struct cloud *cloud, struct object *object, const char *name) REQUIRES(model);
/* Whether OBJECT's spec is shown in specs/: cloudfs manages it and it is not leaving. */
bool cloud_in_specs(const struct object *object) REQUIRES_SHARED(model);
void cloud_set_leaving(struct cloud *cloud, struct object *object, bool leaving) REQUIRES(model);
/* A VM becomes cloudfs's own. */
void cloud_set_managed(struct cloud *cloud, struct object *vm) REQUIRES(model);
void cloud_set_uuid(struct cloud *cloud, struct object *vm, const char *uuid) REQUIRES(model);
/* The type is copied; VMs of the same type share it. */
void cloud_set_type(struct object *vm, const char *type) REQUIRES(model);

/* TEXT and SPEC become the ones in force (or, with next, the ones being applied); both taken
 * over. NULL, NULL removes. */
void cloud_set_spec(struct cloud *cloud, struct object *object, char *text, Spec *spec)
    REQUIRES(model);
void cloud_set_next(struct cloud *cloud, struct object *object, char *text, Spec *spec)
    REQUIRES(model);
/* What was being applied is in force now. Its text was what readers saw already. */
void cloud_accept_next(struct object *object) REQUIRES(model);
/* CODE 0 and NULL: all is well. SENTENCE is copied. */
void cloud_set_error(struct cloud *cloud, struct object *object, int code, const char *sentence)
    REQUIRES(model);
/* What waits for VM's next start; NULL: nothing. SENTENCE is copied; `error` shows it too. */
void cloud_set_pending(struct cloud *cloud, struct object *vm, const char *sentence)
    REQUIRES(model);
/* TEXT is taken over. */
void cloud_set_placement(struct cloud *cloud, struct object *object, char *text) REQUIRES(model);
void cloud_set_xml(struct cloud *cloud, struct object *vm, const char *xml) REQUIRES(model);
/* Moves VM between the `vms/` of hosts (or services); NULL: to none. */
void cloud_set_host(struct cloud *cloud, struct object *vm, struct object *host) REQUIRES(model);
/* Whether VM, which is on a host, is cloudfs's or being adopted. An adoption that its host's end
 * has cut off does not count: the host may never come back, and VM is still somebody else's. */
bool cloud_vm_holds_host(const struct object *vm) REQUIRES_SHARED(model);
/* VMs that hold HOST, and those on their way to it. */
unsigned cloud_managed_vms(const struct object *host) REQUIRES_SHARED(model);
/* The name of VM's host has changed. */
void cloud_relink(struct cloud *cloud, struct object *vm) REQUIRES(model);
void cloud_set_service(struct cloud *cloud, struct object *vm, struct object *service)
    REQUIRES(model);
/* Whether VM, a member, has yet to follow its service's template. The service's state is worked out
 * anew by cloud_refresh_state() only. */
void cloud_set_outdated(struct object *vm, bool outdated) REQUIRES(model);
/* What a user's utimens(2) asks for. */
void cloud_set_time(struct cloud *cloud, struct object *object, enum facet facet, int64_t time)
    REQUIRES(model);
void cloud_set_owner(struct cloud *cloud, struct object *object, uid_t uid, gid_t gid, mode_t mode)
    REQUIRES(model);

/*
 * After any change to the fields that make it (phase, domain, a host's phase, members): works
 * the state word out anew, stamps it if it moved, starts or stops the clock of availability, and
 * goes on to those whose state depends on it (a host's VMs, a VM's service).
 */
void cloud_refresh_state(struct cloud *cloud, struct object *object) REQUIRES(model);
/* A sample of HOST has come in: fields and scores of it and of its VMs are as of now. */
void cloud_sampled(struct cloud *cloud, struct object *host) REQUIRES(model);
/* What the placement table has reserved on HOST is not what it was. */
void cloud_reserved(struct cloud *cloud, const struct object *host) REQUIRES(model);
/* Whether VM does what it is for: it runs, on a host that is up, is healthy where its spec has a
 * check, and is not in a loop of crashes. */
bool cloud_vm_ready(const struct object *vm) REQUIRES_SHARED(model);
/* The host's row of the placement table, made anew from its fields and spec. */
void cloud_refresh_place(struct cloud *cloud, struct object *host) REQUIRES(model);

/* What was stamped since the last call, for the store: id to struct object * (references). To be
 * freed with g_hash_table_destroy. */
GHashTable *cloud_take_changed(struct cloud *cloud) REQUIRES(model);
/* Whether there is anything for it or for cloud_take_events(). */
bool cloud_has_changed(const struct cloud *cloud) REQUIRES_SHARED(model);

/* Seconds that OBJECT was available, up to when it was measured. Between samples and events nothing
 * in a score moves, so that who has one needs no other. */
double cloud_available(const struct object *object) REQUIRES_SHARED(model);

/* The wall clock, nanoseconds since the epoch; never the same twice, never backwards. */
int64_t cloud_now(void);

/* The want of a VM's spec as placement asks for it. Points into VM, SPEC and TYPES. */
struct place_want cloud_want(const struct object *vm, const struct vm_spec *spec,
                             const char *const *types) REQUIRES_SHARED(model);

/* ---- scores: metrics and the terms they are made from */
struct vm_score {
    double performance, schedule, management;
    double processors, virtualization, usage; /* P, V, R */
    double demand, resources, cost;           /* D, R, C of placement */
    double available, maintenance_cost;       /* T, C of management */
};
void cloud_vm_score(struct cloud *cloud, const struct object *vm, struct vm_score *score)
    REQUIRES_SHARED(model);

struct host_score {
    double performance; /* sum over its VMs */
    double management;
    double cpus, available, maintenance_cost; /* R, T, C */
};
void cloud_host_score(struct cloud *cloud, const struct object *host, struct host_score *score)
    REQUIRES_SHARED(model);

struct service_score {
    double performance, schedule, management; /* sums over members, but S: the service's own */
    double demand, replicas, cost;            /* D, R, C of S */
    double members, running, ready;
    double updated; /* members that follow the template in force */
};
void cloud_service_score(struct cloud *cloud, const struct object *service,
                         struct service_score *score) REQUIRES_SHARED(model);

struct cloud_score {
    double performance, schedule, management; /* sums over all VMs */
    double hosts, hosts_up, vms, vms_running, services;
    double cpus, cpus_reserved, memory, memory_reserved; /* capacity of the placement table */
};
void cloud_total_score(struct cloud *cloud, struct cloud_score *score) REQUIRES_SHARED(model);

/* ---- events: the newest EVENTS_KEEP to twice as many lines */
enum { EVENTS_KEEP = LIMIT(4096, 256) };

struct actor {
    uid_t uid;
    gid_t gid;
    pid_t pid; /* of a thread; 0: not known, it is not in the pid namespace of cloudfs */
    bool user; /* a caller of the mount; otherwise it is cloudfs itself */
    /* Puts a tree back, VMs before their hosts maybe: what no host could hold waits for one. */
    bool restoring;
};

struct event {
    uint64_t seq;
    int64_t time;
    char *text; /* after the time: "vms/web1 created on h1 uid=0 pid=4242" */
};

/* Appends; ACTOR NULL: cloudfs itself. OBJECT NULL: the cloud. Printf-formatted; control
 * characters in it are escaped. The event is kept for cloud_take_events(). */
void cloud_event(struct cloud *cloud, const struct object *object, const struct actor *actor,
                 const char *format, ...) REQUIRES(model) G_GNUC_PRINTF(4, 5);
/* Restores a line at start; in the order of seq. */
void cloud_restore_event(struct cloud *cloud, uint64_t seq, int64_t time, const char *text)
    REQUIRES(model);
/* What was appended since the last call, for the store; of struct event *. */
GPtrArray *cloud_take_events(struct cloud *cloud) REQUIRES(model);
/* The text of `events`, borrowed while locked, and the time of its last line. */
const GString *cloud_events_text(struct cloud *cloud, int64_t *time) REQUIRES_SHARED(model);
