/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast placement is: place_find() and place_take() on half-full hosts, one VM at a time, a
 * random older one given back each time. The yardstick is a bare vectorised scan of 16 bytes a
 * host for the highest score among those with room: what any exact search must at least read.
 *
 *     place_bench [PLACEMENTS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/place/place.h"

#define GIB    ((uint64_t)1 << 30)
#define LABELS 24
#define STEP   64 /* a constant count is what compilers vectorise best */

struct scene {
    const char *name;
    enum spec_policy policy;
    bool label, avoid, service; /* what the wants ask for */
    bool mixed;                 /* hosts of several sizes; else all are the same, and many tie */
};

static const struct scene scenes[] = {
    {"pack",                   POLICY_PACK,   false, false, false, true },
    {"pack, equal hosts",      POLICY_PACK,   false, false, false, false},
    {"pack, label on 1 in 24", POLICY_PACK,   true,  false, false, true },
    {"pack, avoid",            POLICY_PACK,   false, true,  false, true },
    {"pack, service",          POLICY_PACK,   false, false, true,  true },
    {"spread",                 POLICY_SPREAD, false, false, false, true },
    {"spread, equal hosts",    POLICY_SPREAD, false, false, false, false},
};

static char labels[LABELS][16];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void add_host(struct place *place, GRand *rng, uint64_t id, bool mixed)
{
    static const uint32_t cpus[] = {96, 64, 128, 96, 48};
    static const uint64_t memory[] = {384, 256, 1024, 512, 192};
    const char *const some[] = {labels[g_rand_int_range(rng, 0, LABELS)], NULL};
    const char *const types[] = {"kvm", "qemu", NULL};
    const char *const networks[] = {"user", "none", "default", NULL};
    gint32 size = mixed ? g_rand_int_range(rng, 0, G_N_ELEMENTS(cpus)) : 0;
    g_autofree char *name = g_strdup_printf("h%u", (unsigned)id);
    struct place_host host = {.id = id,
                              .name = name,
                              .up = true,
                              .known = true,
                              .cpus = cpus[size],
                              .memory = memory[size] * GIB,
                              .cost = 1,
                              .labels = some,
                              .types = types,
                              .networks = networks};
    place_set_host(place, &host);
}

static struct place_want random_want(GRand *rng, const struct scene *scene)
{
    static const uint64_t per_cpu[] = {2, 4, 8};
    static const char *const networks[] = {"default", NULL};
    static const char *wanted[2];
    uint32_t cpus = 1u << g_rand_int_range(rng, 0, 5);
    wanted[0] = labels[g_rand_int_range(rng, 0, LABELS)];
    return (struct place_want){.cpus = cpus,
                               .memory = cpus * per_cpu[g_rand_int_range(rng, 0, 3)] * GIB,
                               .demand = 1,
                               .policy = scene->policy,
                               .networks = networks,
                               .labels = scene->label ? wanted : NULL,
                               .avoid = scene->avoid ? "db" : NULL,
                               .service = scene->service ? 1 : 0};
}

/* Half of what hosts have is taken, at random: VMs come and go on all of them. */
static uint64_t fill(struct place *place, GRand *rng, uint64_t hosts, const struct scene *scene)
{
    const struct scene plain = {.policy = scene->policy};
    uint64_t vm = 0;
    for (uint64_t id = 1; id <= hosts; id++) {
        struct place_use use = {.cpus_max = 1};
        uint64_t most = 0;
        add_host(place, rng, id, scene->mixed);
        do {
            struct place_want want = random_want(rng, &plain);
            place_take(place, ++vm, id, &want);
            if (!place_use(place, id, &use))
                abort();
            most = use.cpus_max / 4 + use.cpus_max * (id * 2654435761u % 64) / 128;
        } while (use.cpus < most);
    }
    return vm;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* --- the yardstick ------------------------------------------------------------------------ */

struct columns {
    uint32_t *cpus, *memory, *bits;
    int32_t *score; /* a float's bits, so that compilers vectorise the maximum */
};

#ifdef __x86_64__
__attribute__((target("avx2")))
#endif
static int32_t
bare_scan(const struct columns *c, size_t n, uint32_t cpus, uint32_t memory, uint32_t bits)
{
    int32_t best = 0;
    for (size_t first = 0; first < n; first += STEP) {
        const uint32_t *free_cpus = c->cpus + first, *free_memory = c->memory + first;
        const uint32_t *has = c->bits + first;
        const int32_t *score = c->score + first;
        for (int i = 0; i < STEP; i++) {
            int32_t room = (int32_t)(free_cpus[i] - cpus) | (int32_t)(free_memory[i] - memory);
            uint32_t lacks = ~has[i] & bits;
            int32_t refused = (room >> 31) | (int32_t)(lacks | -lacks) >> 31;
            int32_t mine = score[i] & ~refused;
            best = MAX(best, mine);
        }
    }
    return best;
}

static volatile int32_t sink; /* so that no compiler leaves the work out */

static double yardstick(GRand *rng, size_t hosts, int rounds)
{
    size_t n = (hosts + STEP - 1) / STEP * STEP;
    struct columns c = {g_new(uint32_t, n), g_new(uint32_t, n), g_new(uint32_t, n),
                        g_new(int32_t, n)};
    double *times = g_new(double, rounds);
    for (size_t i = 0; i < n; i++) {
        c.cpus[i] = g_rand_int(rng) % 96;
        c.memory[i] = g_rand_int(rng) % (1 << 19);
        c.bits[i] = g_rand_int(rng);
        c.score[i] = (int32_t)(g_rand_int(rng) >> 2);
    }
    for (int i = 0; i < rounds; i++) {
        double start = now();
        sink = bare_scan(&c, n, 8, 1 << 15, 3);
        times[i] = now() - start;
    }
    qsort(times, rounds, sizeof(*times), compare);
    double median = times[rounds / 2];
    g_free(c.cpus);
    g_free(c.memory);
    g_free(c.bits);
    g_free(c.score);
    g_free(times);
    return median;
}

/* --- the measurement ---------------------------------------------------------------------- */

static void measure(const struct scene *scene, uint64_t hosts, int rounds, double bare)
{
    GRand *rng = g_rand_new_with_seed(1);
    struct place *place = place_new();
    uint64_t last = fill(place, rng, hosts, scene);
    double *times = g_new(double, rounds), total = 0;
    int placed = 0;
    for (int i = 0; i < rounds; i++) {
        struct place_want want = random_want(rng, scene);
        struct place_choice choice;
        double start = now();
        if (place_find(place, &want, &choice) == PLACE_FOUND) {
            place_take(place, ++last, choice.host, &want);
            placed++;
        }
        times[i] = now() - start;
        total += times[i];
        place_give(place, 1 + g_rand_int(rng) % last);
    }
    qsort(times, rounds, sizeof(*times), compare);
    printf("%8u hosts  %-24s %9.0f/s  median %8.2f us  p99 %8.2f us  %5.2f x bare  placed %d\n",
           (unsigned)hosts, scene->name, rounds * 1e6 / total, times[rounds / 2],
           times[rounds * 99 / 100], times[rounds / 2] / bare, placed);
    g_free(times);
    place_free(place);
    g_rand_free(rng);
}

int main(int argc, char **argv)
{
    static const uint64_t sizes[] = {1000, 10000, 100000};
    int rounds = argc > 1 ? atoi(argv[1]) : 10000;
    GRand *rng = g_rand_new_with_seed(2);
    for (int i = 0; i < LABELS; i++)
        g_snprintf(labels[i], sizeof(labels[i]), "label%d", i);
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        double bare = yardstick(rng, sizes[i], rounds);
        printf("%8u hosts  bare scan of 16 bytes a host: median %.2f us\n", (unsigned)sizes[i],
               bare);
        for (size_t s = 0; s < G_N_ELEMENTS(scenes); s++)
            measure(&scenes[s], sizes[i], rounds, bare);
    }
    g_rand_free(rng);
    return 0;
}
