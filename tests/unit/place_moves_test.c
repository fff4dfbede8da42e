/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans of moves: what pays, in which order, and what stays. */
#include "tests/unit/place_fixture.h"

#define VMS 4

static void put(struct place *place, struct place_want *w, uint64_t vm, uint64_t on)
{
    w->vm = vm;
    place_take(place, vm, on, w);
}

static void assert_is_as_before(const struct place *place, uint64_t h, uint32_t vms, uint64_t cpus)
{
    struct place_use use;
    assert_true(place_use(place, h, &use));
    assert_int_equal(use.vms, vms);
    assert_int_equal(use.cpus, cpus);
}

static void test_judge(void **state)
{
    (void)state;
    struct place *place = three();
    struct place_want w = want(8, 80);
    struct place_choice choice;
    const char *filter = NULL;
    char *why = NULL;
    assert_false(place_judge(place, &w, 4, NULL, &filter, &why));
    assert_string_equal(filter, "up");
    g_free(why);
    assert_false(place_judge(place, &w, 2, NULL, &filter, &why));
    assert_string_equal(filter, "memory");
    assert_string_equal(why, "wants 80.0 GiB, 64.0 GiB free of 64.0 GiB");
    g_free(why);
    w.memory = 8 * GIB;
    assert_true(place_judge(place, &w, 2, &choice, &filter, &why));
    assert_int_equal(choice.host, 2);
    assert_true(choice.schedule > 0);
    place_free(place);
}

/* Two that are alone: one goes to the other, and then nothing pays any more. */
static void test_pack(void **state)
{
    (void)state;
    struct place *place = three();
    struct place_want w[2] = {want(8, 8), want(16, 16)};
    struct place_step steps[VMS];
    put(place, &w[0], 10, 1);
    put(place, &w[1], 11, 2);
    assert_int_equal(place_rebalance(place, w, 2, 10, steps, VMS), 0);
    assert_int_equal(place_rebalance(place, w, 2, 0.1, steps, 0), 0);
    assert_int_equal(place_rebalance(place, w, 2, 0.1, steps, VMS), 1);
    assert_int_equal(steps[0].vm, 10);
    assert_int_equal(steps[0].from, 1);
    assert_int_equal(steps[0].choice.host, 2);
    assert_true(place_gain(&steps[0]) > 0.3 && place_gain(&steps[0]) < 0.5);
    assert_is_as_before(place, 1, 1, 8);
    assert_is_as_before(place, 2, 1, 16);
    assert_true(place_here(place, &w[0]) == steps[0].here);
    put(place, &w[0], 10, 2);
    assert_int_equal(place_rebalance(place, w, 2, 0.1, steps, VMS), 0);
    place_free(place);
}

/* Spread: from the full host to the empty one, until it is even. */
static void test_spread(void **state)
{
    (void)state;
    struct place *place = place_new();
    struct place_want w[VMS];
    struct place_step steps[VMS];
    add(place, 1, "h1");
    add(place, 2, "h2");
    for (unsigned i = 0; i < VMS; i++) {
        w[i] = want(12, 12);
        w[i].policy = POLICY_SPREAD;
        put(place, &w[i], 10 + i, 1);
    }
    assert_int_equal(place_rebalance(place, w, VMS, 0.1, steps, VMS), 2);
    assert_int_equal(steps[0].choice.host, 2);
    assert_int_equal(steps[1].choice.host, 2);
    assert_is_as_before(place, 1, 4, 48);
    place_free(place);
}

/* In the order of the plan no two of a group are ever together. */
static void test_drain(void **state)
{
    (void)state;
    struct place *place = three();
    struct place_want w[VMS] = {want(1, 1), want(1, 1), want(1, 1), want(60, 60)};
    struct place_want other = want(1, 1), big = want(8, 8);
    struct place_step steps[VMS];
    w[0].avoid = w[1].avoid = other.avoid = "web";
    w[2].host = "h1";
    put(place, &other, 20, 2);
    put(place, &big, 21, 3);
    for (unsigned i = 0; i < VMS; i++)
        put(place, &w[i], 10 + i, 1);
    assert_int_equal(place_drain(place, w, VMS, steps), 1 + 1);
    assert_int_equal(steps[0].vm, 10); /* away from its group on h2 */
    assert_int_equal(steps[0].choice.host, 3);
    assert_int_equal(steps[1].vm, 13); /* the second of the group and the pinned one stay */
    assert_int_equal(steps[1].choice.host, 2);
    assert_is_as_before(place, 1, 4, 63);
    assert_is_as_before(place, 2, 1, 1);
    assert_is_as_before(place, 3, 1, 8);
    place_free(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge),
        cmocka_unit_test(test_pack),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_drain),
    };
    return cmocka_run_group_tests_name("place_moves", tests, NULL, NULL);
}
