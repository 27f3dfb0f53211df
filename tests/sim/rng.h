/*
 * Random numbers for the simulator: xoshiro256** seeded by splitmix64. The same seed gives the same
 * run on every machine.
 */
#ifndef SEGCAT_SIM_RNG_H
#define SEGCAT_SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
    uint64_t s[4];
};

/* One step of splitmix64: spreads a small number over all bits. */
static inline uint64_t rng_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

static inline void rng_seed(struct rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed = rng_mix(seed);
        r->s[i] = seed;
    }
}

static inline uint64_t rng_rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

static inline uint64_t rng_next(struct rng *r)
{
    const uint64_t result = rng_rotl(r->s[1] * 5, 7) * 9;
    const uint64_t t = r->s[1] << 17;

    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = rng_rotl(r->s[3], 45);
    return result;
}

/* 0 <= x < n; 0 for n == 0. The bias of the modulo does not matter here. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
    return n == 0 ? 0 : rng_next(r) % n;
}

/* lo <= x <= hi, each equally likely. */
static inline uint64_t rng_range(struct rng *r, uint64_t lo, uint64_t hi)
{
    return lo + rng_below(r, hi - lo + 1);
}

/* lo <= x <= hi, each power of two equally likely: for sizes, delays and rates. lo > 0. */
static inline uint64_t rng_log_range(struct rng *r, uint64_t lo, uint64_t hi)
{
    unsigned doublings = 0;

    while (doublings < 62 && lo << (doublings + 1) <= hi) {
        doublings++;
    }
    const uint64_t from = lo << rng_below(r, doublings + 1);
    const uint64_t to = from * 2 - 1 < hi ? from * 2 - 1 : hi;

    return rng_range(r, from, to);
}

/* True once in `n` (0: never). */
static inline bool rng_one_in(struct rng *r, uint64_t n)
{
    return n != 0 && rng_below(r, n) == 0;
}

static inline bool rng_half(struct rng *r)
{
    return rng_one_in(r, 2);
}

/* True with a probability of ppm millionths. */
static inline bool rng_ppm(struct rng *r, uint32_t ppm)
{
    return ppm != 0 && rng_below(r, 1000000) < ppm;
}

#endif
