// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a host offers: CPUs, memory, virtualization types and networks.
 */
#include <string.h>

#include "core/virt/internal.h"
#include "core/virt/tree.h"

static void add_once(GPtrArray *words, const char *word)
{
    if (word && *word && !g_ptr_array_find_with_equal_func(words, word, g_str_equal, NULL))
        g_ptr_array_add(words, g_strdup(word));
}

static char **end_words(GPtrArray *words)
{
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

static void add_types(GPtrArray *types, const xmlNode *parent)
{
    for (xmlNode *node = tree_child(parent, "domain"); node; node = tree_next(node, "domain")) {
        g_autofree char *type = tree_get(node, "type");
        add_once(types, type);
    }
}

bool virt_parse_capabilities(const char *xml, char ***types, GError **error)
{
    g_autoptr(XmlTree) doc = tree_parse(xml);
    if (!doc) {
        fail(error, EINVAL, "the hypervisor's capabilities are no XML");
        return false;
    }
    GPtrArray *found = g_ptr_array_new();
    xmlNode *root = xmlDocGetRootElement(doc);
    for (xmlNode *guest = tree_child(root, "guest"); guest; guest = tree_next(guest, "guest"))
        for (xmlNode *arch = tree_child(guest, "arch"); arch; arch = tree_next(arch, "arch"))
            add_types(found, arch);
    *types = end_words(found);
    return true;
}

static bool read_types(virConnectPtr conn, struct virt_info *info, GError **error)
{
    char *xml = virConnectGetCapabilities(conn);
    if (!xml)
        return virt_fail(error, "cannot read the capabilities");
    bool ok = virt_parse_capabilities(xml, &info->types, error);
    free(xml);
    return ok;
}

/* Drivers without networks are many: they have none. */
static void add_active_networks(GPtrArray *names, virConnectPtr conn)
{
    virNetworkPtr *networks = NULL;
    int n = virConnectListAllNetworks(conn, &networks, VIR_CONNECT_LIST_NETWORKS_ACTIVE);
    for (int i = 0; i < n; i++) {
        const char *name = virNetworkGetName(networks[i]);
        g_autofree char *valid = g_utf8_make_valid(name ? name : "", -1);
        add_once(names, valid);
        virNetworkFree(networks[i]);
    }
    free(networks);
    virResetLastError();
}

static void read_networks(virConnectPtr conn, enum virt_driver driver, struct virt_info *info)
{
    GPtrArray *names = g_ptr_array_new();
    if (driver != DRIVER_EMBED)
        add_active_networks(names, conn);
    if (driver == DRIVER_QEMU || driver == DRIVER_EMBED || driver == DRIVER_TEST)
        add_once(names, "user");
    add_once(names, "none");
    info->networks = end_words(names);
}

static bool read_node(virConnectPtr conn, struct virt_info *info, GError **error)
{
    virNodeInfo node;
    double total, used;
    if (virNodeGetInfo(conn, &node) < 0)
        return virt_fail(error, "cannot read the host's size");
    info->cpus = node.cpus;
    info->memory = (uint64_t)node.memory * 1024;
    if (virt_node_memory(conn, &total, &used))
        info->memory = (uint64_t)total;
    return true;
}

bool virt_info(struct virt *v, struct virt_info **info, GError **error)
{
    g_autoptr(VirtConnection) conn = virt_connection(v, error);
    if (!conn)
        return false;
    g_autoptr(VirtInfo) fresh = g_new0(struct virt_info, 1);
    if (!read_node(conn, fresh, error) || !read_types(conn, fresh, error))
        return false;
    read_networks(conn, virt_driver(v), fresh);
    *info = g_steal_pointer(&fresh);
    return true;
}
