/*
 * Names and service names to addresses and ports. May ask the name service: before the event loop
 * only.
 */
#ifndef SEGCAT_SESSION_RESOLVE_H
#define SEGCAT_SESSION_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>

#include "segcat/wire/address.h"

#define RESOLVE_MAX 16

struct resolved {
    struct ip_addr addr[RESOLVE_MAX];
    size_t count;
};

/*
 * host: a name or number (with numeric, numbers only); v4/v6: families wanted. Returns NULL or the
 * reason as a static text (gai_strerror). Each address appears once, in the system's order.
 */
const char *resolve_host(const char *host, bool v4, bool v6, bool numeric, struct resolved *out);

/* A port number (0 to 65535) or a service name (not with numeric). Returns false if it is
 * neither. */
bool resolve_port(const char *text, bool numeric, uint16_t *out);

/* The service's name for -v ("http"), or "*": nc's habit. buf: the caller's. */
const char *resolve_service(uint16_t port, bool numeric, char *buf, size_t cap);

#endif
