/*
 * Reno (RFC 5681) with appropriate byte counting (RFC 3465). Pure.
 */
#include "segcat/tcp/congestion.h"

static void reno_init(struct congestion *c)
{
    c->reno = (struct reno){.credit = 0};
}

/* One segment for each window of acknowledged bytes: split ACKs gain nothing (TCP.md 28). */
static void avoid_congestion(struct congestion *c, uint64_t acked)
{
    c->reno.credit += acked;
    if (c->reno.credit >= c->cwnd) {
        c->reno.credit -= c->cwnd;
        congestion_grow(c, c->mss);
    }
}

static void reno_on_ack(struct congestion *c, const struct congestion_ack *a)
{
    const uint64_t left = congestion_slow_start(c, a);

    if (left > 0 && !a->app_limited)
        avoid_congestion(c, left);
}

static void reno_on_loss(struct congestion *c, uint64_t flight, usec_t now)
{
    (void)now;
    /* RFC 5681 equation (4). */
    c->ssthresh = congestion_reduced(c, flight, 1, 2);
    c->reno.credit = 0;
    hystart_stop(&c->hystart);
}

static void reno_on_rto(struct congestion *c, uint64_t flight, usec_t now)
{
    reno_on_loss(c, flight, now);
    c->cwnd = c->mss;
}

static void reno_on_recovered(struct congestion *c, usec_t now)
{
    (void)c, (void)now;
}

static void reno_on_start(struct congestion *c, bool restart, usec_t now)
{
    (void)now;
    if (restart)
        congestion_restart(c);
}

const struct congestion_ops congestion_reno = {
    .name = "reno",
    .init = reno_init,
    .on_ack = reno_on_ack,
    .on_loss = reno_on_loss,
    .on_rto = reno_on_rto,
    .on_recovered = reno_on_recovered,
    .on_start = reno_on_start,
};
