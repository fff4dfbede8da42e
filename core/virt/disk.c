/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The disk and the seed of a VM: what is wanted, found, made, grown and removed. */
#include <string.h>

#include "core/failpoint.h"
#include "core/virt/make.h"

struct disk_place disk_place_of(struct virt *v, virConnectPtr conn)
{
    enum virt_driver driver = virt_driver(v);
    return (struct disk_place){
        .store = driver == DRIVER_EMBED ? &disk_files : &disk_volumes,
        .conn = conn,
        .state = virt_state_directory(v),
        .driver = driver,
        .here = driver != DRIVER_TEST && virt_uri_is_here(virt_uri(v)),
    };
}

char *disk_name(const char *uuid)
{
    return g_strdup_printf("%s.qcow2", uuid);
}

char *seed_name(const char *uuid)
{
    return g_strdup_printf("%s-seed.iso", uuid);
}

char *console_name(const char *uuid)
{
    return g_strdup_printf("%s.log", uuid);
}

char *disk_mark_name(const char *name)
{
    return g_strconcat(name, ".moving", NULL);
}

bool disk_unmark(const struct disk_place *place, const char *name, GError **error)
{
    g_autofree char *mark = disk_mark_name(name);
    struct disk_place known = *place;
    known.stale = false; /* it was made here */
    return place->store->remove(&known, mark, error);
}

bool disk_fits(const char *image, uint64_t image_bytes, uint64_t bytes, GError **error)
{
    if (bytes == 0 || bytes >= image_bytes)
        return true;
    g_autofree char *asked = spec_format_size(bytes);
    g_autofree char *needed = spec_format_size(image_bytes);
    fail(error, EINVAL, "disk = %s is smaller than the image %s, which has %s", asked, image,
         needed);
    return false;
}

/* The unit in which libvirt makes images. */
static uint64_t whole_kib(uint64_t bytes)
{
    return virt_kib(bytes) * 1024;
}

static bool shrinks(uint64_t actual, uint64_t bytes, GError **error)
{
    if (bytes >= actual)
        return false;
    g_autofree char *asked = spec_format_size(bytes);
    g_autofree char *has = spec_format_size(actual);
    fail(error, EINVAL, "disk = %s is smaller than the disk is, %s: a disk can only grow", asked,
         has);
    return true;
}

/* The definition SEEN (NULL: none) tells where the files NAMES were; success if it does not. */
static bool require_pools(const struct disk_place *place, const char *seen,
                          const char *const *names, GError **error)
{
    g_autoptr(XmlTree) doc = seen && place->store == &disk_volumes ? tree_parse(seen) : NULL;
    xmlNode *devices = doc ? tree_child(xmlDocGetRootElement(doc), "devices") : NULL;
    for (; devices && *names; names++) {
        xmlNode *disk = device_find_disk(devices, *names);
        g_autofree char *path = disk ? tree_get(tree_child(disk, "source"), "file") : NULL;
        if (path && !pool_require_active(place->conn, path, error))
            return false;
    }
    return true;
}

bool disk_may_be_removed(const struct disk_place *place, const char *uuid, const char *seen,
                         GError **error)
{
    g_autofree char *disk = disk_name(uuid);
    g_autofree char *seed = seed_name(uuid);
    const char *const names[] = {disk, seed, NULL};
    return require_pools(place, seen, names, error);
}

bool disk_make(const struct disk_place *place, const struct virt_plan *plan, char **path,
               bool *made, GError **error)
{
    const struct vm_spec *vm = plan->vm;
    uint64_t bytes = whole_kib(vm->disk);
    if (!vm->image && !bytes) {
        *path = NULL;
        *made = false;
        return true;
    }
    g_autofree char *name = disk_name(plan->uuid);
    g_autofree char *found = NULL;
    uint64_t actual = 0;
    if (!place->store->find(place, name, &found, &actual, error))
        return false;
    if (!found) {
        const char *const names[] = {name, NULL};
        if (!require_pools(place, plan->seen, names, error) ||
            !place->store->create(place, name, vm->image, bytes, path, error))
            return false;
        *made = true;
        return true;
    }
    if (bytes && shrinks(actual, bytes, error))
        return false;
    if (bytes > actual && !place->store->resize(place, name, bytes, error))
        return false;
    *path = g_steal_pointer(&found);
    *made = false;
    return true;
}

bool disk_grow(const struct disk_place *place, virDomainPtr dom, const char *uuid, uint64_t bytes,
               GError **error)
{
    g_autofree char *name = disk_name(uuid);
    g_autofree char *path = NULL;
    uint64_t actual = 0;
    bytes = whole_kib(bytes);
    if (!place->store->find(place, name, &path, &actual, error))
        return false;
    if (!path) {
        fail(error, EOPNOTSUPP, "cloudfs did not make this VM's disk and does not resize it");
        return false;
    }
    if (virDomainIsActive(dom) == 1) {
        virDomainBlockInfo info;
        if (virDomainGetBlockInfo(dom, path, &info, 0) == 0)
            actual = info.capacity;
        if (shrinks(actual, bytes, error))
            return false;
        if (bytes == actual ||
            virDomainBlockResize(dom, path, bytes, VIR_DOMAIN_BLOCK_RESIZE_BYTES) == 0)
            return true;
        return virt_fail(error, "growing the disk");
    }
    if (shrinks(actual, bytes, error))
        return false;
    return bytes == actual || place->store->resize(place, name, bytes, error);
}

bool seed_make(const struct disk_place *place, const struct virt_plan *plan, bool replace,
               char **path, bool *made, GError **error)
{
    if (!plan->vm->user_data) {
        *path = NULL;
        *made = false;
        return true;
    }
    g_autofree char *name = seed_name(plan->uuid);
    g_autofree char *found = NULL;
    uint64_t bytes;
    if (!place->store->find(place, name, &found, &bytes, error))
        return false;
    if (found && !replace) {
        *path = g_steal_pointer(&found);
        *made = false;
        return true;
    }
    g_autoptr(GBytes) image = seed_image(plan, error);
    if (!image || !place->store->upload(place, name, image, path, error))
        return false;
    *made = !found;
    return true;
}

bool disk_remove_all(const struct disk_place *place, const char *uuid, GError **error)
{
    g_autofree char *disk = disk_name(uuid);
    g_autofree char *seed = seed_name(uuid);
    g_autofree char *log = console_name(uuid);
    bool ok = place->store->remove(place, disk, error);
    failpoint_reached("destroy.disk");
    ok &= disk_unmark(place, disk, ok ? error : NULL);
    ok &= place->store->remove(place, seed, ok ? error : NULL);
    ok &= disk_unmark(place, seed, ok ? error : NULL);
    if (place->driver == DRIVER_EMBED)
        ok &= place->store->remove(place, log, ok ? error : NULL);
    return ok;
}
