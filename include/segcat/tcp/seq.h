/*
 * Sequence numbers, compared modulo 2^32 (RFC 9293 section 3.4). The only place where they are.
 * Pure.
 */
#ifndef SEGCAT_TCP_SEQ_H
#define SEGCAT_TCP_SEQ_H

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t seq_t;

/* b - a as a signed distance: how far b lies ahead of a. */
static inline int32_t seq_diff(seq_t b, seq_t a)
{
    return (int32_t)(b - a);
}

static inline bool seq_lt(seq_t a, seq_t b)
{
    return seq_diff(a, b) < 0;
}

static inline bool seq_le(seq_t a, seq_t b)
{
    return seq_diff(a, b) <= 0;
}

static inline bool seq_gt(seq_t a, seq_t b)
{
    return seq_diff(a, b) > 0;
}

static inline bool seq_ge(seq_t a, seq_t b)
{
    return seq_diff(a, b) >= 0;
}

static inline seq_t seq_max(seq_t a, seq_t b)
{
    return seq_lt(a, b) ? b : a;
}

static inline seq_t seq_min(seq_t a, seq_t b)
{
    return seq_lt(a, b) ? a : b;
}

/* a <= x < a + len, for len up to 2^31. */
static inline bool seq_in(seq_t x, seq_t a, uint32_t len)
{
    return x - a < len;
}

#endif
