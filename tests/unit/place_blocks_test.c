/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hosts by the ten thousands, which fill, empty and go: what the blocks of the table pass over
 * must never have been the best. For comparison each host is scored by itself.
 */
#include "core/limit.h"
#include "core/score/score.h"
#include "tests/unit/place_fixture.h"

#define HOSTS LIMIT(40000, 4000) /* more blocks than the search takes at once */
#define LIVE  6000               /* VMs at most */

static GRand *rng;
static uint64_t next_vm, oldest_vm;
static uint64_t host_of[1 << 17];    /* by VM, of those that are apart; 0: none */
static uint32_t apart_on[HOSTS + 1]; /* how many of these a host has */
static double cost_of[HOSTS + 1];
static const char *const rare[] = {"rare", NULL}, *const common[] = {"common", NULL};

static uint32_t roll(uint32_t end)
{
    return (uint32_t)g_rand_int_range(rng, 0, (gint32)end);
}

static void add_host(struct place *place, uint64_t id)
{
    static const uint32_t sizes[] = {16, 48, 64, 96, 128};
    g_autofree char *name = g_strdup_printf("h%u", (unsigned)id);
    struct place_host h = host(id, name);
    h.cpus = sizes[roll(G_N_ELEMENTS(sizes))];
    h.memory = h.cpus * (roll(2) ? 4 : 8) * GIB;
    h.cost = cost_of[id] = roll(10) ? 1 : 1 + roll(100) / 10.0;
    h.labels = id % 50 ? common : rare;
    place_set_host(place, &h);
}

static struct place_want some_want(void)
{
    struct place_want w = want(1u << roll(5), 1u << roll(6));
    w.policy = roll(2) ? POLICY_PACK : POLICY_SPREAD;
    if (roll(4) == 0)
        w.labels = rare;
    if (roll(4) == 0)
        w.avoid = "apart";
    return w;
}

/* S of a host, -1 if it refuses. */
static double score(const struct place *place, const struct place_want *w, uint64_t id)
{
    struct place_use use;
    if (!place_use(place, id, &use) || (w->labels && id % 50 != 0) || (w->avoid && apart_on[id]) ||
        use.cpus + w->cpus > use.cpus_max || use.memory + w->memory > use.memory_max)
        return -1;
    double cpus = (double)(use.cpus_max - use.cpus - w->cpus) / (double)use.cpus_max;
    double memory = (double)(use.memory_max - use.memory - w->memory) / (double)use.memory_max;
    double r = w->policy == POLICY_SPREAD ? MIN(cpus, memory) : 1 / MAX(0.01, cpus + memory);
    return score_schedule(w->demand, r, cost_of[id]);
}

/* The best by S; of equals to spread that is the lowest id. */
static void check(const struct place *place)
{
    struct place_want w = some_want();
    struct place_choice choice;
    uint64_t best = 0;
    double most = -1;
    for (uint64_t id = 1; id <= HOSTS; id++) {
        double each = score(place, &w, id);
        if (each > most) {
            most = each;
            best = id;
        }
    }
    assert_int_equal(place_choose(place, &w, &choice), best != 0);
    if (!best)
        return;
    assert_true(choice.schedule == most);
    if (w.policy == POLICY_SPREAD)
        assert_int_equal(choice.host, best);
}

static void check_some(const struct place *place)
{
    for (int i = 0; i < 8; i++)
        check(place);
}

static void give(struct place *place, uint64_t vm)
{
    place_give(place, vm);
    if (host_of[vm])
        apart_on[host_of[vm]]--;
    host_of[vm] = 0;
}

static void place_some(struct place *place, int count)
{
    for (int i = 0; i < count; i++) {
        struct place_want w = some_want();
        struct place_choice choice;
        if (!place_choose(place, &w, &choice))
            continue;
        place_take(place, ++next_vm, choice.host, &w);
        host_of[next_vm] = w.avoid ? choice.host : 0;
        apart_on[choice.host] += w.avoid != NULL;
        if (next_vm - oldest_vm > LIVE)
            give(place, ++oldest_vm);
    }
}

static void test_the_best_of_many(void **state)
{
    (void)state;
    struct place *place = place_new();
    for (uint64_t id = 1; id <= HOSTS; id++)
        add_host(place, id);
    check_some(place);
    for (int i = 0; i < 6; i++) {
        place_some(place, LIVE / 4);
        check_some(place);
    }
    while (oldest_vm < next_vm)
        give(place, ++oldest_vm);
    check_some(place);
    for (uint64_t id = 1; id <= HOSTS; id += 1 + (id % 7 == 0))
        place_remove_host(place, id);
    memset(apart_on, 0, sizeof(apart_on)); /* nothing is placed by now */
    for (int i = 0; i < 3; i++) {
        place_some(place, 1000);
        check_some(place);
    }
    for (uint64_t id = 1; id <= HOSTS; id += 3)
        add_host(place, id);
    check_some(place);
    place_free(place);
}

/* All the same: the lowest id that is left, each time. */
static void test_equals_go_by_id(void **state)
{
    (void)state;
    struct place *place = place_new();
    struct place_want w = want(32, 1);
    w.policy = POLICY_SPREAD;
    for (uint64_t id = 1; id <= 1000; id++)
        add(place, id * 7919 % 1009, "h");
    for (uint64_t vm = 1; vm <= 2000; vm++) {
        struct place_choice choice;
        assert_true(place_choose(place, &w, &choice));
        place_take(place, vm, choice.host, &w);
        if (vm == 1)
            assert_int_equal(choice.host, 1);
    }
    struct place_choice none;
    assert_false(place_choose(place, &w, &none));
    place_free(place);
}

int main(void)
{
    rng = g_rand_new_with_seed(7);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_best_of_many),
        cmocka_unit_test(test_equals_go_by_id),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    g_rand_free(rng);
    return failed;
}
