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

/*
 * Writes the keys of a block and returns the best. POLICY and CHECK (signatures: not all of them
 * fit) are constants to the compiler. Masks instead of conditions, because compilers vectorise
 * these at any level of optimisation.
 */
INLINE int32_t block_keys(const struct block *block, const struct gains *gains,
                          const struct signatures *signatures, const struct ask *ask,
                          enum spec_policy policy, bool check, int32_t *restrict keys)
{
    int32_t least = KEY_NONE;
    for (int i = 0; i < BLOCK; i++) {
        int32_t cpus = block->cpus[i] - ask->cpus;
        int32_t memory = block->memory[i] - ask->memory;
        int32_t refused = (cpus | memory) >> 31;
        if (check)
            refused |= lane_misfits(signatures, i, ask);
        float by_cpus = (float)cpus * gains->cpus[i];
        float by_memory = (float)(memory - ask->memory_more) * gains->memory[i];
        int32_t key;
        if (policy == POLICY_PACK) {
            key = float_bits(by_cpus + by_memory);
        } else {
            int32_t scarcer = MIN(float_bits(by_cpus), float_bits(by_memory));
            key = KEY_LAST - (scarcer & INT32_MAX);
        }
        key = (key & ~refused) | (KEY_NONE & refused);
        keys[i] = key;
        least = MIN(least, key);
    }
    return least;
}

/* The first block from I on with a key up to BOUND, or END. */
INLINE size_t next_block(const struct columns *columns, size_t i, size_t end,
                         const struct ask *given, int32_t bound, enum spec_policy policy,
                         int32_t *keys)
{
    const struct gains *gains = columns->gains[policy];
    const struct ask ask = *given; /* a copy that writing keys cannot change */
    for (; i < end; i++) {
        const struct block *block = &columns->blocks[i];
        int32_t least;
        if (!signature_fits(block->any, &ask))
            continue;
        const struct signatures *signatures = &columns->signatures[i];
        if (signature_fits(block->all, &ask))
            least = block_keys(block, &gains[i], signatures, &ask, policy, false, keys);
        else
            least = block_keys(block, &gains[i], signatures, &ask, policy, true, keys);
        if (least <= bound)
            break;
    }
    return i;
}

/* The same code for what every machine of an architecture has, and for what most have. */
#define DEFINE_NEXT(name, policy, attributes)                                                      \
    attributes static size_t name(const struct columns *columns, size_t i, size_t end,             \
                                  const struct ask *ask, int32_t bound, int32_t *keys)             \
    {                                                                                              \
        return next_block(columns, i, end, ask, bound, policy, keys);                              \
    }

DEFINE_NEXT(next_pack, POLICY_PACK, )
DEFINE_NEXT(next_spread, POLICY_SPREAD, )
#ifdef __x86_64__
DEFINE_NEXT(next_pack_avx2, POLICY_PACK, __attribute__((target("avx2"))))
DEFINE_NEXT(next_spread_avx2, POLICY_SPREAD, __attribute__((target("avx2"))))
#endif

keys_fn keys_for(enum spec_policy policy)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        return policy == POLICY_SPREAD ? next_spread_avx2 : next_pack_avx2;
#endif
    return policy == POLICY_SPREAD ? next_spread : next_pack;
}
