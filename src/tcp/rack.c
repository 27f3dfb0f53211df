/*
 * RACK, RFC 8985 section 6: what was sent before something that has been delivered, by more than the
 * reordering window, is lost. Pure.
 */
#include "segcat/tcp/internal.h"

#define FLOOR_PERIOD   (150 * USEC_SEC) /* two of them: the last five minutes or less */
#define REO_WND_KEPT   16               /* recoveries, RFC 8985 6.2 step 4 */
#define REO_WIDER_MOST 1000

/* --- the least round-trip time --- */

static void floor_sample(struct rtt_floor *f, usec_t rtt, usec_t now)
{
    if (f->since == 0 || now - f->since >= FLOOR_PERIOD) {
        f->before = f->since != 0 && now - f->since < 2 * FLOOR_PERIOD ? f->now : 0;
        f->now = 0;
        f->since = now;
    }
    if (f->now == 0 || rtt < f->now)
        f->now = rtt;
}

usec_t rack_min_rtt(const struct tcb *t)
{
    const struct rtt_floor *f = &t->rack.floor;

    return f->before != 0 && f->before < f->now ? f->before : f->now;
}

/* --- what was delivered --- */

static bool sent_after(usec_t at1, seq_t end1, usec_t at2, seq_t end2)
{
    return at1 > at2 || (at1 == at2 && seq_gt(end1, end2));
}

/* Step 2: a record sent again whose delivery belongs to an earlier transmission. */
static bool answers_earlier(const struct tcb *t, const struct sent_record *r,
                            const struct arrival *a, usec_t rtt)
{
    const struct tcp_options *o = &a->seg.opt;

    if (t->use_ts && (o->present & OPT_TIMESTAMPS) && o->tsecr != 0 &&
        seq_lt(o->tsecr, tcb_ts_now(t, r->sent_at)))
        return true;
    return rtt < rack_min_rtt(t);
}

/* Steps 1 to 3, for one record that this ACK delivered. */
void rack_delivered(struct tcb *t, const struct sent_record *r, struct arrival *a,
                    struct rack_sample *s)
{
    const usec_t rtt = a->at > r->sent_at ? a->at - r->sent_at : 1;
    const seq_t end = r->seq + r->len;
    struct rack *k = &t->rack;

    s->any = true;
    s->syn = s->syn || r->syn;
    undo_delivered(t, r, a);
    if (r->transmissions > 1) {
        s->retransmitted = true;
        if (answers_earlier(t, r, a, rtt))
            return;
    } else {
        if (s->rtt == 0 || rtt < s->rtt)
            s->rtt = rtt;
        floor_sample(&k->floor, rtt, a->now);
        if (k->fack_valid && seq_lt(end, k->fack))
            rack_reordered(t);
    }
    if (!k->fack_valid || seq_gt(end, k->fack))
        k->fack = end;
    k->fack_valid = true;
    if (!k->valid || sent_after(r->sent_at, end, k->sent_at, k->end)) {
        k->sent_at = r->sent_at;
        k->end = end;
        k->rtt = rtt;
    }
    k->valid = true;
}

void rack_reordered(struct tcb *t)
{
    if (!t->rack.reordering)
        t->news |= NOTE_REORDERING;
    t->rack.reordering = true;
}

/* --- the reordering window, step 4 --- */

/* Once for each ACK: it grows with each round that brings a D-SACK. */
void rack_adapt(struct tcb *t)
{
    struct rack *k = &t->rack;

    if (k->dsack_seen && seq_ge(t->snd_una, k->dsack_round))
        k->dsack_seen = false;
    if (k->dsack && !k->dsack_seen) {
        k->dsack_seen = true;
        k->dsack_round = t->snd_nxt;
        if (k->reo_wider < REO_WIDER_MOST)
            k->reo_wider++;
        k->persist = REO_WND_KEPT;
    }
    k->dsack = false;
}

/* A recovery is over: after sixteen without D-SACK the window is narrow again. */
void rack_recovered(struct tcb *t)
{
    if (t->rack.persist > 0 && --t->rack.persist == 0)
        t->rack.reo_wider = 0;
}

usec_t rack_reordering_window(const struct tcb *t)
{
    const struct rack *k = &t->rack;
    usec_t w;

    if (!k->reordering && (t->recovering || t->rto_recovering || t->sent.sacked_count >= DUPTHRESH))
        return 0;
    w = (1 + k->reo_wider) * rack_min_rtt(t) / 4;
    return w < t->rtt.srtt ? w : t->rtt.srtt;
}

/* --- step 5 --- */

/*
 * Marks what is lost and sets the reordering timer for what may be next. The records come in the order
 * in which they were sent, so the first that is not due ends the search. Returns the bytes marked.
 */
uint64_t rack_detect_loss(struct tcb *t, usec_t now)
{
    const struct rack *k = &t->rack;
    const usec_t patience = k->rtt + rack_reordering_window(t);
    uint64_t lost = 0;

    tcb_timer_off(t, TIMER_REORDER);
    if (!k->valid)
        return 0;
    for (;;) {
        const size_t i = sent_longest_out(&t->sent);
        const struct sent_record *r;

        if (i == t->sent.count)
            break;
        r = sent_at(&t->sent, i);
        if (!sent_after(k->sent_at, k->end, r->sent_at, r->seq + r->len))
            break;
        if (now < r->sent_at + patience) {
            tcb_timer_set(t, TIMER_REORDER, r->sent_at + patience);
            break;
        }
        lost += r->len;
        sent_mark_lost(&t->sent, i);
    }
    return lost;
}

/* Section 6.3: the first, and what has been out for longer than a round trip and the window. Without
 * SACK nobody can say what else has arrived: all of it. */
void rack_mark_on_timeout(struct tcb *t, usec_t now)
{
    const usec_t patience = t->rack.rtt + rack_reordering_window(t);
    const bool all = !t->use_sack || !t->rack.valid;

    for (size_t i = 0; i < t->sent.count; i++)
        if (i == 0 || all || now >= sent_at(&t->sent, i)->sent_at + patience)
            sent_mark_lost(&t->sent, i);
}
