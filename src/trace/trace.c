/*
 * The trace's front: takes events and hands each to every renderer that is on. Reads the
 * environment for colour; writes through output.h only.
 */
#include "segcat/trace/trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "segcat/trace/format.h"
#include "segcat/trace/output.h"
#include "segcat/trace/summary.h"
#include "segcat/trace/table.h"
#include "segcat/trace/verbose.h"

/* --- beginning --- */

/* https://no-color.org: set and not empty means none. */
static bool wants_color(const struct trace_config *cfg)
{
    const char *const no_color = getenv("NO_COLOR");
    const char *const term = getenv("TERM");

    if (cfg->color != COLOR_AUTO)
        return cfg->color == COLOR_ALWAYS;
    return (no_color == NULL || no_color[0] == '\0') && term != NULL && term[0] != '\0' &&
           strcmp(term, "dumb") != 0 && isatty(cfg->fd);
}

void trace_init(struct trace *t, const struct trace_config *cfg)
{
    *t = (struct trace){.cfg = *cfg, .color = wants_color(cfg)};
}

void trace_conn_init(struct trace_conn *c, struct trace *t, const struct endpoint *local,
                     const struct endpoint *remote, unsigned tag)
{
    *c = (struct trace_conn){.trace = t, .local = *local, .remote = *remote, .tag = tag};
}

/* --- what every renderer needs to know of the past --- */

static bool peer_synchronized(enum tcp_state s)
{
    return s >= STATE_SYN_RECEIVED;
}

static void follow_numbers(struct trace_conn *c, const struct tcp_event *ev)
{
    const struct tcb *t = ev->tcb;

    relative_start(&c->snd, t->iss);
    relative_move(&c->snd, t->snd_nxt);
    if (peer_synchronized(t->state) || peer_synchronized(ev->old_state)) {
        relative_start(&c->rcv, t->irs);
        relative_move(&c->rcv, t->rcv_nxt);
    }
}

/*
 * The window is cut before the line that shows it: when a timer runs out, or when the ACK comes
 * that tells of a loss.
 */
static void follow_cwnd(struct trace_conn *c, const struct tcp_event *ev)
{
    if (ev->type != EVENT_SENT && ev->type != EVENT_RECEIVED && ev->type != EVENT_TIMER)
        return;
    if (c->cwnd_from == 0 && ev->cwnd < c->cwnd)
        c->cwnd_from = c->cwnd;
    c->cwnd = ev->cwnd;
}

/* What the line just written has shown, and the next one may refer to. */
static void follow_sent(struct trace_conn *c, const struct tcp_event *ev)
{
    if (ev->type == EVENT_SENT)
        c->cwnd_from = 0;
}

static void follow_end(struct trace_conn *c, const struct tcp_event *ev)
{
    const bool over = ev->new_state == STATE_TIME_WAIT || ev->new_state == STATE_CLOSED;

    if (c->done_at == 0 && over && ev->old_state != ev->new_state)
        c->done_at = ev->at;
}

/* --- events --- */

void trace_event(void *ctx, const struct tcp_event *ev)
{
    struct trace_conn *const c = ctx;
    const int verbose = c->trace->cfg.verbose;

    if (verbose == 0 || c->trace->failed)
        return;
    if (ev->tcb != NULL) {
        follow_numbers(c, ev);
        follow_cwnd(c, ev);
        follow_end(c, ev);
    }
    if (verbose == 1)
        verbose_event(c, ev);
    else
        table_event(c, ev);
    follow_sent(c, ev);
}

void trace_handshake(struct trace_conn *c, const struct tcb *tcb)
{
    if (c->trace->cfg.verbose == 1)
        verbose_handshake(c, tcb);
}

void trace_stray(struct trace *t, const struct packet *pkt, bool sent, const char *what, usec_t now)
{
    if (t->cfg.verbose >= 2)
        table_stray(t, pkt, sent, what, now);
}

static void icmp_words(const struct icmp_error *e, const char *acted, char *text, size_t cap)
{
    char sender[ADDRESS_TEXT_MAX], mtu[32] = "";

    if (e->mtu > 0)
        snprintf(mtu, sizeof mtu, ", mtu %" PRIu32, e->mtu);
    snprintf(text, cap, "ICMP%s from %s: %s%s%s%s", e->version == IP_V6 ? "v6" : "",
             e->sender.version != IP_NONE ? format_address(&e->sender, sender) : "this machine",
             icmp_text((enum ip_version)e->version, e->type, e->code), mtu,
             acted != NULL && acted[0] != '\0' ? ", " : "", acted != NULL ? acted : "");
}

void trace_icmp(struct trace *t, struct trace_conn *c, const struct icmp_error *e,
                const char *acted, usec_t now)
{
    char text[256];

    if (t->cfg.verbose == 0)
        return;
    icmp_words(e, acted, text, sizeof text);
    if (t->cfg.verbose >= 2)
        table_mark(t, c, now, text);
    else if (c == NULL)
        trace_say(t, 1, true, "%s", text);
    else if (seldom_due(&c->verbose.icmp, now))
        verbose_say(c, "%s", text);
}

/* --- words of the session's --- */

void trace_say(struct trace *t, int level, bool prefix, const char *fmt, ...)
{
    va_list ap;

    if (t->cfg.verbose < level)
        return;
    va_start(ap, fmt);
    output_sentence(t, NULL, prefix, fmt, ap);
    va_end(ap);
}

void trace_mark(struct trace_conn *c, usec_t now, const char *fmt, ...)
{
    char raw[256], text[256];
    va_list ap;

    if (c->trace->cfg.verbose < 2)
        return;
    va_start(ap, fmt);
    vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    table_mark(c->trace, c, now, format_printable(raw, text, sizeof text));
}

void trace_summary(struct trace_conn *c, const struct tcb *tcb, usec_t now)
{
    if (c->trace->cfg.verbose == 0)
        return;
    if (c->trace->cfg.verbose == 1)
        verbose_flush(c);
    summary_line(c, tcb, now);
    if (c->trace->cfg.verbose >= 2)
        summary_table(c, tcb, now);
}
