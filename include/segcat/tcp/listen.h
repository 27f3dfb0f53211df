/*
 * Segments for no connection: the states LISTEN and CLOSED (RFC 9293 3.10.7.2 and 3.10.7.1). Pure.
 */
#ifndef SEGCAT_TCP_LISTEN_H
#define SEGCAT_TCP_LISTEN_H

#include "segcat/wire/segment.h"

enum listen_verdict {
    LISTEN_DROP,  /* nothing to do */
    LISTEN_RESET, /* *reply is a RST to send */
    LISTEN_OPEN,  /* a SYN: tcb_open_passive() */
};

/* What LISTEN does with a segment. */
enum listen_verdict tcp_listen(const struct segment *seg, struct segment *reply);

/* What CLOSED does with a segment: true if *reply is a RST to send (never in answer to a RST). */
bool tcp_closed(const struct segment *seg, struct segment *reply);

#endif
