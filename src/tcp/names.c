/*
 * The names of RFC 9293's states. Pure.
 */
#include "segcat/tcp/event.h"

const char *tcp_state_name(enum tcp_state s)
{
    static const char *const names[STATE_COUNT] = {
        [STATE_CLOSED] = "CLOSED",           [STATE_LISTEN] = "LISTEN",
        [STATE_SYN_SENT] = "SYN-SENT",       [STATE_SYN_RECEIVED] = "SYN-RECEIVED",
        [STATE_ESTABLISHED] = "ESTABLISHED", [STATE_FIN_WAIT_1] = "FIN-WAIT-1",
        [STATE_FIN_WAIT_2] = "FIN-WAIT-2",   [STATE_CLOSE_WAIT] = "CLOSE-WAIT",
        [STATE_CLOSING] = "CLOSING",         [STATE_LAST_ACK] = "LAST-ACK",
        [STATE_TIME_WAIT] = "TIME-WAIT",
    };

    return s < STATE_COUNT ? names[s] : "?";
}
