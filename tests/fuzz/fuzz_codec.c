/*
 * Fuzz target: the codec. Any bytes as a packet, as TCP without IP header, as options and as ICMP:
 * nothing outside is read or pointed to, and what was understood is understood again after it was
 * built.
 */
#include <string.h>

#include "fuzz.h"
#include "segcat/wire/icmp.h"
#include "segcat/wire/options.h"
#include "segcat/wire/packet.h"

#define MEANT (OPT_MSS | OPT_WSCALE | OPT_SACK_PERMITTED | OPT_SACK | OPT_TIMESTAMPS)

static void check_inside(const struct packet *pkt, const uint8_t *p, size_t len)
{
    const struct slice d = pkt->seg.data[0];

    FUZZ_CHECK(pkt->ip.total_len <= len || pkt->ip.total_len == 0);
    FUZZ_CHECK(d.data >= p && d.data <= p + len && d.len <= (size_t)(p + len - d.data));
    FUZZ_CHECK(pkt->options >= p && pkt->options + pkt->options_len == d.data);
    FUZZ_CHECK(pkt->options_len <= TCP_OPTIONS_MAX);
    FUZZ_CHECK(pkt->seg.data[1].len == 0 && pkt->seg.len == d.len);
    FUZZ_CHECK(pkt->seg.opt.sack_count <= SACK_BLOCKS_MAX);
    FUZZ_CHECK(!(pkt->seg.opt.present & OPT_SACK) == (pkt->seg.opt.sack_count == 0));
    FUZZ_CHECK(pkt->seg.flags <= 0x1ff && pkt->seg.ecn <= 3);
    FUZZ_CHECK(pkt->seg.flags & SEG_ACK || pkt->seg.ack == 0);
}

static void same_options(const struct tcp_options *a, const struct tcp_options *b)
{
    FUZZ_CHECK((a->present & MEANT) == (b->present & MEANT));
    FUZZ_CHECK(!(a->present & OPT_MSS) || a->mss == b->mss);
    FUZZ_CHECK(!(a->present & OPT_WSCALE) || a->wscale == b->wscale);
    FUZZ_CHECK(!(a->present & OPT_TIMESTAMPS) || (a->tsval == b->tsval && a->tsecr == b->tsecr));
    for (int i = 0; i < a->sack_count && i < b->sack_count; i++)
        FUZZ_CHECK(a->sack[i].left == b->sack[i].left && a->sack[i].right == b->sack[i].right);
}

/* All kinds in one header may take more than it has; then the builder leaves SACK blocks out. */
static void options_again(const struct tcp_options *was)
{
    uint8_t buf[TCP_OPTIONS_MAX];
    struct tcp_options again;
    const size_t n = tcp_options_build(was, buf);

    FUZZ_CHECK(n <= TCP_OPTIONS_MAX && n % 4 == 0 && n == tcp_options_len(was));
    tcp_options_parse(buf, n, &again);
    FUZZ_CHECK(!(again.present & (OPT_UNKNOWN | OPT_MALFORMED)));
    if (again.sack_count == was->sack_count)
        same_options(was, &again);
}

static void packet_again(const struct packet *was)
{
    static uint8_t buf[PACKET_HEADERS_MAX + 65536];
    struct packet built = *was, again;
    size_t headers;

    if (was->seg.len > 60000)
        return;
    built.ip.flags = IP_FLAG_DF;
    headers = packet_build(&built, buf);
    FUZZ_CHECK(headers <= PACKET_HEADERS_MAX);
    memcpy(buf + headers, was->seg.data[0].data, was->seg.len);
    FUZZ_CHECK(packet_parse(buf, headers + was->seg.len, &again) == PARSE_OK);
    FUZZ_CHECK(again.checksum_verdict == CHECKSUM_GOOD);
    FUZZ_CHECK(again.seg.seq == was->seg.seq && again.seg.ack == was->seg.ack);
    FUZZ_CHECK(again.seg.flags == was->seg.flags && again.seg.window == was->seg.window);
    FUZZ_CHECK(again.seg.len == was->seg.len && again.seg.urgent == was->seg.urgent);
    FUZZ_CHECK(again.seg.ecn == was->seg.ecn);
    if (again.seg.opt.sack_count == was->seg.opt.sack_count)
        same_options(&was->seg.opt, &again.seg.opt);
}

static void as_packet(const uint8_t *p, size_t len)
{
    struct packet pkt;
    enum parse_verdict v;

    memset(&pkt, 0xa5, sizeof pkt);
    v = packet_parse(p, len, &pkt);
    if (v == PARSE_OK || v == PARSE_BAD_ADDRESS)
        check_inside(&pkt, p, len);
    if (v == PARSE_OK)
        packet_again(&pkt);
    FUZZ_CHECK(packet_parse_text(v)[0] != '\0');
}

static void as_tcp(uint8_t version, const uint8_t *p, size_t len)
{
    struct packet pkt = {.ip = {.version = version}};

    pkt.ip.src.version = pkt.ip.dst.version = version;
    pkt.ip.src.bytes[0] = pkt.ip.dst.bytes[0] = 10;
    if (packet_parse_tcp(p, len, &pkt) != PARSE_OK)
        return;
    check_inside(&pkt, p, pkt.ip.total_len);
    FUZZ_CHECK(pkt.tcp_header_len + pkt.seg.len == len);
    options_again(&pkt.seg.opt);
}

static void as_icmp(const uint8_t *p, size_t len)
{
    struct icmp_error e;

    for (int six = 0; six < 2; six++) {
        const enum ip_version version = six ? IP_V6 : IP_V4;

        if (icmp_parse(version, p, len, &e))
            FUZZ_CHECK(e.version == version && icmp_text(version, e.type, e.code)[0] != '\0');
    }
    icmp_parse_quote(p, len, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *const exact = malloc(size); /* so that a byte too far is seen */
    struct tcp_options opt;

    if (exact == NULL)
        return 0;
    if (size > 0)
        memcpy(exact, data, size);
    as_packet(exact, size);
    as_tcp(IP_V4, exact, size);
    as_tcp(IP_V6, exact, size);
    as_icmp(exact, size);
    tcp_options_parse(exact, size < TCP_OPTIONS_MAX ? size : TCP_OPTIONS_MAX, &opt);
    options_again(&opt);
    free(exact);
    return 0;
}
