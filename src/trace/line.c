/*
 * A record under construction. Touches nothing but its own buffer.
 */
#include "segcat/trace/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Room that only colours and the ends of lines may use. */
#define RESERVE 16

static const char *const codes[] = {
    [LINE_PLAIN] = "",        [LINE_SENT] = "\033[36m",   [LINE_RECEIVED] = "\033[32m",
    [LINE_STATE] = "\033[1m", [LINE_NOTICE] = "\033[33m", [LINE_ALARM] = "\033[1;31m",
    [LINE_FAINT] = "\033[2m",
};

void line_init(struct line *l, bool color)
{
    l->buf[0] = '\0';
    l->len = l->col = 0;
    l->color = color;
    l->full = false;
}

size_t line_room(const struct line *l)
{
    return l->full ? 0 : LINE_COLUMNS - l->col;
}

static void put_code(struct line *l, const char *code)
{
    const size_t n = strlen(code);

    if (l->len + n + 2 > LINE_BYTES)
        return;
    memcpy(l->buf + l->len, code, n + 1);
    l->len += n;
}

static void put(struct line *l, const char *text, size_t n)
{
    if (l->len + n + RESERVE > LINE_BYTES)
        n = l->len + RESERVE < LINE_BYTES ? LINE_BYTES - RESERVE - l->len : 0;
    memcpy(l->buf + l->len, text, n);
    l->len += n;
    l->col += n;
    l->buf[l->len] = '\0';
}

static void put_or_cut(struct line *l, const char *text)
{
    const size_t room = line_room(l);
    const size_t n = strlen(text);

    if (n <= room) {
        put(l, text, n);
        return;
    }
    if (room >= 3) {
        size_t keep = room - 3;

        while (keep > 0 && ((unsigned char)text[keep] & 0xc0) == 0x80)
            keep--; /* never half a character */
        put(l, text, keep);
        put(l, "...", 3);
    }
    l->full = true;
}

void line_add(struct line *l, const char *fmt, ...)
{
    char text[LINE_COLUMNS + 2]; /* one more than a line holds, so that a cut is seen */
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    put_or_cut(l, text);
}

void line_color(struct line *l, enum line_color c, const char *text)
{
    if (l->color && c != LINE_PLAIN)
        put_code(l, codes[c]);
    put_or_cut(l, text);
    if (l->color && c != LINE_PLAIN)
        put_code(l, "\033[0m");
}

void line_to(struct line *l, size_t col, size_t least)
{
    size_t n = l->col < col ? col - l->col : 0;

    if (n < least)
        n = least;
    line_add(l, "%*s", (int)n, "");
}

void line_right(struct line *l, size_t edge, const char *text)
{
    const size_t n = strlen(text);

    line_to(l, edge > n ? edge - n : 0, 1);
    put_or_cut(l, text);
}

void line_end(struct line *l)
{
    put_code(l, "\n");
    l->col = 0;
    l->full = false;
}
