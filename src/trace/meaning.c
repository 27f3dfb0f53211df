/*
 * What a segment meant, in few words, from what the endpoint knows. Touches nothing but its
 * arguments.
 */
#include "segcat/trace/meaning.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "segcat/trace/format.h"
#include "segcat/trace/words.h"

/* Adds a phrase, two spaces behind the one before. */
static void phrase(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void phrase(struct line *l, const char *fmt, ...)
{
    char text[LINE_COLUMNS + 2];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    line_add(l, "%s%s", l->col > 0 ? "  " : "", text);
}

static bool first_is_dsack(const struct segment *seg)
{
    const struct sack_block *b = seg->opt.sack;

    /* RFC 2883 section 4. */
    if (seq_le(b[0].right, seg->ack))
        return true;
    return seg->opt.sack_count > 1 && seq_ge(b[0].left, b[1].left) &&
           seq_le(b[0].right, b[1].right);
}

/* The SACK blocks of a segment; they count in the sequence space that it acknowledges. */
static void sack_blocks(struct line *l, const struct relative *space, const struct segment *seg)
{
    unsigned first = 0;

    if ((seg->opt.present & OPT_SACK) == 0 || seg->opt.sack_count == 0)
        return;
    if (first_is_dsack(seg)) {
        phrase(l, "D-SACK %" PRId64 ":%" PRId64 " came twice",
               relative_of(space, seg->opt.sack[0].left),
               relative_of(space, seg->opt.sack[0].right));
        first = 1;
    }
    for (unsigned i = first; i < seg->opt.sack_count && i < SACK_BLOCKS_MAX; i++) {
        if (i == first)
            line_add(l, "%ssack", first > 0 ? ", " : l->col > 0 ? " " : "");
        line_add(l, " %" PRId64 ":%" PRId64, relative_of(space, seg->opt.sack[i].left),
                 relative_of(space, seg->opt.sack[i].right));
    }
}

/* --- what we sent --- */

static void retransmission(const struct trace_conn *c, const struct tcp_event *ev,
                           struct meaning *m, const char *name, const char *cause)
{
    const uint32_t before = c->cwnd_from != 0 ? c->cwnd_from : ev->cwnd_before;

    m->color = LINE_NOTICE;
    line_add(&m->loud, "%s", name);
    if (ev->transmissions > 2)
        line_add(&m->loud, " #%u", ev->transmissions - 1);
    line_add(&m->loud, " %s", cause);
    if (before > ev->cwnd)
        line_add(&m->loud, ", cwnd %" PRIu32 "->%" PRIu32, before, ev->cwnd);
}

static void timeout_retransmission(const struct trace_conn *c, const struct tcp_event *ev,
                                   usec_t waited, struct meaning *m)
{
    char rto[DURATION_TEXT_MAX], cause[DURATION_TEXT_MAX + 8];

    snprintf(cause, sizeof cause, "rto %s", format_duration(waited, rto));
    retransmission(c, ev, m, "RETRANSMIT", waited > 0 ? cause : "after timeout");
}

/* SYN or SYN,ACK again: a timeout, or the answer to the peer's repeated SYN. A SYN,ACK of ours
 * that answers a crossing SYN repeats our SYN too, but that is its state change, not a
 * retransmission. */
static void syn_retransmission(const struct trace_conn *c, const struct tcp_event *ev,
                               struct meaning *m)
{
    if (ev->transmissions <= 1)
        return;
    if (ev->delay > 0)
        timeout_retransmission(c, ev, ev->delay, m);
    else if (ev->tcb != NULL && ev->tcb->passive)
        retransmission(c, ev, m, "RETRANSMIT", "its SYN came again");
}

static void fast_retransmission(const struct trace_conn *c, const struct tcp_event *ev,
                                struct meaning *m)
{
    if (ev->tcb == NULL || !ev->tcb->recovering)
        retransmission(c, ev, m, "RETRANSMIT", "not taken before");
    else
        retransmission(c, ev, m, "FAST-RETRANSMIT", ev->tcb->use_sack ? "by SACK" : "by DUP-ACKs");
}

static void notice(struct meaning *m, const char *text)
{
    m->color = LINE_NOTICE;
    phrase(&m->loud, "%s", text);
}

static void danger(struct meaning *m, const char *text)
{
    m->color = LINE_ALARM;
    phrase(&m->loud, "%s", text);
}

static void counted(struct meaning *m, const char *name, unsigned n)
{
    m->color = LINE_NOTICE;
    if (n > 0)
        phrase(&m->loud, "%s #%u", name, n);
    else
        phrase(&m->loud, "%s", name);
}

static void sent_reason(const struct trace_conn *c, const struct tcp_event *ev, struct meaning *m)
{
    switch (ev->reason) {
    case SEND_SYN:
    case SEND_SYN_ACK:
        syn_retransmission(c, ev, m);
        break;
    case SEND_RETRANSMIT_RTO:
        timeout_retransmission(c, ev, ev->delay, m);
        break;
    case SEND_RETRANSMIT_FAST:
        fast_retransmission(c, ev, m);
        break;
    case SEND_RETRANSMIT_TLP:
        if (ev->transmissions > 1)
            retransmission(c, ev, m, "RETRANSMIT", "tail loss probe");
        else
            notice(m, "tail loss probe");
        break;
    case SEND_ACK_DUPLICATE:
        counted(m, "DUP-ACK", ev->dup_acks);
        break;
    case SEND_ACK_OLD:
        phrase(&m->quiet, "says again where we are");
        break;
    case SEND_ACK_CHALLENGE:
        notice(m, "CHALLENGE-ACK");
        break;
    case SEND_WINDOW_UPDATE:
        notice(m, "WINDOW-UPDATE room again");
        break;
    case SEND_WINDOW_PROBE:
        counted(m, "ZERO-WINDOW-PROBE", ev->tcb != NULL ? ev->tcb->probe_tries : 0);
        break;
    case SEND_KEEPALIVE:
        counted(m, "KEEP-ALIVE", ev->tcb != NULL ? ev->tcb->keep.tries : 0);
        break;
    case SEND_RST_ABORT:
        danger(m, "RESET we give up the connection");
        break;
    case SEND_RST_ANSWER:
        danger(m, "RESET in answer");
        break;
    default:
        break;
    }
}

static bool repeats(const struct tcp_event *ev)
{
    return ev->transmissions > 1;
}

static void meaning_of_sent(const struct trace_conn *c, const struct tcp_event *ev,
                            struct meaning *m)
{
    const struct segment *seg = ev->seg;

    m->fresh = !repeats(ev) && ev->reason != SEND_WINDOW_PROBE && ev->reason != SEND_KEEPALIVE;
    sent_reason(c, ev, m);
    if (seg->window == 0 && (seg->flags & SEG_RST) == 0)
        notice(m, "ZERO-WINDOW we are full");
    sack_blocks(m->loud.col > 0 ? &m->loud : &m->quiet, &c->rcv, seg);
    if (seg->gso_size > 0 && seg->len > seg->gso_size)
        phrase(&m->quiet, "%" PRIu32 " segments of %u",
               (seg->len + seg->gso_size - 1) / seg->gso_size, (unsigned)seg->gso_size);
    if ((seg->flags & SEG_URG) != 0)
        phrase(&m->quiet, "urgent data");
    if (ev->tcb != NULL && ev->tcb->pmtu.probing && seg->len > 0 &&
        seg->seq == ev->tcb->pmtu.probe_seq)
        phrase(&m->quiet, "probe: does a packet of %" PRIu32 " bytes get through?",
               ev->tcb->pmtu.probe);
}

/* --- what arrived --- */

static void note_reset(const struct tcp_event *ev, struct meaning *m)
{
    const enum tcp_end end = ev->tcb != NULL ? ev->tcb->end : END_NONE;

    danger(m, end == END_REFUSED ? "RESET connection refused"
              : end == END_RESET ? "RESET by the peer"
                                 : "RESET");
}

/* Keepalive, or the question whether our window is still zero. */
static void note_probe(const struct tcp_event *ev, struct meaning *m)
{
    const bool full = ev->tcb != NULL && ev->tcb->rcv_adv == ev->tcb->rcv_nxt;

    notice(m, full ? "ZERO-WINDOW-PROBE we are still full" : "KEEP-ALIVE");
}

static void note_sequence(const struct trace_conn *c, const struct tcp_event *ev, struct meaning *m)
{
    const uint32_t n = ev->notes;

    if (n & NOTE_SIMULTANEOUS_OPEN)
        notice(m, "simultaneous open");
    if (n & NOTE_SYN_COOKIE)
        notice(m, "by SYN cookie");
    if (n & NOTE_REPEATED_SYN)
        notice(m, "REPEATED SYN");
    if (n & NOTE_REPEATED_FIN)
        notice(m, "REPEATED FIN");
    if (n & NOTE_PROBE)
        note_probe(ev, m);
    if (n & NOTE_OUT_OF_ORDER) {
        m->color = LINE_NOTICE;
        phrase(&m->loud, "OUT-OF-ORDER hole %" PRId64 ":%" PRId64 " %s",
               relative_of(&c->rcv, ev->hole_left), relative_of(&c->rcv, ev->hole_right),
               n & NOTE_NO_ROOM          ? "not kept"
               : n & NOTE_DUPLICATE_DATA ? "was here already"
                                         : "kept");
    } else if ((n & NOTE_DUPLICATE_DATA) && !(n & NOTE_PROBE)) {
        notice(m, "SPURIOUS-RETRANSMIT all of it was here");
    }
    if (n & NOTE_OVERLAP)
        notice(m, "OVERLAP some of it was here");
    if (n & NOTE_FILLS_HOLE) {
        m->color = LINE_NOTICE;
        phrase(&m->loud, "fills hole, %" PRIu64 " delivered", ev->delivered);
    }
}

usec_t meaning_persist(const struct tcb *t, usec_t now)
{
    const usec_t at = t->timer[TIMER_PERSIST];

    if (ring_used(&t->snd) == 0 && (!t->shut || t->fin_acked))
        return 0;
    /* It is set right after the event that closed the window. */
    return at == USEC_NEVER ? rtt_timeout(&t->rtt) : at > now ? at - now : 0;
}

static void note_zero_window(const struct tcp_event *ev, struct meaning *m)
{
    const usec_t persist = ev->tcb != NULL ? meaning_persist(ev->tcb, ev->at) : 0;
    char text[DURATION_TEXT_MAX];

    notice(m, "ZERO-WINDOW peer is full");
    if (persist > 0)
        line_add(&m->loud, ", persist %s", format_duration(persist, text));
}

/* What the ACK means to loss recovery. Where it begins, the target; what is sent again has a line of
 * its own, which shows cwnd coming down. */
static void note_recovery(const struct tcp_event *ev, struct meaning *m)
{
    const uint32_t n = ev->notes;

    if (n & NOTE_REORDERING)
        notice(m, "REORDERING seen");
    if (n & NOTE_UNDONE) {
        m->color = LINE_NOTICE;
        phrase(&m->loud, "%s by %s, cwnd %" PRIu32 "->%" PRIu32,
               ev->undo_timeout ? "SPURIOUS-RTO" : "SPURIOUS-LOSS", words_undo(ev->undo),
               ev->cwnd_before, ev->cwnd);
    } else if (n & NOTE_RECOVERED) {
        phrase(&m->quiet, "repaired, cwnd %" PRIu32 "->%" PRIu32, ev->cwnd_before, ev->cwnd);
    }
    if (n & NOTE_RECOVERY) {
        notice(m, "loss found");
        if (ev->tcb != NULL)
            line_add(&m->loud, ", ssthresh %" PRIu32, ev->tcb->cc.ssthresh);
    }
}

static void note_ack(const struct trace_conn *c, const struct tcp_event *ev, struct meaning *m)
{
    const uint32_t n = ev->notes;

    if (n & NOTE_DUPLICATE_ACK)
        counted(m, "DUP-ACK", ev->dup_acks);
    sack_blocks(m->loud.col > 0 ? &m->loud : &m->quiet, &c->snd, ev->seg);
    note_recovery(ev, m);
    if (n & NOTE_ZERO_WINDOW)
        note_zero_window(ev, m);
    if (n & NOTE_WINDOW_OPENED)
        notice(m, ev->acked > 0 ? "WINDOW-UPDATE probe taken, go on" : "WINDOW-UPDATE go on");
    else if (n & NOTE_WINDOW_UPDATE)
        phrase(&m->quiet, "WINDOW-UPDATE");
    if (n & NOTE_WINDOW_SHRUNK)
        notice(m, "window taken back");
}

/* The peer says that a router has marked data of ours. */
static void note_ecn_echo(const struct tcp_event *ev, struct meaning *m)
{
    if (!(ev->notes & NOTE_ECN_ECHO))
        return;
    if (ev->cwnd < ev->cwnd_before)
        notice(m, "ECN-ECHO congestion");
    else
        phrase(&m->quiet, "ECN-ECHO");
    if (ev->cwnd < ev->cwnd_before)
        line_add(&m->loud, ", cwnd %" PRIu32 "->%" PRIu32, ev->cwnd_before, ev->cwnd);
}

static void note_progress(const struct tcp_event *ev, struct meaning *m)
{
    char text[DURATION_TEXT_MAX];

    if (ev->acked > 0 && !(ev->notes & NOTE_WINDOW_OPENED))
        phrase(&m->quiet, "acks %" PRIu64, ev->acked);
    if (ev->rtt > 0)
        phrase(&m->quiet, "rtt %s", format_duration(ev->rtt, text));
    if (ev->notes & NOTE_HALF_CLOSED)
        phrase(&m->quiet, "half-closed");
    if (ev->urgent > 0)
        phrase(&m->quiet, "urgent data, %" PRIu64 " to its end", ev->urgent);
    else if (ev->notes & NOTE_URGENT)
        phrase(&m->quiet, "urgent data");
    if (ev->seg->ecn == ECN_CE)
        phrase(&m->quiet, ev->notes & NOTE_CE ? "CE mark, to be echoed" : "CE mark");
}

static void meaning_of_received(const struct trace_conn *c, const struct tcp_event *ev,
                                struct meaning *m)
{
    m->fresh = (ev->notes & (NOTE_DUPLICATE_DATA | NOTE_PROBE)) == 0;
    if (ev->seg->flags & SEG_RST)
        note_reset(ev, m);
    note_sequence(c, ev, m);
    note_ack(c, ev, m);
    note_ecn_echo(ev, m);
    note_progress(ev, m);
}

/* --- what was dropped --- */

/* The segment lies wholly before RCV.NXT. */
static bool is_old(const struct tcp_event *ev)
{
    const seq_t end = ev->seg->seq + segment_seq_len(ev->seg);

    return ev->tcb != NULL && seq_le(end, ev->tcb->rcv_nxt) &&
           seq_lt(ev->seg->seq, ev->tcb->rcv_nxt);
}

static void meaning_of_dropped(const struct tcp_event *ev, struct meaning *m)
{
    m->fresh = false;
    if (ev->notes & NOTE_PROBE) {
        note_probe(ev, m);
        return;
    }
    m->color = LINE_ALARM;
    if (ev->notes & NOTE_REPEATED_SYN)
        line_add(&m->loud, "REPEATED SYN ");
    if (ev->notes & NOTE_REPEATED_FIN)
        line_add(&m->loud, "REPEATED FIN ");
    if (ev->drop == DROP_UNACCEPTABLE && is_old(ev))
        line_add(&m->loud, "DROPPED old duplicate");
    else
        line_add(&m->loud, "DROPPED %s", words_drop(ev->drop));
}

void meaning_of(const struct trace_conn *c, const struct tcp_event *ev, struct meaning *m)
{
    line_init(&m->loud, false);
    line_init(&m->quiet, false);
    m->color = LINE_PLAIN;
    m->fresh = false;
    switch (ev->type) {
    case EVENT_SENT:
        meaning_of_sent(c, ev, m);
        break;
    case EVENT_RECEIVED:
        meaning_of_received(c, ev, m);
        break;
    case EVENT_DROPPED:
        meaning_of_dropped(ev, m);
        break;
    default:
        break;
    }
}
