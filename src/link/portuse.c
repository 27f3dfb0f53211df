/*
 * Asks the kernel for the TCP sockets on a port (sock_diag). Touches a netlink socket.
 */
#include "segcat/link/portuse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "segcat/link/netlink.h"

#define STATE_BIT(n) (UINT32_C(1) << (n))

/* Linux 6.8 and later also list sockets that are bound and nothing more; older ones never do. */
#define STATE_BOUND_INACTIVE 13
#define ASKED_STATES         (~(STATE_BIT(TCP_TIME_WAIT) | STATE_BIT(STATE_BOUND_INACTIVE)))

struct question {
    const struct ip_addr *ip;
    uint16_t port; /* network byte order */
    bool other;    /* answer: somebody is not in TIME-WAIT */
};

/*
 * True if the socket's address leaves ours alone: both are given, of one family, and they differ.
 */
static bool elsewhere(const struct inet_diag_msg *m, const struct ip_addr *ip)
{
    struct ip_addr theirs = {.version = m->idiag_family == AF_INET ? IP_V4 : IP_V6};

    memcpy(theirs.bytes, m->id.idiag_src, ip_addr_len(theirs.version));
    return theirs.version == ip->version && !ip_addr_is_unspecified(ip) &&
           !ip_addr_is_unspecified(&theirs) && !ip_addr_equal(ip, &theirs);
}

/* A kernel that knows no filter by port lists all, so each is looked at. */
static int read_socket(const struct nlmsghdr *nlh, void *data)
{
    struct question *q = data;
    const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);

    if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(*m) && m->id.idiag_sport == q->port &&
        !elsewhere(m, q->ip)) {
        q->other = true;
    }
    return MNL_CB_OK;
}

static int ask(int fd, uint8_t family, struct question *q)
{
    _Alignas(struct nlmsghdr) char buf[256];
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    struct inet_diag_req_v2 *req;

    nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
    req->sdiag_family = family;
    req->sdiag_protocol = IPPROTO_TCP;
    req->idiag_states = ASKED_STATES;
    req->id.idiag_sport = q->port;
    return netlink_talk(fd, nlh, nlh->nlmsg_len, read_socket, q);
}

int portuse_only_time_wait(const struct ip_addr *ip, uint16_t port)
{
    struct question q = {.ip = ip, .port = htons(port), .other = false};
    const int fd = netlink_open(NETLINK_SOCK_DIAG);
    int result;

    if (fd < 0) {
        return fd;
    }
    result = ask(fd, AF_INET, &q);
    if (result == 0) {
        result = ask(fd, AF_INET6, &q);
    }
    close(fd);
    if (result == 0 && q.other) {
        result = -EADDRINUSE;
    }
    return result;
}
