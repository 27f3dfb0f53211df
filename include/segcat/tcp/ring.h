/*
 * A ring of bytes addressed by 64-bit stream offsets: byte number n of a stream lies at n mod
 * capacity. The memory is the caller's. Pure.
 */
#ifndef SEGCAT_TCP_RING_H
#define SEGCAT_TCP_RING_H

#include <stddef.h>
#include <stdint.h>

#include "segcat/wire/segment.h"

struct ring {
    uint8_t *mem;
    size_t size;   /* a power of two */
    uint64_t head; /* offset of the first byte held */
    uint64_t tail; /* offset after the last byte held */
};

/* A piece of memory that may be written. */
struct span {
    uint8_t *data;
    size_t len;
};

void ring_init(struct ring *r, uint8_t *mem, size_t size);

static inline size_t ring_used(const struct ring *r)
{
    return (size_t)(r->tail - r->head);
}

static inline size_t ring_space(const struct ring *r)
{
    return r->size - ring_used(r);
}

/* The bytes [offset, offset + len) as at most two slices; they must lie in the ring's memory. */
void ring_read(const struct ring *r, uint64_t offset, size_t len, struct slice out[2]);

/* The free space behind tail as at most two spans; returns its size. */
size_t ring_write_spans(const struct ring *r, struct span out[2]);

/* Copies len bytes to offset, which may lie beyond tail; [offset, offset+len) must fit in head +
 * size. */
void ring_put(struct ring *r, uint64_t offset, const void *src, size_t len);

#endif
