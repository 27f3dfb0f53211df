/*
 * Explicit congestion notification, RFC 3168: agreeing on it, what is marked ECT, the echo, and one
 * reduction for a window. One tcb against a script.
 */
#include "tcb_host.h"

#define ECE SEG_ECE
#define CWR SEG_CWR

/* ---- helpers */

static void ask(struct host *h)
{
    h->cfg.ecn = ECN_USE_ON;
    h->peer_syn.present |= OPT_SACK_PERMITTED;
}

/* ECN agreed, we opened. */
static void open_with_ecn(struct host *h)
{
    ask(h);
    tcb_open_active(&h->t, &h->cfg, h->now);
    expect(h, SYN | ECE | CWR, 0, ANY, 0);
    h->now += 10 * USEC_MS;
    inject(h, SYN | ACK | ECE, 0, 1, 0);
    expect(h, ACK, 1, 1, 0);
    assert_int_equal(h->last.ecn, ECN_NOT_ECT);
    expect_nothing(h);
}

/* A segment with payload as a router may have marked it. */
static void inject_marked(struct host *h, enum ecn mark, unsigned flags, uint32_t seq, uint32_t len)
{
    static uint8_t buf[4096];
    struct segment s = host_segment(h, flags, seq, 1);

    for (uint32_t i = 0; i < len; i++)
        buf[i] = peer_byte(seq + i);
    s.data[0] = (struct slice){buf, len};
    s.len = len;
    s.ecn = (uint8_t)mark;
    memset(&h->event, 0, sizeof h->event);
    tcb_segment(&h->t, &s, h->now);
}

static void syn_of_peer(struct host *h, unsigned flags)
{
    const struct segment syn = host_segment(h, flags, 0, 0);

    tcb_open_passive(&h->t, &h->cfg, &syn, h->now);
}

/* Data of ours goes out: is it ECT? */
static bool data_is_ect(struct host *h, uint32_t seq)
{
    user_writes(h, seq, 10);
    expect(h, ACK, seq, ANY, 10);
    return h->last.ecn == ECN_ECT0;
}

/* ---- agreeing */

static void we_ask_and_the_peer_agrees(struct host *h)
{
    open_with_ecn(h);
    assert_true(data_is_ect(h, 1));
}

static void we_ask_and_the_peer_does_not_know(struct host *h)
{
    ask(h);
    tcb_open_active(&h->t, &h->cfg, h->now);
    expect(h, SYN | ECE | CWR, 0, ANY, 0);
    inject(h, SYN | ACK, 0, 1, 0);
    expect(h, ACK, 1, 1, 0);
    assert_false(data_is_ect(h, 1));
}

static void a_reflected_syn_is_no_agreement(struct host *h)
{
    ask(h);
    tcb_open_active(&h->t, &h->cfg, h->now);
    expect(h, SYN | ECE | CWR, 0, ANY, 0);
    inject(h, SYN | ACK | ECE | CWR, 0, 1, 0);
    expect(h, ACK, 1, 1, 0);
    assert_false(data_is_ect(h, 1));
}

static void we_do_not_ask_unless_told(struct host *h)
{
    tcb_open_active(&h->t, &h->cfg, h->now);
    expect(h, SYN, 0, ANY, 0);
    inject(h, SYN | ACK | ECE, 0, 1, 0); /* nobody asked */
    expect(h, ACK, 1, 1, 0);
    assert_false(data_is_ect(h, 1));
}

static void the_peer_asks_and_we_agree(struct host *h)
{
    syn_of_peer(h, SYN | ECE | CWR);
    expect(h, SYN | ACK | ECE, 0, 1, 0);
    assert_int_equal(h->last.ecn, ECN_NOT_ECT);
    inject(h, ACK, 1, 1, 0);
    assert_true(data_is_ect(h, 1));
}

static void half_a_question_is_none(struct host *h)
{
    syn_of_peer(h, SYN | ECE);
    expect(h, SYN | ACK, 0, 1, 0);
    inject(h, ACK, 1, 1, 0);
    assert_false(data_is_ect(h, 1));
}

static void switched_off_we_refuse(struct host *h)
{
    h->cfg.ecn = ECN_USE_OFF;
    syn_of_peer(h, SYN | ECE | CWR);
    expect(h, SYN | ACK, 0, 1, 0);
    inject(h, ACK, 1, 1, 0);
    assert_false(data_is_ect(h, 1));
    inject_marked(h, ECN_CE, ACK, 1, 100);
    expect(h, ACK, 11, 101, 0);
}

static void a_repeated_syn_does_without(struct host *h)
{
    ask(h);
    tcb_open_active(&h->t, &h->cfg, h->now);
    expect(h, SYN | ECE | CWR, 0, ANY, 0);
    expect_nothing(h);
    run_timer(h);
    expect(h, SYN, 0, ANY, 0);
    expect_nothing(h);
    run_timer(h);
    expect(h, SYN, 0, ANY, 0);
    /* The answer to the first: a SYN without ECN has gone out, so nothing is ECT (6.1.1), but the
     * peer may send so and gets its echo. */
    inject(h, SYN | ACK | ECE, 0, 1, 0);
    expect(h, ACK, 1, 1, 0);
    assert_false(data_is_ect(h, 1));
    inject_marked(h, ECN_CE, ACK, 1, 100);
    expect(h, ACK | ECE, 11, 101, 0);
}

static void the_peers_repeated_syn_does_without(struct host *h)
{
    syn_of_peer(h, SYN | ECE | CWR);
    expect(h, SYN | ACK | ECE, 0, 1, 0);
    expect_nothing(h);
    inject(h, SYN, 0, 0, 0);
    expect(h, SYN | ACK, 0, 1, 0);
    inject(h, ACK, 1, 1, 0);
    assert_false(data_is_ect(h, 1));
}

static void both_ask_at_once(struct host *h)
{
    ask(h);
    tcb_open_active(&h->t, &h->cfg, h->now);
    expect(h, SYN | ECE | CWR, 0, ANY, 0);
    inject(h, SYN | ECE | CWR, 0, 0, 0);
    expect(h, SYN | ACK | ECE, 0, 1, 0);
    inject(h, SYN | ACK | ECE, 0, 1, 0);
    expect_state(h, STATE_ESTABLISHED);
    drain(h);
    assert_true(data_is_ect(h, 1));
}

static void crossing_syns_and_only_the_peer_asks(struct host *h)
{
    tcb_open_active(&h->t, &h->cfg, h->now);
    expect(h, SYN, 0, ANY, 0);
    inject(h, SYN | ECE | CWR, 0, 0, 0);
    expect(h, SYN | ACK, 0, 1, 0);
    inject(h, SYN | ACK, 0, 1, 0);
    drain(h);
    assert_false(data_is_ect(h, 1));
}

/* ---- what is ECT */

static void pure_acks_and_fin_are_not_ect(struct host *h)
{
    open_with_ecn(h);
    inject_marked(h, ECN_ECT0, ACK, 1, 100);
    expect(h, ACK, 1, 101, 0);
    assert_int_equal(h->last.ecn, ECN_NOT_ECT);
    close_now(h, 1);
    assert_int_equal(h->last.ecn, ECN_NOT_ECT);
}

static void retransmissions_are_not_ect(struct host *h)
{
    open_with_ecn(h);
    assert_true(data_is_ect(h, 1));
    expect_nothing(h);
    for (int i = 0; i < 3; i++) { /* tail loss probe, then timeouts */
        run_timer(h);
        expect(h, ACK, 1, 1, 10);
        assert_int_equal(h->last.ecn, ECN_NOT_ECT);
        expect_nothing(h);
    }
}

static void window_probes_are_not_ect(struct host *h)
{
    open_with_ecn(h);
    h->window = 0;
    inject(h, ACK, 1, 1, 0);
    user_writes(h, 1, 10);
    expect_nothing(h);
    run_timer(h);
    expect(h, ACK, 1, 1, 1);
    assert_int_equal(h->reason, SEND_WINDOW_PROBE);
    assert_int_equal(h->last.ecn, ECN_NOT_ECT);
}

/* ---- the echo */

static void a_mark_is_echoed_until_cwr(struct host *h)
{
    open_with_ecn(h);
    inject_marked(h, ECN_CE, ACK, 1, 100);
    assert_true(h->event.notes & NOTE_CE);
    expect(h, ACK | ECE, 1, 101, 0);
    inject_marked(h, ECN_ECT0, ACK, 101, 100);
    expect(h, ACK | ECE, 1, 201, 0);
    /* on data of ours too */
    user_writes(h, 1, 10);
    expect(h, ACK | ECE, 1, 201, 10);
    inject_marked(h, ECN_ECT0, ACK | CWR, 201, 100);
    expect(h, ACK, 1 + 10, 301, 0);
    /* a mark on the very segment that says CWR is a new one */
    inject_marked(h, ECN_CE, ACK | CWR, 301, 100);
    expect(h, ACK | ECE, 11, 401, 0);
    assert_int_equal(h->t.stats.ce_marks, 2);
}

static void a_reset_echoes_nothing(struct host *h)
{
    open_with_ecn(h);
    inject_marked(h, ECN_CE, ACK, 1, 100);
    expect(h, ACK | ECE, 1, 101, 0);
    tcb_abort(&h->t, h->now);
    expect(h, RST | ACK, 1, 101, 0);
}

static void the_echo_does_not_wait_for_a_delayed_ack(struct host *h)
{
    open_with_ecn(h);
    uint32_t at = 1;

    for (; h->t.quick_acks > 0; at += 100)
        inject_marked(h, ECN_ECT0, ACK, at, 100), drain(h);
    inject_marked(h, ECN_ECT0, ACK, at, 100);
    expect_nothing(h);
    run_timer(h);
    expect(h, ACK, 1, at + 100, 0);
    inject_marked(h, ECN_CE, ACK, at + 100, 100);
    expect(h, ACK | ECE, 1, at + 200, 0);
}

static void a_mark_outside_the_window_says_nothing(struct host *h)
{
    open_with_ecn(h);
    inject_marked(h, ECN_CE, ACK, (uint32_t)-100, 50);
    expect(h, ACK, 1, 1, 0);
    inject_marked(h, ECN_CE, ACK, 60000, 100);
    expect(h, ACK, 1, 1, 0);
    assert_int_equal(h->t.stats.ce_marks, 0);
}

static void a_mark_on_a_probe_of_our_full_window_says_nothing(struct host *h)
{
    open_with_ecn(h);
    uint32_t at = 1;

    while (tcb_receive_window(&h->t) > 0) {
        const uint32_t w = tcb_receive_window(&h->t);
        const uint32_t n = w < 1000 ? w : 1000;

        inject_marked(h, ECN_ECT0, ACK, at, n);
        at += n;
        drain(h);
    }
    inject_marked(h, ECN_CE, ACK, at, 1);
    expect(h, ACK, 1, at, 0);
    assert_int_equal(h->t.stats.ce_marks, 0);
}

static void without_agreement_marks_mean_nothing(struct host *h)
{
    open_active(h);
    inject_marked(h, ECN_CE, ACK, 1, 100);
    expect(h, ACK, 1, 101, 0);
    user_writes(h, 1, 5000);
    drain(h);
    const uint32_t cwnd = h->t.cc.cwnd;

    inject(h, ACK | ECE, 101, 1001, 0);
    assert_true(h->t.cc.cwnd >= cwnd);
}

/* ---- the reaction */

#define FULL 1000

static void an_echo_slows_down_once_for_a_window(struct host *h)
{
    open_with_ecn(h);
    user_writes(h, 1, 20 * FULL);
    assert_int_equal(drain(h), 10);
    const uint32_t cwnd = h->t.cc.cwnd;

    h->now += 10 * USEC_MS;
    inject(h, ACK | ECE, 1, 1 + FULL, 0);
    assert_true(h->event.notes & NOTE_ECN_ECHO);
    const uint32_t cut = h->t.cc.cwnd;

    assert_in_range(cut, cwnd / 2, cwnd * 3 / 4);
    assert_int_equal(h->t.cc.ssthresh, cut);
    expect_nothing(h); /* and nothing is sent again */
    assert_int_equal(h->t.sent.lost, 0);
    /* more of the same window: once is enough, and it opens no window either */
    for (uint32_t i = 2; i <= 10; i++) {
        inject(h, ACK | ECE, 1, 1 + i * FULL, 0);
        assert_int_equal(h->t.cc.cwnd, cut);
        drain(h);
    }
    assert_int_equal(h->t.stats.ecn_cuts, 1);
    assert_int_equal(h->t.stats.retransmits, 0);
    /* what was sent behind the cut is a new window */
    inject(h, ACK | ECE, 1, 1 + 11 * FULL, 0);
    assert_int_equal(h->t.stats.ecn_cuts, 2);
    assert_true(h->t.cc.cwnd < cut);
}

static void the_first_new_segment_carries_cwr(struct host *h)
{
    h->cfg.gso_max = 8000; /* and in a chunk of many it would stand on each */
    open_with_ecn(h);
    user_writes(h, 1, 30 * FULL);
    drain(h);
    inject(h, ACK | ECE, 1, 1 + 8 * FULL, 0);
    expect(h, ACK | CWR, 1 + 10 * FULL, 1, FULL);
    assert_int_equal(h->last.ecn, ECN_ECT0);
    expect(h, ACK, 1 + 11 * FULL, 1, ANY);
    assert_int_equal(h->last.ecn, ECN_ECT0);
}

static void cwr_is_not_for_a_retransmission(struct host *h)
{
    open_with_ecn(h);
    user_writes(h, 1, 15 * FULL);
    drain(h);
    h->now += 10 * USEC_MS;
    add_sack(h, 1 + 1 * FULL, 1 + 10 * FULL);
    inject(h, ACK, 1, 1, 0); /* the first is lost: a cut as well */
    assert_true(h->t.recovering);
    expect(h, ACK, 1, 1, FULL);
    assert_int_equal(h->last.ecn, ECN_NOT_ECT);
    while (take(h) && h->last.seq - h->iss < 1 + 10 * FULL)
        assert_false(h->last.flags & CWR);
    assert_int_equal(h->last.seq - h->iss, 1 + 10 * FULL);
    assert_true(h->last.flags & CWR);
}

static void a_timeout_is_told_by_cwr_too(struct host *h)
{
    open_with_ecn(h);
    user_writes(h, 1, FULL);
    drain(h);
    while (h->t.stats.rto_count == 0) {
        run_timer(h);
        drain(h);
    }
    user_writes(h, 1 + FULL, FULL);
    inject(h, ACK, 1, 1 + FULL, 0);
    expect(h, ACK | CWR, 1 + FULL, 1, FULL);
}

static void a_loss_in_a_window_that_is_cut_cuts_no_more(struct host *h)
{
    open_with_ecn(h);
    user_writes(h, 1, 20 * FULL);
    drain(h);
    h->now += 10 * USEC_MS;
    inject(h, ACK | ECE, 1, 1 + FULL, 0);
    const uint32_t cut = h->t.cc.ssthresh;

    h->now += USEC_MS;
    add_sack(h, 1 + 2 * FULL, 1 + 6 * FULL);
    inject(h, ACK | ECE, 1, 1 + FULL, 0);
    assert_true(h->t.recovering);
    assert_int_equal(h->t.cc.ssthresh, cut);
    expect(h, ACK, 1 + FULL, 1, FULL);
}

static void an_echo_during_recovery_cuts_no_more(struct host *h)
{
    open_with_ecn(h);
    user_writes(h, 1, 20 * FULL);
    drain(h);
    h->now += 10 * USEC_MS;
    add_sack(h, 1 + 1 * FULL, 1 + 5 * FULL);
    inject(h, ACK, 1, 1, 0);
    assert_true(h->t.recovering);
    const uint32_t target = h->t.cc.ssthresh;

    drain(h);
    add_sack(h, 1 + 1 * FULL, 1 + 6 * FULL);
    inject(h, ACK | ECE, 1, 1, 0);
    assert_int_equal(h->t.cc.ssthresh, target);
    assert_int_equal(h->t.stats.ecn_cuts, 0);
}

static void an_echo_with_nothing_in_flight_cuts_nothing(struct host *h)
{
    open_with_ecn(h);
    const uint32_t cwnd = h->t.cc.cwnd;

    inject(h, ACK | ECE, 1, 1, 0);
    assert_int_equal(h->t.cc.cwnd, cwnd);
    assert_int_equal(h->t.stats.ecn_cuts, 0);
}

static const struct tcb_test tests[] = {
    {"SHLD-8 RFC3168-NEGOTIATE: we ask, the peer agrees, data is ECT", we_ask_and_the_peer_agrees},
    {"RFC3168-NEGOTIATE: a SYN,ACK without ECE refuses", we_ask_and_the_peer_does_not_know},
    {"RFC3168-NEGOTIATE: a SYN,ACK that reflects ECE and CWR refuses",
     a_reflected_syn_is_no_agreement},
    {"RFC3168-NEGOTIATE: by default the first SYN does not ask", we_do_not_ask_unless_told},
    {"SHLD-8 RFC3168-NEGOTIATE: the peer asks, we agree", the_peer_asks_and_we_agree},
    {"RFC3168-NEGOTIATE: ECE alone on a SYN asks nothing", half_a_question_is_none},
    {"RFC3168-NEGOTIATE: off: refused, and marks are not echoed", switched_off_we_refuse},
    {"RFC3168-FALLBACK: a SYN that is repeated does not ask", a_repeated_syn_does_without},
    {"RFC3168-FALLBACK: a peer that repeats its SYN without gets none",
     the_peers_repeated_syn_does_without},
    {"RFC3168-NEGOTIATE: both ask at once", both_ask_at_once},
    {"RFC3168-NEGOTIATE: SYNs cross and ours did not ask: none",
     crossing_syns_and_only_the_peer_asks},
    {"RFC3168-ECT: pure ACKs and FIN are not ECT", pure_acks_and_fin_are_not_ect},
    {"RFC3168-ECT: retransmissions are not ECT", retransmissions_are_not_ect},
    {"RFC3168-ECT: window probes are not ECT", window_probes_are_not_ect},
    {"RFC3168-ECHO: a mark is echoed until CWR", a_mark_is_echoed_until_cwr},
    {"RFC3168-ECHO: a RST carries no echo", a_reset_echoes_nothing},
    {"RFC3168-ECHO: the echo is not delayed", the_echo_does_not_wait_for_a_delayed_ack},
    {"RFC3168-ECHO: a mark outside the window says nothing",
     a_mark_outside_the_window_says_nothing},
    {"RFC3168-ECHO: a mark on a probe of a full window says nothing",
     a_mark_on_a_probe_of_our_full_window_says_nothing},
    {"RFC3168-ECN: without agreement marks and echoes mean nothing",
     without_agreement_marks_mean_nothing},
    {"RFC3168-REACT: an echo slows us down once for a window, nothing is sent again",
     an_echo_slows_down_once_for_a_window},
    {"RFC3168-REACT: the first new segment, and one only, carries CWR",
     the_first_new_segment_carries_cwr},
    {"RFC3168-REACT: CWR after a loss, not on its retransmission", cwr_is_not_for_a_retransmission},
    {"RFC3168-REACT: CWR after a timeout", a_timeout_is_told_by_cwr_too},
    {"RFC3168-REACT: a loss in a window that is cut cuts no more",
     a_loss_in_a_window_that_is_cut_cuts_no_more},
    {"RFC3168-REACT: an echo during a recovery cuts no more", an_echo_during_recovery_cuts_no_more},
    {"RFC3168-REACT: an echo with nothing in flight cuts nothing",
     an_echo_with_nothing_in_flight_cuts_nothing},
};

int main(void)
{
    return host_main("ecn", tests, sizeof tests / sizeof tests[0]);
}
