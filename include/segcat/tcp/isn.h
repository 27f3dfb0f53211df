/*
 * Numbers that nobody can guess: SipHash-2-4, initial sequence numbers (RFC 6528), timestamp
 * offsets. Pure: the key comes with the configuration.
 */
#ifndef SEGCAT_TCP_ISN_H
#define SEGCAT_TCP_ISN_H

#include <stddef.h>

#include "segcat/tcp/seq.h"
#include "segcat/usec.h"
#include "segcat/wire/address.h"

/* SipHash-2-4 of len bytes under a 16-byte key. */
uint64_t siphash(const uint8_t key[16], const void *data, size_t len);

/* What a hash of two endpoints is for: each use has its own, so that none tells of another. */
enum hash_purpose {
    HASH_ISN = 1,
    HASH_TIMESTAMP = 2,
    HASH_COOKIE = 3,    /* extra: the peer's ISN and the cookie's fields */
    HASH_CHALLENGE = 5, /* extra: when */
    HASH_REOPEN = 4,    /* extra: the last incarnation's SND.NXT */
};

/* SipHash of the two endpoints, the purpose and whatever else belongs to it. */
uint64_t tuple_hash(const uint8_t key[16], const struct endpoint *local,
                    const struct endpoint *remote, enum hash_purpose purpose, uint64_t extra);

/* RFC 6528: ISN = M + F(localip, localport, remoteip, remoteport, secretkey), M one step each 4
 * us (MUST-8). */
seq_t isn_generate(const uint8_t key[16], const struct endpoint *local,
                   const struct endpoint *remote, usec_t now);

/* A timestamp offset for this pair of endpoints (RFC 7323 section 5.4, RFC 9293 3.4.1). */
uint32_t timestamp_offset(const uint8_t key[16], const struct endpoint *local,
                          const struct endpoint *remote);

#endif
