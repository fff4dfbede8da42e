// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the hypervisor's room reads: URIs, failures, capabilities and domains' XML. All pure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/virt/internal.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

/* ---- URIs */

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

/* ---- failures */

static void failures_have_classes(G_GNUC_UNUSED void **state)
{
    assert_int_equal(virt_errno(VIR_ERR_NO_SUPPORT, ""), EOPNOTSUPP);
    assert_int_equal(virt_errno(VIR_ERR_CONFIG_UNSUPPORTED, ""), EOPNOTSUPP);
    assert_int_equal(virt_errno(VIR_ERR_OPERATION_UNSUPPORTED, ""), EOPNOTSUPP);
    assert_int_equal(virt_errno(VIR_ERR_ARGUMENT_UNSUPPORTED, ""), EOPNOTSUPP);
    assert_int_equal(virt_errno(VIR_ERR_NO_DOMAIN, ""), ENOENT);
    assert_int_equal(virt_errno(VIR_ERR_DOM_EXIST, ""), EEXIST);
    assert_int_equal(virt_errno(VIR_ERR_OPERATION_FAILED,
                                "operation failed: domain 'e1' already exists with uuid 1"),
                     EEXIST);
    assert_int_equal(virt_errno(VIR_ERR_OPERATION_INVALID, ""), EBUSY);
    assert_int_equal(virt_errno(VIR_ERR_OPERATION_TIMEOUT, ""), ETIMEDOUT);
    assert_int_equal(virt_errno(VIR_ERR_AUTH_FAILED, ""), EACCES);
    assert_int_equal(virt_errno(VIR_ERR_XML_ERROR, ""), EINVAL);
    assert_int_equal(virt_errno(VIR_ERR_XML_DETAIL, ""), EINVAL);
    assert_int_equal(virt_errno(VIR_ERR_INVALID_ARG, ""), EINVAL);
    assert_int_equal(virt_errno(VIR_ERR_NO_MEMORY, ""), ENOMEM);
    assert_int_equal(virt_errno(VIR_ERR_INTERNAL_ERROR, "x: No space left on device"), ENOSPC);
    assert_int_equal(virt_errno(VIR_ERR_INTERNAL_ERROR, "client socket is closed"), EHOSTDOWN);
    assert_int_equal(
        virt_errno(VIR_ERR_SYSTEM_ERROR, "End of file while reading data: Input/output error"),
        EHOSTDOWN);
    assert_int_equal(virt_errno(VIR_ERR_INTERNAL_ERROR,
                                "internal error: connection closed due to keepalive timeout"),
                     EHOSTDOWN);
    assert_int_equal(virt_errno(VIR_ERR_INTERNAL_ERROR, "received hangup event on socket"),
                     EHOSTDOWN);
    assert_int_equal(virt_errno(VIR_ERR_SYSTEM_ERROR, "Cannot write data: Broken pipe"), EHOSTDOWN);
    assert_int_equal(virt_errno(VIR_ERR_SYSTEM_ERROR, "Cannot recv data: Connection reset by peer"),
                     EHOSTDOWN);
    /* QEMU died, not its host. */
    assert_int_equal(
        virt_errno(VIR_ERR_SYSTEM_ERROR, "Unable to read from monitor: Connection reset by peer"),
        EIO);
    assert_int_equal(virt_errno(VIR_ERR_INTERNAL_ERROR,
                                "internal error: qemu unexpectedly closed the monitor: qemu: could "
                                "not open kernel file '/k': No such file or directory"),
                     ENOENT);
    assert_int_equal(virt_errno(VIR_ERR_INTERNAL_ERROR,
                                "qemu: could not open kernel file '/k': Permission denied"),
                     EACCES);
    assert_int_equal(virt_errno(VIR_ERR_SYSTEM_ERROR,
                                "unable to set user and group to '64055:64055' on '/k': No such "
                                "file or directory"),
                     ENOENT);
    /* No domain is taken for gone because its daemon is. */
    assert_int_equal(virt_errno(VIR_ERR_SYSTEM_ERROR,
                                "Failed to connect socket to '/s': No such file or directory"),
                     EIO);
    assert_int_equal(virt_errno(VIR_ERR_INTERNAL_ERROR, NULL), EIO);
    assert_int_equal(virt_errno(99999, "?"), EIO);

    assert_int_equal(virt_connect_errno(VIR_ERR_SYSTEM_ERROR, "Failed to connect socket"),
                     EHOSTDOWN);
    assert_int_equal(virt_connect_errno(VIR_ERR_SYSTEM_ERROR, "x: Permission denied (publickey)"),
                     EACCES);
    assert_int_equal(
        virt_connect_errno(VIR_ERR_NO_CONNECT, "no connection driver available for lxc:///"),
        EOPNOTSUPP);
    assert_int_equal(virt_connect_errno(VIR_ERR_INVALID_ARG, "bad"), EINVAL);
}

static void a_failure_without_a_reason(G_GNUC_UNUSED void **state)
{
    g_autoptr(GError) error = NULL;
    virResetLastError();
    assert_false(virt_fail(&error, "cannot do it"));
    assert_int_equal(error->code, EIO);
    assert_string_equal(error->message, "cannot do it: no reason given");
    assert_false(virt_fail(NULL, "nobody listens"));
}

/* ---- capabilities */

static void capabilities(G_GNUC_UNUSED void **state)
{
    static const char xml[] =
        "<capabilities><host><cpu><arch>x86_64</arch></cpu></host>"
        "<guest><os_type>hvm</os_type><arch name='i686'><domain type='qemu'/></arch></guest>"
        "<guest><os_type>hvm</os_type><arch name='x86_64'><wordsize>64</wordsize>"
        "<domain type='qemu'/><domain type='kvm'><emulator>/q</emulator></domain><domain/>"
        "<domain type=''/></arch></guest></capabilities>";
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) types = NULL;
    assert_false(virt_parse_capabilities("<capabilities", &types, &error));
    assert_int_equal(error->code, EINVAL);
    assert_null(types);
    assert_true(virt_parse_capabilities(xml, &types, NULL));
    assert_int_equal(g_strv_length(types), 2);
    assert_string_equal(types[0], "qemu");
    assert_string_equal(types[1], "kvm");
    g_auto(GStrv) none = NULL;
    assert_true(virt_parse_capabilities("<x/>", &none, NULL));
    assert_int_equal(g_strv_length(none), 0);
}

/* ---- domains */

static VirtDomain *parsed(const char *xml)
{
    g_autoptr(GError) error = NULL;
    VirtDomain *domain = g_new0(struct virt_domain, 1);
    if (!virt_parse_domain(xml, domain, &error))
        fail_msg("%s", error->message);
    if (domain->mark && domain->mark->spec) {
        assert_null(domain->spec);
        return domain;
    }
    /* Whatever is in it, the spec is one. */
    g_autoptr(Spec) spec = spec_parse(SPEC_VM, domain->spec, strlen(domain->spec), &error);
    if (!spec)
        fail_msg("%s in:\n%s", error->message, domain->spec);
    return domain;
}

static void no_domain(const char *xml)
{
    g_autoptr(GError) error = NULL;
    struct virt_domain domain = {.cpus = 7};
    assert_false(virt_parse_domain(xml, &domain, &error));
    assert_int_equal(error->code, EINVAL);
    assert_int_equal(domain.cpus, 7);
    assert_null(domain.spec);
}

static void what_is_no_domain(G_GNUC_UNUSED void **state)
{
    no_domain("");
    no_domain("x");
    no_domain("<domain>");
    no_domain("<network/>");
    no_domain("<domain>\x1c</domain>");
    no_domain("<domain>&nothing;</domain>");
}

static void a_virtual_machine(G_GNUC_UNUSED void **state)
{
    g_autoptr(VirtDomain) domain =
        parsed("<domain type='kvm' id='3'><name>web1</name><memory unit='KiB'>1048576</memory>"
               "<currentMemory unit='KiB'>524288</currentMemory>"
               "<vcpu placement='static' current='2'>4</vcpu>"
               "<os><type arch='x86_64'>hvm</type><kernel>/boot/k</kernel>"
               "<initrd>/boot/i</initrd><cmdline>console=ttyS0 quiet</cmdline></os>"
               "<devices><interface type='network'><source network='default'/></interface>"
               "<interface type='bridge'><source bridge='br0'/></interface>"
               "<interface type='user'/></devices></domain>");
    assert_int_equal(domain->cpus, 2);
    assert_int_equal(domain->memory, 1024 * 1024 * 1024);
    assert_string_equal(domain->type, "kvm");
    assert_null(domain->mark);
    assert_string_equal(domain->spec, "# derived from the domain's XML by cloudfs\n"
                                      "cpus = 2\n"
                                      "memory = 1GiB\n"
                                      "virtualization = kvm\n"
                                      "kernel = /boot/k\n"
                                      "initrd = /boot/i\n"
                                      "cmdline = console=ttyS0 quiet\n"
                                      "network = default,user\n");
}

static void a_container(G_GNUC_UNUSED void **state)
{
    g_autoptr(VirtDomain) domain =
        parsed("<domain type='lxc'><memory unit='KiB'>65536</memory><vcpu>1</vcpu>"
               "<os><type>exe</type><init>/sbin/init</init></os><devices>"
               "<filesystem type='mount'><source dir='/data'/><target dir='/mnt'/></filesystem>"
               "<filesystem type='mount'><source dir='/srv/root'/><target dir='/'/></filesystem>"
               "</devices></domain>");
    assert_string_equal(domain->spec, "# derived from the domain's XML by cloudfs\n"
                                      "cpus = 1\n"
                                      "memory = 64MiB\n"
                                      "virtualization = lxc\n"
                                      "init = /sbin/init\n"
                                      "root = /srv/root\n"
                                      "network = none\n");
}

static void only_a_bridge_has_no_network_line(G_GNUC_UNUSED void **state)
{
    g_autoptr(VirtDomain) domain = parsed("<domain type='qemu'><devices><interface type='bridge'/>"
                                          "</devices></domain>");
    assert_null(strstr(domain->spec, "network"));
}

/* Values that would be something else in a spec than in the XML. */
static void hostile_values(G_GNUC_UNUSED void **state)
{
    g_autoptr(VirtDomain) domain =
        parsed("<domain type='k&#10;protect = yes'><name>a&#10;b</name>"
               "<memory unit='KiB'>99999999999999999999</memory><vcpu>-1</vcpu>"
               "<os><kernel>../etc/shadow</kernel><initrd>/x&#10;image = /etc/shadow</initrd>"
               "<cmdline>quiet ; rm</cmdline></os><devices>"
               "<interface type='network'><source network='a&#10;host = h'/></interface>"
               "<interface type='network'><source network='none,user'/></interface>"
               "<interface type='network'><source/></interface><interface/>"
               "<interface type='network'><source network='ok'/></interface></devices></domain>");
    assert_string_equal(domain->spec, "# derived from the domain's XML by cloudfs\n"
                                      "cpus = 1\n"
                                      "network = ok\n");
    assert_int_equal(domain->cpus, 0);
    assert_int_equal(domain->memory, 0);
}

static void entities_are_not_followed(G_GNUC_UNUSED void **state)
{
    g_autoptr(VirtDomain) domain =
        parsed("<!DOCTYPE domain [<!ENTITY e SYSTEM 'file:///etc/hostname'>"
               "<!ENTITY l 'lo'>]><domain type='qemu'><os><kernel>/k&e;</kernel></os></domain>");
    g_autofree char *host = NULL;
    g_file_get_contents("/etc/hostname", &host, NULL, NULL);
    if (host && *g_strstrip(host))
        assert_null(strstr(domain->spec, host));
}

static void a_mebibyte_of_metadata(G_GNUC_UNUSED void **state)
{
    g_autofree char *filler = g_strnfill(1 << 20, 'x');
    g_autofree char *deep = g_strnfill(200, ' ');
    g_autoptr(GString) xml = g_string_new("<domain type='qemu'><title>");
    g_string_append_printf(xml, "%s</title><metadata><o:object xmlns:o='urn:other'>%s", filler,
                           deep);
    g_string_append_printf(xml,
                           "</o:object></metadata><os><cmdline>%s</cmdline>"
                           "<kernel>/%s</kernel></os><vcpu>3</vcpu></domain>",
                           filler, filler);
    g_autoptr(VirtDomain) domain = parsed(xml->str);
    assert_int_equal(domain->cpus, 3);
    assert_null(domain->mark);
    assert_true(strlen(domain->spec) < 200);
}

static void deep_nesting_is_refused_or_read(G_GNUC_UNUSED void **state)
{
    g_autoptr(GString) xml = g_string_new("<domain type='qemu'><metadata>");
    for (int i = 0; i < 100000; i++)
        g_string_append(xml, "<a>");
    for (int i = 0; i < 100000; i++)
        g_string_append(xml, "</a>");
    g_string_append(xml, "</metadata></domain>");
    no_domain(xml->str);
}

static void a_marked_domain(G_GNUC_UNUSED void **state)
{
    struct virt_mark mark = {.cloud = (char *)"5e0d0000-0000-4000-8000-000000000001",
                             .id = 42,
                             .name = (char *)"web-0",
                             .service = (char *)"web",
                             .spec = (char *)"cpus = 1 ; <&>\n\n\tx\n"};
    g_autofree char *element = virt_mark_xml(&mark);
    g_autofree char *xml = g_strdup_printf(
        "<domain type='test'><metadata>%s</metadata><vcpu>1</vcpu></domain>", element);
    g_autoptr(VirtDomain) domain = parsed(xml);
    assert_non_null(domain->mark);
    assert_int_equal(domain->mark->id, 42);
    assert_string_equal(domain->mark->name, "web-0");
    assert_string_equal(domain->mark->service, "web");
    assert_string_equal(domain->mark->spec, mark.spec);
    /* Read again into the same struct: nothing leaks, nothing stays. */
    assert_true(virt_parse_domain("<domain type='qemu'/>", domain, NULL));
    assert_null(domain->mark);
    assert_string_equal(domain->type, "qemu");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris_are_checked),
        cmocka_unit_test(local_daemons_get_their_socket),
        cmocka_unit_test(missing_daemons),
        cmocka_unit_test(other_uris_stay),
        cmocka_unit_test(drivers_are_told_apart),
        cmocka_unit_test(failures_have_classes),
        cmocka_unit_test(a_failure_without_a_reason),
        cmocka_unit_test(capabilities),
        cmocka_unit_test(what_is_no_domain),
        cmocka_unit_test(a_virtual_machine),
        cmocka_unit_test(a_container),
        cmocka_unit_test(only_a_bridge_has_no_network_line),
        cmocka_unit_test(hostile_values),
        cmocka_unit_test(entities_are_not_followed),
        cmocka_unit_test(a_mebibyte_of_metadata),
        cmocka_unit_test(deep_nesting_is_refused_or_read),
        cmocka_unit_test(a_marked_domain),
    };
    virInitialize(); /* before any use of its thread's last error */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
