/*
 * Urgent data (RFC 9293 3.8.5, RFC 6093): delivered in line, told, its pointer trusted in nothing but
 * words. One tcb against a script.
 */
#include "tcb_host.h"

static void inject_urgent(struct host *h, unsigned flags, uint32_t seq, uint32_t len,
                          uint16_t pointer)
{
    h->urgent = pointer;
    inject(h, flags | URG, seq, 1, len);
}

static void delivered_in_line(struct host *h)
{
    open_active(h);
    inject(h, ACK, 1, 1, 10);
    inject_urgent(h, ACK | PSH, 11, 10, 5);
    inject(h, ACK, 21, 1, 10);
    user_reads(h, 1, 30);
}

/* The pointer names the byte behind: 11 + 5 is the first that is not urgent. */
static void pointer_names_the_byte_behind(struct host *h)
{
    open_active(h);
    inject_urgent(h, ACK, 1, 10, 5);
    assert_int_equal(h->event.urgent, 5);
    assert_int_equal(tcb_urgent(&h->t), 5);
    user_reads(h, 1, 10);
    assert_int_equal(tcb_urgent(&h->t), 0);
    /* one byte, the last of the segment */
    inject_urgent(h, ACK, 11, 10, 10);
    assert_int_equal(tcb_urgent(&h->t), 10);
    tcb_consume(&h->t, 9);
    assert_int_equal(tcb_urgent(&h->t), 1);
    tcb_consume(&h->t, 1);
    assert_int_equal(tcb_urgent(&h->t), 0);
}

static void told_once_and_when_it_moves(struct host *h)
{
    open_active(h);
    inject_urgent(h, ACK, 1, 10, 100);
    assert_true(h->event.notes & NOTE_URGENT);
    assert_int_equal(h->event.urgent, 100);
    inject_urgent(h, ACK, 11, 10, 90); /* the same place */
    assert_true(h->event.notes & NOTE_URGENT);
    assert_int_equal(h->event.urgent, 0);
    inject_urgent(h, ACK, 21, 10, 70); /* back: it cannot recede */
    assert_int_equal(h->event.urgent, 0);
    assert_int_equal(tcb_urgent(&h->t), 100);
    inject_urgent(h, ACK, 31, 10, 80); /* on */
    assert_int_equal(h->event.urgent, 110);
    inject(h, ACK, 41, 1, 10); /* without URG: nothing */
    assert_int_equal(h->event.urgent, 0);
}

static void longer_than_a_segment(struct host *h)
{
    open_active(h);
    for (uint32_t i = 0; i < 30; i++) {
        inject_urgent(h, ACK, 1 + 1000 * i, 1000, 65535);
        assert_int_equal(h->event.urgent, 65535);
        drain(h);
        assert_int_equal(tcb_urgent(&h->t), 65535);
        user_reads(h, 1 + 1000 * i, 1000);
        assert_int_equal(tcb_urgent(&h->t), 64535);
    }
}

static void no_pointer_does_harm(struct host *h)
{
    static const uint16_t pointers[] = {0, 1, 5, 10, 11, 32767, 32768, 65535};

    open_active(h);
    for (uint32_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        inject_urgent(h, ACK, 1 + 10 * i, 10, pointers[i]);
        assert_int_equal((h->event.notes & NOTE_URGENT) != 0, pointers[i] != 0);
        inject_urgent(h, ACK, 11 + 10 * i, 0, pointers[i]); /* URG without data */
        h->urgent = pointers[i];
        inject(h, ACK, 11 + 10 * i, 1, 0); /* a pointer without URG */
        assert_false(h->event.notes & NOTE_URGENT);
    }
    drain(h);
    user_reads(h, 1, 80);
}

static void ahead_of_a_hole(struct host *h)
{
    open_active(h);
    inject_urgent(h, ACK, 101, 50, 20); /* out of order: the user hears of it at once */
    assert_int_equal(h->event.urgent, 120);
    inject(h, ACK, 1, 1, 100);
    user_reads(h, 1, 150);
    assert_int_equal(tcb_urgent(&h->t), 0);
    /* an old segment again says nothing new */
    inject_urgent(h, ACK, 101, 51, 20);
    assert_int_equal(h->event.urgent, 0);
}

static void nothing_is_urgent_behind_a_fin(struct host *h)
{
    open_active(h);
    inject(h, FIN | ACK, 1, 1, 10);
    expect(h, ACK, 1, 12, 0);
    inject_urgent(h, ACK, 12, 0, 100);
    assert_int_equal(h->event.urgent, 0);
    assert_int_equal(tcb_urgent(&h->t), 0);
    user_reads(h, 1, 10);
}

static void at_window_zero(struct host *h)
{
    h->cfg.rcv_limit = 1000;
    open_active(h);
    inject(h, ACK, 1, 1, 1000);
    drain(h);
    assert_int_equal(tcb_receive_window(&h->t), 0);
    inject_urgent(h, ACK, 1001, 1, 3);
    assert_int_equal(h->event.urgent, 1003);
    assert_int_equal(h->t.rcv_nxt, h->irs + 1001);
}

static void never_sent(struct host *h)
{
    open_active(h);
    user_writes(h, 1, 5000);
    inject_urgent(h, ACK, 1, 10, 5);
    while (take(h)) {
        assert_false(h->last.flags & URG);
        assert_int_equal(h->last.urgent, 0);
    }
}

static const struct tcb_test tests[] = {
    {"MUST-30 RFC6093-URGENT: urgent data is delivered in line", delivered_in_line},
    {"MUST-62 MUST-33: the pointer names the byte behind it, and how much is unread is known",
     pointer_names_the_byte_behind},
    {"MUST-32: told at once, and again when the pointer moves on", told_once_and_when_it_moves},
    {"MUST-31: of any length", longer_than_a_segment},
    {"TCP.md 9: no pointer does harm, with URG or without, with data or without",
     no_pointer_does_harm},
    {"MUST-32: told though it comes out of order", ahead_of_a_hole},
    {"TCP.md 9: nothing is urgent behind a FIN", nothing_is_urgent_behind_a_fin},
    {"MUST-66: told at window zero", at_window_zero},
    {"SHLD-13: never sent", never_sent},
};

int main(void)
{
    return host_main("urgent", tests, sizeof tests / sizeof tests[0]);
}
