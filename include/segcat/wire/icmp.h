/*
 * ICMP and ICMPv6 errors about a TCP segment of ours: what the error is and which segment it
 * quotes. Pure.
 */
#ifndef SEGCAT_WIRE_ICMP_H
#define SEGCAT_WIRE_ICMP_H

#include "segcat/wire/address.h"

/* What an error means to TCP: RFC 9293 3.9.2.2, RFC 5461, RFC 5927, RFC 4443. */
enum icmp_meaning {
    ICMP_MEANS_NOTHING, /* not an error about TCP, or one to ignore (source quench: MUST-55) */
    ICMP_MEANS_SOFT,    /* net/host unreachable, time exceeded, ...: told, not acted on */
    ICMP_MEANS_HARD,    /* protocol or port unreachable, prohibited: aborts an opening */
    ICMP_MEANS_TOO_BIG, /* fragmentation needed / packet too big: mtu is set */
};

struct icmp_error {
    uint8_t version; /* enum ip_version: whose numbers type and code are */
    uint8_t type;
    uint8_t code;
    enum icmp_meaning meaning;
    uint32_t mtu;           /* TOO_BIG: next-hop MTU, 0 if the router did not say */
    struct ip_addr sender;  /* who sent the error; IP_NONE if this machine's kernel did */
    struct endpoint local;  /* quoted segment: its source, us */
    struct endpoint remote; /* and destination */
    uint32_t seq; /* quoted sequence number: to be validated against what is outstanding */
};

/*
 * What type and code mean, and their usual words ("port unreachable"), static. A code that we do
 * not know of an error that we do is SOFT.
 */
enum icmp_meaning icmp_classify(enum ip_version version, uint8_t type, uint8_t code);
const char *icmp_text(enum ip_version version, uint8_t type, uint8_t code);

/*
 * Reads a quoted packet (beginning with its IP header; at least 8 bytes of TCP are needed) into
 * local, remote and seq of *out. Returns false if the quote is not a TCP segment or too short.
 */
bool icmp_parse_quote(const uint8_t *p, size_t len, struct icmp_error *out);

/*
 * Parses a whole ICMP or ICMPv6 message (from its type byte on; checksum verified for ICMP, the
 * kernel has done it for ICMPv6) into *out, all but sender. Returns false if it is not an error
 * with a quote of TCP; a source quench or redirect with one is true and MEANS_NOTHING.
 */
bool icmp_parse(enum ip_version version, const uint8_t *p, size_t len, struct icmp_error *out);

#endif
