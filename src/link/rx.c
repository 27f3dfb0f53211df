/*
 * recvmmsg() and what comes with each packet: arrival time, interface and, for IPv6, the header's
 * fields that its raw sockets keep back. Touches the socket, the clocks and its own buffers.
 */
#define _GNU_SOURCE 1 /* recvmmsg(), in6_pktinfo */
#include "segcat/link/rx.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "segcat/link/clock.h"
#include "segcat/link/sockaddr.h"

#ifndef IPV6_FLOWINFO
#define IPV6_FLOWINFO 11
#endif

/*
 * The longest packet that the kernel hands around (GSO_MAX_SIZE: BIG TCP), and then an odd number
 * of cache lines more, so that the headers of all buffers do not compete for the same ones.
 */
#define PACKET_MAX    (8 * 65536)
#define BUFFER_STRIDE (PACKET_MAX + 4096 + 192)
#define CONTROL_BYTES 192
/*
 * Of one call: as much as stays in the cache until the packets are read. 64 of 64 KB took twice as
 * long per byte.
 */
#define BYTES_PER_CALL (1 << 20)
/* An error that was waiting at the socket is reported instead of data; the data is still there. */
#define TRIES 4

struct rx {
    struct mmsghdr msg[RX_BATCH];
    struct iovec iov[RX_BATCH];
    union sockaddr_ip from[RX_BATCH];
    _Alignas(struct cmsghdr) char control[RX_BATCH][CONTROL_BYTES];
    uint8_t *buffers;
    int used;  /* of the above */
    int limit; /* packets per call, by the size of those that came last */
};

/* What the kernel says beside the packet. */
struct ancillary {
    struct timespec stamp;
    bool stamped;
    uint32_t ifindex;
    struct in6_addr dst;
    uint32_t flowinfo; /* traffic class and flow label, host byte order */
    int hop_limit;
};

struct rx *rx_new(void)
{
    struct rx *rx = calloc(1, sizeof(*rx));
    void *p;

    if (rx == NULL) {
        return NULL;
    }
    p = mmap(NULL, (size_t)RX_BATCH * BUFFER_STRIDE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        free(rx);
        return NULL;
    }
    /* A huge page would be filled for each of the few bytes that a buffer usually needs. */
    madvise(p, (size_t)RX_BATCH * BUFFER_STRIDE, MADV_NOHUGEPAGE);
    rx->buffers = p;
    rx->limit = RX_BATCH;
    for (size_t i = 0; i < RX_BATCH; i++) {
        rx->iov[i] = (struct iovec){rx->buffers + i * BUFFER_STRIDE, PACKET_MAX};
    }
    return rx;
}

void rx_free(struct rx *rx)
{
    if (rx != NULL) {
        munmap(rx->buffers, (size_t)RX_BATCH * BUFFER_STRIDE);
        free(rx);
    }
}

void rx_reset(struct rx *rx)
{
    rx->used = 0;
}

/* The next call takes fewer packets if these were large. */
static void set_limit(struct rx *rx, int first, int count)
{
    size_t bytes = 0;

    for (int i = first; i < first + count; i++) {
        bytes += rx->msg[i].msg_len;
    }
    rx->limit = RX_BATCH;
    while (rx->limit > 1 && bytes / (size_t)count * (size_t)rx->limit > BYTES_PER_CALL) {
        rx->limit /= 2;
    }
}

static void prepare(struct rx *rx, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        rx->msg[i].msg_hdr = (struct msghdr){
            .msg_name = &rx->from[i],
            .msg_namelen = sizeof(rx->from[i]),
            .msg_iov = &rx->iov[i],
            .msg_iovlen = 1,
            .msg_control = rx->control[i],
            .msg_controllen = sizeof(rx->control[i]),
        };
    }
}

static void read_socket_level(const struct cmsghdr *c, struct ancillary *out)
{
    if (c->cmsg_type == SO_TIMESTAMPNS) {
        memcpy(&out->stamp, CMSG_DATA(c), sizeof(out->stamp));
        out->stamped = true;
    }
}

static void read_ip_level(const struct cmsghdr *c, struct ancillary *out)
{
    if (c->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;

        memcpy(&info, CMSG_DATA(c), sizeof(info));
        out->ifindex = (uint32_t)info.ipi_ifindex;
    }
}

static void read_ipv6_level(const struct cmsghdr *c, struct ancillary *out)
{
    struct in6_pktinfo info;

    switch (c->cmsg_type) {
    case IPV6_PKTINFO:
        memcpy(&info, CMSG_DATA(c), sizeof(info));
        out->dst = info.ipi6_addr;
        out->ifindex = info.ipi6_ifindex;
        break;
    case IPV6_HOPLIMIT:
        memcpy(&out->hop_limit, CMSG_DATA(c), sizeof(out->hop_limit));
        break;
    case IPV6_FLOWINFO:
        memcpy(&out->flowinfo, CMSG_DATA(c), sizeof(out->flowinfo));
        out->flowinfo = ntohl(out->flowinfo);
        break;
    default:
        break;
    }
}

static void read_ancillary(struct msghdr *h, struct ancillary *out)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
        switch (c->cmsg_level) {
        case SOL_SOCKET:
            read_socket_level(c, out);
            break;
        case IPPROTO_IP:
            read_ip_level(c, out);
            break;
        case IPPROTO_IPV6:
            read_ipv6_level(c, out);
            break;
        default:
            break;
        }
    }
}

static enum parse_verdict parse_v6(const uint8_t *p, size_t len, const union sockaddr_ip *from,
                                   const struct ancillary *a, struct packet *out)
{
    *out = (struct packet){0};
    out->ip.version = IP_V6;
    out->ip.src = ip_from_in6(&from->v6.sin6_addr, a->ifindex);
    out->ip.dst = ip_from_in6(&a->dst, a->ifindex);
    out->ip.ttl = (uint8_t)a->hop_limit;
    out->ip.traffic = (uint8_t)(a->flowinfo >> 20);
    out->ip.flow_label = a->flowinfo & 0xfffff;
    out->ip.protocol = IPPROTO_NUMBER_TCP;
    return packet_parse_tcp(p, len, out);
}

/* Parses what lies in buffer i. Returns false if it is no whole TCP segment. */
static bool parse(const struct rx *rx, int i, enum ip_version version, const struct ancillary *a,
                  struct packet *out)
{
    const uint8_t *p = rx->iov[i].iov_base;
    const size_t len = rx->msg[i].msg_len;
    enum parse_verdict verdict;

    if ((rx->msg[i].msg_hdr.msg_flags & MSG_TRUNC) != 0) {
        return false;
    }
    verdict = version == IP_V4 ? packet_parse(p, len, out) : parse_v6(p, len, &rx->from[i], a, out);
    out->ifindex = a->ifindex;
    return verdict == PARSE_OK;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int receive(struct rx *rx, int fd, int max)
{
    for (int i = 0; i < TRIES; i++) {
        int n;

        prepare(rx, rx->used, max);
        n = recvmmsg(fd, &rx->msg[rx->used], (unsigned)max, MSG_DONTWAIT, NULL);
        if (n >= 0) {
            return n;
        }
        if (errno == EAGAIN) {
            return 0;
        }
    }
    return -errno;
}

/*
 * The queue is a queue: nothing arrived later than what stands behind it. The kernel stamps a
 * packet only when it is read if stamping had not yet begun when it came, and then says too late.
 */
static void order_arrivals(struct packet *pkt, int count)
{
    for (int i = count - 1; i > 0; i--) {
        if (pkt[i - 1].seg.at > pkt[i].seg.at) {
            pkt[i - 1].seg.at = pkt[i].seg.at;
        }
    }
}

int rx_take(struct rx *rx, int fd, enum ip_version version, struct packet *pkt, int max, usec_t now,
            unsigned *dropped)
{
    const int first = rx->used;
    const int room = smaller(RX_BATCH - first, rx->limit);
    const int n = receive(rx, fd, smaller(max, room));
    struct clock_pair clock;
    int count = 0;

    if (n <= 0) {
        return n;
    }
    rx->used += n;
    set_limit(rx, first, n);
    clock = clock_read();
    for (int i = first; i < first + n; i++) {
        struct ancillary a = {.hop_limit = 0};

        read_ancillary(&rx->msg[i].msg_hdr, &a);
        if (parse(rx, i, version, &a, &pkt[count])) {
            pkt[count].seg.at = a.stamped ? clock_arrival(&clock, &a.stamp, now) : now;
            count++;
        } else if (dropped != NULL) {
            (*dropped)++;
        }
    }
    order_arrivals(pkt, count);
    return count;
}
