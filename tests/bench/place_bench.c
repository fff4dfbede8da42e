/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast placement is: place_find() and place_take() on half-full hosts, one VM at a time, a
 * random older one given back each time. Beside each case is the machine's own limit, the bare
 * scan of bare.h. Both run on one CPU in turns, a slice of placements after a few scans, so that
 * a busy machine disturbs both; a ratio is the median of the slices' ratios.
 *
 *     place_bench [PLACEMENTS]
 */
#include <string.h>

#include "core/place/place.h"
#include "tests/bench/bare.h"
#include "tests/bench/bench.h"

#define GIB    ((uint64_t)1 << 30)
#define LABELS 24
#define ZONES  3
#define SLICE  100 /* placements; one service's replicas */
#define SCANS  20  /* of the yardstick, in between */

struct scene {
    const char *name;
    enum spec_policy policy;
    bool place_words, avoid, service; /* what the wants ask for */
    bool mixed; /* hosts of several sizes; else all are the same, and many tie */
};

/* The first is the plain one that the others are compared with. */
static const struct scene scenes[] = {
    {"plain",               POLICY_PACK,   false, false, false, true },
    {"label and zone",      POLICY_PACK,   true,  false, false, true },
    {"anti-affinity",       POLICY_PACK,   false, true,  false, true },
    {"service of 100",      POLICY_PACK,   false, false, true,  true },
    {"equal hosts",         POLICY_PACK,   false, false, false, false},
    {"spread",              POLICY_SPREAD, false, false, false, true },
    {"spread, equal hosts", POLICY_SPREAD, false, false, false, false},
};

static const uint64_t sizes[] = {1000, 10000, 100000};
static char labels[LABELS][16], zones[ZONES][16];

struct figures {
    double rate, median, p99, bare; /* placements a second, microseconds */
    double ratio, mean_ratio;       /* of a placement's median and mean to a bare scan */
};

struct run {
    const struct scene *scene;
    struct place *place;
    GRand *rng;
    GArray *vms; /* those that may be given back */
    uint64_t last, service;
    struct bare bare;
    size_t rounds, placed;
    double *times; /* of each placement */
};

/* --- the scene ---------------------------------------------------------------------------- */

/* Labels and zones in random order: nothing keeps those of a kind together. */
static void add_host(struct run *run, uint64_t id)
{
    static const uint32_t cpus[] = {96, 64, 128, 96, 48};
    static const uint64_t memory[] = {384, 256, 1024, 512, 192};
    const char *const some[] = {labels[g_rand_int_range(run->rng, 0, LABELS)], NULL};
    const char *const types[] = {"kvm", "qemu", NULL};
    const char *const networks[] = {"user", "none", "default", NULL};
    gint32 size = run->scene->mixed ? g_rand_int_range(run->rng, 0, G_N_ELEMENTS(cpus)) : 0;
    g_autofree char *name = g_strdup_printf("h%u", (unsigned)id);
    struct place_host host = {.id = id,
                              .name = name,
                              .up = true,
                              .known = true,
                              .cpus = cpus[size],
                              .memory = memory[size] * GIB,
                              .cost = 1,
                              .zone = zones[g_rand_int_range(run->rng, 0, ZONES)],
                              .labels = some,
                              .types = types,
                              .networks = networks};
    place_set_host(run->place, &host);
}

static struct place_want some_want(GRand *rng, const struct scene *scene)
{
    static const uint64_t per_cpu[] = {2, 4, 8};
    static const char *const networks[] = {"default", NULL};
    uint32_t cpus = 1u << g_rand_int_range(rng, 0, 5);
    return (struct place_want){.cpus = cpus,
                               .memory = cpus * per_cpu[g_rand_int_range(rng, 0, 3)] * GIB,
                               .demand = 1,
                               .policy = scene->policy,
                               .networks = networks};
}

static struct place_want next_want(struct run *run)
{
    static const char *words[2];
    const struct scene *scene = run->scene;
    struct place_want want = some_want(run->rng, scene);
    if (scene->place_words) {
        words[0] = labels[g_rand_int_range(run->rng, 0, LABELS)];
        want.labels = words;
        want.zone = zones[g_rand_int_range(run->rng, 0, ZONES)];
    }
    want.avoid = scene->avoid ? "db" : NULL;
    want.service = scene->service ? run->service : 0;
    want.spread = scene->service ? SPREAD_HOST : SPREAD_NONE;
    return want;
}

/* Fills a host to between a quarter and three. */
static void fill_host(struct run *run, uint64_t id)
{
    bool member = run->scene->avoid && id % 10 == 0;
    struct place_use use = {.cpus_max = 1};
    uint64_t most = 0;
    do {
        struct place_want want = some_want(run->rng, run->scene);
        want.avoid = member ? "db" : NULL;
        place_take(run->place, ++run->last, id, &want);
        if (member || !run->scene->avoid)
            g_array_append_val(run->vms, run->last);
        member = false;
        if (!place_use(run->place, id, &use))
            abort();
        most = use.cpus_max / 4 + use.cpus_max * (id * 2654435761u % 64) / 128;
    } while (use.cpus < most);
}

/*
 * Half of what the hosts have is taken, and stays so. With anti-affinity one group holds a tenth
 * of the hosts, and its members come and go; else all VMs do.
 */
static void run_init(struct run *run, const struct scene *scene, uint64_t hosts, size_t rounds)
{
    *run = (struct run){.scene = scene,
                        .place = place_new(),
                        .rng = g_rand_new_with_seed(1),
                        .vms = g_array_new(FALSE, FALSE, sizeof(uint64_t)),
                        .rounds = rounds,
                        .times = g_new0(double, rounds)};
    bare_init(&run->bare, hosts, run->rng);
    for (uint64_t id = 1; id <= hosts; id++) {
        add_host(run, id);
        fill_host(run, id);
    }
}

static void run_clear(struct run *run)
{
    bare_clear(&run->bare);
    place_free(run->place);
    g_rand_free(run->rng);
    g_array_unref(run->vms);
    g_free(run->times);
}

/* --- the measurement ---------------------------------------------------------------------- */

static volatile int32_t sink; /* so that no compiler leaves the work out */

/* The time of one scan, without the clock's own. */
static double time_bare(const struct bare *bare)
{
    double start = bench_now();
    for (uint32_t i = 0; i < SCANS; i++)
        sink = bare_scan(bare, 8 + i % 4, 1 << 15, 3);
    return (bench_now() - start) / SCANS;
}

static void give_some_back(struct run *run)
{
    guint at = (guint)g_rand_int_range(run->rng, 0, (gint32)run->vms->len);
    place_give(run->place, g_array_index(run->vms, uint64_t, at));
    g_array_remove_index_fast(run->vms, at);
}

static double time_placement(struct run *run)
{
    struct place_want want = next_want(run);
    struct place_choice choice;
    uint64_t vm = run->last + 1;
    double start = bench_now();
    bool found = place_find(run->place, &want, &choice) == PLACE_FOUND;
    if (found)
        place_take(run->place, vm, choice.host, &want);
    double time = bench_now() - start;
    if (found) {
        run->last = vm;
        run->placed++;
        g_array_append_val(run->vms, vm);
        give_some_back(run);
    }
    return time;
}

static struct figures measure(struct run *run)
{
    size_t slices = run->rounds / SLICE;
    g_autofree double *bares = g_new(double, slices), *ratios = g_new(double, slices);
    g_autofree double *means = g_new(double, slices), *mean_ratios = g_new(double, slices);
    double slice[SLICE];
    for (size_t s = 0; s < slices; s++) {
        double sum = 0;
        run->service = s + 1;
        bares[s] = time_bare(&run->bare);
        for (int i = 0; i < SLICE; i++) {
            slice[i] = run->times[s * SLICE + i] = time_placement(run);
            sum += slice[i];
        }
        means[s] = sum / SLICE;
        mean_ratios[s] = means[s] / bares[s];
        ratios[s] = bench_quantile(slice, SLICE, 0.5) / bares[s];
    }
    return (struct figures){.rate = 1e6 / bench_quantile(means, slices, 0.5),
                            .median = bench_quantile(run->times, run->rounds, 0.5),
                            .p99 = bench_quantile(run->times, run->rounds, 0.99),
                            .bare = bench_quantile(bares, slices, 0.5),
                            .ratio = bench_quantile(ratios, slices, 0.5),
                            .mean_ratio = bench_quantile(mean_ratios, slices, 0.5)};
}

static struct figures bench(const struct scene *scene, uint64_t hosts, size_t rounds)
{
    struct run run;
    run_init(&run, scene, hosts, rounds);
    struct figures figures = measure(&run);
    printf("%7u  %-20s %9.0f %9.2f %9.2f %9.2f %6.2f %7.1f %%\n", (unsigned)hosts, scene->name,
           figures.rate, figures.median, figures.p99, figures.bare, figures.ratio,
           100.0 * (double)run.placed / (double)rounds);
    run_clear(&run);
    return figures;
}

/* --- the aims ----------------------------------------------------------------------------- */

#define SCENES G_N_ELEMENTS(scenes)
#define SIZES  G_N_ELEMENTS(sizes)

/* How many times the rate of the slowest case the plain one has, both in bare scans. */
static double slowest(const struct figures *of, const char **name)
{
    double most = 0;
    for (size_t s = 1; s < SCENES; s++) {
        double times = of[s].mean_ratio / of[0].mean_ratio;
        if (times > most) {
            most = times;
            *name = scenes[s].name;
        }
    }
    return most;
}

static void judge(struct figures all[SIZES][SCENES])
{
    bench_aim_most("plain, in bare scans, 10000 hosts", all[1][0].ratio, 2);
    bench_aim_least("plain, placements a second, 10000 hosts", all[1][0].rate, 100000);
    for (size_t i = 0; i < SIZES; i++) {
        const char *name = "";
        double times = slowest(all[i], &name);
        g_autofree char *what =
            g_strdup_printf("slowest case (%s) in plain ones, %u hosts", name, (unsigned)sizes[i]);
        bench_aim_most(what, times, 3);
    }
    bench_aim_most("plain, time at 100000 hosts over that at 10000",
                   all[2][0].median / all[1][0].median, 10);
    printf("     (the bare scan's own: %.2f)\n", all[2][0].bare / all[1][0].bare);
}

int main(int argc, char **argv)
{
    struct figures all[SIZES][SCENES];
    int rounds = argc > 1 ? atoi(argv[1]) : 10000;
    if (rounds < SLICE) {
        fprintf(stderr, "usage: place_bench [PLACEMENTS], at least %d\n", SLICE);
        return 1;
    }
    bench_pin();
    for (int i = 0; i < LABELS; i++)
        g_snprintf(labels[i], sizeof(labels[i]), "label%d", i);
    for (int i = 0; i < ZONES; i++)
        g_snprintf(zones[i], sizeof(zones[i]), "zone%d", i);
    puts("Placement: find and take on half-full hosts; `bare` is a scan of 16 bytes a host.\n");
    puts("  hosts  case                  placed/s median us    p99 us   bare us x bare   placed");
    for (size_t i = 0; i < SIZES; i++) {
        for (size_t s = 0; s < SCENES; s++)
            all[i][s] = bench(&scenes[s], sizes[i], (size_t)rounds / SLICE * SLICE);
    }
    puts("");
    judge(all);
    return 0;
}
