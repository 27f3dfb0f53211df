/*
 * The path: its MTU by ICMP (RFC 1191, 8201, 5927), black holes and probes (RFC 4821), and what other
 * ICMP errors do (RFC 5461, 9293 3.9.2.2). One tcb against a script.
 */
#include "tcb_host.h"

#define MINUTE (60 * USEC_SEC)

/* ---- helpers */

static void v6(struct host *h)
{
    h->cfg.local.ip = (struct ip_addr){.version = IP_V6, .bytes = {0x20, 1, 0xd, 0xb8, [15] = 1}};
    h->cfg.remote.ip = (struct ip_addr){.version = IP_V6, .bytes = {0x20, 1, 0xd, 0xb8, [15] = 2}};
}

/* Packets of 1500 bytes, SACK, a window that does not matter. */
static void open_wide(struct host *h)
{
    const bool is_v6 = h->cfg.local.ip.version == IP_V6;

    h->peer_syn.present |= OPT_SACK_PERMITTED;
    h->peer_syn.mss = is_v6 ? 1440 : 1460;
    h->window = 65535;
    open_active(h);
    assert_int_equal(h->t.mss, is_v6 ? 1440 : 1460);
}

static struct icmp_error about(struct host *h, enum icmp_meaning meaning, uint32_t seq)
{
    return (struct icmp_error){.version = h->cfg.local.ip.version,
                               .meaning = meaning,
                               .local = h->cfg.local,
                               .remote = h->cfg.remote,
                               .seq = h->iss + seq};
}

static void too_big(struct host *h, uint32_t mtu, uint32_t seq)
{
    struct icmp_error e = about(h, ICMP_MEANS_TOO_BIG, seq);

    e.mtu = mtu;
    tcb_icmp(&h->t, &e, h->now);
}

/* Everything from number `from` to `to` comes out, in segments of at most `most`. */
static void expect_in_pieces(struct host *h, uint32_t from, uint32_t to, uint32_t most)
{
    while (from < to) {
        expect(h, ACK, from, 1, ANY);
        assert_in_range(h->last.len, 1, most);
        from += h->last.len;
    }
    assert_int_equal(from, to);
}

/* ---- ICMP */

static void smaller_segments(struct host *h)
{
    open_wide(h);
    user_writes(h, 1, 4380);
    assert_int_equal(drain(h), 3);
    const uint32_t cwnd = h->t.cc.cwnd;

    too_big(h, 1040, 1461);
    expect_in_pieces(h, 1, 4381, 1000);
    expect_nothing(h);
    assert_int_equal(h->t.cc.cwnd, cwnd);
    assert_false(h->t.recovering);
    inject(h, ACK, 1, 4381, 0);
    user_writes(h, 4381, 2000);
    expect(h, ACK, 4381, 1, 1000);
    expect(h, ACK, 5381, 1, 1000);
}

static void smaller_segments_v6(struct host *h)
{
    v6(h);
    open_wide(h);
    user_writes(h, 1, 2880);
    drain(h);
    too_big(h, 1300, 1);
    expect_in_pieces(h, 1, 2881, 1240);
    /* RFC 8201 4: less than every path carries must be discarded */
    too_big(h, 1279, 1);
    too_big(h, 68, 1);
    too_big(h, 0, 1);
    assert_int_equal(h->t.mss, 1240);
    expect_nothing(h);
    too_big(h, 1280, 1);
    assert_int_equal(h->t.mss, 1220);
}

static void a_larger_one_is_not_believed(struct host *h)
{
    open_wide(h);
    user_writes(h, 1, 2920);
    drain(h);
    too_big(h, 1500, 1);
    too_big(h, 9000, 1);
    assert_int_equal(h->t.mss, 1460);
    assert_false(h->t.pmtu.lowered);
    expect_nothing(h);
}

static void only_what_is_in_flight(struct host *h)
{
    open_wide(h);
    user_writes(h, 1, 2920);
    drain(h);
    inject(h, ACK, 1, 1461, 0);
    for (int i = 0; i < 3; i++) {
        static const uint32_t seq[] = {0, 1460, 2921};
        const struct icmp_error e = about(h, ICMP_MEANS_TOO_BIG, seq[i]);

        assert_int_equal(tcb_judge_icmp(&h->t, &e), ICMP_NOT_OURS);
        too_big(h, 600, seq[i]);
    }
    assert_int_equal(h->t.mss, 1460);
    too_big(h, 600, 1461);
    assert_int_equal(h->t.mss, 560);
}

static void old_routers_say_nothing(struct host *h)
{
    static const uint32_t steps[] = {1492, 1006, 552};

    open_wide(h);
    user_writes(h, 1, 2920);
    drain(h);
    for (int i = 0; i < 3; i++) {
        too_big(h, 0, 1);
        assert_int_equal(h->t.mss, steps[i] - 40);
        drain(h);
    }
}

static void below_the_least_routers_may_cut(struct host *h)
{
    open_wide(h);
    user_writes(h, 1, 2920);
    drain(h);
    assert_false(h->t.pmtu.no_df);
    too_big(h, 296, 1);
    assert_true(h->t.pmtu.no_df);
    assert_int_equal(h->t.mss, 512);
    expect_in_pieces(h, 1, 2921, 512);
    expect_nothing(h);
    /* and again says nothing new */
    too_big(h, 68, 1);
    assert_int_equal(h->t.mss, 512);
    expect_nothing(h);
}

static void at_the_least_already(struct host *h)
{
    h->cfg.mtu = 552;
    h->peer_syn.mss = 1460;
    open_active(h);
    user_writes(h, 1, 1024);
    drain(h);
    too_big(h, 296, 1);
    assert_true(h->t.pmtu.no_df);
    assert_int_equal(h->t.mss, 512);
    expect(h, ACK, 1, 1, 512); /* it was thrown away: now it may be cut */
    expect(h, ACK, 513, 1, 512);
    expect_nothing(h);
}

/* ---- upwards again */

/* A long transfer at some MSS: writes, and acknowledges all, `rounds` times. *at is the next number. */
static void go_on(struct host *h, uint32_t *at, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        user_writes(h, *at, 24000);
        *at += 24000;
        while (h->t.snd_nxt != h->iss + *at) {
            if (drain(h) == 0)
                run_timer(h);
            h->now += 10 * USEC_MS;
            inject(h, ACK, 1, h->t.snd_nxt - h->iss, 0);
        }
    }
}

/* Open, and a router takes 1040 bytes of what is at *at; all has arrived since then. */
static void lowered_by_a_router(struct host *h, uint32_t *at)
{
    open_wide(h);
    go_on(h, at, 2);
    user_writes(h, *at, 1460);
    drain(h);
    too_big(h, 1040, *at);
    drain(h);
    *at += 1460;
    h->now += 10 * USEC_MS;
    inject(h, ACK, 1, *at, 0);
}

static void after_ten_minutes_more_is_tried(struct host *h)
{
    uint32_t at = 1;

    lowered_by_a_router(h, &at);
    go_on(h, &at, 2);
    pass(h, 9 * MINUTE);
    go_on(h, &at, 2);
    assert_int_equal(h->t.mss, 1000);
    assert_int_equal(h->news.path, PATH_NOTHING);
    pass(h, 2 * MINUTE);
    go_on(h, &at, 3);
    assert_int_equal(h->news.path, PATH_MTU_RAISED);
    assert_int_equal(h->news.mtu, 1500);
    assert_int_equal(h->t.mss, 1460);
    assert_int_equal(h->t.stats.retransmits, 2); /* of the packet that was too big */
}

/* Sends until a segment larger than the MSS is out: *probe. Nothing is acknowledged after it. */
static void until_probe(struct host *h, uint32_t *at, struct segment *probe)
{
    for (int i = 0; i < 20; i++) {
        user_writes(h, *at, 20000);
        *at += 20000;
        while (h->t.snd_nxt != h->iss + *at) {
            unsigned n = 0;

            while (take(h)) {
                n++;
                if (h->last.len > h->t.mss) {
                    *probe = h->last;
                    drain(h);
                    return;
                }
            }
            if (n == 0)
                run_timer(h);
            h->now += 10 * USEC_MS;
            inject(h, ACK, 1, h->t.snd_nxt - h->iss, 0);
        }
    }
    fail_msg("no probe");
}

static void a_lost_probe_is_no_congestion(struct host *h)
{
    struct segment probe;
    uint32_t at = 1;

    lowered_by_a_router(h, &at);
    pass(h, 11 * MINUTE);
    until_probe(h, &at, &probe);
    assert_int_equal(probe.len, 1460);
    assert_int_equal(probe.gso_size, 0);
    const uint32_t seq = probe.seq - h->iss, cwnd = h->t.cc.cwnd, ssthresh = h->t.cc.ssthresh;

    /* all but the probe arrives */
    h->now += 10 * USEC_MS;
    inject(h, ACK, 1, seq, 0);
    for (uint32_t i = 1; i <= 4; i++) {
        add_sack(h, seq + 1460, seq + 1460 + i * 1000);
        inject(h, ACK, 1, seq, 0);
    }
    if (h->t.pmtu.probing) {
        run_timer(h);
    }
    assert_false(h->t.pmtu.probing);
    assert_false(h->t.recovering);
    assert_true(h->t.cc.cwnd >= cwnd);
    assert_int_equal(h->t.cc.ssthresh, ssthresh);
    expect(h, ACK, seq, 1, 1000);
    expect(h, ACK, seq + 1000, 1, 460);
    assert_int_equal(h->t.mss, 1000);
    /* The next tries half the way. */
    drain(h);
    h->now += 10 * USEC_MS;
    inject(h, ACK, 1, h->t.snd_nxt - h->iss, 0);
    until_probe(h, &at, &probe);
    assert_in_range(probe.len, 1200, 1260);
}

static void a_router_answers_a_probe(struct host *h)
{
    struct segment probe;
    uint32_t at = 1;

    lowered_by_a_router(h, &at);
    pass(h, 11 * MINUTE);
    until_probe(h, &at, &probe);
    const uint32_t cwnd = h->t.cc.cwnd;

    too_big(h, 1400, probe.seq - h->iss);
    assert_int_equal(h->t.mss, 1000); /* not proved yet */
    expect_in_pieces(h, probe.seq - h->iss, probe.seq - h->iss + 1460, 1000);
    assert_int_equal(h->t.cc.cwnd, cwnd);
    drain(h);
    h->now += 10 * USEC_MS;
    inject(h, ACK, 1, h->t.snd_nxt - h->iss, 0);
    until_probe(h, &at, &probe);
    assert_int_equal(probe.len, 1360); /* just what it said */
    h->now += 10 * USEC_MS;
    inject(h, ACK, 1, h->t.snd_nxt - h->iss, 0);
    assert_int_equal(h->t.mss, 1360);
}

/* ---- black holes */

static void swallowed(struct host *h, uint32_t *at)
{
    go_on(h, at, 2);
    user_writes(h, *at, 5 * 1460);
    drain(h);
}

static void a_black_hole_is_found(struct host *h)
{
    uint32_t at = 1;

    open_wide(h);
    swallowed(h, &at);
    const uint64_t before = h->t.stats.rto_count;

    while (h->t.stats.rto_count < before + 2) {
        run_timer(h);
        if (h->t.stats.rto_count < before + 2)
            drain(h);
    }
    expect(h, ACK, at, 1, 1024);
    assert_int_equal(h->news.path, PATH_NOTHING); /* not sure yet */
    h->now += 10 * USEC_MS;
    inject(h, ACK, 1, at + 1024, 0);
    assert_int_equal(h->news.path, PATH_BLACK_HOLE);
    assert_int_equal(h->news.mtu_before, 1500);
    assert_int_equal(h->news.mtu, 1064);
    /* the rest follows in such pieces */
    while (h->t.snd_una != h->iss + at + 5 * 1460) {
        uint32_t right = h->t.snd_una - h->iss;

        while (take(h)) {
            assert_in_range(h->last.len, 1, 1024);
            right = h->last.seq - h->iss + h->last.len;
        }
        h->now += 10 * USEC_MS;
        inject(h, ACK, 1, right, 0);
    }
}

/* The end of a writing may be less than the first size that is tried and still too much. */
static void a_short_segment_in_a_black_hole(struct host *h)
{
    open_wide(h);
    user_writes(h, 1, 900);
    drain(h);
    const uint64_t before = h->t.stats.rto_count;

    while (h->t.stats.rto_count < before + 2) {
        run_timer(h);
        if (h->t.stats.rto_count < before + 2)
            drain(h);
    }
    expect(h, ACK, 1, 1, 536);
    h->now += 10 * USEC_MS;
    inject(h, ACK, 1, 537, 0);
    assert_int_equal(h->news.path, PATH_BLACK_HOLE);
    assert_int_equal(h->news.mtu, 576);
}

static void one_timeout_is_no_black_hole(struct host *h)
{
    uint32_t at = 1;

    open_wide(h);
    swallowed(h, &at);
    const uint64_t before = h->t.stats.rto_count;

    while (h->t.stats.rto_count < before + 1) {
        run_timer(h);
        drain(h);
    }
    h->now += 10 * USEC_MS;
    inject(h, ACK, 1, at + 1460, 0); /* and so it begins anew */
    drain(h);
    while (h->t.stats.rto_count < before + 2) {
        run_timer(h);
        drain(h);
    }
    assert_int_equal(h->t.mss, 1460);
}

static void small_segments_prove_nothing(struct host *h)
{
    open_wide(h);
    user_writes(h, 1, 500);
    for (int i = 0; i < 8; i++) {
        drain(h);
        run_timer(h);
    }
    assert_true(h->t.stats.rto_count > 3);
    assert_int_equal(h->t.mss, 1460);
}

static void lower_and_lower(struct host *h)
{
    uint32_t at = 1;

    open_wide(h);
    swallowed(h, &at);
    const uint64_t before = h->t.stats.rto_count;

    while (h->t.stats.rto_count < before + 4) {
        run_timer(h);
        drain(h);
    }
    assert_int_equal(h->t.mss, 536);
    while (h->t.stats.rto_count < before + 8) {
        run_timer(h);
        drain(h);
    }
    assert_int_equal(h->t.mss, 536); /* and no lower */
}

static void the_base_of_ipv6(struct host *h)
{
    uint32_t at = 1;

    v6(h);
    open_wide(h);
    swallowed(h, &at);
    const uint64_t before = h->t.stats.rto_count;

    while (h->t.stats.rto_count < before + 6) {
        run_timer(h);
        drain(h);
    }
    assert_int_equal(h->t.mss, 1220);
}

static void a_broken_path_was_no_black_hole(struct host *h)
{
    uint32_t at = 1;

    open_wide(h);
    swallowed(h, &at);
    const uint64_t before = h->t.stats.rto_count;

    h->t.pmtu.search_at = h->now + 10 * MINUTE; /* whatever was searched for before */
    while (h->t.stats.rto_count < before + 3) {
        run_timer(h);
        drain(h);
    }
    at += 5 * 1460;
    while (h->t.snd_una != h->iss + at) {
        h->now += 10 * USEC_MS;
        inject(h, ACK, 1, h->t.snd_una - h->iss + 1024 > at ? at : h->t.snd_una - h->iss + 1024, 0);
        drain(h);
    }
    assert_int_equal(h->t.mss, 1024);
    go_on(h, &at, 4); /* at once, not after ten minutes */
    assert_int_equal(h->news.path, PATH_MTU_RAISED);
    assert_int_equal(h->t.mss, 1460);
}

/* ---- other errors */

static const enum tcp_state synchronized[] = {
    STATE_ESTABLISHED, STATE_FIN_WAIT_1, STATE_CLOSE_WAIT, STATE_CLOSING, STATE_LAST_ACK,
};

static void nothing_ends_what_is_open(struct host *h)
{
    for (size_t i = 0; i < sizeof synchronized / sizeof synchronized[0]; i++) {
        for (int hard = 0; hard < 2; hard++) {
            const struct isn_pair isn = {h->iss, h->irs, ""};
            struct icmp_error e;
            uint32_t seq = 1;

            host_init(h, &isn);
            drive(h, synchronized[i]);
            if (synchronized[i] == STATE_ESTABLISHED || synchronized[i] == STATE_CLOSE_WAIT) {
                user_writes(h, 1, 10);
                drain(h);
            }
            e = about(h, hard ? ICMP_MEANS_HARD : ICMP_MEANS_SOFT, seq);
            assert_int_equal(tcb_judge_icmp(&h->t, &e), ICMP_NOTED);
            tcb_icmp(&h->t, &e, h->now);
            assert_int_equal(h->t.end, END_NONE);
            expect_state(h, synchronized[i]);
        }
    }
}

static void a_hard_error_ends_an_opening(struct host *h)
{
    struct icmp_error e;

    drive(h, STATE_SYN_RECEIVED);
    e = about(h, ICMP_MEANS_HARD, 0);
    tcb_icmp(&h->t, &e, h->now);
    expect_end(h, END_UNREACHABLE);
    host_init(h, &isn_pairs[0]);
    drive(h, STATE_SYN_SENT);
    e = about(h, ICMP_MEANS_HARD, 0);
    tcb_icmp(&h->t, &e, h->now);
    expect_end(h, END_UNREACHABLE);
}

static void a_soft_error_ends_no_answer(struct host *h)
{
    struct icmp_error e;

    drive(h, STATE_SYN_RECEIVED);
    e = about(h, ICMP_MEANS_SOFT, 0);
    tcb_icmp(&h->t, &e, h->now);
    assert_int_equal(h->t.end, END_NONE);
    inject(h, ACK, 1, 1, 0);
    expect_state(h, STATE_ESTABLISHED);
}

static void a_forged_error_ends_no_opening(struct host *h)
{
    struct icmp_error e;

    drive(h, STATE_SYN_SENT);
    e = about(h, ICMP_MEANS_HARD, 1);
    tcb_icmp(&h->t, &e, h->now);
    e = about(h, ICMP_MEANS_HARD, (uint32_t)-1);
    assert_int_equal(tcb_judge_icmp(&h->t, &e), ICMP_NOT_OURS);
    tcb_icmp(&h->t, &e, h->now);
    expect_state(h, STATE_SYN_SENT);
}

static void source_quench_is_ignored(struct host *h)
{
    struct icmp_error e;

    drive(h, STATE_SYN_SENT);
    e = about(h, ICMP_MEANS_NOTHING, 0);
    assert_int_equal(icmp_classify(IP_V4, 4, 0), ICMP_MEANS_NOTHING);
    assert_int_equal(tcb_judge_icmp(&h->t, &e), ICMP_IGNORED);
    tcb_icmp(&h->t, &e, h->now);
    expect_state(h, STATE_SYN_SENT);
    host_init(h, &isn_pairs[0]);
    open_wide(h);
    user_writes(h, 1, 2920);
    drain(h);
    const uint32_t cwnd = h->t.cc.cwnd;

    e = about(h, ICMP_MEANS_NOTHING, 1);
    tcb_icmp(&h->t, &e, h->now);
    assert_int_equal(h->t.cc.cwnd, cwnd);
}

static const struct tcb_test tests[] = {
    {"RFC1191-MTU: smaller segments, what was too big goes again in pieces, no congestion",
     smaller_segments},
    {"RFC8201-MTU: smaller segments, and below 1280 nobody is believed", smaller_segments_v6},
    {"RFC1191-MTU: a larger size is not believed", a_larger_one_is_not_believed},
    {"RFC5927-VALIDATE: only an error about what is in flight", only_what_is_in_flight},
    {"RFC1191-PLATEAU: a router that does not say: the next plateau", old_routers_say_nothing},
    {"RFC1191-MIN: below 552 segments stay so large, and routers may cut them",
     below_the_least_routers_may_cut},
    {"RFC1191-MIN: a first hop that small: what was lost goes again", at_the_least_already},
    {"SHLD-6 RFC1191-MTU RFC4821-PROBE: after ten minutes more is tried",
     after_ten_minutes_more_is_tried},
    {"RFC4821-PROBE: a lost probe is no congestion; the next goes half the way",
     a_lost_probe_is_no_congestion},
    {"RFC4821-PROBE: a router that answers the probe is taken at its word",
     a_router_answers_a_probe},
    {"RFC4821-PLPMTUD: two timeouts of full segments: smaller ones, told when they get through",
     a_black_hole_is_found},
    {"RFC4821-PLPMTUD: a black hole for less than a full segment", a_short_segment_in_a_black_hole},
    {"RFC4821-PLPMTUD: one timeout is no black hole", one_timeout_is_no_black_hole},
    {"RFC4821-PLPMTUD: timeouts of small segments are none", small_segments_prove_nothing},
    {"RFC4821-PLPMTUD: down to what every host takes", lower_and_lower},
    {"RFC4821-PLPMTUD: IPv6 goes down to 1280", the_base_of_ipv6},
    {"RFC4821-PROBE: after a broken path the old size is back at once",
     a_broken_path_was_no_black_hole},
    {"MUST-56 RFC5461-SOFT RFC5927: neither soft nor hard errors end what is open",
     nothing_ends_what_is_open},
    {"SHLD-26 RFC5461-HARD: a hard error ends an opening", a_hard_error_ends_an_opening},
    {"RFC5461-SOFT: a soft error does not end the answer to a SYN", a_soft_error_ends_no_answer},
    {"RFC5927-VALIDATE: a forged error ends no opening", a_forged_error_ends_no_opening},
    {"MUST-55: source quench is ignored", source_quench_is_ignored},
};

int main(void)
{
    return host_main("path", tests, sizeof tests / sizeof tests[0]);
}
