/*
 * Plain words for what the core names by number. Touches nothing.
 */
#include "segcat/trace/words.h"

#include <inttypes.h>
#include <stdio.h>

#include "segcat/tcp/tcb.h"
#include "segcat/trace/format.h"

const char *words_drop(enum drop_reason why)
{
    static const char *const words[DROP_REASON_COUNT] = {
        [DROP_NOTHING] = "no reason given",
        [DROP_CHECKSUM] = "checksum is wrong",
        [DROP_UNACCEPTABLE] = "outside the receive window",
        [DROP_PAWS] = "timestamp is too old (PAWS)",
        [DROP_NO_TIMESTAMP] = "timestamp is missing",
        [DROP_RST_OUTSIDE] = "RST outside the window",
        [DROP_RST_CHALLENGED] = "RST at a wrong number, challenged",
        [DROP_RST_NO_ACK] = "RST does not acknowledge our SYN",
        [DROP_RST_TIME_WAIT] = "RST cannot end TIME-WAIT",
        [DROP_SYN_CHALLENGED] = "SYN in an open connection, challenged",
        [DROP_NO_ACK] = "no ACK bit",
        [DROP_ACK_FUTURE] = "acknowledges what was never sent",
        [DROP_ACK_OLD] = "ACK is too old, challenged",
        [DROP_BAD_ACK] = "ACK is not for our SYN",
        [DROP_NO_CONNECTION] = "no such connection",
        [DROP_NO_SYN] = "neither SYN nor RST",
        [DROP_AFTER_CLOSE] = "data after we closed for reading",
    };

    return why < DROP_REASON_COUNT && words[why] != NULL ? words[why] : "?";
}

const char *words_undo(enum undo_proof proof)
{
    switch (proof) {
    case UNDO_TIMESTAMP:
        return "timestamps";
    case UNDO_FRTO:
        return "F-RTO";
    case UNDO_DSACK:
        return "D-SACK";
    default:
        return "?";
    }
}

const char *words_end(enum tcp_end end)
{
    switch (end) {
    case END_NONE:
        return "still open";
    case END_CLOSED:
        return "closed in order (FIN both ways)";
    case END_REFUSED:
        return "refused (RST in answer to our SYN)";
    case END_RESET:
        return "reset by the peer (RST)";
    case END_ABORTED:
        return "aborted by us";
    case END_TIMEOUT:
        return "timed out (no answer)";
    case END_UNREACHABLE:
        return "unreachable (ICMP)";
    case END_SYN_CANCELLED:
        return "given up by the peer before it was open";
    }
    return "?";
}

/* R1: how long, what is tried, and until when. */
static void silent(const struct tcp_event *ev, char *buf, size_t cap)
{
    const struct tcb *t = ev->tcb;
    char so_far[DURATION_TEXT_MAX], limit[DURATION_TEXT_MAX];
    const bool open = tcb_synchronized(t);

    snprintf(buf, cap, "no %s for %s: looking at the route again, giving up after %s",
             open ? "ACK" : "answer", format_duration(ev->delay, so_far),
             format_setting(open ? t->cfg.user_timeout : t->cfg.syn_timeout, limit));
}

const char *words_path(const struct tcp_event *ev, char *buf, size_t cap)
{
    buf[0] = '\0';
    switch (ev->path) {
    case PATH_NOTHING:
        break;
    case PATH_SILENT:
        silent(ev, buf, cap);
        break;
    case PATH_BLACK_HOLE:
        snprintf(buf, cap,
                 "packets of %" PRIu32 " bytes do not get through, going on with %" PRIu32,
                 ev->mtu_before, ev->mtu);
        break;
    case PATH_MTU_RAISED:
        snprintf(buf, cap, "packets of %" PRIu32 " bytes get through, going on with them", ev->mtu);
        break;
    }
    return buf;
}
