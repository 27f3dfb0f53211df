/*
 * One run of the program: from checked options to an exit status. Owns the link, the connections
 * and the relay.
 */
#ifndef SEGCAT_SESSION_SESSION_H
#define SEGCAT_SESSION_SESSION_H

#include "segcat/cli/options.h"

/*
 * Listens or connects, moves bytes until both directions are done. Every failure has been said on
 * stderr in one line. label: written before each trace line (the demo's two sides), or NULL.
 * origin: time zero of the trace, 0: its first event. Returns the exit status; where a signal asked
 * for the end, does not return but dies of that signal.
 */
int session_run(const struct options *opt, const char *label, usec_t origin);

#endif
