/*
 * Receive window auto-tuning (dynamic right-sizing): the receive buffer grows with what the user
 * takes in a round-trip time. Pure.
 */
#ifndef SEGCAT_TCP_AUTOTUNE_H
#define SEGCAT_TCP_AUTOTUNE_H

#include <stdbool.h>
#include <stdint.h>

#include "segcat/tcp/seq.h"
#include "segcat/usec.h"

#define RCV_BUFF_FIRST 65536 /* a window that needs no scale, as Linux begins with */

struct autotune {
    usec_t rtt;      /* as the receiver sees it; 0: not known yet */
    uint32_t echoed; /* the last echoed timestamp that gave a sample */
    seq_t edge;      /* without timestamps: when RCV.NXT gets here, */
    usec_t edge_at;  /* a window's worth has come since then: an RTT at least */
    bool begun;
    usec_t since;    /* a measurement began, */
    uint64_t mark;   /* and the user had taken the stream up to here */
    uint64_t copied; /* what the user took in an RTT when the buffer last grew */
};

#endif
