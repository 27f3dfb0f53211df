/*
 * src/wire/checksum.c: known sums, and the fast sum against the plain one in every position.
 */
#include "segcat/wire/checksum.h"

#include <stdlib.h>

#include "wire_helper.h"

static uint16_t sum_of(const void *p, size_t len)
{
    struct checksum c = {0};

    checksum_add(&c, p, len);
    return checksum_fold(&c);
}

/* RFC 1071 section 3 */
static void rfc1071(void **state)
{
    static const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    struct checksum c = {0};

    (void)state;
    checksum_add(&c, bytes, sizeof bytes);
    assert_int_equal(checksum_fold(&c), 0xddf2);
    assert_int_equal(checksum_finish(&c), 0x220d);
}

static void ip_header(void **state)
{
    uint8_t header[20];

    (void)state;
    /* 192.168.0.1 > 192.168.0.199, UDP */
    unhex("4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7", header);
    assert_int_equal((uint16_t)~sum_of(header, 20), 0xb861);
}

static void nothing(void **state)
{
    struct checksum c = {0};

    (void)state;
    checksum_add(&c, NULL, 0);
    assert_int_equal(checksum_fold(&c), 0);
    assert_int_equal(checksum_finish(&c), 0xffff);
}

static void every_place(void **state)
{
    uint64_t seed = 1071;
    uint8_t bytes[64 + 400];

    (void)state;
    random_bytes(&seed, bytes, sizeof bytes);
    for (size_t at = 0; at < 64; at++) {
        for (size_t len = 0; len <= 400; len++) {
            assert_int_equal(sum_of(bytes + at, len), reference_sum(0, bytes + at, len));
        }
    }
}

/* Exactly as many bytes as are summed, so that a sanitizer sees one that is read too much. */
static void bounds(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (size_t len = 1; len < 200; len++) {
        uint8_t *const p = malloc(len);

        random_bytes(&seed, p, len);
        assert_int_equal(sum_of(p, len), reference_sum(0, p, len));
        free(p);
    }
}

static void ones(void **state)
{
    const size_t len = 1 << 20;
    uint8_t *const p = malloc(len);

    (void)state;
    memset(p, 0xff, len);
    for (size_t n = len - 130; n <= len; n++) {
        assert_int_equal(sum_of(p, n), reference_sum(0, p, n));
    }
    memset(p, 0, len);
    assert_int_equal(sum_of(p, len), 0);
    free(p);
}

static void large(void **state)
{
    static const size_t lens[] = {1448, 1460, 8948, 64240, 65000, 65495, 65535, 1 << 19};
    uint64_t seed = 2;
    uint8_t *const p = malloc((1 << 19) + 8);

    (void)state;
    random_bytes(&seed, p, (1 << 19) + 8);
    for (size_t i = 0; i < COUNT(lens); i++) {
        for (size_t at = 0; at < 8; at++) {
            assert_int_equal(sum_of(p + at, lens[i]), reference_sum(0, p + at, lens[i]));
        }
    }
    free(p);
}

static void every_split(void **state)
{
    uint64_t seed = 3;
    uint8_t bytes[150];

    (void)state;
    random_bytes(&seed, bytes, sizeof bytes);
    const uint16_t whole = reference_sum(0, bytes, sizeof bytes);

    for (size_t i = 0; i <= sizeof bytes; i++) {
        for (size_t j = i; j <= sizeof bytes; j++) {
            struct checksum c = {0};

            checksum_add(&c, bytes, i);
            checksum_add(&c, bytes + i, j - i);
            checksum_add(&c, bytes + j, sizeof bytes - j);
            assert_int_equal(checksum_fold(&c), whole);
        }
    }
}

static void many_pieces(void **state)
{
    uint64_t seed = 4;
    uint8_t bytes[5000];

    (void)state;
    random_bytes(&seed, bytes, sizeof bytes);
    for (int round = 0; round < 500; round++) {
        struct checksum c = {0};
        size_t at = 0;

        while (at < sizeof bytes) {
            size_t n = random_below(&seed, 300);

            n = n < sizeof bytes - at ? n : sizeof bytes - at;
            checksum_add(&c, bytes + at, n);
            at += n;
        }
        assert_int_equal(checksum_fold(&c), reference_sum(0, bytes, sizeof bytes));
    }
}

static void pseudo_header(void **state)
{
    uint8_t bytes[100];

    (void)state;
    for (size_t i = 0; i < COUNT(captured_good); i++) {
        const size_t len = unhex(captured_good[i], bytes);
        const enum ip_version version = bytes[0] >> 4 == 4 ? IP_V4 : IP_V6;
        const size_t header = version == IP_V4 ? 20 : 40, n = ip_addr_len(version);
        struct ip_addr src = {.version = (uint8_t)version}, dst = src;
        struct checksum c = {0};

        memcpy(src.bytes, bytes + header - 2 * n, n);
        memcpy(dst.bytes, bytes + header - n, n);
        checksum_add_pseudo(&c, &src, &dst, 6, (uint32_t)(len - header));
        assert_int_equal(checksum_fold(&c), reference_pseudo(bytes, len - header));
        checksum_add(&c, bytes + header, len - header);
        assert_int_equal(checksum_finish(&c), 0);
    }
}

/* The kernel adds a length of more than 16 bits up just so: BIG TCP. */
static void long_length(void **state)
{
    const struct ip_addr a = {.version = IP_V4, .bytes = {10, 1, 0, 1}};
    struct checksum c = {0};

    (void)state;
    checksum_add_pseudo(&c, &a, &a, 6, 0x20003);
    assert_int_equal(checksum_fold(&c), 0x0a01 + 1 + 0x0a01 + 1 + 6 + 2 + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("the example of RFC 1071 comes out as printed there", rfc1071),
        TEST("an IPv4 header known from elsewhere has its checksum", ip_header),
        TEST("no bytes sum up to nothing, at no address", nothing),
        TEST("every length at every alignment has the right sum", every_place),
        TEST("no byte beyond the end is read", bounds),
        TEST("a megabyte of ones loses no carry", ones),
        TEST("MUST-2 large segments have the right sum at odd alignments", large),
        TEST("two cuts anywhere, odd ones too, do not change the sum", every_split),
        TEST("many pieces of random length do not change the sum", many_pieces),
        TEST("MUST-3 captured segments verify with their pseudo-header", pseudo_header),
        TEST("a TCP length above 65535 counts in full in the pseudo-header", long_length),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
