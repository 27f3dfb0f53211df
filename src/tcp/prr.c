/*
 * Proportional rate reduction: cwnd during a fast recovery, so that it reaches ssthresh smoothly
 * and the ACK clock is never lost. RFC 9937 (which replaces RFC 6937). Pure.
 */
#include "segcat/tcp/internal.h"

static uint32_t clamp(uint64_t w)
{
    return w < INT32_MAX ? (uint32_t)w : INT32_MAX;
}

/* RFC 9937 section 6, on entering: `delivered` is what this ACK brought and is not part of what is
 * still outstanding. */
void prr_begin(struct tcb *t, uint64_t delivered)
{
    const uint64_t outstanding = (uint32_t)(t->snd_nxt - t->snd_una) - t->sent.sacked;

    t->prr = (struct prr){.recover_fs = outstanding + delivered};
    prr_on_ack(t, delivered, false); /* the first retransmission goes in any case: resend_due */
}

/* RFC 9937 section 6, on each ACK: `safe` if it advances SND.UNA and shows no further loss. */
void prr_on_ack(struct tcb *t, uint64_t delivered, bool safe)
{
    const uint64_t pipe = tcb_pipe(t);
    const uint64_t ssthresh = t->cc.ssthresh;
    struct prr *p = &t->prr;
    uint64_t out;

    if (delivered == 0)
        return;
    p->delivered += delivered;
    if (pipe > ssthresh) {
        /* Sent in proportion to what arrives, rounded up. */
        const uint64_t fs = p->recover_fs > 0 ? p->recover_fs : 1;
        const uint64_t due = (p->delivered * ssthresh + fs - 1) / fs;

        out = due > p->out ? due - p->out : 0;
    } else {
        /* Losses have brought the flight below the target: as much as arrives (conservative
         * bound), and a segment more for each ACK that shows that the repair gets on (slow start
         * bound). */
        out = p->delivered > p->out ? p->delivered - p->out : 0;
        if (out < delivered)
            out = delivered;
        if (safe)
            out += t->mss;
        if (out > ssthresh - pipe)
            out = ssthresh - pipe;
    }
    t->cc.cwnd = clamp(pipe + out);
}

void prr_sent(struct tcb *t, uint32_t bytes)
{
    if (t->recovering)
        t->prr.out += bytes;
}
