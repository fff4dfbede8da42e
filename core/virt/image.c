/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the image of a disk, or another file that a VM names, is when it lies on a host that only
 * libvirt reaches.
 *
 * libvirt tells format and size of files that are in an active pool. A file that is in none is
 * looked at through a pool of its directory that lives as long as the look. Where even that
 * cannot be (an inactive pool has the directory), the name's suffix decides, and making the
 * overlay shows whether the image is there.
 */
#include <string.h>

#include "core/virt/make.h"

#define TRIES    20
#define PAUSE_US (100 * 1000)

static void set_format(struct disk_image *image, const char *format)
{
    static const char *const layered[] = {"qcow2", "qcow", "qed", "vmdk", "vdi", "vpc", NULL};
    bool known = format && g_strv_contains(layered, format);
    g_strlcpy(image->format, known ? format : "raw", sizeof image->format);
}

static void read_mode(xmlNode *target, struct disk_image *image)
{
    g_autofree char *text = tree_text(tree_child(tree_child(target, "permissions"), "mode"));
    guint64 mode;
    image->has_mode = text && g_ascii_string_to_unsigned(text, 8, 0, 07777, &mode, NULL);
    image->mode = image->has_mode ? (mode_t)mode : 0;
}

static bool image_of_volume(virStorageVolPtr volume, struct disk_image *image)
{
    virStorageVolInfo info;
    g_autofree char *xml = virStorageVolGetXMLDesc(volume, 0);
    g_autoptr(XmlTree) doc = xml ? tree_parse(xml) : NULL;
    if (!doc || virStorageVolGetInfo(volume, &info) < 0)
        return false;
    xmlNode *target = tree_child(xmlDocGetRootElement(doc), "target");
    g_autofree char *format = tree_get(tree_child(target, "format"), "type");
    set_format(image, format);
    image->bytes = info.capacity;
    read_mode(target, image);
    return true;
}

static bool known_volume(virConnectPtr conn, const char *path, struct disk_image *image)
{
    g_autoptr(VirtVolume) volume = virStorageVolLookupByPath(conn, path);
    return volume && image_of_volume(volume, image);
}

/* A file that came into a pool's directory since libvirt last looked. */
static bool refreshed_volume(virConnectPtr conn, const char *directory, const char *path,
                             struct disk_image *image)
{
    g_autoptr(VirtPool) pool = virStoragePoolLookupByTargetPath(conn, directory);
    if (!pool || virStoragePoolIsActive(pool) != 1)
        return false;
    virStoragePoolRefresh(pool, 0);
    return known_volume(conn, path, image);
}

static virStoragePoolPtr look_into(virConnectPtr conn, const char *directory)
{
    g_autofree char *unique = g_uuid_string_random();
    g_autofree char *name = g_strconcat("cloudfs-look-", unique, NULL);
    g_autoptr(XmlTree) doc = tree_new("pool");
    xmlNode *pool = xmlDocGetRootElement(doc);
    tree_set(pool, "type", "dir");
    tree_add_text(pool, "name", name);
    tree_add_text(tree_add(pool, "target"), "path", directory);
    g_autofree char *xml = tree_print(pool);
    return virStoragePoolCreateXML(conn, xml, 0);
}

static bool no_such_image(const char *path, GError **error)
{
    fail(error, ENOENT, "this host has no file %s", path);
    return false;
}

static bool is_absent(const virError *err)
{
    return err && err->code == VIR_ERR_SYSTEM_ERROR &&
           (err->int1 == ENOENT || err->int1 == ENOTDIR);
}

static void guess(const char *path, struct disk_image *image)
{
    const char *dot = strrchr(path, '.');
    set_format(image, dot ? dot + 1 : NULL);
    image->bytes = 0;
    image->has_mode = false;
}

/* Only one pool can have a directory, so of several looks at the same time one succeeds and the
 * others see the image through it, or wait. */
static bool looked_up(virConnectPtr conn, const char *directory, const char *path,
                      struct disk_image *image, GError **error)
{
    for (int i = 0; i < TRIES; i++) {
        g_autoptr(VirtPool) pool = look_into(conn, directory);
        if (pool) {
            bool ok = known_volume(conn, path, image);
            virStoragePoolDestroy(pool);
            return ok || no_such_image(path, error);
        }
        if (is_absent(virGetLastError()))
            return no_such_image(path, error);
        if (known_volume(conn, path, image))
            return true;
        g_autoptr(VirtPool) other = virStoragePoolLookupByTargetPath(conn, directory);
        if (other && virStoragePoolIsActive(other) == 0)
            break;
        g_usleep(PAUSE_US);
    }
    guess(path, image);
    return true;
}

bool image_of_host(const struct disk_place *place, const char *path, struct disk_image *image,
                   GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);
    if (known_volume(place->conn, path, image) ||
        refreshed_volume(place->conn, directory, path, image))
        return true;
    if (place->driver == DRIVER_TEST)
        return no_such_image(path, error);
    return looked_up(place->conn, directory, path, image, error);
}
