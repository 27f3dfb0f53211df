/*
 * The link as a whole: a raw socket for each family, one set of receive buffers, one send queue.
 */
#include "segcat/link/link.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "segcat/link/errqueue.h"
#include "segcat/link/filter.h"
#include "segcat/link/rawsock.h"
#include "segcat/link/rx.h"
#include "segcat/link/tx.h"

#define FAMILIES 2

static const enum ip_version version_of[FAMILIES] = {IP_V4, IP_V6};

struct link {
    int fd[FAMILIES]; /* IPv4, IPv6; -1 where not open */
    struct link_filter filter;
    unsigned turn; /* which family is read first, so that neither starves */
    struct rx *rx;
    struct tx *tx;
};

static unsigned index_of(enum ip_version version)
{
    return version == IP_V6;
}

static bool family_missing(int err)
{
    return err == -EAFNOSUPPORT || err == -EPROTONOSUPPORT;
}

static int open_sockets(struct link *l, bool v4, bool v6, uint32_t mark)
{
    const bool wanted[FAMILIES] = {v4, v6};

    for (unsigned i = 0; i < FAMILIES; i++) {
        if (!wanted[i]) {
            continue;
        }
        l->fd[i] = rawsock_open(version_of[i], mark);
        if (l->fd[i] < 0 && !(v4 && v6 && version_of[i] == IP_V6 && family_missing(l->fd[i]))) {
            return l->fd[i];
        }
    }
    return 0;
}

int link_open(struct link **out, bool v4, bool v6, uint32_t mark, const struct link_filter *filter)
{
    struct link *l = calloc(1, sizeof(*l));
    int result = -ENOMEM;

    *out = NULL;
    if (l == NULL) {
        return result;
    }
    l->fd[0] = l->fd[1] = -1;
    l->rx = rx_new();
    l->tx = tx_new();
    if (l->rx != NULL && l->tx != NULL) {
        result = open_sockets(l, v4, v6, mark);
    }
    if (result == 0) {
        result = link_set_filter(l, filter);
    }
    if (result < 0) {
        link_close(l);
        return result;
    }
    *out = l;
    return 0;
}

void link_close(struct link *l)
{
    if (l == NULL) {
        return;
    }
    for (unsigned i = 0; i < FAMILIES; i++) {
        if (l->fd[i] >= 0) {
            close(l->fd[i]);
        }
    }
    rx_free(l->rx);
    tx_free(l->tx);
    free(l);
}

int link_set_filter(struct link *l, const struct link_filter *filter)
{
    int result = 0;

    for (unsigned i = 0; i < FAMILIES && result == 0; i++) {
        if (l->fd[i] >= 0) {
            result = filter_attach(l->fd[i], version_of[i], filter);
        }
    }
    if (result == 0) {
        l->filter = *filter;
    }
    return result;
}

int link_fd(const struct link *l, enum ip_version version)
{
    return l->fd[index_of(version)] < 0 ? -1 : l->fd[index_of(version)];
}

/*
 * A segment of 1448 bytes costs 2304 of the buffer, one that a driver put into a page of its own
 * 4096 and a little: a third is safe for both.
 */
#define KERNEL_COST 3

size_t link_receive_capacity(struct link *l, size_t window)
{
    size_t least = SIZE_MAX;

    for (unsigned i = 0; i < FAMILIES; i++) {
        if (l->fd[i] >= 0) {
            const size_t size = rawsock_grow_receive_buffer(l->fd[i], KERNEL_COST * window);

            least = size < least ? size : least;
        }
    }
    return least == SIZE_MAX ? 0 : least / KERNEL_COST;
}

int link_receive(struct link *l, struct packet *pkt, int max, usec_t now, unsigned *dropped)
{
    int count = 0;

    rx_reset(l->rx);
    l->turn++;
    for (unsigned k = 0; k < FAMILIES && count < max; k++) {
        const unsigned i = (l->turn + k) % FAMILIES;
        int n;

        if (l->fd[i] < 0) {
            continue;
        }
        n = rx_take(l->rx, l->fd[i], version_of[i], pkt + count, max - count, now, dropped);
        if (n < 0) {
            return count > 0 ? count : n;
        }
        count += n;
    }
    return count;
}

size_t link_send_room(struct link *l, enum ip_version version)
{
    const int fd = link_fd(l, version);
    size_t used;
    size_t size;

    if (fd < 0) {
        return 0;
    }
    used = rawsock_send_queued(fd) + tx_queued(l->tx);
    size = rawsock_send_buffer(fd);
    return size > used ? size - used : 0;
}

size_t link_send_cost(const struct packet *pkt)
{
    return tx_cost(PACKET_HEADERS_MAX + pkt->seg.len);
}

int link_send(struct link *l, struct packet *pkt)
{
    if (link_fd(l, pkt->ip.version) < 0) {
        return -EAFNOSUPPORT;
    }
    tx_add(l->tx, pkt);
    return tx_full(l->tx) ? link_flush(l) : 0;
}

int link_flush(struct link *l)
{
    return tx_flush(l->tx, l->fd);
}

/*
 * The kernel's word that a packet was too big for the interface names no segment; link_flush()
 * remembers which it was. It may come twice, because a refused packet is tried twice. Returns
 * whether this is news.
 */
static bool name_refused(struct link *l, struct icmp_error *out)
{
    if (out->meaning != ICMP_MEANS_TOO_BIG) {
        out->local.port = l->filter.local_port;
        out->remote.port = l->filter.remote.port;
        return true;
    }
    return tx_take_too_big(l->tx, out);
}

static int next_error(struct link *l, unsigned i, struct icmp_error *out)
{
    bool quoted;

    while (errqueue_take(l->fd[i], version_of[i], out, &quoted) > 0) {
        /* A raw socket hears of every TCP segment of this machine. */
        if (quoted ? filter_matches(&l->filter, &out->local, &out->remote) : name_refused(l, out)) {
            return 1;
        }
    }
    /* Nothing is queued, but the error may still stand at the socket and keep poll() awake. */
    rawsock_clear_error(l->fd[i]);
    return 0;
}

int link_error(struct link *l, struct icmp_error *out)
{
    for (unsigned i = 0; i < FAMILIES; i++) {
        if (l->fd[i] >= 0 && next_error(l, i, out) > 0) {
            return 1;
        }
    }
    return 0;
}

void link_get_stats(const struct link *l, struct link_stats *out)
{
    out->overflows = 0;
    for (unsigned i = 0; i < FAMILIES; i++) {
        if (l->fd[i] >= 0) {
            out->overflows += rawsock_drops(l->fd[i]);
        }
    }
    out->unsent = tx_unsent(l->tx);
}
