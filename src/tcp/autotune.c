/*
 * Receive window auto-tuning: how much the user takes in a round-trip time, and what buffer that
 * calls for. Dynamic right-sizing (Fisk and Feng), as Linux does it. Pure.
 */
#include "segcat/tcp/internal.h"

#define FIRST_ROUND 10 /* segments: the initial window of most senders */
#define GROWTH_MAX  8  /* times what was taken in one RTT: no burst asks for more */

void autotune_init(struct tcb *t)
{
    const uint64_t first = (uint64_t)FIRST_ROUND * t->mss_announced;

    t->rcv_buff = RCV_BUFF_FIRST < t->cfg.rcv_limit ? RCV_BUFF_FIRST : (uint32_t)t->cfg.rcv_limit;
    /* An initial window's worth is what any sender begins with: it says nothing about the path. */
    t->tune = (struct autotune){.copied = first < t->rcv_buff ? first : t->rcv_buff};
}

/* --- the round-trip time from where data arrives --- */

/* A wait of the sender's counts as RTT in a sample, so a longer one moves the estimate by an
 * eighth at most. */
static void rtt_by_timestamp(struct autotune *u, usec_t sample)
{
    if (u->rtt == 0) {
        u->rtt = sample;
        return;
    }
    if (sample > 2 * u->rtt)
        sample = 2 * u->rtt;
    u->rtt = (7 * u->rtt + sample + 7) / 8;
}

/* What echoes a timestamp of ours for the first time was sent when our ACK arrived there. */
static void sample_by_timestamp(struct tcb *t, const struct arrival *a)
{
    const struct tcp_options *o = &a->seg.opt;
    int32_t ms;

    if (!(o->present & OPT_TIMESTAMPS) || o->tsecr == 0 || o->tsecr == t->tune.echoed)
        return;
    ms = seq_diff(tcb_ts_now(t, a->at), o->tsecr);
    t->tune.echoed = o->tsecr;
    if (ms >= 0 && ms < 600000)
        rtt_by_timestamp(&t->tune, ms > 0 ? (usec_t)ms * USEC_MS : USEC_MS / 2);
}

/* A window's worth takes an RTT or longer: the shortest time counts. */
static void sample_by_window(struct tcb *t, const struct arrival *a)
{
    struct autotune *u = &t->tune;

    if (u->edge_at != 0 && seq_lt(t->rcv_nxt, u->edge))
        return;
    if (u->edge_at != 0 && a->at > u->edge_at && (u->rtt == 0 || a->at - u->edge_at < u->rtt))
        u->rtt = a->at - u->edge_at;
    u->edge = t->rcv_adv;
    u->edge_at = a->at;
}

/* --- the buffer --- */

/*
 * Twice what was taken in the last RTT: one RTT's worth on its way while the last one's is read.
 * While it still rises (slow start doubles it in each RTT) what it will be when this window has
 * had its effect.
 */
static void grow(struct tcb *t, uint64_t copied)
{
    const uint64_t last = t->tune.copied;
    const uint64_t most = GROWTH_MAX * copied;
    uint64_t want = 2 * copied;

    want += last > 0 ? 2 * want * (copied - last) / last : most;
    if (want > most)
        want = most;
    if (want > t->cfg.rcv_limit)
        want = t->cfg.rcv_limit;
    if (want > t->rcv_buff)
        t->rcv_buff = (uint32_t)want;
    t->tune.copied = copied;
}

void autotune_data(struct tcb *t, const struct arrival *a)
{
    struct autotune *u = &t->tune;
    uint64_t copied;

    if (u->rtt == 0 && t->rtt.valid)
        u->rtt = t->rtt.srtt; /* the handshake's */
    if (t->use_ts)
        sample_by_timestamp(t, a);
    else
        sample_by_window(t, a);
    if (u->begun && (u->rtt == 0 || a->now - u->since < u->rtt))
        return;
    copied = t->rcv.head - u->mark;
    if (u->begun && copied > u->copied)
        grow(t, copied);
    u->begun = true;
    u->mark = t->rcv.head;
    u->since = a->now;
}
