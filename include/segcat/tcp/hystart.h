/*
 * HyStart++ (RFC 9406): leaves slow start when the round-trip time rises, before the queue
 * overflows. Pure.
 */
#ifndef SEGCAT_TCP_HYSTART_H
#define SEGCAT_TCP_HYSTART_H

#include <stdbool.h>
#include <stdint.h>

#include "segcat/usec.h"

#define HYSTART_MIN_RTT_THRESH  (4 * USEC_MS)
#define HYSTART_MAX_RTT_THRESH  (16 * USEC_MS)
#define HYSTART_MIN_RTT_DIVISOR 8
#define HYSTART_N_RTT_SAMPLE    8
#define HYSTART_GROWTH_DIVISOR  4 /* of conservative slow start */
#define HYSTART_CSS_ROUNDS      5

enum hystart_phase {
    HYSTART_OFF, /* over for this connection, by loss or by its own word */
    HYSTART_SLOW_START,
    HYSTART_CSS, /* conservative slow start: was the rise real? */
};

struct hystart {
    enum hystart_phase phase;
    bool begun;          /* window_end is set */
    unsigned samples;    /* of this round */
    unsigned css_rounds; /* begun since CSS was entered */
    uint64_t window_end; /* the round is over when more than this stream offset is acknowledged */
    usec_t last_min;     /* smallest RTT of the last round, USEC_NEVER: none */
    usec_t current_min;  /* and of this one */
    usec_t baseline;     /* at the entry into CSS */
};

void hystart_init(struct hystart *h);

/* An ACK in slow start that reached offset una while nxt was the next to send; rtt 0: no sample.
 * Returns true when slow start is to end now. */
bool hystart_on_ack(struct hystart *h, uint64_t una, uint64_t nxt, usec_t rtt);

/* Slow start has ended for another reason: loss, ECN, timeout. */
void hystart_stop(struct hystart *h);

#endif
