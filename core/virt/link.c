// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One connection of libvirt, with the callbacks that say that it broke and what its domains do.
 */
#include "core/virt/internal.h"

/* A host that hangs, or a network that is cut, is noticed after about 6 seconds. */
enum { PING_SECONDS = 2, PINGS = 2 };
enum { SETTLE_SECONDS = 2 };

struct virt_link {
    struct virt *v; /* held for on_close(), of which drivers without it never say that it is over */
    virConnectPtr conn;
    bool events, watched;
    int ids[VIRT_CALLBACKS];
};

static GMutex dropping_lock;
static GCond dropping_ended;
static unsigned dropping; /* threads; guarded by dropping_lock */

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

struct virt_link *virt_link_open(struct virt *v, const char *uri, bool events, GError **error)
{
    virConnectPtr conn = virConnectOpen(uri);
    if (!conn) {
        explain(v, error);
        return NULL;
    }
    struct virt_link *link = g_new0(struct virt_link, 1);
    link->conn = conn;
    link->v = virt_ref(v);
    if (virt_driver(v) != DRIVER_EMBED) /* others in this process say so themselves */
        virConnectSetKeepAlive(conn, PING_SECONDS, PINGS);
    link->watched = virConnectRegisterCloseCallback(conn, on_close, v, NULL) == 0;
    link->events = events;
    if (events)
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
    virConnectClose(link->conn);
    virResetLastError();
    virt_unref(link->v);
    g_free(link);
}

static gpointer drop_thread(gpointer data)
{
    drop(data);
    g_mutex_lock(&dropping_lock);
    dropping--;
    g_cond_broadcast(&dropping_ended);
    g_mutex_unlock(&dropping_lock);
    return NULL;
}

void virt_link_drop(struct virt_link *link)
{
    if (!link)
        return;
    g_mutex_lock(&dropping_lock);
    dropping++;
    g_mutex_unlock(&dropping_lock);
    GThread *thread = g_thread_try_new("virt-drop", drop_thread, link, NULL);
    if (thread)
        g_thread_unref(thread);
    else
        drop_thread(link);
}

void virt_link_settle(void)
{
    gint64 until = g_get_monotonic_time() + SETTLE_SECONDS * G_TIME_SPAN_SECOND;
    g_mutex_lock(&dropping_lock);
    while (dropping > 0)
        if (!g_cond_wait_until(&dropping_ended, &dropping_lock, until))
            break;
    g_mutex_unlock(&dropping_lock);
}
