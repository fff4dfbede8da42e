/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor, as one documented struct of operations. virt_libvirt is the real one; a
 * decorator (delay, failure, trace) has the same interface.
 *
 * Every operation may wait for as long as the hypervisor likes and therefore runs in a job,
 * never on a FUSE thread and never under the model's lock. Up to four may run on one struct virt
 * at the same time, in any threads; open() and close() too may come at any time: a call that is
 * under way keeps its connection until it returns, and fails.
 *
 * errno of failures: EHOSTDOWN the connection is not there or broke; ETIMEDOUT the hypervisor
 * gave up waiting; ENOENT no such domain, or no such file that a guest needs; EEXIST the name is
 * taken by another domain; EINVAL what was asked for is wrong (the sentence is the hypervisor's);
 * EBUSY wrong state for it; EOPNOTSUPP this driver cannot; EACCES authentication, or a guest's
 * file; ENOSPC no room on a disk or in memory; EIO anything else. The sentence carries the
 * hypervisor's own words.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/domain.h"
#include "core/spec/spec.h"

struct virt; /* one host: its URI and its connections */

enum virt_event {
    VIRT_DOMAIN,  /* the domain of this UUID was changed or removed: look at it */
    VIRT_DEFINED, /* it was defined, and was not before: the same */
    VIRT_STARTED, /* it was off, and was started: the same */
    VIRT_CLOSED,  /* the connection broke: open() again */
};

struct virt_options {
    const char *uri;
    const char *state; /* cloudfs's state directory, absolute: the embedded driver's disks */
    /* Called in the event thread, or in any call; must only queue. UUID is NULL for CLOSED. */
    void (*event)(void *ctx, enum virt_event what, const char *uuid);
    void *ctx;
};

/* What a host offers. */
struct virt_info {
    uint32_t cpus;   /* physical CPUs (threads) */
    uint64_t memory; /* bytes */
    char **types;    /* virtualization types, libvirt's words: "kvm", "qemu", "lxc", "test" */
    char **networks; /* active libvirt networks, "none", and "user" where the driver can */
};
void virt_info_free(struct virt_info *info);

/* The mark that cloudfs leaves in a domain: an element of namespace urn:cloudfs:1. */
struct virt_mark {
    char *cloud;   /* UUID of the cloud (store_cloud_uuid()) */
    uint64_t id;   /* of the object */
    char *name;    /* of the object */
    char *service; /* of the service it is a member of, or NULL */
    char *spec;    /* the spec's text, byte for byte, or NULL if it was too long */
};
void virt_mark_free(struct virt_mark *mark);

struct virt_domain {
    char *uuid; /* lower case, 36 characters */
    char *name; /* libvirt's, as hostile as it comes; valid UTF-8 (bad bytes replaced) */
    enum domain_state state;
    uint32_t cpus;
    uint64_t memory; /* bytes, its maximum */
    char *type;      /* virtualization type */
    char *xml;       /* live XML without secrets */
    char *spec; /* derived from the XML, spec_parse(SPEC_VM) takes it; NULL: the mark has one */
    struct virt_mark *mark; /* NULL: cloudfs did not make it */
};
void virt_domain_free(struct virt_domain *domain);

/* What is to be made, or made different. */
struct virt_plan {
    const char *uuid;
    const char *name; /* the domain's name */
    const char *type; /* the virtualization type chosen */
    const struct vm_spec *vm;
    struct virt_mark mark;
    /* Directories below which the files must be that VM names (EPERM), open to everybody (EACCES);
     * NULL: anywhere. */
    const char *const *paths;
    /* Has what change() said of the next start, which was not yet; NULL: nothing. */
    const char *waits;
    /* Its domain's XML as it was seen last, which tells where its disk is; NULL: never. */
    const char *seen;
    bool given;   /* PATHS are no preset: also files there of which the host tells nothing */
    bool start;   /* running at the end, or only defined */
    bool fresh;   /* it never was: what an earlier try of making it has left is worth nothing */
    bool newborn; /* there was no earlier try: its UUID was made up for this one */
};

/* Where a domain moves, and how its host gets there. */
struct virt_way {
    struct virt *to;
    const char *peer; /* URI of TO for the daemon of the host it leaves; NULL: as it follows */
    const char *data; /* where memory and disks are sent, "tcp://10.0.0.2"; NULL: the same */
    bool off;         /* it is, or was, moved only if it is off; false: it may have run */
};

struct virt_sample {
    char uuid[37];
    enum domain_state state;
    uint32_t cpus;
    double cpu_seconds; /* used since the domain started; -1: not known */
    double memory_used; /* bytes the guest uses: balloon statistics, else resident; -1 */
    double memory_max;  /* bytes */
    double read_bytes, written_bytes;  /* all disks; -1 */
    double received_bytes, sent_bytes; /* all interfaces; -1 */
};

struct virt_load {
    double cpu_seconds; /* busy (user + system) of all CPUs since the host started; -1 */
    double memory_used; /* bytes not free nor reclaimable; -1 */
};

struct virt_ops {
    /* Makes the handle, without connecting. Fails with EINVAL when the URI cannot be one. */
    struct virt *(*new)(const struct virt_options *options, GError **error);
    /* Closes at once, without waiting for anything, and frees when the last call under way has
     * returned. No more events after it; so not under a lock that event() takes. */
    void (*free)(struct virt *v);

    /* Connects (again, dropping an old connection) and registers events. */
    bool (*open)(struct virt *v, GError **error);
    void (*close)(struct virt *v);

    bool (*info)(struct virt *v, struct virt_info **info, GError **error);
    /* All domains, active and inactive; elements are struct virt_domain *. One that vanishes
     * or cannot be read while listing is left out. */
    bool (*list)(struct virt *v, GPtrArray **domains, GError **error);
    bool (*domain)(struct virt *v, const char *uuid, struct virt_domain **domain, GError **error);

    /*
     * Makes disks and seed, defines the domain and starts it if PLAN says so. Can be repeated:
     * what a former try has made is used; with nothing left to do it just reads. After a failure
     * nothing that this call made is left behind, and nothing at all of a plan that is fresh.
     * DOMAIN takes what came of it.
     */
    bool (*create)(struct virt *v, const struct virt_plan *plan, struct virt_domain **domain,
                   GError **error);
    /*
     * Makes a domain (managed or being adopted) as PLAN says, BEFORE being what was asked for
     * last: vCPUs and memory live where the driver can, everything else in the inactive
     * definition. *restart is set when something takes effect only at the next start, *what to a
     * sentence that says what. EOPNOTSUPP for what cannot be changed at all (image, root).
     */
    bool (*change)(struct virt *v, const struct virt_plan *plan, const struct vm_spec *before,
                   bool *restart, char **what, struct virt_domain **domain, GError **error);
    /* Already being so is success for START (running), SHUTDOWN and DESTROY (off), SUSPEND,
     * RESUME; EBUSY for verbs that need another state. SHUTDOWN only asks. */
    bool (*power)(struct virt *v, const char *uuid, enum domain_verb verb,
                  struct virt_domain **domain, GError **error);
    /* Gives the domain of PLAN's UUID PLAN's name and mark. EBUSY while it runs and the driver
     * cannot, EEXIST, EOPNOTSUPP. */
    bool (*rename)(struct virt *v, const struct virt_plan *plan, struct virt_domain **domain,
                   GError **error);
    /* Stops, undefines, and removes the disks and seed that create() made for UUID. What is not
     * there (any more) is success. NAME must match or the domain is left alone. EBUSY, and nothing
     * done: its definition as it was seen last, SEEN (NULL: never), has a disk in a storage pool
     * that is not active. */
    bool (*destroy)(struct virt *v, const char *uuid, const char *name, const char *seen,
                    GError **error);

    /* Whether a VM can go from the host V to the host TO, as it runs or while it is off; EOPNOTSUPP
     * with a sentence if not. Pure: may be called with a lock held. */
    bool (*can_move)(struct virt *v, struct virt *to, const struct vm_spec *vm, const char *type,
                     bool running, GError **error);
    /*
     * Moves the domain of PLAN's UUID to the host of WAY. A running one goes on running; a disk
     * that its new host does not see is copied with it, and the old one removed. One that is off
     * is defined there and undefined here. DOMAIN is what it is there. EBUSY: it runs, and is to be
     * moved only if it is off. After a failure it is where it was and nothing is left on the other
     * host, but for EHOSTDOWN and ETIMEDOUT, when nobody knows: then settle() tells.
     */
    bool (*migrate)(struct virt *v, const struct virt_plan *plan, const struct virt_way *way,
                    struct virt_domain **domain, GError **error);
    /*
     * What became of a migrate() of which the outcome was not heard. Waits while it is under way.
     * Success: it is on the host of WAY, and what it left here is removed. ECANCELED: it is still
     * here; something of it may be left on the other host if that does not answer. EHOSTDOWN: the
     * host that knows does not answer, which for one that was off is this one.
     */
    bool (*settle)(struct virt *v, const struct virt_plan *plan, const struct virt_way *way,
                   struct virt_domain **domain, GError **error);
    /*
     * Removes from the host V what an interrupted migrate() of the domain of UUID has left there: a
     * definition that has the mark of CLOUD, and copies of the disk and seed that a domain on the
     * host AT has (NULL: it is nowhere any more). What is not there is success. EBUSY: it runs
     * there.
     */
    bool (*tidy)(struct virt *v, const char *uuid, const char *cloud, struct virt *at,
                 GError **error);
    /* Ends the migration of a domain that is under way, which then fails. EBUSY: there is none. */
    bool (*abort)(struct virt *v, const char *uuid, GError **error);

    /*
     * Asks the guest of a running domain whether it works, as CHECK says: its agent, or by
     * connecting to its TCP port from this machine. *WHY is NULL if it does, else a sentence that
     * says what is wrong. Fails where nobody can tell: EBUSY it does not run, or another call has
     * its agent; EOPNOTSUPP no agent can be reached in this domain; EADDRNOTAVAIL no address of it
     * is known. Bounded in time unless the hypervisor is not; two at a time on one struct virt,
     * besides the four of the other operations, as it uses the sampling connection.
     */
    bool (*probe)(struct virt *v, const char *uuid, const struct spec_health *check, char **why,
                  GError **error);

    /* All active domains (elements struct virt_sample), and the host itself. DISKS: what went
     * through disks too, for which each guest's monitor is asked; else that is not known. Uses a
     * connection of its own where the driver allows, as a stuck guest can block it without limit.
     */
    bool (*sample)(struct virt *v, bool disks, GArray **samples, struct virt_load *load,
                   GError **error);
};

extern const struct virt_ops virt_libvirt;

/* OPS with a failpoint before and after each call (core/failpoint.h); OPS itself in builds without
 * them. For one OPS a process. */
const struct virt_ops *virt_faulty(const struct virt_ops *ops);

/*
 * Process-wide set-up: libvirt's error output silenced, SIGPIPE ignored. Once, before the first
 * new(), after the last fork. The first new() starts the event loop's thread and has libvirt log
 * to STATE/libvirt.log, or ROOT/log/libvirt.log if it is for the embedded driver, unless the user
 * has set LIBVIRT_LOG_OUTPUTS. virt_stop() comes after the last free().
 */
bool virt_start(GError **error);
void virt_stop(void);

/*
 * From now on only looking is meant, and what libvirt makes for it goes below DIRECTORY: its log,
 * and the root of the embedded driver in place of the real one, which is only looked at. Once,
 * between virt_start() and the first new().
 */
void virt_try_in(const char *directory);

/* Whether URI could be one (scheme, root= for embed); the sentence if not. No connecting. */
bool virt_check_uri(const char *uri, GError **error);
/* The same of what a host of URI says of where the memory and disks of its new VMs are sent. */
bool virt_check_data_uri(const char *uri, const char *data, GError **error);
/* Whether it is of the driver that works in this process, and has QEMU start. */
bool virt_is_embedded(const char *uri);
/* The URI of the host `local`: qemu:///system where its daemon answers, else the embedded
 * driver below STATE. May wait. Free with g_free. */
char *virt_local_uri(const char *state);

typedef struct virt_info VirtInfo;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VirtInfo, virt_info_free)
typedef struct virt_domain VirtDomain;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VirtDomain, virt_domain_free)
typedef struct virt_mark VirtMark;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VirtMark, virt_mark_free)
