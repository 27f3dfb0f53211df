/*
 * Sending: a queue of packets, their headers built here, their payload referred to, given to the
 * kernel by sendmmsg().
 */
#ifndef SEGCAT_LINK_TX_H
#define SEGCAT_LINK_TX_H

#include "segcat/wire/icmp.h"
#include "segcat/wire/packet.h"

#define TX_BATCH 64

struct tx; /* a queue of up to TX_BATCH packets, allocated by tx_new() */

/* NULL if there is no memory. */
struct tx *tx_new(void);
void tx_free(struct tx *tx);

/* What the kernel will charge the send buffer for a packet of len bytes, headers included. */
size_t tx_cost(size_t len);

bool tx_full(const struct tx *tx);

/*
 * Puts pkt in the queue, which is not full: writes its headers, and lengths and checksums into
 * *pkt.
 */
void tx_add(struct tx *tx, struct packet *pkt);

/* tx_cost() of all that is in the queue. */
size_t tx_queued(const struct tx *tx);

/* Empties the queue: fd[0] for IPv4, fd[1] for IPv6. Returns as link_flush() does. */
int tx_flush(struct tx *tx, const int fd[2]);

/* Packets that the kernel did not take for want of room. */
uint64_t tx_unsent(const struct tx *tx);

/*
 * If a packet was refused for its size since the last call: true, and *out says which one (local,
 * remote, seq; the first if there were several).
 */
bool tx_take_too_big(struct tx *tx, struct icmp_error *out);

#endif
