/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of this room share. Everything that names libvirt's types stays in here.
 */
#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <netinet/in.h>

#include "core/error.h"
#include "core/limit.h"
#include "core/virt/virt.h"

#define VIRT_NAMESPACE "urn:cloudfs:1"

enum virt_driver { DRIVER_QEMU, DRIVER_EMBED, DRIVER_LXC, DRIVER_TEST, DRIVER_OTHER };

/* conn.c: a reference to the control (or the sampling) connection; EHOSTDOWN if there is none.
 * Give it back with virConnectClose(). */
virConnectPtr virt_connection(struct virt *v, GError **error);
virConnectPtr virt_sampling_connection(struct virt *v, GError **error);
enum virt_driver virt_driver(const struct virt *v);
const char *virt_state_directory(const struct virt *v);

/* fault.c: libvirt's last error of this thread as ours: "DOING: libvirt's words"; returns false. */
bool virt_fail(GError **error, const char *doing);

/* list.c: everything about one domain, NULL if it is gone or unreadable (with *error). */
struct virt_domain *virt_read_domain(virDomainPtr dom, GError **error);
/* ENOENT if there is none. */
virDomainPtr virt_lookup(virConnectPtr conn, const char *uuid, GError **error);
/* *dom is NULL if there is none, which is success. */
bool virt_find(virConnectPtr conn, const char *uuid, virDomainPtr *dom, GError **error);

/* read_xml.c: the fields of a live XML that virt_domain holds; pure. EINVAL if it is no XML. */
bool virt_parse_domain(const char *xml, struct virt_domain *domain, GError **error);

/* domain_xml.c: the definition of PLAN; pure. DISK and SEED are paths of the host, NULL: none. */
struct virt_layout {
    enum virt_driver driver;
    const char *disk;     /* path of the disk (qcow2) */
    const char *seed;     /* path of the cloud-init ISO image */
    const char *emulator; /* NULL: libvirt's choice */
    const char *arch;     /* NULL: libvirt's choice */
    const char *os_type;  /* "hvm", "exe", "linux", …, of the capabilities */
    const char *network;  /* what an empty `network` means: a name, "user"; NULL: none */
    const char *console;  /* file that the serial console is logged to; NULL: none */
    bool agent;           /* with a channel for the guest agent */
};
char *virt_domain_xml(const struct virt_plan *plan, const struct virt_layout *layout);
/* mark.c: the metadata element of MARK, as XML, and back. */
char *virt_mark_xml(const struct virt_mark *mark);
struct virt_mark *virt_mark_parse(const char *xml);

/* Operations that live in files of their own. */
bool virt_create(struct virt *v, const struct virt_plan *plan, struct virt_domain **domain,
                 GError **error);
bool virt_change(struct virt *v, const struct virt_plan *plan, const struct vm_spec *before,
                 bool *restart, char **what, struct virt_domain **domain, GError **error);
bool virt_rename(struct virt *v, const struct virt_plan *plan, struct virt_domain **domain,
                 GError **error);
bool virt_destroy(struct virt *v, const char *uuid, const char *name, const char *seen,
                  GError **error);

typedef virConnect VirtConnection;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VirtConnection, virConnectClose)
typedef virDomain VirtDomainHandle;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VirtDomainHandle, virDomainFree)

/* ---- the handle: conn.c */
struct virt *virt_ref(struct virt *v);
void virt_unref(struct virt *v);
/* The end of an operation: this thread's connections are free again; and virt_unref(). */
void virt_leave(struct virt *v);
struct virt *virt_new(const struct virt_options *options, GError **error);
void virt_free(struct virt *v);
bool virt_open(struct virt *v, GError **error);
void virt_close(struct virt *v);
const char *virt_uri(const struct virt *v);
/* Whether CONN is one of those in use; not one that was dropped and has not ended yet. */
bool virt_is_current(struct virt *v, virConnectPtr conn);
/* CONN broke: no more calls on it, and VIRT_CLOSED once. Nothing if it is not current. */
void virt_broken(struct virt *v, virConnectPtr conn);
/* After a failed call: VIRT_CLOSED for drivers that do not say so themselves. Whether there is
 * a connection to use, still. */
bool virt_check_alive(struct virt *v);
void virt_tell(struct virt *v, enum virt_event what, const char *uuid);
/* Whether this start (ID is libvirt's domain id) of the domain is seen for the first time; for
 * what is done once for each. Forgotten when its metadata changes. */
bool virt_first_sight(struct virt *v, const char *uuid, int id);
void virt_forget_sight(struct virt *v, const char *uuid);
struct virt_guests *virt_guests(struct virt *v);

/* ---- guests.c: what a host makes domains of a type for. Capabilities are long, and a daemon makes
 * them anew each time, so the answer is kept until the connections are made anew. */
struct virt_guest {
    char *arch, *os_type;
};
struct virt_guest *virt_guest_new(const char *arch, const char *os_type);
void virt_guest_free(struct virt_guest *guest);
typedef struct virt_guest VirtGuest;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VirtGuest, virt_guest_free)

struct virt_guests *virt_guests_new(void);
void virt_guests_free(struct virt_guests *guests);
void virt_guests_forget(struct virt_guests *guests);
/* A copy; NULL: not asked yet. */
struct virt_guest *virt_guests_find(struct virt_guests *guests, const char *type);
void virt_guests_keep(struct virt_guests *guests, const char *type, const struct virt_guest *guest);

/* ---- wire.c: the socket of a connection, to end all calls on it */
struct virt_wire;
struct virt_wire *virt_wire_new(void);
struct virt_wire *virt_wire_ref(struct virt_wire *wire);
void virt_wire_unref(struct virt_wire *wire);
/* FD stays the caller's; only the first counts. */
void virt_wire_take(struct virt_wire *wire, int fd);
/* Now, or as soon as there is a socket. Does not wait. */
void virt_wire_cut(struct virt_wire *wire);

/* ---- link.c: one connection with its callbacks */
struct virt_link;
enum virt_link_kind {
    LINK_CONTROL,  /* domain events come here */
    LINK_SAMPLING, /* a stuck guest can block it without limit */
    LINK_PULSE,    /* no calls, only keepalive: tells when the host is not there any more */
    LINK_SPARE,
};
/* WIRE takes the connection's socket as soon as it has one. */
struct virt_link *virt_link_open(struct virt *v, const char *uri, enum virt_link_kind kind,
                                 struct virt_wire *wire, GError **error);
/* Ends all calls on it. */
void virt_link_cut(const struct virt_link *link);
/* Whether calls on CONN can succeed; does not wait for the host. */
bool virt_is_alive(virConnectPtr conn);
virConnectPtr virt_link_connection(const struct virt_link *link);
/* Takes the callbacks off and closes, in another thread: both can wait for a hung host. NULL is
 * fine. */
void virt_link_drop(struct virt_link *link);
/* Waits for those threads, but not for hung ones. */
void virt_link_settle(void);

/* ---- links.c: all of a host's. Every function under the owner's lock; none waits. */
struct virt_links {
    bool shared;        /* immutable: one is for all threads */
    GPtrArray *slots;   /* in use */
    GPtrArray *opening; /* struct virt_wire *: of those being made */
};
void virt_links_init(struct virt_links *links, bool shared);
void virt_links_clear(struct virt_links *links);
void virt_links_opening(struct virt_links *links, struct virt_wire *wire);
void virt_links_opened(struct virt_links *links, struct virt_wire *wire);
/* A spare is this thread's at once. */
void virt_links_add(struct virt_links *links, enum virt_link_kind kind, struct virt_link *link);
/* One that is this thread's until virt_links_give(), with a reference; NULL: all are in use. */
virConnectPtr virt_links_take(struct virt_links *links, enum virt_link_kind kind);
/* What this thread has is free again. Returns links that are not needed any more, to be dropped. */
GPtrArray *virt_links_give(struct virt_links *links);
bool virt_links_have(const struct virt_links *links, virConnectPtr conn);
bool virt_links_any(const struct virt_links *links);
/* virConnectPtr of all, with references. */
GPtrArray *virt_links_all(const struct virt_links *links);
/* Ends all calls, and connections that are being made. */
void virt_links_cut(struct virt_links *links);
/* All that are in use, which are not from now on. */
GPtrArray *virt_links_steal(struct virt_links *links);
/* Without the lock: drops what the others returned. NULL is fine. */
void virt_links_drop(const GPtrArray *stolen);

/* ---- loop.c */
/* The event loop's thread runs from the first handle on, not from virt_start(): see log.c. */
bool virt_need_loop(GError **error);
void virt_loop_stop(void);
/* From now on WIRE takes the sockets that libvirt opens in this thread; NULL: nobody. */
void virt_loop_catch(struct virt_wire *wire);

/* ---- event.c */
/* The callbacks of domain events on CONN. */
enum { VIRT_CALLBACKS = 6 };
void virt_events_on(struct virt *v, virConnectPtr conn, int ids[VIRT_CALLBACKS]);
void virt_events_off(virConnectPtr conn, const int ids[VIRT_CALLBACKS]);

/* ---- uri.c; pure but for LISTENS */
/* Whether its hypervisor runs on this machine. */
bool virt_uri_is_here(const char *uri);
struct virt_site {
    const char *state;                 /* cloudfs's state directory */
    const char *runtime;               /* the user's runtime directory */
    bool embedded;                     /* the embedded driver is in use in this process */
    bool (*listens)(const char *path); /* whether there is a daemon at this socket */
};
enum virt_driver virt_uri_driver(const char *uri);
/* What to give to virConnectOpen() for URI. */
char *virt_connect_uri(const char *uri, const struct virt_site *site);
/* Parameter NAME of URI, NULL if it has none. */
char *virt_uri_parameter(const char *uri, const char *name);
/* Whether URI is of a daemon of this machine, reached by its UNIX socket. */
bool virt_uri_is_local(const char *uri);

/* ---- local.c: virt_connect_uri() for this machine, and whether its daemon runs */
char *virt_real_uri(const char *uri, const char *state);

/* ---- embed.c: the embedded driver, of which a process can have one */
/* Makes its directories and configuration ready. EOPNOTSUPP if another root is in use. */
bool virt_embed_claim(const char *root, GError **error);
/* What became of the open that followed; after a failure another root may be tried. */
void virt_embed_settle(const char *root, bool success);
/* What is opened in place of the root claimed; NULL, as ever, but after virt_try_in(). */
char *virt_embed_trial_uri(void);
/* The URI of the driver with this root. Free with g_free. */
char *virt_embed_uri(const char *root);
bool virt_embed_in_use(void);

/* ---- log.c: libvirt's own log, which would go to stderr */
void virt_log_prepare(void);
/* Before libvirt is initialised; the first call counts. */
void virt_log_choose(const char *uri, const char *state);
/* Likewise, for whatever is opened. */
void virt_log_in(const char *directory);
/* After that: what libvirt starts, a session's daemon among it, must not log there too. */
void virt_log_chosen(void);
/* Now and then: it does not grow for ever. */
void virt_log_trim(void);

/* ---- fault.c */
/* The class of a failure: virErrorNumber, libvirt's words. */
int virt_errno(int code, const char *message);
int virt_connect_errno(int code, const char *message);
/* As virt_fail(), for a connection that was not made. */
bool virt_fail_connect(GError **error, const char *doing);

/* ---- info.c, list.c, sample.c, power.c */
/* The virtualization types of a capabilities XML; pure. EINVAL if it is no XML. */
bool virt_parse_capabilities(const char *xml, char ***types, GError **error);
bool virt_info(struct virt *v, struct virt_info **info, GError **error);
bool virt_list(struct virt *v, GPtrArray **domains, GError **error);
bool virt_domain(struct virt *v, const char *uuid, struct virt_domain **domain, GError **error);
bool virt_sample(struct virt *v, bool disks, GArray **samples, struct virt_load *load,
                 GError **error);
bool virt_power(struct virt *v, const char *uuid, enum domain_verb verb,
                struct virt_domain **domain, GError **error);

/* ---- route.c: whether and how a domain gets from one host to another; pure but for WAY's URIs */
bool virt_can_move(struct virt *v, struct virt *to, const struct vm_spec *vm, const char *type,
                   bool running, GError **error);
/* Whether both are daemons of this machine: their files are the same. */
bool route_is_local(const struct virt *v, const struct virt *to);
/* The URI for virDomainMigrateToURI3(); NULL: the daemon of V has no way to TO's by itself. */
char *route_peer(const struct virt *v, const struct virt_way *way);
/* Where memory (SUFFIX "") or disks (".nbd") are sent; NULL: libvirt's choice. */
char *route_data(const struct virt *v, const struct virt_way *way, const char *uuid,
                 const char *suffix);

/* ---- migrate.c, settle.c */
bool virt_migrate(struct virt *v, const struct virt_plan *plan, const struct virt_way *way,
                  struct virt_domain **domain, GError **error);
bool virt_settle(struct virt *v, const struct virt_plan *plan, const struct virt_way *way,
                 struct virt_domain **domain, GError **error);
bool virt_tidy(struct virt *v, const char *uuid, const char *cloud, struct virt *at,
               GError **error);
bool virt_abort(struct virt *v, const char *uuid, GError **error);

/* ---- probe.c */
bool virt_probe(struct virt *v, const char *uuid, const struct spec_health *check, char **why,
                GError **error);

/* ---- reach.c: no libvirt */
enum { GUEST_ADDRESSES = 8 }; /* that are tried */
struct guest_address {
    int family; /* AF_INET, AF_INET6 */
    union {
        struct in_addr v4;
        struct in6_addr v6;
    } ip;
};
/* False: TEXT, which a guest may have made up, is no address by which one gets to a guest. */
bool virt_guest_address(const char *text, struct guest_address *address);
/* Connects to PORT of all N ADDRESSES (1 to GUEST_ADDRESSES) at once, and waits until one is
 * connected, all have failed, or TIMEOUT_MS are over. *WHY, of a failure, is the first one's. */
bool virt_connects(const struct guest_address *addresses, unsigned n, uint32_t port, int timeout_ms,
                   char **why);

/* ---- node.c: the host itself */
/* Bytes; of which USED are neither free nor reclaimable. False if the driver cannot say. */
bool virt_node_memory(virConnectPtr conn, double *total, double *used);
/* Seconds that all its CPUs worked; -1 if the driver cannot say. */
double virt_node_busy(virConnectPtr conn);

/* turn.c: around what computes for long and waits for nobody; not within one another. */
enum virt_turn { TURN_OPEN, TURN_READ }; /* a connection, or of one that is there */
void virt_turn_take(enum virt_turn turn);
void virt_turn_give(void);
