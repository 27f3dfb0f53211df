/*
 * The ring of bytes: offsets, wrapping, growing, beginning anew.
 */
#include "segcat/tcp/ring.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

#define FIRST 64
#define MAX   1024
#define GUARD 0xee

static uint8_t mem[MAX + 1];

static uint8_t byte(uint64_t offset)
{
    return (uint8_t)(offset * 11 + offset / 256);
}

static void start(struct ring *r, uint64_t at)
{
    memset(mem, GUARD, sizeof mem);
    ring_init(r, mem, FIRST, MAX);
    r->base = r->head = r->tail = at;
}

/* Puts the bytes [from, to) of the stream. */
static void put(struct ring *r, uint64_t from, uint64_t to)
{
    for (uint64_t at = from; at < to; at++) {
        const uint8_t b = byte(at);

        ring_put(r, at, &b, 1);
    }
}

static void check(const struct ring *r, uint64_t from, uint64_t to)
{
    struct slice s[2];

    ring_read(r, from, (size_t)(to - from), s);
    for (uint64_t at = from; at < to; at++) {
        const size_t i = (size_t)(at - from);

        assert_int_equal(i < s[0].len ? s[0].data[i] : s[1].data[i - s[0].len], byte(at));
    }
}

static void held_bytes_survive_growing_wherever_they_lie(void **state)
{
    struct ring r;

    (void)state;
    for (uint64_t head = 0; head < 3 * FIRST; head++) {
        for (size_t used = 0; used <= FIRST; used++) {
            start(&r, 0);
            r.head = head;
            r.tail = head + used;
            put(&r, head, r.tail);
            while (r.size < r.max) {
                ring_grow(&r, r.tail);
                check(&r, head, r.tail);
            }
        }
    }
}

static void bytes_beyond_tail_survive_growing_too(void **state)
{
    struct ring r;

    (void)state;
    for (uint64_t head = 0; head < 2 * FIRST; head++) {
        start(&r, 0);
        r.head = r.tail = head;
        put(&r, head + 40, head + FIRST); /* out of order */
        ring_grow(&r, head + FIRST);
        put(&r, head, head + 40);
        put(&r, head + FIRST, head + 2 * FIRST);
        check(&r, head, head + 2 * FIRST);
    }
}

static void growing_ends_at_the_maximum(void **state)
{
    struct ring r;

    (void)state;
    start(&r, 0);
    for (int i = 0; i < 20; i++)
        ring_grow(&r, r.tail);
    assert_int_equal(r.size, MAX);
    put(&r, 0, MAX);
    assert_int_equal(mem[MAX], GUARD);
    ring_init(&r, mem, FIRST, FIRST / 2);
    assert_int_equal(r.size, FIRST / 2); /* never more than there is */
}

static void a_ring_full_and_grown_in_turn_keeps_the_stream(void **state)
{
    const uint64_t far = UINT64_MAX / 2 - 100;
    struct ring r;

    (void)state;
    start(&r, far);
    for (int i = 0; i < 500; i++) {
        const size_t n = ring_space(&r) < 37 ? ring_space(&r) : 37;

        put(&r, r.tail, r.tail + n);
        r.tail += n;
        check(&r, r.head, r.tail);
        r.head += n / 2;
        if (i % 9 == 0)
            ring_grow(&r, r.tail);
    }
    assert_int_equal(r.size, MAX);
    assert_int_equal(mem[MAX], GUARD);
}

/* What an idle connection costs (see the man page): bytes that come and go one by one. */
static void little_data_touches_little_memory(void **state)
{
    struct ring r;
    struct span s[2];

    (void)state;
    start(&r, 12345);
    for (int i = 0; i < 1000; i++) {
        ring_rewind(&r);
        assert_int_equal(ring_write_spans(&r, s), FIRST);
        assert_int_equal(s[0].len, FIRST); /* in one piece */
        put(&r, r.tail, r.tail + 5);
        r.tail += 5;
        ring_rewind(&r); /* not while it holds something */
        check(&r, r.head, r.tail);
        r.head += 5;
    }
    for (size_t i = 5; i < sizeof mem; i++)
        assert_int_equal(mem[i], GUARD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_bytes_survive_growing_wherever_they_lie),
        cmocka_unit_test(bytes_beyond_tail_survive_growing_too),
        cmocka_unit_test(growing_ends_at_the_maximum),
        cmocka_unit_test(a_ring_full_and_grown_in_turn_keeps_the_stream),
        cmocka_unit_test(little_data_touches_little_memory),
    };

    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
