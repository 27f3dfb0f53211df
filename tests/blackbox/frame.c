/*
 * Packets as bytes: built as the script wants them, right or wrong, and read strictly.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "peer.h"

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* RFC 1071, the plain way. */
static uint32_t sum(uint32_t acc, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        acc += i & 1 ? p[i] : (uint32_t)p[i] << 8;
    while (acc >> 16)
        acc = (acc & 0xffff) + (acc >> 16);
    return acc;
}

static uint32_t pseudo(const struct address *src, const struct address *dst, unsigned proto,
                       size_t len)
{
    const size_t n = src->v6 ? 16 : 4;
    uint8_t tail[4];
    uint32_t acc = sum(sum(0, src->bytes, n), dst->bytes, n);

    put16(tail, (unsigned)len);
    put16(tail + 2, proto);
    return sum(acc, tail, sizeof tail);
}

/* ---- building */

static size_t build_options(const struct frame *f, uint8_t *p)
{
    size_t n = 0;

    if (f->raw_options_len >= 0) {
        memcpy(p, f->raw_options, (size_t)f->raw_options_len);
        return (size_t)f->raw_options_len;
    }
    if (f->options & O_MSS) {
        p[n] = 2, p[n + 1] = 4;
        put16(p + n + 2, f->mss);
        n += 4;
    }
    if (f->options & O_SACKOK) {
        p[n] = 4, p[n + 1] = 2;
        n += 2;
    }
    if (f->options & O_TS) {
        p[n] = 8, p[n + 1] = 10;
        put32(p + n + 2, f->tsval);
        put32(p + n + 6, f->tsecr);
        n += 10;
    }
    if (f->options & O_WSCALE) {
        p[n] = 3, p[n + 1] = 3, p[n + 2] = f->wscale;
        n += 3;
    }
    if (f->options & O_SACK) {
        p[n] = 5, p[n + 1] = (uint8_t)(2 + 8 * f->blocks);
        for (unsigned i = 0; i < f->blocks; i++) {
            put32(p + n + 2 + 8 * i, f->sack[i][0]);
            put32(p + n + 6 + 8 * i, f->sack[i][1]);
        }
        n += 2 + 8 * f->blocks;
    }
    return n;
}

/* Whole options need a multiple of four: filled with no-operations, or with zeros behind raw
 * ones. */
static size_t build_tcp(const struct frame *f, uint8_t *p)
{
    size_t options = build_options(f, p + 20), hlen;
    uint32_t s;

    while (options % 4 != 0)
        p[20 + options++] = f->raw_options_len >= 0 ? 0 : 1;
    hlen = 20 + options;
    put16(p, f->sport);
    put16(p + 2, f->dport);
    put32(p + 4, f->seq);
    put32(p + 8, f->ack);
    p[12] = (uint8_t)((f->data_offset >= 0 ? (unsigned)f->data_offset : hlen / 4) << 4);
    p[13] = (uint8_t)f->flags;
    put16(p + 14, f->window);
    put16(p + 16, 0);
    put16(p + 18, f->urgent);
    memcpy(p + hlen, f->payload, f->len);
    s = sum(pseudo(&f->src, &f->dst, 6, hlen + f->len), p, hlen + f->len);
    put16(p + 16, (~s & 0xffff) ^ (f->bad_sum ? 0x0101 : 0));
    if (f->partial_sum)
        put16(p + 16, pseudo(&f->src, &f->dst, 6, hlen + f->len));
    return hlen + f->len;
}

size_t frame_build(const struct frame *f, uint8_t *buf)
{
    const size_t ip = f->src.v6 ? 40 : 20 + f->ip_options_len;
    const size_t tcp = build_tcp(f, buf + ip);
    const unsigned length =
        f->ip_length >= 0 ? (unsigned)f->ip_length : (unsigned)(f->src.v6 ? tcp : ip + tcp);

    memset(buf, 0, ip);
    if (f->src.v6) {
        put32(buf, 6U << 28 | (uint32_t)f->tos << 20);
        put16(buf + 4, length);
        buf[6] = 6;
        buf[7] = f->ttl;
        memcpy(buf + 8, f->src.bytes, 16);
        memcpy(buf + 24, f->dst.bytes, 16);
    } else {
        buf[0] = (uint8_t)(0x40 | ip / 4);
        buf[1] = f->tos;
        put16(buf + 2, length);
        put16(buf + 6, f->fragment ? 0x2000 : f->df ? 0x4000 : 0);
        buf[8] = f->ttl;
        buf[9] = 6;
        memcpy(buf + 12, f->src.bytes, 4);
        memcpy(buf + 16, f->dst.bytes, 4);
        memcpy(buf + 20, f->ip_options, f->ip_options_len);
        put16(buf + 10, (~sum(0, buf, ip) & 0xffff) ^ (f->bad_ip_sum ? 0x0101 : 0));
    }
    memset(buf + ip + tcp, 0x5a, f->padding);
    return ip + tcp + f->padding;
}

size_t frame_piece(const struct frame *f, const uint8_t *whole, size_t n, size_t i, uint8_t *buf)
{
    const size_t ip = 20, size = f->fragment_size & ~(size_t)7, at = i * size;
    const size_t len = at + size < n - ip ? size : n - ip - at;

    if (at >= n - ip)
        return 0;
    memcpy(buf, whole, ip);
    memcpy(buf + ip, whole + ip + at, len);
    put16(buf + 2, (unsigned)(ip + len));
    put16(buf + 4, 0x5e9c); /* the identification that they share */
    put16(buf + 6, (unsigned)(at / 8) | (at + len < n - ip ? 0x2000U : 0));
    put16(buf + 10, 0);
    put16(buf + 10, ~sum(0, buf, ip) & 0xffff);
    return ip + len;
}

size_t frame_icmp(const struct address *from, const struct address *to, unsigned type,
                  unsigned code, uint32_t rest, const uint8_t *quote, size_t quote_len,
                  uint8_t *buf)
{
    const size_t ip = from->v6 ? 40 : 20, len = 8 + quote_len;
    uint8_t *const p = buf + ip;

    memset(buf, 0, ip + 8);
    p[0] = (uint8_t)type;
    p[1] = (uint8_t)code;
    put32(p + 4, rest);
    memcpy(p + 8, quote, quote_len);
    if (from->v6) {
        buf[0] = 0x60;
        put16(buf + 4, (unsigned)len);
        buf[6] = 58;
        buf[7] = 64;
        memcpy(buf + 8, from->bytes, 16);
        memcpy(buf + 24, to->bytes, 16);
        put16(p + 2, ~sum(pseudo(from, to, 58, len), p, len) & 0xffff);
    } else {
        buf[0] = 0x45;
        put16(buf + 2, (unsigned)(ip + len));
        buf[8] = 64;
        buf[9] = 1;
        memcpy(buf + 12, from->bytes, 4);
        memcpy(buf + 16, to->bytes, 4);
        put16(buf + 10, ~sum(0, buf, ip) & 0xffff);
        put16(p + 2, ~sum(0, p, len) & 0xffff);
    }
    return ip + len;
}

/* ---- reading: whatever is not as it must be is named */

static const char *read_option(const uint8_t *p, size_t len, struct frame *f)
{
    switch (p[0]) {
    case 2:
        f->options |= O_MSS;
        f->mss = get16(p + 2);
        return len == 4 ? NULL : "MSS option: wrong length (MUST-68)";
    case 3:
        f->options |= O_WSCALE;
        f->wscale = p[2];
        return len == 3 ? NULL : "window scale option: wrong length (MUST-68)";
    case 4:
        f->options |= O_SACKOK;
        return len == 2 ? NULL : "SACK-permitted option: wrong length (MUST-68)";
    case 5:
        if (len < 10 || (len - 2) % 8 != 0 || len > 34)
            return "SACK option: wrong length (MUST-68)";
        f->options |= O_SACK;
        f->blocks = (unsigned)(len - 2) / 8;
        for (unsigned i = 0; i < f->blocks; i++) {
            f->sack[i][0] = get32(p + 2 + 8 * i);
            f->sack[i][1] = get32(p + 6 + 8 * i);
        }
        return NULL;
    case 8:
        f->options |= O_TS;
        f->tsval = get32(p + 2);
        f->tsecr = get32(p + 6);
        return len == 10 ? NULL : "timestamps option: wrong length (MUST-68)";
    default:
        f->options |= O_OTHER;
        return NULL;
    }
}

static const char *read_options(const uint8_t *p, size_t len, struct frame *f)
{
    for (size_t i = 0; i < len;) {
        const char *wrong;

        if (p[i] == 0) {
            for (; i < len; i++)
                if (p[i] != 0)
                    return "padding that is not zero (MUST-69)";
            break;
        }
        if (p[i] == 1) {
            i++;
            continue;
        }
        if (i + 2 > len || p[i + 1] < 2 || i + p[i + 1] > len)
            return "an option that leads out of the header";
        wrong = read_option(p + i, p[i + 1], f);
        if (wrong != NULL)
            return wrong;
        i += p[i + 1];
    }
    return NULL;
}

static const char *read_tcp(const uint8_t *p, size_t len, struct frame *f)
{
    size_t hlen;

    if (len < 20)
        return "shorter than a TCP header";
    hlen = (size_t)(p[12] >> 4) * 4;
    if (hlen < 20 || hlen > len)
        return "data offset wrong";
    if (p[12] & 0x0f)
        return "reserved bits are set";
    if (sum(pseudo(&f->src, &f->dst, 6, len), p, len) != 0xffff)
        return "TCP checksum wrong (MUST-2)";
    f->sport = get16(p);
    f->dport = get16(p + 2);
    f->seq = get32(p + 4);
    f->ack = get32(p + 8);
    f->flags = p[13];
    f->window = get16(p + 14);
    f->urgent = get16(p + 18);
    f->payload = p + hlen;
    f->len = len - hlen;
    f->options_len = hlen - 20;
    if (!(f->flags & F_ACK) && f->ack != 0)
        return "an acknowledgment number without ACK";
    if (f->flags & F_URG || f->urgent != 0)
        return "urgent data is sent (SHLD-13)";
    return read_options(p + 20, hlen - 20, f);
}

const char *frame_parse(const uint8_t *p, size_t len, struct frame *f)
{
    const bool v6 = len > 0 && p[0] >> 4 == 6;
    size_t ip = v6 ? 40 : 20, total;

    memset(f, 0, sizeof *f);
    f->src.v6 = f->dst.v6 = v6;
    if (len < ip)
        return "shorter than an IP header";
    if (v6) {
        f->tos = (uint8_t)(get16(p) >> 4);
        f->ttl = p[7];
        f->df = true;
        memcpy(f->src.bytes, p + 8, 16);
        memcpy(f->dst.bytes, p + 24, 16);
        total = 40U + get16(p + 4);
    } else {
        if (p[0] != 0x45)
            return "not a plain IPv4 header";
        f->tos = p[1];
        f->ttl = p[8];
        f->df = (p[6] & 0x40) != 0;
        memcpy(f->src.bytes, p + 12, 4);
        memcpy(f->dst.bytes, p + 16, 4);
        total = get16(p + 2);
        if (sum(0, p, 20) != 0xffff)
            return "IP checksum wrong";
    }
    if (total > len || total < ip)
        return "IP length wrong";
    return read_tcp(p + ip, total - ip, f);
}

/* ---- words */

static const char *flag_text(unsigned flags)
{
    static char text[16];
    static const char letters[] = "FSRP.UEW";
    size_t n = 0;

    for (unsigned i = 0; i < 8; i++)
        if (flags & 1U << i && i != 4)
            text[n++] = letters[i];
    if (flags & F_ACK)
        text[n++] = '.';
    text[n] = '\0';
    return text;
}

const char *frame_text(const struct frame *f, uint32_t seq_base, uint32_t ack_base)
{
    static char text[512];
    size_t n = 0;

#define ADD(...) \
    (n += (size_t)snprintf(text + n, n < sizeof text ? sizeof text - n : 0, __VA_ARGS__))
    ADD("%s seq %d len %zu", flag_text(f->flags), (int)(f->seq - seq_base), f->len);
    if (f->flags & F_ACK)
        ADD(" ack %d", (int)(f->ack - ack_base));
    ADD(" win %u ttl %u tos 0x%02x%s opt", f->window, f->ttl, f->tos, f->df ? " df" : "");
    if (f->options & O_MSS)
        ADD(" mss=%u", f->mss);
    if (f->options & O_WSCALE)
        ADD(" wscale=%u", f->wscale);
    if (f->options & O_SACKOK)
        ADD(" sackok");
    if (f->options & O_TS)
        ADD(" ts=%u:%u", f->tsval, f->tsecr);
    for (unsigned i = 0; i < f->blocks; i++)
        ADD(" sack=%d-%d", (int)(f->sack[i][0] - ack_base), (int)(f->sack[i][1] - ack_base));
#undef ADD
    return text;
}
