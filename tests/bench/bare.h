/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The yardstick: a bare vectorised scan of 16 bytes a host for the highest score among those
 * with room and all the bits that are asked for. Any exact search that looks at every host must
 * read at least this; no bookkeeping, no ties, no answer but the score.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

#define BARE_STEP 64 /* a constant count is what compilers vectorise best */

struct bare {
    size_t n;
    uint32_t *cpus, *memory, *bits;
    int32_t *score; /* a float's bits, so that compilers vectorise the maximum */
};

static inline void bare_init(struct bare *bare, size_t hosts, GRand *rng)
{
    size_t n = (hosts + BARE_STEP - 1) / BARE_STEP * BARE_STEP;
    *bare = (struct bare){
        .n = n,
        .cpus = g_aligned_alloc(n, sizeof(uint32_t), 64),
        .memory = g_aligned_alloc(n, sizeof(uint32_t), 64),
        .bits = g_aligned_alloc(n, sizeof(uint32_t), 64),
        .score = g_aligned_alloc(n, sizeof(int32_t), 64),
    };
    for (size_t i = 0; i < n; i++) {
        bare->cpus[i] = g_rand_int(rng) % 96;
        bare->memory[i] = g_rand_int(rng) % (1 << 19);
        bare->bits[i] = g_rand_int(rng);
        bare->score[i] = (int32_t)(g_rand_int(rng) >> 2);
    }
}

static inline void bare_clear(struct bare *bare)
{
    g_aligned_free(bare->cpus);
    g_aligned_free(bare->memory);
    g_aligned_free(bare->bits);
    g_aligned_free(bare->score);
}

static inline __attribute__((always_inline)) int32_t
bare_loop(const struct bare *bare, uint32_t cpus, uint32_t memory, uint32_t bits)
{
    int32_t best = 0;
    for (size_t first = 0; first < bare->n; first += BARE_STEP) {
        const uint32_t *free_cpus = bare->cpus + first, *free_memory = bare->memory + first;
        const uint32_t *has = bare->bits + first;
        const int32_t *score = bare->score + first;
        for (int i = 0; i < BARE_STEP; i++) {
            int32_t room = (int32_t)(free_cpus[i] - cpus) | (int32_t)(free_memory[i] - memory);
            uint32_t lacks = ~has[i] & bits;
            int32_t refused = (room >> 31) | (int32_t)(lacks | -lacks) >> 31;
            int32_t mine = score[i] & ~refused;
            best = MAX(best, mine);
        }
    }
    return best;
}

static __attribute__((noinline)) int32_t bare_scan_plain(const struct bare *bare, uint32_t cpus,
                                                         uint32_t memory, uint32_t bits)
{
    return bare_loop(bare, cpus, memory, bits);
}

#ifdef __x86_64__
static __attribute__((noinline, target("avx2"))) int32_t
bare_scan_avx2(const struct bare *bare, uint32_t cpus, uint32_t memory, uint32_t bits)
{
    return bare_loop(bare, cpus, memory, bits);
}
#endif

static inline int32_t bare_scan(const struct bare *bare, uint32_t cpus, uint32_t memory,
                                uint32_t bits)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        return bare_scan_avx2(bare, cpus, memory, bits);
#endif
    return bare_scan_plain(bare, cpus, memory, bits);
}
