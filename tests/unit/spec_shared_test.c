// SPDX-License-Identifier: GPL-2.0-or-later
/* The life of a struct spec: its references, and who has the same one. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include "core/error.h"
#include "core/spec/spec.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

static void test_references(void **state)
{
    (void)state;
    struct spec *spec = spec_parse(SPEC_VM, "host = h1\n", 10, NULL);

    assert_non_null(spec);
    assert_ptr_equal(spec_ref(spec), spec);
    spec_unref(spec);
    assert_string_equal(spec->vm.host, "h1");
    spec_unref(spec);
    spec_unref(NULL);
}

/* One for each text and kind, as long as somebody has it. */
static void shares_what_is_equal(void **state)
{
    g_autoptr(GError) error = NULL;
    Spec *one = spec_parse_shared(SPEC_VM, "cpus = 2\n", false, NULL);
    Spec *two = spec_parse_shared(SPEC_VM, "cpus = 2\n", false, NULL);
    Spec *other = spec_parse_shared(SPEC_VM, "cpus = 2 \n", false, NULL);
    Spec *trusted = spec_parse_shared(SPEC_VM, "cpus = 2\n", true, NULL);

    (void)state;
    assert_null(spec_parse_shared(SPEC_VM, "cpus = none\n", false, &error));
    assert_int_equal(error->code, EINVAL);
    assert_ptr_equal(one, two);
    assert_ptr_not_equal(one, other);
    assert_ptr_not_equal(one, trusted);
    assert_false(one->trusted);
    assert_true(trusted->trusted);
    assert_string_equal(one->text, "cpus = 2\n");
    spec_unref(one);
    assert_int_equal(two->vm.cpus, 2);
    spec_unref(two);
    spec_unref(other);
    spec_unref(trusted);
    one = spec_parse_shared(SPEC_VM, "cpus = 2\n", false, NULL);
    assert_int_equal(one->vm.cpus, 2);
    spec_unref(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        cmocka_unit_test(shares_what_is_equal),
    };
    return cmocka_run_group_tests_name("spec_shared", tests, NULL, NULL);
}
