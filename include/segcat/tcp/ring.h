/*
 * A ring of bytes addressed by 64-bit stream offsets: byte number n of a stream lies at (n - base)
 * mod size. The memory is the caller's; the ring begins with a part of it and takes more when asked
 * to. What it has not come to use is never touched. Pure.
 */
#ifndef SEGCAT_TCP_RING_H
#define SEGCAT_TCP_RING_H

#include <stddef.h>
#include <stdint.h>

#include "segcat/wire/segment.h"

struct ring {
    uint8_t *mem;
    size_t size;   /* in use now, a power of two */
    size_t max;    /* what there is, a power of two */
    uint64_t base; /* offset of a byte that lies at mem[0] */
    uint64_t head; /* offset of the first byte held */
    uint64_t tail; /* offset after the last byte held */
};

/* A piece of memory that may be written. */
struct span {
    uint8_t *data;
    size_t len;
};

/* Begins with `first` bytes of the `max` at mem. */
void ring_init(struct ring *r, uint8_t *mem, size_t first, size_t max);

/*
 * Twice the size, if there is as much; the bytes [head, end) keep their values and their offsets.
 * Slices and spans handed out before are void.
 */
void ring_grow(struct ring *r, uint64_t end);

/* An empty ring begins at its first byte again, so that little data touches little memory. */
void ring_rewind(struct ring *r);

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
