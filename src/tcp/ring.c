/*
 * A ring of bytes addressed by 64-bit stream offsets. Pure.
 */
#include "segcat/tcp/ring.h"

#include <string.h>

void ring_init(struct ring *r, uint8_t *mem, size_t first, size_t max)
{
    *r = (struct ring){.mem = mem, .size = first < max ? first : max, .max = max};
}

static size_t place(const struct ring *r, uint64_t offset)
{
    return (size_t)((offset - r->base) & (r->size - 1));
}

/*
 * What is held spans at most one multiple of the old size, so of the two pieces that this makes
 * just one lies elsewhere in a ring of twice the size: that far further on.
 */
void ring_grow(struct ring *r, uint64_t end)
{
    const uint64_t from = r->head - r->base;
    const uint64_t to = end - r->base;
    const uint64_t border = (from | (r->size - 1)) + 1;
    const uint64_t middle = to < border ? to : border;

    if (r->size >= r->max)
        return;
    if (from & r->size)
        memcpy(r->mem + r->size + place(r, r->head), r->mem + place(r, r->head),
               (size_t)(middle - from));
    else
        memcpy(r->mem + r->size, r->mem, (size_t)(to - middle));
    r->size *= 2;
}

void ring_rewind(struct ring *r)
{
    if (r->head == r->tail)
        r->base = r->head;
}

/* How many of len bytes from offset on lie before the ring wraps. */
static size_t until_wrap(const struct ring *r, uint64_t offset, size_t len)
{
    const size_t room = r->size - place(r, offset);

    return len < room ? len : room;
}

void ring_read(const struct ring *r, uint64_t offset, size_t len, struct slice out[2])
{
    const size_t first = until_wrap(r, offset, len);

    out[0] = (struct slice){r->mem + place(r, offset), first};
    out[1] = (struct slice){r->mem, len - first};
}

size_t ring_write_spans(const struct ring *r, struct span out[2])
{
    const size_t space = ring_space(r);
    const size_t first = until_wrap(r, r->tail, space);

    out[0] = (struct span){r->mem + place(r, r->tail), first};
    out[1] = (struct span){r->mem, space - first};
    return space;
}

void ring_put(struct ring *r, uint64_t offset, const void *src, size_t len)
{
    const size_t first = until_wrap(r, offset, len);

    if (len == 0)
        return;
    memcpy(r->mem + place(r, offset), src, first);
    memcpy(r->mem, (const uint8_t *)src + first, len - first);
}
