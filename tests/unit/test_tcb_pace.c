/*
 * The congestion window at work in a connection: when it grows, how it starts again, and how what
 * it allows is spread over time.
 */
#include "tcb_host.h"

/* ESTABLISHED with this round trip, paced; the user has written all that the ring takes. */
static void open_paced(struct host *h, usec_t rtt)
{
    h->cfg.no_pacing = false;
    tcb_open_active(&h->t, &h->cfg, h->now);
    expect(h, SYN, 0, ANY, 0);
    h->now += rtt;
    inject(h, SYN | ACK, 0, 1, 0);
    expect(h, ACK, 1, 1, 0);
    expect_nothing(h);
}

static uint32_t snd_nxt(const struct host *h)
{
    return h->t.snd_nxt - h->iss;
}

/* The ring is kept full. */
static void refill(struct host *h)
{
    const uint64_t used = tcb_unacked(&h->t);

    user_writes(h, h->t.snd_una - h->iss + (uint32_t)used, (uint32_t)(RING - used));
}

static bool pacing_waits(const struct host *h)
{
    return h->t.timer[TIMER_PACE] != USEC_NEVER;
}

static void initial_window_at_once(struct host *h)
{
    open_paced(h, 100 * USEC_MS);
    refill(h);
    assert_int_equal(drain(h), 10);
    assert_false(pacing_waits(h)); /* cwnd is what holds back */
    assert_int_equal(h->t.sent.flight, h->t.cc.cwnd);
}

/* Takes out what is paced until nothing waits for its time; at most `piece` segments at once. */
static unsigned drain_paced(struct host *h, unsigned piece)
{
    unsigned sent = drain(h);

    assert_true(sent <= piece);
    while (pacing_waits(h)) {
        assert_int_equal(tcb_deadline(&h->t), h->t.timer[TIMER_PACE]);
        run_timer(h);
        const unsigned n = drain(h);

        assert_true(n >= 1 && n <= piece);
        sent += n;
    }
    return sent;
}

/* An ACK for nine segments lets eighteen go: two at a time, over half a round trip. */
static void in_pieces(struct host *h)
{
    open_paced(h, 100 * USEC_MS);
    refill(h);
    drain(h);
    h->now += 100 * USEC_MS;
    inject(h, ACK, 1, 9001, 0);
    assert_int_equal(h->t.cc.cwnd, 19000);
    const usec_t begun = h->now;

    assert_int_equal(drain_paced(h, 2), 18);
    /* 16 segments behind the first two, at 2 * 19 segments in 100 ms; 1 ms of lateness is credit */
    assert_in_range(h->now - begun, 40 * USEC_MS, 42 * USEC_MS);
    assert_int_equal(h->t.sent.flight, 19000);
}

/* In congestion avoidance the rate is 1.2 windows a round trip. */
static void slower_in_avoidance(struct host *h)
{
    open_paced(h, 100 * USEC_MS);
    h->t.cc.cwnd = h->t.cc.ssthresh = 20000;
    refill(h);
    assert_int_equal(drain_paced(h, 10), 20);
    h->now += 100 * USEC_MS;
    inject(h, ACK, 1, 19001, 0);
    refill(h);
    const usec_t from = h->now;

    assert_int_equal(drain_paced(h, 2), 19);
    /* 18 segments before the last piece of one, at 24 to 26 in 100 ms */
    assert_in_range(h->now - from, 69 * USEC_MS, 76 * USEC_MS);
}

/* 27 segments in congestion avoidance, each timer served so late; how long it took. */
static usec_t with_late_timers(struct host *h, usec_t late)
{
    open_paced(h, 100 * USEC_MS);
    h->t.cc.cwnd = h->t.cc.ssthresh = 32000;
    refill(h);
    drain(h);
    h->now += 100 * USEC_MS;
    inject(h, ACK, 1, 5001, 0);
    const usec_t begun = h->now;
    unsigned sent = drain(h);

    while (pacing_waits(h)) {
        h->now = tcb_deadline(&h->t) + late;
        tcb_timeout(&h->t, h->now);
        const unsigned n = drain(h);

        assert_true(n <= 2);
        sent += n;
    }
    assert_int_equal(sent, 27);
    return h->now - begun;
}

/* A timer that is served late costs no rate, nor does it gain any: 27 segments at 0.384 a
 * millisecond are 70 ms, two of them at once. */
static void late_timers(struct host *h)
{
    assert_in_range(with_late_timers(h, 900), 62 * USEC_MS, 69 * USEC_MS);
}

static void hardly_late_timers(struct host *h)
{
    assert_in_range(with_late_timers(h, 50), 62 * USEC_MS, 69 * USEC_MS);
}

/* What waited goes for another reason: the timer is off. */
static void timer_goes_with_the_wait(struct host *h)
{
    open_paced(h, 100 * USEC_MS);
    user_writes(h, 1, 13000);
    drain(h);
    h->now += 100 * USEC_MS;
    inject(h, ACK, 1, 9001, 0);
    assert_int_equal(drain(h), 2);
    assert_true(pacing_waits(h));
    inject(h, ACK, 1, 12001, 0);
    assert_int_equal(drain(h), 1); /* nothing was in flight: at once */
    assert_false(pacing_waits(h));
}

static void short_round_trips_are_not_paced(struct host *h)
{
    open_paced(h, 50);
    h->t.cc.cwnd = 30000;
    for (int i = 0; i < 20; i++) {
        const uint32_t before = h->t.cc.cwnd;

        refill(h);
        drain(h);
        assert_false(pacing_waits(h));
        assert_true(h->t.sent.flight >= 30000 || h->t.sent.flight > 31768);
        h->now += 50;
        inject(h, ACK, 1, snd_nxt(h), 0);
        assert_true(h->t.cc.cwnd <= before + 8000); /* it leaves in one burst: L is 8 */
    }
}

/* What carries no data does not wait, nor does it count. */
static void acks_and_fin_do_not_wait(struct host *h)
{
    open_paced(h, 100 * USEC_MS);
    refill(h);
    drain(h);
    h->now += 100 * USEC_MS;
    inject(h, ACK, 1, 10001, 0);
    drain(h);
    assert_true(pacing_waits(h));
    const usec_t at = h->t.timer[TIMER_PACE];

    inject(h, ACK, 1, 10001, 1000);
    inject(h, ACK, 1001, 10001, 1000);
    expect(h, ACK, ANY, 2001, 0);
    inject(h, ACK, 5001, 10001, 1000); /* out of order */
    expect(h, ACK, ANY, 2001, 0);
    expect_nothing(h);
    assert_int_equal(h->t.timer[TIMER_PACE], at);
    tcb_abort(&h->t, h->now);
    expect(h, RST | ACK, ANY, ANY, 0);
    expect_nothing(h);
    assert_false(pacing_waits(h));
}

static void fin_does_not_wait(struct host *h)
{
    open_paced(h, 100 * USEC_MS);
    user_writes(h, 1, 12000);
    drain(h);
    h->now += 100 * USEC_MS;
    inject(h, ACK, 1, 5001, 0);
    expect(h, ACK, 10001, 1, 1000);
    expect(h, ACK, 11001, 1, 1000);
    expect_nothing(h); /* the piece is used up */
    assert_int_equal(h->t.pacing.left, 0);
    close_now(h, 12001);
}

/* Retransmissions are data: three lost segments do not leave together. */
static void retransmissions_too(struct host *h)
{
    h->peer_syn.present = OPT_MSS | OPT_SACK_PERMITTED;
    open_paced(h, 100 * USEC_MS);
    refill(h);
    drain(h);
    h->now += 100 * USEC_MS;
    add_sack(h, 4001, 9001);
    inject(h, ACK, 1, 1, 0);
    h->t.cc.cwnd = 30000; /* were it only for this, all could go */
    assert_int_equal(h->t.sent.lost, 4);
    expect(h, ACK, 1, 1, 1000);
    expect(h, ACK, 1001, 1, 1000);
    expect_nothing(h);
    assert_true(pacing_waits(h));
    run_timer(h);
    expect(h, ACK, 2001, 1, 1000);
}

/* A chunk for the interface is no larger than a piece. */
static void chunks_are_pieces(struct host *h)
{
    h->cfg.gso_max = 60000;
    open_paced(h, 4 * USEC_MS);
    h->t.cc.cwnd = h->t.cc.ssthresh = 32000;
    refill(h);
    expect(h, ACK, 1, 1, 10000); /* the initial burst */
    expect_nothing(h);
    assert_true(pacing_waits(h));
    run_timer(h);
    /* 1.2 * 32000 in 4 ms: 4800 in 0.5 ms, rounded up */
    expect(h, ACK, 10001, 1, 5000);
    assert_int_equal(h->last.gso_size, 1000);
    expect_nothing(h);
}

/* A window of which half is used is limited enough to double. */
static void slow_start_does_not_stall(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 6000);
    assert_int_equal(drain(h), 6);
    h->now += 10 * USEC_MS;
    inject(h, ACK, 1, 6001, 0);
    assert_int_equal(h->t.cc.cwnd, 16000);
    user_writes(h, 6001, 7000); /* less than half of 16 */
    assert_int_equal(drain(h), 7);
    h->now += 10 * USEC_MS;
    inject(h, ACK, 1, 13001, 0);
    user_writes(h, 13001, 7000);
    assert_int_equal(drain(h), 7);
    h->now += 10 * USEC_MS;
    inject(h, ACK, 1, 20001, 0);
    assert_int_equal(h->t.cc.cwnd, 16000);
}

/* In congestion avoidance it must have been full in this round trip or the last. */
static void avoidance_wants_a_full_window(struct host *h)
{
    h->cfg.congestion = &congestion_reno;
    open_active(h);
    h->t.cc.cwnd = h->t.cc.ssthresh = 10000;
    for (uint32_t i = 0; i < 20; i++) {
        user_writes(h, snd_nxt(h), 9000);
        assert_int_equal(drain(h), 9);
        h->now += 10 * USEC_MS;
        inject(h, ACK, 1, snd_nxt(h), 0);
        assert_int_equal(h->t.cc.cwnd, 10000);
    }
    for (uint32_t i = 0; i < 20; i++) {
        refill(h);
        drain(h);
        h->now += 10 * USEC_MS;
        for (uint32_t una = h->t.snd_una - h->iss, end = snd_nxt(h); una < end;) {
            una += 1000;
            inject(h, ACK, 1, una, 0);
        }
    }
    assert_in_range(h->t.cc.cwnd, 28000, 31000);
    inject(h, ACK, 1, snd_nxt(h), 0);
    while (drain(h) > 0) {
        inject(h, ACK, 1, snd_nxt(h), 0);
    }
    const uint32_t before = h->t.cc.cwnd;

    for (uint32_t i = 0; i < 50; i++) {
        user_writes(h, snd_nxt(h), 20000);
        drain(h);
        h->now += 10 * USEC_MS;
        inject(h, ACK, 1, snd_nxt(h), 0);
        drain(h);
    }
    assert_true(h->t.cc.cwnd <= before + 2000); /* it was full two round trips ago, not later */
}

/* What was in flight long ago does not count. */
static void flight_is_forgotten(struct host *h)
{
    open_active(h);
    h->t.cc.cwnd = 30000;
    refill(h);
    drain(h);
    while (tcb_unacked(&h->t) > 0) {
        h->now += 10 * USEC_MS;
        inject(h, ACK, 1, snd_nxt(h), 0);
        drain(h);
    }
    h->t.cc.cwnd = 10000;
    for (uint32_t i = 0; i < 10; i++) {
        user_writes(h, snd_nxt(h), 3000);
        drain(h);
        h->now += 10 * USEC_MS;
        inject(h, ACK, 1, snd_nxt(h), 0);
    }
    assert_true(h->t.cc.cwnd <= 16000);
}

static void idle(struct host *h)
{
    open_paced(h, 10 * USEC_MS);
    h->t.cc.cwnd = 30000;
    h->t.cc.ssthresh = 15000;
    user_writes(h, 1, 1000);
    drain(h);
    later(h, 10 * USEC_MS);
    inject(h, ACK, 1, 1001, 0);
    later(h, 190 * USEC_MS); /* less than the RTO */
    user_writes(h, 1001, 1000);
    drain(h);
    assert_int_equal(h->t.cc.cwnd, 30000);
    later(h, 10 * USEC_MS);
    inject(h, ACK, 1, 2001, 0);
    later(h, 10 * USEC_SEC);
    refill(h);
    assert_int_equal(drain(h), 10);
    assert_int_equal(h->t.cc.cwnd, 10000);
    assert_int_equal(h->t.cc.ssthresh, 22500);
}

static void lost_syn(struct host *h)
{
    tcb_open_active(&h->t, &h->cfg, h->now);
    expect(h, SYN, 0, ANY, 0);
    expect_nothing(h);
    run_timer(h);
    expect(h, SYN, 0, ANY, 0);
    h->now += 10 * USEC_MS;
    inject(h, SYN | ACK, 0, 1, 0);
    expect(h, ACK, 1, 1, 0);
    user_writes(h, 1, 5000);
    expect(h, ACK, 1, 1, 1000);
    expect_nothing(h);
}

static const struct tcb_test tests[] = {
    {"RFC6928-IW: the initial window leaves at once", initial_window_at_once},
    {"RFC9438-PACING: what an ACK allows leaves in pieces", in_pieces},
    {"RFC9438-PACING: 1.2 windows a round trip in congestion avoidance", slower_in_avoidance},
    {"RFC9438-PACING: late timers cost no rate", late_timers},
    {"RFC9438-PACING: nor do they gain any", hardly_late_timers},
    {"RFC9438-PACING: no timer where nothing waits", timer_goes_with_the_wait},
    {"RFC9438-PACING: no pacing where a piece covers the window", short_round_trips_are_not_paced},
    {"RFC9438-PACING: ACKs and RST do not wait", acks_and_fin_do_not_wait},
    {"RFC9438-PACING: a FIN does not wait", fin_does_not_wait},
    {"RFC9438-PACING: retransmissions wait too", retransmissions_too},
    {"RFC9438-PACING: a chunk is one piece", chunks_are_pieces},
    {"MUST-19, RFC5681-RENO: slow start goes on when half the window is used",
     slow_start_does_not_stall},
    {"MUST-19, RFC5681-APP: congestion avoidance wants a full window",
     avoidance_wants_a_full_window},
    {"MUST-19, RFC5681-APP: a flight of long ago does not count", flight_is_forgotten},
    {"RFC5681-IDLE: after an RTO of silence the initial window, not before", idle},
    {"RFC6928-IW: a lost SYN leaves an initial window of one segment", lost_syn},
};

int main(void)
{
    return host_main("tcb_pace", tests, sizeof tests / sizeof tests[0]);
}
