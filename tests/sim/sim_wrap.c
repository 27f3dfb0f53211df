/*
 * What comes round: sequence numbers and stream offsets at 2^32, timestamps at 2^31 and 2^32, months
 * of silence; and round-trip times from nothing to seconds. TAP on stdout; runner.h has the options.
 * A soak moves more than 4 GiB in one connection too.
 */
#include "parts.h"
#include "runner.h"

#define DAY ((usec_t)24 * 3600 * USEC_SEC)

/* Up to two seconds before the timestamps come round, or half round. */
static void make_timestamps(struct sim_params *p, struct rng *r, uint64_t index)
{
    sim_random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        struct sim_end_params *const e = &p->end[i];

        e->cfg.no_timestamps = false;
        e->has_tsval = true;
        e->tsval = (index & 1U << i ? 0x80000000U : 0) - (uint32_t)rng_below(r, 2000);
        p->link[i].reorder = rng_half(r) ? SIM_PPM(5) : 0;
        p->link[i].reorder_by = rng_log_range(r, 10, 500 * USEC_MS);
        p->link[i].duplicate = rng_half(r) ? SIM_PPM(5) : 0;
        e->app.burst = 1 + e->app.bytes / rng_range(r, 1, 20);
        e->app.think = rng_log_range(r, 1, USEC_SEC);
    }
    sim_lossy(p, r, rng_half(r) ? SIM_PPM(5) : 0);
}

/* Silence of 10 to 100 days, within a connection: 2^31 ms are 24.8 days. */
static void make_silence(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        struct sim_app *const a = &p->end[i].app;

        p->end[i].cfg.no_timestamps = false;
        p->end[i].has_tsval = rng_half(r);
        p->end[i].tsval = (uint32_t)rng_next(r);
        p->end[i].cfg.keepalive.idle =
            rng_one_in(r, 3) ? rng_log_range(r, 3600 * USEC_SEC, DAY) : 0;
        a->bytes = rng_range(r, 2, 20000);
        a->burst = a->bytes / rng_range(r, 1, 4) + 1;
        a->think = rng_range(r, 10 * DAY, 100 * DAY);
        a->start = rng_half(r) ? 0 : rng_range(r, DAY, 100 * DAY);
    }
    sim_lossy(p, r, rng_half(r) ? SIM_PPM(5) : 0);
    p->limit = 1000 * DAY;
}

/* As if so much had been moved that the offsets pass 2^32 next, and the sequence numbers with
 * them. */
static void make_offsets(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    p->stream_at = (UINT64_C(1) << rng_range(r, 32, 40)) - rng_below(r, 20000);
    for (int i = 0; i < 2; i++) {
        p->end[i].cfg.has_isn = true;
        p->end[i].cfg.isn = (seq_t)(0xffffffffU - rng_below(r, 20000));
        sim_set_bytes(&p->end[i].app, rng_range(r, 1, 60000));
        p->link[i].reorder = rng_half(r) ? SIM_PPM(5) : 0;
        p->link[i].reorder_by = rng_log_range(r, 10, 50 * USEC_MS);
    }
    sim_lossy(p, r, rng_half(r) ? SIM_PPM(3) : 0);
}

static void make_round_trips(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_random_connection(p, r);
    for (int i = 0; i < 2; i++) {
        p->link[i].delay = rng_log_range(r, 5, USEC_SEC);
        p->link[i].jitter = rng_half(r) ? 0 : rng_below(r, p->link[i].delay);
    }
    sim_lossy(p, r, rng_half(r) ? SIM_PPM(2) : 0);
}

/* Three times round in one connection. */
static void make_much(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    sim_plain(p);
    for (int i = 0; i < 2; i++) {
        struct tcb_config *const c = &p->end[i].cfg;

        c->mtu = 65535;
        c->snd_size = c->rcv_size = 1 << 22;
        c->sent_max = 4096;
        p->link[i].delay = rng_range(r, 10, 500);
        p->link[i].rate = 5000000000;
        p->link[i].loss = SIM_PPM(0.01);
        p->link[i].queue = 4000000;
    }
    const int sender = (int)rng_below(r, 2);

    p->end[sender].app.bytes = UINT64_C(3) * 0xffffffff;
    p->end[1 - sender].app.close = CLOSE_AFTER_PEER;
    p->event_limit = 10000000;
}

static const struct sim_group groups[] = {
    {.name = "RFC7323-PAWS: timestamps pass 2^31 and 2^32", .make = make_timestamps, .seeds = 600},
    {.name = "RFC7323-PAWS-IDLE: months of silence", .make = make_silence, .seeds = 80},
    {.name = "TCP.md 15: offsets and sequence numbers pass 2^32",
     .make = make_offsets,
     .seeds = 300},
    {.name = "TCP.md 31: round trips of 10 us to 2 s", .make = make_round_trips, .seeds = 300},
    {.name = "TCP.md 15: 12 GiB in one connection", .make = make_much, .in_soak = 2},
};

int main(int argc, char **argv)
{
    static const struct sim_program program = {
        .name = "sim_wrap",
        .groups = groups,
        .group_count = sizeof groups / sizeof groups[0],
    };

    return sim_main(&program, argc, argv);
}
