/*
 * What loss recovery remembers of a connection: parts of struct tcb. Pure.
 */
#ifndef SEGCAT_TCP_RECOVERY_H
#define SEGCAT_TCP_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "segcat/tcp/congestion.h"
#include "segcat/tcp/seq.h"
#include "segcat/usec.h"
#include "segcat/wire/segment.h"

/* The smallest round-trip time of the last minutes: of this period and of the one before. */
struct rtt_floor {
    usec_t now, before; /* 0: no sample */
    usec_t since;       /* this period began */
};

/* RFC 8985 section 5.3. */
struct rack {
    bool valid;     /* something was delivered: */
    usec_t sent_at; /* the most recently sent of it, */
    seq_t end;
    usec_t rtt;      /* and how long it took */
    bool fack_valid; /* the highest sequence number delivered */
    seq_t fack;
    bool reordering;    /* seen on this connection */
    unsigned reo_wider; /* quarters of the round trip added to the first (reo_wnd_mult - 1) */
    unsigned persist;   /* for so many more recoveries */
    bool dsack_seen;    /* a D-SACK has counted in this round, which ends here: */
    seq_t dsack_round;
    bool dsack; /* this ACK brought one */
    struct rtt_floor floor;
};

/* Proportional rate reduction: one recovery's account, in bytes (RFC 9937 section 6). */
struct prr {
    uint64_t recover_fs; /* in flight when it began */
    uint64_t delivered;  /* since then */
    uint64_t out;        /* sent since then */
};

/* F-RTO's steps (RFC 5682). */
enum frto {
    FRTO_OFF,
    FRTO_FIRST, /* the timeout's retransmission is out: its ACK is awaited */
    FRTO_NEW,   /* new data was sent instead of what counts as lost: the next ACK decides */
};

/* What there was before a recovery began, and what proves that it was needless. */
struct undo {
    bool known;   /* una, end and what follows are of the last recovery or timeout */
    bool allowed; /* and it may still be taken back */
    bool timeout;
    struct congestion cc; /* before */
    uint64_t flight;
    bool cut; /* the window had had its answer to a mark, as ecn.h has it */
    seq_t cut_end;
    usec_t srtt, rttvar;
    seq_t una, end;         /* what was outstanding */
    seq_t over;             /* recovery ended: what arrives behind this is too late */
    bool resent_any;        /* something of it was sent again: */
    uint32_t ts;            /* the first time with this timestamp, */
    uint64_t resent;        /* so many bytes in all, */
    uint64_t needless;      /* and so many of them had arrived already, as D-SACKs say */
    struct sack_block last; /* the last such D-SACK: an ACK may come twice */
    enum frto frto;
};

#endif
