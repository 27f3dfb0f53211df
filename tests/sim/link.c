/*
 * The simulated link: packets on their way, in a heap by arrival time, and everything that a
 * network does to them. Owns the packets; touches nothing of the ends but the tcb's word on ICMP.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "segcat/wire/options.h"
#include "sim.h"

void sim_link_init(struct sim_link *l, const struct sim_link_params *p)
{
    memset(l, 0, sizeof *l);
    l->p = *p;
}

/* ---- the heap */

static bool earlier(const struct sim_packet *a, const struct sim_packet *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void heap_push(struct sim *s, struct sim_packet *pkt)
{
    if (s->heap_count == s->heap_max) {
        s->heap_max = s->heap_max == 0 ? 64 : s->heap_max * 2;
        s->heap = realloc(s->heap, s->heap_max * sizeof(struct sim_packet *));
        if (s->heap == NULL) {
            abort();
        }
    }
    size_t i = s->heap_count++;

    while (i > 0 && earlier(pkt, s->heap[(i - 1) / 2])) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = pkt;
}

const struct sim_packet *sim_link_head(const struct sim *s)
{
    return s->heap_count == 0 ? NULL : s->heap[0];
}

struct sim_packet *sim_link_take(struct sim *s)
{
    struct sim_packet *const top = s->heap[0];
    struct sim_packet *const last = s->heap[--s->heap_count];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= s->heap_count) {
            break;
        }
        if (child + 1 < s->heap_count && earlier(s->heap[child + 1], s->heap[child])) {
            child++;
        }
        if (!earlier(s->heap[child], last)) {
            break;
        }
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    return top;
}

/* ---- segments and bytes */

static void gather(const struct segment *seg, uint8_t *to)
{
    if (seg->data[0].len != 0) {
        memcpy(to, seg->data[0].data, seg->data[0].len);
    }
    if (seg->data[1].len != 0) {
        memcpy(to + seg->data[0].len, seg->data[1].data, seg->data[1].len);
    }
}

/* One bit: the checksums find each of them, so that what gets through is a bug of the codec's. */
static void flip_bit(struct sim *s, uint8_t *p, size_t len, size_t ip_header)
{
    /* IPv6 protects its header by the pseudo-header only; the first byte of IPv4 says how to
     * read it. */
    const size_t from = s->p.v6 ? ip_header : 2;
    const size_t at = from + (size_t)rng_below(&s->rng, len - from);

    p[at] = (uint8_t)(p[at] ^ 1U << rng_below(&s->rng, 8));
}

static struct sim_packet *encode(struct sim *s, int from, const struct segment *seg, bool corrupt)
{
    struct packet pkt;
    uint8_t head[PACKET_HEADERS_MAX];

    memset(&pkt, 0, sizeof pkt);
    pkt.ip.version = s->p.v6 ? IP_V6 : IP_V4;
    pkt.ip.src = s->end[from].addr.ip;
    pkt.ip.dst = s->end[1 - from].addr.ip;
    pkt.ip.ttl = 64;
    pkt.ip.flags = IP_FLAG_DF;
    pkt.sport = s->end[from].addr.port;
    pkt.dport = s->end[1 - from].addr.port;
    pkt.seg = *seg;
    const size_t head_len = packet_build(&pkt, head);
    struct sim_packet *const out = malloc(sizeof *out + head_len + seg->len);

    if (out == NULL) {
        abort();
    }
    memset(out, 0, sizeof *out);
    out->len = head_len + seg->len;
    memcpy(out->bytes, head, head_len);
    gather(seg, out->bytes + head_len);
    if (corrupt) {
        flip_bit(s, out->bytes, out->len, pkt.ip.header_len);
    }
    return out;
}

static struct sim_packet *copy(const struct segment *seg)
{
    struct sim_packet *const out = malloc(sizeof *out + seg->len);

    if (out == NULL) {
        abort();
    }
    memset(out, 0, sizeof *out);
    out->len = seg->len;
    gather(seg, out->bytes);
    return out;
}

static bool same_options(const struct tcp_options *a, const struct tcp_options *b)
{
    if (a->present != b->present) {
        return false;
    }
    if ((a->present & OPT_MSS && a->mss != b->mss) ||
        (a->present & OPT_WSCALE && a->wscale != b->wscale) ||
        (a->present & OPT_TIMESTAMPS && (a->tsval != b->tsval || a->tsecr != b->tsecr))) {
        return false;
    }
    if (a->present & OPT_SACK) {
        if (a->sack_count != b->sack_count) {
            return false;
        }
        for (int i = 0; i < a->sack_count; i++) {
            if (a->sack[i].left != b->sack[i].left || a->sack[i].right != b->sack[i].right) {
                return false;
            }
        }
    }
    return true;
}

static bool decode(struct sim *s, struct sim_packet *pkt)
{
    struct packet parsed;
    const enum parse_verdict v = packet_parse(pkt->bytes, pkt->len, &parsed);
    const bool good = v == PARSE_OK && parsed.checksum_verdict == CHECKSUM_GOOD;

    if (pkt->corrupted) {
        SIM_CHECK(s, INV_CODEC, !good, "a corrupted packet was taken for a good one");
        return false;
    }
    SIM_CHECK(s, INV_CODEC, good, "a good packet was taken for a bad one: %s, checksum %d",
              packet_parse_text(v), (int)parsed.checksum_verdict);
    const struct segment *const a = &pkt->seg;
    const struct segment *const b = &parsed.seg;

    SIM_CHECK(s, INV_CODEC,
              a->seq == b->seq && a->ack == b->ack && a->flags == b->flags && a->ecn == b->ecn &&
                  a->window == b->window && a->urgent == b->urgent && a->len == b->len,
              "parsing does not give back the header that was built");
    SIM_CHECK(s, INV_CODEC, same_options(&a->opt, &b->opt),
              "parsing does not give back the options that were built");
    pkt->seg = parsed.seg;
    return true;
}

bool sim_link_receive(struct sim *s, struct sim_packet *pkt)
{
    bool good = !pkt->corrupted;

    if (s->p.codec) {
        good = decode(s, pkt);
    } else {
        pkt->seg.data[0] = (struct slice){pkt->bytes, pkt->len};
        pkt->seg.data[1] = (struct slice){NULL, 0};
    }
    pkt->seg.gso_size = 0;
    return good;
}

/* ---- what happens to a packet */

static enum sim_fate picked(const struct sim_link *l, usec_t *by)
{
    for (int i = 0; i < SIM_PICKS; i++) {
        if (l->p.pick[i].fate != FATE_PASS && l->p.pick[i].nth == l->count) {
            *by = l->p.pick[i].by;
            return l->p.pick[i].fate;
        }
    }
    return FATE_PASS;
}

static bool is_lost(struct sim *s, struct sim_link *l)
{
    if (l->burst_left > 0) {
        l->burst_left--;
        return true;
    }
    if (rng_ppm(&s->rng, l->p.burst)) {
        l->burst_left = (unsigned)rng_range(&s->rng, 1, 2 * (uint64_t)l->p.burst_len);
        l->burst_left--;
        return true;
    }
    return rng_ppm(&s->rng, l->p.loss);
}

static size_t packet_size(const struct sim *s, const struct segment *seg)
{
    return (s->p.v6 ? 40U : 20U) + TCP_HEADER_MIN + tcp_options_len(&seg->opt) + seg->len;
}

/* How many bytes wait before the next packet. */
static uint64_t waiting_bytes(const struct sim *s, const struct sim_link *l)
{
    return l->free_at > s->now ? (l->free_at - s->now) * l->p.rate / USEC_SEC : 0;
}

/* RFC 3168 section 5: a router that is congested says so in what is ECT. */
static void mark(struct sim *s, struct sim_link *l, struct segment *seg)
{
    const bool full = l->p.mark != 0 && waiting_bytes(s, l) > l->p.mark;

    if (seg->ecn != ECN_NOT_ECT && (full || rng_ppm(&s->rng, l->p.mark_any))) {
        seg->ecn = ECN_CE;
        l->marked++;
    }
}

/* When the last bit of a packet has left the sender, or USEC_NEVER if the queue has no room for
 * it. */
static usec_t depart(struct sim *s, struct sim_link *l, size_t size)
{
    if (l->p.rate == 0) {
        return s->now;
    }
    const usec_t start = l->free_at > s->now ? l->free_at : s->now;
    const uint64_t waiting = waiting_bytes(s, l);

    if (l->p.queue != 0 && waiting + size > l->p.queue && waiting > 0) {
        return USEC_NEVER;
    }
    l->free_at = start + (size * USEC_SEC + l->p.rate - 1) / l->p.rate;
    return l->free_at;
}

static void enqueue(struct sim *s, int from, const struct segment *seg, usec_t at, bool corrupt)
{
    struct sim_packet *const pkt = s->p.codec ? encode(s, from, seg, corrupt) : copy(seg);

    pkt->at = at;
    pkt->order = s->order++;
    pkt->to = 1 - from;
    pkt->corrupted = corrupt;
    pkt->seg = *seg;
    heap_push(s, pkt);
}

/* RFC 1191: a router's answer, on the same way back. */
static void send_too_big(struct sim *s, int from, const struct segment *seg, uint32_t mtu)
{
    struct segment quoted = *seg;

    quoted.data[0] = quoted.data[1] = (struct slice){NULL, 0};
    quoted.len = 0;
    struct sim_packet *const pkt = copy(&quoted);

    pkt->at = s->now + s->link[from].p.delay + 1;
    pkt->order = s->order++;
    pkt->to = from;
    pkt->too_big = mtu;
    pkt->seg = quoted;
    heap_push(s, pkt);
}

/* What became of a packet that did not just pass. */
static void tell(struct sim *s, int from, const struct segment *seg, const char *fate)
{
    if (s->trace) {
        sim_print_note(s, from, "the link, packet %u (%" PRIu32 " bytes): %s", s->link[from].count,
                       seg->len, fate);
    }
}

static bool too_big(const struct sim *s, const struct sim_link *l, size_t size)
{
    return l->p.mtu != 0 && s->now >= l->p.mtu_from && size > l->p.mtu && !l->p.whole_chunks;
}

static void send_one(struct sim *s, int from, struct segment *seg)
{
    struct sim_link *const l = &s->link[from];
    const size_t size = packet_size(s, seg);
    usec_t by = 0;

    l->count++;
    if (too_big(s, l, size)) {
        l->too_big++;
        tell(s, from, seg, l->p.black_hole ? "too big, and nobody says so" : "too big");
        if (!l->p.black_hole) {
            send_too_big(s, from, seg, l->p.mtu);
        }
        return;
    }
    mark(s, l, seg);
    const enum sim_fate fate = picked(l, &by);
    const usec_t left = depart(s, l, size);

    if (left == USEC_NEVER) {
        l->overflowed++;
        tell(s, from, seg, "queue full");
        return;
    }
    if (fate == FATE_DROP || is_lost(s, l)) {
        l->lost++;
        tell(s, from, seg, "lost");
        return;
    }
    const bool corrupt = fate == FATE_CORRUPT || rng_ppm(&s->rng, l->p.corrupt);
    usec_t at = left + l->p.delay + (usec_t)rng_below(&s->rng, l->p.jitter + 1);

    l->corrupted += corrupt;
    if (fate == FATE_DELAY) {
        at += by;
        l->reordered++;
        tell(s, from, seg, "delayed");
    } else if (rng_ppm(&s->rng, l->p.reorder)) {
        at += (usec_t)rng_below(&s->rng, l->p.reorder_by + 1);
        l->reordered++;
        tell(s, from, seg, "held back");
    } else {
        /* jitter does not change the order */
        at = at > l->last_arrival ? at : l->last_arrival;
        l->last_arrival = at;
        if (corrupt) {
            tell(s, from, seg, "corrupted");
        }
    }
    enqueue(s, from, seg, at, corrupt);
    if (fate == FATE_DUPLICATE || rng_ppm(&s->rng, l->p.duplicate)) {
        l->duplicated++;
        tell(s, from, seg, "again");
        enqueue(s, from, seg, at + (usec_t)rng_below(&s->rng, l->p.jitter + 1000), false);
    }
}

static struct segment cut(const struct segment *seg, uint32_t offset, uint32_t len)
{
    struct segment out = *seg;
    const uint32_t first = (uint32_t)seg->data[0].len;

    out.seq = seg->seq + offset;
    out.len = len;
    out.gso_size = 0;
    if (offset >= first) {
        out.data[0] = (struct slice){seg->data[1].data + (offset - first), len};
        out.data[1] = (struct slice){NULL, 0};
    } else {
        const uint32_t a = len < first - offset ? len : first - offset;

        out.data[0] = (struct slice){seg->data[0].data + offset, a};
        out.data[1] = (struct slice){len > a ? seg->data[1].data : NULL, len - a};
    }
    /* What an offload does: the end's flags on the last, CWR on the first only. */
    if (offset + len < seg->len) {
        out.flags = (uint16_t)(out.flags & ~(SEG_FIN | SEG_PSH));
    }
    if (offset > 0) {
        out.flags = (uint16_t)(out.flags & ~SEG_CWR);
    }
    return out;
}

void sim_link_send(struct sim *s, int from, const struct segment *seg)
{
    if (seg->gso_size == 0 || seg->len <= seg->gso_size || s->link[from].p.whole_chunks) {
        struct segment one = *seg;

        one.gso_size = 0;
        send_one(s, from, &one);
        return;
    }
    for (uint32_t at = 0; at < seg->len; at += seg->gso_size) {
        const uint32_t left = seg->len - at;
        struct segment piece = cut(seg, at, left < seg->gso_size ? left : seg->gso_size);

        send_one(s, from, &piece);
    }
}
