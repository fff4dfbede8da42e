// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Addresses that a guest says it has, and whether a TCP port of one of them takes a connection.
 *
 * An agent says whatever its guest likes. So an address is only what inet_pton() reads, never one
 * of this machine itself or of its links, and no number of silent ones takes longer than one.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/virt/internal.h"

static bool leads_out_4(struct in_addr address)
{
    uint32_t ip = ntohl(address.s_addr);
    bool here = ip >> 24 == 0 || ip >> 24 == IN_LOOPBACKNET;
    bool link = ip >> 16 == 0xa9fe;           /* 169.254.0.0/16 */
    return !here && !link && ip < 0xe0000000; /* beyond are multicast and broadcast */
}

static bool leads_out_6(const struct in6_addr *ip)
{
    return !IN6_IS_ADDR_UNSPECIFIED(ip) && !IN6_IS_ADDR_LOOPBACK(ip) && !IN6_IS_ADDR_V4MAPPED(ip) &&
           !IN6_IS_ADDR_V4COMPAT(ip) && !IN6_IS_ADDR_LINKLOCAL(ip) && !IN6_IS_ADDR_MULTICAST(ip);
}

bool virt_guest_address(const char *text, struct guest_address *address)
{
    struct guest_address read = {.family = AF_INET};
    if (inet_pton(AF_INET, text, &read.ip.v4) == 1) {
        if (!leads_out_4(read.ip.v4))
            return false;
    } else {
        read.family = AF_INET6;
        if (inet_pton(AF_INET6, text, &read.ip.v6) != 1 || !leads_out_6(&read.ip.v6))
            return false;
    }
    *address = read;
    return true;
}

/* 0: connected, EINPROGRESS: *FD tells, else it failed. */
static int begin(const struct guest_address *address, uint32_t port, int *fd)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = address->ip.v4};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = address->ip.v6};
    bool four = address->family == AF_INET;
    const void *to = four ? (const void *)&v4 : &v6;
    v4.sin_port = v6.sin6_port = htons((uint16_t)port);
    *fd = socket(address->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return errno;
    return connect(*fd, to, four ? sizeof v4 : sizeof v6) == 0 ? 0 : errno;
}

static int outcome(int fd)
{
    int err;
    socklen_t size = sizeof err;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) == 0 ? err : errno;
}

static void forget(struct pollfd *wait)
{
    if (wait->fd >= 0)
        close(wait->fd);
    wait->fd = -1; /* poll() passes over it */
}

struct attempts {
    struct pollfd waits[GUEST_ADDRESSES];
    int errs[GUEST_ADDRESSES];
    unsigned n, open;
    bool good;
};

static void note(struct attempts *attempts, unsigned i, int err)
{
    attempts->errs[i] = err;
    attempts->good |= err == 0;
    attempts->open += err == EINPROGRESS;
    if (err != EINPROGRESS)
        forget(&attempts->waits[i]);
}

/* Whether there is more to wait for. */
static bool wait_for_some(struct attempts *attempts, gint64 until)
{
    gint64 left = (until - g_get_monotonic_time()) / 1000;
    if (attempts->good || attempts->open == 0 || left <= 0 ||
        (poll(attempts->waits, attempts->n, (int)left) < 0 && errno != EINTR))
        return false;
    for (unsigned i = 0; i < attempts->n; i++)
        if (attempts->waits[i].fd >= 0 && attempts->waits[i].revents) {
            attempts->open--;
            note(attempts, i, outcome(attempts->waits[i].fd));
        }
    return true;
}

static char *tell(const struct guest_address *address, uint32_t port, int err)
{
    char text[INET6_ADDRSTRLEN];
    inet_ntop(address->family, &address->ip, text, sizeof text);
    return g_strdup_printf("port %u of %s: %s", port, text,
                           g_strerror(err == EINPROGRESS ? ETIMEDOUT : err));
}

bool virt_connects(const struct guest_address *addresses, unsigned n, uint32_t port, int timeout_ms,
                   char **why)
{
    gint64 until = g_get_monotonic_time() + timeout_ms * G_TIME_SPAN_MILLISECOND;
    struct attempts attempts = {.n = n};
    for (unsigned i = 0; i < n; i++) {
        attempts.waits[i].events = POLLOUT;
        note(&attempts, i, begin(&addresses[i], port, &attempts.waits[i].fd));
    }
    while (wait_for_some(&attempts, until))
        ;
    for (unsigned i = 0; i < n; i++)
        forget(&attempts.waits[i]);
    if (!attempts.good)
        *why = tell(&addresses[0], port, attempts.errs[0]);
    return attempts.good;
}
