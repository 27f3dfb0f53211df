/*
 * What the files of src/tcp share and nobody else sees. Pure.
 */
#ifndef SEGCAT_TCP_INTERNAL_H
#define SEGCAT_TCP_INTERNAL_H

#include "segcat/tcp/tcb.h"

#define DELACK_TIME       (40 * USEC_MS) /* MUST-40 asks for less than 500 ms */
#define QUICK_ACKS        16 /* segments acknowledged at once when a connection begins */
#define SWS_OVERRIDE_TIME (200 * USEC_MS) /* RFC 9293 3.8.6.2.1: 0.1 to 1 s */
#define DUPTHRESH         3
#define RING_FIRST        ((size_t)65536)  /* rings begin with so much and grow when it is needed */
#define SYN_TIMEOUT       (190 * USEC_SEC) /* MUST-23: R2 for SYN of at least 3 minutes */
#define USER_TIMEOUT \
    ((usec_t)924600 * USEC_MS) /* 15 retransmissions from 200 ms on, as Linux (SHLD-11) */
#define R1          3          /* SHLD-10: retransmissions until the path is doubted */
#define DEFAULT_MSL (30 * USEC_SEC)

/* One segment's way through the checks of 3.10.7.4. The segment is a copy: it gets trimmed. */
struct arrival {
    struct segment seg;
    const struct segment *whole; /* as it arrived */
    usec_t now;
    usec_t at;                         /* when it arrived, for samples */
    bool advances;                     /* its ACK moves SND.UNA */
    uint32_t moved;                    /* by so much */
    bool lost_arrived, beyond_timeout; /* it brought the first copy of what a timeout has given up;
                                          what was sent after the timeout */
    struct tcp_event ev;
};

/* --- tcb.c --- */
void tcb_timer_set(struct tcb *t, enum tcp_timer which, usec_t at);
void tcb_timer_off(struct tcb *t, enum tcp_timer which);
/* Enters CLOSED (or LISTEN) because of `end`; told to the observer by tcb_tell_end(). */
void tcb_finish(struct tcb *t, enum tcp_end end, usec_t now);
void tcb_tell_end(struct tcb *t, usec_t now);
/* Hands an event to the observer with states filled in. */
void tcb_emit(struct tcb *t, struct tcp_event *ev);
/* An event begun: type, time and what is measured before something happens. */
struct tcp_event tcb_event(const struct tcb *t, enum tcp_event_type type, usec_t at);
void tcb_enter_time_wait(struct tcb *t, usec_t now);
void tcb_established(struct tcb *t, usec_t now);
/* The user bytes in the ring that were never sent. */
uint64_t tcb_unsent(const struct tcb *t);
/* Where sequence number seq lies in the send ring. */
uint64_t tcb_snd_offset(const struct tcb *t, seq_t seq);
void tcb_set_mss(struct tcb *t);
uint32_t tcb_ts_now(const struct tcb *t, usec_t now);
/* The FIN is still to be sent for the first time. */
bool tcb_fin_pending(const struct tcb *t);
/* RFC 5961: may a challenge ACK be sent now? Counts it. */
bool tcb_challenge_allowed(struct tcb *t, usec_t now);
/* Asks for an ACK; the stronger of two reasons stays. */
void tcb_owe_ack(struct tcb *t, enum send_reason why);

/* --- autotune.c --- */
void autotune_init(struct tcb *t);
/* Data has arrived: is the receive buffer still large enough? */
void autotune_data(struct tcb *t, const struct arrival *a);

/* --- receive.c --- */
void tcb_accept_options(struct tcb *t, const struct segment *syn, usec_t now);
void tcb_receive_data(struct tcb *t, struct arrival *a);
void tcb_receive_fin(struct tcb *t, struct arrival *a);
/* Data came that was here already: the next ACK tells (RFC 2883). */
void tcb_remember_dsack(struct tcb *t, seq_t left, seq_t right);
/* The window to announce in a segment that leaves now: the header's field; moves rcv_adv. */
uint16_t tcb_announce_window(struct tcb *t, bool syn);
/* RCV.WND: what has been announced and is still free. */
uint32_t tcb_rcv_wnd(const struct tcb *t);

/* --- ack.c --- */
/* The ACK of a segment in a synchronized state. Returns false if the segment is to be dropped. */
bool tcb_process_ack(struct tcb *t, struct arrival *a);
/* SND.UNA moves to ack: records, ring, FIN. Used for the SYN's ACK too. */
void tcb_advance_una(struct tcb *t, struct arrival *a);

/* --- recovery.c --- */
/* After an ACK: what is lost, and is a recovery beginning or over? */
void recovery_after_ack(struct tcb *t, struct arrival *a, uint64_t delivered,
                        uint64_t flight_before);
/* What is believed to be on its way: RFC 6675's pipe. */
uint64_t tcb_pipe(const struct tcb *t);
/* A congestion signal that needs no repair (ECN, a loss that a probe has already repaired): ssthresh
 * as for a loss, and cwnd comes down to it at once. */
void recovery_cut(struct tcb *t, uint64_t flight, usec_t now);
void recovery_on_reorder_timer(struct tcb *t, usec_t now);
void recovery_on_rto(struct tcb *t, usec_t now);

/* --- rack.c --- */
struct rack_sample {
    bool any;
    bool syn;           /* our SYN was among them */
    usec_t rtt;         /* sample of a record sent once, 0 if none */
    bool retransmitted; /* one sent again was among them: its wait says nothing (Karn) */
};
void rack_delivered(struct tcb *t, const struct sent_record *r, struct arrival *a,
                    struct rack_sample *s);
void rack_reordered(struct tcb *t);
void rack_adapt(struct tcb *t);
void rack_recovered(struct tcb *t);
usec_t rack_min_rtt(const struct tcb *t);
usec_t rack_reordering_window(const struct tcb *t);
uint64_t rack_detect_loss(struct tcb *t, usec_t now);
void rack_mark_on_timeout(struct tcb *t, usec_t now);

/* --- tlp.c --- */
void recovery_on_tlp(struct tcb *t, usec_t now);
void recovery_arm_tlp(struct tcb *t, usec_t now);
bool tlp_comes_first(const struct tcb *t, usec_t now);
void tlp_answered(struct tcb *t, const struct arrival *a, uint64_t flight);

/* --- undo.c --- */
void undo_begin(struct tcb *t, bool timeout, uint64_t flight);
/* The last recovery stays as it is, whatever may yet show it to be needless (ECN). */
void undo_forbid(struct tcb *t);
void undo_resent(struct tcb *t, uint32_t len, usec_t now);
void undo_delivered(struct tcb *t, const struct sent_record *r, struct arrival *a);
bool undo_dsack(struct tcb *t, const struct sack_block *b);
void undo_timeout(struct tcb *t);
/* F-RTO is being tested: new data goes instead of what counts as lost. */
bool undo_holds_back(const struct tcb *t);
void undo_on_ack(struct tcb *t, struct arrival *a);

/* --- prr.c --- */
void prr_begin(struct tcb *t, uint64_t delivered);
void prr_on_ack(struct tcb *t, uint64_t delivered, bool safe);
void prr_sent(struct tcb *t, uint32_t bytes);

/* --- ecn.c --- */
void ecn_negotiate(struct tcb *t, const struct segment *syn);
void ecn_repeated_syn(struct tcb *t, const struct segment *syn);
void ecn_mark_syn(struct tcb *t, struct segment *out);
void ecn_mark_segment(struct tcb *t, struct segment *out, enum send_reason why);
void ecn_receive(struct tcb *t, struct arrival *a);
/* Congestion in the data that SND.UNA is in has been answered already: not once more. */
bool ecn_window_is_cut(const struct tcb *t);
/* Whoever cuts the window says so: the next new data carries CWR. */
void ecn_tell_cut(struct tcb *t);
bool ecn_take_echo(struct tcb *t, struct arrival *a, uint64_t flight);

/* --- pacing.c --- */
/* How much data may leave now. 0: not yet, and the timer runs. Asked only when there is some. */
uint64_t pacing_room(struct tcb *t, usec_t now);
/* So much has left. */
void pacing_sent(struct tcb *t, uint64_t bytes, usec_t now);
/* What an ACK allows is spread over time. */
bool pacing_active(const struct tcb *t);
/* Data was sent, or (limited) could not be because the congestion window is full. */
void cwnd_use_sent(struct tcb *t, bool limited);
/* The congestion window is what holds us back: it may grow. */
bool cwnd_limited(const struct tcb *t);

/* --- pmtu.c --- */
void pmtu_on_timeout(struct tcb *t, usec_t now);
void pmtu_on_progress(struct tcb *t, usec_t now);
uint64_t pmtu_probe_lost(struct tcb *t, usec_t now);
uint32_t pmtu_probe_now(struct tcb *t, uint64_t unsent, uint32_t window, uint64_t room, usec_t now);

/* --- keepalive.c --- */
void keepalive_heard(struct tcb *t, usec_t now);
void keepalive_arm(struct tcb *t, usec_t now);
void keepalive_expired(struct tcb *t, usec_t now);
bool keepalive_next(struct tcb *t, struct segment *out, usec_t now);

/* --- timers.c --- */
/* Sets and clears the timers that follow from what is in flight. Called whenever segments were
 * taken out. */
void timers_arm(struct tcb *t, usec_t now);

#endif
