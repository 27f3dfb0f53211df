/*
 * A raw TCP socket of one IP family with everything set that the link wants of it.
 */
#ifndef SEGCAT_LINK_RAWSOCK_H
#define SEGCAT_LINK_RAWSOCK_H

#include <stddef.h>
#include <stdint.h>

#include "segcat/wire/address.h"

/*
 * Opens one: header-included, non-blocking, close-on-exec, marked, with timestamps, error queue,
 * ancillary data and large buffers. A filter that lets nothing in is attached and nothing is
 * queued.
 * Returns the descriptor or a negative errno.
 */
int rawsock_open(enum ip_version version, uint32_t mark);

/* SO_SNDBUF as the kernel counts it (with its overhead), 0 on error. */
size_t rawsock_send_buffer(int fd);

/* Makes SO_RCVBUF so large, as far as it may; returns what it is then, 0 on error. */
size_t rawsock_grow_receive_buffer(int fd, size_t bytes);

/* Packets that the kernel had no room for. */
uint32_t rawsock_drops(int fd);

/* What of the send buffer is in use by packets that have not left. */
size_t rawsock_send_queued(int fd);

/* Takes and clears the pending asynchronous error. */
void rawsock_clear_error(int fd);

#endif
