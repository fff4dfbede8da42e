/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an interrupted migration left on a host goes, and nothing else. */
#include "tests/unit/virt_moving.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        MOVING_TEST(what_runs_is_not_removed),
        MOVING_TEST(nor_is_what_is_of_another_cloud),
        MOVING_TEST(nor_is_a_disk_whose_host_does_not_answer),
        MOVING_TEST_SHARED(nor_is_a_disk_on_shared_storage),
        MOVING_TEST_SHARED(nor_if_there_is_an_old_mark),
        MOVING_TEST_SHARED(a_copy_is_removed_where_directories_have_one_name),
        MOVING_TEST(what_a_move_left_is_removed),
        MOVING_TEST(so_is_that_of_a_vm_that_was_destroyed),
    };

    return cmocka_run_group_tests(tests, moving_start, moving_stop);
}
