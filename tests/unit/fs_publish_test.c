/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Published versions, with a clock and a file of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "fs/publish.h"

static int64_t clock_us, wall_ns;
static const char *content; /* NULL: the file is gone */
static unsigned rendered, changes;

static GString *render(void *ctx, uint64_t ino)
{
    (void)ctx;
    (void)ino;
    rendered++;
    return content ? g_string_new(content) : NULL;
}

static void changed(void *ctx, uint64_t ino)
{
    (void)ctx;
    (void)ino;
    changes++;
}

static int64_t monotonic(void)
{
    return clock_us;
}

static int64_t wall(void)
{
    return ++wall_ns;
}

static int setup(void **state)
{
    static const struct publish_ops ops = {render, changed, monotonic, wall};

    clock_us = 1000;
    wall_ns = 0;
    rendered = changes = 0;
    content = "one";
    *state = publish_new(&ops, NULL);
    return 0;
}

static int teardown(void **state)
{
    publish_free(*state);
    return 0;
}

static void expect(struct publish *publish, const char *text, int64_t time)
{
    struct view view = {0};

    assert_true(publish_look(publish, 7, &view));
    assert_int_equal(view_size(&view), strlen(text));
    assert_memory_equal(g_bytes_get_data(view.text, NULL), text, strlen(text));
    assert_int_equal(view.time, time);
    view_clear(&view);
}

static void test_gone(void **state)
{
    struct view view = {0};

    content = NULL;
    assert_false(publish_look(*state, 7, &view));
    assert_null(view.text);
    assert_int_equal(publish_bytes(*state), 0);
}

static void test_held_while_looked_at(void **state)
{
    expect(*state, "one", 1);
    content = "second";
    clock_us += PUBLISH_HOLD - 1;
    expect(*state, "one", 1);
    clock_us += PUBLISH_HOLD - 1;
    publish_touch(*state, 7);
    clock_us += PUBLISH_HOLD - 1;
    expect(*state, "one", 1);
    assert_int_equal(rendered, 1);
    clock_us += PUBLISH_HOLD;
    expect(*state, "second", 2);
}

static void test_limit(void **state)
{
    expect(*state, "one", 1);
    content = "second";
    for (int i = 0; i < 2 * PUBLISH_LIMIT / PUBLISH_HOLD - 1; i++) {
        clock_us += PUBLISH_HOLD / 2;
        expect(*state, "one", 1);
    }
    clock_us += PUBLISH_HOLD / 2;
    expect(*state, "second", 2);
}

/* Time moves with the text only, also when the version was dropped meanwhile. */
static void test_time_of_same_text(void **state)
{
    expect(*state, "one", 1);
    clock_us += PUBLISH_LIMIT;
    expect(*state, "one", 1);
    clock_us += 100 * PUBLISH_LIMIT;
    publish_sweep(*state);
    assert_int_equal(publish_bytes(*state), 0);
    expect(*state, "one", 1);
    assert_int_equal(changes, 0);
    content = "two"; /* as long as before */
    clock_us += PUBLISH_LIMIT;
    expect(*state, "two", 2);
    assert_int_equal(changes, 1);
}

static void test_open_file_keeps_its_version(void **state)
{
    struct view mine = {0};

    assert_true(publish_look(*state, 7, &mine));
    content = "second";
    clock_us += PUBLISH_LIMIT;
    expect(*state, "second", 2);
    assert_memory_equal(g_bytes_get_data(mine.text, NULL), "one", 3);
    view_clear(&mine);
}

static void test_sweep_keeps_what_is_looked_at(void **state)
{
    struct view view = {0};

    expect(*state, "one", 1);
    clock_us += PUBLISH_HOLD / 2;
    assert_true(publish_look(*state, 8, &view));
    view_clear(&view);
    assert_int_equal(publish_bytes(*state), 6);
    clock_us += PUBLISH_HOLD / 2;
    publish_sweep(*state); /* 7 has not been looked at for long enough */
    assert_int_equal(publish_bytes(*state), 3);
}

static void test_bounded(void **state)
{
    struct view view = {0};

    for (uint64_t ino = 1; ino <= 2 * PUBLISH_REMEMBER; ino++) {
        assert_true(publish_look(*state, ino, &view));
        view_clear(&view);
        clock_us += 10;
    }
    assert_true(publish_bytes(*state) <= 3 * (PUBLISH_HOLD / 10 + 1));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_gone),
        TEST(test_held_while_looked_at),
        TEST(test_limit),
        TEST(test_time_of_same_text),
        TEST(test_open_file_keeps_its_version),
        TEST(test_sweep_keeps_what_is_looked_at),
        TEST(test_bounded),
    };

    return cmocka_run_group_tests_name("fs_publish", tests, NULL, NULL);
}
