/*
 * ICMP errors about a connection: RFC 9293 3.9.2.2, with RFC 5461 (soft errors) and RFC 5927 (who may
 * be believed). Pure.
 */
#include "segcat/tcp/tcb.h"

enum icmp_verdict tcb_judge_icmp(const struct tcb *t, const struct icmp_error *e)
{
    if (t->end != END_NONE || e->meaning == ICMP_MEANS_NOTHING)
        return ICMP_IGNORED; /* MUST-55: source quench */
    /* RFC 5927 4.1: only what quotes a number in flight is believed. */
    if (!tcb_outstanding(t, e->seq))
        return ICMP_NOT_OURS;
    if (e->meaning == ICMP_MEANS_TOO_BIG)
        return ICMP_ABOUT_SIZE;
    /* While we open, each of them means that this address does not answer, and another may (RFC 5461
     * 4.1, as Linux and the BSDs do). */
    if (t->state == STATE_SYN_SENT)
        return ICMP_ENDS;
    if (t->state == STATE_SYN_RECEIVED && e->meaning == ICMP_MEANS_HARD)
        return ICMP_ENDS;
    /* MUST-56 for soft ones; and hard ones may be forged too easily to end what is open (RFC 5927
     * 5.2): if it is true, the retransmissions will show. */
    return ICMP_NOTED;
}

void tcb_icmp(struct tcb *t, const struct icmp_error *e, usec_t now)
{
    switch (tcb_judge_icmp(t, e)) {
    case ICMP_ABOUT_SIZE:
        tcb_path_mtu(t, e->mtu, now);
        break;
    case ICMP_ENDS:
        tcb_unreachable(t, now);
        break;
    case ICMP_IGNORED:
    case ICMP_NOT_OURS:
    case ICMP_NOTED:
        break;
    }
}
