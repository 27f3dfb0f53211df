/*
 * struct ip_addr <-> struct sockaddr. Touches nothing but its arguments.
 */
#include "segcat/link/sockaddr.h"

#include <arpa/inet.h>
#include <string.h>

int sockaddr_family(enum ip_version version)
{
    switch (version) {
    case IP_V4:
        return AF_INET;
    case IP_V6:
        return AF_INET6;
    case IP_NONE:
        break;
    }
    return AF_UNSPEC;
}

socklen_t sockaddr_from_ip(union sockaddr_ip *out, const struct ip_addr *ip, uint16_t port)
{
    memset(out, 0, sizeof(*out));
    switch ((enum ip_version)ip->version) {
    case IP_V4:
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
        memcpy(&out->v4.sin_addr, ip->bytes, 4);
        return sizeof(out->v4);
    case IP_V6:
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
        out->v6.sin6_scope_id = ip->scope_id;
        memcpy(&out->v6.sin6_addr, ip->bytes, 16);
        return sizeof(out->v6);
    case IP_NONE:
        break;
    }
    return 0;
}

struct ip_addr sockaddr_to_ip(const union sockaddr_ip *sa)
{
    struct ip_addr ip = {.version = IP_NONE};

    if (sa->sa.sa_family == AF_INET) {
        ip.version = IP_V4;
        memcpy(ip.bytes, &sa->v4.sin_addr, 4);
    } else if (sa->sa.sa_family == AF_INET6) {
        ip.version = IP_V6;
        ip.scope_id = sa->v6.sin6_scope_id;
        memcpy(ip.bytes, &sa->v6.sin6_addr, 16);
    }
    return ip;
}

uint16_t sockaddr_port(const union sockaddr_ip *sa)
{
    switch (sa->sa.sa_family) {
    case AF_INET:
        return ntohs(sa->v4.sin_port);
    case AF_INET6:
        return ntohs(sa->v6.sin6_port);
    default:
        return 0;
    }
}

struct ip_addr ip_from_in6(const struct in6_addr *in6, uint32_t ifindex)
{
    struct ip_addr ip = {.version = IP_V6};

    memcpy(ip.bytes, in6, 16);
    if (IN6_IS_ADDR_LINKLOCAL(in6)) {
        ip.scope_id = ifindex;
    }
    return ip;
}
