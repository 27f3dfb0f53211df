/*
 * The error queue of a raw socket: ICMP errors about TCP segments of this machine, and the kernel's
 * own.
 */
#ifndef SEGCAT_LINK_ERRQUEUE_H
#define SEGCAT_LINK_ERRQUEUE_H

#include "segcat/wire/icmp.h"

/*
 * Takes one error. Returns 1 with *out filled and *quoted telling whether it names a segment
 * (local, remote, seq; otherwise only remote.ip), 0 if there is none, or a negative errno. Errors
 * that say nothing about TCP are skipped.
 */
int errqueue_take(int fd, enum ip_version version, struct icmp_error *out, bool *quoted);

#endif
