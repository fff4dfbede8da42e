/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of health that connect to a port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core/virt/internal.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

static void only_ways_to_a_guest(void **state)
{
    static const char *const bad[] = {
        "",
        "nowhere",
        "0",
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "169.254.1.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%lo",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "ff02::1",
        "::127.0.0.1",
        " 10.0.0.1 ",
        "10.0.0.1/8",
    };
    struct guest_address address;
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(virt_guest_address(bad[i], &address));
    assert_true(virt_guest_address("192.168.122.7", &address));
    assert_int_equal(address.family, AF_INET);
    assert_true(virt_guest_address("fd00::7", &address));
    assert_int_equal(address.family, AF_INET6);
}

/* An address of the loopback, which a guest cannot have. */
static struct guest_address loopback(unsigned last)
{
    return (struct guest_address){.family = AF_INET, .ip.v4.s_addr = htonl(0x7f000000 | last)};
}

/* A socket at a free port of LAST, or at PORT if that is not 0. */
static int bound(unsigned last, uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = loopback(last).ip.v4};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_port = htons(*port);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* Real sockets: one that listens, one that nobody listens at. */
static void ports_are_tried(void **state)
{
    struct guest_address one = loopback(1);
    g_autofree char *refused = NULL, *good = NULL;
    uint16_t port = 0;
    int fd = bound(1, &port);
    (void)state;
    assert_false(virt_connects(&one, 1, port, 1000, &refused));
    assert_non_null(strstr(refused, "of 127.0.0.1: Connection refused"));
    assert_int_equal(listen(fd, 1), 0);
    assert_true(virt_connects(&one, 1, port, 1000, &good));
    assert_null(good);
    close(fd);
}

/* One whose queue is full is silent. */
static int silent(unsigned last, uint16_t *port, int *queued)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = loopback(last).ip.v4};
    int fd = bound(last, port);
    assert_int_equal(listen(fd, 0), 0);
    at.sin_port = htons(*port);
    *queued = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(*queued, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void silent_ones_hold_up_nobody(void **state)
{
    struct guest_address many[GUEST_ADDRESSES];
    g_autofree char *why = NULL, *none = NULL;
    uint16_t port = 0;
    int queued, fd = silent(1, &port, &queued), other = bound(2, &port);
    gint64 start = g_get_monotonic_time();
    (void)state;
    for (unsigned i = 0; i < GUEST_ADDRESSES; i++)
        many[i] = loopback(1);
    assert_false(virt_connects(many, GUEST_ADDRESSES, port, 500, &why));
    assert_non_null(strstr(why, "timed out"));
    assert_true(g_get_monotonic_time() - start < 2 * G_TIME_SPAN_SECOND); /* each: 4 */
    assert_int_equal(listen(other, 1), 0);
    many[GUEST_ADDRESSES - 1] = loopback(2);
    assert_true(virt_connects(many, GUEST_ADDRESSES, port, 600 * 1000, &none));
    assert_null(none);
    close(other);
    close(queued);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_ways_to_a_guest),
        cmocka_unit_test(ports_are_tried),
        cmocka_unit_test(silent_ones_hold_up_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
