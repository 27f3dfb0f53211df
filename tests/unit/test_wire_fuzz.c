/*
 * The parser under changed bytes, a few hundred thousand times under a fixed seed: nothing is read
 * outside (run it with sanitizers), nothing points outside, and what is accepted can be built
 * again.
 */
#include <stdlib.h>

#include "segcat/wire/packet.h"
#include "wire_helper.h"

#define ROUNDS 400000

/* Starting points: captured packets, and one with IPv6 extension headers and all options. */
static const char v6_extended[] =
    "6000000000440040fd000000000000000000000000000001fd000000000000000000000000000002"
    "2b00010400000000 3c00000000000000 0600010400000000"
    "b8e813883b84586bde08f88ab0180040000000000101080a174f9d21013b250e"
    "0101050a0000000100000002 70696e67";

static size_t seed_packet(uint64_t *seed, uint8_t *p)
{
    static const char *const all[] = {v4_syn, v4_data, v6_syn, v6_data, v6_extended};

    return unhex(all[random_below(seed, COUNT(all))], p);
}

static void check_inside(const struct packet *pkt, const uint8_t *p, size_t len)
{
    const struct slice d = pkt->seg.data[0];

    assert_true(pkt->ip.total_len <= len);
    assert_true(d.data >= p && d.data <= p + len && d.len <= (size_t)(p + len - d.data));
    assert_true(pkt->options >= p && pkt->options <= p + len);
    assert_true(pkt->options_len <= TCP_OPTIONS_MAX && pkt->options + pkt->options_len == d.data);
    assert_true(pkt->seg.data[1].len == 0 && pkt->seg.len == d.len);
    assert_true(pkt->seg.opt.sack_count <= SACK_BLOCKS_MAX);
    assert_true(pkt->seg.flags <= 0x1ff && pkt->seg.ecn <= 3);
    assert_true(pkt->checksum_verdict != CHECKSUM_UNCHECKED);
}

/* What was understood of a segment is understood again after building it. */
static void check_again(struct packet pkt)
{
    uint8_t buf[PACKET_HEADERS_MAX + 300];
    struct packet again;
    const struct packet was = pkt;
    const size_t n = packet_build(&pkt, buf);

    assert_true(n <= PACKET_HEADERS_MAX && pkt.seg.len <= 300);
    memcpy(buf + n, pkt.seg.data[0].data, pkt.seg.len);
    const enum parse_verdict v = packet_parse(buf, n + pkt.seg.len, &again);

    assert_int_equal(v, PARSE_OK);
    assert_int_equal(again.checksum_verdict, CHECKSUM_GOOD);
    assert_int_equal(again.seg.seq, was.seg.seq);
    assert_int_equal(again.seg.flags, was.seg.flags);
    assert_int_equal(again.seg.len, was.seg.len);
    assert_int_equal(again.seg.opt.present, was.seg.opt.present & ~(OPT_UNKNOWN | OPT_MALFORMED));
}

static void one_round(uint64_t *seed, bool seal, unsigned *accepted)
{
    uint8_t bytes[300] = {0};
    struct packet pkt;
    size_t len = seed_packet(seed, bytes);

    for (uint32_t n = 1 + random_below(seed, 6); n > 0; n--) {
        const size_t at = random_below(seed, (uint32_t)len);

        if (random64(seed) & 1) {
            bytes[at] = (uint8_t)random64(seed);
        } else {
            bytes[at] ^= (uint8_t)(1u << random_below(seed, 8));
        }
    }
    if (random_below(seed, 8) == 0) {
        len = random_below(seed, (uint32_t)len + 40);
    }
    if (seal && bytes[0] >> 4 == 4 && len >= 60) { /* or else the IP checksum shields the rest */
        bytes[0] = 0x45;
        reference_seal(bytes, len);
    }
    uint8_t *const exact = malloc(len + 1);

    memcpy(exact + 1, bytes, len);
    memset(&pkt, 0xa5, sizeof pkt);
    const enum parse_verdict v = packet_parse(exact + 1, len, &pkt);

    if (v == PARSE_OK || v == PARSE_BAD_ADDRESS) {
        check_inside(&pkt, exact + 1, len);
    }
    if (v == PARSE_OK) {
        check_again(pkt);
        ++*accepted;
    }
    free(exact);
}

static void changed_bytes(void **state)
{
    uint64_t seed = 20220817;
    unsigned accepted = 0;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        one_round(&seed, i & 1, &accepted);
    }
    assert_true(accepted > ROUNDS / 10); /* it did not just knock at the door */
}

static void noise(void **state)
{
    uint64_t seed = 42;

    (void)state;
    for (int i = 0; i < ROUNDS / 2; i++) {
        const size_t len = random_below(&seed, 120);
        uint8_t *const p = malloc(len + 1);
        struct packet pkt = {.ip = {.version = i & 1 ? IP_V4 : IP_V6}};

        random_bytes(&seed, p, len);
        pkt.ip.src.version = pkt.ip.dst.version = pkt.ip.version;
        pkt.ip.src.bytes[0] = pkt.ip.dst.bytes[0] = 1;
        if (packet_parse_tcp(p, len, &pkt) == PARSE_OK) {
            assert_int_equal(pkt.tcp_header_len + pkt.seg.len, len);
            assert_true(pkt.seg.data[0].data + pkt.seg.data[0].len == p + len);
        }
        packet_parse(p, len, &pkt);
        free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("changed bytes never lead outside of the packet", changed_bytes),
        TEST("noise never leads outside of the packet", noise),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
