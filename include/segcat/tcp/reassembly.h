/*
 * Reassembly: which stretches beyond RCV.NXT have arrived, as sorted intervals of stream offsets
 * with a hard cap. The bytes themselves lie in the receive ring at their place. Pure.
 */
#ifndef SEGCAT_TCP_REASSEMBLY_H
#define SEGCAT_TCP_REASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct interval {
    uint64_t left;
    uint64_t right;
    uint64_t touched; /* order of arrival: SACK tells the latest first (RFC 2018 4) */
};

struct reassembly {
    struct interval *mem;
    size_t max;
    size_t count;
    uint64_t clock;
};

void reassembly_init(struct reassembly *r, struct interval *mem, size_t max);

/*
 * Notes [left, right). Returns false if it neither touches what is there nor has room. *fresh
 * counts the bytes that were not there before.
 */
bool reassembly_add(struct reassembly *r, uint64_t left, uint64_t right, uint64_t *fresh);

/* The bytes up to `next` have arrived in order: takes away what is covered and returns the new
 * in-order end (next, or the right edge of the interval that it reaches). */
uint64_t reassembly_advance(struct reassembly *r, uint64_t next);

/* The intervals, most recently touched first, at most max of them. */
size_t reassembly_recent(const struct reassembly *r, struct interval *out, size_t max);

#endif
