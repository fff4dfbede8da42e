/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of the store: what is written is read, whatever is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "core/error.h"
#include "tests/unit/store_place.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

enum { OBJECTS = 10000 };

static void assert_same(const struct store_object *a, const struct store_object *b)
{
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(g_strcmp0(a->name, b->name), 0);
    assert_true(a->uid == b->uid && a->gid == b->gid && a->mode == b->mode);
    assert_memory_equal(a->times, b->times, sizeof a->times);
    assert_int_equal(g_strcmp0(a->spec, b->spec), 0);
    assert_int_equal(g_strcmp0(a->next_spec, b->next_spec), 0);
    assert_int_equal(g_strcmp0(a->error, b->error), 0);
    assert_int_equal(a->error_code, b->error_code);
    assert_int_equal(g_strcmp0(a->placement, b->placement), 0);
    assert_true(a->available == b->available);
    assert_int_equal(g_strcmp0(a->detail, b->detail), 0);
}

static void compare_one(const struct store_object *obj, void *data)
{
    uint64_t *last = data;
    assert_int_equal(obj->id, *last + 1);
    struct store_object *want = sample(obj->id);
    assert_same(obj, want);
    sample_free(want);
    *last = obj->id;
}

static void test_round_trip(void **ctx)
{
    struct place *place = *ctx;
    struct store *store = open_ok(place->state);
    begin(store);
    for (int i = 0; i < OBJECTS; i++) {
        struct store_object *obj = sample(store_next_id(store));
        put(store, obj);
        sample_free(obj);
    }
    commit(store);
    store_close(store);
    store = open_ok(place->state);
    uint64_t last = 0;
    assert_true(store_load(store, compare_one, &last, NULL));
    assert_int_equal(last, OBJECTS);
    store_close(store);
}

static void check_strange(const struct store_object *obj, void *data)
{
    (void)data;
    assert_null(obj->name);
    assert_int_equal(obj->times[0], 12);
    assert_int_equal(obj->times[1], 0);
}

static void test_strange_rows(void **ctx)
{
    struct place *place = *ctx;
    store_close(open_ok(place->state));
    tamper(place->file,
           "INSERT INTO object (id, kind, uid, gid, mode, times, error_code, available)"
           " VALUES (4, -9, -1, -1, 1 << 40, '12 x 9', 1 << 40, -1)");
    struct store *store = open_ok(place->state);
    g_autoptr(GError) error = NULL;
    must(store_load(store, check_strange, NULL, &error), error);
    store_close(store);
}

struct seen {
    unsigned n;
    uint64_t first, last;
};

static void see_event(const struct store_event *event, void *data)
{
    struct seen *seen = data;
    g_autofree char *want = g_strdup_printf("event %" G_GUINT64_FORMAT, event->seq);
    assert_string_equal(event->text, want);
    assert_int_equal(event->time, -(int64_t)event->seq);
    if (seen->n++ == 0)
        seen->first = event->seq;
    assert_true(event->seq > seen->last);
    seen->last = event->seq;
}

static struct seen events(struct store *store, unsigned limit)
{
    g_autoptr(GError) error = NULL;
    struct seen seen = {0};
    must(store_load_events(store, limit, see_event, &seen, &error), error);
    return seen;
}

static void put_events(struct store *store, uint64_t from, uint64_t to, unsigned keep)
{
    begin(store);
    for (uint64_t seq = from; seq <= to; seq++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = g_strdup_printf("event %" G_GUINT64_FORMAT, seq);
        struct store_event event = {.seq = seq, .time = -(int64_t)seq, .text = text};
        must(store_put_event(store, &event, keep, &error), error);
    }
    commit(store);
}

static void test_events(void **ctx)
{
    struct place *place = *ctx;
    struct store *store = open_ok(place->state);
    assert_int_equal(events(store, 10).n, 0);
    put_events(store, 1, 5000, 100);
    struct seen all = events(store, UINT32_MAX);
    assert_int_equal(all.last, 5000);
    assert_in_range(all.n, 100, 100 + STORE_TRIM);
    assert_int_equal(all.first, 5000 - all.n + 1);
    store_close(store);

    store = open_ok(place->state);
    struct seen ten = events(store, 10);
    assert_int_equal(ten.n, 10);
    assert_int_equal(ten.first, 4991);
    put_events(store, 7000, 7000, 3); /* a gap; and the first of a run trims */
    struct seen few = events(store, 100);
    assert_int_equal(few.n, 3);
    assert_int_equal(few.first, 4999);
    put_events(store, 7001, 7000 + STORE_TRIM, 0); /* the last number is never lost */
    assert_int_equal(events(store, 100).last, 7000 + STORE_TRIM);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_round_trip),
        PLACE_TEST(test_strange_rows),
        PLACE_TEST(test_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
