/*
 * What the kernel's routing says about an address. Touches a UDP socket that sends nothing, and a
 * routing netlink socket.
 */
#include "segcat/link/route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <unistd.h>

#include "segcat/link/netlink.h"
#include "segcat/link/sockaddr.h"

/* Any port will do: nothing is sent to it. */
#define DISCARD_PORT 9
#define MTU_MAX      65535

static int read_mtu(int fd, enum ip_version version, uint32_t *mtu)
{
    int value = 0;
    socklen_t len = sizeof(value);
    const int result = version == IP_V4 ? getsockopt(fd, IPPROTO_IP, IP_MTU, &value, &len)
                                        : getsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &value, &len);

    if (result < 0) {
        return -errno;
    }
    *mtu = value > MTU_MAX ? MTU_MAX : (uint32_t)value;
    return 0;
}

static int bind_source(int fd, const struct ip_addr *source)
{
    union sockaddr_ip sa;
    const socklen_t len = sockaddr_from_ip(&sa, source, 0);

    return bind(fd, &sa.sa, len) < 0 ? -errno : 0;
}

static int connect_to(int fd, const struct ip_addr *remote)
{
    union sockaddr_ip sa;
    const socklen_t len = sockaddr_from_ip(&sa, remote, DISCARD_PORT);

    return connect(fd, &sa.sa, len) < 0 ? -errno : 0;
}

static int read_source(int fd, struct ip_addr *source)
{
    union sockaddr_ip sa = {0};
    socklen_t len = sizeof(sa);

    if (getsockname(fd, &sa.sa, &len) < 0) {
        return -errno;
    }
    *source = sockaddr_to_ip(&sa);
    return 0;
}

static int ask_socket(int fd, const struct ip_addr *remote, const struct ip_addr *source,
                      struct route *out)
{
    int result = source == NULL || source->version == IP_NONE ? 0 : bind_source(fd, source);

    if (result == 0) {
        result = connect_to(fd, remote);
    }
    if (result == 0) {
        result = read_source(fd, &out->source);
    }
    if (result == 0) {
        result = read_mtu(fd, remote->version, &out->mtu);
    }
    return result;
}

/* What a route's answer says. */
struct found {
    uint32_t oif;
    uint32_t mtu; /* 0: none of its own, the interface's holds */
};

static int take_metric(const struct nlattr *attr, void *data)
{
    if (mnl_attr_get_type(attr) == RTAX_MTU) {
        *(uint32_t *)data = mnl_attr_get_u32(attr);
    }
    return MNL_CB_OK;
}

static int take_route(const struct nlattr *attr, void *data)
{
    struct found *f = data;

    if (mnl_attr_get_type(attr) == RTA_OIF) {
        f->oif = mnl_attr_get_u32(attr);
    } else if (mnl_attr_get_type(attr) == RTA_METRICS) {
        return mnl_attr_parse_nested(attr, take_metric, &f->mtu);
    }
    return MNL_CB_OK;
}

static int read_route(const struct nlmsghdr *nlh, void *data)
{
    return mnl_attr_parse(nlh, sizeof(struct rtmsg), take_route, data);
}

/* The way from source to remote, from the kernel. Returns 0 or a negative errno. */
static int ask_route(int fd, const struct ip_addr *remote, const struct ip_addr *source,
                     struct found *out)
{
    _Alignas(struct nlmsghdr) char buf[256];
    const size_t len = ip_addr_len(remote->version);
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    struct rtmsg *rtm;

    *out = (struct found){0};
    nlh->nlmsg_type = RTM_GETROUTE;
    nlh->nlmsg_flags = NLM_F_REQUEST;
    rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
    rtm->rtm_family = (unsigned char)sockaddr_family(remote->version);
    rtm->rtm_dst_len = rtm->rtm_src_len = (unsigned char)(8 * len);
    mnl_attr_put(nlh, RTA_DST, len, remote->bytes);
    mnl_attr_put(nlh, RTA_SRC, len, source->bytes);
    if (remote->scope_id != 0) {
        mnl_attr_put_u32(nlh, RTA_OIF, remote->scope_id);
    }
    return netlink_talk(fd, nlh, nlh->nlmsg_len, read_route, out);
}

static int take_link(const struct nlattr *attr, void *data)
{
    if (mnl_attr_get_type(attr) == IFLA_MTU) {
        *(uint32_t *)data = mnl_attr_get_u32(attr);
    }
    return MNL_CB_OK;
}

static int read_link(const struct nlmsghdr *nlh, void *data)
{
    return mnl_attr_parse(nlh, sizeof(struct ifinfomsg), take_link, data);
}

static int ask_mtu(int fd, uint32_t ifindex, uint32_t *mtu)
{
    _Alignas(struct nlmsghdr) char buf[128];
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    struct ifinfomsg *ifi;

    nlh->nlmsg_type = RTM_GETLINK;
    nlh->nlmsg_flags = NLM_F_REQUEST;
    ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
    ifi->ifi_index = (int)ifindex;
    return netlink_talk(fd, nlh, nlh->nlmsg_len, read_link, mtu);
}

int route_open(void)
{
    return netlink_open(NETLINK_ROUTE);
}

int route_again(int fd, const struct ip_addr *remote, const struct ip_addr *source,
                struct route *out)
{
    struct found f;
    uint32_t mtu = 0;
    int result = ask_route(fd, remote, source, &f);

    *out = (struct route){.source = *source, .ifindex = f.oif};
    if (result == 0) {
        result = ask_mtu(fd, f.oif, &mtu);
    }
    if (f.mtu != 0 && f.mtu < mtu) {
        mtu = f.mtu;
    }
    out->mtu = mtu > MTU_MAX ? MTU_MAX : mtu;
    return result;
}

/* The interface that packets from source to remote leave by; 0 if the kernel does not tell. */
static uint32_t ask_interface(const struct ip_addr *remote, const struct ip_addr *source)
{
    const int fd = route_open();
    struct found f = {0};

    if (fd < 0) {
        return 0;
    }
    if (ask_route(fd, remote, source, &f) < 0) {
        f.oif = 0;
    }
    close(fd);
    return f.oif;
}

int route_lookup(const struct ip_addr *remote, const struct ip_addr *source, struct route *out)
{
    int result;
    const int fd = socket(sockaddr_family(remote->version), SOCK_DGRAM | SOCK_CLOEXEC, 0);

    *out = (struct route){0};
    if (fd < 0) {
        return -errno;
    }
    result = ask_socket(fd, remote, source, out);
    close(fd);
    if (result == 0) {
        out->ifindex = ask_interface(remote, &out->source);
    }
    return result;
}
