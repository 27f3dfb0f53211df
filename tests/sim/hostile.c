/*
 * The hostile peer's small TCP: opens, acknowledges each segment, sends by go-back-N, closes when
 * its stream is sent. Knows nothing of src/tcp but the order of sequence numbers.
 */
#include "hostile.h"

#include <stdlib.h>
#include <string.h>

#include "segcat/tcp/seq.h"

#define RETRANSMIT     (300 * USEC_MS)
#define RETRANSMIT_MAX (5 * USEC_SEC)
#define TRIES_MAX      60
#define SEGMENT_MAX    1200
#define BURST          16 /* segments in flight */

struct hostile *hostile_of(const struct sim *s)
{
    return s->peer;
}

bool hostile_does(const struct sim *s, uint64_t habit)
{
    return s->now < s->p.told.until && (s->p.told.habits & habit) != 0;
}

seq_t hostile_fin(const struct sim *s)
{
    return hostile_of(s)->iss + 1 + (uint32_t)s->end[1].app.bytes;
}

/* ---- sending */

struct segment hostile_segment(struct sim *s, uint16_t flags, seq_t seq, seq_t ack)
{
    struct hostile *const h = hostile_of(s);
    struct segment seg;

    memset(&seg, 0, sizeof seg);
    seg.flags = flags;
    seg.seq = seq;
    seg.ack = flags & SEG_ACK ? ack : 0;
    seg.window = s->p.told.syn.window;
    if (h->use_ts) {
        seg.opt.present = OPT_TIMESTAMPS;
        seg.opt.tsval = (uint32_t)(s->now / USEC_MS) + h->ts_skew;
        seg.opt.tsecr = h->ts_recent;
    }
    return seg;
}

void hostile_send(struct sim *s, struct segment *seg, uint32_t len, bool lie)
{
    static uint8_t bytes[65536];
    struct hostile *const h = hostile_of(s);
    const int64_t at = seq_diff(seg->seq, h->iss + 1);
    const int64_t from = at < 0 ? -at : 0;
    int64_t to = (int64_t)s->end[1].app.bytes - at;

    to = to < (int64_t)len ? to : (int64_t)len;
    memset(bytes, 0xee, len); /* what is no part of the stream has bytes too */
    if (to > from) {
        sim_pattern_fill(s, 1, (uint64_t)(at + from), bytes + from, (size_t)(to - from));
    }
    for (uint32_t k = 0; lie && k < len; k++) {
        bytes[k] ^= (uint8_t)rng_range(&h->rng, 1, 255);
    }
    seg->data[0] = (struct slice){bytes, len};
    seg->len = len;
    sim_link_send(s, 1, seg);
}

static void send_syn(struct sim *s)
{
    struct hostile *const h = hostile_of(s);
    struct segment seg = s->p.told.syn;

    h->sent_syn = true;
    seg.seq = h->iss;
    seg.flags = SEG_SYN;
    if (h->irs != 0 || !s->p.told.active) {
        seg.flags |= SEG_ACK;
        seg.ack = h->rcv_nxt;
    }
    seg.opt.tsval = (uint32_t)(s->now / USEC_MS) + h->ts_skew;
    seg.opt.tsecr = h->ts_recent;
    sim_link_send(s, 1, &seg);
}

static void open_badly(struct sim *s)
{
    if (hostile_does(s, HABIT_BAD_OPENING) && !hostile_of(s)->sent_syn) {
        hostile_bad_opening(s);
    }
}

/* ---- its data */

static uint32_t room(const struct hostile *h, seq_t from)
{
    const int32_t w = seq_diff(h->snd_una + h->snd_wnd, from);

    return w > 0 ? (uint32_t)w : 0;
}

static void send_some(struct sim *s, seq_t seq, uint32_t len)
{
    struct segment seg = hostile_segment(s, SEG_ACK, seq, hostile_of(s)->rcv_nxt);

    if (seq + len == hostile_fin(s)) {
        seg.flags |= SEG_FIN | SEG_PSH;
    }
    hostile_send(s, &seg, len, false);
}

/* As much as the window has room for; the FIN rides on the last. */
static void transmit(struct sim *s)
{
    struct hostile *const h = hostile_of(s);
    const seq_t fin = hostile_fin(s);

    for (int n = 0; n < BURST && seq_le(h->snd_nxt, fin); n++) {
        const uint32_t left = (uint32_t)seq_diff(fin, h->snd_nxt);
        uint32_t len = room(h, h->snd_nxt);
        const uint32_t most = s->end[0].tcb.mss_announced;

        len = len < left ? len : left;
        len = len < most ? len : most;
        len = len < SEGMENT_MAX ? len : SEGMENT_MAX;
        if ((len == 0 && left != 0) || seq_diff(h->snd_nxt, h->snd_una) > BURST * SEGMENT_MAX) {
            break;
        }
        send_some(s, h->snd_nxt, len);
        h->snd_nxt += len + (len == left);
        h->snd_max = seq_max(h->snd_max, h->snd_nxt);
    }
    if (h->snd_una == fin + 1) {
        h->retransmit_at = USEC_NEVER;
    } else if (h->retransmit_at == USEC_NEVER) {
        h->retransmit_at = s->now + RETRANSMIT;
    }
}

static void retransmit(struct sim *s)
{
    struct hostile *const h = hostile_of(s);
    usec_t wait = RETRANSMIT;

    if (h->snd_wnd == 0 && h->open && s->end[0].tcb.end == END_NONE) {
        h->tries = 1; /* its probes are answered */
    }
    for (unsigned i = 0; i < h->tries && wait < RETRANSMIT_MAX; i++) {
        wait *= 2;
    }
    h->retransmit_at = s->now + wait;
    if (++h->tries > TRIES_MAX || s->end[0].tcb.end != END_NONE) {
        h->dead = true;
        return;
    }
    if (!h->open) {
        open_badly(s);
        send_syn(s);
        return;
    }
    h->snd_nxt = h->snd_una;
    if (room(h, h->snd_nxt) == 0) {
        /* a probe of one byte, or the FIN */
        send_some(s, h->snd_una, h->snd_una == hostile_fin(s) ? 0 : 1);
        return;
    }
    transmit(s);
}

/* ---- what arrives */

static void hold(struct hostile *h, seq_t left, seq_t right)
{
    if (h->held_count < HOSTILE_HELD) {
        h->held[h->held_count++] = (struct hostile_held){left, right};
    }
}

static void advance(struct hostile *h)
{
    bool again = true;

    while (again) {
        again = false;
        for (unsigned i = 0; i < h->held_count; i++) {
            if (seq_gt(h->held[i].left, h->rcv_nxt)) {
                continue;
            }
            h->rcv_nxt = seq_max(h->rcv_nxt, h->held[i].right);
            h->held[i] = h->held[--h->held_count];
            again = true;
            break;
        }
    }
    if (h->fin_seen && h->rcv_nxt == h->fin_at) {
        h->fin_received = true;
        h->rcv_nxt++;
    }
}

static void take_ack(struct sim *s, const struct segment *seg)
{
    struct hostile *const h = hostile_of(s);

    if (!(seg->flags & SEG_ACK) || seq_gt(seg->ack, hostile_fin(s) + 1)) {
        return;
    }
    if (seq_gt(seg->ack, h->snd_una)) {
        h->snd_una = seg->ack;
        h->snd_nxt = seq_max(h->snd_nxt, h->snd_una);
        h->tries = 0;
        h->retransmit_at = USEC_NEVER;
    }
    if (seq_ge(seg->ack, h->snd_una)) {
        h->snd_wnd = (uint32_t)seg->window << (seg->flags & SEG_SYN ? 0 : h->snd_scale);
    }
}

static void take_text(struct sim *s, const struct segment *seg)
{
    struct hostile *const h = hostile_of(s);
    const seq_t before = h->rcv_nxt;
    const seq_t end = seg->seq + seg->len;

    if (hostile_does(s, HABIT_LAZY)) {
        h->rcv_max = seq_max(h->rcv_max, end);
        hostile_acknowledge(s, before);
        return;
    }
    if (seg->flags & SEG_FIN) {
        h->fin_seen = true;
        h->fin_at = end;
    }
    if (seg->len > 0 && seq_gt(end, h->rcv_nxt)) {
        if (seq_le(seg->seq, h->rcv_nxt)) {
            h->rcv_nxt = end;
        } else {
            hold(h, seg->seq, end);
        }
    }
    advance(h);
    h->rcv_max = seq_max(seq_max(h->rcv_max, end), h->rcv_nxt);
    hostile_acknowledge(s, before);
}

static void take_syn(struct sim *s, const struct segment *seg)
{
    struct hostile *const h = hostile_of(s);
    const struct tcp_options *const mine = &s->p.told.syn.opt;
    const uint16_t both = seg->opt.present & mine->present;
    const bool scaled = both & OPT_WSCALE;

    h->irs = seg->seq;
    h->rcv_nxt = h->rcv_max = seg->seq + 1;
    h->use_ts = both & OPT_TIMESTAMPS;
    h->use_sack = both & OPT_SACK_PERMITTED;
    h->snd_scale = scaled ? seg->opt.wscale : 0;
    h->rcv_scale = scaled ? mine->wscale : 0;
    h->ts_recent = seg->opt.tsval;
    take_ack(s, seg);
    if (h->sent_syn && seg->flags & SEG_ACK) {
        struct segment ack = hostile_segment(s, SEG_ACK, h->snd_max, h->rcv_nxt);

        h->open = true;
        sim_link_send(s, 1, &ack);
        transmit(s);
        return;
    }
    open_badly(s);
    send_syn(s);
    h->retransmit_at = s->now + RETRANSMIT;
}

static void take(struct sim *s, const struct segment *seg)
{
    struct hostile *const h = hostile_of(s);

    if (h->dead || h->silent || seg->flags & SEG_RST) {
        return;
    }
    if (seg->flags & SEG_SYN) {
        if (!h->open) {
            take_syn(s, seg);
        } else {
            hostile_acknowledge(s, h->rcv_nxt);
        }
        return;
    }
    if (!h->sent_syn) {
        return;
    }
    if (seg->opt.present & OPT_TIMESTAMPS && seq_le(seg->seq, h->rcv_nxt)) {
        h->ts_recent = seg->opt.tsval;
    }
    take_ack(s, seg);
    if (seq_gt(h->snd_una, h->iss)) {
        h->open = true;
    }
    if (segment_seq_len(seg) > 0 || seq_lt(seg->seq, h->rcv_nxt)) {
        take_text(s, seg);
    } else if (hostile_does(s, HABIT_ZERO_ECHO) && rng_half(&h->rng)) {
        hostile_acknowledge(s, h->rcv_nxt);
    }
    if (h->open) {
        transmit(s);
    }
}

/* ---- its hooks */

static void begin(struct sim *s)
{
    struct hostile *const h = calloc(1, sizeof *h);

    if (h == NULL) {
        abort();
    }
    s->peer = h;
    rng_seed(&h->rng, s->p.seed ^ 0xbad);
    h->iss = s->p.told.syn.seq;
    h->snd_una = h->iss;
    h->snd_nxt = h->snd_max = h->iss + 1;
    h->ts_skew = s->p.told.syn.opt.tsval;
    h->retransmit_at = s->p.told.active ? 1 : USEC_NEVER;
    if (s->p.told.habits & HABIT_LIES) {
        sim_said(s, 0);
    }
    h->attack_at = s->p.told.every != 0 ? s->p.told.every : USEC_NEVER;
}

static bool over(const struct sim *s)
{
    return hostile_of(s)->dead || s->end[0].tcb.end != END_NONE;
}

static usec_t wake(const struct sim *s)
{
    const struct hostile *const h = hostile_of(s);
    usec_t at = h->retransmit_at;

    if (h->dead || (s->end[0].open && over(s))) {
        return USEC_NEVER;
    }
    if (h->silent) {
        return USEC_NEVER;
    }
    if (h->attack_at < at) {
        at = h->attack_at;
    }
    return at > s->now ? at : s->now;
}

static void act(struct sim *s)
{
    struct hostile *const h = hostile_of(s);

    if (h->dead || h->silent) {
        return;
    }
    if (s->now >= h->attack_at) {
        h->attack_at = s->now + 1 + rng_below(&h->rng, 2 * s->p.told.every);
        if (s->now >= s->p.told.until) {
            h->attack_at = USEC_NEVER;
        } else {
            hostile_attack(s);
        }
    }
    if (s->now >= h->retransmit_at) {
        retransmit(s);
    }
}

const struct sim_script hostile_script = {begin, take, wake, act};
