/*
 * Short connections of every kind in which each single segment in turn, and each pair of them, is
 * dropped, duplicated, delayed or corrupted. TAP on stdout; runner.h has the options. A soak runs
 * all that there are, make check a part of the pairs.
 */
#include "parts.h"
#include "runner.h"

/* ---- the kinds of connection, about ten to thirty segments each */

struct kind {
    const char *name;
    void (*make)(struct sim_params *p);
};

static void writes(struct sim_params *p, int i, uint64_t bytes, enum sim_close close)
{
    p->end[i].app.bytes = bytes;
    p->end[i].app.close = close;
}

static void make_exchange(struct sim_params *p)
{
    writes(p, 0, 100, CLOSE_WHEN_WRITTEN);
    writes(p, 1, 2000, CLOSE_AFTER_PEER);
}

static void make_one_way(struct sim_params *p)
{
    writes(p, 0, 14000, CLOSE_WHEN_WRITTEN);
    writes(p, 1, 0, CLOSE_AFTER_PEER);
}

static void make_both_ways(struct sim_params *p)
{
    for (int i = 0; i < 2; i++) {
        writes(p, i, i == 0 ? 6000 : 5000, i == 0 ? CLOSE_AFTER_PEER : CLOSE_WHEN_WRITTEN);
        p->end[i].app.burst = 2500;
        p->end[i].app.think = 30 * USEC_MS;
    }
}

/* One is done before the other begins. */
static void half_close(struct sim_params *p, int first)
{
    writes(p, first, 3000, CLOSE_WHEN_WRITTEN);
    writes(p, 1 - first, 5000, CLOSE_AFTER_PEER);
    p->end[1 - first].app.start = 100 * USEC_MS;
}

static void make_half_close_a(struct sim_params *p)
{
    half_close(p, 0);
}

static void make_half_close_b(struct sim_params *p)
{
    half_close(p, 1);
}

static void make_close_together(struct sim_params *p)
{
    for (int i = 0; i < 2; i++) {
        writes(p, i, i == 0 ? 3000 : 1000, CLOSE_AT);
        p->end[i].app.close_at = 90 * USEC_MS;
    }
}

static void make_open_together(struct sim_params *p)
{
    make_close_together(p);
    p->end[0].active = p->end[1].active = true;
}

static const struct kind kinds[] = {
    {"question and answer", make_exchange},
    {"one way", make_one_way},
    {"both ways", make_both_ways},
    {"A closes first", make_half_close_a},
    {"B closes first", make_half_close_b},
    {"both close at once", make_close_together},
    {"both open at once", make_open_together},
};

/* All options, no SACK, neither SACK nor timestamps. */
#define VARIANTS 3
#define SHAPES   (sizeof kinds / sizeof kinds[0] * VARIANTS)

static void connection(struct sim_params *p, unsigned shape)
{
    sim_plain(p);
    kinds[shape / VARIANTS].make(p);
    for (int i = 0; i < 2; i++) {
        p->end[i].cfg.has_isn = true;
        p->end[i].cfg.isn = 0xffffffffU - 2000U * (unsigned)i - 100;
    }
    p->codec = true;
    p->end[0].cfg.no_sack = shape % VARIANTS > 0;
    p->end[0].cfg.no_timestamps = shape % VARIANTS > 1;
}

/* How many segments an undisturbed connection has, from each end. */
static const unsigned *segments_of(unsigned shape)
{
    static unsigned count[SHAPES][2];

    if (count[shape][0] == 0) {
        static struct sim s;
        struct sim_params p = {.group = kinds[shape / VARIANTS].name};

        connection(&p, shape);
        sim_run(&s, &p, false, NULL);
        sim_free(&s);
        for (int i = 0; i < 2; i++) {
            count[shape][i] = s.link[i].count == 0 ? 1 : s.link[i].count;
        }
    }
    return count[shape];
}

/* ---- what is done to a segment */

static const struct sim_pick treatments[] = {
    {FATE_DROP, 0, 0},      {FATE_DELAY, 0, 250 * USEC_MS},
    {FATE_DUPLICATE, 0, 0}, {FATE_DELAY, 0, 15 * USEC_MS},
    {FATE_CORRUPT, 0, 0},   {FATE_DELAY, 0, 3 * USEC_SEC},
};

#define TREATMENTS      (sizeof treatments / sizeof treatments[0])
#define PAIR_TREATMENTS (TREATMENTS - 1)

/* nth counts A's segments and then B's, from 0 */
static void set_pick(struct sim_params *p, const unsigned *count, uint64_t nth, uint64_t treatment)
{
    const int from = nth < count[0] ? 0 : 1;
    struct sim_pick *const pick = p->link[from].pick;
    const int slot = pick[0].fate == FATE_PASS ? 0 : 1;

    pick[slot] = treatments[treatment];
    pick[slot].nth = 1 + (unsigned)(from == 0 ? nth : nth - count[0]);
}

static uint64_t singles_of(unsigned shape)
{
    const unsigned *const c = segments_of(shape);

    return (c[0] + c[1]) * TREATMENTS;
}

static uint64_t pairs_of(unsigned shape)
{
    const unsigned *const c = segments_of(shape);
    const uint64_t n = c[0] + c[1];

    return n * (n - 1) / 2 * PAIR_TREATMENTS * PAIR_TREATMENTS;
}

static uint64_t count_all(uint64_t (*of)(unsigned shape))
{
    uint64_t n = 0;

    for (unsigned shape = 0; shape < SHAPES; shape++) {
        n += of(shape);
    }
    return n;
}

static uint64_t count_singles(void)
{
    return count_all(singles_of);
}

static uint64_t count_pairs(void)
{
    return count_all(pairs_of);
}

/* The shape that has number *index of all; leaves its number among the shape's own. */
static unsigned find_shape(uint64_t (*of)(unsigned shape), uint64_t *index)
{
    unsigned shape = 0;

    while (*index >= of(shape)) {
        *index -= of(shape);
        shape = (shape + 1) % SHAPES;
    }
    return shape;
}

static void make_single(struct sim_params *p, struct rng *r, uint64_t index)
{
    const unsigned shape = find_shape(singles_of, &index);

    (void)r;
    connection(p, shape);
    set_pick(p, segments_of(shape), index / TREATMENTS, index % TREATMENTS);
}

static void make_pair(struct sim_params *p, struct rng *r, uint64_t index)
{
    const unsigned shape = find_shape(pairs_of, &index);
    const unsigned *const c = segments_of(shape);
    const uint64_t n = c[0] + c[1];
    uint64_t k = index / (PAIR_TREATMENTS * PAIR_TREATMENTS);
    uint64_t a = 0;

    (void)r;
    while (k >= n - 1 - a) {
        k -= n - 1 - a;
        a++;
    }
    connection(p, shape);
    set_pick(p, c, a, index % PAIR_TREATMENTS);
    set_pick(p, c, a + 1 + k, index / PAIR_TREATMENTS % PAIR_TREATMENTS);
}

static const struct sim_group groups[] = {
    {.name = "TCP.md 29: each single segment dropped, duplicated, corrupted, delayed",
     .make = make_single,
     .seeds = 0,
     .count = count_singles},
    {.name = "TCP.md 29: each pair of segments dropped, duplicated, corrupted, delayed",
     .make = make_pair,
     .seeds = 8000,
     .count = count_pairs},
};

int main(int argc, char **argv)
{
    static const struct sim_program program = {
        .name = "sim_each",
        .groups = groups,
        .group_count = sizeof groups / sizeof groups[0],
    };

    return sim_main(&program, argc, argv);
}
