/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a VM takes along when it moves: its disk and its seed. Where both hosts see the same file
 * (a pool on shared storage) it stays; else the disk is copied by the migration, whole and without
 * its image, and the seed is made anew.
 *
 * A path does not tell a copy from the file itself, as hosts that share nothing have the same
 * directories. So, once a copy was made, which fails where there is a file, it has a mark beside it
 * until the VM has arrived or the copy is gone. Where one host sees a mark and the other one does
 * not, they see two files.
 */
#include <string.h>

#include "core/virt/make.h"

static bool is_marked(const struct disk_place *place, const char *name, bool stale, bool *marked,
                      GError **error)
{
    struct disk_place fresh = *place;
    g_autofree char *mark = disk_mark_name(name);
    g_autofree char *path = NULL;
    uint64_t ignored;
    fresh.stale = stale;
    if (!place->store->find(&fresh, mark, &path, &ignored, error))
        return false;
    *marked = path != NULL;
    return true;
}

/* *copy is the one of the two whose file NAME is a copy and not the other's; NULL: not known. That
 * a mark is not seen counts only when its directory was looked at. */
static bool find_copy(const struct disk_place *one, const struct disk_place *other,
                      const char *name, const struct disk_place **copy, GError **error)
{
    bool at_one, at_other, both = false;
    *copy = NULL;
    if (!is_marked(one, name, false, &at_one, error) ||
        !is_marked(other, name, false, &at_other, error))
        return false;
    if (at_one == at_other)
        return true;
    if (!is_marked(at_one ? other : one, name, true, &both, error))
        return false;
    if (!both)
        *copy = at_one ? one : other;
    return true;
}

static bool mark(const struct disk_place *place, const char *name, GError **error)
{
    static const char words[] = "The file beside this one is a copy that is being made.\n";
    g_autofree char *full = disk_mark_name(name);
    g_autofree char *path = NULL;
    g_autoptr(GBytes) content = g_bytes_new_static(words, sizeof words - 1);
    return place->store->upload(place, full, content, &path, error);
}

static bool remove_copy(const struct disk_place *place, const char *name, GError **error)
{
    return place->store->remove(place, name, error) && disk_unmark(place, name, error);
}

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
    const struct disk_place *copy;
    if (!there->store->find(there, name, &luggage->disk_there, &ignored, error) ||
        !find_copy(here, there, name, &copy, error))
        return false;
    if (copy != there && g_strcmp0(luggage->disk, luggage->disk_there) == 0)
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
    if (!remove_copy(there, name, error) ||
        !there->store->create(there, name, NULL, info.capacity, &luggage->disk_there, error))
        return false;
    luggage->copy = luggage->made = true;
    return mark(there, name, error);
}

static bool pack_seed(struct luggage *luggage, const struct disk_place *here,
                      const struct disk_place *there, const struct virt_plan *plan, GError **error)
{
    g_autofree char *name = seed_name(plan->uuid);
    const struct disk_place *copy;
    uint64_t ignored;
    if (!here->store->find(here, name, &luggage->seed, &ignored, error))
        return false;
    if (!luggage->seed)
        return true;
    if (!find_copy(here, there, name, &copy, error))
        return false;
    bool again = copy == there;
    if (!seed_make(there, plan, again, &luggage->seed_there, &luggage->seed_made, error))
        return false;
    luggage->seed_made |= again;
    return !luggage->seed_made || mark(there, name, error);
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
        remove_copy(there, disk, NULL);
    if (luggage->seed_made)
        remove_copy(there, seed, NULL);
}

static bool leave(const struct disk_place *here, const struct disk_place *there, const char *name,
                  GError **error)
{
    g_autofree char *from = NULL, *to = NULL;
    uint64_t ignored;

    const struct disk_place *copy;
    if (!here->store->find(here, name, &from, &ignored, error))
        return false;
    if (!from)
        return disk_unmark(here, name, error);
    if (!there->store->find(there, name, &to, &ignored, error) ||
        !find_copy(here, there, name, &copy, error))
        return false;
    /* Else it is surely another file. */
    if (!to || (strcmp(from, to) == 0 && !copy))
        return true;
    return remove_copy(here, name, error);
}

bool luggage_leave(const struct disk_place *here, const struct disk_place *there, const char *uuid,
                   GError **error)
{
    g_autofree char *disk = disk_name(uuid);
    g_autofree char *seed = seed_name(uuid);
    bool ok = leave(here, there, disk, error);
    return leave(here, there, seed, ok ? error : NULL) && ok;
}

void luggage_unmark(const struct disk_place *place, const char *uuid)
{
    g_autofree char *disk = disk_name(uuid);
    g_autofree char *seed = seed_name(uuid);
    disk_unmark(place, disk, NULL);
    disk_unmark(place, seed, NULL);
}

void luggage_clear(struct luggage *luggage)
{
    g_free(luggage->disk);
    g_free(luggage->disk_there);
    g_free(luggage->seed);
    g_free(luggage->seed_there);
}
