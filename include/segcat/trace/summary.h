/*
 * The summary of a connection: the line of -v, the table of -vv.
 */
#ifndef SEGCAT_TRACE_SUMMARY_H
#define SEGCAT_TRACE_SUMMARY_H

#include "segcat/trace/trace.h"

void summary_line(struct trace_conn *c, const struct tcb *tcb, usec_t now);
void summary_table(struct trace_conn *c, const struct tcb *tcb, usec_t now);

#endif
