/*
 * How it ended, in one line and an exit status.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "segcat/session/run.h"
#include "segcat/trace/format.h"

/* " (N of M bytes not acknowledged)", or that all were. */
static const char *unacked_text(const struct tcb *t, char *buf, size_t cap)
{
    const uint64_t left = tcb_unacked(t);
    const uint64_t all = t->snd.tail;

    if (all == 0)
        snprintf(buf, cap, "nothing had been sent");
    else if (left == 0)
        snprintf(buf, cap, "all %" PRIu64 " bytes acknowledged", all);
    else
        snprintf(buf, cap, "%" PRIu64 " of %" PRIu64 " bytes not acknowledged", left, all);
    return buf;
}

static int fail(struct run *run, const struct conn *c, const char *what)
{
    char text[80];
    char peer[ENDPOINT_TEXT_MAX];

    trace_say(&run->trace, 0, true, "%s, peer %s (%s)", what,
              format_endpoint(&c->remote, ':', peer), unacked_text(&c->tcb, text, sizeof text));
    return EXIT_NETWORK;
}

static int stdio_status(struct run *run, const struct conn *c)
{
    struct slice s[2];

    if (run->relay.out_error != 0 && (tcb_peek(&c->tcb, s) > 0 || c->tcb.end == END_ABORTED)) {
        trace_say(&run->trace, 0, true,
                  "cannot write to standard output: %s (%zu received bytes lost, sent RST)",
                  strerror(-run->relay.out_error), tcb_peek(&c->tcb, s));
        return EXIT_NETWORK;
    }
    if (run->relay.in_error != 0) {
        trace_say(&run->trace, 0, true,
                  "cannot read standard input: %s (%" PRIu64 " bytes were sent)",
                  strerror(-run->relay.in_error), c->tcb.snd.tail);
        return EXIT_NETWORK;
    }
    return EXIT_OK;
}

static const char *icmp_sender(const struct icmp_error *e, char buf[ADDRESS_TEXT_MAX])
{
    return e->sender.version != IP_NONE ? format_address(&e->sender, buf) : "this machine";
}

static int end_status(struct run *run, const struct conn *c)
{
    char text[64];
    char what[256];
    const struct tcb *t = &c->tcb;
    char sender[ADDRESS_TEXT_MAX];
    int n;

    switch (t->end) {
    case END_NONE: /* in TIME-WAIT, or left by a signal */
    case END_CLOSED:
        if (tcb_all_acked(t) && tcb_peer_closed(t))
            return EXIT_OK;
        return fail(run, c, "ended before both sides had closed");
    case END_RESET:
        return fail(run, c, "connection reset by peer");
    case END_TIMEOUT:
        if (t->keep.tries > 0) {
            snprintf(what, sizeof what,
                     "connection timed out: %u keepalive probe%s unanswered, nothing heard for %s",
                     t->keep.tries, t->keep.tries == 1 ? "" : "s",
                     format_duration(t->stats.closed_at - t->keep.heard_at, text));
            return fail(run, c, what);
        }
        n = snprintf(what, sizeof what, "connection timed out: no acknowledgement for %s",
                     format_duration(t->stats.closed_at - t->progress_at, text));
        if (c->icmp.version != IP_NONE) /* SHLD-25 */
            snprintf(what + n, sizeof what - (size_t)n, ", ICMP from %s: %s",
                     icmp_sender(&c->icmp, sender),
                     icmp_text((enum ip_version)c->icmp.version, c->icmp.type, c->icmp.code));
        return fail(run, c, what);
    case END_ABORTED:
        if (run->timed_out) {
            snprintf(what, sizeof what, "timed out: nothing moved for %s (-w)",
                     format_duration(run->opt->wait, text));
            return fail(run, c, what);
        }
        return fail(run, c, "aborted with RST");
    default:
        return fail(run, c, "connection ended early");
    }
}

/* What the socket had no room for was lost like anything that a network drops; only we can say
 * where. */
static void report_overflows(struct run *run)
{
    struct link_stats stats;

    link_get_stats(run->link, &stats);
    if (stats.overflows > 0)
        trace_say(&run->trace, 1, true,
                  "this machine was too slow: the kernel dropped up to %" PRIu64
                  " packets for want of room (a smaller --buffer asks for less at once)",
                  stats.overflows);
}

int report_end(struct run *run, struct conn *c, usec_t now)
{
    int status;

    trace_summary(&c->trace, &c->tcb, now);
    report_overflows(run);
    status = stdio_status(run, c);
    return status != EXIT_OK ? status : end_status(run, c);
}

/* --- openings that failed --- */

/* The system's word for it, what ICMP said, and who. */
static const char *icmp_reason(const struct icmp_error *e, char *buf, size_t cap)
{
    char sender[ADDRESS_TEXT_MAX];
    const char *text = icmp_text((enum ip_version)e->version, e->type, e->code);

    snprintf(buf, cap, "%s (ICMP from %s: %s)",
             e->meaning == ICMP_MEANS_HARD ? "Connection refused" : "No route to host",
             icmp_sender(e, sender), text);
    return buf;
}

static const char *silence(const struct run *run, const struct tcb *t, char *buf, size_t cap)
{
    char text[DURATION_TEXT_MAX];

    snprintf(buf, cap, "Connection timed out (%u SYN%s in %s, no answer%s)", t->syn_tries,
             t->syn_tries == 1 ? "" : "s",
             format_duration(t->stats.closed_at - t->stats.opened_at, text),
             run->timed_out ? "; see -w" : "; is a firewall dropping them?");
    return buf;
}

static const char *open_failure(const struct run *run, const struct conn *c, char *buf, size_t cap)
{
    switch (c->tcb.end) {
    case END_REFUSED:
        return "Connection refused";
    case END_UNREACHABLE:
        if (c->icmp.version != IP_NONE)
            return icmp_reason(&c->icmp, buf, cap);
        if (c->send_error == -EPERM)
            return "blocked by this machine's own firewall (EPERM): see 'nft list ruleset'";
        return strerror(-c->send_error);
    default:
        return silence(run, &c->tcb, buf, cap);
    }
}

int report_connect_failed(struct run *run, const struct endpoint *remote, const char *why)
{
    char text[ADDRESS_TEXT_MAX];

    trace_say(&run->trace, run->more_addresses ? 1 : 0, true,
              "connect to %s port %u (tcp) failed: %s", format_address(&remote->ip, text),
              remote->port, why);
    return EXIT_NETWORK;
}

int report_open_failed(struct run *run, struct conn *c)
{
    char reason[160];

    trace_summary(&c->trace, &c->tcb, c->tcb.stats.closed_at);
    if (run->signal != 0)
        return EXIT_NETWORK; /* the user knows */
    return report_connect_failed(run, &c->remote, open_failure(run, c, reason, sizeof reason));
}
