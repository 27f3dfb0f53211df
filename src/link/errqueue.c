/*
 * recvmsg(MSG_ERRQUEUE) -> struct icmp_error. Touches the socket's error queue.
 */
#include "segcat/link/errqueue.h"

#include <errno.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/errqueue.h> /* wants struct timespec */

#include "segcat/link/sockaddr.h"

/* An ICMPv6 error fits the minimum MTU; more than its headers is of no use. */
#define QUOTE_MAX 1280

struct entry {
    struct sock_extended_err ee;
    union sockaddr_ip offender;
    bool found;
};

static void read_entry(struct msghdr *h, struct entry *e)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
        const bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
        const bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
        const size_t len = c->cmsg_len - CMSG_LEN(0);

        if ((!v4 && !v6) || len < sizeof(e->ee)) {
            continue;
        }
        memcpy(&e->ee, CMSG_DATA(c), sizeof(e->ee));
        memcpy(&e->offender, CMSG_DATA(c) + sizeof(e->ee),
               len - sizeof(e->ee) < sizeof(e->offender) ? len - sizeof(e->ee)
                                                         : sizeof(e->offender));
        e->found = true;
    }
}

/* An error that no packet brought, as the ICMP error that says the same. */
static bool from_errno(int err, enum ip_version version, struct icmp_error *out)
{
    const bool v4 = version == IP_V4;

    switch (err) {
    case EMSGSIZE:
        out->type = v4 ? ICMP_DEST_UNREACH : ICMPV6_PKT_TOOBIG;
        out->code = v4 ? ICMP_FRAG_NEEDED : 0;
        return true;
    case EHOSTUNREACH:
        out->type = v4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH;
        out->code = v4 ? ICMP_HOST_UNREACH : ICMPV6_ADDR_UNREACH;
        return true;
    case ENETUNREACH:
        out->type = v4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH;
        out->code = v4 ? ICMP_NET_UNREACH : ICMPV6_NOROUTE;
        return true;
    case EACCES:
        out->type = v4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH;
        out->code = v4 ? ICMP_PKT_FILTERED : ICMPV6_ADM_PROHIBITED;
        return true;
    default:
        return false;
    }
}

static bool fill(const struct entry *e, enum ip_version version, struct icmp_error *out)
{
    switch (e->ee.ee_origin) {
    case SO_EE_ORIGIN_ICMP:
    case SO_EE_ORIGIN_ICMP6:
        out->type = e->ee.ee_type;
        out->code = e->ee.ee_code;
        out->sender = sockaddr_to_ip(&e->offender);
        break;
    case SO_EE_ORIGIN_LOCAL:
        if (!from_errno((int)e->ee.ee_errno, version, out)) {
            return false;
        }
        break;
    default:
        return false;
    }
    out->version = (uint8_t)version;
    out->meaning = icmp_classify(version, out->type, out->code);
    if (out->meaning == ICMP_MEANS_TOO_BIG) {
        out->mtu = e->ee.ee_info;
    }
    return true;
}

/* Takes one message off the queue. Returns its length (possibly 0) or a negative errno. */
static ssize_t take(int fd, uint8_t *quote, size_t room, union sockaddr_ip *to, struct entry *e)
{
    _Alignas(struct cmsghdr) char control[512];
    struct iovec iov = {quote, room};
    struct msghdr h = {
        .msg_name = to,
        .msg_namelen = sizeof(*to),
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof(control),
    };
    ssize_t n;

    do {
        n = recvmsg(fd, &h, MSG_ERRQUEUE | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return -errno;
    }
    read_entry(&h, e);
    return n;
}

/*
 * The kernel reports its own failures (ARP without answer) by an ICMP error from our address to our
 * address.
 */
static void forget_ourselves(struct icmp_error *out)
{
    if (ip_addr_equal(&out->sender, &out->local.ip)) {
        out->sender = (struct ip_addr){.version = IP_NONE};
    }
}

int errqueue_take(int fd, enum ip_version version, struct icmp_error *out, bool *quoted)
{
    for (;;) {
        uint8_t quote[QUOTE_MAX];
        union sockaddr_ip to = {0};
        struct entry e = {.found = false};
        const ssize_t n = take(fd, quote, sizeof(quote), &to, &e);

        if (n < 0) {
            return n == -EAGAIN ? 0 : (int)n;
        }
        *out = (struct icmp_error){0};
        if (!e.found) {
            continue;
        }
        *quoted = icmp_parse_quote(quote, (size_t)n, out);
        if (!*quoted) {
            out->remote.ip = sockaddr_to_ip(&to);
        }
        if (!fill(&e, version, out)) {
            continue;
        }
        forget_ourselves(out);
        /* Without a quote only this machine's own word is of use. */
        if (*quoted || e.ee.ee_origin == SO_EE_ORIGIN_LOCAL) {
            return 1;
        }
    }
}
