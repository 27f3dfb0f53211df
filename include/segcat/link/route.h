/*
 * What this machine would use to reach an address: source address, path MTU, interface. Asks the
 * kernel with a connected UDP socket and by netlink; nothing is sent.
 */
#ifndef SEGCAT_LINK_ROUTE_H
#define SEGCAT_LINK_ROUTE_H

#include "segcat/wire/address.h"

struct route {
    struct ip_addr source; /* the address that packets to the remote get (MUST-44) */
    uint32_t mtu;          /* path MTU as the kernel knows it, at most 65535 */
    uint32_t ifindex;      /* interface that packets leave by, 0 if it could not be told */
};

/*
 * remote: where to; source: the user's choice (-s) or NULL. Returns 0 or a negative errno:
 * -ENETUNREACH, -EHOSTUNREACH (no route), -EADDRNOTAVAIL (source is not ours), -EACCES (broadcast),
 * ...
 */
int route_lookup(const struct ip_addr *remote, const struct ip_addr *source, struct route *out);

/*
 * The same while a connection is open, when no socket may be made any more: on a descriptor of
 * route_open() (or its negative errno). The MTU is that of the route and the interface, not what
 * was learned of the path behind.
 */
int route_open(void);
int route_again(int fd, const struct ip_addr *remote, const struct ip_addr *source,
                struct route *out);

#endif
