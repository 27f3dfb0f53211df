/*
 * What is sent when: PUSH, full segments, the peer's window as a number, MSS in the SYN; CLOSE in each
 * state; a RST with text. One tcb against a script.
 */
#include "tcb_host.h"

/* ---- PUSH */

static void no_push_needed(struct host *h)
{
    open_active(h);
    for (uint32_t i = 0; i < 10; i++) {
        user_writes(h, 1 + i, 1);
        expect(h, ACK, 1 + i, 1, 1);
        assert_true(h->last.flags & PSH);
        inject(h, ACK, 1, 2 + i, 0);
    }
    /* behind data in flight it waits for the ACK, and for nothing else */
    user_writes(h, 11, 1);
    expect(h, ACK, 11, 1, 1);
    user_writes(h, 12, 1);
    expect_nothing(h);
    inject(h, ACK, 1, 12, 0);
    expect(h, ACK, 12, 1, 1);
}

static void writes_are_put_together(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 10);
    expect(h, ACK, 1, 1, 10);
    for (uint32_t i = 0; i < 5; i++) {
        user_writes(h, 11 + 20 * i, 20);
        expect_nothing(h);
    }
    inject(h, ACK, 1, 11, 0);
    expect(h, ACK, 11, 1, 100); /* one segment, one PSH */
    assert_true(h->last.flags & PSH);
    expect_nothing(h);
}

static void segments_are_full(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 10);
    expect(h, ACK, 1, 1, 10);
    for (uint32_t i = 0; i < 10; i++)
        user_writes(h, 11 + 333 * i, 333);
    for (uint32_t i = 0; i < 3; i++) {
        expect(h, ACK, 11 + 1000 * i, 1, 1000);
        assert_false(h->last.flags & PSH);
    }
    expect_nothing(h); /* 330 are left: Nagle */
    inject(h, ACK, 1, 3011, 0);
    expect(h, ACK, 3011, 1, 330);
    assert_true(h->last.flags & PSH);
}

/* ---- the window as a number */

/* The largest flight that a peer with this window sees. */
static uint32_t largest_flight(struct host *h, uint16_t window)
{
    const struct isn_pair isn = {h->iss, h->irs, ""};
    uint32_t written = 1, largest = 0;

    host_init(h, &isn);
    h->window = window;
    open_active(h);
    for (int round = 0; round < 12; round++) {
        struct span room[2];
        const uint32_t n = (uint32_t)tcb_write_space(&h->t, room);

        user_writes(h, written, n);
        written += n;
        drain(h);
        if (h->t.snd_nxt - h->t.snd_una > largest)
            largest = h->t.snd_nxt - h->t.snd_una;
        inject(h, ACK, 1, h->t.snd_nxt - h->iss, 0);
        h->now += 10 * USEC_MS;
    }
    return largest;
}

static void window_is_unsigned(struct host *h)
{
    static const uint16_t windows[] = {1000, 32000, 32768, 33000, 40000, 60000, 65535};

    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        const uint32_t flight = largest_flight(h, windows[i]);

        assert_true(flight <= windows[i]);
        assert_true(flight + 1000 > windows[i]);
    }
}

static void window_has_32_bits(struct host *h)
{
    h->peer_syn.present |= OPT_WSCALE;
    h->peer_syn.wscale = 14;
    h->window = 65535;
    open_active(h);
    inject(h, ACK, 1, 1, 0);
    assert_int_equal(h->t.snd_wnd, 65535U << 14);
    assert_int_equal(h->t.snd_wnd_max, 65535U << 14);
    user_writes(h, 1, 3000);
    expect(h, ACK, 1, 1, 1000);
    expect(h, ACK, 1001, 1, 1000);
    expect(h, ACK, 2001, 1, 1000);
}

/* What lies beyond a shrunk edge cannot be acknowledged, however long that lasts. */
static void beyond_a_shrunk_edge(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 3000);
    assert_int_equal(drain(h), 3);
    h->window = 0;
    inject(h, ACK, 1, 1001, 0); /* 1001 to 3000 are in flight, beyond the edge */
    drain(h);
    for (usec_t begin = h->now; h->now < begin + 3 * 3600 * USEC_SEC;) {
        run_timer(h);
        if (drain(h) > 0)
            inject(h, ACK, 1, 1001, 0);
        expect_state(h, STATE_ESTABLISHED);
    }
    h->window = 32768;
    inject(h, ACK, 1, 1001, 0);
    expect(h, ACK, 1001, 1, 1000);
    inject(h, ACK, 1, 3001, 0);
    assert_int_equal(tcb_unacked(&h->t), 0);
}

/* Who answers everything and acknowledges nothing is no better than who is silent. */
static void answers_without_progress(struct host *h)
{
    usec_t begin;

    h->cfg.user_timeout = 30 * USEC_SEC;
    open_active(h);
    begin = h->now;
    user_writes(h, 1, 500);
    expect(h, ACK, 1, 1, 500);
    while (h->t.end == END_NONE) {
        run_timer(h);
        drain(h);
        inject(h, ACK, 1, 1, 0);
        drain(h);
        assert_true(h->now < begin + 60 * USEC_SEC);
    }
    assert_true(h->now >= begin + 30 * USEC_SEC);
    expect_end(h, END_TIMEOUT);
}

/* ---- MSS in the SYN */

static uint16_t mss_of_syn(struct host *h, uint32_t mtu, bool v6)
{
    const struct isn_pair isn = {h->iss, h->irs, ""};

    host_init(h, &isn);
    h->cfg.mtu = mtu;
    if (v6)
        h->cfg.local.ip.version = h->cfg.remote.ip.version = IP_V6;
    tcb_open_active(&h->t, &h->cfg, h->now);
    expect(h, SYN, 0, ANY, 0);
    assert_true(h->last.opt.present & OPT_MSS);
    return h->last.opt.mss;
}

static void syn_says_what_can_be_taken(struct host *h)
{
    static const uint32_t mtus[] = {576, 1280, 1500, 9000, 65535};

    for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
        assert_int_equal(mss_of_syn(h, mtus[i], false), mtus[i] - 40);
        if (mtus[i] >= 1280)
            assert_int_equal(mss_of_syn(h, mtus[i], true), mtus[i] - 60);
    }
    /* nothing that the field cannot say, nor a packet longer than IP has */
    assert_true(mss_of_syn(h, 100000, false) <= 65535);
}

/* ---- CLOSE, 3.10.4 */

struct closing {
    enum tcp_state from, to;
    bool fin; /* goes at once */
};

static void close_in_each_state(struct host *h)
{
    static const struct closing cases[] = {
        {STATE_SYN_SENT, STATE_SYN_SENT, false}, /* with what was written; the FIN comes later */
        {STATE_SYN_RECEIVED, STATE_SYN_RECEIVED, false},
        {STATE_ESTABLISHED, STATE_FIN_WAIT_1, true},
        {STATE_FIN_WAIT_1, STATE_FIN_WAIT_1, false},
        {STATE_FIN_WAIT_2, STATE_FIN_WAIT_2, false},
        {STATE_CLOSE_WAIT, STATE_LAST_ACK, true},
        {STATE_CLOSING, STATE_CLOSING, false},
        {STATE_LAST_ACK, STATE_LAST_ACK, false},
        {STATE_TIME_WAIT, STATE_TIME_WAIT, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct isn_pair isn = {h->iss, h->irs, ""};

        host_init(h, &isn);
        drive(h, cases[i].from);
        tcb_shutdown(&h->t, h->now);
        if (cases[i].fin)
            expect(h, FIN | ACK, 1, ANY, 0);
        expect_nothing(h);
        expect_state(h, cases[i].to);
        assert_int_equal(tcb_write(&h->t, "x", 1), 0);
    }
    /* closed in SYN-RECEIVED: the FIN follows the opening */
    const struct isn_pair isn = {h->iss, h->irs, ""};

    host_init(h, &isn);
    drive(h, STATE_SYN_RECEIVED);
    tcb_shutdown(&h->t, h->now);
    inject(h, ACK, 1, 1, 0);
    expect(h, FIN | ACK, 1, 1, 0);
    expect_state(h, STATE_FIN_WAIT_1);
}

/* ---- a RST with text: SHLD-2 */

static void rst_with_text(struct host *h)
{
    for (int s = STATE_SYN_RECEIVED; s <= STATE_LAST_ACK; s++) {
        const struct isn_pair isn = {h->iss, h->irs, ""};
        struct slice piece[2];

        host_init(h, &isn);
        drive(h, (enum tcp_state)s);
        inject(h, RST | ACK, rcv_nxt_of((enum tcp_state)s), snd_nxt_of((enum tcp_state)s), 30);
        expect_end(h, s == STATE_SYN_RECEIVED ? END_SYN_CANCELLED : END_RESET);
        assert_int_equal(tcb_peek(&h->t, piece), 0);
        expect_nothing(h);
    }
}

/* ---- when what came is acknowledged */

static void quick_at_first(struct host *h)
{
    uint32_t at = 1;

    open_active(h);
    for (int i = 0; i < 10; i++, at += 100) {
        inject(h, ACK, at, 1, 100);
        expect(h, ACK, 1, at + 100, 0);
    }
    for (int i = 0; i < 20; i++, at += 100) {
        inject(h, ACK, at, 1, 100);
        drain(h);
    }
    /* later not */
    later(h, USEC_MS);
    pass(h, USEC_SEC);
    drain(h);
    inject(h, ACK, at, 1, 100);
    expect_nothing(h);
}

static void filled_at_once(struct host *h)
{
    uint32_t at = 1;

    open_active(h);
    for (int i = 0; i < 30; i++, at += 1000) {
        inject(h, ACK, at, 1, 1000);
        drain(h);
    }
    tcb_consume(&h->t, 30000);
    pass(h, USEC_SEC);
    drain(h);
    inject(h, ACK, at + 1000, 1, 500);
    expect(h, ACK, 1, at, 0);
    inject(h, ACK, at + 2500, 1, 500);
    expect(h, ACK, 1, at, 0);
    inject(h, ACK, at, 1, 400); /* a part of the first hole */
    expect(h, ACK, 1, at + 400, 0);
    inject(h, ACK, at + 400, 1, 600); /* the rest */
    expect(h, ACK, 1, at + 1500, 0);
    inject(h, ACK, at + 1500, 1, 1000);
    expect(h, ACK, 1, at + 3000, 0);
}

/* As after a recovery on a path that was then found to take larger packets. */
static void window_below_a_segment(struct host *h)
{
    open_active(h);
    h->t.cc.cwnd = h->t.mss - 100;
    user_writes(h, 1, 3000);
    expect(h, ACK, 1, 1, 1000);
    expect_nothing(h);
    inject(h, ACK, 1, 1001, 0);
    expect(h, ACK, 1001, 1, 1000);
}

static const struct tcb_test tests[] = {
    {"MUST-60: what is written goes out though nobody says push", no_push_needed},
    {"MAY-16 SHLD-27: writes that wait are put together, with one PSH", writes_are_put_together},
    {"SHLD-28: segments are full where enough was written", segments_are_full},
    {"MUST-1: windows of 32768 and more are large, not negative", window_is_unsigned},
    {"REC-1: a window has 32 bits", window_has_32_bits},
    {"SHLD-17: data beyond a shrunk edge is no reason to give up", beyond_a_shrunk_edge},
    {"MUST-20 RFC5482-UTO: answers that acknowledge nothing do not put R2 off",
     answers_without_progress},
    {"SHLD-5 MAY-3 MUST-67 MUST-14: the SYN says what can be taken: the MTU without headers",
     syn_says_what_can_be_taken},
    {"MUST-19: a congestion window below one segment holds nothing up when nothing is in flight",
     window_below_a_segment},
    {"3.10.4: CLOSE in each state", close_in_each_state},
    {"SHLD-2: a RST may carry text, which is nothing", rst_with_text},
    {"RFC1122-QUICKACK: the first segments are acknowledged at once", quick_at_first},
    {"RFC5681-ACK-GAP: what fills a hole or a part of one is acknowledged at once", filled_at_once},
};

int main(void)
{
    return host_main("sending", tests, sizeof tests / sizeof tests[0]);
}
