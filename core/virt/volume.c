/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks as volumes of the host's storage pools, named cloudfs-NAME. */
#include <string.h>

#include "core/virt/make.h"

#define CHUNK                                                                                      \
    LIMIT((size_t)256 * 1024, (size_t)512) /* of an upload, below what a message can hold */

static char *volume_name(const char *name)
{
    return g_strconcat("cloudfs-", name, NULL);
}

static char *volume_xml(const char *name, const char *format, uint64_t bytes, const char *image,
                        const char *image_format)
{
    g_autoptr(XmlTree) doc = tree_new("volume");
    xmlNode *volume = xmlDocGetRootElement(doc);
    tree_add_text(volume, "name", name);
    if (bytes) {
        g_autofree char *capacity = g_strdup_printf("%" G_GUINT64_FORMAT, bytes);
        tree_set(tree_add_text(volume, "capacity", capacity), "unit", "bytes");
    }
    tree_set(tree_add_text(volume, "allocation", "0"), "unit", "bytes");
    xmlNode *target = tree_add(volume, "target");
    tree_set(tree_add(target, "format"), "type", format);
    tree_add_text(tree_add(target, "permissions"), "mode", "0600");
    if (strcmp(format, "qcow2") == 0)
        tree_add_text(target, "compat", "1.1"); /* libvirt's 0.10 cannot discard below an image */
    if (image) {
        xmlNode *backing = tree_add(volume, "backingStore");
        tree_add_text(backing, "path", image);
        tree_set(tree_add(backing, "format"), "type", image_format);
    }
    return tree_print(volume);
}

static bool volume_path(virStorageVolPtr volume, char **path, GError **error)
{
    char *found = virStorageVolGetPath(volume);
    if (!found)
        return virt_fail(error, "reading the path of a volume");
    *path = found;
    return true;
}

static bool volume_find(const struct disk_place *place, const char *name, char **path,
                        uint64_t *bytes, GError **error)
{
    g_autofree char *full = volume_name(name);
    g_autoptr(VirtVolume) volume = NULL;
    virStorageVolInfo info;
    if (!pool_find_volume(place, full, &volume, error))
        return false;
    if (!volume) {
        *path = NULL;
        return true;
    }
    if (virStorageVolGetInfo(volume, &info) < 0)
        return virt_fail(error, "reading a volume");
    if (!volume_path(volume, path, error))
        return false;
    *bytes = info.capacity;
    return true;
}

/* An overlay of an image whose size was not known takes it over, and is looked at then. */
static bool fit_unknown(virStorageVolPtr volume, const char *image, uint64_t bytes, GError **error)
{
    virStorageVolInfo info;
    if (virStorageVolGetInfo(volume, &info) < 0)
        return virt_fail(error, "reading a volume");
    if (!disk_fits(image, info.capacity, bytes, error))
        return false;
    if (bytes > info.capacity && virStorageVolResize(volume, bytes, 0) < 0)
        return virt_fail(error, "growing a volume");
    return true;
}

static bool create_failed(const char *image, GError **error)
{
    const char *words = virGetLastErrorMessage();
    if (image && strstr(words, image) && strstr(words, g_strerror(ENOENT))) {
        fail(error, ENOENT, "this host has no file %s", image);
        return false;
    }
    return virt_fail(error, "making the disk");
}

static bool volume_create(const struct disk_place *place, const char *name, const char *image,
                          uint64_t bytes, char **path, GError **error)
{
    struct disk_image found = {0};
    if (image && (!image_of_host(place, image, &found, error) ||
                  (found.bytes && !disk_fits(image, found.bytes, bytes, error))))
        return false;
    g_autoptr(VirtPool) pool = pool_choose(place, error);
    if (!pool)
        return false;
    bool unknown = image && !found.bytes;
    g_autofree char *full = volume_name(name);
    g_autofree char *xml = volume_xml(full, "qcow2", unknown ? 0 : MAX(bytes, found.bytes), image,
                                      image ? found.format : NULL);
    g_autoptr(VirtVolume) volume = virStorageVolCreateXML(pool, xml, 0);
    if (!volume)
        return create_failed(image, error);
    if ((unknown && !fit_unknown(volume, image, bytes, error)) ||
        !volume_path(volume, path, error)) {
        virStorageVolDelete(volume, 0);
        return false;
    }
    return true;
}

static bool volume_resize(const struct disk_place *place, const char *name, uint64_t bytes,
                          GError **error)
{
    g_autofree char *full = volume_name(name);
    g_autoptr(VirtVolume) volume = NULL;
    if (!pool_find_volume(place, full, &volume, error))
        return false;
    if (!volume) {
        fail(error, ENOENT, "this host has no volume %s", full);
        return false;
    }
    return virStorageVolResize(volume, bytes, 0) == 0 || virt_fail(error, "growing a volume");
}

static bool volume_remove(const struct disk_place *place, const char *name, GError **error)
{
    g_autofree char *full = volume_name(name);
    g_autoptr(VirtVolume) volume = NULL;
    if (!pool_find_volume(place, full, &volume, error))
        return false;
    if (!volume || virStorageVolDelete(volume, 0) == 0)
        return true;
    if (virGetLastErrorCode() == VIR_ERR_NO_STORAGE_VOL)
        return true;
    return virt_fail(error, "removing a volume");
}

static bool send_content(virStreamPtr stream, const char *data, size_t len, GError **error)
{
    while (len > 0) {
        int sent = virStreamSend(stream, data, MIN(len, CHUNK));
        if (sent < 0) {
            virt_fail(error, "filling a volume");
            virStreamAbort(stream);
            return false;
        }
        data += sent;
        len -= (size_t)sent;
    }
    return virStreamFinish(stream) == 0 || virt_fail(error, "filling a volume");
}

/* The test driver's volumes hold nothing, and nobody reads them. */
static bool fill_volume(const struct disk_place *place, virStorageVolPtr volume, GBytes *content,
                        GError **error)
{
    gsize len;
    const char *data = g_bytes_get_data(content, &len);
    if (place->driver == DRIVER_TEST)
        return true;
    g_autoptr(VirtStream) stream = virStreamNew(place->conn, 0);
    if (!stream || virStorageVolUpload(volume, stream, 0, len, 0) < 0)
        return virt_fail(error, "filling a volume");
    return send_content(stream, data, len, error);
}

static bool volume_upload(const struct disk_place *place, const char *name, GBytes *content,
                          char **path, GError **error)
{
    g_autofree char *full = volume_name(name);
    g_autofree char *xml = volume_xml(full, "raw", g_bytes_get_size(content), NULL, NULL);
    g_autoptr(VirtPool) pool = pool_choose(place, error);
    if (!pool || !volume_remove(place, name, error))
        return false;
    g_autoptr(VirtVolume) volume = virStorageVolCreateXML(pool, xml, 0);
    if (!volume)
        return virt_fail(error, "making a volume");
    if (!fill_volume(place, volume, content, error) || !volume_path(volume, path, error)) {
        virStorageVolDelete(volume, 0);
        return false;
    }
    return true;
}

const struct disk_store disk_volumes = {
    .find = volume_find,
    .create = volume_create,
    .resize = volume_resize,
    .upload = volume_upload,
    .remove = volume_remove,
};
