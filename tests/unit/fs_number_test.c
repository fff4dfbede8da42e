/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as printf(3) writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>

#include "fs/number.h"

static void check(double value)
{
    g_autofree char *fixed = g_strdup_printf("%.6f", value);
    g_autofree char *shortest = g_strdup_printf("%.15g", value);
    g_autoptr(GString) text = g_string_new(NULL);

    number_add_fixed(text, value);
    assert_string_equal(text->str, fixed);
    g_string_truncate(text, 0);
    number_add(text, value);
    assert_string_equal(text->str, shortest);
}

static void test_edges(void **state)
{
    static const double edges[] = {
        0,
        -0.0,
        1,
        -1,
        9,
        10,
        0.5,
        1e-7,
        999999999999999,
        1e15,
        -1e15,
        1e15 - 1,
        1e15 + 1,
        1e300,
        DBL_MAX,
        -DBL_MAX,
        DBL_MIN,
        INFINITY,
        -INFINITY,
        NAN,
        17280,
        6.666667,
        1 / 3.0,
        4294967296,
        1e14 + 0.5,
        123456789012345680.0,
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(edges); i++)
        check(edges[i]);
}

static void test_random(void **state)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(57);

    (void)state;
    for (int i = 0; i < 100000; i++) {
        double value = ldexp(g_rand_double(rand) - 0.5, g_rand_int_range(rand, -30, 70));

        check(value);
        check(trunc(value));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests_name("fs_number", tests, NULL, NULL);
}
