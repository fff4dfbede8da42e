// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether a domain can get from one host to another, and by which URIs.
 *
 * The daemon of the host that is left connects to the other one's by itself (peer-to-peer) where
 * it has a URI for it, so that a migration outlives cloudfs. Two daemons of this machine reach
 * each other by their sockets; one elsewhere is reached by the URI that cloudfs has for it. From
 * elsewhere to this machine there is none, unless the host's spec names one.
 */
#include <string.h>

#include "core/virt/internal.h"

/* A UNIX socket's name ends at 107 bytes. */
enum { SOCKET_MAX = 107 };

/* Drivers of libvirt that move running domains; the embedded one can only send them. */
static bool can_live(const struct virt *v, const struct virt *to)
{
    enum virt_driver from = virt_driver(v), there = virt_driver(to);
    if (from == DRIVER_EMBED)
        from = DRIVER_QEMU;
    return from == there && (from == DRIVER_QEMU || from == DRIVER_OTHER);
}

bool virt_can_move(struct virt *v, struct virt *to, const struct vm_spec *vm, const char *type,
                   bool running, GError **error)
{
    bool files = vm->disk || vm->image;
    bool daemons = virt_driver(v) == DRIVER_QEMU && virt_driver(to) == DRIVER_QEMU;
    if (g_strcmp0(type, "lxc") == 0 || vm->init || vm->root)
        fail(error, EOPNOTSUPP, "a container cannot move: its files are on its host");
    else if (running && !can_live(v, to))
        fail(error, EOPNOTSUPP,
             "the drivers of the two hosts cannot move a VM while it runs: shut it down first");
    else if (!running && files && !daemons)
        fail(error, EOPNOTSUPP, "its disk is on its host, and the driver cannot move it");
    else
        return true;
    return false;
}

bool route_is_local(const struct virt *v, const struct virt *to)
{
    bool here = virt_driver(v) == DRIVER_EMBED || virt_uri_is_local(virt_uri(v));
    return here && virt_uri_is_local(virt_uri(to));
}

char *route_peer(const struct virt *v, const struct virt_way *way)
{
    if (way->peer)
        return g_strdup(way->peer);
    if (virt_uri_is_local(virt_uri(way->to)) && !route_is_local(v, way->to))
        return NULL;
    return virt_real_uri(virt_uri(way->to), virt_state_directory(way->to));
}

/*
 * The QEMU of a session's daemon may write beside the daemon's socket, and needs no port. That of
 * a system's may not: there libvirt's own choice, the host's name and a port, does.
 */
char *route_data(const struct virt *v, const struct virt_way *way, const char *uuid,
                 const char *suffix)
{
    if (way->data)
        return *suffix ? NULL : g_strdup(way->data);
    if (!route_is_local(v, way->to))
        return NULL;
    g_autofree char *uri = virt_real_uri(virt_uri(way->to), virt_state_directory(way->to));
    g_autofree char *socket = virt_uri_parameter(uri, "socket");
    if (!socket || !strstr(uri, "/session"))
        return NULL;
    g_autofree char *directory = g_path_get_dirname(socket);
    g_autofree char *path = g_strdup_printf("%s/%s%s", directory, uuid, suffix);
    if (strlen(directory) + 1 + strlen(uuid) + strlen(".nbd") > SOCKET_MAX)
        return *suffix ? NULL : g_strdup("tcp://127.0.0.1");
    return g_strconcat("unix://", path, NULL);
}
