/*
 * Two of our TCPs over every kind of bad network that there is a name for, seed by seed. TAP on
 * stdout.
 *
 *     sim_transfer                      what make check runs
 *     sim_transfer --seeds N [--all]    N seeds for each group (or SIM_SEEDS=N): the soak; --all
 *                                       goes on after a failure
 *     sim_transfer --seed N [--trace]   one run again, the number as a failure has printed it
 *     sim_transfer --group N            one group only
 *     sim_transfer --list               the groups
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim.h"

/* A seed's number is group * SEEDS_OF_GROUP + index. */
#define SEEDS_OF_GROUP UINT64_C(1000000000)

#define PPM(percent) ((uint32_t)((percent)*10000))

struct group {
    const char *name;
    void (*make)(struct sim_params *p, struct rng *r, uint64_t index);
    unsigned seeds;          /* in make check */
    uint64_t (*count)(void); /* instead of seeds: all that there are */
};

/* ---- parts that the groups are put together from */

static uint32_t headers(const struct sim_params *p)
{
    return p->v6 ? 60 : 40;
}

static uint32_t mss_of(const struct sim_params *p)
{
    const uint32_t mtu =
        p->end[0].cfg.mtu < p->end[1].cfg.mtu ? p->end[0].cfg.mtu : p->end[1].cfg.mtu;

    return mtu - headers(p) - 12;
}

static bool half(struct rng *r)
{
    return rng_one_in(r, 2);
}

/* ISNs: any, next to the wrap, or the core's own (RFC 6528). */
static void random_isn(struct tcb_config *c, struct rng *r, uint64_t bytes)
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

static void plain_end(struct sim_end_params *e)
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
static void plain(struct sim_params *p)
{
    for (int i = 0; i < 2; i++) {
        plain_end(&p->end[i]);
        p->link[i] = (struct sim_link_params){.delay = 10 * USEC_MS, .rate = 1000000};
    }
    p->end[0].active = true;
    p->limit = 400000 * USEC_SEC;
    p->event_limit = 2000000;
}

static void random_path(struct sim_params *p, struct rng *r)
{
    const bool same = half(r);

    for (int i = 0; i < 2; i++) {
        struct sim_link_params *const l = &p->link[i];

        if (i == 1 && same) {
            *l = p->link[0];
            break;
        }
        l->delay = rng_log_range(r, 20, 300 * USEC_MS);
        l->jitter = half(r) ? 0 : rng_below(r, l->delay);
        l->rate = rng_one_in(r, 4) ? 0 : rng_log_range(r, 50000, 1000000000);
        l->queue = 0;
    }
    p->codec = rng_one_in(r, 3);
    p->v6 = rng_one_in(r, 3);
    p->batch = half(r);
    p->drain_first = half(r);
}

static void random_mtu(struct sim_params *p, struct rng *r)
{
    static const uint32_t mtus[] = {576, 1280, 1400, 1500, 1500, 1500, 9000, 65535};

    for (int i = 0; i < 2; i++) {
        p->end[i].cfg.mtu = mtus[rng_below(r, sizeof mtus / sizeof mtus[0])];
        if (p->v6 && p->end[i].cfg.mtu < 1280) {
            p->end[i].cfg.mtu = 1280;
        }
    }
}

static void random_buffers(struct sim_params *p, struct rng *r)
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

static void random_switches(struct sim_params *p, struct rng *r)
{
    for (int i = 0; i < 2; i++) {
        struct tcb_config *const c = &p->end[i].cfg;

        c->no_timestamps = rng_one_in(r, 4);
        c->no_sack = rng_one_in(r, 4);
        c->no_wscale = rng_one_in(r, 4);
        c->no_nagle = rng_one_in(r, 3);
        c->no_delack = rng_one_in(r, 3);
    }
}

static void random_app(struct sim_params *p, struct rng *r, int i, uint64_t most)
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
    if (half(r)) {
        a->close_delay = rng_log_range(r, 1, 2 * USEC_SEC);
    }
}

/* Another number of bytes than random_app() chose, and no more bursts than before. */
static void set_bytes(struct sim_app *a, uint64_t bytes)
{
    a->bytes = bytes;
    if (a->burst != 0 && a->burst < 1 + bytes / 50) {
        a->burst = 1 + bytes / 50;
    }
}

/* Who closes when; never each after the other. */
static void random_close(struct sim_params *p, struct rng *r)
{
    const int waits = (int)rng_below(r, 3);

    for (int i = 0; i < 2; i++) {
        p->end[i].app.close = waits == i ? CLOSE_AFTER_PEER : CLOSE_WHEN_WRITTEN;
    }
}

/* A connection of up to about 150 segments each way, over a path without faults. */
static void random_connection(struct sim_params *p, struct rng *r)
{
    plain(p);
    random_path(p, r);
    random_mtu(p, r);
    random_buffers(p, r);
    random_switches(p, r);
    for (int i = 0; i < 2; i++) {
        random_app(p, r, i, 150 * (uint64_t)mss_of(p));
        random_isn(&p->end[i].cfg, r, p->end[i].app.bytes);
    }
    random_close(p, r);
    p->end[0].active = half(r);
    p->end[1].active = !p->end[0].active;
}

static void lossy(struct sim_params *p, struct rng *r, uint32_t ppm)
{
    const uint64_t which = rng_below(r, 3); /* one direction, the other, both */

    for (int i = 0; i < 2; i++) {
        if (which != (uint64_t)i) {
            p->link[i].loss = ppm;
        }
    }
}

/* ---- the groups */

/* Enough buffer, steady delay, no queue worth the name: what is sent arrives, and in time. */
static void make_clean(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        struct sim_link_params *const l = &p->link[i];

        p->end[i].cfg.rcv_size = p->end[i].cfg.snd_size = 262144;
        p->end[i].cfg.rcv_limit = 0;
        p->end[i].cfg.sent_max = 1024;
        p->end[i].app.chunk = 0;
        p->end[i].app.read_every = 0;
        l->jitter = 0;
        l->rate = rng_one_in(r, 4) ? 0 : rng_log_range(r, 10000000, 1000000000);
    }
    p->expect_clean = true;
}

/* One direction, as much as goes: 10 MB/s, RTT 2 to 40 ms: twice the time of the wire and ten
 * RTTs must do. */
static void make_prompt(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    plain(p);
    random_switches(p, r);
    for (int i = 0; i < 2; i++) {
        p->end[i].cfg.no_wscale = false;
        p->end[i].cfg.snd_size = p->end[i].cfg.rcv_size = 1 << 20;
        p->end[i].cfg.sent_max = 2048;
        p->link[i].delay = rng_range(r, USEC_MS, 20 * USEC_MS);
        p->link[i].rate = 10000000;
    }
    const usec_t rtt = p->link[0].delay + p->link[1].delay;
    const int sender = (int)rng_below(r, 2);

    p->end[sender].app.bytes = rng_range(r, 500000, 2000000);
    p->end[1 - sender].app.close = CLOSE_AFTER_PEER;
    p->expect_clean = true;
    p->expect_done_by = p->end[sender].app.bytes * USEC_SEC / 10000000 * 2 + 12 * rtt;
}

static void make_loss_1(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    lossy(p, r, PPM(1));
}

static void make_loss_5(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    lossy(p, r, PPM(5));
}

static void make_loss_20(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    lossy(p, r, PPM(20));
    for (int i = 0; i < 2; i++) {
        p->end[i].app.bytes /= 2;
    }
}

static void make_bursts(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        p->link[i].burst = (uint32_t)rng_range(r, PPM(0.1), PPM(3));
        p->link[i].burst_len = (uint32_t)rng_range(r, 2, 15);
    }
}

static void make_reordering(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        p->link[i].reorder = (uint32_t)rng_range(r, PPM(1), PPM(40));
        p->link[i].reorder_by = rng_log_range(r, 10, 500 * USEC_MS);
    }
}

static void make_duplication(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        p->link[i].duplicate = (uint32_t)rng_range(r, PPM(1), PPM(50));
        p->link[i].jitter = rng_log_range(r, 1, 100 * USEC_MS);
    }
}

static void make_corruption(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    p->codec = true;
    for (int i = 0; i < 2; i++) {
        p->link[i].corrupt = (uint32_t)rng_range(r, PPM(1), PPM(10));
    }
}

static void make_tiny_windows(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        struct tcb_config *const c = &p->end[i].cfg;

        c->rcv_size = (size_t)1 << rng_range(r, 8, 12);
        c->rcv_limit = half(r) ? (size_t)rng_range(r, 1, c->rcv_size) : 0;
        c->snd_size = (size_t)1 << rng_range(r, 8, 12);
        c->sent_max = (size_t)rng_range(r, 4, 32);
        set_bytes(&p->end[i].app, p->end[i].app.bytes == 0 ? 0 : rng_log_range(r, 1, 20000));
        p->end[i].app.chunk = half(r) ? rng_log_range(r, 1, 600) : 0;
        p->end[i].app.read_every = p->end[i].app.chunk == 0 ? 0 : rng_log_range(r, 1, 20000);
    }
    if (half(r)) {
        lossy(p, r, PPM(3));
    }
}

static void make_tiny_segments(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        p->end[i].cfg.mtu = headers(p) + (uint32_t)rng_range(r, MSS_MIN, 120);
        p->end[i].cfg.sent_max = (size_t)rng_log_range(r, 4, 256);
        p->end[i].cfg.ooo_max = (size_t)rng_log_range(r, 1, 16);
        set_bytes(&p->end[i].app, p->end[i].app.bytes == 0 ? 0 : rng_log_range(r, 1, 8000));
        p->link[i].reorder = half(r) ? PPM(5) : 0;
        p->link[i].reorder_by = 20 * USEC_MS;
    }
    if (half(r)) {
        lossy(p, r, PPM(3));
    }
}

static void make_zero_windows(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        struct sim_app *const a = &p->end[i].app;

        p->end[i].cfg.rcv_size = (size_t)1 << rng_range(r, 10, 14);
        p->end[i].cfg.rcv_limit = 0;
        set_bytes(a, rng_range(r, 1, 40000));
        a->stall_after = rng_below(r, p->end[i].cfg.rcv_size);
        a->stall_for = rng_log_range(r, 10 * USEC_MS, 400 * USEC_SEC);
    }
    if (half(r)) {
        lossy(p, r, PPM(10));
    }
}

static void make_simultaneous_open(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    p->end[0].active = p->end[1].active = true;
    const int later = (int)rng_below(r, 2);
    const usec_t way = p->link[1 - later].delay;

    p->end[later].open_at = rng_below(r, way);
    if (half(r)) {
        lossy(p, r, PPM(10));
        /* A lost SYN is found by the other side's open: still both are active. */
        p->link[0].duplicate = p->link[1].duplicate = PPM(5);
    }
}

static void make_simultaneous_close(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    const usec_t when = rng_range(r, 1, 5 * USEC_SEC);
    const usec_t spread = 2 * (p->link[0].delay + p->link[1].delay);

    for (int i = 0; i < 2; i++) {
        p->end[i].app.close = CLOSE_AT;
        p->end[i].app.close_at = when + rng_below(r, spread);
        p->end[i].app.close_delay = 0;
        p->end[i].app.bytes = half(r) ? 0 : p->end[i].app.bytes % 20000;
    }
    if (half(r)) {
        lossy(p, r, PPM(10));
        p->link[0].reorder = p->link[1].reorder = PPM(10);
        p->link[0].reorder_by = p->link[1].reorder_by = spread;
    }
}

static void make_wrap(struct sim_params *p, struct rng *r, uint64_t index)
{
    random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        p->end[i].cfg.has_isn = true;
        p->end[i].cfg.isn = (seq_t)(0xffffffffU - (index < 64 ? index / 8 : rng_below(r, 5000)));
        set_bytes(&p->end[i].app, rng_range(r, 1, 20000));
    }
    lossy(p, r, half(r) ? PPM(5) : 0);
    p->link[0].reorder = p->link[1].reorder = PPM(3);
    p->link[0].reorder_by = p->link[1].reorder_by = 30 * USEC_MS;
}

/* Each of the 64 combinations of the three options at both ends, over a path with loss and
 * reordering. */
static void make_options(struct sim_params *p, struct rng *r, uint64_t index)
{
    random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        const unsigned bits = (unsigned)(index >> (3 * i)) & 7;

        p->end[i].cfg.no_timestamps = bits & 1;
        p->end[i].cfg.no_sack = (bits & 2) != 0;
        p->end[i].cfg.no_wscale = (bits & 4) != 0;
        p->link[i].reorder = PPM(2);
        p->link[i].reorder_by = 20 * USEC_MS;
    }
    lossy(p, r, PPM(2));
}

static void make_shallow_queue(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        p->link[i].rate = rng_log_range(r, 100000, 10000000);
        p->link[i].queue = rng_log_range(r, 3, 60) * p->end[i].cfg.mtu;
        p->end[i].app.burst = 0;
    }
}

static void make_large(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    plain(p);
    p->v6 = rng_one_in(r, 3);
    p->batch = half(r);
    for (int i = 0; i < 2; i++) {
        struct tcb_config *const c = &p->end[i].cfg;

        c->gso_max = 65536 - 100;
        c->snd_size = c->rcv_size = (size_t)1 << rng_range(r, 18, 22);
        c->sent_max = 8192;
        c->ooo_max = 256;
        p->link[i].rate = rng_log_range(r, 10000000, 1000000000);
        p->link[i].delay = rng_log_range(r, 20, 20 * USEC_MS);
        p->link[i].whole_chunks = rng_one_in(r, 3);
        p->link[i].loss = half(r) ? PPM(0.1) : 0;
        p->link[i].reorder = rng_one_in(r, 4) ? PPM(0.3) : 0;
        p->link[i].reorder_by = 2 * USEC_MS;
        p->end[i].app.bytes = half(r) ? 0 : rng_range(r, 500000, 3000000);
        random_isn(c, r, p->end[i].app.bytes);
    }
    if (p->end[0].app.bytes == 0) {
        p->end[1].app.bytes = 3000000;
    }
    p->event_limit = 3000000;
}

static void make_path_mtu(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        p->end[i].cfg.mtu = half(r) ? 9000 : 1500;
        /* below 552 nobody is believed: see tcb_path_mtu() */
        p->link[i].mtu = (uint32_t)rng_range(r, p->v6 ? 1280 : 552, 1499);
        p->link[i].loss = half(r) ? 0 : PPM(2);
        set_bytes(&p->end[i].app, rng_range(r, 1, 60000));
    }
}

static void make_coarse_clock(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    p->tick = rng_log_range(r, 10, 50 * USEC_MS);
    p->slack = half(r) ? 0 : rng_log_range(r, 10, 100 * USEC_MS);
    for (int i = 0; i < 2; i++) {
        if (half(r)) {
            p->link[i].delay = rng_below(r, 3); /* RTT near 0 */
            p->link[i].jitter = 0;
            p->link[i].rate = 0;
        }
    }
    lossy(p, r, half(r) ? PPM(3) : 0);
}

static void make_lockstep(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    const uint64_t turns = rng_range(r, 1, 60);
    const int first = (int)rng_below(r, 2);

    for (int i = 0; i < 2; i++) {
        struct sim_app *const a = &p->end[i].app;

        a->lockstep = true;
        a->first = i == first;
        a->burst = rng_log_range(r, 1, 5000);
        a->bytes = turns * a->burst;
        a->think = half(r) ? 0 : rng_log_range(r, 1, 300 * USEC_MS);
        a->start = 0;
    }
    lossy(p, r, half(r) ? PPM(5) : 0);
}

/* Everything at once. */
static void make_weather(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        struct sim_link_params *const l = &p->link[i];

        l->loss = half(r) ? 0 : (uint32_t)rng_below(r, PPM(10));
        l->burst = half(r) ? 0 : (uint32_t)rng_below(r, PPM(1));
        l->burst_len = 5;
        l->duplicate = half(r) ? 0 : (uint32_t)rng_below(r, PPM(10));
        l->reorder = half(r) ? 0 : (uint32_t)rng_below(r, PPM(20));
        l->reorder_by = rng_log_range(r, 10, USEC_SEC);
        l->corrupt = half(r) ? 0 : (uint32_t)rng_below(r, PPM(5));
        l->queue = half(r) ? 0 : rng_log_range(r, 3, 60) * p->end[i].cfg.mtu;
        l->mtu = p->end[i].cfg.mtu >= 1500 && rng_one_in(r, 4) ? 1280 : 0;
        if (rng_one_in(r, 3)) {
            p->end[i].app.stall_after = rng_below(r, 20000);
            p->end[i].app.stall_for = rng_log_range(r, 1, 100 * USEC_SEC);
        }
    }
    p->slack = rng_one_in(r, 3) ? rng_log_range(r, 10, 20 * USEC_MS) : 0;
    if (rng_one_in(r, 5)) {
        p->end[0].active = p->end[1].active = true;
    }
}

/* ---- each single segment, and each pair of them */

/* A short conversation, both ways, with everything in it; `shape` tells who closes first. */
static void conversation(struct sim_params *p, unsigned shape)
{
    plain(p);
    for (int i = 0; i < 2; i++) {
        p->end[i].app.bytes = i == 0 ? 12000 : 9000;
        p->end[i].app.burst = 6000;
        p->end[i].app.think = 30 * USEC_MS;
        p->end[i].cfg.has_isn = true;
        p->end[i].cfg.isn = 0xffffffffU - 4000U * (unsigned)i - 100;
    }
    p->codec = true;
    p->end[0].cfg.no_sack = shape >= 3;
    p->end[0].cfg.no_timestamps = shape >= 4;
    switch (shape % 3) {
    case 0:
        p->end[1].app.close = CLOSE_AFTER_PEER;
        break;
    case 1:
        p->end[0].app.close = CLOSE_AFTER_PEER;
        break;
    default:
        for (int i = 0; i < 2; i++) {
            p->end[i].app.close = CLOSE_AT;
            p->end[i].app.close_at = 300 * USEC_MS;
        }
    }
}

#define SHAPES 6

/* How many segments an undisturbed conversation has, from each end. */
static const unsigned *conversation_segments(unsigned shape)
{
    static unsigned count[SHAPES][2];

    if (count[shape][0] == 0) {
        struct sim_params p = {.group = "conversation"};
        struct sim s;

        conversation(&p, shape);
        sim_run(&s, &p, false, NULL);
        sim_free(&s);
        for (int i = 0; i < 2; i++) {
            count[shape][i] = s.link[i].count == 0 ? 1 : s.link[i].count;
        }
    }
    return count[shape];
}

static const struct sim_pick treatments[] = {
    {FATE_DROP, 0, 0},
    {FATE_DUPLICATE, 0, 0},
    {FATE_CORRUPT, 0, 0},
    {FATE_DELAY, 0, 15 * USEC_MS},
    {FATE_DELAY, 0, 250 * USEC_MS},
    {FATE_DELAY, 0, 3 * USEC_SEC},
};

#define TREATMENTS (sizeof treatments / sizeof treatments[0])

static uint64_t count_singles(void)
{
    uint64_t n = 0;

    for (unsigned shape = 0; shape < SHAPES; shape++) {
        const unsigned *const c = conversation_segments(shape);

        n += (c[0] + c[1]) * TREATMENTS;
    }
    return n;
}

static void set_pick(struct sim_params *p, const unsigned *count, unsigned nth, unsigned treatment)
{
    const int from = nth < count[0] ? 0 : 1;
    struct sim_pick *const pick = p->link[from].pick;
    const int slot = pick[0].fate == FATE_PASS ? 0 : 1;

    pick[slot] = treatments[treatment];
    pick[slot].nth = 1 + (from == 0 ? nth : nth - count[0]);
}

static void make_single(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)r;
    for (unsigned shape = 0;; shape = (shape + 1) % SHAPES) {
        const unsigned *const c = conversation_segments(shape);
        const uint64_t n = (c[0] + c[1]) * TREATMENTS;

        if (index >= n) {
            index -= n;
            continue;
        }
        conversation(p, shape);
        set_pick(p, c, (unsigned)(index / TREATMENTS), (unsigned)(index % TREATMENTS));
        return;
    }
}

/* Pairs: dropped or delayed, in the conversation of one shape. */
static const unsigned pair_treatments[][2] = {{0, 0}, {0, 4}, {4, 0}};

#define PAIR_TREATMENTS (sizeof pair_treatments / sizeof pair_treatments[0])

static uint64_t count_pairs(void)
{
    const unsigned *const c = conversation_segments(0);
    const uint64_t n = c[0] + c[1];

    return n * (n - 1) / 2 * PAIR_TREATMENTS;
}

static void make_pair(struct sim_params *p, struct rng *r, uint64_t index)
{
    const uint64_t pairs = count_pairs();
    const unsigned shape = (unsigned)(index / pairs) % SHAPES;
    const unsigned *const c = conversation_segments(shape);
    const unsigned n = c[0] + c[1];
    uint64_t k = index % pairs / PAIR_TREATMENTS;
    const unsigned *const t = pair_treatments[index % PAIR_TREATMENTS];
    unsigned a = 0;

    (void)r;
    while (a + 1 < n && k >= n - 1 - a) {
        k -= n - 1 - a;
        a++;
    }
    conversation(p, shape);
    set_pick(p, c, a % n, t[0]);
    set_pick(p, c, (unsigned)(a + 1 + k) % n, t[1]);
}

static const struct group groups[] = {
    {"a clean link: nothing is sent twice", make_clean, 600, NULL},
    {"a clean link is filled: RFC5681 slow start, RFC7323 window scale", make_prompt, 90, NULL},
    {"1 % of the segments are lost", make_loss_1, 600, NULL},
    {"5 % of the segments are lost", make_loss_5, 600, NULL},
    {"20 % of the segments are lost", make_loss_20, 450, NULL},
    {"segments are lost in bursts", make_bursts, 450, NULL},
    {"SHLD-31: segments overtake each other", make_reordering, 600, NULL},
    {"segments arrive twice", make_duplication, 450, NULL},
    {"MUST-3: segments are corrupted", make_corruption, 300, NULL},
    {"windows smaller than a segment do not deadlock: TCP.md 20", make_tiny_windows, 600, NULL},
    {"the smallest MSS, few records and intervals: TCP.md 24, 27", make_tiny_segments, 600, NULL},
    {"MUST-36 MUST-37: readers stop, windows close", make_zero_windows, 600, NULL},
    {"MUST-10: simultaneous open", make_simultaneous_open, 450, NULL},
    {"simultaneous close, in each order: TCP.md 34", make_simultaneous_close, 450, NULL},
    {"sequence numbers wrap: TCP.md 15", make_wrap, 600, NULL},
    {"each combination of options", make_options, 192, NULL},
    {"queues overflow", make_shallow_queue, 450, NULL},
    {"much data in chunks, cut or whole", make_large, 75, NULL},
    {"RFC1191: a path narrower than the interface", make_path_mtu, 450, NULL},
    {"RTT near 0, a coarse clock, late timers: TCP.md 31", make_coarse_clock, 450, NULL},
    {"question and answer", make_lockstep, 450, NULL},
    {"everything at once", make_weather, 1200, NULL},
    {"each single segment dropped, duplicated, corrupted, delayed: TCP.md 29", make_single, 0,
     count_singles},
    {"each pair of segments dropped or delayed", make_pair, 0, count_pairs},
};

#define GROUPS (sizeof groups / sizeof groups[0])

/* ---- running */

struct tally {
    uint64_t checks[INV_COUNT];
    bool broken[INV_COUNT];
    uint64_t runs, segments, events, failures;
};

static void params_of(uint64_t seed, struct sim_params *p)
{
    const struct group *const g = &groups[seed / SEEDS_OF_GROUP];
    struct rng r;

    memset(p, 0, sizeof *p);
    p->group = g->name;
    p->seed = seed;
    rng_seed(&r, seed);
    g->make(p, &r, seed % SEEDS_OF_GROUP);
}

static bool run_seed(uint64_t seed, bool trace, struct tally *t)
{
    struct sim_params p;
    struct sim s;

    params_of(seed, &p);
    if (trace) {
        sim_print_params(&p);
    }
    const bool ok = sim_run(&s, &p, trace, t->checks);

    if (!ok) {
        printf("# seed %" PRIu64 " at %" PRIu64 ".%06" PRIu64 " s: %s\n", seed, s.now / USEC_SEC,
               s.now % USEC_SEC, s.why);
        sim_print_params(&p);
        printf("# again: sim_transfer --seed %" PRIu64 " --trace\n", seed);
        t->broken[s.failed_inv] = true;
        t->failures++;
    } else if (trace) {
        printf("# seed %" PRIu64 ": all bytes read at %" PRIu64 " us, over at %" PRIu64 " us\n",
               seed, s.done_at, s.now);
    }
    t->runs++;
    t->events += s.events;
    t->segments += s.link[0].count + s.link[1].count;
    sim_free(&s);
    return ok;
}

/* Runs a group's seeds; the first failure ends it, unless all are wanted. */
static bool run_group(size_t g, uint64_t seeds, bool all, struct tally *t)
{
    bool ok = true;

    for (uint64_t i = 0; i < seeds && (ok || all); i++) {
        ok = run_seed(g * SEEDS_OF_GROUP + i, false, t) && ok;
    }
    return ok;
}

static uint64_t seeds_of(size_t g, uint64_t wanted)
{
    if (wanted != 0) {
        return wanted;
    }
    return groups[g].count != NULL ? groups[g].count() : groups[g].seeds;
}

static bool run_all(uint64_t wanted, long only, bool all, struct tally *t)
{
    unsigned test = 0;
    bool ok = true;

    printf("1..%zu\n", (only < 0 ? GROUPS : 1) + (size_t)INV_COUNT);
    for (size_t g = 0; g < GROUPS; g++) {
        if (only >= 0 && (size_t)only != g) {
            continue;
        }
        const uint64_t seeds = seeds_of(g, wanted);
        const bool good = run_group(g, seeds, all, t);

        printf("%sok %u - %s (%" PRIu64 " seeds)\n", good ? "" : "not ", ++test, groups[g].name,
               seeds);
        fflush(stdout);
        ok = ok && good;
    }
    for (int i = 0; i < INV_COUNT; i++) {
        const bool unseen = only < 0 && t->checks[i] == 0;

        /* an invariant that was never looked at is none */
        printf("%sok %u - %s\n", t->broken[i] || unseen ? "not " : "", ++test,
               sim_invariant_text((enum sim_invariant)i));
        ok = ok && !unseen;
    }
    return ok;
}

static void list(void)
{
    for (size_t g = 0; g < GROUPS; g++) {
        printf("%2zu  %" PRIu64 "  %s\n", g, seeds_of(g, 0), groups[g].name);
    }
}

static uint64_t number(const char *text)
{
    char *end;

    errno = 0;
    const uint64_t n = strtoull(text, &end, 10);

    if (errno != 0 || *end != '\0' || end == text) {
        fprintf(stderr, "sim_transfer: not a number: %s\n", text);
        exit(2);
    }
    return n;
}

static double seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"seeds", required_argument, NULL, 'n'},
        {"seed", required_argument, NULL, 's'},
        {"group", required_argument, NULL, 'g'},
        {"trace", no_argument, NULL, 't'},
        {"all", no_argument, NULL, 'a'},
        {"list", no_argument, NULL, 'l'},
        {NULL, 0, NULL, 0},
    };
    static struct tally tally;
    const char *const env = getenv("SIM_SEEDS");
    uint64_t wanted = env != NULL && *env != '\0' ? number(env) : 0;
    uint64_t seed = UINT64_MAX;
    long only = -1;
    bool trace = false, all = false;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'n':
            wanted = number(optarg);
            break;
        case 's':
            seed = number(optarg);
            break;
        case 'g':
            only = (long)number(optarg);
            break;
        case 't':
            trace = true;
            break;
        case 'a':
            all = true; /* go on after a failure */
            break;
        case 'l':
            list();
            return 0;
        default:
            return 2;
        }
    }
    if (seed != UINT64_MAX) {
        if (seed / SEEDS_OF_GROUP >= GROUPS) {
            fprintf(stderr, "sim_transfer: no such group\n");
            return 2;
        }
        return run_seed(seed, trace, &tally) ? 0 : 1;
    }
    const double start = seconds();
    const bool ok = run_all(wanted, only, all, &tally);
    const double took = seconds() - start;

    printf("# %" PRIu64 " runs, %" PRIu64 " failed, %" PRIu64 " segments, %" PRIu64
           " events in %.1f s: %.2f million segments a second\n",
           tally.runs, tally.failures, tally.segments, tally.events, took,
           (double)tally.segments / took / 1e6);
    return ok ? 0 : 1;
}
