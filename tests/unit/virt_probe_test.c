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

/* Real sockets: one that listens, one that nobody listens at. */
static void ports_are_tried(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_autofree char *refused = NULL, *good = NULL, *none = NULL;

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    assert_false(virt_connects("127.0.0.1", ntohs(at.sin_port), 1000, &refused));
    assert_non_null(strstr(refused, "Connection refused"));
    assert_false(virt_connects("nowhere", 1, 1000, &none));
    assert_non_null(none);
    assert_int_equal(listen(fd, 1), 0);
    assert_true(virt_connects("127.0.0.1", ntohs(at.sin_port), 1000, &good));
    assert_null(good);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_are_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
