/*
 * Addresses and endpoints of both IP families in one small type. Pure.
 */
#ifndef SEGCAT_WIRE_ADDRESS_H
#define SEGCAT_WIRE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ip_version { IP_NONE = 0, IP_V4 = 4, IP_V6 = 6 };

/* An address: IPv4 stands in the first four bytes, the rest is zero. Network byte order. */
struct ip_addr {
    uint8_t version;   /* enum ip_version */
    uint8_t bytes[16]; /* network byte order */
    uint32_t scope_id; /* interface index of a scoped IPv6 address, else 0 */
};

struct endpoint {
    struct ip_addr ip;
    uint16_t port; /* host byte order */
};

/* Bytes that an address of this version has: 4, 16, or 0 for IP_NONE. */
size_t ip_addr_len(enum ip_version version);

/* True if both name the same address. The scope is compared only where both have one. */
bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b);

/* True if addresses (as above) and ports are the same. */
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

/* 0.0.0.0 and :: */
bool ip_addr_is_unspecified(const struct ip_addr *a);

/* 224.0.0.0/4 and ff00::/8 */
bool ip_addr_is_multicast(const struct ip_addr *a);

/* 255.255.255.255 only: the limited broadcast needs no knowledge of networks (RFC 919). */
bool ip_addr_is_broadcast(const struct ip_addr *a);

/* 127.0.0.0/8 and ::1 */
bool ip_addr_is_loopback(const struct ip_addr *a);

/* 169.254.0.0/16 and fe80::/10: such an IPv6 address needs a scope. */
bool ip_addr_is_link_local(const struct ip_addr *a);

#endif
