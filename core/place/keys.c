/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys of rows: the inner loop of placement. Plain C in the form that compilers turn into vector
 * code: constant counts, masks in place of branches, nothing that could alias. scan.c says what
 * a key is.
 */
#include "core/place/internal.h"

#define INLINE static inline __attribute__((always_inline))

INLINE bool signature_fits(uint64_t signature, const struct ask *ask)
{
    return (signature & ask->need) == ask->need && (signature & ask->types) &&
           (signature & ask->zones);
}

/* All ones where BITS differ from 0. */
INLINE int32_t mask_nonzero(uint32_t bits)
{
    return (int32_t)(bits | -bits) >> 31;
}

/* All ones where lane I's signature does not fit; in halves, as wide as the other columns. */
INLINE int32_t lane_misfits(const struct signatures *signatures, int i, const struct ask *ask)
{
    uint32_t low = signatures->low[i], high = signatures->high[i];
    uint32_t lacks = (~low & (uint32_t)ask->need) | (~high & (uint32_t)(ask->need >> 32));
    uint32_t type = (low & (uint32_t)ask->types) | (high & (uint32_t)(ask->types >> 32));
    uint32_t zone = (low & (uint32_t)ask->zones) | (high & (uint32_t)(ask->zones >> 32));
    return mask_nonzero(lacks) | ~mask_nonzero(type) | ~mask_nonzero(zone);
}

/* All ones where bit I of ROWS is set. */
INLINE int32_t lane_of(uint64_t rows, int i)
{
    uint32_t half = i < 32 ? (uint32_t)rows : (uint32_t)(rows >> 32);
    return (int32_t) - (half >> i % 32 & 1);
}

/*
 * The key of lane I. POLICY, CHECK (signatures: not all of them fit) and MASK (some rows are
 * refused) are constants to the compiler. Masks instead of conditions, because compilers vectorise
 * these at any level of optimisation.
 */
INLINE int32_t lane_key(const struct block *block, const struct gains *gains,
                        const struct signatures *signatures, const struct ask *ask,
                        uint64_t refused_rows, int i, enum spec_policy policy, bool check,
                        bool mask)
{
    int32_t cpus = block->cpus[i] - ask->cpus;
    int32_t memory = block->memory[i] - ask->memory;
    int32_t refused = (cpus | memory) >> 31;
    if (check)
        refused |= lane_misfits(signatures, i, ask);
    if (mask)
        refused |= lane_of(refused_rows, i);
    float by_cpus = (float)cpus * gains->cpus[i];
    float by_memory = (float)(memory - ask->memory_more) * gains->memory[i];
    int32_t key;
    if (policy == POLICY_PACK) {
        key = float_bits(by_cpus + by_memory);
    } else {
        int32_t scarcer = MIN(float_bits(by_cpus), float_bits(by_memory));
        key = KEY_LAST - (scarcer & INT32_MAX);
    }
    return (key & ~refused) | (KEY_NONE & refused);
}

INLINE int32_t block_least(const struct block *block, const struct gains *gains,
                           const struct signatures *signatures, const struct ask *ask,
                           uint64_t refused, enum spec_policy policy, bool check, bool mask)
{
    int32_t least = KEY_NONE;
    for (int i = 0; i < BLOCK / 2; i++) {
        int32_t key = lane_key(block, gains, signatures, ask, refused, i, policy, check, mask);
        least = MIN(least, key);
    }
    for (int i = BLOCK / 2; i < BLOCK; i++) {
        int32_t key = lane_key(block, gains, signatures, ask, refused, i, policy, check, mask);
        least = MIN(least, key);
    }
    return least;
}

INLINE int32_t least_of(const struct columns *columns, size_t first, size_t end,
                        const struct ask *given, const uint64_t *refused, enum spec_policy policy,
                        int32_t *leasts)
{
    const struct ask ask = *given; /* a copy that writing cannot change */
    int32_t least = KEY_NONE;
    for (size_t i = first; i < end; i++) {
        const struct block *block = &columns->blocks[i];
        const struct gains *gains = &columns->gains[policy][i];
        const struct signatures *signatures = &columns->signatures[i];
        uint64_t rows = refused ? refused[i - first] : 0;
        int32_t mine = KEY_NONE;
        if (!signature_fits(block->any, &ask))
            mine = KEY_NONE;
        else if (!signature_fits(block->all, &ask))
            mine = block_least(block, gains, signatures, &ask, rows, policy, true, true);
        else if (rows)
            mine = block_least(block, gains, signatures, &ask, rows, policy, false, true);
        else
            mine = block_least(block, gains, signatures, &ask, 0, policy, false, false);
        leasts[i - first] = mine;
        least = MIN(least, mine);
    }
    return least;
}

INLINE void keys_of_block(const struct columns *columns, size_t i, const struct ask *ask,
                          uint64_t refused, enum spec_policy policy, int32_t *restrict keys)
{
    for (int lane = 0; lane < BLOCK; lane++)
        keys[lane] = lane_key(&columns->blocks[i], &columns->gains[policy][i],
                              &columns->signatures[i], ask, refused, lane, policy, true, true);
}

/* The same code for what every machine of an architecture has, and for what most have. */
#define DEFINE_KEYS(name, policy, attributes)                                                      \
    attributes static int32_t name##_least(const struct columns *columns, size_t first,            \
                                           size_t end, const struct ask *ask,                      \
                                           const uint64_t *refused, int32_t *leasts)               \
    {                                                                                              \
        return least_of(columns, first, end, ask, refused, policy, leasts);                        \
    }                                                                                              \
    attributes static void name##_of_block(const struct columns *columns, size_t block,            \
                                           const struct ask *ask, uint64_t refused, int32_t *keys) \
    {                                                                                              \
        keys_of_block(columns, block, ask, refused, policy, keys);                                 \
    }                                                                                              \
    static const struct keys name = {name##_least, name##_of_block};

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
