/*
 * The command line. One table describes every option; parsing, --help and the checks of man page
 * and completions come from it. Prints and exits only through cli/message.h.
 */
#ifndef SEGCAT_CLI_OPTIONS_H
#define SEGCAT_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segcat/usec.h"

enum exit_status {
    EXIT_OK = 0,      /* every byte and our FIN acknowledged, the peer's FIN arrived */
    EXIT_NETWORK = 1, /* refused, reset, timed out, unreachable, bytes not delivered */
    EXIT_USAGE = 2,   /* usage, name resolution, port in use, no privilege */
    /* 128 + n: ended by signal n */
};

enum run_mode {
    MODE_CONNECT,
    MODE_LISTEN,
    MODE_DEMO,
    MODE_HELP,         /* options_help() */
    MODE_VERSION,      /* options_version() */
    MODE_LIST_OPTIONS, /* options_list() */
};
enum time_wait_mode { TIME_WAIT_HOLD, TIME_WAIT_WAIT, TIME_WAIT_NONE };

struct congestion_ops;

struct options {
    enum run_mode mode;
    bool v4_only;            /* -4 */
    bool v6_only;            /* -6 */
    bool numeric;            /* -n */
    int verbose;             /* -v, repeated */
    const char *host;        /* NULL: not given */
    const char *port;        /* number or service name; NULL: not given */
    const char *source;      /* -s (with -l it is put into `host`) */
    const char *source_port; /* -p: connecting, the source port (with -l it is put into `port`) */
    usec_t wait;             /* -w: 0 none */
    enum time_wait_mode time_wait;
    size_t buffer;                           /* --buffer: 0 default */
    const struct congestion_ops *congestion; /* --congestion, NULL: the default */
    usec_t user_timeout;                     /* --user-timeout: 0 default */
    struct {
        usec_t idle, interval;
        unsigned count;
    } keepalive;  /* --keepalive: idle 0: off; 0 of the others: default */
    int ecn;      /* enum ecn_use of tcp/ecn.h: --ecn */
    usec_t msl;   /* --msl: 0 default */
    uint8_t ttl;  /* --ttl: 0 default */
    uint8_t tos;  /* --tos: the DSCP, in its place */
    bool nodelay; /* --nodelay */
    bool has_isn; /* --isn */
    uint32_t isn;
    int color; /* enum color_mode of trace.h: --color */
};

/*
 * Parses and checks argv (and permutes it, as getopt does). The strings in *out are argv's. On
 * wrong usage prints one line on stderr that says what to do and returns EXIT_USAGE; else
 * EXIT_OK.
 */
int options_parse(int argc, char *const argv[], struct options *out);

/* Prints --help to stdout: three examples first, options in groups, on one screen. */
void options_help(void);
void options_version(void);

/*
 * For tests: one line per option, "letter long argument" ('-' where there is none). Printed by
 * the hidden --list-options.
 */
void options_list(void);

#endif
