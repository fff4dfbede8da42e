/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Definitions and marks: whatever a value holds, it comes back as that value and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "core/virt/make.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

#define UUID    "6f1a2b3c-4d5e-4f60-8123-456789abcdef"
#define HOSTILE "\"<&>]]>' --> </domain><x/> \xc3\xbc\xe2\x82\xac %s &amp; <![CDATA["

static struct vm_spec plain_vm(void)
{
    return (struct vm_spec){.cpus = 2, .memory = 512ULL << 20};
}

static struct virt_plan plan_of(const char *type, const struct vm_spec *vm)
{
    static char cloud[] = "11111111-2222-4333-8444-555555555555", name[] = "web1",
                text[] = "cpus = 2\n";
    return (struct virt_plan){
        .uuid = UUID,
        .name = "web1",
        .type = type,
        .vm = vm,
        .mark = {.cloud = cloud, .id = 7, .name = name, .spec = text}
    };
}

/* The string value of the XPath expression PATH in XML, which must be well-formed. */
static char *value(const char *xml, const char *path)
{
    g_autoptr(XmlTree) doc = tree_parse(xml);
    assert_non_null(doc);
    xmlXPathContext *context = xmlXPathNewContext(doc);
    xmlXPathRegisterNs(context, BAD_CAST "c", BAD_CAST VIRT_NAMESPACE);
    xmlXPathObject *object = xmlXPathEvalExpression(BAD_CAST path, context);
    assert_non_null(object);
    xmlChar *text = xmlXPathCastToString(object);
    char *copy = g_strdup((const char *)text);
    xmlFree(text);
    xmlXPathFreeObject(object);
    xmlXPathFreeContext(context);
    return copy;
}

static void assert_value(const char *xml, const char *path, const char *expected)
{
    g_autofree char *actual = value(xml, path);
    assert_string_equal(actual, expected);
}

static void qemu_has_all_devices(void **state)
{
    (void)state;
    struct vm_spec vm = plain_vm();
    struct virt_plan plan = plan_of("qemu", &vm);
    struct virt_layout layout = {.driver = DRIVER_EMBED,
                                 .arch = "x86_64",
                                 .os_type = "hvm",
                                 .disk = "/d/a.qcow2",
                                 .seed = "/d/a-seed.iso",
                                 .console = "/d/a.log",
                                 .network = "user",
                                 .agent = true};
    g_autofree char *xml = virt_domain_xml(&plan, &layout);
    assert_value(xml, "/domain/@type", "qemu");
    assert_value(xml, "/domain/uuid", UUID);
    assert_value(xml, "/domain/memory[@unit='KiB']", "524288");
    assert_value(xml, "/domain/currentMemory", "524288");
    assert_value(xml, "/domain/vcpu/@current", "2");
    assert_value(xml, "/domain/vcpu", "8");
    assert_value(xml, "/domain/os/type[@arch='x86_64']", "hvm");
    assert_value(xml, "count(/domain/features/acpi | /domain/features/apic)", "2");
    assert_value(xml, "count(/domain/cpu)", "0");
    assert_value(xml,
                 "//disk[target/@dev='vda' and driver/@type='qcow2' and not(readonly)]"
                 "[driver/@discard='unmap']/source/@file",
                 "/d/a.qcow2");
    assert_value(xml, "//disk[target/@dev='vdb' and driver/@type='raw' and readonly]/source/@file",
                 "/d/a-seed.iso");
    assert_value(xml, "//interface[@type='user' and model/@type='virtio']/mac/@address",
                 "52:54:00:ab:cd:ef");
    assert_value(xml, "//serial[@type='pty']/log[@append='off']/@file", "/d/a.log");
    assert_value(xml, "//channel/target/@name", "org.qemu.guest_agent.0");
    assert_value(xml, "//memballoon/stats/@period", "5");
    assert_value(xml, "//rng/backend[@model='random']", "/dev/urandom");
    assert_value(xml, "count(//graphics | //video)", "0");
    assert_value(xml, "concat(/domain/on_poweroff, /domain/on_reboot, /domain/on_crash)",
                 "destroyrestartdestroy");
}

static void types_differ(void **state)
{
    (void)state;
    struct vm_spec vm = plain_vm();
    static char root[] = "/srv/c1";
    vm.root = root;
    struct virt_layout exe = {.driver = DRIVER_LXC, .os_type = "exe", .arch = "x86_64"};
    struct virt_plan lxc = plan_of("lxc", &vm);
    g_autofree char *container = virt_domain_xml(&lxc, &exe);
    assert_value(container, "/domain/os/type", "exe");
    assert_value(container, "/domain/os/init", "/bin/sh");
    assert_value(container, "/domain/vcpu", "2");
    assert_value(container, "count(/domain/features/privnet)", "1");
    assert_value(container, "//filesystem[@type='mount' and target/@dir='/']/source/@dir", root);
    assert_value(container, "count(//interface | //disk | //serial)", "0");
    assert_value(container, "//console/@type", "pty");

    struct virt_layout hvm = {.driver = DRIVER_QEMU, .os_type = "hvm", .disk = "/d"};
    struct virt_plan kvm = plan_of("kvm", &vm);
    g_autofree char *fast = virt_domain_xml(&kvm, &hvm);
    assert_value(fast, "/domain/cpu/@mode", "host-model");
    assert_value(fast, "count(//filesystem)", "0");
    struct virt_plan xen = plan_of("xen", &vm);
    g_autofree char *other = virt_domain_xml(&xen, &hvm);
    assert_value(other, "//disk/target[@bus='xen']/@dev", "xvda");
    assert_value(other, "count(//rng | //channel)", "0");
}

static void networks_follow_the_spec(void **state)
{
    (void)state;
    struct vm_spec vm = plain_vm();
    struct virt_plan plan = plan_of("qemu", &vm);
    struct virt_layout layout = {.network = "default"};
    g_autofree char *unsaid = virt_domain_xml(&plan, &layout);
    assert_value(unsaid, "//interface[@type='network']/source/@network", "default");

    char none[] = "none", lan[] = "lan", user[] = "user";
    char *nothing[] = {none, NULL};
    vm.networks = nothing;
    g_autofree char *without = virt_domain_xml(&plan, &layout);
    assert_value(without, "count(//interface)", "0");

    char *several[] = {lan, user, lan, NULL};
    vm.networks = several;
    g_autofree char *three = virt_domain_xml(&plan, &layout);
    assert_value(three, "count(//interface)", "3");
    assert_value(three, "count(//interface[source/@network='lan'])", "2");
    assert_value(three, "//interface[3]/mac/@address", "52:54:00:ab:cd:f1");
}

static void hostile_values_stay_values(void **state)
{
    (void)state;
    char text[] = HOSTILE "\nsecond line\ttab";
    char *networks[] = {text, NULL};
    struct vm_spec vm = plain_vm();
    vm.kernel = vm.initrd = vm.cmdline = text;
    vm.networks = networks;
    struct virt_plan plan = plan_of(text, &vm);
    plan.name = text;
    plan.mark.name = plan.mark.service = plan.mark.cloud = plan.mark.spec = text;
    struct virt_layout layout = {.disk = text, .seed = text, .arch = text, .os_type = text};
    layout.emulator = text;
    g_autofree char *xml = virt_domain_xml(&plan, &layout);
    assert_value(xml, "/domain/@type", text);
    assert_value(xml, "/domain/name", text);
    assert_value(xml, "/domain/os/kernel", text);
    assert_value(xml, "/domain/os/cmdline", text);
    assert_value(xml, "/domain/devices/emulator", text);
    assert_value(xml, "//disk[1]/source/@file", text);
    assert_value(xml, "//interface/source/@network", text);
    assert_value(xml, "/domain/metadata/c:object/@service", text);
    assert_value(xml, "/domain/metadata/c:object/c:spec", text);
    assert_value(xml, "count(//x) + count(/*) + count(/domain/name)", "2");
}

static void bad_utf8_is_replaced(void **state)
{
    (void)state;
    struct vm_spec vm = plain_vm();
    struct virt_plan plan = plan_of("test", &vm);
    plan.name = "a\xff\xc3(b";
    struct virt_layout layout = {.driver = DRIVER_TEST};
    g_autofree char *xml = virt_domain_xml(&plan, &layout);
    assert_value(xml, "/domain/name", "a\xef\xbf\xbd\xef\xbf\xbd(b");
    assert_value(xml, "/domain/on_crash", "destroy");
}

static void cpus_leave_room(void **state)
{
    (void)state;
    struct virt_layout x86 = {.arch = "x86_64", .os_type = "hvm"};
    struct virt_layout arm = {.arch = "aarch64", .os_type = "hvm"};
    struct virt_layout exe = {.arch = "x86_64", .os_type = "exe"};
    assert_int_equal(virt_max_cpus(1, &x86), 8);
    assert_int_equal(virt_max_cpus(100, &x86), 200);
    assert_int_equal(virt_max_cpus(200, &x86), 255);
    assert_int_equal(virt_max_cpus(300, &x86), 300);
    assert_int_equal(virt_max_cpus(4, &arm), 4);
    assert_int_equal(virt_max_cpus(4, &exe), 4);
    assert_int_equal(virt_kib(1), 1);
    assert_int_equal(virt_kib(G_MAXUINT64), 1ULL << 54);
}

static void assert_round_trip(const char *spec, const char *service)
{
    struct vm_spec vm = plain_vm();
    struct virt_plan plan = plan_of("test", &vm);
    plan.mark.id = G_MAXUINT64;
    plan.mark.spec = (char *)spec;
    plan.mark.service = (char *)service;
    struct virt_layout layout = {.driver = DRIVER_TEST};
    char *texts[] = {virt_mark_xml(&plan.mark), mark_content(&plan.mark),
                     virt_domain_xml(&plan, &layout)};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *text = texts[i];
        g_autoptr(VirtMark) mark = virt_mark_parse(text);
        assert_non_null(mark);
        assert_true(mark->id == G_MAXUINT64);
        assert_string_equal(mark->name, plan.mark.name);
        assert_string_equal(mark->cloud, plan.mark.cloud);
        assert_int_equal(g_strcmp0(mark->service, service), 0);
        assert_int_equal(g_strcmp0(mark->spec, spec), 0);
    }
}

static void marks_round_trip(void **state)
{
    (void)state;
    assert_round_trip("cpus = 1\n", NULL);
    assert_round_trip("\n\n  # lead\r\n\tcpus = 1 ; <&>]]> \"'\n\n\n   memory = 1G  \n \t ", "web");
    assert_round_trip(HOSTILE, HOSTILE);
    assert_round_trip(NULL, NULL);
}

static void marks_leave_out_what_does_not_fit(void **state)
{
    (void)state;
    static char cloud[] = "c", name[] = "n", bad[] = "cpus = 1\n\x1c",
                noncharacter[] = "\xef\xbf\xbf";
    g_autofree char *near = g_strnfill(60 * 1024 - 200, 'x');
    g_autofree char *escaped = g_strnfill(20 * 1024, '<'); /* four bytes each */
    char *left_out[] = {bad, noncharacter, escaped};
    struct virt_mark mark = {.cloud = cloud, .id = 1, .name = name};
    for (size_t i = 0; i < G_N_ELEMENTS(left_out); i++) {
        mark.spec = left_out[i];
        g_autofree char *xml = virt_mark_xml(&mark);
        g_autoptr(VirtMark) parsed = virt_mark_parse(xml);
        assert_non_null(parsed);
        assert_null(parsed->spec);
    }
    mark.spec = near;
    g_autofree char *xml = virt_mark_xml(&mark);
    g_autoptr(VirtMark) parsed = virt_mark_parse(xml);
    assert_string_equal(parsed->spec, near);
}

static void marks_of_others_are_none(void **state)
{
    (void)state;
    static const char *const foreign[] = {
        "",
        "no xml",
        "<domain/>",
        "<domain><metadata/></domain>",
        "<object/>",
        "<object cloud='c' name='n' id='x'/>",
        "<object cloud='c' name='n' id='-1'/>",
        "<object cloud='c' name='n' id='99999999999999999999'/>",
        "<domain><metadata><object cloud='c' name='n' id='1'/></metadata></domain>",
        ("<domain><metadata><o:object xmlns:o='urn:other' cloud='c' name='n' id='1'/></metadata>"
         "</domain>"),
        "<!DOCTYPE d [<!ENTITY e SYSTEM '/etc/passwd'>]><object cloud='&e;' id='1' name='n'/>"};
    for (size_t i = 0; i < G_N_ELEMENTS(foreign) - 1; i++)
        assert_null(virt_mark_parse(foreign[i]));
    assert_null(virt_mark_parse(NULL));
    g_autoptr(VirtMark) entity = virt_mark_parse(foreign[G_N_ELEMENTS(foreign) - 1]);
    assert_true(!entity || !strstr(entity->cloud, "root"));
}

#define ADOPTED                                                                                    \
    "<domain type='qemu'><name>old</name><uuid>" UUID "</uuid><description>keep</description>"     \
    "<memory unit='KiB'>1048576</memory><currentMemory unit='KiB'>524288</currentMemory>"          \
    "<vcpu placement='static' cpuset='0-3' current='2'>4</vcpu>"                                   \
    "<vcpus><vcpu id='0' enabled='yes'/></vcpus>"                                                  \
    "<os><type>hvm</type><kernel>/old</kernel><bootmenu enable='no'/></os>"                        \
    "<devices><disk type='block'><source dev='/dev/x'/><target dev='vda'/></disk>"                 \
    "<interface type='bridge'><source bridge='br0'/></interface>"                                  \
    "<interface type='network'><mac address='52:54:00:ab:cd:ef'/><source network='lan'/>"          \
    "<model type='e1000'/></interface><interface type='user'/><tpm model='tpm-tis'/></devices>"    \
    "</domain>"

static void edits_keep_the_rest(void **state)
{
    (void)state;
    char kernel[] = "/new", lan[] = "lan", wan[] = "wan";
    char *networks[] = {lan, wan, NULL};
    struct vm_spec vm = {.cpus = 6, .memory = 2ULL << 30, .kernel = kernel, .networks = networks};
    struct virt_plan plan = plan_of("qemu", &vm);
    struct virt_layout layout = {.disk = "/d/" UUID ".qcow2", .seed = "/d/" UUID "-seed.iso"};
    unsigned done = 0;
    g_autofree char *xml = virt_edit_xml(ADOPTED, &plan, &layout, ~0u, &done, NULL);
    assert_int_equal(done,
                     EDIT_CPUS | EDIT_MEMORY | EDIT_BOOT | EDIT_NETWORKS | EDIT_DISK | EDIT_SEED);
    assert_value(xml, "/domain/vcpu[@cpuset='0-3']/@current", "6");
    assert_value(xml, "/domain/vcpu", "12");
    assert_value(xml, "count(/domain/vcpus)", "0");
    assert_value(xml, "concat(/domain/memory, ' ', /domain/currentMemory)", "2097152 2097152");
    assert_value(xml, "concat(//os/kernel, //os/bootmenu/@enable, //description)", "/newnokeep");
    assert_value(xml, "//interface[source/@network='lan']/model/@type", "e1000");
    assert_value(xml, "//interface[source/@network='wan']/mac/@address", "52:54:00:ab:cd:f0");
    assert_value(xml, "count(//interface)", "3");
    assert_value(xml, "//tpm/@model", "tpm-tis");
    assert_value(xml, "//disk[target/@dev='vdb']/driver/@type", "qcow2");
    assert_value(xml, "//disk[target/@dev='vdc']/driver/@type", "raw");

    g_autofree char *again = virt_edit_xml(xml, &plan, &layout, ~0u, &done, NULL);
    assert_int_equal(done, 0);
    assert_value(again, "count(//disk)", "3");
    layout.seed = NULL;
    g_autofree char *seedless = virt_edit_xml(xml, &plan, &layout, EDIT_SEED, &done, NULL);
    assert_int_equal(done, EDIT_SEED);
    assert_value(seedless, "count(//disk)", "2");
}

static void edits_touch_only_their_keys(void **state)
{
    (void)state;
    struct vm_spec vm = {.cpus = 2, .memory = 1ULL << 30};
    struct virt_plan plan = plan_of("qemu", &vm);
    struct virt_layout layout = {.network = "user"};
    GError *error = NULL;
    unsigned done = 77;
    assert_null(virt_edit_xml("<domain", &plan, &layout, ~0u, &done, &error));
    assert_int_equal(error->code, EINVAL);
    g_clear_error(&error);
    assert_null(virt_edit_xml("<network/>", &plan, &layout, ~0u, &done, NULL));
    assert_int_equal(done, 77);
    g_autofree char *xml =
        virt_edit_xml(ADOPTED, &plan, &layout, EDIT_CPUS | EDIT_MEMORY, &done, NULL);
    assert_int_equal(done, 0);
    assert_value(xml, "/domain/currentMemory", "524288");
    g_autofree char *bootless = virt_edit_xml(ADOPTED, &plan, &layout, EDIT_BOOT, &done, NULL);
    assert_int_equal(done, EDIT_BOOT);
    assert_value(bootless, "count(//os/kernel)", "0");
}

static void seeds_are_checked(void **state)
{
    (void)state;
    char absent[] = "/nonexistent/file", device[] = "/dev/zero", text[] = "#cloud-config\n";
    struct vm_spec vm = plain_vm();
    struct virt_plan plan = plan_of("qemu", &vm);
    GError *error = NULL;
    vm.user_data = absent;
    assert_null(seed_image(&plan, &error));
    assert_int_equal(error->code, ENOENT);
    g_clear_error(&error);
    vm.user_data = device;
    assert_null(seed_image(&plan, &error));
    assert_int_equal(error->code, EINVAL);
    g_clear_error(&error);
    g_autofree char *huge = g_strnfill(1024 * 1024 + 1, 'x');
    vm.user_data = huge;
    assert_null(seed_image(&plan, &error));
    assert_int_equal(error->code, EINVAL);
    g_clear_error(&error);

    vm.user_data = text;
    g_autoptr(GBytes) image = seed_image(&plan, &error);
    assert_non_null(image);
    gsize len;
    const char *data = g_bytes_get_data(image, &len);
    assert_int_equal(len % 2048, 0);
    assert_memory_equal(data + 16 * 2048 + 1, "CD001", 5);
    assert_memory_equal(data + 16 * 2048 + 40, "cidata ", 7);
    assert_non_null(memmem(data, len, text, strlen(text)));
    static const char meta[] = "instance-id: \"" UUID "\"\nlocal-hostname: \"web1\"\n";
    assert_non_null(memmem(data, len, meta, strlen(meta)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(qemu_has_all_devices),
        cmocka_unit_test(types_differ),
        cmocka_unit_test(networks_follow_the_spec),
        cmocka_unit_test(hostile_values_stay_values),
        cmocka_unit_test(bad_utf8_is_replaced),
        cmocka_unit_test(cpus_leave_room),
        cmocka_unit_test(marks_round_trip),
        cmocka_unit_test(marks_leave_out_what_does_not_fit),
        cmocka_unit_test(marks_of_others_are_none),
        cmocka_unit_test(edits_keep_the_rest),
        cmocka_unit_test(edits_touch_only_their_keys),
        cmocka_unit_test(seeds_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
