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
    bool ended; /* its guest did, or its memory was saved: it ran here until then */
};

/* Of a domain that does not run any more, and by drivers that migrate nothing, it is refused.
 * Whoever does not answer may have one under way. */
static bool may_have_job(virDomainPtr dom)
{
    virDomainJobInfo job = {0};
    if (virDomainGetJobInfo(dom, &job) == 0)
        return job.type != VIR_DOMAIN_JOB_NONE;
    int code = virGetLastErrorCode();
    return code != VIR_ERR_OPERATION_INVALID && code != VIR_ERR_NO_DOMAIN &&
           code != VIR_ERR_NO_SUPPORT;
}

/* One that has gone over can still be destroyed or crash here; only a guest that runs here shuts
 * itself down or is saved. */
static bool ended_here(int reason)
{
    return reason == VIR_DOMAIN_SHUTOFF_SHUTDOWN || reason == VIR_DOMAIN_SHUTOFF_SAVED;
}

/* The job is asked for before the state: when one is over, the domain has stopped, or stays. */
static void look(virConnectPtr conn, const char *uuid, struct sight *sight)
{
    int state = 0, reason = 0;
    *sight = (struct sight){0};
    g_autoptr(VirtDomainHandle) dom = conn ? virDomainLookupByUUIDString(conn, uuid) : NULL;
    sight->known = dom || (conn && virGetLastErrorCode() == VIR_ERR_NO_DOMAIN);
    sight->job = dom && may_have_job(dom);
    if (dom && virDomainGetState(dom, &state, &reason, 0) == 0) {
        sight->found = true;
        sight->active = domain_is_active(state);
        sight->paused = state == VIR_DOMAIN_PAUSED;
        sight->incoming = sight->paused && reason == VIR_DOMAIN_PAUSED_MIGRATION;
        sight->ended = state == VIR_DOMAIN_SHUTOFF && ended_here(reason);
    }
    virResetLastError();
}

/* The host that it leaves knows best: there it is until all of it has gone over. What the other one
 * still has of it then, that one removes. */
static enum where judge(const struct sight *here, const struct sight *there, bool off)
{
    if (here->known && here->active)
        return here->job || there->paused ? LEAVING : HERE;
    /* One that is still on its way is paused, and not always says why. */
    if (!here->known && there->known && there->paused)
        return NOBODY_KNOWS;
    if (there->known && there->found && !there->incoming && (there->active || here->known))
        return ARRIVED;
    if (there->known && there->incoming)
        return LEAVING;
    if (there->known && !there->found)
        return HERE;
    /* One that ran may have gone over, and only not be undefined here yet. */
    if (here->found && (off || here->ended))
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
    if (conn && luggage_leave(&from, &to, uuid, NULL))
        luggage_unmark(&to, uuid);
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
        luggage_leave(&to, &from, uuid, NULL);
    virResetLastError();
}

/* That it is here is believed the second time, as the daemon may have been asked to move it and not
 * have begun. */
bool virt_settle(struct virt *v, const struct virt_plan *plan, const struct virt_way *way,
                 struct virt_domain **domain, GError **error)
{
    enum where before = NOBODY_KNOWS;
    for (;; g_usleep(PAUSE_US)) {
        g_autoptr(VirtConnection) conn = virt_connection(v, NULL);
        g_autoptr(VirtConnection) there = virt_connection(way->to, NULL);
        struct sight here, other;
        look(conn, plan->uuid, &here);
        look(there, plan->uuid, &other);
        enum where now = judge(&here, &other, way->off);
        if (now == ARRIVED)
            return arrived(v, way, plan->uuid, conn, there, domain, error);
        if (now == HERE && before == HERE) {
            if (!other.found)
                stays(v, way, plan->uuid, conn, there);
            fail(error, ECANCELED, "the move was interrupted, and it is where it was");
            return false;
        }
        if (now == NOBODY_KNOWS) {
            fail(error, EHOSTDOWN, "the host that knows where it is does not answer");
            return false;
        }
        before = now;
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
