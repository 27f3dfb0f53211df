/*
 * ICMP and ICMPv6 errors: their meaning to TCP, their words, the segment they quote. Pure.
 */
#include "segcat/wire/icmp.h"

#include <string.h>

#include "segcat/wire/bytes.h"
#include "segcat/wire/checksum.h"
#include "segcat/wire/packet.h"

/* RFC 792 */
enum {
    ICMP4_UNREACHABLE = 3,
    ICMP4_SOURCE_QUENCH = 4,
    ICMP4_REDIRECT = 5,
    ICMP4_TIME_EXCEEDED = 11,
    ICMP4_PARAMETER = 12,
};

/* RFC 4443 */
enum {
    ICMP6_UNREACHABLE = 1,
    ICMP6_TOO_BIG = 2,
    ICMP6_TIME_EXCEEDED = 3,
    ICMP6_PARAMETER = 4,
};

#define ICMP_HEADER_LEN 8
#define QUOTED_TCP_MIN  8 /* RFC 792: ports and sequence number, and no more is promised */
#define COUNT(array)    (sizeof(array) / sizeof(array)[0])

struct code {
    enum icmp_meaning meaning;
    const char *text;
};

/*
 * RFC 9293 3.9.2.2: 0, 1 and 5 are soft (MUST-56), 2 and 3 hard (SHLD-26). 4 is path MTU
 * discovery's. The others (RFC 1122 3.2.2.1, RFC 1812 5.2.7.1) by whether trying again can help,
 * which is how Linux takes them too.
 */
static const struct code unreachable4[] = {
    {ICMP_MEANS_SOFT, "network unreachable"},
    {ICMP_MEANS_SOFT, "host unreachable"},
    {ICMP_MEANS_HARD, "protocol unreachable"},
    {ICMP_MEANS_HARD, "port unreachable"},
    {ICMP_MEANS_TOO_BIG, "fragmentation needed"},
    {ICMP_MEANS_SOFT, "source route failed"},
    {ICMP_MEANS_HARD, "destination network unknown"},
    {ICMP_MEANS_HARD, "destination host unknown"},
    {ICMP_MEANS_HARD, "source host isolated"},
    {ICMP_MEANS_HARD, "network administratively prohibited"},
    {ICMP_MEANS_HARD, "host administratively prohibited"},
    {ICMP_MEANS_SOFT, "network unreachable for this type of service"},
    {ICMP_MEANS_SOFT, "host unreachable for this type of service"},
    {ICMP_MEANS_HARD, "communication administratively prohibited"},
    {ICMP_MEANS_HARD, "host precedence violation"},
    {ICMP_MEANS_HARD, "precedence cutoff in effect"},
};

/* RFC 4443 3.1 (7: RFC 6550, 8: RFC 8883), seen as RFC 5461 does. */
static const struct code unreachable6[] = {
    {ICMP_MEANS_SOFT, "no route to destination"},
    {ICMP_MEANS_HARD, "communication administratively prohibited"},
    {ICMP_MEANS_SOFT, "beyond scope of source address"},
    {ICMP_MEANS_SOFT, "address unreachable"},
    {ICMP_MEANS_HARD, "port unreachable"},
    {ICMP_MEANS_HARD, "source address failed ingress/egress policy"},
    {ICMP_MEANS_HARD, "reject route to destination"},
    {ICMP_MEANS_SOFT, "error in source routing header"},
    {ICMP_MEANS_SOFT, "headers too long"},
};

static const struct code time_exceeded4[] = {
    {ICMP_MEANS_SOFT, "time to live exceeded in transit"},
    {ICMP_MEANS_SOFT, "fragment reassembly time exceeded"},
};

static const struct code time_exceeded6[] = {
    {ICMP_MEANS_SOFT, "hop limit exceeded in transit"},
    {ICMP_MEANS_SOFT, "fragment reassembly time exceeded"},
};

static const struct code parameter4[] = {
    {ICMP_MEANS_SOFT, "parameter problem"},
    {ICMP_MEANS_SOFT, "parameter problem: required option missing"},
    {ICMP_MEANS_SOFT, "parameter problem: bad length"},
};

static const struct code parameter6[] = {
    {ICMP_MEANS_SOFT, "parameter problem: erroneous header field"},
    {ICMP_MEANS_SOFT, "parameter problem: unrecognized next header"},
    {ICMP_MEANS_SOFT, "parameter problem: unrecognized option"},
};

static const struct code too_big6 = {ICMP_MEANS_TOO_BIG, "packet too big"};
/* MUST-55 */
static const struct code source_quench = {ICMP_MEANS_NOTHING, "source quench"};
static const struct code redirect = {ICMP_MEANS_NOTHING, "redirect"};
static const struct code no_error = {ICMP_MEANS_NOTHING, "not an error"};

/* A code of a type that is known; a code from the future is the mildest that its type can be. */
static const struct code *pick(const struct code *table, size_t count, uint8_t code)
{
    static const struct code unknown = {ICMP_MEANS_SOFT, "unknown code"};

    return code < count ? &table[code] : &unknown;
}

static const struct code *find4(uint8_t type, uint8_t code)
{
    switch (type) {
    case ICMP4_UNREACHABLE:
        return pick(unreachable4, COUNT(unreachable4), code);
    case ICMP4_SOURCE_QUENCH:
        return &source_quench;
    case ICMP4_REDIRECT:
        return &redirect;
    case ICMP4_TIME_EXCEEDED:
        return pick(time_exceeded4, COUNT(time_exceeded4), code);
    case ICMP4_PARAMETER:
        return pick(parameter4, COUNT(parameter4), code);
    default:
        return &no_error;
    }
}

static const struct code *find6(uint8_t type, uint8_t code)
{
    switch (type) {
    case ICMP6_UNREACHABLE:
        return pick(unreachable6, COUNT(unreachable6), code);
    case ICMP6_TOO_BIG: /* its code is ignored: RFC 4443 3.2 */
        return &too_big6;
    case ICMP6_TIME_EXCEEDED:
        return pick(time_exceeded6, COUNT(time_exceeded6), code);
    case ICMP6_PARAMETER:
        return pick(parameter6, COUNT(parameter6), code);
    default:
        return &no_error;
    }
}

static const struct code *find(enum ip_version version, uint8_t type, uint8_t code)
{
    switch (version) {
    case IP_V4:
        return find4(type, code);
    case IP_V6:
        return find6(type, code);
    case IP_NONE:
        break;
    }
    return &no_error;
}

enum icmp_meaning icmp_classify(enum ip_version version, uint8_t type, uint8_t code)
{
    return find(version, type, code)->meaning;
}

const char *icmp_text(enum ip_version version, uint8_t type, uint8_t code)
{
    return find(version, type, code)->text;
}

static void read_endpoint(struct endpoint *e, enum ip_version version, const uint8_t *ip,
                          const uint8_t *port)
{
    *e = (struct endpoint){.ip = {.version = (uint8_t)version}, .port = load_be16(port)};
    memcpy(e->ip.bytes, ip, ip_addr_len(version));
}

/*
 * The quote's lengths and checksums are not looked at: it is cut short, and what routers do to the
 * header before they quote it is folklore (RFC 5927 section 4). The sequence number is what counts.
 */
static bool quote_ipv4(const uint8_t *p, size_t len, struct icmp_error *out)
{
    const size_t header_len = (size_t)(p[0] & 15) * 4;

    if (header_len < IPV4_HEADER_MIN || len < header_len + QUOTED_TCP_MIN) {
        return false;
    }
    if (p[9] != IPPROTO_NUMBER_TCP || (load_be16(p + 6) & 0x1fff) != 0) {
        return false; /* a later fragment begins with payload, not with ports */
    }
    read_endpoint(&out->local, IP_V4, p + 12, p + header_len);
    read_endpoint(&out->remote, IP_V4, p + 16, p + header_len + 2);
    out->seq = load_be32(p + header_len + 4);
    return true;
}

/* We never send extension headers, so a quote of ours has none. */
static bool quote_ipv6(const uint8_t *p, size_t len, struct icmp_error *out)
{
    if (len < IPV6_HEADER_LEN + QUOTED_TCP_MIN || p[6] != IPPROTO_NUMBER_TCP) {
        return false;
    }
    read_endpoint(&out->local, IP_V6, p + 8, p + IPV6_HEADER_LEN);
    read_endpoint(&out->remote, IP_V6, p + 24, p + IPV6_HEADER_LEN + 2);
    out->seq = load_be32(p + IPV6_HEADER_LEN + 4);
    return true;
}

bool icmp_parse_quote(const uint8_t *p, size_t len, struct icmp_error *out)
{
    if (len < IPV4_HEADER_MIN + QUOTED_TCP_MIN) {
        return false;
    }
    switch (p[0] >> 4) {
    case IP_V4:
        return quote_ipv4(p, len, out);
    case IP_V6:
        return quote_ipv6(p, len, out);
    default:
        return false;
    }
}

static bool sum_is_right(const uint8_t *p, size_t len)
{
    struct checksum c = {0};

    checksum_add(&c, p, len);
    return checksum_fold(&c) == 0xffff;
}

/* The next hop's MTU: RFC 1191 section 4 (0 from a router that is older), RFC 4443 3.2. */
static uint32_t read_mtu(const struct icmp_error *e, const uint8_t *p)
{
    if (e->meaning != ICMP_MEANS_TOO_BIG) {
        return 0;
    }
    return e->version == IP_V4 ? load_be16(p + 6) : load_be32(p + 4);
}

bool icmp_parse(enum ip_version version, const uint8_t *p, size_t len, struct icmp_error *out)
{
    if (len < ICMP_HEADER_LEN || find(version, p[0], p[1]) == &no_error) {
        return false;
    }
    if (version == IP_V4 && !sum_is_right(p, len)) {
        return false;
    }
    out->version = (uint8_t)version;
    out->type = p[0];
    out->code = p[1];
    out->meaning = icmp_classify(version, p[0], p[1]);
    out->mtu = read_mtu(out, p);
    return icmp_parse_quote(p + ICMP_HEADER_LEN, len - ICMP_HEADER_LEN, out) &&
           out->local.ip.version == version;
}
