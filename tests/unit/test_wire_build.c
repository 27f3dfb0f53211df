/*
 * src/wire/packet.c, building: what a real kernel sends, what no header can say, and random
 * segments there and back.
 */
#include <stdlib.h>

#include "segcat/wire/packet.h"
#include "wire_helper.h"

static struct packet base(enum ip_version version)
{
    struct packet pkt = {
        .ip = {.version = (uint8_t)version, .ttl = 64, .flags = IP_FLAG_DF},
        .sport = 40000,
        .dport = 80,
        .seg = {.seq = 1, .ack = 2, .flags = SEG_ACK, .window = 3},
    };

    pkt.ip.src = pkt.ip.dst = (struct ip_addr){.version = (uint8_t)version, .bytes = {0x20, 1}};
    pkt.ip.dst.bytes[3] = 1;
    return pkt;
}

/* Builds and puts headers and payload together in a block of their own; returns its length. */
static size_t assemble(struct packet *pkt, bool partial, uint8_t **out)
{
    uint8_t headers[PACKET_HEADERS_MAX + 1];

    headers[PACKET_HEADERS_MAX] = 0xee;
    const size_t n = partial ? packet_build_partial(pkt, headers) : packet_build(pkt, headers);
    const size_t len = n + pkt->seg.data[0].len + pkt->seg.data[1].len;
    uint8_t *const p = malloc(len);

    assert_int_equal(headers[PACKET_HEADERS_MAX], 0xee);
    memcpy(p, headers, n);
    if (pkt->seg.data[0].len != 0) {
        memcpy(p + n, pkt->seg.data[0].data, pkt->seg.data[0].len);
    }
    if (pkt->seg.data[1].len != 0) {
        memcpy(p + n + pkt->seg.data[0].len, pkt->seg.data[1].data, pkt->seg.data[1].len);
    }
    *out = p;
    return len;
}

static void rebuild_captured(void **state)
{
    uint8_t p[100];
    struct packet pkt;

    (void)state;
    for (size_t i = 0; i < COUNT(captured_good) + COUNT(captured_partial); i++) {
        const bool partial = i >= COUNT(captured_good);
        const size_t len =
            unhex(partial ? captured_partial[i - COUNT(captured_good)] : captured_good[i], p);
        uint8_t *again;

        assert_int_equal(packet_parse(p, len, &pkt), PARSE_OK);
        assert_int_equal(assemble(&pkt, partial, &again), len);
        assert_memory_equal(again, p, len);
        assert_int_equal(pkt.checksum_verdict, partial ? CHECKSUM_PARTIAL : CHECKSUM_GOOD);
        free(again);
    }
}

/* From 64 KB, which a raw socket sees on loopback, to BIG TCP, whose length no header can say. */
static void huge(void **state)
{
    static const enum ip_version versions[] = {IP_V4, IP_V6};
    static const size_t totals[] = {65534, 65535, 65536, 65575, 65576, 70001, 500000};
    uint64_t seed = 64;
    uint8_t *const payload = malloc(500000);

    (void)state;
    random_bytes(&seed, payload, 500000);
    for (size_t v = 0; v < 2; v++) {
        for (size_t i = 0; i < COUNT(totals) * 2; i++) {
            const size_t headers = versions[v] == IP_V4 ? 40 : 60, total = totals[i / 2];
            struct packet in = base(versions[v]), out;
            uint8_t *p;

            in.seg.data[0] = (struct slice){payload, 33};
            in.seg.data[1] = (struct slice){payload + 33, total - headers - 33};
            assert_int_equal(assemble(&in, i & 1, &p), total);
            const unsigned field =
                versions[v] == IP_V4 ? (unsigned)p[2] << 8 | p[3] : (unsigned)p[4] << 8 | p[5];
            const size_t said = versions[v] == IP_V4 ? total : total - 40;

            assert_int_equal(field, said <= 65535 ? said : 0);
            assert_int_equal(packet_parse(p, total, &out), PARSE_OK);
            assert_int_equal(out.ip.total_len, total);
            assert_int_equal(out.seg.len, total - headers);
            assert_int_equal(out.checksum_verdict, i & 1 ? CHECKSUM_PARTIAL : CHECKSUM_GOOD);
            if ((i & 1) == 0) {
                const size_t ip = headers - 20;

                assert_int_equal(reference_sum(reference_pseudo(p, total - ip), p + ip, total - ip),
                                 0xffff);
            }
            free(p);
        }
    }
    free(payload);
}

static void random_segment(uint64_t *seed, struct packet *pkt, uint8_t *payload, size_t room)
{
    struct segment *const s = &pkt->seg;
    const size_t len = random_below(seed, 4) == 0 ? 0 : random_below(seed, (uint32_t)room);
    const size_t first = len == 0 ? 0 : random_below(seed, (uint32_t)len + 1);

    *pkt = base(random64(seed) & 1 ? IP_V4 : IP_V6);
    random_bytes(seed, pkt->ip.src.bytes + 1, ip_addr_len(pkt->ip.version) - 1);
    random_bytes(seed, pkt->ip.dst.bytes + 1, ip_addr_len(pkt->ip.version) - 1);
    pkt->ip.traffic = (uint8_t)random64(seed);
    pkt->ip.ttl = (uint8_t)random64(seed);
    pkt->ip.id = (uint16_t)random64(seed);
    pkt->ip.flow_label = random_below(seed, 1 << 20);
    pkt->sport = (uint16_t)random64(seed);
    pkt->dport = (uint16_t)random64(seed);
    s->seq = (uint32_t)random64(seed);
    s->ack = (uint32_t)random64(seed);
    s->flags = (uint16_t)random_below(seed, 0x200);
    s->window = (uint16_t)random64(seed);
    s->urgent = (uint16_t)random64(seed);
    s->ecn = (uint8_t)random_below(seed, 4);
    s->opt.present = (uint16_t)random_below(seed, OPT_UNKNOWN);
    s->opt.sack_count = (uint8_t)random_below(seed, SACK_BLOCKS_MAX + 1);
    s->opt.mss = (uint16_t)random64(seed);
    s->opt.wscale = (uint8_t)random64(seed);
    s->opt.tsval = (uint32_t)random64(seed);
    s->opt.tsecr = (uint32_t)random64(seed);
    random_bytes(seed, (uint8_t *)s->opt.sack, sizeof s->opt.sack);
    random_bytes(seed, payload, len);
    s->data[0] = (struct slice){first != 0 ? payload : NULL, first};
    s->data[1] = (struct slice){first != len ? payload + first : NULL, len - first};
}

static void compare(const struct packet *in, const struct packet *out)
{
    const struct segment *const a = &in->seg, *const b = &out->seg;

    assert_true(ip_addr_equal(&in->ip.src, &out->ip.src));
    assert_true(ip_addr_equal(&in->ip.dst, &out->ip.dst));
    assert_int_equal(in->ip.version, out->ip.version);
    assert_int_equal(in->ip.header_len, out->ip.header_len);
    assert_int_equal(in->ip.total_len, out->ip.total_len);
    assert_int_equal(in->ip.traffic, out->ip.traffic);
    assert_int_equal(in->ip.ttl, out->ip.ttl);
    assert_int_equal(in->ip.protocol, out->ip.protocol);
    assert_int_equal(in->ip.checksum, out->ip.checksum);
    assert_int_equal(in->ip.checksum_verdict, out->ip.checksum_verdict);
    if (in->ip.version == IP_V4) {
        assert_int_equal(in->ip.id, out->ip.id);
        assert_int_equal(in->ip.flags, out->ip.flags);
    } else {
        assert_int_equal(in->ip.flow_label, out->ip.flow_label);
    }
    assert_int_equal(in->sport, out->sport);
    assert_int_equal(in->dport, out->dport);
    assert_int_equal(in->tcp_header_len, out->tcp_header_len);
    assert_int_equal(in->options_len, out->options_len);
    assert_int_equal(in->checksum, out->checksum);
    assert_int_equal(in->checksum_verdict, out->checksum_verdict);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->flags & SEG_ACK ? a->ack : 0, b->ack);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->window, b->window);
    assert_int_equal(a->urgent, b->urgent);
    assert_int_equal(a->ecn, b->ecn);
    assert_int_equal(a->len, b->len);
    assert_int_equal(a->opt.present & ~(a->opt.sack_count ? 0 : OPT_SACK), b->opt.present);
}

static void round_trips(void **state)
{
    uint64_t seed = 793;
    uint8_t *const payload = malloc(3000);

    (void)state;
    for (int i = 0; i < 60000; i++) {
        struct packet in, out;
        uint8_t *p;

        random_segment(&seed, &in, payload, i % 16 ? 100 : 3000);
        const size_t len = assemble(&in, false, &p);
        const size_t ip = in.ip.header_len;

        assert_int_equal(reference_sum(reference_pseudo(p, len - ip), p + ip, len - ip), 0xffff);
        if (ip == 20) {
            assert_int_equal(reference_sum(0, p, 20), 0xffff);
        }
        assert_int_equal(packet_parse(p, len, &out), PARSE_OK);
        compare(&in, &out);
        assert_memory_equal(p + len - out.seg.len, out.seg.data[0].data, out.seg.len);
        assert_memory_equal(payload, out.seg.data[0].data, out.seg.len);
        free(p);
    }
    free(payload);
}

static void partial_round_trips(void **state)
{
    uint64_t seed = 5;
    uint8_t payload[200];
    int good = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct packet in, out;
        uint8_t *p;

        random_segment(&seed, &in, payload, sizeof payload);
        const size_t len = assemble(&in, true, &p);

        assert_int_equal(in.checksum, reference_pseudo(p, len - in.ip.header_len));
        assert_int_equal(packet_parse(p, len, &out), PARSE_OK);
        good += out.checksum_verdict == CHECKSUM_GOOD; /* by chance, one in 65536 */
        if (out.checksum_verdict != CHECKSUM_GOOD) {
            compare(&in, &out);
        }
        free(p);
    }
    assert_true(good < 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("captured packets are built again byte for byte", rebuild_captured),
        TEST("64 KB segments and BIG TCP are built and read", huge),
        TEST("MUST-2 MUST-3 random segments of both families round trip", round_trips),
        TEST("random segments with a partial checksum round trip", partial_round_trips),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
