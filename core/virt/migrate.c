/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moving a domain to another host.
 *
 * A running one: peer-to-peer where the daemons reach each other, which goes on without us; else
 * both are led by our two connections, and libvirt undoes it when we die. One that is off: its
 * definition is made there and removed here.
 */
#include <string.h>

#include "core/failpoint.h"
#include "core/virt/make.h"

enum {
    LIVE = VIR_MIGRATE_LIVE | VIR_MIGRATE_PERSIST_DEST | VIR_MIGRATE_UNDEFINE_SOURCE |
           VIR_MIGRATE_AUTO_CONVERGE,
    KEPT = VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE,
};

struct moving {
    struct virt *v;
    const struct virt_plan *plan;
    const struct virt_way *way;
    struct disk_place here, there; /* with the connections */
    virDomainPtr dom;
    struct luggage luggage;
    virTypedParameterPtr params;
    int n, max;
};

/* NULL says nothing. */
static bool say(struct moving *m, const char *param, const char *value)
{
    return !value || virTypedParamsAddString(&m->params, &m->n, &m->max, param, value) == 0;
}

static bool say_definitions(struct moving *m, GError **error)
{
    if (!m->luggage.disk && !m->luggage.seed)
        return true;
    unsigned live = VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_MIGRATABLE;
    g_autofree char *now = luggage_label(&m->luggage, m->dom, live, error);
    g_autofree char *kept = now ? luggage_label(&m->luggage, m->dom, KEPT, error) : NULL;
    if (!kept)
        return false;
    return (say(m, VIR_MIGRATE_PARAM_DEST_XML, now) &&
            say(m, VIR_MIGRATE_PARAM_PERSIST_XML, kept)) ||
           virt_fail(error, "describing the VM");
}

static bool say_ways(struct moving *m, GError **error)
{
    g_autofree char *memory = route_data(m->v, m->way, m->plan->uuid, "");
    g_autofree char *disks = route_data(m->v, m->way, m->plan->uuid, ".nbd");
    return (say(m, VIR_MIGRATE_PARAM_URI, memory) &&
            say(m, VIR_MIGRATE_PARAM_DISKS_URI, m->luggage.copy ? disks : NULL)) ||
           virt_fail(error, "describing the way");
}

static unsigned flags_of(const struct moving *m)
{
    unsigned flags = LIVE;
    if (m->luggage.copy)
        flags |= VIR_MIGRATE_NON_SHARED_DISK;
    /* libvirt cannot know that the two daemons have one and the same file system. */
    else if (m->luggage.disk && route_is_local(m->v, m->way->to))
        flags |= VIR_MIGRATE_UNSAFE;
    return flags;
}

static bool direct(struct moving *m, GError **error)
{
    virDomainPtr there =
        virDomainMigrate3(m->dom, m->there.conn, m->params, (unsigned)m->n, flags_of(m));
    if (!there)
        return virt_fail(error, "migrating the VM");
    virDomainFree(there);
    return true;
}

static bool live(struct moving *m, GError **error)
{
    g_autofree char *peer = route_peer(m->v, m->way);
    if (!say_definitions(m, error) || !say_ways(m, error))
        return false;
    if (!peer)
        return direct(m, error);
    if (virDomainMigrateToURI3(m->dom, peer, m->params, (unsigned)m->n,
                               flags_of(m) | VIR_MIGRATE_PEER2PEER) == 0)
        return true;
    /* Nothing has begun yet. */
    if (strstr(virGetLastErrorMessage(), "Failed to connect to remote libvirt URI"))
        return direct(m, error);
    return virt_fail(error, "migrating the VM");
}

static bool is_unknown(const GError *error)
{
    return error->code == EHOSTDOWN || error->code == ETIMEDOUT;
}

/* It is undefined here last: as long as it is here, it has not left. */
static bool cold(struct moving *m, GError **error)
{
    if (virDomainHasManagedSaveImage(m->dom, 0) == 1) {
        fail(error, EBUSY, "its memory is saved on its host: start it first");
        return false;
    }
    g_autofree char *xml = luggage_label(&m->luggage, m->dom, KEPT, error);
    g_autoptr(VirtDomainHandle) there = xml ? virDomainDefineXML(m->there.conn, xml) : NULL;
    if (!there)
        return xml && virt_fail(error, "defining the VM on the other host");
    GError *cause = NULL;
    if (failpoint("migrate.defined", &cause) && domain_undefine(m->dom, &cause))
        return true;
    if (!is_unknown(cause)) /* else it may be undefined yet: then it is there only */
        domain_undefine(there, NULL);
    g_propagate_error(error, cause);
    return false;
}

/* Whether it runs, of which settle() relies on what WAY says. */
static bool ask_running(const struct moving *m, bool *running, GError **error)
{
    int active = virDomainIsActive(m->dom);
    if (active < 0)
        return virt_fail(error, "asking whether the VM runs");
    *running = active == 1;
    if (*running && m->way->off) {
        fail(error, EBUSY, "it was off when it was to be moved, and runs now: try again");
        return false;
    }
    return true;
}

static bool move(struct moving *m, GError **error)
{
    GError *cause = NULL;
    bool running = false;
    const struct vm_spec taken_along = {.image = m->plan->vm->image}; /* in the disk */
    if (!ask_running(m, &running, error) ||
        !virt_can_move(m->v, m->way->to, m->plan->vm, m->plan->type, running, error) ||
        !confine_plan(&m->there, m->plan, &taken_along, error) ||
        !luggage_pack(&m->luggage, &m->here, &m->there, m->dom, m->plan, error))
        return false;
    failpoint_reached("migrate.packed");
    bool ok = running ? live(m, &cause) : cold(m, &cause);
    if (!ok) {
        if (!is_unknown(cause))
            luggage_return(&m->luggage, &m->there, m->plan->uuid);
        g_propagate_error(error, cause);
        return false;
    }
    failpoint_reached("migrate.over");
    g_autofree char *disk = disk_name(m->plan->uuid);
    bool left = !m->luggage.copy || m->here.store->remove(&m->here, disk, NULL);
    left &= luggage_leave(&m->here, &m->there, m->plan->uuid, NULL);
    failpoint_reached("migrate.left");
    if (left && (m->luggage.made || m->luggage.seed_made))
        luggage_unmark(&m->there, m->plan->uuid);
    return true;
}

/* A domain of that name and UUID there is another's, or is being moved already. */
static bool is_free_there(virConnectPtr there, const struct virt_plan *plan, GError **error)
{
    g_autoptr(VirtDomainHandle) same = virDomainLookupByUUIDString(there, plan->uuid);
    g_autoptr(VirtDomainHandle) other = virDomainLookupByName(there, plan->name);
    virResetLastError();
    if (!same && !other)
        return true;
    fail(error, EEXIST, "the other host has a domain %s already", plan->name);
    return false;
}

bool virt_migrate(struct virt *v, const struct virt_plan *plan, const struct virt_way *way,
                  struct virt_domain **domain, GError **error)
{
    g_autoptr(VirtConnection) conn = virt_connection(v, error);
    g_autoptr(VirtConnection) there = conn ? virt_connection(way->to, error) : NULL;
    g_autoptr(VirtDomainHandle) dom = there ? virt_lookup(conn, plan->uuid, error) : NULL;
    if (!dom || !is_free_there(there, plan, error))
        return false;
    struct moving m = {
        .v = v,
        .plan = plan,
        .way = way,
        .here = disk_place_of(v, conn),
        .there = disk_place_of(way->to, there),
        .dom = dom,
    };
    m.there.stale = true;
    bool ok = move(&m, error);
    luggage_clear(&m.luggage);
    virTypedParamsFree(m.params, m.n);
    g_autoptr(VirtDomainHandle) moved = ok ? virt_lookup(there, plan->uuid, error) : NULL;
    struct virt_domain *after = moved ? virt_read_domain(moved, error) : NULL;
    if (after)
        *domain = after;
    return after != NULL;
}
