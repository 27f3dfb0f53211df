/*
 * A whole packet: IP header, TCP header, segment. Parsing refers to the caller's bytes, building
 * writes headers into the caller's buffer; payload is never copied here. Pure.
 */
#ifndef SEGCAT_WIRE_PACKET_H
#define SEGCAT_WIRE_PACKET_H

#include "segcat/wire/address.h"
#include "segcat/wire/segment.h"

#define IPV4_HEADER_MIN    20
#define IPV6_HEADER_LEN    40
#define IPPROTO_NUMBER_TCP 6
/* Room for any header that packet_build() writes: IPv6 + TCP with all options. */
#define PACKET_HEADERS_MAX (IPV6_HEADER_LEN + TCP_HEADER_MIN + TCP_OPTIONS_MAX)

enum ip_flag { IP_FLAG_MF = 1, IP_FLAG_DF = 2 };

enum checksum_verdict {
    CHECKSUM_UNCHECKED = 0,
    CHECKSUM_GOOD,
    CHECKSUM_PARTIAL, /* the folded pseudo-header sum: left to an offload, not yet on a wire; or
                         already verified and replaced by the kernel's GRO */
    CHECKSUM_BAD,
};

struct ip_header {
    uint8_t version;      /* enum ip_version */
    uint16_t header_len;  /* bytes: IPv4 with options, IPv6 with extension headers (may pass 255) */
    uint8_t traffic;      /* TOS / traffic class: DSCP and ECN */
    uint8_t ttl;          /* TTL / hop limit */
    uint8_t flags;        /* enum ip_flag; IPv6: of a fragment header, MF only */
    uint8_t protocol;     /* of what follows the header(s) */
    uint16_t frag_offset; /* IPv4 and the IPv6 fragment header: bytes */
    uint32_t total_len;   /* header(s) and what follows, as the header says; real, if it says 0 */
    uint16_t id;          /* IPv4 */
    uint16_t checksum;    /* IPv4: as found; built: as written */
    enum checksum_verdict checksum_verdict; /* IPv4 */
    uint32_t flow_label;                    /* IPv6 */
    struct ip_addr src;
    struct ip_addr dst;
};

struct packet {
    struct ip_header ip;
    uint16_t sport;
    uint16_t dport;
    uint8_t tcp_header_len; /* bytes */
    uint16_t checksum;      /* TCP's: as found; built: as written */
    enum checksum_verdict checksum_verdict;
    const uint8_t *options; /* raw option bytes in the parsed or built packet, for renderers */
    uint8_t options_len;
    uint32_t ifindex; /* where it arrived, 0 if not known */
    struct segment seg;
};

/* Why bytes are not a TCP segment; packet_parse_text() has the words. */
enum parse_verdict {
    PARSE_OK = 0,
    PARSE_TOO_SHORT,     /* fewer bytes than the headers need */
    PARSE_BAD_VERSION,   /* neither 4 nor 6 */
    PARSE_BAD_IP_LENGTH, /* header length < 20, total length < header or > what arrived */
    PARSE_BAD_IP_SUM,    /* IPv4 header checksum wrong */
    PARSE_FRAGMENT,      /* a fragment: the kernel reassembles before a raw socket sees it */
    PARSE_NOT_TCP,       /* another protocol */
    PARSE_BAD_EXTENSION, /* IPv6 extension headers run over the end, or a loop bound was hit */
    PARSE_BAD_OFFSET,    /* TCP data offset < 5 or beyond the segment */
    PARSE_BAD_ADDRESS,   /* an unspecified, multicast or broadcast address (MUST-57, -63) */
};

/*
 * Parses a packet that begins with its IP header, 4 or 6 (told by the first nibble). Bytes behind
 * the IP length (Ethernet padding) are trimmed. IPv6 hop-by-hop, routing (used up) and destination
 * options headers and a fragment header around a whole packet are walked. IPv4 header checksum and
 * TCP checksum are verified: a wrong TCP checksum is no parse failure but out->checksum_verdict (so
 * that it can be shown); GOOD is said wherever the bytes verify, PARTIAL only where they do not. A
 * length of 0 in a GSO packet (BIG TCP) counts as len. Addresses are judged last, so that a segment
 * with PARSE_BAD_ADDRESS is complete. All of *out is set, ifindex and seg.at to 0; on failure *out
 * holds what was read before.
 */
enum parse_verdict packet_parse(const uint8_t *p, size_t len, struct packet *out);

/*
 * The same where the link knows about TCP's checksum already (virtio-net header, PACKET_AUXDATA):
 * known becomes the verdict and the payload is not read. CHECKSUM_UNCHECKED: it is verified here.
 */
enum parse_verdict packet_parse_known(const uint8_t *p, size_t len, enum checksum_verdict known,
                                      struct packet *out);

/*
 * The same for a packet without IP header (an IPv6 raw socket gives none): out->ip has been filled
 * in by the caller from ancillary data (version, addresses, ttl, traffic); total_len, header_len
 * and protocol are set here as if a plain header had stood before. The rest of *out is set as
 * above.
 */
enum parse_verdict packet_parse_tcp(const uint8_t *p, size_t len, struct packet *out);

/* A few lower-case words for a verdict, static. */
const char *packet_parse_text(enum parse_verdict v);

/*
 * Writes IP and TCP headers for pkt (version, addresses, ports, traffic, ttl, flags, id, flow label
 * and seg are the caller's) into buf, which has room for PACKET_HEADERS_MAX. The ECN bits are
 * seg.ecn's, whatever traffic says. Computes lengths (seg.len too) and both checksums over the
 * payload in seg.data[], and stores them in *pkt too, so that what is shown is what is sent;
 * pkt->options points into buf. Returns the header bytes written.
 */
size_t packet_build(struct packet *pkt, uint8_t *buf);

/*
 * The same with TCP's checksum left to an offload (GSO chunks): its field is the folded pseudo-
 * header sum over the whole TCP length, and the payload is not read.
 */
size_t packet_build_partial(struct packet *pkt, uint8_t *buf);

#endif
