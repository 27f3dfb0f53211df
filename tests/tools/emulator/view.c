/*
 * Looking at a frame, and marking it: Ethernet, IPv4, IPv6 without extension headers, TCP. Touches
 * nothing but the bytes it is given.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "emulator.h"

uint16_t fold16(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

uint32_t sum16(const uint8_t *p, size_t len, uint32_t sum)
{
    uint64_t native = 0;
    uint32_t word;

    /* In the machine's own order: the sum's bytes are swapped if its words are. */
    for (; len >= 4; p += 4, len -= 4) {
        memcpy(&word, p, 4);
        native += word;
    }
    native = (native & 0xffffffff) + (native >> 32);
    native = (native & 0xffff) + (native >> 16 & 0xffff) + (native >> 32);
    sum += ntohs(fold16((uint32_t)native));
    if (len >= 2)
        sum += (uint32_t)(p[0] << 8 | p[1]);
    return len & 1 ? sum + (uint32_t)(p[len - 1] << 8) : sum;
}

static void view_ipv4(const uint8_t *ip, uint32_t room, struct view *v)
{
    uint32_t header = (uint32_t)(ip[0] & 15) * 4;
    uint32_t fragment = (uint32_t)((ip[6] & 0x3f) << 8 | ip[7]); /* offset, and "more" */

    if (ip[0] >> 4 != 4 || header < 20 || room < header)
        return;
    v->version = 4;
    v->ip_len = (uint32_t)(ip[2] << 8 | ip[3]);
    v->ecn = ip[1] & 3;
    v->df = ip[6] & 0x40;
    v->protocol = fragment & 0x1fff ? 255 : ip[9];
    if (fragment == 0 && ip[9] == IPPROTO_TCP && room >= header + 20)
        v->tcp = ETH_HLEN + header;
}

static void view_ipv6(const uint8_t *ip, uint32_t room, struct view *v)
{
    if (room < 40 || ip[0] >> 4 != 6)
        return;
    v->version = 6;
    v->ip_len = 40 + (uint32_t)(ip[4] << 8 | ip[5]);
    v->ecn = ip[1] >> 4 & 3;
    v->df = true;
    v->protocol = ip[6];
    if (ip[6] == IPPROTO_TCP && room >= 60)
        v->tcp = ETH_HLEN + 40;
}

struct view view_frame(const uint8_t *data, uint32_t len)
{
    struct view v = {.protocol = 255};
    uint16_t type;

    if (len < ETH_HLEN + 20)
        return v;
    type = (uint16_t)(data[12] << 8 | data[13]);
    if (type == ETH_P_IP)
        view_ipv4(data + ETH_HLEN, len - ETH_HLEN, &v);
    else if (type == ETH_P_IPV6)
        view_ipv6(data + ETH_HLEN, len - ETH_HLEN, &v);
    if (v.ip_len > len - ETH_HLEN)
        return (struct view){.protocol = 255};
    return v;
}

void checksum_ipv4(uint8_t *ip)
{
    uint16_t sum;

    ip[10] = ip[11] = 0;
    sum = (uint16_t)~fold16(sum16(ip, (size_t)(ip[0] & 15) * 4, 0));
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
}

void frame_mark_ce(uint8_t *data, uint8_t version)
{
    uint8_t *ip = data + ETH_HLEN;

    if (version == 6) {
        ip[1] |= 0x30;
    } else {
        ip[1] |= 3;
        checksum_ipv4(ip);
    }
}
