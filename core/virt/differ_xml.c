/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of a running domain is otherwise than it is defined, and so waits for the next start. Only
 * what a spec says is looked at.
 */
#include "core/virt/make.h"

static bool boots_otherwise(const xmlNode *live, const xmlNode *kept)
{
    static const char *const names[] = {"kernel", "initrd", "cmdline", "init"};
    const xmlNode *live_os = tree_child(live, "os"), *kept_os = tree_child(kept, "os");

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *now = tree_text(tree_child(live_os, names[i]));
        g_autofree char *then = tree_text(tree_child(kept_os, names[i]));

        if (g_strcmp0(now, then) != 0)
            return true;
    }
    return false;
}

/* By these an interface is known: of a running one libvirt tells another type than is defined. */
static char *mac_addresses(const xmlNode *devices)
{
    GString *all = g_string_new(NULL);
    xmlNode *each = tree_child(devices, "interface");

    for (; each; each = tree_next(each, "interface")) {
        g_autofree char *mac = tree_get(tree_child(each, "mac"), "address");

        g_string_append_printf(all, "%s\n", mac ? mac : "");
    }
    return g_string_free(all, FALSE);
}

static bool is_wired_otherwise(const xmlNode *live, const xmlNode *kept)
{
    g_autofree char *now = mac_addresses(live);
    g_autofree char *then = mac_addresses(kept);

    return g_strcmp0(now, then) != 0;
}

static bool has_other_disk(xmlNode *live, xmlNode *kept, const char *name)
{
    return !device_find_disk(live, name) != !device_find_disk(kept, name);
}

unsigned virt_differing_keys(const char *live, const char *kept, const char *uuid)
{
    g_autoptr(XmlTree) now = live ? tree_parse(live) : NULL;
    g_autoptr(XmlTree) then = kept ? tree_parse(kept) : NULL;
    g_autofree char *disk = disk_name(uuid);
    g_autofree char *seed = seed_name(uuid);
    unsigned keys = 0;

    if (!now || !then)
        return 0;
    xmlNode *domain = xmlDocGetRootElement(now), *definition = xmlDocGetRootElement(then);
    xmlNode *devices = tree_child(domain, "devices"), *defined = tree_child(definition, "devices");
    if (boots_otherwise(domain, definition))
        keys |= EDIT_BOOT;
    if (is_wired_otherwise(devices, defined))
        keys |= EDIT_NETWORKS;
    if (has_other_disk(devices, defined, disk))
        keys |= EDIT_DISK;
    if (has_other_disk(devices, defined, seed))
        keys |= EDIT_SEED;
    return keys;
}
