/*
 * Round-trip times and the retransmission timeout: the formulas of RFC 6298, on numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "segcat/tcp/rtt.h"

static void before_a_sample(void **state)
{
    struct rtt r;

    (void)state;
    rtt_init(&r);
    assert_false(r.valid);
    assert_int_equal(rtt_timeout(&r), USEC_SEC);
}

/* 2.2 */
static void first_sample(void **state)
{
    struct rtt r;

    (void)state;
    rtt_init(&r);
    rtt_sample(&r, 800 * USEC_MS);
    assert_true(r.valid);
    assert_int_equal(r.srtt, 800 * USEC_MS);
    assert_int_equal(r.rttvar, 400 * USEC_MS);
    assert_int_equal(rtt_timeout(&r), 2400 * USEC_MS); /* SRTT + 4 RTTVAR */
}

/* 2.3: RTTVAR by the SRTT before the sample, 1/4 and 1/8 */
static void later_samples(void **state)
{
    struct rtt r;

    (void)state;
    rtt_init(&r);
    rtt_sample(&r, 800 * USEC_MS);
    rtt_sample(&r, 1600 * USEC_MS);
    assert_int_equal(r.rttvar, 500 * USEC_MS); /* 3/4 * 400 + 1/4 * 800 */
    assert_int_equal(r.srtt, 900 * USEC_MS);   /* 7/8 * 800 + 1/8 * 1600 */
    assert_int_equal(rtt_timeout(&r), 2900 * USEC_MS);
    rtt_sample(&r, 100 * USEC_MS);
    assert_int_equal(r.rttvar, 575 * USEC_MS); /* 3/4 * 500 + 1/4 * 800 */
    assert_int_equal(r.srtt, 800 * USEC_MS);
    assert_int_equal(r.min, 100 * USEC_MS);
    assert_int_equal(r.max, 1600 * USEC_MS);
    assert_int_equal(r.latest, 100 * USEC_MS);
}

/* 2.4, where we go below */
static void least(void **state)
{
    struct rtt r;

    (void)state;
    rtt_init(&r);
    for (int i = 0; i < 100; i++)
        rtt_sample(&r, 50);
    assert_in_range(rtt_timeout(&r), 200 * USEC_MS, 201 * USEC_MS);
    rtt_init(&r);
    for (int i = 0; i < 100; i++)
        rtt_sample(&r, 300 * USEC_MS);
    assert_in_range(rtt_timeout(&r), 500 * USEC_MS, 502 * USEC_MS);
    rtt_init(&r);
    rtt_sample(&r, 0); /* no clock is that good */
    assert_true(r.valid && r.srtt > 0);
}

/* 2.5 */
static void largest(void **state)
{
    struct rtt r;

    (void)state;
    rtt_init(&r);
    rtt_sample(&r, 500 * USEC_SEC);
    assert_in_range(rtt_timeout(&r), 60 * USEC_SEC, 3600 * USEC_SEC);
    for (int i = 0; i < 200; i++)
        rtt_back_off(&r);
    assert_in_range(rtt_timeout(&r), 60 * USEC_SEC, 3600 * USEC_SEC);
}

/* 5.5 to 5.7 */
static void backoff(void **state)
{
    struct rtt r;

    (void)state;
    rtt_init(&r);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(rtt_timeout(&r), USEC_SEC << i);
        rtt_back_off(&r);
    }
    rtt_sample(&r, 100 * USEC_MS);
    assert_int_equal(rtt_timeout(&r), 300 * USEC_MS);
}

#define TEST(text, f)             \
    {                             \
        text, f, NULL, NULL, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("RFC6298-INITIAL 1 s before there is a sample", before_a_sample),
        TEST("RFC6298-RTO the first sample", first_sample),
        TEST("RFC6298-RTO later samples", later_samples),
        TEST("RFC6298-MIN-RTO never below 200 ms over the smoothed time", least),
        TEST("RFC6298-MAX-RTO the bound is 60 s or more, and there is one", largest),
        TEST("RFC6298-BACKOFF each doubles, a sample ends that", backoff),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
