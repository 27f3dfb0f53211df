/*
 * The tail loss probe, RFC 8985 section 7: when the end of a flight stays unanswered for two round
 * trips, one segment asks; its answer lets RACK find the loss. Pure.
 */
#include "segcat/tcp/internal.h"

#define PEER_DELACK (200 * USEC_MS) /* 7.2: how long the peer may delay the ACK of one segment */

static usec_t probe_timeout(const struct tcb *t)
{
    usec_t pto = USEC_SEC;

    if (t->rtt.valid) {
        pto = 2 * t->rtt.srtt;
        if (t->sent.flight < 2 * (uint64_t)t->mss)
            pto += PEER_DELACK;
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
    if (at > t->timer[TIMER_REXMT]) /* 7.2: then it goes in the timeout's place */
        at = t->timer[TIMER_REXMT];
    tcb_timer_set(t, TIMER_TLP, at);
}

/* The timeout is due, but a probe is due before it or with it: the probe goes, and the timeout runs
 * anew behind it. */
bool tlp_comes_first(const struct tcb *t, usec_t now)
{
    return t->timer[TIMER_TLP] <= t->timer[TIMER_REXMT] &&
           now - t->progress_at < t->cfg.user_timeout;
}

void recovery_on_tlp(struct tcb *t, usec_t now)
{
    if (t->sent.count > 0)
        t->tlp_due = true;
    /* A timeout that has made way comes after all if no probe can go. */
    if (t->timer[TIMER_REXMT] <= now)
        tcb_timer_set(t, TIMER_REXMT, now + USEC_MS);
}

/*
 * 7.4.2: what the answer to a probe says. A probe that repeated data has repaired a loss if the peer
 * goes on beyond it and no D-SACK has said that it was needless; that loss was a sign of congestion
 * like any other.
 */
void tlp_answered(struct tcb *t, const struct arrival *a, uint64_t flight)
{
    const bool sack = (a->seg.opt.present & OPT_SACK) != 0;

    if (!t->tlp_out || seq_lt(t->snd_una, t->tlp_end))
        return;
    if (!t->tlp_retransmit || t->tlp_needless) {
        t->tlp_out = false;
    } else if (seq_gt(t->snd_una, t->tlp_end)) {
        t->tlp_out = false;
        recovery_cut(t, flight, a->now);
    } else if ((a->ev.notes & NOTE_DUPLICATE_ACK) && !sack) {
        t->tlp_out = false; /* the original and the probe have both arrived */
    }
}
