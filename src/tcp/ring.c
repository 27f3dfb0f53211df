/*
 * A ring of bytes addressed by 64-bit stream offsets. Pure.
 */
#include "segcat/tcp/ring.h"

#include <string.h>

void ring_init(struct ring *r, uint8_t *mem, size_t size)
{
    *r = (struct ring){.mem = mem, .size = size};
}

static size_t place(const struct ring *r, uint64_t offset)
{
    return (size_t)(offset & (r->size - 1));
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
