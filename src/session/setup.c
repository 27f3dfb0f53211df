/*
 * Setting up and giving up what the run needs of the machine: reservation, guard, link, privileges.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "segcat/link/privilege.h"
#include "segcat/link/route.h"
#include "segcat/session/run.h"
#include "segcat/trace/format.h"

/* Of every segcat: a RST of one must pass the guard of another, which holds the pair in TIME-WAIT. */
#define MARK 0x5e9ca700U

static const char *address_or_any(const struct ip_addr *a, char buf[ADDRESS_TEXT_MAX])
{
    if (a->version == IP_NONE)
        return "every address";
    return format_address(a, buf);
}

static void binary_path(char *buf, size_t cap)
{
    const ssize_t n = readlink("/proc/self/exe", buf, cap - 1);

    buf[n > 0 ? n : 0] = '\0';
}

int setup_privileges(struct run *run)
{
    struct privilege_missing missing;
    char path[256];

    privilege_check(&missing);
    if (!missing.net_raw && !missing.net_admin)
        return EXIT_OK;
    binary_path(path, sizeof path);
    trace_say(&run->trace, 0, true,
              "no privilege for raw sockets (%s%s%s): run as root, or once 'sudo setcap "
              "cap_net_raw,cap_net_admin+ep %s', or in a private network: unshare -Urn",
              missing.net_raw ? "CAP_NET_RAW" : "",
              missing.net_raw && missing.net_admin ? ", " : "",
              missing.net_admin ? "CAP_NET_ADMIN" : "", path);
    return EXIT_USAGE;
}

static int reserve_failed(struct run *run, const struct local *l, uint16_t port, int error)
{
    char text[ADDRESS_TEXT_MAX];
    const char *where = address_or_any(&l->addr, text);

    switch (error) {
    case -EADDRINUSE:
        trace_say(&run->trace, 0, true,
                  "port %u on %s is in use by another program: choose another, or 0 for a free one",
                  port, where);
        break;
    case -EACCES:
        trace_say(&run->trace, 0, true,
                  "no privilege for port %u: ports below 1024 need root or CAP_NET_BIND_SERVICE",
                  port);
        break;
    case -EADDRNOTAVAIL:
        trace_say(&run->trace, 0, true, "%s is not an address of this machine: see 'ip address'",
                  where);
        break;
    default:
        trace_say(&run->trace, 0, true, "cannot reserve port %u on %s: %s", port, where,
                  strerror(-error));
    }
    return EXIT_USAGE;
}

static int guard_failed(struct run *run, int error)
{
    if (error == -EPERM)
        trace_say(&run->trace, 0, true,
                  "no privilege to set an nftables rule (CAP_NET_ADMIN): run as root, with setcap, "
                  "or in unshare -Urn");
    else
        trace_say(
            &run->trace, 0, true,
            "cannot set the nftables rule that keeps the kernel from resetting our connections: %s "
            "(is nf_tables in this kernel?)",
            strerror(-error));
    return EXIT_USAGE;
}

static int link_failed(struct run *run, int error)
{
    trace_say(&run->trace, 0, true, "cannot open a raw socket: %s", strerror(-error));
    return EXIT_USAGE;
}

/* Reserves one address's port and guards it; with port 0 the number that comes out is the run's. */
static int hold_local(struct run *run, struct local *l, bool v4, bool v6, uint16_t port)
{
    const bool any = l->addr.version == IP_NONE;
    const bool only4 = l->addr.version == IP_V4;
    const bool only6 = l->addr.version == IP_V6;
    struct guard_scope scope = {.local = {.ip = l->addr}};
    int r = reserve_port(&l->port, any ? NULL : &l->addr, v4 && !only6, v6 && !only4, port);

    if (r < 0)
        return reserve_failed(run, l, port, r);
    run->port = l->port.port;
    scope.local.port = run->port;
    r = guard_open(&l->guard, &scope, run->mark);
    return r < 0 ? guard_failed(run, r) : EXIT_OK;
}

/* Who asked for a buffer is told what stands in its way. */
static void say_window_limit(struct run *run)
{
    if (run->opt->buffer != 0 && run->conn_cfg.rcv_limit < conn_ring_size(run->opt->buffer))
        trace_say(&run->trace, 1, true,
                  "the receive window will be %zu KiB at most: the kernel gives this process no "
                  "larger socket buffer (see net.core.rmem_max)",
                  run->conn_cfg.rcv_limit >> 10);
}

int setup_link(struct run *run, bool v4, bool v6, uint16_t port, const struct endpoint *remote)
{
    struct link_filter filter = {0};
    int r;

    if (getrandom(run->conn_cfg.key, sizeof run->conn_cfg.key, 0) < 0)
        return link_failed(run, -errno);
    run->mark = MARK;
    for (size_t i = 0; i < run->locals; i++) {
        const int status = hold_local(run, &run->local[i], v4, v6, i == 0 ? port : run->port);

        if (status != EXIT_OK)
            return status;
    }
    filter.local_port = run->port;
    if (remote != NULL)
        filter.remote = *remote;
    r = link_open(&run->link, v4, v6, run->mark, &filter);
    if (r < 0)
        return link_failed(run, r);
    run->route_fd = route_open(); /* without it we do not look again */
    run->conn_cfg.rcv_limit = link_receive_capacity(run->link, conn_ring_size(run->opt->buffer));
    say_window_limit(run);
    return EXIT_OK;
}

void setup_drop(bool keep_net_admin)
{
    /* Failing to give up what is not needed is no reason to fail: a kernel without seccomp still
     * carries bytes. */
    privilege_drop(keep_net_admin);
    privilege_seccomp(keep_net_admin);
}

void setup_close(struct run *run)
{
    for (size_t i = 0; i < CONNS_MAX; i++)
        if (run->conns[i] != NULL)
            loop_drop_conn(run, run->conns[i]);
    for (int i = 0; i < 2; i++)
        if (run->reopen[i] >= 0)
            close(run->reopen[i]);
    link_close(run->link);
    run->link = NULL;
    if (run->route_fd >= 0)
        close(run->route_fd);
    run->route_fd = -1;
    for (size_t i = 0; i < run->locals; i++) {
        reserve_release(&run->local[i].port);
        guard_close(&run->local[i].guard);
    }
    guard_close(&run->pair_guard);
}
