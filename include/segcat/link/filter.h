/*
 * The socket filter (classic BPF) of a raw TCP socket: which segments may cost us anything at all.
 */
#ifndef SEGCAT_LINK_FILTER_H
#define SEGCAT_LINK_FILTER_H

#include "segcat/wire/address.h"

struct link_filter;

/* Lets in what `filter` names, nothing if it is NULL. Returns 0 or a negative errno. */
int filter_attach(int fd, enum ip_version version, const struct link_filter *filter);

/*
 * True if `filter` lets in segments from remote to local: the same question about an ICMP error's
 * quote.
 */
bool filter_matches(const struct link_filter *filter, const struct endpoint *local,
                    const struct endpoint *remote);

#endif
