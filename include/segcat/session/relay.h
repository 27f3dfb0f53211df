/*
 * The relay: stdin into the send ring, the receive ring to stdout. Never blocks and never touches
 * the descriptors' O_NONBLOCK flag, which others may share.
 */
#ifndef SEGCAT_SESSION_RELAY_H
#define SEGCAT_SESSION_RELAY_H

#include <stdbool.h>

#include "segcat/tcp/tcb.h"

/* How a descriptor can be used without blocking. */
enum relay_way {
    WAY_FILE,   /* regular file: read() and write() do not wait for anybody */
    WAY_NOWAIT, /* preadv2()/pwritev2() with RWF_NOWAIT */
    WAY_POLL,   /* poll first; then read() what is there, write() at most PIPE_BUF */
};

struct relay {
    int in;  /* -1: at its end */
    int out; /* -1: broken */
    enum relay_way in_way;
    enum relay_way out_way;
    bool in_ready; /* poll said so, or no poll is needed */
    bool out_full; /* it would have blocked: wait for POLLOUT */
    int in_error;  /* negative errno that ended reading, 0: end of file */
    int out_error; /* negative errno that broke writing */
};

void relay_init(struct relay *r, int in, int out);

/* True if stdin is worth polling: not at its end, and the ring has room for a worthwhile piece. */
bool relay_wants_input(const struct relay *r, const struct tcb *t);

/* Reads what stdin has into the ring. Returns true at the end of input (or its error, in
 * r->in_error): the caller shuts down. */
bool relay_read(struct relay *r, struct tcb *t);

/* Writes what has been received. Returns the bytes written; on a broken stdout r->out becomes
 * -1. */
size_t relay_write(struct relay *r, struct tcb *t);

#endif
