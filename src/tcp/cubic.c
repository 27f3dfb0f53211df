/*
 * CUBIC (RFC 9438), the default. Integers only: bytes for segments, microseconds for seconds.
 *
 *     W_cubic(t) = C * (t - K)^3 + W_max        K = cbrt((W_max - cwnd_epoch) / C)
 *
 * with C = 0.4 segments/s^3 and a reduction to beta = 0.7. Pure.
 */
#include "segcat/tcp/congestion.h"

#define BETA_NUM  7 /* beta_cubic = 0.7 */
#define BETA_DEN  10
#define C_NUM     2 /* C = 0.4 */
#define C_DEN     5
#define ALPHA_NUM 9 /* alpha_cubic = 3 * (1 - beta) / (1 + beta) = 9/17 */
#define ALPHA_DEN 17
#define TIME_MAX  (1000 * USEC_SEC) /* the curve is beyond CWND_MAX there for every MSS */

static void cubic_init(struct congestion *c)
{
    c->cubic = (struct cubic){.running = false};
}

/* --- the curve --- */

/* The largest r with r^3 <= x. */
static uint64_t cube_root(uint64_t x)
{
    uint64_t r = 0;

    for (int bit = 21; bit >= 0; bit--) {
        const uint64_t with = r | UINT64_C(1) << bit;

        /* with < 2^22, so with^2 < 2^44; divided, its cube cannot overflow */
        if (with * with <= x / with)
            r = with;
    }
    return r;
}

/* C * d^3 in bytes, at most CWND_MAX. What is squared and cubed is brought back to microseconds on
 * the way: an error of a millionth of a second^3 is less than a byte. */
static uint64_t curve(uint32_t mss, usec_t d)
{
    uint64_t square, cube;

    if (d > TIME_MAX)
        return CWND_MAX;
    square = d * d / USEC_SEC;
    cube = square < UINT64_C(1) << 34 ? square * d / USEC_SEC : square / 1000 * d / 1000;
    if (cube > UINT64_MAX / C_NUM / mss) /* the product would not fit, and is far beyond */
        return CWND_MAX;
    cube = cube * mss * C_NUM / C_DEN / USEC_SEC;
    return cube < CWND_MAX ? cube : CWND_MAX;
}

/* W_cubic(t). */
static uint64_t window_at(const struct congestion *c, usec_t t)
{
    const struct cubic *q = &c->cubic;
    uint64_t below;

    if (t >= q->k)
        return q->w_max + curve(c->mss, t - q->k);
    below = curve(c->mss, q->k - t);
    return below < q->w_max ? q->w_max - below : 0;
}

/* The first ACK in congestion avoidance (4.2). With no reduction to come back from, or one that has
 * been made up for (slow start ended by HyStart++, a timeout: 4.8), the curve begins level. */
static void begin_epoch(struct congestion *c, usec_t now)
{
    struct cubic *q = &c->cubic;

    q->running = true;
    q->epoch_start = now;
    q->w_est = c->cwnd;
    q->est_credit = q->credit = 0;
    q->k = 0;
    if (c->cwnd >= q->w_max)
        q->w_max = c->cwnd;
    else /* in milliseconds: 2^31 bytes * 2.5e9 still fits */
        q->k = cube_root((uint64_t)(q->w_max - c->cwnd) * (C_DEN * UINT64_C(1000000000) / C_NUM) /
                         c->mss) *
               USEC_MS;
}

/* --- growth --- */

/* W_est of 4.3: alpha segments for each window, one when it is back at the old cwnd. */
static void grow_estimate(struct congestion *c, uint64_t acked)
{
    struct cubic *q = &c->cubic;
    const bool back = q->w_est >= q->cwnd_prior;
    const uint64_t per = (uint64_t)c->cwnd * (back ? 1 : ALPHA_DEN);
    uint64_t w;

    q->est_credit += acked * c->mss * (back ? 1 : ALPHA_NUM);
    w = q->w_est + q->est_credit / per;
    q->est_credit %= per;
    q->w_est = w < CWND_MAX ? (uint32_t)w : CWND_MAX;
}

/* (target - cwnd) / cwnd for each segment: concave below w_max (4.4), convex above (4.5). */
static void grow_to(struct congestion *c, uint64_t target, uint64_t acked)
{
    struct cubic *q = &c->cubic;
    const uint64_t most = (uint64_t)c->cwnd + c->cwnd / 2;

    if (target > most)
        target = most;
    if (target <= c->cwnd)
        return;
    q->credit += (target - c->cwnd) * acked;
    acked = q->credit / c->cwnd;
    q->credit %= c->cwnd;
    congestion_grow(c, acked);
}

/* 5.8: what the user left unused is not a time in which the network was asked. */
static void leave_out_time(struct cubic *q, usec_t now)
{
    if (now > q->seen_at)
        q->epoch_start += now - q->seen_at;
    q->seen_at = now;
}

static void avoid_congestion(struct congestion *c, const struct congestion_ack *a, uint64_t acked)
{
    struct cubic *q = &c->cubic;
    usec_t t;

    if (!q->running)
        begin_epoch(c, a->now);
    q->seen_at = a->now;
    t = a->now > q->epoch_start ? a->now - q->epoch_start : 0;
    if (acked > c->cwnd)
        acked = c->cwnd; /* more than a window at once is no sign of more room */
    grow_estimate(c, acked);
    if (window_at(c, t) < q->w_est) {
        if (c->cwnd < q->w_est)
            c->cwnd = q->w_est;
    } else {
        grow_to(c, window_at(c, t + a->srtt), acked);
    }
}

static void cubic_on_ack(struct congestion *c, const struct congestion_ack *a)
{
    const uint64_t left = congestion_slow_start(c, a);

    c->cubic.full = !a->app_limited;
    if (a->app_limited)
        leave_out_time(&c->cubic, a->now);
    else if (left > 0)
        avoid_congestion(c, a, left);
}

/* --- reduction --- */

/*
 * 4.6 begins from the flight, or from cwnd where that does not grow beyond what is used. What is
 * in flight right after a recovery, or while pacing spreads a window that has just doubled, is less
 * than the path has carried: a loss then would count twice.
 */
static uint64_t in_use(const struct congestion *c, uint64_t flight)
{
    return c->cubic.full && flight < c->cwnd ? c->cwnd : flight;
}

static void cubic_on_loss(struct congestion *c, uint64_t flight, usec_t now)
{
    struct cubic *q = &c->cubic;

    (void)now;
    q->running = false;
    q->cwnd_prior = c->cwnd;
    /* Fast convergence (4.7): congestion came earlier than last time, so others need room. */
    q->w_max = c->cwnd < q->w_max ? c->cwnd / (2 * BETA_DEN) * (BETA_DEN + BETA_NUM) : c->cwnd;
    c->ssthresh = congestion_reduced(c, in_use(c, flight), BETA_NUM, BETA_DEN);
    hystart_stop(&c->hystart);
}

/* 4.8: as Reno does, but with beta; the curve begins where slow start ends. */
static void cubic_on_rto(struct congestion *c, uint64_t flight, usec_t now)
{
    cubic_on_loss(c, flight, now);
    c->cubic.w_max = 0;
    c->cwnd = c->mss;
}

static void cubic_on_recovered(struct congestion *c, usec_t now)
{
    (void)c, (void)now;
}

static void cubic_on_start(struct congestion *c, bool restart, usec_t now)
{
    leave_out_time(&c->cubic, now);
    if (!restart)
        return;
    congestion_restart(c);
    if (c->cwnd < c->ssthresh)
        c->cubic.running = false; /* slow start comes first */
}

const struct congestion_ops congestion_cubic = {
    .name = "cubic",
    .init = cubic_init,
    .on_ack = cubic_on_ack,
    .on_loss = cubic_on_loss,
    .on_rto = cubic_on_rto,
    .on_recovered = cubic_on_recovered,
    .on_start = cubic_on_start,
};
