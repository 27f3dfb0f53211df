/*
 * The receiving half: options of the SYN, text and FIN of arriving segments, when to acknowledge,
 * what window to announce. RFC 9293 3.10.7.4 seventh and eighth, 3.8.6. Pure.
 */
#include "segcat/tcp/internal.h"

/* What a SYN or SYN,ACK negotiates. */
void tcb_accept_options(struct tcb *t, const struct segment *syn, usec_t now)
{
    const struct tcp_options *o = &syn->opt;

    /* MSS 0 counts as absent, a tiny one as MSS_MIN. */
    if ((o->present & OPT_MSS) && o->mss != 0)
        t->peer_mss = o->mss > MSS_MIN ? o->mss : MSS_MIN;
    t->use_wscale = t->use_wscale && (o->present & OPT_WSCALE);
    if (t->use_wscale) {
        t->snd_wscale = o->wscale < WSCALE_MAX ? o->wscale : WSCALE_MAX; /* RFC 7323 2.3 */
    } else {
        t->snd_wscale = t->rcv_wscale = 0;
        /* More cannot be announced. */
        if (t->cfg.rcv_limit > UINT16_MAX)
            t->cfg.rcv_limit = UINT16_MAX;
        if (t->rcv_buff > UINT16_MAX)
            t->rcv_buff = UINT16_MAX;
    }
    t->use_sack = t->use_sack && (o->present & OPT_SACK_PERMITTED);
    t->use_ts = t->use_ts && (o->present & OPT_TIMESTAMPS);
    if (t->use_ts) {
        t->ts_recent = o->tsval;
        t->ts_recent_at = now;
        t->ts_recent_valid = true;
    }
    ecn_negotiate(t, syn);
    tcb_set_mss(t);
    congestion_init(&t->cc, t->cc.ops, t->mss);
}

/* --- the window --- */

uint32_t tcb_rcv_wnd(const struct tcb *t)
{
    const int32_t w = seq_diff(t->rcv_adv, t->rcv_nxt);

    return w > 0 ? (uint32_t)w : 0;
}

uint32_t tcb_receive_window(const struct tcb *t)
{
    return tcb_rcv_wnd(t);
}

/*
 * A window is a multiple of 2^scale, RCV.NXT is not: an announced edge either creeps up by less than
 * that with each ACK, or moves back. So some is kept for it to creep into (RFC 7323 2.4): a quarter
 * more than the buffer while it can grow, an eighth of it where it cannot.
 */
static uint32_t kept_back(const struct tcb *t)
{
    return t->rcv_wscale == 0 ? 0 : (uint32_t)(t->cfg.rcv_limit / 8);
}

static uint32_t less_used(const struct tcb *t, uint32_t most)
{
    const size_t used = ring_used(&t->rcv);

    return used < most ? most - (uint32_t)used : 0;
}

/* How far beyond RCV.NXT the edge may ever be. What lies beyond the ring's present size makes it
 * grow when it comes. */
static uint32_t room(const struct tcb *t)
{
    const uint32_t limit = (uint32_t)t->cfg.rcv_limit;
    const uint32_t creep = t->rcv_wscale == 0 ? 0 : t->rcv_buff / 4;

    return less_used(t, t->rcv_buff < limit - creep ? t->rcv_buff + creep : limit);
}

/* The window that would be announced if nothing had been before. */
static uint32_t nominal(const struct tcb *t)
{
    const uint32_t most = (uint32_t)t->cfg.rcv_limit - kept_back(t);

    return less_used(t, t->rcv_buff < most ? t->rcv_buff : most);
}

static uint32_t full_segment(const struct tcb *t)
{
    return t->rcv_mss > t->mss ? t->rcv_mss : t->mss;
}

static uint32_t half_of_buffer_or(const struct tcb *t, uint32_t n)
{
    return t->rcv_buff / 2 < n ? t->rcv_buff / 2 : n;
}

/* The right edge would move by enough to say so: receiver's silly window avoidance (MUST-39), as
 * RFC 9293 3.8.6.2.2 has it: by half the buffer or one segment. */
static bool edge_worth_moving(const struct tcb *t, uint32_t gain)
{
    return gain > 0 && gain >= half_of_buffer_or(t, full_segment(t));
}

static uint32_t edge_gain(const struct tcb *t)
{
    const int64_t gain = (int64_t)nominal(t) - tcb_rcv_wnd(t);

    return gain > 0 ? (uint32_t)gain : 0;
}

uint16_t tcb_announce_window(struct tcb *t, bool syn)
{
    const uint8_t scale = syn ? 0 : t->rcv_wscale;
    const uint32_t unit = 1U << scale;
    uint32_t units;

    if (edge_worth_moving(t, edge_gain(t)))
        t->rcv_adv = t->rcv_nxt + nominal(t);
    units = (tcb_rcv_wnd(t) + unit - 1) >> scale;
    if ((uint64_t)units << scale > room(t))
        units = tcb_rcv_wnd(t) >> scale;
    if (units > UINT16_MAX)
        units = UINT16_MAX;
    t->rcv_adv = seq_max(t->rcv_adv, t->rcv_nxt + (units << scale));
    /* In a SYN the field cannot say all that the scale will: promise no more than it does. */
    if (syn)
        t->rcv_adv = t->rcv_nxt + units;
    if (units == 0)
        t->stats.zero_windows_sent++;
    if (units << scale > t->wnd_max)
        t->wnd_max = units << scale;
    return (uint16_t)units;
}

/*
 * The user took n bytes. That is worth a segment of its own if the peer may soon wait for it: little
 * of the window is left, and this opens it by two segments or half the buffer and makes it twice as
 * large at least, so that a reader of small pieces does not make a crowd of ACKs.
 */
void tcb_consume(struct tcb *t, size_t n)
{
    const uint32_t left = tcb_rcv_wnd(t);
    uint32_t gain;

    t->rcv.head += n;
    if (!tcb_synchronized(t) || t->fin_received || t->end != END_NONE)
        return;
    gain = edge_gain(t);
    if (edge_worth_moving(t, gain) && left <= t->rcv_buff / 2 && gain >= left &&
        gain >= half_of_buffer_or(t, 2 * full_segment(t)))
        tcb_owe_ack(t, SEND_WINDOW_UPDATE);
}

/* --- text --- */

/* The stream offset of a sequence number near RCV.NXT. */
static uint64_t offset_of(const struct tcb *t, seq_t seq)
{
    return t->rcv.tail + (uint64_t)(int64_t)seq_diff(seq, t->rcv_nxt);
}

/* RFC 5681 4.2 and TCP.md: each second full segment by bytes, at once in the beginning, else 40
 * ms. */
static void owe_ack_for_data(struct tcb *t, const struct segment *seg, usec_t now)
{
    const uint32_t len = seg->len;
    const bool again = len == t->rcv_len && len >= MSS_MIN && !(seg->flags & SEG_PSH);

    /* What an offload has put together is no larger segment. Two of a size that no push ends are
     * full ones, though larger came before: the peer's path has become narrower. */
    t->rcv_len = len;
    if (len > t->rcv_mss || again)
        t->rcv_mss = len < t->mss_announced ? len : t->mss_announced;
    t->ack_bytes += len;
    if (t->ack_bytes >= 2 * t->rcv_mss && t->ack_bytes > len) {
        tcb_owe_ack(t, SEND_ACK_EVERY_OTHER);
    } else if (t->ack_bytes >= 2 * t->mss) {
        /* One big segment of an offloading peer is many on the wire. */
        tcb_owe_ack(t, SEND_ACK_EVERY_OTHER);
    } else if (t->quick_acks > 0 || t->cfg.no_delack) {
        if (t->quick_acks > 0)
            t->quick_acks--;
        tcb_owe_ack(t, SEND_ACK_QUICK);
    } else if (t->timer[TIMER_DELACK] == USEC_NEVER) {
        tcb_timer_set(t, TIMER_DELACK, now + DELACK_TIME);
    }
}

void tcb_remember_dsack(struct tcb *t, seq_t left, seq_t right)
{
    t->dsack_due = t->use_sack;
    t->dsack = (struct sack_block){left, right};
}

/* The ring grows so far that it reaches `end`: more than there is memory for was never announced. */
static void make_room_up_to(struct tcb *t, uint64_t end)
{
    const uint64_t held = t->ooo.count > 0 ? t->ooo.mem[t->ooo.count - 1].right : t->rcv.tail;

    if (t->ooo.count == 0)
        ring_rewind(&t->rcv);
    while (end > t->rcv.head + t->rcv.size && t->rcv.size < t->rcv.max)
        ring_grow(&t->rcv, held);
}

static void put(struct tcb *t, uint64_t offset, const struct segment *seg)
{
    ring_put(&t->rcv, offset, seg->data[0].data, seg->data[0].len);
    ring_put(&t->rcv, offset + seg->data[0].len, seg->data[1].data, seg->data[1].len);
}

static void take_in_order(struct tcb *t, struct arrival *a)
{
    const uint64_t before = t->rcv.tail;
    const bool hole = t->ooo.count > 0;
    uint64_t next = before + a->seg.len;

    make_room_up_to(t, next);
    put(t, before, &a->seg);
    if (hole)
        next = reassembly_advance(&t->ooo, next);
    t->rcv.tail = next;
    t->rcv_nxt += (uint32_t)(next - before);
    a->ev.delivered = next - before;
    t->stats.bytes_received += next - before;
    if (next > before + a->seg.len)
        a->ev.notes |= NOTE_FILLS_HOLE;
    if (hole) /* RFC 5681 4.2: at once when a segment fills all or part of a gap */
        tcb_owe_ack(t, SEND_ACK_FILLED);
    else
        owe_ack_for_data(t, &a->seg, a->now);
}

static void keep_out_of_order(struct tcb *t, struct arrival *a)
{
    const uint64_t left = offset_of(t, a->seg.seq);
    uint64_t fresh = 0;

    a->ev.notes |= NOTE_OUT_OF_ORDER;
    a->ev.hole_left = t->rcv_nxt;
    a->ev.hole_right = a->seg.seq;
    make_room_up_to(t, left + a->seg.len);
    if (!reassembly_add(&t->ooo, left, left + a->seg.len, &fresh)) {
        a->ev.notes |= NOTE_NO_ROOM;
    } else if (fresh == 0) {
        a->ev.notes |= NOTE_DUPLICATE_DATA;
        tcb_remember_dsack(t, a->seg.seq, a->seg.seq + a->seg.len);
    } else if (fresh < a->seg.len) {
        a->ev.notes |= NOTE_OVERLAP;
    }
    /* What was there first and what comes now say the same, or the peer is broken. One rule then:
     * until it is in order the newer counts (TCP.md 25). */
    if (!(a->ev.notes & NOTE_NO_ROOM))
        put(t, left, &a->seg);
    t->stats.out_of_order++;
    tcb_owe_ack(t, SEND_ACK_DUPLICATE);
}

/* Drops n bytes from the front of a segment's payload. */
static void trim_front(struct segment *s, uint32_t n)
{
    const size_t first = n < s->data[0].len ? n : s->data[0].len;

    s->data[0].data += first;
    s->data[0].len -= first;
    if (n > first) {
        s->data[1].data += n - first;
        s->data[1].len -= n - first;
    }
    s->seq += n;
    s->len -= n;
}

static void trim_back(struct segment *s, uint32_t keep)
{
    if (keep < s->data[0].len)
        s->data[0].len = keep;
    s->data[1].len = keep - s->data[0].len;
    s->len = keep;
}

/* Trims what lies before RCV.NXT and beyond the window. Returns false if no text is left. */
static bool trim_to_window(struct tcb *t, struct arrival *a)
{
    struct segment *s = &a->seg;
    const int32_t old = seq_diff(t->rcv_nxt, s->seq);
    uint32_t most;

    if (old > 0) {
        const uint32_t n = (uint32_t)old < s->len ? (uint32_t)old : s->len;

        tcb_remember_dsack(t, s->seq, s->seq + n);
        trim_front(s, n);
        if (s->len == 0) {
            a->ev.notes |= NOTE_DUPLICATE_DATA;
            tcb_owe_ack(t, SEND_ACK_OLD);
            return false;
        }
        a->ev.notes |= NOTE_OVERLAP;
    }
    most = (uint32_t)seq_diff(seq_max(t->rcv_adv, s->seq), s->seq);
    if (s->len > most) {
        trim_back(s, most);
        s->flags &= (uint16_t)~SEG_FIN; /* it lies beyond the window too */
        tcb_owe_ack(t, SEND_ACK_OLD);
    }
    return s->len > 0;
}

/* Seventh: the segment text. */
void tcb_receive_data(struct tcb *t, struct arrival *a)
{
    if (a->seg.len == 0)
        return;
    t->stats.data_segs_received++;
    if (t->fin_received || (t->state != STATE_ESTABLISHED && t->state != STATE_FIN_WAIT_1 &&
                            t->state != STATE_FIN_WAIT_2)) {
        a->ev.notes |= NOTE_DUPLICATE_DATA; /* nothing new can come behind a FIN */
        tcb_owe_ack(t, SEND_ACK_OLD);
        return;
    }
    if (t->state == STATE_FIN_WAIT_2)
        a->ev.notes |= NOTE_HALF_CLOSED;
    autotune_data(t, a);
    if (!trim_to_window(t, a))
        return;
    if (t->fin_seen && offset_of(t, a->seg.seq) + a->seg.len > t->fin_offset) {
        const uint64_t left = offset_of(t, a->seg.seq);

        trim_back(&a->seg, left < t->fin_offset ? (uint32_t)(t->fin_offset - left) : 0);
        if (a->seg.len == 0)
            return;
    }
    if (a->seg.seq == t->rcv_nxt)
        take_in_order(t, a);
    else
        keep_out_of_order(t, a);
}

static void fin_transition(struct tcb *t, usec_t now)
{
    switch (t->state) {
    case STATE_SYN_RECEIVED:
    case STATE_ESTABLISHED:
        t->state = STATE_CLOSE_WAIT;
        break;
    case STATE_FIN_WAIT_1:
        if (t->fin_acked)
            tcb_enter_time_wait(t, now);
        else
            t->state = STATE_CLOSING;
        break;
    case STATE_FIN_WAIT_2:
        tcb_enter_time_wait(t, now);
        break;
    default:
        break;
    }
}

/* Eighth: the FIN bit. A FIN that came before its turn is remembered by its place. */
void tcb_receive_fin(struct tcb *t, struct arrival *a)
{
    if (!tcb_synchronized(t) || t->fin_received)
        return;
    if ((a->seg.flags & SEG_FIN) && !t->fin_seen) {
        const uint64_t at = offset_of(t, a->seg.seq) + a->seg.len;

        /* Data beyond it would contradict it: such a FIN is not believed. */
        if (t->ooo.count > 0 && t->ooo.mem[t->ooo.count - 1].right > at)
            return;
        t->fin_seen = true;
        t->fin_offset = at;
        if (at != t->rcv.tail) {
            a->ev.notes |= NOTE_OUT_OF_ORDER;
            a->ev.hole_left = t->rcv_nxt;
            a->ev.hole_right = a->seg.seq;
            tcb_owe_ack(t, SEND_ACK_DUPLICATE);
        }
    }
    if (!t->fin_seen || t->rcv.tail != t->fin_offset)
        return;
    t->fin_received = true;
    t->rcv_nxt++;
    t->rcv_adv = seq_max(t->rcv_adv, t->rcv_nxt);
    t->ack_fin_alone = true;
    tcb_owe_ack(t, SEND_ACK_FIN);
    fin_transition(t, a->now);
}
