/*
 * Who uses a local TCP port, by the kernel's own list of sockets.
 */
#ifndef SEGCAT_LINK_PORTUSE_H
#define SEGCAT_LINK_PORTUSE_H

#include "segcat/wire/address.h"

/*
 * Looks at connections and listeners, not at sockets that are bound and nothing more. 0 if every
 * kernel TCP socket on this port of `ip` (unspecified: of any address) is in TIME-WAIT, -EADDRINUSE
 * if not, or another negative errno when the kernel does not tell.
 */
int portuse_only_time_wait(const struct ip_addr *ip, uint16_t port);

#endif
