/*
 * Opening: the handshake from both sides, what is negotiated, and what must not open anything. One
 * tcb against a script.
 */
#include "tcb_host.h"

#include "segcat/tcp/isn.h"

/* ---- the three segments */

static void active_open(struct host *h)
{
    tcb_open_active(&h->t, &h->cfg, h->now);
    expect_state(h, STATE_SYN_SENT);
    expect(h, SYN, 0, ANY, 0);
    assert_int_equal(h->last.ack, 0);
    assert_int_equal(h->last.opt.present,
                     OPT_MSS | OPT_WSCALE | OPT_SACK_PERMITTED | OPT_TIMESTAMPS);
    assert_int_equal(h->last.opt.mss, 1460);
    assert_int_equal(h->last.opt.tsecr, 0);
    expect_nothing(h);
    inject(h, SYN | ACK, 0, 1, 0);
    expect(h, ACK, 1, 1, 0);
    assert_int_equal(h->reason, SEND_HANDSHAKE_ACK);
    expect_nothing(h);
    expect_state(h, STATE_ESTABLISHED);
    assert_false(h->t.passive);
    assert_int_equal(tcb_deadline(&h->t), USEC_NEVER);
}

static void passive_open(struct host *h)
{
    open_passive(h);
    assert_true(h->t.passive);
    assert_int_equal(tcb_deadline(&h->t), USEC_NEVER);
}

static void syn_ack_carries_what_the_syn_had(struct host *h)
{
    h->peer_syn.present = OPT_MSS | OPT_TIMESTAMPS;
    open_half(h);
    assert_int_equal(h->last.opt.present, OPT_MSS | OPT_TIMESTAMPS);
    assert_int_equal(h->last.opt.tsecr, h->peer_ts);
}

static void syn_ack_without_options_gets_mss_only(struct host *h)
{
    h->peer_syn.present = 0;
    open_half(h);
    assert_int_equal(h->last.opt.present, OPT_MSS);
}

static void mss_default_v4(struct host *h)
{
    h->peer_syn.present = 0;
    open_active(h);
    user_writes(h, 1, 1200);
    expect(h, ACK, 1, 1, 536);
}

static void mss_default_v6(struct host *h)
{
    h->peer_syn.present = 0;
    h->cfg.local.ip.version = h->cfg.remote.ip.version = IP_V6;
    open_active(h);
    user_writes(h, 1, 3000);
    expect(h, ACK, 1, 1, 1220);
}

static void mss_zero_is_absent(struct host *h)
{
    h->peer_syn.mss = 0;
    open_active(h);
    user_writes(h, 1, 1200);
    expect(h, ACK, 1, 1, 536);
}

static void mss_tiny_is_clamped(struct host *h)
{
    h->peer_syn.mss = 1;
    open_active(h);
    user_writes(h, 1, 1200);
    expect(h, ACK, 1, 1, MSS_MIN);
}

static void mss_huge_is_cut_to_the_path(struct host *h)
{
    h->peer_syn.mss = 65535;
    open_active(h);
    user_writes(h, 1, 5000);
    expect(h, ACK, 1, 1, 1460);
}

static void options_come_out_of_the_mss(struct host *h)
{
    h->peer_syn.present = OPT_MSS | OPT_TIMESTAMPS;
    open_active(h);
    user_writes(h, 1, 5000);
    expect(h, ACK, 1, 1, PEER_MSS - 12);
}

static void mss_48_with_timestamps_leaves_room(struct host *h)
{
    h->peer_syn.present = OPT_MSS | OPT_TIMESTAMPS;
    h->peer_syn.mss = 3;
    open_active(h);
    user_writes(h, 1, 200);
    expect(h, ACK, 1, 1, MSS_MIN - 12);
}

static void mss_outside_a_syn_is_ignored(struct host *h)
{
    open_active(h);
    h->extra.present = OPT_MSS | OPT_WSCALE | OPT_SACK_PERMITTED;
    h->extra.mss = 100;
    h->extra.wscale = 10;
    h->window = 2000;
    inject(h, ACK, 1, 1, 0);
    user_writes(h, 1, 5000);
    expect(h, ACK, 1, 1, PEER_MSS);
    expect(h, ACK, 1001, 1, PEER_MSS);
    expect_nothing(h);
}

static void wscale_15_counts_as_14(struct host *h)
{
    h->peer_syn.present = OPT_MSS | OPT_WSCALE;
    h->peer_syn.wscale = 15;
    open_active(h);
    inject(h, ACK, 1, 1, 0);
    assert_int_equal(h->t.snd_wscale, 14);
}

static void window_of_a_syn_is_not_scaled(struct host *h)
{
    h->peer_syn.present = OPT_MSS | OPT_WSCALE;
    h->peer_syn.wscale = 7;
    h->window = 1500;
    open_active(h);
    user_writes(h, 1, 5000);
    expect(h, ACK, 1, 1, 1000);
    expect_nothing(h);
}

static void window_is_scaled_afterwards(struct host *h)
{
    h->peer_syn.present = OPT_MSS | OPT_WSCALE;
    h->peer_syn.wscale = 7;
    open_active(h);
    h->window = 20;
    inject(h, ACK, 1, 1, 0);
    assert_int_equal(h->t.snd_wnd, 20 << 7);
}

/* ---- TCP.md 10: simultaneous open */

static void simultaneous_open(struct host *h)
{
    drive(h, STATE_SYN_SENT);
    inject(h, SYN, 0, 0, 0);
    expect_state(h, STATE_SYN_RECEIVED);
    assert_true(h->event.notes & NOTE_SIMULTANEOUS_OPEN);
    expect(h, SYN | ACK, 0, 1, 0);
    expect_nothing(h);
    inject(h, SYN | ACK, 0, 1, 0);
    expect_state(h, STATE_ESTABLISHED);
    expect_nothing(h);
    assert_false(h->t.passive);
    inject(h, ACK, 1, 1, 100);
    user_reads(h, 1, 100);
}

static void simultaneous_open_acked_by_plain_ack(struct host *h)
{
    drive(h, STATE_SYN_SENT);
    inject(h, SYN, 0, 0, 0);
    expect(h, SYN | ACK, 0, 1, 0);
    inject(h, ACK, 1, 1, 10);
    expect_state(h, STATE_ESTABLISHED);
    user_reads(h, 1, 10);
}

static void simultaneous_open_both_at_once(struct host *h)
{
    drive(h, STATE_SYN_SENT);
    inject(h, SYN, 0, 0, 0);
    inject(h, SYN | ACK, 0, 1, 0);
    expect_state(h, STATE_ESTABLISHED);
    expect(h, ACK, 1, 1, 0);
    expect_nothing(h);
}

static void simultaneous_open_window_is_not_scaled(struct host *h)
{
    h->peer_syn.present = OPT_MSS | OPT_WSCALE;
    h->peer_syn.wscale = 5;
    drive(h, STATE_SYN_SENT);
    h->window = 3000;
    inject(h, SYN, 0, 0, 0);
    expect(h, SYN | ACK, 0, 1, 0);
    inject(h, SYN | ACK, 0, 1, 0);
    assert_int_equal(h->t.snd_wnd, 3000);
}

static void simultaneous_open_refused(struct host *h)
{
    drive(h, STATE_SYN_SENT);
    inject(h, SYN, 0, 0, 0);
    expect(h, SYN | ACK, 0, 1, 0);
    inject(h, RST, 1, 0, 0);
    expect_end(h, END_REFUSED);
    expect_state(h, STATE_CLOSED);
    expect_nothing(h);
}

/* ---- TCP.md 11: SYN-SENT */

static void syn_sent_bad_ack(struct host *h)
{
    static const uint32_t bad[] = {0, 2, 77, 0x80000000, 0xffffffff};

    drive(h, STATE_SYN_SENT);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        inject(h, SYN | ACK, 0, bad[i], 0);
        expect_drop(h, DROP_BAD_ACK);
        expect(h, RST, bad[i], ANY, 0);
        assert_int_equal(h->last.ack, 0);
        expect_nothing(h);
        inject(h, ACK, 0, bad[i], 10);
        expect(h, RST, bad[i], ANY, 0);
        expect_nothing(h);
        inject(h, RST | ACK, 0, bad[i], 0);
        expect_drop(h, DROP_RST_NO_ACK);
        expect_nothing(h);
        expect_state(h, STATE_SYN_SENT);
    }
    inject(h, SYN | ACK, 0, 1, 0);
    expect(h, ACK, 1, 1, 0);
    expect_state(h, STATE_ESTABLISHED);
}

static void syn_sent_rst_without_ack(struct host *h)
{
    drive(h, STATE_SYN_SENT);
    inject(h, RST, 0, 0, 0);
    expect_drop(h, DROP_RST_NO_ACK);
    inject(h, RST | SYN, 0, 0, 0);
    expect_nothing(h);
    expect_state(h, STATE_SYN_SENT);
}

static void syn_sent_refused(struct host *h)
{
    drive(h, STATE_SYN_SENT);
    inject(h, RST | ACK, 0, 1, 0);
    expect_end(h, END_REFUSED);
    expect_state(h, STATE_CLOSED);
    expect_nothing(h);
    assert_int_equal(tcb_deadline(&h->t), USEC_NEVER);
}

static void syn_sent_without_syn(struct host *h)
{
    drive(h, STATE_SYN_SENT);
    inject(h, ACK, 1, 1, 20);
    expect_drop(h, DROP_NO_SYN);
    inject(h, FIN, 1, 0, 0);
    inject(h, 0, 1, 0, 5);
    expect_nothing(h);
    expect_state(h, STATE_SYN_SENT);
}

static void syn_sent_is_repeated(struct host *h)
{
    static const usec_t waits[] = {1, 2, 4, 8, 16, 32};

    drive(h, STATE_SYN_SENT);
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        assert_int_equal(run_timer(h), waits[i] * USEC_SEC);
        expect(h, SYN, 0, ANY, 0);
        expect_nothing(h);
    }
    inject(h, SYN | ACK, 0, 1, 0);
    expect(h, ACK, 1, 1, 0);
}

static void syn_gives_up(struct host *h)
{
    const usec_t begun = h->now;

    drive(h, STATE_SYN_SENT);
    for (int i = 0; h->t.end == END_NONE && i < 100; i++) {
        run_timer(h);
        drain(h);
    }
    expect_end(h, END_TIMEOUT);
    assert_true(h->now - begun >= 180 * USEC_SEC);
    assert_true(h->now - begun < 300 * USEC_SEC);
}

static void syn_gives_up_when_told(struct host *h)
{
    const usec_t begun = h->now;

    h->cfg.syn_timeout = 5 * USEC_SEC;
    drive(h, STATE_SYN_SENT);
    while (h->t.end == END_NONE) {
        run_timer(h);
        drain(h);
    }
    assert_int_equal(h->now - begun, 5 * USEC_SEC);
}

static void repeated_syn_makes_rto_3_s(struct host *h)
{
    drive(h, STATE_SYN_SENT);
    run_timer(h);
    expect(h, SYN, 0, ANY, 0);
    h->now += 20 * USEC_MS;
    inject(h, SYN | ACK, 0, 1, 0);
    expect(h, ACK, 1, 1, 0);
    /* Karn: no sample from a SYN that was sent twice; RFC 6298 5.7 */
    assert_false(h->t.rtt.valid);
    assert_int_equal(h->t.rtt.rto, 3 * USEC_SEC);
}

static void repeated_syn_gives_no_timestamp_sample(struct host *h)
{
    uint32_t first_ts;

    h->peer_syn.present = OPT_MSS | OPT_TIMESTAMPS;
    drive(h, STATE_SYN_SENT);
    first_ts = h->our_ts;
    run_timer(h);
    expect(h, SYN, 0, ANY, 0);
    h->now += 20 * USEC_MS;
    /* A listener may keep the first SYN's timestamp: the echo says more than a round trip. */
    h->our_ts = first_ts;
    inject(h, SYN | ACK, 0, 1, 0);
    assert_false(h->t.rtt.valid);
    assert_int_equal(h->t.rtt.rto, 3 * USEC_SEC);
}

static void data_waits_for_the_handshake(struct host *h)
{
    tcb_open_active(&h->t, &h->cfg, h->now);
    user_writes(h, 1, 300);
    expect(h, SYN, 0, ANY, 0);
    expect_nothing(h);
    inject(h, SYN | ACK, 0, 1, 0);
    expect(h, ACK, 1, 1, 0);
    expect(h, ACK, 1, 1, 300);
    expect_nothing(h);
}

static void close_waits_for_the_handshake(struct host *h)
{
    tcb_open_active(&h->t, &h->cfg, h->now);
    user_writes(h, 1, 300);
    tcb_shutdown(&h->t, h->now);
    expect(h, SYN, 0, ANY, 0);
    expect_nothing(h);
    inject(h, SYN | ACK, 0, 1, 0);
    expect(h, ACK, 1, 1, 0);
    expect(h, ACK, 1, 1, 300);
    expect(h, FIN | ACK, 301, 1, 0);
    expect_nothing(h);
    expect_state(h, STATE_FIN_WAIT_1);
}

static void syn_ack_with_data(struct host *h)
{
    drive(h, STATE_SYN_SENT);
    inject(h, SYN | ACK, 0, 1, 50);
    expect(h, ACK, 1, 51, 0);
    user_reads(h, 1, 50);
    expect_state(h, STATE_ESTABLISHED);
}

static void syn_ack_with_data_and_fin(struct host *h)
{
    drive(h, STATE_SYN_SENT);
    inject(h, SYN | ACK | FIN, 0, 1, 50);
    expect(h, ACK, 1, 52, 0);
    user_reads(h, 1, 50);
    expect_state(h, STATE_CLOSE_WAIT);
}

static void hard_icmp_ends_an_opening(struct host *h)
{
    drive(h, STATE_SYN_SENT);
    assert_true(tcb_outstanding(&h->t, h->iss));
    assert_false(tcb_outstanding(&h->t, h->iss + 1));
    assert_false(tcb_outstanding(&h->t, h->iss - 1));
    assert_true(tcb_unreachable(&h->t, h->now));
    expect_end(h, END_UNREACHABLE);
    expect_nothing(h);
}

static void icmp_does_not_end_a_connection(struct host *h)
{
    open_active(h);
    assert_false(tcb_unreachable(&h->t, h->now));
    expect_state(h, STATE_ESTABLISHED);
}

/* ---- TCP.md 12, 13: SYN-RECEIVED */

static void old_duplicate_syn(struct host *h)
{
    /* The SYN is old, its sender has no such connection: our SYN,ACK is answered by RST at
     * SEG.ACK. */
    open_half(h);
    inject(h, RST, 1, 0, 0);
    expect_end(h, END_SYN_CANCELLED);
    expect_state(h, STATE_LISTEN);
    expect_nothing(h);
    assert_int_equal(tcb_deadline(&h->t), USEC_NEVER);
    assert_int_equal(h->t.stats.established_at, 0);
}

static void repeated_syn(struct host *h)
{
    open_half(h);
    inject(h, SYN, 0, 0, 0);
    assert_true(h->event.notes & NOTE_REPEATED_SYN);
    expect(h, SYN | ACK, 0, 1, 0);
    expect_nothing(h);
    expect_state(h, STATE_SYN_RECEIVED);
    inject(h, ACK, 1, 1, 0);
    expect_state(h, STATE_ESTABLISHED);
}

static void repeated_syn_is_echoed(struct host *h)
{
    h->peer_syn.present = OPT_MSS | OPT_TIMESTAMPS;
    open_half(h);
    h->peer_ts += 1000;
    inject(h, SYN, 0, 0, 0);
    expect(h, SYN | ACK, 0, 1, 0);
    assert_int_equal(h->last.opt.tsecr, h->peer_ts);
}

static void repeated_syn_begins_the_timer_anew(struct host *h)
{
    open_half(h);
    h->now += 900 * USEC_MS;
    inject(h, SYN, 0, 0, 0);
    expect(h, SYN | ACK, 0, 1, 0);
    assert_int_equal(run_timer(h), USEC_SEC);
}

static void syn_received_other_syn(struct host *h)
{
    open_half(h);
    inject(h, SYN, 100, 0, 0);
    expect_end(h, END_SYN_CANCELLED);
    expect_state(h, STATE_LISTEN);
}

static void syn_received_rst_not_exact(struct host *h)
{
    open_half(h);
    inject(h, RST, 2, 0, 0);
    expect_drop(h, DROP_RST_CHALLENGED);
    expect(h, ACK, 1, 1, 0);
    expect_state(h, STATE_SYN_RECEIVED);
    inject(h, RST, 0, 0, 0);
    expect_drop(h, DROP_RST_OUTSIDE);
    expect_nothing(h);
    expect_state(h, STATE_SYN_RECEIVED);
}

static void syn_received_bad_ack(struct host *h)
{
    static const uint32_t bad[] = {0, 2, 50000};

    open_half(h);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        inject(h, ACK, 1, bad[i], 0);
        expect_drop(h, DROP_BAD_ACK);
        expect(h, RST, bad[i], ANY, 0);
        expect_nothing(h);
        expect_state(h, STATE_SYN_RECEIVED);
    }
    inject(h, ACK, 1, 1, 0);
    expect_state(h, STATE_ESTABLISHED);
}

static void ack_with_data_opens(struct host *h)
{
    open_half(h);
    inject(h, ACK, 1, 1, 700);
    expect_state(h, STATE_ESTABLISHED);
    expect(h, ACK, 1, 701, 0);
    user_reads(h, 1, 700);
}

static void ack_with_data_and_fin_opens_and_closes(struct host *h)
{
    open_half(h);
    inject(h, ACK | FIN, 1, 1, 700);
    expect_state(h, STATE_CLOSE_WAIT);
    expect(h, ACK, 1, 702, 0);
    expect_nothing(h);
    user_reads(h, 1, 700);
    assert_true(tcb_peer_closed(&h->t));
}

static void fin_without_ack_in_syn_received(struct host *h)
{
    open_half(h);
    inject(h, FIN, 1, 0, 10);
    expect_drop(h, DROP_NO_ACK);
    expect_state(h, STATE_SYN_RECEIVED);
    expect_nothing(h);
}

static void lost_ack_of_handshake(struct host *h)
{
    /* The third segment was lost, the peer's data is what completes the opening. */
    open_half(h);
    inject(h, ACK, 501, 1, 500);
    expect_state(h, STATE_ESTABLISHED);
    expect(h, ACK, 1, 1, 0);
    inject(h, ACK, 1, 1, 500);
    expect(h, ACK, 1, 1001, 0);
    user_reads(h, 1, 1000);
}

static void syn_ack_is_repeated(struct host *h)
{
    open_half(h);
    h->now -= 10 * USEC_MS;
    assert_int_equal(run_timer(h), USEC_SEC);
    expect(h, SYN | ACK, 0, 1, 0);
    assert_int_equal(run_timer(h), 2 * USEC_SEC);
    expect(h, SYN | ACK, 0, 1, 0);
}

static void repeated_syn_ack(struct host *h)
{
    /* Our ACK was lost: the SYN,ACK again is answered, or the peer never gets on. */
    open_active(h);
    inject(h, SYN | ACK, 0, 1, 0);
    expect(h, ACK, 1, 1, 0);
    expect_nothing(h);
    expect_state(h, STATE_ESTABLISHED);
}

/* ---- TCP.md 14: timestamps */

static void with_timestamps(struct host *h)
{
    h->peer_syn.present = OPT_MSS | OPT_TIMESTAMPS;
    open_active(h);
    assert_int_equal(h->last.opt.tsecr, h->peer_ts);
}

static void segment_without_timestamp(struct host *h)
{
    with_timestamps(h);
    h->no_ts = true;
    inject(h, ACK, 1, 1, 100);
    expect_drop(h, DROP_NO_TIMESTAMP);
    expect_nothing(h);
    inject(h, FIN | ACK, 1, 1, 0);
    expect_drop(h, DROP_NO_TIMESTAMP);
    expect_nothing(h);
    expect_state(h, STATE_ESTABLISHED);
    /* but a RST needs none (RFC 7323 3.2) */
    inject(h, RST, 1, 1, 0);
    expect_end(h, END_RESET);
}

static void paws(struct host *h)
{
    with_timestamps(h);
    h->peer_ts += 100;
    inject(h, ACK, 1, 1, 100);
    drain(h);
    h->peer_ts -= 50;
    inject(h, ACK, 101, 1, 100);
    expect_drop(h, DROP_PAWS);
    expect(h, ACK, 1, 101, 0);
    h->peer_ts += 50;
    inject(h, ACK, 101, 1, 100);
    expect_drop(h, DROP_NOTHING);
    user_reads(h, 1, 200);
}

/* Somebody who guesses must not be able to make all that the peer says too old. */
static void unbelieved_ack_leaves_ts_recent(struct host *h)
{
    static const uint32_t acks[] = {2, 0x80000000U};

    with_timestamps(h);
    for (int i = 0; i < 2; i++) {
        h->peer_ts += 1000000;
        inject(h, ACK, 0, acks[i], 100);
        assert_true(h->event.drop == DROP_ACK_FUTURE || h->event.drop == DROP_ACK_OLD);
        expect(h, ACK, 1, 1, 0);
        h->peer_ts -= 1000000;
    }
    h->peer_ts += 1000000;
    inject(h, 0, 0, 0, 100); /* nor one without ACK */
    expect_drop(h, DROP_NO_ACK);
    h->peer_ts -= 1000000;
    inject(h, ACK, 1, 1, 100);
    expect_drop(h, DROP_NOTHING);
    user_reads(h, 1, 100);
}

static void paws_idle(struct host *h)
{
    with_timestamps(h);
    h->now += (usec_t)25 * 24 * 3600 * USEC_SEC;
    h->peer_ts -= 1000;
    inject(h, ACK, 1, 1, 100);
    expect_drop(h, DROP_NOTHING);
    user_reads(h, 1, 100);
}

static void timestamp_echoed_is_of_the_acked_segment(struct host *h)
{
    /* RFC 7323 4.3: while data is missing, the timestamp of the last segment in order is echoed. */
    with_timestamps(h);
    const uint32_t first = h->peer_ts;

    h->peer_ts += 10;
    inject(h, ACK, 101, 1, 100);
    expect(h, ACK, 1, 1, 0);
    assert_int_equal(h->last.opt.tsecr, first);
    h->peer_ts += 10;
    inject(h, ACK, 1, 1, 100);
    expect(h, ACK, 1, 201, 0);
    assert_int_equal(h->last.opt.tsecr, first + 20);
}

static void no_timestamps_if_not_agreed(struct host *h)
{
    open_active(h);
    h->extra.present = OPT_TIMESTAMPS;
    inject(h, ACK, 1, 1, 100);
    expect(h, ACK, 1, 101, 0);
    assert_int_equal(h->last.opt.present & OPT_TIMESTAMPS, 0);
}

/* ---- no connection: 3.10.7.1 and 3.10.7.2 */

static void listen_answers(struct host *h)
{
    struct segment reply;
    struct segment s = host_segment(h, RST, 5, 0);

    assert_int_equal(tcp_listen(&s, &reply), LISTEN_DROP);
    s = host_segment(h, RST | ACK, 5, 9);
    assert_int_equal(tcp_listen(&s, &reply), LISTEN_DROP);
    s = host_segment(h, ACK, 5, 9);
    assert_int_equal(tcp_listen(&s, &reply), LISTEN_RESET);
    assert_int_equal(reply.flags, RST);
    assert_int_equal(reply.seq, h->iss + 9);
    s = host_segment(h, SYN | ACK, 5, 9);
    assert_int_equal(tcp_listen(&s, &reply), LISTEN_RESET);
    s = host_segment(h, SYN, 5, 0);
    assert_int_equal(tcp_listen(&s, &reply), LISTEN_OPEN);
    s = host_segment(h, FIN, 5, 0);
    assert_int_equal(tcp_listen(&s, &reply), LISTEN_DROP);
    s = host_segment(h, 0, 5, 0);
    assert_int_equal(tcp_listen(&s, &reply), LISTEN_DROP);
}

static void closed_answers(struct host *h)
{
    struct segment reply;
    struct segment s = host_segment(h, RST, 5, 0);

    assert_false(tcp_closed(&s, &reply));
    s = host_segment(h, RST | ACK, 5, 7);
    assert_false(tcp_closed(&s, &reply));
    s = host_segment(h, ACK, 5, 7);
    assert_true(tcp_closed(&s, &reply));
    assert_int_equal(reply.flags, RST);
    assert_int_equal(reply.seq, h->iss + 7);
    s = host_segment(h, SYN, 5, 0);
    assert_true(tcp_closed(&s, &reply));
    assert_int_equal(reply.flags, RST | ACK);
    assert_int_equal(reply.seq, 0);
    assert_int_equal(reply.ack, h->irs + 6);
    s = host_segment(h, SYN | FIN, 5, 0);
    s.len = 10;
    assert_true(tcp_closed(&s, &reply));
    assert_int_equal(reply.ack, h->irs + 17);
}

/* ---- TCP.md 23: ISNs */

static void isn_rises_with_time(struct host *h)
{
    const seq_t a = isn_generate(h->cfg.key, &h->cfg.local, &h->cfg.remote, h->now);
    const seq_t b = isn_generate(h->cfg.key, &h->cfg.local, &h->cfg.remote, h->now + 4000);

    assert_int_equal(b - a, 1000);
}

static void isn_is_unrelated(struct host *h)
{
    seq_t isn[256];
    unsigned close = 0;

    for (unsigned i = 0; i < 256; i++) {
        h->cfg.remote.port = (uint16_t)(1000 + i);
        isn[i] = isn_generate(h->cfg.key, &h->cfg.local, &h->cfg.remote, h->now);
        for (unsigned k = 0; k < i; k++) {
            /* 32640 pairs: about 1 lies within 65536 by chance */
            close += isn[i] - isn[k] + 32768 < 65536;
        }
    }
    assert_true(close < 10);
    h->cfg.key[0] ^= 1;
    assert_int_not_equal(isn_generate(h->cfg.key, &h->cfg.local, &h->cfg.remote, h->now), isn[255]);
}

static void own_isn_is_used(struct host *h)
{
    h->cfg.has_isn = false;
    tcb_open_active(&h->t, &h->cfg, h->now);
    assert_int_equal(h->t.iss, isn_generate(h->cfg.key, &h->cfg.local, &h->cfg.remote, h->now));
}

static const struct tcb_test tests[] = {
    {"Figure 6: an active open sends SYN and acknowledges the SYN,ACK", active_open},
    {"MUST-11: a passive open is remembered as such", passive_open},
    {"RFC7323-NEGOTIATE: a SYN,ACK carries only the options that the SYN had",
     syn_ack_carries_what_the_syn_had},
    {"MAY-3: a SYN,ACK always carries an MSS", syn_ack_without_options_gets_mss_only},
    {"MUST-15: without MSS option the peer takes 536 bytes (IPv4)", mss_default_v4},
    {"MUST-15: without MSS option the peer takes 1220 bytes (IPv6)", mss_default_v6},
    {"TCP.md 4: MSS 0 counts as absent", mss_zero_is_absent},
    {"TCP.md 4: a tiny MSS counts as 48", mss_tiny_is_clamped},
    {"MUST-14: a large MSS is cut to what the path takes", mss_huge_is_cut_to_the_path},
    {"MUST-16: options come out of the effective MSS", options_come_out_of_the_mss},
    {"TCP.md 4: options never leave a tiny MSS without payload",
     mss_48_with_timestamps_leaves_room},
    {"TCP.md 5: MSS, scale and SACK-permitted outside a SYN are ignored",
     mss_outside_a_syn_is_ignored},
    {"TCP.md 5, RFC7323-WSCALE: a scale above 14 counts as 14", wscale_15_counts_as_14},
    {"RFC7323-WSCALE: the window of a SYN is not scaled", window_of_a_syn_is_not_scaled},
    {"RFC7323-WSCALE: other windows are", window_is_scaled_afterwards},
    {"MUST-10, TCP.md 10: crossed SYNs, then crossed SYN,ACKs: ESTABLISHED (Figure 7)",
     simultaneous_open},
    {"MUST-10: crossed SYNs, then a plain ACK with data: ESTABLISHED",
     simultaneous_open_acked_by_plain_ack},
    {"MUST-10: SYN and SYN,ACK at once: the SYN is acknowledged", simultaneous_open_both_at_once},
    {"MUST-10: the window of the crossing SYN,ACK is not scaled",
     simultaneous_open_window_is_not_scaled},
    {"MUST-11: RST after a simultaneous open means refused", simultaneous_open_refused},
    {"TCP.md 11: SYN-SENT answers a bad ACK by RST with seq = SEG.ACK", syn_sent_bad_ack},
    {"TCP.md 11: SYN-SENT ignores RST without ACK", syn_sent_rst_without_ack},
    {"TCP.md 11: SYN-SENT takes RST,ACK with a good ACK for refused", syn_sent_refused},
    {"SYN-SENT drops what is neither SYN nor RST", syn_sent_without_syn},
    {"MUST-22 RFC6298-INITIAL: a SYN is repeated after 1, 2, 4, ... seconds", syn_sent_is_repeated},
    {"MUST-23: a SYN is given up after 3 minutes, not before", syn_gives_up},
    {"MUST-23: or when the user says", syn_gives_up_when_told},
    {"MUST-18 RFC6298-SYN: a SYN sent twice gives no sample, and RTO 3 s",
     repeated_syn_makes_rto_3_s},
    {"SEND in SYN-SENT is queued", data_waits_for_the_handshake},
    {"3.10.4: CLOSE in SYN-SENT waits for the handshake, with the data",
     close_waits_for_the_handshake},
    {"data in a SYN,ACK is delivered", syn_ack_with_data},
    {"data and FIN in a SYN,ACK are taken whole", syn_ack_with_data_and_fin},
    {"SHLD-26: a hard ICMP error ends an opening", hard_icmp_ends_an_opening},
    {"MUST-56: and no established connection", icmp_does_not_end_a_connection},
    {"TCP.md 12: an old duplicate SYN makes no connection", old_duplicate_syn},
    {"TCP.md 13: a repeated SYN is answered by SYN,ACK again", repeated_syn},
    {"RFC7323-TS: a repeated SYN's timestamp is the one echoed", repeated_syn_is_echoed},
    {"RFC6298-TIMER: the SYN,ACK's timer begins anew with each",
     repeated_syn_begins_the_timer_anew},
    {"RFC6298-Karn: the echo to a repeated SYN is no sample",
     repeated_syn_gives_no_timestamp_sample},
    {"TCP.md 13: another SYN in the window returns to LISTEN", syn_received_other_syn},
    {"TCP.md 21: SYN-RECEIVED challenges a RST that is not at RCV.NXT", syn_received_rst_not_exact},
    {"SYN-RECEIVED answers a bad ACK by RST and stays", syn_received_bad_ack},
    {"TCP.md 13: an ACK with data opens and delivers", ack_with_data_opens},
    {"TCP.md 13: an ACK with data and FIN is taken whole", ack_with_data_and_fin_opens_and_closes},
    {"SYN-RECEIVED drops a segment without ACK", fin_without_ack_in_syn_received},
    {"out-of-order data whose ACK is good opens, and is kept", lost_ack_of_handshake},
    {"MUST-22: a SYN,ACK is repeated", syn_ack_is_repeated},
    {"a repeated SYN,ACK is answered by an ACK", repeated_syn_ack},
    {"TCP.md 14: agreed timestamps missing: dropped, not reset", segment_without_timestamp},
    {"RFC7323-PAWS: an older timestamp is dropped and acknowledged", paws},
    {"RFC7323-PAWS RFC5961-ACK: a segment whose ACK is not believed leaves TS.Recent alone",
     unbelieved_ack_leaves_ts_recent},
    {"RFC7323-PAWS-IDLE: after 24 days of silence any timestamp is good", paws_idle},
    {"RFC7323-RTTM: the echoed timestamp is that of the last segment in order",
     timestamp_echoed_is_of_the_acked_segment},
    {"RFC7323-NEGOTIATE: no timestamps where not agreed", no_timestamps_if_not_agreed},
    {"3.10.7.2: LISTEN ignores RST, resets ACK, takes SYN", listen_answers},
    {"3.10.7.1: CLOSED resets all but RST", closed_answers},
    {"MUST-8, TCP.md 23: ISNs of one tuple rise, one step each 4 us", isn_rises_with_time},
    {"MUST-9 SHLD-1, TCP.md 23: ISNs of other tuples are unrelated", isn_is_unrelated},
    {"MUST-8: the generated ISN is used", own_isn_is_used},
};

int main(void)
{
    return host_main("opening", tests, sizeof tests / sizeof tests[0]);
}
