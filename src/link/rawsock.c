/*
 * Opens and asks raw sockets. Touches sockets only.
 */
#include "segcat/link/rawsock.h"

#include <errno.h>
#include <limits.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "segcat/link/filter.h"
#include "segcat/link/sockaddr.h"

/* In linux/in6.h, and not in every C library. */
#ifndef IPV6_FLOWINFO
#define IPV6_FLOWINFO 11
#endif
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

#define BUFFER_BYTES (16 << 20)

static int set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

struct option {
    int level;
    int name;
    int value;
};

static int set_all(int fd, const struct option *options, size_t count)
{
    int result = 0;

    for (size_t i = 0; i < count && result == 0; i++) {
        result = set(fd, options[i].level, options[i].name, options[i].value);
    }
    return result;
}

/*
 * PMTUDISC_INTERFACE: a raw socket has no way to check that an ICMP error quotes a segment in
 * flight, so the kernel must not learn a path MTU from errors about us, nor cut or refuse packets
 * by what it has learned (RFC 5927 section 7); the core does both. (An IPv6 raw socket makes it
 * learn all the same, on 6.18.) The DF bit is in the headers that we write.
 */
static const struct option options_v4[] = {
    {IPPROTO_IP, IP_HDRINCL, 1},
    {IPPROTO_IP, IP_RECVERR, 1},
    {IPPROTO_IP, IP_PKTINFO, 1},
    {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_INTERFACE},
};

/* FLOWINFO brings traffic class and flow label. */
static const struct option options_v6[] = {
    {IPPROTO_IPV6, IPV6_HDRINCL, 1},     {IPPROTO_IPV6, IPV6_RECVERR, 1},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO, 1}, {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1},
    {IPPROTO_IPV6, IPV6_FLOWINFO, 1},    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_INTERFACE},
};

static const struct option options_both[] = {
    {SOL_SOCKET, SO_TIMESTAMPNS, 1},
};

/* What we can do without. */
static void set_comforts(int fd, enum ip_version version)
{
    /* Beyond net.core.[rw]mem_max with CAP_NET_ADMIN, up to it without. */
    if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES) < 0) {
        set(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
    }
    if (set(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES) < 0) {
        set(fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
    }
    /* A source address that goes while we run is for routing to judge, as with IPv4. */
    if (version == IP_V6) {
        set(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
    }
}

/* What came between socket() and the closed filter. */
static void drain(int fd)
{
    char byte;

    while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0 || errno == EINTR) {
    }
}

static int set_up(int fd, enum ip_version version, uint32_t mark)
{
    int result = filter_attach(fd, version, NULL);

    if (result < 0) {
        return result;
    }
    drain(fd);
    set_comforts(fd, version);
    if (mark != 0) {
        result = set(fd, SOL_SOCKET, SO_MARK, (int)mark);
    }
    if (result == 0) {
        result = set_all(fd, options_both, sizeof(options_both) / sizeof(options_both[0]));
    }
    if (result == 0) {
        result = version == IP_V4
                     ? set_all(fd, options_v4, sizeof(options_v4) / sizeof(options_v4[0]))
                     : set_all(fd, options_v6, sizeof(options_v6) / sizeof(options_v6[0]));
    }
    return result;
}

int rawsock_open(enum ip_version version, uint32_t mark)
{
    const int fd =
        socket(sockaddr_family(version), SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    int result;

    if (fd < 0) {
        return -errno;
    }
    result = set_up(fd, version, mark);
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}

static size_t get_size(int fd, int name)
{
    int value = 0;
    socklen_t len = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 || value < 0 ? 0 : (size_t)value;
}

/* The kernel doubles what it is told. */
size_t rawsock_grow_receive_buffer(int fd, size_t bytes)
{
    const int half = bytes / 2 < INT_MAX / 2 ? (int)(bytes / 2) : INT_MAX / 2;

    if (get_size(fd, SO_RCVBUF) < bytes && set(fd, SOL_SOCKET, SO_RCVBUFFORCE, half) < 0) {
        set(fd, SOL_SOCKET, SO_RCVBUF, half);
    }
    return get_size(fd, SO_RCVBUF);
}

uint32_t rawsock_drops(int fd)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof(info);

    return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0 ? 0 : info[SK_MEMINFO_DROPS];
}

size_t rawsock_send_buffer(int fd)
{
    return get_size(fd, SO_SNDBUF);
}

size_t rawsock_send_queued(int fd)
{
    int value = 0;

    return ioctl(fd, SIOCOUTQ, &value) < 0 || value < 0 ? 0 : (size_t)value;
}

void rawsock_clear_error(int fd)
{
    get_size(fd, SO_ERROR);
}
