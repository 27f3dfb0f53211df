/*
 * The table of options, --help, --version. Prints to stdout only.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "segcat/cli/help.h"

#include <stdio.h>
#include <string.h>

#include "segcat/cli/options.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

const struct option_row option_rows[] = {
    {'l', 'l', "listen", NULL, GROUP_CONNECT, "wait for a connection instead of making one"},
    {'4', '4', "ipv4", NULL, GROUP_CONNECT, "IPv4 only"},
    {'6', '6', "ipv6", NULL, GROUP_CONNECT, "IPv6 only"},
    {'n', 'n', "nodns", NULL, GROUP_CONNECT, "numbers only: look up no names"},
    {'p', 'p', "source-port", "PORT", GROUP_CONNECT,
     "connect from this port; with -l, listen on it"},
    {'s', 's', "source", "ADDR", GROUP_CONNECT, "connect from this address; with -l, listen on it"},
    {'w', 'w', "wait", "TIME", GROUP_CONNECT, "give up after TIME without connection or data"},
    {'N', 'N', "shutdown", NULL, GROUP_CONNECT, "send FIN at the end of input (the default)"},
    {'v', 'v', "verbose", NULL, GROUP_SHOW, "say what happens; -vv: show each segment"},
    {0, ID_COLOR, "color", "WHEN", GROUP_SHOW, "auto (on a terminal), always or never"},
    {0, ID_DEMO, "demo", NULL, GROUP_SHOW, "a whole connection, both sides, in a private network"},
    {0, ID_CONGESTION, "congestion", "NAME", GROUP_TCP, "congestion control: cubic or reno"},
    {0, ID_ECN, "ecn", "WHEN", GROUP_TCP, "accept (when the peer asks), on (ask for it) or off"},
    {0, ID_BUFFER, "buffer", "SIZE", GROUP_TCP, "at most so much memory each way (16M)"},
    {0, ID_KEEPALIVE, "keepalive", "[=IDLE]", GROUP_TCP,
     "ask an idle peer: IDLE[,INTERVAL[,COUNT]] (2h,75,9)"},
    {0, ID_USER_TIMEOUT, "user-timeout", "TIME", GROUP_TCP,
     "give up when what was sent has no answer for TIME"},
    {0, ID_TIME_WAIT, "time-wait", "HOW", GROUP_TCP,
     "hold (a child keeps it), wait (here), none (skip it)"},
    {0, ID_MSL, "msl", "TIME", GROUP_TCP, "maximum segment lifetime (30 s); TIME-WAIT lasts two"},
    {'M', 'M', "ttl", "HOPS", GROUP_TCP, "hops that a packet may go, 1 to 255 (64)"},
    {'T', 'T', "tos", "DSCP", GROUP_TCP, "type of service: ef, af11, cs1, lowdelay, 0x10, ..."},
    {0, ID_NODELAY, "nodelay", NULL, GROUP_TCP, "send small segments at once: no Nagle"},
    {0, ID_ISN, "isn", "NUMBER", GROUP_TCP, "initial sequence number, for tests"},
    {'h', 'h', "help", NULL, GROUP_OTHER, "this page"},
    {0, ID_VERSION, "version", NULL, GROUP_OTHER, "the version"},
};

const size_t option_row_count = sizeof option_rows / sizeof option_rows[0];

static void print_row(const struct option_row *r)
{
    char left[64];

    snprintf(left, sizeof left, "%c%c%c --%s%s%s", r->letter != 0 ? '-' : ' ',
             r->letter != 0 ? r->letter : ' ', r->letter != 0 ? ',' : ' ', r->name,
             r->arg != NULL && r->arg[0] != '[' ? "=" : "", r->arg != NULL ? r->arg : "");
    printf("  %-24s %s\n", left, r->help);
}

static void print_group(enum option_group group, const char *title)
{
    printf("\n%s\n", title);
    for (size_t i = 0; i < option_row_count; i++)
        if (option_rows[i].group == group)
            print_row(&option_rows[i]);
}

void options_help(void)
{
    puts("segcat: a netcat whose TCP is its own, and shows it\n"
         "\n"
         "  segcat -vv example.org 80       connect, show each segment\n"
         "  segcat -l 8088 > file           receive a file on port 8088\n"
         "  segcat --demo                   watch a whole connection, no root needed\n"
         "\n"
         "  segcat [options] HOST PORT\n"
         "  segcat [options] -l [HOST] PORT");
    print_group(GROUP_CONNECT, "Connecting");
    print_group(GROUP_SHOW, "Showing");
    print_group(GROUP_TCP, "TCP");
    print_group(GROUP_OTHER, "Other");
    puts("\n"
         "TIME is in seconds (5, 0.5), or has a unit: ms, s, m, h. SIZE may\n"
         "end in K, M or G.\n"
         "Exit status: 0 every byte and both FINs acknowledged, 1 the network, 2 usage,\n"
         "128+n ended by signal n.");
}

void options_version(void)
{
    puts("segcat " PACKAGE_VERSION);
}

void options_list(void)
{
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *r = &option_rows[i];

        printf("%c %s %s\n", r->letter != 0 ? r->letter : '-', r->name,
               r->arg != NULL ? r->arg : "-");
    }
}
