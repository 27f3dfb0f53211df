/*
 * The Internet checksum (RFC 1071) over pieces, and TCP's use of it. On the bulk path: fast. Pure.
 */
#ifndef SEGCAT_WIRE_CHECKSUM_H
#define SEGCAT_WIRE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segcat/wire/address.h"

/* A sum on its way: unfolded, and whether an odd number of bytes has gone in so far. */
struct checksum {
    uint64_t sum;
    bool odd;
};

/* Adds len bytes; pieces of odd length may follow each other. */
void checksum_add(struct checksum *c, const void *p, size_t len);

/* Adds TCP's pseudo-header: addresses, protocol, TCP length (RFC 9293 3.1; RFC 8200 8.1). */
void checksum_add_pseudo(struct checksum *c, const struct ip_addr *src, const struct ip_addr *dst,
                         uint8_t protocol, uint32_t length);

/* The folded sum, NOT complemented, as a number to be stored big-endian. */
uint16_t checksum_fold(const struct checksum *c);

/* The checksum field: the complement of checksum_fold(). */
uint16_t checksum_finish(const struct checksum *c);

#endif
