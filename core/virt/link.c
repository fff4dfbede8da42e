// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One connection of libvirt, with the callbacks that say that it broke and what its domains do.
 */
#include <pthread.h>
#include <time.h>

#include "core/virt/internal.h"

/* A host that hangs, or a network that is cut, is noticed after about 6 seconds. */
enum { PING_SECONDS = 2, PINGS = 2 };
enum { SETTLE_SECONDS = 2 };
enum { DROP_THREADS = 16, DROP_MS = 5000 };

struct virt_link {
    struct virt *v; /* held for on_close(), of which drivers without it never say that it is over */
    virConnectPtr conn;
    struct virt_wire *wire;
    bool events, watched;
    int ids[VIRT_CALLBACKS];
};

/* Not of GLib, whose locks ThreadSanitizer does not see. */
static pthread_mutex_t dropping_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t dropping_ended = PTHREAD_COND_INITIALIZER;
static unsigned dropping;     /* links; guarded by dropping_lock */
static GThreadPool *droppers; /* the same; NULL: none yet */

static void on_close(virConnectPtr conn, G_GNUC_UNUSED int reason, void *opaque)
{
    virt_broken(opaque, conn);
}

/* Why there is no connection, in words that say what to do about it. */
static bool explain(const struct virt *v, GError **error)
{
    virErrorPtr last = virGetLastError();
    bool absent = last && last->code == VIR_ERR_SYSTEM_ERROR &&
                  (last->int1 == ENOENT || last->int1 == ECONNREFUSED);
    const char *why = "cannot connect to %s";
    if (absent && virt_uri_is_local(virt_uri(v)))
        why = "the daemon of %s is not running";
    if (virt_driver(v) == DRIVER_EMBED) /* libvirt tries once in a process */
        why = "cannot start %s, and cloudfs must be restarted to try again";
    g_autoptr(GString) doing = g_string_new(why);
    g_string_replace(doing, "%s", virt_uri(v), 1);
    return virt_fail_connect(error, doing->str);
}

/* The test driver in this process has no host to wait for, but a file to parse. */
static virConnectPtr open_connection(const char *uri)
{
    bool computes = g_str_has_prefix(uri, "test:///");
    if (computes)
        virt_turn_take(TURN_OPEN);
    virConnectPtr conn = virConnectOpen(uri);
    if (computes)
        virt_turn_give();
    return conn;
}

struct virt_link *virt_link_open(struct virt *v, const char *uri, enum virt_link_kind kind,
                                 struct virt_wire *wire, GError **error)
{
    virt_loop_catch(wire);
    virConnectPtr conn = open_connection(uri);
    virt_loop_catch(NULL);
    if (!conn) {
        explain(v, error);
        return NULL;
    }
    struct virt_link *link = g_new0(struct virt_link, 1);
    link->conn = conn;
    link->v = virt_ref(v);
    link->wire = virt_wire_ref(wire);
    if (kind == LINK_PULSE)
        virConnectSetKeepAlive(conn, PING_SECONDS, PINGS);
    link->watched = virConnectRegisterCloseCallback(conn, on_close, v, NULL) == 0;
    link->events = kind == LINK_CONTROL;
    if (link->events)
        virt_events_on(v, conn, link->ids);
    virResetLastError();
    return link;
}

bool virt_is_alive(virConnectPtr conn)
{
    bool alive = virConnectIsAlive(conn) == 1;
    virResetLastError();
    return alive;
}

virConnectPtr virt_link_connection(const struct virt_link *link)
{
    return link->conn;
}

static void drop(struct virt_link *link)
{
    if (link->events)
        virt_events_off(link->conn, link->ids);
    if (link->watched)
        virConnectUnregisterCloseCallback(link->conn, on_close);
    virConnectClose(link->conn); /* calls that are under way still hold it */
    virt_wire_cut(link->wire);
    virResetLastError();
    virt_wire_unref(link->wire);
    virt_unref(link->v);
    g_free(link);
}

static void drop_one(void *data, G_GNUC_UNUSED void *none)
{
    drop(data);
    pthread_mutex_lock(&dropping_lock);
    dropping--;
    pthread_cond_broadcast(&dropping_ended);
    pthread_mutex_unlock(&dropping_lock);
}

static void on_drop_due(int timer, void *wire)
{
    virt_wire_cut(wire);
    virEventRemoveTimeout(timer);
}

static void release_wire(void *wire)
{
    virt_wire_unref(wire);
}

void virt_link_cut(const struct virt_link *link)
{
    if (link)
        virt_wire_cut(link->wire);
}

void virt_link_drop(struct virt_link *link)
{
    if (!link)
        return;
    /* It is polite to say goodbye, but not without end. */
    struct virt_wire *wire = virt_wire_ref(link->wire);
    if (virEventAddTimeout(DROP_MS, on_drop_due, wire, release_wire) < 0)
        virt_wire_unref(wire);
    pthread_mutex_lock(&dropping_lock);
    dropping++;
    if (!droppers)
        droppers = g_thread_pool_new(drop_one, NULL, DROP_THREADS, FALSE, NULL);
    g_thread_pool_push(droppers, link, NULL); /* waits in the queue if there is no thread */
    pthread_mutex_unlock(&dropping_lock);
}

void virt_link_settle(void)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += SETTLE_SECONDS;
    pthread_mutex_lock(&dropping_lock);
    while (dropping > 0)
        if (pthread_cond_clockwait(&dropping_ended, &dropping_lock, CLOCK_MONOTONIC, &until) != 0)
            break;
    pthread_mutex_unlock(&dropping_lock);
}
