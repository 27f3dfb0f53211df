/*
 * Closing: FIN both ways in each order, half-closed, abort, TIME-WAIT. One tcb against a script.
 */
#include "tcb_host.h"

/* ---- Figure 12, from both sides */

static void active_close(struct host *h)
{
    open_active(h);
    tcb_shutdown(&h->t, h->now);
    expect(h, FIN | ACK, 1, 1, 0);
    expect_nothing(h);
    expect_state(h, STATE_FIN_WAIT_1);
    inject(h, ACK, 1, 2, 0);
    expect_state(h, STATE_FIN_WAIT_2);
    assert_true(tcb_all_acked(&h->t));
    expect_nothing(h);
    inject(h, FIN | ACK, 1, 2, 0);
    expect_state(h, STATE_TIME_WAIT);
    expect(h, ACK, 2, 2, 0);
    assert_int_equal(h->reason, SEND_ACK_FIN);
    expect_nothing(h);
    assert_true(tcb_peer_closed(&h->t));
    assert_int_equal(run_timer(h), 60 * USEC_SEC); /* MUST-13: 2*MSL */
    expect_end(h, END_CLOSED);
    expect_state(h, STATE_CLOSED);
    expect_nothing(h);
}

static void passive_close(struct host *h)
{
    open_passive(h);
    inject(h, FIN | ACK, 1, 1, 0);
    expect_state(h, STATE_CLOSE_WAIT);
    expect(h, ACK, 1, 2, 0);
    expect_nothing(h);
    tcb_shutdown(&h->t, h->now);
    expect(h, FIN | ACK, 1, 2, 0);
    expect_nothing(h);
    expect_state(h, STATE_LAST_ACK);
    inject(h, ACK, 2, 2, 0);
    expect_end(h, END_CLOSED);
    expect_nothing(h);
    assert_int_equal(tcb_deadline(&h->t), USEC_NEVER);
}

static void fin_acked_alone(struct host *h)
{
    /* We close in the same moment as the FIN arrives: still four segments. */
    open_passive(h);
    inject(h, FIN | ACK, 1, 1, 0);
    tcb_shutdown(&h->t, h->now);
    expect(h, ACK, 1, 2, 0);
    expect(h, FIN | ACK, 1, 2, 0);
    expect_nothing(h);
    expect_state(h, STATE_LAST_ACK);
}

static void fin_acked_alone_with_data(struct host *h)
{
    open_passive(h);
    inject(h, FIN | ACK, 1, 1, 100);
    user_writes(h, 1, 50);
    tcb_shutdown(&h->t, h->now);
    expect(h, ACK, 1, 102, 0);
    expect(h, ACK, 1, 102, 50);
    expect(h, FIN | ACK, 51, 102, 0);
    expect_nothing(h);
}

static void half_closed_by_us(struct host *h)
{
    drive(h, STATE_FIN_WAIT_2);
    for (uint32_t i = 0; i < 5; i++) {
        inject(h, ACK | PSH, 1 + 100 * i, 2, 100);
        assert_true(h->event.notes & NOTE_HALF_CLOSED);
        drain(h);
        pass(h, USEC_SEC);
        drain(h);
        user_reads(h, 1 + 100 * i, 100);
    }
    drain(h);
    later(h, 3600 * USEC_SEC);
    inject(h, FIN | ACK, 501, 2, 0);
    expect(h, ACK, 2, 502, 0);
    expect_state(h, STATE_TIME_WAIT);
}

static void half_closed_by_the_peer(struct host *h)
{
    drive(h, STATE_CLOSE_WAIT);
    for (uint32_t i = 0; i < 5; i++) {
        user_writes(h, 1 + 100 * i, 100);
        expect(h, ACK, 1 + 100 * i, 2, 100);
        expect_nothing(h);
        inject(h, ACK, 2, 101 + 100 * i, 0);
    }
    close_now(h, 501);
    expect_state(h, STATE_LAST_ACK);
    inject(h, ACK, 2, 502, 0);
    expect_end(h, END_CLOSED);
}

static void unread_data_survives_the_close(struct host *h)
{
    open_active(h);
    inject(h, FIN | ACK, 1, 1, 300);
    drain(h);
    close_now(h, 1);
    inject(h, ACK, 302, 2, 0);
    expect_end(h, END_CLOSED);
    user_reads(h, 1, 300);
}

static void close_twice(struct host *h)
{
    open_active(h);
    close_now(h, 1);
    tcb_shutdown(&h->t, h->now);
    expect_nothing(h);
    expect_state(h, STATE_FIN_WAIT_1);
    struct span piece[2];

    assert_int_equal(tcb_write_space(&h->t, piece), 0);
}

static void data_ack_is_not_the_fins(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 100);
    tcb_shutdown(&h->t, h->now);
    expect(h, ACK, 1, 1, 100);
    expect(h, FIN | ACK, 101, 1, 0);
    inject(h, ACK, 1, 101, 0);
    expect_state(h, STATE_FIN_WAIT_1);
    assert_false(tcb_all_acked(&h->t));
    inject(h, ACK, 1, 102, 0);
    expect_state(h, STATE_FIN_WAIT_2);
    assert_true(tcb_all_acked(&h->t));
}

static void close_behind_a_zero_window(struct host *h)
{
    open_active(h);
    h->window = 0;
    inject(h, ACK, 1, 1, 0);
    user_writes(h, 1, 100);
    tcb_shutdown(&h->t, h->now);
    expect_nothing(h);
    expect_state(h, STATE_FIN_WAIT_1);
    run_timer(h);
    expect(h, ACK, 1, 1, 1);
    h->window = 1000;
    inject(h, ACK, 1, 2, 0);
    expect(h, ACK, 2, 1, 99);
    expect(h, FIN | ACK, 101, 1, 0);
    expect_nothing(h);
}

static void fin_behind_a_zero_window(struct host *h)
{
    open_active(h);
    h->window = 0;
    inject(h, ACK, 1, 1, 0);
    tcb_shutdown(&h->t, h->now);
    unsigned guard = 0;

    /* at once or as the probe: but it goes, although the window never opens */
    while (!take(h)) {
        assert_true(++guard < 3);
        run_timer(h);
    }
    assert_true(h->last.flags & FIN);
    expect_state(h, STATE_FIN_WAIT_1);
    inject(h, ACK, 1, 2, 0);
    expect_state(h, STATE_FIN_WAIT_2);
}

static void fin_with_data_lost(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 100);
    tcb_shutdown(&h->t, h->now);
    expect(h, ACK, 1, 1, 100);
    expect(h, FIN | ACK, 101, 1, 0);
    expect_nothing(h);
    unsigned guard = 0;
    uint32_t ack = 1;

    while (h->t.state == STATE_FIN_WAIT_1) {
        assert_true(++guard < 10);
        run_timer(h);
        while (take(h)) {
            const uint32_t end = h->last.seq - h->iss + segment_seq_len(&h->last);

            ack = end > ack && h->last.seq - h->iss <= ack ? end : ack;
        }
        inject(h, ACK, 1, ack, 0);
    }
    expect_state(h, STATE_FIN_WAIT_2);
}

/* ---- TCP.md 34: simultaneous close, LAST-ACK */

static void simultaneous_close(struct host *h)
{
    drive(h, STATE_FIN_WAIT_1);
    inject(h, FIN | ACK, 1, 1, 0); /* it does not know ours yet */
    expect_state(h, STATE_CLOSING);
    expect(h, ACK, 2, 2, 0);
    expect_nothing(h);
    inject(h, ACK, 2, 2, 0);
    expect_state(h, STATE_TIME_WAIT);
    expect_nothing(h);
    assert_int_equal(run_timer(h), 60 * USEC_SEC);
    expect_end(h, END_CLOSED);
}

static void simultaneous_close_ack_first(struct host *h)
{
    drive(h, STATE_FIN_WAIT_1);
    inject(h, ACK, 2, 2, 0); /* the ACK overtakes the FIN: seq is beyond it */
    expect_state(h, STATE_FIN_WAIT_2);
    inject(h, FIN | ACK, 1, 1, 0);
    expect_state(h, STATE_TIME_WAIT);
    expect(h, ACK, 2, 2, 0);
}

static void fin_and_ack_together(struct host *h)
{
    drive(h, STATE_FIN_WAIT_1);
    inject(h, FIN | ACK, 1, 2, 0);
    expect_state(h, STATE_TIME_WAIT);
    expect(h, ACK, 2, 2, 0);
    expect_nothing(h);
}

static void closing_sends_its_fin_again(struct host *h)
{
    drive(h, STATE_CLOSING);
    run_timer(h);
    expect(h, FIN | ACK, 1, 2, 0);
    inject(h, ACK, 2, 2, 0);
    expect_state(h, STATE_TIME_WAIT);
}

static void closing_answers_the_fin_again(struct host *h)
{
    drive(h, STATE_CLOSING);
    inject(h, FIN | ACK, 1, 1, 0);
    assert_true(h->event.notes & NOTE_REPEATED_FIN);
    expect(h, ACK, 2, 2, 0);
    expect_state(h, STATE_CLOSING);
}

static void closing_is_ended_by_a_repeated_fin_with_ack(struct host *h)
{
    /* The plain ACK was lost, and the peer's FIN comes again with the ACK of ours in it. It lies
     * left of the window: 3.10.7.4 drops it with an ACK. The peer answers our own FIN, which is
     * sent again. */
    drive(h, STATE_CLOSING);
    inject(h, FIN | ACK, 1, 2, 0);
    expect(h, ACK, 2, 2, 0);
    unsigned guard = 0;

    while (h->t.state == STATE_CLOSING) {
        assert_true(++guard < 5);
        run_timer(h);
        if (take(h)) {
            inject(h, ACK, 2, 2, 0);
        }
    }
    expect_state(h, STATE_TIME_WAIT);
}

static void last_ack_with_a_lost_ack(struct host *h)
{
    drive(h, STATE_LAST_ACK);
    for (int i = 0; i < 3; i++) {
        run_timer(h);
        expect(h, FIN | ACK, 1, 2, 0);
        expect_nothing(h);
    }
    inject(h, ACK, 2, 2, 0);
    expect_end(h, END_CLOSED);
}

static void last_ack_peer_is_gone(struct host *h)
{
    /* The peer's TIME-WAIT is over: it answers our FIN by RST. */
    drive(h, STATE_LAST_ACK);
    run_timer(h);
    expect(h, FIN | ACK, 1, 2, 0);
    inject(h, RST, 2, 0, 0);
    assert_true(h->t.end != END_NONE);
    expect_state(h, STATE_CLOSED);
}

static void last_ack_nobody_answers(struct host *h)
{
    drive(h, STATE_LAST_ACK);
    unsigned guard = 0;

    while (h->t.end == END_NONE) {
        assert_true(++guard < 100);
        run_timer(h);
        drain(h);
    }
    expect_end(h, END_TIMEOUT);
}

static void last_ack_with_data_in_flight(struct host *h)
{
    drive(h, STATE_CLOSE_WAIT);
    user_writes(h, 1, 100);
    tcb_shutdown(&h->t, h->now);
    expect(h, ACK, 1, 2, 100);
    expect(h, FIN | ACK, 101, 2, 0);
    expect_state(h, STATE_LAST_ACK);
    inject(h, ACK, 2, 101, 0);
    expect_state(h, STATE_LAST_ACK);
    inject(h, ACK, 2, 102, 0);
    expect_end(h, END_CLOSED);
}

static void fin_in_fin_wait_1_with_data_unacked(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 100);
    tcb_shutdown(&h->t, h->now);
    drain(h);
    inject(h, FIN | ACK, 1, 1, 50);
    expect_state(h, STATE_CLOSING);
    expect(h, ACK, 102, 52, 0);
    user_reads(h, 1, 50);
    inject(h, ACK, 52, 101, 0);
    expect_state(h, STATE_CLOSING);
    inject(h, ACK, 52, 102, 0);
    expect_state(h, STATE_TIME_WAIT);
}

/* ---- TCP.md 35: TIME-WAIT */

static void time_wait_ignores_rst(struct host *h)
{
    drive(h, STATE_TIME_WAIT);
    inject(h, RST, 2, 0, 0);
    expect_drop(h, DROP_RST_TIME_WAIT);
    inject(h, RST | ACK, 2, 2, 0);
    expect_nothing(h);
    expect_state(h, STATE_TIME_WAIT);
}

static void time_wait_fin_again(struct host *h)
{
    drive(h, STATE_TIME_WAIT);
    later(h, 50 * USEC_SEC);
    inject(h, FIN | ACK, 1, 2, 0);
    assert_true(h->event.notes & NOTE_REPEATED_FIN);
    expect(h, ACK, 2, 2, 0);
    expect_nothing(h);
    assert_int_equal(run_timer(h), 60 * USEC_SEC);
    expect_end(h, END_CLOSED);
}

static void time_wait_other_segments(struct host *h)
{
    drive(h, STATE_TIME_WAIT);
    later(h, 50 * USEC_SEC);
    inject(h, ACK, 2, 2, 0);
    expect_nothing(h);
    inject(h, ACK, 2, 2, 10);
    drain(h);
    inject(h, SYN | ACK, 0, 1, 0);
    drain(h);
    expect_state(h, STATE_TIME_WAIT);
    assert_int_equal(run_timer(h), 10 * USEC_SEC);
}

static void time_wait_old_text_again(struct host *h)
{
    /* The peer has seen no ACK for long and begins before its FIN. */
    drive(h, STATE_FIN_WAIT_2);
    inject(h, FIN | ACK, 1, 2, 100);
    expect(h, ACK, 2, 102, 0);
    later(h, 50 * USEC_SEC);
    inject(h, ACK, 1, 2, 100);
    expect(h, ACK, 2, 102, 0);
    assert_int_equal(run_timer(h), 60 * USEC_SEC);
    expect_end(h, END_CLOSED);
}

static void time_wait_newer_syn(struct host *h)
{
    drive(h, STATE_TIME_WAIT);
    inject(h, SYN, 100000, 0, 0);
    expect_end(h, END_CLOSED);
    expect_nothing(h);
    /* and the SYN opens the next connection */
    const struct segment syn = host_segment(h, SYN, 100000, 0);
    struct segment reply;

    assert_int_equal(tcp_listen(&syn, &reply), LISTEN_OPEN);
}

static void time_wait_older_syn(struct host *h)
{
    drive(h, STATE_TIME_WAIT);
    inject(h, SYN, 0xffff0000, 0, 0);
    expect(h, ACK, 2, 2, 0);
    expect_nothing(h);
    expect_state(h, STATE_TIME_WAIT);
    inject(h, SYN, 0, 0, 0); /* the old SYN itself */
    expect(h, ACK, 2, 2, 0);
    expect_state(h, STATE_TIME_WAIT);
}

static void time_wait_syn_by_timestamp(struct host *h)
{
    h->peer_syn.present = OPT_MSS | OPT_TIMESTAMPS;
    drive(h, STATE_TIME_WAIT);
    inject(h, SYN, 0xffff0000, 0, 0); /* neither newer by timestamp, nor by sequence */
    expect_state(h, STATE_TIME_WAIT);
    drain(h);
    h->peer_ts += 1;
    inject(h, SYN, 0xffff0000, 0, 0); /* RFC 6191: a later timestamp will do */
    expect_end(h, END_CLOSED);
}

static void time_wait_length_by_option(struct host *h)
{
    h->cfg.msl = USEC_SEC;
    drive(h, STATE_TIME_WAIT);
    assert_int_equal(run_timer(h), 2 * USEC_SEC);
    expect_end(h, END_CLOSED);
}

/* ---- abort: 3.10.5 */

static void abort_resets(struct host *h)
{
    static const enum tcp_state synchronized[] = {
        STATE_SYN_RECEIVED, STATE_ESTABLISHED, STATE_FIN_WAIT_1, STATE_FIN_WAIT_2, STATE_CLOSE_WAIT,
    };

    for (size_t i = 0; i < sizeof synchronized / sizeof synchronized[0]; i++) {
        const struct isn_pair isn = {h->iss, h->irs, ""};

        host_init(h, &isn);
        drive(h, synchronized[i]);
        tcb_abort(&h->t, h->now);
        assert_true(take(h));
        assert_true(h->last.flags & RST);
        assert_int_equal(h->last.seq - h->iss, snd_nxt_of(synchronized[i]));
        assert_int_equal(h->last.len, 0);
        assert_int_equal(h->reason, SEND_RST_ABORT);
        expect_nothing(h);
        expect_end(h, END_ABORTED);
        expect_state(h, STATE_CLOSED);
        assert_int_equal(tcb_deadline(&h->t), USEC_NEVER);
        tcb_abort(&h->t, h->now);
        expect_nothing(h);
    }
}

static void abort_is_silent(struct host *h)
{
    static const enum tcp_state quiet[] = {
        STATE_SYN_SENT,
        STATE_CLOSING,
        STATE_LAST_ACK,
        STATE_TIME_WAIT,
    };

    for (size_t i = 0; i < sizeof quiet / sizeof quiet[0]; i++) {
        const struct isn_pair isn = {h->iss, h->irs, ""};

        host_init(h, &isn);
        drive(h, quiet[i]);
        tcb_abort(&h->t, h->now);
        expect_nothing(h);
        expect_end(h, END_ABORTED);
    }
}

static void abort_with_data_in_flight(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 3000);
    drain(h);
    user_writes(h, 3001, 2000);
    tcb_abort(&h->t, h->now);
    assert_true(take(h));
    assert_true(h->last.flags & RST);
    assert_int_equal(h->last.seq - h->iss, h->t.snd_nxt - h->iss);
    expect_nothing(h);
}

static void reset_tells_from_close(struct host *h)
{
    /* MUST-12: an abort by the peer is no close. */
    open_active(h);
    inject(h, ACK, 1, 1, 100);
    inject(h, RST, 101, 0, 0);
    expect_end(h, END_RESET);
    assert_false(tcb_peer_closed(&h->t));
    user_reads(h, 1, 100);
}

static void rst_ends_each_state(struct host *h)
{
    static const enum tcp_state open_states[] = {
        STATE_ESTABLISHED, STATE_FIN_WAIT_1, STATE_FIN_WAIT_2,
        STATE_CLOSE_WAIT,  STATE_CLOSING,    STATE_LAST_ACK,
    };

    for (size_t i = 0; i < sizeof open_states / sizeof open_states[0]; i++) {
        const struct isn_pair isn = {h->iss, h->irs, ""};

        host_init(h, &isn);
        drive(h, open_states[i]);
        inject(h, RST, rcv_nxt_of(open_states[i]), 0, 0);
        expect_end(h, END_RESET);
        expect_state(h, STATE_CLOSED);
        expect_nothing(h);
    }
}

static const struct tcb_test tests[] = {
    {"an active close takes four segments, then TIME-WAIT of 2*MSL: MUST-13, Figure 12",
     active_close},
    {"a passive close: Figure 12 from the other side", passive_close},
    {"the ACK of a FIN is a segment of its own, though our FIN follows at once", fin_acked_alone},
    {"and though data follows at once", fin_acked_alone_with_data},
    {"RFC1122-HALF-CLOSE: half-closed by us: data goes on arriving", half_closed_by_us},
    {"RFC1122-HALF-CLOSE: half-closed by the peer: data goes on being sent",
     half_closed_by_the_peer},
    {"data not yet read survives the close", unread_data_survives_the_close},
    {"3.10.4: closing twice is harmless, and nothing can be written behind it", close_twice},
    {"TCP.md 33: the ACK of data is not that of the FIN", data_ack_is_not_the_fins},
    {"TCP.md 33: closing with data behind a zero window: FIN-WAIT-1 at once",
     close_behind_a_zero_window},
    {"TCP.md 33: a FIN gets through a zero window", fin_behind_a_zero_window},
    {"data and FIN lost: both are sent again", fin_with_data_lost},
    {"TCP.md 34: simultaneous close: Figure 13", simultaneous_close},
    {"TCP.md 34: simultaneous close, the ACK overtakes the FIN", simultaneous_close_ack_first},
    {"FIN and ACK of ours together: TIME-WAIT", fin_and_ack_together},
    {"CLOSING sends its FIN again", closing_sends_its_fin_again},
    {"CLOSING answers a repeated FIN", closing_answers_the_fin_again},
    {"TCP.md 34: CLOSING ends though the plain ACK was lost",
     closing_is_ended_by_a_repeated_fin_with_ack},
    {"TCP.md 34: LAST-ACK with a lost ACK ends", last_ack_with_a_lost_ack},
    {"TCP.md 34: LAST-ACK ends when the peer is gone", last_ack_peer_is_gone},
    {"TCP.md 34: LAST-ACK ends when nobody answers", last_ack_nobody_answers},
    {"LAST-ACK with data in flight waits for the FIN's ACK", last_ack_with_data_in_flight},
    {"FIN-WAIT-1 with data in flight: CLOSING waits for the FIN's ACK",
     fin_in_fin_wait_1_with_data_unacked},
    {"TCP.md 35, RFC1337-RST: TIME-WAIT ignores RST", time_wait_ignores_rst},
    {"TCP.md 35: a repeated FIN is acknowledged and restarts TIME-WAIT", time_wait_fin_again},
    {"TCP.md 35: and so does old text, which says the same", time_wait_old_text_again},
    {"TIME-WAIT is not prolonged by anything else", time_wait_other_segments},
    {"TCP.md 35, MAY-2: a newer SYN ends TIME-WAIT", time_wait_newer_syn},
    {"TCP.md 35: an older SYN is challenged", time_wait_older_syn},
    {"RFC6191-REUSE SHLD-4: a later timestamp makes a SYN newer", time_wait_syn_by_timestamp},
    {"the length of TIME-WAIT follows from the MSL", time_wait_length_by_option},
    {"3.10.5: abort sends RST where the state calls for one: SHLD-3", abort_resets},
    {"3.10.5: and none elsewhere", abort_is_silent},
    {"abort with data in flight: one RST at SND.NXT", abort_with_data_in_flight},
    {"MUST-12: a reset is told apart from a close, and what came before is delivered",
     reset_tells_from_close},
    {"a RST ends each synchronized state", rst_ends_each_state},
};

int main(void)
{
    return host_main("closing", tests, sizeof tests / sizeof tests[0]);
}
