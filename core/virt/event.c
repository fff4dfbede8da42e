// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libvirt's event loop, one thread for all connections, and what it calls. A callback delays
 * every other event while it runs, so these only say which domain to look at.
 */
#include <libxml/parser.h>
#include <signal.h>

#include "core/virt/internal.h"

static GMutex loop_lock;
static GThread *loop_thread; /* guarded by loop_lock */
static gint stopping;

static void changed(virConnectPtr conn, virDomainPtr dom, void *opaque)
{
    struct virt *v = opaque;
    char uuid[VIR_UUID_STRING_BUFLEN];
    if (virDomainGetUUIDString(dom, uuid) == 0 && virt_is_current(v, conn))
        virt_tell(v, VIRT_DOMAIN, uuid);
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr dom, G_GNUC_UNUSED int event,
                        G_GNUC_UNUSED int detail, void *opaque)
{
    changed(conn, dom, opaque);
    return 0;
}

static void on_metadata(virConnectPtr conn, virDomainPtr dom, G_GNUC_UNUSED int type,
                        G_GNUC_UNUSED const char *uri, void *opaque)
{
    char uuid[VIR_UUID_STRING_BUFLEN];
    if (virDomainGetUUIDString(dom, uuid) == 0)
        virt_forget_sight(opaque, uuid);
    changed(conn, dom, opaque);
}

static void on_balloon(virConnectPtr conn, virDomainPtr dom,
                       G_GNUC_UNUSED unsigned long long actual, void *opaque)
{
    changed(conn, dom, opaque);
}

static void on_device(virConnectPtr conn, virDomainPtr dom, G_GNUC_UNUSED const char *alias,
                      void *opaque)
{
    changed(conn, dom, opaque);
}

#define CALLBACK(function) ((void (*)(void))(function))

static const struct {
    int id;
    void (*call)(void); /* of the type that libvirt.h gives to this id */
} callbacks[VIRT_CALLBACKS] = {
    {VIR_DOMAIN_EVENT_ID_LIFECYCLE,       CALLBACK(on_lifecycle)},
    {VIR_DOMAIN_EVENT_ID_REBOOT,          CALLBACK(changed)     },
    {VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, CALLBACK(on_metadata) },
    {VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE,  CALLBACK(on_balloon)  },
    {VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,    CALLBACK(on_device)   },
    {VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,  CALLBACK(on_device)   },
};

static void release(void *opaque)
{
    virt_unref(opaque);
}

void virt_events_on(struct virt *v, virConnectPtr conn, int ids[VIRT_CALLBACKS])
{
    for (size_t i = 0; i < VIRT_CALLBACKS; i++) {
        ids[i] = virConnectDomainEventRegisterAny(
            conn, NULL, callbacks[i].id, (virConnectDomainEventGenericCallback)callbacks[i].call,
            virt_ref(v), release);
        if (ids[i] < 0) /* a driver without it: what changes is seen at the next sample or list */
            virt_unref(v);
    }
    virResetLastError();
}

void virt_events_off(virConnectPtr conn, const int ids[VIRT_CALLBACKS])
{
    for (size_t i = 0; i < VIRT_CALLBACKS; i++)
        if (ids[i] >= 0)
            virConnectDomainEventDeregisterAny(conn, ids[i]);
}

static void silent(G_GNUC_UNUSED void *data, G_GNUC_UNUSED virErrorPtr error)
{
}

static void silent_xml(G_GNUC_UNUSED void *data, G_GNUC_UNUSED const char *format, ...)
{
}

static gpointer run(G_GNUC_UNUSED gpointer data)
{
    while (!g_atomic_int_get(&stopping))
        if (virEventRunDefaultImpl() < 0)
            g_usleep(G_USEC_PER_SEC / 10);
    return NULL;
}

/* Signals are for main's thread. */
static GThread *start_loop(GError **error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    GThread *thread = g_thread_try_new("virt-events", run, NULL, error);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return thread;
}

/* libvirt writes to sockets and pipes of daemons that may be gone. */
static void ignore_sigpipe(void)
{
    struct sigaction action;
    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

bool virt_start(G_GNUC_UNUSED GError **error)
{
    ignore_sigpipe();
    xmlInitParser();
    xmlSetGenericErrorFunc(NULL, silent_xml); /* libvirt has it load files */
    xmlThrDefSetGenericErrorFunc(NULL, silent_xml);
    virt_log_prepare();
    virSetErrorFunc(NULL, silent);
    return true;
}

bool virt_need_loop(GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_mutex_lock(&loop_lock);
    if (!loop_thread && virEventRegisterDefaultImpl() == 0) {
        g_atomic_int_set(&stopping, false);
        loop_thread = start_loop(&cause);
    }
    bool running = loop_thread != NULL;
    g_mutex_unlock(&loop_lock);
    if (!running)
        fail(error, EIO, "cannot start libvirt's event loop: %s",
             cause ? cause->message : "it cannot be registered");
    return running;
}

static void wake(int timer, G_GNUC_UNUSED void *opaque)
{
    g_atomic_int_set(&stopping, true);
    virEventRemoveTimeout(timer);
}

void virt_stop(void)
{
    virt_link_settle(); /* what is being closed may need the loop */
    g_mutex_lock(&loop_lock);
    GThread *thread = g_steal_pointer(&loop_thread);
    g_mutex_unlock(&loop_lock);
    if (!thread)
        return;
    if (virEventAddTimeout(0, wake, NULL, NULL) < 0)
        g_atomic_int_set(&stopping, true);
    g_thread_join(thread);
}
