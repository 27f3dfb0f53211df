/*
 * A TCP segment as the program passes it around: host byte order, options decoded, payload by
 * reference. The same type serves what arrived and what is to be sent. Pure.
 */
#ifndef SEGCAT_WIRE_SEGMENT_H
#define SEGCAT_WIRE_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segcat/usec.h"

/* Control bits, RFC 9293 section 3.1; AE is RFC 9768's (formerly NS). */
enum segment_flag {
    SEG_FIN = 0x001,
    SEG_SYN = 0x002,
    SEG_RST = 0x004,
    SEG_PSH = 0x008,
    SEG_ACK = 0x010,
    SEG_URG = 0x020,
    SEG_ECE = 0x040,
    SEG_CWR = 0x080,
    SEG_AE = 0x100,
};

/* The ECN field of the IP header, RFC 3168 section 5. */
enum ecn { ECN_NOT_ECT = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3 };

/* Which options a segment carries (or, for one to be sent, is to carry). */
enum option_bit {
    OPT_MSS = 0x01,            /* kind 2, RFC 9293 3.7.1 */
    OPT_WSCALE = 0x02,         /* kind 3, RFC 7323 2 */
    OPT_SACK_PERMITTED = 0x04, /* kind 4, RFC 2018 2 */
    OPT_SACK = 0x08,           /* kind 5, RFC 2018 3 */
    OPT_TIMESTAMPS = 0x10,     /* kind 8, RFC 7323 3 */
    OPT_UNKNOWN = 0x20,        /* at least one kind that we do not know; skipped by its length */
    OPT_MALFORMED = 0x40,      /* a wrong length: that option and, if it cannot be skipped, the rest
                                  were ignored */
};

#define SACK_BLOCKS_MAX 4
#define TCP_HEADER_MIN  20
#define TCP_OPTIONS_MAX 40
#define WSCALE_MAX      14 /* RFC 7323 2.3 */

struct sack_block {
    uint32_t left;  /* first sequence number of the block */
    uint32_t right; /* the one after its last */
};

struct tcp_options {
    uint16_t present; /* enum option_bit */
    uint16_t mss;
    uint8_t wscale; /* as received: may be above WSCALE_MAX */
    uint8_t sack_count;
    struct sack_block sack[SACK_BLOCKS_MAX];
    uint32_t tsval;
    uint32_t tsecr;
};

struct slice {
    const uint8_t *data;
    size_t len;
};

struct segment {
    uint32_t seq;
    uint32_t ack; /* meaningful with SEG_ACK only, else 0 */
    uint16_t flags;
    uint16_t window; /* as in the header, not scaled */
    uint16_t urgent;
    uint8_t ecn; /* enum ecn */
    struct tcp_options opt;
    struct slice data[2]; /* the payload, in at most two pieces (a ring wraps once) */
    uint32_t len;         /* payload bytes: data[0].len + data[1].len */
    uint16_t gso_size; /* to be sent: cut into segments of this payload; 0: one segment as it is */
    usec_t at;         /* arrived (the kernel's word, where it gives one) or handed to the link */
};

/* Sequence space that a segment takes: payload, and one each for SYN and FIN. */
static inline uint32_t segment_seq_len(const struct segment *s)
{
    return s->len + ((s->flags & SEG_SYN) != 0) + ((s->flags & SEG_FIN) != 0);
}

#endif
