/*
 * Round-trip times and the retransmission timeout, RFC 6298. Pure.
 */
#include "segcat/tcp/rtt.h"

#define CLOCK_GRANULARITY (1 * USEC_MS)

void rtt_init(struct rtt *r)
{
    *r = (struct rtt){.rto = RTO_INITIAL};
}

static usec_t distance(usec_t a, usec_t b)
{
    return a > b ? a - b : b - a;
}

/* RFC 6298 2.3 to 2.5. */
static void set_rto(struct rtt *r)
{
    usec_t margin = 4 * r->rttvar > CLOCK_GRANULARITY ? 4 * r->rttvar : CLOCK_GRANULARITY;

    /* The floor is a floor of the margin, as in Linux: a path of 300 ms with no variance still gets
     * 200 ms of patience. */
    if (margin < RTO_MIN)
        margin = RTO_MIN;
    r->rto = r->srtt + margin;
    if (r->rto > RTO_MAX)
        r->rto = RTO_MAX;
}

/* RFC 6298 2.2 to 2.5. */
void rtt_sample(struct rtt *r, usec_t sample)
{
    if (sample == 0)
        sample = 1;
    if (!r->valid) {
        r->srtt = sample;
        r->rttvar = sample / 2;
        r->min = r->max = sample;
        r->valid = true;
    } else {
        r->rttvar = (3 * r->rttvar + distance(r->srtt, sample)) / 4;
        r->srtt = (7 * r->srtt + sample) / 8;
        if (sample < r->min)
            r->min = sample;
        if (sample > r->max)
            r->max = sample;
    }
    r->latest = sample;
    r->sum += sample;
    r->count++;
    set_rto(r);
    r->backoff = 0;
}

void rtt_after_spurious(struct rtt *r, usec_t srtt_before, usec_t rttvar_before, usec_t sample)
{
    const usec_t srtt = srtt_before + 2 * CLOCK_GRANULARITY;

    r->srtt = srtt > sample ? srtt : sample;
    r->rttvar = rttvar_before > sample / 2 ? rttvar_before : sample / 2;
    set_rto(r);
}

usec_t rtt_timeout(const struct rtt *r)
{
    usec_t t = r->rto;

    for (unsigned i = 0; i < r->backoff && t < RTO_MAX; i++)
        t *= 2;
    return t < RTO_MAX ? t : RTO_MAX;
}

void rtt_back_off(struct rtt *r)
{
    if (r->backoff < 32)
        r->backoff++;
}
