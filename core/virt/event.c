// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What libvirt's event loop calls. A callback delays every other event while it runs, so these
 * only say which domain to look at.
 */
#include <libxml/parser.h>
#include <signal.h>

#include "core/virt/internal.h"

static void tell(virConnectPtr conn, virDomainPtr dom, enum virt_event what, struct virt *v)
{
    char uuid[VIR_UUID_STRING_BUFLEN];
    if (virDomainGetUUIDString(dom, uuid) == 0 && virt_is_current(v, conn))
        virt_tell(v, what, uuid);
}

static void changed(virConnectPtr conn, virDomainPtr dom, void *opaque)
{
    tell(conn, dom, VIRT_DOMAIN, opaque);
}

static enum virt_event lifecycle_event(int event, int detail)
{
    if (event == VIR_DOMAIN_EVENT_DEFINED && detail == VIR_DOMAIN_EVENT_DEFINED_ADDED)
        return VIRT_DEFINED;
    if (event == VIR_DOMAIN_EVENT_STARTED && detail == VIR_DOMAIN_EVENT_STARTED_BOOTED)
        return VIRT_STARTED;
    return VIRT_DOMAIN;
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    tell(conn, dom, lifecycle_event(event, detail), opaque);
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

void virt_stop(void)
{
    virt_link_settle(); /* what is being closed may need the loop */
    virt_loop_stop();
}
