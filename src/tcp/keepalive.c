/*
 * Keepalive, RFC 9293 3.8.4: when nothing was heard for long and nothing is outstanding, a probe that
 * the peer must answer. Off unless the user asks for it (MUST-25). Pure.
 */
#include "segcat/tcp/internal.h"

/* MUST-26: not while anything of ours is unacknowledged or waits to be sent; retransmission and
 * window probes notice a dead peer then. */
static bool is_idle(const struct tcb *t)
{
    return t->cfg.keepalive.idle != 0 &&
           (t->state == STATE_ESTABLISHED || t->state == STATE_FIN_WAIT_2 ||
            t->state == STATE_CLOSE_WAIT) &&
           t->sent.count == 0 && tcb_unsent(t) == 0 && !tcb_fin_pending(t);
}

/* Anything that came and was for us shows that the peer is there. */
void keepalive_heard(struct tcb *t, usec_t now)
{
    t->keep.heard_at = now;
    t->keep.tries = 0;
    t->keep.due = false;
    tcb_timer_off(t, TIMER_KEEPALIVE);
}

static usec_t next_time(const struct tcb *t)
{
    usec_t at;

    if (t->keep.tries == 0)
        return t->keep.heard_at + t->cfg.keepalive.idle;
    at = t->keep.asked_at + t->cfg.keepalive.interval;
    /* A user timeout that was asked for counts for probes too (RFC 5482). */
    if (t->has_user_timeout && t->keep.since + t->cfg.user_timeout < at)
        at = t->keep.since + t->cfg.user_timeout;
    return at;
}

void keepalive_arm(struct tcb *t, usec_t now)
{
    if (!is_idle(t)) {
        t->keep.tries = 0;
        t->keep.due = false;
        tcb_timer_off(t, TIMER_KEEPALIVE);
    } else if (t->timer[TIMER_KEEPALIVE] == USEC_NEVER && !t->keep.due) {
        const usec_t at = next_time(t);

        tcb_timer_set(t, TIMER_KEEPALIVE, at > now ? at : now + 1);
    }
}

/* MUST-29: one probe without answer ends nothing; `count` of them do. A peer that is there after all
 * is told by a RST. */
void keepalive_expired(struct tcb *t, usec_t now)
{
    const bool asked = t->keep.tries > 0;

    if (!is_idle(t))
        return;
    if (t->keep.tries >= t->cfg.keepalive.count ||
        (asked && t->has_user_timeout && now - t->keep.since >= t->cfg.user_timeout)) {
        tcb_finish(t, END_TIMEOUT, now);
        t->rst_due = true;
        t->rst_seq = t->snd_nxt;
        return;
    }
    t->keep.due = true;
}

/* SHLD-12: SEG.SEQ = SND.NXT-1 and no data: whoever receives it must say where he is. */
bool keepalive_next(struct tcb *t, struct segment *out, usec_t now)
{
    if (!t->keep.due || !is_idle(t))
        return false;
    t->keep.due = false;
    out->seq = t->snd_nxt - 1;
    if (t->keep.tries++ == 0)
        t->keep.since = now;
    t->keep.asked_at = now;
    t->stats.keepalives_sent++;
    return true;
}
