/*
 * One of our TCPs against a peer with bad habits (hostile.h), seed by seed. In most groups the peer
 * is honest in the end, and then all bytes must have arrived, both ways. TAP on stdout; runner.h
 * has the options.
 */
#include "hostile.h"
#include "parts.h"
#include "runner.h"

#define ENDS_WELL (1U << END_CLOSED)
#define ENDS_ANY  UINT32_MAX

/* ---- the connection */

static void random_syn(struct sim_params *p, struct rng *r)
{
    struct segment *const syn = &p->told.syn;

    syn->seq = rng_half(r) ? (seq_t)rng_next(r) : (seq_t)(0xffffffffU - rng_below(r, 5000));
    syn->window = (uint16_t)rng_range(r, 500, 65535);
    syn->opt.present = OPT_MSS;
    syn->opt.present |= rng_one_in(r, 3) ? 0 : OPT_WSCALE;
    syn->opt.present |= rng_one_in(r, 4) ? 0 : OPT_SACK_PERMITTED;
    syn->opt.present |= rng_one_in(r, 3) ? 0 : OPT_TIMESTAMPS;
    syn->opt.mss = (uint16_t)rng_range(r, 536, 1460);
    syn->opt.wscale = (uint8_t)rng_below(r, 8);
    syn->opt.tsval = rng_half(r) ? (uint32_t)rng_next(r) : (uint32_t)(0 - rng_below(r, 5000));
}

static void against(struct sim_params *p, struct rng *r, uint64_t habits)
{
    sim_plain(p);
    sim_random_path(p, r);
    sim_random_buffers(p, r);
    sim_random_switches(p, r);
    p->batch = false;
    for (int i = 0; i < 2; i++) {
        p->link[i].jitter = 0;
        p->link[i].rate = p->link[i].rate == 0 ? 100000000 : p->link[i].rate;
        p->end[i].app.bytes = rng_one_in(r, 5) ? 0 : rng_log_range(r, 1, 60000);
    }
    p->end[0].app.close = rng_half(r) ? CLOSE_WHEN_WRITTEN : CLOSE_AFTER_PEER;
    p->end[0].app.chunk = rng_one_in(r, 3) ? rng_log_range(r, 100, 4000) : 0;
    p->end[0].app.read_every = p->end[0].app.chunk != 0 ? rng_log_range(r, 1, 100 * USEC_MS) : 0;
    p->end[0].app.start = rng_half(r) ? rng_log_range(r, 1, USEC_SEC) : 0;
    sim_random_isn(&p->end[0].cfg, r, p->end[0].app.bytes);
    p->script = &hostile_script;
    p->told.active = rng_half(r);
    p->end[0].active = !p->told.active;
    p->told.habits = habits;
    p->told.until = rng_log_range(r, 200 * USEC_MS, 20 * USEC_SEC);
    p->told.every = rng_log_range(r, USEC_MS, 300 * USEC_MS);
    p->told.ends = ENDS_WELL;
    p->told.expect_done = true;
    random_syn(p, r);
}

/* Attacks of many segments. */
static void seldom(struct sim_params *p, struct rng *r)
{
    p->told.every = rng_log_range(r, 20 * USEC_MS, 300 * USEC_MS);
    p->told.until = rng_log_range(r, 200 * USEC_MS, 3 * USEC_SEC);
}

/* Our end writes long enough for the habit to be seen. */
static void writes_much(struct sim_params *p, struct rng *r)
{
    p->end[0].app.bytes = rng_range(r, 20000, 120000);
}

static void reads_much(struct sim_params *p, struct rng *r)
{
    p->end[1].app.bytes = rng_range(r, 5000, 60000);
}

static void with_sack(struct sim_params *p)
{
    p->end[0].cfg.no_sack = false;
    p->told.syn.opt.present |= OPT_SACK_PERMITTED;
}

static void with_timestamps(struct sim_params *p)
{
    p->end[0].cfg.no_timestamps = false;
    p->told.syn.opt.present |= OPT_TIMESTAMPS;
}

/* ---- how it acknowledges */

static void make_split(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_SPLIT_ACKS);
    writes_much(p, r);
}

static void make_dup_acks(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_DUP_ACKS | (rng_half(r) ? HABIT_SPLIT_ACKS : 0));
    writes_much(p, r);
}

static void make_optimistic(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_OPTIMISTIC);
    writes_much(p, r);
}

static void make_wrong_acks(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, rng_range(r, 1, 3) << 3); /* HABIT_OLD_ACKS, HABIT_FUTURE_ACKS */
    p->told.habits |= rng_half(r) ? HABIT_SHRINK : 0;
    writes_much(p, r);
}

static void make_sack_lies(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_SACK_LIES | (rng_half(r) ? HABIT_RENEGE : 0));
    with_sack(p);
    writes_much(p, r);
    sim_lossy(p, r, rng_half(r) ? SIM_PPM(3) : 0);
}

static void make_renege(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_RENEGE);
    with_sack(p);
    writes_much(p, r);
    p->link[0].loss = (uint32_t)rng_range(r, SIM_PPM(1), SIM_PPM(20));
}

static void make_bad_sack(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_SACK_BAD);
    with_sack(p);
    writes_much(p, r);
    sim_lossy(p, r, rng_half(r) ? SIM_PPM(3) : 0);
}

static void make_shrinking(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_SHRINK);
    writes_much(p, r);
    sim_lossy(p, r, rng_half(r) ? SIM_PPM(3) : 0);
}

static void make_never_reads(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_ZERO | (rng_half(r) ? HABIT_ZERO_ECHO : 0));
    p->told.until = rng_log_range(r, USEC_SEC, 3600 * USEC_SEC);
    p->told.every = 0;
    writes_much(p, r);
}

static void make_lazy(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_LAZY);
    p->end[0].cfg.user_timeout =
        rng_half(r) ? rng_log_range(r, USEC_SEC, 100 * USEC_SEC) : p->end[0].cfg.user_timeout;
    p->told.ends |= 1U << END_TIMEOUT;
    p->told.expect_done = p->end[0].cfg.user_timeout > 1000 * USEC_SEC;
}

static void make_silent(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_SILENT);
    p->told.every = rng_log_range(r, 1, USEC_SEC);
    p->end[0].cfg.user_timeout = rng_log_range(r, USEC_SEC, 1000 * USEC_SEC);
    p->end[0].cfg.syn_timeout = rng_log_range(r, USEC_SEC, 1000 * USEC_SEC);
    p->told.ends |= 1U << END_TIMEOUT;
    if (rng_half(r)) {
        p->end[0].cfg.keepalive.idle = rng_log_range(r, USEC_SEC, 10000 * USEC_SEC);
    } else {
        p->told.ends |= 1U << END_NONE;
    }
    p->told.expect_done = false;
}

/* ---- what it sends */

static void make_one_byte(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_ONE_BYTE);
    reads_much(p, r);
    seldom(p, r);
    p->end[0].cfg.ooo_max = (size_t)rng_log_range(r, 1, 128);
}

static void make_overlaps(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_OVERLAPS | (rng_half(r) ? HABIT_ONE_BYTE : 0));
    reads_much(p, r);
    seldom(p, r);
    sim_lossy(p, r, rng_half(r) ? SIM_PPM(5) : 0);
}

static void make_lies(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_LIES | (rng_half(r) ? HABIT_OVERLAPS : 0));
    reads_much(p, r);
    seldom(p, r);
    sim_lossy(p, r, rng_half(r) ? SIM_PPM(5) : 0);
}

static void make_beyond(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, rng_range(r, 1, 3) << 15 | HABIT_BEYOND);
    p->told.habits |= rng_half(r) ? HABIT_EARLY_FIN : 0;
    reads_much(p, r);
    sim_lossy(p, r, rng_half(r) ? SIM_PPM(5) : 0);
}

static void make_wrong_fin(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_WRONG_FIN | (rng_half(r) ? HABIT_OVERLAPS : 0));
    reads_much(p, r);
    p->told.expect_done = false; /* it has taken its own bytes back */
    /* and gives up when nobody believes it, whatever we still have to say */
    p->told.ends |= 1U << END_NONE | 1U << END_TIMEOUT;
}

static void make_reset(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, rng_range(r, 1, 3) << 19); /* HABIT_RST, HABIT_SYN */
}

static void make_blind(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_BLIND);
}

static void make_urgent(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_URGENT);
    reads_much(p, r);
}

static void make_timestamps(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, rng_range(r, 1, 7) << 22); /* back, forward, missing */
    with_timestamps(p);
}

static void make_keepalive(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_KEEPALIVE);
    p->told.every = rng_log_range(r, 100, 10 * USEC_MS);
    p->told.until = rng_log_range(r, 200 * USEC_MS, 3 * USEC_SEC);
}

static void make_options(struct sim_params *p, struct rng *r, uint64_t index)
{
    static const uint16_t mss[] = {0, 1, 47, 48, 49, 60, 536, 65535};
    static const uint8_t scale[] = {0, 1, 13, 14, 15, 64, 128, 255};

    against(p, r, 0);
    p->told.syn.opt.mss = mss[index % 8];
    p->told.syn.opt.wscale = scale[index / 8 % 8];
    p->told.syn.opt.present ^= rng_one_in(r, 6) ? OPT_MSS : 0;
    p->told.syn.window = (uint16_t)rng_log_range(r, 1, 65535);
    p->end[0].app.bytes %= 5000;
}

static void make_bad_opening(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_BAD_OPENING);
}

static void make_anything(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, HABIT_RANDOM);
    p->told.every = rng_log_range(r, 100, 100 * USEC_MS);
    p->told.ends = ENDS_ANY;
    p->told.expect_done = false;
}

static void make_all_at_once(struct sim_params *p, struct rng *r, uint64_t index)
{
    (void)index;
    against(p, r, rng_next(r) & rng_next(r) & ~(uint64_t)(HABIT_LIES | HABIT_SILENT));
    if (p->told.habits & (HABIT_ONE_BYTE | HABIT_OVERLAPS)) {
        seldom(p, r);
    }
    p->told.ends = ENDS_ANY;
    p->told.expect_done = false;
    sim_lossy(p, r, rng_half(r) ? SIM_PPM(5) : 0);
}

static const struct sim_group groups[] = {
    SIM_GROUP("TCP.md 28: ACK splitting gains nothing", make_split, 50),
    SIM_GROUP("TCP.md 28: duplicate ACKs that are made up", make_dup_acks, 40),
    SIM_GROUP("TCP.md 28: acknowledgments of what has not arrived yet", make_optimistic, 100),
    SIM_GROUP("TCP.md 16, 18: ACKs above SND.NXT and far below SND.UNA", make_wrong_acks, 100),
    SIM_GROUP("TCP.md 26: SACK blocks for what has not arrived", make_sack_lies, 120),
    SIM_GROUP("TCP.md 27 RFC2018-RENEGE: the peer throws away what it has SACKed", make_renege,
              120),
    SIM_GROUP("TCP.md 26: SACK blocks of every bad shape", make_bad_sack, 120),
    SIM_GROUP("TCP.md 17 SHLD-14: the window shrinks, to 0 too, with data in flight",
              make_shrinking, 120),
    SIM_GROUP("MUST-37 TCP.md 19: a peer that does not read, for an hour", make_never_reads, 40),
    SIM_GROUP("a peer that drops everything and acknowledges old data", make_lazy, 100),
    SIM_GROUP("MUST-20 MUST-23: a peer that falls silent", make_silent, 100),
    SIM_GROUP("TCP.md 24: one-byte segments at every other offset", make_one_byte, 50),
    SIM_GROUP("TCP.md 25: overlaps", make_overlaps, 80),
    SIM_GROUP("TCP.md 25: overlaps with other bytes: one rule decides", make_lies, 80),
    SIM_GROUP("TCP.md 25: data beyond the window and behind the FIN, FIN out of order", make_beyond,
              120),
    SIM_GROUP("TCP.md 25: FINs in several places", make_wrong_fin, 100),
    SIM_GROUP("RFC5961-RST RFC5961-SYN TCP.md 21: RST and SYN in the window", make_reset, 120),
    SIM_GROUP("RFC5961-ACK: somebody else who guesses the numbers", make_blind, 150),
    SIM_GROUP("TCP.md 9: urgent pointers without sense", make_urgent, 100),
    SIM_GROUP("RFC7323-PAWS TCP.md 14: timestamps go back, jump ahead, are missing",
              make_timestamps, 150),
    SIM_GROUP("TCP.md 19: keepalive probes of 0 and 1 byte", make_keepalive, 50),
    SIM_GROUP("TCP.md 4, 5: each MSS and window scale that makes no sense", make_options, 192),
    SIM_GROUP("TCP.md 11: what cannot be meant before a SYN,ACK", make_bad_opening, 100),
    SIM_GROUP("anything, with nearly right numbers", make_anything, 150),
    SIM_GROUP("all bad habits at once", make_all_at_once, 120),
};

int main(int argc, char **argv)
{
    static const struct sim_program program = {
        .name = "sim_hostile",
        .groups = groups,
        .group_count = sizeof groups / sizeof groups[0],
    };

    return sim_main(&program, argc, argv);
}
