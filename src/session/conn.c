/*
 * A connection of the session: memory for a TCB, and segments between it and the link.
 */
#include "segcat/session/conn.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "segcat/session/clock.h"
#include "segcat/tcp/syncookie.h"

/*
 * Records for a send buffer full of segments of 512 bytes, which is less than any path has to carry
 * in one; smaller ones wait for a record. Intervals for a window with a hole in each 16 KiB of it.
 */
#define SEGMENT_LEAST 512
#define SENT_LEAST    256
#define HOLE_EACH     16384
#define OOO_LEAST     256
#define OOO_MOST      4096

/* The parts of the one mapping, each beginning with a page: what is not used is not touched. */
struct layout {
    size_t ring;
    size_t sent_max, ooo_max;
    size_t snd, rcv, sent, ooo; /* where they begin */
    size_t len;
};

static size_t at_least(size_t n, size_t least)
{
    return n < least ? least : n;
}

static size_t page_up(size_t n)
{
    const size_t page = 4096;

    return (n + page - 1) & ~(page - 1);
}

size_t conn_ring_size(size_t buffer)
{
    size_t n = CONN_BUFFER_MIN;

    if (buffer == 0)
        buffer = CONN_BUFFER_DEFAULT;
    while (n <= buffer / 2 && n < CONN_BUFFER_MAX)
        n *= 2;
    return n;
}

static struct layout lay_out(size_t buffer)
{
    struct layout l = {.ring = conn_ring_size(buffer)};

    l.sent_max = at_least(l.ring / SEGMENT_LEAST, SENT_LEAST);
    l.ooo_max = at_least(l.ring / HOLE_EACH, OOO_LEAST);
    if (l.ooo_max > OOO_MOST)
        l.ooo_max = OOO_MOST;
    l.rcv = l.snd + page_up(l.ring);
    l.sent = l.rcv + page_up(l.ring);
    l.ooo = l.sent + page_up(l.sent_max * sizeof(struct sent_record));
    l.len = l.ooo + page_up(l.ooo_max * sizeof(struct interval));
    return l;
}

size_t conn_memory_max(size_t buffer)
{
    return sizeof(struct conn) + lay_out(buffer).len;
}

void conn_tcb_config(const struct conn_config *cfg, const struct endpoint *local,
                     const struct endpoint *remote, struct tcb_config *out)
{
    const struct layout l = lay_out(cfg->buffer);

    *out = (struct tcb_config){
        .local = *local,
        .remote = *remote,
        .snd_size = l.ring,
        .rcv_size = l.ring,
        .rcv_limit = cfg->rcv_limit,
        .sent_max = l.sent_max,
        .ooo_max = l.ooo_max,
        .mtu = cfg->mtu,
        .has_isn = cfg->has_isn,
        .isn = cfg->isn,
        .congestion = cfg->congestion,
        .before = cfg->before,
        .ecn = cfg->ecn,
        .no_nagle = cfg->no_nagle,
        .msl = cfg->msl,
        .syn_timeout = cfg->syn_timeout,
        .user_timeout = cfg->user_timeout,
        .keepalive = cfg->keepalive,
    };
    memcpy(out->key, cfg->key, sizeof out->key);
}

static void configure(struct conn *c, const struct conn_config *cfg, const struct layout *l,
                      struct tcb_config *out)
{
    conn_tcb_config(cfg, &c->local, &c->remote, out);
    out->snd_mem = c->mem + l->snd;
    out->rcv_mem = c->mem + l->rcv;
    out->sent_mem = (struct sent_record *)(void *)(c->mem + l->sent);
    out->ooo_mem = (struct interval *)(void *)(c->mem + l->ooo);
    out->observe = cfg->trace->cfg.verbose > 0 ? trace_event : NULL;
    out->observe_ctx = &c->trace;
}

/* Memory, addresses, configuration: all but the opening. */
static int prepare(struct conn *c, const struct conn_config *cfg, const struct endpoint *local,
                   const struct endpoint *remote, struct tcb_config *tcb)
{
    const struct layout l = lay_out(cfg->buffer);
    void *mem = mmap(NULL, l.len, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (mem == MAP_FAILED)
        return -ENOMEM;
    /* A huge page would be filled for each of the few bytes that a connection usually holds. */
    madvise(mem, l.len, MADV_NOHUGEPAGE);
    memset(c, 0, sizeof *c);
    c->mem = mem;
    c->mem_len = l.len;
    c->local = *local;
    c->remote = *remote;
    c->ttl = cfg->ttl;
    c->tos = cfg->tos;
    configure(c, cfg, &l, tcb);
    trace_conn_init(&c->trace, cfg->trace, local, remote, cfg->tag);
    return 0;
}

static void opened(struct conn *c)
{
    c->ip_id = (uint16_t)(c->tcb.ts_offset ^ c->tcb.iss); /* anywhere; it counts up from there */
}

int conn_open(struct conn *c, const struct conn_config *cfg, const struct endpoint *local,
              const struct endpoint *remote, const struct segment *syn, usec_t now)
{
    struct tcb_config tcb;

    if (prepare(c, cfg, local, remote, &tcb) < 0)
        return -ENOMEM;
    if (syn != NULL)
        tcb_open_passive(&c->tcb, &tcb, syn, now);
    else
        tcb_open_active(&c->tcb, &tcb, now);
    opened(c);
    return 0;
}

int conn_open_cookie(struct conn *c, const struct conn_config *cfg, const struct endpoint *local,
                     const struct endpoint *remote, const struct segment *syn,
                     const struct segment *ack, usec_t now)
{
    struct tcb_config tcb;

    if (prepare(c, cfg, local, remote, &tcb) < 0)
        return -ENOMEM;
    tcb_open_cookie(&c->tcb, &tcb, syn, ack, now);
    opened(c);
    return 0;
}

void conn_close(struct conn *c)
{
    if (c->mem != NULL)
        munmap(c->mem, c->mem_len);
    c->mem = NULL;
}

void conn_make_room(struct conn *c, struct link *l)
{
    int r;

    if (tcb_wants_room(&c->tcb)) {
        r = link_flush(l);
        if (r < 0)
            c->send_error = r;
    }
    tcb_make_room(&c->tcb);
}

bool conn_matches(const struct conn *c, const struct packet *pkt)
{
    return c->mem != NULL && pkt->dport == c->local.port && pkt->sport == c->remote.port &&
           ip_addr_equal(&pkt->ip.src, &c->remote.ip) && ip_addr_equal(&pkt->ip.dst, &c->local.ip);
}

void conn_packet(struct conn *c, const struct segment *seg, struct packet *out)
{
    memset(out, 0, sizeof *out);
    out->ip.version = c->local.ip.version;
    out->ip.ttl = c->ttl;
    out->ip.traffic = c->tos;
    out->ip.flags = c->tcb.pmtu.no_df ? 0 : IP_FLAG_DF;
    out->ip.protocol = IPPROTO_NUMBER_TCP;
    out->ip.id = c->ip_id++;
    out->ip.src = c->local.ip;
    out->ip.dst = c->remote.ip;
    out->sport = c->local.port;
    out->dport = c->remote.port;
    out->seg = *seg;
}

bool conn_pump(struct conn *c, struct link *l, usec_t now)
{
    const size_t largest = link_send_cost(&(struct packet){.seg = {.len = c->tcb.mss}});
    size_t room = link_send_room(l, c->local.ip.version);
    struct segment seg;
    struct packet pkt;
    int r;

    for (;;) {
        size_t cost;

        if (room < largest)
            return false;
        if (!tcb_next(&c->tcb, &seg, now))
            return true;
        conn_packet(c, &seg, &pkt);
        cost = link_send_cost(&pkt);
        room = room > cost ? room - cost : 0;
        r = link_send(l, &pkt);
        if (r < 0)
            c->send_error = r;
    }
}
