/*
 * -vv: a line for each segment, with the state change and the reason. Reads events, writes
 * through output.h.
 */
#include "segcat/trace/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "segcat/trace/format.h"
#include "segcat/trace/meaning.h"
#include "segcat/trace/output.h"
#include "segcat/trace/words.h"

/*
 * The columns: where each begins or (numbers) ends. A number too wide for its column pushes the
 * next ones only as far as it must.
 */
enum {
    TIME_SPARE = 2, /* spaces before a time below 10 s */
    TIME_END = 10,
    SEGMENT_BEGIN = 15,
    SEQ_BEGIN = 24,
    ACK_END = 39,
    LEN_END = 46,
    WIN_END = 53,
    PAYLOAD_MIN = 12, /* not worth showing in less, unless it is short */
    PAYLOAD_MAX = 40,
    BINARY_MAX = 20, /* what is no text is recognized by its first bytes, if at all */
};

/* --- the beginning of a line --- */

static const char titles[] = "      TIME     SEGMENT  SEQ         ACK    LEN    WIN  STATE / EVENT";

/*
 * Where column 0 of the table lies behind label and tag. They take up the space before the time, so
 * that the longest lines fit beside them.
 */
static size_t origin(const struct line *l)
{
    return l->col > TIME_SPARE ? l->col - TIME_SPARE : 0;
}

static void header(struct trace *t)
{
    struct line l;

    if (t->header_done)
        return;
    t->header_done = true;
    line_init(&l, t->color);
    output_prefix(t, NULL, &l);
    line_color(&l, LINE_FAINT, titles + (l.col - origin(&l)));
    line_end(&l);
    output_write(t, &l);
}

/* Label, tag and time; returns the column where the table begins. */
static size_t begin(struct trace *t, const struct trace_conn *c, usec_t at, struct line *l)
{
    char time[32];
    usec_t since;
    size_t left;

    header(t);
    if (!t->origin_valid) {
        t->origin = at;
        t->origin_valid = true;
    }
    since = at > t->origin ? at - t->origin : 0;
    line_init(l, t->color);
    output_prefix(t, c, l);
    left = origin(l);
    snprintf(time, sizeof time, "%" PRIu64 ".%06" PRIu64, since / USEC_SEC, since % USEC_SEC);
    if (strlen(time) < TIME_END)
        line_to(l, left + TIME_END - strlen(time), 0);
    line_add(l, "%s", time);
    return left;
}

static void arrow(struct line *l, bool sent)
{
    line_add(l, " ");
    line_color(l, sent ? LINE_SENT : LINE_RECEIVED, sent ? "-->" : "<--");
    line_add(l, " ");
}

/* --- the numbers --- */

static uint32_t scaled_window(const struct tcp_event *ev)
{
    const struct tcb *t = ev->tcb;
    uint8_t scale;

    if (t == NULL || !t->use_wscale || (ev->seg->flags & SEG_SYN))
        return ev->seg->window;
    scale = ev->type == EVENT_SENT ? t->rcv_wscale : t->snd_wscale;
    return (uint32_t)ev->seg->window << (scale <= WSCALE_MAX ? scale : WSCALE_MAX);
}

static void numbers(const struct trace_conn *c, const struct tcp_event *ev, size_t left,
                    struct line *l)
{
    const bool sent = ev->type == EVENT_SENT;
    const struct relative *ours = sent ? &c->snd : &c->rcv;
    const struct relative *theirs = sent ? &c->rcv : &c->snd;
    const uint32_t space = segment_seq_len(ev->seg);
    const int64_t seq = relative_of(ours, ev->seg->seq);
    char text[24];

    line_to(l, left + SEQ_BEGIN, 1);
    if (space > 0)
        line_add(l, "%" PRId64 ":%" PRId64, seq, seq + space);
    else
        line_add(l, "%" PRId64, seq);
    snprintf(text, sizeof text, "%" PRId64, relative_of(theirs, ev->seg->ack));
    line_right(l, left + ACK_END, ev->seg->flags & SEG_ACK ? text : "-");
    snprintf(text, sizeof text, "%" PRIu32, ev->seg->len);
    line_right(l, left + LEN_END, text);
    snprintf(text, sizeof text, "%" PRIu32, scaled_window(ev));
    line_right(l, left + WIN_END, text);
}

/* --- the last column --- */

/*
 * Two spaces before the first word that stands in the last column and before each further phrase.
 */
static void gap(struct line *l)
{
    line_add(l, "  ");
}

static void state_change(const struct tcp_event *ev, struct line *l)
{
    char text[48];

    if (ev->old_state == ev->new_state)
        return;
    snprintf(text, sizeof text, "%s -> %s", tcp_state_name(ev->old_state),
             tcp_state_name(ev->new_state));
    gap(l);
    line_color(l, LINE_STATE, text);
}

/* Would be printed as \xHH. */
static bool is_strange(uint8_t byte)
{
    return byte > 0x7e || (byte < 0x20 && memchr("\n\r\t\033", byte, 4) == NULL);
}

/* True if more than half of the beginning is strange. */
static bool is_binary(const struct slice *s)
{
    const size_t n = s->len < BINARY_MAX ? s->len : BINARY_MAX;
    size_t strange = 0;

    for (size_t i = 0; i < n; i++)
        strange += is_strange(s->data[i]) ? 1 : 0;
    return 2 * strange > n;
}

static void payload(const struct segment *seg, size_t keep, struct line *l)
{
    const size_t most = is_binary(&seg->data[0]) ? BINARY_MAX : PAYLOAD_MAX;
    const size_t room = line_room(l);
    char text[PAYLOAD_MAX + 1];
    size_t width;

    if (seg->len == 0 || room < keep + 2)
        return;
    width = room - keep - 2;
    if (width > most)
        width = most;
    format_payload(seg->data, width, text, sizeof text);
    if (text[0] == '\0' || (width < PAYLOAD_MIN && text[strlen(text) - 1] == '.'))
        return;
    gap(l);
    line_add(l, "%s", text);
}

/* Whole phrases only, as many as fit: behind others they are not worth half a word. */
static void quiet_words(char *words, bool first, struct line *l)
{
    while (words[0] != '\0' && strlen(words) + 2 > line_room(l)) {
        char *last = NULL;

        for (char *p = strstr(words, "  "); p != NULL; p = strstr(p + 2, "  "))
            last = p;
        if (last == NULL)
            last = words;
        if (last == words && first)
            break;
        *last = '\0';
    }
    if (words[0] != '\0') {
        gap(l);
        line_add(l, "%s", words);
    }
}

static void last_column(const struct trace_conn *c, const struct tcp_event *ev, struct line *l)
{
    const size_t begin_col = l->col;
    struct meaning m;

    meaning_of(c, ev, &m);
    state_change(ev, l);
    if (m.loud.len > 0) {
        gap(l);
        line_color(l, m.color, m.loud.buf);
    }
    if (m.fresh)
        payload(ev->seg, m.quiet.len > 0 ? m.quiet.len + 2 : 0, l);
    quiet_words(m.quiet.buf, l->col == begin_col, l);
}

/* --- the line beneath a SYN --- */

static void item(struct line *l, size_t begin_col, const char *text)
{
    line_add(l, "%s%s", l->col > begin_col ? ", " : "", text);
}

static void options(const struct tcp_options *o, struct line *l)
{
    const size_t first = l->col;
    char text[48];

    if (o->present & OPT_MSS) {
        snprintf(text, sizeof text, "mss %u", (unsigned)o->mss);
        item(l, first, text);
    }
    if (o->present & OPT_WSCALE) {
        const unsigned scale = o->wscale <= WSCALE_MAX ? o->wscale : WSCALE_MAX;

        snprintf(text, sizeof text, "wscale %u (x%u)", (unsigned)o->wscale, 1U << scale);
        item(l, first, text);
    }
    if (o->present & OPT_SACK_PERMITTED)
        item(l, first, "sack-permitted");
    if (o->present & OPT_TIMESTAMPS)
        item(l, first, "timestamps");
    if (o->present & OPT_UNKNOWN)
        item(l, first, "unknown options");
    if (o->present & OPT_MALFORMED)
        item(l, first, "malformed options");
    if (l->col == first)
        item(l, first, "no options");
}

/* --- lines --- */

static void segment_line(struct trace_conn *c, const struct tcp_event *ev)
{
    char flags[FLAGS_TEXT_MAX];
    struct line l;
    const size_t left = begin(c->trace, c, ev->at, &l);

    arrow(&l, ev->type == EVENT_SENT);
    line_add(&l, "%s", format_flags(ev->seg->flags, flags));
    numbers(c, ev, left, &l);
    last_column(c, ev, &l);
    line_end(&l);
    if (ev->seg->flags & SEG_SYN) {
        output_prefix(c->trace, c, &l);
        line_to(&l, left + SEGMENT_BEGIN, 0);
        options(&ev->seg->opt, &l);
        line_end(&l);
    }
    output_write(c->trace, &l);
}

void table_mark(struct trace *t, const struct trace_conn *c, usec_t now, const char *text)
{
    struct line l;

    begin(t, c, now, &l);
    line_add(&l, "  *  ");
    line_add(&l, "%s", text);
    line_end(&l);
    output_write(t, &l);
}

/* Why the state changed without a segment. */
static void state_reason(const struct tcp_event *ev, char *text, size_t cap)
{
    char delay[DURATION_TEXT_MAX];

    text[0] = '\0';
    if (ev->old_state == STATE_TIME_WAIT && ev->delay == 0)
        snprintf(text, cap, "  2*MSL not waited for");
    else if (ev->old_state == STATE_TIME_WAIT)
        snprintf(text, cap, "  2*MSL timer (%s) expired", format_setting(ev->delay, delay));
    else if (ev->new_state == STATE_CLOSED && ev->tcb != NULL && ev->tcb->end != END_NONE)
        snprintf(text, cap, "  %s", words_end(ev->tcb->end));
    else if (ev->new_state == STATE_FIN_WAIT_1 || ev->new_state == STATE_LAST_ACK)
        snprintf(text, cap, "  end of input, FIN follows the data");
}

static void state_line(struct trace_conn *c, const struct tcp_event *ev)
{
    char why[96], text[160];

    if (ev->old_state == ev->new_state)
        return;
    state_reason(ev, why, sizeof why);
    snprintf(text, sizeof text, "%s -> %s%s", tcp_state_name(ev->old_state),
             tcp_state_name(ev->new_state), why);
    table_mark(c->trace, c, ev->at, text);
}

static void path_line(struct trace_conn *c, const struct tcp_event *ev)
{
    char text[160];

    table_mark(c->trace, c, ev->at, words_path(ev, text, sizeof text));
}

void table_event(struct trace_conn *c, const struct tcp_event *ev)
{
    switch (ev->type) {
    case EVENT_SENT:
    case EVENT_RECEIVED:
    case EVENT_DROPPED:
        if (ev->seg != NULL)
            segment_line(c, ev);
        break;
    case EVENT_STATE:
    case EVENT_CLOSED:
        state_line(c, ev);
        break;
    case EVENT_PATH:
        path_line(c, ev);
        break;
    case EVENT_TIMER: /* what follows from it has its own line */
        break;
    }
}

void table_stray(struct trace *t, const struct packet *pkt, bool sent, const char *what, usec_t now)
{
    const struct endpoint peer = {.ip = sent ? pkt->ip.dst : pkt->ip.src,
                                  .port = sent ? pkt->dport : pkt->sport};
    char flags[FLAGS_TEXT_MAX], text[ENDPOINT_TEXT_MAX];
    struct line l;
    const size_t left = begin(t, NULL, now, &l);

    arrow(&l, sent);
    line_add(&l, "%s", format_flags(pkt->seg.flags, flags));
    line_to(&l, left + SEQ_BEGIN, 1);
    line_add(&l, "%s %s", sent ? "to" : "from", format_endpoint(&peer, ':', text));
    if (pkt->seg.len > 0)
        line_add(&l, ", %" PRIu32 " bytes", pkt->seg.len);
    line_add(&l, "  %s", what);
    line_end(&l);
    output_write(t, &l);
}
