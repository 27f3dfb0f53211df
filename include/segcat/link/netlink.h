/*
 * One question to the kernel over netlink and all of its answers, on libmnl's message format. The
 * descriptor is our own, not a struct mnl_socket: the guard's outlives the function that opened it.
 */
#ifndef SEGCAT_LINK_NETLINK_H
#define SEGCAT_LINK_NETLINK_H

#include <libmnl/libmnl.h>
#include <stddef.h>

/*
 * An open netlink socket of this bus (NETLINK_NETFILTER, ...), close-on-exec, or a negative errno.
 */
int netlink_open(int bus);

/*
 * Sends `request` (one message or a batch) and hands every answer to `cb` (NULL: only
 * acknowledgements are expected). Answers are there when the request has been taken, so this never
 * waits.
 * Returns 0, or the first error that the kernel, or cb with MNL_CB_ERROR and errno, reported.
 */
int netlink_talk(int fd, const void *request, size_t len, mnl_cb_t cb, void *data);

#endif
