/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a host decides about the definition of a VM: its capabilities, networks and paths. */
#include <string.h>

#include "core/virt/make.h"

/* A UNIX socket's name ends at 107 bytes. libvirt puts that of the agent in
 * ROOT/lib/qemu/channel/target/domain-ID-NAME/, NAME cut at 20. */
#define SOCKET_MAX 107
#define AGENT_BELOW                                                                                \
    "/embed/lib/qemu/channel/target/domain-99999-12345678901234567890/org.qemu.guest_agent.0"

static const char *keep(struct host_layout *host, char *string)
{
    if (string)
        g_ptr_array_add(host->strings, string);
    return string;
}

static bool has_type(const xmlNode *arch, const char *type)
{
    for (xmlNode *d = tree_child(arch, "domain"); d; d = tree_next(d, "domain"))
        if (tree_is(d, "type", type))
            return true;
    return false;
}

/* Lower is better: the host's own architecture, then full virtualization or a container. */
static int rank(const char *arch, const char *os_type, const char *native)
{
    bool usual = g_strcmp0(os_type, "hvm") == 0 || g_strcmp0(os_type, "exe") == 0;
    return (g_strcmp0(arch, native) == 0 ? 0 : 2) + (usual ? 0 : 1);
}

/* NULL: there is none for TYPE. */
static struct virt_guest *choose_guest(const xmlNode *capabilities, const char *type)
{
    xmlNode *cpu = tree_child(tree_child(capabilities, "host"), "cpu");
    g_autofree char *native = tree_text(tree_child(cpu, "arch"));
    g_autoptr(VirtGuest) guest = g_new0(struct virt_guest, 1);
    int best = G_MAXINT;
    for (xmlNode *g = tree_child(capabilities, "guest"); g; g = tree_next(g, "guest")) {
        g_autofree char *os_type = tree_text(tree_child(g, "os_type"));
        for (xmlNode *a = tree_child(g, "arch"); a; a = tree_next(a, "arch")) {
            g_autofree char *arch = tree_get(a, "name");
            if (!arch || !os_type || !has_type(a, type) || rank(arch, os_type, native) >= best)
                continue;
            best = rank(arch, os_type, native);
            g_free(guest->arch);
            g_free(guest->os_type);
            *guest = (struct virt_guest){g_steal_pointer(&arch), g_strdup(os_type)};
        }
    }
    return best < G_MAXINT ? g_steal_pointer(&guest) : NULL;
}

static struct virt_guest *ask_guest(struct virt *v, virConnectPtr conn, const char *type,
                                    GError **error)
{
    g_autofree char *xml = virConnectGetCapabilities(conn);
    if (!xml) {
        virt_fail(error, "reading what the host offers");
        return NULL;
    }
    g_autoptr(XmlTree) doc = tree_parse(xml);
    struct virt_guest *guest = doc ? choose_guest(xmlDocGetRootElement(doc), type) : NULL;
    if (guest && virt_is_current(v, conn))
        virt_guests_keep(virt_guests(v), type, guest);
    if (!guest)
        fail(error, EOPNOTSUPP, "this host offers no virtualization of type %s", type);
    return guest;
}

static bool read_guest(struct host_layout *host, struct virt *v, virConnectPtr conn,
                       const char *type, GError **error)
{
    g_autoptr(VirtGuest) guest = virt_guests_find(virt_guests(v), type);
    if (!guest)
        guest = ask_guest(v, conn, type, error);
    if (!guest)
        return false;
    host->layout.arch = keep(host, g_steal_pointer(&guest->arch));
    host->layout.os_type = keep(host, g_steal_pointer(&guest->os_type));
    return true;
}

static const char *default_network(enum virt_driver driver, virConnectPtr conn, const char *type)
{
    virNetworkPtr network = driver == DRIVER_EMBED ? NULL : virNetworkLookupByName(conn, "default");
    bool active = network && virNetworkIsActive(network) == 1;
    if (network)
        virNetworkFree(network);
    if (active)
        return "default";
    return device_is_qemu(type) ? "user" : NULL;
}

static void embedded_paths(struct host_layout *host, const char *state, const char *uuid)
{
    g_autofree char *name = console_name(uuid);
    host->layout.console = keep(host, disk_file_path(state, name));
    host->layout.agent = strlen(state) + strlen(AGENT_BELOW) <= SOCKET_MAX;
}

struct host_layout *host_layout_of(struct virt *v, virConnectPtr conn, const struct virt_plan *plan,
                                   GError **error)
{
    g_autoptr(HostLayout) host = g_new0(struct host_layout, 1);
    host->strings = g_ptr_array_new_with_free_func(g_free);
    host->layout.driver = virt_driver(v);
    host->layout.agent = true;
    if (!read_guest(host, v, conn, plan->type, error))
        return NULL;
    if (!plan->vm->networks)
        host->layout.network = default_network(host->layout.driver, conn, plan->type);
    if (host->layout.driver == DRIVER_EMBED)
        embedded_paths(host, virt_state_directory(v), plan->uuid);
    return g_steal_pointer(&host);
}

void host_layout_free(struct host_layout *host)
{
    if (!host)
        return;
    g_ptr_array_unref(host->strings);
    g_free(host);
}
