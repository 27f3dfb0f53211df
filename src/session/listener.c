/*
 * The listener: LISTEN, openings in progress, and the one client that is served.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "segcat/link/privilege.h"
#include "segcat/link/route.h"
#include "segcat/session/clock.h"
#include "segcat/session/reopen.h"
#include "segcat/session/run.h"
#include "segcat/tcp/listen.h"
#include "segcat/tcp/syncookie.h"
#include "segcat/trace/format.h"

/* --- what to listen on --- */

static const char *port_text(const struct options *opt)
{
    return opt->port != NULL ? opt->port : opt->source_port;
}

/* The first address of each family that the name has; without a name, any address. */
static int choose_locals(struct run *run, bool v4, bool v6)
{
    const struct options *opt = run->opt;
    const char *host = opt->host != NULL ? opt->host : opt->source;
    struct resolved names;
    const char *why;

    run->locals = 1;
    if (host == NULL) {
        if (v4 != v6)
            run->local[0].addr.version = v4 ? IP_V4 : IP_V6;
        return EXIT_OK;
    }
    why = resolve_host(host, v4, v6, opt->numeric, &names);
    if (why != NULL) {
        trace_say(&run->trace, 0, true, "cannot listen on %s: %s", host, why);
        return EXIT_USAGE;
    }
    run->local[0].addr = names.addr[0];
    for (size_t i = 1; i < names.count && run->locals == 1; i++)
        if (names.addr[i].version != names.addr[0].version)
            run->local[run->locals++].addr = names.addr[i];
    return EXIT_OK;
}

static void say_listening(struct run *run, bool v6)
{
    /* Somebody who asked for "a free port" must be told which, -v or not. */
    const int level = run->opt->verbose == 0 && strcmp(port_text(run->opt), "0") == 0 ? 0 : 1;
    char text[ADDRESS_TEXT_MAX];

    for (size_t i = 0; i < run->locals; i++) {
        const struct local *l = &run->local[i];

        if (l->addr.version != IP_NONE && !ip_addr_is_unspecified(&l->addr)) {
            trace_say(&run->trace, level, false, "Listening on %s %u",
                      format_address(&l->addr, text), run->port);
        } else {
            const bool has4 = l->port.fd[0] >= 0;

            if (has4)
                trace_say(&run->trace, level, false, "Listening on 0.0.0.0 %u", run->port);
            if (v6 && l->port.fd[1] >= 0 && (level > 0 || !has4))
                trace_say(&run->trace, level, false, "Listening on :: %u", run->port);
        }
        if (level == 0)
            return;
    }
}

/* Where holders of TIME-WAIT find us (reopen.h). */
static void listen_for_reopenings(struct run *run)
{
    for (size_t i = 0; i < run->locals; i++) {
        const struct local *l = &run->local[i];

        for (int v6 = 0; v6 < 2; v6++) {
            const struct ip_addr any = {.version = v6 ? IP_V6 : IP_V4};

            if (l->port.fd[v6] >= 0 && run->reopen[v6] < 0)
                run->reopen[v6] =
                    reopen_listen(l->addr.version == any.version ? &l->addr : &any, run->port);
        }
    }
}

int listener_run(struct run *run)
{
    const struct options *opt = run->opt;
    const bool v4 = !opt->v6_only;
    const bool v6 = !opt->v4_only;
    uint16_t port;
    int status;

    if (!resolve_port(port_text(opt), opt->numeric, &port)) {
        trace_say(&run->trace, 0, true,
                  "unknown port '%s': give a number from 0 to 65535 or a service name",
                  port_text(opt));
        return EXIT_USAGE;
    }
    status = choose_locals(run, v4, v6);
    if (status == EXIT_OK)
        status = setup_link(run, v4, v6, port, NULL);
    if (status != EXIT_OK)
        return status;
    setup_drop(true);
    run->listening = true;
    listen_for_reopenings(run);
    say_listening(run, v6);
    loop_run(run);
    if (run->served == NULL)
        return EXIT_OK; /* stopped by a signal */
    return report_end(run, run->served, clock_now());
}

/* --- openings --- */

/* The two ends of the connection that pkt belongs to or would make. */
struct ends {
    struct endpoint local, remote;
};

static struct ends ends_of(const struct packet *pkt)
{
    return (struct ends){
        .local = {.ip = pkt->ip.dst, .port = pkt->dport},
        .remote = {.ip = pkt->ip.src, .port = pkt->sport},
    };
}

/*
 * False if there is no way back: silence then, the peer may ask again. And silence for what comes to
 * the broadcast address of one of our networks, which reaches a listener on any address (MUST-57):
 * the kernel knows it as a destination that needs a permission.
 */
static bool find_way(struct run *run, const struct ends *e)
{
    struct route route;

    if (route_lookup(&e->local.ip, NULL, &route) < 0 ||
        route_lookup(&e->remote.ip, &e->local.ip, &route) < 0)
        return false;
    run->conn_cfg.mtu = route.mtu;
    run->conn_cfg.tag = 0;
    return true;
}

static size_t openings(const struct run *run)
{
    size_t n = 0;

    for (size_t i = 0; i < CONNS_MAX; i++)
        n += run->conns[i] != NULL;
    return n;
}

/* By a SYN, or by the ACK of the cookie that answered it. */
static struct conn *open_conn(struct run *run, const struct ends *e, const struct segment *syn,
                              const struct segment *cookie_ack, usec_t now)
{
    struct conn **const place = loop_place(run);
    struct conn *c = place != NULL ? calloc(1, sizeof *c) : NULL;
    int r;

    if (c == NULL)
        return NULL;
    if (cookie_ack != NULL)
        r = conn_open_cookie(c, &run->conn_cfg, &e->local, &e->remote, syn, cookie_ack, now);
    else
        r = conn_open(c, &run->conn_cfg, &e->local, &e->remote, syn, now);
    if (r < 0) {
        free(c);
        return NULL;
    }
    *place = c;
    return c;
}

/* --- SYN cookies: the backlog is full, and nothing more is kept --- */

/*
 * Those who came first keep their places, with all that was agreed: what fills the backlog is most
 * often a flood, and who is real among the others comes in by a cookie.
 */
static void answer_by_cookie(struct run *run, const struct packet *pkt, usec_t now)
{
    const struct ends e = ends_of(pkt);
    struct tcb_config cfg;
    struct segment reply;

    if (run->cookie_at == 0)
        trace_say(&run->trace, 1, true,
                  "backlog full (%d openings wait for their third segment): others are answered by "
                  "SYN cookies",
                  BACKLOG);
    run->cookie_at = now;
    conn_tcb_config(&run->conn_cfg, &e.local, &e.remote, &cfg);
    syncookie_answer(&cfg, &pkt->seg, &reply, now);
    trace_stray(&run->trace, pkt, false, "backlog full", now);
    loop_reply(run, pkt, &reply, "SYN cookie", now);
}

/* True if the segment acknowledges a cookie: it is the connection that we serve now. Only while
 * cookies are about: at other times nobody is to guess at them (as Linux). */
static bool open_by_cookie(struct run *run, const struct packet *pkt, usec_t now)
{
    const struct ends e = ends_of(pkt);
    struct tcb_config cfg;
    struct segment syn;
    struct conn *c;

    if (run->cookie_at == 0 || now - run->cookie_at > COOKIE_STEPS * COOKIE_STEP)
        return false;
    conn_tcb_config(&run->conn_cfg, &e.local, &e.remote, &cfg);
    if (!syncookie_check(&cfg, &pkt->seg, &syn, now) || !find_way(run, &e))
        return false;
    c = open_conn(run, &e, &syn, &pkt->seg, now);
    if (c == NULL)
        return false;
    listener_conn(run, c, now);
    return true;
}

static const char *from_text(const struct packet *pkt, char buf[ENDPOINT_TEXT_MAX])
{
    const struct endpoint remote = {.ip = pkt->ip.src, .port = pkt->sport};

    return format_endpoint(&remote, ':', buf);
}

/* A RST for what no connection wants. */
static void refuse(struct run *run, const struct packet *pkt, usec_t now)
{
    const bool opening = (pkt->seg.flags & (SEG_SYN | SEG_ACK | SEG_RST)) == SEG_SYN;
    struct segment reply;
    char text[ENDPOINT_TEXT_MAX];

    trace_stray(&run->trace, pkt, false,
                opening ? "refused: serving another client" : "no such connection", now);
    if (!tcp_closed(&pkt->seg, &reply))
        return;
    loop_reply(run, pkt, &reply, "RESET", now);
    if (opening)
        trace_say(&run->trace, 1, true,
                  "refused %s: one client is being served (more at once need -k)",
                  from_text(pkt, text));
}

/* --- the next connection of a pair that is in TIME-WAIT --- */

static bool has_conn(const struct run *run, const struct ends *e)
{
    for (size_t i = 0; i < CONNS_MAX; i++)
        if (run->conns[i] != NULL && endpoint_equal(&run->conns[i]->local, &e->local) &&
            endpoint_equal(&run->conns[i]->remote, &e->remote))
            return true;
    return false;
}

static void refuse_reopening(struct run *run, const struct reopening *r, usec_t now)
{
    struct packet pkt;

    memset(&pkt, 0, sizeof pkt);
    pkt.ip.version = r->remote.ip.version;
    pkt.ip.src = r->remote.ip;
    pkt.ip.dst = r->local.ip;
    pkt.sport = r->remote.port;
    pkt.dport = r->local.port;
    pkt.seg = r->syn;
    refuse(run, &pkt, now);
}

/* A cookie has no room for what the last connection has left: with a full backlog it stays. */
static void reopen(struct run *run, const struct reopening *r, usec_t now)
{
    const struct ends e = {.local = r->local, .remote = r->remote};
    struct conn *c = NULL;
    char text[ENDPOINT_TEXT_MAX];

    if (has_conn(run, &e))
        return;
    if (!run->listening)
        refuse_reopening(run, r, now);
    else if (e.local.port == run->port && openings(run) < BACKLOG && find_way(run, &e)) {
        run->conn_cfg.before = &r->before;
        c = open_conn(run, &e, &r->syn, NULL, now);
        run->conn_cfg.before = NULL;
    }
    if (c == NULL) {
        reopen_tell(&e.local, &e.remote, REOPEN_BACK);
        return;
    }
    c->reopens = true;
    trace_say(&run->trace, 1, true,
              "%s comes again out of TIME-WAIT: its SYN is newer than all before",
              format_endpoint(&e.remote, ':', text));
}

void listener_reopenings(struct run *run, usec_t now)
{
    struct reopening r;

    for (int i = 0; i < 2; i++)
        while (run->reopen[i] >= 0 && reopen_receive(run->reopen[i], &r))
            reopen(run, &r, now);
}

/* --- what arrives for no connection --- */

void listener_packet(struct run *run, const struct packet *pkt, usec_t now)
{
    const struct ends e = ends_of(pkt);
    struct segment reply;

    if (hold_is_held(&e.local, &e.remote))
        return; /* in TIME-WAIT: its holder's affair */
    if (!run->listening) {
        refuse(run, pkt, now);
        return;
    }
    switch (tcp_listen(&pkt->seg, &reply)) {
    case LISTEN_OPEN:
        if (!find_way(run, &e))
            break;
        if (openings(run) < BACKLOG)
            open_conn(run, &e, &pkt->seg, NULL, now);
        else
            answer_by_cookie(run, pkt, now);
        break;
    case LISTEN_RESET:
        if (open_by_cookie(run, pkt, now) || !find_way(run, &e))
            break;
        trace_stray(&run->trace, pkt, false, "no such connection", now);
        loop_reply(run, pkt, &reply, "RESET", now);
        break;
    case LISTEN_DROP:
        trace_stray(&run->trace, pkt, false, "ignored in LISTEN", now);
        break;
    }
}

/* --- serving --- */

/* A guard for this pair alone: it may outlive us in TIME-WAIT without hushing the kernel's RSTs
 * for the whole port. */
static void guard_pair(struct run *run, const struct conn *c)
{
    const struct guard_scope scope = {.local = c->local, .remote = c->remote};

    guard_open(&run->pair_guard, &scope, run->mark);
    privilege_drop(false);
}

static void serve(struct run *run, struct conn *c, usec_t now)
{
    char text[ADDRESS_TEXT_MAX];

    run->served = c;
    run->listening = false;
    if (c->reopens)
        reopen_tell(&c->local, &c->remote, REOPEN_DONE);
    c->reopens = false;
    run->active_at = now;
    trace_say(&run->trace, 1, false, "Connection received on %s %u",
              format_address(&c->remote.ip, text), c->remote.port);
    trace_handshake(&c->trace, &c->tcb);
    guard_pair(run, c);
    for (size_t i = 0; i < CONNS_MAX; i++)
        if (run->conns[i] != NULL && run->conns[i] != c)
            tcb_abort(&run->conns[i]->tcb, now);
}

void listener_conn(struct run *run, struct conn *c, usec_t now)
{
    if (run->served == NULL && run->listening && tcb_synchronized(&c->tcb))
        serve(run, c, now);
}

void listener_sweep(struct run *run)
{
    for (size_t i = 0; i < CONNS_MAX; i++) {
        struct conn *c = run->conns[i];

        if (c != NULL && c != run->served && c->tcb.end != END_NONE)
            loop_drop_conn(run, c);
    }
}
