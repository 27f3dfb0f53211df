/*
 * Two of our TCPs over every kind of bad network that there is a name for, seed by seed. TAP on
 * stdout; runner.h has the options.
 */
#include "parts.h"
#include "runner.h"

/* Enough buffer, steady delay, no queue worth the name: what is sent arrives, and in time. */
static void make_clean(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
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
    sim_plain(p);
    sim_random_switches(p, r);
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
    sim_random_connection(p, r);
    sim_lossy(p, r, SIM_PPM(1));
}

static void make_loss_5(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    sim_lossy(p, r, SIM_PPM(5));
}

static void make_loss_20(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    sim_lossy(p, r, SIM_PPM(20));
    for (int i = 0; i < 2; i++) {
        p->end[i].app.bytes /= 2;
    }
}

static void make_bursts(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        p->link[i].burst = (uint32_t)rng_range(r, SIM_PPM(0.1), SIM_PPM(3));
        p->link[i].burst_len = (uint32_t)rng_range(r, 2, 15);
    }
}

static void make_reordering(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        p->link[i].reorder = (uint32_t)rng_range(r, SIM_PPM(1), SIM_PPM(40));
        p->link[i].reorder_by = rng_log_range(r, 10, 500 * USEC_MS);
    }
}

static void make_duplication(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        p->link[i].duplicate = (uint32_t)rng_range(r, SIM_PPM(1), SIM_PPM(50));
        p->link[i].jitter = rng_log_range(r, 1, 100 * USEC_MS);
    }
}

static void make_corruption(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    p->codec = true;
    for (int i = 0; i < 2; i++) {
        p->link[i].corrupt = (uint32_t)rng_range(r, SIM_PPM(1), SIM_PPM(10));
    }
}

static void make_tiny_windows(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        struct tcb_config *const c = &p->end[i].cfg;

        c->rcv_size = (size_t)1 << rng_range(r, 8, 12);
        c->rcv_limit = rng_half(r) ? (size_t)rng_range(r, 1, c->rcv_size) : 0;
        c->snd_size = (size_t)1 << rng_range(r, 8, 12);
        c->sent_max = (size_t)rng_range(r, 4, 32);
        sim_set_bytes(&p->end[i].app, p->end[i].app.bytes == 0 ? 0 : rng_log_range(r, 1, 20000));
        p->end[i].app.chunk = rng_half(r) ? rng_log_range(r, 1, 600) : 0;
        p->end[i].app.read_every = p->end[i].app.chunk == 0 ? 0 : rng_log_range(r, 1, 20000);
    }
    if (rng_half(r)) {
        sim_lossy(p, r, SIM_PPM(3));
    }
}

static void make_tiny_segments(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        p->end[i].cfg.mtu = sim_headers(p) + (uint32_t)rng_range(r, MSS_MIN, 120);
        p->end[i].cfg.sent_max = (size_t)rng_log_range(r, 4, 256);
        p->end[i].cfg.ooo_max = (size_t)rng_log_range(r, 1, 16);
        sim_set_bytes(&p->end[i].app, p->end[i].app.bytes == 0 ? 0 : rng_log_range(r, 1, 8000));
        p->link[i].reorder = rng_half(r) ? SIM_PPM(5) : 0;
        p->link[i].reorder_by = 20 * USEC_MS;
    }
    if (rng_half(r)) {
        sim_lossy(p, r, SIM_PPM(3));
    }
}

static void make_zero_windows(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        struct sim_app *const a = &p->end[i].app;

        p->end[i].cfg.rcv_size = (size_t)1 << rng_range(r, 10, 14);
        p->end[i].cfg.rcv_limit = 0;
        sim_set_bytes(a, rng_range(r, 1, 40000));
        a->stall_after = rng_below(r, p->end[i].cfg.rcv_size);
        a->stall_for = rng_log_range(r, 10 * USEC_MS, 400 * USEC_SEC);
    }
    if (rng_half(r)) {
        sim_lossy(p, r, SIM_PPM(10));
    }
}

static void make_simultaneous_open(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    p->end[0].active = p->end[1].active = true;
    const int later = (int)rng_below(r, 2);
    const usec_t way = p->link[1 - later].delay;

    p->end[later].open_at = rng_below(r, way);
    if (rng_half(r)) {
        sim_lossy(p, r, SIM_PPM(10));
        /* A lost SYN is found by the other side's open: still both are active. */
        p->link[0].duplicate = p->link[1].duplicate = SIM_PPM(5);
    }
}

static void make_simultaneous_close(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    const usec_t when = rng_range(r, 1, 5 * USEC_SEC);
    const usec_t spread = 2 * (p->link[0].delay + p->link[1].delay);

    for (int i = 0; i < 2; i++) {
        p->end[i].app.close = CLOSE_AT;
        p->end[i].app.close_at = when + rng_below(r, spread);
        p->end[i].app.close_delay = 0;
        p->end[i].app.bytes = rng_half(r) ? 0 : p->end[i].app.bytes % 20000;
    }
    if (rng_half(r)) {
        sim_lossy(p, r, SIM_PPM(10));
        p->link[0].reorder = p->link[1].reorder = SIM_PPM(10);
        p->link[0].reorder_by = p->link[1].reorder_by = spread;
    }
}

static void make_wrap(struct sim_params *p, struct rng *r, uint64_t index)
{
    sim_random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        p->end[i].cfg.has_isn = true;
        p->end[i].cfg.isn = (seq_t)(0xffffffffU - (index < 64 ? index / 8 : rng_below(r, 5000)));
        sim_set_bytes(&p->end[i].app, rng_range(r, 1, 20000));
    }
    sim_lossy(p, r, rng_half(r) ? SIM_PPM(5) : 0);
    p->link[0].reorder = p->link[1].reorder = SIM_PPM(3);
    p->link[0].reorder_by = p->link[1].reorder_by = 30 * USEC_MS;
}

/* Each of the 64 combinations of the three options at both ends, over a path with loss and
 * reordering. */
static void make_options(struct sim_params *p, struct rng *r, uint64_t index)
{
    sim_random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        const unsigned bits = (unsigned)(index >> (3 * i)) & 7;

        p->end[i].cfg.no_timestamps = bits & 1;
        p->end[i].cfg.no_sack = (bits & 2) != 0;
        p->end[i].cfg.no_wscale = (bits & 4) != 0;
        p->link[i].reorder = SIM_PPM(2);
        p->link[i].reorder_by = 20 * USEC_MS;
    }
    sim_lossy(p, r, SIM_PPM(2));
}

static void make_shallow_queue(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        p->link[i].rate = rng_log_range(r, 100000, 10000000);
        p->link[i].queue = rng_log_range(r, 3, 60) * p->end[i].cfg.mtu;
        p->end[i].app.burst = 0;
    }
}

static void make_large(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_plain(p);
    p->v6 = rng_one_in(r, 3);
    p->batch = rng_half(r);
    for (int i = 0; i < 2; i++) {
        struct tcb_config *const c = &p->end[i].cfg;

        c->gso_max = 65536 - 100;
        c->snd_size = c->rcv_size = (size_t)1 << rng_range(r, 18, 22);
        c->sent_max = 8192;
        c->ooo_max = 256;
        p->link[i].rate = rng_log_range(r, 10000000, 1000000000);
        p->link[i].delay = rng_log_range(r, 20, 20 * USEC_MS);
        p->link[i].whole_chunks = rng_one_in(r, 3);
        p->link[i].loss = rng_half(r) ? SIM_PPM(0.1) : 0;
        p->link[i].reorder = rng_one_in(r, 4) ? SIM_PPM(0.3) : 0;
        p->link[i].reorder_by = 2 * USEC_MS;
        p->end[i].app.bytes = rng_half(r) ? 0 : rng_range(r, 500000, 3000000);
        sim_random_isn(c, r, p->end[i].app.bytes);
    }
    if (p->end[0].app.bytes == 0) {
        p->end[1].app.bytes = 3000000;
    }
    p->event_limit = 3000000;
}

/* A queue that marks and never overflows: with ECN at both ends nothing is lost, whoever fills it. */
static void make_marking_queue(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_plain(p);
    sim_random_switches(p, r);
    for (int i = 0; i < 2; i++) {
        struct tcb_config *const c = &p->end[i].cfg;
        struct sim_link_params *const l = &p->link[i];

        c->ecn = ECN_USE_ON;
        c->snd_size = c->rcv_size = 1 << 20;
        c->no_wscale = false;
        c->sent_max = 2048;
        l->delay = rng_range(r, USEC_MS, 30 * USEC_MS);
        l->rate = rng_log_range(r, 1000000, 20000000);
        /* half a window of the path: slow start doubles before it hears of it */
        l->mark = 20000 + l->rate * l->delay / USEC_SEC;
        l->queue = 10 * l->mark;
    }
    const int sender = (int)rng_below(r, 2);

    p->end[sender].app.bytes = rng_range(r, 1000000, 4000000);
    p->end[1 - sender].app.close = CLOSE_AFTER_PEER;
    p->expect_clean = p->expect_marks = true;
}

/* A path that becomes narrower, or is, with routers that say so. */
static void make_mtu_changes(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        p->end[i].cfg.mtu = rng_half(r) ? 9000 : 1500;
        p->link[i].mtu = (uint32_t)rng_range(r, p->v6 ? 1280 : 552, 1499);
        p->link[i].mtu_from = rng_log_range(r, 10 * USEC_MS, 5 * USEC_SEC);
        p->link[i].loss = rng_half(r) ? 0 : SIM_PPM(2);
        sim_set_bytes(&p->end[i].app, rng_range(r, 1, 200000));
    }
}

/* The same, and nobody says so: RFC 4821. */
static void make_black_hole(struct sim_params *p, struct rng *r, uint64_t index)
{
    make_mtu_changes(p, r, index);
    for (int i = 0; i < 2; i++) {
        p->link[i].black_hole = true;
        if (p->link[i].mtu < 576) {
            p->link[i].mtu = 576; /* what every host takes: nobody looks for less */
        }
        p->link[i].mtu_from = rng_half(r) ? 0 : p->link[i].mtu_from;
    }
}

static void make_path_mtu(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        p->end[i].cfg.mtu = rng_half(r) ? 9000 : 1500;
        /* below 552 nobody is believed: see tcb_path_mtu() */
        p->link[i].mtu = (uint32_t)rng_range(r, p->v6 ? 1280 : 552, 1499);
        p->link[i].loss = rng_half(r) ? 0 : SIM_PPM(2);
        sim_set_bytes(&p->end[i].app, rng_range(r, 1, 60000));
    }
}

static void make_coarse_clock(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    p->tick = rng_log_range(r, 10, 50 * USEC_MS);
    p->slack = rng_half(r) ? 0 : rng_log_range(r, 10, 100 * USEC_MS);
    for (int i = 0; i < 2; i++) {
        if (rng_half(r)) {
            p->link[i].delay = rng_below(r, 3); /* RTT near 0 */
            p->link[i].jitter = 0;
            p->link[i].rate = 0;
        }
    }
    sim_lossy(p, r, rng_half(r) ? SIM_PPM(3) : 0);
}

static void make_lockstep(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    const uint64_t turns = rng_range(r, 1, 60);
    const int first = (int)rng_below(r, 2);

    for (int i = 0; i < 2; i++) {
        struct sim_app *const a = &p->end[i].app;

        a->lockstep = true;
        a->first = i == first;
        a->burst = rng_log_range(r, 1, 5000);
        a->bytes = turns * a->burst;
        a->think = rng_half(r) ? 0 : rng_log_range(r, 1, 300 * USEC_MS);
        a->start = 0;
    }
    sim_lossy(p, r, rng_half(r) ? SIM_PPM(5) : 0);
}

/* Everything at once. */
static void make_weather(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        struct sim_link_params *const l = &p->link[i];

        l->loss = rng_half(r) ? 0 : (uint32_t)rng_below(r, SIM_PPM(10));
        l->burst = rng_half(r) ? 0 : (uint32_t)rng_below(r, SIM_PPM(1));
        l->burst_len = 5;
        l->duplicate = rng_half(r) ? 0 : (uint32_t)rng_below(r, SIM_PPM(10));
        l->reorder = rng_half(r) ? 0 : (uint32_t)rng_below(r, SIM_PPM(20));
        l->reorder_by = rng_log_range(r, 10, USEC_SEC);
        l->corrupt = rng_half(r) ? 0 : (uint32_t)rng_below(r, SIM_PPM(5));
        l->queue = rng_half(r) ? 0 : rng_log_range(r, 3, 60) * p->end[i].cfg.mtu;
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

static const struct sim_group groups[] = {
    SIM_GROUP("a clean link: nothing is sent twice", make_clean, 350),
    SIM_GROUP("a clean link is filled: RFC5681 slow start, RFC7323 window scale", make_prompt, 40),
    SIM_GROUP("1 % of the segments are lost", make_loss_1, 350),
    SIM_GROUP("5 % of the segments are lost", make_loss_5, 350),
    SIM_GROUP("20 % of the segments are lost", make_loss_20, 250),
    SIM_GROUP("segments are lost in bursts", make_bursts, 250),
    SIM_GROUP("SHLD-31: segments overtake each other", make_reordering, 350),
    SIM_GROUP("segments arrive twice", make_duplication, 250),
    SIM_GROUP("MUST-3: segments are corrupted", make_corruption, 300),
    SIM_GROUP("windows smaller than a segment do not deadlock: TCP.md 20", make_tiny_windows, 350),
    SIM_GROUP("the smallest MSS, few records and intervals: TCP.md 24, 27", make_tiny_segments,
              350),
    SIM_GROUP("MUST-36 MUST-37: readers stop, windows close", make_zero_windows, 350),
    SIM_GROUP("MUST-10: simultaneous open", make_simultaneous_open, 250),
    SIM_GROUP("simultaneous close, in each order: TCP.md 34", make_simultaneous_close, 250),
    SIM_GROUP("sequence numbers wrap: TCP.md 15", make_wrap, 350),
    SIM_GROUP("each combination of options", make_options, 192),
    SIM_GROUP("queues overflow", make_shallow_queue, 250),
    SIM_GROUP("much data in chunks, cut or whole", make_large, 25),
    SIM_GROUP("RFC3168-REACT: a queue that marks does not overflow", make_marking_queue, 20),
    SIM_GROUP("RFC1191-MTU: a path becomes narrower", make_mtu_changes, 120),
    SIM_GROUP("RFC4821-PLPMTUD: a path becomes narrower and nobody says so", make_black_hole, 120),
    SIM_GROUP("RFC1191: a path narrower than the interface", make_path_mtu, 250),
    SIM_GROUP("RTT near 0, a coarse clock, late timers: TCP.md 31", make_coarse_clock, 250),
    SIM_GROUP("question and answer", make_lockstep, 250),
    SIM_GROUP("everything at once", make_weather, 700),
};

int main(int argc, char **argv)
{
    static const struct sim_program program = {
        .name = "sim_transfer",
        .groups = groups,
        .group_count = sizeof groups / sizeof groups[0],
        .all_invariants = true,
    };

    return sim_main(&program, argc, argv);
}
