/*
 * For tests that need the kernel's network: a private user and network namespace with only a
 * loopback interface, so that nobody is disturbed and no privilege is needed.
 */
#ifndef SEGCAT_TESTS_NETNS_H
#define SEGCAT_TESTS_NETNS_H

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "segcat/link/clock.h"
#include "segcat/link/sockaddr.h"

static inline bool netns_write(const char *path, const char *text)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok;

    if (fd < 0) {
        return false;
    }
    ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return ok;
}

static inline bool netns_set_mtu(const char *name, int mtu)
{
    struct ifreq ifr = {.ifr_mtu = mtu};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok;

    strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
    ok = fd >= 0 && ioctl(fd, SIOCSIFMTU, &ifr) == 0;
    close(fd);
    return ok;
}

static inline bool netns_up(const char *name)
{
    struct ifreq ifr = {.ifr_flags = IFF_UP | IFF_RUNNING};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok;

    strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
    ok = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &ifr) == 0;
    close(fd);
    return ok;
}

/*
 * Gives an interface an IPv6 address and waits until it may be used: even on loopback the kernel
 * makes it so a little later.
 */
static inline bool netns_add_v6(const char *name, const struct ip_addr *ip)
{
    struct {
        struct in6_addr addr;
        uint32_t prefix_len;
        int ifindex;
    } req = {.prefix_len = 64, .ifindex = (int)if_nametoindex(name)};
    const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    union sockaddr_ip sa;
    const socklen_t len = sockaddr_from_ip(&sa, ip, 0);
    bool ok;

    memcpy(&req.addr, ip->bytes, sizeof(req.addr));
    ok = ioctl(fd, SIOCSIFADDR, &req) == 0 || errno == EEXIST;
    for (int i = 0; i < 1000 && ok && bind(fd, &sa.sa, len) < 0; i++) {
        usleep(1000);
    }
    close(fd);
    return ok;
}

/* Moves this process into the namespace. False if the machine forbids that. */
static inline bool netns_enter(void)
{
    char map[64];
    const unsigned uid = geteuid();
    const unsigned gid = getegid();

    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
        return false;
    }
    /* After a change of credentials /proc/self belongs to root unless we are dumpable. */
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    netns_write("/proc/self/setgroups", "deny");
    snprintf(map, sizeof(map), "0 %u 1", uid);
    if (!netns_write("/proc/self/uid_map", map)) {
        return false;
    }
    snprintf(map, sizeof(map), "0 %u 1", gid);
    return netns_write("/proc/self/gid_map", map) && netns_up("lo");
}

/*
 * What every such program begins with: into the namespace, or the whole of it skipped in TAP's
 * words.
 */
static inline void netns_enter_or_skip(void)
{
    if (!netns_enter()) {
        printf("1..0 # SKIP this machine forbids user namespaces: %s\n", strerror(errno));
        exit(0);
    }
}

static inline usec_t netns_now(void)
{
    return clock_read().mono;
}

/* 127.0.0.last, ::1 */
static inline struct ip_addr netns_v4(uint8_t last)
{
    return (struct ip_addr){.version = IP_V4, .bytes = {127, 0, 0, last}};
}

static inline struct ip_addr netns_v6(void)
{
    return (struct ip_addr){.version = IP_V6, .bytes = {[15] = 1}};
}

static inline struct ip_addr netns_loopback(enum ip_version version)
{
    return version == IP_V4 ? netns_v4(1) : netns_v6();
}

/* ---- the kernel's own TCP as the other side; sockets or a negative errno */

static inline int kernel_bind(const struct ip_addr *ip, uint16_t port, bool reuse)
{
    union sockaddr_ip sa;
    const socklen_t len = sockaddr_from_ip(&sa, ip, port);
    const int fd = socket(sockaddr_family(ip->version), SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;

    if (fd < 0) {
        return -errno;
    }
    if (ip->version == IP_V6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    if (reuse) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    }
    if (bind(fd, &sa.sa, len) < 0) {
        const int err = -errno;

        close(fd);
        return err;
    }
    return fd;
}

static inline int kernel_listen(const struct ip_addr *ip, uint16_t port, bool reuse)
{
    const int fd = kernel_bind(ip, port, reuse);

    if (fd >= 0 && listen(fd, 8) < 0) {
        const int err = -errno;

        close(fd);
        return err;
    }
    return fd;
}

static inline uint16_t kernel_port(int fd)
{
    union sockaddr_ip sa;
    socklen_t len = sizeof(sa);

    return getsockname(fd, &sa.sa, &len) < 0 ? 0 : sockaddr_port(&sa);
}

static inline int kernel_connect(const struct ip_addr *ip, uint16_t port)
{
    union sockaddr_ip sa;
    const socklen_t len = sockaddr_from_ip(&sa, ip, port);
    const int fd = socket(sockaddr_family(ip->version), SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, &sa.sa, len) < 0) {
        const int err = -errno;

        close(fd);
        return err;
    }
    return fd;
}

#endif
