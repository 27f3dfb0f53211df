/*
 * What loss recovery remembers of a connection: parts of struct tcb. Pure.
 */
#ifndef SEGCAT_TCP_RECOVERY_H
#define SEGCAT_TCP_RECOVERY_H

#include <stdint.h>

/* Proportional rate reduction: one recovery's account, in bytes (RFC 9937 section 6). */
struct prr {
    uint64_t recover_fs; /* in flight when it began */
    uint64_t delivered;  /* since then */
    uint64_t out;        /* sent since then */
};

#endif
