/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of the hosts that a VM may go to, which is the best. */
#include "tests/unit/place_fixture.h"

static void test_policies(void **state)
{
    (void)state;
    struct place *place = three();
    struct place_want w = want(8, 8);
    struct place_choice choice;
    take(place, 1, 2, 32, 32);
    assert_int_equal(place_find(place, &w, &choice), PLACE_FOUND);
    assert_int_equal(choice.host, 2);
    assert_true(choice.resources == 1 / 0.75 && choice.schedule == 1 / 0.75 && choice.cost == 1);
    w.policy = POLICY_SPREAD;
    assert_int_equal(place_find(place, &w, &choice), PLACE_FOUND);
    assert_int_equal(choice.host, 1); /* a tie with h3 */
    assert_true(choice.resources == 0.875);
    place_free(place);
}

static void test_cost(void **state)
{
    (void)state;
    struct place *place = three();
    struct place_host dear = host(1, "h1"), cheap = host(3, "h3");
    struct place_want w = want(8, 8);
    dear.cost = 2;
    cheap.cost = 0.5;
    place_set_host(place, &dear);
    assert_int_equal(found(place, &w), 2);
    place_set_host(place, &cheap);
    assert_int_equal(found(place, &w), 3);
    place_free(place);
}

/* Hosts with what others wait for are spared, while nothing else speaks for them. */
static void test_labels_that_others_need(void **state)
{
    (void)state;
    static const char *const gpu[] = {"gpu", NULL};
    struct place *place = three();
    struct place_want w = want(8, 8);
    struct place_host first = host(1, "h1");
    first.labels = gpu;
    place_set_host(place, &first);
    assert_int_equal(found(place, &w), 1);
    place_need(place, gpu);
    assert_int_equal(found(place, &w), 2);
    w.labels = gpu;
    assert_int_equal(found(place, &w), 1);
    w.labels = NULL;
    take(place, 1, 1, 1, 1); /* now it is the better one */
    assert_int_equal(found(place, &w), 1);
    place_give(place, 1);
    place_unneed(place, gpu);
    assert_int_equal(found(place, &w), 1);
    place_free(place);
}

/* Of the same sum of shares left, `pack` takes the host where they are alike; `spread` the first.
 */
static void test_equal_sums(void **state)
{
    (void)state;
    struct place *place = three();
    struct place_want w = want(8, 8);
    take(place, 1, 1, 16, 32);
    take(place, 2, 2, 24, 24);
    assert_int_equal(found(place, &w), 2);
    take(place, 2, 2, 32, 16);
    assert_int_equal(found(place, &w), 1);
    place_free(place);
}

/* Sizes that no column holds, costs that no float holds: the answer is exact all the same. */
static void test_extremes(void **state)
{
    (void)state;
    static const double costs[] = {1, 1e-40, 1e-300, 1e40, 1e300};
    for (size_t i = 0; i < G_N_ELEMENTS(costs); i++) {
        struct place *place = three();
        struct place_host huge = host(2, "h2"), tiny = host(3, "h3"), h1 = host(1, "h1");
        huge.cpus = UINT32_MAX;
        huge.memory = UINT64_MAX;
        tiny.cpus = 1;
        tiny.memory = 1;
        h1.cost = huge.cost = tiny.cost = costs[i];
        place_set_host(place, &h1);
        place_set_host(place, &huge);
        place_set_host(place, &tiny);
        struct place_want w = {.cpus = 1, .memory = 1, .demand = 1};
        assert_int_equal(found(place, &w), 3);
        w.policy = POLICY_SPREAD;
        assert_int_equal(found(place, &w), 2);
        w = (struct place_want){.cpus = UINT32_MAX, .memory = (uint64_t)1 << 60, .demand = 1};
        assert_int_equal(found(place, &w), 2);
        w.policy = POLICY_SPREAD;
        assert_int_equal(found(place, &w), 2);
        w.memory = UINT64_MAX;
        assert_int_equal(found(place, &w), -1);
        place_free(place);
    }
}

/* Scores that differ by far less than a float can tell. */
static void test_near_ties(void **state)
{
    (void)state;
    struct place *place = place_new();
    for (uint64_t id = 1; id <= 200; id++) {
        struct place_host h = host(id, "h");
        h.cpus = 1;
        h.memory = 1024 * GIB + (id < 150 ? 1000 - id : id);
        place_set_host(place, &h);
    }
    struct place_want w = {.cpus = 1, .memory = GIB, .demand = 1};
    assert_int_equal(found(place, &w), 150);
    w.demand = 0; /* all score 0 */
    assert_int_equal(found(place, &w), 150);
    w.policy = POLICY_SPREAD;
    assert_int_equal(found(place, &w), 1);
    place_free(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_labels_that_others_need),
        cmocka_unit_test(test_equal_sums),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_near_ties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
