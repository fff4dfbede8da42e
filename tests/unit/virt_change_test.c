/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing domains, and adopting them: what applies at once, at the next start, or never. */
#include "tests/unit/virt_making.h"

static void cpus_and_memory_change_live(void **state)
{
    struct fixture *f = *state;
    struct vm_spec before = plain_vm();
    struct vm_spec vm = before;
    struct virt_plan plan = plan_of("web1", &vm);
    create(f, &plan);
    vm.cpus = 4;
    vm.memory = 256ULL << 20;
    change(f, &plan, &before, NULL);
    g_autoptr(VirtDomain) less = look(f);
    assert_int_equal(less->cpus, 4);
    g_autoptr(VirtDomainHandle) dom = virDomainLookupByUUIDString(f->conn, UUID);
    virDomainInfo info;
    assert_int_equal(virDomainGetInfo(dom, &info), 0);
    assert_int_equal(info.memory, 256 << 10);

    struct vm_spec now = vm;
    vm.cpus = 20;
    vm.memory = 1ULL << 30;
    change(f, &plan, &now, "at the next start: cpus, memory");
    assert_int_equal(virDomainDestroy(dom), 0);
    assert_int_equal(virDomainGetMaxMemory(dom), 1 << 20);
    assert_int_equal(virDomainGetVcpusFlags(dom, VIR_DOMAIN_AFFECT_CONFIG), 20);
}

static void the_rest_changes_at_the_next_start(void **state)
{
    struct fixture *f = *state;
    char kernel[] = "/boot/k", text[] = "#cloud-config\n", none[] = "none";
    char *networks[] = {none, NULL};
    struct vm_spec before = plain_vm();
    struct vm_spec vm = before;
    struct virt_plan plan = plan_of("web1", &vm);
    create(f, &plan);
    g_autoptr(VirtDomain) created = look(f);
    assert_non_null(strstr(created->xml, "<source network='default'"));
    vm.kernel = kernel;
    vm.user_data = text;
    vm.networks = networks;
    vm.disk = 1ULL << 30;
    change(f, &plan, &before,
           "at the next start: kernel, initrd, cmdline and init, network, disk, "
           "user_data");
    g_autoptr(VirtDomainHandle) dom = virDomainLookupByUUIDString(f->conn, UUID);
    g_autofree char *xml = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_INACTIVE);
    assert_non_null(strstr(xml, "<kernel>/boot/k</kernel>"));
    assert_non_null(strstr(xml, DISK));
    assert_non_null(strstr(xml, SEED));
    assert_null(strstr(xml, "<interface"));

    /* What it runs with does not have it either. */
    struct vm_spec now = vm;
    vm.user_data = NULL;
    change(f, &plan, &now, "at the next start: kernel, initrd, cmdline and init, network, disk");
    assert_false(volume_exists(f, SEED, NULL));
    assert_true(volume_exists(f, DISK, NULL));
}

/* What waits is told until it is so, or is not wanted any more. */
static void what_waits_is_told_until_it_need_not(void **state)
{
    struct fixture *f = *state;
    char kernel[] = "/boot/k", other[] = "/boot/l";
    struct vm_spec vm = plain_vm(), before = vm;
    struct virt_plan plan = plan_of("web1", &vm);
    create(f, &plan);
    vm.kernel = kernel;
    vm.memory *= 2;
    change(f, &plan, &before, "at the next start: memory, kernel, initrd, cmdline and init");
    before = vm;
    vm.usage = 0.5; /* waits for nothing */
    change(f, &plan, &before, "at the next start: memory, kernel, initrd, cmdline and init");
    before = vm;
    vm.kernel = other;
    vm.memory /= 2;
    change(f, &plan, &before, "at the next start: kernel, initrd, cmdline and init");
    before = vm;
    vm.kernel = NULL; /* as it runs */
    change(f, &plan, &before, NULL);
}

/* The seed has one name, whatever it holds: the definition does not show that it was replaced. */
static void a_replaced_seed_waits_too(void **state)
{
    struct fixture *f = *state;
    char text[] = "#cloud-config\n", other[] = "#cloud-config\n{}\n";
    struct vm_spec vm = plain_vm(), before;
    vm.user_data = text;
    before = vm;
    struct virt_plan plan = plan_of("web1", &vm);
    create(f, &plan);
    vm.user_data = other;
    change(f, &plan, &before, "at the next start: user_data");
    plan.waits = "a restart is pending; at the next start: user_data";
    before = vm;
    vm.cpus = 4;
    change(f, &plan, &before, "at the next start: user_data");
    plan.waits = NULL; /* as it was started since */
    before = vm;
    vm.cpus = 2;
    change(f, &plan, &before, NULL);
}

static void what_is_fixed_is_refused(void **state)
{
    struct fixture *f = *state;
    char image[] = IMAGE, root[] = "/srv", nowhere[] = "/nonexistent/u";
    struct vm_spec before = plain_vm();
    struct vm_spec vm = before;
    struct virt_plan plan = plan_of("web1", &vm);
    change_fails(f, &plan, &before, ENOENT);
    before.disk = vm.disk = 1ULL << 30;
    create(f, &plan);
    vm.image = image;
    change_fails(f, &plan, &before, EOPNOTSUPP);
    vm = before;
    vm.root = root;
    change_fails(f, &plan, &before, EOPNOTSUPP);
    vm = before;
    plan.type = "kvm";
    change_fails(f, &plan, &before, EOPNOTSUPP);
    plan.type = "test";
    vm.disk = 1 << 20;
    change_fails(f, &plan, &before, EINVAL);
    vm.disk = 0;
    change_fails(f, &plan, &before, EINVAL);
    vm = before;
    vm.user_data = nowhere;
    vm.cpus = 5;
    change_fails(f, &plan, &before, ENOENT);
    g_autoptr(VirtDomainHandle) dom = virDomainLookupByUUIDString(f->conn, UUID);
    assert_int_equal(virDomainGetVcpusFlags(dom, VIR_DOMAIN_AFFECT_CONFIG), 2);
}

/* A step that fails late puts the definition back: this driver cannot grow a volume. */
static void a_failed_change_is_undone(void **state)
{
    struct fixture *f = *state;
    char text[] = "#cloud-config\n";
    struct vm_spec before = plain_vm();
    before.disk = 1ULL << 30;
    struct vm_spec vm = before;
    struct virt_plan plan = plan_of("web1", &vm);
    plan.start = false;
    create(f, &plan);
    vm.disk = 2ULL << 30;
    vm.cpus = 5;
    vm.user_data = text;
    change_fails(f, &plan, &before, EOPNOTSUPP);
    g_autoptr(VirtDomainHandle) dom = virDomainLookupByUUIDString(f->conn, UUID);
    assert_int_equal(virDomainGetVcpusFlags(dom, VIR_DOMAIN_AFFECT_CONFIG), 2);
    g_autofree char *xml = virDomainGetXMLDesc(dom, 0);
    assert_null(strstr(xml, SEED));
    assert_false(volume_exists(f, SEED, NULL));
}

/* The seed is a disk of ours too, and does not stand in the way of another. */
static void a_disk_joins_a_seed(void **state)
{
    struct fixture *f = *state;
    char text[] = "#cloud-config\n";
    struct vm_spec before = plain_vm();
    before.user_data = text;
    struct vm_spec vm = before;
    struct virt_plan plan = plan_of("web1", &vm);
    plan.start = false;
    create(f, &plan);
    vm.disk = 1ULL << 30;
    change(f, &plan, &before, NULL);
    assert_true(volume_exists(f, DISK, NULL));
    assert_true(volume_exists(f, SEED, NULL));
}

/* A domain that cloudfs did not make gets a mark, and keeps what it has. */
static void adopting_leaves_alone(void **state)
{
    struct fixture *f = *state;
    g_autoptr(VirtDomainHandle) dom = virDomainDefineXML(
        f->conn, "<domain type='test'><name>old</name><uuid>" UUID "</uuid><memory>524288</memory>"
                 "<currentMemory>262144</currentMemory><vcpu>2</vcpu><os><type>hvm</type></os>"
                 "<devices><disk type='block'><source dev='/dev/x'/><target dev='vda'/></disk>"
                 "</devices></domain>");
    assert_non_null(dom);
    struct vm_spec before = plain_vm();
    struct vm_spec vm = before;
    struct virt_plan plan = plan_of("old", &vm);
    change(f, &plan, &before, NULL);
    g_autoptr(VirtDomain) adopted = look(f);
    assert_marked(adopted, &plan);
    assert_non_null(strstr(adopted->xml, "/dev/x"));
    assert_non_null(strstr(adopted->xml, ">262144<"));
    assert_null(strstr(adopted->xml, "<interface"));
    vm.disk = 1ULL << 30;
    change_fails(f, &plan, &before, EOPNOTSUPP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MAKING_TEST(cpus_and_memory_change_live),
        MAKING_TEST(the_rest_changes_at_the_next_start),
        MAKING_TEST(what_waits_is_told_until_it_need_not),
        MAKING_TEST(a_replaced_seed_waits_too),
        MAKING_TEST(what_is_fixed_is_refused),
        MAKING_TEST(a_failed_change_is_undone),
        MAKING_TEST(a_disk_joins_a_seed),
        MAKING_TEST(adopting_leaves_alone),
    };
    return cmocka_run_group_tests(tests, making_start, making_stop);
}
