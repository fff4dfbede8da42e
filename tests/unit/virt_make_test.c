/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making, changing and removing domains, on libvirt's test driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "core/virt/make.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

#define UUID  "6f1a2b3c-4d5e-4f60-8123-456789abcdef"
#define OTHER "7f1a2b3c-4d5e-4f60-8123-456789abcdef"
#define DISK  "/default-pool/cloudfs-" UUID ".qcow2"
#define SEED  "/default-pool/cloudfs-" UUID "-seed.iso"
#define IMAGE "/default-pool/base.qcow2"

static char *node_file; /* of the test driver's host */

struct fixture {
    struct virt *v;
    virConnectPtr conn; /* to look past the operations */
};

static void ignore(void *ctx, enum virt_event what, const char *uuid)
{
    (void)ctx;
    (void)what;
    (void)uuid;
}

static const char node[] =
    "<node><cpu><mhz>2600</mhz><model>EPYC</model><active>8</active><nodes>1</nodes>"
    "<sockets>1</sockets><cores>8</cores><threads>1</threads></cpu><memory>8388608</memory>"
    "<domain type='test'><name>test</name><memory>65536</memory><os><type>hvm</type></os></domain>"
    "<network><name>default</name><ip address='192.168.122.1' netmask='255.255.255.0'/></network>"
    "<pool type='dir'><name>default-pool</name><target><path>/default-pool</path></target>"
    "<volume><name>base.qcow2</name><capacity>1073741824</capacity><target>"
    "<format type='qcow2'/></target></volume></pool></node>";

/* Each connection to a node that is a file has an instance of its own. */
static int set_up(void **state)
{
    struct fixture *f = g_new0(struct fixture, 1);
    g_autofree char *uri = g_strconcat("test://", node_file, NULL);
    struct virt_options options = {.uri = uri, .state = "/nonexistent", .event = ignore};
    f->v = virt_libvirt.new(&options, NULL);
    if (!f->v || !virt_libvirt.open(f->v, NULL))
        return -1;
    f->conn = virt_connection(f->v, NULL);
    *state = f;
    return f->conn ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    virConnectClose(f->conn);
    virt_libvirt.free(f->v);
    g_free(f);
    return 0;
}

static struct vm_spec plain_vm(void)
{
    return (struct vm_spec){.cpus = 2, .memory = 512ULL << 20};
}

static struct virt_plan plan_of(const char *name, const struct vm_spec *vm)
{
    static char cloud[] = "11111111-2222-4333-8444-555555555555", text[] = "cpus = 2\n",
                object[] = "web1";
    return (struct virt_plan){
        .uuid = UUID,
        .name = name,
        .type = "test",
        .vm = vm,
        .mark = {.cloud = cloud, .id = 7, .name = object, .spec = text},
        .start = true
    };
}

static bool volume_exists(struct fixture *f, const char *path, uint64_t *bytes)
{
    virStorageVolInfo info = {0};
    g_autoptr(VirtVolume) volume = virStorageVolLookupByPath(f->conn, path);
    if (volume && bytes && virStorageVolGetInfo(volume, &info) == 0)
        *bytes = info.capacity;
    return volume != NULL;
}

static bool domain_exists(struct fixture *f, const char *uuid)
{
    g_autoptr(VirtDomainHandle) dom = virDomainLookupByUUIDString(f->conn, uuid);
    return dom != NULL;
}

static void assert_nothing_left(struct fixture *f)
{
    assert_false(domain_exists(f, UUID));
    assert_false(volume_exists(f, DISK, NULL));
    assert_false(volume_exists(f, SEED, NULL));
}

/* The mark and the spec in it, as the hypervisor gives them back. */
static void assert_marked(const struct virt_domain *domain, const struct virt_plan *plan)
{
    assert_non_null(domain->mark);
    assert_string_equal(domain->mark->cloud, plan->mark.cloud);
    assert_string_equal(domain->mark->spec, plan->mark.spec);
}

static void create_fails(struct fixture *f, const struct virt_plan *plan, int err)
{
    struct virt_domain *domain = NULL;
    GError *error = NULL;
    assert_false(virt_libvirt.create(f->v, plan, &domain, &error));
    assert_non_null(error);
    assert_int_equal(error->code, err);
    assert_null(domain);
    g_error_free(error);
}

static void create(struct fixture *f, const struct virt_plan *plan)
{
    g_autoptr(VirtDomain) domain = NULL;
    GError *error = NULL;
    bool ok = virt_libvirt.create(f->v, plan, &domain, &error);
    if (!ok)
        print_error("%s\n", error->message);
    assert_true(ok);
    assert_string_equal(domain->uuid, plan->uuid);
    assert_string_equal(domain->name, plan->name);
}

/* The domain as it is now. */
static struct virt_domain *look(struct fixture *f)
{
    struct virt_domain *domain = NULL;
    assert_true(virt_libvirt.domain(f->v, UUID, &domain, NULL));
    return domain;
}

static void change_fails(struct fixture *f, const struct virt_plan *plan,
                         const struct vm_spec *before, int err)
{
    struct virt_domain *domain = NULL;
    char *what = NULL;
    bool restart = true;
    GError *error = NULL;
    assert_false(virt_libvirt.change(f->v, plan, before, &restart, &what, &domain, &error));
    assert_int_equal(error->code, err);
    assert_true(restart && !what && !domain);
    g_error_free(error);
}

/* LATER: what takes effect at the next start, NULL for nothing. */
static void change(struct fixture *f, const struct virt_plan *plan, const struct vm_spec *before,
                   const char *later)
{
    g_autoptr(VirtDomain) domain = NULL;
    g_autofree char *what = NULL;
    bool restart = !later;
    GError *error = NULL;
    bool ok = virt_libvirt.change(f->v, plan, before, &restart, &what, &domain, &error);
    if (!ok)
        print_error("%s\n", error->message);
    assert_true(ok);
    assert_string_equal(domain->uuid, plan->uuid);
    assert_int_equal(restart, later != NULL);
    assert_int_equal(g_strcmp0(what, later), 0);
}

static void bad_plans_leave_nothing(void **state)
{
    struct fixture *f = *state;
    char absent[] = "/default-pool/absent.qcow2", image[] = IMAGE, nowhere[] = "/nonexistent/u";
    struct vm_spec vm = plain_vm();
    struct virt_plan plan = plan_of("web1", &vm);
    plan.uuid = "../../etc";
    create_fails(f, &plan, EINVAL);
    plan.uuid = UUID;
    plan.type = "kvm";
    create_fails(f, &plan, EOPNOTSUPP);
    plan.type = "test";
    vm.image = absent;
    create_fails(f, &plan, ENOENT);
    vm.image = image;
    vm.disk = 1 << 20;
    create_fails(f, &plan, EINVAL);
    vm.disk = 0;
    vm.user_data = nowhere; /* fails when the disk is made already */
    create_fails(f, &plan, ENOENT);
    vm.user_data = NULL;
    plan.name = "a/b"; /* fails when it is defined */
    create_fails(f, &plan, EINVAL);
    assert_nothing_left(f);
}

static void a_taken_name_is_refused(void **state)
{
    struct fixture *f = *state;
    struct vm_spec vm = plain_vm();
    vm.disk = 1 << 30;
    struct virt_plan plan = plan_of("test", &vm); /* the driver's own domain */
    create_fails(f, &plan, EEXIST);
    assert_nothing_left(f);
}

static void creating_can_be_repeated(void **state)
{
    struct fixture *f = *state;
    char image[] = IMAGE, text[] = "#cloud-config\n";
    struct vm_spec vm = plain_vm();
    vm.image = image;
    vm.disk = 2ULL << 30;
    vm.user_data = text;
    struct virt_plan plan = plan_of("web1", &vm);
    plan.start = false;
    create(f, &plan);
    g_autoptr(VirtDomain) defined = look(f);
    assert_int_equal(defined->state, DOMAIN_SHUTOFF);
    plan.start = true;
    create(f, &plan);
    create(f, &plan);
    g_autoptr(VirtDomain) second = look(f);
    assert_string_equal(second->uuid, UUID);
    assert_int_equal(second->state, DOMAIN_RUNNING);
    assert_int_equal(second->cpus, 2);
    g_autoptr(VirtDomainHandle) dom = virDomainLookupByUUIDString(f->conn, UUID);
    assert_int_equal(virDomainIsPersistent(dom), 1);
    assert_marked(second, &plan);
    uint64_t bytes = 0;
    assert_true(volume_exists(f, DISK, &bytes));
    assert_int_equal(bytes, 2ULL << 30);
    assert_true(volume_exists(f, SEED, NULL));
    assert_non_null(strstr(second->xml, DISK));
    assert_non_null(strstr(second->xml, SEED));
    plan.name = "web2";
    create_fails(f, &plan, EEXIST);
    assert_true(domain_exists(f, UUID));
}

/* What a try left that was cut off between the disk and the definition is taken. */
static void a_former_disk_is_used(void **state)
{
    struct fixture *f = *state;
    struct vm_spec vm = plain_vm();
    vm.disk = 1ULL << 30;
    struct virt_plan plan = plan_of("web1", &vm);
    struct disk_place place = disk_place_of(f->v, f->conn);
    g_autofree char *path = NULL;
    bool made = false;
    assert_true(disk_make(&place, &plan, &path, &made, NULL));
    assert_true(made);
    plan.name = "a/b";
    create_fails(f, &plan, EINVAL);
    assert_true(volume_exists(f, DISK, NULL));
    vm.disk = 1 << 20;
    plan.name = "web1";
    create_fails(f, &plan, EINVAL);
    vm.disk = 1ULL << 30;
    create(f, &plan);
    g_autoptr(VirtDomain) domain = look(f);
    assert_non_null(strstr(domain->xml, DISK));
}

/* What a try left that was cut off goes with the one that fails, if nobody can have used it. */
static void a_former_disk_goes(void **state)
{
    struct fixture *f = *state;
    struct vm_spec vm = plain_vm();
    vm.disk = 1ULL << 30;
    struct virt_plan plan = plan_of("web1", &vm);
    char text[] = "disk = 1MiB\n";
    struct disk_place place = disk_place_of(f->v, f->conn);
    g_autofree char *path = NULL;
    bool made = false;
    assert_true(disk_make(&place, &plan, &path, &made, NULL));
    plan.fresh = true;
    plan.name = "a/b";
    create_fails(f, &plan, EINVAL);
    assert_nothing_left(f);
    plan.name = "web1";
    plan.start = false;
    create(f, &plan);
    plan.name = "web2";
    create_fails(f, &plan, EEXIST); /* another's, it seems */
    assert_true(volume_exists(f, DISK, NULL));
    plan.name = "web1";
    vm.disk = 1 << 20; /* the definition cannot be brought up to this */
    plan.mark.spec = text;
    create_fails(f, &plan, EINVAL);
    assert_nothing_left(f);
}

/* A definition of an older spec is brought up to date. */
static void a_newer_spec_wins(void **state)
{
    struct fixture *f = *state;
    char newer[] = "cpus = 3\n";
    struct vm_spec vm = plain_vm();
    struct virt_plan plan = plan_of("web1", &vm);
    plan.start = false;
    create(f, &plan);
    vm.cpus = 3;
    plan.mark.spec = newer;
    create(f, &plan);
    g_autoptr(VirtDomain) domain = look(f);
    assert_int_equal(domain->cpus, 3);
    assert_marked(domain, &plan);
}

static void specs_survive_byte_for_byte(void **state)
{
    struct fixture *f = *state;
    static char odd[] =
        "\n\n  # lead\r\n\tcpus = 2 ; <&>]]> \"' \xe2\x82\xac\n\n\n   memory = 1G  \n \t ";
    static char even[] = "cpus = 2\n   ";
    struct vm_spec vm = plain_vm();
    struct virt_plan plan = plan_of("web1", &vm);
    plan.mark.spec = odd;
    create(f, &plan);
    g_autoptr(VirtDomain) created = look(f);
    assert_marked(created, &plan);
    change(f, &plan, &vm, NULL);
    g_autoptr(VirtDomain) same = look(f);
    assert_marked(same, &plan);
    plan.mark.spec = even;
    change(f, &plan, &vm, NULL);
    g_autoptr(VirtDomain) changed = look(f);
    assert_marked(changed, &plan);
    g_autoptr(VirtDomainHandle) dom = virDomainLookupByUUIDString(f->conn, UUID);
    g_autofree char *inactive = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_INACTIVE);
    g_autoptr(VirtMark) mark = virt_mark_parse(inactive);
    assert_string_equal(mark->spec, even);
}

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

    struct vm_spec now = vm;
    vm.user_data = NULL;
    change(f, &plan, &now, "at the next start: user_data");
    assert_false(volume_exists(f, SEED, NULL));
    assert_true(volume_exists(f, DISK, NULL));
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

static void destroying_can_be_repeated(void **state)
{
    struct fixture *f = *state;
    char text[] = "#cloud-config\n";
    struct vm_spec vm = plain_vm();
    vm.disk = 1ULL << 30;
    vm.user_data = text;
    struct virt_plan plan = plan_of("web1", &vm);
    GError *error = NULL;
    assert_false(virt_libvirt.destroy(f->v, "no-uuid", "web1", &error));
    assert_int_equal(error->code, EINVAL);
    g_clear_error(&error);
    create(f, &plan);
    assert_false(virt_libvirt.destroy(f->v, UUID, "web2", &error));
    assert_int_equal(error->code, EPERM);
    g_clear_error(&error);
    assert_true(domain_exists(f, UUID));
    assert_true(volume_exists(f, DISK, NULL));
    assert_true(virt_libvirt.destroy(f->v, UUID, "web1", NULL));
    assert_nothing_left(f);
    assert_true(virt_libvirt.destroy(f->v, UUID, "web1", NULL));
    assert_true(virt_libvirt.destroy(f->v, OTHER, "web1", NULL));
}

/* Undefined by somebody else: its disks are removed all the same. */
static void disks_of_a_lost_domain_go(void **state)
{
    struct fixture *f = *state;
    struct vm_spec vm = plain_vm();
    vm.disk = 1ULL << 30;
    struct virt_plan plan = plan_of("web1", &vm);
    plan.start = false;
    create(f, &plan);
    g_autoptr(VirtDomainHandle) dom = virDomainLookupByUUIDString(f->conn, UUID);
    assert_int_equal(virDomainUndefine(dom), 0);
    assert_true(volume_exists(f, DISK, NULL));
    assert_true(virt_libvirt.destroy(f->v, UUID, "web1", NULL));
    assert_nothing_left(f);
}

static void without_a_pool_there_is_no_disk(void **state)
{
    struct fixture *f = *state;
    struct vm_spec vm = plain_vm();
    struct virt_plan plan = plan_of("web1", &vm);
    virStoragePoolPtr pool = virStoragePoolLookupByName(f->conn, "default-pool");
    assert_int_equal(virStoragePoolDestroy(pool), 0);
    virStoragePoolFree(pool);
    vm.disk = 1ULL << 30;
    create_fails(f, &plan, EOPNOTSUPP);
    vm.disk = 0;
    create(f, &plan);
    assert_true(virt_libvirt.destroy(f->v, UUID, "web1", NULL));
    assert_false(domain_exists(f, UUID));
}

static void a_closed_host_is_down(void **state)
{
    struct fixture *f = *state;
    struct vm_spec vm = plain_vm();
    struct virt_plan plan = plan_of("web1", &vm);
    GError *error = NULL;
    virt_libvirt.close(f->v);
    create_fails(f, &plan, EHOSTDOWN);
    change_fails(f, &plan, &vm, EHOSTDOWN);
    assert_false(virt_libvirt.destroy(f->v, UUID, "web1", &error));
    assert_int_equal(error->code, EHOSTDOWN);
    g_error_free(error);
}

static int start_libvirt(void **state)
{
    (void)state;
    int fd = g_file_open_tmp("node-XXXXXX.xml", &node_file, NULL);
    bool written = fd >= 0 && g_file_set_contents(node_file, node, -1, NULL);
    close(fd);
    return written && virt_start(NULL) ? 0 : -1;
}

static int stop_libvirt(void **state)
{
    (void)state;
    virt_stop();
    unlink(node_file);
    g_free(node_file);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bad_plans_leave_nothing),
        TEST(a_taken_name_is_refused),
        TEST(creating_can_be_repeated),
        TEST(a_former_disk_is_used),
        TEST(a_former_disk_goes),
        TEST(a_newer_spec_wins),
        TEST(specs_survive_byte_for_byte),
        TEST(cpus_and_memory_change_live),
        TEST(the_rest_changes_at_the_next_start),
        TEST(what_is_fixed_is_refused),
        TEST(a_failed_change_is_undone),
        TEST(a_disk_joins_a_seed),
        TEST(adopting_leaves_alone),
        TEST(destroying_can_be_repeated),
        TEST(disks_of_a_lost_domain_go),
        TEST(without_a_pool_there_is_no_disk),
        TEST(a_closed_host_is_down),
    };
    return cmocka_run_group_tests(tests, start_libvirt, stop_libvirt);
}
