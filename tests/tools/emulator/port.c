/*
 * An interface of the link: a packet socket that frames are read from and sent by in batches, GSO
 * frames and unfinished checksums among them. The kernel's own time of arrival counts, so that a link that is late itself does
 * not delay what it carries any more than it must.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "emulator.h"

enum { ARRIVALS = 32, FRAME_MAX = ETH_HLEN + 65536, ROOM_BYTES = 64 << 20 };

struct arrival {
    struct virtio_net_hdr vnet;
    struct sockaddr_ll from;
    struct iovec parts[2];
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct timespec))];
    uint8_t data[FRAME_MAX];
};

struct arrivals {
    struct mmsghdr messages[ARRIVALS];
    struct arrival at[ARRIVALS];
};

static struct ifreq interface(const char *name)
{
    struct ifreq ifr = {0};

    if (strlen(name) >= sizeof(ifr.ifr_name))
        die("%s: no interface has so long a name", name);
    memcpy(ifr.ifr_name, name, strlen(name));
    return ifr;
}

/* Makes the kernel hand over finished segments: real checksums, none larger than the MTU. */
void port_plain(const char *name)
{
    static const uint32_t off[] = {ETHTOOL_SGRO, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_STXCSUM};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
        struct ifreq ifr = interface(name);
        struct ethtool_value value = {.cmd = off[i]};

        ifr.ifr_data = (void *)&value;
        if (fd < 0 || ioctl(fd, SIOCETHTOOL, &ifr) < 0)
            die("%s: cannot turn offloads off: %s", name, strerror(errno));
    }
    close(fd);
}

void port_open(struct port *p, const char *name)
{
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    int one = 1, room = ROOM_BYTES;

    p->name = name;
    p->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    p->arrivals = malloc(sizeof(*p->arrivals));
    if (p->fd < 0 || !p->arrivals)
        die("packet socket: %s", strerror(errno));
    if (setsockopt(p->fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) < 0 ||
        setsockopt(p->fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) < 0)
        die("%s: %s", name, strerror(errno));
    /* The rest is not needed: it saves time where the kernel has it, and room where it may. */
    setsockopt(p->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
    setsockopt(p->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
    setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    setsockopt(p->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    at.sll_ifindex = (int)if_nametoindex(name);
    if (bind(p->fd, (struct sockaddr *)&at, sizeof(at)) < 0)
        die("%s: %s", name, strerror(errno));
}

/* ---- in */

static void fetch(struct port *p)
{
    struct arrivals *a = p->arrivals;
    int n;

    for (size_t i = 0; i < ARRIVALS; i++) {
        struct arrival *at = &a->at[i];

        at->parts[0] = (struct iovec){&at->vnet, sizeof(at->vnet)};
        at->parts[1] = (struct iovec){at->data, sizeof(at->data)};
        a->messages[i].msg_hdr = (struct msghdr){
            .msg_name = &at->from,
            .msg_namelen = sizeof(at->from),
            .msg_iov = at->parts,
            .msg_iovlen = 2,
            .msg_control = at->control,
            .msg_controllen = sizeof(at->control),
        };
    }
    n = recvmmsg(p->fd, a->messages, ARRIVALS, 0, NULL);
    p->next = 0;
    p->count = n > 0 ? (size_t)n : 0;
}

/* On the monotonic clock; never later than now, never earlier than the frame before. */
static nsec_t arrival_time(struct port *p, struct msghdr *m, nsec_t now)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    struct timespec real, stamp;
    nsec_t came = now;

    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
        memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
        clock_gettime(CLOCK_REALTIME, &real);
        came -= ((nsec_t)real.tv_sec - stamp.tv_sec) * NSEC + real.tv_nsec - stamp.tv_nsec;
    }
    if (came > now)
        came = now;
    if (came < p->last)
        came = p->last;
    p->last = came;
    return came;
}

bool port_next(struct port *p, struct packet *out, nsec_t now)
{
    for (;;) {
        struct arrival *at;
        struct mmsghdr *m;

        if (p->next == p->count)
            fetch(p);
        if (p->count == 0)
            return false;
        at = &p->arrivals->at[p->next];
        m = &p->arrivals->messages[p->next++];
        if (m->msg_hdr.msg_flags & MSG_TRUNC || m->msg_len < sizeof(at->vnet))
            die("%s: a frame of more than %zu bytes", p->name, sizeof(at->data));
        if (at->from.sll_pkttype == PACKET_OUTGOING)
            continue;
        out->data = at->data;
        out->len = m->msg_len - (uint32_t)sizeof(at->vnet);
        out->vnet = at->vnet;
        out->came = arrival_time(p, &m->msg_hdr, now);
        return true;
    }
}

/* ---- out */

/* What `count` frames are sent as: a header and a list of parts each, fewer where they are joined. */
struct departures {
    struct virtio_net_hdr vnet[PORT_BATCH];
    struct iovec parts[2 * PORT_BATCH];
    struct mmsghdr messages[PORT_BATCH];
    size_t count, parts_len;
};

static void add_part(struct departures *d, void *data, size_t len)
{
    d->parts[d->parts_len++] = (struct iovec){data, len};
}

static void depart(struct departures *d, struct frame *const *frames, size_t count, bool join)
{
    struct virtio_net_hdr *vnet = &d->vnet[d->count];
    struct iovec *parts = &d->parts[d->parts_len];
    uint32_t headers = 0;
    size_t n = 1;

    *vnet = frames[0]->vnet;
    if (join)
        n = offload_join(frames, count, vnet, &headers);
    add_part(d, vnet, sizeof(*vnet));
    add_part(d, frames[0]->data, frames[0]->len);
    for (size_t i = 1; i < n; i++)
        add_part(d, frames[i]->data + headers, frames[i]->len - headers);
    d->messages[d->count++] = (struct mmsghdr){
        .msg_hdr = {.msg_iov = parts, .msg_iovlen = (size_t)(&d->parts[d->parts_len] - parts)}};
    if (n < count)
        depart(d, frames + n, count - n, join);
}

/* The peer's interface may be gone or down at the end: then nobody misses the frame. */
void port_send(struct port *p, struct frame *const *frames, size_t count, bool join)
{
    struct departures d = {0};
    size_t sent = 0;

    if (count > 0)
        depart(&d, frames, count, join);
    while (sent < d.count) {
        int n = sendmmsg(p->fd, d.messages + sent, (unsigned)(d.count - sent), 0);

        if (n > 0)
            sent += (size_t)n;
        else if (errno == EINVAL || errno == EMSGSIZE)
            die("%s: cannot send a frame: %s", p->name, strerror(errno));
        else if (errno != EINTR)
            sent++;
    }
}

/* The kernel's own drops (no room) are not ours to plan: they are shown, so that no test is
 * misread. */
uint32_t port_missed(struct port *p)
{
    struct tpacket_stats stats = {0};
    socklen_t len = sizeof(stats);

    getsockopt(p->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len);
    return stats.tp_drops;
}
