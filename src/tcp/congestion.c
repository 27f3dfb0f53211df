/*
 * What all congestion controls share: the initial window, slow start, the restart after an idle
 * time, and finding one by name. Pure.
 */
#include "segcat/tcp/congestion.h"

#include <stddef.h>

static const struct congestion_ops *const all[] = {&congestion_cubic, &congestion_reno};

uint32_t congestion_initial_window(uint32_t mss)
{
    const uint32_t iw = 2 * mss > 14600 ? 2 * mss : 14600;

    return iw < 10 * mss ? iw : 10 * mss;
}

void congestion_init(struct congestion *c, const struct congestion_ops *ops, uint32_t mss)
{
    *c = (struct congestion){
        .ops = ops,
        .mss = mss,
        .cwnd = congestion_initial_window(mss),
        .ssthresh = UINT32_MAX,
    };
    hystart_init(&c->hystart);
    ops->init(c);
}

static bool same(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b)
        a++, b++;
    return *a == *b;
}

const struct congestion_ops *congestion_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (same(all[i]->name, name))
            return all[i];
    return NULL;
}

void congestion_grow(struct congestion *c, uint64_t by)
{
    const uint64_t w = c->cwnd + by;

    c->cwnd = w < CWND_MAX ? (uint32_t)w : CWND_MAX;
}

/* L of RFC 3465 2.2: how much one ACK may add. Stretch ACKs are the rule with receivers that
 * offload, and pacing keeps what they allow from being a burst: no limit then (RFC 9406 4.2). In
 * the slow start after a timeout an ACK may count what was delivered long ago (RFC 3465 2.3). */
static uint64_t most_for_one_ack(const struct congestion *c, const struct congestion_ack *a)
{
    if (a->after_timeout)
        return c->mss;
    return a->paced ? UINT64_MAX : 8ULL * c->mss;
}

/* RFC 9406 4.3: HyStart++ is for the first slow start, whose end nobody knows; the reductions turn
 * it off. */
static void watch_round_trips(struct congestion *c, const struct congestion_ack *a)
{
    if (hystart_on_ack(&c->hystart, a->una, a->nxt, a->rtt))
        c->ssthresh = c->cwnd;
}

uint64_t congestion_slow_start(struct congestion *c, const struct congestion_ack *a)
{
    const uint64_t most = most_for_one_ack(c, a);
    uint64_t step = a->acked < most ? a->acked : most;

    if (c->cwnd >= c->ssthresh)
        return a->acked;
    watch_round_trips(c, a);
    if (a->app_limited)
        return 0;
    if (c->cwnd >= c->ssthresh)
        return a->acked;
    if (c->hystart.phase == HYSTART_CSS)
        step /= HYSTART_GROWTH_DIVISOR;
    if (step <= c->ssthresh - c->cwnd) {
        congestion_grow(c, step);
        return 0;
    }
    step = c->ssthresh - c->cwnd;
    congestion_grow(c, step);
    return a->acked - step;
}

uint32_t congestion_reduced(const struct congestion *c, uint64_t flight, uint32_t num, uint32_t den)
{
    const uint64_t part = flight / den * num + flight % den * num / den;
    const uint64_t least = 2ULL * c->mss;
    const uint64_t v = part > least ? part : least;

    return v < CWND_MAX ? (uint32_t)v : CWND_MAX;
}

void congestion_restart(struct congestion *c)
{
    const uint32_t iw = congestion_initial_window(c->mss);
    const uint32_t most = c->cwnd / 4 * 3;

    if (c->cwnd <= iw)
        return;
    if (c->ssthresh < most)
        c->ssthresh = most;
    c->cwnd = iw;
}
