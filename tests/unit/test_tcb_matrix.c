/*
 * SEGMENT ARRIVES, whole: each state x each set of SYN, RST, ACK, FIN x length x place x ACK, against
 * RFC 9293 3.10.7.1 to 3.10.7.4 (tightened by RFC 5961 and 1337) as a model that is written here
 * from the text and knows nothing of the code: what is sent, the next state, what was taken. One tcb
 * against a script.
 */
#include "tcb_host.h"

/* ---- what the model knows: numbers are relative, as in tcb_host.h */

struct view {
    enum tcp_state state;
    bool passive;
    uint32_t una, nxt; /* SND.UNA, SND.NXT */
    uint32_t max_wnd;  /* Max(SND.WND) */
    uint32_t rcv, wnd; /* RCV.NXT, RCV.WND */
    bool fin_out;      /* our FIN is the last number before SND.NXT */
};

struct seg {
    unsigned flags;
    uint32_t seq, ack, len;
};

struct reply {
    unsigned flags; /* 0: nothing is sent */
    uint32_t seq, ack;
};

struct result {
    struct view v; /* afterwards */
    enum tcp_end end;
    struct reply reply;
};

/* ---- the model: 3.10.7.3 */

static void says(struct result *r, unsigned flags, uint32_t seq, uint32_t ack)
{
    r->reply = (struct reply){flags, seq, flags & ACK ? ack : 0};
}

static void says_where(struct result *r)
{
    says(r, ACK, r->v.nxt, r->v.rcv);
}

static void over(struct result *r, enum tcp_end end)
{
    r->end = end;
    r->v.state = end == END_SYN_CANCELLED ? STATE_LISTEN : STATE_CLOSED;
    r->reply.flags = 0;
}

static bool before(uint32_t a, uint32_t b)
{
    return a != b && b - a < 0x80000000U;
}

static void text_and_fin(struct result *r, struct seg s);

static void model_syn_sent(struct result *r, struct seg s)
{
    if ((s.flags & ACK) && (s.ack == 0 || s.ack - 1 >= r->v.nxt)) {
        if (!(s.flags & RST))
            says(r, RST, s.ack, 0);
        return;
    }
    if (s.flags & RST) {
        if (s.flags & ACK)
            over(r, END_REFUSED);
        return;
    }
    if (!(s.flags & SYN))
        return;
    r->v.rcv = s.seq + 1;
    if (!(s.flags & ACK)) {
        r->v.state = STATE_SYN_RECEIVED;
        says(r, SYN | ACK, 0, r->v.rcv);
        return; /* text waits for its repetition */
    }
    r->v.una = s.ack;
    r->v.state = STATE_ESTABLISHED;
    s.flags &= ~(unsigned)SYN;
    s.seq++;
    text_and_fin(r, s);
    says_where(r);
}

/* ---- the model: 3.10.7.4 */

/* The table of the first check. An empty segment at the edge itself is taken too: a peer that has
 * filled the window acknowledges from there (RFC 9293 A.2). */
static bool acceptable(const struct view *v, const struct seg *s)
{
    const uint32_t len = s->len + ((s->flags & SYN) != 0) + ((s->flags & FIN) != 0);
    const uint32_t from = s->seq - v->rcv;

    if (len == 0)
        return from <= v->wnd;
    if (v->wnd == 0)
        return from == 0; /* MUST-66: its text is not taken */
    return from < v->wnd || from + len - 1 < v->wnd ||
           (from >= 0x80000000U && before(v->rcv + v->wnd, s->seq + len + 1));
}

static void model_rst(struct result *r, const struct seg *s)
{
    if (r->v.state == STATE_TIME_WAIT)
        return; /* RFC 1337 */
    if (s->seq != r->v.rcv)
        says_where(r); /* RFC 5961 3 */
    else if (r->v.state != STATE_SYN_RECEIVED)
        over(r, END_RESET);
    else
        over(r, r->v.passive ? END_SYN_CANCELLED : END_REFUSED);
}

/* Returns true if text and FIN are to be looked at. */
static bool model_ack(struct result *r, const struct seg *s)
{
    struct view *const v = &r->v;

    if (!(s->flags & ACK))
        return false;
    if (v->state == STATE_SYN_RECEIVED) {
        if (!before(v->una, s->ack) || before(v->nxt, s->ack)) {
            says(r, RST, s->ack, 0);
            return false;
        }
        v->state = STATE_ESTABLISHED;
    }
    if (before(v->nxt, s->ack) || before(s->ack, v->una - v->max_wnd)) {
        says_where(r); /* RFC 5961 5 */
        return false;
    }
    if (before(v->una, s->ack))
        v->una = s->ack;
    if (!v->fin_out || v->una != v->nxt)
        return true;
    if (v->state == STATE_FIN_WAIT_1)
        v->state = STATE_FIN_WAIT_2;
    else if (v->state == STATE_CLOSING)
        v->state = STATE_TIME_WAIT;
    else if (v->state == STATE_LAST_ACK)
        over(r, END_CLOSED);
    return r->end == END_NONE;
}

static void fin_came(struct view *v)
{
    v->rcv++;
    if (v->state == STATE_ESTABLISHED)
        v->state = STATE_CLOSE_WAIT;
    else if (v->state == STATE_FIN_WAIT_1)
        v->state = STATE_CLOSING;
    else
        v->state = STATE_TIME_WAIT;
}

/* Seventh and eighth: only what lies in the window, and in its order. */
static void text_and_fin(struct result *r, struct seg s)
{
    struct view *const v = &r->v;
    const uint32_t edge = v->rcv + v->wnd;
    bool fin = s.flags & FIN;

    if (v->state != STATE_ESTABLISHED && v->state != STATE_FIN_WAIT_1 &&
        v->state != STATE_FIN_WAIT_2) {
        if (s.len > 0)
            says_where(r); /* nothing follows a FIN */
        return;
    }
    if (before(edge, s.seq + s.len)) { /* cut at the right, and the FIN with it */
        s.len = before(s.seq, edge) ? edge - s.seq : 0;
        fin = false;
        says_where(r);
    }
    if (s.len == 0 && !fin) {
        if (r->reply.flags != 0)
            says_where(r);
        return;
    }
    if (!before(v->rcv, s.seq) && !before(s.seq + s.len, v->rcv)) {
        v->rcv = s.seq + s.len;
        v->wnd = edge - v->rcv;
        if (fin)
            fin_came(v);
    }
    says_where(r);
}

static bool repeated_syn(struct result *r, struct seg *s)
{
    if (r->v.state != STATE_SYN_RECEIVED || (s->flags & (SYN | RST)) != SYN || s->seq != 0)
        return false;
    if (s->flags & ACK) { /* the crossing SYN,ACK of Figure 7: what counts is its ACK */
        s->flags &= ~(unsigned)SYN;
        s->seq++;
        return false;
    }
    says(r, SYN | ACK, 0, 1);
    return true;
}

static void model_other(struct result *r, struct seg s)
{
    if (repeated_syn(r, &s))
        return;
    if (!acceptable(&r->v, &s)) {
        if (!(s.flags & RST))
            says_where(r);
        return;
    }
    if (s.flags & RST) {
        model_rst(r, &s);
    } else if (s.flags & SYN) {
        if (r->v.state == STATE_SYN_RECEIVED && r->v.passive)
            over(r, END_SYN_CANCELLED);
        else
            says_where(r); /* RFC 5961 4 */
    } else if (model_ack(r, &s)) {
        text_and_fin(r, s);
    }
}

static struct result model(const struct view *v, const struct seg *s)
{
    struct result r = {.v = *v};

    if (v->state == STATE_SYN_SENT)
        model_syn_sent(&r, *s);
    else
        model_other(&r, *s);
    return r;
}

/* ---- the cells */

static const uint32_t lengths[] = {0, 1, 100, 40000};

enum place { LEFT_FAR, LEFT_OVERLAP, LEFT, AT, INSIDE, LAST, EDGE, RIGHT, RIGHT_FAR, PLACES };
enum ack_kind { ANCIENT, OLD, CURRENT, BETWEEN, ALL, FUTURE, FAR_FUTURE, ACK_KINDS };

static uint32_t place_of(const struct view *v, enum place p)
{
    switch (p) {
    case LEFT_FAR:
        return v->rcv - 70000;
    case LEFT_OVERLAP:
        return v->rcv - 50;
    case LEFT:
        return v->rcv - 1;
    case AT:
        return v->rcv;
    case INSIDE:
        return v->rcv + 10;
    case LAST:
        return v->rcv + v->wnd - 1;
    case EDGE:
        return v->rcv + v->wnd;
    case RIGHT:
        return v->rcv + v->wnd + 1;
    default:
        return v->rcv + v->wnd + 100000;
    }
}

static uint32_t ack_of(const struct view *v, enum ack_kind k)
{
    switch (k) {
    case ANCIENT:
        return v->una - v->max_wnd - 1;
    case OLD:
        return v->una - 1;
    case CURRENT:
        return v->una;
    case BETWEEN:
        return v->una + (v->nxt - v->una) / 2;
    case ALL:
        return v->nxt;
    case FUTURE:
        return v->nxt + 1;
    default:
        return v->nxt + 100000;
    }
}

static struct view view_of(const struct host *h)
{
    const struct tcb *const t = &h->t;

    return (struct view){
        .state = t->state,
        .passive = t->passive,
        .una = t->snd_una - h->iss,
        .nxt = t->snd_nxt - h->iss,
        .max_wnd = t->snd_wnd_max,
        .rcv = t->state == STATE_SYN_SENT ? 1 : t->rcv_nxt - h->irs,
        .wnd = tcb_receive_window(t),
        .fin_out = t->fin_sent && !t->fin_acked,
    };
}

static const char *flag_words(unsigned flags)
{
    static char text[32];

    snprintf(text, sizeof text, "%s%s%s%s", flags & SYN ? "SYN " : "", flags & RST ? "RST " : "",
             flags & FIN ? "FIN " : "", flags & ACK ? "ACK " : "");
    return text;
}

static void differs(const struct view *v, const struct seg *s, const char *what, uint32_t want,
                    uint32_t got)
{
    print_error("%s, una %u nxt %u rcv %u wnd %u\n", tcp_state_name(v->state), v->una, v->nxt,
                v->rcv, v->wnd);
    print_error("  segment %sseq %u len %u ack %u:\n", flag_words(s->flags), s->seq, s->len,
                s->ack);
    fail_msg("%s: %u expected, %u is", what, want, got);
}

static void compare(struct host *h, const struct view *v, const struct seg *s)
{
    const struct result r = model(v, s);
    const struct tcb *const t = &h->t;
    const bool sent = take(h);

#define SAME(what, want, got)                                       \
    do {                                                            \
        if ((uint32_t)(want) != (uint32_t)(got))                    \
            differs(v, s, what, (uint32_t)(want), (uint32_t)(got)); \
    } while (0)
    SAME("end", r.end, t->end);
    SAME("state", r.v.state, t->state);
    SAME("flags sent", r.reply.flags, sent ? h->last.flags & ~(unsigned)PSH : 0);
    if (sent) {
        SAME("SEQ sent", r.reply.seq, h->last.seq - h->iss);
        if (r.reply.flags & ACK)
            SAME("ACK sent", r.reply.ack, h->last.ack - h->irs);
        SAME("length sent", 0, h->last.len);
        SAME("a second segment", false, take(h));
    }
    if (r.end != END_NONE)
        return;
    SAME("SND.UNA", r.v.una, t->snd_una - h->iss);
    SAME("SND.NXT", r.v.nxt, t->snd_nxt - h->iss);
    if (t->state != STATE_SYN_SENT)
        SAME("RCV.NXT", r.v.rcv, t->rcv_nxt - h->irs);
#undef SAME
}

/* The host as it was driven to its state: each cell begins there. */
struct saved {
    struct tcb t;
    struct sent_record sent[8];
    struct interval ooo[HOLES];
    usec_t now;
};

static void save(const struct host *h, struct saved *to)
{
    assert_true(h->t.sent.count <= 8);
    to->t = h->t;
    to->now = h->now;
    memcpy(to->sent, h->sent, sizeof to->sent);
    memcpy(to->ooo, h->ooo, sizeof to->ooo);
}

static void again(struct host *h, const struct saved *from)
{
    h->t = from->t;
    h->now = from->now;
    h->told_end = END_NONE;
    memcpy(h->sent, from->sent, sizeof from->sent);
    memcpy(h->ooo, from->ooo, sizeof from->ooo);
}

static void cell(struct host *h, const struct view *v, struct seg s, enum place p, enum ack_kind k)
{
    s.seq = place_of(v, p);
    s.ack = s.flags & ACK ? ack_of(v, k) : 0;
    /* MAY-2: a SYN may end TIME-WAIT: test_tcb_close.c */
    if (v->state == STATE_TIME_WAIT && (s.flags & (SYN | ACK | RST)) == SYN)
        return;
    inject(h, s.flags, s.seq, s.ack, s.len);
    compare(h, v, &s);
}

/* Every cell from where h stands. */
static void all_cells(struct host *h)
{
    static const unsigned bits[4] = {FIN, SYN, RST, ACK};
    const struct view v = view_of(h);
    struct saved *const start = malloc(sizeof *start);
    unsigned cells = 0;

    assert_non_null(start);
    save(h, start);
    for (unsigned set = 0; set < 16; set++) {
        struct seg s = {0};

        for (unsigned b = 0; b < 4; b++)
            s.flags |= set & (1U << b) ? bits[b] : 0;
        for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
            s.len = lengths[l];
            for (int p = 0; p < PLACES; p++) {
                for (int k = 0; k < (s.flags & ACK ? ACK_KINDS : 1); k++, cells++) {
                    again(h, start);
                    cell(h, &v, s, (enum place)p, (enum ack_kind)k);
                }
            }
        }
    }
    free(start);
    assert_int_equal(cells, 2304);
}

/* ---- the states, each in the variants that it has */

static void afresh(struct host *h)
{
    const struct isn_pair isn = {h->iss, h->irs, ""};

    host_init(h, &isn);
}

static void in_syn_sent(struct host *h)
{
    drive(h, STATE_SYN_SENT);
    all_cells(h);
}

static void in_syn_received(struct host *h)
{
    drive(h, STATE_SYN_RECEIVED);
    all_cells(h);
    /* and out of SYN-SENT: both have opened at once */
    afresh(h);
    drive(h, STATE_SYN_SENT);
    inject(h, SYN, 0, 0, 0);
    expect(h, SYN | ACK, 0, 1, 0);
    expect_state(h, STATE_SYN_RECEIVED);
    all_cells(h);
}

static void plain(struct host *h, enum tcp_state s)
{
    afresh(h);
    drive(h, s);
    all_cells(h);
}

/* 200 bytes are on their way, and behind them the FIN where the state has one. */
static void with_flight(struct host *h, enum tcp_state s)
{
    const bool peer_first = s == STATE_CLOSE_WAIT || s == STATE_LAST_ACK;

    afresh(h);
    drive(h, peer_first ? STATE_CLOSE_WAIT : STATE_ESTABLISHED);
    user_writes(h, 1, 200);
    expect(h, ACK, 1, ANY, 200);
    if (s == STATE_FIN_WAIT_1 || s == STATE_CLOSING || s == STATE_LAST_ACK)
        close_now(h, 201);
    if (s == STATE_CLOSING) {
        inject(h, FIN | ACK, 1, 1, 0);
        expect(h, ACK, 202, 2, 0);
    }
    expect_state(h, s);
    all_cells(h);
}

/* The user has read nothing: our window is zero. */
static void at_window_zero(struct host *h, enum tcp_state s)
{
    afresh(h);
    h->cfg.rcv_limit = 1000;
    drive(h, s);
    inject(h, ACK, 1, snd_nxt_of(s) - (s == STATE_FIN_WAIT_1), 1000);
    drain(h);
    assert_int_equal(tcb_receive_window(&h->t), 0);
    expect_state(h, s);
    all_cells(h);
}

static void in_established(struct host *h)
{
    plain(h, STATE_ESTABLISHED);
    with_flight(h, STATE_ESTABLISHED);
    at_window_zero(h, STATE_ESTABLISHED);
}

static void in_fin_wait_1(struct host *h)
{
    plain(h, STATE_FIN_WAIT_1);
    with_flight(h, STATE_FIN_WAIT_1);
    at_window_zero(h, STATE_FIN_WAIT_1);
}

static void in_fin_wait_2(struct host *h)
{
    plain(h, STATE_FIN_WAIT_2);
    at_window_zero(h, STATE_FIN_WAIT_2);
}

static void in_close_wait(struct host *h)
{
    plain(h, STATE_CLOSE_WAIT);
    with_flight(h, STATE_CLOSE_WAIT);
}

static void in_closing(struct host *h)
{
    plain(h, STATE_CLOSING);
    with_flight(h, STATE_CLOSING);
}

static void in_last_ack(struct host *h)
{
    plain(h, STATE_LAST_ACK);
    with_flight(h, STATE_LAST_ACK);
}

static void in_time_wait(struct host *h)
{
    plain(h, STATE_TIME_WAIT);
}

/* ---- no connection: 3.10.7.1 and 3.10.7.2, each set of flags and length */

static struct segment stray(const struct host *h, unsigned set, uint32_t len)
{
    static const unsigned bits[4] = {FIN, SYN, RST, ACK};
    struct segment s = {.seq = h->irs, .ack = h->iss, .len = len, .window = 1000};

    for (unsigned b = 0; b < 4; b++)
        s.flags |= (uint16_t)(set & (1U << b) ? bits[b] : 0);
    if (!(s.flags & ACK))
        s.ack = 0;
    return s;
}

static void expect_reset(const struct segment *s, const struct segment *reply)
{
    if (s->flags & ACK) {
        assert_int_equal(reply->flags, RST);
        assert_int_equal(reply->seq, s->ack);
        return;
    }
    assert_int_equal(reply->flags, RST | ACK);
    assert_int_equal(reply->seq, 0);
    assert_int_equal(reply->ack,
                     (seq_t)(s->seq + s->len + ((s->flags & SYN) != 0) + ((s->flags & FIN) != 0)));
}

static void in_closed(struct host *h)
{
    for (unsigned set = 0; set < 16; set++) {
        for (size_t l = 0; l < 3; l++) {
            const struct segment s = stray(h, set, lengths[l]);
            struct segment reply;

            if (s.flags & RST) {
                assert_false(tcp_closed(&s, &reply));
                continue;
            }
            assert_true(tcp_closed(&s, &reply));
            expect_reset(&s, &reply);
        }
    }
}

static void in_listen(struct host *h)
{
    for (unsigned set = 0; set < 16; set++) {
        for (size_t l = 0; l < 3; l++) {
            const struct segment s = stray(h, set, lengths[l]);
            struct segment reply;
            const enum listen_verdict got = tcp_listen(&s, &reply);

            if (s.flags & RST) {
                assert_int_equal(got, LISTEN_DROP);
            } else if (s.flags & ACK) {
                assert_int_equal(got, LISTEN_RESET);
                expect_reset(&s, &reply);
            } else if ((s.flags & (SYN | FIN)) == SYN) {
                assert_int_equal(got, LISTEN_OPEN);
                afresh(h);
                tcb_open_passive(&h->t, &h->cfg, &s, h->now);
                expect_state(h, STATE_SYN_RECEIVED);
                expect(h, SYN | ACK, 0, 1, 0);
            } else {
                assert_int_equal(got, LISTEN_DROP);
            }
        }
    }
}

static const struct tcb_test tests[] = {
    {"3.10.7.1: CLOSED, each set of flags", in_closed},
    {"3.10.7.2: LISTEN, each set of flags", in_listen},
    {"3.10.7.3: SYN-SENT, each set of flags, place and ACK", in_syn_sent},
    {"3.10.7.4 in SYN-RECEIVED: each set of flags, length, place and ACK", in_syn_received},
    {"3.10.7.4 in ESTABLISHED: each set of flags, length, place and ACK", in_established},
    {"3.10.7.4 in FIN-WAIT-1: each set of flags, length, place and ACK", in_fin_wait_1},
    {"3.10.7.4 in FIN-WAIT-2: each set of flags, length, place and ACK", in_fin_wait_2},
    {"3.10.7.4 in CLOSE-WAIT: each set of flags, length, place and ACK", in_close_wait},
    {"3.10.7.4 in CLOSING: each set of flags, length, place and ACK", in_closing},
    {"3.10.7.4 in LAST-ACK: each set of flags, length, place and ACK", in_last_ack},
    {"3.10.7.4 in TIME-WAIT: each set of flags, length, place and ACK", in_time_wait},
};

int main(void)
{
    return host_main("matrix", tests, sizeof tests / sizeof tests[0]);
}
