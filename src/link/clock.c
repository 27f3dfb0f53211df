/*
 * Receive timestamps: from CLOCK_REALTIME to CLOCK_MONOTONIC by age. Reads the two clocks.
 */
#include "segcat/link/clock.h"

#define NSEC_PER_SEC  INT64_C(1000000000)
#define NSEC_PER_USEC 1000
#define AGE_MAX       USEC_SEC

struct clock_pair clock_read(void)
{
    struct clock_pair c;
    struct timespec mono;

    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &c.real);
    c.mono = (usec_t)mono.tv_sec * USEC_SEC + (usec_t)mono.tv_nsec / NSEC_PER_USEC;
    return c;
}

static usec_t age_of(const struct timespec *now, const struct timespec *stamp)
{
    const int64_t sec = (int64_t)now->tv_sec - (int64_t)stamp->tv_sec;
    int64_t nsec;

    if (sec > 1) {
        return AGE_MAX;
    }
    if (sec < -1) {
        return 0;
    }
    nsec = sec * NSEC_PER_SEC + (now->tv_nsec - stamp->tv_nsec);
    if (nsec <= 0) {
        return 0;
    }
    return nsec >= NSEC_PER_SEC ? AGE_MAX : (usec_t)nsec / NSEC_PER_USEC;
}

usec_t clock_arrival(const struct clock_pair *at, const struct timespec *stamp, usec_t now)
{
    const usec_t age = age_of(&at->real, stamp);
    const usec_t arrived = at->mono > age ? at->mono - age : 0;

    return arrived < now ? arrived : now;
}
