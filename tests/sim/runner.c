/*
 * Runs the groups of a simulator program, seed by seed, and tells what came of it in TAP. Reads the
 * command line and the clock, writes to stdout.
 */
#include "runner.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A seed's number is group * SEEDS_OF_GROUP + index. */
#define SEEDS_OF_GROUP UINT64_C(1000000000)

struct tally {
    uint64_t checks[INV_COUNT];
    bool broken[INV_COUNT];
    uint64_t runs, segments, events, failures;
};

struct wishes {
    uint64_t seeds; /* 0: what make check runs */
    uint64_t from;
    uint64_t seed; /* UINT64_MAX: all */
    long group;    /* -1: all */
    bool trace, all, list;
};

static void params_of(const struct sim_program *program, uint64_t seed, struct sim_params *p)
{
    const struct sim_group *const g = &program->groups[seed / SEEDS_OF_GROUP];
    struct rng r;

    memset(p, 0, sizeof *p);
    p->group = g->name;
    p->seed = seed;
    rng_seed(&r, seed);
    g->make(p, &r, seed % SEEDS_OF_GROUP);
}

static void tell_failure(const struct sim_program *program, const struct sim *s)
{
    printf("# seed %" PRIu64 " at %" PRIu64 ".%06" PRIu64 " s: %s\n", s->p.seed, s->now / USEC_SEC,
           s->now % USEC_SEC, s->why);
    sim_print_params(&s->p);
    printf("# again: tests/sim/%s --seed %" PRIu64 " --trace\n", program->name, s->p.seed);
    fflush(stdout);
}

static bool run_seed(const struct sim_program *program, uint64_t seed, bool trace, struct tally *t)
{
    static struct sim s;
    struct sim_params p;

    params_of(program, seed, &p);
    if (trace) {
        sim_print_params(&p);
    }
    const bool ok = sim_run(&s, &p, trace, t->checks);

    if (!ok) {
        tell_failure(program, &s);
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

/* How many runs a group has. A group of all that there is has no more than that. */
static uint64_t seeds_of(const struct sim_group *g, const struct wishes *w)
{
    const uint64_t most = w->seeds != 0 ? w->seeds : g->seeds;
    const uint64_t n = g->in_soak != 0 && most > g->in_soak ? g->in_soak : most;
    const uint64_t all = g->count != NULL ? g->count() : 0;

    return all != 0 && (n == 0 || n > all) ? all : n;
}

/* The first failure ends a group, unless all are wanted. */
static bool run_group(const struct sim_program *program, size_t n, const struct wishes *w,
                      struct tally *t)
{
    const struct sim_group *const g = &program->groups[n];
    const uint64_t seeds = seeds_of(g, w);
    const uint64_t all = g->count != NULL ? g->count() : 0;
    bool ok = true;

    for (uint64_t i = 0; i < seeds && (ok || w->all); i++) {
        /* of all that there is, some from everywhere */
        const uint64_t index = all != 0 ? i * all / seeds : w->from + i;

        ok = run_seed(program, n * SEEDS_OF_GROUP + index, false, t) && ok;
    }
    return ok;
}

static bool tell_invariants(const struct sim_program *program, const struct wishes *w,
                            unsigned test, const struct tally *t)
{
    const bool all = program->all_invariants && w->group < 0;
    bool ok = true;

    for (int i = 0; i < INV_COUNT; i++) {
        /* an invariant that was never looked at is none */
        if (t->checks[i] == 0 && !all) {
            continue;
        }
        const bool good = !t->broken[i] && t->checks[i] != 0;

        printf("%sok %u - %s\n", good ? "" : "not ", ++test,
               sim_invariant_text((enum sim_invariant)i));
        ok = ok && good;
    }
    printf("1..%u\n", test);
    return ok;
}

static bool run_all(const struct sim_program *program, const struct wishes *w, struct tally *t)
{
    unsigned test = 0;
    bool ok = true;

    for (size_t g = 0; g < program->group_count; g++) {
        if (w->group >= 0 && (size_t)w->group != g) {
            continue;
        }
        const bool good = run_group(program, g, w, t);

        printf("%sok %u - %s (%" PRIu64 " seeds)\n", good ? "" : "not ", ++test,
               program->groups[g].name, seeds_of(&program->groups[g], w));
        fflush(stdout);
        ok = ok && good;
    }
    return tell_invariants(program, w, test, t) && ok;
}

static void list(const struct sim_program *program, const struct wishes *w)
{
    for (size_t g = 0; g < program->group_count; g++) {
        printf("%2zu  %" PRIu64 "  %s\n", g, seeds_of(&program->groups[g], w),
               program->groups[g].name);
    }
}

/* ---- the command line */

static uint64_t number(const char *text)
{
    char *end;

    errno = 0;
    const uint64_t n = strtoull(text, &end, 10);

    if (errno != 0 || *end != '\0' || end == text) {
        fprintf(stderr, "not a number: %s\n", text);
        exit(2);
    }
    return n;
}

static bool parse(int argc, char **argv, struct wishes *w)
{
    static const struct option options[] = {
        {"seeds", required_argument, NULL, 'n'}, {"from", required_argument, NULL, 'f'},
        {"seed", required_argument, NULL, 's'},  {"group", required_argument, NULL, 'g'},
        {"trace", no_argument, NULL, 't'},       {"all", no_argument, NULL, 'a'},
        {"list", no_argument, NULL, 'l'},        {NULL, 0, NULL, 0},
    };
    const char *const env = getenv("SIM_SEEDS");
    int c;

    *w = (struct wishes){.seed = UINT64_MAX, .group = -1};
    w->seeds = env != NULL && *env != '\0' ? number(env) : 0;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'n':
            w->seeds = number(optarg);
            break;
        case 'f':
            w->from = number(optarg);
            break;
        case 's':
            w->seed = number(optarg);
            break;
        case 'g':
            w->group = (long)number(optarg);
            break;
        case 't':
            w->trace = true;
            break;
        case 'a':
            w->all = true;
            break;
        case 'l':
            w->list = true;
            break;
        default:
            return false;
        }
    }
    return true;
}

static double seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int sim_main(const struct sim_program *program, int argc, char **argv)
{
    static struct tally tally;
    struct wishes w;

    if (!parse(argc, argv, &w)) {
        return 2;
    }
    if (w.list) {
        list(program, &w);
        return 0;
    }
    if (w.seed != UINT64_MAX) {
        if (w.seed / SEEDS_OF_GROUP >= program->group_count) {
            fprintf(stderr, "%s: no such group\n", program->name);
            return 2;
        }
        return run_seed(program, w.seed, w.trace, &tally) ? 0 : 1;
    }
    const double start = seconds();
    const bool ok = run_all(program, &w, &tally);
    const double took = seconds() - start;

    printf("# %" PRIu64 " runs, %" PRIu64 " failed, %" PRIu64 " segments, %" PRIu64
           " events in %.1f s: %.2f million segments a second\n",
           tally.runs, tally.failures, tally.segments, tally.events, took,
           (double)tally.segments / took / 1e6);
    return ok ? 0 : 1;
}
