/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Placement against its reference: hosts come, change and go, VMs take and give, and each answer
 * must be the same, bit for bit. PLACE_SEED and PLACE_CASES in the environment repeat and extend a
 * run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/place_reference.h"

#define MIB ((uint64_t)1 << 20)

/* Strings of a want point to these: they outlive the table. */
static char label_names[120][16];
static const char *const zones[] = {NULL, "z1", "z2", "z3"};
static const char *const groups[] = {NULL, "a", "b", "c"};
static const char *const types[] = {"kvm", "qemu", "lxc"};
static const char *const networks[] = {"br0", "user", "none"};

static struct place *table;
static GRand *rng;
static int verdicts[PLACE_NEVER + 1];
static int n_labels; /* how many different ones hosts have: few own a bit each, many share */

static inline int roll(int n)
{
    return g_rand_int_range(rng, 0, n);
}

/* --- random hosts and wants --------------------------------------------------------------- */

static void random_words(const char **words, int max, const char *const *from, int n)
{
    int k = 0;
    for (int i = roll(max + 1); i > 0; i--) {
        const char *word = from[roll(n)];
        if (!k || !ref_has(words, word))
            words[k++] = word;
        words[k] = NULL;
    }
    words[k] = NULL;
}

static void random_labels(const char **words, int max)
{
    const char *from[G_N_ELEMENTS(label_names)];
    for (int i = 0; i < n_labels; i++)
        from[i] = label_names[i];
    random_words(words, max, from, n_labels);
}

/* Few sizes, so that there are ties; some odd bytes, so that there are near ties. */
static uint64_t random_memory(int gib)
{
    uint64_t memory = (uint64_t)(1 + roll(gib)) << 30;
    return roll(3) ? memory : memory - (uint64_t)roll(3 * (int)MIB / 2);
}

static void set_random_host(uint64_t id, bool all_known)
{
    struct ref_host *h = &hosts[id];
    g_snprintf(h->name, sizeof(h->name), "h%u", (unsigned)id);
    random_words(h->types, 3, types, 3);
    random_words(h->networks, 3, networks, 3);
    random_labels(h->labels, 4);
    h->there = true;
    h->host = (struct place_host){
        .id = id,
        .name = h->name,
        .up = roll(10) != 0,
        .known = all_known || roll(30) != 0,
        .why_down = "down",
        .cpus = 8u << roll(3),
        .memory = random_memory(roll(2) ? 4 : 64),
        .cost = roll(3) ? 1 : 0.5 + roll(4),
        .zone = zones[roll(4)],
        .labels = h->labels,
        .types = h->types,
        .networks = h->networks,
    };
    place_set_host(table, &h->host);
}

static void remove_host(uint64_t id)
{
    hosts[id].there = hosts[id].limited = false;
    for (uint64_t vm = 1; vm <= VMS; vm++) {
        if (vms[vm].host == id)
            vms[vm].host = 0;
    }
    place_remove_host(table, id);
}

struct words {
    const char *types[4], *labels[4], *networks[4];
    uint64_t tried[3];
    char host[16];
};

static struct place_want random_want(struct words *words)
{
    random_words(words->types, roll(3) ? 0 : 2, types, 3);
    random_labels(words->labels, roll(2) ? 0 : 2);
    random_words(words->networks, roll(3) ? 0 : 1, networks, 3);
    g_snprintf(words->host, sizeof(words->host), "h%d", 1 + roll(HOSTS + 1));
    for (int i = 0; i < 3; i++)
        words->tried[i] = 1 + (uint64_t)roll(HOSTS);
    return (struct place_want){
        .vm = (uint64_t)roll(VMS + 1),
        .cpus = roll(100) ? 1u << roll(4) : 33,
        .memory = roll(100) ? random_memory(4) : (uint64_t)70 << 30,
        .usage = roll(3) ? 0 : 0.25 * roll(5),
        .demand = roll(2) ? 1 : 0.1 * (1 + roll(30)),
        .policy = roll(2) ? POLICY_PACK : POLICY_SPREAD,
        .types = words->types,
        .zone = roll(5) ? NULL : zones[roll(4)],
        .labels = roll(2) ? words->labels : NULL,
        .networks = words->networks,
        .host = roll(20) ? NULL : words->host,
        .avoid = groups[roll(3) ? 0 : roll(4)],
        .near = groups[roll(8) ? 0 : roll(4)],
        .service = (uint64_t)(roll(2) ? 0 : 1 + roll(5)),
        .spread = (enum spec_spread)roll(3),
        .tried = words->tried,
        .n_tried = (size_t)(roll(4) ? 0 : roll(4)),
    };
}

/* --- the tests ---------------------------------------------------------------------------- */

static void check_explanation(const struct place_want *want, uint64_t winner)
{
    g_autofree char *text = place_explain(table, want);
    g_autofree char *row = NULL;
    if (winner)
        row = g_strdup_printf("\n%s", hosts[winner].name);
    const char *chosen = strstr(text, " chosen ");
    assert_int_equal(chosen != NULL, winner != 0);
    if (!chosen)
        return;
    while (*chosen != '\n')
        chosen--;
    assert_memory_equal(chosen, row, strlen(row));
    assert_int_equal(chosen[strlen(row)], ' ');
}

static uint64_t check_want(const struct place_want *want)
{
    double best = 0, resources = 0;
    struct place_choice choice = {.host = 77777};
    g_autofree char *why = NULL;
    uint64_t winner = ref_find(want, &best, &resources);
    enum place_verdict verdict = place_find(table, want, &choice);
    bool never = ref_never(want);
    verdicts[verdict]++;
    enum place_verdict without = never ? PLACE_NEVER : PLACE_LATER;
    assert_int_equal(verdict, winner ? PLACE_FOUND : without);
    assert_int_equal(place_never(table, want, &why), never);
    assert_int_equal(why != NULL, never);
    assert_int_equal(choice.host, winner ? winner : 77777);
    if (winner) {
        assert_true(choice.schedule == best);
        assert_true(choice.resources == resources);
        assert_true(choice.cost == hosts[winner].host.cost);
        assert_true(choice.demand == want->demand);
    }
    return winner;
}

static void check_use(uint64_t id)
{
    struct place_use use;
    struct place_want nobody = {0};
    int64_t cpus, memory;
    uint32_t count = 0;
    assert_int_equal(place_use(table, id, &use), hosts[id].there);
    if (!hosts[id].there)
        return;
    ref_free(id, &nobody, &cpus, &memory);
    for (uint64_t vm = 1; vm <= VMS; vm++)
        count += vms[vm].host == id;
    assert_int_equal(use.vms, count);
    assert_int_equal((int64_t)(use.cpus_max - use.cpus), cpus);
    assert_int_equal((int64_t)(use.memory_max - use.memory), memory);
}

/* What stays in the model must not point to a case's words. */
static void take(uint64_t vm, uint64_t id, const struct place_want *want)
{
    if (vms[vm].host != id) {
        hosts[id].load.cpus += want->cpus * want->usage;
        hosts[id].load.memory += (double)want->memory * want->usage;
    }
    vms[vm] = (struct ref_vm){.host = id, .want = *want};
    place_take(table, vm, id, want);
}

static void change_load(uint64_t id)
{
    struct ref_host *h = &hosts[id];
    h->limited = h->there && roll(3);
    h->load = (struct place_load){.cpus = roll(8),
                                  .cpus_error = 0.5 * roll(3),
                                  .cpus_max = 8,
                                  .memory = (double)random_memory(8),
                                  .memory_error = 1 << 20,
                                  .memory_max = (double)((uint64_t)16 << 30)};
    place_set_load(table, id, h->limited ? &h->load : NULL);
}

/* One more spec waits for a label, or one less. */
static void change_waiting(void)
{
    const char *const label[] = {label_names[roll(n_labels)], NULL};
    if (n_waiting < G_N_ELEMENTS(waiting) && roll(2)) {
        waiting[n_waiting++] = label[0];
        place_need(table, label);
    } else if (n_waiting > 0) {
        const char *const last[] = {waiting[--n_waiting], NULL};
        place_unneed(table, last);
    }
}

static void change_something(bool all_known)
{
    uint64_t id = 1 + (uint64_t)roll(HOSTS), vm = 1 + (uint64_t)roll(VMS);
    switch (roll(8)) {
    case 0:
        set_random_host(id, all_known);
        break;
    case 1:
        if (hosts[id].there && roll(4) == 0)
            remove_host(id);
        break;
    case 2:
        vms[vm].host = 0;
        place_give(table, vm);
        break;
    case 3:
        change_waiting();
        break;
    case 4:
        change_load(id);
        break;
    default:
        break;
    }
    check_use(id);
}

static void run(int count, int labels, bool all_known)
{
    n_labels = labels;
    memset(hosts, 0, sizeof(hosts));
    memset(vms, 0, sizeof(vms));
    n_waiting = 0;
    memset(verdicts, 0, sizeof(verdicts));
    table = place_new();
    for (uint64_t id = 1; id <= HOSTS; id++) {
        if (roll(5))
            set_random_host(1 + (id * 7) % HOSTS, all_known);
    }
    for (int i = 0; i < count; i++) {
        struct words words;
        struct place_want want = random_want(&words);
        uint64_t winner = check_want(&want);
        if (i % 16 == 0)
            check_explanation(&want, winner);
        uint64_t vm = want.vm ? want.vm : 1 + (uint64_t)roll(VMS);
        uint64_t anywhere = 1 + (uint64_t)roll(HOSTS);
        if (winner && roll(4))
            take(vm, winner, &want);
        else if (roll(8) == 0 && hosts[anywhere].there)
            take(vm, anywhere, &want);
        change_something(all_known);
    }
    place_free(table);
    /* Cases that all end alike would prove little. */
    assert_true(verdicts[PLACE_FOUND] > count / 4);
    assert_true(verdicts[PLACE_LATER] > count / 20);
    assert_true(!all_known || verdicts[PLACE_NEVER] > count / 100);
}

static int cases(void)
{
    const char *text = g_getenv("PLACE_CASES");
    return text ? atoi(text) : 10000;
}

static void test_few_labels(void **state)
{
    (void)state;
    run(cases(), 3, true);
}

static void test_many_labels(void **state)
{
    (void)state;
    run(cases(), (int)G_N_ELEMENTS(label_names), true);
}

static void test_unknown_hosts(void **state)
{
    (void)state;
    run(cases() / 4, 10, false);
}

int main(void)
{
    const char *text = g_getenv("PLACE_SEED");
    for (size_t i = 0; i < G_N_ELEMENTS(label_names); i++)
        g_snprintf(label_names[i], sizeof(label_names[i]), "label%zu", i);
    rng = g_rand_new_with_seed(text ? (guint32)atoi(text) : 20240229);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_labels),
        cmocka_unit_test(test_many_labels),
        cmocka_unit_test(test_unknown_hosts),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    g_rand_free(rng);
    return failed;
}
