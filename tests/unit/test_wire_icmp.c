/*
 * src/wire/icmp.c: what errors mean, and whose segment they quote.
 */
#include "segcat/wire/icmp.h"

#include <stdlib.h>

#include "wire_helper.h"

/* An ICMP message about a captured segment of ours, of which quoted bytes are repeated. */
static size_t message(uint8_t *p, uint8_t type, uint8_t code, uint32_t rest, const char *hex,
                      size_t quoted)
{
    uint8_t packet[100];
    const size_t len = unhex(hex, packet);

    quoted = quoted < len ? quoted : len;
    memset(p, 0, 8);
    p[0] = type;
    p[1] = code;
    p[4] = (uint8_t)(rest >> 24);
    p[5] = (uint8_t)(rest >> 16);
    p[6] = (uint8_t)(rest >> 8);
    p[7] = (uint8_t)rest;
    memcpy(p + 8, packet, quoted);
    const uint16_t sum = (uint16_t)~reference_sum(0, p, 8 + quoted);

    p[2] = (uint8_t)(sum >> 8);
    p[3] = (uint8_t)sum;
    return 8 + quoted;
}

static bool parse_exact(enum ip_version version, const uint8_t *p, size_t len,
                        struct icmp_error *out)
{
    uint8_t *const exact = malloc(len + 1);

    memcpy(exact + 1, p, len);
    const bool ok = icmp_parse(version, exact + 1, len, out);

    free(exact);
    return ok;
}

static void meanings(void **state)
{
    static const struct {
        enum ip_version version;
        uint8_t type, code;
        enum icmp_meaning want;
    } table[] = {
        {IP_V4, 3, 0, ICMP_MEANS_SOFT},      {IP_V4, 3, 1, ICMP_MEANS_SOFT},
        {IP_V4, 3, 5, ICMP_MEANS_SOFT},      {IP_V4, 11, 0, ICMP_MEANS_SOFT},
        {IP_V4, 11, 1, ICMP_MEANS_SOFT},     {IP_V4, 12, 0, ICMP_MEANS_SOFT},
        {IP_V6, 1, 0, ICMP_MEANS_SOFT},      {IP_V6, 1, 3, ICMP_MEANS_SOFT},
        {IP_V6, 3, 0, ICMP_MEANS_SOFT},      {IP_V6, 3, 1, ICMP_MEANS_SOFT},
        {IP_V6, 4, 0, ICMP_MEANS_SOFT},      {IP_V6, 4, 2, ICMP_MEANS_SOFT},
        {IP_V4, 3, 2, ICMP_MEANS_HARD},      {IP_V4, 3, 3, ICMP_MEANS_HARD},
        {IP_V4, 3, 9, ICMP_MEANS_HARD},      {IP_V4, 3, 10, ICMP_MEANS_HARD},
        {IP_V4, 3, 13, ICMP_MEANS_HARD},     {IP_V6, 1, 1, ICMP_MEANS_HARD},
        {IP_V6, 1, 4, ICMP_MEANS_HARD},      {IP_V4, 3, 4, ICMP_MEANS_TOO_BIG},
        {IP_V6, 2, 0, ICMP_MEANS_TOO_BIG},   {IP_V6, 2, 9, ICMP_MEANS_TOO_BIG},
        {IP_V4, 4, 0, ICMP_MEANS_NOTHING},   {IP_V4, 5, 1, ICMP_MEANS_NOTHING},
        {IP_V4, 8, 0, ICMP_MEANS_NOTHING},   {IP_V4, 0, 0, ICMP_MEANS_NOTHING},
        {IP_V6, 128, 0, ICMP_MEANS_NOTHING}, {IP_V6, 135, 0, ICMP_MEANS_NOTHING},
        {IP_V4, 3, 200, ICMP_MEANS_SOFT},    {IP_V6, 1, 200, ICMP_MEANS_SOFT},
        {IP_NONE, 3, 3, ICMP_MEANS_NOTHING},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        assert_int_equal(icmp_classify(table[i].version, table[i].type, table[i].code),
                         table[i].want);
    }
}

static void texts(void **state)
{
    (void)state;
    assert_string_equal(icmp_text(IP_V4, 3, 3), "port unreachable");
    assert_string_equal(icmp_text(IP_V6, 1, 4), "port unreachable");
    assert_string_equal(icmp_text(IP_V4, 3, 4), "fragmentation needed");
    assert_string_equal(icmp_text(IP_V4, 3, 15), "precedence cutoff in effect");
    for (unsigned version = 0; version < 8; version++) {
        for (unsigned type = 0; type < 256; type++) {
            for (unsigned code = 0; code < 256; code++) {
                const char *const text =
                    icmp_text((enum ip_version)version, (uint8_t)type, (uint8_t)code);

                assert_true(text != NULL && text[0] != '\0');
            }
        }
    }
}

static void port_unreachable(void **state)
{
    uint8_t p[200];
    struct icmp_error e = {.sender = {.version = IP_V4, .bytes = {9, 9, 9, 9}}};
    const size_t len = message(p, 3, 3, 0, v4_syn, 28);

    (void)state;
    assert_true(parse_exact(IP_V4, p, len, &e));
    assert_int_equal(e.version, IP_V4);
    assert_int_equal(e.type, 3);
    assert_int_equal(e.code, 3);
    assert_int_equal(e.meaning, ICMP_MEANS_HARD);
    assert_int_equal(e.mtu, 0);
    assert_int_equal(e.sender.bytes[0], 9); /* not ours to set */
    assert_int_equal(e.local.ip.version, IP_V4);
    assert_memory_equal(e.local.ip.bytes, "\x0a\x01\x00\x01", 4);
    assert_int_equal(e.local.port, 34512);
    assert_memory_equal(e.remote.ip.bytes, "\x0a\x01\x00\x02", 4);
    assert_int_equal(e.remote.port, 5000);
    assert_int_equal(e.seq, 0xa1575b8b);
}

static void too_big(void **state)
{
    uint8_t p[200];
    struct icmp_error e;

    (void)state;
    /* the upper half is unused in ICMP: RFC 1191 section 4 */
    assert_true(parse_exact(IP_V4, p, message(p, 3, 4, 0xabcd0578, v4_data, 99), &e));
    assert_int_equal(e.meaning, ICMP_MEANS_TOO_BIG);
    assert_int_equal(e.mtu, 1400);
    assert_true(parse_exact(IP_V4, p, message(p, 3, 4, 0, v4_data, 99), &e));
    assert_int_equal(e.mtu, 0);
    assert_true(parse_exact(IP_V6, p, message(p, 2, 0, 0x00010500, v6_data, 99), &e));
    assert_int_equal(e.meaning, ICMP_MEANS_TOO_BIG);
    assert_int_equal(e.mtu, 0x10500);
    assert_int_equal(e.local.ip.version, IP_V6);
    assert_int_equal(e.local.ip.bytes[15], 1);
    assert_int_equal(e.remote.ip.bytes[15], 2);
    assert_int_equal(e.local.port, 0xb8e8);
    assert_int_equal(e.remote.port, 5000);
    assert_int_equal(e.seq, 0x3b84586b);
}

static void source_quench(void **state)
{
    uint8_t p[200];
    struct icmp_error e;

    (void)state;
    assert_true(parse_exact(IP_V4, p, message(p, 4, 0, 0, v4_data, 99), &e));
    assert_int_equal(e.meaning, ICMP_MEANS_NOTHING);
}

static void wrong_sum(void **state)
{
    uint8_t p[200];
    struct icmp_error e;
    const size_t len = message(p, 3, 1, 0, v4_data, 99);

    (void)state;
    for (size_t i = 0; i < len; i++) {
        p[i] ^= 4;
        assert_false(parse_exact(IP_V4, p, len, &e));
        p[i] ^= 4;
    }
    assert_true(parse_exact(IP_V4, p, len, &e));
}

static void no_errors(void **state)
{
    uint8_t p[200];
    struct icmp_error e;

    (void)state;
    assert_false(parse_exact(IP_V4, p, message(p, 8, 0, 0, v4_data, 99), &e));
    assert_false(parse_exact(IP_V6, p, message(p, 128, 0, 0, v6_data, 99), &e));
    assert_false(parse_exact(IP_V4, p, message(p, 3, 3, 0, v6_data, 99), &e)); /* families mixed */
    assert_false(parse_exact(IP_V6, p, message(p, 1, 4, 0, v4_data, 99), &e));
    assert_false(parse_exact(IP_NONE, p, message(p, 3, 3, 0, v4_data, 99), &e));
}

static void short_messages(void **state)
{
    uint8_t p[200];
    struct icmp_error e;

    (void)state;
    for (size_t n = 0; n <= 60; n++) {
        const size_t v4 = message(p, 3, 1, 0, v4_data, n);

        assert_int_equal(parse_exact(IP_V4, p, v4, &e), n >= 28);
        const size_t v6 = message(p, 1, 3, 0, v6_data, n);

        assert_int_equal(parse_exact(IP_V6, p, v6, &e), n >= 48);
    }
    for (size_t n = 0; n < 8; n++) {
        assert_false(parse_exact(IP_V4, p, n, &e));
        assert_false(parse_exact(IP_V6, p, n, &e));
    }
}

static void quotes(void **state)
{
    uint8_t p[200];
    struct icmp_error e;
    const size_t len = unhex(v4_data, p);

    (void)state;
    p[3] ^= 0x55; /* a length and a checksum that a router has spoilt do not matter */
    p[10] ^= 0x55;
    p[8] = 0;
    assert_true(icmp_parse_quote(p, len, &e));
    p[9] = 17;
    assert_false(icmp_parse_quote(p, len, &e));
    p[9] = 6;
    p[7] = 1; /* not the first fragment */
    assert_false(icmp_parse_quote(p, len, &e));
    p[7] = 0;
    p[0] = 0x44; /* header too short */
    assert_false(icmp_parse_quote(p, len, &e));
    p[0] = 0x4f; /* runs over the end */
    assert_false(icmp_parse_quote(p, len, &e));
    p[0] = 0x55;
    assert_false(icmp_parse_quote(p, len, &e));
    p[0] = 0x46; /* IP options of four bytes: everything is found four bytes on */
    assert_true(icmp_parse_quote(p, len, &e));
    assert_int_equal(e.seq, 0xa6d29fc5);
}

static void garbage(void **state)
{
    uint64_t seed = 5927;
    uint8_t p[200];
    struct icmp_error e;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        const enum ip_version version = i & 1 ? IP_V4 : IP_V6;
        const size_t len = message(p, (uint8_t)(i & 1 ? 3 : 1), 1, 0, i & 1 ? v4_data : v6_data,
                                   random_below(&seed, 80));

        for (uint32_t n = random_below(&seed, 4); n > 0; n--) {
            p[random_below(&seed, (uint32_t)len)] = (uint8_t)random64(&seed);
        }
        parse_exact(version, p, len, &e);
        if (len > 8) {
            parse_exact(version, p + 8, len - 8, &e);
            icmp_parse_quote(p + 8, len - 8, &e);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("MUST-56 SHLD-26 soft and hard errors are told apart", meanings),
        TEST("SHLD-25 every type and code has words", texts),
        TEST("MUST-54 a port unreachable names the segment that it is about", port_unreachable),
        TEST("RFC1191-MTU RFC8201-MTU the next hop's MTU is read", too_big),
        TEST("MUST-55 a source quench means nothing", source_quench),
        TEST("an ICMP message with a wrong checksum is refused", wrong_sum),
        TEST("messages that are no errors are refused", no_errors),
        TEST("eight bytes of quoted TCP are enough, and fewer are refused", short_messages),
        TEST("a quote is read whatever routers did to its header", quotes),
        TEST("garbage is survived inside its bounds", garbage),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
