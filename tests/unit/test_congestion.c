/*
 * Congestion control as arithmetic: CUBIC against the formulas of RFC 9438 in floating point,
 * HyStart++ by script, Reno and the initial window by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "segcat/tcp/congestion.h"

#define MSS 1000U
#define SEG (1.0 * MSS)

/* ---- what is played */

struct play {
    struct congestion c;
    usec_t now;
    usec_t rtt;
    uint64_t una; /* all of the window is always in flight */
    bool paced;
    bool app_limited;
    bool after_timeout;
};

static struct play begin(const struct congestion_ops *ops, uint32_t mss, usec_t rtt)
{
    struct play p = {.now = 1000 * USEC_SEC, .rtt = rtt};

    congestion_init(&p.c, ops, mss);
    return p;
}

static void ack(struct play *p, uint64_t bytes)
{
    const struct congestion_ack a = {
        .now = p->now,
        .acked = bytes,
        .flight = p->c.cwnd,
        .una = p->una + bytes,
        .nxt = p->una + p->c.cwnd,
        .rtt = p->rtt,
        .srtt = p->rtt,
        .app_limited = p->app_limited,
        .paced = p->paced,
        .after_timeout = p->after_timeout,
    };

    p->una += bytes;
    p->c.ops->on_ack(&p->c, &a);
}

/* One window's worth of ACKs, one for each segment, spread over a round trip. */
static void round_trip(struct play *p)
{
    const uint32_t n = p->c.cwnd / p->c.mss;
    const usec_t begun = p->now;

    for (uint32_t i = 1; i <= n; i++) {
        p->now = begun + p->rtt * i / n;
        ack(p, p->c.mss);
    }
}

/* A window of `segments` meets congestion; the recovery is over at once. */
static void lose(struct play *p, uint32_t segments)
{
    p->c.cwnd = segments * p->c.mss;
    p->c.ops->on_loss(&p->c, p->c.cwnd, p->now);
    p->c.cwnd = p->c.ssthresh;
    p->c.ops->on_recovered(&p->c, p->now);
}

/* ---- the formulas of RFC 9438 in floating point; no libm */

static double cube(double x)
{
    return x * x * x;
}

static double cube_root(double x)
{
    double r = x > 1 ? x : 1;

    for (double step = r; step > 1e-12 * r;) { /* Newton, from above */
        step = (cube(r) - x) / (3 * r * r);
        r -= step;
    }
    return x > 0 ? r : 0;
}

static double seconds(usec_t t)
{
    return (double)t / 1e6;
}

/* W_cubic(t) in segments. */
static double w_cubic(double w_max, double cwnd_epoch, double t)
{
    const double k = w_max > cwnd_epoch ? cube_root((w_max - cwnd_epoch) / 0.4) : 0;

    return 0.4 * cube(t - k) + (w_max > cwnd_epoch ? w_max : cwnd_epoch);
}

static double apart(double a, double b)
{
    return a > b ? a - b : b - a;
}

static void assert_near(double got, double want, double tolerance, int line)
{
    if (apart(got, want) > tolerance) {
        print_error("line %d: %f is not %f +- %f\n", line, got, want, tolerance);
        fail();
    }
}

#define ASSERT_NEAR(got, want, tolerance) assert_near(got, want, tolerance, __LINE__)

/* ---- CUBIC */

/* The same ACKs in floating point: sections 4.2 to 4.5 in segments and seconds. */
struct model {
    double cwnd, w_max, cwnd_epoch, cwnd_prior, w_est;
    usec_t epoch;
};

static void model_ack(struct model *m, usec_t now, usec_t rtt)
{
    const double alpha = m->w_est < m->cwnd_prior ? 3 * (1 - 0.7) / (1 + 0.7) : 1;
    double target = w_cubic(m->w_max, m->cwnd_epoch, seconds(now + rtt - m->epoch));

    m->w_est += alpha / m->cwnd;
    if (w_cubic(m->w_max, m->cwnd_epoch, seconds(now - m->epoch)) < m->w_est) {
        m->cwnd = m->w_est > m->cwnd ? m->w_est : m->cwnd;
        return;
    }
    target = target > 1.5 * m->cwnd ? 1.5 * m->cwnd : target;
    m->cwnd += target > m->cwnd ? (target - m->cwnd) / m->cwnd : 0;
}

static void cubic_curve(void **state)
{
    (void)state;
    static const usec_t rtts[] = {
        20, 300, 3 * USEC_MS, 30 * USEC_MS, 100 * USEC_MS, 400 * USEC_MS, 2 * USEC_SEC,
    };

    for (size_t i = 0; i < sizeof rtts / sizeof rtts[0]; i++) {
        struct play p = begin(&congestion_cubic, MSS, rtts[i]);
        struct model m = {.cwnd = 700, .w_max = 1000, .cwnd_epoch = 700, .cwnd_prior = 1000};

        lose(&p, 1000);
        m.w_est = p.c.cwnd / SEG;
        for (int r = 0; r < 400 && p.c.cwnd < 3000 * MSS; r++) {
            const uint32_t n = p.c.cwnd / MSS;
            const usec_t begun = p.now;

            for (uint32_t k = 1; k <= n; k++) {
                p.now = begun + p.rtt * k / n;
                m.epoch = m.epoch == 0 ? p.now : m.epoch;
                ack(&p, MSS);
                model_ack(&m, p.now, p.rtt);
            }
            ASSERT_NEAR(p.c.cwnd / SEG, m.cwnd, 0.5 + m.cwnd / 1000);
        }
    }
}

/* The plateau: concave before it, convex behind it. */
static void cubic_concave_convex(void **state)
{
    (void)state;
    struct play p = begin(&congestion_cubic, MSS, 50 * USEC_MS);
    double cwnd[120];

    lose(&p, 2000);
    for (int i = 0; i < 120; i++) { /* steps of 0.2 s; K is 11.4 s */
        for (int k = 0; k < 4; k++) {
            round_trip(&p);
        }
        cwnd[i] = p.c.cwnd / SEG;
    }
    for (int i = 5; i < 110; i += 5) {
        const double bend = cwnd[i + 5] - 2 * cwnd[i] + cwnd[i - 5];

        assert_true(i > 50 || bend < 0);
        assert_true(i < 65 || bend > 0);
    }
    ASSERT_NEAR(cwnd[56], 2000, 5);
}

struct dice {
    uint64_t x;
};

static uint64_t roll(struct dice *d, uint64_t below)
{
    d->x = d->x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (d->x >> 20) % below;
}

/* Numbers from the whole range with even exponents. */
static uint64_t roll_size(struct dice *d, unsigned bits)
{
    return (roll(d, UINT64_C(1) << 40) >> (40 - bits)) >> roll(d, bits);
}

/* Any window, MSS, round trip and time: one ACK of a whole window sets cwnd to what the formula
 * says, between cwnd and 1.5 cwnd. */
static void cubic_arithmetic(void **state)
{
    (void)state;
    struct dice d = {1};

    for (int i = 0; i < 300000; i++) {
        const uint32_t mss = (uint32_t)(8 + roll_size(&d, 16) % 65488);
        struct play p = begin(&congestion_cubic, mss, 20 + roll_size(&d, 24));
        const uint32_t most = (uint32_t)(INT32_MAX / mss);
        const uint32_t segments = (uint32_t)(4 + roll_size(&d, 30) % most);

        lose(&p, segments < most ? segments : most);
        const double w_max = (double)p.c.cubic.w_max;
        const double cwnd = p.c.cwnd;
        const usec_t t = roll_size(&d, 31);

        ack(&p, 1);          /* the epoch begins */
        p.c.cubic.w_est = 0; /* Reno does not come into it */
        p.now += t;
        ack(&p, p.c.cwnd);
        p.c.cubic.w_est = 0;
        double want = mss * w_cubic(w_max / mss, cwnd / mss, seconds(t + p.rtt));

        want = want < cwnd ? cwnd : want;
        want = want > 1.5 * cwnd ? 1.5 * cwnd : want;
        want = want > INT32_MAX ? INT32_MAX : want;
        /* K is a whole number of milliseconds. */
        const double k = cube_root((w_max - cwnd) / mss / 0.4);
        const double off = seconds(t + p.rtt) > k ? seconds(t + p.rtt) - k : k;
        const double slope = 3 * 0.4 * mss * off * off * 0.001;

        ASSERT_NEAR(p.c.cwnd, want, want * 1e-3 + slope + 10);
    }
}

/* 4.3: alpha = 9/17 of a segment for each round trip up to the old window, then one. */
static void cubic_friendly(void **state)
{
    (void)state;
    static const usec_t rtts[] = {20, 200, USEC_MS, 5 * USEC_MS};

    for (size_t i = 0; i < sizeof rtts / sizeof rtts[0]; i++) {
        struct play p = begin(&congestion_cubic, MSS, rtts[i]);

        lose(&p, 100);
        for (int n = 0; n < 50; n++) {
            round_trip(&p);
        }
        ASSERT_NEAR(p.c.cwnd / SEG, 70 + 50 * 9.0 / 17, 1);
        for (int n = 0; n < 50; n++) { /* 57 round trips up to 100, 43 beyond */
            round_trip(&p);
        }
        ASSERT_NEAR(p.c.cwnd / SEG, 100 + 43, 1.5);
    }
}

static void cubic_fast_convergence(void **state)
{
    (void)state;
    struct play p = begin(&congestion_cubic, MSS, 100 * USEC_MS);

    lose(&p, 100);
    assert_int_equal(p.c.cubic.w_max, 100 * MSS);
    lose(&p, 80); /* less than the last time: 80 * (1 + 0.7) / 2 */
    assert_int_equal(p.c.cubic.w_max, 68 * MSS);
    lose(&p, 90);
    assert_int_equal(p.c.cubic.w_max, 90 * MSS);
}

static void cubic_reduction(void **state)
{
    (void)state;
    struct play p = begin(&congestion_cubic, MSS, 100 * USEC_MS);

    p.c.cwnd = 100 * MSS;
    p.c.ops->on_loss(&p.c, 60 * MSS, p.now); /* of what is in flight, 4.6 */
    assert_int_equal(p.c.ssthresh, 42 * MSS);
    assert_int_equal(p.c.cwnd, 100 * MSS); /* PRR's */
    p.c.ops->on_loss(&p.c, MSS, p.now);
    assert_int_equal(p.c.ssthresh, 2 * MSS);
    p.c.ops->on_loss(&p.c, UINT32_MAX, p.now);
    assert_int_equal(p.c.ssthresh, CWND_MAX);
}

static void cubic_reduction_when_full(void **state)
{
    (void)state;
    struct play p = begin(&congestion_cubic, MSS, 100 * USEC_MS);

    p.c.cwnd = 100 * MSS;
    p.c.ssthresh = 100 * MSS;
    p.app_limited = false;
    ack(&p, MSS);
    p.c.cwnd = 100 * MSS;
    p.c.ops->on_loss(&p.c, 60 * MSS, p.now); /* the rest was still to be paced */
    assert_int_equal(p.c.ssthresh, 70 * MSS);
    p.app_limited = true;
    ack(&p, MSS);
    p.c.cwnd = 100 * MSS;
    p.c.ops->on_loss(&p.c, 60 * MSS, p.now); /* the rest was never asked for */
    assert_int_equal(p.c.ssthresh, 42 * MSS);
}

/* K to the millisecond: cbrt(400 / 0.4) = 10 s. */
static void cubic_k(void **state)
{
    (void)state;
    struct play p = begin(&congestion_cubic, MSS, 100 * USEC_MS);

    lose(&p, 100);
    p.c.cubic.w_max = p.c.cwnd + 400 * MSS;
    ack(&p, 1);
    assert_int_equal(p.c.cubic.k, 10 * USEC_SEC);
}

/* Split ACKs gain nothing and lose nothing. */
static void cubic_counts_bytes(void **state)
{
    (void)state;
    struct play p = begin(&congestion_cubic, MSS, 100 * USEC_MS);
    struct play q;

    lose(&p, 1000);
    q = p;
    for (int r = 0; r < 60; r++) {
        const uint32_t n = p.c.cwnd / MSS;

        for (uint32_t i = 1; i <= n; i++) {
            p.now = q.now = 1000 * USEC_SEC + p.rtt * (usec_t)r + p.rtt * i / n;
            ack(&p, MSS);
            for (int k = 0; k < 20; k++) {
                ack(&q, MSS / 20);
            }
        }
        ASSERT_NEAR(q.c.cwnd / SEG, p.c.cwnd / SEG, 0.5);
    }
    assert_true(p.c.cwnd > 950 * MSS);
}

static void cubic_timeout(void **state)
{
    (void)state;
    struct play p = begin(&congestion_cubic, MSS, 100 * USEC_MS);

    lose(&p, 400); /* a W_max that must not come back */
    p.c.cwnd = 100 * MSS;
    p.c.ops->on_rto(&p.c, 100 * MSS, p.now);
    assert_int_equal(p.c.cwnd, MSS);
    assert_int_equal(p.c.ssthresh, 70 * MSS);
    while (p.c.cwnd < p.c.ssthresh) {
        round_trip(&p);
    }
    round_trip(&p);
    assert_int_equal(p.c.cubic.k, 0);
    assert_in_range(p.c.cubic.w_max, 70 * MSS, 72 * MSS);
}

/* 5.8: t does not run while the user has nothing to send. */
static void cubic_pause(void **state)
{
    (void)state;
    struct play p = begin(&congestion_cubic, MSS, 100 * USEC_MS);
    struct play q;

    lose(&p, 2000);
    for (int i = 0; i < 20; i++) {
        round_trip(&p);
    }
    q = p;
    q.app_limited = true;
    for (int i = 0; i < 300; i++) {
        q.now += q.rtt;
        ack(&q, 100);
    }
    q.now += 3600 * USEC_SEC; /* nothing in flight at all */
    q.c.ops->on_start(&q.c, false, q.now);
    q.c.ops->on_start(&q.c, false, q.now);
    q.app_limited = false;
    assert_int_equal(q.c.cwnd, p.c.cwnd);
    for (int i = 0; i < 20; i++) {
        round_trip(&p);
        round_trip(&q);
        ASSERT_NEAR(q.c.cwnd / SEG, p.c.cwnd / SEG, 1);
    }
}

/* A long silence in which the window was full: at most half more. */
static void cubic_clamp(void **state)
{
    (void)state;
    struct play p = begin(&congestion_cubic, MSS, 100 * USEC_MS);

    lose(&p, 100);
    ack(&p, 1);
    const uint32_t before = p.c.cwnd;

    p.now += 500 * USEC_SEC;
    ack(&p, before);
    assert_int_equal(p.c.cwnd, before + before / 2);
    for (int i = 0; i < 100; i++) {
        ack(&p, p.c.cwnd);
    }
    assert_in_range(p.c.cwnd, CWND_MAX - MSS, CWND_MAX);
}

/* ---- slow start */

static void initial_window(void **state)
{
    (void)state;
    static const uint32_t iw[][2] = {
        {48, 480}, {536, 5360}, {1460, 14600}, {2000, 14600}, {8960, 17920}, {65483, 130966},
    };

    for (size_t i = 0; i < sizeof iw / sizeof iw[0]; i++) {
        assert_int_equal(congestion_initial_window(iw[i][0]), iw[i][1]);
    }
}

static void counting_bytes(void **state)
{
    (void)state;
    static const struct congestion_ops *const ops[] = {&congestion_cubic, &congestion_reno};

    for (size_t i = 0; i < 2; i++) {
        struct play p = begin(ops[i], MSS, 10 * USEC_MS);

        for (int k = 0; k < 10; k++) { /* one segment in ten pieces */
            ack(&p, MSS / 10);
        }
        assert_int_equal(p.c.cwnd, 11 * MSS);
        ack(&p, 100 * MSS); /* L is 8 segments without pacing (RFC 9406 4.2) */
        assert_int_equal(p.c.cwnd, 19 * MSS);
        p.paced = true;
        ack(&p, 100 * MSS);
        assert_int_equal(p.c.cwnd, 119 * MSS);
        p.c.ops->on_rto(&p.c, 119 * MSS, p.now);
        p.after_timeout = true;
        ack(&p, 20 * MSS);
        assert_int_equal(p.c.cwnd, 2 * MSS);
    }
}

/* Slow start ends at ssthresh; what is left of the ACK counts for congestion avoidance. */
static void ends_at_ssthresh(void **state)
{
    (void)state;
    struct play p = begin(&congestion_reno, MSS, 10 * USEC_MS);

    p.paced = true;
    p.c.ssthresh = 12 * MSS;
    ack(&p, 8 * MSS);
    assert_int_equal(p.c.cwnd, 12 * MSS);
    assert_int_equal(p.c.reno.credit, 6 * MSS);
    ack(&p, 6 * MSS);
    assert_int_equal(p.c.cwnd, 13 * MSS);
}

static void reno(void **state)
{
    (void)state;
    struct play p = begin(&congestion_reno, MSS, 10 * USEC_MS);

    lose(&p, 100);
    assert_int_equal(p.c.cwnd, 50 * MSS);
    for (int i = 0; i < 20; i++) { /* one segment for each round trip */
        round_trip(&p);
    }
    ASSERT_NEAR(p.c.cwnd / SEG, 70, 1);
    p.c.ops->on_rto(&p.c, 30 * MSS, p.now);
    assert_int_equal(p.c.cwnd, MSS);
    assert_int_equal(p.c.ssthresh, 15 * MSS);
}

static void unused(void **state)
{
    (void)state;
    static const struct congestion_ops *const ops[] = {&congestion_cubic, &congestion_reno};

    for (size_t i = 0; i < 2; i++) {
        struct play p = begin(ops[i], MSS, 10 * USEC_MS);

        p.app_limited = true;
        round_trip(&p);
        assert_int_equal(p.c.cwnd, 10 * MSS);
        lose(&p, 40);
        const uint32_t before = p.c.cwnd;

        for (int k = 0; k < 100; k++) {
            round_trip(&p);
        }
        assert_int_equal(p.c.cwnd, before);
    }
}

static void restart(void **state)
{
    (void)state;
    static const struct congestion_ops *const ops[] = {&congestion_cubic, &congestion_reno};

    for (size_t i = 0; i < 2; i++) {
        struct play p = begin(ops[i], MSS, 10 * USEC_MS);

        p.c.cwnd = 100 * MSS;
        p.c.ops->on_start(&p.c, false, p.now);
        assert_int_equal(p.c.cwnd, 100 * MSS);
        p.c.ssthresh = 20 * MSS;
        p.c.ops->on_start(&p.c, true, p.now);
        p.c.ops->on_start(&p.c, true, p.now);
        assert_int_equal(p.c.cwnd, 10 * MSS);
        assert_int_equal(p.c.ssthresh, 75 * MSS); /* back in three round trips */
        p.c.cwnd = 4 * MSS;
        p.c.ops->on_start(&p.c, true, p.now);
        assert_int_equal(p.c.cwnd, 4 * MSS);
    }
}

/* ---- HyStart++ */

/* A round with the given RTT; n ACKs, or one for each segment. Returns by what cwnd grew. */
static double hy_round(struct play *p, usec_t rtt, uint32_t n)
{
    const uint32_t before = p->c.cwnd;

    p->rtt = rtt;
    for (uint32_t i = 0; i < n; i++) {
        p->now += rtt / n;
        ack(p, before / n + (i == n - 1 ? before % n : 0));
    }
    return (double)p->c.cwnd / before;
}

static struct play hy_begin(void)
{
    struct play p = begin(&congestion_cubic, MSS, 50 * USEC_MS);

    p.paced = true;
    return p;
}

static void hystart_flat(void **state)
{
    (void)state;
    struct play p = hy_begin();

    for (int i = 0; i < 12; i++) {
        /* noise below the threshold */
        ASSERT_NEAR(hy_round(&p, (50 + (usec_t)i % 2 * 5) * USEC_MS, 10), 2, 0.01);
    }
    assert_int_equal(p.c.ssthresh, UINT32_MAX);
    assert_int_equal(p.c.hystart.phase, HYSTART_SLOW_START);
}

static void hystart_rise(void **state)
{
    (void)state;
    struct play p = hy_begin();

    hy_round(&p, 50 * USEC_MS, 10);
    hy_round(&p, 50 * USEC_MS, 10);
    hy_round(&p, 60 * USEC_MS, 10); /* more than 50/8 */
    assert_int_equal(p.c.hystart.phase, HYSTART_CSS);
    assert_int_equal(p.c.ssthresh, UINT32_MAX);
    for (int i = 0; i < 4; i++) { /* it was entered in the first of five rounds */
        ASSERT_NEAR(hy_round(&p, 62 * USEC_MS, 10), 1.25, 0.01);
    }
    assert_int_equal(p.c.ssthresh, UINT32_MAX);
    const uint32_t cwnd = p.c.cwnd;

    hy_round(&p, 62 * USEC_MS, 10);
    assert_int_equal(p.c.hystart.phase, HYSTART_OFF);
    assert_int_equal(p.c.ssthresh, cwnd);
    assert_true(p.c.cwnd < cwnd + cwnd / 50); /* congestion avoidance */
    assert_int_equal(p.c.cubic.k, 0);
    assert_int_equal(p.c.cubic.w_max, cwnd);
}

static void hystart_back(void **state)
{
    (void)state;
    struct play p = hy_begin();

    hy_round(&p, 50 * USEC_MS, 10);
    hy_round(&p, 60 * USEC_MS, 10);
    hy_round(&p, 60 * USEC_MS, 10);
    assert_int_equal(p.c.hystart.phase, HYSTART_CSS);
    hy_round(&p, 59 * USEC_MS, 10); /* below the baseline: it was only jitter */
    assert_int_equal(p.c.hystart.phase, HYSTART_SLOW_START);
    ASSERT_NEAR(hy_round(&p, 59 * USEC_MS, 10), 2, 0.01);
    hy_round(&p, 70 * USEC_MS, 10);
    assert_int_equal(p.c.hystart.phase, HYSTART_CSS);
}

static enum hystart_phase phase_after(usec_t base, usec_t then, uint32_t acks)
{
    struct play p = hy_begin();

    hy_round(&p, base, 10);
    hy_round(&p, then, acks);
    return p.c.hystart.phase;
}

static void hystart_thresholds(void **state)
{
    (void)state;
    /* base / 8, between 4 and 16 ms */
    assert_int_equal(phase_after(80000, 89999, 10), HYSTART_SLOW_START);
    assert_int_equal(phase_after(80000, 90000, 10), HYSTART_CSS);
    assert_int_equal(phase_after(1000, 4999, 10), HYSTART_SLOW_START);
    assert_int_equal(phase_after(1000, 5000, 10), HYSTART_CSS);
    assert_int_equal(phase_after(800000, 815999, 10), HYSTART_SLOW_START);
    assert_int_equal(phase_after(800000, 816000, 10), HYSTART_CSS);
    /* eight samples */
    assert_int_equal(phase_after(50000, 60000, 7), HYSTART_SLOW_START);
    assert_int_equal(phase_after(50000, 60000, 8), HYSTART_CSS);
}

/* One low sample in the round is enough: the queue was empty at that moment. */
static void hystart_minimum(void **state)
{
    (void)state;
    struct play p = hy_begin();

    hy_round(&p, 50 * USEC_MS, 10);
    p.rtt = 51 * USEC_MS;
    ack(&p, MSS);
    hy_round(&p, 90 * USEC_MS, 15);
    assert_int_equal(p.c.hystart.phase, HYSTART_SLOW_START);
}

static void hystart_only_once(void **state)
{
    (void)state;
    struct play p = hy_begin();

    lose(&p, 100);
    assert_int_equal(p.c.hystart.phase, HYSTART_OFF);
    p.c.cwnd = 10 * MSS; /* slow start again, with an end that is known */
    hy_round(&p, 50 * USEC_MS, 10);
    hy_round(&p, 90 * USEC_MS, 10);
    assert_int_equal(p.c.cwnd, 40 * MSS);
}

static void by_name(void **state)
{
    (void)state;
    assert_ptr_equal(congestion_by_name("cubic"), &congestion_cubic);
    assert_ptr_equal(congestion_by_name("reno"), &congestion_reno);
    assert_null(congestion_by_name("ren"));
    assert_null(congestion_by_name("reno2"));
    assert_null(congestion_by_name(""));
}

#define T(name, function)                \
    {                                    \
        name, function, NULL, NULL, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        T("RFC9438-CUBIC: the window follows the curve, RTT 20 us to 2 s", cubic_curve),
        T("RFC9438-CUBIC: concave up to the old maximum, then convex", cubic_concave_convex),
        T("RFC9438-CUBIC: integers do what the formula says for any window, MSS, RTT and time",
          cubic_arithmetic),
        T("RFC9438-RENO: with a short RTT as fast as Reno, from 20 us on", cubic_friendly),
        T("RFC9438-FAST: a lower maximum makes more room", cubic_fast_convergence),
        T("RFC9438-CUBIC: K is the cube root", cubic_k),
        T("RFC3465-ABC, RFC9438-CUBIC: split ACKs neither gain nor lose", cubic_counts_bytes),
        T("RFC9438-CUBIC: a loss cuts to 0.7 of the flight", cubic_reduction),
        T("RFC9438-CUBIC: and to 0.7 of a window that was in use", cubic_reduction_when_full),
        T("RFC5681-LOSS, RFC9438-CUBIC: after a timeout the curve begins level", cubic_timeout),
        T("RFC9438-CUBIC: time in which the user sends little does not count", cubic_pause),
        T("RFC9438-CUBIC: never more than half a window in a round trip", cubic_clamp),
        T("RFC6928-IW: ten segments, 14600 bytes or two segments", initial_window),
        T("RFC3465-ABC: bytes are counted, and an ACK counts for so many only", counting_bytes),
        T("MUST-19, RFC5681-RENO: slow start ends at ssthresh", ends_at_ssthresh),
        T("MUST-19, RFC5681-RENO: one segment a round trip, half the flight at a loss", reno),
        T("MUST-19, RFC5681-APP: a window that is not used does not grow", unused),
        T("RFC5681-IDLE: restart window, and slow start to three quarters", restart),
        T("RFC9406-HYSTART: slow start goes on while the RTT is flat", hystart_flat),
        T("RFC9406-HYSTART: a rising RTT: five conservative rounds, then the end", hystart_rise),
        T("RFC9406-HYSTART: an RTT that falls again: back to slow start", hystart_back),
        T("RFC9406-HYSTART: an eighth, 4 ms, 16 ms, and eight samples", hystart_thresholds),
        T("RFC9406-HYSTART: the smallest sample of a round counts", hystart_minimum),
        T("RFC9406-HYSTART: for the first slow start only", hystart_only_once),
        T("MAY-18: CUBIC and Reno are found by their names", by_name),
    };

    return cmocka_run_group_tests_name("congestion", tests, NULL, NULL);
}
