/*
 * Names to addresses and ports, by getaddrinfo() and getservbyname(). May block: called before the
 * event loop only.
 */
#define _GNU_SOURCE 1 /* getaddrinfo() flags */
#include "segcat/session/resolve.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static bool from_sockaddr(const struct sockaddr *sa, struct ip_addr *out)
{
    memset(out, 0, sizeof *out);
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

        out->version = IP_V4;
        memcpy(out->bytes, &in->sin_addr, 4);
        return true;
    }
    if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;

        out->version = IP_V6;
        memcpy(out->bytes, &in6->sin6_addr, 16);
        out->scope_id = in6->sin6_scope_id;
        return true;
    }
    return false;
}

static bool known(const struct resolved *r, const struct ip_addr *a)
{
    for (size_t i = 0; i < r->count; i++)
        if (ip_addr_equal(&r->addr[i], a))
            return true;
    return false;
}

const char *resolve_host(const char *host, bool v4, bool v6, bool numeric, struct resolved *out)
{
    const struct addrinfo hints = {
        .ai_family = v4 && v6 ? AF_UNSPEC
                     : v4     ? AF_INET
                              : AF_INET6,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = numeric ? AI_NUMERICHOST : 0,
    };
    struct addrinfo *list = NULL;
    const int error = getaddrinfo(host, NULL, &hints, &list);

    out->count = 0;
    if (error != 0)
        return gai_strerror(error);
    for (const struct addrinfo *ai = list; ai != NULL && out->count < RESOLVE_MAX;
         ai = ai->ai_next) {
        struct ip_addr a;

        if (from_sockaddr(ai->ai_addr, &a) && !known(out, &a))
            out->addr[out->count++] = a;
    }
    freeaddrinfo(list);
    return out->count > 0 ? NULL : gai_strerror(EAI_NONAME);
}

bool resolve_port(const char *text, bool numeric, uint16_t *out)
{
    char *end;
    const unsigned long n = strtoul(text, &end, 10);
    const struct servent *service;

    if (*text >= '0' && *text <= '9' && *end == '\0') {
        *out = (uint16_t)n;
        return n <= UINT16_MAX;
    }
    service = numeric ? NULL : getservbyname(text, "tcp");
    if (service == NULL)
        return false;
    *out = ntohs((uint16_t)service->s_port);
    return true;
}

const char *resolve_service(uint16_t port, bool numeric, char *buf, size_t cap)
{
    const struct servent *service = numeric ? NULL : getservbyport(htons(port), "tcp");

    snprintf(buf, cap, "%s", service != NULL ? service->s_name : "*");
    return buf;
}
