/*
 * The last column of the -vv table: what a segment meant, in few words. Anomalies have
 * Wireshark's names.
 */
#ifndef SEGCAT_TRACE_MEANING_H
#define SEGCAT_TRACE_MEANING_H

#include "segcat/trace/line.h"
#include "segcat/trace/trace.h"

/* How loud the words are to be printed. */
struct meaning {
    struct line loud;      /* anomalies, what was dropped: before the payload */
    enum line_color color; /* of those */
    struct line quiet;     /* progress and measurements: behind the payload */
    bool fresh;            /* the payload is new: worth a look */
};

/* How long until the peer's closed window is probed; 0: nothing waits for it. */
usec_t meaning_persist(const struct tcb *t, usec_t now);

void meaning_of(const struct trace_conn *c, const struct tcp_event *ev, struct meaning *m);

#endif
