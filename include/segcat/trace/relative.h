/*
 * Relative sequence numbers: how far a number lies from the initial one, also beyond 4 GiB, where
 * the number itself has come round.
 */
#ifndef SEGCAT_TRACE_RELATIVE_H
#define SEGCAT_TRACE_RELATIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "segcat/tcp/seq.h"

struct relative {
    bool known;  /* the initial number is */
    seq_t first; /* it */
    seq_t near;  /* a number that was lately in use, */
    int64_t at;  /* and its distance from the first */
};

/* The initial number is `first`. Harmless if repeated. */
void relative_start(struct relative *r, seq_t first);

/* Numbers in use are near `seq` now. */
void relative_move(struct relative *r, seq_t seq);

/* The distance of `seq` from the initial number; 0 if that is not known. */
int64_t relative_of(const struct relative *r, seq_t seq);

#endif
