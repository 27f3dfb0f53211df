/*
 * Loss: what is lost, and what a loss means to the congestion window. RACK (RFC 8985) finds it,
 * with SACK where negotiated and by counting duplicate ACKs where not; the tail loss probe and the
 * timeout do the rest. Pure.
 */
#include "segcat/tcp/internal.h"

/* --- RACK --- */

static bool sent_after(usec_t at1, seq_t end1, usec_t at2, seq_t end2)
{
    return at1 > at2 || (at1 == at2 && seq_gt(end1, end2));
}

/* RFC 8985 6.2 steps 1 to 3, for one record that this ACK delivered. */
void recovery_newly_acked(struct tcb *t, const struct sent_record *r, const struct arrival *a,
                          struct rack_sample *s)
{
    const usec_t rtt = a->at > r->sent_at ? a->at - r->sent_at : 1;
    const seq_t end = r->seq + r->len;

    s->syn = s->syn || r->syn;
    if (r->transmissions > 1) {
        s->retransmitted = true;
        if (t->rack_rtt_min != 0 && rtt < t->rack_rtt_min)
            return; /* the answer to an earlier transmission (step 2) */
    } else {
        if (s->rtt == 0 || rtt < s->rtt)
            s->rtt = rtt;
        if (t->rack_rtt_min == 0 || rtt < t->rack_rtt_min)
            t->rack_rtt_min = rtt;
        if (t->rack_valid && seq_lt(end, t->rack_fack))
            t->rack_reordering = true;
    }
    if (!t->rack_valid || seq_gt(end, t->rack_fack))
        t->rack_fack = end;
    if (!t->rack_valid || sent_after(r->sent_at, end, t->rack_sent_at, t->rack_end)) {
        t->rack_sent_at = r->sent_at;
        t->rack_end = end;
        t->rack_rtt = rtt;
    }
    t->rack_valid = true;
    s->any = true;
}

/* RFC 8985 6.2 step 4. */
static usec_t reordering_window(const struct tcb *t)
{
    usec_t w;

    if (!t->rack_reordering && (t->recovering || t->sent.sacked >= (uint64_t)DUPTHRESH * t->mss))
        return 0;
    w = t->rtt.min / 4;
    return w < t->rtt.srtt ? w : t->rtt.srtt;
}

/* RFC 8985 6.2 step 5: marks what is lost, sets the reordering timer for what may be. Returns
 * the bytes marked. */
static uint64_t detect_loss(struct tcb *t, usec_t now)
{
    const usec_t window = reordering_window(t);
    usec_t wait = 0;
    uint64_t lost = 0;

    tcb_timer_off(t, TIMER_REORDER);
    if (!t->rack_valid)
        return 0;
    for (size_t i = 0; i < t->sent.count; i++) {
        const struct sent_record *r = sent_at(&t->sent, i);
        usec_t due;

        if (r->sacked || r->lost ||
            !sent_after(t->rack_sent_at, t->rack_end, r->sent_at, r->seq + r->len))
            continue;
        due = r->sent_at + t->rack_rtt + window;
        if (now >= due) {
            lost += r->len;
            sent_mark_lost(&t->sent, i);
        } else if (due - now > wait) {
            wait = due - now;
        }
    }
    if (wait > 0)
        tcb_timer_set(t, TIMER_REORDER, now + wait);
    return lost;
}

/* --- recovery --- */

static void begin_recovery(struct tcb *t, uint64_t flight, uint64_t delivered, usec_t now)
{
    if (t->recovering || t->rto_recovering)
        return;
    t->recovering = true;
    t->recovery_point = t->snd_nxt;
    if (!ecn_window_is_cut(t))
        t->cc.ops->on_loss(&t->cc, flight, now);
    ecn_tell_cut(t);
    prr_begin(t, delivered);
}

static void end_recovery(struct tcb *t, usec_t now)
{
    if ((!t->recovering && !t->rto_recovering) || seq_lt(t->snd_una, t->recovery_point))
        return;
    if (t->recovering)
        t->cc.cwnd = t->cc.ssthresh; /* after a timeout slow start goes on instead */
    t->recovering = t->rto_recovering = false;
    t->dup_delivered = 0;
    t->cc.ops->on_recovered(&t->cc, now);
}

void recovery_cut(struct tcb *t, uint64_t flight, usec_t now)
{
    if (t->recovering || t->rto_recovering)
        return;
    t->cc.ops->on_loss(&t->cc, flight, now);
    if (t->cc.cwnd > t->cc.ssthresh)
        t->cc.cwnd = t->cc.ssthresh;
    t->cc.ops->on_recovered(&t->cc, now);
    ecn_tell_cut(t);
}

/* --- without SACK --- */

uint64_t tcb_pipe(const struct tcb *t)
{
    const uint64_t flight = t->sent.flight;

    return flight > t->dup_delivered ? flight - t->dup_delivered : 0;
}

/*
 * Each duplicate ACK stands for a segment that has arrived behind the hole: it lets one more go
 * (RFC 3042 before the third, RFC 6582's inflated window after it). Never for more than was in
 * flight, however many come (RFC 5681 3.2). Returns the bytes newly delivered.
 */
static uint64_t count_duplicate(struct tcb *t)
{
    const seq_t end = t->recovering ? t->recovery_point : t->snd_nxt;
    const uint64_t most = (uint32_t)(end - t->snd_una);

    if (t->use_sack || t->rto_recovering || t->dup_delivered + 2 * (uint64_t)t->mss > most)
        return 0;
    t->dup_delivered += t->mss;
    return t->mss;
}

/* A cumulative ACK fills one hole; the rest of it is what duplicate ACKs have told of before.
 * Returns what is new in it. */
static uint64_t eat_duplicates(struct tcb *t, uint64_t acked)
{
    uint64_t eaten = acked > t->mss ? acked - t->mss : 0;

    if (eaten > t->dup_delivered)
        eaten = t->dup_delivered;
    t->dup_delivered -= eaten;
    return acked - eaten;
}

/* Without SACK: three duplicate ACKs (RFC 5681 3.2), and in recovery a partial ACK (RFC 6582
 * 3.2). */
static uint64_t count_loss(struct tcb *t, const struct arrival *a)
{
    const struct sent_record *first;

    if (t->use_sack || t->sent.count == 0)
        return 0;
    first = sent_at(&t->sent, 0);
    if (first->lost)
        return 0;
    if (t->dup_acks == DUPTHRESH ||
        (t->recovering && a->ev.acked > 0 && first->transmissions == 1)) {
        sent_mark_lost(&t->sent, 0);
        return first->len;
    }
    return 0;
}

/* RFC 8985 7.4: what the answer to a tail loss probe says. */
static void tlp_answered(struct tcb *t, const struct arrival *a, uint64_t flight, usec_t now)
{
    if (!t->tlp_out || seq_lt(t->snd_una, t->tlp_end))
        return;
    /* The probe repeated data and no D-SACK says that it was needless: something was lost and is
     * repaired. */
    if (t->tlp_retransmit && !(a->ev.notes & NOTE_SPURIOUS))
        recovery_cut(t, flight, now);
    t->tlp_out = false;
}

void recovery_after_ack(struct tcb *t, struct arrival *a, uint64_t delivered,
                        uint64_t flight_before)
{
    const uint64_t progress = delivered;
    uint64_t lost = 0;

    if (a->advances)
        delivered = eat_duplicates(t, delivered);
    else if (a->ev.notes & NOTE_DUPLICATE_ACK)
        delivered += count_duplicate(t);
    end_recovery(t, a->now);
    tlp_answered(t, a, flight_before, a->now);
    /* RACK needs SACK: without it a partial ACK would condemn all that was sent before the
     * retransmission. */
    if (t->use_sack &&
        (t->sent.sacked > 0 || t->recovering || t->rto_recovering || t->rack_reordering))
        lost += detect_loss(t, a->now);
    else
        tcb_timer_off(t, TIMER_REORDER);
    lost += count_loss(t, a);
    if (t->recovering)
        prr_on_ack(t, delivered, a->advances && lost == 0);
    else if (lost > 0)
        begin_recovery(t, flight_before, delivered, a->now);
    if (!ecn_take_echo(t, a, flight_before) && progress > 0 && !t->recovering) {
        const struct congestion_ack c = {
            .now = a->now,
            .acked = progress,
            .flight = flight_before,
            .una = tcb_snd_offset(t, t->snd_una),
            .nxt = tcb_snd_offset(t, t->snd_nxt),
            .rtt = a->ev.rtt,
            .srtt = t->rtt.srtt,
            .app_limited = !cwnd_limited(t),
            .paced = pacing_active(t),
            .after_timeout = t->rto_recovering,
        };

        t->cc.ops->on_ack(&t->cc, &c);
    }
}

void recovery_on_reorder_timer(struct tcb *t, usec_t now)
{
    const uint64_t flight = t->sent.flight;

    if (detect_loss(t, now) > 0)
        begin_recovery(t, flight, 0, now);
}

/* RFC 6298 5.4 to 5.7, RFC 8985 6.3: all that was not SACKed counts as lost. */
void recovery_on_rto(struct tcb *t, usec_t now)
{
    const uint64_t flight = t->sent.flight;

    tcb_timer_off(t, TIMER_REORDER);
    tcb_timer_off(t, TIMER_TLP);
    t->tlp_out = false;
    /* The oldest SACKed and still not acknowledged: the peer has thrown it away (RFC 2018
     * section 8). */
    if (t->sent.count > 0 && sent_at(&t->sent, 0)->sacked)
        sent_forget_sacks(&t->sent);
    for (size_t i = 0; i < t->sent.count; i++)
        sent_mark_lost(&t->sent, i);
    if (!t->rto_recovering)
        t->cc.ops->on_rto(&t->cc, flight, now);
    ecn_tell_cut(t);
    t->rto_recovering = true;
    t->recovering = false;
    t->recovery_point = t->snd_nxt;
    t->dup_acks = 0;
    t->dup_delivered = 0;
    t->rto_expired = rtt_timeout(&t->rtt);
    t->stats.rto_count++;
    t->stats.rto_time += t->rto_expired;
    rtt_back_off(&t->rtt);
}

/* --- tail loss probe, RFC 8985 section 7 --- */

static usec_t probe_timeout(const struct tcb *t)
{
    usec_t pto = USEC_SEC;

    if (t->rtt.valid) {
        pto = 2 * t->rtt.srtt;
        if (t->sent.flight < 2 * (uint64_t)t->mss)
            pto += RTO_MIN; /* a delayed ACK may be all that is missing */
        if (pto < 10 * USEC_MS)
            pto = 10 * USEC_MS; /* TCP.md 31: RTT near 0 and a coarse clock */
    }
    return pto;
}

void recovery_arm_tlp(struct tcb *t, usec_t now)
{
    usec_t at;

    if (!tcb_synchronized(t) || t->sent.count == 0 || t->recovering || t->rto_recovering ||
        t->tlp_out || t->sent.sacked > 0 || !t->use_sack || t->rtt.backoff > 0) {
        tcb_timer_off(t, TIMER_TLP);
        return;
    }
    if (t->timer[TIMER_TLP] != USEC_NEVER)
        return;
    at = now + probe_timeout(t);
    if (at >= t->timer[TIMER_REXMT]) /* then the retransmission timer does the same */
        at = USEC_NEVER;
    tcb_timer_set(t, TIMER_TLP, at);
}

void recovery_on_tlp(struct tcb *t, usec_t now)
{
    if (t->sent.count == 0)
        return;
    t->tlp_due = true;
    (void)now;
}
