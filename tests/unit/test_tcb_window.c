/*
 * The receive window and the memory behind it: auto-tuning, silly window avoidance, rings that grow.
 */
#include "tcb_host.h"

#define RTT (20 * USEC_MS)
#define SEG 1400

/* ---- large memory */

#define LARGE      ((size_t)16 << 20)
#define LARGE_SENT 4096

static uint8_t large_snd[LARGE], large_rcv[LARGE];
static struct sent_record large_sent[LARGE_SENT];

static void with_large_memory(struct host *h)
{
    h->cfg.snd_mem = large_snd;
    h->cfg.rcv_mem = large_rcv;
    h->cfg.snd_size = h->cfg.rcv_size = LARGE;
    h->cfg.rcv_limit = 0;
    h->cfg.sent_mem = large_sent;
    h->cfg.sent_max = LARGE_SENT;
    h->peer_syn.present = OPT_MSS | OPT_WSCALE | OPT_SACK_PERMITTED;
    h->peer_syn.mss = 1460;
}

/* ---- a peer that sends as fast as it may */

struct peer {
    uint32_t next; /* of its stream */
    uint32_t read; /* what the user has read, by number */
    uint32_t edge; /* what we have announced, at most */
    uint32_t echo; /* our timestamp as it was an RTT ago */
};

static void take_acks(struct host *h, struct peer *p)
{
    while (take(h)) {
        const uint32_t edge = h->last.ack - h->irs + ((uint32_t)h->last.window << h->t.rcv_wscale);

        /* SHLD-14, to the byte */
        if ((int32_t)(edge - p->edge) < 0)
            fail_msg("the edge moves back from %u to %u", p->edge, edge);
        p->edge = edge;
    }
}

static void begin(struct host *h, struct peer *p)
{
    open_active(h);
    *p = (struct peer){.next = 1, .read = 1, .echo = h->our_ts};
    p->edge = 1 + h->last.window * (1U << h->t.rcv_wscale);
}

static uint32_t waiting(const struct host *h)
{
    struct slice piece[2];

    return (uint32_t)tcb_peek(&h->t, piece);
}

static void reads(struct host *h, struct peer *p, uint32_t n)
{
    const uint32_t there = waiting(h);
    struct slice piece[2];

    tcb_peek(&h->t, piece);
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t got = i < piece[0].len ? piece[0].data[i] : piece[1].data[i - piece[0].len];

        if (i >= there || got != peer_byte(p->read + i))
            fail_msg("byte %u is wrong", p->read + i);
    }
    tcb_consume(&h->t, n);
    p->read += n;
}

static uint32_t reads_up_to(struct host *h, struct peer *p, uint32_t most)
{
    const uint32_t n = waiting(h) < most ? waiting(h) : most;

    if (n > 0)
        reads(h, p, n);
    return n;
}

/* A round-trip time's worth: n bytes or what the window takes. The user reads `reading` of them, and
 * not more. Returns how many were sent. */
static uint32_t sends(struct host *h, struct peer *p, uint32_t n, uint32_t reading)
{
    const uint32_t echo_next = h->our_ts;
    uint32_t latest, sent = 0;

    h->now += RTT;
    reading -= reads_up_to(h, p, reading);
    take_acks(h, p);
    while (sent < n && p->next != p->edge) {
        uint32_t len = n - sent < SEG ? n - sent : SEG;

        if (len > p->edge - p->next)
            len = p->edge - p->next;
        latest = h->our_ts;
        h->our_ts = p->echo; /* what it has of ours is a round trip old */
        inject(h, ACK, p->next, 1, len);
        h->our_ts = latest;
        p->next += len;
        sent += len;
        reading -= reads_up_to(h, p, reading);
        take_acks(h, p);
    }
    p->echo = echo_next;
    return sent;
}

/* What is delayed comes now. */
static void settle(struct host *h, struct peer *p)
{
    h->now += 40 * USEC_MS;
    tcb_timeout(&h->t, h->now);
    take_acks(h, p);
}

/* Until the window is closed, and nobody reads. */
static void fills_window(struct host *h, struct peer *p)
{
    while (sends(h, p, 1 << 20, 0) > 0)
        settle(h, p);
    assert_int_equal(h->last.window, 0);
}

/* ---- auto-tuning */

static void begins_small(struct host *h)
{
    with_large_memory(h);
    tcb_open_active(&h->t, &h->cfg, h->now);
    expect(h, SYN, 0, ANY, 0);
    assert_int_equal(h->last.window, 65535);
    /* 7/8 of 16 MiB must be sayable, and no coarser than that needs */
    assert_int_equal(h->last.opt.wscale, 8);
    h->now += RTT;
    inject(h, SYN | ACK, 0, 1, 0);
    expect(h, ACK, 1, 1, 0);
    assert_in_range(h->last.window << 8, 65536 - 256, 65536 + 256);
}

static void scale_follows_the_bound(struct host *h)
{
    static const struct {
        size_t limit;
        uint8_t scale;
    } t[] = {{65535, 0}, {65536, 1}, {131072, 1}, {262144, 2}, {1 << 20, 4}, {LARGE, 8}};

    with_large_memory(h);
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        h->cfg.rcv_limit = t[i].limit;
        tcb_open_active(&h->t, &h->cfg, h->now);
        expect(h, SYN, 0, ANY, 0);
        assert_int_equal(h->last.opt.wscale, t[i].scale);
    }
}

/* Slow start as fast as any sender's: the window is never what ends a round. */
static void slow_start(struct host *h)
{
    struct peer p;

    begin(h, &p);
    for (uint32_t n = 10 * SEG; n < LARGE / 2; n *= 2)
        assert_int_equal(sends(h, &p, n, n), n);
    /* it has doubled and doubled; it may not pass its bound */
    for (int i = 0; i < 3; i++)
        assert_in_range(sends(h, &p, 2 * LARGE, 2 * LARGE), LARGE / 2, 3 * LARGE);
    assert_in_range(p.edge - p.next, LARGE - LARGE / 8 - 1460, LARGE - LARGE / 8 + 256);
    assert_int_equal(h->t.rcv_buff, LARGE);
    assert_in_range(h->t.wnd_max, p.edge - p.next, LARGE - LARGE / 8 + 256);
}

static void never_limits_slow_start(struct host *h)
{
    with_large_memory(h);
    h->peer_syn.present |= OPT_TIMESTAMPS;
    slow_start(h);
}

static void nor_without_timestamps(struct host *h)
{
    with_large_memory(h);
    slow_start(h);
}

static void slow_reader_keeps_it_small(struct host *h)
{
    struct peer p;

    with_large_memory(h);
    h->peer_syn.present |= OPT_TIMESTAMPS;
    begin(h, &p);
    for (int i = 0; i < 200; i++)
        sends(h, &p, 1 << 20, 5000);
    assert_true(p.read > 200 * 5000); /* it did read */
    assert_int_equal(h->t.rcv_buff, 65536);
    assert_true(waiting(h) <= 65536 + 65536 / 4);
    /* and when it reads at full speed at last, it grows */
    reads(h, &p, waiting(h));
    take_acks(h, &p);
    for (uint32_t n = 20000; n < (1U << 20); n *= 2)
        assert_int_equal(sends(h, &p, n, 2 * n), n);
    assert_true(h->t.rcv_buff >= 640000);
}

static void who_reads_nothing_gets_what_was_promised(struct host *h)
{
    struct peer p;
    uint32_t n;

    with_large_memory(h);
    h->peer_syn.present |= OPT_TIMESTAMPS;
    begin(h, &p);
    fills_window(h, &p);
    n = waiting(h);
    assert_in_range(n, 60000, 65536 + 65536 / 4);
    assert_true(h->t.rcv.size >= n && h->t.rcv.size <= 131072);
    reads(h, &p, n);
}

/* The largest window filled to the last byte: all of it finds room, none of it is taken back. */
static void largest_window_is_kept(struct host *h)
{
    struct peer p;

    with_large_memory(h);
    h->peer_syn.present |= OPT_TIMESTAMPS;
    begin(h, &p);
    for (uint32_t n = 10 * SEG; n < 4 * LARGE; n *= 2)
        sends(h, &p, n, n);
    sends(h, &p, 1 << 20, 1 << 20);
    reads(h, &p, waiting(h));
    take_acks(h, &p);
    fills_window(h, &p);
    assert_in_range(waiting(h), LARGE - LARGE / 8 - 1460, LARGE);
    assert_int_equal(h->t.rcv.size, LARGE);
    reads(h, &p, waiting(h));
}

static void steady_rate_steady_window(struct host *h)
{
    struct peer p;
    uint32_t settled;

    with_large_memory(h);
    h->peer_syn.present |= OPT_TIMESTAMPS;
    begin(h, &p);
    for (int i = 0; i < 10; i++)
        sends(h, &p, 100000, 100000);
    settled = h->t.rcv_buff;
    /* what rate and RTT ask for, not much more; one measurement may have seen two rounds */
    assert_in_range(settled, 200000, 8 * 2 * 100000);
    for (int i = 0; i < 100; i++)
        assert_int_equal(sends(h, &p, 100000, 100000), 100000);
    assert_int_equal(h->t.rcv_buff, settled);
}

static void a_falling_rate_asks_for_nothing(struct host *h)
{
    struct peer p;
    uint32_t n, settled;

    with_large_memory(h);
    h->peer_syn.present |= OPT_TIMESTAMPS;
    begin(h, &p);
    for (n = 14000; n < 40000; n += n / 20)
        sends(h, &p, n, n);
    for (int i = 0; i < 5; i++)
        sends(h, &p, n, n);
    settled = h->t.rcv_buff;
    for (; n > 20000; n -= n / 20)
        sends(h, &p, n, n);
    assert_int_equal(h->t.rcv_buff, settled);
}

static void pauses_are_no_round_trips(struct host *h)
{
    struct peer p;

    with_large_memory(h);
    h->peer_syn.present |= OPT_TIMESTAMPS;
    begin(h, &p);
    for (int i = 0; i < 3; i++)
        sends(h, &p, 5000, 5000);
    assert_in_range(h->t.tune.rtt, RTT / 4, 2 * RTT);
    h->now += 10 * USEC_SEC; /* the peer thinks, and answers an old ACK */
    sends(h, &p, 5000, 5000);
    assert_in_range(h->t.tune.rtt, RTT / 4, 2 * RTT);
}

static void round_trip_by_window(struct host *h)
{
    struct peer p;

    with_large_memory(h);
    begin(h, &p);
    h->t.tune.rtt = 5 * USEC_SEC; /* as if the handshake had been slow */
    for (int i = 0; i < 20; i++)
        sends(h, &p, 1 << 20, 1 << 20);
    assert_in_range(h->t.tune.rtt, RTT, 3 * RTT);
}

static void without_scale_64k(struct host *h)
{
    struct peer p;

    with_large_memory(h);
    h->peer_syn.present = OPT_MSS;
    begin(h, &p);
    for (uint32_t n = 10 * SEG; n < LARGE; n *= 2)
        sends(h, &p, n, n);
    assert_int_equal(h->last.window, 65535);
    assert_int_equal(tcb_receive_window(&h->t), 65535);
}

/* ---- silly window avoidance and updates */

static void filled(struct host *h, struct peer *p)
{
    with_large_memory(h);
    h->cfg.rcv_limit = 60000; /* no scale: exact numbers */
    begin(h, p);
    fills_window(h, p);
    assert_int_equal(waiting(h), 60000);
}

static void update_at_two_segments(struct host *h)
{
    struct peer p;

    filled(h, &p);
    /* the larger of what we send (1460) and what comes (1400) counts as a segment */
    reads(h, &p, 2 * 1460 - 1);
    expect_nothing(h);
    reads(h, &p, 1);
    expect(h, ACK, 1, 60001, 0);
    assert_int_equal(h->reason, SEND_WINDOW_UPDATE);
    assert_int_equal(h->last.window, 2 * 1460);
    /* then when it doubles, */
    reads(h, &p, 2 * 1460 - 1);
    expect_nothing(h);
    reads(h, &p, 1);
    expect(h, ACK, 1, 60001, 0);
    assert_int_equal(h->last.window, 4 * 1460);
}

static void no_crowd_of_updates(struct host *h)
{
    struct peer p;
    unsigned n = 0;

    filled(h, &p);
    for (int i = 0; i < 600; i++) {
        reads(h, &p, 100);
        n += drain(h);
    }
    assert_in_range(n, 3, 6); /* 2920, 5840, 11680, 23360, 46720 */
    reads(h, &p, 0);
    assert_true(tcb_receive_window(&h->t) >= 30000);
}

static void small_reads_do_not_move_the_edge(struct host *h)
{
    struct peer p;

    filled(h, &p);
    reads(h, &p, 1459);
    inject(h, ACK, 60000, 1, 1); /* a probe */
    expect(h, ACK, 1, 60001, 0);
    assert_int_equal(h->last.window, 0);
    reads(h, &p, 1);
    inject(h, ACK, 60000, 1, 1);
    expect(h, ACK, 1, 60001, 0);
    assert_int_equal(h->last.window, 1460); /* a segment is worth it, when an ACK goes anyway */
}

static void offloaded_segments_are_no_measure(struct host *h)
{
    with_large_memory(h);
    h->cfg.rcv_limit = 60000;
    open_active(h);
    inject(h, ACK, 1, 1, 30000);
    drain(h);
    inject(h, ACK, 30001, 1, 30000);
    drain(h);
    assert_int_equal(h->last.window, 0);
    tcb_consume(&h->t, 2 * 1460);
    expect(h, ACK, 1, 60001, 0);
    assert_int_equal(h->last.window, 2 * 1460);
}

/* ---- out of order */

static void holes_do_not_move_the_edge(struct host *h)
{
    with_large_memory(h);
    h->cfg.rcv_limit = 60000;
    open_active(h);
    inject(h, ACK, 1, 1, 1000);
    drain(h);
    inject(h, ACK, 2001, 1, 30000);
    expect(h, ACK, 1, 1001, 0);
    assert_int_equal(h->last.window, 59000); /* up to 60001 as before */
    user_reads(h, 1, 1000);
    inject(h, ACK, 1001, 1, 1000);
    drain(h);
    assert_int_equal(h->last.ack - h->irs, 32001);
    assert_int_equal(h->last.window, 60001 - 32001); /* 1000 read are less than a segment */
    user_reads(h, 1001, 31000);
}

static void ring_grows_under_a_hole(struct host *h)
{
    struct peer p;
    uint32_t hole;

    with_large_memory(h);
    h->peer_syn.present |= OPT_TIMESTAMPS;
    begin(h, &p);
    for (uint32_t n = 10 * SEG; n < LARGE / 8; n *= 2)
        sends(h, &p, n, n);
    assert_int_equal(h->t.rcv.size, 65536); /* what was read at once needs no more */
    hole = p.next;
    for (uint32_t at = hole + 1000; at + 1000 < hole + 900000; at += 1000) {
        inject(h, ACK, at, 1, 1000);
        drain(h);
    }
    assert_int_equal(h->t.rcv.size, 1 << 20);
    inject(h, ACK, hole, 1, 1000);
    drain(h);
    p.read = hole;
    assert_true(waiting(h) > 800000);
    reads(h, &p, waiting(h));
}

static void every_other_byte_of_a_large_window(struct host *h)
{
    struct peer p;
    uint32_t hole;

    with_large_memory(h);
    h->peer_syn.present |= OPT_TIMESTAMPS;
    begin(h, &p);
    for (uint32_t n = 10 * SEG; n < LARGE / 8; n *= 2)
        sends(h, &p, n, n);
    hole = p.next;
    for (uint32_t at = hole + 1; at < hole + 2000; at += 2) {
        inject(h, ACK, at, 1, 1);
        drain(h);
        assert_true(h->t.ooo.count <= HOLES);
    }
    assert_int_equal(h->t.ooo.count, HOLES);
    p.read = hole;
    inject(h, ACK, hole, 1, 1400); /* the next expected is always taken */
    drain(h);
    assert_int_equal(waiting(h), 1400);
    reads(h, &p, 1400);
}

/* ---- the send ring */

/* Writes as much as goes; returns how much that was. */
static uint32_t fills(struct host *h, uint32_t *next)
{
    static uint8_t buf[LARGE];
    const uint32_t from = *next;
    size_t n;

    for (uint32_t i = 0; i < 1000000; i++)
        buf[i] = our_byte(from + i);
    n = tcb_write(&h->t, buf, 1000000);
    *next += (uint32_t)n;
    return (uint32_t)n;
}

static void send_ring_follows_cwnd(struct host *h)
{
    uint32_t next = 1, acked = 1, end = 1;

    with_large_memory(h);
    h->window = 65535;
    h->peer_syn.wscale = 8;
    open_active(h);
    assert_int_equal(fills(h, &next), 65536); /* more would not be sent soon */
    while (h->t.cc.cwnd < 1000000) {
        drain(h);
        end = h->t.snd_nxt - h->iss;
        h->now += RTT;
        for (; acked + 2800 <= end; acked += 2800) {
            inject(h, ACK, 1, acked + 2800, 0);
            fills(h, &next);
            assert_true(h->t.snd.size <= 65536 || h->t.snd.size <= 4 * (uint64_t)h->t.cc.cwnd);
            drain(h); /* which checks each byte */
        }
    }
    /* never short of what the window lets go */
    assert_true(ring_used(&h->t.snd) >= h->t.cc.cwnd);
    assert_true(h->t.snd.size >= 1 << 20);
}

static void dialogue_needs_no_more(struct host *h)
{
    uint32_t at = 1;

    with_large_memory(h);
    memset(large_snd, 0xee, 4096);
    open_active(h);
    for (int i = 0; i < 2000; i++, at += 100) {
        user_writes(h, at, 100);
        expect(h, ACK, at, 1, 100);
        inject(h, ACK, 1, at + 100, 0);
    }
    assert_int_equal(h->t.snd.size, 65536);
    for (int i = 100; i < 4096; i++)
        assert_int_equal(large_snd[i], 0xee);
}

static void two_segments_fit_the_buffer(struct host *h)
{
    h->cfg.snd_size = 2048;
    h->peer_syn.mss = 1460;
    open_active(h);
    user_writes(h, 1, 2048);
    expect(h, ACK, 1, 1, 1024);
    expect(h, ACK, 1025, 1, 1024);
}

static void small_records_are_bounded(struct host *h)
{
    uint32_t at = 1;

    with_large_memory(h);
    h->cfg.no_nagle = true;
    h->cfg.sent_max = 500;
    h->window = 65535;
    open_active(h);
    for (; at <= 2000; at++) {
        user_writes(h, at, 1);
        drain(h);
        assert_true(h->t.sent.count <= 500);
    }
    assert_int_equal(h->t.snd_nxt - h->iss, 501); /* the others wait, */
    h->now += RTT;
    inject(h, ACK, 1, 501, 0);
    drain(h);
    assert_int_equal(h->t.snd_nxt - h->iss, 2001); /* and go together */
}

static const struct tcb_test tests[] = {
    {"RFC9293-AUTOTUNE: begins with 64 KiB, whatever its bound", begins_small},
    {"RFC7323-WSCALE: the scale says the largest window and is no coarser",
     scale_follows_the_bound},
    {"RFC9293-AUTOTUNE: it never limits slow start, up to its bound", never_limits_slow_start},
    {"RFC9293-AUTOTUNE: nor without timestamps", nor_without_timestamps},
    {"RFC9293-AUTOTUNE: a slow reader does not make it grow", slow_reader_keeps_it_small},
    {"RFC9293-AUTOTUNE: at a steady rate it is steady", steady_rate_steady_window},
    {"RFC9293-AUTOTUNE: a rate that falls asks for no more", a_falling_rate_asks_for_nothing},
    {"RFC9293-AUTOTUNE: a pause of the sender is no round trip", pauses_are_no_round_trips},
    {"RFC9293-AUTOTUNE: a window's worth tells the RTT", round_trip_by_window},
    {"SHLD-14: who reads nothing gets what was announced, no more",
     who_reads_nothing_gets_what_was_promised},
    {"SHLD-14: the largest window filled to its end", largest_window_is_kept},
    {"RFC7323-WSCALE: without it 65535 is the end", without_scale_64k},
    {"MUST-39 RFC813-SWS: an update when two segments or half the buffer are free",
     update_at_two_segments},
    {"MUST-39 RFC813-SWS: small reads make few updates", no_crowd_of_updates},
    {"MUST-39: less than a segment does not move the edge", small_reads_do_not_move_the_edge},
    {"TCP.md 7: what an offload put together is no large segment",
     offloaded_segments_are_no_measure},
    {"TCP.md 24: out-of-order data counts in the window", holes_do_not_move_the_edge},
    {"TCP.md 24: the ring grows under a hole, every byte in its place", ring_grows_under_a_hole},
    {"TCP.md 24: every other byte of a large window: bounded", every_other_byte_of_a_large_window},
    {"the send ring grows to twice the congestion window", send_ring_follows_cwnd},
    {"a dialogue touches little of a ring", dialogue_needs_no_more},
    {"two segments fit the send buffer, however small it is", two_segments_fit_the_buffer},
    {"TCP.md 27: segments of a byte: records are bounded", small_records_are_bounded},
};

int main(void)
{
    return host_main("window", tests, sizeof tests / sizeof tests[0]);
}
