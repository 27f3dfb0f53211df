/*
 * The link: raw sockets for both IP families. Packets in and out, in batches, and the ICMP errors
 * about them. The only module that touches packets; it knows nothing of connections.
 */
#ifndef SEGCAT_LINK_LINK_H
#define SEGCAT_LINK_LINK_H

#include "segcat/usec.h"
#include "segcat/wire/icmp.h"
#include "segcat/wire/packet.h"

struct link; /* allocated by link_open() */

/* Which packets are let in by the socket filter (BPF) before they cost us anything. */
struct link_filter {
    uint16_t local_port;    /* destination port, always */
    struct endpoint remote; /* source address and port; IP_NONE / 0: any */
};

struct link_stats {
    /*
     * Packets lost because our receive buffer was full, as the kernel counts them: 6.18 counts one
     * twice.
     */
    uint64_t overflows;
    uint64_t unsent; /* packets that the kernel did not take for want of room */
};

/*
 * Opens raw sockets for the families asked for, with `mark` (SO_MARK), `filter`, receive
 * timestamps, error queues and buffers as large as this process may have. A machine without IPv6
 * gets IPv4 only when both were asked.
 * Returns 0 or a negative errno: -EPERM without CAP_NET_RAW. *out is to be freed with link_close().
 */
int link_open(struct link **out, bool v4, bool v6, uint32_t mark, const struct link_filter *filter);
void link_close(struct link *l);

/* Replaces the socket filter. Returns 0 or a negative errno. */
int link_set_filter(struct link *l, const struct link_filter *filter);

/* The descriptors to poll for input (and errors); -1 where a family is not open. */
int link_fd(const struct link *l, enum ip_version version);

/*
 * Bytes of payload that may be announced as a window without overrunning the kernel's receive
 * buffer. It is made large enough for `window` first, as far as this process may: without
 * CAP_NET_ADMIN, net.core.rmem_max is the end.
 */
size_t link_receive_capacity(struct link *l, size_t window);

/*
 * Takes what has arrived, up to max packets, without waiting; large ones come in smaller batches,
 * so fewer than max does not mean that no more wait. Each stays valid until the next call.
 * pkt[i].seg.at is the arrival time on CLOCK_MONOTONIC as the kernel measured it, never later than
 * now. `dropped`, if not NULL, grows by those that are no TCP segment.
 * Returns the number of packets, 0 if none waits (or all were dropped), or a negative errno.
 */
int link_receive(struct link *l, struct packet *pkt, int max, usec_t now, unsigned *dropped);

/* Bytes (payload, headers, the kernel's overhead) that can be queued now without -EAGAIN. */
size_t link_send_room(struct link *l, enum ip_version version);

/* What pkt will take of that room. */
size_t link_send_cost(const struct packet *pkt);

/*
 * Queues a packet: builds its headers (in *pkt too: lengths, checksums as sent), refers to its
 * payload, which must not change before link_flush(). One packet as it is: seg.gso_size is not
 * looked at. Flushes by itself when the queue is full.
 * Returns 0 or what link_flush() returns.
 */
int link_send(struct link *l, struct packet *pkt);

/*
 * Hands the queue to the kernel (sendmmsg). A packet that the kernel refuses is dropped, the rest
 * is sent.
 * Returns 0 or the last negative errno: -EPERM (this machine's own firewall), -EMSGSIZE (above the
 * MTU of the interface; link_error() tells which packet and what MTU), and what a route says:
 * -ENETUNREACH (none, or interface down), -EHOSTUNREACH ("unreachable"), -EACCES ("prohibit"),
 * -EINVAL ("blackhole"). -EAGAIN/-ENOBUFS count in link_stats.unsent.
 */
int link_flush(struct link *l);

/*
 * Takes one error from the error queues: those about segments that the filter would let the answers
 * of in. Errors of this machine's kernel (ARP or neighbour discovery without answer after 3 s,
 * packet above the MTU) have sender IP_NONE. To be called until it returns 0, or poll() goes on
 * reporting POLLERR.
 * Returns 1 with *out filled, 0 if there is none.
 */
int link_error(struct link *l, struct icmp_error *out);

void link_get_stats(const struct link *l, struct link_stats *out);

#endif
