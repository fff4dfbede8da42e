/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an interrupted move has left on a host that did not answer when it ended. */
#include "core/failpoint.h"
#include "core/virt/make.h"

static bool is_of_cloud(const struct virt_domain *domain, const char *cloud)
{
    return domain->mark && g_strcmp0(domain->mark->cloud, cloud) == 0;
}

/* *ours is false where a domain of somebody else has this UUID. */
static bool remove_definition(virConnectPtr conn, const char *uuid, const char *cloud, bool *ours,
                              GError **error)
{
    g_autoptr(VirtDomainHandle) dom = NULL;
    if (!virt_find(conn, uuid, &dom, error))
        return false;
    g_autoptr(VirtDomain) domain = dom ? virt_read_domain(dom, error) : NULL;
    if (dom && !domain)
        return false;
    *ours = !dom || is_of_cloud(domain, cloud);
    if (!dom || !*ours)
        return true;
    if (virDomainIsActive(dom) == 0)
        return domain_undefine(dom, error);
    fail(error, EBUSY, "%s, which is not to be on this host, runs there", domain->name);
    return false;
}

/* Nobody has what is of a VM that is nowhere; of another one, its host tells what is its own. */
static bool remove_files(struct virt *v, virConnectPtr conn, const char *uuid, struct virt *at,
                         GError **error)
{
    struct disk_place here = disk_place_of(v, conn);
    here.stale = true;
    if (!at)
        return disk_remove_all(&here, uuid, error);
    g_autoptr(VirtConnection) there = virt_connection(at, error);
    if (!there)
        return false;
    struct disk_place own = disk_place_of(at, there);
    if (!luggage_leave(&here, &own, uuid, error))
        return false;
    luggage_unmark(&own, uuid); /* if it came from here */
    return true;
}

bool virt_tidy(struct virt *v, const char *uuid, const char *cloud, struct virt *at, GError **error)
{
    g_autoptr(VirtConnection) conn = virt_connection(v, error);
    bool ours = false;
    if (!conn || !remove_definition(conn, uuid, cloud, &ours, error))
        return false;
    failpoint_reached("tidy.undefined");
    return !ours || remove_files(v, conn, uuid, at, error);
}
