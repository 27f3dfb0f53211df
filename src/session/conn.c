/*
 * A connection of the session: memory for a TCB, and segments between it and the link.
 */
#include "segcat/session/conn.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "segcat/session/clock.h"
#include "segcat/tcp/syncookie.h"

#define RING_SIZE ((size_t)4 << 20)
#define SENT_MAX  8192
#define OOO_MAX   256

/* The parts of the one mapping, largest alignment first. */
struct layout {
    uint8_t snd[RING_SIZE];
    uint8_t rcv[RING_SIZE];
    struct sent_record sent[SENT_MAX];
    struct interval ooo[OOO_MAX];
};

void conn_tcb_config(const struct conn_config *cfg, const struct endpoint *local,
                     const struct endpoint *remote, struct tcb_config *out)
{
    *out = (struct tcb_config){
        .local = *local,
        .remote = *remote,
        .snd_size = RING_SIZE,
        .rcv_size = RING_SIZE,
        .rcv_limit = cfg->rcv_limit,
        .sent_max = SENT_MAX,
        .ooo_max = OOO_MAX,
        .mtu = cfg->mtu,
        .has_isn = cfg->has_isn,
        .isn = cfg->isn,
        .congestion = cfg->congestion,
        .ecn = cfg->ecn,
        .no_nagle = cfg->no_nagle,
        .msl = cfg->msl,
        .syn_timeout = cfg->syn_timeout,
    };
    memcpy(out->key, cfg->key, sizeof out->key);
}

static void configure(struct conn *c, const struct conn_config *cfg, struct tcb_config *out)
{
    struct layout *mem = (struct layout *)(void *)c->mem;

    conn_tcb_config(cfg, &c->local, &c->remote, out);
    out->snd_mem = mem->snd;
    out->rcv_mem = mem->rcv;
    out->sent_mem = mem->sent;
    out->ooo_mem = mem->ooo;
    out->observe = cfg->trace->cfg.verbose > 0 ? trace_event : NULL;
    out->observe_ctx = &c->trace;
}

/* Memory, addresses, configuration: all but the opening. */
static int prepare(struct conn *c, const struct conn_config *cfg, const struct endpoint *local,
                   const struct endpoint *remote, struct tcb_config *tcb)
{
    void *mem = mmap(NULL, sizeof(struct layout), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (mem == MAP_FAILED)
        return -ENOMEM;
    memset(c, 0, sizeof *c);
    c->mem = mem;
    c->mem_len = sizeof(struct layout);
    c->local = *local;
    c->remote = *remote;
    c->ttl = cfg->ttl;
    c->tos = cfg->tos;
    configure(c, cfg, tcb);
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
    out->ip.flags = IP_FLAG_DF;
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
