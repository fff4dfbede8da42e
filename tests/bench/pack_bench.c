/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How well placement packs: two samples of Azure's packing trace, replayed against fleets of one
 * kind of server. Two figures: cluster compaction, the smallest fleet found by bisection that
 * rejects nothing, over the volume lower bound; and the share of VMs rejected by a fleet of the
 * size of that bound. The policies of cloudfs go through core/place, as in a mount; the others
 * are a few lines each, in heuristics.h.
 *
 *     pack_bench DIRECTORY      of bernoulli_0.csv.xz and batched_0.csv.xz
 */
#include <math.h>

#include "core/place/place.h"
#include "tests/bench/bench.h"
#include "tests/bench/heuristics.h"

#define GIB      ((uint64_t)1 << 30)
#define TOO_MANY 4 /* times the bound: not looked at beyond */

struct policy {
    const char *name;
    size_t (*choose)(const struct fleet *fleet, const struct vm *vm); /* NULL: core/place */
    enum spec_policy policy;
};

static const struct policy policies[] = {
    {"pack",      NULL,          POLICY_PACK  },
    {"spread",    NULL,          POLICY_SPREAD},
    {"first fit", first_fit,     POLICY_PACK  },
    {"best fit",  best_fit,      POLICY_PACK  },
    {"squares",   least_squares, POLICY_PACK  },
    {"product",   least_product, POLICY_PACK  },
    {"random",    any_fit,       POLICY_PACK  },
};

enum { PACK = 0, BEST_FIT = 3, POLICIES = G_N_ELEMENTS(policies) };

/* --- a fleet ------------------------------------------------------------------------------ */

static void fleet_init(struct fleet *fleet, const struct sample *sample, size_t n)
{
    *fleet = (struct fleet){.sample = sample,
                            .n = n,
                            .cpus = g_new(uint32_t, n),
                            .memory = g_new(uint32_t, n),
                            .fits = g_new(size_t, n),
                            .place = place_new(),
                            .rng = g_rand_new_with_seed(1)};
    for (size_t i = 0; i < n; i++) {
        g_autofree char *name = g_strdup_printf("h%zu", i);
        struct place_host host = {.id = i + 1,
                                  .name = name,
                                  .up = true,
                                  .known = true,
                                  .cpus = sample->cpus,
                                  .memory = sample->memory * GIB,
                                  .cost = 1};
        place_set_host(fleet->place, &host);
        fleet->cpus[i] = sample->cpus;
        fleet->memory[i] = sample->memory;
    }
}

static void fleet_clear(struct fleet *fleet)
{
    g_free(fleet->cpus);
    g_free(fleet->memory);
    g_free(fleet->fits);
    place_free(fleet->place);
    g_rand_free(fleet->rng);
}

static void start_by_place(struct fleet *fleet, size_t id, struct vm *vm, enum spec_policy policy)
{
    struct place_want want = {
        .cpus = vm->cpus, .memory = vm->memory * GIB, .demand = 1, .policy = policy};
    struct place_choice choice;
    vm->host = NOWHERE;
    if (place_find(fleet->place, &want, &choice) != PLACE_FOUND)
        return;
    vm->host = choice.host - 1;
    place_take(fleet->place, id + 1, choice.host, &want);
}

static void start(struct fleet *fleet, const struct policy *policy, size_t id, struct vm *vm)
{
    if (!policy->choose) {
        start_by_place(fleet, id, vm, policy->policy);
        return;
    }
    vm->host = policy->choose(fleet, vm);
    if (vm->host == NOWHERE)
        return;
    fleet->cpus[vm->host] -= vm->cpus;
    fleet->memory[vm->host] -= vm->memory;
}

static void end(struct fleet *fleet, const struct policy *policy, size_t id, const struct vm *vm)
{
    if (vm->host == NOWHERE)
        return;
    if (!policy->choose) {
        place_give(fleet->place, id + 1);
        return;
    }
    fleet->cpus[vm->host] += vm->cpus;
    fleet->memory[vm->host] += vm->memory;
}

struct loss {
    size_t vms;
    uint64_t cpus, memory;
};

static void count(struct loss *loss, const struct vm *vm)
{
    if (vm->host != NOWHERE)
        return;
    loss->vms++;
    loss->cpus += vm->cpus;
    loss->memory += vm->memory;
}

/* What N servers reject; nothing more is looked at once that are MOST VMs. */
static struct loss rejected(const struct sample *sample, const struct policy *policy, size_t n,
                            size_t most)
{
    struct fleet fleet;
    struct loss loss = {0};
    fleet_init(&fleet, sample, n);
    for (guint i = 0; i < sample->events->len && loss.vms < most; i++) {
        const struct event *event = &g_array_index(sample->events, struct event, i);
        struct vm *vm = &g_array_index(sample->vms, struct vm, event->vm);
        if (event->start) {
            start(&fleet, policy, event->vm, vm);
            count(&loss, vm);
        } else {
            end(&fleet, policy, event->vm, vm);
        }
    }
    fleet_clear(&fleet);
    return loss;
}

/* The smallest fleet that rejects nothing; 0: more than TOO_MANY times the bound. */
static size_t smallest(const struct sample *sample, const struct policy *policy)
{
    size_t low = sample->bound - 1, high = sample->bound + sample->bound / 16;
    while (rejected(sample, policy, high, 1).vms > 0) {
        if (high >= TOO_MANY * sample->bound)
            return 0;
        low = high;
        high = MIN(high + (high - sample->bound) * 2, TOO_MANY * sample->bound);
    }
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (rejected(sample, policy, middle, 1).vms > 0)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* --- the figures -------------------------------------------------------------------------- */

static struct sample samples[] = {
    {.file = "bernoulli_0.csv.xz", .cpus = 9600, .memory = 2250},
    {.file = "bernoulli_0.csv.xz", .cpus = 2400, .memory = 768 },
    {.file = "batched_0.csv.xz",   .cpus = 6400, .memory = 3072},
};

#define SAMPLES G_N_ELEMENTS(samples)

static void heading(const struct sample *sample)
{
    printf("%s, servers of %u/%u: %u VMs, %zu larger ones left out, bound %zu\n", sample->file,
           sample->cpus, sample->memory, sample->vms->len, sample->left_out, sample->bound);
    puts("  policy      fleet  over bound   rejected:  VMs     CPUs     memory");
}

static double percent(uint64_t part, uint64_t whole)
{
    return 100.0 * (double)part / (double)whole;
}

static double compaction(const struct sample *sample, const struct policy *policy)
{
    size_t fleet = smallest(sample, policy);
    struct loss lost = rejected(sample, policy, sample->bound, SIZE_MAX);
    double over = fleet ? (double)fleet / (double)sample->bound : INFINITY;
    g_autofree char *size = fleet ? g_strdup_printf("%zu", fleet) : g_strdup("-");
    g_autofree char *ratio =
        fleet ? g_strdup_printf("%.4f", over) : g_strdup_printf("over %d", TOO_MANY);
    printf("  %-10s %6s %11s %8.2f %% %8.2f %% %8.2f %%\n", policy->name, size, ratio,
           percent(lost.vms, sample->vms->len), percent(lost.cpus, sample->all_cpus),
           percent(lost.memory, sample->all_memory));
    fflush(stdout);
    return over;
}

static void judge(const double over[SAMPLES][POLICIES])
{
    double most = 0, gain = -INFINITY;
    for (size_t i = 0; i < SAMPLES; i++) {
        most = MAX(most, over[i][PACK]);
        gain = MAX(gain, over[i][BEST_FIT] - over[i][PACK]);
    }
    bench_aim_most("pack, fleet over bound, the worst of the three", most, 1.04);
    printf("aim: pack better than best fit on at least one: ");
    if (gain > 0)
        printf("met by %.4f of the bound\n", gain);
    else if (gain < 0)
        printf("missed, %.4f worse at best\n", -gain);
    else
        puts("missed, equal at best");
}

int main(int argc, char **argv)
{
    double over[SAMPLES][POLICIES];
    if (argc != 2) {
        fputs("usage: pack_bench DIRECTORY\n", stderr);
        return 1;
    }
    puts("Packing: the smallest fleet that rejects nothing over the volume bound, and what a fleet "
         "of the bound rejects.\n");
    for (size_t i = 0; i < SAMPLES; i++) {
        sample_read(&samples[i], argv[1]);
        heading(&samples[i]);
        for (size_t p = 0; p < POLICIES; p++)
            over[i][p] = compaction(&samples[i], &policies[p]);
        sample_clear(&samples[i]);
    }
    puts("");
    judge(over);
    return 0;
}
