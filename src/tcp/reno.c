/*
 * Reno (RFC 5681) with appropriate byte counting (RFC 3465). Pure.
 */
#include "segcat/tcp/congestion.h"

enum { PRIV_CREDIT }; /* bytes acknowledged towards the next increase in congestion avoidance */

static void reno_init(struct congestion *c)
{
    c->priv[PRIV_CREDIT] = 0;
}

static void grow(struct congestion *c, uint64_t by)
{
    const uint64_t w = c->cwnd + by;

    c->cwnd = w < INT32_MAX ? (uint32_t)w : INT32_MAX;
}

/* Cwnd counts bytes, so that split ACKs gain nothing (TCP.md 28); RFC 3465's L is 8 segments
 * here because stretch ACKs are the rule on offloading receivers. */
static void reno_on_ack(struct congestion *c, const struct congestion_ack *a)
{
    uint64_t acked = a->acked;

    if (a->app_limited)
        return;
    if (c->cwnd < c->ssthresh) {
        const uint64_t most = 8ULL * c->mss;
        const uint64_t step = acked < most ? acked : most;

        grow(c, step);
        return;
    }
    c->priv[PRIV_CREDIT] += acked;
    if (c->priv[PRIV_CREDIT] >= c->cwnd) {
        c->priv[PRIV_CREDIT] -= c->cwnd;
        grow(c, c->mss);
    }
}

/* RFC 5681 equation (4). */
static uint32_t half_flight(const struct congestion *c, uint64_t flight)
{
    const uint64_t half = flight / 2;
    const uint64_t least = 2ULL * c->mss;
    const uint64_t v = half > least ? half : least;

    return v < INT32_MAX ? (uint32_t)v : INT32_MAX;
}

static void reno_on_loss(struct congestion *c, uint64_t flight, usec_t now)
{
    (void)now;
    c->ssthresh = half_flight(c, flight);
    c->priv[PRIV_CREDIT] = 0;
}

static void reno_on_rto(struct congestion *c, uint64_t flight, usec_t now)
{
    (void)now;
    c->ssthresh = half_flight(c, flight);
    c->cwnd = c->mss;
    c->priv[PRIV_CREDIT] = 0;
}

static void reno_on_recovered(struct congestion *c, usec_t now)
{
    (void)c;
    (void)now;
}

/* RFC 5681 4.1: the restart window. */
static void reno_on_idle(struct congestion *c)
{
    uint32_t iw = 10 * c->mss;

    if (c->cwnd > iw)
        c->cwnd = iw;
}

const struct congestion_ops congestion_reno = {
    .name = "reno",
    .init = reno_init,
    .on_ack = reno_on_ack,
    .on_loss = reno_on_loss,
    .on_rto = reno_on_rto,
    .on_recovered = reno_on_recovered,
    .on_idle = reno_on_idle,
};
