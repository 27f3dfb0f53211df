/*
 * What -v and -vv print, from events that are made up here: exact lines, their width, escapes,
 * colours, a reader that is slow or gone. Uses temporary files and pipes.
 */
#define _GNU_SOURCE /* pipe2 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "segcat/trace/line.h"
#include "segcat/trace/trace.h"

#define ISS    0xfffffff0U /* the numbers come round soon */
#define IRS    0x80000000U
#define COLUMN 55

static struct trace trace;
static struct trace_conn conn;
static struct tcb tcb;
static FILE *out;
static char text[65536];

/* --- a connection that was never there --- */

static const struct endpoint here = {{.version = IP_V4, .bytes = {192, 0, 2, 10}}, 40046};
static const struct endpoint there = {{.version = IP_V4, .bytes = {192, 0, 2, 20}}, 8088};

static void begin(int verbose)
{
    const struct trace_config cfg = {.fd = fileno(out), .verbose = verbose, .color = COLOR_NEVER};

    trace_init(&trace, &cfg);
    trace_conn_init(&conn, &trace, &here, &there, 0);
    trace.origin = 0;
    trace.origin_valid = true;
    memset(&tcb, 0, sizeof tcb);
    tcb.iss = ISS;
    tcb.irs = IRS;
    tcb.snd_una = ISS;
    tcb.snd_nxt = ISS;
    tcb.rcv_nxt = IRS + 1;
    tcb.rcv_adv = IRS + 65536;
    tcb.rcv_wscale = 7;
    tcb.snd_wscale = 10;
    tcb.use_wscale = tcb.use_sack = tcb.use_ts = true;
    tcb.mss_max = tcb.peer_mss = 1460;
    tcb.state = STATE_ESTABLISHED;
    rtt_init(&tcb.rtt);
    for (int i = 0; i < TIMER_COUNT; i++)
        tcb.timer[i] = USEC_NEVER;
}

static int set_up(void **state)
{
    (void)state;
    out = tmpfile();
    return out != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fclose(out);
    return 0;
}

/* All that was written so far. */
static const char *written(void)
{
    size_t n;

    rewind(out);
    n = fread(text, 1, sizeof text - 1, out);
    text[n] = '\0';
    return text;
}

/* The last line written, without its newline. */
static const char *last(void)
{
    size_t n;

    written();
    n = strlen(text);
    assert_true(n > 0 && text[n - 1] == '\n');
    text[n - 1] = '\0';
    return strrchr(text, '\n') != NULL ? strrchr(text, '\n') + 1 : text;
}

static struct segment segment(unsigned flags, seq_t seq, seq_t ack, const char *data, uint32_t len)
{
    struct segment s = {
        .flags = (uint16_t)flags, .seq = seq, .ack = ack, .window = 512, .len = len};

    s.data[0].data = (const uint8_t *)data;
    s.data[0].len = len;
    return s;
}

static struct tcp_event event(enum tcp_event_type type, const struct segment *seg, usec_t at)
{
    return (struct tcp_event){.type = type,
                              .tcb = &tcb,
                              .seg = seg,
                              .at = at,
                              .old_state = tcb.state,
                              .new_state = tcb.state,
                              .transmissions = 1};
}

static void emit(const struct tcp_event *ev)
{
    trace_event(&conn, ev);
}

/* An event that carries the state of the connection on. */
static void emit_to(struct tcp_event *ev, enum tcp_state to)
{
    tcb.state = ev->new_state = to;
    emit(ev);
}

static char bulk[65536];

/* --- the table --- */

static void play_handshake(void)
{
    struct segment s = segment(SEG_SYN, ISS, 0, NULL, 0);
    struct tcp_event ev;

    s.window = 65535;
    s.opt =
        (struct tcp_options){.present = OPT_MSS | OPT_WSCALE | OPT_SACK_PERMITTED | OPT_TIMESTAMPS,
                             .mss = 1460,
                             .wscale = 7};
    tcb.state = STATE_CLOSED;
    ev = event(EVENT_SENT, &s, 0);
    ev.reason = SEND_SYN;
    tcb.snd_nxt = ISS + 1;
    emit_to(&ev, STATE_SYN_SENT);

    s.flags = SEG_SYN | SEG_ACK;
    s.seq = IRS;
    s.ack = ISS + 1;
    s.window = 65160;
    s.opt.wscale = 10;
    ev = event(EVENT_RECEIVED, &s, 20113);
    ev.rtt = 20113;
    tcb.stats.established_at = 20113;
    tcb.stats.handshake_rtt = 20113;
    emit_to(&ev, STATE_ESTABLISHED);

    s = segment(SEG_ACK, ISS + 1, IRS + 1, NULL, 0);
    ev = event(EVENT_SENT, &s, 20171);
    ev.reason = SEND_HANDSHAKE_ACK;
    emit(&ev);
}

/* A segment of ours with 1448-byte windows and no news. */
static void play_sent(usec_t at, unsigned flags, seq_t seq, seq_t ack, const char *data,
                      uint32_t len, enum send_reason reason, struct tcp_event *ev)
{
    static struct segment s;

    s = segment(flags, ISS + seq, IRS + ack, data, len);
    *ev = event(EVENT_SENT, &s, at);
    ev->reason = reason;
    tcb.snd_nxt = seq_max(tcb.snd_nxt, s.seq + segment_seq_len(&s));
}

static void play_received(usec_t at, unsigned flags, seq_t seq, seq_t ack, const char *data,
                          uint32_t len, struct tcp_event *ev)
{
    static struct segment s;

    s = segment(flags, IRS + seq, ISS + ack, data, len);
    s.window = 64;
    *ev = event(EVENT_RECEIVED, &s, at);
}

static void sack(struct tcp_event *ev, seq_t left, seq_t right)
{
    struct segment *s = (struct segment *)(uintptr_t)ev->seg;

    s->opt.present |= OPT_SACK;
    s->opt.sack[s->opt.sack_count++] = (struct sack_block){left, right};
}

static void window(struct tcp_event *ev, uint16_t window)
{
    ((struct segment *)(uintptr_t)ev->seg)->window = window;
}

/* The middle of TRACE.md's connection. */
static void play_data(void)
{
    struct tcp_event ev;

    play_sent(1020400, SEG_PSH | SEG_ACK, 1, 1, "hello\n", 6, SEND_DATA, &ev);
    emit(&ev);
    play_received(1040552, SEG_ACK, 1, 7, NULL, 0, &ev);
    ev.acked = 6;
    ev.rtt = 20152;
    emit(&ev);
    play_received(2000100, SEG_ACK, 1, 7, bulk, 1448, &ev);
    ev.delivered = 1448;
    emit(&ev);
    play_sent(2000141, SEG_ACK, 7, 1449, NULL, 0, SEND_ACK_QUICK, &ev);
    emit(&ev);
    play_received(2000905, SEG_ACK, 2897, 7, bulk, 1448, &ev);
    ev.notes = NOTE_OUT_OF_ORDER;
    ev.hole_left = IRS + 1449;
    ev.hole_right = IRS + 2897;
    emit(&ev);
    play_sent(2000933, SEG_ACK, 7, 1449, NULL, 0, SEND_ACK_DUPLICATE, &ev);
    ev.dup_acks = 1;
    sack(&ev, IRS + 2897, IRS + 4345);
    emit(&ev);
    play_received(2021207, SEG_PSH | SEG_ACK, 1449, 7, bulk, 1448, &ev);
    ev.notes = NOTE_FILLS_HOLE;
    ev.delivered = 2896;
    emit(&ev);
    play_sent(2021243, SEG_ACK, 7, 4345, NULL, 0, SEND_ACK_FILLED, &ev);
    emit(&ev);
    play_sent(4000031, SEG_ACK, 7, 4345, bulk, 1448, SEND_RETRANSMIT_RTO, &ev);
    ev.transmissions = 2;
    ev.delay = USEC_SEC;
    ev.cwnd_before = 14480;
    ev.cwnd = 1448;
    emit(&ev);
}

static void play_zero_window(void)
{
    struct tcp_event ev;

    tcb.snd.tail = 500;
    play_received(5020110, SEG_ACK, 4345, 2507, NULL, 0, &ev);
    window(&ev, 0);
    ev.notes = NOTE_ZERO_WINDOW;
    tcb.timer[TIMER_PERSIST] = 5020110 + USEC_SEC;
    emit(&ev);
    play_sent(6020203, SEG_ACK, 2507, 4345, bulk, 1, SEND_WINDOW_PROBE, &ev);
    tcb.probe_tries = 1;
    emit(&ev);
    tcb.timer[TIMER_PERSIST] = USEC_NEVER;
    play_received(8060518, SEG_ACK, 4345, 2508, NULL, 0, &ev);
    ev.notes = NOTE_WINDOW_OPENED | NOTE_WINDOW_UPDATE;
    ev.acked = 1;
    emit(&ev);
}

static void play_teardown(void)
{
    struct tcp_event ev;

    play_sent(9000040, SEG_FIN | SEG_ACK, 3007, 4345, NULL, 0, SEND_FIN, &ev);
    emit_to(&ev, STATE_FIN_WAIT_1);
    play_received(9020151, SEG_ACK, 4345, 3008, NULL, 0, &ev);
    tcb.fin_acked = true;
    emit_to(&ev, STATE_FIN_WAIT_2);
    play_received(9500118, SEG_PSH | SEG_ACK, 4345, 3008, "bye\n", 4, &ev);
    ev.notes = NOTE_HALF_CLOSED;
    emit(&ev);
    play_sent(9500157, SEG_ACK, 3008, 4349, NULL, 0, SEND_ACK_QUICK, &ev);
    emit(&ev);
    play_received(9600233, SEG_FIN | SEG_ACK, 4349, 3008, NULL, 0, &ev);
    tcb.fin_received = true;
    emit_to(&ev, STATE_TIME_WAIT);
    play_sent(9600271, SEG_ACK, 3008, 4350, NULL, 0, SEND_ACK_FIN, &ev);
    emit(&ev);
    ev = event(EVENT_STATE, NULL, 69600271);
    ev.timer = TIMER_TIME_WAIT;
    ev.delay = 60 * USEC_SEC;
    emit_to(&ev, STATE_CLOSED);
}

static void a_whole_connection_reads_as_promised(void **state)
{
    (void)state;
    begin(2);
    play_handshake();
    play_data();
    play_zero_window();
    play_teardown();
    assert_string_equal(
        written(),
        "      TIME     SEGMENT  SEQ         ACK    LEN    WIN  STATE / EVENT\n"
        "  0.000000 --> SYN      0:1           -      0  65535  CLOSED -> SYN-SENT\n"
        "               mss 1460, wscale 7 (x128), sack-permitted, timestamps\n"
        "  0.020113 <-- SYN,ACK  0:1           1      0  65160  SYN-SENT -> ESTABLISHED"
        "  rtt 20.1 ms\n"
        "               mss 1460, wscale 10 (x1024), sack-permitted, timestamps\n"
        "  0.020171 --> ACK      1             1      0  65536\n"
        "  1.020400 --> PSH,ACK  1:7           1      6  65536  \"hello\\n\"\n"
        "  1.040552 <-- ACK      1             7      0  65536  acks 6  rtt 20.2 ms\n"
        "  2.000100 <-- ACK      1:1449        7   1448  65536"
        "  \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"...\n"
        "  2.000141 --> ACK      7          1449      0  65536\n"
        "  2.000905 <-- ACK      2897:4345     7   1448  65536  OUT-OF-ORDER hole 1449:2897 kept\n"
        "  2.000933 --> ACK      7          1449      0  65536  DUP-ACK #1 sack 2897:4345\n"
        "  2.021207 <-- PSH,ACK  1449:2897     7   1448  65536  fills hole, 2896 delivered"
        "  \"xxxxxxxxxxxx\"...\n"
        "  2.021243 --> ACK      7          4345      0  65536\n"
        "  4.000031 --> ACK      7:1455     4345   1448  65536"
        "  RETRANSMIT rto 1.000 s, cwnd 14480->1448\n"
        "  5.020110 <-- ACK      4345       2507      0      0"
        "  ZERO-WINDOW peer is full, persist 1.000 s\n"
        "  6.020203 --> ACK      2507:2508  4345      1  65536  ZERO-WINDOW-PROBE #1\n"
        "  8.060518 <-- ACK      4345       2508      0  65536  WINDOW-UPDATE probe taken, go on\n"
        "  9.000040 --> FIN,ACK  3007:3008  4345      0  65536  ESTABLISHED -> FIN-WAIT-1\n"
        "  9.020151 <-- ACK      4345       3008      0  65536  FIN-WAIT-1 -> FIN-WAIT-2\n"
        "  9.500118 <-- PSH,ACK  4345:4349  3008      4  65536  \"bye\\n\"  half-closed\n"
        "  9.500157 --> ACK      3008       4349      0  65536\n"
        "  9.600233 <-- FIN,ACK  4349:4350  3008      0  65536  FIN-WAIT-2 -> TIME-WAIT\n"
        "  9.600271 --> ACK      3008       4350      0  65536\n"
        " 69.600271  *  TIME-WAIT -> CLOSED  2*MSL timer (60 s) expired\n");
}

/* --- the last column, one event at a time --- */

/* Emits *ev and compares what stands in the last column. */
static void expect_meaning(const struct tcp_event *ev, const char *words)
{
    const char *line;

    emit(ev);
    line = last();
    if (words[0] == '\0')
        assert_true(strlen(line) < COLUMN);
    else
        assert_string_equal(strlen(line) > COLUMN ? line + COLUMN : "", words);
}

static void expect_sent(enum send_reason reason, const char *words)
{
    struct tcp_event ev;

    play_sent(USEC_SEC, SEG_ACK, 1, 1, NULL, 0, reason, &ev);
    expect_meaning(&ev, words);
}

static void ordinary_acks_need_no_words(void **state)
{
    (void)state;
    begin(2);
    expect_sent(SEND_ACK_EVERY_OTHER, "");
    expect_sent(SEND_ACK_QUICK, "");
    expect_sent(SEND_ACK_DELAYED, "");
    expect_sent(SEND_ACK_FILLED, "");
    expect_sent(SEND_ACK_FIN, "");
}

static void what_is_not_ordinary_has_a_name(void **state)
{
    (void)state;
    begin(2);
    expect_sent(SEND_ACK_OLD, "says again where we are");
    expect_sent(SEND_ACK_CHALLENGE, "CHALLENGE-ACK");
    expect_sent(SEND_KEEPALIVE, "KEEP-ALIVE");
    expect_sent(SEND_WINDOW_UPDATE, "WINDOW-UPDATE room again");
    expect_sent(SEND_RST_ABORT, "RESET we give up the connection");
    expect_sent(SEND_RST_ANSWER, "RESET in answer");
}

static void a_full_receiver_shows_its_zero_window(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(2);
    play_sent(USEC_SEC, SEG_ACK, 1, 1, NULL, 0, SEND_ACK_QUICK, &ev);
    window(&ev, 0);
    expect_meaning(&ev, "ZERO-WINDOW we are full");
    play_sent(USEC_SEC, SEG_RST, 1, 1, NULL, 0, SEND_RST_ANSWER, &ev);
    window(&ev, 0);
    expect_meaning(&ev, "RESET in answer");
}

static void every_retransmission_says_why(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(2);
    play_sent(USEC_SEC, SEG_ACK, 1, 1, bulk, 100, SEND_RETRANSMIT_RTO, &ev);
    ev.delay = 400 * USEC_MS;
    ev.transmissions = 3;
    expect_meaning(&ev, "RETRANSMIT #2 rto 400 ms");
    tcb.recovering = true;
    play_sent(USEC_SEC, SEG_ACK, 1, 1, bulk, 100, SEND_RETRANSMIT_FAST, &ev);
    ev.transmissions = 2;
    expect_meaning(&ev, "FAST-RETRANSMIT by SACK");
    tcb.use_sack = false;
    expect_meaning(&ev, "FAST-RETRANSMIT by DUP-ACKs");
    tcb.recovering = false;
    expect_meaning(&ev, "RETRANSMIT not taken before");
    ev.reason = SEND_RETRANSMIT_TLP;
    expect_meaning(&ev, "RETRANSMIT tail loss probe");
    ev.transmissions = 1;
    expect_meaning(&ev, "tail loss probe  \"xxxxxxxxxxxxxxxxxxxxxxx\"...");
}

static void a_repeated_syn_says_how_long_it_waited(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(2);
    tcb.state = STATE_SYN_SENT;
    play_sent(USEC_SEC, SEG_SYN, 0, 0, NULL, 0, SEND_SYN, &ev);
    emit(&ev);
    ev.at = 2 * USEC_SEC;
    ev.transmissions = 2;
    ev.delay = USEC_SEC;
    emit(&ev);
    assert_non_null(strstr(written(), "      0    512  RETRANSMIT rto 1.000 s\n"));
}

static void a_syn_ack_for_a_repeated_syn_says_that_no_timer_was_it(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(2);
    tcb.state = STATE_SYN_RECEIVED;
    tcb.passive = true;
    play_sent(USEC_SEC, SEG_SYN | SEG_ACK, 0, 1, NULL, 0, SEND_SYN_ACK, &ev);
    ev.transmissions = 2;
    emit(&ev);
    assert_non_null(strstr(written(), "  RETRANSMIT its SYN came again\n"));
}

static void a_window_cut_by_a_timer_or_an_ack_is_shown_with_what_follows(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(2);
    play_received(USEC_SEC, SEG_ACK, 1, 1, NULL, 0, &ev);
    ev.cwnd_before = ev.cwnd = 20000;
    emit(&ev);
    ev.cwnd = 10000;
    emit(&ev);
    tcb.recovering = true;
    play_sent(USEC_SEC, SEG_ACK, 1, 1, bulk, 100, SEND_RETRANSMIT_FAST, &ev);
    ev.transmissions = 2;
    ev.cwnd_before = ev.cwnd = 10000;
    expect_meaning(&ev, "FAST-RETRANSMIT by SACK, cwnd 20000->10000");
    expect_meaning(&ev, "FAST-RETRANSMIT by SACK");
    ev = event(EVENT_TIMER, NULL, 2 * USEC_SEC);
    ev.timer = TIMER_REXMT;
    ev.cwnd = 1448;
    emit(&ev);
    play_sent(2 * USEC_SEC, SEG_ACK, 1, 1, bulk, 100, SEND_RETRANSMIT_RTO, &ev);
    ev.transmissions = 2;
    ev.delay = USEC_SEC;
    ev.cwnd_before = ev.cwnd = 1448;
    expect_meaning(&ev, "RETRANSMIT rto 1.000 s, cwnd 10000->1448");
}

static void expect_notes(uint32_t notes, const char *words)
{
    struct tcp_event ev;

    play_received(USEC_SEC, SEG_ACK, 1, 1, NULL, 0, &ev);
    ev.notes = notes;
    expect_meaning(&ev, words);
}

static void what_arrived_has_wiresharks_words(void **state)
{
    (void)state;
    begin(2);
    expect_notes(0, "");
    expect_notes(NOTE_DUPLICATE_DATA, "SPURIOUS-RETRANSMIT all of it was here");
    expect_notes(NOTE_OVERLAP, "OVERLAP some of it was here");
    expect_notes(NOTE_WINDOW_UPDATE, "WINDOW-UPDATE");
    expect_notes(NOTE_WINDOW_OPENED | NOTE_WINDOW_UPDATE, "WINDOW-UPDATE go on");
    expect_notes(NOTE_WINDOW_SHRUNK, "window taken back");
    expect_notes(NOTE_ZERO_WINDOW, "ZERO-WINDOW peer is full");
    expect_notes(NOTE_PROBE, "KEEP-ALIVE");
    expect_notes(NOTE_REPEATED_SYN, "REPEATED SYN");
    expect_notes(NOTE_REPEATED_FIN, "REPEATED FIN");
    expect_notes(NOTE_SIMULTANEOUS_OPEN, "simultaneous open");
    expect_notes(NOTE_URGENT, "urgent data");
    tcb.rcv_adv = tcb.rcv_nxt;
    expect_notes(NOTE_PROBE, "ZERO-WINDOW-PROBE we are still full");
}

static void out_of_order_data_says_whether_it_is_kept(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(2);
    play_received(USEC_SEC, SEG_ACK, 101, 1, "abc", 3, &ev);
    ev.hole_left = IRS + 1;
    ev.hole_right = IRS + 101;
    ev.notes = NOTE_OUT_OF_ORDER;
    expect_meaning(&ev, "OUT-OF-ORDER hole 1:101 kept  \"abc\"");
    ev.notes = NOTE_OUT_OF_ORDER | NOTE_NO_ROOM;
    expect_meaning(&ev, "OUT-OF-ORDER hole 1:101 not kept  \"abc\"");
    ev.notes = NOTE_OUT_OF_ORDER | NOTE_DUPLICATE_DATA;
    expect_meaning(&ev, "OUT-OF-ORDER hole 1:101 was here already");
}

static void sack_blocks_count_in_the_space_they_acknowledge(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(2);
    tcb.snd_nxt = ISS + 10000; /* past the wrap */
    play_received(USEC_SEC, SEG_ACK, 1, 1449, NULL, 0, &ev);
    sack(&ev, ISS + 2897, ISS + 4345);
    sack(&ev, ISS + 7000, ISS + 8000);
    ev.notes = NOTE_DUPLICATE_ACK | NOTE_SACK;
    ev.dup_acks = 3;
    expect_meaning(&ev, "DUP-ACK #3 sack 2897:4345 7000:8000");
    ev.notes = NOTE_SACK;
    ev.acked = 1448;
    expect_meaning(&ev, "sack 2897:4345 7000:8000  acks 1448");
}

static void a_repeated_block_is_told_from_a_new_one(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(2);
    tcb.snd_nxt = ISS + 10000;
    play_received(USEC_SEC, SEG_ACK, 1, 5000, NULL, 0, &ev);
    sack(&ev, ISS + 1, ISS + 1449);
    sack(&ev, ISS + 7000, ISS + 8000);
    ev.notes = NOTE_SPURIOUS;
    expect_meaning(&ev, "D-SACK 1:1449 came twice, sack 7000:8000");
}

static void recovery_says_what_it_does_to_the_window(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(2);
    tcb.cc.ssthresh = 7000;
    play_received(USEC_SEC, SEG_ACK, 1, 1, NULL, 0, &ev);
    ev.cwnd_before = 10000;
    ev.cwnd = 9000;
    ev.notes = NOTE_REORDERING;
    expect_meaning(&ev, "REORDERING seen");
    ev.notes = NOTE_RECOVERY;
    expect_meaning(&ev, "loss found, ssthresh 7000");
    ev.notes = NOTE_RECOVERED;
    expect_meaning(&ev, "repaired, cwnd 10000->9000");
    ev.cwnd = 20000;
    ev.notes = NOTE_UNDONE;
    ev.undo = UNDO_DSACK;
    expect_meaning(&ev, "SPURIOUS-LOSS by D-SACK, cwnd 10000->20000");
    ev.undo = UNDO_TIMESTAMP;
    ev.undo_timeout = true;
    expect_meaning(&ev, "SPURIOUS-RTO by timestamps, cwnd 10000->20000");
    ev.undo = UNDO_FRTO;
    expect_meaning(&ev, "SPURIOUS-RTO by F-RTO, cwnd 10000->20000");
}

static void what_was_needless_is_said_now_and_then(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(1);
    play_received(USEC_SEC, SEG_ACK, 1, 1, NULL, 0, &ev);
    ev.notes = NOTE_REORDERING;
    emit(&ev);
    ev.notes = NOTE_UNDONE;
    ev.undo = UNDO_DSACK;
    emit(&ev);
    emit(&ev); /* too soon */
    ev.at += 2 * USEC_SEC;
    ev.undo = UNDO_FRTO;
    ev.undo_timeout = true;
    emit(&ev);
    assert_string_equal(written(),
                        "segcat: segments overtake each other on the way, loss is believed later\n"
                        "segcat: what was sent again was needless (D-SACK), taken back\n"
                        "segcat: the timeout was needless (F-RTO), taken back (1 more before)\n");
}

static void a_dropped_segment_says_why(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(2);
    play_received(USEC_SEC, SEG_ACK, 1, 1, "abc", 3, &ev);
    ev.type = EVENT_DROPPED;
    ev.drop = DROP_CHECKSUM;
    expect_meaning(&ev, "DROPPED checksum is wrong");
    ev.drop = DROP_UNACCEPTABLE;
    expect_meaning(&ev, "DROPPED outside the receive window");
    tcb.rcv_nxt = IRS + 4;
    expect_meaning(&ev, "DROPPED old duplicate");
    ev.notes = NOTE_REPEATED_FIN;
    expect_meaning(&ev, "REPEATED FIN DROPPED old duplicate");
    ev.notes = NOTE_PROBE;
    expect_meaning(&ev, "KEEP-ALIVE");
    ev.notes = 0;
    for (int i = DROP_NOTHING; i <= DROP_REASON_COUNT; i++) {
        ev.drop = (enum drop_reason)i;
        emit(&ev);
        assert_true(strlen(last()) > COLUMN + strlen("DROPPED ") + 4 || i == DROP_REASON_COUNT);
        assert_true(strlen(last()) <= LINE_COLUMNS && strstr(last(), "...") == NULL);
    }
}

static void binary_data_takes_little_room(void **state)
{
    static const char hello[] = "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03";
    struct tcp_event ev;

    (void)state;
    begin(2);
    play_received(USEC_SEC, SEG_ACK, 1, 1, hello, sizeof hello - 1, &ev);
    expect_meaning(&ev, "\"\\x16\\x03\\x01\"...");
    play_received(USEC_SEC, SEG_ACK, 1, 1, "\0\xff\n", 3, &ev);
    expect_meaning(&ev, "\"\\x00\\xff\\n\"");
    play_received(USEC_SEC, SEG_ACK, 1, 1, "\xc3\xbc and text that goes on", 24, &ev);
    expect_meaning(&ev, "\"\\xc3\\xbc and text that goes on\"");
}

/* --- beginnings and ends --- */

static void a_refusal_is_shown_before_the_peers_numbers_are_known(void **state)
{
    struct segment s = segment(SEG_RST | SEG_ACK, 0, ISS + 1, NULL, 0);
    struct tcp_event ev;

    (void)state;
    begin(2);
    tcb.irs = 0;
    tcb.state = STATE_SYN_SENT;
    tcb.snd_nxt = ISS + 1;
    s.window = 0;
    ev = event(EVENT_RECEIVED, &s, 150);
    tcb.end = END_REFUSED;
    emit_to(&ev, STATE_CLOSED);
    assert_string_equal(last(), "  0.000150 <-- RST,ACK  0             1      0      0"
                                "  SYN-SENT -> CLOSED  RESET connection refused");
}

static void the_end_without_a_segment_says_why(void **state)
{
    struct tcp_event ev = {0};

    (void)state;
    begin(2);
    tcb.state = STATE_SYN_SENT;
    ev = event(EVENT_CLOSED, NULL, 190 * USEC_SEC);
    ev.end = tcb.end = END_TIMEOUT;
    emit_to(&ev, STATE_CLOSED);
    assert_string_equal(last(), "190.000000  *  SYN-SENT -> CLOSED  timed out (no answer)");
    ev = event(EVENT_CLOSED, NULL, 191 * USEC_SEC);
    emit(&ev); /* told already */
    assert_string_equal(last(), "190.000000  *  SYN-SENT -> CLOSED  timed out (no answer)");
}

static void a_fin_that_has_to_wait_is_announced(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(2);
    ev = event(EVENT_STATE, NULL, USEC_SEC);
    emit_to(&ev, STATE_FIN_WAIT_1);
    assert_string_equal(
        last(), "  1.000000  *  ESTABLISHED -> FIN-WAIT-1  end of input, FIN follows the data");
}

static void what_the_session_says_in_between_stands_in_the_table(void **state)
{
    (void)state;
    begin(2);
    trace_mark(&conn, 3 * USEC_SEC, "%s", "two\nlines \033[2J");
    assert_string_equal(last(), "  3.000000  *  two\\nlines \\e[2J");
}

static void an_icmp_error_names_its_sender_and_what_follows(void **state)
{
    struct icmp_error e = {.version = IP_V4,
                           .type = 3,
                           .code = 4,
                           .mtu = 1400,
                           .sender = {.version = IP_V4, .bytes = {10, 0, 0, 1}}};

    (void)state;
    begin(2);
    trace_icmp(&trace, &conn, &e, "smaller segments", USEC_SEC);
    assert_non_null(strstr(last(), "  1.000000  *  ICMP from 10.0.0.1: "));
    assert_non_null(strstr(last(), ", mtu 1400, smaller segments"));
    e.sender.version = IP_NONE;
    trace_icmp(&trace, NULL, &e, NULL, USEC_SEC);
    assert_non_null(strstr(last(), "ICMP from this machine: "));
}

static void a_segment_of_no_connection_is_shown_with_its_sender(void **state)
{
    struct packet p = {.ip = {.version = IP_V4, .src = there.ip, .dst = here.ip},
                       .sport = 4000,
                       .dport = 8088,
                       .seg = {.flags = SEG_SYN}};

    (void)state;
    begin(2);
    trace_stray(&trace, &p, false, "refused: one client at a time", USEC_SEC);
    assert_string_equal(last(), "  1.000000 <-- SYN      from 192.0.2.20:4000"
                                "  refused: one client at a time");
    p.seg.len = 12;
    trace_stray(&trace, &p, true, "in answer", USEC_SEC);
    assert_string_equal(last(), "  1.000000 --> SYN      to 192.0.2.10:8088, 12 bytes  in answer");
}

static void labels_and_tags_stand_before_every_line(void **state)
{
    char *line, *rest;

    (void)state;
    begin(2);
    trace.cfg.label = "client";
    conn.tag = 7;
    play_handshake();
    trace_summary(&conn, &tcb, USEC_SEC);
    written();
    line = strtok_r(text, "\n", &rest);
    assert_memory_equal(line, "client     TIME ", 16);
    while ((line = strtok_r(NULL, "\n", &rest)) != NULL) {
        assert_memory_equal(line, "client #7 ", 10);
        assert_true(strlen(line) <= 107);
    }
}

static void the_trace_begins_at_its_first_event(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(2);
    trace.origin_valid = false;
    play_sent(1234567890, SEG_ACK, 1, 1, NULL, 0, SEND_ACK_QUICK, &ev);
    emit(&ev);
    assert_memory_equal(last(), "  0.000000 ", 11);
    ev.at += 1;
    emit(&ev);
    assert_memory_equal(last(), "  0.000001 ", 11);
}

/* --- big numbers --- */

static void numbers_go_on_beyond_4_gib(void **state)
{
    struct tcp_event ev;
    const uint32_t step = 1U << 30;

    (void)state;
    begin(2);
    for (uint32_t i = 0; i <= 12; i++) {
        play_sent(USEC_SEC, SEG_ACK, 1 + i * step, 1, bulk, 1448, SEND_DATA, &ev);
        tcb.snd_nxt = ev.seg->seq + 1448;
        emit(&ev);
    }
    assert_non_null(strstr(last(), " 12884901889:12884903337 1 "));
    play_received(USEC_SEC, SEG_ACK, 1, 1, NULL, 0, &ev);
    ((struct segment *)(uintptr_t)ev.seg)->ack = tcb.snd_nxt;
    emit(&ev);
    assert_non_null(strstr(last(), " 12884903337 "));
}

static void a_number_before_the_first_is_negative(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(2);
    play_received(USEC_SEC, SEG_ACK, (uint32_t)-5, 1, NULL, 0, &ev);
    emit(&ev);
    assert_non_null(strstr(last(), "<-- ACK      -5 "));
}

static void wide_numbers_take_room_from_their_neighbours_first(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(2);
    play_sent(USEC_SEC, SEG_ACK, 1, 1, NULL, 0, SEND_ACK_OLD, &ev);
    emit(&ev);
    tcb.snd_nxt = ISS + 2000000;
    play_sent(USEC_SEC, SEG_FIN | SEG_PSH | SEG_ACK, 1234567, 1, bulk, 1447, SEND_ACK_OLD, &ev);
    ev.transmissions = 2;
    emit(&ev);
    assert_string_equal(last(), "  1.000000 --> FIN,PSH,ACK 1234567:1236015 1 1447 65536"
                                "  says again where we are");
}

static uint32_t dice(void)
{
    static uint32_t x = 2463534242U;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
}

static void random_tcb(void)
{
    tcb.rcv_wscale = (uint8_t)dice();
    tcb.snd_wscale = (uint8_t)dice();
    tcb.use_sack = dice() & 1;
    tcb.recovering = dice() & 1;
    tcb.iss = dice() & 7 ? tcb.iss : dice();
    tcb.irs = dice() & 7 ? tcb.irs : dice();
    tcb.snd_nxt = dice();
    tcb.rcv_nxt = dice();
    tcb.rcv_adv = dice() & 1 ? tcb.rcv_nxt : dice();
    tcb.end = (enum tcp_end)(dice() % 9);
    tcb.probe_tries = dice();
    tcb.timer[TIMER_PERSIST] = dice() & 1 ? USEC_NEVER : (usec_t)dice() << 32;
    tcb.snd.tail = dice();
}

static void random_segment(struct segment *s, uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)dice();
    *s = segment(dice(), dice(), dice(), (const char *)bytes, (uint32_t)n);
    s->data[1] = s->data[0];
    s->len = dice() & 1 ? s->len * 2 : 0;
    s->window = (uint16_t)dice();
    s->gso_size = (uint16_t)(dice() & 1 ? dice() : 0);
    s->ecn = dice() & 3;
    s->opt.present = (uint16_t)dice();
    s->opt.wscale = (uint8_t)dice();
    s->opt.mss = (uint16_t)dice();
    s->opt.sack_count = (uint8_t)(dice() % 5);
    for (unsigned i = 0; i < 4; i++)
        s->opt.sack[i] = (struct sack_block){dice(), dice()};
}

static void random_event(const struct segment *s, struct tcp_event *ev)
{
    *ev = (struct tcp_event){
        .type = (enum tcp_event_type)(dice() % 6),
        .tcb = dice() % 16 ? &tcb : NULL,
        .seg = s,
        .at = (usec_t)dice() << (dice() % 33),
        .old_state = (enum tcp_state)(dice() % STATE_COUNT),
        .new_state = (enum tcp_state)(dice() % STATE_COUNT),
        .reason = (enum send_reason)(dice() % (SEND_REASON_COUNT + 1)),
        .transmissions = dice() >> (dice() % 32),
        .drop = (enum drop_reason)(dice() % (DROP_REASON_COUNT + 1)),
        .notes = dice() & dice(),
        .acked = (uint64_t)dice() << (dice() % 33),
        .sacked = dice(),
        .delivered = (uint64_t)dice() << (dice() % 33),
        .dup_acks = dice() >> (dice() % 32),
        .hole_left = dice(),
        .hole_right = dice(),
        .rtt = (usec_t)dice() << (dice() % 33),
        .delay = (usec_t)dice() << (dice() % 33),
        .cwnd_before = dice(),
        .cwnd = dice(),
        .end = (enum tcp_end)(dice() % 9),
    };
}

/* Whatever happens: whole lines of at most 100 printable columns. */
static void check_text(void)
{
    size_t col = 0;

    for (const char *p = written(); *p != '\0'; p++) {
        if (*p == '\n') {
            assert_true(col <= LINE_COLUMNS);
            col = 0;
            continue;
        }
        assert_true(*p >= 0x20 && *p <= 0x7e);
        col++;
    }
    assert_int_equal(col, 0);
}

static void no_event_makes_a_line_too_long_or_unprintable(void **state)
{
    uint8_t bytes[64];
    struct segment s;
    struct tcp_event ev;

    (void)state;
    for (int round = 0; round < 400; round++) {
        begin(2);
        trace.cfg.label = dice() & 1 ? "listener" : NULL;
        conn.tag = dice() & 1 ? dice() : 0;
        for (int i = 0; i < 50; i++) {
            random_tcb();
            random_segment(&s, bytes, sizeof bytes);
            random_event(&s, &ev);
            emit(&ev);
        }
        check_text();
        rewind(out);
        assert_int_equal(ftruncate(fileno(out), 0), 0);
    }
}

static void no_event_makes_a_sentence_unprintable(void **state)
{
    uint8_t bytes[64];
    struct segment s;
    struct tcp_event ev;

    (void)state;
    for (int round = 0; round < 400; round++) {
        begin(1);
        for (int i = 0; i < 50; i++) {
            random_tcb();
            random_segment(&s, bytes, sizeof bytes);
            random_event(&s, &ev);
            emit(&ev);
        }
        for (const char *p = written(); *p != '\0'; p++)
            assert_true(*p == '\n' || (*p >= 0x20 && *p <= 0x7e));
        rewind(out);
        assert_int_equal(ftruncate(fileno(out), 0), 0);
    }
}

/* --- -v --- */

static void v_tells_the_connection_in_sentences(void **state)
{
    (void)state;
    begin(1);
    play_handshake();
    play_data();
    play_zero_window();
    play_teardown();
    tcb.stats.bytes_sent = tcb.stats.bytes_acked = 3006;
    tcb.stats.bytes_received = 4348;
    tcb.stats.retransmits = 1;
    rtt_sample(&tcb.rtt, 20113);
    rtt_sample(&tcb.rtt, 20152);
    trace_summary(&conn, &tcb, 9700 * USEC_MS);
    assert_string_equal(written(),
                        "segcat: handshake 20.1 ms, mss 1460, window scale 7/10, sack, timestamps\n"
                        "segcat: no ACK for 1.000 s, retransmitted 1448 bytes\n"
                        "segcat: peer window is zero, waiting (probe after 1.000 s)\n"
                        "segcat: peer window open again after 3.040 s\n"
                        "segcat: end of input, sent FIN, still receiving\n"
                        "segcat: peer sent FIN, closed in order\n"
                        "segcat: sent 3006, received 4348 bytes in 9.600 s, 1 retransmit, "
                        "rtt min/avg/max 20.1/20.1/20.2 ms\n");
}

static void the_sessions_words_come_before_the_handshake(void **state)
{
    struct segment s = segment(SEG_SYN | SEG_ACK, IRS, ISS + 1, NULL, 0);
    struct tcp_event ev;

    (void)state;
    begin(1);
    tcb.state = STATE_SYN_SENT;
    tcb.use_wscale = tcb.use_sack = tcb.use_ts = false;
    tcb.peer_mss = 536;
    ev = event(EVENT_RECEIVED, &s, USEC_SEC);
    tcb.stats.established_at = USEC_SEC;
    tcb.stats.handshake_rtt = 120;
    emit_to(&ev, STATE_ESTABLISHED);
    trace_say(&trace, 1, false, "Connection to %s %d port [tcp/*] succeeded!", "::1", 80);
    trace_handshake(&conn, &tcb);
    trace_handshake(&conn, &tcb);
    emit(&ev);
    assert_string_equal(
        written(), "Connection to ::1 80 port [tcp/*] succeeded!\n"
                   "segcat: handshake 120 us, mss 536, no window scale, no sack, no timestamps\n");
}

static void a_chosen_congestion_control_is_told(void **state)
{
    (void)state;
    begin(1);
    tcb.use_wscale = tcb.use_sack = tcb.use_ts = false;
    tcb.peer_mss = 536;
    tcb.stats.handshake_rtt = 120;
    tcb.cfg.congestion = congestion_by_name("reno");
    trace_handshake(&conn, &tcb);
    tcb.cfg.congestion = NULL;
    assert_string_equal(
        written(),
        "segcat: handshake 120 us, mss 536, no window scale, no sack, no timestamps, reno\n");
}

static void say_heeds_its_level(void **state)
{
    (void)state;
    begin(1);
    trace_say(&trace, 2, true, "no");
    trace_say(&trace, 1, true, "one %d", 1);
    trace_say(&trace, 0, true, "zero");
    assert_string_equal(written(), "segcat: one 1\nsegcat: zero\n");
}

static void what_is_said_of_others_is_escaped(void **state)
{
    (void)state;
    begin(1);
    trace_say(&trace, 1, true, "host %s", "evil\033]0;x\007\n\xff");
    assert_string_equal(written(), "segcat: host evil\\e]0;x\\x07\\n\\xff\n");
}

static void without_v_events_say_nothing(void **state)
{
    (void)state;
    begin(0);
    play_handshake();
    play_data();
    play_zero_window();
    play_teardown();
    trace_handshake(&conn, &tcb);
    trace_summary(&conn, &tcb, USEC_SEC);
    trace_mark(&conn, USEC_SEC, "x");
    assert_string_equal(written(), "");
}

static void lose_and_repair(usec_t at, unsigned segments)
{
    struct tcp_event ev;

    tcb.recovering = true;
    for (unsigned i = 0; i < segments; i++) {
        play_sent(at, SEG_ACK, 1 + i * 1000, 1, bulk, 1000, SEND_RETRANSMIT_FAST, &ev);
        ev.transmissions = 2;
        emit(&ev);
    }
    tcb.recovering = false;
    play_received(at + 1, SEG_ACK, 1, 1, NULL, 0, &ev);
    emit(&ev);
}

static void a_recovery_makes_one_sentence(void **state)
{
    (void)state;
    begin(1);
    lose_and_repair(USEC_SEC, 12);
    assert_string_equal(written(), "segcat: peer reports missing data, retransmitted 12000 "
                                   "bytes in 12 segments\n");
}

static void many_recoveries_make_one_sentence_a_second(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(1);
    for (unsigned i = 0; i < 100; i++)
        lose_and_repair((1 + i) * USEC_MS, 2);
    ev = event(EVENT_CLOSED, NULL, USEC_SEC);
    emit(&ev);
    assert_string_equal(written(), "segcat: peer reports missing data, retransmitted 2000 "
                                   "bytes in 2 segments\n"
                                   "segcat: peer reports missing data, retransmitted 198000 "
                                   "bytes in 198 segments (99 times)\n");
}

static void all_that_one_timeout_repeats_is_one_sentence(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(1);
    tcb.stats.rto_count = 1;
    for (unsigned i = 0; i < 20; i++) {
        play_sent(USEC_SEC, SEG_ACK, 1 + i * 100, 1, bulk, 100, SEND_RETRANSMIT_RTO, &ev);
        ev.delay = 200 * USEC_MS;
        emit(&ev);
    }
    assert_string_equal(written(), "segcat: no ACK for 200 ms, retransmitted 100 bytes\n");
    tcb.stats.rto_count = 2;
    play_sent(2 * USEC_SEC, SEG_FIN | SEG_ACK, 1, 1, NULL, 0, SEND_RETRANSMIT_RTO, &ev);
    ev.delay = 400 * USEC_MS;
    emit(&ev);
    assert_string_equal(last(), "segcat: no ACK for 400 ms, retransmitted FIN");
}

static void many_timeouts_make_one_sentence_a_second(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(1);
    for (unsigned i = 0; i < 8; i++) {
        tcb.stats.rto_count++;
        play_sent(USEC_SEC + i * 250 * USEC_MS, SEG_ACK, 1, 1, bulk, 100, SEND_RETRANSMIT_RTO, &ev);
        ev.delay = 250 * USEC_MS;
        emit(&ev);
    }
    assert_string_equal(written(),
                        "segcat: no ACK for 250 ms, retransmitted 100 bytes\n"
                        "segcat: no ACK for 250 ms, retransmitted 100 bytes (3 more before)\n");
}

static void stall(usec_t from, usec_t to)
{
    struct tcp_event ev;

    play_received(from, SEG_ACK, 1, 1, NULL, 0, &ev);
    ev.notes = NOTE_ZERO_WINDOW;
    emit(&ev);
    emit(&ev);
    play_received(to, SEG_ACK, 1, 1, NULL, 0, &ev);
    ev.notes = NOTE_WINDOW_OPENED;
    emit(&ev);
}

static void a_slow_reader_does_not_flood(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(1);
    for (unsigned i = 0; i < 50; i++)
        stall((1000 + i * 10) * USEC_MS, (1005 + i * 10) * USEC_MS);
    assert_string_equal(written(), "segcat: peer window is zero\n"
                                   "segcat: peer window open again after 5.00 ms\n");
    /* One that lasts is told, with the first probe. */
    play_received(1600 * USEC_MS, SEG_ACK, 1, 1, NULL, 0, &ev);
    ev.notes = NOTE_ZERO_WINDOW;
    emit(&ev);
    play_sent(1800 * USEC_MS, SEG_ACK, 1, 1, bulk, 1, SEND_WINDOW_PROBE, &ev);
    emit(&ev);
    assert_string_equal(
        last(), "segcat: peer window is zero, waiting (probe sent) (50 short waits before)");
}

static void a_full_output_is_told_and_its_end_too(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(1);
    play_sent(USEC_SEC, SEG_ACK, 1, 1, NULL, 0, SEND_ACK_QUICK, &ev);
    window(&ev, 0);
    emit(&ev);
    emit(&ev);
    play_sent(3 * USEC_SEC, SEG_ACK, 1, 1, NULL, 0, SEND_WINDOW_UPDATE, &ev);
    emit(&ev);
    assert_string_equal(written(),
                        "segcat: output is full, our window is zero, the peer has to wait\n"
                        "segcat: our window open again after 2.000 s\n");
}

static void bad_segments_are_told_once_a_second(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(1);
    for (unsigned i = 0; i < 30; i++) {
        play_received(USEC_SEC + i * 100 * USEC_MS, SEG_ACK, 1, 1, NULL, 0, &ev);
        ev.type = EVENT_DROPPED;
        ev.drop = i % 2 ? DROP_UNACCEPTABLE : DROP_PAWS;
        emit(&ev);
    }
    assert_string_equal(written(),
                        "segcat: dropped a segment: timestamp is too old (PAWS)\n"
                        "segcat: dropped a segment: timestamp is too old (PAWS) (4 more before)\n"
                        "segcat: dropped a segment: timestamp is too old (PAWS) (4 more before)\n");
}

static void each_way_to_close_has_its_sentences(void **state)
{
    static const struct {
        enum tcp_state from, to;
        const char *words;
    } ways[] = {
        {STATE_ESTABLISHED, STATE_CLOSE_WAIT, "segcat: peer sent FIN, still sending"},
        {STATE_FIN_WAIT_1, STATE_CLOSING, "segcat: peer sent FIN too, waiting for the ACK of ours"},
        {STATE_FIN_WAIT_1, STATE_TIME_WAIT, "segcat: peer sent FIN, closed in order"},
        {STATE_CLOSING, STATE_TIME_WAIT, "segcat: our FIN is acknowledged, closed in order"},
        {STATE_LAST_ACK, STATE_CLOSED, "segcat: our FIN is acknowledged, closed in order"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct tcp_event ev;

        begin(1);
        tcb.state = ways[i].from;
        tcb.end = END_CLOSED;
        play_received(USEC_SEC, SEG_ACK, 1, 1, NULL, 0, &ev);
        emit_to(&ev, ways[i].to);
        assert_string_equal(last(), ways[i].words);
    }
}

static void our_fin_after_the_peers_receives_no_more(void **state)
{
    struct tcp_event ev;

    (void)state;
    begin(1);
    tcb.state = STATE_CLOSE_WAIT;
    tcb.fin_received = true;
    play_sent(USEC_SEC, SEG_FIN | SEG_ACK, 1, 1, NULL, 0, SEND_FIN, &ev);
    emit_to(&ev, STATE_LAST_ACK);
    assert_string_equal(written(), "segcat: end of input, sent FIN\n");
}

/* --- the summary --- */

static void fill_statistics(void)
{
    tcb.stats = (struct tcb_stats){
        .bytes_sent = 3006,
        .bytes_acked = 3006,
        .bytes_received = 4348,
        .bytes_retransmitted = 1448,
        .segs_sent = 16,
        .segs_received = 14,
        .data_segs_sent = 8,
        .data_segs_received = 4,
        .retransmits = 1,
        .pure_acks_sent = 6,
        .pure_acks_received = 8,
        .dup_acks_sent = 1,
        .dup_acks_received = 1,
        .out_of_order = 1,
        .zero_windows = 2,
        .probes_sent = 2,
        .zero_window_time = 3040 * USEC_MS,
        .rto_time = USEC_SEC,
        .opened_at = USEC_SEC,
        .established_at = 1020113,
        .handshake_rtt = 20113,
    };
    rtt_sample(&tcb.rtt, 20113);
    rtt_sample(&tcb.rtt, 20152);
    tcb.rtt.rto = USEC_SEC;
    tcb.fin_acked = tcb.fin_received = true;
    tcb.state = STATE_TIME_WAIT;
}

static void the_summary_is_a_table(void **state)
{
    (void)state;
    begin(2);
    fill_statistics();
    conn.done_at = 10600 * USEC_MS;
    trace_summary(&conn, &tcb, 20 * USEC_SEC);
    assert_string_equal(
        written(),
        "segcat: sent 3006, received 4348 bytes in 9.600 s, 1 retransmit, rtt min/avg/max "
        "20.1/20.1/20.2 ms\n"
        "--- 192.0.2.10:40046 > 192.0.2.20:8088  closed in order (FIN both ways), 9.600 s\n"
        "             bytes   segments  data  pure-ack  retransmit      dup-ack  out-of-order"
        "  zero-window\n"
        "sent          3006         16     8         6  1 (1448 B)            1             -"
        "            -\n"
        "received      4348         14     4         8  -                     1             1"
        "            2\n"
        "rtt min/avg/max 20.1/20.1/20.2 ms   rto 1.000 s   throughput 313 B/s out, 453 B/s in\n"
        "handshake 20.1 ms   stalled 3.040 s by zero window, 1.000 s by retransmit timeout"
        "   probes 2\n");
}

static void round_trip_times_have_three_digits_each_in_one_unit(void **state)
{
    static const struct {
        usec_t min, max;
        const char *words;
    } ranges[] = {
        {66, 136, ", rtt min/avg/max 66/101/136 us\n"},
        {140, 1002000, ", rtt min/avg/max 0.14/501/1002 ms\n"},
        {9996, 99960, ", rtt min/avg/max 10.0/55.0/100 ms\n"},
        {1500000, 2500000, ", rtt min/avg/max 1.50/2.00/2.50 s\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        begin(1);
        rtt_sample(&tcb.rtt, ranges[i].min);
        rtt_sample(&tcb.rtt, ranges[i].max);
        trace_summary(&conn, &tcb, USEC_SEC);
        assert_non_null(strstr(written(), ranges[i].words));
    }
}

static void what_was_not_acknowledged_is_in_the_summary(void **state)
{
    (void)state;
    begin(1);
    fill_statistics();
    tcb.stats.bytes_acked = 2506;
    tcb.stats.retransmits = 0;
    tcb.rtt.valid = false;
    trace_summary(&conn, &tcb, 2 * USEC_SEC);
    assert_string_equal(
        written(), "segcat: sent 3006 (500 not acknowledged), received 4348 bytes in 1.000 s\n");
}

static void a_summary_of_huge_numbers_keeps_to_its_lines(void **state)
{
    struct endpoint far = {{.version = IP_V6, .scope_id = 4000000000}, 65535};

    (void)state;
    begin(2);
    memset(far.ip.bytes, 0xff, sizeof far.ip.bytes);
    conn.local = conn.remote = far;
    memset(&tcb.stats, 0xff, sizeof tcb.stats);
    tcb.stats.opened_at = 0;
    rtt_sample(&tcb.rtt, USEC_NEVER);
    tcb.rtt.min = 0;
    trace_summary(&conn, &tcb, USEC_NEVER);
    written();
    *strchr(text, '\n') = '\0'; /* the sentence may be as long as it likes */
    for (const char *p = text + strlen(text) + 1; *p != '\0'; p = strchr(p, '\n') + 1)
        assert_true(strchr(p, '\n') - p <= LINE_COLUMNS);
}

static void buffers_that_grew_are_told(void **state)
{
    (void)state;
    begin(2);
    tcb.snd.size = tcb.rcv.size = tcb.rcv_buff = 65536;
    tcb.rcv.max = 16 << 20;
    tcb.wnd_max = 65535;
    trace_summary(&conn, &tcb, USEC_SEC);
    assert_null(strstr(written(), "buffers"));
    tcb.snd.size = 2 << 20;
    tcb.wnd_max = 2500000;
    trace_summary(&conn, &tcb, USEC_SEC);
    assert_non_null(strstr(written(), "\nbuffers grew to 2.0 MiB out, 64 KiB in, of 16.0 MiB   "
                                      "largest window announced 2.4 MiB\n"));
}

static void a_connection_that_never_was_has_a_summary_too(void **state)
{
    (void)state;
    begin(2);
    tcb.end = END_REFUSED;
    tcb.stats.closed_at = 150;
    trace_summary(&conn, &tcb, USEC_SEC);
    assert_non_null(strstr(written(), "segcat: sent 0, received 0 bytes in 150 us\n"));
    assert_non_null(strstr(text, "  refused (RST in answer to our SYN), 150 us\n"));
    assert_non_null(strstr(text, "\nrto 1.000 s   throughput 0 B/s out, 0 B/s in\n"));
}

/* --- colour --- */

static bool colored(int fd, enum color_mode mode)
{
    const struct trace_config cfg = {.fd = fd, .verbose = 2, .color = mode};
    struct trace t;

    trace_init(&t, &cfg);
    return t.color;
}

static void colour_needs_a_terminal_that_wants_it(void **state)
{
    const int tty = posix_openpt(O_RDWR | O_NOCTTY);

    (void)state;
    if (tty < 0)
        skip();
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    assert_true(colored(tty, COLOR_AUTO));
    assert_false(colored(fileno(out), COLOR_AUTO));
    setenv("NO_COLOR", "", 1);
    assert_true(colored(tty, COLOR_AUTO));
    setenv("NO_COLOR", "1", 1);
    assert_false(colored(tty, COLOR_AUTO));
    assert_true(colored(tty, COLOR_ALWAYS));
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    assert_false(colored(tty, COLOR_AUTO));
    unsetenv("TERM");
    assert_false(colored(tty, COLOR_AUTO));
    assert_true(colored(fileno(out), COLOR_ALWAYS));
    setenv("TERM", "xterm", 1);
    assert_false(colored(tty, COLOR_NEVER));
    close(tty);
}

/* Takes escape sequences out of text[]. */
static void bleach(void)
{
    char *to = text;

    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\033')
            while (*p != 'm')
                p++;
        else
            *to++ = *p;
    }
    *to = '\0';
}

static void colour_changes_no_letter(void **state)
{
    static char plain[sizeof text];

    (void)state;
    begin(2);
    play_handshake();
    play_data();
    play_teardown();
    strcpy(plain, written());
    rewind(out);
    assert_int_equal(ftruncate(fileno(out), 0), 0);
    begin(2);
    trace.color = true;
    play_handshake();
    play_data();
    play_teardown();
    assert_non_null(strstr(written(), "\033[1mCLOSED -> SYN-SENT\033[0m"));
    bleach();
    assert_string_equal(text, plain);
}

/* --- where it is written --- */

static void a_record_is_one_write(void **state)
{
    int fd[2];
    char buf[4096];
    struct tcp_event ev;
    struct segment s = segment(SEG_SYN, ISS, 0, NULL, 0);

    (void)state;
    /* A pipe in packet mode gives back what one write(2) has put in. */
    assert_int_equal(pipe2(fd, O_DIRECT), 0);
    begin(2);
    trace.cfg.fd = fd[1];
    trace.header_done = true;
    ev = event(EVENT_SENT, &s, 0);
    emit(&ev);
    trace_say(&trace, 1, true, "a sentence");
    buf[read(fd[0], buf, sizeof buf - 1)] = '\0';
    assert_non_null(strstr(buf, "no options\n"));
    buf[read(fd[0], buf, sizeof buf - 1)] = '\0';
    assert_string_equal(buf, "segcat: a sentence\n");
    close(fd[0]);
    close(fd[1]);
}

static void a_reader_who_is_gone_ends_the_trace_silently(void **state)
{
    int fd[2];

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(fd), 0);
    begin(1);
    trace.cfg.fd = fd[1];
    close(fd[0]);
    trace_say(&trace, 1, true, "x");
    assert_true(trace.failed);
    trace_say(&trace, 1, true, "y");
    play_handshake();
    close(fd[1]);
}

static void a_closed_descriptor_hurts_nobody(void **state)
{
    (void)state;
    begin(2);
    trace.cfg.fd = 999;
    play_handshake();
    assert_true(trace.failed);
}

static void a_slow_reader_of_the_trace_loses_records_and_is_told(void **state)
{
    static char drain[1 << 20];
    int fd[2];
    ssize_t n;

    (void)state;
    assert_int_equal(pipe(fd), 0);
    begin(1);
    trace.cfg.fd = fd[1]; /* it blocks: nobody has set O_NONBLOCK */
    for (int i = 0; i < 20000; i++)
        trace_say(&trace, 1, true, "line %d of many that nobody reads", i);
    assert_true(trace.lost > 1000);
    assert_false(trace.failed);
    n = read(fd[0], drain, sizeof drain - 1);
    assert_true(n > 4096 && drain[n - 1] == '\n');
    trace_say(&trace, 1, true, "the last");
    n = read(fd[0], drain, sizeof drain - 1);
    drain[n] = '\0';
    assert_non_null(strstr(drain, " lines of this trace are lost: their reader is too slow\n"
                                  "segcat: the last\n"));
    assert_int_equal(trace.lost, 0);
    close(fd[0]);
    close(fd[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_connection_reads_as_promised),
        TEST(ordinary_acks_need_no_words),
        TEST(what_is_not_ordinary_has_a_name),
        TEST(a_full_receiver_shows_its_zero_window),
        TEST(every_retransmission_says_why),
        TEST(a_repeated_syn_says_how_long_it_waited),
        TEST(a_syn_ack_for_a_repeated_syn_says_that_no_timer_was_it),
        TEST(a_window_cut_by_a_timer_or_an_ack_is_shown_with_what_follows),
        TEST(what_arrived_has_wiresharks_words),
        TEST(out_of_order_data_says_whether_it_is_kept),
        TEST(sack_blocks_count_in_the_space_they_acknowledge),
        TEST(a_repeated_block_is_told_from_a_new_one),
        TEST(recovery_says_what_it_does_to_the_window),
        TEST(what_was_needless_is_said_now_and_then),
        TEST(a_dropped_segment_says_why),
        TEST(binary_data_takes_little_room),
        TEST(a_refusal_is_shown_before_the_peers_numbers_are_known),
        TEST(the_end_without_a_segment_says_why),
        TEST(a_fin_that_has_to_wait_is_announced),
        TEST(what_the_session_says_in_between_stands_in_the_table),
        TEST(an_icmp_error_names_its_sender_and_what_follows),
        TEST(a_segment_of_no_connection_is_shown_with_its_sender),
        TEST(labels_and_tags_stand_before_every_line),
        TEST(the_trace_begins_at_its_first_event),
        TEST(numbers_go_on_beyond_4_gib),
        TEST(a_number_before_the_first_is_negative),
        TEST(wide_numbers_take_room_from_their_neighbours_first),
        TEST(no_event_makes_a_line_too_long_or_unprintable),
        TEST(no_event_makes_a_sentence_unprintable),
        TEST(v_tells_the_connection_in_sentences),
        TEST(the_sessions_words_come_before_the_handshake),
        TEST(a_chosen_congestion_control_is_told),
        TEST(say_heeds_its_level),
        TEST(what_is_said_of_others_is_escaped),
        TEST(without_v_events_say_nothing),
        TEST(a_recovery_makes_one_sentence),
        TEST(many_recoveries_make_one_sentence_a_second),
        TEST(all_that_one_timeout_repeats_is_one_sentence),
        TEST(many_timeouts_make_one_sentence_a_second),
        TEST(a_slow_reader_does_not_flood),
        TEST(a_full_output_is_told_and_its_end_too),
        TEST(bad_segments_are_told_once_a_second),
        TEST(each_way_to_close_has_its_sentences),
        TEST(our_fin_after_the_peers_receives_no_more),
        TEST(the_summary_is_a_table),
        TEST(round_trip_times_have_three_digits_each_in_one_unit),
        TEST(what_was_not_acknowledged_is_in_the_summary),
        TEST(a_summary_of_huge_numbers_keeps_to_its_lines),
        TEST(buffers_that_grew_are_told),
        TEST(a_connection_that_never_was_has_a_summary_too),
        TEST(colour_needs_a_terminal_that_wants_it),
        TEST(colour_changes_no_letter),
        TEST(a_record_is_one_write),
        TEST(a_reader_who_is_gone_ends_the_trace_silently),
        TEST(a_closed_descriptor_hurts_nobody),
        TEST(a_slow_reader_of_the_trace_loses_records_and_is_told),
    };

    memset(bulk, 'x', sizeof bulk);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
