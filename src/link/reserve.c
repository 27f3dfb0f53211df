/*
 * Port reservation by bound kernel sockets. Touches TCP sockets that never listen nor connect, and
 * (through portuse) the kernel's list of connections.
 */
#include "segcat/link/reserve.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "segcat/link/portuse.h"
#include "segcat/link/sockaddr.h"

/* For port 0 and two families: how often a number that is free in one may be taken in the other. */
#define TRIES 64

static int set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int bind_to(int fd, const struct ip_addr *ip, uint16_t port)
{
    union sockaddr_ip sa;
    const socklen_t len = sockaddr_from_ip(&sa, ip, port);

    return bind(fd, &sa.sa, len) < 0 ? -errno : 0;
}

static int open_socket(enum ip_version version)
{
    const int fd = socket(sockaddr_family(version), SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -errno;
    }
    if (version == IP_V6) {
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    return fd;
}

/*
 * A socket on this port, without SO_REUSEADDR, at an address that nobody has (192.0.2.0/24 is for
 * documentation): while it stands, it is a lock between two of us, for the same address without
 * SO_REUSEADDR is given only once; a wildcard socket of anyone else forbids it; and once it has
 * been bound, the kernel looks at every later bind to this port closely instead of remembering that
 * all its users share (fastreuse).
 */
static int open_lock(uint16_t port)
{
    static const struct ip_addr nowhere = {.version = IP_V4, .bytes = {192, 0, 2, 91}};
    const int fd = open_socket(IP_V4);
    int result;

    if (fd < 0) {
        return fd;
    }
    result = set(fd, IPPROTO_IP, IP_FREEBIND, 1);
    if (result == 0) {
        result = bind_to(fd, &nowhere, port);
    }
    if (result == 0) {
        result = set(fd, SOL_SOCKET, SO_REUSEADDR, 1); /* lets our own in beside it */
    }
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}

static bool family_missing(int err)
{
    return err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL;
}

static uint16_t port_of(int fd)
{
    union sockaddr_ip sa = {0};
    socklen_t len = sizeof(sa);

    return getsockname(fd, &sa.sa, &len) < 0 ? 0 : sockaddr_port(&sa);
}

/* What to reserve: the address of each family, IP_NONE where it is not asked for. */
struct wish {
    struct ip_addr ip[2];
    bool both;
};

static struct ip_addr address_for(const struct ip_addr *local, enum ip_version version)
{
    if (local != NULL && local->version == version) {
        return *local;
    }
    return (struct ip_addr){.version = (uint8_t)version};
}

static struct wish make_wish(const struct ip_addr *local, bool v4, bool v6)
{
    struct wish w = {.both = v4 && v6};

    if (v4) {
        w.ip[0] = address_for(local, IP_V4);
    }
    if (v6) {
        w.ip[1] = address_for(local, IP_V6);
    }
    return w;
}

/* Returns a socket bound to ip and port, or a negative errno. */
static int bind_new(const struct ip_addr *ip, uint16_t port, bool share)
{
    const int fd = open_socket(ip->version);
    int result;

    if (fd < 0) {
        return fd;
    }
    set(fd, SOL_SOCKET, SO_REUSEADDR, share);
    result = bind_to(fd, ip, port);
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}

/* Binds a socket for each address of the wish, all to the same port. */
static int bind_all(struct reservation *r, const struct wish *w, uint16_t port, bool share)
{
    *r = (struct reservation){.fd = {-1, -1}, .port = port};
    for (int i = 0; i < 2; i++) {
        const struct ip_addr *ip = &w->ip[i];
        int fd;

        if (ip->version == IP_NONE) {
            continue;
        }
        fd = bind_new(ip, r->port, share);
        if (fd < 0 && w->both && ip->version == IP_V6 && family_missing(fd) &&
            ip_addr_is_unspecified(ip)) {
            continue;
        }
        if (fd < 0) {
            reserve_release(r);
            return fd;
        }
        r->fd[i] = fd;
        r->port = port_of(fd);
    }
    return 0;
}

static int only_time_wait(const struct wish *w, uint16_t port)
{
    int result = 0;

    for (int i = 0; i < 2 && result == 0; i++) {
        if (w->ip[i].version != IP_NONE) {
            result = portuse_only_time_wait(&w->ip[i], port);
        }
    }
    return result;
}

/* The port has users. Takes it from kernel connections in TIME-WAIT, from nobody else. */
static int bind_over_time_wait(struct reservation *r, const struct wish *w, uint16_t port)
{
    const int lock = open_lock(port);
    int result;

    if (lock < 0) {
        return -EADDRINUSE;
    }
    result = only_time_wait(w, port) == 0 ? bind_all(r, w, port, true) : -EADDRINUSE;
    for (int i = 0; i < 2 && result == 0; i++) {
        if (r->fd[i] >= 0) {
            set(r->fd[i], SOL_SOCKET, SO_REUSEADDR, 0); /* shared with nobody from here on */
        }
    }
    close(lock);
    return result;
}

int reserve_port(struct reservation *r, const struct ip_addr *local, bool v4, bool v6,
                 uint16_t port)
{
    const struct wish w = make_wish(local, v4, v6);
    int result = bind_all(r, &w, port, false);

    for (int i = 1; i < TRIES && result == -EADDRINUSE && port == 0; i++) {
        result = bind_all(r, &w, port, false);
    }
    if (result == -EADDRINUSE && port != 0) {
        result = bind_over_time_wait(r, &w, port);
    }
    return result;
}

void reserve_release(struct reservation *r)
{
    for (int i = 0; i < 2; i++) {
        if (r->fd[i] >= 0) {
            close(r->fd[i]);
        }
        r->fd[i] = -1;
    }
}
