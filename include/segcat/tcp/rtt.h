/*
 * Round-trip times and the retransmission timeout: RFC 6298, with the kernel's floor of 200 ms.
 * Pure.
 */
#ifndef SEGCAT_TCP_RTT_H
#define SEGCAT_TCP_RTT_H

#include <stdbool.h>

#include "segcat/usec.h"

#define RTO_INITIAL (1 * USEC_SEC)  /* RFC 6298 2.1 */
#define RTO_MIN     (200 * USEC_MS) /* below RFC 6298's SHOULD of 1 s: as every kernel of today */
#define RTO_MAX     (60 * USEC_SEC) /* RFC 6298 2.5: at least 60 s */

struct rtt {
    bool valid; /* there was a sample */
    usec_t latest;
    usec_t srtt;
    usec_t rttvar;
    usec_t min;
    usec_t max;
    uint64_t sum; /* of all samples, for the average */
    uint64_t count;
    usec_t rto; /* without backoff */
    unsigned backoff;
};

void rtt_init(struct rtt *r);

/* A sample, never of a retransmitted segment unless timestamps make it unambiguous (Karn). Ends
 * the backoff. */
void rtt_sample(struct rtt *r, usec_t sample);

/* A timeout was needless, for this sample has come after it; what was believed before is given.
 * RFC 4015 section 4 step 8. */
void rtt_after_spurious(struct rtt *r, usec_t srtt_before, usec_t rttvar_before, usec_t sample);

/* The timeout as it is now: rto * 2^backoff, at most RTO_MAX. */
usec_t rtt_timeout(const struct rtt *r);

/* RFC 6298 5.5: the timer ran out. */
void rtt_back_off(struct rtt *r);

#endif
