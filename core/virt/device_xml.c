/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "core/virt/make.h"

bool device_is_qemu(const char *type)
{
    return strcmp(type, "qemu") == 0 || strcmp(type, "kvm") == 0 || strcmp(type, "hvf") == 0;
}

static bool target_taken(xmlNode *devices, const char *target)
{
    for (xmlNode *disk = tree_child(devices, "disk"); disk; disk = tree_next(disk, "disk"))
        if (tree_is(tree_child(disk, "target"), "dev", target))
            return true;
    return false;
}

/* vda, vdb, … (Xen: xvda, …): the first that no disk of the domain has. */
static char *free_target(xmlNode *devices, const char *prefix)
{
    for (char letter = 'a';; letter++) {
        g_autofree char *target = g_strdup_printf("%s%c", prefix, letter);
        if (letter == 'z' || !target_taken(devices, target))
            return g_steal_pointer(&target);
    }
}

static xmlNode *add_file(xmlNode *devices, const char *type, const char *path, const char *format)
{
    bool xen = strcmp(type, "xen") == 0;
    g_autofree char *target = free_target(devices, xen ? "xvd" : "vd");
    xmlNode *disk = tree_add(devices, "disk");
    tree_set(disk, "type", "file");
    tree_set(disk, "device", "disk");
    xmlNode *driver = tree_add(disk, "driver");
    tree_set(driver, "name", "qemu");
    tree_set(driver, "type", format);
    tree_set(tree_add(disk, "source"), "file", path);
    xmlNode *node = tree_add(disk, "target");
    tree_set(node, "dev", target);
    tree_set(node, "bus", xen ? "xen" : "virtio");
    return disk;
}

void device_add_disk(xmlNode *devices, const char *type, const char *path)
{
    xmlNode *disk = add_file(devices, type, path, "qcow2");
    tree_set(tree_child(disk, "driver"), "discard", "unmap");
}

/* cloud-init looks for the label on every block device. A virtio disk needs no driver that the
 * cloud kernels leave out, as a CD-ROM would. */
void device_add_seed(xmlNode *devices, const char *type, const char *path)
{
    tree_add(add_file(devices, type, path, "raw"), "readonly");
}

xmlNode *device_find_disk(xmlNode *devices, const char *path)
{
    for (xmlNode *disk = tree_child(devices, "disk"); disk; disk = tree_next(disk, "disk")) {
        g_autofree char *file = tree_get(tree_child(disk, "source"), "file");
        if (file && g_str_has_suffix(file, path))
            return disk;
    }
    return NULL;
}

bool device_has_foreign_disk(xmlNode *devices, const char *uuid)
{
    g_autofree char *seed = seed_name(uuid);
    xmlNode *ours = device_find_disk(devices, seed);
    for (xmlNode *disk = tree_child(devices, "disk"); disk; disk = tree_next(disk, "disk"))
        if (disk != ours)
            return true;
    return false;
}

void device_add_console(xmlNode *devices, const char *type, const char *log)
{
    bool serial = device_is_qemu(type);
    xmlNode *console = tree_add(devices, serial ? "serial" : "console");
    tree_set(console, "type", "pty");
    if (!serial)
        return;
    if (log) {
        xmlNode *file = tree_add(console, "log");
        tree_set(file, "file", log);
        tree_set(file, "append", "off"); /* the last run's: it would grow without bound */
    }
    tree_set(tree_add(console, "target"), "port", "0");
}

void device_add_virtio(xmlNode *devices, bool agent)
{
    xmlNode *rng = tree_add(devices, "rng");
    tree_set(rng, "model", "virtio");
    tree_set(tree_add_text(rng, "backend", "/dev/urandom"), "model", "random");
    xmlNode *balloon = tree_add(devices, "memballoon");
    tree_set(balloon, "model", "virtio");
    tree_set(tree_add(balloon, "stats"), "period", "5");
    if (!agent)
        return;
    xmlNode *channel = tree_add(devices, "channel");
    tree_set(channel, "type", "unix");
    xmlNode *target = tree_add(channel, "target");
    tree_set(target, "type", "virtio");
    tree_set(target, "name", "org.qemu.guest_agent.0");
}
