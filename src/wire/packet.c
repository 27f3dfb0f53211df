/*
 * A whole packet, IP header first: bytes <-> struct packet. Pure; payload is summed, never copied.
 */
#include "segcat/wire/packet.h"

#include <string.h>

#include "segcat/wire/bytes.h"
#include "segcat/wire/checksum.h"
#include "segcat/wire/options.h"

/* IPv6 extension headers that may stand before TCP: RFC 8200 section 4. */
enum {
    NEXT_HOP_BY_HOP = 0,
    NEXT_ROUTING = 43,
    NEXT_FRAGMENT = 44,
    NEXT_DESTINATION = 60,
};

/* RFC 8504 5.3 lets a host set a limit; it is over the five that RFC 8200 4.1 has a use for. */
#define EXTENSIONS_MAX 8

static uint16_t sum_once(const uint8_t *p, size_t len)
{
    struct checksum c = {0};

    checksum_add(&c, p, len);
    return checksum_fold(&c);
}

static void read_addr(struct ip_addr *a, enum ip_version version, const uint8_t *p)
{
    a->version = (uint8_t)version;
    memcpy(a->bytes, p, ip_addr_len(version));
}

/* ------------------------------------------------------------------ parsing: IP */

static enum parse_verdict read_ipv4(const uint8_t *p, size_t len, struct ip_header *ip)
{
    if (len < IPV4_HEADER_MIN) {
        return PARSE_TOO_SHORT;
    }
    const uint16_t frag = load_be16(p + 6);
    const size_t header_len = (size_t)(p[0] & 15) * 4;

    ip->header_len = (uint16_t)header_len;
    ip->traffic = p[1];
    /* 0: more than the field can say, a GSO packet that never left the host (BIG TCP) */
    ip->total_len = load_be16(p + 2) != 0 ? load_be16(p + 2) : (uint32_t)len;
    ip->id = load_be16(p + 4);
    ip->flags = (frag >> 13) & (IP_FLAG_MF | IP_FLAG_DF);
    ip->frag_offset = (uint16_t)(frag << 3);
    ip->ttl = p[8];
    ip->protocol = p[9];
    ip->checksum = load_be16(p + 10);
    read_addr(&ip->src, IP_V4, p + 12);
    read_addr(&ip->dst, IP_V4, p + 16);

    if (header_len < IPV4_HEADER_MIN || ip->total_len < header_len || ip->total_len > len) {
        return PARSE_BAD_IP_LENGTH;
    }
    /* IP options are skipped, whatever they are: MUST-50 */
    ip->checksum_verdict = sum_once(p, header_len) == 0xffff ? CHECKSUM_GOOD : CHECKSUM_BAD;
    if (ip->checksum_verdict == CHECKSUM_BAD) {
        return PARSE_BAD_IP_SUM;
    }
    return (ip->flags & IP_FLAG_MF) || ip->frag_offset != 0 ? PARSE_FRAGMENT : PARSE_OK;
}

/*
 * Checks one extension header at p and tells its length. A routing header with a hop to go means
 * that the destination in the IPv6 header is not the final one, which the checksum covers (RFC 8200
 * 8.1): not for us. Hop-by-hop options stand first or not at all (RFC 8200 4.1).
 */
static enum parse_verdict read_extension(const uint8_t *p, size_t len, struct ip_header *ip,
                                         size_t *ext_len)
{
    if (len < 8) {
        return PARSE_BAD_EXTENSION;
    }
    const uint8_t kind = ip->protocol;

    *ext_len = kind == NEXT_FRAGMENT ? 8 : ((size_t)p[1] + 1) * 8;
    if (*ext_len > len || (kind == NEXT_ROUTING && p[3] != 0) ||
        (kind == NEXT_HOP_BY_HOP && ip->header_len != IPV6_HEADER_LEN)) {
        return PARSE_BAD_EXTENSION;
    }
    ip->protocol = p[0];
    if (kind == NEXT_FRAGMENT) {
        ip->frag_offset = load_be16(p + 2) & 0xfff8;
        ip->flags = p[3] & 1 ? IP_FLAG_MF : 0;
        /* offset 0 and none to follow: an "atomic" fragment, which is whole (RFC 6946) */
        return ip->frag_offset != 0 || ip->flags != 0 ? PARSE_FRAGMENT : PARSE_OK;
    }
    return PARSE_OK;
}

static bool is_extension(uint8_t next)
{
    return next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING || next == NEXT_FRAGMENT ||
           next == NEXT_DESTINATION;
}

static enum parse_verdict walk_extensions(const uint8_t *p, struct ip_header *ip)
{
    for (int i = 0; is_extension(ip->protocol); i++) {
        size_t ext_len = 0;

        if (i == EXTENSIONS_MAX) {
            return PARSE_BAD_EXTENSION;
        }
        const enum parse_verdict v =
            read_extension(p + ip->header_len, ip->total_len - ip->header_len, ip, &ext_len);

        if (v != PARSE_OK) {
            return v;
        }
        ip->header_len = (uint16_t)(ip->header_len + ext_len);
    }
    return PARSE_OK;
}

static enum parse_verdict read_ipv6(const uint8_t *p, size_t len, struct ip_header *ip)
{
    if (len < IPV6_HEADER_LEN) {
        return PARSE_TOO_SHORT;
    }
    const uint32_t word = load_be32(p);
    const uint16_t payload = load_be16(p + 4);

    ip->header_len = IPV6_HEADER_LEN;
    ip->traffic = (uint8_t)(word >> 20);
    ip->flow_label = word & 0xfffff;
    /* 0: a jumbogram (RFC 2675) or BIG TCP. TCP in no bytes cannot be, so nothing else is lost. */
    ip->total_len = payload != 0 ? (uint32_t)payload + IPV6_HEADER_LEN : (uint32_t)len;
    ip->protocol = p[6];
    ip->ttl = p[7];
    read_addr(&ip->src, IP_V6, p + 8);
    read_addr(&ip->dst, IP_V6, p + 24);
    if (ip->total_len > len) {
        return PARSE_BAD_IP_LENGTH;
    }
    return walk_extensions(p, ip);
}

static enum parse_verdict read_ip(const uint8_t *p, size_t len, struct ip_header *ip)
{
    if (len == 0) {
        return PARSE_TOO_SHORT;
    }
    if (len > UINT32_MAX) {
        return PARSE_BAD_IP_LENGTH;
    }
    ip->version = p[0] >> 4;
    switch (ip->version) {
    case IP_V4:
        return read_ipv4(p, len, ip);
    case IP_V6:
        return read_ipv6(p, len, ip);
    default:
        return PARSE_BAD_VERSION;
    }
}

/* Neither a sender nor a receiver of TCP: MUST-57, MUST-63; RFC 1122 3.2.1.3. */
static bool is_no_host(const struct ip_addr *a)
{
    return ip_addr_is_unspecified(a) || ip_addr_is_multicast(a) || ip_addr_is_broadcast(a);
}

/* ----------------------------------------------------------------- parsing: TCP */

/*
 * MUST-3. A field with the plain pseudo-header sum is what the kernel hands to an offload (and what
 * its GRO leaves behind). That is asked last: one honest checksum in 65536 looks the same.
 */
static enum checksum_verdict verify(const struct packet *pkt, const uint8_t *p, size_t len)
{
    struct checksum c = {0};

    checksum_add_pseudo(&c, &pkt->ip.src, &pkt->ip.dst, IPPROTO_NUMBER_TCP, (uint32_t)len);
    const uint16_t partial = checksum_fold(&c);

    checksum_add(&c, p, len);
    if (checksum_fold(&c) == 0xffff) {
        return CHECKSUM_GOOD;
    }
    return pkt->checksum == partial ? CHECKSUM_PARTIAL : CHECKSUM_BAD;
}

static void read_tcp_fields(const uint8_t *p, struct packet *out)
{
    struct segment *const seg = &out->seg;

    out->sport = load_be16(p);
    out->dport = load_be16(p + 2);
    seg->seq = load_be32(p + 4);
    seg->flags = load_be16(p + 12) & 0x1ff; /* the three reserved bits: ignored, RFC 9293 3.1 */
    seg->ack = seg->flags & SEG_ACK ? load_be32(p + 8) : 0;
    seg->window = load_be16(p + 14);
    out->checksum = load_be16(p + 16);
    seg->urgent = load_be16(p + 18);
    seg->ecn = out->ip.traffic & 3;
}

/* The segment in exactly [p, p + len); out->ip is complete. */
static enum parse_verdict read_tcp(const uint8_t *p, size_t len, enum checksum_verdict known,
                                   struct packet *out)
{
    if (len < TCP_HEADER_MIN) {
        return PARSE_TOO_SHORT;
    }
    const size_t header_len = (size_t)(p[12] >> 4) * 4;

    read_tcp_fields(p, out);
    out->tcp_header_len = (uint8_t)header_len;
    if (header_len < TCP_HEADER_MIN || header_len > len) {
        return PARSE_BAD_OFFSET;
    }
    out->options = p + TCP_HEADER_MIN;
    out->options_len = (uint8_t)(header_len - TCP_HEADER_MIN);
    tcp_options_parse(out->options, out->options_len, &out->seg.opt);
    out->seg.data[0] = (struct slice){p + header_len, len - header_len};
    out->seg.len = (uint32_t)(len - header_len);
    out->checksum_verdict = known != CHECKSUM_UNCHECKED ? known : verify(out, p, len);
    return is_no_host(&out->ip.src) || is_no_host(&out->ip.dst) ? PARSE_BAD_ADDRESS : PARSE_OK;
}

enum parse_verdict packet_parse_known(const uint8_t *p, size_t len, enum checksum_verdict known,
                                      struct packet *out)
{
    memset(out, 0, sizeof *out);
    const enum parse_verdict v = read_ip(p, len, &out->ip);

    if (v != PARSE_OK) {
        return v;
    }
    if (out->ip.protocol != IPPROTO_NUMBER_TCP) {
        return PARSE_NOT_TCP;
    }
    const size_t header_len = out->ip.header_len;

    return read_tcp(p + header_len, out->ip.total_len - header_len, known, out);
}

enum parse_verdict packet_parse(const uint8_t *p, size_t len, struct packet *out)
{
    return packet_parse_known(p, len, CHECKSUM_UNCHECKED, out);
}

enum parse_verdict packet_parse_tcp(const uint8_t *p, size_t len, struct packet *out)
{
    const struct ip_header ip = out->ip;

    memset(out, 0, sizeof *out);
    out->ip = ip;
    if (ip.version != IP_V4 && ip.version != IP_V6) {
        return PARSE_BAD_VERSION;
    }
    if (len > UINT32_MAX - IPV6_HEADER_LEN) {
        return PARSE_BAD_IP_LENGTH;
    }
    out->ip.header_len = ip.version == IP_V4 ? IPV4_HEADER_MIN : IPV6_HEADER_LEN;
    out->ip.total_len = out->ip.header_len + (uint32_t)len;
    out->ip.protocol = IPPROTO_NUMBER_TCP;
    return read_tcp(p, len, CHECKSUM_UNCHECKED, out);
}

const char *packet_parse_text(enum parse_verdict v)
{
    switch (v) {
    case PARSE_OK:
        return "ok";
    case PARSE_TOO_SHORT:
        return "shorter than its headers";
    case PARSE_BAD_VERSION:
        return "neither IPv4 nor IPv6";
    case PARSE_BAD_IP_LENGTH:
        return "bad IP length";
    case PARSE_BAD_IP_SUM:
        return "bad IP header checksum";
    case PARSE_FRAGMENT:
        return "a fragment";
    case PARSE_NOT_TCP:
        return "not TCP";
    case PARSE_BAD_EXTENSION:
        return "bad IPv6 extension header";
    case PARSE_BAD_OFFSET:
        return "bad TCP data offset";
    case PARSE_BAD_ADDRESS:
        return "unspecified, multicast or broadcast address";
    }
    return "unknown";
}

/* --------------------------------------------------------------------- building */

/* 0 where the length field is too small: the form in which the kernel passes BIG TCP around. */
static uint16_t length_field(uint32_t len)
{
    return len <= UINT16_MAX ? (uint16_t)len : 0;
}

static void write_ipv4(struct ip_header *ip, uint8_t *p)
{
    p[0] = 0x45;
    p[1] = ip->traffic;
    store_be16(p + 2, length_field(ip->total_len));
    store_be16(p + 4, ip->id);
    store_be16(p + 6, (uint16_t)((ip->flags & (IP_FLAG_MF | IP_FLAG_DF)) << 13));
    p[8] = ip->ttl;
    p[9] = IPPROTO_NUMBER_TCP;
    store_be16(p + 10, 0);
    memcpy(p + 12, ip->src.bytes, 4);
    memcpy(p + 16, ip->dst.bytes, 4);
    ip->checksum = (uint16_t)~sum_once(p, IPV4_HEADER_MIN);
    ip->checksum_verdict = CHECKSUM_GOOD;
    store_be16(p + 10, ip->checksum);
}

static void write_ipv6(const struct ip_header *ip, uint8_t *p)
{
    store_be32(p, (uint32_t)6 << 28 | (uint32_t)ip->traffic << 20 | (ip->flow_label & 0xfffff));
    store_be16(p + 4, length_field(ip->total_len - IPV6_HEADER_LEN));
    p[6] = IPPROTO_NUMBER_TCP;
    p[7] = ip->ttl;
    memcpy(p + 8, ip->src.bytes, 16);
    memcpy(p + 24, ip->dst.bytes, 16);
}

/* Header and options, all but the checksum. */
static void write_tcp(struct packet *pkt, uint8_t *p)
{
    const struct segment *const seg = &pkt->seg;

    pkt->options = p + TCP_HEADER_MIN;
    pkt->options_len = (uint8_t)tcp_options_build(&seg->opt, p + TCP_HEADER_MIN);
    pkt->tcp_header_len = (uint8_t)(TCP_HEADER_MIN + pkt->options_len);
    store_be16(p, pkt->sport);
    store_be16(p + 2, pkt->dport);
    store_be32(p + 4, seg->seq);
    store_be32(p + 8, seg->flags & SEG_ACK ? seg->ack : 0);
    store_be16(p + 12, (uint16_t)(pkt->tcp_header_len << 10 | (seg->flags & 0x1ff)));
    store_be16(p + 14, seg->window);
    store_be16(p + 16, 0);
    store_be16(p + 18, seg->urgent);
}

/* Everything but the TCP checksum; returns where TCP begins. */
static uint8_t *write_headers(struct packet *pkt, uint8_t *buf)
{
    struct ip_header *const ip = &pkt->ip;

    ip->header_len = ip->version == IP_V6 ? IPV6_HEADER_LEN : IPV4_HEADER_MIN;
    ip->protocol = IPPROTO_NUMBER_TCP;
    ip->frag_offset = 0;
    ip->traffic = (uint8_t)((ip->traffic & ~3) | (pkt->seg.ecn & 3));
    pkt->seg.len = (uint32_t)(pkt->seg.data[0].len + pkt->seg.data[1].len);
    write_tcp(pkt, buf + ip->header_len);
    ip->total_len = (uint32_t)ip->header_len + pkt->tcp_header_len + pkt->seg.len;
    if (ip->version == IP_V6) {
        write_ipv6(ip, buf);
    } else {
        write_ipv4(ip, buf);
    }
    return buf + ip->header_len;
}

static struct checksum pseudo_sum(const struct packet *pkt)
{
    struct checksum c = {0};

    checksum_add_pseudo(&c, &pkt->ip.src, &pkt->ip.dst, IPPROTO_NUMBER_TCP,
                        pkt->ip.total_len - pkt->ip.header_len);
    return c;
}

size_t packet_build(struct packet *pkt, uint8_t *buf)
{
    uint8_t *const tcp = write_headers(pkt, buf);
    struct checksum c = pseudo_sum(pkt);

    checksum_add(&c, tcp, pkt->tcp_header_len);
    checksum_add(&c, pkt->seg.data[0].data, pkt->seg.data[0].len);
    checksum_add(&c, pkt->seg.data[1].data, pkt->seg.data[1].len);
    pkt->checksum = checksum_finish(&c); /* MUST-2 */
    pkt->checksum_verdict = CHECKSUM_GOOD;
    store_be16(tcp + 16, pkt->checksum);
    return (size_t)pkt->ip.header_len + pkt->tcp_header_len;
}

size_t packet_build_partial(struct packet *pkt, uint8_t *buf)
{
    uint8_t *const tcp = write_headers(pkt, buf);
    const struct checksum c = pseudo_sum(pkt);

    pkt->checksum = checksum_fold(&c);
    pkt->checksum_verdict = CHECKSUM_PARTIAL;
    store_be16(tcp + 16, pkt->checksum);
    return (size_t)pkt->ip.header_len + pkt->tcp_header_len;
}
