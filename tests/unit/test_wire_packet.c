/*
 * src/wire/packet.c, parsing: packets from a real kernel, and packets broken in every way.
 */
#include "segcat/wire/packet.h"

#include <stdlib.h>

#include "wire_helper.h"

#define OUT_OF(p, base, len) ((p) < (base) || (p) > (base) + (len))

/* Parses a copy in a heap block of exactly len bytes, and checks that nothing points out of it. */
static enum parse_verdict parse_exact(const uint8_t *p, size_t len, struct packet *out)
{
    uint8_t *const exact = malloc(len + 1);

    memcpy(exact + 1, p, len); /* and not aligned */
    memset(out, 0xa5, sizeof *out);
    const enum parse_verdict v = packet_parse(exact + 1, len, out);

    if (v == PARSE_OK || v == PARSE_BAD_ADDRESS) {
        const struct slice *const d = out->seg.data;

        assert_false(OUT_OF(d[0].data, exact + 1, len));
        assert_true(d[0].len <= (size_t)(exact + 1 + len - d[0].data));
        assert_int_equal(d[1].len, 0);
        assert_int_equal(out->seg.len, d[0].len);
        assert_false(OUT_OF(out->options, exact + 1, len));
        assert_ptr_equal(out->options + out->options_len, d[0].data);
        assert_int_equal(out->ip.total_len,
                         out->ip.header_len + out->tcp_header_len + out->seg.len);
    }
    free(exact);
    return v;
}

static void expect(const uint8_t *p, size_t len, enum parse_verdict want)
{
    struct packet pkt;

    assert_string_equal(packet_parse_text(parse_exact(p, len, &pkt)), packet_parse_text(want));
}

static void captured_syn(void **state)
{
    uint8_t p[100];
    struct packet pkt;
    const size_t len = unhex(v4_syn, p);

    (void)state;
    assert_int_equal(parse_exact(p, len, &pkt), PARSE_OK);
    assert_int_equal(pkt.ip.version, IP_V4);
    assert_int_equal(pkt.ip.header_len, 20);
    assert_int_equal(pkt.ip.total_len, 60);
    assert_int_equal(pkt.ip.ttl, 64);
    assert_int_equal(pkt.ip.flags, IP_FLAG_DF);
    assert_int_equal(pkt.ip.id, 0xcd27);
    assert_int_equal(pkt.ip.checksum, 0x5990);
    assert_int_equal(pkt.ip.checksum_verdict, CHECKSUM_GOOD);
    assert_memory_equal(pkt.ip.src.bytes, "\x0a\x01\x00\x01\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_int_equal(pkt.ip.dst.version, IP_V4);
    assert_int_equal(pkt.sport, 34512);
    assert_int_equal(pkt.dport, 5000);
    assert_int_equal(pkt.tcp_header_len, 40);
    assert_int_equal(pkt.checksum, 0xe8b4);
    assert_int_equal(pkt.checksum_verdict, CHECKSUM_GOOD);
    assert_int_equal(pkt.options_len, 20);
    assert_int_equal(pkt.ifindex, 0);
    assert_int_equal(pkt.seg.seq, 0xa1575b8b);
    assert_int_equal(pkt.seg.ack, 0);
    assert_int_equal(pkt.seg.flags, SEG_SYN);
    assert_int_equal(pkt.seg.window, 64240);
    assert_int_equal(pkt.seg.opt.mss, 1460);
    assert_int_equal(pkt.seg.len, 0);
    assert_int_equal(pkt.seg.gso_size, 0);
    assert_int_equal(segment_seq_len(&pkt.seg), 1);
}

static void captured_v6(void **state)
{
    uint8_t p[100];
    struct packet pkt;
    const size_t len = unhex(v6_data, p);

    (void)state;
    assert_int_equal(packet_parse(p, len, &pkt), PARSE_OK);
    assert_int_equal(pkt.ip.version, IP_V6);
    assert_int_equal(pkt.ip.header_len, 40);
    assert_int_equal(pkt.ip.total_len, 76);
    assert_int_equal(pkt.ip.flow_label, 0x23245);
    assert_int_equal(pkt.ip.dst.bytes[15], 2);
    assert_int_equal(pkt.checksum_verdict, CHECKSUM_GOOD);
    assert_int_equal(pkt.seg.flags, SEG_PSH | SEG_ACK);
    assert_int_equal(pkt.seg.ack, 0xde08f88a);
    assert_int_equal(pkt.seg.len, 4);
    assert_memory_equal(pkt.seg.data[0].data, "ping", 4);
    assert_ptr_equal(pkt.seg.data[0].data, p + 72);
}

static void captured_verdicts(void **state)
{
    uint8_t p[100];
    struct packet pkt;

    (void)state;
    for (size_t i = 0; i < COUNT(captured_good); i++) {
        const size_t len = unhex(captured_good[i], p);

        assert_int_equal(parse_exact(p, len, &pkt), PARSE_OK);
        assert_int_equal(pkt.checksum_verdict, CHECKSUM_GOOD);
        p[len - 1] ^= 1;
        assert_int_equal(parse_exact(p, len, &pkt), PARSE_OK);
        assert_int_equal(pkt.checksum_verdict, CHECKSUM_BAD);
    }
    for (size_t i = 0; i < COUNT(captured_partial); i++) {
        const size_t len = unhex(captured_partial[i], p);

        assert_int_equal(parse_exact(p, len, &pkt), PARSE_OK);
        assert_int_equal(pkt.checksum_verdict, CHECKSUM_PARTIAL);
        p[len - 1] ^= 1; /* nobody can see this */
        assert_int_equal(parse_exact(p, len, &pkt), PARSE_OK);
        assert_int_equal(pkt.checksum_verdict, CHECKSUM_PARTIAL);
        p[(p[0] >> 4 == 4 ? 20 : 40) + 17] ^= 1;
        assert_int_equal(parse_exact(p, len, &pkt), PARSE_OK);
        assert_int_equal(pkt.checksum_verdict, CHECKSUM_BAD);
    }
}

/* One segment in 65536 verifies and looks unfinished: fill two bytes so that this one does. */
static void good_before_partial(void **state)
{
    uint8_t p[100];
    struct packet pkt;
    const size_t len = unhex(v4_data, p), tcp = 20;

    (void)state;
    const uint16_t partial = reference_pseudo(p, len - tcp);

    p[tcp + 16] = (uint8_t)(partial >> 8);
    p[tcp + 17] = (uint8_t)partial;
    p[len - 2] = p[len - 1] = 0;
    const uint16_t rest = (uint16_t)~reference_sum(partial, p + tcp, len - tcp);

    p[len - 2] = (uint8_t)(rest >> 8);
    p[len - 1] = (uint8_t)rest;
    assert_int_equal(packet_parse(p, len, &pkt), PARSE_OK);
    assert_int_equal(pkt.checksum, partial);
    assert_int_equal(pkt.checksum_verdict, CHECKSUM_GOOD);
}

static void known_verdict(void **state)
{
    uint8_t p[100];
    struct packet pkt;
    const size_t len = unhex(v4_data, p);

    (void)state;
    p[len - 1] ^= 1;
    assert_int_equal(packet_parse_known(p, len, CHECKSUM_GOOD, &pkt), PARSE_OK);
    assert_int_equal(pkt.checksum_verdict, CHECKSUM_GOOD);
    assert_int_equal(packet_parse_known(p, len, CHECKSUM_PARTIAL, &pkt), PARSE_OK);
    assert_int_equal(pkt.checksum_verdict, CHECKSUM_PARTIAL);
    assert_int_equal(packet_parse_known(p, len, CHECKSUM_UNCHECKED, &pkt), PARSE_OK);
    assert_int_equal(pkt.checksum_verdict, CHECKSUM_BAD);
}

static void without_ip_header(void **state)
{
    uint8_t p[100];
    struct packet whole, bare;
    const size_t len = unhex(v6_data, p);

    (void)state;
    assert_int_equal(packet_parse(p, len, &whole), PARSE_OK);
    memset(&bare, 0xa5, sizeof bare);
    bare.ip = (struct ip_header){.version = IP_V6, .ttl = 64, .traffic = ECN_CE};
    bare.ip.src = whole.ip.src;
    bare.ip.dst = whole.ip.dst;
    assert_int_equal(packet_parse_tcp(p + 40, len - 40, &bare), PARSE_OK);
    assert_int_equal(bare.checksum_verdict, CHECKSUM_GOOD);
    assert_int_equal(bare.ip.header_len, 40);
    assert_int_equal(bare.ip.total_len, len);
    assert_int_equal(bare.ip.protocol, 6);
    assert_int_equal(bare.ip.ttl, 64);
    assert_int_equal(bare.seg.ecn, ECN_CE);
    assert_int_equal(bare.seg.seq, whole.seg.seq);
    assert_int_equal(bare.seg.len, 4);
    assert_int_equal(bare.seg.data[1].len, 0);
    assert_int_equal(packet_parse_tcp(p + 40, 19, &bare), PARSE_TOO_SHORT);
    bare.ip.dst.bytes[0] = 0xff;
    assert_int_equal(packet_parse_tcp(p + 40, len - 40, &bare), PARSE_BAD_ADDRESS);
    bare.ip.version = IP_NONE;
    assert_int_equal(packet_parse_tcp(p + 40, len - 40, &bare), PARSE_BAD_VERSION);
}

static void truncation(void **state)
{
    uint8_t p[100];

    (void)state;
    for (size_t i = 0; i < COUNT(captured_good); i++) {
        const size_t len = unhex(captured_good[i], p);

        for (size_t n = 0; n < len; n++) {
            const size_t header = p[0] >> 4 == 4 ? 20 : 40;

            expect(p, n, n < header ? PARSE_TOO_SHORT : PARSE_BAD_IP_LENGTH);
        }
        expect(p, len, PARSE_OK);
    }
}

/* The same, when the IP header agrees with the cut. */
static void honest_truncation(void **state)
{
    uint8_t p[100];

    (void)state;
    for (size_t i = 0; i < COUNT(captured_good); i++) {
        const size_t len = unhex(captured_good[i], p), ip = p[0] >> 4 == 4 ? 20 : 40;
        const size_t tcp = (size_t)(p[ip + 12] >> 4) * 4;

        for (size_t n = ip + (ip == 40); n <= len; n++) {
            unhex(captured_good[i], p);
            p[ip == 20 ? 3 : 5] = (uint8_t)(ip == 20 ? n : n - 40);
            if (n >= ip + 20) {
                reference_seal(p, n);
            } else if (ip == 20) {
                p[10] = p[11] = 0;
                const uint16_t sum = (uint16_t)~reference_sum(0, p, 20);

                p[10] = (uint8_t)(sum >> 8);
                p[11] = (uint8_t)sum;
            }
            expect(p, n,
                   n < ip + 20    ? PARSE_TOO_SHORT
                   : n < ip + tcp ? PARSE_BAD_OFFSET
                                  : PARSE_OK);
        }
    }
}

static void padding(void **state)
{
    uint8_t p[120];
    struct packet pkt;

    (void)state;
    for (size_t i = 0; i < COUNT(captured_good); i++) {
        memset(p, 0xee, sizeof p);
        const size_t len = unhex(captured_good[i], p);

        for (size_t pad = 1; pad < 20; pad++) {
            assert_int_equal(parse_exact(p, len + pad, &pkt), PARSE_OK);
            assert_int_equal(pkt.ip.total_len, len);
            assert_int_equal(pkt.checksum_verdict, CHECKSUM_GOOD);
        }
    }
}

static void versions(void **state)
{
    uint8_t p[100];
    const size_t len = unhex(v4_data, p);

    (void)state;
    for (unsigned version = 0; version < 16; version++) {
        if (version != 4 && version != 6) {
            p[0] = (uint8_t)(version << 4 | 5);
            expect(p, len, PARSE_BAD_VERSION);
        }
    }
}

static void ip_lengths(void **state)
{
    uint8_t p[100];
    size_t len = unhex(v4_data, p);

    (void)state;
    for (uint8_t ihl = 0; ihl < 5; ihl++) {
        p[0] = 0x40 | ihl;
        expect(p, len, PARSE_BAD_IP_LENGTH);
    }
    p[0] = 0x4f; /* longer than what arrived */
    expect(p, len, PARSE_BAD_IP_LENGTH);
    p[0] = 0x45;
    for (uint8_t total = 1; total < 20; total++) {
        p[3] = total;
        expect(p, len, PARSE_BAD_IP_LENGTH);
    }
    p[3] = (uint8_t)(len + 1);
    expect(p, len, PARSE_BAD_IP_LENGTH);
    len = unhex(v6_data, p);
    p[5]++;
    expect(p, len, PARSE_BAD_IP_LENGTH);
    p[4] = 0xff;
    expect(p, len, PARSE_BAD_IP_LENGTH);
}

static void ip_checksum(void **state)
{
    uint8_t p[100];
    const size_t len = unhex(v4_data, p);

    (void)state;
    for (size_t i = 8; i < 20; i++) { /* TTL, checksum, addresses */
        if (i != 9) {
            p[i] ^= 0x10;
            expect(p, len, PARSE_BAD_IP_SUM);
            p[i] ^= 0x10;
        }
    }
}

static void ip_options(void **state)
{
    uint8_t in[100], p[140];
    struct packet pkt;
    const size_t len = unhex(v4_data, in);

    (void)state;
    for (size_t words = 1; words <= 10; words++) {
        memcpy(p, in, 20);
        memset(p + 20, 0x9e, words * 4); /* an option that nobody knows, of impossible length */
        memcpy(p + 20 + words * 4, in + 20, len - 20);
        p[0] = (uint8_t)(0x45 + words);
        p[3] = (uint8_t)(len + words * 4);
        p[10] = p[11] = 0;
        const uint16_t sum = (uint16_t)~reference_sum(0, p, 20 + words * 4);

        p[10] = (uint8_t)(sum >> 8);
        p[11] = (uint8_t)sum;
        assert_int_equal(parse_exact(p, len + words * 4, &pkt), PARSE_OK);
        assert_int_equal(pkt.ip.header_len, 20 + words * 4);
        assert_int_equal(pkt.checksum_verdict, CHECKSUM_GOOD);
        assert_int_equal(pkt.seg.len, 4);
    }
}

static void fragments(void **state)
{
    uint8_t p[100];
    struct packet pkt;
    const size_t len = unhex(v4_data, p);

    (void)state;
    p[6] = 0x20; /* more to follow */
    reference_seal(p, len);
    expect(p, len, PARSE_FRAGMENT);
    p[6] = 0x01; /* and a later one */
    p[7] = 0x02;
    reference_seal(p, len);
    assert_int_equal(parse_exact(p, len, &pkt), PARSE_FRAGMENT);
    assert_int_equal(pkt.ip.frag_offset, 0x102 * 8);
    p[6] = 0x80; /* the reserved bit alone makes no fragment */
    p[7] = 0;
    reference_seal(p, len);
    expect(p, len, PARSE_OK);
}

static void other_protocols(void **state)
{
    uint8_t p[100];
    struct packet pkt;
    size_t len = unhex(v4_data, p);

    (void)state;
    p[9] = 17;
    reference_seal(p, len);
    assert_int_equal(parse_exact(p, len, &pkt), PARSE_NOT_TCP);
    assert_int_equal(pkt.ip.protocol, 17);
    len = unhex(v6_data, p);
    p[6] = 58;
    expect(p, len, PARSE_NOT_TCP);
    p[6] = 59; /* no next header */
    expect(p, len, PARSE_NOT_TCP);
    p[6] = 51; /* AH: IPsec is not ours */
    expect(p, len, PARSE_NOT_TCP);
}

static void data_offset(void **state)
{
    uint8_t p[100];

    (void)state;
    for (size_t i = 0; i < COUNT(captured_good); i++) {
        const size_t len = unhex(captured_good[i], p), ip = p[0] >> 4 == 4 ? 20 : 40;

        for (size_t words = 0; words < 16; words++) {
            p[ip + 12] = (uint8_t)(words << 4);
            reference_seal(p, len);
            expect(p, len, words < 5 || ip + words * 4 > len ? PARSE_BAD_OFFSET : PARSE_OK);
        }
    }
}

static void options_fill_all(void **state)
{
    uint8_t p[100] = {0};
    struct packet pkt;

    (void)state;
    unhex(v4_data, p);
    p[3] = 20 + 60;
    p[32] = 0xf0;
    memset(p + 40, 1, 40);
    p[79] = 2; /* an MSS without even a length, at the very end */
    reference_seal(p, 80);
    assert_int_equal(parse_exact(p, 80, &pkt), PARSE_OK);
    assert_int_equal(pkt.seg.opt.present, OPT_MALFORMED);
    assert_int_equal(pkt.options_len, 40);
    assert_int_equal(pkt.seg.len, 0);
}

static void flags_and_ack(void **state)
{
    uint8_t p[100];
    struct packet pkt;
    const size_t len = unhex(v4_data, p);

    (void)state;
    for (unsigned flags = 0; flags < 0x1000; flags++) {
        p[32] = (uint8_t)(0x80 | flags >> 8);
        p[33] = (uint8_t)flags;
        assert_int_equal(packet_parse(p, len, &pkt), PARSE_OK);
        assert_int_equal(pkt.seg.flags, flags & 0x1ff); /* reserved bits are ignored */
        assert_int_equal(pkt.seg.ack, flags & SEG_ACK ? 0xa6d29fc5 : 0);
    }
}

static void urgent_pointer(void **state)
{
    static const uint16_t pointers[] = {0, 1, 4, 5, 0xffff};
    uint8_t p[100];
    struct packet pkt;

    (void)state;
    for (size_t k = 0; k < 4; k++) { /* with and without URG, with and without data */
        for (size_t i = 0; i < COUNT(pointers); i++) {
            size_t len = unhex(v4_data, p);

            if (k & 1) {
                len -= 4;
                p[3] = (uint8_t)len;
            }
            p[33] = (uint8_t)(SEG_ACK | (k & 2 ? SEG_URG : 0));
            p[38] = (uint8_t)(pointers[i] >> 8);
            p[39] = (uint8_t)pointers[i];
            reference_seal(p, len);
            assert_int_equal(parse_exact(p, len, &pkt), PARSE_OK);
            assert_int_equal(pkt.seg.urgent, pointers[i]);
            assert_int_equal(pkt.seg.len, k & 1 ? 0 : 4);
        }
    }
}

static void ecn_bits(void **state)
{
    uint8_t p[100];
    struct packet pkt;
    size_t len = unhex(v4_data, p);

    (void)state;
    p[1] = 0xb8 | ECN_CE;
    reference_seal(p, len);
    assert_int_equal(packet_parse(p, len, &pkt), PARSE_OK);
    assert_int_equal(pkt.ip.traffic, 0xbb);
    assert_int_equal(pkt.seg.ecn, ECN_CE);
    len = unhex(v6_data, p);
    p[0] = 0x6b;
    p[1] = 0xa2;
    assert_int_equal(packet_parse(p, len, &pkt), PARSE_OK);
    assert_int_equal(pkt.ip.traffic, 0xba);
    assert_int_equal(pkt.seg.ecn, ECN_ECT0);
    assert_int_equal(pkt.ip.flow_label, 0x23245);
}

static void impossible_addresses(void **state)
{
    static const char *const v4[] = {"00000000", "e0000001", "effffffa", "ffffffff"};
    static const char *const v6[] = {"00000000000000000000000000000000",
                                     "ff020000000000000000000000000001"};
    uint8_t p[100];
    struct packet pkt;

    (void)state;
    for (size_t side = 0; side < 2; side++) {
        for (size_t i = 0; i < COUNT(v4); i++) {
            const size_t len = unhex(v4_syn, p);

            unhex(v4[i], p + 12 + side * 4);
            reference_seal(p, len);
            assert_int_equal(parse_exact(p, len, &pkt), PARSE_BAD_ADDRESS);
            assert_int_equal(pkt.checksum_verdict, CHECKSUM_GOOD);
            assert_int_equal(pkt.seg.opt.mss, 1460); /* complete, so that it can be shown */
        }
        for (size_t i = 0; i < COUNT(v6); i++) {
            const size_t len = unhex(v6_syn, p);

            unhex(v6[i], p + 8 + side * 16);
            expect(p, len, PARSE_BAD_ADDRESS);
        }
    }
}

/* v6_data with extension headers, whose own chain is right, before its TCP. Returns its length. */
static size_t with_extensions(uint8_t *p, uint8_t first, const char *hex)
{
    uint8_t plain[100], ext[600];
    const size_t len = unhex(v6_data, plain), n = unhex(hex, ext);

    memcpy(p, plain, 40);
    memcpy(p + 40, ext, n);
    memcpy(p + 40 + n, plain + 40, len - 40);
    p[6] = first;
    p[4] = (uint8_t)((len - 40 + n) >> 8);
    p[5] = (uint8_t)(len - 40 + n);
    return len + n;
}

static void extensions(void **state)
{
    static const struct {
        uint8_t first;
        const char *hex;
        enum parse_verdict want;
    } table[] = {
        {0, "0600 010400000000", PARSE_OK},                  /* hop-by-hop */
        {60, "0600 010400000000", PARSE_OK},                 /* destination options */
        {60, "0601 010c000000000000000000000000", PARSE_OK}, /* of 16 bytes */
        {43, "0600 000000000000", PARSE_OK},                 /* routing, used up */
        {43, "0602 0400 00000000 0000000000000000 0000000000000001", PARSE_OK},
        {0, "3c00 010400000000 2b00 010400000000 0600 000000000000", PARSE_OK},
        {44, "0600 0000 12345678", PARSE_OK},                             /* atomic fragment */
        {44, "0600 0001 12345678", PARSE_FRAGMENT},                       /* first */
        {44, "0600 0100 12345678", PARSE_FRAGMENT},                       /* last */
        {43, "0600 000100000000", PARSE_BAD_EXTENSION},                   /* a hop to go */
        {60, "0000 010400000000 0600 010400000000", PARSE_BAD_EXTENSION}, /* hop-by-hop is second */
        {60, "06ff 010400000000", PARSE_BAD_EXTENSION},                   /* runs over the end */
        {0, "1100 010400000000", PARSE_NOT_TCP},
        {60, "3b00 010400000000", PARSE_NOT_TCP},
    };
    uint8_t p[700];
    struct packet pkt;

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        const size_t len = with_extensions(p, table[i].first, table[i].hex);

        assert_string_equal(packet_parse_text(parse_exact(p, len, &pkt)),
                            packet_parse_text(table[i].want));
        if (table[i].want == PARSE_OK) {
            assert_int_equal(pkt.ip.header_len, len - 36);
            assert_int_equal(pkt.ip.protocol, 6);
            /* the pseudo-header has TCP's length and protocol, not the chain's: RFC 8200 8.1 */
            assert_int_equal(pkt.checksum_verdict, CHECKSUM_GOOD);
            assert_memory_equal(pkt.ip.dst.bytes + 14, "\0\2", 2);
        }
    }
}

static void extension_bounds(void **state)
{
    char hex[9 * 17 + 1] = "";
    uint8_t p[700];

    (void)state;
    for (int i = 0; i < 7; i++) {
        strcat(hex, "3c00010400000000");
    }
    strcat(hex, "0600010400000000");
    expect(p, with_extensions(p, 60, hex), PARSE_OK);
    memcpy(hex + 7 * 16, "3c", 2);
    strcat(hex, "0600010400000000");
    expect(p, with_extensions(p, 60, hex), PARSE_BAD_EXTENSION);

    /* one of 256 bytes: the header is longer than a byte can say */
    struct packet pkt;
    size_t len = with_extensions(p, 60, "061f 01fb");

    memmove(p + 40 + 256, p + 44, len - 44);
    memset(p + 44, 0, 252);
    len += 252;
    p[4] = (uint8_t)((len - 40) >> 8);
    p[5] = (uint8_t)(len - 40);
    assert_int_equal(parse_exact(p, len, &pkt), PARSE_OK);
    assert_int_equal(pkt.ip.header_len, 296);
    assert_int_equal(pkt.checksum_verdict, CHECKSUM_GOOD);
}

/* Every cut of a chain of extensions whose IPv6 header agrees with the cut. */
static void extension_truncation(void **state)
{
    uint8_t p[200];
    const size_t len =
        with_extensions(p, 0, "2b00 010400000000 3c00 000000000000 0600 010400000000");

    (void)state;
    for (size_t n = 41; n < len; n++) {
        p[5] = (uint8_t)(n - 40);
        expect(p, n,
               n < 64        ? PARSE_BAD_EXTENSION
               : n < 64 + 20 ? PARSE_TOO_SHORT
               : n < 64 + 32 ? PARSE_BAD_OFFSET
                             : PARSE_OK);
    }
    /* Only the fixed part: with a payload length of 0 the real length counts, and there is none. */
    p[5] = 0;
    expect(p, 40, PARSE_BAD_EXTENSION);
}

/* A segment that has been through the wire with any single bit changed is never taken for good. */
static void single_bits(void **state)
{
    uint8_t p[100];
    struct packet pkt;

    (void)state;
    for (size_t i = 0; i < COUNT(captured_good); i++) {
        const size_t len = unhex(captured_good[i], p), ip = p[0] >> 4 == 4 ? 20 : 40;

        for (size_t bit = ip * 8; bit < len * 8; bit++) {
            p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            const enum parse_verdict v = parse_exact(p, len, &pkt);

            assert_true(v == PARSE_BAD_OFFSET || pkt.checksum_verdict == CHECKSUM_BAD);
            p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

static void texts(void **state)
{
    (void)state;
    for (unsigned v = PARSE_OK; v <= PARSE_BAD_ADDRESS; v++) {
        assert_string_not_equal(packet_parse_text((enum parse_verdict)v), "unknown");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("a captured IPv4 SYN is read field by field", captured_syn),
        TEST("a captured IPv6 segment is read field by field", captured_v6),
        TEST("MUST-3, TCP.md 6 captured segments are good, partial, or bad after a change",
             captured_verdicts),
        TEST("TCP.md 6 a segment that verifies is good even if it looks partial",
             good_before_partial),
        TEST("a checksum verdict that the link knows is taken over", known_verdict),
        TEST("a segment without IP header is verified with the caller's addresses",
             without_ip_header),
        TEST("a packet cut off at any byte is refused", truncation),
        TEST("a packet cut off at any byte with an IP length that agrees is refused",
             honest_truncation),
        TEST("TCP.md 2 Ethernet padding is trimmed", padding),
        TEST("IP versions other than 4 and 6 are refused", versions),
        TEST("TCP.md 2 IP lengths shorter than the header or longer than the packet are refused",
             ip_lengths),
        TEST("a wrong IPv4 header checksum is refused", ip_checksum),
        TEST("MUST-50 IPv4 options of any kind are skipped", ip_options),
        TEST("fragments are told from whole packets", fragments),
        TEST("other protocols are not TCP", other_protocols),
        TEST("TCP.md 1 a data offset below 5 or beyond the segment is refused", data_offset),
        TEST("MUST-7 forty bytes of options that end in a broken one are survived",
             options_fill_all),
        TEST("all nine control bits are read, reserved bits ignored, ACK only with its flag",
             flags_and_ack),
        TEST("MUST-31, TCP.md 9 urgent pointers of any value pass, with URG and without",
             urgent_pointer),
        TEST("SHLD-8 the ECN field is read from both families", ecn_bits),
        TEST("MUST-57 MUST-63, TCP.md 8 unspecified, multicast and broadcast addresses are refused",
             impossible_addresses),
        TEST("IPv6 extension headers are walked or refused", extensions),
        TEST("a chain of IPv6 extension headers has a bound in number, none in a byte",
             extension_bounds),
        TEST("a chain of IPv6 extension headers cut off at any byte is refused",
             extension_truncation),
        TEST("MUST-3 a change of any single bit in a segment is seen", single_bits),
        TEST("every verdict has words", texts),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
