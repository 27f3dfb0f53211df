/*
 * The transmission control block: one connection's whole TCP. Segments, user calls and the clock go
 * in; segments and one deadline come out. Pure: no system call, no allocation; memory, time and
 * randomness are given.
 *
 * Use: tcb_open_active() or tcb_open_passive(); then, whenever anything was put in (tcb_segment,
 * tcb_timeout, tcb_commit, tcb_consume, tcb_shutdown, tcb_abort), take out what is to be sent with
 * tcb_next() until it says no, and call tcb_timeout() when tcb_deadline() has passed.
 */
#ifndef SEGCAT_TCP_TCB_H
#define SEGCAT_TCP_TCB_H

#include "segcat/tcp/autotune.h"
#include "segcat/tcp/congestion.h"
#include "segcat/tcp/ecn.h"
#include "segcat/tcp/event.h"
#include "segcat/tcp/keepalive.h"
#include "segcat/tcp/pacing.h"
#include "segcat/tcp/pmtu.h"
#include "segcat/tcp/reassembly.h"
#include "segcat/tcp/recovery.h"
#include "segcat/tcp/ring.h"
#include "segcat/tcp/rtt.h"
#include "segcat/tcp/sent.h"
#include "segcat/wire/address.h"
#include "segcat/wire/icmp.h"

#define MSS_MIN        48   /* a smaller MSS option counts as this (TCP.md 4) */
#define MSS_DEFAULT_V4 536  /* MUST-15 */
#define MSS_DEFAULT_V6 1220 /* MUST-15 */

/* What a connection in TIME-WAIT leaves to the next one of the same pair (RFC 6191, RFC 1122
 * 4.2.2.13). */
struct incarnation {
    seq_t snd_nxt;      /* the next ISN lies above it */
    bool use_ts;        /* timestamps were agreed: old segments can be told from new ones */
    uint32_t ts_offset; /* the clock of our timestamps, which goes on */
};

struct tcb_config {
    struct endpoint local;
    struct endpoint remote;
    uint8_t *snd_mem; /* send ring: at most snd_size, a power of two */
    size_t snd_size;
    uint8_t *rcv_mem; /* receive ring: at most rcv_size, a power of two */
    size_t rcv_size;
    size_t rcv_limit; /* at most this much window is announced; 0: what the ring allows */
    struct sent_record *sent_mem; /* sent_max records */
    size_t sent_max;
    struct interval *ooo_mem; /* ooo_max intervals */
    size_t ooo_max;
    uint8_t key[16];  /* secret: ISN, timestamp offset, challenge-ACK jitter */
    uint32_t mtu;     /* of the path; the MSS that we announce and may use follows from it */
    uint32_t gso_max; /* largest chunk that tcb_next() may hand out; 0: single segments only */
    bool has_isn;     /* use `isn` instead of RFC 6528's */
    seq_t isn;
    const struct incarnation *before; /* it follows one in TIME-WAIT; read when it is opened only */
    bool no_timestamps;
    bool no_sack;
    bool no_wscale;
    bool no_nagle;
    bool no_delack;
    bool no_pacing;
    enum ecn_use ecn;
    struct keepalive_config keepalive;
    usec_t msl;          /* maximum segment lifetime; TIME-WAIT lasts twice this. 0: 30 s */
    usec_t user_timeout; /* give up when data stays unacknowledged, as does a window or keepalive
                            probe; 0: 924.6 s for data and window probes, Linux's R2 */
    usec_t syn_timeout;  /* the same for SYN; 0: 3 minutes and more (MUST-23) */
    const struct congestion_ops *congestion; /* NULL: CUBIC */
    tcp_observer *observe;                   /* NULL: nobody looks */
    void *observe_ctx;
};

struct tcb_stats {
    uint64_t bytes_sent;     /* user data handed out, each byte once */
    uint64_t bytes_acked;    /* user data acknowledged */
    uint64_t bytes_received; /* user data received in order */
    uint64_t bytes_retransmitted;
    uint64_t segs_sent;
    uint64_t segs_received;
    uint64_t segs_dropped;
    uint64_t data_segs_sent;
    uint64_t data_segs_received;
    uint64_t retransmits; /* segments */
    uint64_t pure_acks_sent;
    uint64_t pure_acks_received;
    uint64_t dup_acks_sent;
    uint64_t dup_acks_received;
    uint64_t out_of_order;
    uint64_t zero_windows; /* times the peer's window closed */
    uint64_t zero_windows_sent;
    uint64_t probes_sent;
    uint64_t rto_count;
    uint64_t keepalives_sent;
    uint64_t ce_marks;       /* on data received */
    uint64_t ecn_cuts;       /* of our window, because the peer echoed a mark */
    uint64_t undone;         /* recoveries and timeouts taken back as needless */
    usec_t zero_window_time; /* waited for the peer's window */
    usec_t rto_time;         /* waited for a retransmission timeout */
    usec_t opened_at;        /* first SYN */
    usec_t established_at;   /* 0: never */
    usec_t closed_at;
    usec_t handshake_rtt;
};

/* The variables of RFC 9293 section 3.3.1 and what the mechanisms need. Read by tests and
 * renderers, changed by src/tcp only. */
struct tcb {
    struct tcb_config cfg;
    enum tcp_state state;
    enum tcp_state told_state; /* the last state that an event has shown */
    enum tcp_end end;
    bool passive;   /* began in LISTEN (MUST-11) */
    bool by_cookie; /* its SYN,ACK was a SYN cookie: when it was sent is not known */

    /* send sequence space */
    seq_t iss, snd_una, snd_nxt, snd_wl1, snd_wl2;
    seq_t snd_base; /* sequence number of snd.head */
    uint32_t snd_wnd, snd_wnd_max;
    uint8_t snd_wscale;
    struct ring snd;
    struct sent sent;
    bool shut;     /* the user has closed: a FIN ends the ring */
    bool fin_sent; /* at least once */
    bool fin_acked;

    /* receive sequence space */
    seq_t irs, rcv_nxt, rcv_adv; /* rcv_adv: the right edge ever announced */
    uint8_t rcv_wscale;
    struct ring rcv;
    struct reassembly ooo;
    bool fin_seen;       /* a FIN arrived, maybe out of order, */
    uint64_t fin_offset; /* at the end of the stream here */
    bool fin_received;   /* and all before it: RCV.NXT is past it */
    uint64_t rcv_up;     /* RCV.UP: the stream's offset behind the urgent data, 0: never any */
    uint32_t rcv_mss;    /* a full segment of the peer's as seen, an MSS at most */
    uint32_t rcv_len;    /* the last one */
    uint32_t rcv_buff;   /* RCV.BUFF: grows up to cfg.rcv_limit */
    uint32_t wnd_max;    /* the largest window announced */
    struct autotune tune;

    /* what was negotiated */
    uint16_t peer_mss, mss_max; /* the peer's word, and what the path allows */
    uint32_t mss;               /* payload of a full segment: both, less our options */
    uint16_t mss_announced;
    bool use_ts, use_sack, use_wscale;
    uint32_t ts_offset, ts_recent, last_ack_sent;
    usec_t ts_recent_at;
    bool ts_recent_valid;

    /* what is owed */
    enum send_reason ack_due; /* SEND_NOTHING: none */
    bool ack_fin_alone;       /* the peer's FIN is acknowledged before all else */
    bool syn_due, rst_due, probe_due, tlp_due;
    bool rst_plain; /* without ACK: an answer to an unacceptable ACK */
    seq_t rst_seq;
    uint32_t ack_bytes;  /* received and not yet acknowledged */
    unsigned quick_acks; /* acknowledge so many at once */
    unsigned dup_acks, dup_acks_out;
    bool dsack_due;
    struct sack_block dsack;

    /* loss recovery */
    struct rtt rtt;
    struct congestion cc;
    bool recovering, rto_recovering;
    struct prr prr;
    uint64_t dup_delivered; /* without SACK: what duplicate ACKs say has arrived, in bytes */
    seq_t recovery_point;
    bool resend_due; /* the first retransmission of a recovery goes whatever cwnd says */
    struct rack rack;
    struct undo undo;
    struct sack_block sack_seen[SACK_BLOCKS_MAX]; /* of the last ACK: marked already */
    unsigned sack_seen_count;
    uint32_t news;                /* enum receive_note for the next event */
    bool tlp_out, tlp_retransmit; /* a probe is outstanding; it repeated data */
    bool tlp_needless;            /* and a D-SACK says that it had arrived */
    seq_t tlp_end;
    unsigned syn_tries, probe_tries;
    usec_t rto_expired; /* how long the last retransmission timeout was */
    usec_t progress_at; /* the peer last acknowledged something, or nothing was outstanding */
    usec_t last_sent_at;
    struct pacing pacing;
    struct cwnd_use use;
    bool sws_override; /* the silly-window timer ran out: send what fits */

    /* RFC 5961 challenge ACKs */
    usec_t challenge_start;
    unsigned challenge_left;

    struct ecn_state ecn;
    struct keepalive keep;

    struct pmtu pmtu;

    /* R1 of MUST-20 */
    bool has_user_timeout; /* it was asked for */
    unsigned timeouts;     /* of retransmission, one after the other, without an ACK */
    bool route_doubted;    /* so many that the way should be looked at: tcb_doubts_route() */

    /* zero window */
    usec_t zero_since;
    bool probe_out; /* a probe has not been answered yet */

    usec_t timer[TIMER_COUNT]; /* USEC_NEVER: off */
    struct tcb_stats stats;
};

/* --- opening --- */

/* OPEN active (3.10.1): SYN-SENT; the SYN comes out of tcb_next(). */
void tcb_open_active(struct tcb *t, const struct tcb_config *cfg, usec_t now);

/* A SYN that LISTEN has accepted (see listen.h): SYN-RECEIVED; the SYN,ACK comes out of
 * tcb_next(). */
void tcb_open_passive(struct tcb *t, const struct tcb_config *cfg, const struct segment *syn,
                      usec_t now);

/* --- what goes in --- */

/* SEGMENT ARRIVES (3.10.7.3 and .4). The segment is for this connection and its checksum is
 * right. */
void tcb_segment(struct tcb *t, const struct segment *seg, usec_t now);

/* Runs every timer whose time has come. */
void tcb_timeout(struct tcb *t, usec_t now);

/* What an ICMP error means to a connection. */
enum icmp_verdict {
    ICMP_IGNORED,    /* nothing to TCP, or there is no connection any more */
    ICMP_NOT_OURS,   /* quotes nothing that is outstanding: maybe forged */
    ICMP_NOTED,      /* worth telling */
    ICMP_ENDS,       /* ends the opening */
    ICMP_ABOUT_SIZE, /* path MTU discovery's */
};
enum icmp_verdict tcb_judge_icmp(const struct tcb *t, const struct icmp_error *e);
/* Judges, and does what follows. */
void tcb_icmp(struct tcb *t, const struct icmp_error *e, usec_t now);

/* A valid ICMP "too big": the path takes packets of mtu only; 0: the router does not say. */
void tcb_path_mtu(struct tcb *t, uint32_t mtu, usec_t now);

/* A hard ICMP error about this connection: ends it if it is not synchronized (RFC 5461); else
 * only noted. True if ended. */
bool tcb_unreachable(struct tcb *t, usec_t now);

/* True if seq is outstanding: an ICMP error that quotes it may be believed (RFC 5927 4.1). */
bool tcb_outstanding(const struct tcb *t, seq_t seq);

/* --- the user --- */

/* Where the user's next bytes may be written (at most two spans) and how many; then tcb_commit()
 * says how many were. */
size_t tcb_write_space(const struct tcb *t, struct span out[2]);
void tcb_commit(struct tcb *t, size_t n);
/*
 * The send ring grows if what the user writes fills it and the congestion window can use more. To
 * be called before tcb_write_space(). tcb_wants_room() asks first: what has been handed out by
 * tcb_next() refers to the ring, and must have left before it grows.
 */
bool tcb_wants_room(const struct tcb *t);
void tcb_make_room(struct tcb *t);
/* All in one, from a buffer. Returns how many bytes fitted. */
size_t tcb_write(struct tcb *t, const void *data, size_t len);

/* Received bytes that the user has not taken yet (at most two slices), and taking n of them. */
size_t tcb_peek(const struct tcb *t, struct slice out[2]);
void tcb_consume(struct tcb *t, size_t n);

/* CLOSE: a FIN follows what was written. Harmless if repeated. */
void tcb_shutdown(struct tcb *t, usec_t now);

/* ABORT: RST (where the state calls for one), CLOSED. */
void tcb_abort(struct tcb *t, usec_t now);

/* --- what comes out --- */

/*
 * The next segment to send now, or false. Its payload refers to the send ring: hand it to the link
 * before anything else is put in.
 */
bool tcb_next(struct tcb *t, struct segment *out, usec_t now);

/* An ACK is owed that must leave before more segments are put in: duplicate ACKs count, and the
 * peer's FIN gets one of its own. */
bool tcb_ack_now(const struct tcb *t);

/* When tcb_timeout() is to be called, USEC_NEVER if not at all. */
usec_t tcb_deadline(const struct tcb *t);

/* --- questions --- */

/* ESTABLISHED or a later state (RFC 9293 calls them synchronized). */
bool tcb_synchronized(const struct tcb *t);

/* In TIME-WAIT, and seg is a SYN that may open the next connection (MAY-2, RFC 6191). */
bool tcb_reopens(const struct tcb *t, const struct segment *seg);
/* For that one. */
struct incarnation tcb_incarnation(const struct tcb *t);

/* All that the user wrote and the FIN is acknowledged. */
bool tcb_all_acked(const struct tcb *t);
/* User bytes written and not acknowledged. */
uint64_t tcb_unacked(const struct tcb *t);
/* The window as it is announced now, in bytes. */
uint32_t tcb_receive_window(const struct tcb *t);
/* The peer's FIN has come and everything before it. */
bool tcb_peer_closed(const struct tcb *t);
/* R1 was reached since the last call: the session may find another way (MUST-20 a). */
bool tcb_doubts_route(struct tcb *t);
/* Urgent bytes that the user has not read (MUST-33): as far as the peer's pointer says, which may
 * be further than it will ever send. */
uint64_t tcb_urgent(const struct tcb *t);
/* Bytes in flight. */
uint64_t tcb_flight(const struct tcb *t);

#endif
