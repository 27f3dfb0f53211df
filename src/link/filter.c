/*
 * Builds and attaches the BPF program. An IPv4 raw socket's data begins with the IP header, an IPv6
 * one's with the TCP header; the IPv6 addresses are reached through SKF_NET_OFF.
 */
#include "segcat/link/filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>

#include "segcat/link/link.h"

#define PROGRAM_MAX 32
#define TCP_SPORT   0
#define TCP_DPORT   2
#define IPV4_SADDR  12
#define IPV6_SADDR  8

struct program {
    struct sock_filter code[PROGRAM_MAX];
    unsigned short len;
};

static void emit(struct program *p, unsigned short code, uint32_t k)
{
    p->code[p->len++] = (struct sock_filter){.code = code, .k = k};
}

/*
 * Goes on if the accumulator is `value`; otherwise jumps to the end, where patch_exits() leads it.
 */
static void require(struct program *p, uint32_t value)
{
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, value);
}

/* Every comparison that fails goes to the last instruction. */
static void patch_exits(struct program *p)
{
    for (unsigned short i = 0; i < p->len; i++) {
        if (p->code[i].code == (BPF_JMP | BPF_JEQ | BPF_K)) {
            p->code[i].jf = (uint8_t)(p->len - 1 - (i + 1));
        }
    }
}

static void require_port(struct program *p, enum ip_version version, uint32_t offset, uint16_t port)
{
    emit(p, BPF_LD | BPF_H | (version == IP_V4 ? BPF_IND : BPF_ABS), offset);
    require(p, port);
}

static void require_source(struct program *p, enum ip_version version, const struct ip_addr *ip)
{
    const uint32_t base =
        version == IP_V4 ? IPV4_SADDR : (uint32_t)SKF_NET_OFF + (uint32_t)IPV6_SADDR;

    for (uint32_t i = 0; i < ip_addr_len(version); i += 4) {
        uint32_t word;

        memcpy(&word, ip->bytes + i, sizeof(word));
        emit(p, BPF_LD | BPF_W | BPF_ABS, base + i);
        require(p, ntohl(word));
    }
}

static bool any_address(const struct ip_addr *ip)
{
    return ip->version == IP_NONE || ip_addr_is_unspecified(ip);
}

static void build(struct program *p, enum ip_version version, const struct link_filter *filter)
{
    const struct endpoint *remote = &filter->remote;

    if (version == IP_V4) {
        emit(p, BPF_LDX | BPF_B | BPF_MSH, 0); /* X = length of the IP header */
    }
    require_port(p, version, TCP_DPORT, filter->local_port);
    if (remote->port != 0) {
        require_port(p, version, TCP_SPORT, remote->port);
    }
    if (!any_address(&remote->ip)) {
        require_source(p, version, &remote->ip);
    }
    emit(p, BPF_RET | BPF_K, UINT32_MAX);
}

/* A filter for the other family's address lets in nothing. */
static bool wrong_family(enum ip_version version, const struct link_filter *filter)
{
    return !any_address(&filter->remote.ip) && filter->remote.ip.version != version;
}

int filter_attach(int fd, enum ip_version version, const struct link_filter *filter)
{
    struct program p = {.len = 0};
    struct sock_fprog fprog;

    if (filter != NULL && !wrong_family(version, filter)) {
        build(&p, version, filter);
    }
    emit(&p, BPF_RET | BPF_K, 0);
    patch_exits(&p);
    fprog = (struct sock_fprog){.len = p.len, .filter = p.code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &fprog, sizeof(fprog)) < 0 ? -errno : 0;
}

bool filter_matches(const struct link_filter *filter, const struct endpoint *local,
                    const struct endpoint *remote)
{
    return local->port == filter->local_port &&
           (filter->remote.port == 0 || filter->remote.port == remote->port) &&
           (any_address(&filter->remote.ip) || ip_addr_equal(&filter->remote.ip, &remote->ip));
}
