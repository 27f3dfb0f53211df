/*
 * What keepalive (RFC 9293 3.8.4) keeps of a connection: part of struct tcb. Pure.
 */
#ifndef SEGCAT_TCP_KEEPALIVE_H
#define SEGCAT_TCP_KEEPALIVE_H

#include <stdbool.h>

#include "segcat/usec.h"

#define KEEPALIVE_IDLE     (2 * 3600 * USEC_SEC) /* MUST-28: not less */
#define KEEPALIVE_INTERVAL (75 * USEC_SEC)
#define KEEPALIVE_COUNT    9

/* The user's choice. */
struct keepalive_config {
    usec_t idle;     /* ask when nothing was heard for so long; 0: never (MUST-25) */
    usec_t interval; /* ask again after this; 0: KEEPALIVE_INTERVAL */
    unsigned count;  /* give up when so many are unanswered; 0: KEEPALIVE_COUNT */
};

struct keepalive {
    usec_t heard_at; /* the peer was last heard of */
    usec_t asked_at; /* the last probe, */
    usec_t since;    /* and the first of this series */
    unsigned tries;  /* probes without answer */
    bool due;
};

#endif
