/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts that are kept compressed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/cloud/cloud.h"

/* In a database it stays what it was, or is known to be damaged. */
static void check_kept(const struct packed *packed, const char *text)
{
    g_autofree char *word = packed_write(packed);
    g_autofree struct packed *read = packed_read(word);
    g_autofree char *back = packed_text(read);

    assert_string_equal(back, text);
    for (size_t i = 0; word[i] && word[i] != '='; i++) {
        char before = word[i];

        word[i] = before == 'A' ? 'z' : 'A';
        if (word[i + 1] != '=') /* the last one's lowest bits say nothing */
            assert_null(packed_read(word));
        word[i] = '\0';
        assert_null(packed_read(word));
        word[i] = before;
    }
}

/* What goes in comes out, whether it gets shorter or not; the same text is the same. */
static void packs_texts(void **state)
{
    static const char *const texts[] = {
        "",
        "x",
        "<domain type='test' id='1'>\n  <name>a</name>\n",
        "\x01\xff\xfe~!@ no XML",
    };
    g_autofree char *large = g_strnfill(70000, 'a');

    (void)state;
    assert_null(packed_new(NULL));
    assert_null(packed_write(NULL));
    assert_null(packed_read(NULL));
    assert_null(packed_read(""));
    assert_null(packed_read("no packed text"));
    assert_null(packed_text(NULL));
    assert_int_equal(packed_length(NULL), 0);
    for (size_t i = 0; i <= G_N_ELEMENTS(texts); i++) {
        const char *text = i < G_N_ELEMENTS(texts) ? texts[i] : large;
        g_autofree struct packed *one = packed_new(text), *same = packed_new(text);
        g_autofree struct packed *other = packed_new("other");
        g_autofree char *back = packed_text(one);

        assert_string_equal(back, text);
        assert_int_equal(packed_length(one), strlen(text));
        assert_true(packed_equal(one, same));
        assert_false(packed_equal(one, other));
        assert_false(packed_equal(one, NULL));
        check_kept(one, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packs_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
