/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields are read as GKeyFile wrote them, whatever they are, and damaged text does no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "core/reconcile/fields.h"

#define GROUP "detail"

static const char *const hostile[] = {
    "",      "plain",    " two blanks ahead ", "\ttab", "a\nb\r\nc", "back\\slash", "\\s", "a;b;",
    "k=v=w", "[detail]", "# no comment",       "größe", "\\",        "ends\\",      ";",   "  ",
};

static char *keyfile_text(const char *value)
{
    g_autoptr(GKeyFile) file = g_key_file_new();

    g_key_file_set_integer(file, GROUP, "before", 1);
    g_key_file_set_string(file, GROUP, "key", value);
    g_key_file_set_integer(file, GROUP, "after", 2);
    return g_key_file_to_data(file, NULL, NULL);
}

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(hostile); i++) {
        g_autofree char *text = keyfile_text(hostile[i]);
        struct fields fields = fields_of(text);
        g_autofree char *value = fields_text(&fields, "key");

        assert_string_equal(value, hostile[i]);
        assert_int_equal(fields_number(&fields, "after"), 2);
        assert_int_equal(fields_number(&fields, "before"), 1);
    }
}

static void test_words(void **state)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *text = NULL;
    g_auto(GStrv) words = NULL, none = NULL;
    struct fields fields;

    (void)state;
    g_key_file_set_string_list(file, GROUP, "words", hostile, G_N_ELEMENTS(hostile));
    g_key_file_set_string_list(file, GROUP, "none", hostile, 0);
    text = g_key_file_to_data(file, NULL, NULL);
    fields = fields_of(text);
    words = fields_words(&fields, "words");
    assert_int_equal(g_strv_length(words), G_N_ELEMENTS(hostile));
    for (size_t i = 0; i < G_N_ELEMENTS(hostile); i++)
        assert_string_equal(words[i], hostile[i]);
    none = fields_words(&fields, "none");
    assert_non_null(none);
    assert_null(none[0]);
    assert_null(fields_words(&fields, "missing"));
}

static void test_numbers(void **state)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *text = NULL;
    struct fields fields;

    (void)state;
    g_key_file_set_int64(file, GROUP, "least", G_MININT64);
    g_key_file_set_uint64(file, GROUP, "most", G_MAXUINT64);
    g_key_file_set_double(file, GROUP, "third", 1.0 / 3);
    g_key_file_set_boolean(file, GROUP, "yes", true);
    g_key_file_set_boolean(file, GROUP, "no", false);
    text = g_key_file_to_data(file, NULL, NULL);
    fields = fields_of(text);
    assert_true(fields_signed(&fields, "least") == G_MININT64);
    assert_true(fields_number(&fields, "most") == G_MAXUINT64);
    assert_true(fields_double(&fields, "third") == 1.0 / 3);
    assert_true(fields_flag(&fields, "yes"));
    assert_false(fields_flag(&fields, "no"));
    assert_true(fields_has(&fields, "no"));
    assert_false(fields_has(&fields, "n"));
    assert_false(fields_has(&fields, "other"));
}

static void test_nothing(void **state)
{
    struct fields fields = fields_of(NULL);

    (void)state;
    assert_false(fields_has(&fields, "key"));
    assert_null(fields_text(&fields, "key"));
    assert_int_equal(fields_number(&fields, "key"), 0);
    assert_int_equal(fields_signed(&fields, "key"), 0);
    assert_true(fields_double(&fields, "key") == 0);
    assert_false(fields_flag(&fields, "key"));
}

static void test_damage(void **state)
{
    struct fields fields = fields_of("half=1x\nempty=\n12\nbytes=\xff\xfe\nlist=a;\xff;b\nlast=3");
    g_auto(GStrv) words = NULL;

    (void)state;
    assert_int_equal(fields_number(&fields, "half"), 0);
    assert_int_equal(fields_number(&fields, "empty"), 0);
    assert_int_equal(fields_signed(&fields, "empty"), 0);
    assert_true(fields_double(&fields, "empty") == 0);
    assert_null(fields_text(&fields, "bytes"));
    words = fields_words(&fields, "list");
    assert_int_equal(g_strv_length(words), 2);
    assert_string_equal(words[1], "b");
    assert_int_equal(fields_number(&fields, "last"), 3);
}

static void test_too_much(void **state)
{
    g_autoptr(GString) text =
        g_string_new("over=18446744073709551616\nunder=-9223372036854775809\n");
    struct fields fields;

    (void)state;
    for (unsigned i = 0; i < 2 * FIELDS_MAX; i++)
        g_string_append_printf(text, "key%u=%u\n", i, i);
    fields = fields_of(text->str);
    assert_int_equal(fields_number(&fields, "over"), 0);
    assert_int_equal(fields_signed(&fields, "under"), 0);
    assert_int_equal(fields_number(&fields, "key7"), 7);
    assert_false(fields_has(&fields, "key127"));
}

/* Cut anywhere, in memory of just its size: for the sanitizers. */
static void test_cut(void **state)
{
    g_autofree char *whole = keyfile_text(" a\\b;\n\n");

    (void)state;
    for (size_t n = 0; n <= strlen(whole); n++) {
        g_autofree char *part = g_strndup(whole, n);
        struct fields fields = fields_of(part);
        g_autofree char *value = fields_text(&fields, "key");
        g_auto(GStrv) words = fields_words(&fields, "key");

        assert_true((words != NULL) == (value != NULL));
        assert_true(fields_number(&fields, "after") == 0 || n + 1 >= strlen(whole));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),   cmocka_unit_test(test_words),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_damage),  cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
