/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a domain: disk, seed, definition, start, in this order, so that a try that was cut off
 * leaves only what the next one finds and uses. Each step notes what it made, and a failure
 * takes exactly that away again.
 */
#include <string.h>

#include "core/failpoint.h"
#include "core/virt/make.h"

struct making {
    struct disk_place place;
    const struct virt_plan *plan;
    bool disk, seed; /* made by this call */
    virDomainPtr dom;
    bool defined; /* by this call */
    bool ours;    /* the UUID is no domain's, or that of a former try */
};

bool plan_check_container(const struct virt_plan *plan, GError **error)
{
    const struct vm_spec *vm = plan->vm;
    if (strcmp(plan->type, "lxc") != 0 || (!vm->disk && !vm->image && !vm->user_data))
        return true;
    fail(error, EOPNOTSUPP,
         "a container has its files in root: it takes no disk, image or user_data");
    return false;
}

static bool check_plan(struct virt *v, const struct virt_plan *plan, GError **error)
{
    if (!g_uuid_string_is_valid(plan->uuid)) {
        fail(error, EINVAL, "%s is not a UUID", plan->uuid);
        return false;
    }
    if (!plan_check_container(plan, error))
        return false;
    if (strcmp(plan->type, "lxc") == 0 && !plan->vm->root) { /* it would have the host's files */
        fail(error, EINVAL, "a container needs root, the directory that becomes its /");
        return false;
    }
    return virt_driver(v) != DRIVER_EMBED || disk_files_directory(virt_state_directory(v), error);
}

/*
 * Whether defining a domain under the name of another one is refused: libvirt's own list of domains
 * does. Then it need not be asked for before, unless there is something to be made for nothing.
 */
static bool refuses_taken_names(const struct making *m)
{
    const struct vm_spec *vm = m->plan->vm;
    return m->place.driver != DRIVER_OTHER && !vm->disk && !vm->image && !vm->user_data;
}

/* The name decides: our UUID is nobody else's. */
static bool name_is_free(virConnectPtr conn, const struct virt_plan *plan, GError **error)
{
    g_autoptr(VirtDomainHandle) other = virDomainLookupByName(conn, plan->name);
    char uuid[VIR_UUID_STRING_BUFLEN];
    if (!other || virDomainGetUUIDString(other, uuid) < 0)
        return true;
    if (g_ascii_strcasecmp(uuid, plan->uuid) == 0)
        return true;
    fail(error, EEXIST, "this host has another domain named %s, with UUID %s", plan->name, uuid);
    return false;
}

static bool define(struct making *m, const struct virt_layout *layout, GError **error)
{
    g_autofree char *xml = virt_domain_xml(m->plan, layout);
    m->dom = virDomainDefineXML(m->place.conn, xml);
    if (m->dom) {
        m->defined = true;
        return failpoint("create.defined", error);
    }
    g_autoptr(GError) refused = NULL;
    virt_fail(&refused, "defining the VM");
    if (name_is_free(m->place.conn, m->plan, error)) /* not a race for the name, then */
        g_propagate_error(error, g_steal_pointer(&refused));
    return false;
}

static bool make_domain(struct making *m, struct virt *v, GError **error)
{
    g_autoptr(HostLayout) host = NULL;
    g_autofree char *disk = NULL;
    g_autofree char *seed = NULL;
    if (!confine_plan(&m->place, m->plan, NULL, error) ||
        (!refuses_taken_names(m) && !name_is_free(m->place.conn, m->plan, error)) ||
        !(host = host_layout_of(v, m->place.conn, m->plan, error)) ||
        !disk_make(&m->place, m->plan, &disk, &m->disk, error) ||
        !failpoint("create.disk", error) ||
        !seed_make(&m->place, m->plan, true, &seed, &m->seed, error) ||
        !failpoint("create.seed", error))
        return false;
    host->layout.disk = disk;
    host->layout.seed = seed;
    return define(m, &host->layout, error);
}

static bool start(struct making *m, GError **error)
{
    bool on = !m->defined && virDomainIsActive(m->dom) == 1;
    if (!m->plan->start || on || virDomainCreate(m->dom) == 0)
        return true;
    g_autoptr(GError) refused = NULL;
    virt_fail(&refused, "starting the VM");
    if (virDomainIsActive(m->dom) == 1)
        return true;
    g_propagate_error(error, g_steal_pointer(&refused));
    return false;
}

static void undo(struct making *m)
{
    if (m->plan->fresh && m->ours) {
        if (!m->dom || (domain_stop(m->dom, NULL) && domain_undefine(m->dom, NULL)))
            disk_remove_all(&m->place, m->plan->uuid, NULL);
        return;
    }
    if (m->defined && domain_stop(m->dom, NULL))
        domain_undefine(m->dom, NULL);
    g_autofree char *disk = disk_name(m->plan->uuid);
    g_autofree char *seed = seed_name(m->plan->uuid);
    g_autofree char *log = console_name(m->plan->uuid);
    if (m->disk)
        m->place.store->remove(&m->place, disk, NULL);
    if (m->seed)
        m->place.store->remove(&m->place, seed, NULL);
    if (m->defined && m->place.driver == DRIVER_EMBED)
        m->place.store->remove(&m->place, log, NULL);
}

/* A former try may have defined it before the spec was written again. */
static bool bring_up_to_date(struct virt *v, virDomainPtr dom, const struct virt_plan *plan,
                             GError **error)
{
    g_autofree char *xml = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_INACTIVE);
    g_autoptr(VirtMark) mark = virt_mark_parse(xml);
    if (mark && g_strcmp0(mark->spec, plan->mark.spec) == 0)
        return true;
    const char *text = mark && mark->spec ? mark->spec : "";
    g_autoptr(Spec) spec = spec_parse(SPEC_VM, text, strlen(text), NULL);
    g_autoptr(VirtDomain) domain = NULL;
    g_autofree char *what = NULL;
    bool restart;
    return virt_change(v, plan, spec ? &spec->vm : NULL, &restart, &what, &domain, error);
}

/* The domain of this UUID in m->dom, if there is one. */
static bool find_former(struct making *m, struct virt *v, GError **error)
{
    g_autoptr(VirtDomainHandle) dom = NULL;
    if (!m->plan->newborn && !virt_find(m->place.conn, m->plan->uuid, &dom, error))
        return false;
    if (dom && g_strcmp0(virDomainGetName(dom), m->plan->name) != 0) {
        fail(error, EEXIST, "the UUID of %s belongs to a domain of another name", m->plan->name);
        return false;
    }
    m->ours = true;
    m->dom = g_steal_pointer(&dom);
    return !m->dom || bring_up_to_date(v, m->dom, m->plan, error);
}

bool virt_create(struct virt *v, const struct virt_plan *plan, struct virt_domain **domain,
                 GError **error)
{
    if (!check_plan(v, plan, error))
        return false;
    g_autoptr(VirtConnection) conn = virt_connection(v, error);
    if (!conn)
        return false;
    struct making m = {.place = disk_place_of(v, conn), .plan = plan};
    struct virt_domain *made = NULL;
    bool ok = find_former(&m, v, error) && (m.dom || make_domain(&m, v, error)) &&
              start(&m, error) && failpoint("create.started", error) &&
              (made = virt_read_domain(m.dom, error));
    if (ok)
        *domain = made;
    else
        undo(&m);
    if (m.dom)
        virDomainFree(m.dom);
    return ok;
}
