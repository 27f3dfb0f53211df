/*
 * Reassembly by intervals of stream offsets. Pure.
 */
#include "segcat/tcp/reassembly.h"

#include <string.h>

void reassembly_init(struct reassembly *r, struct interval *mem, size_t max)
{
    *r = (struct reassembly){.mem = mem, .max = max};
}

/* The first interval that ends at or behind offset: it touches what begins there or lies to the
 * right. */
static size_t first_touching(const struct reassembly *r, uint64_t offset)
{
    size_t low = 0;
    size_t high = r->count;

    while (low < high) {
        const size_t mid = low + (high - low) / 2;

        if (r->mem[mid].right < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void remove_range(struct reassembly *r, size_t at, size_t n)
{
    memmove(&r->mem[at], &r->mem[at + n], (r->count - at - n) * sizeof r->mem[0]);
    r->count -= n;
}

static bool insert(struct reassembly *r, size_t at, uint64_t left, uint64_t right)
{
    if (r->count == r->max)
        return false;
    memmove(&r->mem[at + 1], &r->mem[at], (r->count - at) * sizeof r->mem[0]);
    r->mem[at] = (struct interval){left, right, ++r->clock};
    r->count++;
    return true;
}

bool reassembly_add(struct reassembly *r, uint64_t left, uint64_t right, uint64_t *fresh)
{
    const size_t at = first_touching(r, left);
    uint64_t had = 0;
    size_t end = at;
    struct interval merged = {left, right, 0};

    *fresh = 0;
    if (left >= right)
        return true;
    for (; end < r->count && r->mem[end].left <= right; end++) {
        const struct interval *v = &r->mem[end];
        const uint64_t from = v->left > left ? v->left : left;
        const uint64_t to = v->right < right ? v->right : right;

        if (to > from)
            had += to - from;
        if (v->left < merged.left)
            merged.left = v->left;
        if (v->right > merged.right)
            merged.right = v->right;
    }
    if (end == at) {
        if (!insert(r, at, left, right))
            return false;
        *fresh = right - left;
        return true;
    }
    *fresh = right - left - had;
    merged.touched = ++r->clock;
    r->mem[at] = merged;
    remove_range(r, at + 1, end - at - 1);
    return true;
}

uint64_t reassembly_advance(struct reassembly *r, uint64_t next)
{
    size_t n = 0;

    while (n < r->count && r->mem[n].left <= next) {
        if (r->mem[n].right > next)
            next = r->mem[n].right;
        n++;
    }
    if (n > 0)
        remove_range(r, 0, n);
    return next;
}

size_t reassembly_recent(const struct reassembly *r, struct interval *out, size_t max)
{
    size_t n = 0;
    uint64_t below = UINT64_MAX;

    while (n < max && n < r->count) {
        const struct interval *best = NULL;

        for (size_t i = 0; i < r->count; i++)
            if (r->mem[i].touched < below && (best == NULL || r->mem[i].touched > best->touched))
                best = &r->mem[i];
        if (best == NULL)
            break;
        out[n++] = *best;
        below = best->touched;
    }
    return n;
}
