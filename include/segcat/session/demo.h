/*
 * segcat --demo: a whole connection in a private network, to watch.
 */
#ifndef SEGCAT_SESSION_DEMO_H
#define SEGCAT_SESSION_DEMO_H

#include "segcat/cli/options.h"

/*
 * Makes a user and network namespace of its own, runs a listener and a connector in it, and prints
 * both traces in the order in which things happened, with a word on each step. Needs no privilege
 * where user namespaces are allowed. Returns an exit status.
 */
int demo_run(const struct options *opt);

#endif
