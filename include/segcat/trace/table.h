/*
 * -vv: a line for each segment.
 */
#ifndef SEGCAT_TRACE_TABLE_H
#define SEGCAT_TRACE_TABLE_H

#include <stdarg.h>

#include "segcat/trace/trace.h"

void table_event(struct trace_conn *c, const struct tcp_event *ev);

/* "      3.000000  *  text" */
void table_mark(struct trace *t, const struct trace_conn *c, usec_t now, const char *text);

/* A segment of no connection. */
void table_stray(struct trace *t, const struct packet *pkt, bool sent, const char *what,
                 usec_t now);

#endif
