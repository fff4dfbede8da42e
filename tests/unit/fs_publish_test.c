/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Published versions, with a clock and a file of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "fs/publish.h"

enum { FILE_INO = 7, GROUP = 20 };

static int64_t clock_us, wall_ns;
static const char *content;
static unsigned made, changes, expiries;

static void expired(void *ctx, uint64_t ino)
{
    (void)ctx;
    (void)ino;
    expiries++;
}

static void replaced(void *ctx, uint64_t ino)
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
    static const struct publish_ops ops = {expired, replaced, monotonic, wall};

    clock_us = 1000;
    wall_ns = 0;
    made = changes = expiries = 0;
    content = "one";
    *state = publish_new(&ops, NULL);
    return 0;
}

static int teardown(void **state)
{
    publish_free(*state);
    return 0;
}

static void look_at(struct publish *publish, uint64_t ino, uint64_t group, bool fleeting,
                    struct view *view)
{
    g_autoptr(GString) text = NULL;

    if (publish_look(publish, ino, true, view))
        return;
    made++;
    text = g_string_new(content);
    publish_put(publish, ino, group, fleeting, text, view);
}

static void check(struct view *view, const char *text, int64_t time, bool lasts)
{
    assert_int_equal(view->size, strlen(text));
    assert_int_equal(g_bytes_get_size(view->text), strlen(text));
    assert_memory_equal(g_bytes_get_data(view->text, NULL), text, strlen(text));
    assert_int_equal(view->time, time);
    assert_int_equal(view->lasts, lasts);
    view_clear(view);
}

static void expect(struct publish *publish, const char *text, int64_t time, bool lasts)
{
    struct view view = {0};

    look_at(publish, FILE_INO, GROUP, false, &view);
    check(&view, text, time, lasts);
}

static void test_lasts_until_the_sample(void **state)
{
    struct view view = {0};

    assert_false(publish_look(*state, FILE_INO, false, &view));
    expect(*state, "one", 1, true);
    content = "second";
    clock_us += 100 * PUBLISH_LIMIT;
    expect(*state, "one", 1, true);
    publish_sampled(*state, GROUP + 1); /* another's */
    expect(*state, "one", 1, true);
    assert_int_equal(expiries, 0);

    publish_sampled(*state, GROUP);
    assert_int_equal(expiries, 1);
    clock_us += PUBLISH_HOLD;
    assert_false(publish_look(*state, FILE_INO, false, &view));
    assert_int_equal(changes, 1);
    expect(*state, "second", 2, true);
    assert_int_equal(changes, 2);
    assert_int_equal(expiries, 1);
    assert_int_equal(made, 2);
    assert_true(publish_shows(*state, FILE_INO, 2));
    assert_false(publish_shows(*state, FILE_INO, 1));
}

/* Of one that is over, its time is known; of one that is no more, nothing. */
static void test_forgotten(void **state)
{
    struct view view = {0};

    expect(*state, "one", 1, true);
    publish_outdate(*state, FILE_INO);
    expect(*state, "one", 1, true);
    publish_forget(*state, FILE_INO);
    assert_int_equal(expiries, 2);
    assert_int_equal(publish_bytes(*state), 0);
    assert_false(publish_look(*state, FILE_INO, false, &view));
    assert_false(publish_shows(*state, FILE_INO, 1));
    publish_sampled(*state, GROUP);
    publish_forget(*state, FILE_INO);
    assert_int_equal(expiries, 2);
    expect(*state, "one", 2, true);
}

/* What is made from several hosts' samples has group 0. */
static void test_any_sample(void **state)
{
    struct view view = {0};

    look_at(*state, FILE_INO, 0, false, &view);
    check(&view, "one", 1, true);
    content = "second";
    publish_sampled(*state, GROUP);
    assert_int_equal(expiries, 1);
    clock_us += PUBLISH_HOLD;
    look_at(*state, FILE_INO, 0, false, &view);
    check(&view, "second", 2, true);
    /* Nobody has looked since: the kernel has nothing that it need be told about. */
    publish_sampled(*state, GROUP);
    publish_sampled(*state, GROUP);
    assert_int_equal(expiries, 2);
}

/* A tool that was in the middle of it has time to finish. */
static void test_held_while_looked_at(void **state)
{
    expect(*state, "one", 1, true);
    clock_us += 100 * PUBLISH_LIMIT;
    content = "second";
    publish_sampled(*state, GROUP);
    clock_us += PUBLISH_HOLD - 1;
    expect(*state, "one", 1, false);
    clock_us += PUBLISH_HOLD - 1;
    publish_sampled(*state, GROUP); /* the next one begins nothing anew */
    expect(*state, "one", 1, false);
    assert_int_equal(made, 1);
    clock_us += PUBLISH_HOLD;
    expect(*state, "second", 2, true);
}

/* Looked at all the time, from a moment on at which another version is due. */
static void look_until(struct publish *publish, int64_t end)
{
    while (clock_us < end) {
        clock_us = MIN(clock_us + PUBLISH_HOLD / 2, end);
        expect(publish, "one", 1, false);
    }
}

static void test_last(void **state)
{
    int64_t last = clock_us + PUBLISH_LAST;

    expect(*state, "one", 1, true);
    content = "second";
    publish_sampled(*state, GROUP);
    look_until(*state, last - 1);
    clock_us = last;
    expect(*state, "second", 2, true);
}

/* A tool that has opened it before the limit, or looked before it and opened it after, has it read,
 * and looks once more. */
static void test_open_at_the_limit(void **state)
{
    int64_t limit = clock_us + PUBLISH_LIMIT;

    expect(*state, "one", 1, true);
    content = "second";
    publish_sampled(*state, GROUP);
    look_until(*state, limit - 1);
    assert_true(publish_opened(*state, FILE_INO));
    clock_us += PUBLISH_HOLD - 1;
    expect(*state, "one", 1, false);
    assert_true(publish_opened(*state, FILE_INO));
    clock_us += PUBLISH_HOLD - 1;
    expect(*state, "one", 1, false);
    publish_closed(*state, FILE_INO, true);
    expect(*state, "one", 1, false);
    publish_closed(*state, FILE_INO, false); /* another look may have begun meanwhile */
    expect(*state, "one", 1, false);
    assert_true(publish_opened(*state, FILE_INO));
    publish_closed(*state, FILE_INO, true);
    expect(*state, "second", 2, true);
}

/* A tool may be slow between two looks. */
static void test_open_is_held_longer(void **state)
{
    expect(*state, "one", 1, true);
    assert_true(publish_opened(*state, FILE_INO));
    content = "second";
    publish_sampled(*state, GROUP);
    clock_us += PUBLISH_LIMIT - 1;
    expect(*state, "one", 1, false);
    publish_closed(*state, FILE_INO, true);
    expect(*state, "one", 1, false);
}

/* Nobody keeps others from the news by having it open. */
static void test_open_for_ever(void **state)
{
    int64_t last = clock_us + PUBLISH_LAST;

    expect(*state, "one", 1, true);
    assert_true(publish_opened(*state, FILE_INO));
    content = "second";
    publish_sampled(*state, GROUP);
    look_until(*state, last - 1);
    clock_us = last;
    expect(*state, "second", 2, true);
    content = "third";
    publish_sampled(*state, GROUP);
    clock_us += PUBLISH_LIMIT;
    publish_sweep(*state); /* nobody looked: what is open keeps its text itself */
    publish_forget(*state, FILE_INO);
    publish_closed(*state, FILE_INO, true);
    assert_false(publish_opened(*state, FILE_INO));
    expect(*state, "third", 3, true);
}

static void test_event(void **state)
{
    publish_outdate(*state, FILE_INO); /* never looked at */
    expect(*state, "one", 1, true);
    content = "second";
    publish_outdate(*state, FILE_INO);
    assert_int_equal(expiries, 1);
    expect(*state, "second", 2, true);
    assert_int_equal(changes, 2);

    content = "third";
    publish_sampled(*state, GROUP);
    expect(*state, "second", 2, false);
    publish_outdate(*state, FILE_INO); /* the kernel asks each time anyhow */
    assert_int_equal(expiries, 2);
    expect(*state, "third", 3, true);
}

static void test_fleeting(void **state)
{
    struct view view = {0};

    look_at(*state, FILE_INO, GROUP, true, &view);
    check(&view, "one", 1, false);
    content = "second";
    clock_us += PUBLISH_HOLD - 1;
    look_at(*state, FILE_INO, GROUP, true, &view);
    check(&view, "one", 1, false);
    publish_sampled(*state, GROUP);
    assert_int_equal(expiries, 0);
    clock_us += PUBLISH_HOLD;
    look_at(*state, FILE_INO, GROUP, true, &view);
    check(&view, "second", 2, false);
}

/* Time moves with the text only, also when the version was dropped meanwhile. */
static void test_time_of_same_text(void **state)
{
    expect(*state, "one", 1, true);
    publish_sampled(*state, GROUP);
    clock_us += PUBLISH_LIMIT;
    publish_sweep(*state);
    assert_int_equal(publish_bytes(*state), 0);
    expect(*state, "one", 1, true);
    publish_outdate(*state, FILE_INO);
    expect(*state, "one", 1, true);
    assert_int_equal(changes, 1);
    content = "two"; /* as long as before */
    publish_outdate(*state, FILE_INO);
    expect(*state, "two", 2, true);
    assert_int_equal(changes, 2);
}

static void test_open_file_keeps_its_version(void **state)
{
    struct view mine = {0};

    look_at(*state, FILE_INO, GROUP, false, &mine);
    content = "second";
    publish_outdate(*state, FILE_INO);
    expect(*state, "second", 2, true);
    check(&mine, "one", 1, true);
}

static void test_sweep_keeps_what_is_looked_at(void **state)
{
    struct view view = {0};

    expect(*state, "one", 1, true);
    look_at(*state, FILE_INO + 1, GROUP + 1, false, &view);
    view_clear(&view);
    assert_int_equal(publish_bytes(*state), 6);
    publish_sampled(*state, GROUP);
    clock_us += PUBLISH_HOLD - 1;
    publish_sweep(*state);
    assert_int_equal(publish_bytes(*state), 6);
    clock_us += 1;
    publish_sweep(*state);
    assert_int_equal(publish_bytes(*state), 3);
    assert_true(publish_look(*state, FILE_INO + 1, true, &view));
    view_clear(&view);
}

/* Of very many, the texts of some are kept. The others last as well, but when the sample comes
 * there is nothing to hold. */
static void test_bounded(void **state)
{
    const uint64_t n = 100;
    g_autofree char *large = g_strnfill(4 * PUBLISH_KEEP / n, 'x');
    struct view view = {0};

    content = large;
    for (uint64_t ino = 1; ino <= n; ino++) {
        look_at(*state, ino, GROUP, false, &view);
        view_clear(&view);
    }
    assert_true(publish_bytes(*state) <= PUBLISH_KEEP);
    assert_false(publish_look(*state, 1, true, &view));
    assert_true(publish_look(*state, 1, false, &view));
    assert_null(view.text);
    assert_int_equal(view.size, strlen(large));
    assert_true(view.lasts);
    look_at(*state, 1, GROUP, false, &view); /* the same, made again */
    check(&view, large, 1, true);
    assert_int_equal(changes, n);
    assert_int_equal(expiries, 0);

    publish_sampled(*state, GROUP);
    assert_int_equal(expiries, n);
    assert_true(publish_look(*state, 1, true, &view));
    view_clear(&view);
    assert_false(publish_look(*state, 2, false, &view));
}

/* Another text of what was to last, whose text had gone. That should not happen. */
static void test_another_text_unheard(void **state)
{
    g_autofree char *large = g_strnfill(PUBLISH_KEEP, 'x');
    struct view view = {0};

    expect(*state, "one", 1, true);
    content = large;
    look_at(*state, FILE_INO + 1, GROUP, false, &view);
    view_clear(&view);
    content = "second";
    expect(*state, "second", 3, true);
    assert_int_equal(expiries, 1);
}

static void test_remembers_so_many(void **state)
{
    struct view view = {0};

    for (uint64_t ino = 1; ino <= 3 * PUBLISH_REMEMBER; ino++) {
        look_at(*state, ino, ino, false, &view);
        view_clear(&view);
        publish_outdate(*state, ino);
    }
    assert_int_equal(publish_bytes(*state), 0);
    /* What was forgotten may be open outside. */
    changes = 0;
    look_at(*state, 1, 1, false, &view);
    view_clear(&view);
    assert_int_equal(changes, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_lasts_until_the_sample),
        TEST(test_forgotten),
        TEST(test_any_sample),
        TEST(test_held_while_looked_at),
        TEST(test_last),
        TEST(test_open_at_the_limit),
        TEST(test_open_is_held_longer),
        TEST(test_open_for_ever),
        TEST(test_event),
        TEST(test_fleeting),
        TEST(test_time_of_same_text),
        TEST(test_open_file_keeps_its_version),
        TEST(test_sweep_keeps_what_is_looked_at),
        TEST(test_bounded),
        TEST(test_another_text_unheard),
        TEST(test_remembers_so_many),
    };

    return cmocka_run_group_tests_name("fs_publish", tests, NULL, NULL);
}
