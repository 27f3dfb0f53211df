/*
 * The connector: one address after the other until one answers.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "segcat/link/route.h"
#include "segcat/session/clock.h"
#include "segcat/session/reopen.h"
#include "segcat/session/run.h"
#include "segcat/trace/format.h"

struct candidate {
    struct endpoint remote;
    struct route route;
    int error; /* of the route look-up */
};

struct candidates {
    struct candidate list[RESOLVE_MAX];
    size_t count;
};

/* 0.0.0.0 and :: as a destination mean this machine, as for connect(2). */
static void unspecified_is_loopback(struct ip_addr *a)
{
    if (!ip_addr_is_unspecified(a))
        return;
    if (a->version == IP_V4)
        a->bytes[0] = 127;
    a->bytes[a->version == IP_V4 ? 3 : 15] = 1;
}

static int source_address(struct run *run, struct ip_addr *source)
{
    const struct options *opt = run->opt;
    struct resolved names;
    const char *why;

    memset(source, 0, sizeof *source);
    if (opt->source == NULL)
        return EXIT_OK;
    why = resolve_host(opt->source, !opt->v6_only, !opt->v4_only, opt->numeric, &names);
    if (why != NULL) {
        trace_say(&run->trace, 0, true, "bad source address %s: %s", opt->source, why);
        return EXIT_USAGE;
    }
    *source = names.addr[0];
    return EXIT_OK;
}

/* Addresses of the host, and how each would be reached. */
static int find_candidates(struct run *run, struct candidates *out)
{
    const struct options *opt = run->opt;
    struct ip_addr source;
    struct resolved names;
    uint16_t port;
    const char *why;

    if (!resolve_port(opt->port, opt->numeric, &port) || port == 0) {
        trace_say(&run->trace, 0, true,
                  "unknown port '%s': give a number from 1 to 65535 or a service name", opt->port);
        return EXIT_USAGE;
    }
    if (source_address(run, &source) != EXIT_OK)
        return EXIT_USAGE;
    why = resolve_host(opt->host, !opt->v6_only && source.version != IP_V6,
                       !opt->v4_only && source.version != IP_V4, opt->numeric, &names);
    if (why != NULL) {
        trace_say(&run->trace, 0, true, "cannot resolve %s: %s", opt->host, why);
        return EXIT_USAGE;
    }
    out->count = 0;
    for (size_t i = 0; i < names.count; i++) {
        struct candidate *c = &out->list[out->count];

        unspecified_is_loopback(&names.addr[i]);
        if (ip_addr_is_multicast(&names.addr[i]) || ip_addr_is_broadcast(&names.addr[i])) {
            trace_say(&run->trace, 0, true,
                      "%s is a broadcast or multicast address: TCP connects to one host",
                      opt->host);
            return EXIT_USAGE; /* MUST-46 */
        }
        c->remote = (struct endpoint){.ip = names.addr[i], .port = port};
        c->error =
            route_lookup(&c->remote.ip, source.version != IP_NONE ? &source : NULL, &c->route);
        if (c->error == -EACCES) {
            trace_say(&run->trace, 0, true, "%s is a broadcast address: TCP connects to one host",
                      opt->host);
            return EXIT_USAGE;
        }
        out->count++;
    }
    return EXIT_OK;
}

/*
 * The user's own -p, to the same peer, while the last connection is in TIME-WAIT. With timestamps
 * old segments can be told from new ones by both sides, and the pair is used again, as the kernel
 * does it where tcp_tw_reuse allows; without them nothing would tell.
 */
static int held_elsewhere(struct run *run, const struct endpoint *local,
                          const struct endpoint *remote, struct incarnation *before)
{
    char text[ENDPOINT_TEXT_MAX];

    run->conn_cfg.before = NULL;
    if (!hold_is_held(local, remote))
        return EXIT_OK;
    if (reopen_take(local, remote, before)) {
        run->conn_cfg.before = before;
        trace_say(&run->trace, 1, true,
                  "port %u to %s was in TIME-WAIT: used again, timestamps tell old from new",
                  local->port, format_endpoint(remote, ':', text));
        return EXIT_OK;
    }
    trace_say(&run->trace, 0, true,
              "port %u to %s is still in TIME-WAIT from the last connection: use another -p, or "
              "wait a minute",
              local->port, format_endpoint(remote, ':', text));
    return EXIT_USAGE;
}

static int try_one(struct run *run, const struct candidate *cand)
{
    const struct endpoint local = {.ip = cand->route.source, .port = run->port};
    struct incarnation before;
    struct conn *c;
    usec_t now;

    if (held_elsewhere(run, &local, &cand->remote, &before) != EXIT_OK)
        return EXIT_USAGE;
    c = calloc(1, sizeof *c);
    now = clock_now();
    run->conn_cfg.mtu = cand->route.mtu;
    if (c == NULL || conn_open(c, &run->conn_cfg, &local, &cand->remote, NULL, now) < 0) {
        free(c);
        return report_connect_failed(run, &cand->remote, strerror(ENOMEM));
    }
    *loop_place(run) = c;
    run->served = c;
    run->limit = run->opt->wait != 0 ? now + run->opt->wait : USEC_NEVER;
    loop_run(run);
    if (run->announced)
        return report_end(run, c, clock_now());
    return report_open_failed(run, c);
}

static int try_all(struct run *run, const struct candidates *all)
{
    int status = EXIT_NETWORK;

    for (size_t i = 0; i < all->count; i++) {
        const struct candidate *c = &all->list[i];

        run->more_addresses = i + 1 < all->count;
        if (c->error != 0) {
            status = report_connect_failed(run, &c->remote, strerror(-c->error));
            continue;
        }
        status = try_one(run, c);
        if (run->announced || run->signal != 0)
            return status;
        run->stopped = run->timed_out = false;
        if (run->served != NULL)
            loop_drop_conn(run, run->served);
    }
    return status;
}

static bool any_reachable(const struct candidates *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].error == 0)
            return true;
    return false;
}

/* One candidate: its own source address is enough. Several: the port is kept on all of them. */
static void choose_local(struct run *run, const struct candidates *all, bool *v4, bool *v6)
{
    *v4 = *v6 = false;
    for (size_t i = 0; i < all->count; i++) {
        *v4 = *v4 || all->list[i].remote.ip.version == IP_V4;
        *v6 = *v6 || all->list[i].remote.ip.version == IP_V6;
    }
    run->locals = 1;
    if (all->count == 1)
        run->local[0].addr = all->list[0].route.source;
    else if (*v4 != *v6)
        run->local[0].addr.version = *v4 ? IP_V4 : IP_V6;
}

int connector_run(struct run *run)
{
    const struct options *opt = run->opt;
    struct candidates all;
    uint16_t source_port = 0;
    bool v4, v6;
    int status = find_candidates(run, &all);

    if (status != EXIT_OK)
        return status;
    if (opt->source_port != NULL && !resolve_port(opt->source_port, opt->numeric, &source_port)) {
        trace_say(&run->trace, 0, true, "unknown source port '%s': give a number from 1 to 65535",
                  opt->source_port);
        return EXIT_USAGE;
    }
    if (any_reachable(&all)) {
        choose_local(run, &all, &v4, &v6);
        status = setup_link(run, v4, v6, source_port, all.count == 1 ? &all.list[0].remote : NULL);
        if (status != EXIT_OK)
            return status;
        setup_drop(false);
    }
    return try_all(run, &all);
}

void connector_conn(struct run *run, struct conn *c, usec_t now)
{
    char service[32];
    char text[ADDRESS_TEXT_MAX];
    const char *addr;

    if (run->announced || !tcb_synchronized(&c->tcb))
        return;
    run->announced = true;
    run->limit = USEC_NEVER;
    run->active_at = now;
    addr = format_address(&c->remote.ip, text);
    resolve_service(c->remote.port, run->opt->numeric, service, sizeof service);
    if (strcmp(addr, run->opt->host) == 0)
        trace_say(&run->trace, 1, false, "Connection to %s %u port [tcp/%s] succeeded!", addr,
                  c->remote.port, service);
    else
        trace_say(&run->trace, 1, false, "Connection to %s (%s) %u port [tcp/%s] succeeded!",
                  run->opt->host, addr, c->remote.port, service);
    trace_handshake(&c->trace, &c->tcb);
}
