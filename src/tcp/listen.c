/*
 * Segments for no connection: LISTEN and CLOSED. Pure.
 */
#include "segcat/tcp/listen.h"

#include <string.h>

/* RFC 9293 3.10.7.1: a RST that the sender of seg will believe. */
static void reset_for(const struct segment *seg, struct segment *reply)
{
    memset(reply, 0, sizeof *reply);
    if (seg->flags & SEG_ACK) {
        reply->flags = SEG_RST;
        reply->seq = seg->ack;
    } else {
        reply->flags = SEG_RST | SEG_ACK;
        reply->ack = seg->seq + segment_seq_len(seg);
    }
}

bool tcp_closed(const struct segment *seg, struct segment *reply)
{
    if (seg->flags & SEG_RST)
        return false;
    reset_for(seg, reply);
    return true;
}

/* RFC 9293 3.10.7.2, in its order. */
enum listen_verdict tcp_listen(const struct segment *seg, struct segment *reply)
{
    if (seg->flags & SEG_RST)
        return LISTEN_DROP;
    if (seg->flags & SEG_ACK) {
        reset_for(seg, reply);
        return LISTEN_RESET;
    }
    if (seg->flags & SEG_SYN)
        /* A SYN with FIN is no opening that anybody means: scanners send it. */
        return seg->flags & SEG_FIN ? LISTEN_DROP : LISTEN_OPEN;
    return LISTEN_DROP;
}
