/*
 * What to send now: one ladder of priorities. RFC 9293 3.8.6 (windows, silly window avoidance,
 * Nagle), RFC 5681, 6675. Pure.
 */
#include <string.h>

#include "segcat/tcp/internal.h"

/* --- building blocks --- */

static void payload(const struct tcb *t, struct segment *out, seq_t seq, uint32_t len)
{
    out->seq = seq;
    out->len = len;
    if (len > 0)
        ring_read(&t->snd, tcb_snd_offset(t, seq), len, out->data);
}

/* PSH where the user's writing ends for now (MUST-61). */
static void push_bit(const struct tcb *t, struct segment *out)
{
    if (out->len > 0 && tcb_snd_offset(t, out->seq) + out->len == t->snd.tail)
        out->flags |= SEG_PSH;
}

static void remember(struct tcb *t, seq_t seq, uint32_t len, uint16_t flags, usec_t now)
{
    const struct sent_record r = {
        .seq = seq,
        .len = len,
        .sent_at = now,
        .transmissions = 1,
        .syn = (flags & SEG_SYN) != 0,
        .fin = (flags & SEG_FIN) != 0,
    };

    if (t->sent.count == 0)
        t->progress_at = now; /* the wait for an answer begins here, not when the last one came */
    sent_push(&t->sent, &r);
    t->snd_nxt = seq_max(t->snd_nxt, seq + len);
}

/* How much of the peer's window is still unused: SND.UNA + SND.WND - SND.NXT. */
static uint32_t usable_window(const struct tcb *t)
{
    const int32_t w = seq_diff(t->snd_una + t->snd_wnd, t->snd_nxt);

    return w > 0 ? (uint32_t)w : 0;
}

/* What the congestion window leaves; a whole segment if nothing is in flight: the window may be less
 * than one when the path has turned out to take larger packets. */
static uint64_t congestion_room(const struct tcb *t)
{
    const uint64_t flight = tcb_pipe(t);
    const uint64_t room = flight < t->cc.cwnd ? t->cc.cwnd - flight : 0;

    return flight == 0 && room < t->mss ? t->mss : room;
}

/* --- the rungs: each fills *out and says why, or says no --- */

static enum send_reason next_reset(struct tcb *t, struct segment *out)
{
    if (!t->rst_due)
        return SEND_NOTHING;
    t->rst_due = false;
    out->flags = t->rst_plain ? SEG_RST : SEG_RST | SEG_ACK;
    out->seq = t->rst_seq;
    if (!t->rst_plain)
        return SEND_RST_ABORT;
    t->rst_plain = false;
    return SEND_RST_ANSWER;
}

static enum send_reason next_syn(struct tcb *t, struct segment *out, struct tcp_event *ev,
                                 usec_t now)
{
    const bool answer = t->state == STATE_SYN_RECEIVED;

    if (!t->syn_due || (t->state != STATE_SYN_SENT && !answer))
        return SEND_NOTHING;
    t->syn_due = false;
    out->flags = answer ? SEG_SYN | SEG_ACK : SEG_SYN;
    out->seq = t->iss;
    t->syn_tries++;
    ecn_mark_syn(t, out);
    tcb_timer_off(t, TIMER_REXMT); /* begun anew with each, by timers_arm() */
    if (t->sent.count == 0)
        remember(t, t->iss, 1, SEG_SYN, now);
    else
        sent_mark_resent(&t->sent, 0, now);
    ev->transmissions = t->syn_tries;
    return answer ? SEND_SYN_ACK : SEND_SYN;
}

/* ACKs that lose their meaning when they wait or ride on data. */
static enum send_reason next_urgent_ack(struct tcb *t, struct segment *out)
{
    const enum send_reason why = t->ack_due;

    if (!t->ack_fin_alone && why != SEND_ACK_DUPLICATE && why != SEND_ACK_CHALLENGE &&
        why != SEND_HANDSHAKE_ACK)
        return SEND_NOTHING;
    t->ack_fin_alone = false;
    out->seq = t->snd_nxt;
    return why;
}

/* A lost record may be sent again: inside the window (SHLD-16) and the congestion window; the
 * first of a recovery always (RFC 6675 5 step 4.3). */
static bool may_resend(struct tcb *t, const struct sent_record *r)
{
    if (seq_diff(t->snd_una + t->snd_wnd, r->seq) <= 0)
        return false;
    if (t->sent.flight == 0 || tcb_pipe(t) + r->len <= t->cc.cwnd)
        return true;
    if (t->resend_due)
        return true;
    cwnd_use_sent(t, true); /* or slow start after a timeout would not begin */
    return false;
}

/* What of a record fits: the path's MSS, the peer's window. The rest becomes a record of its
 * own. */
static uint32_t cut_to_fit(struct tcb *t, size_t slot)
{
    struct sent_record *r = sent_at(&t->sent, slot);
    const uint32_t window = (uint32_t)seq_diff(t->snd_una + t->snd_wnd, r->seq);
    const uint32_t most = window < t->mss ? window : t->mss;

    if (r->len <= most)
        return r->len;
    sent_split(&t->sent, slot, most);
    return most;
}

static enum send_reason resend(struct tcb *t, size_t slot, struct segment *out,
                               struct tcp_event *ev, usec_t now)
{
    struct sent_record *r = sent_at(&t->sent, slot);

    if (r->fin) {
        out->flags |= SEG_FIN;
        out->seq = r->seq;
    } else {
        payload(t, out, r->seq, cut_to_fit(t, slot));
        push_bit(t, out);
        r = sent_at(&t->sent, slot); /* the cut may have moved it */
    }
    sent_mark_resent(&t->sent, slot, now);
    pacing_sent(t, out->len, now);
    undo_resent(t, r->len, now);
    t->resend_due = false;
    ev->transmissions = r->transmissions;
    t->stats.retransmits++;
    t->stats.bytes_retransmitted += out->len;
    return t->rto_recovering ? SEND_RETRANSMIT_RTO : SEND_RETRANSMIT_FAST;
}

static enum send_reason next_lost(struct tcb *t, struct segment *out, struct tcp_event *ev,
                                  usec_t now)
{
    size_t slot;

    if (!tcb_synchronized(t) || t->sent.lost == 0 || undo_holds_back(t))
        return SEND_NOTHING;
    slot = sent_first_lost(&t->sent);
    if (slot == t->sent.count || !may_resend(t, sent_at(&t->sent, slot)) ||
        pacing_room(t, now) == 0)
        return SEND_NOTHING;
    return resend(t, slot, out, ev, now);
}

static void new_data_sent(struct tcb *t, uint32_t len, struct tcp_event *ev, usec_t now)
{
    pacing_sent(t, len, now);
    cwnd_use_sent(t, false);
    ev->transmissions = 1;
    t->stats.bytes_sent += len;
    tcb_timer_off(t, TIMER_TLP); /* RFC 8985 7.2: begun anew with each new transmission */
    tcb_timer_off(t, TIMER_SWS);
    t->sws_override = false;
}

/* Cuts a chunk into records of one segment each, as it will be cut on its way out. */
static void send_new(struct tcb *t, struct segment *out, struct tcp_event *ev, uint32_t len,
                     usec_t now)
{
    payload(t, out, t->snd_nxt, len);
    push_bit(t, out);
    if (len > t->mss)
        out->gso_size = (uint16_t)t->mss;
    for (uint32_t done = 0; done < len;) {
        const uint32_t n = len - done < t->mss ? len - done : t->mss;

        remember(t, out->seq + done, n, 0, now);
        done += n;
    }
    new_data_sent(t, len, ev, now);
}

/* Nagle (RFC 9293 3.7.4) and the sender's silly window avoidance (3.8.6.2.1) for less than a
 * full segment. */
static bool small_may_go(const struct tcb *t, uint32_t len, uint64_t unsent, uint32_t window)
{
    if (len == unsent)
        return t->cfg.no_nagle || t->shut || t->snd_nxt == t->snd_una;
    return len == window && (window >= t->snd_wnd_max / 2 || t->sws_override);
}

/* How much new data may go now. */
static uint32_t new_data_allowed(struct tcb *t)
{
    const uint64_t unsent = tcb_unsent(t);
    const uint32_t window = usable_window(t);
    const uint64_t congestion = congestion_room(t);
    const size_t records = t->sent.max - t->sent.count;
    uint64_t len = t->cfg.gso_max > t->mss ? t->cfg.gso_max : t->mss;

    if (t->ecn.cwr_due)
        len = t->mss; /* CWR is for one segment (RFC 3168 6.1.2) */
    if (unsent == 0 || window == 0 || records == 0)
        return 0;
    len = len < unsent ? len : unsent;
    len = len < window ? len : window;
    if (len > congestion) {
        cwnd_use_sent(t, true);
        /* Only whole segments are cut off by the congestion window. */
        len = congestion < t->mss ? 0 : congestion;
        if (len == 0)
            return 0;
    }
    if (len > t->mss) {
        len -= len % t->mss;
        return (uint32_t)(len / t->mss < records ? len : records * t->mss);
    }
    if (len < t->mss && !small_may_go(t, (uint32_t)len, unsent, window))
        return 0;
    return (uint32_t)len;
}

/* RFC 5681 4.1: after an idle time longer than the RTO the old window says nothing. */
static void start_from_nothing(struct tcb *t, usec_t now)
{
    const bool restart = t->last_sent_at != 0 && now - t->last_sent_at > t->rtt.rto;

    t->cc.ops->on_start(&t->cc, restart, now);
}

/* What of len may leave now: one whole segment if any. */
static uint32_t paced(struct tcb *t, uint32_t len, usec_t now)
{
    const uint64_t room = len > 0 ? pacing_room(t, now) : 0;

    if (len <= room || room == 0)
        return room == 0 ? 0 : len;
    if (room < t->mss)
        return len < t->mss ? len : t->mss;
    return (uint32_t)(room - room % t->mss);
}

/* RFC 4821: new data in a segment larger than all others. */
static enum send_reason next_mtu_probe(struct tcb *t, struct segment *out, struct tcp_event *ev,
                                       usec_t now)
{
    uint32_t len;

    if (!t->pmtu.lowered || !tcb_synchronized(t) || pacing_room(t, now) == 0)
        return SEND_NOTHING;
    len = pmtu_probe_now(t, tcb_unsent(t), usable_window(t), congestion_room(t), now);
    if (len == 0)
        return SEND_NOTHING;
    payload(t, out, t->snd_nxt, len);
    remember(t, out->seq, len, 0, now);
    new_data_sent(t, len, ev, now);
    return SEND_DATA;
}

static enum send_reason next_data(struct tcb *t, struct segment *out, struct tcp_event *ev,
                                  usec_t now)
{
    uint32_t len;

    if (!tcb_synchronized(t) || tcb_unsent(t) == 0)
        return SEND_NOTHING;
    if (t->sent.count == 0)
        start_from_nothing(t, now);
    len = paced(t, new_data_allowed(t), now);
    if (len == 0)
        return SEND_NOTHING;
    send_new(t, out, ev, len, now);
    return SEND_DATA;
}

static bool send_fin(struct tcb *t, struct segment *out, struct tcp_event *ev, usec_t now)
{
    if (!tcb_fin_pending(t) || !tcb_synchronized(t) || tcb_unsent(t) > 0 || sent_full(&t->sent))
        return false;
    out->flags |= SEG_FIN;
    out->seq = t->snd_nxt;
    remember(t, out->seq, 1, SEG_FIN, now);
    t->fin_sent = true;
    if (t->state == STATE_ESTABLISHED) /* closed before the opening was complete */
        t->state = STATE_FIN_WAIT_1;
    else if (t->state == STATE_CLOSE_WAIT)
        t->state = STATE_LAST_ACK;
    ev->transmissions = 1;
    return true;
}

static enum send_reason next_fin(struct tcb *t, struct segment *out, struct tcp_event *ev,
                                 usec_t now)
{
    if (usable_window(t) == 0 || !send_fin(t, out, ev, now))
        return SEND_NOTHING;
    return SEND_FIN;
}

/* RFC 8985 7.3: new data if there is some that may go, else the last segment again. */
static enum send_reason next_tlp(struct tcb *t, struct segment *out, struct tcp_event *ev,
                                 usec_t now)
{
    const uint64_t unsent = tcb_unsent(t);
    const uint32_t n = unsent < t->mss ? (uint32_t)unsent : t->mss;
    size_t last;

    if (!t->tlp_due || t->sent.count == 0)
        return SEND_NOTHING;
    t->tlp_due = false;
    last = t->sent.count - 1;
    t->tlp_out = true;
    t->tlp_retransmit = t->tlp_needless = false;
    if (n > 0 && n <= usable_window(t) && !sent_full(&t->sent)) {
        send_new(t, out, ev, n, now);
        t->tlp_end = t->snd_nxt;
        tcb_timer_off(t, TIMER_REXMT); /* armed anew behind the probe (7.3) */
        return SEND_DATA;
    }
    t->tlp_end = t->snd_nxt;
    /* No probe can go (the peer has shrunk its window): none is tried again, and the retransmission
     * timer runs on. */
    if (sent_at(&t->sent, last)->len > t->mss ||
        seq_diff(t->snd_una + t->snd_wnd, sent_at(&t->sent, last)->seq) <= 0)
        return SEND_NOTHING;
    t->tlp_retransmit = true;
    resend(t, last, out, ev, now);
    tcb_timer_off(t, TIMER_REXMT);
    return SEND_RETRANSMIT_TLP;
}

/* The window is zero and the persist timer ran out: one byte, or the FIN, that the peer must
 * answer (MUST-36). */
static enum send_reason next_probe(struct tcb *t, struct segment *out, struct tcp_event *ev,
                                   usec_t now)
{
    struct sent_record *r;

    if (!t->probe_due)
        return SEND_NOTHING;
    t->probe_due = false;
    if (t->snd_wnd != 0)
        return SEND_NOTHING;
    if (t->sent.count == 0) {
        if (tcb_unsent(t) > 0)
            send_new(t, out, ev, 1, now);
        else if (!send_fin(t, out, ev, now))
            return SEND_NOTHING;
    } else {
        r = sent_at(&t->sent, 0);
        if (r->fin) {
            out->flags |= SEG_FIN;
            out->seq = r->seq;
        } else {
            payload(t, out, r->seq, 1);
            push_bit(t, out);
        }
        sent_mark_resent(&t->sent, 0, now);
        ev->transmissions = r->transmissions;
    }
    if (!t->probe_out)
        t->progress_at = now; /* the peer owes an answer from now on */
    t->probe_out = true;
    t->probe_tries++;
    t->stats.probes_sent++;
    return SEND_WINDOW_PROBE;
}

static enum send_reason next_ack(struct tcb *t, struct segment *out)
{
    const enum send_reason why = t->ack_due;

    if (why != SEND_NOTHING)
        out->seq = t->snd_nxt;
    return why;
}

/* --- the header --- */

static void add_sack(const struct tcb *t, struct segment *out)
{
    struct interval v[SACK_BLOCKS_MAX];
    const uint8_t most = t->use_ts ? 3 : 4; /* 40 bytes of options */
    uint8_t n = 0;
    size_t found;

    if (!t->use_sack || (t->ooo.count == 0 && !t->dsack_due))
        return;
    if (t->dsack_due)
        out->opt.sack[n++] = t->dsack;
    found = reassembly_recent(&t->ooo, v, (size_t)(most - n));
    for (size_t i = 0; i < found; i++) {
        const seq_t base = t->rcv_nxt - (uint32_t)t->rcv.tail;

        out->opt.sack[n++] =
            (struct sack_block){base + (uint32_t)v[i].left, base + (uint32_t)v[i].right};
    }
    /* On data only where there is room beside it: a full segment stays whole. */
    if (n == 0 || out->len + 4 + 8U * n > t->mss)
        if (n == 0 || out->len > 0)
            return;
    out->opt.sack_count = n;
    out->opt.present |= OPT_SACK;
}

static void add_options(const struct tcb *t, struct segment *out, usec_t now)
{
    const bool syn = (out->flags & SEG_SYN) != 0;

    if (t->use_ts) {
        out->opt.present |= OPT_TIMESTAMPS;
        out->opt.tsval = tcb_ts_now(t, now);
        out->opt.tsecr = out->flags & SEG_ACK ? t->ts_recent : 0;
    }
    if (syn) {
        out->opt.present |= OPT_MSS;
        out->opt.mss = t->mss_announced;
        if (t->use_wscale) {
            out->opt.present |= OPT_WSCALE;
            out->opt.wscale = t->rcv_wscale;
        }
        if (t->use_sack)
            out->opt.present |= OPT_SACK_PERMITTED;
    } else if (out->flags & SEG_ACK && !(out->flags & SEG_RST)) {
        add_sack(t, out);
    }
}

/* The segment acknowledges: nothing is owed any more. */
static void ack_done(struct tcb *t, enum send_reason why)
{
    t->dup_acks_out = why == SEND_ACK_DUPLICATE ? t->dup_acks_out + 1 : 0;
    if (why == SEND_ACK_DUPLICATE)
        t->stats.dup_acks_sent++;
    t->ack_due = SEND_NOTHING;
    t->ack_bytes = 0;
    t->dsack_due = false;
    t->last_ack_sent = t->rcv_nxt;
    tcb_timer_off(t, TIMER_DELACK);
}

static void finish(struct tcb *t, struct segment *out, enum send_reason why, usec_t now)
{
    if (why != SEND_RST_ANSWER && t->state != STATE_SYN_SENT)
        out->flags |= SEG_ACK;
    out->at = now;
    out->window = 0;
    if (!(out->flags & SEG_RST))
        out->window = tcb_announce_window(t, (out->flags & SEG_SYN) != 0);
    if (why != SEND_RST_ANSWER)
        add_options(t, out, now);
    if (out->flags & SEG_ACK) {
        out->ack = t->rcv_nxt;
        ack_done(t, why);
    }
    ecn_mark_segment(t, out, why);
    t->stats.segs_sent++;
    if (out->len > 0)
        t->stats.data_segs_sent++;
    else if (!(out->flags & (SEG_SYN | SEG_FIN | SEG_RST)))
        t->stats.pure_acks_sent++;
    prr_sent(t, out->len);
    if (segment_seq_len(out) > 0)
        t->last_sent_at = now;
}

static enum send_reason choose(struct tcb *t, struct segment *out, struct tcp_event *ev, usec_t now)
{
    enum send_reason why = next_reset(t, out);

    if (why != SEND_NOTHING || t->end != END_NONE)
        return why;
    if ((why = next_syn(t, out, ev, now)) != SEND_NOTHING)
        return why;
    if ((why = next_urgent_ack(t, out)) != SEND_NOTHING)
        return why;
    if ((why = next_lost(t, out, ev, now)) != SEND_NOTHING)
        return why;
    if ((why = next_tlp(t, out, ev, now)) != SEND_NOTHING)
        return why;
    if ((why = next_mtu_probe(t, out, ev, now)) != SEND_NOTHING)
        return why;
    if ((why = next_data(t, out, ev, now)) != SEND_NOTHING)
        return why;
    if ((why = next_fin(t, out, ev, now)) != SEND_NOTHING)
        return why;
    if ((why = next_probe(t, out, ev, now)) != SEND_NOTHING)
        return why;
    if (keepalive_next(t, out, now))
        return SEND_KEEPALIVE;
    return next_ack(t, out);
}

bool tcb_next(struct tcb *t, struct segment *out, usec_t now)
{
    struct tcp_event ev = tcb_event(t, EVENT_SENT, now);

    memset(out, 0, sizeof *out);
    tcb_timer_off(t, TIMER_PACE); /* set again if something must wait */
    ev.reason = choose(t, out, &ev, now);
    if (ev.reason == SEND_NOTHING) {
        timers_arm(t, now);
        return false;
    }
    finish(t, out, ev.reason, now);
    timers_arm(t, now);
    ev.seg = out;
    ev.dup_acks = t->dup_acks_out;
    if (ev.reason == SEND_RETRANSMIT_RTO || (out->flags & SEG_SYN))
        ev.delay = t->rto_expired;
    tcb_emit(t, &ev);
    if (ev.reason == SEND_RST_ABORT)
        tcb_tell_end(t, now);
    return true;
}
