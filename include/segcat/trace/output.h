/*
 * Where text leaves the trace: one record, one write(2), never for long.
 */
#ifndef SEGCAT_TRACE_OUTPUT_H
#define SEGCAT_TRACE_OUTPUT_H

#include <stdarg.h>

#include "segcat/trace/line.h"
#include "segcat/trace/trace.h"

/*
 * What each line begins with: the label and, where several connections are traced, the
 * connection's tag. c may be NULL.
 */
void output_prefix(const struct trace *t, const struct trace_conn *c, struct line *l);

/*
 * Writes a record as a whole. A reader that is much slower than we are loses records and is told
 * how many; an error ends the trace silently: there is nowhere to say it.
 */
void output_write(struct trace *t, const struct line *l);

/* A sentence of any length, made printable; "segcat: " before it where `prefix`. c may be NULL. */
void output_sentence(struct trace *t, const struct trace_conn *c, bool prefix, const char *fmt,
                     va_list ap) __attribute__((format(printf, 4, 0)));

#endif
