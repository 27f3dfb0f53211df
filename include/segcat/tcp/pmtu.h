/*
 * What path MTU discovery (RFC 1191, 8201, 4821) keeps of a connection: part of struct tcb. Pure.
 */
#ifndef SEGCAT_TCP_PMTU_H
#define SEGCAT_TCP_PMTU_H

#include <stdbool.h>

#include "segcat/tcp/seq.h"
#include "segcat/usec.h"

struct pmtu {
    bool lowered;      /* smaller packets are sent than the first hop would take */
    bool no_df;        /* IPv4: some hop takes so little that routers shall cut (RFC 1191) */
    unsigned timeouts; /* one after the other, of a packet larger than the base */
    uint32_t hole;     /* packets of this size got no answer; 0: none */
    bool hole_told;
    bool searching; /* upwards, by probes */
    bool halving;   /* the whole way up has failed: now by halves */
    uint32_t high;  /* nothing larger need be tried */
    usec_t search_at;
    bool probing; /* one is out */
    uint32_t probe;
    seq_t probe_seq, probe_end;
};

#endif
