/*
 * The memory of a connection: what the man page says, measured in pages. Two connections of the
 * session joined by nothing but this file, in virtual time.
 */
#include "segcat/session/conn.h"
#include "segcat/session/relay.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BUFFER ((size_t)1 << 20)
#define PAGE   4096
#define RTT    (10 * USEC_MS)

struct pair {
    struct trace trace;
    struct conn c[2];
    usec_t now;
    unsigned count; /* of segments with data, for EVERY_OTHER */
};

/* Which segments with data get through. */
enum passes { ALL, EVERY_OTHER };

static struct segment copy_of(const struct segment *s, uint8_t *bytes)
{
    struct segment out = *s;

    if (s->data[0].len > 0)
        memcpy(bytes, s->data[0].data, s->data[0].len);
    if (s->data[1].len > 0)
        memcpy(bytes + s->data[0].len, s->data[1].data, s->data[1].len);
    out.data[0] = (struct slice){bytes, s->len};
    out.data[1] = (struct slice){NULL, 0};
    out.at = 0;
    return out;
}

/* Everything that side i has to send now, to the other side. */
static void carry(struct pair *p, int i, enum passes pass)
{
    static uint8_t bytes[65536];
    struct segment seg;

    while (tcb_next(&p->c[i].tcb, &seg, p->now)) {
        const struct segment s = copy_of(&seg, bytes);

        if (s.len == 0 || pass == ALL || p->count++ % 2 == 1)
            tcb_segment(&p->c[1 - i].tcb, &s, p->now);
    }
}

static void pass_time(struct pair *p, usec_t d)
{
    p->now += d;
    for (int i = 0; i < 2; i++)
        tcb_timeout(&p->c[i].tcb, p->now);
}

static void start(struct pair *p, size_t buffer, uint32_t mtu)
{
    const struct trace_config quiet = {.fd = -1};
    struct endpoint end[2] = {
        {.ip = {.version = IP_V4, .bytes = {192, 0, 2, 1}}, .port = 40000},
        {.ip = {.version = IP_V4, .bytes = {192, 0, 2, 2}}, .port = 80},
    };
    struct conn_config cfg = {.buffer = buffer, .mtu = mtu, .trace = &p->trace, .no_nagle = true};
    struct segment syn;

    memset(p, 0, sizeof *p);
    trace_init(&p->trace, &quiet);
    p->now = 1000 * USEC_SEC;
    assert_int_equal(conn_open(&p->c[0], &cfg, &end[0], &end[1], NULL, p->now), 0);
    assert_true(tcb_next(&p->c[0].tcb, &syn, p->now));
    pass_time(p, RTT);
    assert_int_equal(conn_open(&p->c[1], &cfg, &end[1], &end[0], &syn, p->now), 0);
    carry(p, 1, ALL);
    carry(p, 0, ALL);
    assert_true(tcb_synchronized(&p->c[1].tcb));
}

static void end(struct pair *p)
{
    conn_close(&p->c[0]);
    conn_close(&p->c[1]);
}

/* The bytes of memory that a connection uses. */
static size_t used(const struct conn *c)
{
    const size_t pages = c->mem_len / PAGE;
    unsigned char *const there = calloc(pages, 1);
    size_t n = 0;

    assert_non_null(there);
    assert_int_equal(c->mem_len % PAGE, 0);
    assert_int_equal(mincore(c->mem, c->mem_len, there), 0);
    for (size_t i = 0; i < pages; i++)
        n += there[i] & 1;
    free(there);
    return sizeof *c + n * PAGE;
}

static size_t writes(struct conn *c, size_t n)
{
    static const uint8_t zero[BUFFER];

    return tcb_write(&c->tcb, zero, n);
}

static void reads_all(struct conn *c)
{
    struct slice s[2];

    tcb_consume(&c->tcb, tcb_peek(&c->tcb, s));
}

/* Both write as much as goes, for so many round trips; or until nothing moves. */
static void transfer(struct pair *p, int rounds, bool reading)
{
    for (int k = 0; k < rounds; k++) {
        for (int i = 0; i < 2; i++) {
            for (int more = 0; more < 4; more++)
                writes(&p->c[i], BUFFER);
            carry(p, i, ALL);
        }
        for (int i = 0; i < 2; i++) {
            if (reading)
                reads_all(&p->c[i]);
            carry(p, i, ALL);
        }
        pass_time(p, USEC_MS);
    }
}

/* Until nothing is under way. */
static void quiet(struct pair *p)
{
    for (int k = 0; k < 100000; k++) {
        for (int i = 0; i < 2; i++) {
            reads_all(&p->c[i]);
            carry(p, i, ALL);
        }
        if (tcb_unacked(&p->c[0].tcb) + tcb_unacked(&p->c[1].tcb) == 0)
            return;
        pass_time(p, USEC_MS);
    }
    fail_msg("it never gets quiet");
}

/* As many records and intervals as there can be: segments of one byte, and each second lost. */
static void crumbs(struct pair *p, int i)
{
    struct tcb *const t = &p->c[i].tcb;

    for (size_t k = 0; k < 4 * t->sent.max && !sent_full(&t->sent); k++) {
        assert_int_equal(writes(&p->c[i], 1), 1);
        for (int try = 0; try < 100 && t->snd_nxt - t->snd_base < ring_used(&t->snd); try++) {
            carry(p, i, EVERY_OTHER);
            p->now += 10;
            tcb_timeout(t, p->now);
        }
    }
}

static void the_maximum_is_reached_and_not_passed(void **state)
{
    struct pair p;

    (void)state;
    start(&p, BUFFER, 1500);
    transfer(&p, 2000, true);
    for (int i = 0; i < 2; i++) {
        quiet(&p);
        crumbs(&p, i);
        assert_true(sent_full(&p.c[i].tcb.sent));
        assert_int_equal(p.c[1 - i].tcb.ooo.count, p.c[1 - i].tcb.ooo.max);
    }
    quiet(&p); /* all is mended */
    transfer(&p, 2000, true);
    transfer(&p, 2000, false);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(p.c[i].tcb.snd.size, BUFFER);
        assert_int_equal(p.c[i].tcb.rcv.size, BUFFER);
        assert_true(used(&p.c[i]) <= conn_memory_max(BUFFER));
        assert_true(used(&p.c[i]) > conn_memory_max(BUFFER) / 10 * 9);
    }
    end(&p);
}

/* The man page: three pages. */
static void a_dialogue_uses_three_pages(void **state)
{
    struct pair p;

    (void)state;
    start(&p, CONN_BUFFER_DEFAULT, 1500);
    for (int k = 0; k < 20000; k++) {
        const int i = k % 2;

        assert_int_equal(writes(&p.c[i], 100), 100);
        carry(&p, i, ALL);
        reads_all(&p.c[1 - i]);
        carry(&p, 1 - i, ALL);
        pass_time(&p, USEC_MS);
    }
    for (int i = 0; i < 2; i++) {
        assert_true(p.c[i].tcb.stats.bytes_received == 1000000);
        assert_true(used(&p.c[i]) <= sizeof p.c[i] + 3 * PAGE);
        assert_true(used(&p.c[i]) <= 16384);
    }
    end(&p);
}

static void an_open_connection_uses_less(void **state)
{
    struct pair p;

    (void)state;
    start(&p, CONN_BUFFER_DEFAULT, 1500);
    for (int i = 0; i < 2; i++)
        assert_true(used(&p.c[i]) <= sizeof p.c[i] + PAGE); /* the record of its SYN */
    end(&p);
}

/* Or a sender waits for the delayed ACK of its only segment. */
static void a_full_ring_that_may_grow_wants_input(void **state)
{
    const struct relay relay = {.in = 0, .out = -1};
    struct pair p;

    (void)state;
    start(&p, BUFFER, 65535);
    assert_int_equal(writes(&p.c[0], BUFFER), 65536);
    assert_true(relay_wants_input(&relay, &p.c[0].tcb));
    tcb_make_room(&p.c[0].tcb);
    assert_true(p.c[0].tcb.snd.size > 65536);
    while (writes(&p.c[0], BUFFER) > 0) {
    }
    assert_false(relay_wants_input(&relay, &p.c[0].tcb)); /* twice the window, and no more */
    assert_true(p.c[0].tcb.snd.size < 4 * (size_t)p.c[0].tcb.cc.cwnd);
    end(&p);
}

static void the_man_page_says_so(void **state)
{
    (void)state;
    assert_true(conn_memory_max(0) == conn_memory_max((size_t)16 << 20));
    assert_in_range(conn_memory_max(0), (size_t)32 << 20, (size_t)34 << 20);
    assert_in_range(conn_memory_max(65536), 131072, 160 << 10);
    assert_int_equal(conn_ring_size(100000), 65536);
    assert_int_equal(conn_ring_size(131072), 131072);
    assert_int_equal(conn_ring_size(1), CONN_BUFFER_MIN);
    assert_int_equal(conn_ring_size(CONN_BUFFER_MAX), CONN_BUFFER_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_maximum_is_reached_and_not_passed),
        cmocka_unit_test(a_dialogue_uses_three_pages),
        cmocka_unit_test(an_open_connection_uses_less),
        cmocka_unit_test(a_full_ring_that_may_grow_wants_input),
        cmocka_unit_test(the_man_page_says_so),
    };

    return cmocka_run_group_tests_name("conn memory", tests, NULL, NULL);
}
