/*
 * The one table of options, and what is printed from it.
 */
#ifndef SEGCAT_CLI_HELP_H
#define SEGCAT_CLI_HELP_H

#include <stddef.h>

enum option_group { GROUP_CONNECT, GROUP_SHOW, GROUP_TCP, GROUP_OTHER };

struct option_row {
    int letter;       /* 0: none */
    int id;           /* what the parser switches on: the letter, or a number above 255 */
    const char *name; /* the long form, always there */
    const char *arg;  /* the argument's name, NULL: it takes none, "[=...]": it may be left out */
    enum option_group group;
    const char *help;
};

/* Numbers of the options without a letter. */
enum option_id {
    ID_VERSION = 256,
    ID_DEMO,
    ID_CONGESTION,
    ID_ECN,
    ID_KEEPALIVE,
    ID_USER_TIMEOUT,
    ID_TIME_WAIT,
    ID_MSL,
    ID_NODELAY,
    ID_ISN,
    ID_COLOR,
    ID_BUFFER,
};

#define OPTION_ROWS_MAX 64
extern const struct option_row option_rows[];
extern const size_t option_row_count;

#endif
