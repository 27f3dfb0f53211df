/*
 * The timers of a connection: what follows when one runs out, and which run. RFC 6298 section 5,
 * RFC 9293 3.8.6.1. Pure.
 */
#include "segcat/tcp/internal.h"

static void tell(struct tcb *t, enum tcp_timer which, usec_t now)
{
    struct tcp_event ev = tcb_event(t, EVENT_TIMER, now);

    ev.timer = which;
    ev.delay = rtt_timeout(&t->rtt);
    ev.notes = t->news;
    t->news = 0;
    tcb_emit(t, &ev);
}

/* R2 of MUST-20 in time: nothing acknowledged for so long. */
static bool gave_up(struct tcb *t, usec_t limit, usec_t now)
{
    if (now - t->progress_at < limit)
        return false;
    tcb_finish(t, END_TIMEOUT, now);
    tcb_tell_end(t, now);
    return true;
}

/* R1 of MUST-20: the user is told, and whoever knows of routes (SHLD-9). */
static void count_timeout(struct tcb *t, usec_t now)
{
    struct tcp_event ev;

    if (++t->timeouts != R1)
        return;
    t->route_doubted = true;
    ev = tcb_event(t, EVENT_PATH, now);
    ev.path = PATH_SILENT;
    ev.delay = now - t->progress_at;
    tcb_emit(t, &ev);
}

/* SYN or SYN,ACK without answer (MUST-22). */
static void syn_expired(struct tcb *t, usec_t now)
{
    if (gave_up(t, t->cfg.syn_timeout, now))
        return;
    t->rto_expired = rtt_timeout(&t->rtt);
    rtt_back_off(&t->rtt);
    t->stats.rto_count++;
    t->syn_due = true;
    count_timeout(t, now);
}

static void rexmt_expired(struct tcb *t, usec_t now)
{
    if (t->state == STATE_SYN_SENT || t->state == STATE_SYN_RECEIVED) {
        syn_expired(t, now);
        return;
    }
    if (gave_up(t, t->cfg.user_timeout, now))
        return;
    recovery_on_rto(t, now);
    count_timeout(t, now);
}

static void persist_expired(struct tcb *t, usec_t now)
{
    /* MUST-37: only a probe that was not answered counts. */
    if (t->probe_out && gave_up(t, t->cfg.user_timeout, now))
        return;
    rtt_back_off(&t->rtt);
    t->probe_due = true;
}

static void time_wait_expired(struct tcb *t, usec_t now)
{
    struct tcp_event ev = tcb_event(t, EVENT_STATE, now);

    tcb_finish(t, END_CLOSED, now);
    ev.timer = TIMER_TIME_WAIT;
    ev.delay = 2 * t->cfg.msl;
    tcb_emit(t, &ev);
    tcb_tell_end(t, now);
}

static void expired(struct tcb *t, enum tcp_timer which, usec_t now)
{
    switch (which) {
    case TIMER_REXMT:
        rexmt_expired(t, now);
        break;
    case TIMER_PERSIST:
        persist_expired(t, now);
        break;
    case TIMER_DELACK:
        tcb_owe_ack(t, SEND_ACK_DELAYED);
        break;
    case TIMER_TIME_WAIT:
        time_wait_expired(t, now);
        return;
    case TIMER_REORDER:
        recovery_on_reorder_timer(t, now);
        break;
    case TIMER_TLP:
        recovery_on_tlp(t, now);
        break;
    case TIMER_PACE:
        return; /* tcb_next() sees that the time has come */
    case TIMER_KEEPALIVE:
        keepalive_expired(t, now);
        break;
    case TIMER_SWS:
        t->sws_override = true;
        break;
    default:
        break;
    }
    if (t->end == END_NONE)
        tell(t, which, now);
}

void tcb_timeout(struct tcb *t, usec_t now)
{
    for (int i = 0; i < TIMER_COUNT && t->end == END_NONE; i++) {
        if (now < t->timer[i] || (i == TIMER_REXMT && tlp_comes_first(t, now)))
            continue;
        t->timer[i] = USEC_NEVER;
        expired(t, (enum tcp_timer)i, now);
    }
}

/* The peer's window is closed and there is something that waits for it. */
static bool persisting(const struct tcb *t)
{
    return tcb_synchronized(t) && t->snd_wnd == 0 &&
           (t->sent.count > 0 || tcb_unsent(t) > 0 || tcb_fin_pending(t));
}

/* A timer that guards the wait for an answer, cut so that giving up comes in time. */
static usec_t wait_until(const struct tcb *t, usec_t now)
{
    const usec_t limit = tcb_synchronized(t) ? t->cfg.user_timeout : t->cfg.syn_timeout;
    const usec_t at = now + rtt_timeout(&t->rtt);
    const usec_t end = t->progress_at + limit;

    return at < end || end <= now ? at : end;
}

static void arm_rexmt(struct tcb *t, usec_t now)
{
    if (t->sent.count == 0)
        tcb_timer_off(t, TIMER_REXMT);
    else if (t->timer[TIMER_REXMT] == USEC_NEVER)
        tcb_timer_set(t, TIMER_REXMT, wait_until(t, now));
}

static void arm_persist(struct tcb *t, usec_t now)
{
    tcb_timer_off(t, TIMER_REXMT);
    tcb_timer_off(t, TIMER_TLP);
    if (t->timer[TIMER_PERSIST] != USEC_NEVER)
        return;
    if (t->probe_tries == 0)
        t->progress_at = now;
    tcb_timer_set(t, TIMER_PERSIST, wait_until(t, now));
}

/* Data waits, the window is open a little, and nothing is in flight whose ACK could change that. */
static void arm_sws(struct tcb *t, usec_t now)
{
    if (t->sent.count > 0 || !tcb_synchronized(t) || tcb_unsent(t) == 0 || t->snd_wnd == 0)
        tcb_timer_off(t, TIMER_SWS);
    else if (t->timer[TIMER_SWS] == USEC_NEVER && !t->sws_override)
        tcb_timer_set(t, TIMER_SWS, now + SWS_OVERRIDE_TIME);
}

void timers_arm(struct tcb *t, usec_t now)
{
    if (t->end != END_NONE || t->state == STATE_TIME_WAIT)
        return;
    if (persisting(t)) {
        arm_persist(t, now);
    } else {
        tcb_timer_off(t, TIMER_PERSIST);
        arm_rexmt(t, now);
        recovery_arm_tlp(t, now);
    }
    arm_sws(t, now);
    keepalive_arm(t, now);
}
