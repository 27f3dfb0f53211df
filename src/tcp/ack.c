/*
 * The ACK field: RFC 9293 3.10.7.4 fifth, with RFC 5961, SACK (RFC 2018, 2883) and round-trip
 * samples (RFC 6298, 7323). Pure.
 */
#include <string.h>

#include "segcat/tcp/internal.h"

/* Frees acknowledged bytes of the ring. */
static void free_ring(struct tcb *t, struct arrival *a, seq_t ack)
{
    const int32_t n = seq_diff(ack, t->snd_base);
    uint64_t bytes = n > 0 ? (uint64_t)n : 0;

    if (bytes > ring_used(&t->snd))
        bytes = ring_used(&t->snd); /* the rest is the FIN */
    t->snd.head += bytes;
    t->snd_base += (uint32_t)bytes;
    t->stats.bytes_acked += bytes;
    a->ev.acked += bytes;
}

/* A sample for RFC 6298: from records sent once (Karn), else from the echoed timestamp (RFC 7323
 * 4.1). */
static void sample_rtt(struct tcb *t, struct arrival *a, const struct rack_sample *s)
{
    usec_t rtt = s->retransmitted ? 0 : s->rtt;

    /* A listener may echo the first SYN's timestamp to the third: no sample, and RFC 6298 5.7. */
    if (s->syn && s->retransmitted)
        return;

    if (rtt == 0 && s->any && t->use_ts && (a->seg.opt.present & OPT_TIMESTAMPS) &&
        a->seg.opt.tsecr != 0) {
        const int32_t ms = seq_diff(tcb_ts_now(t, a->at), a->seg.opt.tsecr);

        if (ms >= 0 && ms < 600000)
            rtt = ms > 0 ? (usec_t)ms * USEC_MS : USEC_MS / 2;
    }
    if (rtt == 0)
        return;
    rtt_sample(&t->rtt, rtt);
    a->ev.rtt = rtt;
}

void tcb_advance_una(struct tcb *t, struct arrival *a)
{
    const seq_t ack = a->seg.ack;
    struct rack_sample s = {.any = false};

    while (t->sent.count > 0) {
        const struct sent_record *r = sent_at(&t->sent, 0);

        if (seq_gt(r->seq + r->len, ack)) {
            if (seq_lt(r->seq, ack))
                sent_trim(&t->sent, ack);
            break;
        }
        if (!r->sacked)
            rack_delivered(t, r, a, &s);
        if (r->fin)
            t->fin_acked = true;
        sent_pop(&t->sent);
    }
    free_ring(t, a, ack);
    t->snd_una = ack;
    t->dup_acks = 0;
    t->probe_tries = 0;
    t->progress_at = a->now;
    t->rtt.backoff = 0;
    t->timeouts = 0;
    tcb_timer_off(t, TIMER_REXMT); /* RFC 6298 5.3: begun anew by timers_arm() */
    tcb_timer_off(t, TIMER_TLP);
    t->tlp_due = false;
    sample_rtt(t, a, &s);
    pmtu_on_progress(t, a->now);
}

/* --- SACK --- */

/* A block that can be about what is in flight (TCP.md 26). */
static bool sack_block_sane(const struct tcb *t, const struct sack_block *b)
{
    return seq_lt(b->left, b->right) && seq_gt(b->right, t->snd_una) &&
           seq_ge(b->left, t->snd_una) && seq_le(b->right, t->snd_nxt);
}

/*
 * RFC 2883 section 4: the first block lies below the ACK or inside the second. It must be about what
 * we have sent, not longer than a window ago.
 */
static bool is_dsack(const struct tcb *t, const struct arrival *a)
{
    const struct tcp_options *o = &a->seg.opt;
    const struct sack_block *b = &o->sack[0];
    const uint64_t back = t->stats.bytes_acked < t->snd_wnd_max ? t->stats.bytes_acked + 1
                                                                : (uint64_t)t->snd_wnd_max + 1;

    if (o->sack_count == 0 || !seq_lt(b->left, b->right))
        return false;
    if (seq_le(b->right, a->seg.ack))
        return seq_diff(t->snd_una, b->left) <= (int64_t)back;
    return o->sack_count > 1 && sack_block_sane(t, &o->sack[1]) &&
           seq_ge(b->left, o->sack[1].left) && seq_le(b->right, o->sack[1].right);
}

/* A retransmission of ours was needless. That of a probe says nothing about reordering. */
static void process_dsack(struct tcb *t, struct arrival *a)
{
    const struct sack_block *b = &a->seg.opt.sack[0];

    if (t->tlp_out && t->tlp_retransmit && b->right == t->tlp_end) {
        a->ev.notes |= NOTE_SPURIOUS;
        t->tlp_needless = true;
    } else if (undo_dsack(t, b)) {
        a->ev.notes |= NOTE_SPURIOUS;
        t->rack.dsack = true;
    }
}

/* Marks the records inside b that begin in [from, to) or reach into it. */
static void mark_part(struct tcb *t, const struct sack_block *b, seq_t from, seq_t to,
                      struct arrival *a, struct rack_sample *s)
{
    for (size_t i = sent_find(&t->sent, from); i < t->sent.count; i++) {
        const struct sent_record *r = sent_at(&t->sent, i);

        if (seq_ge(r->seq, to) || seq_gt(r->seq + r->len, b->right))
            break;
        if (r->sacked || seq_lt(r->seq, b->left))
            continue;
        rack_delivered(t, r, a, s);
        a->ev.sacked += r->len;
        sent_mark_sacked(&t->sent, i);
    }
}

/* Marks what b says, less what the ACK before has said: blocks grow long, news is short. */
static void mark_block(struct tcb *t, const struct sack_block *b, struct arrival *a,
                       struct rack_sample *s)
{
    seq_t from = b->left;

    for (unsigned i = 0; i < t->sack_seen_count; i++) {
        const struct sack_block *seen = &t->sack_seen[i];

        if (seq_le(seen->right, from) || seq_ge(seen->left, b->right))
            continue;
        if (seq_lt(from, seen->left))
            mark_part(t, b, from, seen->left, a, s);
        from = seen->right;
    }
    if (seq_lt(from, b->right))
        mark_part(t, b, from, b->right, a, s);
}

/* The sane blocks in sequence order, so that a late report of the lower ones is not taken for
 * reordering. Returns how many. */
static unsigned sorted_blocks(const struct tcb *t, const struct arrival *a,
                              struct sack_block out[SACK_BLOCKS_MAX])
{
    const struct tcp_options *o = &a->seg.opt;
    unsigned n = 0;

    for (unsigned i = 0; i < o->sack_count && i < SACK_BLOCKS_MAX; i++) {
        unsigned j = n;

        if (!sack_block_sane(t, &o->sack[i]))
            continue;
        for (; j > 0 && seq_gt(out[j - 1].left, o->sack[i].left); j--)
            out[j] = out[j - 1];
        out[j] = o->sack[i];
        n++;
    }
    return n;
}

static void process_sack(struct tcb *t, struct arrival *a)
{
    struct rack_sample s = {.any = false};
    struct sack_block block[SACK_BLOCKS_MAX];
    unsigned n;

    if (t->sent.sacked_count == 0)
        t->sack_seen_count = 0; /* all acknowledged, or forgotten: it says nothing any more */
    if (!t->use_sack || !(a->seg.opt.present & OPT_SACK))
        return;
    if (is_dsack(t, a))
        process_dsack(t, a);
    n = sorted_blocks(t, a, block);
    for (unsigned i = 0; i < n; i++)
        mark_block(t, &block[i], a, &s);
    memcpy(t->sack_seen, block, n * sizeof block[0]);
    t->sack_seen_count = n;
    if (a->ev.sacked > 0)
        a->ev.notes |= NOTE_SACK;
    if (a->ev.rtt == 0 && s.rtt != 0) {
        rtt_sample(&t->rtt, s.rtt);
        a->ev.rtt = s.rtt;
    }
}

/* --- the window --- */

static void window_opened(struct tcb *t, struct arrival *a)
{
    a->ev.notes |= NOTE_WINDOW_OPENED;
    t->stats.zero_window_time += a->now - t->zero_since;
    tcb_timer_off(t, TIMER_PERSIST);
    /* What was sent into the closed window as a probe was not taken: it goes out again, and it
     * is no sign of congestion. */
    if (t->probe_tries > 0)
        for (size_t i = 0; i < t->sent.count; i++)
            sent_mark_lost(&t->sent, i);
    t->probe_tries = 0;
    t->rtt.backoff = 0;
    t->progress_at = a->now;
}

/*
 * RFC 9293 3.10.7.4: only a newer segment changes the window (SND.WL1, SND.WL2). One that
 * acknowledges more is newer though it repeats old text: its window counts from its ACK, and the
 * old one added to the new SND.UNA would be more than was offered.
 */
static void update_window(struct tcb *t, struct arrival *a)
{
    /* In a SYN it is never scaled (RFC 7323 2.2): a crossing SYN,ACK comes here too. */
    const uint32_t wnd = (uint32_t)a->seg.window << (a->whole->flags & SEG_SYN ? 0 : t->snd_wscale);
    const uint32_t before = t->snd_wnd;
    const seq_t edge_before = t->snd_wl2 + before;

    if (!a->advances && !seq_lt(t->snd_wl1, a->seg.seq) &&
        !(t->snd_wl1 == a->seg.seq && seq_le(t->snd_wl2, a->seg.ack)))
        return;
    t->snd_wnd = wnd;
    t->snd_wl1 = seq_max(t->snd_wl1, a->seg.seq);
    t->snd_wl2 = a->seg.ack;
    if (wnd > t->snd_wnd_max)
        t->snd_wnd_max = wnd;
    if (wnd == 0) {
        a->ev.notes |= NOTE_ZERO_WINDOW;
        if (before != 0) {
            t->zero_since = a->now;
            t->stats.zero_windows++;
        }
    } else if (before == 0) {
        window_opened(t, a);
    } else if (seq_lt(a->seg.ack + wnd, edge_before)) {
        a->ev.notes |= NOTE_WINDOW_SHRUNK;
    }
    if (wnd > before && !a->advances && t->told_state != STATE_SYN_RECEIVED && a->whole->len == 0 &&
        !(a->whole->flags & (SEG_SYN | SEG_FIN)))
        a->ev.notes |= NOTE_WINDOW_UPDATE;
}

/* RFC 5681 section 2: all five conditions. */
static bool is_duplicate_ack(const struct tcb *t, const struct arrival *a, uint32_t wnd_before)
{
    return t->sent.count > 0 && a->whole->len == 0 && !(a->whole->flags & (SEG_SYN | SEG_FIN)) &&
           a->seg.ack == t->snd_una && t->snd_wnd == wnd_before;
}

/* --- fifth: check the ACK field --- */

/* Too old or from the future: RFC 9293 3.10.7.4 and RFC 5961 5.2. */
static enum drop_reason ack_range(const struct tcb *t, seq_t ack)
{
    if (seq_gt(ack, t->snd_nxt))
        return DROP_ACK_FUTURE;
    if (seq_lt(ack, t->snd_una) && seq_diff(t->snd_una, ack) > (int64_t)t->snd_wnd_max)
        return DROP_ACK_OLD;
    return DROP_NOTHING;
}

static void after_fin_acked(struct tcb *t, struct arrival *a)
{
    switch (t->state) {
    case STATE_FIN_WAIT_1:
        t->state = STATE_FIN_WAIT_2;
        break;
    case STATE_CLOSING:
        tcb_enter_time_wait(t, a->now);
        break;
    case STATE_LAST_ACK:
        tcb_finish(t, END_CLOSED, a->now);
        break;
    default:
        break;
    }
}

bool tcb_process_ack(struct tcb *t, struct arrival *a)
{
    const uint32_t wnd_before = t->snd_wnd;
    const uint64_t flight_before = t->sent.flight;
    const uint64_t sacked_before = t->sent.sacked;
    const seq_t una_before = t->snd_una;
    const bool fin_before = t->fin_acked;

    a->ev.drop = ack_range(t, a->seg.ack);
    if (a->ev.drop != DROP_NOTHING) {
        if (tcb_challenge_allowed(t, a->now))
            tcb_owe_ack(t, a->ev.drop == DROP_ACK_OLD ? SEND_ACK_CHALLENGE : SEND_ACK_OLD);
        return false;
    }
    if (seq_lt(a->seg.ack, t->snd_una))
        return true; /* a duplicate: ignored, but its text is taken */
    a->advances = a->seg.ack != t->snd_una;
    if (a->advances)
        tcb_advance_una(t, a);
    else if (wnd_before == 0)
        t->progress_at = a->now; /* MUST-37: a peer that answers probes is alive */
    t->probe_out = false;
    update_window(t, a);
    process_sack(t, a);
    if (!a->advances && is_duplicate_ack(t, a, wnd_before)) {
        t->dup_acks++;
        t->stats.dup_acks_received++;
        a->ev.notes |= NOTE_DUPLICATE_ACK;
    }
    a->ev.dup_acks = t->dup_acks;
    /* What SACK had told of before is not delivered again by the ACK that passes it. */
    a->moved = t->snd_una - una_before;
    recovery_after_ack(t, a, a->moved + t->sent.sacked - sacked_before, flight_before);
    if (t->fin_acked && !fin_before)
        after_fin_acked(t, a);
    return true;
}
