/*
 * Fuzz target: the core. The input is a script: how the connection is configured and opened, then
 * what happens to it: segments with near-right numbers, the user's calls, ICMP, time. After each
 * step the TCB must be whole, and what was delivered must be what an honest peer has sent.
 */
#include <string.h>

#include "fuzz.h"
#include "segcat/tcp/listen.h"
#include "segcat/tcp/syncookie.h"
#include "segcat/tcp/tcb.h"

#define RING    8192
#define RECORDS 64
#define HOLES   8
#define STEPS   400

struct world {
    struct fuzz_input in;
    struct tcb t;
    usec_t now;
    seq_t irs;  /* the peer's ISN */
    seq_t edge; /* the right edge that we have announced */
    bool edge_known;
    bool liar; /* the peer sends other bytes for the same numbers */
    bool lazy; /* what is to be sent is taken out only now and then */
    uint32_t peer_ts;
    uint32_t our_ts; /* the last TSval that we sent */
    uint64_t read;   /* bytes taken by the user */
    enum tcp_state told;
    unsigned told_ends;
    uint8_t snd[RING], rcv[RING];
    struct sent_record sent[RECORDS];
    struct interval ooo[HOLES];
};

/* The honest peer's byte at a distance from its first. */
static uint8_t honest(uint32_t at)
{
    return (uint8_t)(at * 167U + (at >> 8) * 13U);
}

/* --- what must hold --- */

static void observe(void *ctx, const struct tcp_event *ev)
{
    struct world *const w = ctx;

    FUZZ_CHECK(ev->old_state == w->told && ev->new_state < STATE_COUNT);
    w->told = ev->new_state;
    FUZZ_CHECK(ev->type != EVENT_SENT || ev->reason != SEND_NOTHING);
    FUZZ_CHECK(ev->type != EVENT_DROPPED || ev->drop != DROP_NOTHING);
    if (ev->type == EVENT_CLOSED) {
        FUZZ_CHECK(ev->end != END_NONE && w->told_ends == 0);
        w->told_ends++;
    }
}

static void check_records(const struct tcb *t)
{
    seq_t at = t->snd_una;
    uint64_t flight = 0, sacked = 0;
    size_t lost = 0;

    FUZZ_CHECK(t->sent.count <= t->sent.max);
    for (size_t i = 0; i < t->sent.count; i++) {
        const struct sent_record *const r = sent_at(&t->sent, i);

        FUZZ_CHECK(r->seq == at && r->len > 0 && r->transmissions > 0);
        FUZZ_CHECK(!(r->sacked && r->lost));
        at += r->len;
        sacked += r->sacked ? r->len : 0;
        flight += r->sacked || r->lost ? 0 : r->len;
        lost += r->lost;
    }
    FUZZ_CHECK(at == t->snd_nxt && seq_le(t->snd_una, t->snd_nxt));
    FUZZ_CHECK(flight == t->sent.flight && sacked == t->sent.sacked && lost == t->sent.lost);
}

static void check_memory(const struct tcb *t)
{
    uint64_t right = t->rcv.tail;

    FUZZ_CHECK(t->snd.head <= t->snd.tail && ring_used(&t->snd) <= t->snd.size);
    FUZZ_CHECK(t->rcv.head <= t->rcv.tail && ring_used(&t->rcv) <= t->rcv.size);
    FUZZ_CHECK(t->snd.size <= RING && t->rcv.size <= RING && t->ooo.count <= t->ooo.max);
    for (size_t i = 0; i < t->ooo.count; i++) {
        const struct interval *const v = &t->ooo.mem[i];

        FUZZ_CHECK(v->left > right - (i > 0) && v->left < v->right);
        FUZZ_CHECK(v->right <= t->rcv.head + t->rcv.size);
        right = v->right;
    }
}

static void check(const struct world *w)
{
    const struct tcb *const t = &w->t;

    FUZZ_CHECK(t->state < STATE_COUNT);
    FUZZ_CHECK((t->end == END_NONE) == (t->state != STATE_CLOSED && t->state != STATE_LISTEN));
    check_memory(t);
    if (t->end == END_NONE)
        check_records(t);
    else
        FUZZ_CHECK(tcb_deadline(t) == USEC_NEVER);
    FUZZ_CHECK(t->cc.cwnd >= 1 && t->mss >= 8 && t->rtt.rto > 0);
}

/* One that we send: numbers inside, payload inside the ring, sizes that the peer can take. */
static void check_sent(struct world *w, const struct segment *s)
{
    const struct tcb *const t = &w->t;
    const uint32_t cut = s->gso_size != 0 ? s->gso_size : s->len;

    FUZZ_CHECK(s->len == s->data[0].len + s->data[1].len && s->len <= RING);
    /* A probe of the path is the one segment that is larger. */
    FUZZ_CHECK(cut <= t->mss || (t->pmtu.probing && s->seq == t->pmtu.probe_seq &&
                                 cut <= (uint32_t)(t->pmtu.probe_end - t->pmtu.probe_seq)));
    FUZZ_CHECK(s->opt.sack_count <= SACK_BLOCKS_MAX);
    for (int i = 0; i < 2; i++)
        FUZZ_CHECK(s->data[i].len == 0 || (s->data[i].data >= w->snd &&
                                           s->data[i].data + s->data[i].len <= w->snd + RING));
    FUZZ_CHECK(!(s->flags & SEG_URG) && (s->flags & (SEG_ACK | SEG_SYN | SEG_RST)) != 0);
    FUZZ_CHECK(!(s->flags & SEG_SYN) || s->len == 0);
    for (int i = 0; i < s->opt.sack_count; i++)
        FUZZ_CHECK(seq_lt(s->opt.sack[i].left, s->opt.sack[i].right));
    if (s->flags & SEG_ACK && !(s->flags & SEG_RST) && t->state != STATE_SYN_SENT) {
        const unsigned shift = s->flags & SEG_SYN || !t->use_wscale ? 0 : t->rcv_wscale;
        const seq_t edge = s->ack + ((uint32_t)s->window << shift);

        FUZZ_CHECK(!w->edge_known || seq_ge(edge, w->edge)); /* SHLD-14 */
        w->edge = edge;
        w->edge_known = true;
    }
    if (s->opt.present & OPT_TIMESTAMPS)
        w->our_ts = s->opt.tsval;
}

/* --- steps --- */

static void drain(struct world *w)
{
    struct segment s;
    unsigned n = 0;

    while (tcb_next(&w->t, &s, w->now)) {
        check_sent(w, &s);
        FUZZ_CHECK(++n <= 4 * RING); /* it comes to an end */
    }
    FUZZ_CHECK(tcb_deadline(&w->t) == USEC_NEVER || tcb_deadline(&w->t) >= w->now);
    /* What waits to be sent waits for something. */
    FUZZ_CHECK(w->t.end != END_NONE || ring_used(&w->t.snd) == 0 ||
               tcb_deadline(&w->t) != USEC_NEVER);
}

static void read_some(struct world *w, size_t most)
{
    struct slice v[2];
    size_t n = tcb_peek(&w->t, v);

    FUZZ_CHECK(n == v[0].len + v[1].len && n <= RING);
    n = n < most ? n : most;
    for (size_t i = 0; i < n && !w->liar; i++) {
        const uint8_t got = i < v[0].len ? v[0].data[i] : v[1].data[i - v[0].len];

        FUZZ_CHECK(got == honest((uint32_t)(w->read + i)));
    }
    tcb_consume(&w->t, n);
    w->read += n;
}

static void write_some(struct world *w, size_t n)
{
    static const uint8_t zeros[RING];

    FUZZ_CHECK(tcb_write(&w->t, zeros, n < RING ? n : RING) <= RING);
}

/* A sequence number near one that matters. */
static seq_t near(struct world *w, const seq_t anchor[4])
{
    const uint8_t how = fuzz_u8(&w->in);
    const seq_t base = anchor[how & 3];

    switch (how >> 2 & 3) {
    case 0:
        return base;
    case 1:
        return base + (uint32_t)fuzz_i8(&w->in);
    case 2:
        return base + (uint32_t)fuzz_i16(&w->in);
    default:
        return fuzz_u32(&w->in);
    }
}

static void peer_options(struct world *w, struct tcp_options *o, const seq_t acks[4])
{
    const uint8_t how = fuzz_u8(&w->in);

    if (how & 1 || w->t.use_ts) {
        o->present |= OPT_TIMESTAMPS;
        w->peer_ts += how & 2 ? (uint32_t)fuzz_i8(&w->in) : 1U;
        if ((how & 0xc0) == 0xc0)
            w->peer_ts = fuzz_u32(&w->in);
        o->tsval = w->peer_ts;
        o->tsecr = how & 4 ? fuzz_u32(&w->in) : w->our_ts;
        if (how & 8 && how & 0x20)
            o->present &= (uint16_t)~OPT_TIMESTAMPS;
    }
    if (how & 8) {
        o->present |= OPT_SACK;
        o->sack_count = (uint8_t)(1 + (how >> 4 & 3));
        for (int i = 0; i < o->sack_count; i++) {
            o->sack[i].left = near(w, acks);
            o->sack[i].right = o->sack[i].left + fuzz_u16(&w->in);
        }
    }
}

static void syn_options(struct world *w, struct tcp_options *o)
{
    const uint8_t how = fuzz_u8(&w->in);

    *o = (struct tcp_options){.present = 0};
    if (how & 1) {
        o->present |= OPT_MSS;
        o->mss = fuzz_u16(&w->in);
    }
    if (how & 2) {
        o->present |= OPT_WSCALE;
        o->wscale = fuzz_u8(&w->in);
    }
    if (how & 4)
        o->present |= OPT_SACK_PERMITTED;
    if (how & 8) {
        o->present |= OPT_TIMESTAMPS;
        o->tsval = w->peer_ts;
        o->tsecr = w->our_ts;
    }
}

/* From the peer. The common case costs few bytes of input: next in order, acknowledging all. */
static void segment(struct world *w)
{
    static uint8_t payload[65536];
    const struct tcb *const t = &w->t;
    const seq_t seqs[4] = {t->rcv_nxt, t->rcv_nxt - 1, t->rcv_adv, w->irs};
    const seq_t acks[4] = {t->snd_nxt, t->snd_una, t->snd_una + t->mss, t->iss};
    const uint8_t kind = fuzz_u8(&w->in);
    struct segment s = {.at = w->now, .flags = SEG_ACK, .window = 0xffff};

    s.seq = kind & 1 ? near(w, seqs) : t->state == STATE_SYN_SENT ? w->irs : t->rcv_nxt;
    s.ack = kind & 2 ? near(w, acks) : t->snd_nxt;
    if (kind & 4)
        s.flags = fuzz_u16(&w->in) & 0x1ff;
    else if (t->state == STATE_SYN_SENT)
        s.flags |= SEG_SYN;
    if (kind & 8)
        s.window = fuzz_u16(&w->in);
    if (kind & 16)
        s.len = kind & 32 ? fuzz_u8(&w->in) : fuzz_u16(&w->in) % 20000;
    if (kind & 64)
        s.urgent = fuzz_u16(&w->in);
    if (kind & 128)
        s.ecn = fuzz_u8(&w->in) & 3;
    if (s.flags & SEG_SYN)
        syn_options(w, &s.opt);
    else
        peer_options(w, &s.opt, acks);
    if (!(s.flags & SEG_ACK))
        s.ack = 0;
    if (t->state == STATE_SYN_SENT)
        w->irs = s.seq; /* if it is the SYN; nothing else is taken */
    for (uint32_t i = 0; i < s.len; i++)
        payload[i] = honest(s.seq + ((s.flags & SEG_SYN) != 0) - (w->irs + 1) + i);
    if (w->liar && s.len > 0)
        payload[s.len / 2] ^= 1;
    s.data[0] = (struct slice){payload, s.len};
    tcb_segment(&w->t, &s, w->now);
}

static void pass_time(struct world *w, usec_t by)
{
    w->now += by;
    if (tcb_deadline(&w->t) <= w->now)
        tcb_timeout(&w->t, w->now);
}

static void step(struct world *w)
{
    const uint8_t op = fuzz_u8(&w->in);

    switch (op & 15) {
    case 0:
        pass_time(w, (usec_t)1 << (op >> 4 & 15) << (op & 0x80 ? 14 : 0));
        break;
    case 1: /* to the deadline */
        if (tcb_deadline(&w->t) != USEC_NEVER)
            pass_time(w, tcb_deadline(&w->t) > w->now ? tcb_deadline(&w->t) - w->now : 0);
        break;
    case 2:
        write_some(w, fuzz_u16(&w->in));
        break;
    case 3:
        read_some(w, op & 16 ? SIZE_MAX : fuzz_u16(&w->in));
        break;
    case 4:
        tcb_shutdown(&w->t, w->now);
        break;
    case 5:
        if (op >> 4 == 15)
            tcb_abort(&w->t, w->now);
        else if (op >> 4 == 14)
            tcb_unreachable(&w->t, w->now);
        else
            tcb_path_mtu(&w->t, fuzz_u16(&w->in), w->now);
        break;
    case 6:
        drain(w);
        break;
    default:
        segment(w);
        break;
    }
}

/* --- a connection --- */

static void configure(struct world *w, struct tcb_config *cfg)
{
    const uint8_t how = fuzz_u8(&w->in), more = fuzz_u8(&w->in), third = fuzz_u8(&w->in);
    const uint8_t version = more & 1 ? IP_V6 : IP_V4;
    static const seq_t isns[4] = {1000, 0xffffffff, 0xfffff000, 0x7ffffff0};

    *cfg = (struct tcb_config){
        .local = {.ip = {.version = version, .bytes = {192, 0, 2, 1}}, .port = 40000},
        .remote = {.ip = {.version = version, .bytes = {192, 0, 2, 2}}, .port = 80},
        .snd_mem = w->snd,
        .snd_size = RING,
        .rcv_mem = w->rcv,
        .rcv_size = RING,
        .rcv_limit = how & 1 ? 4096 : 0,
        .sent_mem = w->sent,
        .sent_max = how & 2 ? RECORDS : 8,
        .ooo_mem = w->ooo,
        .ooo_max = HOLES,
        .key = {1, 2, 3},
        .mtu = more & 2 ? 1500 : 576,
        .gso_max = how & 4 ? 6000 : 0,
        .has_isn = true,
        .isn = isns[more >> 2 & 3],
        .no_timestamps = (how & 8) != 0,
        .no_sack = (how & 16) != 0,
        .no_wscale = (how & 32) != 0,
        .no_nagle = (how & 64) != 0,
        .no_delack = (how & 128) != 0,
        .no_pacing = (third & 1) != 0,
        .ecn = (enum ecn_use)((third >> 1 & 3) % 3),
        .congestion = third & 8 ? &congestion_reno : &congestion_cubic,
        .user_timeout = third & 16 ? 5 * USEC_SEC : 0,
        .observe = observe,
        .observe_ctx = w,
    };
    w->liar = (more & 16) != 0;
    w->lazy = (more & 32) != 0;
    w->irs = isns[more >> 6 & 3];
}

/* The backlog is full: our SYN,ACK is a cookie. A forged one must not open. */
static bool open_by_cookie(struct world *w, struct tcb_config *cfg, const struct segment *syn)
{
    struct segment answer, kept;
    struct segment ack = {.seq = w->irs + 1, .flags = SEG_ACK, .window = 0xffff};
    const uint32_t off = fuzz_u8(&w->in) & 1 ? fuzz_u32(&w->in) : 0;

    cfg->has_isn = false;
    syncookie_answer(cfg, syn, &answer, w->now);
    FUZZ_CHECK(answer.flags & SEG_SYN && answer.flags & SEG_ACK && answer.ack == w->irs + 1);
    w->our_ts = answer.opt.tsval;
    w->now += fuzz_u32(&w->in) % (300 * USEC_SEC);
    ack.at = w->now;
    ack.ack = answer.seq + 1 + off;
    if (answer.opt.present & OPT_TIMESTAMPS) {
        ack.opt.present = OPT_TIMESTAMPS;
        ack.opt.tsval = w->peer_ts;
        ack.opt.tsecr = w->our_ts;
    }
    if (!syncookie_check(cfg, &ack, &kept, w->now))
        return false;
    tcb_open_cookie(&w->t, cfg, &kept, &ack, w->now);
    FUZZ_CHECK(w->t.state == STATE_ESTABLISHED && w->t.irs == w->irs);
    w->edge = w->t.rcv_adv;
    return true;
}

static bool open_listening(struct world *w, struct tcb_config *cfg, bool full)
{
    struct segment syn = {.seq = w->irs, .flags = SEG_SYN, .window = 0xffff, .at = w->now}, reply;

    syn_options(w, &syn.opt);
    FUZZ_CHECK(tcp_listen(&syn, &reply) == LISTEN_OPEN);
    w->told = STATE_LISTEN;
    if (full)
        return open_by_cookie(w, cfg, &syn);
    tcb_open_passive(&w->t, cfg, &syn, w->now);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world *const w = calloc(1, sizeof *w);
    struct tcb_config cfg;
    uint8_t how;

    if (w == NULL)
        return 0;
    w->in = (struct fuzz_input){data, size};
    w->now = 1000 * USEC_SEC;
    w->peer_ts = 0xffffff00;
    configure(w, &cfg);
    how = fuzz_u8(&w->in);
    if (how & 1) {
        if (!open_listening(w, &cfg, (how & 2) != 0)) {
            free(w);
            return 0;
        }
    } else {
        w->told = STATE_CLOSED;
        tcb_open_active(&w->t, &cfg, w->now);
    }
    drain(w);
    for (int i = 0; i < STEPS && w->in.left > 0; i++) {
        step(w);
        check(w);
        if (!w->lazy)
            drain(w);
        check(w);
    }
    read_some(w, SIZE_MAX);
    drain(w);
    check(w);
    free(w);
    return 0;
}
