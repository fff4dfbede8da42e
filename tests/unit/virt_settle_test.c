/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What became of a migration of which nobody heard the end, told from what two hosts say. The test
 * driver migrates nothing, so the domain is moved by the test, at the moment at which settle asks
 * whether a job is under way: virDomainGetJobInfo() here is what it calls.
 */
#include "tests/unit/virt_moving.h"

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

static void tell(int (*how)(unsigned n))
{
    story = how;
    asked = 0;
}

static void stays(int (*how)(unsigned n))
{
    struct virt_way way = {.to = sides[TO].v};
    g_autoptr(VirtDomain) domain = NULL;
    GError *error = NULL;

    tell(how);
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

    tell(how);
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

    tell(nothing_happens);
    virt_libvirt.close(sides[TO].v);
    assert_false(virt_libvirt.settle(sides[FROM].v, &plan, &way, &domain, &error));
    assert_true(has_disk(FROM));
    return error->code;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        MOVING_TEST(it_never_began),
        MOVING_TEST(it_failed),
        MOVING_TEST(it_goes_on),
        MOVING_TEST(it_ends_while_it_is_asked_for),
        MOVING_TEST(it_begins_after_the_first_look),
        MOVING_TEST(the_other_host_is_still_tidying_up),
        MOVING_TEST_SHARED(a_copy_in_a_directory_of_the_same_name_goes),
        MOVING_TEST_SHARED(so_does_what_the_copy_was_made_of),
        MOVING_TEST(what_ran_may_be_on_a_host_that_is_away),
        MOVING_TEST(what_was_off_is_not_on_a_host_that_is_away),
        MOVING_TEST(nor_is_what_its_guest_shut_down),
        MOVING_TEST(what_was_off_and_left_is),
        MOVING_TEST(what_runs_does_not_move_as_if_it_were_off),
    };

    return cmocka_run_group_tests(tests, moving_start, moving_stop);
}
