/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What became of a migration of which nobody heard the end, told from what two hosts say. The test
 * driver migrates nothing, so the domain is moved by the test, at the moment at which settle asks
 * whether a job is under way: virDomainGetJobInfo() here is what it calls.
 */
#include "tests/unit/virt_making.h"

#include <unistd.h>

#include "core/virt/tree.h"

static const char node[] =
    "<node><cpu><mhz>2600</mhz><model>EPYC</model><active>8</active><nodes>1</nodes>"
    "<sockets>1</sockets><cores>8</cores><threads>1</threads></cpu><memory>8388608</memory>"
    "<pool type='dir'><name>pool</name><target><path>%s</path></target></pool></node>";

enum { FROM, TO };

static struct side {
    char *file;
    struct virt *v;
    virConnectPtr conn;
    char *disk; /* where the domain's is, if it is there */
} sides[2];

static struct vm_spec vm;
static struct virt_plan plan;

/* What the hypervisor that is left does when it is asked for the N-th time (from 1 on): the type of
 * the job that is under way; below 0: it refuses to say. */
static int (*story)(unsigned n);
static unsigned asked;

int virDomainGetJobInfo(virDomainPtr dom, virDomainJobInfoPtr info)
{
    int type = story(++asked);

    (void)dom;
    info->type = type;
    return type < 0 ? -1 : 0;
}

static void ignore(void *ctx, enum virt_event what, const char *uuid)
{
    (void)ctx;
    (void)what;
    (void)uuid;
}

static int open_side(int n, const char *pool)
{
    struct side *side = &sides[n];
    g_autofree char *text = g_strdup_printf(node, pool);
    int fd = g_file_open_tmp("node-XXXXXX.xml", &side->file, NULL);
    bool written = fd >= 0 && g_file_set_contents(side->file, text, -1, NULL);
    g_autofree char *uri = g_strconcat("test://", side->file, NULL);
    struct virt_options options = {.uri = uri, .state = "/nonexistent", .event = ignore};

    close(fd);
    side->disk = g_strdup_printf("%s/cloudfs-" UUID ".qcow2", pool);
    side->v = virt_libvirt.new(&options, NULL);
    if (!written || !side->v || !virt_libvirt.open(side->v, NULL))
        return -1;
    side->conn = virt_connection(side->v, NULL);
    return side->conn ? 0 : -1;
}

static void appear(int n)
{
    g_autoptr(VirtDomain) domain = NULL;

    assert_true(virt_libvirt.create(sides[n].v, &plan, &domain, NULL));
}

/* The domain, not its disk. */
static void disappear(int n)
{
    g_autoptr(VirtDomainHandle) dom = virDomainLookupByUUIDString(sides[n].conn, UUID);

    assert_int_equal(virDomainDestroy(dom), 0);
    assert_int_equal(virDomainUndefine(dom), 0);
}

static bool has_disk(int n)
{
    g_autoptr(VirtVolume) volume = virStorageVolLookupByPath(sides[n].conn, sides[n].disk);

    return volume != NULL;
}

static int set_up_pools(const char *from, const char *to)
{
    vm = plain_vm();
    vm.disk = 1 << 20;
    plan = plan_of("web1", &vm);
    asked = 0;
    if (open_side(FROM, from) < 0 || open_side(TO, to) < 0)
        return -1;
    appear(FROM);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return set_up_pools("/pool-0", "/pool-1");
}

/* As if they had the same storage. */
static int set_up_shared(void **state)
{
    (void)state;
    return set_up_pools("/pool", "/pool");
}

static int tear_down(void **state)
{
    (void)state;
    for (int n = FROM; n <= TO; n++) {
        virConnectClose(sides[n].conn);
        virt_libvirt.free(sides[n].v);
        unlink(sides[n].file);
        g_free(sides[n].file);
        g_free(sides[n].disk);
    }
    return 0;
}

static void stays(int (*how)(unsigned n))
{
    struct virt_way way = {.to = sides[TO].v};
    g_autoptr(VirtDomain) domain = NULL;
    GError *error = NULL;

    story = how;
    assert_false(virt_libvirt.settle(sides[FROM].v, &plan, &way, &domain, &error));
    assert_int_equal(error->code, ECANCELED);
    g_error_free(error);
    assert_true(has_disk(FROM));
    assert_false(has_disk(TO));
}

static void arrives(int (*how)(unsigned n))
{
    struct virt_way way = {.to = sides[TO].v};
    g_autoptr(VirtDomain) domain = NULL;
    GError *error = NULL;
    bool ok;

    story = how;
    ok = virt_libvirt.settle(sides[FROM].v, &plan, &way, &domain, &error);
    if (!ok)
        print_error("%s\n", error->message);
    assert_true(ok);
    assert_string_equal(domain->uuid, UUID);
    assert_true(has_disk(TO));
    assert_false(has_disk(FROM));
}

static int nothing_happens(unsigned n)
{
    (void)n;
    return VIR_DOMAIN_JOB_NONE;
}

static void it_never_began(void **state)
{
    (void)state;
    stays(nothing_happens);
}

static int fails(unsigned n)
{
    return n < 3 ? VIR_DOMAIN_JOB_UNBOUNDED : VIR_DOMAIN_JOB_NONE;
}

static void it_failed(void **state)
{
    (void)state;
    stays(fails);
}

static int goes_over(unsigned n)
{
    if (n == 2) {
        appear(TO);
        disappear(FROM);
    }
    return VIR_DOMAIN_JOB_UNBOUNDED;
}

static void it_goes_on(void **state)
{
    (void)state;
    arrives(goes_over);
}

/* Of a domain that does not run any more, libvirt does not say. */
static int ends_just_now(unsigned n)
{
    if (n == 1) {
        appear(TO);
        disappear(FROM);
    }
    return -1;
}

static void it_ends_while_it_is_asked_for(void **state)
{
    (void)state;
    arrives(ends_just_now);
}

static int begins_late(unsigned n)
{
    if (n == 1)
        return VIR_DOMAIN_JOB_NONE;
    return goes_over(n - 1);
}

/* What cloudfs asked for before it died may be with the daemon, and not begun. */
static void it_begins_after_the_first_look(void **state)
{
    (void)state;
    arrives(begins_late);
}

static int leaves_something_for_a_while(unsigned n)
{
    g_autoptr(VirtDomainHandle) dom = NULL;

    if (n == 1) {
        appear(TO);
        dom = virDomainLookupByUUIDString(sides[TO].conn, UUID);
        assert_int_equal(virDomainSuspend(dom), 0);
    }
    if (n == 4)
        disappear(TO);
    return VIR_DOMAIN_JOB_NONE;
}

static void the_other_host_is_still_tidying_up(void **state)
{
    (void)state;
    stays(leaves_something_for_a_while);
    assert_true(asked >= 4);
}

/* The errno of settle() for one that is here, while the other host does not answer. */
static int with_the_other_away(bool off)
{
    struct virt_way way = {.to = sides[TO].v, .off = off};
    g_autoptr(VirtDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    story = nothing_happens;
    virt_libvirt.close(sides[TO].v);
    assert_false(virt_libvirt.settle(sides[FROM].v, &plan, &way, &domain, &error));
    assert_true(has_disk(FROM));
    return error->code;
}

static void switch_off(int n, int (*how)(virDomainPtr dom))
{
    g_autoptr(VirtDomainHandle) dom = virDomainLookupByUUIDString(sides[n].conn, UUID);

    assert_int_equal(how(dom), 0);
}

/* It may run there, and only not be undefined here yet. */
static void what_ran_may_be_on_a_host_that_is_away(void **state)
{
    (void)state;
    switch_off(FROM, virDomainDestroy);
    assert_int_equal(with_the_other_away(false), EHOSTDOWN);
}

static void what_was_off_is_not_on_a_host_that_is_away(void **state)
{
    (void)state;
    switch_off(FROM, virDomainDestroy);
    assert_int_equal(with_the_other_away(true), ECANCELED);
}

static void nor_is_what_its_guest_shut_down(void **state)
{
    (void)state;
    switch_off(FROM, virDomainShutdown);
    assert_int_equal(with_the_other_away(false), ECANCELED);
}

static void what_was_off_and_left_is(void **state)
{
    (void)state;
    disappear(FROM);
    assert_int_equal(with_the_other_away(true), EHOSTDOWN);
}

/* settle() relies on it. */
static void what_runs_does_not_move_as_if_it_were_off(void **state)
{
    struct virt_way way = {.to = sides[TO].v, .off = true};
    g_autoptr(VirtDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_false(virt_libvirt.migrate(sides[FROM].v, &plan, &way, &domain, &error));
    assert_int_equal(error->code, EBUSY);
}

#define MARK "cloudfs-" UUID ".qcow2.moving"

/* What is on that side is a copy. */
static void mark(int n)
{
    g_autoptr(VirtPool) pool = virStoragePoolLookupByName(sides[n].conn, "pool");
    g_autoptr(VirtVolume) volume = virStorageVolCreateXML(
        pool, "<volume><name>" MARK "</name><capacity>1024</capacity></volume>", 0);

    assert_non_null(volume);
}

static bool has_mark(int n)
{
    g_autoptr(VirtPool) pool = virStoragePoolLookupByName(sides[n].conn, "pool");
    g_autoptr(VirtVolume) volume = virStorageVolLookupByName(pool, MARK);

    return volume != NULL;
}

static int leaves_a_copy(unsigned n)
{
    if (n == 1) {
        appear(TO);
        mark(TO);
        disappear(TO);
    }
    return VIR_DOMAIN_JOB_NONE;
}

static void a_copy_in_a_directory_of_the_same_name_goes(void **state)
{
    (void)state;
    stays(leaves_a_copy);
    assert_false(has_mark(TO));
}

static int takes_a_copy(unsigned n)
{
    if (n == 2)
        mark(TO);
    return goes_over(n);
}

static void so_does_what_the_copy_was_made_of(void **state)
{
    (void)state;
    arrives(takes_a_copy);
    assert_false(has_mark(TO));
}

static bool has_domain(int n)
{
    g_autoptr(VirtDomainHandle) dom = virDomainLookupByUUIDString(sides[n].conn, UUID);

    return dom != NULL;
}

/* As an interrupted move does. */
static void leave_something(void)
{
    appear(TO);
    switch_off(TO, virDomainDestroy);
}

/* The errno of tidy() for what is on TO; 0: none. */
static int tidy(const char *cloud, struct virt *at)
{
    g_autoptr(GError) error = NULL;

    return virt_libvirt.tidy(sides[TO].v, UUID, cloud, at, &error) ? 0 : error->code;
}

static void what_runs_is_not_removed(void **state)
{
    (void)state;
    appear(TO);
    assert_int_equal(tidy(plan.mark.cloud, sides[FROM].v), EBUSY);
    assert_true(has_domain(TO));
    assert_true(has_disk(TO));
}

static void nor_is_what_is_of_another_cloud(void **state)
{
    (void)state;
    leave_something();
    assert_int_equal(tidy(OTHER, sides[FROM].v), 0);
    assert_true(has_domain(TO));
    assert_true(has_disk(TO));
}

/* Whether it is a copy is not known. */
static void nor_is_a_disk_whose_host_does_not_answer(void **state)
{
    (void)state;
    leave_something();
    virt_libvirt.close(sides[FROM].v);
    assert_int_equal(tidy(plan.mark.cloud, sides[FROM].v), EHOSTDOWN);
    assert_true(has_disk(TO));
}

static void nor_is_a_disk_on_shared_storage(void **state)
{
    (void)state;
    leave_something();
    assert_int_equal(tidy(plan.mark.cloud, sides[FROM].v), 0);
    assert_false(has_domain(TO));
    assert_true(has_disk(TO));
}

static void nor_if_there_is_an_old_mark(void **state)
{
    (void)state;
    leave_something();
    mark(FROM);
    mark(TO);
    assert_int_equal(tidy(plan.mark.cloud, sides[FROM].v), 0);
    assert_true(has_disk(TO));
}

static void a_copy_is_removed_where_directories_have_one_name(void **state)
{
    (void)state;
    leave_something();
    mark(TO);
    assert_int_equal(tidy(plan.mark.cloud, sides[FROM].v), 0);
    assert_false(has_disk(TO));
    assert_false(has_mark(TO));
    assert_true(has_disk(FROM));
}

static void what_a_move_left_is_removed(void **state)
{
    (void)state;
    leave_something();
    assert_int_equal(tidy(plan.mark.cloud, sides[FROM].v), 0);
    assert_false(has_domain(TO));
    assert_false(has_disk(TO));
    assert_true(has_domain(FROM));
    assert_true(has_disk(FROM));
    assert_int_equal(tidy(plan.mark.cloud, sides[FROM].v), 0);
}

static void so_is_that_of_a_vm_that_was_destroyed(void **state)
{
    (void)state;
    leave_something();
    mark(TO);
    disappear(FROM);
    assert_int_equal(tidy(plan.mark.cloud, NULL), 0);
    assert_false(has_domain(TO));
    assert_false(has_disk(TO));
    assert_false(has_mark(TO));
}

static int start_libvirt(void **state)
{
    (void)state;
    return virt_start(NULL) ? 0 : -1;
}

static int stop_libvirt(void **state)
{
    (void)state;
    virt_stop();
    return 0;
}

#define TEST(name)        cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_SHARED(name) cmocka_unit_test_setup_teardown(name, set_up_shared, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_never_began),
        TEST(it_failed),
        TEST(it_goes_on),
        TEST(it_ends_while_it_is_asked_for),
        TEST(it_begins_after_the_first_look),
        TEST(the_other_host_is_still_tidying_up),
        TEST_SHARED(a_copy_in_a_directory_of_the_same_name_goes),
        TEST_SHARED(so_does_what_the_copy_was_made_of),
        TEST(what_ran_may_be_on_a_host_that_is_away),
        TEST(what_was_off_is_not_on_a_host_that_is_away),
        TEST(nor_is_what_its_guest_shut_down),
        TEST(what_was_off_and_left_is),
        TEST(what_runs_does_not_move_as_if_it_were_off),
        TEST(what_runs_is_not_removed),
        TEST(nor_is_what_is_of_another_cloud),
        TEST(nor_is_a_disk_whose_host_does_not_answer),
        TEST_SHARED(nor_is_a_disk_on_shared_storage),
        TEST_SHARED(nor_if_there_is_an_old_mark),
        TEST_SHARED(a_copy_is_removed_where_directories_have_one_name),
        TEST(what_a_move_left_is_removed),
        TEST(so_is_that_of_a_vm_that_was_destroyed),
    };
    return cmocka_run_group_tests(tests, start_libvirt, stop_libvirt);
}
