/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs/ino.h"
#include "fs/known.h"
#include "fs/table.h"

static void what_was_answered_is_known(void **state)
{
    struct known *known = known_new();

    (void)state;
    assert_true(known_has(known, INO_ROOT)); /* nobody looks it up */
    for (uint64_t id = 20; id < 22; id++)
        for (unsigned code = 0; code < CODES; code++)
            assert_false(known_has(known, ino_make(id, code)));
    known_add(known, ino_make(20, CODE_SELF));
    known_add(known, ino_make(20, CODES - 1));
    known_add(known, ino_make(21, CODE_SPEC));
    for (unsigned code = 0; code < CODES; code++) {
        assert_int_equal(known_has(known, ino_make(20, code)),
                         code == CODE_SELF || code == CODES - 1);
        assert_int_equal(known_has(known, ino_make(21, code)), code == CODE_SPEC);
    }
    known_forget(known, 20);
    known_forget(known, 30);
    assert_false(known_has(known, ino_make(20, CODE_SELF)));
    assert_true(known_has(known, ino_make(21, CODE_SPEC)));
    known_free(known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_answered_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
