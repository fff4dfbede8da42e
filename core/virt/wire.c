// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The socket of a connection, to cut it with.
 *
 * Nothing in libvirt ends a call from outside. virConnectOpen() has no timeout at all; and when
 * keepalive of libvirt 9 finds a connection dead, of several calls that wait on it one ends, the
 * others wait for ever, and what comes after them reads a stack that is gone (CVE-2024-4418). So
 * keepalive is for a connection on which nobody waits (link.c), and calls on the others end by
 * having their socket shut down: each of them sees that by itself.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/virt/internal.h"

struct virt_wire {
    gatomicrefcount refs;
    GMutex lock;
    int fd;   /* a copy of ours, so that it is no other's by then; -1: none yet; guarded by lock */
    bool cut; /* guarded by lock */
};

struct virt_wire *virt_wire_new(void)
{
    struct virt_wire *wire = g_new0(struct virt_wire, 1);
    g_atomic_ref_count_init(&wire->refs);
    g_mutex_init(&wire->lock);
    wire->fd = -1;
    return wire;
}

struct virt_wire *virt_wire_ref(struct virt_wire *wire)
{
    g_atomic_ref_count_inc(&wire->refs);
    return wire;
}

void virt_wire_unref(struct virt_wire *wire)
{
    if (!wire || !g_atomic_ref_count_dec(&wire->refs))
        return;
    if (wire->fd >= 0)
        close(wire->fd);
    g_mutex_clear(&wire->lock);
    g_free(wire);
}

void virt_wire_take(struct virt_wire *wire, int fd)
{
    g_mutex_lock(&wire->lock);
    if (wire->fd < 0)
        wire->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (wire->cut && wire->fd >= 0)
        shutdown(wire->fd, SHUT_RDWR);
    g_mutex_unlock(&wire->lock);
}

void virt_wire_cut(struct virt_wire *wire)
{
    g_mutex_lock(&wire->lock);
    wire->cut = true;
    if (wire->fd >= 0)
        shutdown(wire->fd, SHUT_RDWR);
    g_mutex_unlock(&wire->lock);
}
