/*
 * For tests: segments by hand through a link, and waiting for what comes back.
 */
#ifndef SEGCAT_TESTS_PACKETS_H
#define SEGCAT_TESTS_PACKETS_H

#include <poll.h>

#include "netns.h"
#include "segcat/link/link.h"

#define TEST_MARK UINT32_C(0x5e6ca7)
#define PATIENCE  5000 /* ms: longer than any machine needs; only a failure waits that long */
#define BATCH     64

/* One test, run for each family. */
#define BOTH(name) ON(name, IP_V4, " (IPv4)"), ON(name, IP_V6, " (IPv6)")
#define ON(f, v, text) \
    ((struct CMUnitTest){.name = #f text, .test_func = f, .initial_state = (void *)(uintptr_t)(v)})

/* The family that this run of a test is about. */
static inline enum ip_version version_of_test(void **state)
{
    return (enum ip_version)(uintptr_t)*state;
}

static inline struct link *open_link(enum ip_version version, uint16_t port)
{
    const struct link_filter filter = {.local_port = port};
    struct link *l;
    const int result = link_open(&l, version == IP_V4, version == IP_V6, TEST_MARK, &filter);

    return result == 0 ? l : NULL;
}

/* A segment over loopback without options or payload. */
static inline struct packet make_packet(enum ip_version version, uint16_t sport, uint16_t dport,
                                        uint16_t flags, uint32_t seq, uint32_t ack)
{
    struct packet p = {
        .ip = {.version = (uint8_t)version, .ttl = 64, .flags = IP_FLAG_DF},
        .sport = sport,
        .dport = dport,
        .seg = {.seq = seq, .ack = ack, .flags = flags, .window = 65535},
    };

    p.ip.src = p.ip.dst = netns_loopback(version);
    return p;
}

static inline void add_payload(struct packet *p, const void *data, size_t len)
{
    p->seg.data[0] = (struct slice){data, len};
    p->seg.len = (uint32_t)len;
}

static inline int send_now(struct link *l, struct packet *p)
{
    const int result = link_send(l, p);

    return result < 0 ? result : link_flush(l);
}

static inline bool wait_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, PATIENCE) == 1;
}

/* The next segment; false if none comes. Valid until the next call. */
static inline bool receive_one(struct link *l, enum ip_version version, struct packet *out)
{
    return wait_readable(link_fd(l, version)) && link_receive(l, out, 1, netns_now(), NULL) == 1;
}

#endif
