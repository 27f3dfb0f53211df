/*
 * The send queue and sendmmsg(). Touches the raw sockets that it is handed.
 */
#define _GNU_SOURCE 1 /* sendmmsg(), in6_pktinfo */
#include "segcat/link/tx.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "segcat/link/sockaddr.h"

#define SLICES 2

/* Which segment it is, for a report about it. */
struct tx_name {
    struct endpoint local;
    struct endpoint remote;
    uint32_t seq;
};

struct tx_packet {
    uint8_t headers[PACKET_HEADERS_MAX];
    struct iovec iov[1 + SLICES];
    union sockaddr_ip to;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    enum ip_version version;
    struct tx_name name;
};

struct tx {
    unsigned count;
    size_t queued; /* sum of tx_cost() */
    uint64_t unsent;
    bool has_too_big;
    struct tx_name too_big;
    struct mmsghdr msg[TX_BATCH];
    struct tx_packet packet[TX_BATCH];
};

struct tx *tx_new(void)
{
    return calloc(1, sizeof(struct tx));
}

void tx_free(struct tx *tx)
{
    free(tx);
}

bool tx_full(const struct tx *tx)
{
    return tx->count == TX_BATCH;
}

/*
 * The kernel takes one piece of memory for the packet and what it keeps beside it, which the
 * allocator rounds up to a power of two, and a descriptor. Measured on Linux 6.18: 2304 for 1460
 * bytes, 65792 for 60,000.
 */
size_t tx_cost(size_t len)
{
    const size_t beside = 448;
    const size_t descriptor = 256;
    size_t size = 1024;

    while (size < len + beside) {
        size *= 2;
    }
    return size + descriptor;
}

/* The one ancillary datum of a message. */
static void attach(struct msghdr *h, int level, int type, const void *data, size_t len)
{
    struct cmsghdr *c;

    h->msg_controllen = CMSG_SPACE(len);
    c = CMSG_FIRSTHDR(h);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(c), data, len);
}

/*
 * The source address goes along beside the header, which routing does not read: rules that choose a
 * route by source ("ip rule from ...") hold for our packets as for the kernel's own.
 */
static void attach_source_v4(struct msghdr *h, const struct ip_addr *src)
{
    struct in_pktinfo info = {0};

    memcpy(&info.ipi_spec_dst, src->bytes, sizeof(info.ipi_spec_dst));
    attach(h, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
}

static void attach_source_v6(struct msghdr *h, const struct ip_addr *src, uint32_t scope_id)
{
    struct in6_pktinfo info = {.ipi6_ifindex = scope_id};

    memcpy(&info.ipi6_addr, src->bytes, sizeof(info.ipi6_addr));
    attach(h, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
}

static void attach_source(struct msghdr *h, const struct ip_header *ip)
{
    if (ip->version == IP_V4) {
        attach_source_v4(h, &ip->src);
    } else {
        attach_source_v6(h, &ip->src, ip->dst.scope_id != 0 ? ip->dst.scope_id : ip->src.scope_id);
    }
}

static size_t gather(struct tx_packet *q, size_t header_len, const struct segment *seg)
{
    size_t n = 0;

    q->iov[n++] = (struct iovec){q->headers, header_len};
    for (size_t i = 0; i < SLICES; i++) {
        if (seg->data[i].len > 0) {
            /* sendmsg() only reads, but struct iovec serves both ways. */
            q->iov[n++] = (struct iovec){(void *)(uintptr_t)seg->data[i].data, seg->data[i].len};
        }
    }
    return n;
}

void tx_add(struct tx *tx, struct packet *pkt)
{
    struct tx_packet *q = &tx->packet[tx->count];
    struct msghdr *h = &tx->msg[tx->count].msg_hdr;
    const size_t header_len = packet_build(pkt, q->headers);

    q->version = pkt->ip.version;
    q->name = (struct tx_name){
        .local = {pkt->ip.src, pkt->sport},
        .remote = {pkt->ip.dst, pkt->dport},
        .seq = pkt->seg.seq,
    };
    *h = (struct msghdr){.msg_name = &q->to, .msg_iov = q->iov, .msg_control = q->control};
    h->msg_namelen = sockaddr_from_ip(&q->to, &pkt->ip.dst, 0);
    h->msg_iovlen = gather(q, header_len, &pkt->seg);
    attach_source(h, &pkt->ip);
    tx->queued += tx_cost(header_len + pkt->seg.len);
    tx->count++;
}

/*
 * A send also reports an earlier ICMP error that waits at the socket, with one of the numbers that
 * ICMP errors are translated to. Then this packet was not refused; it was not looked at.
 */
static bool may_be_about_another(int err)
{
    switch (err) {
    case EACCES:
    case ECONNREFUSED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EMSGSIZE:
    case ENETUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPROTO:
        return true;
    default:
        return false;
    }
}

static void note_refusal(struct tx *tx, unsigned i, int err)
{
    if (err == EMSGSIZE && !tx->has_too_big) {
        tx->has_too_big = true;
        tx->too_big = tx->packet[i].name;
    } else if (err == ENOBUFS) {
        tx->unsent++;
    }
}

/* Sends packets first to end - 1, all of one family. */
static int send_range(struct tx *tx, int fd, unsigned first, unsigned end)
{
    int result = 0;
    bool retried = false;

    while (first < end) {
        const int n = sendmmsg(fd, &tx->msg[first], end - first, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n > 0) {
            first += (unsigned)n;
            retried = false;
        } else if (errno == EAGAIN) {
            tx->unsent += end - first;
            return -EAGAIN;
        } else if (!retried && may_be_about_another(errno)) {
            retried = true;
        } else if (errno != EINTR) {
            result = -errno;
            note_refusal(tx, first, errno);
            first++;
            retried = false;
        }
    }
    return result;
}

int tx_flush(struct tx *tx, const int fd[2])
{
    int result = 0;

    for (unsigned first = 0, end; first < tx->count; first = end) {
        const enum ip_version version = tx->packet[first].version;
        int r;

        for (end = first + 1; end < tx->count && tx->packet[end].version == version; end++) {
        }
        r = send_range(tx, fd[version == IP_V6], first, end);
        if (r < 0) {
            result = r;
        }
    }
    tx->count = 0;
    tx->queued = 0;
    return result;
}

size_t tx_queued(const struct tx *tx)
{
    return tx->queued;
}

uint64_t tx_unsent(const struct tx *tx)
{
    return tx->unsent;
}

bool tx_take_too_big(struct tx *tx, struct icmp_error *out)
{
    if (!tx->has_too_big) {
        return false;
    }
    tx->has_too_big = false;
    out->local = tx->too_big.local;
    out->remote = tx->too_big.remote;
    out->seq = tx->too_big.seq;
    return true;
}
