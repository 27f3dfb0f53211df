/*
 * Congestion control behind a table of functions; the state lives in the tcb. All in bytes. Pure.
 *
 * A new one: a file src/tcp/NAME.c with a congestion_ops, its state in the union below, its name in
 * the table of congestion.c.
 */
#ifndef SEGCAT_TCP_CONGESTION_H
#define SEGCAT_TCP_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

#include "segcat/tcp/hystart.h"
#include "segcat/usec.h"

#define CWND_MAX INT32_MAX /* more than any window of TCP's */

struct reno {
    uint64_t credit; /* bytes acknowledged towards the next increase in congestion avoidance */
};

/* RFC 9438 section 4.1.2, in bytes and microseconds. */
struct cubic {
    bool running;        /* there is an epoch: a stage of congestion avoidance */
    bool full;           /* the last ACK found the window used: it is no larger than it may be */
    usec_t epoch_start;  /* moved on by the time that the user left the window unused */
    usec_t seen_at;      /* up to here the time has been counted or left out */
    usec_t k;            /* from epoch_start until the curve is at w_max */
    uint32_t w_max;      /* where the last congestion was met; 0: not known */
    uint32_t cwnd_prior; /* cwnd at the last reduction */
    uint32_t w_est;      /* what Reno would have */
    uint64_t est_credit; /* what is left of a division: towards w_est, */
    uint64_t credit;     /* and towards cwnd */
};

/* Plain data: a copy of it is all that undoing a reduction needs. */
struct congestion {
    const struct congestion_ops *ops;
    uint32_t mss; /* SMSS of RFC 5681 */
    uint32_t cwnd;
    uint32_t ssthresh;
    struct hystart hystart;
    union {
        struct reno reno;
        struct cubic cubic;
    };
};

/* What an ACK said. */
struct congestion_ack {
    usec_t now;
    uint64_t acked;  /* newly delivered bytes, cumulative and SACKed */
    uint64_t flight; /* bytes in flight before this ACK */
    uint64_t una;    /* stream offsets of SND.UNA and SND.NXT, for rounds */
    uint64_t nxt;
    usec_t rtt; /* sample, 0 if none */
    usec_t srtt;
    bool app_limited;   /* the window was not what held us back */
    bool paced;         /* what this ACK allows does not leave in one burst */
    bool after_timeout; /* what was lost by a timeout is being repaired */
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
    /* Nothing is in flight and something is to be sent; restart: that was so for longer than an RTO
     * (RFC 5681 4.1). May be called again before it is sent. */
    void (*on_start)(struct congestion *c, bool restart, usec_t now);
};

extern const struct congestion_ops congestion_cubic; /* the default */
extern const struct congestion_ops congestion_reno;

/* Starts c with the initial window of RFC 6928 (10 segments) for this mss. */
void congestion_init(struct congestion *c, const struct congestion_ops *ops, uint32_t mss);

/* The algorithm of this name, NULL if there is none. */
const struct congestion_ops *congestion_by_name(const char *name);

/* --- for the algorithms --- */

/* RFC 6928 section 2: min(10*MSS, max(2*MSS, 14600)). */
uint32_t congestion_initial_window(uint32_t mss);

/* cwnd grows, up to CWND_MAX. */
void congestion_grow(struct congestion *c, uint64_t by);

/* Slow start with byte counting and HyStart++, up to ssthresh. Returns the acknowledged bytes that
 * are left over for congestion avoidance. */
uint64_t congestion_slow_start(struct congestion *c, const struct congestion_ack *a);

/* ssthresh for a reduction to num/den of what is in flight; two segments at least. */
uint32_t congestion_reduced(const struct congestion *c, uint64_t flight, uint32_t num,
                            uint32_t den);

/*
 * RFC 5681 4.1, after an idle time: cwnd is the restart window, so that no old window leaves in one
 * burst. ssthresh keeps three quarters of what cwnd was, so that slow start is back there
 * in a few round trips (in the spirit of RFC 7661; RFC 2861 and Linux do the same).
 */
void congestion_restart(struct congestion *c);

#endif
