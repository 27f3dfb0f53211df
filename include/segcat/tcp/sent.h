/*
 * The sent records: what is in flight, in sequence order, without the bytes. RACK's memory (RFC
 * 8985 section 5.2). Pure.
 */
#ifndef SEGCAT_TCP_SENT_H
#define SEGCAT_TCP_SENT_H

#include <stddef.h>

#include "segcat/tcp/seq.h"
#include "segcat/usec.h"

struct sent_record {
    seq_t seq;
    uint32_t len;   /* sequence space: data, SYN and FIN */
    usec_t sent_at; /* last transmission */
    uint16_t transmissions;
    bool sacked;
    bool lost; /* to be sent again */
    bool fin;
    bool syn;
    uint32_t prev, next; /* in the list that it is in: places in memory */
};

#define SENT_NONE UINT32_MAX

/* A list through the records; a record is in one at most. */
struct sent_list {
    uint32_t head, tail;
};

/*
 * A deque in the caller's memory. Slot numbers run from 0 (oldest) to count - 1. Two lists let an
 * ACK look at what it concerns only: what is in flight in the order of transmission, so that RACK
 * stops at the first record that is not yet due; what is lost in sequence order.
 */
struct sent {
    struct sent_record *mem;
    size_t size; /* slots in use, from the front of mem: doubles when they are full, */
    size_t max;  /* up to this */
    size_t first;
    size_t count;
    uint64_t flight;     /* sequence space sent, not acknowledged, not sacked, not lost */
    uint64_t sacked;     /* sequence space sacked, */
    size_t sacked_count; /* in so many records */
    size_t lost;         /* records marked lost and not yet sent again */
    size_t resent;       /* records in flight that were sent more than once */
    struct sent_list in_flight, to_resend;
    uint32_t cursor; /* where to_resend was last added to */
};

void sent_init(struct sent *s, struct sent_record *mem, size_t max);

static inline bool sent_full(const struct sent *s)
{
    return s->count == s->max;
}

/* Slot i, 0 <= i < count. */
struct sent_record *sent_at(const struct sent *s, size_t i);

/* Appends what was just sent for the first time. There must be room. */
void sent_push(struct sent *s, const struct sent_record *r);

/* The first slot whose record ends after seq; count if none. */
size_t sent_find(const struct sent *s, seq_t seq);

/* Marks, keeping the sums. */
void sent_mark_sacked(struct sent *s, size_t i);
void sent_mark_lost(struct sent *s, size_t i);
void sent_mark_resent(struct sent *s, size_t i, usec_t now);
/* Forgets every SACK mark (reneging, RFC 2018 section 8): those records are lost. */
void sent_forget_sacks(struct sent *s);
/* Nothing is lost after all: what was marked is in flight since it was last sent. */
void sent_unmark_lost(struct sent *s);

/* The first record marked lost, or count. */
size_t sent_first_lost(const struct sent *s);
/* The record in flight that was sent before all others, or count. */
size_t sent_longest_out(const struct sent *s);

/* Splits slot i so that its first part has `len`. Returns false if there is no room. */
bool sent_split(struct sent *s, size_t i, uint32_t len);

/* Removes the oldest record. */
void sent_pop(struct sent *s);
/* Shortens the oldest record from the front up to seq (partly acknowledged). */
void sent_trim(struct sent *s, seq_t seq);

#endif
