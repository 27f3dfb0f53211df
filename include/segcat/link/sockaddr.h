/*
 * Our addresses as the kernel's struct sockaddr, and back.
 */
#ifndef SEGCAT_LINK_SOCKADDR_H
#define SEGCAT_LINK_SOCKADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "segcat/wire/address.h"

/* Large enough for both families. */
union sockaddr_ip {
    struct sockaddr sa;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* AF_INET, AF_INET6 or AF_UNSPEC. */
int sockaddr_family(enum ip_version version);

/* Fills *out with ip and port (host byte order). Returns its length, 0 for IP_NONE. */
socklen_t sockaddr_from_ip(union sockaddr_ip *out, const struct ip_addr *ip, uint16_t port);

/* The address in *sa; IP_NONE for a family that is not ours. */
struct ip_addr sockaddr_to_ip(const union sockaddr_ip *sa);

/* Its port in host byte order, 0 for a family that is not ours. */
uint16_t sockaddr_port(const union sockaddr_ip *sa);

/* An IPv6 address as the kernel has it, with the interface as its scope if it is link-local. */
struct ip_addr ip_from_in6(const struct in6_addr *in6, uint32_t ifindex);

#endif
