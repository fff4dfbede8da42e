// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Domains, one or all.
 */
#include <string.h>

#include "core/limit.h"
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

static bool read_state(virDomainPtr dom, struct virt_domain *domain, GError **error)
{
    int state, reason;
    if (virDomainGetState(dom, &state, &reason, 0) < 0)
        return virt_fail(error, "cannot read the domain's state");
    domain->state = state >= 0 && state < DOMAIN_STATES ? (enum domain_state)state : DOMAIN_NOSTATE;
    return true;
}

/* A domain is read in two steps: asking waits for the host, and parsing computes. */
struct answer {
    struct virt_domain *domain;
    char *xml; /* libvirt's */
};

static void answer_clear(struct answer *answer)
{
    virt_domain_free(answer->domain);
    free(answer->xml);
    *answer = (struct answer){0};
}

static bool ask(virDomainPtr dom, struct answer *answer, GError **error)
{
    g_autoptr(VirtDomain) domain = g_new0(struct virt_domain, 1);
    char uuid[VIR_UUID_STRING_BUFLEN];
    const char *name = virDomainGetName(dom);
    if (!name || virDomainGetUUIDString(dom, uuid) < 0)
        return virt_fail(error, "cannot read the domain's name");
    domain->uuid = g_ascii_strdown(uuid, -1);
    domain->name = g_utf8_make_valid(name, -1);
    if (!read_state(dom, domain, error))
        return false;
    answer->xml = virDomainGetXMLDesc(dom, 0);
    if (!answer->xml)
        return virt_fail(error, "cannot read the domain's XML");
    answer->domain = g_steal_pointer(&domain);
    return true;
}

/* Within a turn. NULL: it cannot be understood. */
static struct virt_domain *parse(struct answer *answer, GError **error)
{
    g_autofree char *xml = clean_xml(answer->xml);
    if (!virt_parse_domain(xml, answer->domain, error))
        return NULL;
    return g_steal_pointer(&answer->domain);
}

struct virt_domain *virt_read_domain(virDomainPtr dom, GError **error)
{
    struct answer answer = {0};
    if (!ask(dom, &answer, error))
        return NULL;
    virt_turn_take(TURN_READ);
    struct virt_domain *domain = parse(&answer, error);
    virt_turn_give();
    answer_clear(&answer);
    return domain;
}

virDomainPtr virt_lookup(virConnectPtr conn, const char *uuid, GError **error)
{
    virDomainPtr dom = virDomainLookupByUUIDString(conn, uuid);
    if (!dom)
        virt_fail(error, "cannot find the domain");
    return dom;
}

bool virt_find(virConnectPtr conn, const char *uuid, virDomainPtr *dom, GError **error)
{
    *dom = virDomainLookupByUUIDString(conn, uuid);
    return *dom || virGetLastErrorCode() == VIR_ERR_NO_DOMAIN ||
           virt_fail(error, "cannot find the domain");
}

static void free_domain(gpointer domain)
{
    virt_domain_free(domain);
}

/* So many are parsed in a turn: one for each would be more waking of threads than parsing. */
enum { GROUP = LIMIT(32, 2) };

/* ERROR only if the connection broke: then the others would be missing, not gone. */
static unsigned ask_group(virConnectPtr conn, virDomainPtr *doms, unsigned n,
                          struct answer *answers, GError **error)
{
    unsigned got = 0;
    for (unsigned i = 0; i < n; i++) {
        g_autoptr(GError) cause = NULL;
        if (ask(doms[i], &answers[got], &cause)) {
            got++;
        } else if (!virt_is_alive(conn)) {
            g_propagate_error(error, g_steal_pointer(&cause));
            break;
        }
    }
    return got;
}

static bool read_group(GPtrArray *domains, virConnectPtr conn, virDomainPtr *doms, unsigned n,
                       GError **error)
{
    struct answer answers[GROUP] = {0};
    GError *broken = NULL;
    unsigned got = ask_group(conn, doms, n, answers, &broken);
    virt_turn_take(TURN_READ);
    for (unsigned i = 0; i < got; i++) {
        struct virt_domain *domain = parse(&answers[i], NULL);
        if (domain)
            g_ptr_array_add(domains, domain);
        answer_clear(&answers[i]);
    }
    virt_turn_give();
    if (broken)
        g_propagate_error(error, broken);
    return !broken;
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
    for (int i = 0; ok && i < n; i += GROUP)
        ok = read_group(list, conn, all + i, (unsigned)MIN(GROUP, n - i), error);
    for (int i = 0; i < n; i++)
        virDomainFree(all[i]);
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
