// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether a guest works: its agent answers a ping, or its TCP port takes a connection.
 */
#include <fcntl.h>
#include <libvirt/libvirt-qemu.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

static int connect_to(const struct addrinfo *to, int timeout_ms)
{
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    int err = connect(fd, to->ai_addr, to->ai_addrlen) == 0 ? 0 : errno;
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    socklen_t size = sizeof err;
    if (err == EINPROGRESS) {
        int n = poll(&wait, 1, timeout_ms);
        if (n == 0)
            err = ETIMEDOUT;
        else if (n < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
            err = errno;
    }
    close(fd);
    return err;
}

bool virt_connects(const char *address, uint32_t port, int timeout_ms, char **why)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    g_autofree char *service = g_strdup_printf("%u", port);
    struct addrinfo *to;
    int err = EADDRNOTAVAIL;
    if (getaddrinfo(address, service, &hints, &to) == 0) {
        err = connect_to(to, timeout_ms);
        freeaddrinfo(to);
    }
    if (err)
        *why = g_strdup_printf("port %u of %s: %s", port, address, g_strerror(err));
    return !err;
}

static bool is_reachable(const char *address)
{
    return strncmp(address, "127.", 4) != 0 && strcmp(address, "::1") != 0 &&
           !g_str_has_prefix(address, "fe80:");
}

/* One address that answers will do; *WHY is why the last did not. Whether there was one. */
static bool try_addresses(virDomainPtr dom, unsigned source, uint32_t port, char **why)
{
    virDomainInterfacePtr *nics = NULL;
    int n = virDomainInterfaceAddresses(dom, &nics, source, 0);
    bool any = false, good = false;
    for (int i = 0; i < n; i++) {
        for (unsigned k = 0; k < nics[i]->naddrs && !good; k++) {
            const char *address = nics[i]->addrs[k].addr;
            if (!is_reachable(address))
                continue;
            any = true;
            g_clear_pointer(why, g_free);
            good = virt_connects(address, port, CONNECT_MS, why);
        }
        virDomainInterfaceFree(nics[i]);
    }
    free(nics);
    return any;
}

static bool ask_port(virDomainPtr dom, uint32_t port, char **why, GError **error)
{
    static const unsigned sources[] = {VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE,
                                       VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT,
                                       VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP};
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++)
        if (try_addresses(dom, sources[i], port, why))
            return true;
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
