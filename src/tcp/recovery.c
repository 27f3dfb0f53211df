/*
 * Recovery: when it begins, what each ACK means to it, when it is over. What is lost is found by RACK
 * (rack.c) with SACK, by counting duplicate ACKs without; the tail loss probe (tlp.c) and the timeout
 * do the rest. Pure.
 */
#include "segcat/tcp/internal.h"

/* --- recovery --- */

static void begin_recovery(struct tcb *t, uint64_t flight, uint64_t delivered, usec_t now)
{
    if (t->recovering || t->rto_recovering)
        return;
    undo_begin(t, false, flight);
    t->recovering = t->resend_due = true;
    t->recovery_point = t->snd_nxt;
    t->news |= NOTE_RECOVERY;
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
    t->undo.frto = FRTO_OFF;
    t->undo.over = t->snd_nxt;
    t->news |= NOTE_RECOVERED;
    rack_recovered(t);
    t->cc.ops->on_recovered(&t->cc, now);
}

void recovery_cut(struct tcb *t, uint64_t flight, usec_t now)
{
    if (t->recovering || t->rto_recovering)
        return;
    undo_forbid(t);
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

/* RFC 6582 3.2 step 1: duplicate ACKs for what the last recovery or a timeout has sent again are no
 * sign of a new loss. */
static bool may_begin(const struct tcb *t)
{
    return !t->recovering && !t->rto_recovering && seq_gt(t->snd_una, t->recovery_point);
}

/* Keeps it near enough to be compared when no recovery has been needed for long. */
static void drag_recovery_point(struct tcb *t)
{
    const int32_t far = 1 << 29;

    if (!t->recovering && !t->rto_recovering && seq_diff(t->snd_una, t->recovery_point) > 2 * far)
        t->recovery_point = t->snd_una - (uint32_t)far;
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
    if ((t->dup_acks == DUPTHRESH && may_begin(t)) ||
        (t->recovering && a->advances && first->transmissions == 1)) {
        sent_mark_lost(&t->sent, 0);
        return first->len;
    }
    return 0;
}

void recovery_after_ack(struct tcb *t, struct arrival *a, uint64_t delivered,
                        uint64_t flight_before)
{
    /* What lets cwnd grow: what is acknowledged, as it is acknowledged; but a recovery has dealt with
     * what was SACKed in it. */
    const uint64_t progress = t->recovering || !a->advances ? delivered : a->moved;
    uint64_t lost = 0;

    if (a->advances)
        delivered = eat_duplicates(t, delivered);
    else if (a->ev.notes & NOTE_DUPLICATE_ACK)
        delivered += count_duplicate(t);
    rack_adapt(t);
    undo_on_ack(t, a);
    end_recovery(t, a->now);
    tlp_answered(t, a, flight_before);
    /* RACK needs SACK: without it a partial ACK would condemn all that was sent before the
     * retransmission. */
    if (t->use_sack)
        lost += rack_detect_loss(t, a->now);
    lost += count_loss(t, a);
    lost -= pmtu_probe_lost(t, a->now);
    drag_recovery_point(t);
    if (t->recovering)
        prr_on_ack(t, delivered, a->advances && lost == 0);
    else if (lost > 0)
        begin_recovery(t, flight_before, delivered, a->now);
    if (!ecn_take_echo(t, a, flight_before) && a->advances && !t->recovering) {
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
    a->ev.notes |= t->news;
    t->news = 0;
}

void recovery_on_reorder_timer(struct tcb *t, usec_t now)
{
    const uint64_t flight = t->sent.flight;

    if (rack_detect_loss(t, now) > pmtu_probe_lost(t, now))
        begin_recovery(t, flight, 0, now);
}

/* RFC 6298 5.4 to 5.7. */
void recovery_on_rto(struct tcb *t, usec_t now)
{
    const uint64_t flight = t->sent.flight;

    pmtu_on_timeout(t, now);
    tcb_timer_off(t, TIMER_REORDER);
    tcb_timer_off(t, TIMER_TLP);
    t->tlp_out = false;
    /* The oldest SACKed and still not acknowledged: the peer has thrown it away (RFC 2018
     * section 8). */
    if (t->sent.count > 0 && sent_at(&t->sent, 0)->sacked)
        sent_forget_sacks(&t->sent);
    rack_mark_on_timeout(t, now);
    if (!t->rto_recovering) {
        if (t->recovering) /* there were losses: what came of them cannot be told apart */
            undo_forbid(t);
        else
            undo_begin(t, true, flight);
        t->cc.ops->on_rto(&t->cc, flight, now);
        t->news |= NOTE_RECOVERY;
    }
    ecn_tell_cut(t);
    undo_timeout(t);
    t->rto_recovering = t->resend_due = true;
    t->recovering = false;
    t->recovery_point = t->snd_nxt;
    t->dup_acks = 0;
    t->dup_delivered = 0;
    t->rto_expired = rtt_timeout(&t->rtt);
    t->stats.rto_count++;
    t->stats.rto_time += t->rto_expired;
    rtt_back_off(&t->rtt);
}
