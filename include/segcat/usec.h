/*
 * Time as the whole program counts it: microseconds of CLOCK_MONOTONIC, as a plain number.
 * The pure parts (wire/, tcp/) never read a clock; they are told.
 */
#ifndef SEGCAT_USEC_H
#define SEGCAT_USEC_H

#include <stdint.h>

typedef uint64_t usec_t;

#define USEC_NEVER UINT64_MAX
#define USEC_MS    ((usec_t)1000)
#define USEC_SEC   ((usec_t)1000000)

#endif
