/*
 * The Internet checksum (RFC 1071), 64 bytes at a step. Pure.
 *
 * Words are summed in the machine's own byte order: the one's complement sum does not care
 * (RFC 1071 section 2 (B)), and only the folded result is read as big-endian.
 */
#include "segcat/wire/checksum.h"

#include <string.h>

#include "segcat/wire/bytes.h"

/* Two 64-bit lanes: what every 64-bit machine of today has without being asked. */
typedef uint64_t lanes __attribute__((vector_size(16)));

static inline lanes load_lanes(const uint8_t *p)
{
    lanes v;

    memcpy(&v, p, sizeof v);
    return v;
}

/* 2^16 is 1 in one's complement arithmetic, so high halves may be added to low ones. */
static inline uint32_t fold_to_16(uint64_t s)
{
    s = (s & 0xffffffff) + (s >> 32);
    s = (s & 0xffffffff) + (s >> 32);
    s = (s & 0xffff) + (s >> 16);
    s = (s & 0xffff) + (s >> 16);
    return (uint32_t)s;
}

/*
 * The sum of len (a multiple of 64) bytes as 32-bit words, folded. Each lane keeps two sums:
 * of whole words modulo 2^64, and of their high halves. High halves taken from the first leave the
 * sum of the low halves, exactly, so that no step needs a mask or looks after a carry.
 */
static uint32_t sum_blocks(const uint8_t *p, size_t len)
{
    lanes all0 = {0}, all1 = {0}, high0 = {0}, high1 = {0};

    for (const uint8_t *const end = p + len; p != end; p += 64) {
        const lanes a = load_lanes(p), b = load_lanes(p + 16);
        const lanes c = load_lanes(p + 32), d = load_lanes(p + 48);

        all0 += a;
        high0 += a >> 32;
        all1 += b;
        high1 += b >> 32;
        all0 += c;
        high0 += c >> 32;
        all1 += d;
        high1 += d >> 32;
    }
    all0 += all1;
    high0 += high1;
    all0 -= high0 << 32;
    all0 += high0;
    return fold_to_16((uint64_t)fold_to_16(all0[0]) + fold_to_16(all0[1]));
}

/* The sum of less than 64 bytes; an odd last byte is padded with zero (RFC 9293 3.1). */
static uint64_t sum_rest(const uint8_t *p, size_t len)
{
    uint64_t sum = 0;
    uint32_t word = 0;

    for (; len >= 4; p += 4, len -= 4) {
        memcpy(&word, p, 4);
        sum += word;
    }
    word = 0;
    if (len >= 2) {
        uint16_t half;

        memcpy(&half, p, 2);
        sum += half;
        p += 2;
        len -= 2;
    }
    if (len != 0) {
        memcpy(&word, p, 1);
        sum += word;
    }
    return sum;
}

void checksum_add(struct checksum *c, const void *p, size_t len)
{
    const uint8_t *const bytes = p;
    const size_t blocks = len & ~(size_t)63;
    uint64_t sum = 0;

    if (len == 0) {
        return; /* p may be NULL then */
    }
    if (blocks != 0) {
        sum = sum_blocks(bytes, blocks);
    }
    sum = fold_to_16(sum + sum_rest(bytes + blocks, len - blocks));
    if (c->odd) {
        /* each byte of this piece stands in the other half of its word: RFC 1071 section 2 (B) */
        sum = (sum & 0xff) << 8 | sum >> 8;
    }
    c->sum += sum;
    c->odd ^= (len & 1) != 0;
}

void checksum_add_pseudo(struct checksum *c, const struct ip_addr *src, const struct ip_addr *dst,
                         uint8_t protocol, uint32_t length)
{
    /* RFC 8200 8.1. RFC 9293 3.1 has a 16-bit length, which sums up to the same. */
    const size_t n = ip_addr_len(src->version);
    uint8_t pseudo[2 * sizeof src->bytes + 8] = {0};

    memcpy(pseudo, src->bytes, n);
    memcpy(pseudo + n, dst->bytes, n);
    store_be32(pseudo + 2 * n, length);
    pseudo[2 * n + 7] = protocol;
    checksum_add(c, pseudo, 2 * n + 8);
}

uint16_t checksum_fold(const struct checksum *c)
{
    const uint16_t folded = (uint16_t)fold_to_16(c->sum);
    uint8_t stored[2];

    memcpy(stored, &folded, 2);
    return load_be16(stored);
}

uint16_t checksum_finish(const struct checksum *c)
{
    return (uint16_t)~checksum_fold(c);
}
