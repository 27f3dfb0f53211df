/*
 * Pacing (RFC 9438 section 5.7 asks for it, RFC 6928 bounds the first burst), and whether the
 * congestion window is what holds us back (RFC 7661's question). Pure.
 *
 * Data leaves in pieces of half a millisecond's worth at the pacing rate, two segments at least. A
 * piece of a whole millisecond, Linux's choice, alone fills the buffer of a shallow switch. Where
 * a piece covers the whole window, nothing is paced: with a round trip below a millisecond a timer
 * would only cost what it saves.
 */
#include "segcat/tcp/internal.h"

#define PIECE_TIME         (USEC_MS / 2)
#define CREDIT_TIME        USEC_MS /* so late may a timer be served without a loss of rate */
#define PIECE_SEGMENTS     2
#define PERCENT_SLOW_START 200 /* room for the window to double in a round trip; as Linux */
#define PERCENT_AVOIDANCE  120

/* Bytes that leave in `d` at the pacing rate. */
static uint64_t bytes_in(const struct tcb *t, usec_t d)
{
    const uint64_t percent =
        t->cc.cwnd < t->cc.ssthresh / 2 ? PERCENT_SLOW_START : PERCENT_AVOIDANCE;

    return t->cc.cwnd * percent / 100 * d / t->rtt.srtt;
}

/* And the time that they need. */
static usec_t time_of(const struct tcb *t, uint64_t bytes)
{
    const uint64_t second = bytes_in(t, USEC_SEC);

    return second > 0 ? bytes * USEC_SEC / second : 0;
}

static uint64_t piece(const struct tcb *t)
{
    const uint64_t bytes = bytes_in(t, PIECE_TIME);
    const uint64_t least = (uint64_t)PIECE_SEGMENTS * t->mss;

    return bytes > least ? bytes + t->mss - bytes % t->mss : least;
}

bool pacing_active(const struct tcb *t)
{
    return !t->cfg.no_pacing && t->rtt.valid && t->rtt.srtt > 0 && piece(t) < t->cc.cwnd;
}

uint64_t pacing_room(struct tcb *t, usec_t now)
{
    struct pacing *p = &t->pacing;
    uint64_t one;

    if (!pacing_active(t))
        return UINT64_MAX;
    one = piece(t);
    if (t->sent.flight == 0) {
        /* After a pause the initial window's burst is nobody's harm (RFC 6928). */
        const uint32_t iw = congestion_initial_window(t->mss);

        if (p->left < iw)
            p->left = iw;
    } else if (p->left == 0 && now >= p->next_at) {
        p->left = one;
    }
    if (p->left == 0)
        tcb_timer_set(t, TIMER_PACE, p->next_at);
    return p->left;
}

void pacing_sent(struct tcb *t, uint64_t bytes, usec_t now)
{
    struct pacing *p = &t->pacing;
    usec_t late;

    if (!pacing_active(t)) {
        *p = (struct pacing){.next_at = now};
        return;
    }
    /* A timer that was served late is made up for, but not a pause. */
    late = now > p->next_at ? now - p->next_at : 0;
    if (late > CREDIT_TIME)
        p->next_at = now - CREDIT_TIME;
    p->next_at += time_of(t, bytes);
    p->left -= bytes < p->left ? bytes : p->left;
}

/* --- is the window what holds us back? --- */

void cwnd_use_sent(struct tcb *t, bool limited)
{
    struct cwnd_use *u = &t->use;
    const uint64_t una = tcb_snd_offset(t, t->snd_una);

    if (una >= u->end) {
        u->limited = u->limited_now;
        u->flight = u->most_now;
        u->limited_now = false;
        u->most_now = 0;
        u->end = tcb_snd_offset(t, t->snd_nxt);
    }
    u->limited_now = u->limited_now || limited;
    u->limited = u->limited || limited;
    if (t->sent.flight > u->most_now)
        u->most_now = t->sent.flight;
    if (t->sent.flight > u->flight)
        u->flight = t->sent.flight;
}

/* In slow start a window of which half is used may double: it is limited before it is noticed, and
 * what waits for the pacing timer counts as used. */
bool cwnd_limited(const struct tcb *t)
{
    if (t->use.limited)
        return true;
    return t->cc.cwnd < t->cc.ssthresh && t->cc.cwnd < 2 * t->use.flight;
}
