/*
 * What kind of address an address is. Pure: looks at its arguments and nothing else.
 */
#include "segcat/wire/address.h"

#include <string.h>

static const uint8_t zero[16];

/* A length that the compiler knows becomes a load or two and no call: demux asks often. */
static bool same_bytes(enum ip_version version, const uint8_t *a, const uint8_t *b)
{
    switch (version) {
    case IP_V4:
        return memcmp(a, b, 4) == 0;
    case IP_V6:
        return memcmp(a, b, 16) == 0;
    case IP_NONE:
        break;
    }
    return true;
}

size_t ip_addr_len(enum ip_version version)
{
    switch (version) {
    case IP_V4:
        return 4;
    case IP_V6:
        return 16;
    case IP_NONE:
        break;
    }
    return 0;
}

bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
    if (a->version != b->version || !same_bytes(a->version, a->bytes, b->bytes)) {
        return false;
    }
    return a->version != IP_V6 || a->scope_id == 0 || b->scope_id == 0 ||
           a->scope_id == b->scope_id;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && ip_addr_equal(&a->ip, &b->ip);
}

bool ip_addr_is_unspecified(const struct ip_addr *a)
{
    return ip_addr_len(a->version) != 0 && same_bytes(a->version, a->bytes, zero);
}

bool ip_addr_is_multicast(const struct ip_addr *a)
{
    return (a->version == IP_V4 && (a->bytes[0] & 0xf0) == 0xe0) ||
           (a->version == IP_V6 && a->bytes[0] == 0xff);
}

bool ip_addr_is_broadcast(const struct ip_addr *a)
{
    static const uint8_t ones[4] = {0xff, 0xff, 0xff, 0xff};

    return a->version == IP_V4 && memcmp(a->bytes, ones, sizeof ones) == 0;
}

bool ip_addr_is_loopback(const struct ip_addr *a)
{
    if (a->version == IP_V6) {
        return memcmp(a->bytes, zero, 15) == 0 && a->bytes[15] == 1;
    }
    return a->version == IP_V4 && a->bytes[0] == 127;
}

bool ip_addr_is_link_local(const struct ip_addr *a)
{
    if (a->version == IP_V6) {
        return a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
    }
    return a->version == IP_V4 && a->bytes[0] == 169 && a->bytes[1] == 254;
}
