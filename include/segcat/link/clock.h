/*
 * The kernel's receive timestamps, which are on CLOCK_REALTIME, as times on CLOCK_MONOTONIC.
 */
#ifndef SEGCAT_LINK_CLOCK_H
#define SEGCAT_LINK_CLOCK_H

#include <time.h>

#include "segcat/usec.h"

/* Both clocks, read at the same moment. */
struct clock_pair {
    struct timespec real;
    usec_t mono;
};

struct clock_pair clock_read(void);

/*
 * When a packet stamped `stamp` arrived: its age (0 to 1 s; the clock on the wall may have been
 * set) before `at`.mono, and never later than `now`.
 */
usec_t clock_arrival(const struct clock_pair *at, const struct timespec *stamp, usec_t now);

#endif
