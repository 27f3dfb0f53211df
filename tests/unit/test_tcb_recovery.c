/*
 * Loss recovery of today: RACK-TLP, PRR, D-SACK and what is taken back as needless. One tcb, a
 * scripted peer, time as a number.
 */
#include "segcat/tcp/internal.h"
#include "tcb_host.h"

/* ESTABLISHED with so many segments in flight; round trip 10 ms, which have passed. */
static void flight_with(struct host *h, uint16_t options, uint32_t segments, uint32_t written)
{
    h->cfg.congestion = &congestion_reno;
    h->cfg.no_pacing = true;
    h->window = 65535;
    h->peer_syn.present = (uint16_t)(OPT_MSS | options);
    open_active(h);
    h->t.cc.cwnd = segments * h->t.mss;
    user_writes(h, 1, written);
    for (uint32_t i = 0; i < segments; i++)
        assert_true(take(h));
    expect_nothing(h);
    later(h, 10 * USEC_MS);
}

static void flight_of(struct host *h, uint32_t segments)
{
    flight_with(h, OPT_SACK_PERMITTED, segments, segments * 1000);
}

/* Number of the first byte of segment n, from 0. */
static uint32_t seg(uint32_t n)
{
    return 1 + n * 1000;
}

static void ack(struct host *h, uint32_t n)
{
    inject(h, ACK, 1, seg(n), 0);
}

static void ack_sack(struct host *h, uint32_t n, uint32_t left, uint32_t right)
{
    add_sack(h, seg(left), seg(right));
    ack(h, n);
}

static void ack_dsack(struct host *h, uint32_t n, uint32_t which)
{
    add_sack(h, seg(which), seg(which + 1));
    ack(h, n);
}

static void expect_resent(struct host *h, uint32_t n)
{
    expect(h, ACK, seg(n), 1, 1000);
}

/* The retransmission timer has run out; the tail loss probe, which may come before, is lost. */
static void until_rto(struct host *h)
{
    const unsigned before = h->rto_events;

    for (int guard = 0; h->rto_events == before; guard++) {
        assert_true(guard < 10);
        run_timer(h);
        if (h->rto_events == before)
            drain(h);
    }
}

/* ---- RACK */

static void rack_first_is_lost_after_three(struct host *h)
{
    flight_of(h, 10);
    ack_sack(h, 0, 1, 3);
    expect_nothing(h); /* two may be reordering: RACK waits a quarter of the round trip */
    assert_int_equal(h->t.timer[TIMER_REORDER], h->now + 10 * USEC_MS / 4);
    ack_sack(h, 0, 1, 4);
    expect_resent(h, 0);
    assert_true(h->event.notes & NOTE_RECOVERY);
}

static void rack_small_segments_count(struct host *h)
{
    /* three segments are three, however short */
    h->peer_syn.present = OPT_MSS | OPT_SACK_PERMITTED;
    h->cfg.no_nagle = true;
    open_active(h);
    for (uint32_t i = 0; i < 4; i++) {
        user_writes(h, 1 + 10 * i, 10);
        expect(h, ACK, 1 + 10 * i, 1, 10);
    }
    expect_nothing(h);
    later(h, 10 * USEC_MS);
    add_sack(h, 11, 41);
    inject(h, ACK, 1, 1, 0);
    expect(h, ACK, 1, 1, 10);
}

static void rack_timer_finds_it(struct host *h)
{
    flight_of(h, 10);
    ack_sack(h, 0, 1, 2);
    expect_nothing(h);
    assert_int_equal(run_timer(h), 10 * USEC_MS / 4);
    expect_resent(h, 0);
    assert_true(h->t.recovering);
}

/* Segment 0 comes late by `by`; nothing is sent again. */
static void reorder_once(struct host *h)
{
    ack_sack(h, 0, 1, 2);
    expect_nothing(h);
    later(h, USEC_MS);
    ack(h, 2);
    assert_true(h->event.notes & NOTE_REORDERING);
    assert_true(h->t.rack.reordering);
}

static void rack_waits_once_reordering_is_seen(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 10, 10000);
    reorder_once(h);
    ack_sack(h, 2, 3, 9); /* six behind it: without the window this would be a loss */
    expect_nothing(h);
    assert_false(h->t.recovering);
    later(h, USEC_MS);
    ack(h, 9);
    assert_int_equal(h->t.stats.retransmits, 0);
    assert_false(h->event.notes & NOTE_REORDERING); /* news the first time only */
}

static void lost_reports_are_not_reordering(struct host *h)
{
    flight_of(h, 10);
    /* ACKs were lost: this one tells of two blocks at once, the newest first */
    add_sack(h, seg(7), seg(8));
    add_sack(h, seg(3), seg(4));
    ack(h, 0);
    assert_false(h->t.rack.reordering);
}

/* A recovery for segment 0 whose original then arrives; ends with all acknowledged, no D-SACK yet. */
static void needless_recovery(struct host *h, uint32_t base)
{
    ack_sack(h, base, base + 1, base + 4);
    if (!h->t.recovering)
        run_timer(h);
    expect_resent(h, base);
    later(h, 10 * USEC_MS);
    ack(h, base + 4);
    assert_false(h->t.recovering);
}

static void rack_window_grows(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 4, 60000);
    h->t.rack.reordering = true;
    const usec_t narrow = rack_reordering_window(&h->t);

    assert_int_equal(narrow, 10 * USEC_MS / 4);
    for (uint32_t round = 1; round <= 3; round++) {
        const uint32_t base = h->t.snd_una - h->iss == 1 ? 0 : (h->t.snd_una - h->iss - 1) / 1000;

        needless_recovery(h, base);
        drain(h);
        later(h, USEC_MS);
        const uint32_t una = (h->t.snd_una - h->iss - 1) / 1000;

        ack_dsack(h, una, base);
        assert_true(h->event.notes & NOTE_SPURIOUS);
        h->t.rtt.srtt = 100 * USEC_MS;
        assert_int_equal(rack_reordering_window(&h->t), narrow * (1 + round));
        /* once in a round, though the ACK comes again */
        ack_dsack(h, una, base);
        assert_int_equal(rack_reordering_window(&h->t), narrow * (1 + round));
        drain(h);
        later(h, 10 * USEC_MS);
        ack(h, (h->t.snd_nxt - h->iss - 1) / 1000);
        h->t.cc.cwnd = 4000;
        drain(h);
        later(h, 10 * USEC_MS);
    }
    h->t.rtt.srtt = 3 * USEC_MS;
    assert_int_equal(rack_reordering_window(&h->t), 3 * USEC_MS); /* not beyond a round trip */
}

static void rack_window_shrinks_after_sixteen(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 4, 60000);
    h->t.rack.reordering = true;
    h->t.rack.dsack = true;
    rack_adapt(&h->t);
    assert_int_equal(h->t.rack.reo_wider, 1);
    for (uint32_t i = 1; i <= 16; i++) {
        const uint32_t base = (h->t.snd_una - h->iss - 1) / 1000;

        assert_int_equal(h->t.rack.reo_wider, 1);
        needless_recovery(h, base);
        drain(h);
        later(h, 10 * USEC_MS);
        ack(h, (h->t.snd_nxt - h->iss - 1) / 1000);
        if (tcb_unsent(&h->t) < 10000)
            user_writes(h, h->t.snd_nxt - h->iss + (uint32_t)tcb_unsent(&h->t), 40000);
        h->t.cc.cwnd = 4000;
        drain(h);
        later(h, 10 * USEC_MS);
    }
    assert_int_equal(h->t.rack.reo_wider, 0);
}

static void rack_min_rtt_forgets(struct host *h)
{
    flight_of(h, 1);
    ack(h, 1);
    assert_int_equal(rack_min_rtt(&h->t), 10 * USEC_MS);
    for (uint32_t i = 0; i < 20; i++) {
        h->now += 20 * USEC_SEC;
        user_writes(h, seg(1 + i), 1000);
        drain(h);
        h->now += 40 * USEC_MS;
        ack(h, 2 + i);
        if (i < 13) /* this period's and the one's before */
            assert_int_equal(rack_min_rtt(&h->t), 10 * USEC_MS);
    }
    assert_int_equal(rack_min_rtt(&h->t), 40 * USEC_MS);
    assert_int_equal(h->t.rtt.min, 10 * USEC_MS); /* the summary's is of all time */
}

static void rack_lost_retransmission(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 10, 30000);
    ack_sack(h, 0, 1, 6);
    expect_resent(h, 0); /* lost again */
    ack_sack(h, 0, 1, 10);
    const unsigned more = drain(h);

    assert_true(more > 0);
    later(h, 10 * USEC_MS);
    ack_sack(h, 0, 1, 10 + more); /* what was sent after it has arrived */
    expect_resent(h, 0);
    assert_int_equal(h->rto_events, 0);
}

static void rack_ambiguous_delivery_is_skipped(struct host *h)
{
    flight_of(h, 10);
    ack_sack(h, 0, 1, 4);
    expect_resent(h, 0);
    const usec_t sent_at = h->t.rack.sent_at;

    later(h, USEC_MS); /* less than the least round trip: the original's */
    ack(h, 4);
    expect_nothing(h); /* or all the rest, sent before the retransmission, would be lost */
    assert_true(h->t.rack.sent_at == sent_at);
}

static void rto_marks_what_is_old(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 4, 12000);
    ack(h, 1);
    h->t.cc.cwnd = 3000;
    expect_nothing(h);
    h->t.cc.cwnd = 20000;
    const usec_t rto = h->t.timer[TIMER_REXMT];

    h->now = rto - USEC_MS; /* a window later than the first flight, and just before the timeout */
    assert_int_equal(drain(h), 8);
    tcb_timer_off(&h->t, TIMER_TLP);
    h->now = rto;
    tcb_timeout(&h->t, h->now);
    assert_int_equal(h->t.stats.rto_count, 1);
    assert_int_equal(h->t.sent.lost, 3); /* the rest was sent a millisecond ago */
    assert_int_equal(tcb_flight(&h->t), 8000);
    expect_resent(h, 1); /* the first goes although cwnd is one segment */
    expect_nothing(h);
}

/* ---- tail loss probe */

static void probe_sent(struct host *h, uint32_t n)
{
    run_timer(h);
    expect(h, ACK, seg(n), 1, 1000);
    assert_int_equal(h->reason, SEND_RETRANSMIT_TLP);
    expect_nothing(h);
}

static void probe_repairs_a_loss(struct host *h)
{
    flight_of(h, 3);
    ack(h, 2);
    expect_nothing(h);
    h->t.cc.cwnd = 10000;
    probe_sent(h, 2);
    later(h, 10 * USEC_MS);
    ack(h, 3);
    assert_int_equal(h->t.cc.cwnd, 10000);    /* it may have been needless: a D-SACK would say so */
    add_sack(h, seg(3) - 0x70000000, seg(3)); /* but not one of a gigabyte */
    ack(h, 3);
    assert_false(h->event.notes & NOTE_SPURIOUS);
    user_writes(h, seg(3), 1000);
    drain(h);
    later(h, 10 * USEC_MS);
    ack(h, 4); /* none came: it was a loss, and that counts */
    assert_true(h->t.cc.cwnd < 10000);
    assert_int_equal(h->t.cc.cwnd, h->t.cc.ssthresh);
}

static void probe_was_needless(struct host *h)
{
    flight_of(h, 3);
    ack(h, 2);
    drain(h);
    h->t.cc.cwnd = 10000;
    probe_sent(h, 2);
    later(h, 5 * USEC_MS);
    ack(h, 3); /* the original's */
    later(h, 5 * USEC_MS);
    ack_dsack(h, 3, 2); /* the probe's */
    assert_true(h->event.notes & NOTE_SPURIOUS);
    assert_int_equal(h->t.rack.reo_wider, 0); /* no sign of reordering */
    user_writes(h, seg(3), 1000);
    drain(h);
    later(h, 10 * USEC_MS);
    ack(h, 4);
    assert_true(h->t.cc.cwnd >= 10000);
}

static void probe_answered_twice(struct host *h)
{
    /* a peer without D-SACK: the original's ACK, then a duplicate without any block */
    flight_of(h, 3);
    ack(h, 2);
    drain(h);
    h->t.cc.cwnd = 10000;
    probe_sent(h, 2);
    later(h, 5 * USEC_MS);
    ack_sack(h, 2, 2, 2); /* not sane: nothing is learnt */
    user_writes(h, seg(3), 1000);
    drain(h);
    later(h, USEC_MS);
    ack(h, 3);
    assert_true(h->t.tlp_out);
    ack(h, 3);
    assert_true(h->event.notes & NOTE_DUPLICATE_ACK);
    assert_false(h->t.tlp_out);
    later(h, 5 * USEC_MS);
    ack(h, 4);
    assert_true(h->t.cc.cwnd >= 10000);
}

static void probe_with_new_data(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 3, 6000);
    run_timer(h);
    expect(h, ACK, seg(3), 1, 1000); /* beyond the congestion window, by one */
    assert_int_equal(h->reason, SEND_DATA);
    expect_nothing(h);
    const uint32_t cwnd = h->t.cc.cwnd;

    later(h, 10 * USEC_MS);
    ack(h, 4);
    assert_true(h->t.cc.cwnd >= cwnd);
    assert_false(h->t.tlp_out);
}

static void probe_goes_beyond_cwnd(struct host *h)
{
    /* the last segment was sent before: the probe goes all the same */
    flight_of(h, 3);
    ack(h, 1);
    drain(h);
    probe_sent(h, 2);
    later(h, 10 * USEC_MS);
    ack(h, 2);
    h->t.tlp_out = false;
    h->t.cc.cwnd = 1000;
    drain(h);
    probe_sent(h, 2);
}

static void probe_instead_of_timeout(struct host *h)
{
    /* RFC 8985 7.2: where the timeout would come first, the probe takes its time */
    flight_of(h, 3);
    ack(h, 2);
    expect_nothing(h);
    assert_true(2 * h->t.rtt.srtt + 200 * USEC_MS >= rtt_timeout(&h->t.rtt));
    const usec_t waited = run_timer(h);

    assert_true(waited <= rtt_timeout(&h->t.rtt));
    expect(h, ACK, seg(2), 1, 1000);
    assert_int_equal(h->reason, SEND_RETRANSMIT_TLP);
    assert_int_equal(h->t.stats.rto_count, 0);
    expect_nothing(h);
    run_timer(h); /* and the timeout follows behind it */
    assert_int_equal(h->t.stats.rto_count, 1);
    expect_resent(h, 2);
    assert_int_equal(h->reason, SEND_RETRANSMIT_RTO);
}

/* ---- PRR */

static void prr_in_proportion(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 20, 60000);
    ack_sack(h, 0, 1, 4);
    const uint32_t ssthresh = h->t.cc.ssthresh;

    assert_true(ssthresh < 20000 && ssthresh > 2000);
    expect_resent(h, 0);
    unsigned sent = 1;

    sent += drain(h);
    for (uint32_t i = 5; i <= 20; i++) {
        ack_sack(h, 0, 1, i);
        const unsigned n = drain(h);

        assert_true(n <= 2); /* no burst */
        sent += n;
        /* RFC 9937: out <= ceil(delivered * ssthresh / RecoverFS) while above ssthresh */
        if (tcb_pipe(&h->t) >= ssthresh)
            assert_true(sent * 1000ULL <= ((i - 1) * 1000ULL * ssthresh + 19999) / 20000 + 1000);
    }
    /* a round trip later about ssthresh is in flight: the clock has not stopped */
    assert_in_range(tcb_pipe(&h->t), ssthresh - 2000, ssthresh);
    ack(h, 20);
    assert_false(h->t.recovering);
    assert_true(h->event.notes & NOTE_RECOVERED);
    assert_int_equal(h->event.cwnd, ssthresh);
}

static void prr_after_heavy_loss(struct host *h)
{
    /* most of the flight is lost: below ssthresh a segment goes for each that arrives, one more for
     * each ACK that gets on */
    flight_with(h, OPT_SACK_PERMITTED, 20, 60000);
    ack_sack(h, 0, 17, 20);
    assert_true(tcb_pipe(&h->t) < h->t.cc.ssthresh);
    assert_int_equal(h->t.sent.lost, 17);
    unsigned n = drain(h);

    assert_int_equal(n, 3); /* conservative bound: as much as was delivered, no line-rate burst */
    later(h, 10 * USEC_MS);
    ack_sack(h, 1, 17, 20);
    assert_int_equal(drain(h), 2); /* slow start bound: safe */
    later(h, 10 * USEC_MS);
    ack_sack(h, 2, 17, 20);
    assert_int_equal(drain(h), 2);
}

static void prr_not_safe_while_losses_show(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 20, 60000);
    ack_sack(h, 0, 1, 4);
    drain(h);
    later(h, 10 * USEC_MS);
    /* the hole is filled, and the next is 12 long */
    ack_sack(h, 4, 16, 20);
    assert_int_equal(h->t.sent.lost, 12);
    const uint64_t pipe = tcb_pipe(&h->t);

    assert_true(pipe < h->t.cc.ssthresh);
    /* 5 delivered, no segment more */
    const uint64_t owed = h->t.prr.delivered - h->t.prr.out;

    assert_true(owed >= 5000);
    assert_true(pipe + owed + 1000 <= h->t.cc.ssthresh);
    assert_int_equal(h->t.cc.cwnd, pipe + owed);
}

static void prr_first_retransmission_goes(struct host *h)
{
    flight_of(h, 20);
    h->t.cc.cwnd = 4000; /* far more is in flight than allowed */
    ack_sack(h, 0, 1, 4);
    expect_resent(h, 0);
}

static void recovery_ends_at_ssthresh(struct host *h)
{
    flight_of(h, 20);
    ack_sack(h, 0, 1, 4);
    expect_resent(h, 0);
    expect_nothing(h);
    assert_true(h->t.cc.cwnd > h->t.cc.ssthresh); /* on its way */
    later(h, 10 * USEC_MS);
    ack(h, 20);
    assert_false(h->t.recovering);
    assert_int_equal(h->event.cwnd, h->t.cc.ssthresh);
}

static void sacks_open_nothing(struct host *h)
{
    flight_of(h, 10);
    h->t.rack.reordering = true;
    h->t.use.limited = true;
    const uint32_t cwnd = h->t.cc.cwnd;

    ack_sack(h, 0, 1, 3);
    assert_int_equal(h->t.cc.cwnd, cwnd);
    h->t.use.limited = true;
    ack(h, 3);
    assert_int_equal(h->t.cc.cwnd, cwnd + 3000);
}

static void timeout_in_a_recovery(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED | OPT_TIMESTAMPS, 10, 40000);
    const uint32_t mss = h->t.mss;
    const uint32_t first_ts = h->our_ts;

    add_sack(h, 1 + mss, 1 + 4 * mss);
    inject(h, ACK, 1, 1, 0);
    assert_true(h->t.recovering);
    drain(h);
    until_rto(h);
    drain(h);
    later(h, 10 * USEC_MS);
    h->our_ts = first_ts;
    inject(h, ACK, 1, 1 + 4 * mss, 0);
    assert_int_equal(h->t.stats.undone, 0);
    assert_true(h->t.rto_recovering);
}

static void recovery_cuts_once(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 20, 60000);
    ack_sack(h, 0, 1, 4);
    const uint32_t ssthresh = h->t.cc.ssthresh;

    drain(h);
    add_sack(h, seg(6), seg(9));
    ack_sack(h, 0, 1, 4); /* another hole of the same flight */
    drain(h);
    later(h, 10 * USEC_MS);
    ack_sack(h, 4, 6, 9);
    assert_int_equal(h->t.cc.ssthresh, ssthresh);
    assert_true(h->t.recovering);
}

/* ---- without SACK */

static void limited_transmit(struct host *h)
{
    flight_with(h, 0, 6, 20000);
    ack(h, 0);
    expect(h, ACK, seg(6), 1, 1000);
    expect_nothing(h);
    ack(h, 0);
    expect(h, ACK, seg(7), 1, 1000);
    expect_nothing(h);
    assert_int_equal(h->t.cc.cwnd, 6000);
    ack(h, 0);
    expect_resent(h, 0);
}

static void limited_transmit_with_sack(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 6, 20000);
    ack_sack(h, 0, 1, 2);
    expect(h, ACK, seg(6), 1, 1000);
    expect_nothing(h);
    ack_sack(h, 0, 1, 3);
    expect(h, ACK, seg(7), 1, 1000);
    expect_nothing(h);
}

static void newreno_partial_acks(struct host *h)
{
    flight_with(h, 0, 8, 8000);
    for (int i = 0; i < 3; i++)
        ack(h, 0);
    expect_resent(h, 0);
    expect_nothing(h);
    const uint32_t ssthresh = h->t.cc.ssthresh;

    for (uint32_t hole = 2; hole <= 6; hole += 2) {
        later(h, 10 * USEC_MS);
        ack(h, hole);
        assert_true(h->t.recovering);
        expect_resent(h, hole); /* one for each round trip, no timeout */
        expect_nothing(h);
    }
    later(h, 10 * USEC_MS);
    ack(h, 8);
    assert_false(h->t.recovering);
    assert_int_equal(h->event.cwnd, ssthresh);
    assert_int_equal(h->rto_events, 0);
}

static void newreno_no_second_recovery(struct host *h)
{
    /* RFC 6582 3.2: after a timeout everything goes again; the duplicate ACKs that this brings are no
     * loss */
    flight_with(h, 0, 6, 20000);
    until_rto(h);
    expect_resent(h, 0);
    later(h, 10 * USEC_MS);
    ack(h, 1);
    drain(h);
    const uint32_t ssthresh = h->t.cc.ssthresh;
    const uint64_t resent = h->t.stats.retransmits;

    for (int i = 0; i < 5; i++)
        ack(h, 1);
    drain(h);
    ack(h, 6); /* all of the old flight */
    drain(h);
    for (int i = 0; i < 5; i++)
        ack(h, 6);
    assert_false(h->t.recovering);
    assert_int_equal(h->t.cc.ssthresh, ssthresh);
    assert_true(h->t.stats.retransmits <= resent + 5);
    drain(h);
    later(h, 10 * USEC_MS);
    ack(h, 7);
    h->t.cc.cwnd = 8000;
    drain(h);
    for (int i = 0; i < 3; i++) /* but those beyond it are */
        ack(h, 7);
    assert_true(h->t.recovering);
}

/* ---- Eifel */

static void eifel_fast(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED | OPT_TIMESTAMPS, 10, 40000);
    const uint32_t mss = h->t.mss;
    const uint32_t cwnd = h->t.cc.cwnd;
    const uint32_t ssthresh = h->t.cc.ssthresh;
    const uint32_t first_ts = h->our_ts;

    add_sack(h, 1 + mss, 1 + 4 * mss);
    inject(h, ACK, 1, 1, 0);
    assert_true(h->t.recovering);
    expect(h, ACK, 1, 1, mss);
    later(h, 5 * USEC_MS);
    drain(h);
    h->our_ts = first_ts; /* the original has arrived late: its timestamp is echoed */
    inject(h, ACK, 1, 1 + 4 * mss, 0);
    assert_false(h->t.recovering);
    assert_true(h->event.notes & NOTE_UNDONE);
    assert_int_equal(h->event.undo, UNDO_TIMESTAMP);
    assert_false(h->event.undo_timeout);
    assert_int_equal(h->t.stats.undone, 1);
    assert_int_equal(h->t.cc.ssthresh, ssthresh);
    assert_true(h->t.cc.cwnd > cwnd / 2);
    assert_true(h->t.rack.reordering); /* and the next time it waits */
    /* slow start back to where it was */
    for (uint32_t i = 5; i <= 10; i++)
        inject(h, ACK, 1, 1 + i * mss, 0), drain(h);
    assert_true(h->t.cc.cwnd >= cwnd - mss);
}

static void eifel_real_loss_stays(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED | OPT_TIMESTAMPS, 10, 40000);
    const uint32_t mss = h->t.mss;

    add_sack(h, 1 + mss, 1 + 4 * mss);
    inject(h, ACK, 1, 1, 0);
    later(h, 5 * USEC_MS);
    expect(h, ACK, 1, 1, mss);
    drain(h);
    later(h, 5 * USEC_MS); /* our_ts is the retransmission's or later */
    inject(h, ACK, 1, 1 + 4 * mss, 0);
    assert_true(h->t.recovering);
    assert_int_equal(h->t.stats.undone, 0);
}

static void eifel_waits_for_all(struct host *h)
{
    /* two were sent again; one original arrives: the other may be lost in earnest */
    flight_with(h, OPT_SACK_PERMITTED | OPT_TIMESTAMPS, 10, 10 * 988);
    const uint32_t mss = h->t.mss;
    const uint32_t first_ts = h->our_ts;

    add_sack(h, 1 + mss, 1 + 2 * mss);
    add_sack(h, 1 + 3 * mss, 1 + 8 * mss);
    inject(h, ACK, 1, 1, 0);
    later(h, 5 * USEC_MS);
    expect(h, ACK, 1, 1, mss);
    expect(h, ACK, 1 + 2 * mss, 1, mss);
    drain(h);
    h->our_ts = first_ts;
    add_sack(h, 1 + 3 * mss, 1 + 8 * mss);
    inject(h, ACK, 1, 1 + 2 * mss, 0);
    assert_true(h->t.recovering);
    assert_int_equal(h->t.stats.undone, 0);
    inject(h, ACK, 1, 1 + 8 * mss, 0);
    assert_int_equal(h->t.stats.undone, 1);
}

static void eifel_timeout(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED | OPT_TIMESTAMPS, 10, 40000);
    const uint32_t mss = h->t.mss;
    const uint32_t cwnd = h->t.cc.cwnd;
    const uint32_t first_ts = h->our_ts;

    until_rto(h);
    const usec_t sent_ago = h->now - (h->t.stats.established_at);

    expect(h, ACK, 1, 1, mss);
    assert_true(h->t.sent.lost > 0);
    later(h, 10 * USEC_MS);
    h->our_ts = first_ts;
    inject(h, ACK, 1, 1 + mss, 0);
    assert_true(h->event.notes & NOTE_UNDONE);
    assert_true(h->event.undo_timeout);
    assert_false(h->t.rto_recovering);
    /* RFC 4015: nothing more is sent again; cwnd is what is in flight and what was acknowledged */
    assert_int_equal(h->t.sent.lost, 0);
    assert_in_range(h->t.cc.cwnd, cwnd - mss, cwnd + mss);
    const uint64_t resent = h->t.stats.retransmits;

    drain(h);
    assert_int_equal(h->t.stats.retransmits, resent);
    /* step 8: the round trip is as long as this one was */
    assert_true(h->t.rtt.srtt >= sent_ago - USEC_MS);
    assert_true(h->t.rtt.rttvar >= sent_ago / 2 - USEC_MS);
    assert_int_equal(h->t.rtt.backoff, 0);
    /* all the others arrive, and nothing has been lost */
    h->our_ts = first_ts;
    inject(h, ACK, 1, 1 + 10 * mss, 0);
    assert_false(h->t.recovering);
    drain(h);
    assert_int_equal(h->t.stats.retransmits, resent);
}

static void eifel_not_with_ecn_forbidden(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED | OPT_TIMESTAMPS, 10, 40000);
    const uint32_t mss = h->t.mss;
    const uint32_t first_ts = h->our_ts;

    add_sack(h, 1 + mss, 1 + 4 * mss);
    inject(h, ACK, 1, 1, 0);
    later(h, 5 * USEC_MS);
    drain(h);
    undo_forbid(&h->t); /* another sign of congestion has come */
    h->our_ts = first_ts;
    inject(h, ACK, 1, 1 + 4 * mss, 0);
    assert_true(h->t.recovering);
    assert_int_equal(h->t.stats.undone, 0);
}

/* ---- F-RTO */

static void frto_spurious(struct host *h, uint16_t options)
{
    flight_with(h, options, 10, 40000);
    const uint32_t cwnd = h->t.cc.cwnd;

    until_rto(h);
    const uint64_t resent = h->t.stats.retransmits;

    expect_resent(h, 0);
    /* All has been held up somewhere, and arrives now: so late that it could be the answer to the
     * retransmission. */
    later(h, 15 * USEC_MS);
    ack(h, 1);
    /* step 2: two new segments instead of what counts as lost */
    const uint32_t nxt = h->t.snd_nxt - h->iss;

    expect(h, ACK, nxt, 1, 1000);
    expect(h, ACK, nxt + 1000, 1, 1000);
    expect_nothing(h);
    later(h, USEC_MS);
    ack(h, 2); /* step 3: never sent again, and acknowledged */
    assert_true(h->event.notes & NOTE_UNDONE);
    assert_int_equal(h->event.undo, UNDO_FRTO);
    assert_false(h->t.rto_recovering);
    assert_int_equal(h->t.sent.lost, 0);
    assert_in_range(h->t.cc.cwnd, cwnd, cwnd + 2000);
    for (uint32_t i = 3; i <= 10; i++) {
        ack(h, i);
        drain(h);
    }
    assert_int_equal(h->t.stats.retransmits, resent + 1);
    assert_true(h->t.rtt.srtt >= 200 * USEC_MS);
}

static void frto_spurious_with_sack(struct host *h)
{
    frto_spurious(h, OPT_SACK_PERMITTED);
}

static void frto_spurious_basic(struct host *h)
{
    frto_spurious(h, 0);
}

static void frto_sack_shows_original(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 10, 40000);
    until_rto(h);
    expect_resent(h, 0);
    later(h, 10 * USEC_MS);
    ack(h, 1);
    assert_int_equal(drain(h), 2);
    later(h, USEC_MS);
    ack_sack(h, 1, 2, 3); /* reordered on top of it */
    assert_int_equal(h->event.undo, UNDO_FRTO);
}

static void frto_real_loss(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 10, 40000);
    until_rto(h);
    expect_resent(h, 0);
    later(h, 10 * USEC_MS);
    ack(h, 1);
    const uint32_t nxt = h->t.snd_nxt - h->iss;

    assert_int_equal(drain(h), 2);
    later(h, 10 * USEC_MS);
    add_sack(h, nxt, nxt + 1000); /* the new data has arrived, the old has not */
    ack(h, 1);
    assert_true(h->t.rto_recovering);
    assert_int_equal(h->t.stats.undone, 0);
    expect_resent(h, 1);
}

static void frto_real_loss_basic(struct host *h)
{
    flight_with(h, 0, 10, 40000);
    until_rto(h);
    expect_resent(h, 0);
    later(h, 10 * USEC_MS);
    ack(h, 1);
    assert_int_equal(drain(h), 2);
    later(h, 10 * USEC_MS);
    ack(h, 1);
    assert_true(h->t.rto_recovering);
    expect_resent(h, 1);
    /* and what is acknowledged later is no proof any more */
    later(h, 10 * USEC_MS);
    ack(h, 2);
    ack(h, 3);
    assert_int_equal(h->t.stats.undone, 0);
}

static void frto_all_acknowledged_proves_nothing(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 10, 40000);
    until_rto(h);
    const uint32_t end = h->t.snd_nxt - h->iss;

    expect_resent(h, 0);
    later(h, 10 * USEC_MS);
    inject(h, ACK, 1, end, 0); /* only the ACKs were lost, or the first segment */
    assert_int_equal(h->t.stats.undone, 0);
    assert_false(h->t.rto_recovering);
    assert_true(h->t.cc.ssthresh <= 6000);
}

static void frto_needs_new_data(struct host *h)
{
    flight_of(h, 10);
    until_rto(h);
    expect_resent(h, 0);
    later(h, 10 * USEC_MS);
    ack(h, 1);
    expect_resent(h, 1); /* nothing new to be sent: as ever */
}

static void frto_recent_data_is_no_proof(struct host *h)
{
    /* what the timeout did not give up (sent a moment before) arrives: nothing is proved */
    flight_with(h, OPT_SACK_PERMITTED, 4, 40000);
    ack(h, 1);
    h->t.cc.cwnd = 3000;
    expect_nothing(h);
    h->t.cc.cwnd = 6000;
    const usec_t rto = h->t.timer[TIMER_REXMT];

    h->now = rto - USEC_MS;
    assert_int_equal(drain(h), 3);
    tcb_timer_off(&h->t, TIMER_TLP);
    h->now = rto;
    tcb_timeout(&h->t, h->now);
    expect_resent(h, 1);
    h->t.cc.cwnd = 8000;
    later(h, 5 * USEC_MS);
    ack(h, 2);
    assert_true(drain(h) > 0);
    later(h, 5 * USEC_MS);
    ack_sack(h, 2, 4, 6);
    assert_int_equal(h->t.stats.undone, 0);
    assert_true(h->t.rto_recovering);
}

/* ---- D-SACK */

static void dsack_undo(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 10, 10000);
    const uint32_t cwnd = h->t.cc.cwnd;

    ack_sack(h, 0, 2, 8);
    expect_resent(h, 0);
    expect_resent(h, 1);
    expect_nothing(h);
    later(h, 10 * USEC_MS);
    ack(h, 10);
    assert_false(h->t.recovering);
    assert_true(h->t.cc.cwnd < cwnd);
    const uint32_t cut = h->t.cc.cwnd;

    later(h, USEC_MS);
    ack_dsack(h, 10, 0);
    assert_true(h->event.notes & NOTE_SPURIOUS);
    assert_int_equal(h->t.cc.cwnd, cut); /* one of two: the other was a loss for all we know */
    ack_dsack(h, 10, 0);                 /* the same again proves nothing more */
    assert_int_equal(h->t.stats.undone, 0);
    ack_dsack(h, 10, 1);
    assert_int_equal(h->event.undo, UNDO_DSACK);
    assert_int_equal(h->t.stats.undone, 1);
    assert_true(h->t.cc.ssthresh >= cwnd); /* slow start back to where it was */
    assert_true(h->t.rack.reordering);
    ack_dsack(h, 10, 0);
    assert_int_equal(h->t.stats.undone, 1);
}

/* With ECN a window is cut once; a cut that was taken back is none. */
static void undo_and_ecn(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 10, 20000);
    h->t.ecn.ok = true;
    ack_sack(h, 0, 2, 8);
    drain(h);
    later(h, 10 * USEC_MS);
    ack(h, 10);
    ack_dsack(h, 10, 0);
    ack_dsack(h, 10, 1);
    assert_int_equal(h->t.stats.undone, 1);
    user_writes(h, 10001, 10000);
    drain(h);
    later(h, 10 * USEC_MS);
    const uint32_t sent = (h->t.snd_nxt - h->iss - 1) / 1000;

    assert_true(sent >= 15);
    ack_sack(h, 10, 11,
             sent); /* a loss in earnest, before anything behind the cut is acknowledged */
    for (int i = 0; i < 3 && !h->t.recovering; i++)
        run_timer(h);
    assert_true(h->t.recovering);
    assert_true(h->t.cc.ssthresh <= 20000);
    drain(h);
    later(h, 10 * USEC_MS);
    ack(h, (h->t.snd_nxt - h->iss - 1) / 1000);
    assert_true(h->t.cc.cwnd <= 20000);
}

static void dsack_of_a_timeout(struct host *h)
{
    flight_of(h, 1);
    h->t.cc.cwnd = 10000;
    until_rto(h);
    expect_resent(h, 0);
    assert_int_equal(h->t.cc.cwnd, 1000);
    later(h, 10 * USEC_MS);
    ack_dsack(h, 1, 0); /* the ACK was lost, not the data */
    assert_int_equal(h->event.undo, UNDO_DSACK);
    assert_true(h->event.undo_timeout);
    assert_true(h->t.cc.ssthresh >= 10000);
    assert_false(h->t.rack.reordering);
}

static void dsack_of_the_network(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 10, 20000);
    ack(h, 2);
    drain(h);
    ack_dsack(h, 2, 0); /* we have sent nothing twice: somebody else did */
    assert_false(h->event.notes & NOTE_SPURIOUS);
    ack_sack(h, 2, 3, 6);
    expect_resent(h, 2);
    drain(h);
    ack_dsack(h, 2, 1); /* not of this recovery either */
    assert_false(h->event.notes & NOTE_SPURIOUS);
    assert_int_equal(h->t.rack.reo_wider, 0);
}

static void dsack_senseless(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 10, 20000);
    ack(h, 1);
    ack_sack(h, 1, 2, 6);
    expect_resent(h, 1);
    drain(h);
    static const uint32_t bad[][2] = {
        {0x90000000, 500}, /* before all that was ever sent */
        {0, 1},            /* our SYN */
        {500, 500},        /* empty */
        {800, 300},        /* backwards */
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        add_sack(h, bad[i][0], bad[i][1]);
        ack(h, 1);
        assert_false(h->event.notes & NOTE_SPURIOUS);
        assert_int_equal(h->t.undo.needless, 0);
    }
    add_sack(h, seg(2), seg(4)); /* inside the second: what was SACKed came again, once */
    add_sack(h, seg(2), seg(6));
    ack(h, 1);
    assert_true(h->event.notes & NOTE_SPURIOUS);
    assert_int_equal(h->t.undo.needless, 2000);
}

static void dsack_too_late(struct host *h)
{
    flight_with(h, OPT_SACK_PERMITTED, 10, 60000);
    ack_sack(h, 0, 1, 8);
    expect_resent(h, 0);
    drain(h);
    later(h, 10 * USEC_MS);
    ack(h, 10);
    drain(h);
    for (int i = 0; i < 3; i++) {
        later(h, 10 * USEC_MS);
        ack(h, (h->t.snd_nxt - h->iss - 1) / 1000);
        drain(h);
    }
    const uint32_t ssthresh = h->t.cc.ssthresh;

    ack_dsack(h, (h->t.snd_una - h->iss - 1) / 1000, 0);
    assert_int_equal(h->t.stats.undone, 0);
    assert_int_equal(h->t.cc.ssthresh, ssthresh);
}

/* ---- reneging, and the bookkeeping */

static void reneged_data_is_sent_again(struct host *h)
{
    flight_of(h, 6);
    ack_sack(h, 0, 1, 6);
    expect_resent(h, 0);
    later(h, 10 * USEC_MS);
    ack(h, 1); /* the SACKed data is gone */
    expect_nothing(h);
    until_rto(h);
    bool again[6] = {true};

    for (uint32_t got = 1; got < 6;) {
        for (assert_true(take(h)); again[(h->last.seq - h->iss) / 1000] = true, take(h);) {
        }
        for (; got < 6 && again[got]; got++) {
        }
        later(h, 10 * USEC_MS);
        ack(h, got);
    }
    ack(h, 6);
    assert_int_equal(tcb_unacked(&h->t), 0);
    assert_int_equal(h->t.sent.sacked, 0);
    assert_int_equal(tcb_flight(&h->t), 0);
}

static void check_sums(struct host *h)
{
    const struct sent *s = &h->t.sent;
    uint64_t flight = 0, sacked = 0;
    size_t lost = 0, resent = 0, n = 0, first = s->count;
    usec_t before = 0;

    for (size_t i = s->count; i-- > 0;) {
        const struct sent_record *r = sent_at(s, i);

        sacked += r->sacked ? r->len : 0;
        lost += r->lost;
        first = r->lost ? i : first;
        flight += !r->sacked && !r->lost ? r->len : 0;
        resent += !r->sacked && !r->lost && r->transmissions > 1;
    }
    assert_int_equal(s->flight, flight);
    assert_int_equal(s->sacked, sacked);
    assert_int_equal(s->lost, lost);
    assert_int_equal(s->resent, resent);
    assert_int_equal(sent_first_lost(s), first);
    for (uint32_t p = s->in_flight.head; p != SENT_NONE; p = s->mem[p].next, n++) {
        assert_true(s->mem[p].sent_at >= before);
        assert_false(s->mem[p].lost || s->mem[p].sacked);
        before = s->mem[p].sent_at;
    }
    for (uint32_t p = s->to_resend.head; p != SENT_NONE; p = s->mem[p].next, n++) {
        assert_true(s->mem[p].lost);
        assert_true(s->mem[p].next == SENT_NONE ||
                    seq_lt(s->mem[p].seq, s->mem[s->mem[p].next].seq));
    }
    for (size_t i = 0; i < s->count; i++)
        n += sent_at(s, i)->sacked;
    assert_int_equal(n, s->count);
}

static void records_agree(struct host *h)
{
    uint32_t dice = 12345;

    h->cfg.sent_max = 150; /* so that the deque turns over */
    flight_with(h, OPT_SACK_PERMITTED, 20, 60000);
    for (int i = 0; i < 4000; i++) {
        const uint32_t una = h->t.snd_una - h->iss;
        const uint32_t out = (h->t.snd_nxt - h->t.snd_una) / 100;

        dice = dice * 1664525 + 1013904223;
        const uint32_t a = out > 0 ? (dice >> 8) % (out + 1) : 0;
        const uint32_t b = out > 0 ? (dice >> 16) % (out + 1) : 0;

        switch (dice >> 29) {
        case 0:
        case 1:
        case 2:
            if (a < b)
                add_sack(h, una + a / 10 * 1000, una + b / 10 * 1000);
            inject(h, ACK, 1, una, 0);
            break;
        case 3:
        case 4:
            inject(h, ACK, 1, una + a * (a % 3 == 0 ? 100 : 10), 0);
            break;
        case 5:
            if (tcb_deadline(&h->t) != USEC_NEVER && tcb_deadline(&h->t) > h->now)
                run_timer(h);
            break;
        case 6:
            h->now += 3 * USEC_MS;
            tcb_timeout(&h->t, h->now);
            if (h->t.sent.count > 0 && a % 7 == 0)
                sent_unmark_lost(&h->t.sent);
            break;
        default:
            if (h->t.sent.count > 0 && !sent_full(&h->t.sent)) {
                const size_t k = a % h->t.sent.count;

                if (sent_at(&h->t.sent, k)->len > 1)
                    assert_true(
                        sent_split(&h->t.sent, k, 1 + b % (sent_at(&h->t.sent, k)->len - 1)));
            }
            break;
        }
        check_sums(h);
        if (dice & 4)
            take(h);
        else
            drain(h);
        check_sums(h);
        if (tcb_unacked(&h->t) < 20000 && h->t.end == END_NONE) {
            const uint32_t next = h->t.snd_una - h->iss + (uint32_t)tcb_unacked(&h->t);

            user_writes(h, next, 20000);
        }
    }
    assert_true(h->t.stats.bytes_acked > 100000);
}

static void push_records(struct host *h, uint32_t *next, size_t n)
{
    for (size_t i = 0; i < n; i++, (*next)++) {
        const struct sent_record r = {
            .seq = h->iss + 10 * *next, .len = 10, .sent_at = 1000 + *next, .transmissions = 1};

        sent_push(&h->t.sent, &r);
    }
    check_sums(h);
}

/* Their memory grows while it is full, in use from the middle on, and the lists run through it. */
static void records_grow(struct host *h)
{
    struct sent *const s = &h->t.sent;
    uint32_t next = 0;

    sent_init(s, h->sent, 150);
    push_records(h, &next, 60);
    for (int i = 0; i < 40; i++)
        sent_pop(s);
    push_records(h, &next, s->size - s->count);
    assert_true(s->first == 40 && s->count == 64);
    for (size_t i = 3; i < 64; i += 7)
        sent_mark_lost(s, i);
    for (size_t i = 5; i < 64; i += 7)
        sent_mark_sacked(s, i);
    check_sums(h);
    push_records(h, &next, 64); /* 64 -> 128: what had wrapped moves */
    assert_int_equal(s->size, 128);
    for (int i = 0; i < 50; i++)
        sent_pop(s);
    push_records(h, &next, s->size - s->count);
    assert_true(s->first > 22);
    for (size_t i = 4; i < 128; i += 9)
        sent_mark_lost(s, i);
    check_sums(h);
    push_records(h, &next, 22); /* 128 -> 150: what had not */
    assert_int_equal(s->size, 150);
    sent_unmark_lost(s);
    check_sums(h);
}

static void records_split_amid_the_lost(struct host *h)
{
    struct sent *const s = &h->t.sent;
    uint32_t next = 0;

    sent_init(s, h->sent, 150);
    push_records(h, &next, 10);
    sent_mark_lost(s, 2);
    sent_mark_lost(s, 8);
    sent_mark_lost(s, 4);
    assert_true(sent_split(s, 1, 3));
    check_sums(h);
    sent_mark_lost(s, 7); /* its place is looked for from that of the one before */
    check_sums(h);
    assert_int_equal(sent_first_lost(s), 3);
}

static const struct tcb_test tests[] = {
    {"RFC8985-RACK RFC6675-RECOVERY: three SACKed segments behind it: lost, two: not yet",
     rack_first_is_lost_after_three},
    {"RFC8985-RACK: they are counted, not weighed", rack_small_segments_count},
    {"RFC8985-REO-TIMER: the reordering timer finds it", rack_timer_finds_it},
    {"RFC8985-REO-WND, TCP.md 31: once reordering was seen, no number of SACKs hurries it",
     rack_waits_once_reordering_is_seen},
    {"RFC8985-REO-WND: ACKs that were lost do not look like reordering",
     lost_reports_are_not_reordering},
    {"RFC8985-REO-WND RFC2883-DSACK: wider with each round that brings a D-SACK, a round trip at "
     "most",
     rack_window_grows},
    {"RFC8985-REO-WND: narrow again after sixteen recoveries", rack_window_shrinks_after_sixteen},
    {"RFC8985-MIN-RTT: of the last minutes", rack_min_rtt_forgets},
    {"RFC8985-RACK: a lost retransmission is found without a timeout", rack_lost_retransmission},
    {"RFC8985-RACK: the answer to the first copy says nothing of the second",
     rack_ambiguous_delivery_is_skipped},
    {"RFC8985-RTO: what was sent a moment ago is not lost", rto_marks_what_is_old},
    {"RFC8985-TLP: what a probe has repaired was a loss", probe_repairs_a_loss},
    {"RFC8985-TLP RFC2883-DSACK: unless a D-SACK says that it was needless", probe_was_needless},
    {"RFC8985-TLP: or a second ACK", probe_answered_twice},
    {"RFC8985-TLP: new data is the better probe, one segment beyond the window",
     probe_with_new_data},
    {"RFC8985-TLP: a probe goes whatever cwnd says", probe_goes_beyond_cwnd},
    {"RFC8985-TLP: where the timeout would be earlier, the probe comes in its place",
     probe_instead_of_timeout},
    {"RFC6937-PRR RFC9937-PRR: cwnd follows what arrives, down to ssthresh", prr_in_proportion},
    {"RFC6937-PRR RFC9937-PRR: heavy loss: no burst, slow start while it is safe",
     prr_after_heavy_loss},
    {"RFC9937-SAFEACK: not while more losses show", prr_not_safe_while_losses_show},
    {"RFC9937-PRR: the first retransmission is not held back", prr_first_retransmission_goes},
    {"RFC6937-PRR RFC9937-PRR: at its end cwnd is ssthresh", recovery_ends_at_ssthresh},
    {"RFC6675-RECOVERY: one flight, one cut", recovery_cuts_once},
    {"RFC3042-LIMITED-TRANSMIT: two duplicate ACKs, two new segments", limited_transmit},
    {"RFC3042-LIMITED-TRANSMIT: SACKs do not open the window, the ACK then does for all",
     sacks_open_nothing},
    {"RFC3042-LIMITED-TRANSMIT: with SACK too", limited_transmit_with_sack},
    {"RFC6582-PARTIAL: a partial ACK is followed by the next hole, the last ends it",
     newreno_partial_acks},
    {"RFC6582-RECOVER: duplicate ACKs of what was sent again begin no recovery",
     newreno_no_second_recovery},
    {"RFC3522-EIFEL RFC4015-EIFEL: a needless fast retransmit, by its timestamp", eifel_fast},
    {"RFC3522-EIFEL: a real loss stays one", eifel_real_loss_stays},
    {"RFC3522-EIFEL: only when all that was sent again is accounted for", eifel_waits_for_all},
    {"RFC3522-EIFEL RFC4015-EIFEL: a needless timeout: nothing more is repeated, RTT adapted",
     eifel_timeout},
    {"RFC4015-EIFEL: not where congestion was signalled otherwise", eifel_not_with_ecn_forbidden},
    {"RFC3522-EIFEL: a timeout in the middle of a recovery is not taken back",
     timeout_in_a_recovery},
    {"RFC5682-FRTO: a needless timeout, with SACK", frto_spurious_with_sack},
    {"RFC5682-FRTO: a needless timeout, without", frto_spurious_basic},
    {"RFC5682-FRTO: the original may be SACKed only", frto_sack_shows_original},
    {"RFC5682-FRTO: new data passes the old: the loss is real", frto_real_loss},
    {"RFC5682-FRTO: the same by a duplicate ACK", frto_real_loss_basic},
    {"RFC5682-FRTO: all acknowledged at once proves nothing", frto_all_acknowledged_proves_nothing},
    {"RFC5682-FRTO: no test without new data", frto_needs_new_data},
    {"RFC5682-FRTO: what the timeout has not given up proves nothing",
     frto_recent_data_is_no_proof},
    {"RFC3708-DSACK-UNDO RFC2883-DSACK: all that was sent again was needless", dsack_undo},
    {"RFC3708-DSACK-UNDO RFC3168-REACT: a cut taken back is none, the next loss cuts",
     undo_and_ecn},
    {"RFC3708-DSACK-UNDO: a timeout because of a lost ACK", dsack_of_a_timeout},
    {"RFC2883-DSACK: what the network has doubled is not ours", dsack_of_the_network},
    {"RFC2883-DSACK TCP.md 26: senseless blocks", dsack_senseless},
    {"RFC3708-DSACK-UNDO: not long after", dsack_too_late},
    {"RFC2018-RENEGE TCP.md 27: SACKed data that the peer has dropped", reneged_data_is_sent_again},
    {"the records' memory grows under the lists", records_grow},
    {"a record is split amid the lost ones", records_split_amid_the_lost},
    {"the records' sums and lists agree, whatever happens", records_agree},
};

int main(void)
{
    return host_main("recovery", tests, sizeof tests / sizeof tests[0]);
}
