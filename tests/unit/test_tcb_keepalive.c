/*
 * A peer that is silent: keepalive (RFC 9293 3.8.4), R1 and R2 (3.8.3), the user timeout (RFC 5482).
 * One tcb against a script.
 */
#include "tcb_host.h"

#define HOUR (3600 * USEC_SEC)

/* ---- keepalive */

static void keep(struct host *h, usec_t idle, usec_t interval, unsigned count)
{
    h->cfg.keepalive =
        (struct keepalive_config){.idle = idle, .interval = interval, .count = count};
}

static void expect_probe(struct host *h, uint32_t snd_nxt, uint32_t rcv_nxt)
{
    expect(h, ACK, snd_nxt - 1, rcv_nxt, 0);
    assert_int_equal(h->reason, SEND_KEEPALIVE);
    expect_nothing(h);
}

static void off_by_default(struct host *h)
{
    open_active(h);
    assert_true(tcb_deadline(&h->t) == USEC_NEVER);
    assert_int_equal(h->t.cfg.keepalive.idle, 0);
}

static void an_idle_peer_is_asked(struct host *h)
{
    keep(h, KEEPALIVE_IDLE, 0, 0);
    open_active(h);
    assert_true(run_timer(h) >= 2 * HOUR);
    expect_probe(h, 1, 1);
    /* an answer begins the time anew */
    h->now += 10 * USEC_MS;
    inject(h, ACK, 1, 1, 0);
    expect_nothing(h);
    assert_int_equal(run_timer(h), 2 * HOUR);
    expect_probe(h, 1, 1);
    assert_int_equal(h->t.stats.keepalives_sent, 2);
}

static void interval_and_count_are_the_users(struct host *h)
{
    keep(h, 10 * USEC_SEC, 3 * USEC_SEC, 4);
    open_active(h);
    assert_int_equal(run_timer(h), 10 * USEC_SEC);
    expect_probe(h, 1, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(run_timer(h), 3 * USEC_SEC);
        expect_probe(h, 1, 1);
    }
    /* MUST-29: it took four */
    assert_int_equal(run_timer(h), 3 * USEC_SEC);
    expect(h, RST | ACK, 1, 1, 0);
    expect_end(h, END_TIMEOUT);
    expect_nothing(h);
}

static void lost_probes_kill_nothing(struct host *h)
{
    keep(h, 10 * USEC_SEC, USEC_SEC, 3);
    open_active(h);
    for (int round = 0; round < 3; round++) {
        run_timer(h);
        expect_probe(h, 1, 1);
        run_timer(h);
        expect_probe(h, 1, 1);
        h->now += 10 * USEC_MS;
        inject(h, ACK, 1, 1, 0); /* the answer to the second of three */
        expect_nothing(h);
        expect_state(h, STATE_ESTABLISHED);
    }
}

static void whatever_comes_counts_as_heard(struct host *h)
{
    keep(h, 10 * USEC_SEC, USEC_SEC, 3);
    open_active(h);
    later(h, 9 * USEC_SEC);
    inject(h, ACK, 1, 1, 100);
    drain(h);
    assert_int_equal(run_timer(h), 10 * USEC_SEC);
    expect_probe(h, 1, 101);
    /* its own keepalive probe: dropped and answered, but the peer is there */
    inject(h, ACK, 100, 1, 0);
    expect(h, ACK, 1, 101, 0);
    expect_nothing(h);
    assert_int_equal(run_timer(h), 10 * USEC_SEC);
}

static void nothing_outstanding_and_nothing_waiting(struct host *h)
{
    keep(h, 100 * USEC_MS, 100 * USEC_MS, 2);
    open_active(h);
    user_writes(h, 1, 10);
    expect(h, ACK, 1, 1, 10);
    expect_nothing(h);
    assert_true(h->t.timer[TIMER_KEEPALIVE] == USEC_NEVER);
    pass(h, 20 * USEC_SEC); /* retransmissions */
    assert_int_equal(h->t.stats.keepalives_sent, 0);
    /* nor while a window probe does the same */
    h->window = 0;
    inject(h, ACK, 1, 11, 0);
    user_writes(h, 11, 10);
    expect_nothing(h);
    pass(h, 20 * USEC_SEC);
    assert_int_equal(h->t.stats.keepalives_sent, 0);
    expect_state(h, STATE_ESTABLISHED);
}

static void a_probe_without_need_is_not_sent(struct host *h)
{
    keep(h, 10 * USEC_SEC, USEC_SEC, 3);
    open_active(h);
    expect_nothing(h);
    h->now = tcb_deadline(&h->t);
    tcb_timeout(&h->t, h->now);
    user_writes(h, 1, 10); /* asks too */
    expect(h, ACK, 1, 1, 10);
    expect_nothing(h);
    assert_int_equal(h->t.stats.keepalives_sent, 0);
    /* nor if the window has no room for it: a window probe will */
    h->window = 0;
    inject(h, ACK, 1, 11, 0);
    expect_nothing(h);
    h->now = tcb_deadline(&h->t);
    tcb_timeout(&h->t, h->now);
    user_writes(h, 11, 10);
    expect_nothing(h);
}

static void half_closed_the_peer_is_asked_too(struct host *h)
{
    keep(h, 10 * USEC_SEC, USEC_SEC, 3);
    drive(h, STATE_FIN_WAIT_2);
    assert_int_equal(run_timer(h), 10 * USEC_SEC);
    expect_probe(h, 2, 1);
}

static void each_connection_has_its_own(struct host *h)
{
    static struct host other;

    host_init(&other, &isn_pairs[0]);
    keep(h, 10 * USEC_SEC, USEC_SEC, 3);
    open_active(h);
    open_active(&other);
    assert_true(tcb_deadline(&h->t) != USEC_NEVER);
    assert_true(tcb_deadline(&other.t) == USEC_NEVER);
}

static void the_user_timeout_counts_for_probes(struct host *h)
{
    keep(h, 10 * USEC_SEC, 4 * USEC_SEC, 100);
    h->cfg.user_timeout = 6 * USEC_SEC;
    open_active(h);
    assert_int_equal(run_timer(h), 10 * USEC_SEC);
    expect_probe(h, 1, 1);
    assert_int_equal(run_timer(h), 4 * USEC_SEC);
    expect_probe(h, 1, 1);
    assert_int_equal(run_timer(h), 2 * USEC_SEC);
    expect(h, RST | ACK, 1, 1, 0);
    expect_end(h, END_TIMEOUT);
}

/* ---- R1 and R2 */

/* Timers run and what they send is thrown away, until R1 is told or the connection is over; returns
 * how often data or SYN was sent. */
static unsigned until_doubted(struct host *h)
{
    unsigned sent = 0;

    while (h->t.end == END_NONE && !tcb_doubts_route(&h->t)) {
        run_timer(h);
        sent += drain(h);
    }
    return sent;
}

static void r1_doubts_the_route(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 10);
    expect(h, ACK, 1, 1, 10);
    assert_true(until_doubted(h) >= 3); /* SHLD-10 */
    assert_int_equal(h->t.end, END_NONE);
    assert_int_equal(h->news.path, PATH_SILENT);
    assert_true(h->news.delay > USEC_SEC);
    /* once for a silence, and again for the next */
    run_timer(h);
    drain(h);
    assert_false(tcb_doubts_route(&h->t));
    inject(h, ACK, 1, 11, 0);
    h->news.path = PATH_NOTHING;
    user_writes(h, 11, 10);
    drain(h);
    run_timer(h);
    drain(h);
    assert_false(tcb_doubts_route(&h->t));
    until_doubted(h);
    assert_int_equal(h->news.path, PATH_SILENT);
}

static void r1_for_a_syn(struct host *h)
{
    drive(h, STATE_SYN_SENT);
    assert_int_equal(until_doubted(h), 3);
    assert_int_equal(h->news.path, PATH_SILENT);
}

static void r2_is_late(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 10);
    drain(h);
    const usec_t since = h->now;

    while (h->t.end == END_NONE) {
        run_timer(h);
        drain(h);
    }
    expect_end(h, END_TIMEOUT);
    assert_true(h->now - since >= 100 * USEC_SEC); /* SHLD-11 */
    assert_true(h->t.stats.rto_count > 3);
}

static void r2_for_a_syn_is_late(struct host *h)
{
    drive(h, STATE_SYN_SENT);
    const usec_t since = h->now;

    while (h->t.end == END_NONE) {
        run_timer(h);
        drain(h);
    }
    expect_end(h, END_TIMEOUT);
    assert_true(h->now - since >= 180 * USEC_SEC);
}

static void the_users_r2(struct host *h)
{
    h->cfg.user_timeout = 5 * USEC_SEC;
    open_active(h);
    later(h, 3600 * USEC_SEC); /* silence alone is nobody's fault */
    user_writes(h, 1, 10);
    drain(h);
    const usec_t since = h->now;

    while (h->t.end == END_NONE) {
        run_timer(h);
        drain(h);
    }
    expect_end(h, END_TIMEOUT);
    assert_int_equal(h->now - since, 5 * USEC_SEC);
}

static void progress_puts_the_user_timeout_off(struct host *h)
{
    h->cfg.user_timeout = 5 * USEC_SEC;
    open_active(h);
    user_writes(h, 1, 3000);
    drain(h);
    for (uint32_t i = 1; i <= 3; i++) {
        pass(h, 4 * USEC_SEC);
        assert_int_equal(h->t.end, END_NONE);
        inject(h, ACK, 1, 1 + i * 1000, 0);
        drain(h);
    }
}

static void the_users_r2_for_a_syn(struct host *h)
{
    h->cfg.syn_timeout = 5 * USEC_SEC;
    drive(h, STATE_SYN_SENT);
    const usec_t since = h->now;

    while (h->t.end == END_NONE) {
        run_timer(h);
        drain(h);
    }
    expect_end(h, END_TIMEOUT);
    assert_int_equal(h->now - since, 5 * USEC_SEC);
}

/* A window that stays closed while the peer answers: MUST-37, longer than any user timeout. */
static void an_answering_peer_is_not_timed_out(struct host *h)
{
    h->cfg.user_timeout = 1700 * USEC_MS;
    open_active(h);
    h->window = 0;
    inject(h, ACK, 1, 1, 0);
    user_writes(h, 1, 10);
    expect_nothing(h);
    for (int i = 0; i < 12; i++) {
        h->now = tcb_deadline(&h->t) + 20 * USEC_MS; /* we were woken late */
        tcb_timeout(&h->t, h->now);
        expect(h, ACK, 1, 1, 1);
        expect_nothing(h);
        later(h, 5 * USEC_MS);
        inject(h, ACK, 1, 1, 0);
        expect_nothing(h);
        expect_state(h, STATE_ESTABLISHED);
    }
}

static void the_wait_begins_with_each_probe(struct host *h)
{
    h->cfg.user_timeout = 1685 * USEC_MS;
    open_active(h);
    h->window = 0;
    inject(h, ACK, 1, 1, 0);
    user_writes(h, 1, 10);
    expect_nothing(h);
    for (int i = 0; i < 12; i++) {
        run_timer(h);
        expect(h, ACK, 1, 1, 1);
        expect_nothing(h);
        later(h, (i < 3 ? 1 : 900) * USEC_MS); /* the way becomes longer */
        inject(h, ACK, 1, 1, 0);
        expect_nothing(h);
    }
}

static void a_silent_peer_with_a_closed_window_is(struct host *h)
{
    h->cfg.user_timeout = 5 * USEC_SEC;
    open_active(h);
    h->window = 0;
    inject(h, ACK, 1, 1, 0);
    user_writes(h, 1, 10);
    expect_nothing(h);
    run_timer(h);
    expect(h, ACK, 1, 1, 1);
    const usec_t since = h->now;

    while (h->t.end == END_NONE) {
        run_timer(h);
        drain(h);
    }
    expect_end(h, END_TIMEOUT);
    assert_int_equal(h->now - since, 5 * USEC_SEC);
}

static const struct tcb_test tests[] = {
    {"MUST-25: keepalive is off unless asked for", off_by_default},
    {"MAY-5 MUST-28 SHLD-12: an idle peer is asked after two hours, without data",
     an_idle_peer_is_asked},
    {"MUST-27 MUST-29: interval and count are the user's; so many unanswered end it",
     interval_and_count_are_the_users},
    {"MUST-29: lost probes end nothing", lost_probes_kill_nothing},
    {"MUST-26: whatever comes puts the probe off", whatever_comes_counts_as_heard},
    {"MUST-26: no probe while data is outstanding or waits",
     nothing_outstanding_and_nothing_waiting},
    {"MUST-26: data that comes in between asks as well", a_probe_without_need_is_not_sent},
    {"MAY-5: half closed, the peer is asked too", half_closed_the_peer_is_asked_too},
    {"MUST-24: each connection has its own switch", each_connection_has_its_own},
    {"RFC5482-UTO: the user timeout ends unanswered keepalive probes",
     the_user_timeout_counts_for_probes},
    {"MUST-20 SHLD-9 SHLD-10: R1: after three retransmissions the route is doubted, once",
     r1_doubts_the_route},
    {"MUST-20 MUST-22: R1 for a SYN", r1_for_a_syn},
    {"MUST-20 SHLD-11: R2 is at least 100 s", r2_is_late},
    {"MUST-22 MUST-23: R2 of a SYN is at least 3 minutes", r2_for_a_syn_is_late},
    {"MUST-21 RFC5482-UTO: R2 is the user's to set", the_users_r2},
    {"RFC5482-UTO: it counts from the last progress", progress_puts_the_user_timeout_off},
    {"MUST-21 MUST-23: and so is R2 of a SYN", the_users_r2_for_a_syn},
    {"MUST-37 RFC5482-UTO: a peer that answers window probes is not timed out",
     an_answering_peer_is_not_timed_out},
    {"MUST-37 RFC5482-UTO: each window probe has the whole time for its answer",
     the_wait_begins_with_each_probe},
    {"RFC5482-UTO: a silent one is, from its first unanswered probe on",
     a_silent_peer_with_a_closed_window_is},
};

int main(void)
{
    return host_main("keepalive", tests, sizeof tests / sizeof tests[0]);
}
