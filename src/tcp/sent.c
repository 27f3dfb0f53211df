/*
 * The sent records: a deque in sequence order, with running sums. Pure.
 */
#include "segcat/tcp/sent.h"

#include <string.h>

#define SENT_FIRST 64 /* a page holds them, with room to spare */

void sent_init(struct sent *s, struct sent_record *mem, size_t max)
{
    *s = (struct sent){.mem = mem, .size = max < SENT_FIRST ? max : SENT_FIRST, .max = max};
}

/* One more record: the deque is given more of its memory when what it has is full. */
static void make_room(struct sent *s)
{
    const size_t before = s->size;

    if (s->count < before || before == s->max)
        return;
    s->size = before <= s->max / 2 ? 2 * before : s->max;
    if (s->size - before >= s->first) {
        /* what had wrapped goes on behind the old end */
        memcpy(s->mem + before, s->mem, s->first * sizeof *s->mem);
    } else {
        /* too little for that: what had not wrapped moves to the new end */
        memmove(s->mem + s->first + (s->size - before), s->mem + s->first,
                (before - s->first) * sizeof *s->mem);
        s->first += s->size - before;
    }
}

struct sent_record *sent_at(const struct sent *s, size_t i)
{
    size_t slot = s->first + i;

    if (slot >= s->size)
        slot -= s->size;
    return &s->mem[slot];
}

void sent_push(struct sent *s, const struct sent_record *r)
{
    make_room(s);
    *sent_at(s, s->count) = *r;
    s->count++;
    s->flight += r->len;
}

size_t sent_find(const struct sent *s, seq_t seq)
{
    size_t low = 0;
    size_t high = s->count;

    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        const struct sent_record *r = sent_at(s, mid);

        if (seq_gt(r->seq + r->len, seq))
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

void sent_mark_sacked(struct sent *s, size_t i)
{
    struct sent_record *r = sent_at(s, i);

    if (r->sacked)
        return;
    if (r->lost) {
        r->lost = false;
        s->lost--;
    } else {
        s->flight -= r->len;
    }
    r->sacked = true;
    s->sacked += r->len;
}

void sent_mark_lost(struct sent *s, size_t i)
{
    struct sent_record *r = sent_at(s, i);

    if (r->lost || r->sacked)
        return;
    r->lost = true;
    s->flight -= r->len;
    if (s->lost++ == 0 || i < s->lost_hint)
        s->lost_hint = i;
}

void sent_mark_resent(struct sent *s, size_t i, usec_t now)
{
    struct sent_record *r = sent_at(s, i);

    if (r->lost) {
        r->lost = false;
        s->lost--;
        s->flight += r->len;
    }
    r->sent_at = now;
    if (r->transmissions < UINT16_MAX)
        r->transmissions++;
}

void sent_forget_sacks(struct sent *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct sent_record *r = sent_at(s, i);

        if (r->sacked) {
            r->sacked = false;
            s->flight += r->len;
        }
    }
    s->sacked = 0;
}

size_t sent_first_lost(struct sent *s)
{
    if (s->lost == 0)
        return s->count;
    while (s->lost_hint < s->count && !sent_at(s, s->lost_hint)->lost)
        s->lost_hint++;
    return s->lost_hint;
}

bool sent_split(struct sent *s, size_t i, uint32_t len)
{
    struct sent_record *r;
    struct sent_record rest;

    if (sent_full(s))
        return false;
    make_room(s);
    for (size_t j = s->count; j > i; j--)
        *sent_at(s, j) = *sent_at(s, j - 1);
    s->count++;
    r = sent_at(s, i);
    rest = *r;
    r->len = len;
    r->fin = false;
    rest.seq += len;
    rest.len -= len;
    rest.syn = false;
    *sent_at(s, i + 1) = rest;
    if (rest.lost)
        s->lost++;
    if (s->lost_hint > i)
        s->lost_hint++;
    return true;
}

/* Takes len of the oldest record out of the sums. */
static void forget(struct sent *s, const struct sent_record *r, uint32_t len)
{
    if (r->sacked)
        s->sacked -= len;
    else if (!r->lost)
        s->flight -= len;
}

void sent_pop(struct sent *s)
{
    const struct sent_record *r = sent_at(s, 0);

    forget(s, r, r->len);
    if (r->lost)
        s->lost--;
    if (++s->first == s->size)
        s->first = 0;
    if (--s->count == 0)
        s->first = 0; /* little in flight touches little memory */
    if (s->lost_hint > 0)
        s->lost_hint--;
}

void sent_trim(struct sent *s, seq_t seq)
{
    struct sent_record *r = sent_at(s, 0);
    const uint32_t n = (uint32_t)seq_diff(seq, r->seq);

    forget(s, r, n);
    r->seq = seq;
    r->len -= n;
    r->syn = false;
}
