/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Giving a domain another name. */
#include <string.h>

#include "core/failpoint.h"
#include "core/virt/make.h"

/* Most drivers rename an inactive domain only; one that has the name already is fine. */
static bool rename_domain(virDomainPtr dom, const char *name, GError **error)
{
    if (strcmp(virDomainGetName(dom), name) == 0)
        return true;
    if (virDomainIsActive(dom) == 1) {
        fail(error, EBUSY, "it runs, and this driver renames VMs only while they are off");
        return false;
    }
    return virDomainRename(dom, name, 0) == 0 || virt_fail(error, "renaming the VM");
}

bool virt_rename(struct virt *v, const struct virt_plan *plan, struct virt_domain **domain,
                 GError **error)
{
    g_autoptr(VirtConnection) conn = virt_connection(v, error);
    g_autoptr(VirtDomainHandle) dom = conn ? virt_lookup(conn, plan->uuid, error) : NULL;
    if (!dom || !rename_domain(dom, plan->name, error) || !failpoint("rename.domain", error) ||
        !domain_set_mark(dom, &plan->mark, error))
        return false;
    g_autoptr(VirtDomainHandle) renamed = virt_lookup(conn, plan->uuid, error);
    struct virt_domain *after = renamed ? virt_read_domain(renamed, error) : NULL;
    if (!after)
        return false;
    *domain = after;
    return true;
}
