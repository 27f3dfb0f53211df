/*
 * Plain words for what the core names by number, and for what an event means: the same in every
 * renderer of text.
 */
#ifndef SEGCAT_TRACE_WORDS_H
#define SEGCAT_TRACE_WORDS_H

#include <stddef.h>

#include "segcat/tcp/event.h"

/* Why an arrived segment was dropped: "checksum is wrong". Static. */
const char *words_drop(enum drop_reason why);

/* What has proved a recovery needless: "timestamps". Static. */
const char *words_undo(enum undo_proof proof);

/* How a connection ended: "closed in order (FIN both ways)". Static. */
const char *words_end(enum tcp_end end);

/* What an EVENT_PATH says. Returns buf. */
const char *words_path(const struct tcp_event *ev, char *buf, size_t cap);

#endif
