/*
 * What the tests of src/wire share: names that are sentences, random numbers under a seed, hex, and
 * a reference checksum so plain that it can be trusted. For tests only.
 */
#ifndef SEGCAT_TESTS_WIRE_HELPER_H
#define SEGCAT_TESTS_WIRE_HELPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define TEST(name, function)             \
    {                                    \
        name, function, NULL, NULL, NULL \
    }

/* SplitMix64: any seed is a good one. */
static inline uint64_t random64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static inline uint32_t random_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)(random64(state) % n);
}

static inline void random_bytes(uint64_t *state, uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        p[i] = (uint8_t)random64(state);
    }
}

static inline unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Blanks between bytes are skipped. Returns the bytes written. */
static inline size_t unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;

    for (; *hex != '\0'; hex++) {
        if (*hex != ' ') {
            out[n++] = (uint8_t)(hex_digit(hex[0]) << 4 | hex_digit(hex[1]));
            hex++;
        }
    }
    return n;
}

/* RFC 1071 word by word with the carry brought round at once. Not complemented. */
static inline uint16_t reference_sum(uint16_t sum, const uint8_t *p, size_t len)
{
    uint32_t s = sum;

    for (size_t i = 0; i < len; i += 2) {
        s += (uint32_t)p[i] << 8 | (i + 1 < len ? p[i + 1] : 0u);
        s = (s & 0xffff) + (s >> 16);
    }
    return (uint16_t)s;
}

/* The sum of TCP's pseudo-header, from the bytes of an IP header without options. */
static inline uint16_t reference_pseudo(const uint8_t *ip, size_t tcp_len)
{
    uint8_t tail[8] = {0};

    tail[0] = (uint8_t)(tcp_len >> 24);
    tail[1] = (uint8_t)(tcp_len >> 16);
    tail[2] = (uint8_t)(tcp_len >> 8);
    tail[3] = (uint8_t)tcp_len;
    tail[7] = 6;
    return reference_sum(reference_sum(0, tail, 8), ip + (ip[0] >> 4 == 4 ? 12 : 8),
                         ip[0] >> 4 == 4 ? 8 : 32);
}

/* Sets a plain packet's checksums right after a test has changed its bytes. */
static inline void reference_seal(uint8_t *p, size_t len)
{
    const size_t ip = p[0] >> 4 == 4 ? (size_t)(p[0] & 15) * 4 : 40;

    if (p[0] >> 4 == 4) {
        p[10] = p[11] = 0;
        const uint16_t sum = (uint16_t)~reference_sum(0, p, ip);

        p[10] = (uint8_t)(sum >> 8);
        p[11] = (uint8_t)sum;
    }
    p[ip + 16] = p[ip + 17] = 0;
    const uint16_t sum = (uint16_t)~reference_sum(reference_pseudo(p, len - ip), p + ip, len - ip);

    p[ip + 16] = (uint8_t)(sum >> 8);
    p[ip + 17] = (uint8_t)sum;
}

/*
 * What Linux 6.18 put on a veth pair (10.1.0.1 and fd00::1 to ....2, nc's "ping" and "pong!"),
 * first with transmit checksums made in software, then left to the offload.
 */
static const char v4_syn[] =
    "4500003ccd274000400659900a0100010a01000286d01388a1575b8b00000000a002faf0e8b40000"
    "020405b40402080a1162a7b5000000000103030a";
static const char v4_data[] =
    "45000038cd294000400659920a0100010a01000286d01388a1575b8ca6d29fc58018003f318a0000"
    "0101080a1162a7b64daf6d7670696e67";
static const char v4_fin[] =
    "45000034cd2b4000400659940a0100010a01000286d01388a1575b90a6d29fcb8011003f105b0000"
    "0101080a1162a7b64daf6d77";
static const char v6_syn[] =
    "6002324500280640fd000000000000000000000000000001fd000000000000000000000000000002"
    "b8e813883b84586a00000000a002fd203c1d0000020405a00402080a174f9d20000000000103030a";
static const char v6_data[] =
    "6002324500240640fd000000000000000000000000000001fd000000000000000000000000000002"
    "b8e813883b84586bde08f88a801800408bee00000101080a174f9d21013b250e70696e67";
static const char v4_syn_ack_partial[] =
    "4500003c00004000400626b80a0100020a010001138886d0a6d29fc4a1575b8ca012fe8814330000"
    "020405b40402080a4daf6d761162a7b50103030a";
static const char v6_data_partial[] =
    "6008212d00250640fd000000000000000000000000000002fd000000000000000000000000000001"
    "1388b8e8de08f88a3b84586f8018003ffa2f00000101080a013b2510174f9d21706f6e6721";

static const char *const captured_good[] = {v4_syn, v4_data, v4_fin, v6_syn, v6_data};
static const char *const captured_partial[] = {v4_syn_ack_partial, v6_data_partial};

#endif
