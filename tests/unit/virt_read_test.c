// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the hypervisor's room reads: capabilities and domains' XML. All pure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/virt/internal.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

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
    return cmocka_run_group_tests(tests, NULL, NULL);
}
