/*
 * Which segments are acceptable: blind attacks (RFC 5961), the ACK field, the window. One tcb against
 * a script. The whole of 3.10.7 stands in test_tcb_matrix.c.
 */
#include "tcb_host.h"

static const enum tcp_state states[] = {
    STATE_ESTABLISHED, STATE_FIN_WAIT_1, STATE_FIN_WAIT_2, STATE_CLOSE_WAIT,
    STATE_CLOSING,     STATE_LAST_ACK,   STATE_TIME_WAIT,
};

/* ---- blind attacks: TCP.md 21, 22 */

static void rst_exact(struct host *h)
{
    open_active(h);
    inject(h, RST, 1, 0, 0);
    expect_end(h, END_RESET);
    expect_state(h, STATE_CLOSED);
    assert_int_equal(tcb_deadline(&h->t), USEC_NEVER);
}

static void rst_inside(struct host *h)
{
    open_active(h);
    inject(h, RST, 2, 0, 0);
    expect_drop(h, DROP_RST_CHALLENGED);
    expect(h, ACK, 1, 1, 0);
    assert_int_equal(h->reason, SEND_ACK_CHALLENGE);
    expect_nothing(h);
    expect_state(h, STATE_ESTABLISHED);
    /* a peer that is really gone answers the challenge with the right number */
    inject(h, RST, 1, 0, 0);
    expect_end(h, END_RESET);
}

static void rst_outside(struct host *h)
{
    open_active(h);
    inject(h, RST, 0, 0, 0);
    expect_drop(h, DROP_RST_OUTSIDE);
    inject(h, RST, 1 + tcb_receive_window(&h->t) + 5, 0, 0);
    expect_drop(h, DROP_RST_OUTSIDE);
    expect_nothing(h);
    expect_state(h, STATE_ESTABLISHED);
}

static void syn_challenged(struct host *h)
{
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        const struct isn_pair isn = {h->iss, h->irs, ""};

        host_init(h, &isn);
        drive(h, states[i]);
        inject(h, SYN | ACK, rcv_nxt_of(states[i]) + 100, 1, 0);
        expect_drop(h, DROP_SYN_CHALLENGED);
        expect(h, ACK, snd_nxt_of(states[i]), rcv_nxt_of(states[i]), 0);
        expect_nothing(h);
        expect_state(h, states[i]);
    }
}

/* How many of 100 challenges in one second are answered. */
static unsigned challenges(struct host *h)
{
    unsigned n = 0;

    for (int i = 0; i < 100; i++) {
        inject(h, RST, 5, 0, 0);
        n += drain(h);
        h->now += 5 * USEC_MS;
    }
    return n;
}

static void challenges_are_limited(struct host *h)
{
    open_active(h);
    const unsigned first = challenges(h);

    assert_true(first >= 1 && first <= 20);
    h->now += USEC_SEC;
    const unsigned second = challenges(h);

    assert_true(second >= 1 && second <= 20);
}

static void challenge_count_differs(struct host *h)
{
    const struct isn_pair isn = {h->iss, h->irs, ""};
    bool other = false;
    unsigned first = 0;

    for (uint8_t key = 0; key < 16; key++) {
        host_init(h, &isn);
        h->cfg.key[3] = key;
        open_active(h);
        const unsigned n = challenges(h);

        other = other || (key > 0 && n != first);
        first = n;
    }
    assert_true(other);
}

static void challenges_are_counted_per_connection(struct host *h)
{
    struct host *const other = malloc(sizeof *other);
    const struct isn_pair isn = {h->iss, h->irs, ""};

    assert_non_null(other);
    host_init(other, &isn);
    open_active(other);
    open_active(h);
    const unsigned alone = challenges(h);

    (void)alone;
    inject(other, RST, 5, 0, 0);
    expect(other, ACK, 1, 1, 0);
    free(other);
}

/* ---- the ACK field: TCP.md 16 to 20 */

/* Three full segments in flight: 1, 1001, 2001. */
static void three_in_flight(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 3000);
    expect(h, ACK, 1, 1, 1000);
    expect(h, ACK, 1001, 1, 1000);
    expect(h, ACK, 2001, 1, 1000);
    expect_nothing(h);
}

static void ack_moves_una(struct host *h)
{
    three_in_flight(h);
    inject(h, ACK, 1, 1001, 0);
    assert_int_equal(tcb_unacked(&h->t), 2000);
    assert_int_equal(h->event.acked, 1000);
    inject(h, ACK, 1, 3001, 0);
    assert_int_equal(tcb_unacked(&h->t), 0);
    assert_int_equal(tcb_flight(&h->t), 0);
    assert_int_equal(tcb_deadline(&h->t), USEC_NEVER);
    expect_nothing(h);
}

static void ack_inside_a_segment(struct host *h)
{
    three_in_flight(h);
    inject(h, ACK, 1, 1501, 0);
    assert_int_equal(tcb_unacked(&h->t), 1500);
    assert_int_equal(tcb_flight(&h->t), 1500);
}

static void ack_of_the_future(struct host *h)
{
    three_in_flight(h);
    inject(h, ACK, 1, 3002, 100);
    expect_drop(h, DROP_ACK_FUTURE);
    expect(h, ACK, 3001, 1, 0);
    expect_nothing(h);
    assert_int_equal(tcb_unacked(&h->t), 3000);
}

static void ack_too_old(struct host *h)
{
    open_active(h);
    inject(h, ACK, 1, 1 - (uint32_t)h->window - 1, 100);
    expect_drop(h, DROP_ACK_OLD);
    expect(h, ACK, 1, 1, 0);
    assert_int_equal(h->reason, SEND_ACK_CHALLENGE);
    expect_nothing(h);
    /* just inside: a duplicate, its text is taken */
    inject(h, ACK, 1, 1 - (uint32_t)h->window, 100);
    expect_drop(h, DROP_NOTHING);
    user_reads(h, 1, 100);
}

static void late_ack_keeps_the_window(struct host *h)
{
    open_active(h);
    h->window = 5000;
    inject(h, ACK, 101, 1, 50); /* seq 101 */
    drain(h);
    h->window = 100;
    inject(h, ACK, 1, 1, 0); /* older */
    assert_int_equal(h->t.snd_wnd, 5000);
    h->window = 7000;
    inject(h, ACK, 101, 1, 0);
    assert_int_equal(h->t.snd_wnd, 7000);
}

static void advancing_ack_brings_its_window(struct host *h)
{
    /* A retransmission of the peer's (old seq) that acknowledges more: its window counts from
     * its ACK. */
    three_in_flight(h);
    h->window = 3000;
    inject(h, ACK, 101, 1, 100);
    drain(h);
    h->window = 0;
    inject(h, ACK, 1, 3001, 100);
    drain(h);
    assert_int_equal(h->t.snd_wnd, 0);
    user_writes(h, 3001, 1000);
    expect_nothing(h);
}

static void keepalive_probe(struct host *h)
{
    open_active(h);
    inject(h, ACK, 0, 1, 0);
    assert_true(h->event.notes & NOTE_PROBE);
    expect(h, ACK, 1, 1, 0);
    inject(h, ACK, 0, 1, 1);
    assert_true(h->event.notes & NOTE_PROBE);
    expect(h, ACK, 1, 1, 0);
    expect_nothing(h);
    expect_state(h, STATE_ESTABLISHED);
    assert_int_equal(h->t.rcv_nxt, h->irs + 1);
}

static void no_ping_pong(struct host *h)
{
    /* Each of our answers provokes the same unacceptable ACK from a confused peer. */
    unsigned n = 0;

    open_active(h);
    for (int i = 0; i < 1000; i++) {
        inject(h, ACK, 0, 1, 0);
        n += drain(h);
    }
    assert_true(n >= 1 && n < 20);
}

static void small_window_does_not_deadlock(struct host *h)
{
    h->window = 300;
    open_active(h);
    user_writes(h, 1, 2000);
    /* less than a segment, but all that the peer ever offers */
    expect(h, ACK, 1, 1, 300);
    expect_nothing(h);
    inject(h, ACK, 1, 301, 0);
    expect(h, ACK, 301, 1, 300);
}

static void silly_window_waits_but_not_forever(struct host *h)
{
    open_active(h); /* the peer offered 32768 */
    h->window = 10;
    inject(h, ACK, 1, 1, 0);
    user_writes(h, 1, 2000);
    expect_nothing(h);
    const usec_t waited = run_timer(h);

    assert_true(waited >= 100 * USEC_MS && waited <= USEC_SEC);
    expect(h, ACK, 1, 1, 10);
}

static void rst_at_window_zero(struct host *h)
{
    h->cfg.rcv_limit = 1000;
    open_active(h);
    inject(h, ACK, 1, 1, 1000);
    drain(h);
    assert_int_equal(tcb_receive_window(&h->t), 0);
    h->urgent = 3;
    inject(h, ACK | URG, 1001, 1, 1);
    assert_true(h->event.notes & NOTE_URGENT);
    assert_int_equal(h->t.rcv_nxt, h->irs + 1001);
    drain(h);
    inject(h, RST, 1001, 0, 0);
    expect_end(h, END_RESET);
}

static void ack_counts_at_window_zero(struct host *h)
{
    h->cfg.rcv_limit = 1000;
    open_active(h);
    user_writes(h, 1, 100);
    expect(h, ACK, 1, 1, 100);
    inject(h, ACK, 1, 1, 1000);
    drain(h);
    inject(h, ACK, 1001, 101, 0);
    assert_int_equal(tcb_unacked(&h->t), 0);
    /* with text that has no room the ACK counts all the same */
    user_writes(h, 101, 100);
    expect(h, ACK, 101, 1001, 100);
    inject(h, ACK, 1001, 201, 50);
    assert_int_equal(tcb_unacked(&h->t), 0);
    expect(h, ACK, 201, 1001, 0);
}

static void nothing_to_ack_is_no_duplicate(struct host *h)
{
    open_active(h);
    for (int i = 0; i < 10; i++) {
        inject(h, ACK, 1, 1, 0);
    }
    assert_int_equal(h->t.dup_acks, 0);
    expect_nothing(h);
}

static void after_the_end_nothing_matters(struct host *h)
{
    open_active(h);
    inject(h, RST, 1, 0, 0);
    inject(h, ACK, 1, 1, 100);
    inject(h, SYN, 1, 0, 0);
    tcb_shutdown(&h->t, h->now);
    tcb_timeout(&h->t, h->now + USEC_SEC);
    expect_nothing(h);
    expect_end(h, END_RESET);
}

/* Random segments near the numbers that matter: nothing breaks, and the sums stay right (ASan,
 * UBSan). */
static void random_segments(struct host *h)
{
    const struct isn_pair isn = {h->iss, h->irs, ""};
    uint64_t x = h->iss + 1;

    for (int run = 0; run < 300; run++) {
        host_init(h, &isn);
        h->peer_syn.present = (uint16_t)(OPT_MSS | (run & 1 ? OPT_TIMESTAMPS : 0) |
                                         (run & 2 ? OPT_SACK_PERMITTED : 0));
        drive(h, states[(size_t)run % (sizeof states / sizeof states[0])]);
        if (h->t.state == STATE_ESTABLISHED || h->t.state == STATE_CLOSE_WAIT) {
            user_writes(h, 1, 20000);
        }
        for (int i = 0; i < 100; i++) {
            x = x * 6364136223846793005U + 1442695040888963407U;
            const uint32_t seq = h->t.rcv_nxt - h->irs + (uint32_t)(x >> 33) % 4000 - 1000;
            const uint32_t ack = h->t.snd_nxt - h->iss - (uint32_t)(x >> 40) % 9000 + 10;

            h->window = (uint16_t)(x >> 48);
            h->peer_ts += (uint32_t)(x >> 50) % 20 - 3;
            if ((x >> 21) % 3 == 0) {
                add_sack(h, ack + (uint32_t)(x >> 22) % 3000, ack + (uint32_t)(x >> 25) % 9000);
                add_sack(h, ack - 10, ack + 100);
            }
            inject(h, (unsigned)(x >> 56) & 0x3f & ~(unsigned)((x >> 20) % 16 ? RST : 0), seq, ack,
                   (uint32_t)(x >> 44) % 1500);
            drain(h);
            h->now += (usec_t)(x >> 30) % (300 * USEC_MS);
            tcb_timeout(&h->t, h->now);
            drain(h);
            assert_true(h->t.end != END_NONE || tcb_deadline(&h->t) > h->now);
            assert_true((int32_t)(h->t.snd_nxt - h->t.snd_una) >= 0);
            assert_true(h->t.sent.flight <= h->t.snd_nxt - h->t.snd_una);
        }
    }
}

static const struct tcb_test tests[] = {
    {"TCP.md 21, RFC5961-RST: RST at RCV.NXT resets", rst_exact},
    {"TCP.md 21, RFC5961-RST: RST elsewhere in the window is challenged", rst_inside},
    {"TCP.md 21, RFC5961-RST: RST outside the window is silently dropped", rst_outside},
    {"TCP.md 21, RFC5961-SYN: SYN in a synchronized state is challenged only", syn_challenged},
    {"TCP.md 22, RFC5961-LIMIT: challenges are limited in each second", challenges_are_limited},
    {"TCP.md 22, RFC5961-LIMIT: to a number that nobody can know", challenge_count_differs},
    {"TCP.md 22, RFC5961-LIMIT: for each connection by itself",
     challenges_are_counted_per_connection},
    {"an ACK moves SND.UNA", ack_moves_una},
    {"an ACK inside a segment acknowledges part of it", ack_inside_a_segment},
    {"TCP.md 18, RFC5961-ACK: an ACK above SND.NXT is answered and dropped", ack_of_the_future},
    {"TCP.md 18, MAY-12, RFC5961-ACK: an ACK below SND.UNA - MAX.SND.WND is challenged",
     ack_too_old},
    {"TCP.md 16: a late ACK does not change the window", late_ack_keeps_the_window},
    {"TCP.md 16: an old text with a new ACK brings its window with it",
     advancing_ack_brings_its_window},
    {"TCP.md 19: a keepalive probe, with or without a byte, is answered", keepalive_probe},
    {"TCP.md 19: no ping-pong of ACKs", no_ping_pong},
    {"TCP.md 20: a window smaller than a segment does not deadlock",
     small_window_does_not_deadlock},
    {"MUST-38 RFC813-SWS: a silly window waits, but not forever",
     silly_window_waits_but_not_forever},
    {"MUST-66: RST and URG are handled at window zero", rst_at_window_zero},
    {"MUST-66: and the ACK field", ack_counts_at_window_zero},
    {"RFC5681-DUPACK: without data in flight no ACK is a duplicate",
     nothing_to_ack_is_no_duplicate},
    {"a closed tcb takes and sends nothing", after_the_end_nothing_matters},
    {"random segments near the right numbers do no damage", random_segments},
};

int main(void)
{
    return host_main("acceptance", tests, sizeof tests / sizeof tests[0]);
}
