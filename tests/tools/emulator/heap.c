/*
 * Frames waiting for their time: a binary heap by due time, then by order of arrival.
 */
#include <stdlib.h>
#include <string.h>

#include "emulator.h"

struct frame *frame_new(const struct packet *p, nsec_t due, uint64_t order)
{
    struct frame *f = malloc(sizeof(*f) + p->len);

    if (!f)
        die("no memory");
    f->due = due;
    f->order = order;
    f->vnet = p->vnet;
    f->len = p->len;
    memcpy(f->data, p->data, p->len);
    return f;
}

static bool earlier(const struct frame *a, const struct frame *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

void heap_push(struct heap *h, struct frame *f)
{
    size_t i = h->len++;

    if (h->len > h->cap) {
        h->cap = h->cap ? 2 * h->cap : 1024;
        h->at = realloc(h->at, h->cap * sizeof(h->at[0]));
        if (!h->at)
            die("no memory");
    }
    for (; i > 0 && earlier(f, h->at[(i - 1) / 2]); i = (i - 1) / 2)
        h->at[i] = h->at[(i - 1) / 2];
    h->at[i] = f;
}

struct frame *heap_pop(struct heap *h)
{
    struct frame *first = h->at[0];
    struct frame *last = h->at[--h->len];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= h->len)
            break;
        if (child + 1 < h->len && earlier(h->at[child + 1], h->at[child]))
            child++;
        if (!earlier(h->at[child], last))
            break;
        h->at[i] = h->at[child];
        i = child;
    }
    h->at[i] = last;
    return first;
}
