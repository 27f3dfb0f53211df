/*
 * The summary of a connection, from the counters of its TCB. Writes through output.h.
 */
#include "segcat/trace/summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "segcat/trace/format.h"
#include "segcat/trace/output.h"
#include "segcat/trace/words.h"

/* Where the columns of the table end. */
enum {
    BYTES_END = 18,
    SEGMENTS_END = 29,
    DATA_END = 35,
    PURE_ACK_END = 45,
    RETRANSMIT_BEGIN = 47,
    DUP_ACK_END = 70,
    OUT_OF_ORDER_END = 84,
    ZERO_WINDOW_END = 97,
};

#define SPARE 4 /* columns between "received" and its bytes that label and tag may take */

static const char titles[] =
    "             bytes   segments  data  pure-ack  retransmit      dup-ack  out-of-order"
    "  zero-window";

/* Where column 0 of the table lies behind label and tag. */
static size_t origin(const struct line *l)
{
    return l->col > SPARE ? l->col - SPARE : 0;
}

/* From the first SYN to the last thing that mattered. */
static usec_t elapsed(const struct trace_conn *c, const struct tcb *t, usec_t now)
{
    usec_t end = c->done_at;

    if (end == 0)
        end = t->stats.closed_at != 0 ? t->stats.closed_at : now;
    return end > t->stats.opened_at ? end - t->stats.opened_at : 0;
}

/* "20.1/20.1/20.2 ms": one unit, three digits each. */
static void rtt_text(const struct rtt *r, char *text, size_t cap)
{
    const usec_t values[3] = {r->min, r->count > 0 ? r->sum / r->count : r->srtt, r->max};
    const bool us = r->max < USEC_MS, s = r->min >= USEC_SEC;
    size_t len = (size_t)snprintf(text, cap, "rtt min/avg/max");

    for (int i = 0; i < 3 && len < cap; i++) {
        const double v = (double)values[i] / (us ? 1.0 : s ? 1e6 : 1e3);
        const int decimals = us || v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2;

        len += (size_t)snprintf(text + len, cap - len, "%c%.*f", i == 0 ? ' ' : '/', decimals, v);
    }
    if (len < cap)
        snprintf(text + len, cap - len, " %s", us ? "us" : s ? "s" : "ms");
}

/* --- the line --- */

void summary_line(struct trace_conn *c, const struct tcb *t, usec_t now)
{
    const struct tcb_stats *s = &t->stats;
    const uint64_t unacked = s->bytes_sent > s->bytes_acked ? s->bytes_sent - s->bytes_acked : 0;
    char time[DURATION_TEXT_MAX], missing[48] = "", again[40] = "", rtt[96] = "";

    if (unacked > 0)
        snprintf(missing, sizeof missing, " (%" PRIu64 " not acknowledged)", unacked);
    if (s->retransmits > 0)
        snprintf(again, sizeof again, ", %" PRIu64 " retransmit%s", s->retransmits,
                 s->retransmits == 1 ? "" : "s");
    if (t->rtt.valid) {
        memcpy(rtt, ", ", 3);
        rtt_text(&t->rtt, rtt + 2, sizeof rtt - 2);
    }
    verbose_say(c, "sent %" PRIu64 "%s, received %" PRIu64 " bytes in %s%s%s", s->bytes_sent,
                missing, s->bytes_received, format_duration(elapsed(c, t, now), time), again, rtt);
}

/* --- the table --- */

static const char *outcome(const struct tcb *t)
{
    if (t->end == END_NONE && t->fin_acked && t->fin_received)
        return words_end(END_CLOSED); /* TIME-WAIT */
    return words_end(t->end);
}

static void begin(struct trace_conn *c, struct line *l)
{
    output_prefix(c->trace, c, l);
}

static void title(struct trace_conn *c, const struct tcb *t, usec_t now, struct line *l)
{
    char local[ENDPOINT_TEXT_MAX], remote[ENDPOINT_TEXT_MAX], time[DURATION_TEXT_MAX];

    begin(c, l);
    line_add(l, "--- %s > %s", format_endpoint(&c->local, ':', local),
             format_endpoint(&c->remote, ':', remote));
    /* Two IPv6 addresses may leave no room beside them. */
    if (line_room(l) < strlen(outcome(t)) + DURATION_TEXT_MAX) {
        line_end(l);
        begin(c, l);
        line_add(l, "---");
    }
    line_add(l, "  %s, %s", outcome(t), format_duration(elapsed(c, t, now), time));
    line_end(l);
}

/* One direction. */
struct row {
    const char *name;
    uint64_t bytes, segments, data, pure_acks, retransmits, retransmitted, dup_acks, out_of_order,
        zero_windows;
};

static void cell(struct line *l, size_t edge, uint64_t n, bool dash)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, n);
    line_right(l, edge, n == 0 && dash ? "-" : text);
}

static void row(struct trace_conn *c, const struct row *r, struct line *l)
{
    size_t left;

    begin(c, l);
    left = origin(l);
    line_add(l, "%s", r->name);
    cell(l, left + BYTES_END, r->bytes, false);
    cell(l, left + SEGMENTS_END, r->segments, false);
    cell(l, left + DATA_END, r->data, false);
    cell(l, left + PURE_ACK_END, r->pure_acks, false);
    line_to(l, left + RETRANSMIT_BEGIN, 2);
    if (r->retransmits > 0)
        line_add(l, "%" PRIu64 " (%" PRIu64 " B)", r->retransmits, r->retransmitted);
    else
        line_add(l, "-");
    cell(l, left + DUP_ACK_END, r->dup_acks, true);
    cell(l, left + OUT_OF_ORDER_END, r->out_of_order, true);
    cell(l, left + ZERO_WINDOW_END, r->zero_windows, true);
    line_end(l);
}

static void rows(struct trace_conn *c, const struct tcb_stats *s, struct line *l)
{
    const struct row out = {
        .name = "sent",
        .bytes = s->bytes_sent,
        .segments = s->segs_sent,
        .data = s->data_segs_sent,
        .pure_acks = s->pure_acks_sent,
        .retransmits = s->retransmits,
        .retransmitted = s->bytes_retransmitted,
        .dup_acks = s->dup_acks_sent,
        .zero_windows = s->zero_windows_sent,
    };
    const struct row in = {
        .name = "received",
        .bytes = s->bytes_received,
        .segments = s->segs_received,
        .data = s->data_segs_received,
        .pure_acks = s->pure_acks_received,
        .dup_acks = s->dup_acks_received,
        .out_of_order = s->out_of_order,
        .zero_windows = s->zero_windows,
    };

    begin(c, l);
    line_color(l, LINE_FAINT, titles + (l->col - origin(l)));
    line_end(l);
    row(c, &out, l);
    row(c, &in, l);
}

static void times(struct trace_conn *c, const struct tcb *t, usec_t now, struct line *l)
{
    const usec_t span = elapsed(c, t, now);
    char text[96], in[RATE_TEXT_MAX], out[RATE_TEXT_MAX];

    begin(c, l);
    if (t->rtt.valid) {
        rtt_text(&t->rtt, text, sizeof text);
        line_add(l, "%s   ", text);
    }
    line_add(l, "rto %s   ", format_duration(t->rtt.rto, text));
    line_add(l, "throughput %s out, %s in", format_rate(t->stats.bytes_acked, span, out),
             format_rate(t->stats.bytes_received, span, in));
    line_end(l);
}

/* What held the connection up. */
static void stalls(struct trace_conn *c, const struct tcb *t, struct line *l)
{
    const struct tcb_stats *s = &t->stats;
    const char *sep = "";
    char text[DURATION_TEXT_MAX];

    if (s->established_at == 0 && s->zero_window_time == 0 && s->rto_time == 0)
        return;
    begin(c, l);
    if (s->established_at != 0) {
        line_add(l, "handshake %s",
                 t->by_cookie ? "by SYN cookie" : format_duration(s->handshake_rtt, text));
        sep = "   ";
    }
    if (s->zero_window_time > 0 || s->rto_time > 0) {
        line_add(l, "%sstalled ", sep);
        sep = "   ";
    }
    if (s->zero_window_time > 0)
        line_add(l, "%s by zero window%s", format_duration(s->zero_window_time, text),
                 s->rto_time > 0 ? ", " : "");
    if (s->rto_time > 0)
        line_add(l, "%s by retransmit timeout", format_duration(s->rto_time, text));
    if (s->probes_sent > 0)
        line_add(l, "%sprobes %" PRIu64, sep, s->probes_sent);
    line_end(l);
}

/* "64 KiB", "2.4 MiB". */
static const char *size_text(uint64_t n, char *buf, size_t cap)
{
    if (n < 1 << 20)
        snprintf(buf, cap, "%" PRIu64 " KiB", (n + 512) >> 10);
    else
        snprintf(buf, cap, "%.1f MiB", (double)n / (1 << 20));
    return buf;
}

/* What the path has called for, where it is more than what every connection begins with. */
static void buffers(struct trace_conn *c, const struct tcb *t, struct line *l)
{
    char out[24], in[24], max[24], window[24];

    if (t->snd.size <= RCV_BUFF_FIRST && t->rcv.size <= RCV_BUFF_FIRST &&
        t->rcv_buff <= RCV_BUFF_FIRST)
        return;
    begin(c, l);
    line_add(l, "buffers grew to %s out, %s in, of %s   largest window announced %s",
             size_text(t->snd.size, out, sizeof out), size_text(t->rcv.size, in, sizeof in),
             size_text(t->rcv.max, max, sizeof max), size_text(t->wnd_max, window, sizeof window));
    line_end(l);
}

void summary_table(struct trace_conn *c, const struct tcb *t, usec_t now)
{
    struct line l;

    line_init(&l, c->trace->color);
    title(c, t, now, &l);
    rows(c, &t->stats, &l);
    times(c, t, now, &l);
    stalls(c, t, &l);
    buffers(c, t, &l);
    output_write(c->trace, &l);
}
