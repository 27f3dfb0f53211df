/*
 * What the groups of the simulator's programs are put together from: ends, paths and programs, plain
 * or chosen at random. Changes the parameters that it is given and nothing else.
 */
#include "parts.h"

uint32_t sim_headers(const struct sim_params *p)
{
    return p->v6 ? 60 : 40;
}

uint32_t sim_mss_of(const struct sim_params *p)
{
    const uint32_t mtu =
        p->end[0].cfg.mtu < p->end[1].cfg.mtu ? p->end[0].cfg.mtu : p->end[1].cfg.mtu;

    return mtu - sim_headers(p) - 12;
}

/* ISNs: any, next to the wrap, or the core's own (RFC 6528). */
void sim_random_isn(struct tcb_config *c, struct rng *r, uint64_t bytes)
{
    switch (rng_below(r, 4)) {
    case 0:
        c->has_isn = false;
        return;
    case 1:
        c->isn = (seq_t)(0xffffffffU - rng_below(r, bytes + 4));
        break;
    case 2:
        c->isn = (seq_t)(0xffffffffU - rng_below(r, 3));
        break;
    default:
        c->isn = (seq_t)rng_next(r);
        break;
    }
    c->has_isn = true;
}

void sim_plain_end(struct sim_end_params *e)
{
    struct tcb_config *const c = &e->cfg;

    c->snd_size = c->rcv_size = 65536;
    c->sent_max = 512;
    c->ooo_max = 64;
    c->mtu = 1500;
    /* A network that is bad enough makes any limit run out: no limit is what is tested here. */
    c->msl = 1000 * USEC_SEC;
    c->user_timeout = 100000 * USEC_SEC;
    c->syn_timeout = 100000 * USEC_SEC;
}

/* 1 MB/s each way, 10 ms, nothing goes wrong, nobody writes. */
void sim_plain(struct sim_params *p)
{
    for (int i = 0; i < 2; i++) {
        sim_plain_end(&p->end[i]);
        p->link[i] = (struct sim_link_params){.delay = 10 * USEC_MS, .rate = 1000000};
    }
    p->end[0].active = true;
    p->limit = 400000 * USEC_SEC;
    p->event_limit = 2000000;
}

void sim_random_path(struct sim_params *p, struct rng *r)
{
    const bool same = rng_half(r);

    for (int i = 0; i < 2; i++) {
        struct sim_link_params *const l = &p->link[i];

        if (i == 1 && same) {
            *l = p->link[0];
            break;
        }
        l->delay = rng_log_range(r, 20, 300 * USEC_MS);
        l->jitter = rng_half(r) ? 0 : rng_below(r, l->delay);
        l->rate = rng_one_in(r, 4) ? 0 : rng_log_range(r, 50000, 1000000000);
        l->queue = 0;
        l->mark_any = rng_one_in(r, 4) ? SIM_PPM(2) : 0;
    }
    p->codec = rng_one_in(r, 3);
    p->v6 = rng_one_in(r, 3);
    p->batch = rng_half(r);
    p->drain_first = rng_half(r);
}

void sim_random_mtu(struct sim_params *p, struct rng *r)
{
    static const uint32_t mtus[] = {576, 1280, 1400, 1500, 1500, 1500, 9000, 65535};

    for (int i = 0; i < 2; i++) {
        p->end[i].cfg.mtu = mtus[rng_below(r, sizeof mtus / sizeof mtus[0])];
        if (p->v6 && p->end[i].cfg.mtu < 1280) {
            p->end[i].cfg.mtu = 1280;
        }
    }
}

void sim_random_buffers(struct sim_params *p, struct rng *r)
{
    for (int i = 0; i < 2; i++) {
        struct tcb_config *const c = &p->end[i].cfg;

        c->snd_size = (size_t)1 << rng_range(r, 12, 18);
        c->rcv_size = (size_t)1 << rng_range(r, 12, 18);
        c->rcv_limit = rng_one_in(r, 4) ? (size_t)rng_range(r, 2048, c->rcv_size) : 0;
        c->sent_max = (size_t)rng_log_range(r, 16, 1024);
        c->ooo_max = (size_t)rng_log_range(r, 1, 128);
    }
}

void sim_random_switches(struct sim_params *p, struct rng *r)
{
    for (int i = 0; i < 2; i++) {
        struct tcb_config *const c = &p->end[i].cfg;

        c->no_timestamps = rng_one_in(r, 4);
        c->no_sack = rng_one_in(r, 4);
        c->no_wscale = rng_one_in(r, 4);
        c->no_nagle = rng_one_in(r, 3);
        c->no_delack = rng_one_in(r, 3);
        c->no_pacing = rng_one_in(r, 3);
        c->congestion = rng_half(r) ? &congestion_cubic : &congestion_reno;
        c->ecn = (enum ecn_use)rng_below(r, 3);
        c->gso_max = rng_one_in(r, 4) ? (uint32_t)rng_log_range(r, 2000, 65000) : 0;
    }
}

void sim_random_app(struct sim_params *p, struct rng *r, int i, uint64_t most)
{
    struct sim_app *const a = &p->end[i].app;

    a->bytes = rng_one_in(r, 5) ? 0 : rng_log_range(r, 1, most);
    if (rng_one_in(r, 3)) {
        a->burst = rng_log_range(r, 1 + a->bytes / 50, 1 + a->bytes);
        a->think = rng_log_range(r, 1, 2 * USEC_SEC);
    }
    if (rng_one_in(r, 3)) {
        a->start = rng_log_range(r, 1, 3 * USEC_SEC);
    }
    if (rng_one_in(r, 3)) {
        a->chunk = rng_log_range(r, 1 + most / 100, 1 + most / 4);
        a->read_every = rng_log_range(r, 1, 100 * USEC_MS);
    }
    if (rng_half(r)) {
        a->close_delay = rng_log_range(r, 1, 2 * USEC_SEC);
    }
}

/* Another number of bytes than sim_random_app() chose, and no more bursts than before. */
void sim_set_bytes(struct sim_app *a, uint64_t bytes)
{
    a->bytes = bytes;
    if (a->burst != 0 && a->burst < 1 + bytes / 50) {
        a->burst = 1 + bytes / 50;
    }
}

/* Who closes when; never each after the other. */
void sim_random_close(struct sim_params *p, struct rng *r)
{
    const int waits = (int)rng_below(r, 3);

    for (int i = 0; i < 2; i++) {
        p->end[i].app.close = waits == i ? CLOSE_AFTER_PEER : CLOSE_WHEN_WRITTEN;
    }
}

/* A connection of up to about 150 segments each way, over a path without faults. */
void sim_random_connection(struct sim_params *p, struct rng *r)
{
    sim_plain(p);
    sim_random_path(p, r);
    sim_random_mtu(p, r);
    sim_random_buffers(p, r);
    sim_random_switches(p, r);
    for (int i = 0; i < 2; i++) {
        sim_random_app(p, r, i, 150 * (uint64_t)sim_mss_of(p));
        sim_random_isn(&p->end[i].cfg, r, p->end[i].app.bytes);
    }
    sim_random_close(p, r);
    p->end[0].active = rng_half(r);
    p->end[1].active = !p->end[0].active;
}

void sim_lossy(struct sim_params *p, struct rng *r, uint32_t ppm)
{
    const uint64_t which = rng_below(r, 3); /* one direction, the other, both */

    for (int i = 0; i < 2; i++) {
        if (which != (uint64_t)i) {
            p->link[i].loss = ppm;
        }
    }
}
