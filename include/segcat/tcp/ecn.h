/*
 * What explicit congestion notification (RFC 3168) keeps of a connection: part of struct tcb. Pure.
 */
#ifndef SEGCAT_TCP_ECN_H
#define SEGCAT_TCP_ECN_H

#include <stdbool.h>

#include "segcat/tcp/seq.h"

/* The user's choice. As the kernel's tcp_ecn=2 does, it is accepted when the peer asks. */
enum ecn_use { ECN_USE_ACCEPT, ECN_USE_ON, ECN_USE_OFF };

struct ecn_state {
    bool asked;   /* our first SYN asked for it, */
    bool unasked; /* and a later one did not: then no packet of ours may be ECT (6.1.1) */
    bool ok;      /* agreed: our new data is ECT */
    bool hears;   /* the peer believes so: its marks are echoed */
    bool echo;    /* a mark came: ECE on each ACK until CWR comes */
    bool cwr_due; /* we have slowed down: CWR on the next new data */
    bool cut;     /* once for the data up to cut_end */
    seq_t cut_end;
};

#endif
