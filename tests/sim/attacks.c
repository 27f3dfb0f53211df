/*
 * The hostile peer's bad habits: what it does to its acknowledgments, and what it sends out of the
 * blue. Each is a few lines; which ones a run has is struct sim_script_params's.
 */
#include "hostile.h"
#include "segcat/tcp/seq.h"

static uint32_t below(struct hostile *h, uint64_t n)
{
    return (uint32_t)rng_below(&h->rng, n);
}

/* A number near `seq`: mostly within the window. */
static seq_t near(struct hostile *h, seq_t seq)
{
    static const uint32_t reach[] = {3, 100, 3000, 70000, 0x7fffffff};
    const uint32_t r = reach[below(h, sizeof reach / sizeof reach[0])];

    return seq + below(h, 2 * (uint64_t)r) - r;
}

/* ---- acknowledgments */

static uint16_t bad_window(struct sim *s)
{
    struct hostile *const h = hostile_of(s);
    const uint16_t honest = s->p.told.syn.window;

    switch (below(h, 5)) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return (uint16_t)below(h, 100);
    case 3:
        return (uint16_t)below(h, honest + 1U);
    default:
        return honest;
    }
}

/* TCP.md 26: every bad shape, and some good ones. */
static struct sack_block bad_block(struct sim *s)
{
    struct hostile *const h = hostile_of(s);
    const seq_t una = s->end[0].tcb.snd_una;
    const seq_t nxt = s->end[0].tcb.snd_nxt;
    const uint32_t flight = nxt - una;
    const seq_t a = una + below(h, flight + 1U);

    switch (below(h, 9)) {
    case 0:
        return (struct sack_block){a, a};
    case 1: /* left > right */
        return (struct sack_block){a, a - 1 - below(h, 5000)};
    case 2: /* above SND.NXT */
        return (struct sack_block){a, nxt + 1 + below(h, 5000)};
    case 3:
        return (struct sack_block){nxt + below(h, 10), nxt + 10 + below(h, 5000)};
    case 4: /* below SND.UNA */
        return (struct sack_block){una - 1 - below(h, 5000), a};
    case 5:
        return (struct sack_block){una - 5001 - below(h, 100), una - 1 - below(h, 5000)};
    case 6: /* all of it */
        return (struct sack_block){una, nxt};
    case 7: /* half of the number space */
        return (struct sack_block){una - 0x40000000U, una + 0x40000000U};
    default:
        return (struct sack_block){near(h, una), near(h, nxt)};
    }
}

static void add_sack(struct sim *s, struct segment *seg)
{
    struct hostile *const h = hostile_of(s);
    const seq_t nxt = s->end[0].tcb.snd_nxt;
    unsigned n = 0;

    if (!h->use_sack) {
        return;
    }
    for (unsigned i = 0; i < h->held_count && n < 3; i++) {
        seg->opt.sack[n++] = (struct sack_block){h->held[h->held_count - 1 - i].left,
                                                 h->held[h->held_count - 1 - i].right};
    }
    if (hostile_does(s, HABIT_SACK_LIES) && seq_gt(nxt, h->rcv_nxt + 2)) {
        const uint32_t flight = nxt - h->rcv_nxt;
        const seq_t left = h->rcv_nxt + 1 + below(h, flight - 1);

        n = 0;
        seg->opt.sack[n++] = (struct sack_block){left, left + 1 + below(h, nxt - left)};
    }
    if (hostile_does(s, HABIT_SACK_BAD)) {
        for (n = 0; n < 1 + below(h, 3); n++) {
            seg->opt.sack[n] = bad_block(s);
        }
    }
    seg->opt.sack_count = (uint8_t)n;
    seg->opt.present |= n > 0 ? OPT_SACK : 0;
}

static void send_ack(struct sim *s, seq_t ack)
{
    struct hostile *const h = hostile_of(s);
    struct segment seg = hostile_segment(s, SEG_ACK, h->snd_max, ack);

    add_sack(s, &seg);
    if (hostile_does(s, HABIT_ZERO)) {
        seg.window = 0;
    } else if (hostile_does(s, HABIT_SHRINK)) {
        seg.window = bad_window(s);
    }
    if (hostile_does(s, HABIT_TS_BACK) && rng_half(&h->rng)) {
        seg.opt.tsval -= 1 + below(h, rng_half(&h->rng) ? 1000 : 0x7ffffff0);
    }
    if (hostile_does(s, HABIT_TS_MISSING) && rng_half(&h->rng)) {
        seg.opt.present &= (uint16_t)~OPT_TIMESTAMPS;
    }
    if (hostile_does(s, HABIT_URGENT)) {
        static const uint16_t pointers[] = {0, 1, 0x7fff, 0xffff};

        seg.flags |= rng_half(&h->rng) ? SEG_URG : 0;
        seg.urgent = pointers[below(h, 4)];
    }
    hostile_send(s, &seg, 0, false);
}

void hostile_acknowledge(struct sim *s, seq_t before)
{
    struct hostile *const h = hostile_of(s);
    const seq_t ack = h->rcv_nxt;

    if (hostile_does(s, HABIT_SPLIT_ACKS) && seq_gt(ack, before)) {
        const uint32_t step = 1 + (ack - before) / (1 + below(h, 50));

        for (seq_t a = before + step; seq_lt(a, ack); a += step) {
            send_ack(s, a);
        }
    }
    if (hostile_does(s, HABIT_OLD_ACKS) && rng_half(&h->rng)) {
        send_ack(s, ack - below(h, ack - h->irs));
    }
    if (hostile_does(s, HABIT_RENEGE) && rng_half(&h->rng)) {
        h->held_count = 0;
    }
    send_ack(s, ack);
    if (hostile_does(s, HABIT_DUP_ACKS)) {
        for (uint32_t n = below(h, 12); n > 0; n--) {
            send_ack(s, ack);
        }
    }
    if (hostile_does(s, HABIT_OPTIMISTIC)) {
        send_ack(s, s->end[0].tcb.snd_nxt - below(h, 3));
    }
    if (hostile_does(s, HABIT_FUTURE_ACKS)) {
        send_ack(s, s->end[0].tcb.snd_nxt + 1 + below(h, rng_half(&h->rng) ? 10 : 0x70000000));
    }
}

/* ---- out of the blue */

static struct segment data_at(struct sim *s, seq_t seq)
{
    return hostile_segment(s, SEG_ACK, seq, hostile_of(s)->rcv_nxt);
}

/* What our end has taken, and how far its window goes. */
static seq_t their_next(const struct sim *s)
{
    return s->end[0].tcb.rcv_nxt;
}

static uint32_t their_window(const struct sim *s)
{
    const int32_t w = seq_diff(s->end[0].tcb.rcv_adv, their_next(s));

    return w > 0 ? (uint32_t)w : 0;
}

/* How much of its stream is still to be taken. */
static uint32_t left(const struct sim *s)
{
    const int32_t n = seq_diff(hostile_fin(s), their_next(s));

    return n > 0 ? (uint32_t)n : 0;
}

/* TCP.md 24 and 27. */
static void one_byte(struct sim *s)
{
    const uint32_t most = their_window(s) < left(s) ? their_window(s) : left(s);

    for (uint32_t at = 1; at < most && at < 400; at += 2) {
        struct segment seg = data_at(s, their_next(s) + at);

        hostile_send(s, &seg, 1, false);
    }
}

static void overlaps_of(struct sim *s, bool lie)
{
    struct hostile *const h = hostile_of(s);

    for (int n = 0; n < 6 && left(s) > 0; n++) {
        const uint32_t at = below(h, left(s) < 6000 ? left(s) : 6000);
        const uint32_t len = 1 + below(h, 3000);
        /* whole, or before what is expected */
        struct segment seg = data_at(s, their_next(s) + at - below(h, 2) * below(h, 2000));
        const int32_t most = seq_diff(hostile_fin(s), seg.seq);

        if (most > 0 && seq_gt(seg.seq, h->iss)) {
            hostile_send(s, &seg, len < (uint32_t)most ? len : (uint32_t)most, lie);
        }
    }
}

static void overlaps(struct sim *s)
{
    overlaps_of(s, false);
}

static void lies(struct sim *s)
{
    overlaps_of(s, true);
}

/* Its bytes end where its FIN belongs: one that goes on would contradict itself. */
static void within(struct sim *s, struct segment *seg, uint32_t len)
{
    const int32_t most = seq_diff(hostile_fin(s), seg->seq);

    if (most > 0) {
        hostile_send(s, seg, len < (uint32_t)most ? len : (uint32_t)most, false);
    }
}

static void beyond(struct sim *s)
{
    struct hostile *const h = hostile_of(s);
    const seq_t edge = their_next(s) + their_window(s);
    struct segment seg = data_at(s, edge - below(h, 3000));

    within(s, &seg, 1 + below(h, 6000));
    seg = data_at(s, edge + below(h, 3000));
    within(s, &seg, 1 + below(h, 3000));
}

static void after_fin(struct sim *s)
{
    struct hostile *const h = hostile_of(s);
    struct segment seg = data_at(s, hostile_fin(s) + below(h, 2) * below(h, 2000));

    if (s->end[0].tcb.fin_seen) {
        hostile_send(s, &seg, 1 + below(h, 3000), false);
    }
}

/* TCP.md 25. */
static void wrong_fin(struct sim *s)
{
    struct hostile *const h = hostile_of(s);
    const uint32_t most = their_window(s) < left(s) ? their_window(s) : left(s);
    struct segment seg = data_at(s, their_next(s) + below(h, most + 1U));

    seg.flags |= SEG_FIN;
    within(s, &seg, below(h, 2) * below(h, 1000));
}

static void early_fin(struct sim *s)
{
    struct segment seg = data_at(s, hostile_fin(s));

    seg.flags |= SEG_FIN;
    hostile_send(s, &seg, 0, false);
}

/* RFC 5961 3 and 4; a RST at RCV.NXT would be right. */
static void reset(struct sim *s)
{
    struct hostile *const h = hostile_of(s);
    struct segment seg = data_at(s, near(h, their_next(s)));

    if (rng_half(&h->rng)) {
        seg.flags = SEG_RST | SEG_ACK;
    } else {
        seg.flags = SEG_RST;
        seg.ack = 0;
    }
    /* what may be RCV.NXT when it arrives */
    if (seq_ge(seg.seq, their_next(s)) && seq_le(seg.seq, hostile_fin(s) + 1)) {
        seg.seq = hostile_fin(s) + 2 + below(h, 100);
    }
    hostile_send(s, &seg, 0, false);
}

static void syn(struct sim *s)
{
    struct hostile *const h = hostile_of(s);
    struct segment seg = s->p.told.syn;

    seg.flags = rng_half(&h->rng) ? SEG_SYN : SEG_SYN | SEG_ACK;
    seg.seq = near(h, their_next(s));
    seg.ack = seg.flags & SEG_ACK ? near(h, h->rcv_nxt) : 0;
    hostile_send(s, &seg, 0, false);
}

/* TCP.md 9. */
static void urgent(struct sim *s)
{
    static const uint16_t pointers[] = {0, 1, 2, 1000, 0x7fff, 0x8000, 0xfffe, 0xffff};
    struct hostile *const h = hostile_of(s);
    const uint32_t at = below(h, 2) * below(h, 500);
    struct segment seg = data_at(s, their_next(s) + at);

    seg.flags |= below(h, 4) > 0 ? SEG_URG : 0;
    seg.urgent = pointers[below(h, 8)];
    hostile_send(s, &seg, left(s) > at ? below(h, left(s) - at < 1000 ? left(s) - at : 1000) : 0,
                 false);
}

static void timestamps_back(struct sim *s)
{
    struct hostile *const h = hostile_of(s);
    struct segment seg = data_at(s, their_next(s));

    const uint32_t back = 1 + below(h, 0x7ffffff0);

    seg.opt.tsval -= back;
    /* so old is no clock's slip: its bytes do not count */
    hostile_send(s, &seg, left(s) < 100 ? left(s) : 100,
                 h->use_ts && back > 0x1000000 && !hostile_does(s, HABIT_TS_FORWARD));
}

/* For good: who goes back later has himself to blame. */
static void timestamps_forward(struct sim *s)
{
    struct hostile *const h = hostile_of(s);

    const uint32_t by = below(h, 0x7f000000U - h->ts_jumped);

    h->ts_skew += by;
    h->ts_jumped += by;
}

static void timestamps_missing(struct sim *s)
{
    struct segment seg = data_at(s, their_next(s));

    seg.opt.present &= (uint16_t)~OPT_TIMESTAMPS;
    if (hostile_of(s)->use_ts) {
        hostile_send(s, &seg, left(s) < 100 ? left(s) : 100, true);
    }
}

/* TCP.md 19. */
static void keepalive(struct sim *s)
{
    struct hostile *const h = hostile_of(s);
    struct segment seg = data_at(s, their_next(s) - 1);

    hostile_send(s, &seg, below(h, 2), true);
}

/* RFC 5961 5, RFC 9293 3.10.7.4: SEQ may be right, ACK is not; or SEQ is far off. */
static void blind(struct sim *s)
{
    struct hostile *const h = hostile_of(s);
    static const uint16_t flags[] = {
        SEG_ACK, SEG_ACK | SEG_PSH, SEG_ACK | SEG_FIN, SEG_RST, SEG_RST | SEG_ACK,
        SEG_SYN, SEG_SYN | SEG_ACK, SEG_FIN,           0,       SEG_FIN | SEG_URG,
    };
    struct segment seg = hostile_segment(s, flags[below(h, 10)], 0, 0);
    const seq_t una = s->end[0].tcb.snd_una;

    seg.seq = near(h, their_next(s));
    if (seg.flags & SEG_RST && seq_ge(seg.seq, their_next(s)) &&
        seq_le(seg.seq, hostile_fin(s) + 1)) {
        seg.seq = their_next(s) - 1;
    }
    /* neither between SND.UNA - MAX.SND.WND and SND.NXT nor near it while segments are on their
     * way */
    seg.ack = seg.flags & SEG_ACK ? una + 0x20000000U + below(h, 0xc0000000U) : 0;
    seg.window = (uint16_t)below(h, 65536);
    seg.opt.tsval += below(h, 0x7fffffff);
    hostile_send(s, &seg, seg.flags & (SEG_SYN | SEG_RST) ? 0 : below(h, 2000), true);
}

static void anything(struct sim *s)
{
    struct hostile *const h = hostile_of(s);
    struct segment seg = hostile_segment(s, 0, 0, 0);

    seg.flags = (uint16_t)below(h, 512);
    if (below(h, 4) > 0) {
        seg.flags = (uint16_t)((seg.flags | SEG_ACK) & ~(SEG_RST | SEG_SYN));
    }
    seg.seq = near(h, rng_half(&h->rng) ? their_next(s) : hostile_fin(s));
    seg.ack = seg.flags & SEG_ACK ? near(h, s->end[0].tcb.snd_una) : 0;
    seg.window = bad_window(s);
    seg.urgent = (uint16_t)below(h, 65536);
    seg.ecn = (uint8_t)below(h, 4);
    seg.opt.present |= (uint16_t)(rng_half(&h->rng) ? 0 : below(h, OPT_TIMESTAMPS));
    seg.opt.mss = (uint16_t)below(h, 65536);
    seg.opt.wscale = (uint8_t)below(h, 256);
    seg.opt.tsval += near(h, 0);
    seg.opt.sack_count = (uint8_t)(seg.opt.present & OPT_SACK ? 1 + below(h, 2) : 0);
    for (int i = 0; i < 2; i++) {
        seg.opt.sack[i] = bad_block(s);
    }
    if (seg.opt.present & OPT_SACK) {
        seg.opt.present &= (uint16_t)~OPT_SACK_PERMITTED; /* or it is more than 40 bytes */
    }
    if (seg.flags & (SEG_FIN | SEG_SYN | SEG_RST) || rng_half(&h->rng)) {
        hostile_send(s, &seg, 0, false);
    } else {
        within(s, &seg, below(h, 3000));
    }
}

/* TCP.md 11: in SYN-SENT, and for LISTEN. */
void hostile_bad_opening(struct sim *s)
{
    struct hostile *const h = hostile_of(s);
    static const uint16_t flags[] = {
        SEG_ACK, SEG_SYN | SEG_ACK, SEG_RST, SEG_RST | SEG_ACK, SEG_FIN | SEG_ACK, 0, SEG_FIN,
    };

    for (int n = 0; n < 4; n++) {
        struct segment seg = hostile_segment(s, flags[below(h, 7)], near(h, h->iss), 0);

        /* the right one would be ISS + 1 */
        if (seg.flags & SEG_ACK) {
            seg.ack = s->end[0].tcb.iss + 2 + below(h, 0xfffffffe);
        }
        hostile_send(s, &seg, seg.flags & SEG_SYN ? 0 : below(h, 2) * below(h, 100), true);
    }
}

void hostile_attack(struct sim *s)
{
    static const struct {
        uint64_t habit;
        void (*attack)(struct sim *s);
    } attacks[] = {
        {HABIT_ONE_BYTE, one_byte},
        {HABIT_OVERLAPS, overlaps},
        {HABIT_LIES, lies},
        {HABIT_BEYOND, beyond},
        {HABIT_AFTER_FIN, after_fin},
        {HABIT_WRONG_FIN, wrong_fin},
        {HABIT_EARLY_FIN, early_fin},
        {HABIT_RST, reset},
        {HABIT_SYN, syn},
        {HABIT_URGENT, urgent},
        {HABIT_TS_BACK, timestamps_back},
        {HABIT_TS_FORWARD, timestamps_forward},
        {HABIT_TS_MISSING, timestamps_missing},
        {HABIT_KEEPALIVE, keepalive},
        {HABIT_BLIND, blind},
        {HABIT_RANDOM, anything},
    };
    struct hostile *const h = hostile_of(s);
    const size_t n = sizeof attacks / sizeof attacks[0];
    const size_t first = below(h, n);

    if (hostile_does(s, HABIT_SILENT)) {
        h->silent = true;
        sim_print_note(s, 1, "falls silent");
        return;
    }
    if (!h->open) {
        return;
    }
    for (size_t k = 0; k < n; k++) {
        if (hostile_does(s, attacks[(first + k) % n].habit)) {
            attacks[(first + k) % n].attack(s);
            return;
        }
    }
}
