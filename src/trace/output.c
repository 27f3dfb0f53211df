/*
 * Where text leaves the trace: poll(2), write(2), nothing else.
 */
#include "segcat/trace/output.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "segcat/trace/format.h"

#define PATIENCE_MS    100 /* one record waits for its reader so long, those behind it not at all */
#define SENTENCE_BYTES 1024

enum outcome { WRITTEN, NO_ROOM, BROKEN };

void output_prefix(const struct trace *t, const struct trace_conn *c, struct line *l)
{
    if (t->cfg.label != NULL)
        line_add(l, "%s ", t->cfg.label);
    if (c != NULL && c->tag != 0)
        line_add(l, "#%u ", c->tag);
}

/*
 * True if a write will not block: asked first, for the descriptor's O_NONBLOCK is not ours to
 * set.
 */
static bool has_room(const struct trace *t)
{
    struct pollfd p = {.fd = t->cfg.fd, .events = POLLOUT};
    int n;

    do
        n = poll(&p, 1, t->lost > 0 ? 0 : PATIENCE_MS);
    while (n < 0 && errno == EINTR);
    return n > 0;
}

static enum outcome write_whole(struct trace *t, const char *p, size_t len)
{
    const char *const begin = p;

    while (len > 0) {
        const bool room = has_room(t);
        const ssize_t n = room ? write(t->cfg.fd, p, len) : -1;

        if (!room)
            errno = EAGAIN;
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
            return BROKEN;
        } else if (errno == EAGAIN) {
            t->torn = t->torn || p != begin;
            return NO_ROOM;
        }
    }
    return WRITTEN;
}

static enum outcome write_record(struct trace *t, const char *p, size_t len)
{
    const enum outcome o = write_whole(t, p, len);

    t->failed = t->failed || o == BROKEN;
    return o;
}

/* Before the first record that has room again: what is missing. */
static bool confess(struct trace *t)
{
    struct line l;

    line_init(&l, t->color);
    if (t->torn)
        line_end(&l);
    output_prefix(t, NULL, &l);
    line_add(&l, "segcat: %llu lines of this trace are lost: their reader is too slow", t->lost);
    line_end(&l);
    if (write_record(t, l.buf, l.len) != WRITTEN)
        return false;
    t->lost = 0;
    t->torn = false;
    return true;
}

static void write_or_lose(struct trace *t, const char *p, size_t len)
{
    if (t->failed)
        return;
    if ((t->lost > 0 && !confess(t)) || write_record(t, p, len) == NO_ROOM)
        t->lost++;
}

void output_write(struct trace *t, const struct line *l)
{
    write_or_lose(t, l->buf, l->len);
}

void output_sentence(struct trace *t, const struct trace_conn *c, bool prefix, const char *fmt,
                     va_list ap)
{
    char raw[SENTENCE_BYTES], text[SENTENCE_BYTES];
    struct line l;
    size_t len;

    vsnprintf(raw, sizeof raw, fmt, ap);
    line_init(&l, false);
    output_prefix(t, c, &l);
    line_add(&l, "%s", prefix ? "segcat: " : "");
    memcpy(text, l.buf, l.len);
    format_printable(raw, text + l.len, sizeof text - l.len - 1);
    len = strlen(text);
    text[len] = '\n';
    write_or_lose(t, text, len + 1);
}
