/*
 * Congestion control behind a table of functions; the state lives in the tcb. All in bytes. Pure.
 */
#ifndef SEGCAT_TCP_CONGESTION_H
#define SEGCAT_TCP_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

#include "segcat/usec.h"

struct congestion {
    const struct congestion_ops *ops;
    uint32_t mss; /* SMSS of RFC 5681 */
    uint32_t cwnd;
    uint32_t ssthresh;
    uint64_t priv[16]; /* the algorithm's own */
};

/* What an ACK said. */
struct congestion_ack {
    usec_t now;
    uint64_t acked;  /* newly delivered bytes, cumulative and SACKed */
    uint64_t flight; /* bytes in flight before this ACK */
    usec_t rtt;      /* sample, 0 if none */
    usec_t srtt;
    bool app_limited; /* the window was not what held us back */
};

struct congestion_ops {
    const char *name;
    void (*init)(struct congestion *c);
    /* Progress outside recovery. */
    void (*on_ack)(struct congestion *c, const struct congestion_ack *a);
    /* Loss found by RACK or duplicate ACKs, once for each recovery: sets ssthresh, the target, and
     * leaves cwnd alone. What holds during the recovery is prr.c's; at its end cwnd = ssthresh,
     * then on_recovered is called. */
    void (*on_loss)(struct congestion *c, uint64_t flight, usec_t now);
    /* Retransmission timeout, at the first of a series: sets ssthresh and cwnd; on_ack makes it
     * grow again at once. */
    void (*on_rto)(struct congestion *c, uint64_t flight, usec_t now);
    /* The recovery is over (fast or by timeout); cwnd is what it shall be. */
    void (*on_recovered)(struct congestion *c, usec_t now);
    /* The connection was idle for longer than an RTO (RFC 5681 4.1). */
    void (*on_idle)(struct congestion *c);
};

extern const struct congestion_ops congestion_reno;

/* Starts c with the initial window of RFC 6928 (10 segments) for this mss. */
void congestion_init(struct congestion *c, const struct congestion_ops *ops, uint32_t mss);

/* The algorithm of this name, NULL if there is none. */
const struct congestion_ops *congestion_by_name(const char *name);

#endif
