/*
 * Numbers, times and untrusted bytes as text, into the caller's buffer. No allocation.
 */
#ifndef SEGCAT_TRACE_FORMAT_H
#define SEGCAT_TRACE_FORMAT_H

#include <stddef.h>

#include "segcat/usec.h"
#include "segcat/wire/address.h"
#include "segcat/wire/segment.h"

/* "192.0.2.1", "fe80::1%eth0" (inet_ntop; the scope as interface name or number). Returns buf. */
#define ADDRESS_TEXT_MAX 64
const char *format_address(const struct ip_addr *a, char buf[ADDRESS_TEXT_MAX]);

/* "192.0.2.1:80" or "[::1]:80" (with `sep` '.' tcpdump's "192.0.2.1.80"). Returns buf. */
#define ENDPOINT_TEXT_MAX (ADDRESS_TEXT_MAX + 10)
const char *format_endpoint(const struct endpoint *e, char sep, char buf[ENDPOINT_TEXT_MAX]);

/* "20.1 ms", "1.000 s", "120 us": three or four significant digits. Returns buf. */
#define DURATION_TEXT_MAX 24
const char *format_duration(usec_t d, char buf[DURATION_TEXT_MAX]);

/* The same without needless zeros, for what somebody chose: "60 s", "1.5 s". Returns buf. */
const char *format_setting(usec_t d, char buf[DURATION_TEXT_MAX]);

/* "313 B/s", "1.23 MB/s": bytes over a duration, decimal units. Returns buf. */
#define RATE_TEXT_MAX 32
const char *format_rate(uint64_t bytes, usec_t over, char buf[RATE_TEXT_MAX]);

/*
 * The control bits in the order of RFC 9293's figures: "SYN,ACK", "FIN,PSH,ACK"..., "none".
 * Returns buf.
 */
#define FLAGS_TEXT_MAX 48
const char *format_flags(unsigned flags, char buf[FLAGS_TEXT_MAX]);

/*
 * Bytes from the network as a quoted, escaped, printable string of at most `width` columns, "..."
 * behind the quotes where cut. Quote and backslash as \" and \\, control bytes and bytes above
 * 0x7e as \n \r \t \e \xHH. Returns buf (always terminated).
 */
const char *format_payload(const struct slice data[2], size_t width, char *buf, size_t cap);

/*
 * A text of ours that may hold words of others (a host name, an argument): control characters and
 * whatever is not UTF-8 become \n \r \t \e \xHH, the rest stays. Cut to fit. Returns buf (always
 * terminated).
 */
const char *format_printable(const char *text, char *buf, size_t cap);

#endif
