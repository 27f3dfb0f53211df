/*
 * What is told and counted of each segment: the events and sums that every trace and summary is made
 * from. One tcb against a script.
 */
#include "tcb_host.h"

static void each_segment_is_told_once(struct host *h)
{
    open_active(h);
    const struct tcb_stats before = h->t.stats;

    inject(h, ACK, 1, 1, 100); /* taken */
    assert_int_equal(h->event.type, EVENT_RECEIVED);
    assert_int_equal(h->event.delivered, 100);
    inject(h, ACK, 1, 1, 100); /* old: dropped */
    assert_int_equal(h->event.type, EVENT_DROPPED);
    assert_true(h->event.notes & NOTE_DUPLICATE_DATA);
    inject(h, ACK, 101, 100, 50); /* acknowledges what was never sent */
    assert_int_equal(h->event.type, EVENT_DROPPED);
    expect_drop(h, DROP_ACK_FUTURE);
    inject(h, 0, 101, 0, 50); /* no ACK */
    assert_int_equal(h->event.type, EVENT_DROPPED);
    expect_drop(h, DROP_NO_ACK);
    inject(h, ACK, 101, 1, 0); /* empty */
    assert_int_equal(h->event.type, EVENT_RECEIVED);
    inject(h, RST, 102, 0, 0); /* inside */
    assert_int_equal(h->event.type, EVENT_DROPPED);
    inject(h, RST, 101, 0, 0); /* the end: taken */
    assert_int_equal(h->event.type, EVENT_RECEIVED);
    expect_end(h, END_RESET);

    assert_int_equal(h->t.stats.segs_received - before.segs_received, 7);
    assert_int_equal(h->t.stats.segs_dropped - before.segs_dropped, 4);
    assert_int_equal(h->t.stats.pure_acks_received - before.pure_acks_received, 1);
    assert_int_equal(h->t.stats.bytes_received - before.bytes_received, 100);
}

static void opening_is_told(struct host *h)
{
    const struct segment syn = host_segment(h, SYN, 0, 0);

    tcb_open_passive(&h->t, &h->cfg, &syn, h->now);
    assert_int_equal(h->event.type, EVENT_RECEIVED);
    assert_ptr_equal(h->event.seg, &syn);
    assert_int_equal(h->event.old_state, STATE_LISTEN);
    assert_int_equal(h->event.new_state, STATE_SYN_RECEIVED);
    assert_int_equal(h->t.stats.segs_received, 1);
    drain(h);
    inject(h, SYN, 0, 0, 0); /* again: taken, and said to be that */
    assert_int_equal(h->event.type, EVENT_RECEIVED);
    assert_true(h->event.notes & NOTE_REPEATED_SYN);
    inject(h, ACK, 1, 2, 0); /* acknowledges too much */
    assert_int_equal(h->event.type, EVENT_DROPPED);
    expect_drop(h, DROP_BAD_ACK);
}

static void holes_are_told(struct host *h)
{
    open_active(h);
    inject(h, ACK, 101, 1, 50);
    assert_true(h->event.notes & NOTE_OUT_OF_ORDER);
    assert_int_equal(h->event.hole_left, (seq_t)(h->irs + 1));
    assert_int_equal(h->event.hole_right, (seq_t)(h->irs + 101));
    inject(h, FIN | ACK, 201, 1, 0);
    assert_true(h->event.notes & NOTE_OUT_OF_ORDER);
    assert_int_equal(h->event.hole_left, (seq_t)(h->irs + 1));
    assert_int_equal(h->event.hole_right, (seq_t)(h->irs + 201));
    assert_int_equal(h->t.stats.out_of_order, 1);
    inject(h, ACK, 1, 1, 100);
    assert_true(h->event.notes & NOTE_FILLS_HOLE);
    assert_int_equal(h->event.delivered, 150);
    inject(h, ACK, 151, 1, 50);
    expect_state(h, STATE_CLOSE_WAIT);
}

static void zero_windows_are_counted(struct host *h)
{
    const uint16_t open = h->window;

    open_active(h);
    for (unsigned n = 1; n <= 3; n++) {
        h->window = 0;
        inject(h, ACK, 1, 1, 0);
        assert_true(h->event.notes & NOTE_ZERO_WINDOW);
        inject(h, ACK, 1, 1, 0);
        assert_int_equal(h->t.stats.zero_windows, n);
        h->now += 2 * USEC_SEC;
        h->window = open;
        inject(h, ACK, 1, 1, 0);
        assert_true(h->event.notes & NOTE_WINDOW_OPENED);
        assert_int_equal(h->t.stats.zero_window_time, n * 2 * USEC_SEC);
    }
}

/* Of data that a SACK tells of there is a round trip too. */
static void a_sack_is_a_sample(struct host *h)
{
    h->peer_syn.present |= OPT_SACK_PERMITTED;
    open_active(h);
    user_writes(h, 1, 2000);
    assert_int_equal(drain(h), 2);
    h->now += 70 * USEC_MS;
    add_sack(h, 1001, 2001);
    inject(h, ACK, 1, 1, 0);
    assert_true(h->event.notes & NOTE_SACK);
    assert_int_equal(h->event.sacked, 1000);
    assert_int_equal(h->event.rtt, 70 * USEC_MS);
    assert_int_equal(h->t.rtt.latest, 70 * USEC_MS);
}

/* 3.8.6.2.1 (3): half of the largest window is enough, one less is not. */
static void half_the_largest_window(struct host *h)
{
    for (uint16_t less = 0; less <= 1; less++) {
        const struct isn_pair isn = {h->iss, h->irs, ""};

        host_init(h, &isn);
        h->window = 1600;
        open_active(h);
        h->window = (uint16_t)(800 - less);
        inject(h, ACK, 1, 1, 0);
        user_writes(h, 1, 5000);
        if (less == 0)
            expect(h, ACK, 1, 1, 800);
        expect_nothing(h);
    }
}

static const struct tcb_test tests[] = {
    {"each segment is told once, as taken or dropped, and counted", each_segment_is_told_once},
    {"the SYN of an opening is told", opening_is_told},
    {"a hole is told by its two ends", holes_are_told},
    {"a zero window is counted once, and how long it lasted", zero_windows_are_counted},
    {"a SACK is a sample of the round trip", a_sack_is_a_sample},
    {"MUST-38: half of the largest window is no silly one", half_the_largest_window},
};

int main(void)
{
    return host_main("told", tests, sizeof tests / sizeof tests[0]);
}
