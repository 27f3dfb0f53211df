/*
 * Moving data: reassembly, SACK, when to acknowledge, what to send and when, loss and its timers,
 * windows. One tcb against a script.
 */
#include "tcb_host.h"

/* ---- reassembly: TCP.md 24, 25 */

static void out_of_order_is_kept(struct host *h)
{
    open_active(h);
    inject(h, ACK, 1001, 1, 1000);
    assert_true(h->event.notes & NOTE_OUT_OF_ORDER);
    assert_int_equal(h->event.hole_left, h->irs + 1);
    assert_int_equal(h->event.hole_right, h->irs + 1001);
    expect(h, ACK, 1, 1, 0);
    assert_int_equal(h->reason, SEND_ACK_DUPLICATE);
    inject(h, ACK, 1, 1, 1000);
    assert_true(h->event.notes & NOTE_FILLS_HOLE);
    expect(h, ACK, 1, 2001, 0);
    assert_int_equal(h->reason, SEND_ACK_FILLED);
    expect_nothing(h);
    user_reads(h, 1, 2000);
}

static void every_other_byte(struct host *h)
{
    uint32_t kept = 0;

    open_active(h);
    for (uint32_t i = 0; i < 400; i++) {
        inject(h, ACK, 3 + 2 * i, 1, 1);
        kept += !(h->event.notes & NOTE_NO_ROOM);
        drain(h);
    }
    assert_int_equal(kept, HOLES);
    assert_int_equal(h->t.ooo.count, HOLES);
    /* the next expected segment is always taken, and what touches an interval too */
    inject(h, ACK, 1, 1, 2);
    expect(h, ACK, 1, 4, 0);
    inject(h, ACK, 4, 1, 1);
    expect(h, ACK, 1, 6, 0);
    inject(h, ACK, 6, 1, 800);
    expect(h, ACK, 1, 806, 0);
    assert_int_equal(h->t.ooo.count, 0);
    user_reads(h, 1, 805);
}

static void overlap_one_rule(struct host *h)
{
    static const uint8_t other[100] = {0};

    open_active(h);
    /* in order and delivered: nothing that comes later changes it */
    inject(h, ACK, 1, 1, 100);
    drain(h);
    inject_bytes(h, ACK, 51, 1, other, 50);
    drain(h);
    user_reads(h, 1, 100);
    /* and what overlaps it brings only its new part */
    inject(h, ACK, 51, 1, 150);
    assert_true(h->event.notes & NOTE_OVERLAP);
    drain(h);
    user_reads(h, 101, 100);
}

static void overlap_that_differs(struct host *h)
{
    struct slice got[2];

    open_active(h);
    inject_bytes(h, ACK, 3, 1, "first", 5);
    inject_bytes(h, ACK, 4, 1, "XYZ", 3);  /* nothing new, */
    inject_bytes(h, ACK, 6, 1, "qrst", 4); /* some of it new, */
    drain(h);
    inject_bytes(h, ACK, 1, 1, "abc", 3); /* and in order */
    drain(h);
    assert_int_equal(tcb_peek(&h->t, got), 9);
    assert_memory_equal(got[0].data, "abcXYqrst", 9);
}

static void overlap_out_of_order(struct host *h)
{
    open_active(h);
    inject(h, ACK, 101, 1, 100);
    inject(h, ACK, 151, 1, 100);
    inject(h, ACK, 51, 1, 300);
    inject(h, ACK, 121, 1, 10);
    assert_int_equal(h->t.ooo.count, 1);
    inject(h, ACK, 1, 1, 60);
    drain(h);
    user_reads(h, 1, 350);
}

static void beyond_the_window_is_cut(struct host *h)
{
    h->cfg.rcv_limit = 2000;
    open_active(h);
    inject(h, ACK | FIN, 1, 1, 3000);
    expect(h, ACK, 1, 2001, 0);
    expect_state(h, STATE_ESTABLISHED);
    user_reads(h, 1, 2000);
    assert_false(tcb_peer_closed(&h->t));
}

static void fin_out_of_order(struct host *h)
{
    open_active(h);
    inject(h, ACK | FIN, 501, 1, 100);
    expect_state(h, STATE_ESTABLISHED);
    expect(h, ACK, 1, 1, 0);
    inject(h, ACK, 1, 1, 400);
    expect(h, ACK, 1, 401, 0);
    expect_state(h, STATE_ESTABLISHED);
    inject(h, ACK, 401, 1, 100);
    expect(h, ACK, 1, 602, 0);
    expect_nothing(h);
    expect_state(h, STATE_CLOSE_WAIT);
    user_reads(h, 1, 600);
}

static void bare_fin_out_of_order(struct host *h)
{
    open_active(h);
    inject(h, ACK | FIN, 101, 1, 0);
    expect(h, ACK, 1, 1, 0);
    inject(h, ACK, 1, 1, 100);
    expect(h, ACK, 1, 102, 0);
    expect_state(h, STATE_CLOSE_WAIT);
    user_reads(h, 1, 100);
}

static void data_behind_a_fin(struct host *h)
{
    open_active(h);
    inject(h, ACK | FIN, 101, 1, 0);
    drain(h);
    inject(h, ACK, 51, 1, 200); /* contradicts the FIN: cut there */
    drain(h);
    inject(h, ACK, 1, 1, 50);
    drain(h);
    expect_state(h, STATE_CLOSE_WAIT);
    user_reads(h, 1, 100);
    assert_int_equal(h->t.rcv_nxt, h->irs + 102);
    inject(h, ACK, 102, 1, 100);
    drain(h);
    assert_int_equal(h->t.rcv_nxt, h->irs + 102);
}

static void second_fin_elsewhere(struct host *h)
{
    open_active(h);
    inject(h, ACK | FIN, 201, 1, 0);
    drain(h);
    inject(h, ACK | FIN, 1, 1, 50); /* another place: the first one counts */
    drain(h);
    expect_state(h, STATE_ESTABLISHED);
    inject(h, ACK, 51, 1, 150);
    expect(h, ACK, 1, 202, 0);
    expect_state(h, STATE_CLOSE_WAIT);
    user_reads(h, 1, 200);
}

static void fin_before_kept_data(struct host *h)
{
    open_active(h);
    inject(h, ACK, 201, 1, 100);
    drain(h);
    inject(h, ACK | FIN, 101, 1, 0); /* contradicts what is there: not believed */
    drain(h);
    inject(h, ACK, 1, 1, 200);
    drain(h);
    expect_state(h, STATE_ESTABLISHED);
    user_reads(h, 1, 300);
}

static void big_segments(struct host *h)
{
    /* TCP.md 7: an offload has put many segments together. */
    h->cfg.rcv_limit = RING;
    open_active(h);
    inject(h, ACK, 1, 1, 32000);
    expect(h, ACK, 1, 32001, 0);
    user_reads(h, 1, 32000);
}

/* ---- SACK, the receiver's half */

static void with_sack(struct host *h)
{
    h->peer_syn.present = OPT_MSS | OPT_SACK_PERMITTED;
    open_active(h);
}

static void expect_block(struct host *h, int i, uint32_t left, uint32_t right)
{
    assert_true(h->last.opt.present & OPT_SACK);
    assert_true(h->last.opt.sack_count > i);
    assert_int_equal(h->last.opt.sack[i].left - h->irs, left);
    assert_int_equal(h->last.opt.sack[i].right - h->irs, right);
}

static void sack_most_recent_first(struct host *h)
{
    with_sack(h);
    inject(h, ACK, 101, 1, 50);
    expect(h, ACK, 1, 1, 0);
    expect_block(h, 0, 101, 151);
    inject(h, ACK, 301, 1, 50);
    expect(h, ACK, 1, 1, 0);
    expect_block(h, 0, 301, 351);
    expect_block(h, 1, 101, 151);
    inject(h, ACK, 151, 1, 50);
    expect(h, ACK, 1, 1, 0);
    expect_block(h, 0, 101, 201);
    expect_block(h, 1, 301, 351);
    assert_int_equal(h->last.opt.sack_count, 2);
}

static void sack_at_most_four(struct host *h)
{
    with_sack(h);
    for (uint32_t i = 0; i < 6; i++) {
        inject(h, ACK, 101 + 100 * i, 1, 50);
        expect(h, ACK, 1, 1, 0);
    }
    assert_int_equal(h->last.opt.sack_count, 4);
    expect_block(h, 0, 601, 651);
    expect_block(h, 3, 301, 351);
}

static void sack_three_with_timestamps(struct host *h)
{
    h->peer_syn.present = OPT_MSS | OPT_SACK_PERMITTED | OPT_TIMESTAMPS;
    open_active(h);
    for (uint32_t i = 0; i < 6; i++) {
        inject(h, ACK, 101 + 100 * i, 1, 50);
        expect(h, ACK, 1, 1, 0);
    }
    assert_int_equal(h->last.opt.sack_count, 3);
}

static void dsack_of_old_data(struct host *h)
{
    with_sack(h);
    inject(h, ACK, 1, 1, 100);
    drain(h);
    inject(h, ACK, 1, 1, 100);
    assert_true(h->event.notes & NOTE_DUPLICATE_DATA);
    expect(h, ACK, 1, 101, 0);
    expect_block(h, 0, 1, 101);
    /* once only */
    inject(h, ACK, 201, 1, 10);
    expect(h, ACK, 1, 101, 0);
    expect_block(h, 0, 201, 211);
    assert_int_equal(h->last.opt.sack_count, 1);
}

static void dsack_of_kept_data(struct host *h)
{
    with_sack(h);
    inject(h, ACK, 201, 1, 100);
    drain(h);
    inject(h, ACK, 201, 1, 100);
    expect(h, ACK, 1, 1, 0);
    expect_block(h, 0, 201, 301);
    expect_block(h, 1, 201, 301);
}

static void no_sack_where_not_permitted(struct host *h)
{
    open_active(h);
    inject(h, ACK, 101, 1, 50);
    expect(h, ACK, 1, 1, 0);
    assert_int_equal(h->last.opt.present & OPT_SACK, 0);
}

/* ---- when to acknowledge */

/* The quick ACKs of the beginning are over: n bytes have been received. */
static uint32_t past_quick_acks(struct host *h)
{
    uint32_t at = 1;

    for (int i = 0; i < 40; i++, at += PEER_MSS) {
        inject(h, ACK, at, 1, PEER_MSS);
        drain(h);
        tcb_consume(&h->t, PEER_MSS);
        drain(h);
    }
    pass(h, USEC_SEC);
    drain(h);
    return at;
}

static void ack_each_second_segment(struct host *h)
{
    open_active(h);
    const uint32_t at = past_quick_acks(h);

    inject(h, ACK, at, 1, PEER_MSS);
    expect_nothing(h);
    inject(h, ACK, at + 1000, 1, PEER_MSS);
    expect(h, ACK, 1, at + 2000, 0);
    assert_int_equal(h->reason, SEND_ACK_EVERY_OTHER);
    expect_nothing(h);
}

/* A peer that has come to know of a narrower path: its full segments are smaller from now on. */
static void ack_each_second_smaller_segment(struct host *h)
{
    open_active(h);
    const uint32_t at = past_quick_acks(h);

    inject(h, ACK, at, 1, 600);
    expect_nothing(h);
    inject(h, ACK, at + 600, 1, 600);
    expect(h, ACK, 1, at + 1200, 0);
    assert_int_equal(h->reason, SEND_ACK_EVERY_OTHER);
    /* what was pushed is the end of a writing, and may be small */
    inject(h, ACK | PSH, at + 1200, 1, 300);
    inject(h, ACK | PSH, at + 1500, 1, 300);
    expect_nothing(h);
}

static void ack_is_delayed(struct host *h)
{
    open_active(h);
    const uint32_t at = past_quick_acks(h);

    inject(h, ACK | PSH, at, 1, 100);
    expect_nothing(h);
    assert_true(run_timer(h) <= 500 * USEC_MS);
    expect(h, ACK, 1, at + 100, 0);
    assert_int_equal(h->reason, SEND_ACK_DELAYED);
    expect_nothing(h);
    assert_int_equal(tcb_deadline(&h->t), USEC_NEVER);
}

static void ack_rides_on_data(struct host *h)
{
    open_active(h);
    const uint32_t at = past_quick_acks(h);

    inject(h, ACK | PSH, at, 1, 100);
    user_writes(h, 1, 10);
    expect(h, ACK, 1, at + 100, 10);
    expect_nothing(h);
}

static void several_segments_one_ack(struct host *h)
{
    open_active(h);
    for (uint32_t i = 0; i < 8; i++) {
        inject(h, ACK, 1 + 1000 * i, 1, 1000);
    }
    expect(h, ACK, 1, 8001, 0);
    expect_nothing(h);
}

static void no_delay_by_option(struct host *h)
{
    h->cfg.no_delack = true;
    open_active(h);
    const uint32_t at = past_quick_acks(h);

    inject(h, ACK, at, 1, 100);
    expect(h, ACK, 1, at + 100, 0);
}

static void ack_of_an_ack_is_none(struct host *h)
{
    open_active(h);
    for (int i = 0; i < 5; i++) {
        inject(h, ACK, 1, 1, 0);
        expect_nothing(h);
    }
}

/* ---- the receiver's window */

static void window_closes_and_opens(struct host *h)
{
    h->cfg.rcv_limit = 4000;
    open_active(h);
    for (uint32_t i = 0; i < 4; i++) {
        inject(h, ACK, 1 + 1000 * i, 1, 1000);
        drain(h);
    }
    assert_int_equal(h->last.window, 0);
    /* one byte of room is no reason to say so */
    tcb_consume(&h->t, 1);
    expect_nothing(h);
    tcb_consume(&h->t, 1999);
    expect(h, ACK, 1, 4001, 0);
    assert_int_equal(h->reason, SEND_WINDOW_UPDATE);
    assert_int_equal(h->last.window, 2000);
    expect_nothing(h);
}

static void silly_window_is_not_announced(struct host *h)
{
    h->cfg.rcv_limit = 4000;
    open_active(h);
    for (uint32_t i = 0; i < 4; i++) {
        inject(h, ACK, 1 + 1000 * i, 1, 1000);
        drain(h);
    }
    tcb_consume(&h->t, 300);
    inject(h, ACK, 4000, 1, 1); /* a probe */
    expect(h, ACK, 1, 4001, 0);
    assert_int_equal(h->last.window, 0);
}

static void probe_into_zero_window(struct host *h)
{
    h->cfg.rcv_limit = 1000;
    open_active(h);
    inject(h, ACK, 1, 1, 1000);
    drain(h);
    assert_int_equal(h->last.window, 0);
    for (int i = 0; i < 3; i++) {
        inject(h, ACK, 1001, 1, 1); /* no room: answered, not taken */
        expect(h, ACK, 1, 1001, 0);
        assert_int_equal(h->last.window, 0);
        expect_nothing(h);
    }
    user_reads(h, 1, 1000);
    expect(h, ACK, 1, 1001, 0);
    inject(h, ACK, 1001, 1, 1);
    expect(h, ACK, 1, 1002, 0);
    user_reads(h, 1001, 1);
}

static void edge_never_moves_back(struct host *h)
{
    uint32_t edge = 0;

    h->peer_syn.present = OPT_MSS | OPT_WSCALE;
    h->cfg.rcv_limit = RING;
    h->cfg.rcv_size = RING;
    open_active(h);
    for (uint32_t at = 1, i = 0; i < 400; i++) {
        const uint32_t n = 1 + i * 37 % 900;

        if (tcb_receive_window(&h->t) < n) {
            struct slice piece[2];

            tcb_consume(&h->t, tcb_peek(&h->t, piece) / 2);
        }
        if (tcb_receive_window(&h->t) >= n) {
            inject(h, ACK, at, 1, n);
            at += n;
        }
        while (take(h)) {
            const uint32_t e = h->last.ack - h->irs + ((uint32_t)h->last.window << h->t.rcv_wscale);

            assert_true(e + (1U << h->t.rcv_wscale) > edge);
            edge = e > edge ? e : edge;
        }
    }
}

/* ---- sending */

static void nagle(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 10);
    expect(h, ACK, 1, 1, 10);
    user_writes(h, 11, 10);
    expect_nothing(h);
    user_writes(h, 21, 10);
    expect_nothing(h);
    inject(h, ACK, 1, 11, 0);
    expect(h, ACK, 11, 1, 20);
    /* a full segment does not wait */
    user_writes(h, 31, 1500);
    expect(h, ACK, 31, 1, 1000);
    expect_nothing(h);
    inject(h, ACK, 1, 31, 0);
    expect_nothing(h);
    inject(h, ACK, 1, 1031, 0);
    expect(h, ACK, 1031, 1, 500);
}

static void nagle_off(struct host *h)
{
    h->cfg.no_nagle = true;
    open_active(h);
    user_writes(h, 1, 10);
    expect(h, ACK, 1, 1, 10);
    user_writes(h, 11, 10);
    expect(h, ACK, 11, 1, 10);
}

static void nagle_does_not_hold_back_the_last(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 10);
    expect(h, ACK, 1, 1, 10);
    user_writes(h, 11, 10);
    expect_nothing(h);
    tcb_shutdown(&h->t, h->now);
    expect(h, ACK, 11, 1, 10);
    expect(h, FIN | ACK, 21, 1, 0);
}

static void push(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 2500);
    expect(h, ACK, 1, 1, 1000);
    assert_false(h->last.flags & PSH);
    expect(h, ACK, 1001, 1, 1000);
    assert_false(h->last.flags & PSH);
    inject(h, ACK, 1, 2001, 0);
    expect(h, ACK, 2001, 1, 500);
    assert_true(h->last.flags & PSH);
}

static void initial_window(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 30000);
    for (uint32_t i = 0; i < 10; i++) {
        expect(h, ACK, 1 + 1000 * i, 1, 1000);
    }
    expect_nothing(h);
}

static void slow_start_counts_bytes(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 60000);
    drain(h);
    const uint32_t before = h->t.cc.cwnd;

    /* TCP.md 28: one segment acknowledged in a hundred pieces is still one segment */
    for (uint32_t i = 1; i <= 100; i++) {
        inject(h, ACK, 1, 1 + 10 * i, 0);
        drain(h);
    }
    assert_true(h->t.cc.cwnd <= before + 1000);
    assert_true(h->t.cc.cwnd > before);
}

static void unused_window_does_not_grow(struct host *h)
{
    open_active(h);
    const uint32_t before = h->t.cc.cwnd;

    for (uint32_t i = 0; i < 50; i++) {
        user_writes(h, 1 + 100 * i, 100);
        drain(h);
        h->now += 10 * USEC_MS;
        inject(h, ACK, 1, 101 + 100 * i, 0);
    }
    assert_int_equal(h->t.cc.cwnd, before);
}

static void duplicate_ack_spoofing(struct host *h)
{
    h->cfg.congestion = &congestion_reno;
    open_active(h);
    user_writes(h, 1, 60000);
    drain(h);
    const uint32_t before = h->t.cc.cwnd;
    const uint32_t sent = h->t.snd_nxt - h->iss;

    for (int i = 0; i < 1000; i++) {
        inject(h, ACK, 1, 1, 0);
        drain(h);
    }
    assert_true(h->t.cc.cwnd <= before);
    /* Two by limited transmit, then no more than the halved window, however many come (RFC 5681
     * 3.2). */
    assert_true(h->t.snd_nxt - h->iss <= sent + 2000 + before / 2);
}

static void gso_chunk(struct host *h)
{
    h->cfg.gso_max = 8500;
    open_active(h);
    user_writes(h, 1, 20000);
    expect(h, ACK, 1, 1, 8000);
    assert_int_equal(h->last.gso_size, 1000);
    expect(h, ACK, 8001, 1, 2000);
    expect_nothing(h);
    assert_int_equal(h->t.sent.count, 10);
    inject(h, ACK, 1, 3001, 0);
    assert_int_equal(h->t.sent.count, 7);
}

static void records_are_bounded(struct host *h)
{
    /* TCP.md 27: the smallest MSS, one-byte holes in the SACKs */
    h->peer_syn.present = OPT_MSS | OPT_SACK_PERMITTED;
    h->peer_syn.mss = MSS_MIN;
    h->cfg.sent_max = 32;
    open_active(h);
    user_writes(h, 1, 20000);
    for (uint32_t i = 0; i < 400; i++) {
        add_sack(h, 3 + 2 * i, 4 + 2 * i);
        inject(h, ACK, 1, 1, 0);
        drain(h);
        assert_true(h->t.sent.count <= 32);
    }
    /* and it still gets on */
    uint32_t ack = 1;

    for (int i = 0; i < 2000 && ack < 20001; i++) {
        const uint32_t nxt = h->t.snd_nxt - h->iss;

        ack = ack + 96 < nxt ? ack + 96 : nxt;
        inject(h, ACK, 1, ack, 0);
        drain(h);
        if (tcb_deadline(&h->t) != USEC_NEVER) {
            run_timer(h);
            drain(h);
        }
    }
    assert_int_equal(tcb_unacked(&h->t), 0);
}

/* ---- loss */

static void flight_of(struct host *h, uint32_t segments)
{
    h->peer_syn.present = OPT_MSS | OPT_SACK_PERMITTED;
    open_active(h);
    user_writes(h, 1, segments * 1000);
    for (uint32_t i = 0; i < segments; i++) {
        expect(h, ACK, 1 + 1000 * i, 1, 1000);
    }
    expect_nothing(h);
    later(h, 10 * USEC_MS);
}

static void fast_retransmit(struct host *h)
{
    flight_of(h, 6);
    const uint32_t cwnd = h->t.cc.cwnd;

    for (uint32_t i = 1; i <= 3; i++) {
        add_sack(h, 1001, 1001 + 1000 * i);
        inject(h, ACK, 1, 1, 0);
        assert_true(h->event.notes & NOTE_SACK);
    }
    assert_int_equal(h->t.dup_acks, 3);
    expect(h, ACK, 1, 1, 1000);
    assert_int_equal(h->reason, SEND_RETRANSMIT_FAST);
    expect_nothing(h);
    assert_true(h->t.cc.cwnd < cwnd);
    later(h, 10 * USEC_MS);
    inject(h, ACK, 1, 6001, 0);
    assert_false(h->t.recovering);
    assert_int_equal(tcb_deadline(&h->t), USEC_NEVER);
}

static void fast_retransmit_without_sack(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 6000);
    assert_int_equal(drain(h), 6);
    later(h, 10 * USEC_MS);
    for (int i = 0; i < 2; i++) {
        inject(h, ACK, 1, 1, 0);
        expect_nothing(h);
    }
    inject(h, ACK, 1, 1, 0);
    expect(h, ACK, 1, 1, 1000);
    expect_nothing(h);
    /* RFC 6582: a partial ACK is followed by what is missing */
    later(h, 10 * USEC_MS);
    inject(h, ACK, 1, 2001, 0);
    expect(h, ACK, 2001, 1, 1000);
    expect_nothing(h);
}

static void window_update_is_no_duplicate(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 6000);
    drain(h);
    later(h, 10 * USEC_MS);
    for (int i = 0; i < 5; i++) {
        h->window = (uint16_t)(h->window + 10);
        inject(h, ACK, 1, 1, 0);
        assert_false(h->event.notes & NOTE_DUPLICATE_ACK);
    }
    for (int i = 0; i < 5; i++) {
        inject(h, ACK, 1 + 10 * (uint32_t)i, 1, 10); /* nor is one with text */
        assert_false(h->event.notes & NOTE_DUPLICATE_ACK);
    }
    drain(h);
    assert_int_equal(h->t.stats.retransmits, 0);
}

static void partial_ack_with_sack(struct host *h)
{
    flight_of(h, 8);
    add_sack(h, 1001, 2001);
    add_sack(h, 3001, 8001);
    inject(h, ACK, 1, 1, 0);
    expect(h, ACK, 1, 1, 1000);
    expect(h, ACK, 2001, 1, 1000);
    expect_nothing(h);
}

static void reordering_alone(struct host *h)
{
    flight_of(h, 6);
    const uint32_t cwnd = h->t.cc.cwnd;

    add_sack(h, 1001, 2001);
    inject(h, ACK, 1, 1, 0);
    expect_nothing(h);
    later(h, USEC_MS);
    inject(h, ACK, 1, 2001, 0);
    expect_nothing(h);
    assert_true(h->t.cc.cwnd >= cwnd);
    assert_false(h->t.recovering);
}

static void sack_garbage(struct host *h)
{
    flight_of(h, 6);
    static const uint32_t bad[][2] = {
        {3001, 2001},                        /* left >= right */
        {3001, 3001},       {5001, 7001},    /* above SND.NXT */
        {7001, 8001},       {0xfffffff0, 1}, /* below SND.UNA */
        {0xfffffff0, 3001}, {1, 0x80000001},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        add_sack(h, bad[i][0], bad[i][1]);
        inject(h, ACK, 1, 1, 0);
        assert_int_equal(h->event.sacked, 0);
    }
    add_sack(h, 2001, 3001);
    add_sack(h, 2001, 3001);
    add_sack(h, 2001, 4001);
    inject(h, ACK, 1, 1, 0);
    assert_int_equal(h->event.sacked, 2000);
    inject(h, ACK, 1, 6001, 0);
    assert_int_equal(tcb_unacked(&h->t), 0);
    assert_int_equal(tcb_flight(&h->t), 0);
    assert_int_equal(h->t.sent.sacked, 0);
}

static void sack_of_part_of_a_segment(struct host *h)
{
    flight_of(h, 3);
    add_sack(h, 1501, 1601);
    inject(h, ACK, 1, 1, 0);
    assert_int_equal(h->event.sacked, 0);
    inject(h, ACK, 1, 3001, 0);
    assert_int_equal(tcb_unacked(&h->t), 0);
}

static void sack_where_not_permitted(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 3000);
    drain(h);
    add_sack(h, 1001, 3001);
    inject(h, ACK, 1, 1, 0);
    assert_int_equal(h->event.sacked, 0);
    assert_int_equal(tcb_flight(&h->t), 3000);
}

static void reneging(struct host *h)
{
    flight_of(h, 4);
    add_sack(h, 1001, 4001);
    inject(h, ACK, 1, 1, 0);
    drain(h);
    later(h, 10 * USEC_MS);
    inject(h, ACK, 1, 1001,
           0); /* what was SACKed is right behind the ACK, but the ACK stops: thrown away */
    drain(h);
    for (uint32_t at = 1001; at < 4001; at += 1000) {
        unsigned guard = 0;

        do {
            run_timer(h);
            assert_true(++guard < 10);
        } while (!take(h));
        assert_int_equal(h->last.seq - h->iss, at);
        drain(h);
        h->now += 10 * USEC_MS;
        inject(h, ACK, 1, at + 1000, 0);
        if (take(h)) { /* the next lost one may follow at once */
            assert_int_equal(h->last.seq - h->iss, at + 1000);
            at += 1000;
            inject(h, ACK, 1, at + 1000, 0);
            drain(h);
        }
    }
    assert_int_equal(tcb_unacked(&h->t), 0);
}

static void tail_loss_probe(struct host *h)
{
    flight_of(h, 6);
    inject(h, ACK, 1, 4001, 0); /* RTT 10 ms: the last two are lost */
    expect_nothing(h);
    const usec_t waited = run_timer(h);

    assert_true(waited < RTO_MIN + 100 * USEC_MS);
    expect(h, ACK, 5001, 1, 1000);
    assert_int_equal(h->reason, SEND_RETRANSMIT_TLP);
    expect_nothing(h);
    later(h, 10 * USEC_MS);
    add_sack(h, 5001, 6001);
    inject(h, ACK, 1, 4001, 0);
    /* RACK learns from it that the one before is lost, a reordering window later at most */
    if (!take(h)) {
        run_timer(h);
        assert_true(take(h));
    }
    assert_int_equal(h->last.seq - h->iss, 4001);
    assert_int_equal(h->rto_events, 0);
}

static void probe_that_cannot_go(struct host *h)
{
    /* The peer takes its window back before the tail: the probe would lie outside. The timeout
     * must still come. */
    flight_of(h, 2);
    h->window = 1000;
    inject(h, ACK, 1, 1, 0);
    drain(h);
    const usec_t begun = h->now;

    for (int i = 0; h->t.stats.retransmits == 0 && i < 20; i++) {
        run_timer(h);
        drain(h);
    }
    assert_true(h->t.stats.retransmits > 0);
    assert_true(h->now - begun <= 2 * USEC_SEC);
}

static void rto_backs_off(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 500);
    expect(h, ACK, 1, 1, 500);
    expect_nothing(h);
    usec_t wait = run_timer(h);

    assert_true(wait >= RTO_MIN);
    expect(h, ACK, 1, 1, 500);
    assert_int_equal(h->reason, SEND_RETRANSMIT_RTO);
    expect_nothing(h);
    for (int i = 0; i < 4; i++) {
        const usec_t next = run_timer(h);

        assert_int_equal(next, 2 * wait);
        expect(h, ACK, 1, 1, 500);
        expect_nothing(h);
        wait = next;
    }
    assert_int_equal(h->t.cc.cwnd, 1000);
    /* TCP.md 30: a new ACK ends it */
    inject(h, ACK, 1, 501, 0);
    user_writes(h, 501, 500);
    expect(h, ACK, 501, 1, 500);
    expect_nothing(h);
    assert_true(run_timer(h) < wait);
}

static void karn(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 500);
    drain(h);
    run_timer(h);
    drain(h);
    const uint64_t samples = h->t.rtt.count;

    h->now += 10 * USEC_MS;
    inject(h, ACK, 1, 501, 0);
    assert_int_equal(h->event.rtt, 0);
    assert_int_equal(h->t.rtt.count, samples);
}

static void timestamp_sample_of_a_retransmission(struct host *h)
{
    h->peer_syn.present = OPT_MSS | OPT_TIMESTAMPS;
    open_active(h);
    user_writes(h, 1, 500);
    drain(h);
    run_timer(h);
    drain(h);
    h->now += 30 * USEC_MS;
    inject(h, ACK, 1, 501, 0);
    assert_in_range(h->event.rtt, 25 * USEC_MS, 35 * USEC_MS);
}

static void everything_again_after_rto(struct host *h)
{
    flight_of(h, 4);
    unsigned guard = 0;

    while (h->rto_events == 0) { /* a tail loss probe may come first */
        assert_true(++guard < 10);
        run_timer(h);
        if (h->rto_events == 0) {
            drain(h);
        }
    }
    expect(h, ACK, 1, 1, 1000);
    expect_nothing(h); /* cwnd is one segment */
    h->now += 20 * USEC_MS;
    inject(h, ACK, 1, 1001, 0);
    expect(h, ACK, 1001, 1, 1000);
    expect(h, ACK, 2001, 1, 1000);
    expect_nothing(h);
}

static void acks_without_progress(struct host *h)
{
    /* TCP.md 32 */
    open_active(h);
    user_writes(h, 1, 1000);
    drain(h);
    const usec_t deadline = tcb_deadline(&h->t);

    for (int i = 0; i < 2; i++) {
        h->now += 10 * USEC_MS;
        h->window = (uint16_t)(h->window + 100);
        inject(h, ACK, 1 + 10 * (uint32_t)i, 1, 10);
        drain(h);
    }
    assert_int_equal(tcb_deadline(&h->t) > deadline, 0);
}

static void gives_up(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 1000);
    drain(h);
    const usec_t begun = h->now;
    unsigned tries = 0;

    while (h->t.end == END_NONE) {
        run_timer(h);
        tries += drain(h);
        assert_true(tries < 100);
    }
    expect_end(h, END_TIMEOUT);
    assert_true(h->now - begun >= 100 * USEC_SEC);
    assert_true(tries >= 3);
    expect_nothing(h);
}

static void gives_up_when_told(struct host *h)
{
    h->cfg.user_timeout = 7 * USEC_SEC;
    open_active(h);
    later(h, 1000 * USEC_SEC); /* silence is no failure */
    user_writes(h, 1, 1000);
    drain(h);
    const usec_t begun = h->now;

    while (h->t.end == END_NONE) {
        run_timer(h);
        drain(h);
    }
    assert_in_range(h->now - begun, 7 * USEC_SEC - USEC_MS, 7 * USEC_SEC + USEC_MS);
}

static void idle_restart(struct host *h)
{
    open_active(h);
    for (uint32_t i = 0; i < 5; i++) {
        user_writes(h, h->t.snd_una - h->iss + (uint32_t)tcb_unacked(&h->t), 20000);
        drain(h);
        h->now += 10 * USEC_MS;
        inject(h, ACK, 1, h->t.snd_nxt - h->iss, 0);
        drain(h);
    }
    assert_true(h->t.cc.cwnd > 10000);
    while (h->t.snd_una != h->t.snd_nxt || drain(h) > 0) {
        inject(h, ACK, 1, h->t.snd_nxt - h->iss, 0);
    }
    later(h, 10 * USEC_SEC);
    user_writes(h, h->t.snd_nxt - h->iss, 1000);
    drain(h);
    assert_true(h->t.cc.cwnd <= 10000);
}

/* ---- the peer's window: TCP.md 17, 33 */

static void shrinking_window(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 5000);
    assert_int_equal(drain(h), 5);
    h->now += 10 * USEC_MS;
    h->window = 1500;
    inject(h, ACK, 1, 1001, 0);
    assert_true(h->event.notes & NOTE_WINDOW_SHRUNK);
    user_writes(h, 5001, 1000);
    expect_nothing(h); /* SHLD-15: no new data */
    unsigned guard = 0;

    while (h->rto_events == 0) {
        assert_true(++guard < 10);
        run_timer(h);
    }
    while (take(h)) { /* SHLD-16: only what lies inside is sent again */
        assert_true(h->last.seq - h->iss + h->last.len <= 2501);
    }
    h->window = 30000;
    h->now += 10 * USEC_MS;
    inject(h, ACK, 1, 2501, 0);
    uint32_t end = 2501;

    while (take(h) || h->t.snd_una != h->iss + 6001) {
        end = h->t.snd_nxt - h->iss;
        if (h->last.len == 0) {
            fail();
        }
        inject(h, ACK, 1, end, 0);
        assert_true(++guard < 50);
    }
    assert_int_equal(tcb_unacked(&h->t), 0);
}

static void shrinking_to_zero(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 5000);
    assert_int_equal(drain(h), 5);
    h->now += 10 * USEC_MS;
    h->window = 0;
    inject(h, ACK, 1, 1, 0);
    expect_nothing(h);
    run_timer(h);
    expect(h, ACK, 1, 1, 1); /* a probe: one byte at SND.UNA */
    assert_int_equal(h->reason, SEND_WINDOW_PROBE);
    expect_nothing(h);
    h->window = 8000;
    inject(h, ACK, 1, 1, 0);
    assert_true(h->event.notes & NOTE_WINDOW_OPENED);
    unsigned guard = 0;

    while (h->t.snd_una != h->iss + 5001) {
        assert_true(++guard < 20);
        if (!take(h)) {
            run_timer(h);
            continue;
        }
        inject(h, ACK, 1, h->last.seq - h->iss + h->last.len, 0);
    }
    assert_int_equal(tcb_unacked(&h->t), 0);
    assert_int_equal(tcb_flight(&h->t), 0);
}

static void zero_window_probes(struct host *h)
{
    usec_t before = 0;

    open_active(h);
    h->window = 0;
    inject(h, ACK, 1, 1, 0);
    user_writes(h, 1, 3000);
    expect_nothing(h);
    for (int i = 0; i < 12; i++) {
        const usec_t wait = run_timer(h);

        /* SHLD-29: the first after an RTO; SHLD-30: then ever longer, up to a bound */
        assert_true(wait >= RTO_MIN);
        assert_true(wait == 2 * before || wait == RTO_MAX || i == 0);
        before = wait;
        expect(h, ACK, 1, 1, 1);
        expect_nothing(h);
        inject(h, ACK, 1, 1, 0); /* still zero */
        expect_nothing(h);
    }
    h->window = 5000;
    inject(h, ACK, 1, 1, 0);
    expect(h, ACK, ANY, 1, ANY);
    assert_true(h->last.seq - h->iss <= 2);
    while (h->t.snd_una != h->iss + 3001) {
        drain(h);
        h->now += 10 * USEC_MS;
        inject(h, ACK, 1, h->t.snd_nxt - h->iss, 0);
    }
    assert_int_equal(tcb_unacked(&h->t), 0);
}

static void zero_window_for_hours(struct host *h)
{
    open_active(h);
    h->window = 0;
    inject(h, ACK, 1, 1, 0);
    user_writes(h, 1, 3000);
    expect_nothing(h);
    const usec_t begun = h->now;

    while (h->now - begun < 5 * 3600 * USEC_SEC) {
        run_timer(h);
        if (drain(h) > 0) {
            inject(h, ACK, 1, 1, 0);
        }
        assert_int_equal(h->t.end, END_NONE);
    }
    /* but a peer that does not answer is gone in the end */
    while (h->t.end == END_NONE) {
        run_timer(h);
        drain(h);
        assert_true(h->now - begun < 6 * 3600 * USEC_SEC);
    }
    expect_end(h, END_TIMEOUT);
}

static void probe_is_taken(struct host *h)
{
    open_active(h);
    h->window = 0;
    inject(h, ACK, 1, 1, 0);
    user_writes(h, 1, 3000);
    expect_nothing(h);
    run_timer(h);
    expect(h, ACK, 1, 1, 1);
    h->window = 2000;
    inject(h, ACK, 1, 2, 0);
    expect(h, ACK, 2, 1, 1000);
    expect(h, ACK, 1002, 1, 1000);
    expect_nothing(h);
}

static void smaller_full_segments_are_noticed(struct host *h)
{
    uint32_t at = 1;

    open_active(h);
    while (h->t.quick_acks > 0) {
        inject(h, ACK, at, 1, 1460);
        at += 1460;
        user_reads(h, at - 1460, 1460);
        drain(h);
    }
    /* The peer has found a narrower path: 500 bytes from now on. */
    for (int i = 0; i < 6; i++) {
        inject(h, ACK, at, 1, 500);
        at += 500;
    }
    drain(h);
    inject(h, ACK, at, 1, 500);
    expect_nothing(h);
    inject(h, ACK, at + 500, 1, 500);
    expect(h, ACK, 1, at + 1000, 0);
}

static void path_mtu(struct host *h)
{
    h->peer_syn.mss = 1460;
    open_active(h);
    user_writes(h, 1, 2920);
    expect(h, ACK, 1, 1, 1460);
    expect(h, ACK, 1461, 1, 1460);
    assert_true(tcb_outstanding(&h->t, h->iss + 1));
    assert_true(tcb_outstanding(&h->t, h->iss + 2920));
    assert_false(tcb_outstanding(&h->t, h->iss + 2921));
    const uint32_t cwnd = h->t.cc.cwnd;

    tcb_path_mtu(&h->t, 1040, h->now);
    for (uint32_t at = 1; at < 2921; at += h->last.len) {
        expect(h, ACK, at, 1, ANY);
        assert_in_range(h->last.len, 1, 1000);
    }
    expect_nothing(h);
    assert_true(h->t.cc.cwnd >= cwnd);
    /* nobody makes us send crumbs (RFC 1191 3) */
    tcb_path_mtu(&h->t, 68, h->now);
    assert_true(h->t.mss >= 500);
    /* and a larger one is not believed */
    const uint32_t mss = h->t.mss;

    tcb_path_mtu(&h->t, 9000, h->now);
    assert_int_equal(h->t.mss, mss);
}

static const struct tcb_test tests[] = {
    {"SHLD-19: full segments that become smaller are still acknowledged each second one",
     smaller_full_segments_are_noticed},
    {"SHLD-31 MAY-13: out-of-order data is kept, answered by a duplicate ACK, delivered in order",
     out_of_order_is_kept},
    {"TCP.md 24: one byte at every other place: bounded, the next expected is taken",
     every_other_byte},
    {"TCP.md 25: overlaps: what was delivered never changes", overlap_one_rule},
    {"TCP.md 25: overlaps that differ: until it is in order the newer counts",
     overlap_that_differs},
    {"TCP.md 25: overlaps out of order become one interval", overlap_out_of_order},
    {"data and FIN beyond the window are cut off", beyond_the_window_is_cut},
    {"TCP.md 25: a FIN out of order closes at the right byte", fin_out_of_order},
    {"TCP.md 25: a FIN without data out of order too", bare_fin_out_of_order},
    {"TCP.md 25: data behind a FIN is not taken", data_behind_a_fin},
    {"TCP.md 25: of two FINs the first counts", second_fin_elsewhere},
    {"TCP.md 25: a FIN before data that was kept is not believed", fin_before_kept_data},
    {"TCP.md 7: large segments are taken and acknowledged at once", big_segments},
    {"RFC2018-SACK: the most recent block first", sack_most_recent_first},
    {"RFC2018-SACK: four blocks at most", sack_at_most_four},
    {"RFC2018-SACK: three beside timestamps", sack_three_with_timestamps},
    {"RFC2883-DSACK: old data again is told, once", dsack_of_old_data},
    {"RFC2883-DSACK: kept data again is told beside its block", dsack_of_kept_data},
    {"RFC2018-SACK: no blocks where not permitted", no_sack_where_not_permitted},
    {"SHLD-19: each second full segment is acknowledged", ack_each_second_segment},
    {"SHLD-19: two of a size that are not pushed are full, though larger ones came before",
     ack_each_second_smaller_segment},
    {"SHLD-18 MUST-40: an ACK is delayed, less than 0.5 s", ack_is_delayed},
    {"an ACK rides on data", ack_rides_on_data},
    {"MUST-58 MUST-59: several segments, one ACK", several_segments_one_ack},
    {"delayed ACKs can be switched off", no_delay_by_option},
    {"an ACK is not acknowledged", ack_of_an_ack_is_none},
    {"the window closes, and opens when it is worth it", window_closes_and_opens},
    {"MUST-39 RFC813-SWS: a silly window is not announced", silly_window_is_not_announced},
    {"MUST-35: probes of a zero window are answered, not taken", probe_into_zero_window},
    {"SHLD-14: the right edge never moves back", edge_never_moves_back},
    {"SHLD-7: Nagle holds back small segments", nagle},
    {"MUST-17: Nagle can be switched off", nagle_off},
    {"Nagle does not hold back what a FIN follows", nagle_does_not_hold_back_the_last},
    {"MUST-61: PSH on the last segment of what was written, on no other", push},
    {"RFC6928-IW: ten segments in the beginning", initial_window},
    {"TCP.md 28, RFC3465-ABC: cwnd counts bytes, not ACKs", slow_start_counts_bytes},
    {"RFC5681-APP: a window that is not used does not grow", unused_window_does_not_grow},
    {"TCP.md 28: spoofed duplicate ACKs gain nothing", duplicate_ack_spoofing},
    {"a chunk is a multiple of the MSS and remembered by segments", gso_chunk},
    {"TCP.md 27: records are bounded", records_are_bounded},
    {"RFC6675-RECOVERY: three SACKs: sent again at once, window cut once", fast_retransmit},
    {"RFC5681-FAST RFC6582-PARTIAL: without SACK three duplicate ACKs, and partial ACKs",
     fast_retransmit_without_sack},
    {"RFC5681-DUPACK: neither a new window nor text is a duplicate ACK",
     window_update_is_no_duplicate},
    {"TCP.md 32: a SACK shows two holes, both are filled", partial_ack_with_sack},
    {"TCP.md 31: reordering alone does not cut the window", reordering_alone},
    {"TCP.md 26: senseless SACK blocks do no damage", sack_garbage},
    {"TCP.md 26: a block inside a segment acknowledges nothing", sack_of_part_of_a_segment},
    {"RFC2018-SACK: blocks are ignored where not permitted", sack_where_not_permitted},
    {"TCP.md 27, RFC2018-RENEGE: reneging, then RTO: all is sent again", reneging},
    {"TCP.md 30, RFC8985-TLP: the loss of the tail is found by a probe", tail_loss_probe},
    {"RFC8985-TLP: a probe that cannot go does not put off the timeout", probe_that_cannot_go},
    {"MUST-19 RFC6298-BACKOFF, TCP.md 30: the timeout doubles, a new ACK ends that", rto_backs_off},
    {"MUST-18 RFC6298-KARN: no sample from a retransmission", karn},
    {"RFC7323-RTTM: but one by its timestamp", timestamp_sample_of_a_retransmission},
    {"RFC5681-LOSS RFC6298-TIMER: after a timeout all is sent again, beginning with one segment",
     everything_again_after_rto},
    {"TCP.md 32, RFC6298-TIMER: ACKs without progress do not put off the timeout",
     acks_without_progress},
    {"MUST-20 SHLD-10 SHLD-11: no answer: given up after 100 s or more, 3 tries or more", gives_up},
    {"MUST-21 RFC5482: or when the user says, counted from the first unanswered byte",
     gives_up_when_told},
    {"RFC5681-IDLE: an idle connection begins with the initial window", idle_restart},
    {"TCP.md 17, MUST-34 SHLD-15 SHLD-16: a window that shrinks", shrinking_window},
    {"TCP.md 17, MUST-34: to zero, with data in flight", shrinking_to_zero},
    {"MUST-36 SHLD-29 SHLD-30: a zero window is probed, after an RTO, then ever slower",
     zero_window_probes},
    {"MUST-37: for hours, as long as probes are answered", zero_window_for_hours},
    {"a probe that is taken is not sent again", probe_is_taken},
    {"RFC1191 SHLD-6: a smaller path MTU: sent again in smaller pieces, no congestion", path_mtu},
};

int main(void)
{
    return host_main("data", tests, sizeof tests / sizeof tests[0]);
}
