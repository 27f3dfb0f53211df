/*
 * What the simulator's programs have in common: groups of seeds, the command line, TAP on stdout.
 *
 *     PROGRAM                      what make check runs
 *     PROGRAM --seeds N [--all]    N seeds for each group (or SIM_SEEDS=N): the soak; --all goes on
 *                                  after a failure
 *     PROGRAM --from N             the first seed of each group, for a soak in parts
 *     PROGRAM --seed N [--trace]   one run again, the number as a failure has printed it; --trace
 *                                  shows both ends as segcat -vv does
 *     PROGRAM --group N            one group only
 *     PROGRAM --list               the groups
 */
#ifndef SEGCAT_SIM_RUNNER_H
#define SEGCAT_SIM_RUNNER_H

#include "sim.h"

struct sim_group {
    const char *name;
    void (*make)(struct sim_params *p, struct rng *r, uint64_t index);
    unsigned seeds;          /* in make check */
    unsigned in_soak;        /* too long for make check: so many, and only in a soak */
    uint64_t (*count)(void); /* a soak needs no more than these: all that there are */
};

#define SIM_GROUP(name_, make_, seeds_)                     \
    {                                                       \
        .name = (name_), .make = (make_), .seeds = (seeds_) \
    }

struct sim_program {
    const char *name;
    const struct sim_group *groups;
    size_t group_count;
    bool all_invariants; /* each must have been looked at */
};

/* main() of a program. */
int sim_main(const struct sim_program *program, int argc, char **argv);

#endif
