/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys of rows: the inner loop of placement. Plain C in the form that compilers turn into vector
 * code: constant counts, masks in place of branches, nothing that could alias. scan.c says what
 * a key is.
 */
#include "core/place/internal.h"

#define INLINE static inline __attribute__((always_inline))

/* All ones where BITS differ from 0. */
INLINE int32_t mask_nonzero(uint32_t bits)
{
    return (int32_t)(bits | -bits) >> 31;
}

INLINE int32_t not_below_0(int32_t amount)
{
    return amount & ~(amount >> 31);
}

/* All ones where lane I's signature does not fit; in halves, as wide as the other columns. */
INLINE int32_t lane_misfits(const struct lanes *lanes, int i, const struct ask *ask)
{
    uint32_t low = lanes->low[i], high = lanes->high[i];
    uint32_t lacks = (~low & (uint32_t)ask->need) | (~high & (uint32_t)(ask->need >> 32));
    uint32_t type = (low & (uint32_t)ask->types) | (high & (uint32_t)(ask->types >> 32));
    uint32_t zone = (low & (uint32_t)ask->zones) | (high & (uint32_t)(ask->zones >> 32));
    return mask_nonzero(lacks) | ~mask_nonzero(type) | ~mask_nonzero(zone);
}

/*
 * The key of lane I, for a row of which CPUS and MEMORY are free at least, which differs from what
 * LANES say in summaries only. POLICY is a constant to the compiler. Each step is such that less
 * free, or a lower gain, to pack, or more to spread, never makes a key worse, roundings included:
 * a summary's key is never above that of a row.
 */
INLINE int32_t lane_key(const struct lanes *lanes, const int32_t *cpus, const int32_t *memory,
                        const struct ask *ask, int i, enum spec_policy policy)
{
    const struct gains *gains = &lanes->gains[policy];
    int32_t refused = (lanes->cpus[i] - ask->cpus) | (lanes->memory[i] - ask->memory);
    int32_t key;
    refused = refused >> 31 | lane_misfits(lanes, i, ask);
    if (policy == POLICY_PACK) {
        float by_cpus = (float)not_below_0(cpus[i] - ask->cpus) * gains->cpus[i];
        int32_t left = not_below_0(memory[i] - ask->memory) - ask->memory_more;
        float by_memory = (float)not_below_0(left) * gains->memory[i];
        key = float_bits(by_cpus + by_memory);
    } else {
        float by_cpus = (float)(lanes->cpus[i] - ask->cpus) * gains->cpus[i];
        int32_t left = lanes->memory[i] - ask->memory - ask->memory_more;
        float by_memory = (float)left * gains->memory[i];
        int32_t scarcer = MIN(float_bits(by_cpus), float_bits(by_memory));
        key = KEY_LAST - (scarcer & INT32_MAX);
    }
    return (key & ~refused) | (KEY_NONE & refused);
}

INLINE int32_t keys_of_summaries(const struct summaries *summaries, const struct ask *given,
                                 enum spec_policy policy, int32_t *restrict keys)
{
    const struct ask ask = *given; /* a copy that writing cannot change */
    int32_t least = KEY_NONE;
    for (int i = 0; i < BLOCK; i++) {
        keys[i] = lane_key(&summaries->most, summaries->cpus_least, summaries->memory_least, &ask,
                           i, policy);
        least = MIN(least, keys[i]);
    }
    return least;
}

INLINE int32_t keys_of_rows(const struct lanes *rows, const struct ask *given,
                            enum spec_policy policy, int32_t *restrict keys)
{
    const struct ask ask = *given;
    int32_t least = KEY_NONE;
    for (int i = 0; i < BLOCK; i++) {
        keys[i] = lane_key(rows, rows->cpus, rows->memory, &ask, i, policy);
        least = MIN(least, keys[i]);
    }
    return least;
}

INLINE int32_t least_of(const int32_t *keys)
{
    int32_t least = KEY_NONE;
    for (int i = 0; i < BLOCK; i++)
        least = MIN(least, keys[i]);
    return least;
}

/* The same code for what every machine of an architecture has, and for what most have. */
#define DEFINE_KEYS(name, policy, attributes)                                                      \
    attributes static int32_t name##_of_summaries(const struct summaries *summaries,               \
                                                  const struct ask *ask, int32_t *keys)            \
    {                                                                                              \
        return keys_of_summaries(summaries, ask, policy, keys);                                    \
    }                                                                                              \
    attributes static int32_t name##_of_rows(const struct lanes *rows, const struct ask *ask,      \
                                             int32_t *keys)                                        \
    {                                                                                              \
        return keys_of_rows(rows, ask, policy, keys);                                              \
    }                                                                                              \
    attributes static int32_t name##_least(const int32_t *keys)                                    \
    {                                                                                              \
        return least_of(keys);                                                                     \
    }                                                                                              \
    static const struct keys name = {name##_of_summaries, name##_of_rows, name##_least};

DEFINE_KEYS(pack, POLICY_PACK, )
DEFINE_KEYS(spread, POLICY_SPREAD, )
#ifdef __x86_64__
DEFINE_KEYS(pack_avx2, POLICY_PACK, __attribute__((target("avx2"))))
DEFINE_KEYS(spread_avx2, POLICY_SPREAD, __attribute__((target("avx2"))))
#endif

const struct keys *keys_for(enum spec_policy policy)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        return policy == POLICY_SPREAD ? &spread_avx2 : &pack_avx2;
#endif
    return policy == POLICY_SPREAD ? &spread : &pack;
}
