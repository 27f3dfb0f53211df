/*
 * A connection of the session: a TCB with its memory, its addresses and its trace.
 */
#ifndef SEGCAT_SESSION_CONN_H
#define SEGCAT_SESSION_CONN_H

#include "segcat/link/link.h"
#include "segcat/tcp/tcb.h"
#include "segcat/trace/trace.h"

/* --buffer: for each direction of a connection. */
#define CONN_BUFFER_MIN     ((size_t)4 << 10)
#define CONN_BUFFER_DEFAULT ((size_t)16 << 20)
#define CONN_BUFFER_MAX     ((size_t)1 << 30) /* the largest window that a scale of 14 can say */

struct conn {
    struct tcb tcb;
    struct trace_conn trace;
    struct endpoint local;
    struct endpoint remote;
    uint8_t *mem; /* rings and records, one mapping; only what is touched costs */
    size_t mem_len;
    uint8_t ttl, tos;       /* of every packet (SHLD-22, SHLD-23) */
    uint16_t ip_id;         /* of the next IPv4 header */
    struct icmp_error icmp; /* the last believed error about it; version IP_NONE: none */
    int send_error;         /* the last error of the link, negative errno, 0: none */
    bool reopens;           /* who holds the pair in TIME-WAIT waits for what becomes of it */
};

/* What conns of one session have in common. */
struct conn_config {
    uint8_t key[16];
    size_t buffer;    /* at most so much for each direction; 0: CONN_BUFFER_DEFAULT */
    size_t rcv_limit; /* what the link can take without loss */
    uint32_t mtu;
    bool has_isn;
    uint32_t isn;
    const struct congestion_ops *congestion; /* NULL: the default */
    const struct incarnation *before;        /* set for one opening: it follows one in TIME-WAIT */
    enum ecn_use ecn;
    usec_t msl;
    usec_t syn_timeout, user_timeout;
    struct keepalive_config keepalive;
    uint8_t ttl;
    uint8_t tos; /* DSCP, in its place */
    bool no_nagle;
    struct trace *trace;
    unsigned tag;
};

/*
 * Allocates the memory, fills in the tcb's configuration, and opens: with syn NULL actively, else
 * in answer to it. Returns 0 or -ENOMEM.
 */
int conn_open(struct conn *c, const struct conn_config *cfg, const struct endpoint *local,
              const struct endpoint *remote, const struct segment *syn, usec_t now);
/* The same for the ACK of a SYN cookie (syncookie.h). */
int conn_open_cookie(struct conn *c, const struct conn_config *cfg, const struct endpoint *local,
                     const struct endpoint *remote, const struct segment *syn,
                     const struct segment *ack, usec_t now);
void conn_close(struct conn *c);

/* The tcb's configuration but for its memory and observer. */
void conn_tcb_config(const struct conn_config *cfg, const struct endpoint *local,
                     const struct endpoint *remote, struct tcb_config *out);
/* What the rings of a connection with this buffer (0: the default) can grow to: a power of two,
 * not above it. */
size_t conn_ring_size(size_t buffer);

/* The most memory that a connection with this buffer can come to use, all told: two rings, the
 * records of what is in flight, the intervals of what has come out of order. */
size_t conn_memory_max(size_t buffer);

/* Before the user's bytes are read into the send ring: lets it grow if that helps. Hands the
 * link's queue to the kernel first, because what is queued lies in the ring. */
void conn_make_room(struct conn *c, struct link *l);

/* True if the packet belongs to c. */
bool conn_matches(const struct conn *c, const struct packet *pkt);

/*
 * Sends what the core wants to send now, as far as the link has room. Returns true if all of it
 * could be queued; false if the link is full (poll for POLLOUT and call again). The caller flushes.
 */
bool conn_pump(struct conn *c, struct link *l, usec_t now);

/* A packet with c's addresses around a segment, ready for link_send(). */
void conn_packet(struct conn *c, const struct segment *seg, struct packet *out);

#endif
