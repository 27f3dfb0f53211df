/*
 * The simulator: two of our TCPs over a simulated link, in one process, in virtual time, from one
 * seed. After every event the invariants of sim_invariant are checked; the first that does not hold
 * ends the run.
 *
 * sim.c has the ends and the loop, link.c the link, invariants.c the checks, print.c the text.
 */
#ifndef SEGCAT_SIM_SIM_H
#define SEGCAT_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rng.h"
#include "segcat/tcp/tcb.h"
#include "segcat/trace/trace.h"
#include "segcat/wire/packet.h"

/* ---- what a run is made of */

/* What may be done to one chosen segment. */
enum sim_fate { FATE_PASS, FATE_DROP, FATE_DUPLICATE, FATE_DELAY, FATE_CORRUPT };

struct sim_pick {
    enum sim_fate fate;
    unsigned nth; /* of this direction, from 1 */
    usec_t by;    /* FATE_DELAY */
};

#define SIM_PICKS 2

/* One direction of the link. Probabilities in millionths. */
struct sim_link_params {
    usec_t delay;
    usec_t jitter;  /* keeps the order */
    uint64_t rate;  /* bytes a second; 0: no limit */
    uint64_t queue; /* bytes that may wait; 0: no limit */
    uint32_t loss;
    uint32_t burst;     /* a burst of losses begins */
    uint32_t burst_len; /* mean length, packets */
    uint32_t duplicate;
    uint32_t reorder; /* held back by up to reorder_by, overtaken by what follows */
    usec_t reorder_by;
    uint32_t corrupt;
    uint32_t mtu;      /* larger packets are answered by ICMP "too big"; 0: as the sender's */
    usec_t mtu_from;   /* from then on only, */
    bool black_hole;   /* or by nothing */
    uint64_t mark;     /* ECT packets behind so many bytes get a CE mark; 0: never */
    uint32_t mark_any; /* and so many others */
    bool whole_chunks; /* a GSO chunk arrives as one segment, as on loopback */
    struct sim_pick pick[SIM_PICKS];
};

enum sim_close {
    CLOSE_WHEN_WRITTEN, /* FIN behind the last byte */
    CLOSE_AFTER_PEER,   /* when the peer's FIN has come and all is read and written */
    CLOSE_AT,           /* at a time of its own, not before all is written */
};

/* The program behind one end. */
struct sim_app {
    uint64_t bytes;       /* to be written */
    uint64_t burst;       /* so many at once, */
    usec_t think;         /* then a pause; burst 0: as fast as they go */
    bool lockstep;        /* one burst for each burst of the peer's */
    bool first;           /* lockstep: begins */
    usec_t start;         /* nothing is written before */
    uint64_t chunk;       /* read at most so much at once; 0: all */
    usec_t read_every;    /* and not more often than this */
    uint64_t stall_after; /* stops reading after so many bytes */
    usec_t stall_for;     /* for so long; 0: never stops */
    enum sim_close close;
    usec_t close_at;    /* CLOSE_AT */
    usec_t close_delay; /* thinks so long before it closes */
};

struct sim_end_params {
    struct tcb_config cfg; /* sizes and switches; the memory and endpoints are the simulator's */
    bool active;           /* opens; else listens */
    usec_t open_at;
    usec_t clock;   /* what it says when the run begins */
    bool has_tsval; /* such that the timestamps begin with tsval */
    uint32_t tsval;
    struct sim_app app;
};

struct sim;

/* In the place of end B: something that speaks TCP as it likes. */
struct sim_script {
    void (*begin)(struct sim *s); /* may allocate s->peer; it is freed behind the run */
    void (*segment)(struct sim *s, const struct segment *seg); /* one arrived there */
    usec_t (*wake)(const struct sim *s);                       /* when to call act() again */
    void (*act)(struct sim *s);
};

/* What it is told. */
struct sim_script_params {
    uint64_t habits;    /* a set: the script's own */
    usec_t until;       /* from then on it is honest */
    usec_t every;       /* between two attacks */
    struct segment syn; /* window and options of its SYN */
    bool active;        /* it opens */
    unsigned ends;      /* how the connection may end: a set of 1 << enum tcp_end */
    bool expect_done;   /* and all bytes have arrived, both ways */
};

struct sim_params {
    const char *group;
    uint64_t seed;
    struct sim_end_params end[2];
    struct sim_link_params link[2];  /* [i]: from end i */
    uint64_t stream_at;              /* the offsets of both streams begin here */
    const struct sim_script *script; /* NULL: B is one of ours */
    struct sim_script_params told;
    bool codec; /* segments cross the link as bytes */
    bool v6;
    bool batch;        /* all that arrives at one moment is put in before anything is taken out */
    bool drain_first;  /* what the core has to send is taken before the user reads */
    usec_t tick;       /* the ends' clock is so coarse; 0: microseconds */
    usec_t slack;      /* timers are served up to so late */
    bool expect_marks; /* CE marks, and each sender that sees them cuts its window */
    bool expect_clean; /* nothing is lost or late: nothing may be sent twice */
    usec_t expect_done_by; /* all bytes delivered, both ways; 0: no matter */
    usec_t limit;          /* virtual time after which the run counts as hung */
    uint64_t event_limit;  /* and the number of events */
};

/* ---- what must hold */

enum sim_invariant {
    INV_PREFIX,
    INV_DELIVERED,
    INV_CLOSED,
    INV_SEQUENCE,
    INV_WINDOW,
    INV_EDGE,
    INV_MSS,
    INV_SAME_BYTES,
    INV_OPTIONS,
    INV_SYN_OPTIONS,
    INV_TIMESTAMPS,
    INV_SACK,
    INV_FLAGS,
    INV_ACK,
    INV_DELAYED_ACK,
    INV_EVERY_SECOND,
    INV_PUSH,
    INV_URGENT,
    INV_TEARDOWN,
    INV_STATES,
    INV_RECORDS,
    INV_MEMORY,
    INV_DEADLINE,
    INV_BOUNDED_OUTPUT,
    INV_CLEAN,
    INV_PROMPT,
    INV_CODEC,
    INV_EVENTS,
    INV_STATISTICS,
    INV_ENDS,
    INV_ECT,
    INV_ECN_ECHO,
    INV_ECN_ONCE,
    INV_FLIGHT,
    INV_GROWTH,
    INV_ANSWERS,
    INV_CHALLENGES,
    INV_COUNT,
};

/* One sentence, with the requirement that it checks. */
const char *sim_invariant_text(enum sim_invariant inv);

/* ---- a run */

/* What the checks remember of one end. Positions are distances from its (sent) or its peer's
 * (received) ISS, and do not wrap. */
struct sim_memory {
    bool have_iss;
    seq_t iss;
    struct tcp_options syn; /* options of its SYN as sent */
    enum tcp_state state;
    uint64_t edge_offered;   /* right edge of the window that arrived here */
    uint64_t edge_announced; /* and of the one that it announced */
    bool edge_valid;
    uint64_t arrived_end;  /* sequence space that arrived: right end */
    uint64_t ack_sent;     /* highest acknowledgment sent */
    uint64_t sent_end;     /* sequence space sent: right end */
    uint32_t full;         /* largest payload that arrived */
    usec_t owes_ack_since; /* USEC_NEVER: nothing received is unacknowledged */
    bool fin_sent;
    uint64_t fin; /* where it stands */
    bool peer_fin_acked;
    uint64_t segments, events_sent, events_closed;
    uint64_t sacked;         /* in all */
    enum send_reason reason; /* of the last segment sent */
    bool taken;              /* the last segment that arrived, */
    uint32_t notes;          /* and what was said of it */
    unsigned answers;        /* segments without data since the last arrival */
    unsigned challenges;     /* in the second that began at */
    usec_t challenges_at;
    bool echo;           /* a CE mark came and no CWR */
    uint64_t ecn_cuts;   /* so many, */
    uint64_t cut_end;    /* the last with so much sent */
    bool told_any;       /* there was an event, */
    enum tcp_state told; /* and the last one told this state */
};

struct sim_end {
    struct tcb tcb;
    bool open; /* tcb is in use */
    bool listening;
    bool active;
    struct endpoint addr;
    struct tcb_config cfg;
    struct sim_app app;
    uint64_t written, read, burst_left;
    usec_t clock, open_at, write_at, read_at, shut_at;
    usec_t timer_for, timer_at; /* the deadline, and when it is served */
    usec_t stalled_until;
    bool stalled, shut;
    struct sim_memory mem;
};

/* The observer's context. */
struct sim_watch {
    struct sim *sim;
    int end;
};

/* What segcat -vv shows of one end. */
struct sim_view {
    struct trace trace;
    struct trace_conn conn;
};

struct sim_packet;

struct sim_link {
    struct sim_link_params p;
    usec_t free_at; /* when the last accepted packet has left the sender */
    usec_t last_arrival;
    unsigned burst_left;
    unsigned count; /* packets handed to it */
    uint64_t lost, overflowed, duplicated, reordered, corrupted, too_big, marked;
};

struct sim {
    struct sim_params p;
    struct rng rng;
    usec_t now;
    uint64_t order; /* of packets with the same arrival time */
    uint64_t events;
    usec_t done_at; /* every byte was read, both ways; 0: not yet */
    struct sim_end end[2];
    struct sim_link link[2];
    struct sim_watch watch[2];
    struct sim_view view[2];
    void *peer;    /* the script's own */
    uint8_t *said; /* the stream as it says it, see sim_said() */
    struct sim_packet **heap;
    size_t heap_count, heap_max;
    bool trace;
    bool failed;
    enum sim_invariant failed_inv;
    char why[1024];
    uint64_t *checks; /* counts for each invariant, INV_COUNT of them; NULL: not wanted */
};

/* Runs p to its end. Returns false if an invariant did not hold: s->why says which. */
bool sim_run(struct sim *s, const struct sim_params *p, bool trace, uint64_t *checks);

/* Frees what a run holds; its counters stay readable. */
void sim_free(struct sim *s);

/* The time that end i is told: s->now on its clock. */
usec_t sim_clock(const struct sim *s, int i);

/* Byte number `at` of the stream that end `from` sends and others from it: into buf, or compared
 * with it. */
void sim_pattern_fill(const struct sim *s, int from, uint64_t at, uint8_t *buf, size_t len);
bool sim_pattern_check(const struct sim *s, int from, uint64_t at, const uint8_t *buf, size_t len);

/* The bytes of B's stream from `at` on that A is to deliver. Calling this begins to keep them:
 * then they follow what a script says, by the rule for overlaps. */
uint8_t *sim_said(struct sim *s, uint64_t at);

/* ---- link.c */

struct sim_packet {
    usec_t at;
    uint64_t order;
    int to;
    bool corrupted;
    uint32_t too_big; /* an ICMP error, not a segment: the MTU; seg.seq is what it quotes */
    struct segment seg;
    size_t len; /* of bytes: the payload, or the whole packet with p.codec */
    uint8_t bytes[];
};

void sim_link_init(struct sim_link *l, const struct sim_link_params *p);
/* Takes a segment from end `from`: copies its payload, cuts chunks, decides its fate. */
void sim_link_send(struct sim *s, int from, const struct segment *seg);
/* The next packet to arrive, or NULL; and taking it. The caller frees it. */
const struct sim_packet *sim_link_head(const struct sim *s);
struct sim_packet *sim_link_take(struct sim *s);
/* Brings pkt->seg into the form in which it arrives. False if the receiver throws it away
 * (checksum). */
bool sim_link_receive(struct sim *s, struct sim_packet *pkt);

/* ---- invariants.c */

void sim_fail(struct sim *s, enum sim_invariant inv, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Counts, and fails the run where cond does not hold. The first failure is the one that is told. */
#define SIM_CHECK(s, inv, cond, ...)           \
    do {                                       \
        if ((s)->checks != NULL) {             \
            (s)->checks[inv]++;                \
        }                                      \
        if (!(cond)) {                         \
            sim_fail((s), (inv), __VA_ARGS__); \
        }                                      \
    } while (0)

void sim_check_sent(struct sim *s, int i, const struct segment *seg);
void sim_check_arrived(struct sim *s, int i, const struct segment *seg);
/* After each call into the core of end i. */
void sim_check_tcb(struct sim *s, int i);
/* After everything that end i had to send has been taken. */
void sim_check_settled(struct sim *s, int i);
/* The observer of both ends: ctx is a struct sim_watch. */
void sim_check_event(void *ctx, const struct tcp_event *ev);
/* When nothing will happen any more. */
void sim_check_end(struct sim *s);

/* ---- print.c */

/* With s->trace each end is shown as segcat -vv shows it, and the link's doings between. */
void sim_print_begin(struct sim *s, int end);
void sim_print_event(struct sim *s, int end, const struct tcp_event *ev);
void sim_print_note(struct sim *s, int end, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void sim_print_params(const struct sim_params *p);

#endif
