/*
 * src/wire/options.c: every option, every way in which one can be broken, and Linux's layout.
 */
#include "segcat/wire/options.h"

#include <stdlib.h>

#include "wire_helper.h"

/* Parses hex from a heap block of just that size: what is read beyond it, a sanitizer sees. */
static struct tcp_options parse(const char *hex)
{
    uint8_t bytes[64];
    const size_t len = unhex(hex, bytes);
    uint8_t *const exact = malloc(len + 1);
    struct tcp_options opt;

    memcpy(exact + 1, bytes, len); /* and not aligned */
    memset(&opt, 0xa5, sizeof opt);
    tcp_options_parse(exact + 1, len, &opt);
    free(exact);
    return opt;
}

static void expect_built(const struct tcp_options *opt, const char *hex)
{
    uint8_t want[64], got[TCP_OPTIONS_MAX];
    const size_t len = unhex(hex, want);

    assert_int_equal(tcp_options_len(opt), len);
    assert_int_equal(tcp_options_build(opt, got), len);
    assert_memory_equal(got, want, len);
}

static void none(void **state)
{
    struct tcp_options opt;

    (void)state;
    tcp_options_parse(NULL, 0, &opt);
    assert_int_equal(opt.present, 0);
    expect_built(&opt, "");
}

static void linux_syn(void **state)
{
    const struct tcp_options opt = parse("020405b4 0402080a1162a7b500000000 0103030a");

    (void)state;
    assert_int_equal(opt.present, OPT_MSS | OPT_SACK_PERMITTED | OPT_TIMESTAMPS | OPT_WSCALE);
    assert_int_equal(opt.mss, 1460);
    assert_int_equal(opt.wscale, 10);
    assert_int_equal(opt.tsval, 0x1162a7b5);
    assert_int_equal(opt.tsecr, 0);
    expect_built(&opt, "020405b4 0402080a1162a7b500000000 0103030a");
}

static void linux_sack(void **state)
{
    static const char hex[] =
        "0101080a0102030405060708 0101 0512 ffffff00 00000010 00000020 00000030";
    const struct tcp_options opt = parse(hex);

    (void)state;
    assert_int_equal(opt.present, OPT_TIMESTAMPS | OPT_SACK);
    assert_int_equal(opt.sack_count, 2);
    assert_int_equal(opt.sack[0].left, 0xffffff00);
    assert_int_equal(opt.sack[0].right, 0x10);
    assert_int_equal(opt.sack[1].left, 0x20);
    assert_int_equal(opt.sack[1].right, 0x30);
    assert_int_equal(opt.tsval, 0x01020304);
    assert_int_equal(opt.tsecr, 0x05060708);
    expect_built(&opt, hex);
}

static void single_layouts(void **state)
{
    struct tcp_options opt = {.present = OPT_SACK_PERMITTED};

    (void)state;
    expect_built(&opt, "01010402");
    opt = (struct tcp_options){.present = OPT_WSCALE, .wscale = 7};
    expect_built(&opt, "01030307");
    opt = (struct tcp_options){.present = OPT_MSS, .mss = 536};
    expect_built(&opt, "02040218");
    opt = (struct tcp_options){.present = OPT_TIMESTAMPS, .tsval = 1, .tsecr = 2};
    expect_built(&opt, "0101080a0000000100000002");
    opt = (struct tcp_options){.present = OPT_UNKNOWN | OPT_MALFORMED};
    expect_built(&opt, "");
}

static void end_of_list(void **state)
{
    assert_int_equal(parse("00020405b4").present, 0);
    assert_int_equal(parse("020405b400080a").present, OPT_MSS);
    assert_int_equal(parse("0101010100").present, 0);
    (void)state;
}

static void unaligned(void **state)
{
    const struct tcp_options opt = parse("01020405b4080a000000010000000203030701");

    (void)state;
    assert_int_equal(opt.present, OPT_MSS | OPT_TIMESTAMPS | OPT_WSCALE);
    assert_int_equal(opt.mss, 1460);
    assert_int_equal(opt.tsecr, 2);
    assert_int_equal(opt.wscale, 7);
}

static void unknown_kinds(void **state)
{
    const struct tcp_options opt = parse("fd06aabbccdd 1e02 020405b4");

    (void)state;
    assert_int_equal(opt.present, OPT_UNKNOWN | OPT_MSS);
    assert_int_equal(opt.mss, 1460);
}

/* Kinds 0 and 1 have no length, all others do. */
static void stopping_lengths(void **state)
{
    static const char *const cases[] = {
        "0200 020405b4",      /* length 0 */
        "0201 020405b4",      /* length 1 */
        "fd00 020405b4",      /* also of an unknown kind */
        "fd01 020405b4",      /**/
        "fd08 020405b4",      /* two bytes beyond the end */
        "02",                 /* no length at all */
        "0101fd",             /**/
        "0204",               /* cut off behind the length */
        "020405",             /**/
        "080a00000001000002", /* cut off in its last byte */
        "0512000000010000000200000003",
        "0dff",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(parse(cases[i]).present, OPT_MALFORMED);
    }
    assert_int_equal(parse("03030a 0200").present, OPT_WSCALE | OPT_MALFORMED);
}

static void wrong_lengths(void **state)
{
    static const char *const cases[] = {
        "0202",         /* MSS */
        "020305",       /**/
        "020505b400",   /**/
        "020605b40000", /**/
        "0302",         /* scale */
        "03040a00",     /**/
        "040300",       /* SACK-permitted */
        "0502",         /* SACK without blocks */
        "050600000001", /* half a block */
        "050b000000010000000200",
        "08 08 000000010000", /* timestamps */
        "08 0b 000000010000000200",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char with_more[80] = {0};

        assert_int_equal(parse(cases[i]).present, OPT_MALFORMED);
        strcat(strcat(with_more, cases[i]), " 01 020405b4");
        const struct tcp_options opt = parse(with_more);

        assert_int_equal(opt.present, OPT_MALFORMED | OPT_MSS);
        assert_int_equal(opt.mss, 1460);
    }
}

static void sack_lengths(void **state)
{
    uint64_t seed = 2018;
    uint8_t bytes[255];

    (void)state;
    random_bytes(&seed, bytes, sizeof bytes);
    bytes[0] = 5;
    for (size_t len = 2; len < sizeof bytes; len++) {
        struct tcp_options opt;

        bytes[1] = (uint8_t)len;
        tcp_options_parse(bytes, len, &opt);
        if (len == 10 || len == 18 || len == 26 || len == 34) {
            assert_int_equal(opt.present, OPT_SACK);
            assert_int_equal(opt.sack_count, (len - 2) / 8);
        } else {
            assert_int_equal(opt.present, OPT_MALFORMED);
            assert_int_equal(opt.sack_count, 0);
        }
    }
}

static void repeated(void **state)
{
    const struct tcp_options opt = parse("020405b4 02040218 030301 030302 0203ff");

    (void)state;
    assert_int_equal(opt.present, OPT_MSS | OPT_WSCALE | OPT_MALFORMED);
    assert_int_equal(opt.mss, 1460);
    assert_int_equal(opt.wscale, 1);
}

static void odd_values(void **state)
{
    const struct tcp_options opt = parse("02040000 0303ff");

    (void)state;
    assert_int_equal(opt.present, OPT_MSS | OPT_WSCALE);
    assert_int_equal(opt.mss, 0);
    assert_int_equal(opt.wscale, 255);
}

static void crowded(void **state)
{
    struct tcp_options opt = {.present = OPT_SACK, .sack_count = 4};

    (void)state;
    assert_int_equal(tcp_options_len(&opt), 36);
    opt.present |= OPT_TIMESTAMPS;
    assert_int_equal(tcp_options_len(&opt), 40);
    opt.present |= OPT_MSS | OPT_WSCALE | OPT_SACK_PERMITTED;
    assert_int_equal(tcp_options_len(&opt), 40);
    opt = (struct tcp_options){.present = OPT_SACK, .sack_count = 255};
    assert_int_equal(tcp_options_len(&opt), 36);
    opt.sack_count = 0;
    assert_int_equal(tcp_options_len(&opt), 0);
}

/* All combinations, all counts of blocks: what is built is what is read, as far as it fits. */
static void round_trips(void **state)
{
    uint64_t seed = 9293;

    (void)state;
    for (uint16_t present = 0; present < OPT_UNKNOWN; present++) {
        for (uint8_t blocks = 0; blocks <= SACK_BLOCKS_MAX; blocks++) {
            uint8_t buf[TCP_OPTIONS_MAX + 4];
            struct tcp_options in = {.present = present}, out;

            random_bytes(&seed, (uint8_t *)in.sack, sizeof in.sack);
            in.sack_count = blocks;
            in.mss = (uint16_t)random64(&seed);
            in.wscale = (uint8_t)random64(&seed);
            in.tsval = (uint32_t)random64(&seed);
            in.tsecr = (uint32_t)random64(&seed);
            memset(buf, 0xee, sizeof buf);
            const size_t len = tcp_options_build(&in, buf);

            assert_int_equal(len, tcp_options_len(&in));
            assert_int_equal(len % 4, 0);
            assert_true(len <= TCP_OPTIONS_MAX);
            assert_int_equal(buf[len], 0xee);
            tcp_options_parse(buf, len, &out);
            if (blocks == 0) {
                in.present &= (uint16_t)~OPT_SACK;
            }
            assert_int_equal(out.present, in.present);
            assert_true(out.sack_count <= blocks);
            assert_true(out.sack_count >= (in.present & OPT_SACK ? (blocks < 2 ? blocks : 2) : 0));
            assert_memory_equal(out.sack, in.sack, out.sack_count * sizeof in.sack[0]);
            assert_int_equal(out.mss, present & OPT_MSS ? in.mss : 0);
            assert_int_equal(out.wscale, present & OPT_WSCALE ? in.wscale : 0);
            assert_int_equal(out.tsval, present & OPT_TIMESTAMPS ? in.tsval : 0);
            assert_int_equal(out.tsecr, present & OPT_TIMESTAMPS ? in.tsecr : 0);
        }
    }
}

/* Bytes that lean towards kinds and lengths, in blocks of exactly their size. */
static void garbage(void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        const size_t len = random_below(&seed, TCP_OPTIONS_MAX + 1);
        uint8_t *const p = malloc(len + 1);
        struct tcp_options opt;

        for (size_t k = 0; k < len; k++) {
            p[k] = (uint8_t)random_below(&seed, k % 3 ? 12 : 256);
        }
        tcp_options_parse(p, len, &opt);
        assert_true(opt.sack_count <= SACK_BLOCKS_MAX);
        assert_int_equal((opt.present & OPT_SACK) != 0, opt.sack_count != 0);
        assert_true(opt.present < 2 * OPT_MALFORMED);
        assert_true(tcp_options_len(&opt) <= TCP_OPTIONS_MAX);
        free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("an empty option area has no options", none),
        TEST("MUST-5 a Linux SYN's options are read, and built the same", linux_syn),
        TEST("RFC2018-SACK timestamps and SACK are read, and built as Linux does", linux_sack),
        TEST("MUST-68 each option alone is built with its right length", single_layouts),
        TEST("MUST-4 what stands behind the end of the list is not read", end_of_list),
        TEST("MUST-64 options are read at any alignment", unaligned),
        TEST("MUST-6 unknown options are skipped by their length", unknown_kinds),
        TEST("MUST-7, TCP.md 3 a length of 0 or 1 or beyond the end stops the list",
             stopping_lengths),
        TEST("MUST-7 a known option of wrong length is skipped, the next is read", wrong_lengths),
        TEST("RFC2018-SACK, TCP.md 3 any length but 2 + 8n with n of 1 to 4 is malformed",
             sack_lengths),
        TEST("the first of a repeated option wins", repeated),
        TEST("MSS 0 and a window scale of 255 are handed on as they came", odd_values),
        TEST("SACK blocks that have no room are left out", crowded),
        TEST("MUST-69 all combinations round trip in multiples of four", round_trips),
        TEST("MUST-7 garbage is survived inside its bounds", garbage),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
