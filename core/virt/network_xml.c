/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interfaces of a domain. */
#include <string.h>

#include "core/virt/make.h"

/* The word of a spec for an interface; NULL for what a spec cannot express. */
static char *network_of(xmlNode *interface)
{
    if (tree_is(interface, "type", "user"))
        return g_strdup("user");
    if (tree_is(interface, "type", "network"))
        return tree_get(tree_child(interface, "source"), "network");
    return NULL;
}

static bool mac_taken(xmlNode *devices, const char *mac)
{
    for (xmlNode *i = tree_child(devices, "interface"); i; i = tree_next(i, "interface"))
        if (tree_is(tree_child(i, "mac"), "address", mac))
            return true;
    return false;
}

/*
 * From the UUID, so that a domain that is made again keeps its addresses; QEMU's prefix and the
 * UUID's last three bytes, counted up for further interfaces.
 */
static char *free_mac(xmlNode *devices, const char *uuid)
{
    size_t len = strlen(uuid);
    guint64 low = g_ascii_strtoull(len > 6 ? uuid + len - 6 : uuid, NULL, 16);
    for (;; low++) {
        g_autofree char *mac =
            g_strdup_printf("52:54:00:%02x:%02x:%02x", (unsigned)(low >> 16) & 0xff,
                            (unsigned)(low >> 8) & 0xff, (unsigned)low & 0xff);
        if (!mac_taken(devices, mac))
            return g_steal_pointer(&mac);
    }
}

static void add_interface(xmlNode *devices, const char *type, const char *uuid, const char *network)
{
    bool user = strcmp(network, "user") == 0;
    g_autofree char *mac = free_mac(devices, uuid);
    xmlNode *node = tree_add(devices, "interface");
    tree_set(node, "type", user ? "user" : "network");
    tree_set(tree_add(node, "mac"), "address", mac);
    if (!user)
        tree_set(tree_add(node, "source"), "network", network);
    if (device_is_qemu(type))
        tree_set(tree_add(node, "model"), "type", "virtio");
}

/* The networks that are wanted, without "none"; elements are the caller's. */
static GPtrArray *wanted_networks(char **networks, const char *fallback)
{
    GPtrArray *wanted = g_ptr_array_new();
    for (char **n = networks; n && *n; n++)
        if (strcmp(*n, "none") != 0)
            g_ptr_array_add(wanted, *n);
    bool unsaid = !networks || !*networks;
    if (unsaid && fallback)
        g_ptr_array_add(wanted, (char *)fallback);
    return wanted;
}

/* Drops the interfaces that are not wanted, and from WANTED those that are there. */
static bool drop_others(xmlNode *devices, GPtrArray *wanted)
{
    bool changed = false;
    xmlNode *next;
    for (xmlNode *i = tree_child(devices, "interface"); i; i = next) {
        next = tree_next(i, "interface");
        g_autofree char *network = network_of(i);
        guint index;
        if (!network)
            continue;
        if (g_ptr_array_find_with_equal_func(wanted, network, g_str_equal, &index)) {
            g_ptr_array_remove_index(wanted, index);
            continue;
        }
        tree_remove(i);
        changed = true;
    }
    return changed;
}

bool device_set_networks(xmlNode *devices, const char *type, const char *uuid, char **networks,
                         const char *fallback)
{
    g_autoptr(GPtrArray) wanted = wanted_networks(networks, fallback);
    bool changed = drop_others(devices, wanted);
    for (guint i = 0; i < wanted->len; i++)
        add_interface(devices, type, uuid, g_ptr_array_index(wanted, i));
    return changed || wanted->len > 0;
}
