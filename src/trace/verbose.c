/*
 * -v: what happened, in sentences. Reads events, writes through output.h.
 */
#include "segcat/trace/verbose.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "segcat/trace/format.h"
#include "segcat/trace/meaning.h"
#include "segcat/trace/output.h"
#include "segcat/trace/trace.h"
#include "segcat/trace/words.h"

#define SELDOM USEC_SEC

void verbose_say(struct trace_conn *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    output_sentence(c->trace, c, true, fmt, ap);
    va_end(ap);
}

bool seldom_due(struct seldom *s, usec_t now)
{
    if (s->ever && now < s->last + SELDOM) {
        s->kept++;
        return false;
    }
    s->ever = true;
    s->last = now;
    return true;
}

/* --- the handshake --- */

void verbose_handshake(struct trace_conn *c, const struct tcb *t)
{
    char time[DURATION_TEXT_MAX] = "by SYN cookie", scale[32] = "no window scale";
    const unsigned mss = t->peer_mss < t->mss_max ? t->peer_mss : t->mss_max;

    if (c->verbose.shaken_told)
        return;
    c->verbose.shaken = c->verbose.shaken_told = true;
    if (t->use_wscale)
        snprintf(scale, sizeof scale, "window scale %u/%u", (unsigned)t->rcv_wscale,
                 (unsigned)t->snd_wscale);
    if (!t->by_cookie)
        format_duration(t->stats.handshake_rtt, time);
    verbose_say(c, "handshake %s, mss %u, %s, %s, %s%s%s%s", time, mss, scale,
                t->use_sack ? "sack" : "no sack", t->use_ts ? "timestamps" : "no timestamps",
                t->ecn.ok ? ", ecn" : "", t->cfg.congestion != NULL ? ", " : "",
                t->cfg.congestion != NULL ? t->cfg.congestion->name : "");
}

static bool completes_handshake(const struct tcp_event *ev)
{
    return ev->tcb != NULL && ev->tcb->stats.established_at != 0 &&
           ev->new_state >= STATE_ESTABLISHED;
}

/* --- what was sent again --- */

static void tell_syn(struct trace_conn *c, const struct tcp_event *ev)
{
    char time[DURATION_TEXT_MAX];

    if (ev->transmissions > 1 && ev->delay > 0)
        verbose_say(c, "no answer to %s for %s, sent it again",
                    ev->reason == SEND_SYN_ACK ? "SYN,ACK" : "SYN",
                    format_duration(ev->delay, time));
}

/* What was kept back, to be put behind the sentence that is said. */
static void kept_text(struct seldom *s, const char *what, char text[64])
{
    text[0] = '\0';
    if (s->kept > 0)
        snprintf(text, 64, " (%" PRIu64 " %s before)", s->kept, what);
    s->kept = 0;
}

static void tell_timeout(struct trace_conn *c, const struct tcp_event *ev)
{
    struct verbose *v = &c->verbose;
    char time[DURATION_TEXT_MAX], kept[64];

    if (v->rto.ever && v->rto_told == ev->tcb->stats.rto_count)
        return; /* all that follows from a timeout is said with its first segment */
    v->rto_told = ev->tcb->stats.rto_count;
    if (!seldom_due(&v->rto, ev->at))
        return;
    kept_text(&v->rto, "more", kept);
    format_duration(ev->delay, time);
    if (ev->seg->len > 0)
        verbose_say(c, "no ACK for %s, retransmitted %" PRIu32 " bytes%s", time, ev->seg->len,
                    kept);
    else
        verbose_say(c, "no ACK for %s, retransmitted FIN%s", time, kept);
}

static void count_repair(struct trace_conn *c, const struct tcp_event *ev)
{
    struct verbose *v = &c->verbose;

    if (!ev->tcb->recovering)
        return; /* a probe that was not taken: no loss */
    if (!v->repairing) {
        v->repairing = true;
        v->repairs++;
    }
    v->resent++;
    v->resent_bytes += ev->seg->len;
}

static void tell_repairs(struct trace_conn *c)
{
    struct verbose *v = &c->verbose;
    char times[40] = "";

    if (v->resent == 0)
        return;
    if (v->repairs > 1)
        snprintf(times, sizeof times, " (%" PRIu64 " times)", v->repairs);
    verbose_say(
        c, "peer reports missing data, retransmitted %" PRIu64 " bytes in %" PRIu64 " segment%s%s",
        v->resent_bytes, v->resent, v->resent == 1 ? "" : "s", times);
    v->repairs = v->resent = v->resent_bytes = 0;
}

static void repair_over(struct trace_conn *c, const struct tcp_event *ev)
{
    struct verbose *v = &c->verbose;

    if (!v->repairing || ev->tcb->recovering)
        return;
    v->repairing = false;
    if (seldom_due(&v->repair, ev->at))
        tell_repairs(c);
}

/* --- windows --- */

static bool stall_begins(struct stall *s, usec_t now)
{
    if (s->zero)
        return false;
    s->zero = true;
    s->since = now;
    s->told = seldom_due(&s->seldom, now);
    return s->told;
}

/* True if the end is to be told: because the beginning was, or because it lasted. */
static bool stall_ends(struct stall *s, usec_t now)
{
    if (!s->zero)
        return false;
    s->zero = false;
    return s->told || now >= s->since + SELDOM;
}

static void peer_full(struct trace_conn *c, const struct tcp_event *ev)
{
    const usec_t persist = meaning_persist(ev->tcb, ev->at);
    char time[DURATION_TEXT_MAX], kept[64];

    if (!stall_begins(&c->verbose.peer, ev->at))
        return;
    kept_text(&c->verbose.peer.seldom, "short waits", kept);
    if (persist > 0)
        verbose_say(c, "peer window is zero, waiting (probe after %s)%s",
                    format_duration(persist, time), kept);
    else
        verbose_say(c, "peer window is zero%s", kept);
}

/* A wait that was not worth a sentence has become long. */
static void probe_sent(struct trace_conn *c)
{
    struct stall *s = &c->verbose.peer;
    char kept[64];

    if (!s->zero || s->told)
        return;
    s->told = true;
    kept_text(&s->seldom, "short waits", kept);
    verbose_say(c, "peer window is zero, waiting (probe sent)%s", kept);
}

static void peer_open(struct trace_conn *c, const struct tcp_event *ev)
{
    char time[DURATION_TEXT_MAX];

    if (stall_ends(&c->verbose.peer, ev->at))
        verbose_say(c, "peer window open again after %s",
                    format_duration(ev->at - c->verbose.peer.since, time));
}

static void our_window(struct trace_conn *c, const struct tcp_event *ev)
{
    struct stall *s = &c->verbose.ours;
    char time[DURATION_TEXT_MAX], kept[64];

    if (ev->seg->flags & (SEG_RST | SEG_SYN))
        return;
    if (ev->seg->window == 0) {
        if (stall_begins(s, ev->at)) {
            kept_text(&s->seldom, "short waits", kept);
            verbose_say(c, "output is full, our window is zero, the peer has to wait%s", kept);
        }
    } else if (stall_ends(s, ev->at)) {
        verbose_say(c, "our window open again after %s", format_duration(ev->at - s->since, time));
    }
}

/* --- congestion --- */

static void tell_ecn(struct trace_conn *c, const struct tcp_event *ev)
{
    struct seldom *s = &c->verbose.ecn;
    char kept[64];

    if (!(ev->notes & NOTE_ECN_ECHO) || ev->cwnd >= ev->cwnd_before || !seldom_due(s, ev->at))
        return;
    kept_text(s, "more", kept);
    verbose_say(c, "a router on the way signals congestion (ECN), sending slower%s", kept);
}

/* --- what was not lost after all --- */

static void tell_undone(struct trace_conn *c, const struct tcp_event *ev)
{
    struct seldom *s = &c->verbose.undone;
    char kept[64];

    if (ev->notes & NOTE_REORDERING)
        verbose_say(c, "segments overtake each other on the way, loss is believed later");
    if (!(ev->notes & NOTE_UNDONE) || !seldom_due(s, ev->at))
        return;
    kept_text(s, "more", kept);
    verbose_say(c, "%s was needless (%s), taken back%s",
                ev->undo_timeout ? "the timeout" : "what was sent again", words_undo(ev->undo),
                kept);
}

/* --- closing --- */

static void tell_fin(struct trace_conn *c, const struct tcp_event *ev)
{
    if (ev->transmissions <= 1)
        verbose_say(c, "end of input, sent FIN%s",
                    ev->tcb->fin_received ? "" : ", still receiving");
}

static void tell_closing(struct trace_conn *c, const struct tcp_event *ev)
{
    const enum tcp_state old = ev->old_state;

    if (old == ev->new_state)
        return;
    switch (ev->new_state) {
    case STATE_CLOSE_WAIT:
        verbose_handshake(c, ev->tcb); /* its FIN may come with the third segment */
        verbose_say(c, "peer sent FIN, still sending");
        break;
    case STATE_CLOSING:
        verbose_say(c, "peer sent FIN too, waiting for the ACK of ours");
        break;
    case STATE_TIME_WAIT:
        verbose_say(c, "%s, closed in order",
                    old == STATE_CLOSING ? "our FIN is acknowledged" : "peer sent FIN");
        break;
    case STATE_CLOSED:
        if (old == STATE_LAST_ACK && ev->tcb->end == END_CLOSED)
            verbose_say(c, "our FIN is acknowledged, closed in order");
        break;
    default:
        break;
    }
}

/* --- what should not happen --- */

static bool worth_telling(enum drop_reason why)
{
    switch (why) {
    case DROP_CHECKSUM:
    case DROP_PAWS:
    case DROP_NO_TIMESTAMP:
    case DROP_RST_OUTSIDE:
    case DROP_RST_CHALLENGED:
    case DROP_RST_NO_ACK:
    case DROP_SYN_CHALLENGED:
    case DROP_ACK_FUTURE:
    case DROP_BAD_ACK:
        return true;
    default:
        return false; /* old duplicates and the like: part of every lossy path */
    }
}

static void tell_drop(struct trace_conn *c, const struct tcp_event *ev)
{
    struct seldom *s = &c->verbose.drops;
    char kept[64];

    if (!worth_telling(ev->drop) || !seldom_due(s, ev->at))
        return;
    kept_text(s, "more", kept);
    verbose_say(c, "dropped a segment: %s%s", words_drop(ev->drop), kept);
}

/* --- the path --- */

static void tell_path(struct trace_conn *c, const struct tcp_event *ev)
{
    char text[160];

    verbose_say(c, "%s", words_path(ev, text, sizeof text));
}

/* A probe that is answered is no news. */
static void tell_keepalive(struct trace_conn *c, const struct tcp_event *ev)
{
    const struct keepalive *k = &ev->tcb->keep;
    char time[DURATION_TEXT_MAX];

    if (k->tries > 1)
        verbose_say(c, "nothing heard for %s, keepalive probe %u of %u",
                    format_duration(ev->at - k->heard_at, time), k->tries,
                    ev->tcb->cfg.keepalive.count);
}

/* --- events --- */

static void sent(struct trace_conn *c, const struct tcp_event *ev)
{
    switch (ev->reason) {
    case SEND_SYN:
    case SEND_SYN_ACK:
        tell_syn(c, ev);
        break;
    case SEND_RETRANSMIT_RTO:
        tell_timeout(c, ev);
        break;
    case SEND_RETRANSMIT_FAST:
        count_repair(c, ev);
        break;
    case SEND_WINDOW_PROBE:
        probe_sent(c);
        break;
    case SEND_KEEPALIVE:
        tell_keepalive(c, ev);
        break;
    default:
        break;
    }
    if ((ev->seg->flags & SEG_FIN) && ev->reason != SEND_RETRANSMIT_RTO)
        tell_fin(c, ev);
    our_window(c, ev);
}

/* MUST-32, MUST-33. */
static void tell_urgent(struct trace_conn *c, const struct tcp_event *ev)
{
    char kept[64];

    if (ev->urgent == 0 || !seldom_due(&c->verbose.urgent, ev->at))
        return;
    kept_text(&c->verbose.urgent, "more", kept);
    verbose_say(c, "peer sends urgent data, delivered in line: %" PRIu64 " byte%s to its end%s",
                ev->urgent, ev->urgent == 1 ? "" : "s", kept);
}

static void received(struct trace_conn *c, const struct tcp_event *ev)
{
    tell_urgent(c, ev);
    if (ev->notes & NOTE_ZERO_WINDOW)
        peer_full(c, ev);
    else if (ev->notes & NOTE_WINDOW_OPENED)
        peer_open(c, ev);
    tell_ecn(c, ev);
    tell_undone(c, ev);
    repair_over(c, ev);
    tell_closing(c, ev);
}

void verbose_flush(struct trace_conn *c)
{
    tell_repairs(c);
}

void verbose_event(struct trace_conn *c, const struct tcp_event *ev)
{
    if (ev->tcb == NULL)
        return;
    if (c->verbose.shaken)
        verbose_handshake(c, ev->tcb);
    else
        c->verbose.shaken = completes_handshake(ev);
    switch (ev->type) {
    case EVENT_SENT:
        sent(c, ev);
        break;
    case EVENT_RECEIVED:
        received(c, ev);
        break;
    case EVENT_DROPPED:
        tell_drop(c, ev);
        break;
    case EVENT_CLOSED:
        verbose_flush(c);
        if (ev->end == END_SYN_CANCELLED)
            verbose_say(c, "the peer gave up before the connection was open");
        break;
    case EVENT_PATH:
        tell_path(c, ev);
        break;
    case EVENT_STATE:
    case EVENT_TIMER:
        break;
    }
}
