/*
 * -v: what happened, in sentences. Says what matters once: a burst of losses, a slow reader or a
 * hail of bad segments makes one sentence now and then, never one for each segment.
 */
#ifndef SEGCAT_TRACE_VERBOSE_H
#define SEGCAT_TRACE_VERBOSE_H

#include <stdbool.h>
#include <stdint.h>

#include "segcat/usec.h"

struct tcb;
struct tcp_event;
struct trace_conn;

/*
 * Something that may come often: at most one sentence a second, which counts the ones that were
 * not said.
 */
struct seldom {
    bool ever;
    usec_t last;
    uint64_t kept; /* not said since */
};

/* A window that is zero: the peer's or ours. */
struct stall {
    bool zero;
    bool told;
    usec_t since;
    struct seldom seldom;
};

/* What -v remembers of a connection. */
struct verbose {
    bool shaken;       /* the handshake is complete, */
    bool shaken_told;  /* and said to be */
    uint64_t rto_told; /* tcb_stats.rto_count when a timeout was last looked at */
    struct seldom rto;
    bool repairing; /* a fast recovery is on */
    usec_t repair_began;
    uint64_t repairs, resent, resent_bytes; /* since the last sentence about them */
    struct seldom repair;
    struct stall peer, ours;
    struct seldom ecn;
    struct seldom undone;
    struct seldom urgent;
    struct seldom drops, icmp;
};

void verbose_event(struct trace_conn *c, const struct tcp_event *ev);
void verbose_handshake(struct trace_conn *c, const struct tcb *tcb);

/* Says what was held back for the sake of brevity: the connection is over. */
void verbose_flush(struct trace_conn *c);

/* A sentence at -v about this connection, "segcat: " before it. */
void verbose_say(struct trace_conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* True if now is the time to say it; counts it if not. */
bool seldom_due(struct seldom *s, usec_t now);

#endif
