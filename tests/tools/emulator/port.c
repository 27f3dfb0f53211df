/*
 * An interface of the link: a packet socket with a receive ring that frames are read from, and sent
 * by in batches. The kernel's own time of arrival counts, so that a link that is late itself does
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
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "emulator.h"

#define RING_BYTES    (16U << 20)
#define SLOT_OVERHEAD 256U /* more than header, address and alignment of a ring's slot */
/* Where in a ring's slot the sender's address stands: behind the header, aligned. */
#define RING_ADDRESS \
    ((sizeof(struct tpacket2_hdr) + TPACKET_ALIGNMENT - 1) / TPACKET_ALIGNMENT * TPACKET_ALIGNMENT)

static struct ifreq interface(const char *name)
{
    struct ifreq ifr = {0};

    if (strlen(name) >= sizeof(ifr.ifr_name))
        die("%s: no interface has so long a name", name);
    memcpy(ifr.ifr_name, name, strlen(name));
    return ifr;
}

static uint32_t interface_mtu(const char *name)
{
    struct ifreq ifr = interface(name);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || ioctl(fd, SIOCGIFMTU, &ifr) < 0)
        die("%s: %s", name, strerror(errno));
    close(fd);
    return (uint32_t)ifr.ifr_mtu;
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

static void open_ring(struct port *p)
{
    struct tpacket_req req = {0};
    uint32_t need = SLOT_OVERHEAD + ETH_HLEN + interface_mtu(p->name);
    int version = TPACKET_V2;

    /* A block of one power of two of frames: frames never cross a block's end. */
    for (req.tp_frame_size = 2048; req.tp_frame_size < need;)
        req.tp_frame_size *= 2;
    req.tp_block_size = req.tp_frame_size > 65536 ? req.tp_frame_size : 65536;
    req.tp_block_nr = RING_BYTES / req.tp_block_size;
    req.tp_frame_nr = req.tp_block_size / req.tp_frame_size * req.tp_block_nr;
    if (setsockopt(p->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
        setsockopt(p->fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)) < 0)
        die("%s: receive ring: %s", p->name, strerror(errno));
    p->ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);
    if (p->ring == MAP_FAILED)
        die("%s: receive ring: %s", p->name, strerror(errno));
    p->frame_size = req.tp_frame_size;
    p->frame_count = req.tp_frame_nr;
}

void port_open(struct port *p, const char *name)
{
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    int one = 1;

    p->name = name;
    p->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (p->fd < 0)
        die("packet socket: %s", strerror(errno));
    /* Neither is needed: they save time where the kernel has them. */
    setsockopt(p->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
    setsockopt(p->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
    open_ring(p);
    at.sll_ifindex = (int)if_nametoindex(name);
    if (bind(p->fd, (struct sockaddr *)&at, sizeof(at)) < 0)
        die("%s: %s", name, strerror(errno));
}

/* On the monotonic clock; never later than now, never earlier than the frame before. */
static nsec_t arrival(struct port *p, const struct tpacket2_hdr *h, nsec_t now)
{
    struct timespec real;
    nsec_t came;

    clock_gettime(CLOCK_REALTIME, &real);
    came =
        now - ((nsec_t)real.tv_sec * NSEC + real.tv_nsec - ((nsec_t)h->tp_sec * NSEC + h->tp_nsec));
    if (came > now)
        came = now;
    if (came < p->last)
        came = p->last;
    p->last = came;
    return came;
}

const uint8_t *port_frame(struct port *p, uint32_t *len, nsec_t *came, nsec_t now)
{
    for (;;) {
        uint8_t *slot = p->ring + (size_t)p->frame_next * p->frame_size;
        struct tpacket2_hdr *h = (void *)slot;
        const struct sockaddr_ll *from = (void *)(slot + RING_ADDRESS);
        uint32_t status = __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);

        if (!(status & TP_STATUS_USER))
            return NULL;
        if (status & TP_STATUS_CSUMNOTREADY)
            die("%s gets unfinished checksums: linkem --plain IFACE at the other end", p->name);
        if (h->tp_snaplen < h->tp_len)
            die("%s gets a frame of %u bytes: linkem --plain IFACE at the other end", p->name,
                h->tp_len);
        if (from->sll_pkttype != PACKET_OUTGOING) {
            *len = h->tp_snaplen;
            *came = arrival(p, h, now);
            return slot + h->tp_mac;
        }
        port_release(p);
    }
}

void port_release(struct port *p)
{
    struct tpacket2_hdr *h = (void *)(p->ring + (size_t)p->frame_next * p->frame_size);

    __atomic_store_n(&h->tp_status, (uint32_t)TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    p->frame_next = (p->frame_next + 1) % p->frame_count;
}

/* At most 64. The peer's interface may be gone or down at the end: then nobody misses the frame. */
void port_send(struct port *p, struct frame *const *frames, size_t count)
{
    struct mmsghdr messages[64] = {0};
    struct iovec data[64];
    size_t sent = 0;

    for (size_t i = 0; i < count; i++) {
        data[i] = (struct iovec){frames[i]->data, frames[i]->len};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &data[i], .msg_iovlen = 1};
    }
    while (sent < count) {
        int n = sendmmsg(p->fd, messages + sent, (unsigned)(count - sent), 0);

        if (n > 0)
            sent += (size_t)n;
        else if (errno != EINTR)
            sent++;
    }
}

/* The kernel's own drops (ring full) are not ours to plan: they are shown, so that no test is
 * misread. */
uint32_t port_missed(struct port *p)
{
    struct tpacket_stats ring = {0};
    socklen_t len = sizeof(ring);

    getsockopt(p->fd, SOL_PACKET, PACKET_STATISTICS, &ring, &len);
    return ring.tp_drops;
}
