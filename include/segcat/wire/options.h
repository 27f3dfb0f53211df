/*
 * TCP options: bytes <-> struct tcp_options. Pure.
 */
#ifndef SEGCAT_WIRE_OPTIONS_H
#define SEGCAT_WIRE_OPTIONS_H

#include "segcat/wire/segment.h"

/*
 * Decodes the option area of a TCP header. Never reads outside [p, p + len). Rules (RFC 9293
 * 3.1/3.2, MUST-4..7; RFC 7323; RFC 2018): kind 0 ends the list, kind 1 is one byte, unknown kinds
 * are skipped by their length, length 0 or 1 or one beyond the area ends the list and sets
 * OPT_MALFORMED; a known kind with a wrong length is skipped and sets OPT_MALFORMED. The first of a
 * repeated option wins. SACK takes 1 to 4 blocks (length 2 + 8n). Whether an option has a meaning
 * in this segment (MSS outside a SYN) is the core's business, and so are values: MSS 0 and a scale
 * above 14 are handed on as they came, for the trace to show.
 */
void tcp_options_parse(const uint8_t *p, size_t len, struct tcp_options *out);

/*
 * Encodes what opt->present asks for in the order and alignment that Linux uses: MSS; timestamps
 * behind SACK-permitted or NOP,NOP; scale; SACK blocks. All of it keeps to multiples of four, so
 * that no padding is left over (MUST-69). buf: room for TCP_OPTIONS_MAX. Returns the bytes written.
 * SACK blocks that do not fit are left out, OPT_UNKNOWN and OPT_MALFORMED mean nothing here.
 */
size_t tcp_options_build(const struct tcp_options *opt, uint8_t *buf);

/* The number of bytes that tcp_options_build() would write. */
size_t tcp_options_len(const struct tcp_options *opt);

#endif
