/*
 * Messages to the user: one form for all, "segcat: text" and a newline in one write(2), on stderr.
 */
#ifndef SEGCAT_CLI_MESSAGE_H
#define SEGCAT_CLI_MESSAGE_H

void message(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
