// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether a guest works: its agent answers a ping, or its TCP port takes a connection.
 */
#include <libvirt/libvirt-qemu.h>

#include "core/virt/internal.h"

enum { AGENT_SECONDS = 5, CONNECT_MS = 3000 };

/* The guest's own silence, as against what says nothing about the guest. */
static bool is_silence(int code)
{
    return code == VIR_ERR_AGENT_UNRESPONSIVE || code == VIR_ERR_AGENT_UNSYNCED;
}

static bool ask_agent(virDomainPtr dom, char **why, GError **error)
{
    char *answer = virDomainQemuAgentCommand(dom, "{\"execute\":\"guest-ping\"}", AGENT_SECONDS, 0);
    free(answer);
    if (answer)
        return true;
    int code = virGetLastErrorCode();
    if (is_silence(code)) {
        g_autoptr(GError) silence = NULL;
        virt_fail(&silence, "its agent does not answer");
        *why = g_strdup(silence->message);
        return true;
    }
    virt_fail(error, "asking its agent");
    if (error && (code == VIR_ERR_ARGUMENT_UNSUPPORTED || code == VIR_ERR_OPERATION_UNSUPPORTED))
        (*error)->code = EOPNOTSUPP;
    return false;
}

/* Up to MOST addresses of one source in ADDRESSES; how many. */
static unsigned find_addresses(virDomainPtr dom, unsigned source, struct guest_address *addresses,
                               unsigned most)
{
    virDomainInterfacePtr *nics = NULL;
    int n = virDomainInterfaceAddresses(dom, &nics, source, 0);
    unsigned found = 0;
    for (int i = 0; i < n; i++) {
        for (unsigned k = 0; k < nics[i]->naddrs && found < most; k++)
            found += virt_guest_address(nics[i]->addrs[k].addr, &addresses[found]);
        virDomainInterfaceFree(nics[i]);
    }
    free(nics);
    return found;
}

static bool ask_port(virDomainPtr dom, uint32_t port, char **why, GError **error)
{
    static const unsigned sources[] = {VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE,
                                       VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT,
                                       VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP};
    struct guest_address addresses[GUEST_ADDRESSES];
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        unsigned n = find_addresses(dom, sources[i], addresses, GUEST_ADDRESSES);
        if (n == 0)
            continue;
        virt_connects(addresses, n, port, CONNECT_MS, why);
        return true;
    }
    virResetLastError();
    fail(error, EADDRNOTAVAIL,
         "no address of it is known: neither a lease of its network nor an agent tells");
    return false;
}

bool virt_probe(struct virt *v, const char *uuid, const struct spec_health *check, char **why,
                GError **error)
{
    g_autoptr(VirtConnection) conn = virt_sampling_connection(v, error);
    g_autoptr(VirtDomainHandle) dom = conn ? virt_lookup(conn, uuid, error) : NULL;
    if (!dom)
        return false;
    *why = NULL;
    return check->kind == HEALTH_AGENT ? ask_agent(dom, why, error)
                                       : ask_port(dom, check->port, why, error);
}
