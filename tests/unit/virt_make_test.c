/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making domains and removing them, on libvirt's test driver. */
#include "tests/unit/virt_making.h"

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

static void destroying_can_be_repeated(void **state)
{
    struct fixture *f = *state;
    char text[] = "#cloud-config\n";
    struct vm_spec vm = plain_vm();
    vm.disk = 1ULL << 30;
    vm.user_data = text;
    struct virt_plan plan = plan_of("web1", &vm);
    GError *error = NULL;
    assert_false(virt_libvirt.destroy(f->v, "no-uuid", "web1", NULL, &error));
    assert_int_equal(error->code, EINVAL);
    g_clear_error(&error);
    create(f, &plan);
    assert_false(virt_libvirt.destroy(f->v, UUID, "web2", NULL, &error));
    assert_int_equal(error->code, EPERM);
    g_clear_error(&error);
    assert_true(domain_exists(f, UUID));
    assert_true(volume_exists(f, DISK, NULL));
    assert_true(virt_libvirt.destroy(f->v, UUID, "web1", NULL, NULL));
    assert_nothing_left(f);
    assert_true(virt_libvirt.destroy(f->v, UUID, "web1", NULL, NULL));
    assert_true(virt_libvirt.destroy(f->v, OTHER, "web1", NULL, NULL));
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
    assert_true(virt_libvirt.destroy(f->v, UUID, "web1", NULL, NULL));
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
    assert_true(virt_libvirt.destroy(f->v, UUID, "web1", NULL, NULL));
    assert_false(domain_exists(f, UUID));
}

static void stop_pool(struct fixture *f, bool undefine)
{
    g_autoptr(VirtPool) pool = virStoragePoolLookupByName(f->conn, "default-pool");
    assert_int_equal(virStoragePoolDestroy(pool), 0);
    if (undefine)
        assert_int_equal(virStoragePoolUndefine(pool), 0);
}

static void start_pool(struct fixture *f)
{
    g_autoptr(VirtPool) pool = virStoragePoolLookupByName(f->conn, "default-pool");
    assert_int_equal(virStoragePoolCreate(pool, 0), 0);
}

static void add_other_pool(struct fixture *f)
{
    g_autoptr(VirtPool) pool = virStoragePoolDefineXML(
        f->conn,
        "<pool type='dir'><name>other</name><target><path>/other-pool</path></target></pool>", 0);
    assert_non_null(pool);
    assert_int_equal(virStoragePoolCreate(pool, 0), 0);
}

static void destroy_fails(struct fixture *f, const char *seen, int err)
{
    GError *error = NULL;
    assert_false(virt_libvirt.destroy(f->v, UUID, "web1", seen, &error));
    assert_int_equal(error->code, err);
    assert_non_null(strstr(error->message, "default-pool"));
    g_error_free(error);
}

/* Else it would stay for nobody. A pool that it is not in does not matter. */
static void a_disk_goes_when_its_pool_is_active(void **state)
{
    struct fixture *f = *state;
    struct vm_spec vm = plain_vm();
    struct virt_plan plan = plan_of("web1", &vm);
    vm.disk = 1ULL << 30;
    create(f, &plan);
    g_autoptr(VirtDomain) domain = look(f);
    stop_pool(f, false);
    destroy_fails(f, domain->xml, EBUSY);
    assert_true(domain_exists(f, UUID));
    start_pool(f);
    assert_true(virt_libvirt.destroy(f->v, UUID, "web1", domain->xml, NULL));
    assert_nothing_left(f);
    vm.disk = 0;
    create(f, &plan);
    g_autoptr(VirtDomain) bare = look(f);
    stop_pool(f, false);
    assert_true(virt_libvirt.destroy(f->v, UUID, "web1", bare->xml, NULL));
}

/* Nor is another disk made in another pool meanwhile. */
static void a_lost_domain_waits_for_its_pool(void **state)
{
    struct fixture *f = *state;
    struct vm_spec vm = plain_vm();
    struct virt_plan plan = plan_of("web1", &vm);
    vm.disk = 1ULL << 30;
    plan.start = false;
    create(f, &plan);
    g_autoptr(VirtDomain) domain = look(f);
    g_autoptr(VirtDomainHandle) dom = virDomainLookupByUUIDString(f->conn, UUID);
    assert_int_equal(virDomainUndefine(dom), 0);
    add_other_pool(f);
    stop_pool(f, false);
    plan.seen = domain->xml;
    create_fails(f, &plan, EBUSY);
    assert_false(volume_exists(f, "/other-pool/cloudfs-" UUID ".qcow2", NULL));
    destroy_fails(f, domain->xml, EBUSY);
    start_pool(f);
    create(f, &plan);
    g_autoptr(VirtDomain) again = look(f);
    assert_non_null(strstr(again->xml, DISK));
    stop_pool(f, true); /* one that is not even defined is not waited for */
    assert_true(virt_libvirt.destroy(f->v, UUID, "web1", again->xml, NULL));
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
    assert_false(virt_libvirt.destroy(f->v, UUID, "web1", NULL, &error));
    assert_int_equal(error->code, EHOSTDOWN);
    g_error_free(error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MAKING_TEST(bad_plans_leave_nothing),
        MAKING_TEST(a_taken_name_is_refused),
        MAKING_TEST(creating_can_be_repeated),
        MAKING_TEST(a_former_disk_is_used),
        MAKING_TEST(a_former_disk_goes),
        MAKING_TEST(a_newer_spec_wins),
        MAKING_TEST(specs_survive_byte_for_byte),
        MAKING_TEST(destroying_can_be_repeated),
        MAKING_TEST(disks_of_a_lost_domain_go),
        MAKING_TEST(without_a_pool_there_is_no_disk),
        MAKING_TEST(a_disk_goes_when_its_pool_is_active),
        MAKING_TEST(a_lost_domain_waits_for_its_pool),
        MAKING_TEST(a_closed_host_is_down),
    };
    return cmocka_run_group_tests(tests, making_start, making_stop);
}
