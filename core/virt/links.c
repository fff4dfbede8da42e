// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The connections of a host, and who uses them.
 *
 * libvirt lets many threads call on one connection; but its client (9.0) loses wake-ups when
 * they do: while a call on a stuck guest waits for its answer, another one may not even be sent.
 * So a connection has one call at a time. A host that has little to do has three of them: one for
 * calls, where its events come too; one for samples, which a stuck guest can block without limit;
 * and a pulse, which has no calls but keepalive. Who finds his one in use gets a spare, made when
 * it is needed and dropped when it has not been for a while: as many as calls are under way.
 * Drivers in this process need none of that.
 */
#include <pthread.h>

#include "core/virt/internal.h"

enum { IDLE_SECONDS = 30 };

struct slot {
    struct virt_link *link;
    enum virt_link_kind kind;
    bool used;
    pthread_t user; /* where it is used */
    gint64 since;   /* when it was given back; monotonic */
};

void virt_links_init(struct virt_links *links, bool shared)
{
    links->shared = shared;
    links->slots = g_ptr_array_new_with_free_func(g_free);
    links->opening = g_ptr_array_new_with_free_func((GDestroyNotify)virt_wire_unref);
}

void virt_links_clear(struct virt_links *links)
{
    g_ptr_array_unref(links->slots);
    g_ptr_array_unref(links->opening);
}

void virt_links_opening(struct virt_links *links, struct virt_wire *wire)
{
    g_ptr_array_add(links->opening, virt_wire_ref(wire));
}

void virt_links_opened(struct virt_links *links, struct virt_wire *wire)
{
    g_ptr_array_remove_fast(links->opening, wire);
}

void virt_links_add(struct virt_links *links, enum virt_link_kind kind, struct virt_link *link)
{
    struct slot *slot = g_new0(struct slot, 1);
    slot->link = link;
    slot->kind = kind;
    slot->used = kind == LINK_SPARE;
    slot->user = pthread_self();
    g_ptr_array_add(links->slots, slot);
}

static bool is_mine(const struct slot *slot)
{
    return slot->used && pthread_equal(slot->user, pthread_self());
}

/* The one of this thread; else one of KIND that is free, or a spare. */
static struct slot *find(const struct virt_links *links, enum virt_link_kind kind)
{
    struct slot *found = NULL;
    for (unsigned i = 0; i < links->slots->len; i++) {
        struct slot *slot = links->slots->pdata[i];
        if (links->shared || is_mine(slot))
            return slot;
        if (!slot->used && (slot->kind == kind || (slot->kind == LINK_SPARE && !found)))
            found = slot;
    }
    return found;
}

virConnectPtr virt_links_take(struct virt_links *links, enum virt_link_kind kind)
{
    struct slot *slot = find(links, kind);
    if (!slot || virConnectRef(virt_link_connection(slot->link)) < 0)
        return NULL;
    slot->used = true;
    slot->user = pthread_self();
    return virt_link_connection(slot->link);
}

GPtrArray *virt_links_give(struct virt_links *links)
{
    GPtrArray *old = g_ptr_array_new();
    gint64 now = g_get_monotonic_time();
    for (unsigned i = links->slots->len; i-- > 0;) {
        struct slot *slot = links->slots->pdata[i];
        if (is_mine(slot)) {
            slot->used = false;
            slot->since = now;
        } else if (slot->kind == LINK_SPARE && !slot->used &&
                   now - slot->since > IDLE_SECONDS * G_TIME_SPAN_SECOND) {
            g_ptr_array_add(old, slot->link);
            g_ptr_array_remove_index_fast(links->slots, i);
        }
    }
    return old;
}

bool virt_links_have(const struct virt_links *links, virConnectPtr conn)
{
    for (unsigned i = 0; i < links->slots->len; i++)
        if (virt_link_connection(((struct slot *)links->slots->pdata[i])->link) == conn)
            return true;
    return false;
}

bool virt_links_any(const struct virt_links *links)
{
    return links->slots->len > 0;
}

static void let_go(void *conn)
{
    virConnectClose(conn);
}

GPtrArray *virt_links_all(const struct virt_links *links)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(let_go);
    for (unsigned i = 0; i < links->slots->len; i++) {
        virConnectPtr conn = virt_link_connection(((struct slot *)links->slots->pdata[i])->link);
        if (virConnectRef(conn) == 0)
            g_ptr_array_add(all, conn);
    }
    return all;
}

void virt_links_cut(struct virt_links *links)
{
    for (unsigned i = 0; i < links->slots->len; i++)
        virt_link_cut(((struct slot *)links->slots->pdata[i])->link);
    for (unsigned i = 0; i < links->opening->len; i++)
        virt_wire_cut(links->opening->pdata[i]);
}

GPtrArray *virt_links_steal(struct virt_links *links)
{
    GPtrArray *all = g_ptr_array_new();
    for (unsigned i = 0; i < links->slots->len; i++)
        g_ptr_array_add(all, ((struct slot *)links->slots->pdata[i])->link);
    g_ptr_array_set_size(links->slots, 0);
    return all;
}

void virt_links_drop(const GPtrArray *stolen)
{
    for (unsigned i = 0; stolen && i < stolen->len; i++)
        virt_link_drop(stolen->pdata[i]);
}
