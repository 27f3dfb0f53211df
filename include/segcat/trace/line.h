/*
 * A record under construction: lines of at most LINE_COLUMNS columns in a buffer on the stack.
 * Colour takes no columns. What does not fit is cut and ends in "...". A byte counts as a column,
 * so a text that is not ASCII ends early at worst.
 */
#ifndef SEGCAT_TRACE_LINE_H
#define SEGCAT_TRACE_LINE_H

#include <stdbool.h>
#include <stddef.h>

#define LINE_COLUMNS 100
#define LINE_BYTES   1536 /* a whole record: some lines, each with its colours */

enum line_color {
    LINE_PLAIN,
    LINE_SENT,
    LINE_RECEIVED,
    LINE_STATE,
    LINE_NOTICE,
    LINE_ALARM,
    LINE_FAINT
};

struct line {
    char buf[LINE_BYTES];
    size_t len; /* bytes, always less than LINE_BYTES; buf[len] is 0 */
    size_t col; /* columns of the current line */
    bool color; /* write colours at all */
    bool full;  /* the current line was cut */
};

void line_init(struct line *l, bool color);

void line_add(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same in a colour. */
void line_color(struct line *l, enum line_color c, const char *text);

/* Fills with spaces up to column `col`; at least `least` spaces. */
void line_to(struct line *l, size_t col, size_t least);

/* `text` so that it ends at column `edge`, or further right, behind at least one space. */
void line_right(struct line *l, size_t edge, const char *text);

/* Columns left in the current line. */
size_t line_room(const struct line *l);

/* Ends the current line. */
void line_end(struct line *l);

#endif
