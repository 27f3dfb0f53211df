/*
 * The session's clock: CLOCK_MONOTONIC in microseconds.
 */
#ifndef SEGCAT_SESSION_CLOCK_H
#define SEGCAT_SESSION_CLOCK_H

#include <time.h>

#include "segcat/usec.h"

static inline usec_t clock_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (usec_t)ts.tv_sec * USEC_SEC + (usec_t)ts.tv_nsec / 1000;
}

#endif
