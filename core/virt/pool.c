/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The storage pools of a host that hold files. */
#include <string.h>

#include "core/virt/make.h"

#define OUR_POOL "cloudfs"
#define FILE_POOLS                                                                                 \
    (VIR_CONNECT_LIST_STORAGE_POOLS_DIR | VIR_CONNECT_LIST_STORAGE_POOLS_FS |                      \
     VIR_CONNECT_LIST_STORAGE_POOLS_NETFS)

static void pool_free(gpointer pool)
{
    virStoragePoolFree(pool);
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    virStoragePoolPtr const *one = a;
    virStoragePoolPtr const *two = b;
    return g_strcmp0(virStoragePoolGetName(*one), virStoragePoolGetName(*two));
}

static GPtrArray *list_pools(virConnectPtr conn, unsigned flags, GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(pool_free);
    virStoragePoolPtr *pools = NULL;
    int n = virConnectListAllStoragePools(conn, &pools, FILE_POOLS | flags);
    if (n < 0 && virGetLastErrorCode() != VIR_ERR_NO_SUPPORT) {
        virt_fail(error, "listing the storage pools");
        return NULL;
    }
    for (int i = 0; i < n; i++)
        g_ptr_array_add(list, pools[i]);
    if (n >= 0)
        free(pools);
    g_ptr_array_sort(list, by_name);
    return g_steal_pointer(&list);
}

GPtrArray *pool_list(virConnectPtr conn, GError **error)
{
    return list_pools(conn, VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE, error);
}

static bool is_at(virStoragePoolPtr pool, const char *directory)
{
    char *xml = virStoragePoolGetXMLDesc(pool, 0); /* NULL: it has just been undefined */
    g_autoptr(XmlTree) doc = xml ? tree_parse(xml) : NULL;
    const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
    g_autofree char *target = tree_text(tree_child(tree_child(root, "target"), "path"));
    free(xml);
    return g_strcmp0(target, directory) == 0;
}

bool pool_require_active(virConnectPtr conn, const char *path, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_autoptr(GPtrArray) list = list_pools(conn, VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE, error);
    if (!list)
        return false;
    for (guint i = 0; i < list->len; i++) {
        virStoragePoolPtr pool = g_ptr_array_index(list, i);
        if (!is_at(pool, directory) || virStoragePoolIsActive(pool) == 1)
            continue;
        g_autofree char *name = spec_encode_name(virStoragePoolGetName(pool));
        fail(error, EBUSY, "storage pool %s, which holds its disk, is not active: start it first",
             name);
        return false;
    }
    return true;
}

/* The session daemon's directory of disks is the user's; its home on the host is not known, but
 * such a host is this machine, where the state directory is. */
static char *our_directory(const struct disk_place *place)
{
    g_autofree char *uri = virConnectGetURI(place->conn);
    char *query = uri ? strchr(uri, '?') : NULL;
    if (query)
        *query = '\0';
    if (uri && g_str_has_suffix(uri, "/session"))
        return g_build_filename(place->state, "images", NULL);
    return g_strdup("/var/lib/libvirt/images");
}

static virStoragePoolPtr define_ours(const struct disk_place *place, GError **error)
{
    g_autofree char *directory = our_directory(place);
    g_autoptr(XmlTree) doc = tree_new("pool");
    xmlNode *pool = xmlDocGetRootElement(doc);
    tree_set(pool, "type", "dir");
    tree_add_text(pool, "name", OUR_POOL);
    tree_add_text(tree_add(pool, "target"), "path", directory);
    g_autofree char *xml = tree_print(pool);
    virStoragePoolPtr ours = virStoragePoolDefineXML(place->conn, xml, 0);
    if (!ours) /* or another thread was faster */
        virt_fail(error, "making a storage pool");
    return ours;
}

static virStoragePoolPtr start_ours(const struct disk_place *place, GError **error)
{
    g_autoptr(GError) refused = NULL;
    g_autoptr(VirtPool) pool = virStoragePoolLookupByName(place->conn, OUR_POOL);
    if (!pool)
        pool = define_ours(place, &refused);
    if (!pool)
        pool = virStoragePoolLookupByName(place->conn, OUR_POOL);
    if (!pool) {
        g_propagate_error(error, g_steal_pointer(&refused));
        return NULL;
    }
    if (virStoragePoolIsActive(pool) == 1)
        return g_steal_pointer(&pool);
    virStoragePoolBuild(pool, 0); /* the directory may be there; starting tells */
    if (virStoragePoolCreate(pool, 0) < 0) {
        virt_fail(&refused, "starting the storage pool " OUR_POOL);
        if (virStoragePoolIsActive(pool) != 1) {
            g_propagate_error(error, g_steal_pointer(&refused));
            return NULL;
        }
    }
    virStoragePoolSetAutostart(pool, 1);
    return g_steal_pointer(&pool);
}

virStoragePoolPtr pool_choose(const struct disk_place *place, GError **error)
{
    g_autoptr(GPtrArray) list = pool_list(place->conn, error);
    if (!list)
        return NULL;
    virStoragePoolPtr chosen = list->len ? g_ptr_array_index(list, 0) : NULL;
    for (guint i = 0; i < list->len; i++)
        if (g_strcmp0(virStoragePoolGetName(g_ptr_array_index(list, i)), "default") == 0)
            chosen = g_ptr_array_index(list, i);
    if (chosen) {
        virStoragePoolRef(chosen);
        return chosen;
    }
    if (place->driver == DRIVER_TEST) {
        fail(error, EOPNOTSUPP, "this host has no storage pool");
        return NULL;
    }
    return start_ours(place, error);
}

static bool find_in(GPtrArray *list, const char *name, virStorageVolPtr *volume, GError **error)
{
    for (guint i = 0; i < list->len; i++) {
        virStorageVolPtr found = virStorageVolLookupByName(g_ptr_array_index(list, i), name);
        int code = found ? VIR_ERR_OK : virGetLastErrorCode();
        if (found) {
            *volume = found;
            return true;
        }
        bool absent = code == VIR_ERR_NO_STORAGE_VOL || code == VIR_ERR_NO_STORAGE_POOL ||
                      code == VIR_ERR_OPERATION_INVALID; /* the pool is being stopped */
        if (!absent)
            return virt_fail(error, "looking for a volume");
    }
    *volume = NULL;
    return true;
}

bool pool_find_volume(const struct disk_place *place, const char *name, virStorageVolPtr *volume,
                      GError **error)
{
    virStorageVolPtr found = NULL;
    g_autoptr(GPtrArray) list = pool_list(place->conn, error);
    if (!list || !find_in(list, name, &found, error))
        return false;
    if (!found && place->stale) {
        for (guint i = 0; i < list->len; i++) /* fails where one is under way, which is as good */
            virStoragePoolRefresh(g_ptr_array_index(list, i), 0);
        if (!find_in(list, name, &found, error))
            return false;
    }
    *volume = found;
    return true;
}
