/*
 * What a listener must withstand and who may follow whom: SYN cookies, the next connection of a pair
 * in TIME-WAIT, challenge ACKs, numbers and ports that nobody can guess.
 */
#include "tcb_host.h"

#include "segcat/tcp/isn.h"
#include "segcat/tcp/syncookie.h"

/* ---- SYN cookies */

/* The configuration as the session has it before there is a connection: no memory at all. */
static struct tcb_config without_memory(const struct host *h)
{
    struct tcb_config cfg = h->cfg;

    cfg.snd_mem = cfg.rcv_mem = NULL;
    cfg.sent_mem = NULL;
    cfg.ooo_mem = NULL;
    cfg.sent_max = cfg.ooo_max = 0;
    cfg.observe = NULL;
    cfg.has_isn = false;
    return cfg;
}

/* A SYN comes, and its cookie goes out: h->iss is then the cookie. */
static struct segment cookie_for(struct host *h, unsigned flags)
{
    const struct tcb_config cfg = without_memory(h);
    const struct segment syn = host_segment(h, SYN | flags, 0, 0);
    struct segment reply;

    syncookie_answer(&cfg, &syn, &reply, h->now);
    h->iss = reply.seq;
    h->our_ts = reply.opt.tsval;
    return reply;
}

/* The segment that acknowledges it, with the timestamps that the peer would send. */
static struct segment cookie_ack(struct host *h, unsigned flags, const struct segment *syn_ack)
{
    struct segment ack = host_segment(h, flags, 1, 1);

    if (syn_ack->opt.present & OPT_TIMESTAMPS) {
        ack.opt.present |= OPT_TIMESTAMPS;
        ack.opt.tsval = h->peer_ts;
        ack.opt.tsecr = syn_ack->opt.tsval;
    }
    return ack;
}

static bool accepted(const struct host *h, const struct segment *ack, struct segment *syn)
{
    const struct tcb_config cfg = without_memory(h);

    return syncookie_check(&cfg, ack, syn, h->now);
}

static bool is_accepted(const struct host *h, const struct segment *ack)
{
    struct segment syn;

    return accepted(h, ack, &syn);
}

static void all_options(struct host *h)
{
    h->peer_syn.present = OPT_MSS | OPT_WSCALE | OPT_SACK_PERMITTED | OPT_TIMESTAMPS;
    h->peer_syn.mss = 1460;
    h->peer_syn.wscale = 9;
}

/* SYN, cookie, 10 ms, and the ACK makes the connection. */
static void open_by_cookie(struct host *h, unsigned flags, const void *text, uint32_t len)
{
    const struct segment reply = cookie_for(h, 0);
    struct segment ack, syn;

    h->now += 10 * USEC_MS;
    h->peer_ts += 10;
    ack = cookie_ack(h, flags, &reply);
    ack.data[0] = (struct slice){text, len};
    ack.len = len;
    assert_true(accepted(h, &ack, &syn));
    tcb_open_cookie(&h->t, &h->cfg, &syn, &ack, h->now);
}

static void cookie_is_the_syn_ack(struct host *h)
{
    all_options(h);
    const struct segment reply = cookie_for(h, 0);
    const struct segment syn = host_segment(h, SYN, 0, 0);

    /* The same SYN with memory for it. */
    tcb_open_passive(&h->t, &h->cfg, &syn, h->now);
    assert_true(take(h));
    assert_int_equal(reply.flags, h->last.flags);
    assert_int_equal(reply.ack, h->last.ack);
    assert_int_equal(reply.window, h->last.window);
    assert_int_equal(reply.opt.present, h->last.opt.present);
    assert_int_equal(reply.opt.mss, h->last.opt.mss);
    assert_int_equal(reply.opt.wscale, h->last.opt.wscale);
    assert_int_equal(reply.opt.tsecr, h->peer_ts);
    assert_int_equal(reply.len, 0);
}

static void cookie_keeps_all(struct host *h)
{
    for (unsigned i = 0; i < 16 * 4; i++) {
        const struct isn_pair isn = {h->iss, h->irs, ""};

        host_init(h, &isn);
        all_options(h);
        h->now += i * 7 * USEC_MS; /* the timestamp's lowest bits differ */
        h->peer_syn.wscale = (uint8_t)(i % 16);
        if (i % 16 == 15)
            h->peer_syn.present &= (uint16_t)~OPT_WSCALE;
        if (i & 16)
            h->peer_syn.present &= (uint16_t)~OPT_SACK_PERMITTED;
        const unsigned flags = i & 32 ? SEG_ECE | SEG_CWR : 0;
        const struct segment reply = cookie_for(h, flags);
        const struct segment ack = cookie_ack(h, ACK, &reply);
        struct segment syn;

        assert_true(accepted(h, &ack, &syn));
        assert_int_equal(syn.seq, h->irs);
        assert_int_equal(syn.flags, SYN | flags);
        assert_int_equal(syn.opt.present, h->peer_syn.present);
        assert_int_equal(syn.opt.mss, 1460);
        if (syn.opt.present & OPT_WSCALE)
            assert_int_equal(syn.opt.wscale, i % 16);
    }
}

static void cookie_wscale_15_counts_as_14(struct host *h)
{
    struct segment syn;

    all_options(h);
    h->peer_syn.wscale = 15;
    const struct segment reply = cookie_for(h, 0);
    const struct segment ack = cookie_ack(h, ACK, &reply);

    assert_true(accepted(h, &ack, &syn));
    assert_int_equal(syn.opt.wscale, 14);
}

static void cookie_opens(struct host *h)
{
    all_options(h);
    open_by_cookie(h, ACK, NULL, 0);
    expect_nothing(h);
    expect_state(h, STATE_ESTABLISHED);
    assert_true(h->t.passive && h->t.by_cookie);
    assert_int_equal(h->event.old_state, STATE_LISTEN);
    assert_true(h->event.notes & NOTE_SYN_COOKIE);
    assert_int_equal(tcb_deadline(&h->t), USEC_NEVER);
    assert_true(h->t.use_wscale && h->t.use_sack && h->t.use_ts);
    assert_int_equal(h->t.snd_wscale, 9);
    assert_int_equal(h->t.snd_wnd, (uint32_t)h->window << 9);
    assert_int_equal(h->t.mss, 1460 - 12);
    /* and it carries data both ways */
    inject(h, ACK, 1, 1, 700);
    expect(h, ACK, 1, 701, 0);
    user_reads(h, 1, 700);
    user_writes(h, 1, 2896);
    expect(h, ACK, 1, 701, 1448);
    expect(h, ACK, 1449, 701, 1448);
    inject(h, ACK, 701, 2897, 0);
    assert_int_equal(tcb_unacked(&h->t), 0);
}

static void cookie_agrees_on_ecn(struct host *h)
{
    struct segment syn;

    all_options(h);
    const struct segment reply = cookie_for(h, SEG_ECE | SEG_CWR);
    const struct segment ack = cookie_ack(h, ACK, &reply);

    assert_int_equal(reply.flags, SYN | ACK | SEG_ECE);
    assert_true(accepted(h, &ack, &syn));
    tcb_open_cookie(&h->t, &h->cfg, &syn, &ack, h->now);
    assert_true(h->t.ecn.ok);
    user_writes(h, 1, 100);
    assert_true(take(h));
    assert_int_equal(h->last.ecn, ECN_ECT0);
}

static void cookie_window_is_what_was_announced(struct host *h)
{
    all_options(h);
    const struct segment reply = cookie_for(h, 0);
    const struct segment ack = cookie_ack(h, ACK, &reply);
    struct segment syn;

    assert_true(accepted(h, &ack, &syn));
    tcb_open_cookie(&h->t, &h->cfg, &syn, &ack, h->now);
    assert_int_equal(tcb_receive_window(&h->t), reply.window);
    assert_int_equal(h->t.rcv_wscale, reply.opt.wscale);
}

static void cookie_ack_with_data_and_fin(struct host *h)
{
    static uint8_t text[600];

    for (uint32_t i = 0; i < sizeof text; i++)
        text[i] = peer_byte(1 + i);
    all_options(h);
    open_by_cookie(h, ACK | FIN | PSH, text, sizeof text);
    expect_state(h, STATE_CLOSE_WAIT);
    expect(h, ACK, 1, 602, 0);
    user_reads(h, 1, 600);
    assert_true(tcb_peer_closed(&h->t));
}

static void cookie_without_timestamps(struct host *h)
{
    struct segment syn;

    all_options(h);
    h->peer_syn.present &= (uint16_t)~OPT_TIMESTAMPS;
    const struct segment reply = cookie_for(h, SEG_ECE | SEG_CWR);
    const struct segment ack = cookie_ack(h, ACK, &reply);

    assert_int_equal(reply.opt.present, OPT_MSS);
    assert_int_equal(reply.flags, SYN | ACK);
    assert_true(accepted(h, &ack, &syn));
    assert_int_equal(syn.opt.present, OPT_MSS);
    assert_int_equal(syn.opt.mss, 1460);
    assert_int_equal(syn.flags, SYN);
    tcb_open_cookie(&h->t, &h->cfg, &syn, &ack, h->now);
    expect_state(h, STATE_ESTABLISHED);
    assert_false(h->t.use_wscale || h->t.use_sack || h->t.use_ts);
    assert_int_equal(h->t.snd_wnd, h->window);
}

static void cookie_no_timestamps_of_ours(struct host *h)
{
    all_options(h);
    h->cfg.no_timestamps = true;
    const struct segment reply = cookie_for(h, 0);
    const struct segment ack = cookie_ack(h, ACK, &reply);

    assert_int_equal(reply.opt.present, OPT_MSS);
    assert_true(is_accepted(h, &ack));
}

static void cookie_timestamps_forgotten(struct host *h)
{
    all_options(h);
    const struct segment reply = cookie_for(h, 0);
    struct segment ack = cookie_ack(h, ACK, &reply);

    assert_true(is_accepted(h, &ack));
    ack.opt.present = 0;
    assert_false(is_accepted(h, &ack));
}

static void cookie_options_cannot_be_changed(struct host *h)
{
    all_options(h);
    const struct segment reply = cookie_for(h, 0);

    for (uint32_t bits = 1; bits < 64; bits++) {
        struct segment ack = cookie_ack(h, ACK, &reply);

        ack.opt.tsecr ^= bits;
        assert_false(is_accepted(h, &ack));
    }
}

/* Sent segments are never larger than the peer takes, and not much smaller. */
static void cookie_mss_is_rounded_down(struct host *h)
{
    static const struct {
        uint16_t said, kept;
    } cases[] = {
        {1, 48},      {48, 48},     {100, 48},    {255, 48},    {256, 256},    {536, 536},
        {1219, 536},  {1220, 1220}, {1359, 1220}, {1380, 1360}, {1440, 1440},  {1452, 1440},
        {1460, 1460}, {8939, 1460}, {8960, 8940}, {9000, 8940}, {65495, 8940},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct segment syn;

        all_options(h);
        h->peer_syn.mss = cases[i].said;
        const struct segment reply = cookie_for(h, 0);
        const struct segment ack = cookie_ack(h, ACK, &reply);

        assert_true(accepted(h, &ack, &syn));
        assert_int_equal(syn.opt.mss, cases[i].kept);
    }
}

static void cookie_mss_absent(struct host *h)
{
    static const uint8_t versions[] = {IP_V4, IP_V6};

    for (size_t i = 0; i < 2; i++) {
        struct segment syn;

        h->cfg.local.ip.version = h->cfg.remote.ip.version = versions[i];
        h->peer_syn.present = 0;
        const struct segment reply = cookie_for(h, 0);
        const struct segment ack = cookie_ack(h, ACK, &reply);

        assert_true(accepted(h, &ack, &syn));
        assert_int_equal(syn.opt.mss, i == 0 ? 536 : 1220);
        h->peer_syn.present = OPT_MSS;
        h->peer_syn.mss = 0;
        assert_int_equal(cookie_for(h, 0).seq, reply.seq); /* MSS 0 counts as absent */
    }
}

static void cookie_grows_old(struct host *h)
{
    const usec_t begin = h->now - h->now % COOKIE_STEP;

    all_options(h);
    for (usec_t at = 0; at < COOKIE_STEP; at += COOKIE_STEP / 4) {
        h->now = begin + at;
        const struct segment reply = cookie_for(h, 0);
        const struct segment ack = cookie_ack(h, ACK, &reply);

        h->now = begin + 2 * COOKIE_STEP - 1;
        assert_true(is_accepted(h, &ack));
        h->now = begin + 2 * COOKIE_STEP;
        assert_false(is_accepted(h, &ack));
        /* nor when the 8 bits of the clock have come round */
        h->now = begin + 256 * COOKIE_STEP;
        assert_false(is_accepted(h, &ack));
        h->now = begin - 1;
        assert_false(is_accepted(h, &ack));
    }
    assert_true(COOKIE_STEPS * COOKIE_STEP < 135 * USEC_SEC);
}

static void cookie_of_another(struct host *h)
{
    all_options(h);
    const struct segment reply = cookie_for(h, 0);
    const struct segment good = cookie_ack(h, ACK, &reply);
    struct tcb_config cfg = without_memory(h);
    struct segment ack = good, syn;

    assert_true(syncookie_check(&cfg, &ack, &syn, h->now));
    cfg.remote.port++;
    assert_false(syncookie_check(&cfg, &ack, &syn, h->now));
    cfg = without_memory(h);
    cfg.remote.ip.bytes[3]++;
    assert_false(syncookie_check(&cfg, &ack, &syn, h->now));
    cfg = without_memory(h);
    cfg.local.port++;
    assert_false(syncookie_check(&cfg, &ack, &syn, h->now));
    cfg = without_memory(h);
    cfg.key[7] ^= 1;
    assert_false(syncookie_check(&cfg, &ack, &syn, h->now));
    cfg = without_memory(h);
    ack.seq++; /* another ISN of the peer's */
    assert_false(syncookie_check(&cfg, &ack, &syn, h->now));
    ack = good;
    ack.flags |= SYN;
    assert_false(syncookie_check(&cfg, &ack, &syn, h->now));
    ack.flags = ACK | RST;
    assert_false(syncookie_check(&cfg, &ack, &syn, h->now));
    ack.flags = PSH;
    assert_false(syncookie_check(&cfg, &ack, &syn, h->now));
}

static void cookie_forged(struct host *h)
{
    unsigned lucky = 0;

    all_options(h);
    const struct segment reply = cookie_for(h, 0);

    for (unsigned bit = 0; bit < 32; bit++) {
        struct segment ack = cookie_ack(h, ACK, &reply);

        ack.ack = (ack.ack - 1) ^ 1U << bit;
        ack.ack++;
        assert_false(is_accepted(h, &ack));
    }
    /* Two steps of the clock times eight MSS of 2^32 numbers: one in 268 million. */
    for (uint32_t i = 1; i <= 1000000; i++) {
        struct segment ack = cookie_ack(h, ACK, &reply);

        ack.ack += i * 2654435761U;
        lucky += is_accepted(h, &ack);
    }
    assert_true(lucky <= 1);
}

static void cookies_rise(struct host *h)
{
    all_options(h);
    seq_t last = cookie_for(h, 0).seq;

    for (unsigned i = 0; i < 100; i++) {
        h->now += COOKIE_STEP;
        const seq_t next = cookie_for(h, 0).seq;
        const seq_t plain = isn_generate(h->cfg.key, &h->cfg.local, &h->cfg.remote, h->now);

        /* one step is 2^24 of RFC 6528's clock */
        assert_true(seq_gt(next, last) && next - last < 1U << 25);
        /* and the ISN that a kept opening has is not far */
        assert_true(next - plain < 1U << 24 || plain - next < 1U << 24);
        last = next;
    }
}

static void cookies_differ_by_irs(struct host *h)
{
    all_options(h);
    const seq_t first = cookie_for(h, 0).seq;

    h->irs += 1;
    assert_true((cookie_for(h, 0).seq ^ first) & 0xffffff);
}

static void cookie_timestamp_is_no_later(struct host *h)
{
    all_options(h);
    for (unsigned i = 0; i < 200; i++) {
        const struct tcb_config cfg = without_memory(h);
        struct segment reply, syn = host_segment(h, SYN, 0, 0);
        struct tcb t;

        h->now += 13 * USEC_MS;
        syn.opt.wscale = (uint8_t)(i % 15);
        syncookie_answer(&cfg, &syn, &reply, h->now);
        h->iss = reply.seq;
        const struct segment ack = cookie_ack(h, ACK, &reply);

        assert_true(accepted(h, &ack, &syn));
        tcb_open_cookie(&t, &h->cfg, &syn, &ack, h->now);
        const uint32_t now = (uint32_t)(h->now / USEC_MS) + t.ts_offset;

        assert_true(now - reply.opt.tsval < 128);
    }
}

static void cookie_gives_no_sample(struct host *h)
{
    all_options(h);
    open_by_cookie(h, ACK, NULL, 0);
    assert_false(h->t.rtt.valid);
    assert_int_equal(h->event.rtt, 0);
    user_writes(h, 1, 100);
    expect(h, ACK, 1, 1, 100);
    h->now += 20 * USEC_MS;
    inject(h, ACK, 1, 101, 0);
    assert_int_equal(h->event.rtt, 20 * USEC_MS);
}

/* ---- the next connection of a pair in TIME-WAIT: RFC 6191, RFC 1122 4.2.2.13 */

enum { NONE = -1000000 };

/* Is a SYN honoured that has this sequence number and timestamp, both counted from the last that the
 * peer used? */
static bool honoured(struct host *h, int32_t seq, int32_t stamp)
{
    struct segment syn = host_segment(h, SYN, 0, 0);

    syn.seq = h->t.rcv_nxt - 1 + (uint32_t)seq;
    syn.opt.present = OPT_MSS;
    if (stamp != NONE) {
        syn.opt.present |= OPT_TIMESTAMPS;
        syn.opt.tsval = h->t.ts_recent + (uint32_t)stamp;
    }
    return tcb_reopens(&h->t, &syn);
}

static void reopen_with_timestamps(struct host *h)
{
    h->peer_syn.present = OPT_MSS | OPT_TIMESTAMPS;
    drive(h, STATE_TIME_WAIT);
    assert_true(honoured(h, -50000, 1));
    assert_true(honoured(h, 50000, 1));
    assert_true(honoured(h, 50000, 0));
    assert_false(honoured(h, -50000, 0));
    assert_false(honoured(h, 0, 0));
    assert_false(honoured(h, 50000, -1));
    assert_false(honoured(h, -50000, -1));
}

static void reopen_timestamps_left_off(struct host *h)
{
    h->peer_syn.present = OPT_MSS | OPT_TIMESTAMPS;
    drive(h, STATE_TIME_WAIT);
    assert_true(honoured(h, 50000, NONE));
    assert_false(honoured(h, 0, NONE));
    assert_false(honoured(h, -50000, NONE));
}

static void reopen_timestamps_new(struct host *h)
{
    drive(h, STATE_TIME_WAIT);
    assert_true(honoured(h, -50000, 5));
    assert_true(honoured(h, 50000, 5));
    assert_true(honoured(h, -50000, -5)); /* there is nothing to compare it with */
    /* which we would not agree to: the sequence number decides */
    h->t.cfg.no_timestamps = true;
    assert_false(honoured(h, -50000, 5));
    assert_true(honoured(h, 50000, 5));
}

static void reopen_without_timestamps(struct host *h)
{
    drive(h, STATE_TIME_WAIT);
    assert_true(honoured(h, 50000, NONE));
    assert_false(honoured(h, 0, NONE));
    assert_false(honoured(h, -50000, NONE));
}

static void reopen_only_by_a_syn(struct host *h)
{
    static const unsigned others[] = {SYN | ACK, SYN | RST, ACK, FIN, RST, 0};

    drive(h, STATE_TIME_WAIT);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const struct segment s = host_segment(h, others[i], 100000, 2);

        assert_false(tcb_reopens(&h->t, &s));
    }
}

static void reopen_only_in_time_wait(struct host *h)
{
    for (enum tcp_state s = STATE_SYN_SENT; s < STATE_TIME_WAIT; s++) {
        const struct isn_pair isn = {h->iss, h->irs, ""};

        host_init(h, &isn);
        drive(h, s);
        const struct segment syn = host_segment(h, SYN, 100000, 0);

        assert_false(tcb_reopens(&h->t, &syn));
    }
}

static void reopened_numbers(struct host *h)
{
    struct tcb next;
    unsigned even = 0;

    h->peer_syn.present = OPT_MSS | OPT_TIMESTAMPS;
    drive(h, STATE_TIME_WAIT);
    for (uint8_t key = 0; key < 64; key++) {
        const struct incarnation before = tcb_incarnation(&h->t);
        struct tcb_config cfg = h->cfg;
        struct segment out, syn = host_segment(h, SYN, 100000, 0);

        cfg.before = &before;
        cfg.has_isn = false;
        cfg.key[5] = key; /* another process has another key */
        h->now += 3 * USEC_MS;
        tcb_open_passive(&next, &cfg, &syn, h->now);
        assert_true(tcb_next(&next, &out, h->now));
        /* above, and not by so much that it would be below again */
        assert_true(seq_gt(next.iss, h->t.snd_nxt + 65535));
        assert_true(next.iss - h->t.snd_nxt < 1U << 25);
        assert_true(seq_gt(out.opt.tsval, h->our_ts));
        assert_true(out.opt.tsval - h->our_ts < 1000);
        assert_null(next.cfg.before);
        even += next.iss % 2;
    }
    assert_in_range(even, 10, 54); /* nobody knows it beforehand */
}

static void reopened_actively(struct host *h)
{
    struct tcb next;
    struct segment out;

    h->peer_syn.present = OPT_MSS | OPT_TIMESTAMPS;
    drive(h, STATE_TIME_WAIT);
    const struct incarnation before = tcb_incarnation(&h->t);
    struct tcb_config cfg = h->cfg;

    assert_true(before.use_ts);
    cfg.before = &before;
    cfg.key[5] ^= 1;
    cfg.has_isn = false;
    h->now += USEC_MS;
    tcb_open_active(&next, &cfg, h->now);
    assert_true(tcb_next(&next, &out, h->now));
    assert_true(seq_gt(out.seq, h->t.snd_nxt));
    assert_true(seq_gt(out.opt.tsval, h->our_ts));
    /* the user's own number goes before all */
    cfg.has_isn = true;
    tcb_open_active(&next, &cfg, h->now);
    assert_int_equal(next.iss, h->iss);
}

/* ---- challenge ACKs: RFC 5961 section 7 */

/* How many of 12 challenges of one second are answered. */
static unsigned answered(struct host *h)
{
    unsigned n = 0;

    for (int i = 0; i < 12; i++) {
        inject(h, RST, 5, 0, 0);
        n += drain(h);
    }
    return n;
}

static void challenges_in_statistics(struct host *h)
{
    unsigned count[13] = {0}, same = 0, last = 0;

    open_active(h);
    for (int s = 0; s < 1200; s++) {
        h->now += USEC_SEC;
        const unsigned n = answered(h);

        count[n]++;
        same += n == last;
        last = n;
    }
    /* 5 to 10, each as often (200 times, standard deviation 13), the next not told by the last. */
    for (unsigned n = 0; n < 13; n++)
        assert_in_range(count[n], n < 5 || n > 10 ? 0 : 145, n < 5 || n > 10 ? 0 : 255);
    assert_in_range(same, 145, 255);
}

static void challenges_of_another_connection(struct host *h)
{
    struct host *const other = malloc(sizeof *other);
    const struct isn_pair isn = {h->iss, h->irs, ""};
    unsigned same = 0;

    /* The same process, so the same key, and the same moments; one port differs. */
    assert_non_null(other);
    host_init(other, &isn);
    other->cfg.remote.port++;
    open_active(other);
    open_active(h);
    for (int s = 0; s < 600; s++) {
        other->now = h->now += USEC_SEC;
        same += answered(h) == answered(other);
    }
    assert_in_range(same, 60, 140); /* 100 by chance */
    free(other);
}

static void challenges_begin_anew(struct host *h)
{
    open_active(h);
    assert_in_range(answered(h), 5, 10);
    h->now += USEC_SEC - 1;
    assert_int_equal(answered(h), 0);
    h->now += 1;
    assert_in_range(answered(h), 5, 10);
}

/* ---- ISNs: RFC 6528 */

static seq_t isn_of(const struct host *h)
{
    return isn_generate(h->cfg.key, &h->cfg.local, &h->cfg.remote, h->now);
}

static void isn_same_tuple(struct host *h)
{
    const usec_t begin = h->now;
    seq_t last = isn_of(h);

    for (unsigned i = 1; i <= 1000; i++) {
        h->now = begin + (usec_t)i * i * USEC_MS;
        const seq_t next = isn_of(h);

        assert_int_equal(next - last, (2 * i - 1) * 250); /* 4 us a step */
        last = next;
    }
}

/* Each bit of a number that follows from nothing is set in half of all cases. */
static void expect_half(const unsigned set[32], unsigned of)
{
    for (unsigned bit = 0; bit < 32; bit++)
        assert_in_range(set[bit], of * 4 / 10, of * 6 / 10);
}

static void isn_differences(struct host *h)
{
    unsigned by_port[32] = {0}, by_address[32] = {0}, by_key[32] = {0};

    for (unsigned i = 0; i < 1000; i++) {
        const seq_t before = isn_of(h);
        seq_t d;

        h->cfg.remote.port++;
        d = isn_of(h) ^ before;
        for (unsigned bit = 0; bit < 32; bit++)
            by_port[bit] += d >> bit & 1;
        h->cfg.remote.port--;
        h->cfg.remote.ip.bytes[3] ^= 1;
        d = isn_of(h) ^ before;
        for (unsigned bit = 0; bit < 32; bit++)
            by_address[bit] += d >> bit & 1;
        h->cfg.key[i % 16]++;
        d = isn_of(h) ^ before;
        for (unsigned bit = 0; bit < 32; bit++)
            by_key[bit] += d >> bit & 1;
        h->cfg.remote.port++;
    }
    expect_half(by_port, 1000);
    expect_half(by_address, 1000);
    expect_half(by_key, 1000);
}

static const struct tcb_test tests[] = {
    {"RFC4987-COOKIES: a cookie is the SYN,ACK that would have been sent, without memory",
     cookie_is_the_syn_ack},
    {"RFC4987-COOKIES: MSS, scale, SACK and ECN come back with the ACK", cookie_keeps_all},
    {"RFC4987-COOKIES: a scale of 15 counts as 14", cookie_wscale_15_counts_as_14},
    {"RFC4987-COOKIES: the ACK of a cookie is a connection", cookie_opens},
    {"RFC4987-COOKIES RFC3168-ECN: on which ECN was agreed", cookie_agrees_on_ecn},
    {"RFC4987-COOKIES: with the window that was announced", cookie_window_is_what_was_announced},
    {"RFC4987-COOKIES: an ACK with data and FIN is taken whole", cookie_ack_with_data_and_fin},
    {"RFC4987-COOKIES: without timestamps the MSS alone is agreed", cookie_without_timestamps},
    {"RFC4987-COOKIES: so too where we want none", cookie_no_timestamps_of_ours},
    {"RFC4987-COOKIES: an ACK without the agreed timestamps is refused",
     cookie_timestamps_forgotten},
    {"RFC4987-COOKIES: the options in the timestamp cannot be changed",
     cookie_options_cannot_be_changed},
    {"RFC4987-COOKIES: the MSS is rounded down", cookie_mss_is_rounded_down},
    {"RFC4987-COOKIES MUST-15: without MSS option the default is kept", cookie_mss_absent},
    {"RFC4987-COOKIES: good for two steps of the clock", cookie_grows_old},
    {"RFC4987-COOKIES: good for its tuple, the peer's ISN and our key alone", cookie_of_another},
    {"RFC4987-COOKIES: cannot be guessed", cookie_forged},
    {"RFC4987-COOKIES RFC6528-ISN: cookies rise with time as ISNs do", cookies_rise},
    {"RFC4987-COOKIES: each ISN of the peer's has its own", cookies_differ_by_irs},
    {"RFC4987-COOKIES: a timestamp with options in it is not later than the clock",
     cookie_timestamp_is_no_later},
    {"RFC4987-COOKIES RFC6298-Karn: a cookie gives no sample", cookie_gives_no_sample},
    {"RFC6191-REUSE SHLD-4: a later timestamp, or the same with a larger number",
     reopen_with_timestamps},
    {"RFC6191-REUSE: timestamps before and none now: a larger number", reopen_timestamps_left_off},
    {"RFC6191-REUSE: no timestamps before and some now: another connection", reopen_timestamps_new},
    {"RFC6191-REUSE MAY-2: never any timestamps: a larger number", reopen_without_timestamps},
    {"RFC6191-REUSE: nothing but a SYN reopens", reopen_only_by_a_syn},
    {"RFC6191-REUSE: and TIME-WAIT alone", reopen_only_in_time_wait},
    {"RFC6191-REUSE MAY-2 RFC6528-ISN: the next ISN lies above SND.NXT, the timestamps go on",
     reopened_numbers},
    {"RFC6191-REUSE: so too for who opens actively", reopened_actively},
    {"TCP.md 22, RFC5961-LIMIT: 5 to 10 challenges in a second, each number as often",
     challenges_in_statistics},
    {"TCP.md 22, RFC5961-LIMIT: one connection's number tells nothing of another's",
     challenges_of_another_connection},
    {"TCP.md 22, RFC5961-LIMIT: the allowance lasts a second", challenges_begin_anew},
    {"TCP.md 23, RFC6528-ISN: ISNs of one tuple rise, a step each 4 us", isn_same_tuple},
    {"TCP.md 23, RFC6528-ISN: port, address and key change each bit in half of all cases",
     isn_differences},
};

int main(void)
{
    return host_main("listening", tests, sizeof tests / sizeof tests[0]);
}
