/*
 * The sent records: a deque in sequence order, with running sums. Pure.
 */
#include "segcat/tcp/sent.h"

#include <string.h>

#define SENT_FIRST 64 /* a page holds them, with room to spare */

void sent_init(struct sent *s, struct sent_record *mem, size_t max)
{
    *s = (struct sent){
        .mem = mem,
        .size = max < SENT_FIRST ? max : SENT_FIRST,
        .max = max,
        .cursor = SENT_NONE,
    };
    s->in_flight = s->to_resend = (struct sent_list){SENT_NONE, SENT_NONE};
}

/* --- places --- */

/* Where slot i lies in memory. */
static uint32_t place_of(const struct sent *s, size_t i)
{
    const size_t p = s->first + i;

    return (uint32_t)(p >= s->size ? p - s->size : p);
}

static size_t slot_of(const struct sent *s, uint32_t place)
{
    return place >= s->first ? place - s->first : place + s->size - s->first;
}

struct sent_record *sent_at(const struct sent *s, size_t i)
{
    return &s->mem[place_of(s, i)];
}

/* --- lists --- */

/* Puts the record at `place` behind the one at `after`, SENT_NONE: in front. */
static void insert(struct sent *s, struct sent_list *l, uint32_t after, uint32_t place)
{
    struct sent_record *r = &s->mem[place];

    r->prev = after;
    r->next = after == SENT_NONE ? l->head : s->mem[after].next;
    if (r->prev == SENT_NONE)
        l->head = place;
    else
        s->mem[r->prev].next = place;
    if (r->next == SENT_NONE)
        l->tail = place;
    else
        s->mem[r->next].prev = place;
}

static void take_out(struct sent *s, struct sent_list *l, uint32_t place)
{
    const struct sent_record *r = &s->mem[place];

    if (r->prev == SENT_NONE)
        l->head = r->next;
    else
        s->mem[r->prev].next = r->next;
    if (r->next == SENT_NONE)
        l->tail = r->prev;
    else
        s->mem[r->next].prev = r->prev;
    if (s->cursor == place)
        s->cursor = SENT_NONE;
}

/* Into the list of lost ones, in sequence order. They come in that order mostly: at the end, in
 * front, or behind the one before. */
static void insert_lost(struct sent *s, uint32_t place)
{
    const seq_t seq = s->mem[place].seq;
    uint32_t after = s->to_resend.tail;

    if (after != SENT_NONE && seq_gt(s->mem[after].seq, seq)) {
        after = SENT_NONE;
        if (s->cursor != SENT_NONE && seq_lt(s->mem[s->cursor].seq, seq))
            after = s->cursor;
        for (;;) {
            const uint32_t next = after == SENT_NONE ? s->to_resend.head : s->mem[after].next;

            if (next == SENT_NONE || seq_gt(s->mem[next].seq, seq))
                break;
            after = next;
        }
    }
    insert(s, &s->to_resend, after, place);
    s->cursor = place;
}

/* In flight, at the end: nothing was sent later. */
static void join_flight(struct sent *s, uint32_t place)
{
    s->flight += s->mem[place].len;
    s->resent += s->mem[place].transmissions > 1;
    insert(s, &s->in_flight, s->in_flight.tail, place);
}

/* Takes the record out of whichever sums and list it is in. */
static void leave(struct sent *s, uint32_t place)
{
    const struct sent_record *r = &s->mem[place];

    if (r->sacked) {
        s->sacked -= r->len;
        s->sacked_count--;
    } else if (r->lost) {
        s->lost--;
        take_out(s, &s->to_resend, place);
    } else {
        s->flight -= r->len;
        s->resent -= r->transmissions > 1;
        take_out(s, &s->in_flight, place);
    }
}

/* --- room --- */

/* Places from `from` up to `to` have moved on by `by`. */
static void moved(uint32_t *link, size_t from, size_t to, size_t by)
{
    if (*link != SENT_NONE && *link >= from && *link < to)
        *link += (uint32_t)by;
}

static void move_links(struct sent *s, size_t from, size_t to, size_t by)
{
    for (size_t i = 0; i < s->count; i++) {
        moved(&sent_at(s, i)->prev, from, to, by);
        moved(&sent_at(s, i)->next, from, to, by);
    }
    moved(&s->in_flight.head, from, to, by);
    moved(&s->in_flight.tail, from, to, by);
    moved(&s->to_resend.head, from, to, by);
    moved(&s->to_resend.tail, from, to, by);
    moved(&s->cursor, from, to, by);
}

/* One more record: the deque is given more of its memory when what it has is full. */
static void make_room(struct sent *s)
{
    const size_t before = s->size;
    const size_t wrapped = s->first;
    size_t more;

    if (s->count < before || before == s->max)
        return;
    s->size = before <= s->max / 2 ? 2 * before : s->max;
    more = s->size - before;
    if (more >= wrapped) {
        /* what had wrapped goes on behind the old end */
        memcpy(s->mem + before, s->mem, wrapped * sizeof *s->mem);
        move_links(s, 0, wrapped, before);
    } else {
        /* too little for that: what had not wrapped moves to the new end */
        memmove(s->mem + wrapped + more, s->mem + wrapped, (before - wrapped) * sizeof *s->mem);
        s->first += more;
        move_links(s, wrapped, before, more);
    }
}

void sent_push(struct sent *s, const struct sent_record *r)
{
    uint32_t place;

    make_room(s);
    place = place_of(s, s->count);
    s->mem[place] = *r;
    s->count++;
    join_flight(s, place);
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
    leave(s, place_of(s, i));
    r->lost = false;
    r->sacked = true;
    s->sacked += r->len;
    s->sacked_count++;
}

void sent_mark_lost(struct sent *s, size_t i)
{
    struct sent_record *r = sent_at(s, i);

    if (r->lost || r->sacked)
        return;
    leave(s, place_of(s, i));
    r->lost = true;
    s->lost++;
    insert_lost(s, place_of(s, i));
}

void sent_mark_resent(struct sent *s, size_t i, usec_t now)
{
    struct sent_record *r = sent_at(s, i);

    if (!r->sacked)
        leave(s, place_of(s, i));
    r->lost = false;
    r->sent_at = now;
    if (r->transmissions < UINT16_MAX)
        r->transmissions++;
    if (!r->sacked)
        join_flight(s, place_of(s, i));
}

void sent_forget_sacks(struct sent *s)
{
    for (size_t i = 0; i < s->count && s->sacked_count > 0; i++) {
        struct sent_record *r = sent_at(s, i);

        if (!r->sacked)
            continue;
        leave(s, place_of(s, i));
        r->sacked = false;
        r->lost = true;
        s->lost++;
        insert_lost(s, place_of(s, i));
    }
}

/* The lost ones come in sequence order, which is nearly the order of transmission: the place of
 * each is looked for from that of the one before. */
void sent_unmark_lost(struct sent *s)
{
    uint32_t after = SENT_NONE;

    while (s->to_resend.head != SENT_NONE) {
        const uint32_t place = s->to_resend.head;
        struct sent_record *r = &s->mem[place];

        leave(s, place);
        r->lost = false;
        if (after != SENT_NONE && s->mem[after].sent_at > r->sent_at)
            after = SENT_NONE;
        for (;;) {
            const uint32_t next = after == SENT_NONE ? s->in_flight.head : s->mem[after].next;

            if (next == SENT_NONE || s->mem[next].sent_at > r->sent_at)
                break;
            after = next;
        }
        insert(s, &s->in_flight, after, place);
        s->flight += r->len;
        s->resent += r->transmissions > 1;
        after = place;
    }
}

size_t sent_first_lost(const struct sent *s)
{
    return s->to_resend.head == SENT_NONE ? s->count : slot_of(s, s->to_resend.head);
}

size_t sent_longest_out(const struct sent *s)
{
    return s->in_flight.head == SENT_NONE ? s->count : slot_of(s, s->in_flight.head);
}

/* Records from slot i on are about to lie one place further. */
static void shift_links(const struct sent *s, size_t i, uint32_t *link)
{
    if (*link != SENT_NONE && slot_of(s, *link) >= i)
        *link = place_of(s, slot_of(s, *link) + 1);
}

/* Makes room for a record at slot i. Rare: a smaller path MTU or window. */
static void open_gap(struct sent *s, size_t i)
{
    for (size_t j = 0; j < s->count; j++) {
        shift_links(s, i, &sent_at(s, j)->prev);
        shift_links(s, i, &sent_at(s, j)->next);
    }
    shift_links(s, i, &s->in_flight.head);
    shift_links(s, i, &s->in_flight.tail);
    shift_links(s, i, &s->to_resend.head);
    shift_links(s, i, &s->to_resend.tail);
    shift_links(s, i, &s->cursor);
    for (size_t j = s->count; j > i; j--)
        *sent_at(s, j) = *sent_at(s, j - 1);
    s->count++;
}

bool sent_split(struct sent *s, size_t i, uint32_t len)
{
    struct sent_record *r, *rest;

    if (sent_full(s))
        return false;
    make_room(s);
    open_gap(s, i + 1);
    r = sent_at(s, i);
    rest = sent_at(s, i + 1);
    *rest = *r;
    rest->seq += len;
    rest->len -= len;
    rest->syn = false;
    r->len = len;
    r->fin = false;
    if (r->sacked) {
        s->sacked_count++;
    } else if (r->lost) {
        s->lost++;
        insert(s, &s->to_resend, place_of(s, i), place_of(s, i + 1));
    } else {
        s->resent += r->transmissions > 1;
        insert(s, &s->in_flight, place_of(s, i), place_of(s, i + 1));
    }
    return true;
}

void sent_pop(struct sent *s)
{
    leave(s, place_of(s, 0));
    if (++s->first == s->size)
        s->first = 0;
    if (--s->count == 0)
        s->first = 0; /* little in flight touches little memory */
}

void sent_trim(struct sent *s, seq_t seq)
{
    struct sent_record *r = sent_at(s, 0);
    const uint32_t n = (uint32_t)seq_diff(seq, r->seq);

    if (r->sacked)
        s->sacked -= n;
    else if (!r->lost)
        s->flight -= n;
    r->seq = seq;
    r->len -= n;
    r->syn = false;
}
