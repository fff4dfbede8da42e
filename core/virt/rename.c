/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Giving a domain another name. */
#include <string.h>

#include "core/failpoint.h"
#include "core/virt/make.h"

/* Drivers have several words for it. */
static bool is_taken(virDomainPtr dom, const char *name)
{
    g_autoptr(VirtDomainHandle) other = virDomainLookupByName(virDomainGetConnect(dom), name);
    return other != NULL;
}

/* Most drivers rename an inactive domain only; one that has the name already is fine. */
static bool rename_domain(virDomainPtr dom, const char *name, GError **error)
{
    if (strcmp(virDomainGetName(dom), name) == 0)
        return true;
    if (virDomainIsActive(dom) == 1) {
        fail(error, EBUSY, "it runs, and this driver renames VMs only while they are off");
        return false;
    }
    if (is_taken(dom, name)) {
        fail(error, EEXIST, "its host has a domain called %s", name);
        return false;
    }
    return virDomainRename(dom, name, 0) == 0 || virt_fail(error, "renaming the VM");
}

/* Its name and its mark, or neither. */
static bool rename_and_mark(virDomainPtr dom, const struct virt_plan *plan, GError **error)
{
    g_autofree char *before = g_strdup(virDomainGetName(dom));
    if (!rename_domain(dom, plan->name, error))
        return false;
    if (failpoint("rename.domain", error) && domain_set_mark(dom, &plan->mark, error))
        return true;
    if (strcmp(before, plan->name) != 0)
        virDomainRename(dom, before, 0);
    return false;
}

bool virt_rename(struct virt *v, const struct virt_plan *plan, struct virt_domain **domain,
                 GError **error)
{
    g_autoptr(VirtConnection) conn = virt_connection(v, error);
    g_autoptr(VirtDomainHandle) dom = conn ? virt_lookup(conn, plan->uuid, error) : NULL;
    if (!dom || !rename_and_mark(dom, plan, error))
        return false;
    g_autoptr(VirtDomainHandle) renamed = virt_lookup(conn, plan->uuid, error);
    struct virt_domain *after = renamed ? virt_read_domain(renamed, error) : NULL;
    if (!after)
        return false;
    *domain = after;
    return true;
}
