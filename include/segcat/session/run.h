/*
 * The state of one run, shared by the files of src/session.
 */
#ifndef SEGCAT_SESSION_RUN_H
#define SEGCAT_SESSION_RUN_H

#include "segcat/cli/options.h"
#include "segcat/link/guard.h"
#include "segcat/link/link.h"
#include "segcat/link/reserve.h"
#include "segcat/session/conn.h"
#include "segcat/session/relay.h"
#include "segcat/session/resolve.h"
#include "segcat/trace/trace.h"

#define BATCH       64
#define TTL_DEFAULT 64
#define BACKLOG     16            /* openings in progress; over that SYN cookies */
#define CONNS_MAX   (BACKLOG + 1) /* and one more, which a cookie has opened */
#define LOCALS_MAX  2             /* addresses listened on: one for each family */

/* An address of ours: its port is reserved and guarded. */
struct local {
    struct ip_addr addr; /* may be unspecified; IP_NONE with both families: any address of either */
    struct reservation port;
    struct guard guard;
};

struct run {
    const struct options *opt;
    struct trace trace;
    struct local local[LOCALS_MAX];
    size_t locals;
    uint16_t port;           /* ours */
    struct guard pair_guard; /* listener: for the one connection it serves, outlives the wide one */
    struct link *link;
    uint32_t mark;
    bool listening;   /* in LISTEN: SYNs are welcome */
    int reopen[2];    /* where holders of TIME-WAIT hand SYNs over, -1: not listening */
    usec_t cookie_at; /* the last SYN cookie was sent; 0: none yet */
    struct conn_config conn_cfg;
    struct conn *conns[CONNS_MAX];
    struct conn *served; /* the connection that stdin and stdout belong to */
    struct relay relay;
    int signal_fd;
    int route_fd;        /* of route_open() */
    int signal;          /* the first that asked for the end, 0: none */
    usec_t limit;        /* when to give up: after a signal, or -w; USEC_NEVER: not */
    usec_t active_at;    /* the last time that bytes moved, for -w */
    bool interrupted;    /* a second signal: RST */
    bool link_full;      /* poll the link for POLLOUT */
    bool stopped;        /* leave the loop */
    bool timed_out;      /* because of -w */
    bool announced;      /* the user was told that the connection is open */
    bool more_addresses; /* another address will be tried: failures are told at -v only */
};

/* --- setup.c --- */
/* Reserves, guards and opens the link for the addresses in run->local[0..locals). Says what is
 * wrong and returns an exit status, EXIT_OK if all is well. */
int setup_link(struct run *run, bool v4, bool v6, uint16_t port, const struct endpoint *remote);
/* Drops what is not needed any more. */
void setup_drop(bool keep_net_admin);
int setup_privileges(struct run *run);
void setup_close(struct run *run);

/* --- loop.c --- */
/* Runs until the served connection is over, or (serving nobody) opening failed, or the listener
 * was stopped. */
void loop_run(struct run *run);
/* Sends a segment that belongs to no connection, in answer to pkt. */
void loop_reply(struct run *run, const struct packet *pkt, const struct segment *reply,
                const char *what, usec_t now);
/* A free place in run->conns, or NULL. */
struct conn **loop_place(struct run *run);
void loop_drop_conn(struct run *run, struct conn *c);

/* --- listener.c --- */
int listener_run(struct run *run);
/* A packet for an address and port of ours that belongs to no connection. */
void listener_packet(struct run *run, const struct packet *pkt, usec_t now);
/* A connection of the listener's has changed: it may be the one to serve, or be over. */
void listener_conn(struct run *run, struct conn *c, usec_t now);
/* SYNs that were handed over. */
void listener_reopenings(struct run *run, usec_t now);
/* Forgets openings that came to nothing. */
void listener_sweep(struct run *run);

/* --- connector.c --- */
int connector_run(struct run *run);
/* The connection has changed: it may be open now. */
void connector_conn(struct run *run, struct conn *c, usec_t now);

/* --- signals.c --- */
int signals_open(void);
/* Takes what has come; asks the served connection for the end accordingly. */
void signals_handle(struct run *run, usec_t now);
/* Dies of the signal that ended the run. */
_Noreturn void signals_die(int sig);

/* --- report.c --- */
/* Says in one line how a served connection ended if that is not as it should be; the summary
 * before. Returns the exit status. */
int report_end(struct run *run, struct conn *c, usec_t now);
/* An opening failed: why, in the words of the system's error where there is one. */
int report_open_failed(struct run *run, struct conn *c);
/* "connect to 192.0.2.1 port 80 (tcp) failed: why" in nc's words; what another address may still mend
 * is told at -v only. Returns EXIT_NETWORK. */
int report_connect_failed(struct run *run, const struct endpoint *remote, const char *why);

/* --- hold.c --- */
/* The served connection is in TIME-WAIT and nobody waits in front: a child holds it, or nobody
 * does, as the options say. */
void hold_time_wait(struct run *run, struct conn *c);
/* True if another process holds this pair of endpoints in TIME-WAIT (in this network namespace). */
bool hold_is_held(const struct endpoint *local, const struct endpoint *remote);

#endif
