/*
 * The deque of sent records: growing into its memory, in whatever order records come and go.
 */
#include "segcat/tcp/sent.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

#define MAX 1000 /* no power of two times what it begins with */

static struct sent_record mem[MAX + 1];
static seq_t next;

static void push(struct sent *s)
{
    const struct sent_record r = {.seq = next, .len = 10, .transmissions = 1};

    sent_push(s, &r);
    next += 10;
}

static void check(const struct sent *s)
{
    seq_t at = next - 10 * (seq_t)s->count;

    for (size_t i = 0; i < s->count; i++, at += 10) {
        assert_int_equal(sent_at(s, i)->seq, at);
        assert_int_equal(sent_at(s, i)->len, 10);
    }
    assert_int_equal(s->flight, 10 * s->count);
    assert_int_equal(mem[MAX].transmissions, 0xeeee);
}

static void start(struct sent *s, size_t max)
{
    memset(mem, 0xee, sizeof mem);
    next = 0xffffff00;
    sent_init(s, mem, max);
}

static void records_survive_growing_wherever_they_lie(void **state)
{
    (void)state;
    for (size_t popped = 0; popped <= 130; popped++) {
        struct sent s;

        start(&s, MAX);
        for (size_t i = 0; i < popped; i++) {
            push(&s);
            push(&s);
            sent_pop(&s);
        }
        while (!sent_full(&s)) {
            push(&s);
            check(&s);
        }
        assert_int_equal(s.count, MAX);
    }
}

static void a_split_makes_room_for_itself(void **state)
{
    (void)state;
    for (size_t popped = 0; popped < 64; popped++) {
        struct sent s;
        const size_t one = popped + 1;

        start(&s, MAX);
        for (size_t i = 0; i < one; i++)
            push(&s);
        for (size_t i = 0; i < popped; i++)
            sent_pop(&s);
        while (s.count < s.size)
            push(&s);
        assert_true(sent_split(&s, 3, 4));
        assert_int_equal(sent_at(&s, 3)->len, 4);
        assert_int_equal(sent_at(&s, 4)->len, 6);
        assert_int_equal(sent_at(&s, 4)->seq, sent_at(&s, 3)->seq + 4);
        assert_int_equal(sent_at(&s, s.count - 1)->seq, next - 10);
        assert_int_equal(sent_at(&s, 0)->seq, next - 10 * (seq_t)(s.count - 1));
    }
}

static void no_more_than_the_maximum(void **state)
{
    struct sent s;

    (void)state;
    start(&s, 10);
    while (!sent_full(&s))
        push(&s);
    assert_int_equal(s.count, 10);
    assert_false(sent_split(&s, 0, 5)); /* TCP.md 27 */
    check(&s);
}

static void little_in_flight_touches_little_memory(void **state)
{
    struct sent s;

    (void)state;
    start(&s, MAX);
    for (int i = 0; i < 10000; i++) {
        push(&s);
        push(&s);
        sent_pop(&s);
        sent_pop(&s);
    }
    for (size_t i = 2; i <= MAX; i++)
        assert_int_equal(mem[i].transmissions, 0xeeee);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_survive_growing_wherever_they_lie),
        cmocka_unit_test(a_split_makes_room_for_itself),
        cmocka_unit_test(no_more_than_the_maximum),
        cmocka_unit_test(little_in_flight_touches_little_memory),
    };

    return cmocka_run_group_tests_name("sent", tests, NULL, NULL);
}
