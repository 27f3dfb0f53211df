/*
 * Figures 6 to 13 of RFC 9293 line by line, with their numbers: two tcbs of ours, and segments
 * carried between them by hand, late or never where the figure says so.
 */
#include "tcb_host.h"

/* ---- two peers whose numbers are the figure's, counted from a base that may lie at the wrap */

struct peers {
    struct host *a, *b;
    seq_t base;
};

static void peers_init(struct peers *p, struct host *a, seq_t iss_a, seq_t iss_b)
{
    struct isn_pair isn = {a->iss + iss_a, a->iss + iss_b, ""};

    p->base = a->iss;
    p->a = a;
    p->b = malloc(sizeof *p->b);
    assert_non_null(p->b);
    host_init(p->a, &isn);
    isn = (struct isn_pair){p->base + iss_b, p->base + iss_a, ""};
    host_init(p->b, &isn);
    p->b->cfg.local = p->a->cfg.remote;
    p->b->cfg.remote = p->a->cfg.local;
}

static void peers_end(struct peers *p)
{
    free(p->b);
}

/* The next segment of `from` is <SEQ=seq><ACK=ack><CTL=flags> with len bytes; it is still on its
 * way. */
static struct segment says_at(const struct peers *p, struct host *from, unsigned flags,
                              uint32_t seq, uint32_t ack, uint32_t len, int line)
{
    struct segment s;

    if (!tcb_next(&from->t, &s, from->now))
        fail_msg("line %d: nothing was sent", line);
    if ((s.flags & ~(unsigned)PSH) != flags || s.seq - p->base != seq || s.len != len ||
        ((flags & ACK) && s.ack - p->base != ack))
        fail_msg("line %d: flags %#x SEQ %u ACK %u length %u", line, s.flags, s.seq - p->base,
                 s.ack - p->base, s.len);
    return s;
}

#define says(p, from, flags, seq, ack, len) says_at(p, from, flags, seq, ack, len, __LINE__)

static void hears(struct host *to, struct segment s)
{
    s.at = 0;
    s.gso_size = 0;
    tcb_segment(&to->t, &s, to->now);
}

static void quiet(struct peers *p)
{
    expect_nothing(p->a);
    expect_nothing(p->b);
}

/* LISTEN hears a SYN. */
static void listener_hears(struct host *to, struct segment s)
{
    struct segment reply;

    s.at = 0;
    assert_int_equal(tcp_listen(&s, &reply), LISTEN_OPEN);
    tcb_open_passive(&to->t, &to->cfg, &s, to->now);
    expect_state(to, STATE_SYN_RECEIVED);
}

/* Both are ESTABLISHED: SND.NXT and RCV.NXT as in the figures, one beyond the ISNs. */
static void established(struct peers *p, struct host *a, seq_t iss_a, seq_t iss_b)
{
    peers_init(p, a, iss_a, iss_b);
    tcb_open_active(&p->a->t, &p->a->cfg, p->a->now);
    listener_hears(p->b, says(p, p->a, SYN, iss_a, 0, 0));
    hears(p->a, says(p, p->b, SYN | ACK, iss_b, iss_a + 1, 0));
    hears(p->b, says(p, p->a, ACK, iss_a + 1, iss_b + 1, 0));
    expect_state(p->a, STATE_ESTABLISHED);
    expect_state(p->b, STATE_ESTABLISHED);
    quiet(p);
}

static void two_listen(struct host *h, uint32_t iss)
{
    h->cfg.isn = h->iss = iss;
}

/* ---- opening */

static void figure_6(struct host *h)
{
    struct peers p;

    peers_init(&p, h, 100, 300);
    tcb_open_active(&p.a->t, &p.a->cfg, p.a->now);
    expect_state(p.a, STATE_SYN_SENT);
    listener_hears(p.b, says(&p, p.a, SYN, 100, 0, 0));
    hears(p.a, says(&p, p.b, SYN | ACK, 300, 101, 0));
    expect_state(p.a, STATE_ESTABLISHED);
    hears(p.b, says(&p, p.a, ACK, 101, 301, 0));
    expect_state(p.b, STATE_ESTABLISHED);
    quiet(&p);
    user_writes(p.a, 1, 10);
    hears(p.b, says(&p, p.a, ACK, 101, 301, 10));
    assert_int_equal(p.b->t.rcv_nxt, p.base + 111);
    peers_end(&p);
}

static void figure_7(struct host *h)
{
    struct segment syn_a, syn_b, ack_a, ack_b;
    struct peers p;

    peers_init(&p, h, 100, 300);
    tcb_open_active(&p.a->t, &p.a->cfg, p.a->now);
    tcb_open_active(&p.b->t, &p.b->cfg, p.b->now);
    syn_a = says(&p, p.a, SYN, 100, 0, 0);
    syn_b = says(&p, p.b, SYN, 300, 0, 0);
    hears(p.a, syn_b);
    expect_state(p.a, STATE_SYN_RECEIVED);
    hears(p.b, syn_a);
    expect_state(p.b, STATE_SYN_RECEIVED);
    ack_a = says(&p, p.a, SYN | ACK, 100, 301, 0);
    ack_b = says(&p, p.b, SYN | ACK, 300, 101, 0);
    hears(p.a, ack_b);
    hears(p.b, ack_a);
    expect_state(p.a, STATE_ESTABLISHED);
    expect_state(p.b, STATE_ESTABLISHED);
    quiet(&p);
    peers_end(&p);
}

static void figure_8(struct host *h)
{
    struct peers p;
    struct segment old, syn;

    peers_init(&p, h, 100, 300);
    tcb_open_active(&p.a->t, &p.a->cfg, p.a->now);
    syn = says(&p, p.a, SYN, 100, 0, 0);
    old = syn;
    old.seq = p.base + 90; /* an old duplicate that overtakes it */
    p.b->irs = old.seq;
    listener_hears(p.b, old);
    hears(p.a, says(&p, p.b, SYN | ACK, 300, 91, 0));
    expect_state(p.a, STATE_SYN_SENT);
    hears(p.b, says(&p, p.a, RST, 91, 0, 0));
    expect_state(p.b, STATE_LISTEN);
    expect_end(p.b, END_SYN_CANCELLED);
    quiet(&p);

    two_listen(p.b, p.base + 400);
    p.b->irs = p.base + 100;
    listener_hears(p.b, syn);
    p.a->irs = p.base + 400;
    hears(p.a, says(&p, p.b, SYN | ACK, 400, 101, 0));
    hears(p.b, says(&p, p.a, ACK, 101, 401, 0));
    expect_state(p.a, STATE_ESTABLISHED);
    expect_state(p.b, STATE_ESTABLISHED);
    quiet(&p);
    peers_end(&p);
}

/* ---- half-open connections */

static void figure_9(struct host *h)
{
    struct peers p;

    established(&p, h, 99, 299);
    /* A forgets everything, and opens anew */
    p.a->cfg.isn = p.a->iss = p.base + 400;
    tcb_open_active(&p.a->t, &p.a->cfg, p.a->now);
    hears(p.b, says(&p, p.a, SYN, 400, 0, 0));
    expect_state(p.b, STATE_ESTABLISHED);
    hears(p.a, says(&p, p.b, ACK, 300, 100, 0));
    expect_state(p.a, STATE_SYN_SENT);
    hears(p.b, says(&p, p.a, RST, 100, 0, 0));
    expect_state(p.b, STATE_CLOSED);
    expect_end(p.b, END_RESET);
    expect_state(p.a, STATE_SYN_SENT);
    quiet(&p);
    run_timer(p.a); /* and it goes on trying */
    (void)says(&p, p.a, SYN, 400, 0, 0);
    peers_end(&p);
}

static void figure_10(struct host *h)
{
    struct segment data, reply;
    struct peers p;

    established(&p, h, 99, 299);
    /* A has forgotten everything; B has data */
    user_writes(p.b, 1, 10);
    data = says(&p, p.b, ACK, 300, 100, 10);
    assert_true(tcp_closed(&data, &reply));
    assert_int_equal(reply.flags, RST);
    assert_int_equal(reply.seq, p.base + 100);
    hears(p.b, reply);
    expect_end(p.b, END_RESET);
    quiet(&p);
    peers_end(&p);
}

static void figure_11(struct host *h)
{
    const uint32_t x = 300, z = 90;
    struct segment old, answer, reply;
    struct peers p;

    peers_init(&p, h, 100, x);
    p.b->irs = p.base + z;
    old = host_segment(p.b, SYN, 0, 0);
    listener_hears(p.b, old);
    answer = says(&p, p.b, SYN | ACK, x, z + 1, 0);
    assert_int_equal(tcp_listen(&answer, &reply), LISTEN_RESET);
    assert_int_equal(reply.flags, RST);
    assert_int_equal(reply.seq, p.base + z + 1);
    hears(p.b, reply);
    expect_state(p.b, STATE_LISTEN);
    expect_end(p.b, END_SYN_CANCELLED);
    expect_nothing(p.b);
    peers_end(&p);
}

/* ---- closing */

static void figure_12(struct host *h)
{
    struct peers p;

    established(&p, h, 99, 299);
    tcb_shutdown(&p.a->t, p.a->now);
    expect_state(p.a, STATE_FIN_WAIT_1);
    hears(p.b, says(&p, p.a, FIN | ACK, 100, 300, 0));
    expect_state(p.b, STATE_CLOSE_WAIT);
    hears(p.a, says(&p, p.b, ACK, 300, 101, 0));
    expect_state(p.a, STATE_FIN_WAIT_2);
    tcb_shutdown(&p.b->t, p.b->now);
    hears(p.a, says(&p, p.b, FIN | ACK, 300, 101, 0));
    expect_state(p.b, STATE_LAST_ACK);
    expect_state(p.a, STATE_TIME_WAIT);
    hears(p.b, says(&p, p.a, ACK, 101, 301, 0));
    expect_end(p.b, END_CLOSED);
    quiet(&p);
    assert_int_equal(run_timer(p.a), 60 * USEC_SEC); /* 2 MSL */
    expect_end(p.a, END_CLOSED);
    quiet(&p);
    peers_end(&p);
}

static void figure_13(struct host *h)
{
    struct segment fin_a, fin_b, ack_a, ack_b;
    struct peers p;

    established(&p, h, 99, 299);
    tcb_shutdown(&p.a->t, p.a->now);
    tcb_shutdown(&p.b->t, p.b->now);
    fin_a = says(&p, p.a, FIN | ACK, 100, 300, 0);
    fin_b = says(&p, p.b, FIN | ACK, 300, 100, 0);
    hears(p.a, fin_b);
    hears(p.b, fin_a);
    expect_state(p.a, STATE_CLOSING);
    expect_state(p.b, STATE_CLOSING);
    ack_a = says(&p, p.a, ACK, 101, 301, 0);
    ack_b = says(&p, p.b, ACK, 301, 101, 0);
    hears(p.a, ack_b);
    hears(p.b, ack_a);
    expect_state(p.a, STATE_TIME_WAIT);
    expect_state(p.b, STATE_TIME_WAIT);
    quiet(&p);
    assert_int_equal(run_timer(p.a), 60 * USEC_SEC);
    assert_int_equal(run_timer(p.b), 60 * USEC_SEC);
    expect_end(p.a, END_CLOSED);
    expect_end(p.b, END_CLOSED);
    peers_end(&p);
}

static const struct tcb_test tests[] = {
    {"Figure 6: basic three-way handshake", figure_6},
    {"Figure 7: simultaneous connection synchronization, MUST-10, TCP.md 10", figure_7},
    {"Figure 8: recovery from an old duplicate SYN, TCP.md 12", figure_8},
    {"Figure 9: half-open connection discovery", figure_9},
    {"Figure 10: the active side causes half-open connection discovery", figure_10},
    {"Figure 11: an old duplicate SYN initiates a reset on two passive sockets", figure_11},
    {"Figure 12: normal close sequence", figure_12},
    {"Figure 13: simultaneous close sequence, TCP.md 34", figure_13},
};

int main(void)
{
    return host_main("figures", tests, sizeof tests / sizeof tests[0]);
}
