/*
 * The trace: renderers of the event stream. Reads events, never touches the core. Each record is
 * one write(2).
 */
#ifndef SEGCAT_TRACE_TRACE_H
#define SEGCAT_TRACE_TRACE_H

#include <stdbool.h>

#include "segcat/tcp/tcb.h"
#include "segcat/trace/relative.h"
#include "segcat/trace/verbose.h"
#include "segcat/wire/icmp.h"
#include "segcat/wire/packet.h"

enum color_mode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct trace_config {
    int fd;      /* where to: usually 2 */
    int verbose; /* 0: errors only, 1: -v, 2: -vv */
    enum color_mode color;
    const char *label; /* written before each line ("client"), or NULL */
};

/* The part all connections of one run share. */
struct trace {
    struct trace_config cfg;
    bool color;
    bool failed;             /* writing failed: silent from then on */
    unsigned long long lost; /* records that found no room and are not yet confessed */
    bool torn;               /* one of them was written in part */
    bool header_done;        /* the -vv column titles were printed (set it to do without them) */
    usec_t origin; /* time zero of the trace: the first event (or what the session has set) */
    bool origin_valid;
};

/* What the trace keeps of one connection: the observer's ctx. */
struct trace_conn {
    struct trace *trace;
    struct endpoint local, remote;
    unsigned tag; /* number shown before each line where several connections are traced; 0: none */
    struct relative snd, rcv; /* relative numbers: our sequence space and the peer's */
    uint32_t cwnd;            /* as the last event had it, */
    uint32_t cwnd_from;       /* and before a reduction that no line has shown yet; 0: none */
    usec_t done_at;           /* both FINs were through, or it ended otherwise; 0: not yet */
    struct verbose verbose;
};

void trace_init(struct trace *t, const struct trace_config *cfg);

void trace_conn_init(struct trace_conn *c, struct trace *t, const struct endpoint *local,
                     const struct endpoint *remote, unsigned tag);

/* The observer (tcp_observer) for a connection: ctx is its struct trace_conn. */
void trace_event(void *ctx, const struct tcp_event *ev);

/*
 * At -v: the sentence about the handshake, once, when it is complete. It comes by itself with the
 * next event; the session calls this to have it right behind nc's own words.
 */
void trace_handshake(struct trace_conn *c, const struct tcb *tcb);

/*
 * A segment that has no connection (sent or received), or that was dropped before the core saw it
 * (bad checksum, unparsable): -vv shows it. verdict words come from packet.h.
 */
void trace_stray(struct trace *t, const struct packet *pkt, bool sent, const char *what,
                 usec_t now);

/*
 * An ICMP error about a connection (or about none: c NULL). acted: what follows from it, a few
 * words.
 */
void trace_icmp(struct trace *t, struct trace_conn *c, const struct icmp_error *e,
                const char *acted, usec_t now);

/*
 * One sentence of -v (level 1) or -vv (level 2), printf-like, without newline; "segcat: " is put
 * before it when `prefix`.
 */
void trace_say(struct trace *t, int level, bool prefix, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A line in the -vv table that is no segment:  "      3.000000  *  text". */
void trace_mark(struct trace_conn *c, usec_t now, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The summary at the end of a connection: one line at -v, the table too at -vv. */
void trace_summary(struct trace_conn *c, const struct tcb *tcb, usec_t now);

#endif
