/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Placement, case by case: where a VM may go, and what is reserved for it. place_best_test.c has
 * which of these hosts it is, place_random_test.c what only chance thinks of.
 */
#include "tests/unit/place_fixture.h"

static void test_no_hosts(void **state)
{
    (void)state;
    struct place *place = place_new();
    struct place_want w = want(1, 1);
    struct place_use use;
    assert_int_equal(found(place, &w), 0);
    assert_false(place_never(place, &w, NULL));
    assert_false(place_use(place, 1, &use));
    place_give(place, 1);
    place_remove_host(place, 1);
    place_free(place);
}

/* What runs already is recorded, though it exceeds the host; then nothing more goes there. */
static void test_over_reserved(void **state)
{
    (void)state;
    struct place *place = place_new();
    struct place_use use;
    struct place_want w = want(0, 0);
    add(place, 1, "h1");
    take(place, 1, 1, 100, 100);
    assert_int_equal(found(place, &w), 0);
    assert_true(place_use(place, 1, &use));
    assert_int_equal(use.vms, 1);
    assert_int_equal(use.cpus, 100);
    assert_int_equal(use.cpus_max, 64);
    assert_int_equal(use.memory, 100 * GIB);
    take(place, 1, 1, 64, 64);
    w = want(0, 0);
    assert_int_equal(found(place, &w), 1);
    place_free(place);
}

/* A VM may grow into what it has itself, and does not stand in its own way. */
static void test_own_reservation(void **state)
{
    (void)state;
    struct place *place = place_new();
    struct place_want w = want(64, 64);
    add(place, 1, "h1");
    w.avoid = "db";
    w.near = "app";
    w.service = 7;
    place_take(place, 5, 1, &w);
    assert_int_equal(found(place, &w), 0);
    w.vm = 6;
    assert_int_equal(found(place, &w), 0);
    w.vm = 5;
    assert_int_equal(found(place, &w), 1);
    w.spread = SPREAD_ZONE;
    assert_int_equal(found(place, &w), 1);
    place_free(place);
}

static void test_avoid_and_near(void **state)
{
    (void)state;
    struct place *place = three();
    struct place_want avoid = want(1, 1), near = want(1, 1);
    avoid.avoid = "db";
    near.near = "db";
    assert_int_equal(found(place, &near), 1); /* none placed yet: anywhere */
    place_take(place, 1, 1, &avoid);
    assert_int_equal(found(place, &near), 1); /* avoid and near groups are apart */
    assert_int_equal(found(place, &avoid), 2);
    place_take(place, 2, 2, &avoid);
    place_take(place, 3, 3, &near);
    assert_int_equal(found(place, &near), 3);
    assert_int_equal(found(place, &avoid), 3);
    avoid.near = "none";
    place_take(place, 4, 3, &avoid);
    assert_int_equal(found(place, &avoid), 0);
    place_give(place, 1);
    avoid.near = NULL;
    assert_int_equal(found(place, &avoid), 1);
    place_free(place);
}

static void test_spread_over_zones(void **state)
{
    (void)state;
    struct place *place = place_new();
    struct place_want w = want(8, 8);
    const char *const zones[] = {"z1", "z1", "z2", NULL};
    for (uint64_t id = 1; id <= 4; id++) {
        g_autofree char *name = g_strdup_printf("h%d", (int)id);
        struct place_host h = host(id, name);
        h.zone = zones[id - 1];
        place_set_host(place, &h);
    }
    w.service = 9;
    w.spread = SPREAD_ZONE;
    int zone_of[] = {-1, 0, 0, 1, 2}, members[3] = {0};
    for (uint64_t vm = 1; vm <= 9; vm++) {
        int id = found(place, &w);
        assert_true(id > 0);
        members[zone_of[id]]++;
        place_take(place, vm, (uint64_t)id, &w);
    }
    assert_true(members[0] == 3 && members[1] == 3 && members[2] == 3);
    take(place, 100, 3, 40, 40); /* z2 is full: it counts, so the other zones wait for it */
    for (uint64_t vm = 10; vm <= 11; vm++)
        place_take(place, vm, vm == 10 ? 1 : 4, &w);
    assert_int_equal(found(place, &w), 0);
    struct place_host down = host(3, "h3");
    down.zone = "z2";
    down.up = false;
    place_set_host(place, &down); /* it can take none any more, so it does not count */
    assert_int_equal(found(place, &w), 1);
    place_free(place);
}

static void test_may_stay(void **state)
{
    (void)state;
    struct place *place = three();
    struct place_want w = want(8, 8), other = want(8, 8);
    g_autofree char *why = NULL;
    w.vm = 5;
    other.avoid = "db";
    assert_false(place_may_stay(place, &w, &why));
    place_take(place, 5, 1, &w);
    place_take(place, 6, 1, &other);
    struct place_host down = host(1, "h1");
    down.up = false;
    place_set_host(place, &down);
    assert_true(place_may_stay(place, &w, &why));
    w.avoid = "db";
    assert_false(place_may_stay(place, &w, &why));
    assert_string_equal(why, "avoid: group db is here");
    g_clear_pointer(&why, g_free);
    w.avoid = NULL;
    w.cpus = 57;
    assert_false(place_may_stay(place, &w, &why));
    assert_string_equal(why, "cpus: wants 57, 56 free of 64");
    take(place, 7, 1, 60, 4); /* promised too much: who does not grow may stay */
    w.cpus = 8;
    assert_true(place_may_stay(place, &w, &why));
    place_free(place);
}

static void test_load(void **state)
{
    (void)state;
    struct place *place = three();
    struct place_want w = want(2, 4);
    struct place_load load = {.cpus = 5, .cpus_error = 0.5, .cpus_max = 8, .memory_max = 64e9};
    w.usage = 0.5;
    place_set_load(place, 1, &load);
    assert_int_equal(found(place, &w), 1);
    place_take(place, 1, 1, &w); /* 6 CPUs are expected now */
    take(place, 2, 1, 1, 1);
    assert_int_equal(found(place, &w), 1);
    place_take(place, 3, 1, &w);
    assert_int_equal(found(place, &w), 2);
    g_autofree char *text = place_explain(place, &w);
    assert_non_null(strstr(text, "h1   load           expects 7.00 CPUs, error 0.50, of 8.00; "
                                 "wants 1.00 more"));
    w.vm = 3;
    assert_int_equal(found(place, &w), 1); /* its own part is in that */
    w.vm = 0;
    load.memory = 63e9;
    place_set_load(place, 1, &load);
    assert_int_equal(found(place, &w), 2);
    place_set_load(place, 1, NULL);
    assert_int_equal(found(place, &w), 1);
    place_set_load(place, 77, &load);
    place_free(place);
}

/* Taking never makes room; giving, shrinking and hosts may. */
static void test_room(void **state)
{
    (void)state;
    struct place *place = three();
    struct place_want w = want(8, 8);
    uint64_t room = place_room(place);
    place_take(place, 5, 1, &w);
    place_take(place, 5, 1, &w);
    w.cpus = 9;
    w.avoid = "db";
    place_take(place, 6, 2, &w);
    place_take(place, 6, 2, &w);
    place_give(place, 77);
    assert_true(place_room(place) == room);
    w.cpus = 8;
    place_take(place, 6, 2, &w);
    assert_true(place_room(place) > room);
    room = place_room(place);
    w.avoid = NULL;
    place_take(place, 6, 2, &w);
    assert_true(place_room(place) > room);
    room = place_room(place);
    place_take(place, 6, 3, &w);
    assert_true(place_room(place) > room);
    room = place_room(place);
    place_give(place, 6);
    assert_true(place_room(place) > room);
    room = place_room(place);
    add(place, 4, "h4");
    assert_true(place_room(place) > room);
    place_free(place);
}

static void test_spread_over_hosts(void **state)
{
    (void)state;
    struct place *place = three();
    struct place_want w = want(1, 1);
    w.service = 9;
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(found(place, &w), i);
        place_take(place, (uint64_t)i, (uint64_t)i, &w);
    }
    assert_int_equal(found(place, &w), 0);
    w.spread = SPREAD_NONE;
    assert_int_equal(found(place, &w), 1);
    place_free(place);
}

/* A reservation may come before its host does, as after a restart. */
static void test_host_comes_later(void **state)
{
    (void)state;
    struct place *place = place_new();
    struct place_use use;
    struct place_want w = want(64, 64);
    take(place, 1, 4, 32, 32);
    take(place, 2, 5, 32, 32);
    assert_false(place_use(place, 4, &use));
    assert_false(place_never(place, &w, NULL));
    add(place, 4, "h4");
    assert_true(place_use(place, 4, &use));
    assert_int_equal(use.cpus, 32);
    assert_int_equal(found(place, &w), 0);
    place_give(place, 2);
    place_give(place, 1);
    assert_int_equal(found(place, &w), 4);
    place_remove_host(place, 4);
    assert_int_equal(found(place, &w), 0);
    take(place, 1, 6, 1, 1);
    place_remove_host(place, 6);
    add(place, 6, "h6");
    assert_int_equal(found(place, &w), 6);
    place_free(place);
}

/* Full, down, tried, avoided hosts and unknown ones are reasons to wait, not to refuse. */
static void test_later(void **state)
{
    (void)state;
    struct place *place = place_new();
    struct place_host down = host(1, "h1"), connecting = host(2, "h2");
    struct place_want w = want(64, 64);
    down.up = false;
    place_set_host(place, &down);
    assert_int_equal(found(place, &w), 0);
    w = want(1, 4096);
    assert_int_equal(found(place, &w), -1);
    connecting.known = false;
    place_set_host(place, &connecting);
    assert_int_equal(found(place, &w), 0);
    w.host = "h9";
    assert_int_equal(found(place, &w), 0);
    w = want(1, 1);
    assert_int_equal(found(place, &w), 0);
    place_remove_host(place, 2);
    add(place, 2, "h2");
    w.tried = (const uint64_t[]){2};
    w.n_tried = 1;
    assert_int_equal(found(place, &w), 0);
    place_free(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_hosts),
        cmocka_unit_test(test_over_reserved),
        cmocka_unit_test(test_own_reservation),
        cmocka_unit_test(test_avoid_and_near),
        cmocka_unit_test(test_spread_over_zones),
        cmocka_unit_test(test_spread_over_hosts),
        cmocka_unit_test(test_may_stay),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_host_comes_later),
        cmocka_unit_test(test_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
