/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs/pages.h"

enum { INO = 4711 };

static void change(struct pages *pages)
{
    pages_replaced(pages, INO);
    pages_telling(pages, INO);
}

static int setup(void **state)
{
    *state = pages_new();
    return 0;
}

static int teardown(void **state)
{
    pages_free(*state);
    return 0;
}

static void not_before_the_kernel_has_heard(void **state)
{
    struct pages *pages = *state;

    change(pages);
    change(pages);
    assert_false(pages_open(pages, INO));
    pages_told(pages, INO);
    assert_false(pages_open(pages, INO));
    pages_told(pages, INO);
    assert_false(pages_are_old(pages, INO));
    assert_true(pages_open(pages, INO));
    assert_false(pages_close(pages, INO));
}

static void not_beside_an_older_version(void **state)
{
    struct pages *pages = *state;

    assert_true(pages_open(pages, INO));
    assert_true(pages_open(pages, INO));
    change(pages);
    pages_told(pages, INO);
    assert_true(pages_are_old(pages, INO));
    assert_false(pages_open(pages, INO));
    assert_false(pages_close(pages, INO));
    assert_false(pages_open(pages, INO));
    /* The last one: what it left in the pages is to go. */
    assert_true(pages_close(pages, INO));
    assert_false(pages_are_old(pages, INO));
    assert_false(pages_open(pages, INO));
    pages_told(pages, INO);
    assert_true(pages_open(pages, INO));
    assert_false(pages_close(pages, INO));
}

/* A version that may go, of which the kernel is told before it has gone. */
static void a_version_that_is_not_replaced_stays(void **state)
{
    struct pages *pages = *state;

    pages_replaced(pages, INO); /* nobody has it open */
    assert_true(pages_open(pages, INO));
    pages_telling(pages, INO);
    assert_false(pages_open(pages, INO));
    pages_told(pages, INO);
    assert_false(pages_are_old(pages, INO));
    assert_true(pages_open(pages, INO));
    assert_false(pages_close(pages, INO));
    pages_replaced(pages, INO);
    assert_true(pages_are_old(pages, INO));
    assert_false(pages_open(pages, INO));
    assert_true(pages_close(pages, INO));
    pages_told(pages, INO);
}

static void others_are_not_concerned(void **state)
{
    struct pages *pages = *state;

    pages_told(pages, INO); /* of what nobody asked about */
    change(pages);
    assert_true(pages_open(pages, INO + 1));
    assert_false(pages_are_old(pages, INO + 1));
    assert_false(pages_close(pages, INO + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(not_before_the_kernel_has_heard, setup, teardown),
        cmocka_unit_test_setup_teardown(not_beside_an_older_version, setup, teardown),
        cmocka_unit_test_setup_teardown(a_version_that_is_not_replaced_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(others_are_not_concerned, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
