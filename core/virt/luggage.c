/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a VM takes along when it moves: its disk and its seed. Where both hosts see the same file
 * (a pool on shared storage) it stays; else the disk is copied by the migration, whole and without
 * its image, and the seed is made anew.
 */
#include <string.h>

#include "core/virt/make.h"

static bool pack_disk(struct luggage *luggage, const struct disk_place *here,
                      const struct disk_place *there, virDomainPtr dom, const char *uuid,
                      GError **error)
{
    g_autofree char *name = disk_name(uuid);
    uint64_t bytes = 0, ignored;
    if (!here->store->find(here, name, &luggage->disk, &bytes, error))
        return false;
    if (!luggage->disk)
        return true;
    if (!there->store->find(there, name, &luggage->disk_there, &ignored, error))
        return false;
    if (g_strcmp0(luggage->disk, luggage->disk_there) == 0)
        return true;
    if (virDomainIsActive(dom) != 1) {
        fail(error, EOPNOTSUPP,
             "it is off, and its disk is on its host only: start it, then its disk moves with it");
        return false;
    }
    virDomainBlockInfo info;
    if (virDomainGetBlockInfo(dom, luggage->disk, &info, 0) < 0)
        return virt_fail(error, "reading the size of the disk");
    /* What an earlier try left cannot be trusted. */
    g_clear_pointer(&luggage->disk_there, g_free);
    if (!there->store->remove(there, name, error) ||
        !there->store->create(there, name, NULL, info.capacity, &luggage->disk_there, error))
        return false;
    luggage->copy = luggage->made = true;
    return true;
}

static bool pack_seed(struct luggage *luggage, const struct disk_place *here,
                      const struct disk_place *there, const struct virt_plan *plan, GError **error)
{
    g_autofree char *name = seed_name(plan->uuid);
    uint64_t ignored;
    return here->store->find(here, name, &luggage->seed, &ignored, error) &&
           (!luggage->seed ||
            seed_make(there, plan, false, &luggage->seed_there, &luggage->seed_made, error));
}

bool luggage_pack(struct luggage *luggage, const struct disk_place *here,
                  const struct disk_place *there, virDomainPtr dom, const struct virt_plan *plan,
                  GError **error)
{
    bool ok = pack_disk(luggage, here, there, dom, plan->uuid, error) &&
              pack_seed(luggage, here, there, plan, error);
    if (!ok)
        luggage_return(luggage, there, plan->uuid);
    return ok;
}

static void readdress(xmlNode *devices, const char *path, const char *there, bool whole)
{
    xmlNode *disk = path && there ? device_find_disk(devices, path) : NULL;
    if (!disk)
        return;
    tree_set(tree_child(disk, "source"), "file", there);
    xmlNode *backing = whole ? tree_child(disk, "backingStore") : NULL;
    if (backing)
        tree_remove(backing);
}

char *luggage_label(const struct luggage *luggage, virDomainPtr dom, unsigned flags, GError **error)
{
    char *raw = virDomainGetXMLDesc(dom, flags);
    if (!raw) {
        virt_fail(error, "reading the VM's definition");
        return NULL;
    }
    g_autoptr(XmlTree) doc = tree_parse(raw);
    free(raw);
    if (!doc) {
        fail(error, EINVAL, "the domain's definition is no XML");
        return NULL;
    }
    xmlNode *root = xmlDocGetRootElement(doc);
    xmlNode *devices = tree_child(root, "devices");
    readdress(devices, luggage->disk, luggage->disk_there, luggage->copy);
    readdress(devices, luggage->seed, luggage->seed_there, false);
    return tree_print(root);
}

void luggage_return(const struct luggage *luggage, const struct disk_place *there, const char *uuid)
{
    g_autofree char *disk = disk_name(uuid);
    g_autofree char *seed = seed_name(uuid);
    if (luggage->made)
        there->store->remove(there, disk, NULL);
    if (luggage->seed_made)
        there->store->remove(there, seed, NULL);
}

static bool leave(const struct disk_place *here, const struct disk_place *there, const char *name,
                  GError **error)
{
    g_autofree char *from = NULL, *to = NULL;
    uint64_t ignored;

    /* Only what is there under another path is surely another file. */
    if (!here->store->find(here, name, &from, &ignored, error))
        return false;
    if (!from)
        return true;
    if (!there->store->find(there, name, &to, &ignored, error))
        return false;
    return !to || strcmp(from, to) == 0 || here->store->remove(here, name, error);
}

bool luggage_leave(const struct disk_place *here, const struct disk_place *there, const char *uuid,
                   GError **error)
{
    g_autofree char *disk = disk_name(uuid);
    g_autofree char *seed = seed_name(uuid);
    bool ok = leave(here, there, disk, error);
    return leave(here, there, seed, ok ? error : NULL) && ok;
}

void luggage_clear(struct luggage *luggage)
{
    g_free(luggage->disk);
    g_free(luggage->disk_there);
    g_free(luggage->seed);
    g_free(luggage->seed_there);
}
