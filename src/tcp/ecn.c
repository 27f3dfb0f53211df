/*
 * Explicit congestion notification, RFC 3168: how it is agreed, which segments are ECT, the echo of
 * a mark until the peer has slowed down, and our own slowing down once for a window. Pure.
 */
#include "segcat/tcp/internal.h"

#define ECN_SETUP (SEG_ECE | SEG_CWR)

/* --- the opening, 6.1.1 --- */

static bool asks(const struct segment *syn)
{
    return (syn->flags & ECN_SETUP) == ECN_SETUP;
}

/* A SYN,ACK with both bits is a peer that only reflects what it does not understand. */
static bool agrees(const struct segment *synack)
{
    return (synack->flags & ECN_SETUP) == SEG_ECE;
}

/* What a SYN or SYN,ACK of the peer's settles. */
void ecn_negotiate(struct tcb *t, const struct segment *syn)
{
    struct ecn_state *e = &t->ecn;

    if (t->passive) {
        e->hears = t->cfg.ecn != ECN_USE_OFF && asks(syn);
        e->ok = e->hears;
        return;
    }
    e->hears = e->asked && (syn->flags & SEG_ACK ? agrees(syn) : asks(syn));
    e->ok = e->hears && !e->unasked;
}

/* The peer's SYN again, maybe without ECN because no answer had come; or the SYN,ACK that crosses
 * ours. One that does not ask settles it. */
void ecn_repeated_syn(struct tcb *t, const struct segment *syn)
{
    if (!(syn->flags & SEG_ACK ? agrees(syn) : asks(syn)))
        t->ecn.ok = t->ecn.hears = false;
}

/* 6.1.1.1: only the first SYN asks. Some middlebox may throw away what has these bits. */
void ecn_mark_syn(struct tcb *t, struct segment *out)
{
    if (out->flags & SEG_ACK) {
        if (t->ecn.ok)
            out->flags |= SEG_ECE;
    } else if (t->cfg.ecn == ECN_USE_ON && t->syn_tries == 1) {
        out->flags |= ECN_SETUP;
        t->ecn.asked = true;
    } else {
        t->ecn.unasked = true;
    }
}

/* --- what goes out --- */

/* ECT on new data and on nothing else: no pure ACK (6.1.4), retransmission (6.1.5) or window probe
 * (6.1.6). */
void ecn_mark_segment(struct tcb *t, struct segment *out, enum send_reason why)
{
    if (out->flags & (SEG_SYN | SEG_RST))
        return;
    if (t->ecn.echo && (out->flags & SEG_ACK))
        out->flags |= SEG_ECE;
    if (!t->ecn.ok || why != SEND_DATA || out->len == 0)
        return;
    out->ecn = ECN_ECT0;
    if (t->ecn.cwr_due)
        out->flags |= SEG_CWR;
    t->ecn.cwr_due = false;
}

/* --- what comes in --- */

/* 6.1.3. A mark on data that the window does not take says nothing (6.1.5). */
void ecn_receive(struct tcb *t, struct arrival *a)
{
    if (!t->ecn.hears)
        return;
    if (a->whole->flags & SEG_CWR)
        t->ecn.echo = false;
    if (a->whole->ecn != ECN_CE || a->whole->len == 0 || tcb_rcv_wnd(t) == 0)
        return;
    a->ev.notes |= NOTE_CE;
    t->stats.ce_marks++;
    t->ecn.echo = true;
    /* The news must not wait for a delayed ACK. */
    if (t->quick_acks == 0)
        t->quick_acks = 1;
}

/*
 * The data up to cut_end and, because the CWR stands on the first segment behind it, the ACK of just
 * that data: congestion in it has had its answer.
 */
bool ecn_window_is_cut(const struct tcb *t)
{
    return t->ecn.cut && seq_le(t->snd_una, t->ecn.cut_end);
}

/* The window has been cut, for whatever reason: the peer is told (6.1.2). */
void ecn_tell_cut(struct tcb *t)
{
    if (!t->ecn.ok)
        return;
    t->ecn.cwr_due = t->ecn.cut = true;
    t->ecn.cut_end = t->snd_nxt;
}

/* An ACK that echoes a mark: as a loss, once for each window, with nothing to repair. Returns true
 * if it is one: such an ACK opens no window. */
bool ecn_take_echo(struct tcb *t, struct arrival *a, uint64_t flight)
{
    if (!t->ecn.ok || (a->whole->flags & (SEG_ECE | SEG_SYN)) != SEG_ECE)
        return false;
    a->ev.notes |= NOTE_ECN_ECHO;
    if (flight > 0 && !ecn_window_is_cut(t) && !t->recovering && !t->rto_recovering) {
        recovery_cut(t, flight, a->now);
        t->stats.ecn_cuts++;
    }
    return true;
}
