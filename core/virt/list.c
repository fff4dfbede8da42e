// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Domains, one or all.
 */
#include <string.h>

#include "core/virt/internal.h"

/* libvirt lets control characters into a description that no XML parser takes back, its own
 * included. */
static char *clean_xml(const char *xml)
{
    char *text = g_utf8_make_valid(xml, -1);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 && !strchr("\t\r\n", *p))
            *p = '?';
    return text;
}

static bool read_definition(virDomainPtr dom, struct virt_domain *domain, GError **error)
{
    char *raw = virDomainGetXMLDesc(dom, 0);
    if (!raw)
        return virt_fail(error, "cannot read the domain's XML");
    virt_turn_take(TURN_READ);
    g_autofree char *xml = clean_xml(raw);
    bool ok = virt_parse_domain(xml, domain, error);
    virt_turn_give();
    free(raw);
    return ok;
}

static bool read_state(virDomainPtr dom, struct virt_domain *domain, GError **error)
{
    int state, reason;
    if (virDomainGetState(dom, &state, &reason, 0) < 0)
        return virt_fail(error, "cannot read the domain's state");
    domain->state = state >= 0 && state < DOMAIN_STATES ? (enum domain_state)state : DOMAIN_NOSTATE;
    return true;
}

struct virt_domain *virt_read_domain(virDomainPtr dom, GError **error)
{
    g_autoptr(VirtDomain) domain = g_new0(struct virt_domain, 1);
    char uuid[VIR_UUID_STRING_BUFLEN];
    const char *name = virDomainGetName(dom);
    if (!name || virDomainGetUUIDString(dom, uuid) < 0) {
        virt_fail(error, "cannot read the domain's name");
        return NULL;
    }
    domain->uuid = g_ascii_strdown(uuid, -1);
    domain->name = g_utf8_make_valid(name, -1);
    if (!read_state(dom, domain, error) || !read_definition(dom, domain, error))
        return NULL;
    return g_steal_pointer(&domain);
}

virDomainPtr virt_lookup(virConnectPtr conn, const char *uuid, GError **error)
{
    virDomainPtr dom = virDomainLookupByUUIDString(conn, uuid);
    if (!dom)
        virt_fail(error, "cannot find the domain");
    return dom;
}

static void free_domain(gpointer domain)
{
    virt_domain_free(domain);
}

/* False only if the connection broke: then the others would be missing, not gone. */
static bool add_domain(GPtrArray *domains, virConnectPtr conn, virDomainPtr dom, GError **error)
{
    g_autoptr(GError) cause = NULL;
    struct virt_domain *domain = virt_read_domain(dom, &cause);
    if (domain)
        g_ptr_array_add(domains, domain);
    if (domain || virt_is_alive(conn))
        return true;
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
}

bool virt_list(struct virt *v, GPtrArray **domains, GError **error)
{
    g_autoptr(VirtConnection) conn = virt_connection(v, error);
    if (!conn)
        return false;
    virDomainPtr *all = NULL;
    int n = virConnectListAllDomains(conn, &all, 0);
    if (n < 0)
        return virt_fail(error, "cannot list the domains");
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_domain);
    bool ok = true;
    for (int i = 0; i < n; i++) {
        ok = ok && add_domain(list, conn, all[i], error);
        virDomainFree(all[i]);
    }
    free(all);
    if (ok)
        *domains = g_steal_pointer(&list);
    return ok;
}

bool virt_domain(struct virt *v, const char *uuid, struct virt_domain **domain, GError **error)
{
    g_autoptr(VirtConnection) conn = virt_connection(v, error);
    g_autoptr(VirtDomainHandle) dom = conn ? virt_lookup(conn, uuid, error) : NULL;
    struct virt_domain *fresh = dom ? virt_read_domain(dom, error) : NULL;
    if (fresh)
        *domain = fresh;
    return fresh != NULL;
}
