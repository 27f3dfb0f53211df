/*
 * SEGMENT ARRIVES: RFC 9293 3.10.7.3 (SYN-SENT) and 3.10.7.4 (all other states), as a list of
 * checks in the RFC's order, tightened by RFC 5961 and 7323. Pure.
 */
#include "segcat/tcp/internal.h"

static bool drop(struct arrival *a, enum drop_reason why)
{
    a->ev.drop = why;
    return false;
}

static void owe_rst(struct tcb *t, seq_t seq)
{
    t->rst_due = t->rst_plain = true;
    t->rst_seq = seq;
}

static void owe_challenge(struct tcb *t, usec_t now)
{
    if (tcb_challenge_allowed(t, now))
        tcb_owe_ack(t, SEND_ACK_CHALLENGE);
}

/* --- SYN-SENT, 3.10.7.3 --- */

/* First: an ACK that is not of our SYN. */
static bool syn_sent_check_ack(struct tcb *t, struct arrival *a)
{
    if (!(a->seg.flags & SEG_ACK))
        return true;
    if (seq_gt(a->seg.ack, t->iss) && seq_le(a->seg.ack, t->snd_nxt))
        return true;
    if (a->seg.flags & SEG_RST)
        return drop(a, DROP_RST_NO_ACK);
    owe_rst(t, a->seg.ack);
    return drop(a, DROP_BAD_ACK);
}

/* Second: RST counts only with the ACK that the first check has found good. */
static bool syn_sent_check_rst(struct tcb *t, struct arrival *a)
{
    if (!(a->seg.flags & SEG_RST))
        return true;
    if (!(a->seg.flags & SEG_ACK))
        return drop(a, DROP_RST_NO_ACK);
    tcb_finish(t, END_REFUSED, a->now);
    return false;
}

/* Fourth: the SYN. ESTABLISHED if it acknowledges ours, else both sides have opened at once. */
static bool syn_sent_check_syn(struct tcb *t, struct arrival *a)
{
    struct segment *s = &a->seg;
    const uint32_t announced = tcb_rcv_wnd(t);

    if (!(s->flags & SEG_SYN))
        return drop(a, DROP_NO_SYN);
    t->irs = s->seq;
    t->rcv_nxt = s->seq + 1;
    t->rcv_adv = t->rcv_nxt + announced;
    tcb_accept_options(t, s, a->now);
    t->snd_wnd = t->snd_wnd_max = s->window;
    t->snd_wl1 = s->seq;
    t->snd_wl2 = s->ack;
    if (s->flags & SEG_ACK) {
        tcb_advance_una(t, a);
        tcb_established(t, a->now);
        tcb_owe_ack(t, SEND_HANDSHAKE_ACK);
    } else {
        a->ev.notes |= NOTE_SIMULTANEOUS_OPEN;
        t->snd_wl2 = t->iss;
        t->state = STATE_SYN_RECEIVED;
        t->syn_due = true;
    }
    /* Text and FIN that came with it are looked at next, one number further on. */
    s->seq++;
    s->flags &= (uint16_t)~SEG_SYN;
    return true;
}

static bool syn_sent(struct tcb *t, struct arrival *a)
{
    const bool go_on =
        syn_sent_check_ack(t, a) && syn_sent_check_rst(t, a) && syn_sent_check_syn(t, a);

    if (!go_on)
        return a->ev.drop == DROP_NOTHING;
    if (t->state == STATE_ESTABLISHED) {
        tcb_receive_data(t, a);
        tcb_receive_fin(t, a);
    }
    return true;
}

/* --- before the checks: segments that the plain list would misread --- */

/*
 * SYN-RECEIVED: the SYN again (our SYN,ACK was lost: send it again), or the crossing SYN,ACK of a
 * simultaneous open (Figure 7 line 6), whose ACK is what counts.
 */
static bool check_repeated_syn(struct tcb *t, struct arrival *a)
{
    struct segment *s = &a->seg;

    if (t->state != STATE_SYN_RECEIVED || !(s->flags & SEG_SYN) || (s->flags & SEG_RST) ||
        s->seq != t->irs)
        return true;
    a->ev.notes |= NOTE_REPEATED_SYN;
    ecn_repeated_syn(t, s);
    if (!(s->flags & SEG_ACK)) {
        t->syn_due = true;
        t->rto_expired = 0; /* no timer has brought it about */
        /* The answer is to this SYN: its timestamp is echoed, or the peer measures from the
         * first. */
        if (t->use_ts && (s->opt.present & OPT_TIMESTAMPS)) {
            t->ts_recent = s->opt.tsval;
            t->ts_recent_at = a->now;
        }
        a->ev.drop = DROP_NOTHING;
        return false;
    }
    s->seq++;
    s->flags &= (uint16_t)~SEG_SYN;
    return true;
}

/*
 * RFC 6191 section 2, case by case. Newer is what has a later timestamp, or where none can be
 * compared a larger sequence number; that timestamps are there now and were not before shows too
 * that it is another connection.
 */
bool tcb_reopens(const struct tcb *t, const struct segment *s)
{
    const bool stamped = !t->cfg.no_timestamps && (s->opt.present & OPT_TIMESTAMPS);
    const bool beyond = seq_gt(s->seq, t->rcv_nxt);

    if (t->state != STATE_TIME_WAIT || (s->flags & (SEG_SYN | SEG_ACK | SEG_RST)) != SEG_SYN)
        return false;
    if (!stamped)
        return beyond;
    if (!t->use_ts)
        return true;
    return seq_gt(s->opt.tsval, t->ts_recent) || (s->opt.tsval == t->ts_recent && beyond);
}

/* TIME-WAIT: such a SYN ends it, and is for whoever listens. Any other is challenged, which RFC
 * 9293 3.10.7.4 has instead of RFC 6191's silence. */
static bool check_time_wait_syn(struct tcb *t, struct arrival *a)
{
    if (t->state != STATE_TIME_WAIT || (a->seg.flags & (SEG_SYN | SEG_ACK | SEG_RST)) != SEG_SYN)
        return true;
    if (tcb_reopens(t, &a->seg)) {
        tcb_finish(t, END_CLOSED, a->now);
        return false;
    }
    owe_challenge(t, a->now);
    return drop(a, DROP_SYN_CHALLENGED);
}

/* --- the list, 3.10.7.4 --- */

#define PAWS_IDLE ((usec_t)24 * 24 * 3600 * USEC_SEC) /* RFC 7323 5.5: 24 days */

/* RFC 7323 5.3 R1 and 3.2: before the sequence check. */
static bool check_timestamps(struct tcb *t, struct arrival *a)
{
    const struct segment *s = &a->seg;

    if (!t->use_ts || (s->flags & (SEG_RST | SEG_SYN)))
        return true;
    if (!(s->opt.present & OPT_TIMESTAMPS))
        return drop(a, DROP_NO_TIMESTAMP);
    if (!t->ts_recent_valid || a->now - t->ts_recent_at > PAWS_IDLE ||
        seq_ge(s->opt.tsval, t->ts_recent))
        return true;
    if (s->len > 0 || tcb_challenge_allowed(t, a->now))
        tcb_owe_ack(t, SEND_ACK_OLD);
    return drop(a, DROP_PAWS);
}

/* The four cases of 3.10.7.4's table. */
static bool acceptable(const struct tcb *t, const struct segment *s)
{
    const uint32_t wnd = tcb_rcv_wnd(t);
    const uint32_t len = segment_seq_len(s);

    if (len == 0)
        return s->seq == t->rcv_nxt || seq_in(s->seq, t->rcv_nxt, wnd) ||
               /* at the right edge itself: where a peer that filled the window acknowledges from */
               s->seq == t->rcv_adv;
    if (wnd == 0) /* MUST-66: its ACK, URG and RST count; the text is trimmed away */
        return s->seq == t->rcv_nxt;
    return seq_in(s->seq, t->rcv_nxt, wnd) || seq_in(s->seq + len - 1, t->rcv_nxt, wnd) ||
           (seq_lt(s->seq, t->rcv_nxt) && seq_ge(s->seq + len, t->rcv_adv));
}

static void note_unacceptable(struct tcb *t, struct arrival *a)
{
    const struct segment *s = &a->seg;

    if ((s->flags & SEG_FIN) && t->fin_received)
        a->ev.notes |= NOTE_REPEATED_FIN;
    /* Acknowledge a repeated FIN, and restart the 2*MSL timeout. The peer may begin again further
     * back: old text says the same, that it is still there and has not seen our ACK. */
    if (t->state == STATE_TIME_WAIT && !(s->flags & SEG_SYN) && segment_seq_len(s) > 0)
        tcb_timer_set(t, TIMER_TIME_WAIT, a->now + 2 * t->cfg.msl);
    if ((s->flags & SEG_SYN) && s->seq == t->irs)
        a->ev.notes |= NOTE_REPEATED_SYN;
    if (s->seq + 1 == t->rcv_nxt && s->len <= 1 && !(s->flags & (SEG_SYN | SEG_FIN)))
        a->ev.notes |= NOTE_PROBE;
    else if (s->len > 0 && seq_le(s->seq + s->len, t->rcv_nxt)) {
        a->ev.notes |= NOTE_DUPLICATE_DATA;
        tcb_remember_dsack(t, s->seq, s->seq + s->len);
    }
}

/* First: the sequence number. */
static bool check_sequence(struct tcb *t, struct arrival *a)
{
    const struct segment *s = &a->seg;

    if (acceptable(t, s))
        return true;
    if (s->flags & SEG_RST)
        return drop(a, DROP_RST_OUTSIDE);
    note_unacceptable(t, a);
    /* An empty segment may itself be such an answer: limited, or two confused ends play
     * ping-pong (TCP.md 19). */
    if (segment_seq_len(s) > 0 || tcb_challenge_allowed(t, a->now))
        tcb_owe_ack(t, SEND_ACK_OLD);
    return drop(a, DROP_UNACCEPTABLE);
}

/* RFC 7323 4.3: which timestamp is echoed. */
static void remember_timestamp(struct tcb *t, const struct arrival *a)
{
    const struct tcp_options *o = &a->seg.opt;

    if (!t->use_ts || !(o->present & OPT_TIMESTAMPS) || seq_lt(o->tsval, t->ts_recent) ||
        seq_gt(a->seg.seq, t->last_ack_sent))
        return;
    t->ts_recent = o->tsval;
    t->ts_recent_at = a->now;
}

/* Second: RST, with RFC 5961 3.2 and RFC 1337. */
static bool check_rst(struct tcb *t, struct arrival *a)
{
    if (!(a->seg.flags & SEG_RST))
        return true;
    if (t->state == STATE_TIME_WAIT)
        return drop(a, DROP_RST_TIME_WAIT);
    if (a->seg.seq != t->rcv_nxt) {
        owe_challenge(t, a->now);
        return drop(a, DROP_RST_CHALLENGED);
    }
    if (t->state == STATE_SYN_RECEIVED)
        tcb_finish(t, t->passive ? END_SYN_CANCELLED : END_REFUSED, a->now);
    else
        tcb_finish(t, END_RESET, a->now);
    return false;
}

/* Fourth: SYN, with RFC 5961 4.2. */
static bool check_syn(struct tcb *t, struct arrival *a)
{
    if (!(a->seg.flags & SEG_SYN))
        return true;
    if (t->state == STATE_SYN_RECEIVED && t->passive) {
        tcb_finish(t, END_SYN_CANCELLED, a->now);
        return false;
    }
    owe_challenge(t, a->now);
    return drop(a, DROP_SYN_CHALLENGED);
}

/* Fifth: the ACK field. */
static bool check_ack(struct tcb *t, struct arrival *a)
{
    if (!(a->seg.flags & SEG_ACK))
        return drop(a, DROP_NO_ACK);
    if (t->state == STATE_SYN_RECEIVED) {
        if (seq_le(a->seg.ack, t->snd_una) || seq_gt(a->seg.ack, t->snd_nxt)) {
            owe_rst(t, a->seg.ack);
            return drop(a, DROP_BAD_ACK);
        }
        if (t->by_cookie)
            a->ev.notes |= NOTE_SYN_COOKIE;
        tcb_established(t, a->now);
    }
    return tcb_process_ack(t, a) && t->end == END_NONE;
}

/*
 * Sixth: URG. The data is delivered in line, and the pointer is believed in nothing but words (RFC
 * 6093): it names the byte behind the urgent data (MUST-62), and the user is told when it moves on
 * (MUST-32). Nothing is urgent behind a FIN.
 */
static void note_urgent(struct tcb *t, struct arrival *a)
{
    const struct segment *s = a->whole;
    int64_t ahead; /* of the pointer, from RCV.NXT */

    if (!(s->flags & SEG_URG) || s->urgent == 0)
        return;
    a->ev.notes |= NOTE_URGENT;
    ahead = (int64_t)seq_diff(s->seq, t->rcv_nxt) + s->urgent;
    if (t->fin_received || ahead <= 0 || t->rcv.tail + (uint64_t)ahead <= t->rcv_up)
        return;
    t->rcv_up = t->rcv.tail + (uint64_t)ahead;
    a->ev.urgent = tcb_urgent(t);
}

/* Returns true if the segment was taken, false if it was dropped. */
static bool other_states(struct tcb *t, struct arrival *a)
{
    const bool go_on = check_repeated_syn(t, a) && check_time_wait_syn(t, a) &&
                       check_timestamps(t, a) && check_sequence(t, a);

    if (!go_on)
        return a->ev.drop == DROP_NOTHING;
    if (!(check_rst(t, a) && check_syn(t, a) && check_ack(t, a)))
        return a->ev.drop == DROP_NOTHING;
    /* Not before the ACK was believed (RFC 5961 5.2): somebody who guesses could else make all that
     * the peer says too old. */
    remember_timestamp(t, a);
    note_urgent(t, a);
    ecn_receive(t, a);
    tcb_receive_data(t, a);
    tcb_receive_fin(t, a);
    return true;
}

static void count(struct tcb *t, const struct segment *seg, bool taken)
{
    t->stats.segs_received++;
    if (!taken)
        t->stats.segs_dropped++;
    if (segment_seq_len(seg) == 0 && !(seg->flags & SEG_RST))
        t->stats.pure_acks_received++;
}

void tcb_segment(struct tcb *t, const struct segment *seg, usec_t now)
{
    struct arrival a = {
        .seg = *seg,
        .whole = seg,
        .now = now,
        .at = seg->at != 0 && seg->at <= now ? seg->at : now,
    };
    bool taken;

    if (t->end != END_NONE)
        return;
    a.ev = tcb_event(t, EVENT_RECEIVED, a.at);
    a.ev.seg = seg;
    taken = t->state == STATE_SYN_SENT ? syn_sent(t, &a) : other_states(t, &a);
    count(t, seg, taken);
    if (taken || (a.ev.notes & NOTE_PROBE))
        keepalive_heard(t, now);
    if (!taken)
        a.ev.type = EVENT_DROPPED;
    tcb_emit(t, &a.ev);
    if (t->end != END_NONE)
        tcb_tell_end(t, now);
}
