/*
 * Which segments are acceptable: the whole matrix of state, kind, position and ACK against RFC 9293
 * 3.10.7.4 as a model; blind attacks (RFC 5961); the ACK field and the window. One tcb against a
 * script.
 */
#include "tcb_host.h"

/* ---- the matrix */

/* What 3.10.7.4 (with RFC 5961, 1337) does with a segment, as far as it is the same in each
 * state. */
enum outcome {
    DROPS,   /* silently */
    ANSWERS, /* dropped, and an ACK says where we are */
    RESETS,  /* the connection is over */
    GOES_ON, /* to the text and FIN */
};

static const enum tcp_state states[] = {
    STATE_ESTABLISHED, STATE_FIN_WAIT_1, STATE_FIN_WAIT_2, STATE_CLOSE_WAIT,
    STATE_CLOSING,     STATE_LAST_ACK,   STATE_TIME_WAIT,
};

static const unsigned kinds[] = {
    0,         ACK,       RST,       RST | ACK, SYN,       SYN | ACK,       FIN,
    FIN | ACK, SYN | FIN, SYN | RST, ACK | URG, RST | FIN, ACK | PSH | FIN,
};

static const uint32_t lengths[] = {0, 1, 100};

enum position { LEFT_FAR, LEFT, AT, INSIDE, LAST, RIGHT, POSITIONS };
enum ack_kind { ACK_ANCIENT, ACK_OLD, ACK_CURRENT, ACK_FUTURE, ACK_KINDS };

struct arrival {
    enum tcp_state state;
    unsigned flags;
    uint32_t len;
    uint32_t seq, ack; /* relative */
};

static uint32_t place(const struct host *h, enum position p)
{
    const uint32_t nxt = rcv_nxt_of(h->t.state);
    const uint32_t wnd = tcb_receive_window(&h->t);

    switch (p) {
    case LEFT_FAR:
        return nxt - 70000;
    case LEFT:
        return nxt - 1;
    case AT:
        return nxt;
    case INSIDE:
        return nxt + 10;
    case LAST:
        return nxt + wnd - 1;
    default:
        return nxt + wnd + 1;
    }
}

static uint32_t ack_number(const struct host *h, enum ack_kind k)
{
    const uint32_t una = h->t.snd_una - h->t.iss;

    switch (k) {
    case ACK_ANCIENT:
        return una - h->t.snd_wnd_max - 1;
    case ACK_OLD:
        return una - 1;
    case ACK_CURRENT:
        return una;
    default:
        return h->t.snd_nxt - h->t.iss + 1;
    }
}

/* The table of 3.10.7.4, first check. */
static bool is_acceptable(const struct host *h, const struct arrival *a)
{
    const uint32_t len = a->len + ((a->flags & SYN) != 0) + ((a->flags & FIN) != 0);
    const uint32_t wnd = tcb_receive_window(&h->t);
    const uint32_t from = a->seq - rcv_nxt_of(a->state);

    assert_true(wnd > 0);
    return from < wnd || (len > 0 && from + len - 1 < wnd);
}

static enum outcome model(const struct host *h, const struct arrival *a)
{
    const uint32_t ahead = a->ack - (h->t.snd_una - h->t.iss);

    if (!is_acceptable(h, a)) {
        return a->flags & RST ? DROPS : ANSWERS;
    }
    if (a->flags & RST) {
        if (a->state == STATE_TIME_WAIT) {
            return DROPS; /* RFC 1337 */
        }
        return a->seq == rcv_nxt_of(a->state) ? RESETS : ANSWERS;
    }
    if (a->flags & SYN) {
        return ANSWERS;
    }
    if (!(a->flags & ACK)) {
        return DROPS;
    }
    if (ahead > h->t.snd_nxt - h->t.snd_una && ahead < 0x80000000) {
        return ANSWERS;
    }
    return -ahead > h->t.snd_wnd_max && ahead >= 0x80000000 ? ANSWERS : GOES_ON;
}

/* Where the text and the FIN of a good segment at RCV.NXT lead. */
static enum tcp_state after_fin(enum tcp_state s)
{
    switch (s) {
    case STATE_ESTABLISHED:
        return STATE_CLOSE_WAIT;
    case STATE_FIN_WAIT_1:
        return STATE_CLOSING;
    case STATE_FIN_WAIT_2:
        return STATE_TIME_WAIT;
    default:
        return s;
    }
}

static bool receives(enum tcp_state s)
{
    return s == STATE_ESTABLISHED || s == STATE_FIN_WAIT_1 || s == STATE_FIN_WAIT_2;
}

static void check_taken(struct host *h, const struct arrival *a)
{
    const uint32_t nxt = rcv_nxt_of(a->state);
    const bool in_order = a->seq - nxt + a->len + 1 < 0x80000000 && (int32_t)(a->seq - nxt) <= 0;
    const uint32_t fresh = in_order ? a->seq + a->len - nxt : 0;

    if (!receives(a->state)) {
        /* nothing can follow a FIN: an answer at most */
        assert_int_equal(h->t.rcv_nxt - h->t.irs, nxt);
        expect_state(h, a->state);
        return;
    }
    if (in_order) {
        assert_int_equal(h->t.rcv_nxt - h->t.irs, nxt + fresh + ((a->flags & FIN) != 0));
        expect_state(h, a->flags & FIN ? after_fin(a->state) : a->state);
        if (a->flags & FIN) {
            expect(h, ACK, ANY, nxt + fresh + 1, 0);
        }
        return;
    }
    assert_int_equal(h->t.rcv_nxt - h->t.irs, nxt);
    expect_state(h, a->state);
    if (a->len > 0 || a->flags & FIN) {
        expect(h, ACK, ANY, nxt, 0);
    }
}

static void check_outcome(struct host *h, const struct arrival *a, enum outcome o)
{
    const uint32_t nxt = rcv_nxt_of(a->state);

    if (o == RESETS) {
        expect_end(h, END_RESET);
        expect_nothing(h);
        return;
    }
    assert_int_equal(h->t.end, END_NONE);
    if (o == GOES_ON) {
        check_taken(h, a);
        return;
    }
    expect_state(h, a->state);
    assert_int_equal(h->t.rcv_nxt - h->t.irs, nxt);
    if (o == ANSWERS) {
        expect(h, ACK, snd_nxt_of(a->state), nxt, 0);
    }
    expect_nothing(h);
}

static void one_cell(struct host *h, struct arrival *a, enum position p, enum ack_kind k)
{
    const struct isn_pair isn = {h->iss, h->irs, ""};

    host_init(h, &isn);
    drive(h, a->state);
    a->seq = place(h, p);
    a->ack = a->flags & ACK ? ack_number(h, k) : 0;
    /* MAY-2 is another story: see test_tcb_close.c */
    if (a->state == STATE_TIME_WAIT && (a->flags & (SYN | ACK | RST)) == SYN) {
        return;
    }
    const enum outcome o = model(h, a);

    inject(h, a->flags, a->seq, a->ack, a->len);
    check_outcome(h, a, o);
}

static void matrix(struct host *h, enum tcp_state state)
{
    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
        for (size_t len = 0; len < sizeof lengths / sizeof lengths[0]; len++) {
            for (int p = 0; p < POSITIONS; p++) {
                for (int k = 0; k < ACK_KINDS; k++) {
                    struct arrival a = {.state = state, .flags = kinds[kind], .len = lengths[len]};

                    one_cell(h, &a, (enum position)p, (enum ack_kind)k);
                }
            }
        }
    }
}

static void matrix_established(struct host *h)
{
    matrix(h, STATE_ESTABLISHED);
}

static void matrix_fin_wait_1(struct host *h)
{
    matrix(h, STATE_FIN_WAIT_1);
}

static void matrix_fin_wait_2(struct host *h)
{
    matrix(h, STATE_FIN_WAIT_2);
}

static void matrix_close_wait(struct host *h)
{
    matrix(h, STATE_CLOSE_WAIT);
}

static void matrix_closing(struct host *h)
{
    matrix(h, STATE_CLOSING);
}

static void matrix_last_ack(struct host *h)
{
    matrix(h, STATE_LAST_ACK);
}

static void matrix_time_wait(struct host *h)
{
    matrix(h, STATE_TIME_WAIT);
}

/* ---- blind attacks: TCP.md 21, 22 */

static void rst_exact(struct host *h)
{
    open_active(h);
    inject(h, RST, 1, 0, 0);
    expect_end(h, END_RESET);
    expect_state(h, STATE_CLOSED);
    assert_int_equal(tcb_deadline(&h->t), USEC_NEVER);
}

static void rst_inside(struct host *h)
{
    open_active(h);
    inject(h, RST, 2, 0, 0);
    expect_drop(h, DROP_RST_CHALLENGED);
    expect(h, ACK, 1, 1, 0);
    assert_int_equal(h->reason, SEND_ACK_CHALLENGE);
    expect_nothing(h);
    expect_state(h, STATE_ESTABLISHED);
    /* a peer that is really gone answers the challenge with the right number */
    inject(h, RST, 1, 0, 0);
    expect_end(h, END_RESET);
}

static void rst_outside(struct host *h)
{
    open_active(h);
    inject(h, RST, 0, 0, 0);
    expect_drop(h, DROP_RST_OUTSIDE);
    inject(h, RST, 1 + tcb_receive_window(&h->t) + 5, 0, 0);
    expect_drop(h, DROP_RST_OUTSIDE);
    expect_nothing(h);
    expect_state(h, STATE_ESTABLISHED);
}

static void syn_challenged(struct host *h)
{
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        const struct isn_pair isn = {h->iss, h->irs, ""};

        host_init(h, &isn);
        drive(h, states[i]);
        inject(h, SYN | ACK, rcv_nxt_of(states[i]) + 100, 1, 0);
        expect_drop(h, DROP_SYN_CHALLENGED);
        expect(h, ACK, snd_nxt_of(states[i]), rcv_nxt_of(states[i]), 0);
        expect_nothing(h);
        expect_state(h, states[i]);
    }
}

/* How many of 100 challenges in one second are answered. */
static unsigned challenges(struct host *h)
{
    unsigned n = 0;

    for (int i = 0; i < 100; i++) {
        inject(h, RST, 5, 0, 0);
        n += drain(h);
        h->now += 5 * USEC_MS;
    }
    return n;
}

static void challenges_are_limited(struct host *h)
{
    open_active(h);
    const unsigned first = challenges(h);

    assert_true(first >= 1 && first <= 20);
    h->now += USEC_SEC;
    const unsigned second = challenges(h);

    assert_true(second >= 1 && second <= 20);
}

static void challenge_count_differs(struct host *h)
{
    const struct isn_pair isn = {h->iss, h->irs, ""};
    bool other = false;
    unsigned first = 0;

    for (uint8_t key = 0; key < 16; key++) {
        host_init(h, &isn);
        h->cfg.key[3] = key;
        open_active(h);
        const unsigned n = challenges(h);

        other = other || (key > 0 && n != first);
        first = n;
    }
    assert_true(other);
}

static void challenges_are_counted_per_connection(struct host *h)
{
    struct host *const other = malloc(sizeof *other);
    const struct isn_pair isn = {h->iss, h->irs, ""};

    assert_non_null(other);
    host_init(other, &isn);
    open_active(other);
    open_active(h);
    const unsigned alone = challenges(h);

    (void)alone;
    inject(other, RST, 5, 0, 0);
    expect(other, ACK, 1, 1, 0);
    free(other);
}

/* ---- the ACK field: TCP.md 16 to 20 */

/* Three full segments in flight: 1, 1001, 2001. */
static void three_in_flight(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 3000);
    expect(h, ACK, 1, 1, 1000);
    expect(h, ACK, 1001, 1, 1000);
    expect(h, ACK, 2001, 1, 1000);
    expect_nothing(h);
}

static void ack_moves_una(struct host *h)
{
    three_in_flight(h);
    inject(h, ACK, 1, 1001, 0);
    assert_int_equal(tcb_unacked(&h->t), 2000);
    assert_int_equal(h->event.acked, 1000);
    inject(h, ACK, 1, 3001, 0);
    assert_int_equal(tcb_unacked(&h->t), 0);
    assert_int_equal(tcb_flight(&h->t), 0);
    assert_int_equal(tcb_deadline(&h->t), USEC_NEVER);
    expect_nothing(h);
}

static void ack_inside_a_segment(struct host *h)
{
    three_in_flight(h);
    inject(h, ACK, 1, 1501, 0);
    assert_int_equal(tcb_unacked(&h->t), 1500);
    assert_int_equal(tcb_flight(&h->t), 1500);
}

static void ack_of_the_future(struct host *h)
{
    three_in_flight(h);
    inject(h, ACK, 1, 3002, 100);
    expect_drop(h, DROP_ACK_FUTURE);
    expect(h, ACK, 3001, 1, 0);
    expect_nothing(h);
    assert_int_equal(tcb_unacked(&h->t), 3000);
}

static void ack_too_old(struct host *h)
{
    open_active(h);
    inject(h, ACK, 1, 1 - (uint32_t)h->window - 1, 100);
    expect_drop(h, DROP_ACK_OLD);
    expect(h, ACK, 1, 1, 0);
    assert_int_equal(h->reason, SEND_ACK_CHALLENGE);
    expect_nothing(h);
    /* just inside: a duplicate, its text is taken */
    inject(h, ACK, 1, 1 - (uint32_t)h->window, 100);
    expect_drop(h, DROP_NOTHING);
    user_reads(h, 1, 100);
}

static void late_ack_keeps_the_window(struct host *h)
{
    open_active(h);
    h->window = 5000;
    inject(h, ACK, 101, 1, 50); /* seq 101 */
    drain(h);
    h->window = 100;
    inject(h, ACK, 1, 1, 0); /* older */
    assert_int_equal(h->t.snd_wnd, 5000);
    h->window = 7000;
    inject(h, ACK, 101, 1, 0);
    assert_int_equal(h->t.snd_wnd, 7000);
}

static void advancing_ack_brings_its_window(struct host *h)
{
    /* A retransmission of the peer's (old seq) that acknowledges more: its window counts from
     * its ACK. */
    three_in_flight(h);
    h->window = 3000;
    inject(h, ACK, 101, 1, 100);
    drain(h);
    h->window = 0;
    inject(h, ACK, 1, 3001, 100);
    drain(h);
    assert_int_equal(h->t.snd_wnd, 0);
    user_writes(h, 3001, 1000);
    expect_nothing(h);
}

static void keepalive_probe(struct host *h)
{
    open_active(h);
    inject(h, ACK, 0, 1, 0);
    assert_true(h->event.notes & NOTE_PROBE);
    expect(h, ACK, 1, 1, 0);
    inject(h, ACK, 0, 1, 1);
    assert_true(h->event.notes & NOTE_PROBE);
    expect(h, ACK, 1, 1, 0);
    expect_nothing(h);
    expect_state(h, STATE_ESTABLISHED);
    assert_int_equal(h->t.rcv_nxt, h->irs + 1);
}

static void no_ping_pong(struct host *h)
{
    /* Each of our answers provokes the same unacceptable ACK from a confused peer. */
    unsigned n = 0;

    open_active(h);
    for (int i = 0; i < 1000; i++) {
        inject(h, ACK, 0, 1, 0);
        n += drain(h);
    }
    assert_true(n >= 1 && n < 20);
}

static void small_window_does_not_deadlock(struct host *h)
{
    h->window = 300;
    open_active(h);
    user_writes(h, 1, 2000);
    /* less than a segment, but all that the peer ever offers */
    expect(h, ACK, 1, 1, 300);
    expect_nothing(h);
    inject(h, ACK, 1, 301, 0);
    expect(h, ACK, 301, 1, 300);
}

static void silly_window_waits_but_not_forever(struct host *h)
{
    open_active(h); /* the peer offered 32768 */
    h->window = 10;
    inject(h, ACK, 1, 1, 0);
    user_writes(h, 1, 2000);
    expect_nothing(h);
    const usec_t waited = run_timer(h);

    assert_true(waited >= 100 * USEC_MS && waited <= USEC_SEC);
    expect(h, ACK, 1, 1, 10);
}

static void urgent_pointer_moves_nothing(struct host *h)
{
    static const uint16_t pointers[] = {0, 1, 5, 10, 11, 65535};

    open_active(h);
    for (uint32_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        h->urgent = pointers[i];
        inject(h, ACK | URG, 1 + 10 * i, 1, 10);
        assert_int_equal((h->event.notes & NOTE_URGENT) != 0, pointers[i] != 0);
        h->urgent = pointers[i];
        inject(h, ACK | URG, 11 + 10 * i, 1, 0);
        h->urgent = pointers[i];
        inject(h, ACK, 11 + 10 * i, 1, 0);
    }
    user_reads(h, 1, 60);
}

static void rst_at_window_zero(struct host *h)
{
    h->cfg.rcv_limit = 1000;
    open_active(h);
    inject(h, ACK, 1, 1, 1000);
    drain(h);
    assert_int_equal(tcb_receive_window(&h->t), 0);
    h->urgent = 3;
    inject(h, ACK | URG, 1001, 1, 1);
    assert_true(h->event.notes & NOTE_URGENT);
    assert_int_equal(h->t.rcv_nxt, h->irs + 1001);
    drain(h);
    inject(h, RST, 1001, 0, 0);
    expect_end(h, END_RESET);
}

static void ack_counts_at_window_zero(struct host *h)
{
    h->cfg.rcv_limit = 1000;
    open_active(h);
    user_writes(h, 1, 100);
    expect(h, ACK, 1, 1, 100);
    inject(h, ACK, 1, 1, 1000);
    drain(h);
    inject(h, ACK, 1001, 101, 0);
    assert_int_equal(tcb_unacked(&h->t), 0);
    /* with text that has no room the ACK counts all the same */
    user_writes(h, 101, 100);
    expect(h, ACK, 101, 1001, 100);
    inject(h, ACK, 1001, 201, 50);
    assert_int_equal(tcb_unacked(&h->t), 0);
    expect(h, ACK, 201, 1001, 0);
}

static void nothing_to_ack_is_no_duplicate(struct host *h)
{
    open_active(h);
    for (int i = 0; i < 10; i++) {
        inject(h, ACK, 1, 1, 0);
    }
    assert_int_equal(h->t.dup_acks, 0);
    expect_nothing(h);
}

static void after_the_end_nothing_matters(struct host *h)
{
    open_active(h);
    inject(h, RST, 1, 0, 0);
    inject(h, ACK, 1, 1, 100);
    inject(h, SYN, 1, 0, 0);
    tcb_shutdown(&h->t, h->now);
    tcb_timeout(&h->t, h->now + USEC_SEC);
    expect_nothing(h);
    expect_end(h, END_RESET);
}

/* Random segments near the numbers that matter: nothing breaks, and the sums stay right (ASan,
 * UBSan). */
static void random_segments(struct host *h)
{
    const struct isn_pair isn = {h->iss, h->irs, ""};
    uint64_t x = h->iss + 1;

    for (int run = 0; run < 300; run++) {
        host_init(h, &isn);
        h->peer_syn.present = (uint16_t)(OPT_MSS | (run & 1 ? OPT_TIMESTAMPS : 0) |
                                         (run & 2 ? OPT_SACK_PERMITTED : 0));
        drive(h, states[(size_t)run % (sizeof states / sizeof states[0])]);
        if (h->t.state == STATE_ESTABLISHED || h->t.state == STATE_CLOSE_WAIT) {
            user_writes(h, 1, 20000);
        }
        for (int i = 0; i < 100; i++) {
            x = x * 6364136223846793005U + 1442695040888963407U;
            const uint32_t seq = h->t.rcv_nxt - h->irs + (uint32_t)(x >> 33) % 4000 - 1000;
            const uint32_t ack = h->t.snd_nxt - h->iss - (uint32_t)(x >> 40) % 9000 + 10;

            h->window = (uint16_t)(x >> 48);
            h->peer_ts += (uint32_t)(x >> 50) % 20 - 3;
            if ((x >> 21) % 3 == 0) {
                add_sack(h, ack + (uint32_t)(x >> 22) % 3000, ack + (uint32_t)(x >> 25) % 9000);
                add_sack(h, ack - 10, ack + 100);
            }
            inject(h, (unsigned)(x >> 56) & 0x3f & ~(unsigned)((x >> 20) % 16 ? RST : 0), seq, ack,
                   (uint32_t)(x >> 44) % 1500);
            drain(h);
            h->now += (usec_t)(x >> 30) % (300 * USEC_MS);
            tcb_timeout(&h->t, h->now);
            drain(h);
            assert_true(h->t.end != END_NONE || tcb_deadline(&h->t) > h->now);
            assert_true((int32_t)(h->t.snd_nxt - h->t.snd_una) >= 0);
            assert_true(h->t.sent.flight <= h->t.snd_nxt - h->t.snd_una);
        }
    }
}

static const struct tcb_test tests[] = {
    {"3.10.7.4 in ESTABLISHED: each kind, position and ACK", matrix_established},
    {"3.10.7.4 in FIN-WAIT-1: each kind, position and ACK", matrix_fin_wait_1},
    {"3.10.7.4 in FIN-WAIT-2: each kind, position and ACK", matrix_fin_wait_2},
    {"3.10.7.4 in CLOSE-WAIT: each kind, position and ACK", matrix_close_wait},
    {"3.10.7.4 in CLOSING: each kind, position and ACK", matrix_closing},
    {"3.10.7.4 in LAST-ACK: each kind, position and ACK", matrix_last_ack},
    {"3.10.7.4 in TIME-WAIT: each kind, position and ACK", matrix_time_wait},
    {"TCP.md 21, RFC5961: RST at RCV.NXT resets", rst_exact},
    {"TCP.md 21, RFC5961: RST elsewhere in the window is challenged", rst_inside},
    {"TCP.md 21, RFC5961: RST outside the window is silently dropped", rst_outside},
    {"TCP.md 21, RFC5961: SYN in a synchronized state is challenged only", syn_challenged},
    {"TCP.md 22, RFC5961: challenges are limited in each second", challenges_are_limited},
    {"TCP.md 22: to a number that nobody can know", challenge_count_differs},
    {"TCP.md 22: for each connection by itself", challenges_are_counted_per_connection},
    {"an ACK moves SND.UNA", ack_moves_una},
    {"an ACK inside a segment acknowledges part of it", ack_inside_a_segment},
    {"TCP.md 18: an ACK above SND.NXT is answered and dropped", ack_of_the_future},
    {"TCP.md 18, MAY-12: an ACK below SND.UNA - MAX.SND.WND is challenged", ack_too_old},
    {"TCP.md 16: a late ACK does not change the window", late_ack_keeps_the_window},
    {"TCP.md 16: an old text with a new ACK brings its window with it",
     advancing_ack_brings_its_window},
    {"TCP.md 19: a keepalive probe, with or without a byte, is answered", keepalive_probe},
    {"TCP.md 19: no ping-pong of ACKs", no_ping_pong},
    {"TCP.md 20: a window smaller than a segment does not deadlock",
     small_window_does_not_deadlock},
    {"MUST-38: a silly window waits, but not forever", silly_window_waits_but_not_forever},
    {"MUST-30 MUST-31 MUST-32: urgent data is told and delivered in line, whatever the pointer",
     urgent_pointer_moves_nothing},
    {"MUST-66: RST and URG are handled at window zero", rst_at_window_zero},
    {"MUST-66: and the ACK field", ack_counts_at_window_zero},
    {"RFC5681: without data in flight no ACK is a duplicate", nothing_to_ack_is_no_duplicate},
    {"a closed tcb takes and sends nothing", after_the_end_nothing_matters},
    {"random segments near the right numbers do no damage", random_segments},
};

int main(void)
{
    return host_main("acceptance", tests, sizeof tests / sizeof tests[0]);
}
