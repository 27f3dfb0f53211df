/*
 * What happened in the core: the one stream of events that every renderer reads. An event is a
 * view, valid during the call of the observer only. Pure.
 */
#ifndef SEGCAT_TCP_EVENT_H
#define SEGCAT_TCP_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "segcat/tcp/seq.h"
#include "segcat/usec.h"
#include "segcat/wire/segment.h"

/* The states of RFC 9293 section 3.3.2. */
enum tcp_state {
    STATE_CLOSED,
    STATE_LISTEN,
    STATE_SYN_SENT,
    STATE_SYN_RECEIVED,
    STATE_ESTABLISHED,
    STATE_FIN_WAIT_1,
    STATE_FIN_WAIT_2,
    STATE_CLOSE_WAIT,
    STATE_CLOSING,
    STATE_LAST_ACK,
    STATE_TIME_WAIT,
    STATE_COUNT,
};

enum tcp_event_type {
    EVENT_SENT,     /* a segment was handed out for sending */
    EVENT_RECEIVED, /* a segment arrived and was processed */
    EVENT_DROPPED,  /* a segment arrived and was not acceptable; `drop` says why */
    EVENT_STATE,    /* the state changed without a segment: timer or user */
    EVENT_TIMER,    /* `timer` expired; `delay`: how long the next one will run */
    EVENT_PATH,     /* the path is in doubt, or has shown what it can carry: `path` */
    EVENT_CLOSED,   /* the connection is over: `end` */
};

/* Why a segment was sent. */
enum send_reason {
    SEND_NOTHING,
    SEND_SYN,             /* we open */
    SEND_SYN_ACK,         /* we answer a SYN */
    SEND_HANDSHAKE_ACK,   /* the third segment */
    SEND_DATA,            /* the user's bytes */
    SEND_FIN,             /* the user is done */
    SEND_ACK_EVERY_OTHER, /* two full segments' worth of data came */
    SEND_ACK_QUICK,       /* at once: start of a connection, or a pushed end of a burst */
    SEND_ACK_DELAYED,     /* the delayed-ACK timer ran out */
    SEND_ACK_DUPLICATE,   /* out-of-order data came: a duplicate ACK, with SACK where negotiated */
    SEND_ACK_FILLED,      /* a hole was filled */
    SEND_ACK_FIN,         /* the peer's FIN, at once and alone */
    SEND_ACK_OLD,         /* old or unacceptable segment: where we are (keepalive and probes too) */
    SEND_ACK_CHALLENGE,   /* RFC 5961 */
    SEND_WINDOW_UPDATE,   /* the user read: room again */
    SEND_WINDOW_PROBE,    /* the peer's window is zero: is it still? */
    SEND_KEEPALIVE,
    SEND_RETRANSMIT_RTO,  /* the retransmission timer ran out */
    SEND_RETRANSMIT_FAST, /* later data was acknowledged: RACK says that it is lost */
    SEND_RETRANSMIT_TLP,  /* tail loss probe, RFC 8985 section 7 */
    SEND_RST_ABORT,       /* the user gave up */
    SEND_RST_ANSWER, /* a segment for no connection, or not acceptable before synchronization */
    SEND_REASON_COUNT,
};

/* What an arrived segment was, from what the endpoint knows. A set. */
enum receive_note {
    NOTE_OUT_OF_ORDER = 0x0001,   /* data beyond a hole: hole_left, hole_right */
    NOTE_FILLS_HOLE = 0x0002,     /* brought RCV.NXT past data that had waited */
    NOTE_DUPLICATE_DATA = 0x0004, /* nothing new in it */
    NOTE_OVERLAP = 0x0008,        /* some of it was here already */
    NOTE_DUPLICATE_ACK = 0x0010,  /* RFC 5681: dup_acks counts */
    NOTE_ZERO_WINDOW = 0x0020,    /* the peer's window is zero */
    NOTE_WINDOW_UPDATE = 0x0040,  /* nothing but a new window */
    NOTE_WINDOW_OPENED = 0x0080,  /* it was zero before */
    NOTE_WINDOW_SHRUNK = 0x0100,  /* the right edge moved back */
    NOTE_PROBE = 0x0200,          /* keepalive, or a zero window probe of the peer's */
    NOTE_REPEATED_SYN = 0x0400,
    NOTE_REPEATED_FIN = 0x0800,
    NOTE_HALF_CLOSED = 0x1000, /* data while our FIN is already acknowledged */
    NOTE_SPURIOUS = 0x2000,    /* D-SACK: our retransmission was not needed */
    NOTE_URGENT = 0x4000,
    NOTE_SIMULTANEOUS_OPEN = 0x8000,
    NOTE_SACK = 0x10000,         /* brought new SACK information */
    NOTE_CE = 0x100000,          /* marked by a router: congestion on the way to us (RFC 3168) */
    NOTE_ECN_ECHO = 0x200000,    /* the peer has seen such a mark on data of ours */
    NOTE_NO_ROOM = 0x20000,      /* out-of-order data not kept: the set of intervals is full */
    NOTE_SYN_COOKIE = 0x1000000, /* the ACK of a SYN cookie: a connection out of nothing */
    NOTE_REORDERING = 0x40000,   /* the path was seen to change the order: RACK waits from now on */
    NOTE_RECOVERY = 0x80000,     /* a recovery began (here, or by a timer: TIMER too) */
    NOTE_RECOVERED = 0x400000,   /* and is over */
    NOTE_UNDONE = 0x800000,      /* it was needless and is taken back: `undo` says how we know */
};

/* What has proved a recovery or timeout to be needless. */
enum undo_proof {
    UNDO_NONE,
    UNDO_TIMESTAMP, /* Eifel, RFC 3522: the echo is older than the retransmission */
    UNDO_FRTO,      /* RFC 5682: what the timeout gave up arrived by itself */
    UNDO_DSACK,     /* RFC 3708: all that was sent again was there already */
};

/* Why an arrived segment was dropped. */
enum drop_reason {
    DROP_NOTHING,
    DROP_CHECKSUM,       /* MUST-3 (seen by the session, reported through the same stream) */
    DROP_UNACCEPTABLE,   /* outside the receive window, 3.10.7.4 first */
    DROP_PAWS,           /* timestamp too old, RFC 7323 5 */
    DROP_NO_TIMESTAMP,   /* negotiated, but missing: RFC 7323 3.2 */
    DROP_RST_OUTSIDE,    /* RST outside the window */
    DROP_RST_CHALLENGED, /* RST inside the window, not at RCV.NXT: RFC 5961 3.2 */
    DROP_RST_NO_ACK,     /* RST without or with a wrong ACK in SYN-SENT */
    DROP_RST_TIME_WAIT,  /* RFC 1337 */
    DROP_SYN_CHALLENGED, /* SYN in a synchronized state: RFC 5961 4.2 */
    DROP_NO_ACK,         /* ACK bit off */
    DROP_ACK_FUTURE,     /* acknowledges what was never sent */
    DROP_ACK_OLD,        /* older than SND.UNA - MAX.SND.WND: RFC 5961 5.2 */
    DROP_BAD_ACK,        /* unacceptable ACK in SYN-SENT or SYN-RECEIVED: answered by RST */
    DROP_NO_CONNECTION,  /* for no connection of ours (CLOSED, LISTEN) */
    DROP_NO_SYN,         /* neither SYN nor RST in SYN-SENT */
    DROP_AFTER_CLOSE,    /* data after the user has closed for reading: SHLD-3 */
    DROP_REASON_COUNT,
};

enum tcp_timer {
    TIMER_REXMT,     /* retransmission (RFC 6298) */
    TIMER_PERSIST,   /* zero window probe */
    TIMER_DELACK,    /* delayed ACK */
    TIMER_TIME_WAIT, /* 2*MSL */
    TIMER_REORDER,   /* RACK's reordering window */
    TIMER_TLP,       /* tail loss probe */
    TIMER_SWS,       /* sender's silly window override */
    TIMER_KEEPALIVE,
    TIMER_USER, /* user timeout (R2 in time) */
    TIMER_PACE, /* the next piece of data may go */
    TIMER_COUNT,
};

/* What is known of the path. */
enum path_news {
    PATH_NOTHING,
    PATH_SILENT,     /* R1 (MUST-20): no ACK for `delay` in spite of several retransmissions */
    PATH_BLACK_HOLE, /* packets of `mtu_before` get no answer and no ICMP, smaller ones do: `mtu` */
    PATH_MTU_RAISED, /* a probe of `mtu` got through */
};

/* How a connection ended. */
enum tcp_end {
    END_NONE,          /* it has not */
    END_CLOSED,        /* FIN both ways, all acknowledged */
    END_REFUSED,       /* RST,ACK in answer to our SYN */
    END_RESET,         /* RST from the peer */
    END_ABORTED,       /* we sent RST */
    END_TIMEOUT,       /* R2 or user timeout: no answer */
    END_UNREACHABLE,   /* a hard ICMP error */
    END_SYN_CANCELLED, /* in SYN-RECEIVED: RST or bad ACK, back to LISTEN */
};

struct tcb;

struct tcp_event {
    enum tcp_event_type type;
    const struct tcb *tcb;     /* as it is after the event; NULL for a segment without connection */
    const struct segment *seg; /* SENT, RECEIVED, DROPPED */
    usec_t at;                 /* when: seg->at for what arrived */
    enum tcp_state old_state;  /* before */
    enum tcp_state new_state;  /* and after; the same if it did not change */
    enum send_reason reason;   /* SENT */
    unsigned transmissions;    /* SENT: how often this data or SYN or FIN has now been sent */
    enum drop_reason drop;     /* DROPPED */
    uint32_t notes;            /* RECEIVED: enum receive_note */
    uint64_t acked;            /* RECEIVED: bytes newly acknowledged cumulatively (data only) */
    uint64_t sacked;           /* RECEIVED: bytes newly SACKed */
    uint64_t delivered;        /* RECEIVED: bytes newly in order for the user */
    uint64_t urgent;      /* RECEIVED: the urgent pointer has moved: so much up to it is unread */
    enum undo_proof undo; /* NOTE_UNDONE */
    bool undo_timeout;    /* NOTE_UNDONE: it was a timeout, else a fast recovery */
    unsigned dup_acks;    /* RECEIVED: consecutive duplicate ACKs; SENT: ours */
    seq_t hole_left;      /* NOTE_OUT_OF_ORDER: the hole before the data */
    seq_t hole_right;
    usec_t rtt;           /* RECEIVED: a new round-trip sample, 0 if none */
    enum tcp_timer timer; /* TIMER */
    /* TIMER: how long the timer that is set next will run; STATE by timer: how long it ran; SENT
     * with RETRANSMIT_RTO, SYN or SYN,ACK: the timeout that expired and brought it about, else
     * 0. */
    usec_t delay;
    uint32_t cwnd_before; /* SENT, RECEIVED: congestion window before and after */
    uint32_t cwnd;
    uint64_t flight_before; /* SENT, RECEIVED: bytes in flight before and after */
    uint64_t flight;
    seq_t snd_nxt_before; /* SENT */
    enum path_news path;  /* PATH */
    uint32_t mtu_before, mtu;
    enum tcp_end end; /* CLOSED */
};

/* Told of each event while it happens. Must not call into the core. */
typedef void tcp_observer(void *ctx, const struct tcp_event *ev);

/* RFC 9293's name of a state ("SYN-RECEIVED"), static. */
const char *tcp_state_name(enum tcp_state s);

#endif
