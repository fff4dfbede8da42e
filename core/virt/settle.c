/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of a migration of which nobody heard the end; and ending one. */
#include "core/failpoint.h"
#include "core/virt/make.h"

#define PAUSE_US (250 * 1000)

enum where { NOBODY_KNOWS, HERE, LEAVING, ARRIVED };

/* How a domain stands on a host that may not answer. */
struct sight {
    bool known; /* the host answered */
    bool found, active, paused, incoming, job;
};

static void look(virConnectPtr conn, const char *uuid, struct sight *sight)
{
    virDomainJobInfo job = {0};
    int state = 0, reason = 0;
    *sight = (struct sight){0};
    g_autoptr(VirtDomainHandle) dom = conn ? virDomainLookupByUUIDString(conn, uuid) : NULL;
    sight->known = dom || (conn && virGetLastErrorCode() == VIR_ERR_NO_DOMAIN);
    if (dom && virDomainGetState(dom, &state, &reason, 0) == 0) {
        sight->found = true;
        sight->active = domain_is_active(state);
        sight->paused = state == VIR_DOMAIN_PAUSED;
        sight->incoming = sight->paused && reason == VIR_DOMAIN_PAUSED_MIGRATION;
        sight->job =
            sight->active && virDomainGetJobInfo(dom, &job) == 0 && job.type != VIR_DOMAIN_JOB_NONE;
    }
    virResetLastError();
}

/* The host that it leaves knows best: there it is until all of it has gone over. */
static enum where judge(const struct sight *here, const struct sight *there)
{
    if (here->known && here->active)
        return here->job ? LEAVING : HERE;
    /* One that is still on its way is paused, and not always says why. */
    if (!here->known && there->known && there->paused)
        return NOBODY_KNOWS;
    if (there->known && there->found && !there->incoming && (there->active || here->known))
        return ARRIVED;
    if (there->known && there->incoming)
        return LEAVING;
    if (there->known && !there->found)
        return HERE;
    return NOBODY_KNOWS;
}

static bool arrived(struct virt *v, const struct virt_way *way, const char *uuid,
                    virConnectPtr conn, virConnectPtr there, struct virt_domain **domain,
                    GError **error)
{
    struct disk_place from = disk_place_of(v, conn), to = disk_place_of(way->to, there);
    g_autoptr(VirtDomainHandle) dom = virt_lookup(there, uuid, error);
    struct virt_domain *after = dom ? virt_read_domain(dom, error) : NULL;
    if (!after)
        return false;
    g_autoptr(VirtDomainHandle) rest = conn ? virDomainLookupByUUIDString(conn, uuid) : NULL;
    if (rest && virDomainIsActive(rest) == 0) /* undefining was all that was left to do */
        domain_undefine(rest, NULL);
    failpoint_reached("settle.undefined");
    if (conn)
        luggage_leave(&from, &to, uuid);
    virResetLastError();
    *domain = after;
    return true;
}

/* The copies that were made for it there are of no use: the next move makes them anew. */
static void stays(struct virt *v, const struct virt_way *way, const char *uuid, virConnectPtr conn,
                  virConnectPtr there)
{
    struct disk_place from = disk_place_of(v, conn), to = disk_place_of(way->to, there);
    if (conn && there)
        luggage_leave(&to, &from, uuid);
    virResetLastError();
}

bool virt_settle(struct virt *v, const struct virt_plan *plan, const struct virt_way *way,
                 struct virt_domain **domain, GError **error)
{
    for (;;) {
        g_autoptr(VirtConnection) conn = virt_connection(v, NULL);
        g_autoptr(VirtConnection) there = virt_connection(way->to, NULL);
        struct sight here, other;
        look(conn, plan->uuid, &here);
        look(there, plan->uuid, &other);
        switch (judge(&here, &other)) {
        case ARRIVED:
            return arrived(v, way, plan->uuid, conn, there, domain, error);
        case HERE:
            stays(v, way, plan->uuid, conn, there);
            fail(error, ECANCELED, "the move was interrupted, and it is where it was");
            return false;
        case NOBODY_KNOWS:
            fail(error, EHOSTDOWN, "the host that knows where it is does not answer");
            return false;
        case LEAVING:
            break;
        }
        g_usleep(PAUSE_US);
    }
}

bool virt_abort(struct virt *v, const char *uuid, GError **error)
{
    g_autoptr(VirtConnection) conn = virt_connection(v, error);
    g_autoptr(VirtDomainHandle) dom = conn ? virt_lookup(conn, uuid, error) : NULL;
    if (!dom)
        return false;
    return virDomainAbortJob(dom) == 0 || virt_fail(error, "ending the migration");
}
