/*
 * SipHash-2-4 and what is made of it: initial sequence numbers and timestamp offsets. Pure.
 */
#include "segcat/tcp/isn.h"

#include <string.h>

struct sip {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static uint64_t load_le(const uint8_t *p, size_t len)
{
    uint64_t x = 0;

    for (size_t i = 0; i < len; i++)
        x |= (uint64_t)p[i] << (8 * i);
    return x;
}

static void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v2 = rotl(s->v2, 32);
}

static void sip_word(struct sip *s, uint64_t m)
{
    s->v3 ^= m;
    sip_round(s);
    sip_round(s);
    s->v0 ^= m;
}

uint64_t siphash(const uint8_t key[16], const void *data, size_t len)
{
    const uint64_t k0 = load_le(key, 8);
    const uint64_t k1 = load_le(key + 8, 8);
    struct sip s = {k0 ^ 0x736f6d6570736575U, k1 ^ 0x646f72616e646f6dU, k0 ^ 0x6c7967656e657261U,
                    k1 ^ 0x7465646279746573U};
    const uint8_t *p = data;
    size_t left = len;

    for (; left >= 8; left -= 8, p += 8)
        sip_word(&s, load_le(p, 8));
    sip_word(&s, load_le(p, left) | (uint64_t)(len & 0xff) << 56);
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* All fields as bytes without padding. */
uint64_t tuple_hash(const uint8_t key[16], const struct endpoint *local,
                    const struct endpoint *remote, enum hash_purpose purpose, uint64_t extra)
{
    uint8_t m[1 + 2 * (1 + 16 + 2) + 8];
    uint8_t *p = m;
    const struct endpoint *const both[2] = {local, remote};

    *p++ = (uint8_t)purpose;
    for (int i = 0; i < 2; i++) {
        *p++ = both[i]->ip.version;
        memcpy(p, both[i]->ip.bytes, 16);
        p += 16;
        *p++ = (uint8_t)(both[i]->port >> 8);
        *p++ = (uint8_t)both[i]->port;
    }
    for (int i = 0; i < 8; i++)
        *p++ = (uint8_t)(extra >> (8 * i));
    return siphash(key, m, sizeof m);
}

seq_t isn_generate(const uint8_t key[16], const struct endpoint *local,
                   const struct endpoint *remote, usec_t now)
{
    return (seq_t)(now / 4) + (seq_t)tuple_hash(key, local, remote, HASH_ISN, 0);
}

uint32_t timestamp_offset(const uint8_t key[16], const struct endpoint *local,
                          const struct endpoint *remote)
{
    return (uint32_t)tuple_hash(key, local, remote, HASH_TIMESTAMP, 0);
}
