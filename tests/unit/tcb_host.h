/*
 * One tcb of ours and a peer that does what the test says: segments in, segments out, time as a
 * number. Sequence numbers are relative: `seq` counts from the peer's ISN, `ack` from ours, so that
 * each script runs with ISNs at the wrap too. Touches nothing outside.
 */
#ifndef SEGCAT_TEST_TCB_HOST_H
#define SEGCAT_TEST_TCB_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "segcat/tcp/listen.h"
#include "segcat/tcp/tcb.h"

#define FIN SEG_FIN
#define SYN SEG_SYN
#define RST SEG_RST
#define PSH SEG_PSH
#define ACK SEG_ACK
#define URG SEG_URG
#define ANY (-1)

#define PEER_MSS 1000
#define RING     65536
#define RECORDS  256
#define HOLES    16

struct host {
    struct tcb t;
    struct tcb_config cfg;
    uint8_t snd[RING], rcv[RING];
    struct sent_record sent[RECORDS];
    struct interval ooo[HOLES];
    usec_t now;
    seq_t iss, irs;              /* ours and the peer's */
    struct tcp_options peer_syn; /* what the peer's SYN carries */
    uint16_t window;             /* in the peer's segments */
    uint32_t peer_ts;            /* TSval of the peer's segments, where agreed */
    uint32_t our_ts;             /* the last that came from us: the peer echoes it */
    bool no_ts;                  /* the peer forgets them */
    struct tcp_options extra;    /* goes into the next injected segment, once */
    uint16_t urgent;             /* the same */
    struct segment last;         /* taken by take() */
    struct tcp_event event;      /* the last RECEIVED or DROPPED */
    struct tcp_event news;       /* the last PATH */
    enum tcp_end told_end;       /* by EVENT_CLOSED */
    enum send_reason reason;     /* of the last SENT */
    unsigned rto_events;
};

/* ---- the cases: each script runs with each pair of ISNs */

struct isn_pair {
    seq_t iss, irs;
    const char *words;
};

static const struct isn_pair isn_pairs[] = {
    {1000, 500000, ""},
    {0xffffffff, 0xffffffff, ", numbers at the wrap"},
    {0xfffffc00, 0x7fffff00, ", numbers before the wrap"},
};

#define ISN_PAIRS (sizeof isn_pairs / sizeof isn_pairs[0])

struct tcb_test {
    const char *name;
    void (*run)(struct host *h);
};

static void host_observe(void *ctx, const struct tcp_event *ev)
{
    struct host *const h = ctx;

    switch (ev->type) {
    case EVENT_RECEIVED:
    case EVENT_DROPPED:
        h->event = *ev;
        break;
    case EVENT_SENT:
        h->reason = ev->reason;
        break;
    case EVENT_TIMER:
        h->rto_events += ev->timer == TIMER_REXMT;
        break;
    case EVENT_PATH:
        h->news = *ev;
        break;
    case EVENT_CLOSED:
        h->told_end = ev->end;
        break;
    default:
        break;
    }
}

static void host_init(struct host *h, const struct isn_pair *isn)
{
    memset(h, 0, sizeof *h);
    h->now = 1000 * USEC_SEC;
    h->iss = isn->iss;
    h->irs = isn->irs;
    h->window = 32768;
    h->peer_ts = 0xfffffff0; /* timestamps wrap too */
    h->peer_syn.present = OPT_MSS;
    h->peer_syn.mss = PEER_MSS;
    h->cfg = (struct tcb_config){
        .local = {.ip = {.version = IP_V4, .bytes = {192, 0, 2, 1}}, .port = 40000},
        .remote = {.ip = {.version = IP_V4, .bytes = {192, 0, 2, 2}}, .port = 80},
        .snd_mem = h->snd,
        .snd_size = RING,
        .rcv_mem = h->rcv,
        .rcv_size = RING,
        .rcv_limit = 32768,
        .sent_mem = h->sent,
        .sent_max = RECORDS,
        .ooo_mem = h->ooo,
        .ooo_max = HOLES,
        .mtu = 1500,
        .no_pacing = true, /* a script takes out what the windows allow, when they do */
        .has_isn = true,
        .isn = isn->iss,
        .observe = host_observe,
        .observe_ctx = h,
    };
}

/* ---- bytes: number `rel` of either stream (the first byte is 1) */

static inline uint8_t peer_byte(uint32_t rel)
{
    return (uint8_t)(rel * 7 + rel / 256);
}

static inline uint8_t our_byte(uint32_t rel)
{
    return (uint8_t)(rel * 5 + rel / 251 + 1);
}

/* ---- in */

static inline struct segment host_segment(struct host *h, unsigned flags, uint32_t seq,
                                          uint32_t ack)
{
    struct segment s = {
        .seq = h->irs + seq,
        .ack = flags & ACK ? h->iss + ack : 0,
        .flags = (uint16_t)flags,
        .window = h->window,
        .urgent = h->urgent,
        .opt = h->extra,
        .at = h->now,
    };

    if (flags & SYN) {
        s.opt = h->peer_syn;
        if (s.opt.present & OPT_TIMESTAMPS) {
            s.opt.tsval = h->peer_ts;
            s.opt.tsecr = flags & ACK ? h->our_ts : 0;
        }
    } else if (h->t.use_ts && !h->no_ts && h->t.state > STATE_SYN_SENT) {
        s.opt.present |= OPT_TIMESTAMPS;
        s.opt.tsval = h->peer_ts;
        s.opt.tsecr = h->our_ts;
    }
    h->extra.present = 0;
    h->urgent = 0;
    return s;
}

/* A segment from the peer with these bytes. */
static inline void inject_bytes(struct host *h, unsigned flags, uint32_t seq, uint32_t ack,
                                const void *bytes, uint32_t len)
{
    struct segment s = host_segment(h, flags, seq, ack);

    s.data[0] = (struct slice){bytes, len};
    s.len = len;
    memset(&h->event, 0, sizeof h->event);
    tcb_segment(&h->t, &s, h->now);
}

/* A segment from the peer; its payload is `len` bytes of the peer's stream. */
static inline void inject(struct host *h, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len)
{
    static uint8_t buf[65536];

    for (uint32_t i = 0; i < len; i++) {
        buf[i] = peer_byte(seq + (flags & SYN ? 1 : 0) + i);
    }
    inject_bytes(h, flags, seq, ack, buf, len);
}

static inline void add_sack(struct host *h, uint32_t left, uint32_t right)
{
    struct tcp_options *const o = &h->extra;

    if (!(o->present & OPT_SACK)) {
        o->sack_count = 0;
    }
    o->present |= OPT_SACK;
    o->sack[o->sack_count++] = (struct sack_block){h->iss + left, h->iss + right};
}

/* ---- out */

/* Takes the next segment out: false if there is none. */
static inline bool take(struct host *h)
{
    struct segment s;

    if (!tcb_next(&h->t, &s, h->now)) {
        return false;
    }
    h->last = s;
    if (s.opt.present & OPT_TIMESTAMPS) {
        h->our_ts = s.opt.tsval;
    }
    for (uint32_t i = 0, rel = s.seq - h->iss; i < s.len; i++, rel++) {
        const uint8_t got =
            i < s.data[0].len ? s.data[0].data[i] : s.data[1].data[i - s.data[0].len];

        if (got != our_byte(rel)) {
            fail_msg("byte %u of ours went out as %u", rel, got);
        }
    }
    return true;
}

static inline void expect_at(struct host *h, unsigned flags, int64_t seq, int64_t ack, int64_t len,
                             const char *file, int line)
{
    if (!take(h)) {
        print_error("%s:%d: a segment was expected, nothing came (state %s)\n", file, line,
                    tcp_state_name(h->t.state));
        fail();
    }
    const struct segment *const s = &h->last;
    const int64_t got_seq = (uint32_t)(s->seq - h->iss);
    const int64_t got_ack = (uint32_t)(s->ack - h->irs);
    const bool good = (s->flags & ~(unsigned)PSH) == (flags & ~(unsigned)PSH) &&
                      (seq == ANY || seq == got_seq) &&
                      (ack == ANY || !(s->flags & ACK) || ack == got_ack) &&
                      (len == ANY || len == (int64_t)s->len);

    if (!good) {
        print_error("%s:%d: flags %#x seq %lld ack %lld len %lld expected,\n"
                    "       flags %#x seq %lld ack %lld len %u came\n",
                    file, line, flags, (long long)seq, (long long)ack, (long long)len, s->flags,
                    (long long)got_seq, (long long)got_ack, s->len);
        fail();
    }
}

/* The next segment out has these flags (PSH is not looked at), numbers and length. */
#define expect(h, flags, seq, ack, len) expect_at(h, flags, seq, ack, len, __FILE__, __LINE__)

static inline void expect_nothing_at(struct host *h, const char *file, int line)
{
    if (take(h)) {
        print_error("%s:%d: nothing was expected, flags %#x seq %u ack %u len %u came\n", file,
                    line, h->last.flags, h->last.seq - h->iss, h->last.ack - h->irs, h->last.len);
        fail();
    }
}

#define expect_nothing(h) expect_nothing_at(h, __FILE__, __LINE__)

static inline void expect_state_at(struct host *h, enum tcp_state s, const char *file, int line)
{
    if (h->t.state != s) {
        print_error("%s:%d: state %s expected, is %s\n", file, line, tcp_state_name(s),
                    tcp_state_name(h->t.state));
        fail();
    }
}

#define expect_state(h, state) expect_state_at(h, state, __FILE__, __LINE__)
#define expect_drop(h, why)    assert_int_equal((h)->event.drop, why)
#define expect_end(h, how)                    \
    do {                                      \
        assert_int_equal((h)->t.end, how);    \
        assert_int_equal((h)->told_end, how); \
    } while (0)

/* Takes everything out; returns how many segments. */
static inline unsigned drain(struct host *h)
{
    unsigned n = 0;

    while (take(h)) {
        n++;
        assert_true(n < 100000);
    }
    return n;
}

/* ---- time */

/* To the next deadline, which must exist. Returns how long that was. */
static inline usec_t run_timer(struct host *h)
{
    const usec_t at = tcb_deadline(&h->t);

    assert_true(at != USEC_NEVER);
    assert_true(at > h->now);
    const usec_t waited = at - h->now;

    h->now = at;
    tcb_timeout(&h->t, h->now);
    return waited;
}

/* Time passes; what runs out meanwhile is served when it does, and what is sent is taken and
 * forgotten. */
static inline void pass(struct host *h, usec_t d)
{
    const usec_t until = h->now + d;

    while (tcb_deadline(&h->t) <= until) {
        run_timer(h);
        if (h->now < until) {
            drain(h);
        }
    }
    h->now = until;
}

/* Time passes, and no timer may run out. */
static inline void later(struct host *h, usec_t d)
{
    h->now += d;
    assert_true(tcb_deadline(&h->t) > h->now);
}

/* ---- the user */

/* Writes the next n bytes of our stream; `from` is the number of the first. */
static inline void user_writes(struct host *h, uint32_t from, uint32_t n)
{
    uint8_t buf[RING];

    for (uint32_t i = 0; i < n; i++) {
        buf[i] = our_byte(from + i);
    }
    assert_int_equal(tcb_write(&h->t, buf, n), n);
}

/* Reads what is there, which must be the n bytes of the peer's stream from number `from` on. */
static inline void user_reads(struct host *h, uint32_t from, uint32_t n)
{
    struct slice piece[2];

    assert_int_equal(tcb_peek(&h->t, piece), n);
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t got = i < piece[0].len ? piece[0].data[i] : piece[1].data[i - piece[0].len];

        if (got != peer_byte(from + i)) {
            fail_msg("byte %u of the peer's is %u", from + i, got);
        }
    }
    tcb_consume(&h->t, n);
}

/* ---- the states: each is reached by driving the tcb there. Afterwards SND.NXT and RCV.NXT are
 * as noted. */

static inline void open_active(struct host *h)
{
    tcb_open_active(&h->t, &h->cfg, h->now);
    expect(h, SYN, 0, ANY, 0);
    expect_nothing(h);
    h->now += 10 * USEC_MS;
    inject(h, SYN | ACK, 0, 1, 0);
    expect(h, ACK, 1, 1, 0);
    expect_nothing(h);
    expect_state(h, STATE_ESTABLISHED);
}

/* LISTEN has a SYN: the SYN,ACK is out. */
static inline void open_half(struct host *h)
{
    const struct segment syn = host_segment(h, SYN, 0, 0);

    tcb_open_passive(&h->t, &h->cfg, &syn, h->now);
    expect(h, SYN | ACK, 0, 1, 0);
    expect_nothing(h);
    expect_state(h, STATE_SYN_RECEIVED);
    h->now += 10 * USEC_MS;
}

static inline void open_passive(struct host *h)
{
    open_half(h);
    inject(h, ACK, 1, 1, 0);
    expect_nothing(h);
    expect_state(h, STATE_ESTABLISHED);
}

/* The user closes and the FIN goes out; nothing else was to be sent. */
static inline void close_now(struct host *h, int64_t seq)
{
    tcb_shutdown(&h->t, h->now);
    expect(h, FIN | ACK, seq, ANY, 0);
    expect_nothing(h);
}

/*
 *                    SND.NXT  RCV.NXT
 *  SYN-SENT             1        -
 *  SYN-RECEIVED         1        1     (passive)
 *  ESTABLISHED          1        1
 *  FIN-WAIT-1, -2       2        1
 *  CLOSE-WAIT           1        2
 *  CLOSING, LAST-ACK, TIME-WAIT  2  2
 */
static inline void drive(struct host *h, enum tcp_state s)
{
    switch (s) {
    case STATE_SYN_SENT:
        tcb_open_active(&h->t, &h->cfg, h->now);
        expect(h, SYN, 0, ANY, 0);
        break;
    case STATE_SYN_RECEIVED:
        open_half(h);
        break;
    case STATE_ESTABLISHED:
        open_active(h);
        break;
    case STATE_FIN_WAIT_1:
        open_active(h);
        close_now(h, 1);
        break;
    case STATE_FIN_WAIT_2:
        drive(h, STATE_FIN_WAIT_1);
        inject(h, ACK, 1, 2, 0);
        break;
    case STATE_CLOSE_WAIT:
        open_active(h);
        inject(h, FIN | ACK, 1, 1, 0);
        expect(h, ACK, 1, 2, 0);
        break;
    case STATE_CLOSING:
        drive(h, STATE_FIN_WAIT_1);
        inject(h, FIN | ACK, 1, 1, 0);
        expect(h, ACK, 2, 2, 0);
        break;
    case STATE_LAST_ACK:
        drive(h, STATE_CLOSE_WAIT);
        close_now(h, 1);
        break;
    case STATE_TIME_WAIT:
        drive(h, STATE_FIN_WAIT_2);
        inject(h, FIN | ACK, 1, 2, 0);
        expect(h, ACK, 2, 2, 0);
        break;
    default:
        fail_msg("no way to drive to %s", tcp_state_name(s));
    }
    expect_nothing(h);
    expect_state(h, s);
}

static inline uint32_t snd_nxt_of(enum tcp_state s)
{
    return s <= STATE_ESTABLISHED || s == STATE_CLOSE_WAIT ? 1 : 2;
}

static inline uint32_t rcv_nxt_of(enum tcp_state s)
{
    return s >= STATE_CLOSE_WAIT ? 2 : 1;
}

/* ---- running */

struct host_case {
    const struct tcb_test *test;
    const struct isn_pair *isn;
};

static inline void host_run_case(void **state)
{
    const struct host_case *const c = *state;
    struct host *const h = malloc(sizeof *h);

    assert_non_null(h);
    host_init(h, c->isn);
    c->test->run(h);
    free(h);
}

/* Runs each test with each pair of ISNs. */
static inline int host_main(const char *group, const struct tcb_test *tests, size_t count)
{
    struct CMUnitTest *const all = calloc(count * ISN_PAIRS, sizeof *all);
    struct host_case *const cases = calloc(count * ISN_PAIRS, sizeof *cases);
    static char names[256][160];
    size_t n = 0;

    assert_true(all != NULL && cases != NULL && count * ISN_PAIRS <= 256);
    for (size_t k = 0; k < ISN_PAIRS; k++) {
        for (size_t i = 0; i < count; i++, n++) {
            cases[n] = (struct host_case){&tests[i], &isn_pairs[k]};
            snprintf(names[n], sizeof names[n], "%s%s", tests[i].name, isn_pairs[k].words);
            all[n] = (struct CMUnitTest){names[n], host_run_case, NULL, NULL, &cases[n]};
        }
    }
    const int failed = _cmocka_run_group_tests(group, all, n, NULL, NULL);

    free(all);
    free(cases);
    return failed;
}

#endif
