/* SPDX-License-Identifier: GPL-2.0-or-later */
/* URIs: which are good, what libvirt is given for one, and whose they are. All pure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/virt/internal.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

static void refused(const char *uri)
{
    g_autoptr(GError) error = NULL;
    if (virt_check_uri(uri, &error))
        fail_msg("%s was accepted", uri);
    assert_int_equal(error->domain, CLOUDFS_ERROR);
    assert_int_equal(error->code, EINVAL);
    assert_true(strlen(error->message) > 10);
}

static void accepted(const char *uri)
{
    g_autoptr(GError) error = NULL;
    if (!virt_check_uri(uri, &error))
        fail_msg("%s: %s", uri, error->message);
}

static void data_uris_are_checked(G_GNUC_UNUSED void **state)
{
    static const char *const bad[] = {"",     "10.0.0.2",  "bogus://x", "tcp://",
                                      "tcp:", "rdma://",   "unix",      "unix://",
                                      "a b",  "http://h/", "fd:3"};
    static const char *const good[] = {
        "tcp://10.0.0.2", "tcp://node2:49152",    "tcp://[fe80::1]:49152",
        "tcp:node2",      "rdma://10.0.0.2:4444", "unix:///run/move",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        if (virt_check_data_uri("qemu:///system", bad[i], &error))
            fail_msg("%s was accepted", bad[i]);
        assert_int_equal(error->code, EINVAL);
        assert_true(virt_check_data_uri("xen:///system", bad[i], NULL));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        if (!virt_check_data_uri("qemu:///system", good[i], NULL))
            fail_msg("%s was refused", good[i]);
}

static void uris_are_checked(G_GNUC_UNUSED void **state)
{
    refused("");
    refused("qemu");
    refused("/system");
    refused("a b");
    refused("qemu:///system\n");
    refused("http://example.org/");
    refused("qemux:///system");
    refused("qemu+smoke://h/system");
    refused("qemu+://h/system");
    refused("qemu+unix+ssh://h/system");
    refused("qemu:///");
    refused("qemu:///sytsem");
    refused("qemu://node1");
    refused("qemu:///embed?root=relative");
    refused("qemu:///embed?root=");
    refused("test:///");
    refused("qemu:///system?\xff");
    accepted("qemu:///system");
    accepted("qemu:///session");
    accepted("qemu:///embed");
    accepted("qemu:///embed?root=/srv/x");
    accepted("qemu+unix:///session?socket=/run/user/0/libvirt/libvirt-sock");
    accepted("qemu+ssh://root@node1/system");
    accepted("qemu+ssh://root@[fe80::1]:2222/system?keyfile=/root/.ssh/id&no_tty=1");
    accepted("qemu+tls://node1/system");
    accepted("qemu+tcp://10.0.0.1:16509/system");
    accepted("qemu+libssh://node1/system");
    accepted("qemu+libssh2://node1/system");
    accepted("qemu+ext:///system?command=/usr/bin/way");
    accepted("qemu://node1/system");
    accepted("lxc:///");
    accepted("lxc:///system");
    accepted("xen:///system");
    accepted("test:///default");
    accepted("test:///etc/node.xml");
    accepted("test+unix:///default?socket=/run/x");
    accepted("vbox:///session");
    accepted("esx://esx1/?no_verify=1");
    accepted("bhyve:///system");
    accepted("ch:///system");
    accepted("vz:///system");
    accepted("hyperv://hv1/");
    accepted("openvz:///system");
}

static const char *const *sockets; /* at which there is a daemon */

static bool listens(const char *path)
{
    return g_strv_contains(sockets, path);
}

static void rewritten(const char *const *there, bool embedded, const char *uri, const char *want)
{
    const struct virt_site site = {
        .state = "/st ate", .runtime = "/rt", .embedded = embedded, .listens = listens};
    sockets = there;
    g_autofree char *got = virt_connect_uri(uri, &site);
    assert_string_equal(got, want);
}

#define SOCKETS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *const nothing[] = {NULL};

static void local_daemons_get_their_socket(G_GNUC_UNUSED void **state)
{
    const char *const *monolithic =
        SOCKETS("/run/libvirt/libvirt-sock", "/rt/libvirt/libvirt-sock");
    rewritten(monolithic, false, "qemu:///system",
              "qemu+unix:///system?socket=/run/libvirt/libvirt-sock");
    rewritten(monolithic, true, "qemu:///session",
              "qemu+unix:///session?socket=/rt/libvirt/libvirt-sock");
    rewritten(monolithic, false, "qemu+unix:///system",
              "qemu+unix:///system?socket=/run/libvirt/libvirt-sock");
    rewritten(monolithic, false, "qemu:///system?mode=legacy",
              "qemu+unix:///system?mode=legacy&socket=/run/libvirt/libvirt-sock");
    rewritten(monolithic, false, "qemu:///system?socket=/my/own",
              "qemu+unix:///system?socket=/my/own");
    rewritten(monolithic, false, "lxc:///", "lxc+unix:///system?socket=/run/libvirt/libvirt-sock");
    rewritten(monolithic, false, "lxc:///system",
              "lxc+unix:///system?socket=/run/libvirt/libvirt-sock");
    rewritten(monolithic, false, "xen:///system",
              "xen+unix:///system?socket=/run/libvirt/libvirt-sock");

    const char *const *modular =
        SOCKETS("/var/run/libvirt/virtqemud-sock", "/rt/libvirt/virtqemud-sock",
                "/run/libvirt/virtlxcd-sock");
    rewritten(modular, false, "qemu:///system",
              "qemu+unix:///system?socket=/var/run/libvirt/virtqemud-sock");
    rewritten(modular, false, "qemu:///session",
              "qemu+unix:///session?socket=/rt/libvirt/virtqemud-sock");
    rewritten(modular, false, "lxc:///", "lxc+unix:///system?socket=/run/libvirt/virtlxcd-sock");
}

static void missing_daemons(G_GNUC_UNUSED void **state)
{
    rewritten(nothing, false, "qemu:///system",
              "qemu+unix:///system?socket=/run/libvirt/libvirt-sock");
    /* libvirt can start it, but not beside the embedded driver */
    rewritten(nothing, false, "qemu:///session", "qemu:///session");
    rewritten(nothing, true, "qemu:///session",
              "qemu+unix:///session?socket=/rt/libvirt/libvirt-sock");
}

static void other_uris_stay(G_GNUC_UNUSED void **state)
{
    const char *const *there = SOCKETS("/run/libvirt/libvirt-sock");
    static const char *const same[] = {"test:///default",
                                       "test:///etc/node.xml",
                                       "qemu+tls://h/system",
                                       "qemu://h/system",
                                       "esx://h/",
                                       "qemu:///embed?root=/x",
                                       "qemu+ssh://h/system?no_tty=0",
                                       "qemu+libssh2://h/system"};
    for (size_t i = 0; i < G_N_ELEMENTS(same); i++)
        rewritten(there, true, same[i], same[i]);
    rewritten(there, false, "qemu:///embed", "qemu:///embed?root=/st%20ate/embed");
    rewritten(there, false, "qemu:///embed?x=1", "qemu:///embed?x=1&root=/st%20ate/embed");
    rewritten(there, false, "qemu+ssh://h/system", "qemu+ssh://h/system?no_tty=1");
    rewritten(there, false, "qemu+ssh://h/system?keyfile=/k#x",
              "qemu+ssh://h/system?keyfile=/k&no_tty=1");
}

static void drivers_are_told_apart(G_GNUC_UNUSED void **state)
{
    assert_int_equal(virt_uri_driver("qemu+ssh://h/system"), DRIVER_QEMU);
    assert_int_equal(virt_uri_driver("qemu:///embed"), DRIVER_EMBED);
    assert_int_equal(virt_uri_driver("lxc:///"), DRIVER_LXC);
    assert_int_equal(virt_uri_driver("test+unix:///default"), DRIVER_TEST);
    assert_int_equal(virt_uri_driver("xen:///system"), DRIVER_OTHER);
    assert_int_equal(virt_uri_driver("nonsense"), DRIVER_OTHER);
    g_autofree char *root = virt_uri_parameter("qemu:///embed?a=b&ROOT=/x%20y", "root");
    assert_string_equal(root, "/x y");
    assert_null(virt_uri_parameter("qemu:///embed?xroot=/x", "root"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_uris_are_checked),
        cmocka_unit_test(uris_are_checked),
        cmocka_unit_test(local_daemons_get_their_socket),
        cmocka_unit_test(missing_daemons),
        cmocka_unit_test(other_uris_stay),
        cmocka_unit_test(drivers_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
