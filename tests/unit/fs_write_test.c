/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pure parts of writing: the buffer and cuts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "fs/buffer.h"
#include "fs/cut.h"

enum { MAX = 16 };

static int put(struct buffer *buffer, const char *text, off_t offset, size_t *end)
{
    return buffer_write(buffer, text, strlen(text), offset, MAX, end);
}

static void expect_take(struct buffer *buffer, const char *text)
{
    size_t len = 99;
    g_autofree char *taken = buffer_take(buffer, &len);

    if (!text) {
        assert_null(taken);
        return;
    }
    assert_non_null(taken);
    assert_int_equal(len, strlen(text));
    assert_string_equal(taken, text);
}

static void test_too_large(void **state)
{
    struct buffer *buffer = buffer_new("old", 3, false);
    size_t end = 42;

    (void)state;
    assert_int_equal(put(buffer, "x", MAX, &end), EFBIG);
    assert_int_equal(put(buffer, "x", -1, &end), EFBIG);
    assert_int_equal(put(buffer, "x", INT64_MAX, &end), EFBIG);
    assert_int_equal(put(buffer, "12345678901234567", 0, &end), EFBIG);
    assert_int_equal(buffer_resize(buffer, MAX + 1, MAX), EFBIG);
    assert_int_equal(buffer_resize(buffer, -1, MAX), EFBIG);
    assert_int_equal(end, 42);
    assert_string_equal(buffer->text->str, "old");
    expect_take(buffer, NULL);
    assert_int_equal(put(buffer, "1234567890123456", 0, &end), 0);
    assert_int_equal(end, MAX);
    buffer_free(buffer);
}

/* Opening, truncating, flushing: nothing is due before a write, and nothing after its commit. */
static void test_due(void **state)
{
    struct buffer *buffer = buffer_new("old", 3, false);
    size_t end;

    (void)state;
    expect_take(buffer, NULL);
    assert_int_equal(buffer_resize(buffer, 0, MAX), 0);
    expect_take(buffer, NULL);
    assert_int_equal(put(buffer, "x\n", 0, &end), 0);
    expect_take(buffer, "x\n");
    expect_take(buffer, NULL);
    assert_int_equal(put(buffer, "y\n", 2, &end), 0);
    expect_take(buffer, "x\ny\n");
    assert_int_equal(put(buffer, "z", 0, &end), 0);
    assert_int_equal(buffer_resize(buffer, 0, MAX), 0);
    expect_take(buffer, NULL);
    buffer_free(buffer);
}

static void test_in_place(void **state)
{
    struct buffer *buffer = buffer_new("abcdef", 6, false);
    size_t end;

    (void)state;
    assert_int_equal(put(buffer, "XY", 1, &end), 0);
    assert_int_equal(end, 3);
    assert_string_equal(buffer->text->str, "aXYdef");
    assert_int_equal(buffer_resize(buffer, 3, MAX), 0);
    expect_take(buffer, "aXY");
    assert_int_equal(put(buffer, "z", 5, &end), 0);
    assert_int_equal(buffer->text->len, 6);
    assert_memory_equal(buffer->text->str, "aXY\0\0z", 6);
    buffer_free(buffer);
}

/* The kernel's offset may be about another version of the file. */
static void test_append(void **state)
{
    struct buffer *buffer = buffer_new("ab", 2, true);
    size_t end;

    (void)state;
    assert_int_equal(put(buffer, "c", 0, &end), 0);
    assert_int_equal(put(buffer, "d", 9, &end), 0);
    expect_take(buffer, "abcd");
    buffer_free(buffer);
}

static void test_refused(void **state)
{
    struct buffer *buffer = buffer_new(NULL, 0, false);
    size_t end;

    (void)state;
    assert_int_equal(put(buffer, "bad\n", 0, &end), 0);
    buffer_refuse(buffer, EINVAL);
    assert_int_equal(buffer->refused, EINVAL);
    assert_false(buffer_due(buffer));
    expect_take(buffer, NULL);
    assert_int_equal(buffer_resize(buffer, 2, MAX), 0);
    assert_int_equal(buffer->refused, EINVAL);
    assert_int_equal(buffer_resize(buffer, 0, MAX), 0);
    assert_int_equal(buffer->refused, 0);
    assert_int_equal(put(buffer, "good\n", 0, &end), 0);
    expect_take(buffer, "good\n");
    buffer_free(buffer);
}

static void test_cuts(void **state)
{
    struct cuts *cuts = cuts_new();
    off_t size = 7;

    (void)state;
    assert_false(cuts_take(cuts, 1, &size));
    assert_int_equal(size, 7);
    cuts_set(cuts, 1, 0);
    cuts_set(cuts, 1, 3);
    assert_false(cuts_take(cuts, 2, &size));
    assert_true(cuts_take(cuts, 1, &size));
    assert_int_equal(size, 3);
    assert_false(cuts_take(cuts, 1, &size));
    for (uint64_t ino = 0; ino < 10000; ino++)
        cuts_set(cuts, ino, 0);
    assert_false(cuts_take(cuts, 9999, &size)); /* bounded */
    cuts_free(cuts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_too_large), cmocka_unit_test(test_due),
        cmocka_unit_test(test_in_place),  cmocka_unit_test(test_append),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_cuts),
    };

    return cmocka_run_group_tests_name("fs_write", tests, NULL, NULL);
}
