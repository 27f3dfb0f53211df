/*
 * Receiving: one recvmmsg() of packets into buffers of its own, each parsed where it lies.
 */
#ifndef SEGCAT_LINK_RX_H
#define SEGCAT_LINK_RX_H

#include "segcat/usec.h"
#include "segcat/wire/packet.h"

#define RX_BATCH 64

struct rx; /* buffers for RX_BATCH packets; memory is used as it is touched */

/* NULL if there is no memory. */
struct rx *rx_new(void);
void rx_free(struct rx *rx);

/* All packets taken so far are done with; their buffers are free again. */
void rx_reset(struct rx *rx);

/*
 * Takes up to max packets that wait at fd, a raw socket of this version, and parses them into pkt,
 * which refers to them until rx_reset(). Less than max when buffers run out. *dropped (if not
 * NULL) grows by the packets that are no TCP segment.
 * Returns how many packets were written to pkt, or a negative errno.
 */
int rx_take(struct rx *rx, int fd, enum ip_version version, struct packet *pkt, int max, usec_t now,
            unsigned *dropped);

#endif
