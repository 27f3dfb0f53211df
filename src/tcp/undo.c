/*
 * Taking back what was needless: a recovery or a timeout that no loss has caused. Proved by
 * timestamps (Eifel, RFC 3522), by the order of what arrives after a timeout (F-RTO, RFC 5682) or by
 * D-SACKs for all that was sent again (RFC 3708); answered as RFC 4015 says. Pure.
 */
#include "segcat/tcp/internal.h"

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool in_recovery(const struct tcb *t)
{
    return t->recovering || t->rto_recovering;
}

/* --- what is remembered --- */

/* A recovery or the first timeout of a series begins; cwnd and ssthresh are still the old ones. */
void undo_begin(struct tcb *t, bool timeout, uint64_t flight)
{
    t->undo = (struct undo){
        .known = true,
        .allowed = true,
        .timeout = timeout,
        .cc = t->cc,
        .flight = flight,
        .srtt = t->rtt.srtt,
        .rttvar = t->rtt.rttvar,
        .una = t->snd_una,
        .end = t->snd_nxt,
        .cut = t->ecn.cut,
        .cut_end = t->ecn.cut_end,
    };
}

void undo_forbid(struct tcb *t)
{
    t->undo.allowed = false;
    t->undo.frto = FRTO_OFF;
}

/* len bytes are sent again. */
void undo_resent(struct tcb *t, uint32_t len, usec_t now)
{
    struct undo *u = &t->undo;

    if (!in_recovery(t) || !u->known)
        return;
    if (!u->resent_any)
        u->ts = tcb_ts_now(t, now);
    u->resent_any = true;
    u->resent += len;
}

/* One record was delivered; it still has the marks that it had. */
void undo_delivered(struct tcb *t, const struct sent_record *r, struct arrival *a)
{
    if (t->undo.frto == FRTO_OFF)
        return;
    if (seq_gt(r->seq + r->len, t->undo.end))
        a->beyond_timeout = true;
    else if (r->transmissions == 1 && r->lost)
        a->lost_arrived = true;
}

/*
 * A D-SACK: does it say that a retransmission of ours was needless? One that is about nothing that we
 * sent again is the network's doing.
 */
bool undo_dsack(struct tcb *t, const struct sack_block *b)
{
    struct undo *u = &t->undo;

    if (!u->known || !u->resent_any || seq_lt(b->left, u->una) || seq_gt(b->right, u->end))
        return false;
    if (b->left == u->last.left && b->right == u->last.right)
        return true; /* the same ACK again, or that of a third copy */
    u->last = *b;
    u->needless += (uint32_t)(b->right - b->left);
    return true;
}

/* --- F-RTO --- */

void undo_timeout(struct tcb *t)
{
    t->undo.frto = t->undo.allowed && t->undo.timeout ? FRTO_FIRST : FRTO_OFF;
}

/* New data may go and there is some: else the test cannot be made. */
static bool can_send_new(const struct tcb *t)
{
    const int32_t window = seq_diff(t->snd_una + t->snd_wnd, t->snd_nxt);

    return tcb_unsent(t) > 0 && window >= (int32_t)least(t->mss, tcb_unsent(t)) &&
           tcb_pipe(t) + t->mss <= t->cc.cwnd && !sent_full(&t->sent);
}

/* RFC 5682 2.1 step 2: the first ACK after the timeout. If it acknowledges everything the recovery is
 * over, and with it the test. */
static enum frto frto_first(const struct tcb *t, const struct arrival *a)
{
    if (!a->advances) /* with SACK (3.1) it is only noted */
        return t->use_sack || !(a->ev.notes & NOTE_DUPLICATE_ACK) ? FRTO_FIRST : FRTO_OFF;
    return can_send_new(t) ? FRTO_NEW : FRTO_OFF;
}

/* Step 3: new data was sent, and now something arrives. If it is what the timeout had given up, by
 * its first transmission, the timeout was needless. */
static bool frto_decides(struct tcb *t, const struct arrival *a)
{
    struct undo *u = &t->undo;

    if (u->frto == FRTO_FIRST) {
        u->frto = frto_first(t, a);
        return false;
    }
    if (u->frto != FRTO_NEW)
        return false;
    if (!a->beyond_timeout && (t->use_sack || !(a->ev.notes & NOTE_DUPLICATE_ACK)))
        return a->lost_arrived;
    /* What was sent later has passed it: the loss is real. The new data has used up the window, and
     * without SACK nothing says that it has arrived: step 3a lets one more go. */
    u->frto = FRTO_OFF;
    if (t->cc.cwnd < 3 * t->mss)
        t->cc.cwnd = 3 * t->mss;
    return false;
}

bool undo_holds_back(const struct tcb *t)
{
    return t->undo.frto == FRTO_NEW;
}

/* --- Eifel --- */

/*
 * RFC 3522: the first ACK that goes on echoes the timestamp of a segment sent before the first
 * retransmission. All that was sent again must have arrived: another of it may have been lost in
 * earnest.
 */
static bool eifel_detects(const struct tcb *t, const struct arrival *a)
{
    const struct tcp_options *o = &a->seg.opt;

    return in_recovery(t) && t->undo.resent_any && a->advances && t->use_ts &&
           (o->present & OPT_TIMESTAMPS) && o->tsecr != 0 && seq_lt(o->tsecr, t->undo.ts) &&
           t->sent.resent == 0;
}

/* --- the response, RFC 4015 --- */

/*
 * The old window, in steps: what is in flight and the bytes of this ACK (but no burst of more than
 * an initial window), and slow start from there to where it was.
 */
static void restore_window(struct tcb *t, const struct arrival *a)
{
    const struct undo *u = &t->undo;
    const uint64_t now = t->cc.cwnd;
    const uint64_t step = a->ev.acked > t->mss ? least(a->ev.acked, 10ULL * t->mss) : t->mss;
    const uint64_t ssthresh = u->cc.ssthresh > u->flight ? u->cc.ssthresh : u->flight;
    uint64_t cwnd = least(tcb_pipe(t) + step, u->cc.cwnd);
    uint32_t mss;

    if (cwnd < now)
        cwnd = now; /* the recovery was over, and it has grown since */
    mss = t->cc.mss;
    t->cc = u->cc; /* the algorithm's own state too */
    t->cc.mss = mss;
    t->cc.cwnd = (uint32_t)cwnd;
    t->cc.ssthresh = (uint32_t)least(ssthresh, UINT32_MAX);
}

static void take_back(struct tcb *t, struct arrival *a, enum undo_proof proof)
{
    struct undo *u = &t->undo;

    if (in_recovery(t)) {
        sent_unmark_lost(&t->sent);
        t->recovering = t->rto_recovering = false;
        t->dup_delivered = 0;
        t->rack.valid = false; /* the retransmission is no measure of what was sent before it */
    }
    restore_window(t, a);
    /* This window has not been cut after all: what comes next must cut it. */
    t->ecn.cut = u->cut;
    t->ecn.cut_end = u->cut_end;
    if (!u->timeout)
        rack_reordered(t);
    else if (proof != UNDO_DSACK && a->ev.rtt > 0)
        rtt_after_spurious(&t->rtt, u->srtt, u->rttvar, a->ev.rtt);
    u->allowed = false;
    u->frto = FRTO_OFF;
    t->stats.undone++;
    t->news |= NOTE_UNDONE;
    a->ev.undo = proof;
    a->ev.undo_timeout = u->timeout;
}

/* Once for each ACK, before it is asked whether the recovery is over. */
void undo_on_ack(struct tcb *t, struct arrival *a)
{
    struct undo *u = &t->undo;

    if (!u->known)
        return;
    if (t->ecn.ok && in_recovery(t) && (a->whole->flags & (SEG_ECE | SEG_SYN)) == SEG_ECE)
        undo_forbid(t); /* RFC 4015 section 4 step 7: there is congestion, whatever was lost */
    if (u->allowed) {
        if (eifel_detects(t, a))
            take_back(t, a, UNDO_TIMESTAMP);
        else if (t->rto_recovering && frto_decides(t, a))
            take_back(t, a, UNDO_FRTO);
        else if (u->resent_any && u->needless >= u->resent)
            take_back(t, a, UNDO_DSACK);
    }
    /* D-SACKs come a round trip after the recovery, not later. */
    if (!in_recovery(t) && seq_gt(t->snd_una, u->over) && seq_gt(t->snd_una, u->end))
        u->known = u->allowed = false;
}
