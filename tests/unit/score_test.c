/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The formulas of design section 3, with its worked examples. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/score/score.h"

#define NEAR                              1e-6
#define assert_double_equal(a, b, within) assert_true(fabs((a) - (b)) <= (within))

static void test_worked_examples(void **state)
{
    (void)state;
    assert_double_equal(score_performance(4, 1, 0.6), 6.666667, NEAR);
    assert_double_equal(score_schedule(10, 5, 100), 0.5, NEAR);
    assert_double_equal(score_management(10, 86400, 50), 17280, NEAR);
}

static void test_least_usage(void **state)
{
    (void)state;
    assert_double_equal(score_performance(2, 0.1, 0), 20, NEAR);
    assert_double_equal(score_performance(2, 0.1, 0.009), 20, NEAR);
    assert_double_equal(score_performance(2, 0.1, -1), 20, NEAR);
    assert_double_equal(score_performance(2, 0.1, NAN), 20, NEAR);
    assert_double_equal(score_performance(2, 0.1, 0.02), 10, NEAR);
}

static void test_cost_not_above_0(void **state)
{
    (void)state;
    assert_double_equal(score_schedule(1, 1, 0), 0, 0);
    assert_double_equal(score_schedule(1, 1, NAN), 0, 0);
    assert_double_equal(score_management(1, 1, -1), 0, 0);
}

static void test_usage(void **state)
{
    (void)state;
    assert_double_equal(score_usage(-1, 5, 4, -1, 100), -1, 0);
    assert_double_equal(score_usage(10, 0, 4, 50, 0), -1, 0);
    assert_double_equal(score_usage(NAN, 5, 4, NAN, 100), -1, 0);
    assert_double_equal(score_usage(10, 5, 4, 20, 100), 0.5, NEAR);
    assert_double_equal(score_usage(10, 5, 4, 60, 100), 0.6, NEAR);
    assert_double_equal(score_usage(-1, 5, 4, 60, 100), 0.6, NEAR);
    assert_double_equal(score_usage(10, 5, 4, -1, 100), 0.5, NEAR);
    assert_double_equal(score_usage(30, 5, 4, 200, 100), 1, 0);
    assert_double_equal(score_usage(0, 5, 4, 0, 100), 0, 0);
}

static void test_smooth(void **state)
{
    (void)state;
    assert_double_equal(score_smooth(-1, -1, 5, 60), -1, 0);
    assert_double_equal(score_smooth(0.4, -1, 5, 60), 0.4, 0);
    assert_double_equal(score_smooth(-1, 0.4, 5, 60), 0.4, 0);
    assert_double_equal(score_smooth(0.4, 0.8, 0, 60), 0.4, 0);
    assert_double_equal(score_smooth(0.4, 0.8, -5, 60), 0.4, 0);
    assert_double_equal(score_smooth(0.4, 0.8, 5, 0), 0.8, 0);
    assert_double_equal(score_smooth(0, 1, 60, 60), 0.632121, NEAR);
}

/* Two steps of half the time arrive where one step does: irregular samples change nothing. */
static void test_smooth_irregular(void **state)
{
    (void)state;
    double once = score_smooth(0.1, 0.9, 10, 60);
    double twice = score_smooth(score_smooth(0.1, 0.9, 3, 60), 0.9, 7, 60);
    assert_double_equal(once, twice, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worked_examples),  cmocka_unit_test(test_least_usage),
        cmocka_unit_test(test_cost_not_above_0), cmocka_unit_test(test_usage),
        cmocka_unit_test(test_smooth),           cmocka_unit_test(test_smooth_irregular),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
