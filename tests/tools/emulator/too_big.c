/*
 * The ICMP message of a router on the path whose next link has a smaller MTU: "fragmentation needed"
 * (RFC 1191, section 4) and "packet too big" (RFC 8201, RFC 4443, section 3.2). The router's own
 * addresses are .1 in the networks of tests/bats/common.bash: on the link, so that no kernel takes
 * its word for a martian's. Pure.
 */
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "emulator.h"

static const uint8_t router_mac[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t router4[4] = {192, 0, 2, 1};
static const uint8_t router6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

enum { QUOTE4_MAX = 576 - 20 - 8, QUOTE6_MAX = 1280 - 40 - 8 };

static void put16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static uint32_t at_most(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t too_big4(const uint8_t *ip, uint32_t ip_len, uint32_t mtu, uint8_t *out)
{
    uint32_t quote = at_most(ip_len, QUOTE4_MAX);
    uint8_t *icmp = out + 20;

    memset(out, 0, 28);
    out[0] = 0x45;
    out[1] = 0xc0; /* internetwork control, as routers say (RFC 1812, section 4.3.2.5) */
    put16(out + 2, 28 + quote);
    out[8] = 64;
    out[9] = IPPROTO_ICMP;
    memcpy(out + 12, router4, 4);
    memcpy(out + 16, ip + 12, 4);
    checksum_ipv4(out);
    icmp[0] = 3;
    icmp[1] = 4;
    put16(icmp + 6, mtu);
    memcpy(icmp + 8, ip, quote);
    put16(icmp + 2, (uint16_t)~fold16(sum16(icmp, 8 + quote, 0)));
    return 28 + quote;
}

static uint32_t too_big6(const uint8_t *ip, uint32_t ip_len, uint32_t mtu, uint8_t *out)
{
    uint32_t quote = at_most(ip_len, QUOTE6_MAX);
    uint8_t *icmp = out + 40;

    memset(out, 0, 48);
    out[0] = 0x60;
    put16(out + 4, 8 + quote);
    out[6] = IPPROTO_ICMPV6;
    out[7] = 64;
    memcpy(out + 8, router6, 16);
    memcpy(out + 24, ip + 8, 16);
    icmp[0] = 2;
    put16(icmp + 4, mtu >> 16);
    put16(icmp + 6, mtu);
    memcpy(icmp + 8, ip, quote);
    /* The pseudo-header: both addresses, the length and the protocol. */
    put16(icmp + 2, (uint16_t)~fold16(sum16(out + 8, 32, 8 + quote + IPPROTO_ICMPV6) +
                                      fold16(sum16(icmp, 8 + quote, 0))));
    return 48 + quote;
}

uint32_t too_big(const uint8_t *data, const struct view *v, uint32_t mtu, uint8_t out[TOO_BIG_MAX])
{
    const uint8_t *ip = data + ETH_HLEN;

    /* No error about an error (RFC 1122, section 3.2.2): nor about any other ICMP, to be brief. */
    if (v->protocol == IPPROTO_ICMP || v->protocol == IPPROTO_ICMPV6 || v->protocol == 255)
        return 0;
    memcpy(out, data + ETH_ALEN, ETH_ALEN);
    memcpy(out + ETH_ALEN, router_mac, ETH_ALEN);
    memcpy(out + 12, data + 12, 2);
    if (v->version == 6)
        return ETH_HLEN + too_big6(ip, v->ip_len, mtu, out + ETH_HLEN);
    return ETH_HLEN + too_big4(ip, v->ip_len, mtu, out + ETH_HLEN);
}
