/*
 * The event loop: one ppoll() for the link, stdin, stdout and signals; nothing else waits.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "segcat/link/route.h"
#include "segcat/session/clock.h"
#include "segcat/session/reopen.h"
#include "segcat/session/run.h"
#include "segcat/tcp/listen.h"

enum {
    POLL_SIGNAL,
    POLL_V4,
    POLL_V6,
    POLL_IN,
    POLL_OUT,
    POLL_REOPEN_V4,
    POLL_REOPEN_V6,
    POLL_COUNT
};

/* --- connections --- */

struct conn **loop_place(struct run *run)
{
    for (size_t i = 0; i < CONNS_MAX; i++)
        if (run->conns[i] == NULL)
            return &run->conns[i];
    return NULL;
}

void loop_drop_conn(struct run *run, struct conn *c)
{
    for (size_t i = 0; i < CONNS_MAX; i++)
        if (run->conns[i] == c)
            run->conns[i] = NULL;
    if (run->served == c)
        run->served = NULL;
    if (c->reopens)
        reopen_tell(&c->local, &c->remote, REOPEN_BACK);
    conn_close(c);
    free(c);
}

static struct conn *find_conn(const struct run *run, const struct packet *pkt)
{
    for (size_t i = 0; i < CONNS_MAX; i++)
        if (run->conns[i] != NULL && conn_matches(run->conns[i], pkt))
            return run->conns[i];
    return NULL;
}

/* --- what arrives --- */

void loop_reply(struct run *run, const struct packet *pkt, const struct segment *reply,
                const char *what, usec_t now)
{
    struct packet out = {
        .ip = {.version = pkt->ip.version,
               .traffic = run->conn_cfg.tos,
               .ttl = run->conn_cfg.ttl,
               .flags = IP_FLAG_DF,
               .protocol = IPPROTO_NUMBER_TCP},
        .sport = pkt->dport,
        .dport = pkt->sport,
        .seg = *reply,
    };

    out.ip.src = pkt->ip.dst;
    out.ip.dst = pkt->ip.src;
    out.seg.at = now;
    trace_stray(&run->trace, &out, true, what, now);
    link_send(run->link, &out);
}

/* The packet is for an address that we hold. */
static bool is_ours(const struct run *run, const struct packet *pkt)
{
    if (pkt->dport != run->port)
        return false;
    for (size_t i = 0; i < run->locals; i++) {
        const struct ip_addr *a = &run->local[i].addr;

        if (a->version == IP_NONE ||
            (a->version == pkt->ip.version &&
             (ip_addr_is_unspecified(a) || ip_addr_equal(a, &pkt->ip.dst))))
            return true;
    }
    return false;
}

/* Sends what the core owes; remembers if the link is full. */
static void pump(struct run *run, struct conn *c, usec_t now)
{
    if (!conn_pump(c, run->link, now))
        run->link_full = true;
}

static void conn_changed(struct run *run, struct conn *c, usec_t now)
{
    if (run->opt->mode == MODE_LISTEN)
        listener_conn(run, c, now);
    else
        connector_conn(run, c, now);
}

static void to_nobody(struct run *run, const struct packet *pkt, usec_t now)
{
    struct segment reply;

    if (run->opt->mode == MODE_LISTEN) {
        listener_packet(run, pkt, now);
        return;
    }
    trace_stray(&run->trace, pkt, false, "no such connection", now);
    if (tcp_closed(&pkt->seg, &reply))
        loop_reply(run, pkt, &reply, "RESET no such connection", now);
}

static void to_conn(struct run *run, struct conn *c, const struct packet *pkt, usec_t now)
{
    const uint64_t before = c->tcb.stats.bytes_received + c->tcb.stats.bytes_acked;

    const bool next = tcb_reopens(&c->tcb, &pkt->seg);

    tcb_segment(&c->tcb, &pkt->seg, now);
    if (next) /* TIME-WAIT is over, and nobody listens behind it */
        to_nobody(run, pkt, now);
    if (c->tcb.stats.bytes_received + c->tcb.stats.bytes_acked != before)
        run->active_at = now;
    if (tcb_ack_now(&c->tcb))
        pump(run, c, now);
    conn_changed(run, c, now);
}

static void dispatch(struct run *run, const struct packet *pkt, usec_t now)
{
    struct conn *c;

    if (!is_ours(run, pkt))
        return;
    if (pkt->checksum_verdict == CHECKSUM_BAD) {
        trace_stray(&run->trace, pkt, false, "DROPPED bad checksum", now);
        return;
    }
    c = find_conn(run, pkt);
    /* An opening that a RST has just cancelled: what comes close behind is for the listener. */
    if (c != NULL && c->tcb.end == END_SYN_CANCELLED && c != run->served) {
        loop_drop_conn(run, c);
        c = NULL;
    }
    if (c != NULL)
        to_conn(run, c, pkt, now);
    else
        to_nobody(run, pkt, now);
}

static void receive(struct run *run)
{
    struct packet pkt[BATCH];

    for (int rounds = 0; rounds < 4; rounds++) {
        const usec_t now = clock_now();
        const int n = link_receive(run->link, pkt, BATCH, now, NULL);

        for (int i = 0; i < n; i++)
            dispatch(run, &pkt[i], now);
        if (n < BATCH)
            return;
    }
}

/* --- ICMP and errors of the link --- */

static struct conn *conn_of_error(const struct run *run, const struct icmp_error *e)
{
    for (size_t i = 0; i < CONNS_MAX; i++) {
        struct conn *c = run->conns[i];

        if (c != NULL && endpoint_equal(&c->local, &e->local) &&
            endpoint_equal(&c->remote, &e->remote))
            return c;
    }
    return NULL;
}

static void act_on_error(struct run *run, struct conn *c, const struct icmp_error *e, usec_t now)
{
    const uint32_t mss = c->tcb.mss;

    switch (tcb_judge_icmp(&c->tcb, e)) {
    case ICMP_IGNORED:
        break;
    case ICMP_NOT_OURS:
        trace_icmp(&run->trace, &c->trace, e, "ignored: quotes nothing in flight", now);
        break;
    case ICMP_NOTED:
        c->icmp = *e;
        trace_icmp(&run->trace, &c->trace, e, "noted", now);
        break;
    case ICMP_ENDS:
        c->icmp = *e;
        trace_icmp(&run->trace, &c->trace, e, "gave up", now);
        tcb_icmp(&c->tcb, e, now);
        break;
    case ICMP_ABOUT_SIZE:
        tcb_icmp(&c->tcb, e, now);
        trace_icmp(&run->trace, &c->trace, e,
                   c->tcb.mss < mss ? "smaller segments from now on" : "no change", now);
        break;
    }
}

static void errors(struct run *run, usec_t now)
{
    struct icmp_error e;

    while (link_error(run->link, &e) > 0) {
        struct conn *c = conn_of_error(run, &e);

        if (c != NULL)
            act_on_error(run, c, &e, now);
    }
}

/* The kernel did not take a packet of c's. What passes is forgotten: retransmission mends it;
 * the rest ends an opening, and says why. */
static void send_error(struct run *run, struct conn *c, usec_t now)
{
    struct route route;
    const int error = c->send_error;

    if (error == -EMSGSIZE && route_again(run->route_fd, &c->remote.ip, &c->local.ip, &route) == 0)
        tcb_path_mtu(&c->tcb, route.mtu, now);
    if (error == -EAGAIN || error == -ENOBUFS || error == -EMSGSIZE)
        c->send_error = 0;
    else if (c->tcb.state == STATE_SYN_SENT)
        tcb_unreachable(&c->tcb, now);
}

/* --- the ends of the wire --- */

static void pump_all(struct run *run, usec_t now)
{
    int r;

    run->link_full = false;
    for (size_t i = 0; i < CONNS_MAX; i++)
        if (run->conns[i] != NULL)
            pump(run, run->conns[i], now);
    r = link_flush(run->link);
    for (size_t i = 0; i < CONNS_MAX; i++) {
        struct conn *c = run->conns[i];

        if (c == NULL)
            continue;
        if (r < 0)
            c->send_error = r;
        if (c->send_error != 0)
            send_error(run, c, now);
    }
}

/*
 * Nothing has come back for a while: is this still the way? Each packet of a raw socket is routed
 * anew, and the kernel checks by itself whether the neighbour is alive; what is left is to say that
 * there is no way any more, and to learn a new interface's MTU.
 */
static void look_at_route(struct run *run, struct conn *c, usec_t now)
{
    struct route route;
    int r;

    if (run->route_fd < 0)
        return;
    r = route_again(run->route_fd, &c->remote.ip, &c->local.ip, &route);
    if (r < 0)
        trace_say(&run->trace, 1, true, "the route is gone: %s; going on trying", strerror(-r));
    else if (route.mtu < c->tcb.cfg.mtu)
        tcb_path_mtu(&c->tcb, route.mtu, now);
}

static void timeouts(struct run *run, usec_t now)
{
    for (size_t i = 0; i < CONNS_MAX; i++) {
        struct conn *c = run->conns[i];

        if (c == NULL || tcb_deadline(&c->tcb) > now)
            continue;
        tcb_timeout(&c->tcb, now);
        if (tcb_doubts_route(&c->tcb))
            look_at_route(run, c, now);
        conn_changed(run, c, now);
    }
}

/* stdin to the ring, the ring to stdout. */
static void relay_move(struct run *run, usec_t now)
{
    struct conn *c = run->served;

    if (c == NULL || !tcb_synchronized(&c->tcb))
        return;
    conn_make_room(c, run->link);
    if (run->relay.in_ready && relay_wants_input(&run->relay, &c->tcb)) {
        const uint64_t before = c->tcb.snd.tail;

        if (relay_read(&run->relay, &c->tcb))
            tcb_shutdown(&c->tcb, now);
        if (c->tcb.snd.tail != before)
            run->active_at = now;
    } else if (run->relay.in < 0) {
        tcb_shutdown(&c->tcb, now); /* stdin had ended before there was a connection */
    }
}

static void relay_deliver(struct run *run, usec_t now)
{
    struct conn *c = run->served;
    struct slice s[2];

    if (c == NULL)
        return;
    if (run->relay.out >= 0 && relay_write(&run->relay, &c->tcb) > 0)
        run->active_at = now;
    /* Nobody will ever read it: the peer is told by a RST (SHLD-3), and the exit status tells
     * the user. */
    if (run->relay.out < 0 && tcb_peek(&c->tcb, s) > 0)
        tcb_abort(&c->tcb, now);
}

/* --- limits --- */

/* When the run itself has something to do, apart from the connections. */
static usec_t own_deadline(const struct run *run)
{
    usec_t at = run->limit;

    if (run->opt->wait != 0 && run->served != NULL && tcb_synchronized(&run->served->tcb) &&
        run->served->tcb.state != STATE_TIME_WAIT && run->active_at + run->opt->wait < at)
        at = run->active_at + run->opt->wait;
    return at;
}

static void limits(struct run *run, usec_t now)
{
    struct conn *c = run->served;

    if (run->interrupted || now >= own_deadline(run)) {
        if (!run->interrupted && run->signal == 0)
            run->timed_out = true;
        run->limit = USEC_NEVER;
        run->stopped = true;
        if (c != NULL && c->tcb.end == END_NONE && c->tcb.state != STATE_TIME_WAIT)
            tcb_abort(&c->tcb, now);
    }
}

/* The served connection needs us no longer. */
static bool finished(struct run *run)
{
    const struct conn *c = run->served;
    struct slice s[2];

    if (run->stopped)
        return true;
    if (c == NULL)
        return false;
    if (c->tcb.end == END_NONE &&
        (c->tcb.state != STATE_TIME_WAIT || run->opt->time_wait == TIME_WAIT_WAIT))
        return false;
    return run->relay.out < 0 || tcb_peek(&c->tcb, s) == 0 || c->tcb.end == END_ABORTED;
}

/* --- waiting --- */

static usec_t next_deadline(const struct run *run)
{
    usec_t at = own_deadline(run);

    for (size_t i = 0; i < CONNS_MAX; i++) {
        const struct conn *c = run->conns[i];

        if (c != NULL && tcb_deadline(&c->tcb) < at)
            at = tcb_deadline(&c->tcb);
    }
    return at;
}

static void fill_poll(struct run *run, struct pollfd p[POLL_COUNT])
{
    const short link = run->link_full ? POLLIN | POLLOUT : POLLIN;
    struct conn *c = run->served;
    const bool open = c != NULL && tcb_synchronized(&c->tcb);
    struct slice s[2];

    p[POLL_SIGNAL] = (struct pollfd){.fd = run->signal_fd, .events = POLLIN};
    p[POLL_V4] = (struct pollfd){.fd = link_fd(run->link, IP_V4), .events = link};
    p[POLL_V6] = (struct pollfd){.fd = link_fd(run->link, IP_V6), .events = link};
    p[POLL_REOPEN_V4] = (struct pollfd){.fd = run->reopen[0], .events = POLLIN};
    p[POLL_REOPEN_V6] = (struct pollfd){.fd = run->reopen[1], .events = POLLIN};
    p[POLL_IN] = (struct pollfd){.fd = -1};
    p[POLL_OUT] = (struct pollfd){.fd = -1};
    if (open && relay_wants_input(&run->relay, &c->tcb))
        p[POLL_IN] = (struct pollfd){.fd = run->relay.in, .events = POLLIN};
    if (c != NULL && run->relay.out >= 0 && run->relay.out_full && tcb_peek(&c->tcb, s) > 0)
        p[POLL_OUT] = (struct pollfd){.fd = run->relay.out, .events = POLLOUT};
}

/* Returns false on a signal that only woke us. */
static void wait_for_events(struct run *run, struct pollfd p[POLL_COUNT])
{
    const usec_t at = next_deadline(run);
    const usec_t now = clock_now();
    const usec_t left = at > now ? at - now : 0;
    const struct timespec ts = {.tv_sec = (time_t)(left / USEC_SEC),
                                .tv_nsec = (long)(left % USEC_SEC) * 1000};

    fill_poll(run, p);
    if (ppoll(p, POLL_COUNT, at == USEC_NEVER ? NULL : &ts, NULL) < 0)
        for (int i = 0; i < POLL_COUNT; i++)
            p[i].revents = 0;
}

void loop_run(struct run *run)
{
    struct pollfd p[POLL_COUNT];
    usec_t now = clock_now();

    pump_all(run, now);
    while (!finished(run)) {
        wait_for_events(run, p);
        now = clock_now();
        run->relay.in_ready = p[POLL_IN].revents != 0;
        if (p[POLL_SIGNAL].revents != 0)
            signals_handle(run, now);
        if ((p[POLL_V4].revents | p[POLL_V6].revents) & POLLERR)
            errors(run, now);
        receive(run);
        now = clock_now();
        if ((p[POLL_REOPEN_V4].revents | p[POLL_REOPEN_V6].revents) != 0)
            listener_reopenings(run, now);
        timeouts(run, now);
        relay_move(run, now);
        pump_all(run, now);
        relay_deliver(run, now);
        limits(run, now);
        pump_all(run, now);
        if (run->opt->mode == MODE_LISTEN)
            listener_sweep(run);
    }
}
