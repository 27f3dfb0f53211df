/*
 * Pacing: what the congestion window allows leaves in pieces, spread over the round trip. Pure.
 */
#ifndef SEGCAT_TCP_PACING_H
#define SEGCAT_TCP_PACING_H

#include <stdbool.h>
#include <stdint.h>

#include "segcat/usec.h"

struct pacing {
    usec_t next_at; /* when what has been sent has left at the pacing rate */
    uint64_t left;  /* of the piece that is on its way out: bytes that need not wait */
};

/* How much of the congestion window was in use: it grows only if it was what held us back. */
struct cwnd_use {
    bool limited;      /* in this round or the last it was */
    bool limited_now;  /* in this round */
    uint64_t flight;   /* the most in flight in this round or the last, */
    uint64_t most_now; /* and in this one */
    uint64_t end;      /* the round is over when this stream offset is acknowledged */
};

#endif
