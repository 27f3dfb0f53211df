/*
 * The reservation of a local port: kernel TCP sockets that are bound and never listen. Nobody else
 * can then listen on the port or be given it, and bind(0) picks a free one.
 */
#ifndef SEGCAT_LINK_RESERVE_H
#define SEGCAT_LINK_RESERVE_H

#include "segcat/wire/address.h"

struct reservation {
    int fd[2]; /* IPv4 and IPv6, -1 where not held */
    uint16_t port;
};

/*
 * Reserves port (0: a free one, told in r->port) on `local` (unspecified or NULL: all addresses of
 * the families asked for). v4/v6: which families. Shared with nobody, but a port whose only
 * users are kernel connections in TIME-WAIT is taken (as nc's listener does; unlike nc's, not one
 * with live connections, which our resets would end).
 * Returns 0 or a negative errno: -EADDRINUSE, -EACCES (below 1024), -EADDRNOTAVAIL. With port 0 and
 * both families the same number is free in both. A machine without IPv6 reserves IPv4 only when
 * both were asked.
 */
int reserve_port(struct reservation *r, const struct ip_addr *local, bool v4, bool v6,
                 uint16_t port);

/* Gives the port back. Harmless when nothing is held. */
void reserve_release(struct reservation *r);

#endif
