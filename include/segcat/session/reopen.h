/*
 * From one connection of a pair to the next, between processes. While a child holds a pair in
 * TIME-WAIT it alone knows what a new SYN must be measured by and what numbers are above the old
 * ones; so it decides, and hands the SYN over to who listens. Until that opening has come to
 * something the child keeps still; if it comes to nothing, TIME-WAIT goes on (RFC 1122 4.2.2.13).
 */
#ifndef SEGCAT_SESSION_REOPEN_H
#define SEGCAT_SESSION_REOPEN_H

#include <sys/un.h>

#include "segcat/tcp/tcb.h"

#define REOPEN_MAGIC    0x73677477U
#define REOPEN_NAME_MAX 108

/* What is said to a holder. */
enum reopen_word {
    REOPEN_SILENCE = 0,
    REOPEN_DONE = 'd', /* the next connection is open: TIME-WAIT is over */
    REOPEN_BACK = 'b', /* it came to nothing: TIME-WAIT again */
    REOPEN_GIVE = 'g', /* let me open the next one */
};

/* What a holder hands over. */
struct reopening {
    uint32_t magic;
    struct endpoint local, remote;
    struct incarnation before;
    struct segment syn; /* without text */
};

/* A socket of this name: one in a network namespace. Returns it, -EADDRINUSE, or another negative
 * errno. */
int reopen_take_name(const char *name);
void reopen_pair_name(const struct endpoint *local, const struct endpoint *remote,
                      char name[REOPEN_NAME_MAX]);

/* Who listens: a socket to poll, on which reopen_receive() finds what was handed over; negative
 * errno. */
int reopen_listen(const struct ip_addr *ip, uint16_t port);
bool reopen_receive(int fd, struct reopening *out);
/* To the holder of this pair. */
void reopen_tell(const struct endpoint *local, const struct endpoint *remote,
                 enum reopen_word word);

/* Who connects: true if the pair's holder has given it up to us. */
bool reopen_take(const struct endpoint *local, const struct endpoint *remote,
                 struct incarnation *before);

/* Who holds, by the socket that has the pair's name: hands a SYN to who listens (0, -ECONNREFUSED
 * if nobody does, or another negative errno); does still somebody listen; what was said (after
 * REOPEN_GIVE the pair is no longer ours). */
int reopen_offer(int fd, const struct endpoint *local, const struct endpoint *remote,
                 const struct tcb *t, const struct segment *syn);
bool reopen_is_wanted(int fd, const struct endpoint *local);
enum reopen_word reopen_hear(int fd, const struct tcb *t);

#endif
