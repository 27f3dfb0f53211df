/*
 * The command line: what is taken, what is refused and with which words. Stdout and stderr go to
 * temporary files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "segcat/cli/help.h"
#include "segcat/cli/message.h"
#include "segcat/cli/options.h"
#include "segcat/tcp/congestion.h"
#include "segcat/tcp/ecn.h"
#include "segcat/trace/trace.h"

static struct options o;
static char said[8192];

/* What goes to descriptor `fd` from now on goes to a file; returns the old place. */
static int redirect(int fd, FILE *to)
{
    const int saved = dup(fd);

    assert_true(saved >= 0);
    assert_true(dup2(fileno(to), fd) >= 0);
    return saved;
}

static void restore(int fd, int saved, FILE *from)
{
    size_t n;

    dup2(saved, fd);
    close(saved);
    rewind(from);
    n = fread(said, 1, sizeof said - 1, from);
    said[n] = '\0';
    fclose(from);
}

/* Parses a command line, words separated by single spaces. */
static int parse(const char *line)
{
    static char copy[512];
    char *argv[32] = {0};
    int argc = 0, saved, status;
    FILE *const f = tmpfile();

    assert_true(f != NULL && strlen(line) < sizeof copy);
    strcpy(copy, line);
    for (char *p = copy; p != NULL;) {
        argv[argc++] = p;
        p = strchr(p, ' ');
        if (p != NULL)
            *p++ = '\0';
    }
    saved = redirect(STDERR_FILENO, f);
    status = options_parse(argc, argv, &o);
    restore(STDERR_FILENO, saved, f);
    return status;
}

static void accept(const char *line)
{
    assert_int_equal(parse(line), EXIT_OK);
    assert_string_equal(said, "");
}

static void refuse(const char *line, const char *words)
{
    char expected[512];

    assert_int_equal(parse(line), EXIT_USAGE);
    snprintf(expected, sizeof expected, "segcat: %s\n", words);
    assert_string_equal(said, expected);
}

static void host_and_port_connect(void **state)
{
    (void)state;
    accept("segcat example.org 80");
    assert_int_equal(o.mode, MODE_CONNECT);
    assert_string_equal(o.host, "example.org");
    assert_string_equal(o.port, "80");
    assert_null(o.source);
    assert_null(o.source_port);
    assert_int_equal(o.verbose, 0);
    assert_int_equal(o.wait, 0);
    assert_int_equal(o.msl, 0);
    assert_int_equal(o.time_wait, TIME_WAIT_HOLD);
    assert_int_equal(o.color, COLOR_AUTO);
    assert_false(o.has_isn || o.numeric || o.v4_only || o.v6_only);
}

static void a_service_may_be_named(void **state)
{
    (void)state;
    accept("segcat -4 host http");
    assert_string_equal(o.port, "http");
    assert_true(o.v4_only);
}

static void every_way_of_nc_to_listen_is_understood(void **state)
{
    static const struct {
        const char *line, *host, *port;
    } ways[] = {
        {"segcat -l 8088", NULL, "8088"},
        {"segcat -l localhost 8088", "localhost", "8088"},
        {"segcat -l -p 8088", NULL, "8088"},
        {"segcat -l -p 8088 localhost", "localhost", "8088"},
        {"segcat -lp 8088", NULL, "8088"},
        {"segcat -lp8088", NULL, "8088"},
        {"segcat -lvp 8088", NULL, "8088"},
        {"segcat 8088 -l", NULL, "8088"},
        {"segcat --listen 0", NULL, "0"},
        {"segcat -l -s 127.0.0.1 8088", "127.0.0.1", "8088"},
        {"segcat -l -s ::1 -p http", "::1", "http"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        accept(ways[i].line);
        assert_int_equal(o.mode, MODE_LISTEN);
        assert_string_equal(o.port, ways[i].port);
        if (ways[i].host == NULL)
            assert_null(o.host);
        else
            assert_string_equal(o.host, ways[i].host);
        assert_null(o.source);
        assert_null(o.source_port);
    }
}

static void options_may_follow_arguments(void **state)
{
    (void)state;
    accept("segcat localhost 8088 -vv -n");
    assert_int_equal(o.verbose, 2);
    assert_true(o.numeric);
    accept("segcat -v -- localhost 8088");
    assert_int_equal(o.verbose, 1);
}

static void short_and_long_forms_mean_the_same(void **state)
{
    (void)state;
    accept("segcat -6 -n -N -p 4000 -s ::1 -v -w 5 ::2 80");
    assert_true(o.v6_only && o.numeric);
    assert_int_equal(o.verbose, 1);
    assert_string_equal(o.source_port, "4000");
    assert_string_equal(o.source, "::1");
    assert_int_equal(o.wait, 5 * USEC_SEC);
    accept("segcat --ipv6 --nodns --shutdown --source-port=4000 --source=::1 --verbose --wait=5 "
           "::2 80");
    assert_true(o.v6_only && o.numeric);
    assert_int_equal(o.verbose, 1);
    assert_string_equal(o.source_port, "4000");
    assert_string_equal(o.source, "::1");
    assert_int_equal(o.wait, 5 * USEC_SEC);
}

static void times_take_units_and_decimals(void **state)
{
    static const struct {
        const char *text;
        usec_t time;
    } times[] = {
        {"5", 5 * USEC_SEC},
        {"0.5", 500 * USEC_MS},
        {".25", 250 * USEC_MS},
        {"500ms", 500 * USEC_MS},
        {"1.5s", 1500 * USEC_MS},
        {"2m", 120 * USEC_SEC},
        {"1h", 3600 * USEC_SEC},
        {"0.001ms", 1},
        {"8784h", 8784 * 3600 * USEC_SEC},
        {"0.000000000001h", 0},
        {"1.", 0},
        {"", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char line[64], words[160];

        snprintf(line, sizeof line, "segcat --wait=%s host 80", times[i].text);
        if (times[i].time != 0) {
            accept(line);
            assert_int_equal(o.wait, times[i].time);
        } else {
            snprintf(words, sizeof words,
                     "-w %s is no time: give seconds (5 or 0.5) or a number with ms, s, m or h",
                     times[i].text);
            refuse(line, words);
        }
    }
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const bad[] = {"0",
                                      "-1",
                                      "x",
                                      "5x",
                                      "5 s",
                                      "1e3",
                                      "inf",
                                      "nan",
                                      "0x5",
                                      "1,5",
                                      "5ss",
                                      "8785h",
                                      "99999999999999999999",
                                      ".",
                                      "1.2.3"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[64];

        snprintf(line, sizeof line, "segcat --msl=%s host 80", bad[i]);
        assert_int_equal(parse(line), EXIT_USAGE);
        assert_true(strncmp(said, "segcat: --msl ", 14) == 0 || strchr(bad[i], ' ') != NULL);
    }
}

static void a_buffer_has_a_size_with_a_unit(void **state)
{
    static const struct {
        const char *text;
        size_t bytes;
    } good[] = {
        {"4096", 4096},      {"4K", 4096},           {"100000", 100000}, {"64k", 65536},
        {"16M", 16U << 20},  {"1m", 1U << 20},       {"1G", 1U << 30},   {"1g", 1U << 30},
        {"1024M", 1U << 30}, {"1048576K", 1U << 30},
    };
    static const char *const bad[] = {"0",          "4095",   "3K",  "1025M",        "2G",
                                      "1073741825", "-1",     "K",   "1T",           "1KB",
                                      "1.5M",       "0x1000", "1 M", "99999999999G", "4K4"};
    char line[64];

    (void)state;
    accept("segcat host 80");
    assert_int_equal(o.buffer, 0);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(line, sizeof line, "segcat --buffer=%s host 80", good[i].text);
        accept(line);
        assert_int_equal(o.buffer, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(line, sizeof line, "segcat --buffer=%s host 80", bad[i]);
        assert_int_equal(parse(line), EXIT_USAGE);
    }
    refuse("segcat --buffer=2G host 80",
           "--buffer 2G: give a size from 4K to 1G, as in 512K or 64M");
}

static void an_initial_sequence_number_is_decimal_or_hexadecimal(void **state)
{
    (void)state;
    accept("segcat --isn=4294967295 host 80");
    assert_true(o.has_isn);
    assert_int_equal(o.isn, UINT32_MAX);
    accept("segcat --isn=0xFFFFfff0 host 80");
    assert_int_equal(o.isn, 0xfffffff0);
    accept("segcat --isn=010 host 80");
    assert_int_equal(o.isn, 10);
    accept("segcat --isn=0 host 80");
    assert_true(o.has_isn);
    refuse("segcat --isn=4294967296 host 80",
           "--isn 4294967296 is no sequence number: give 0 to 4294967295, or 0x...");
    refuse("segcat --isn=-1 host 80",
           "--isn -1 is no sequence number: give 0 to 4294967295, or 0x...");
    refuse("segcat --isn=0x host 80",
           "--isn 0x is no sequence number: give 0 to 4294967295, or 0x...");
}

static void names_choose_congestion_control(void **state)
{
    (void)state;
    accept("segcat host 80");
    assert_null(o.congestion);
    accept("segcat --congestion=reno host 80");
    assert_ptr_equal(o.congestion, &congestion_reno);
    accept("segcat -l --congestion cubic 80");
    assert_ptr_equal(o.congestion, &congestion_cubic);
    refuse("segcat --congestion=vegas host 80",
           "--congestion=vegas is not known: give cubic or reno");
    refuse("segcat --congestion= host 80", "--congestion= is not known: give cubic or reno");
}

static void a_ttl_is_a_number_of_hops(void **state)
{
    (void)state;
    accept("segcat host 80");
    assert_int_equal(o.ttl, 0);
    accept("segcat -M 7 host 80");
    assert_int_equal(o.ttl, 7);
    accept("segcat -l --ttl=255 80");
    assert_int_equal(o.ttl, 255);
    refuse("segcat -M 0 host 80", "-M 0 is no number of hops: give 1 to 255");
    refuse("segcat -M 256 host 80", "-M 256 is no number of hops: give 1 to 255");
    refuse("segcat -M 1x host 80", "-M 1x is no number of hops: give 1 to 255");
    refuse("segcat --ttl= host 80", "-M  is no number of hops: give 1 to 255");
}

static void a_type_of_service_is_a_word_or_a_number(void **state)
{
    static const struct {
        const char *line;
        unsigned tos;
    } good[] = {
        {"segcat host 80", 0},
        {"segcat -T ef host 80", 0xb8},
        {"segcat -T EF host 80", 0xb8},
        {"segcat --tos=af11 host 80", 0x28},
        {"segcat --tos=af43 host 80", 0x98},
        {"segcat -T cs0 host 80", 0},
        {"segcat -T cs7 host 80", 0xe0},
        {"segcat -T lowdelay host 80", 0x10},
        {"segcat -T throughput -l 80", 0x08},
        {"segcat -T 0xfc host 80", 0xfc},
        {"segcat -T 184 host 80", 0xb8},
    };
    static const char *const bad[] = {"af14",  "af51", "af1", "cs8", "0x03", "1",   "256",
                                      "0x100", "ef2",  "0x",  "-4",  "",     "0xfg"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        accept(good[i].line);
        assert_int_equal(o.tos, good[i].tos);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[64], words[256];

        snprintf(line, sizeof line, "segcat --tos=%s host 80", bad[i]);
        snprintf(words, sizeof words,
                 "-T %s is no type of service: give ef, af11 to af43, cs0 to cs7, lowdelay, "
                 "throughput, reliability, or a multiple of 4 up to 252 (0xfc)",
                 bad[i]);
        refuse(line, words);
    }
}

static void nagle_is_switched_off_by_nodelay(void **state)
{
    (void)state;
    accept("segcat host 80");
    assert_false(o.nodelay);
    accept("segcat --nodelay host 80");
    assert_true(o.nodelay);
}

static void keepalive_takes_up_to_three_numbers(void **state)
{
    static const char *const bad[] = {"x", "1,2,0", "1,2,128", "1,2,3,4", "1,x", "0", "1,2,", "-1"};

    (void)state;
    accept("segcat host 80");
    assert_int_equal(o.keepalive.idle, 0); /* MUST-25: off */
    accept("segcat --keepalive host 80");
    assert_int_equal(o.keepalive.idle, 7200 * USEC_SEC);
    assert_int_equal(o.keepalive.interval, 0);
    assert_int_equal(o.keepalive.count, 0);
    assert_string_equal(o.host, "host");
    accept("segcat --keepalive=5 host 80");
    assert_int_equal(o.keepalive.idle, 5 * USEC_SEC);
    accept("segcat --keepalive=1m,500ms,3 host 80");
    assert_int_equal(o.keepalive.idle, 60 * USEC_SEC);
    assert_int_equal(o.keepalive.interval, 500 * USEC_MS);
    assert_int_equal(o.keepalive.count, 3);
    accept("segcat --keepalive=,,127 host 80");
    assert_int_equal(o.keepalive.idle, 7200 * USEC_SEC);
    assert_int_equal(o.keepalive.count, 127);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[64];

        snprintf(line, sizeof line, "segcat --keepalive=%s host 80", bad[i]);
        assert_int_equal(parse(line), EXIT_USAGE);
        assert_int_equal(strncmp(said, "segcat: --keepalive=", 20), 0);
    }
    accept("segcat --user-timeout=20 -l 80");
    assert_int_equal(o.user_timeout, 20 * USEC_SEC);
    refuse(
        "segcat --user-timeout=soon -l 80",
        "--user-timeout soon is no time: give seconds (5 or 0.5) or a number with ms, s, m or h");
}

static void words_choose_ecn(void **state)
{
    (void)state;
    accept("segcat host 80");
    assert_int_equal(o.ecn, ECN_USE_ACCEPT);
    accept("segcat --ecn=on host 80");
    assert_int_equal(o.ecn, ECN_USE_ON);
    accept("segcat -l --ecn=off 80");
    assert_int_equal(o.ecn, ECN_USE_OFF);
    refuse("segcat --ecn=yes host 80", "--ecn=yes is not known: give accept, on or off");
}

static void words_choose_colour_and_time_wait(void **state)
{
    (void)state;
    accept("segcat --color=always --time-wait=none host 80");
    assert_int_equal(o.color, COLOR_ALWAYS);
    assert_int_equal(o.time_wait, TIME_WAIT_NONE);
    accept("segcat --color=never --time-wait=wait host 80");
    assert_int_equal(o.color, COLOR_NEVER);
    assert_int_equal(o.time_wait, TIME_WAIT_WAIT);
    refuse("segcat --color=red host 80", "--color=red is not known: give auto, always or never");
    refuse("segcat --time-wait=x host 80", "--time-wait=x is not known: give hold, wait or none");
}

static void missing_arguments_are_told_with_the_way_out(void **state)
{
    (void)state;
    refuse("segcat", "host and port missing: segcat HOST PORT, or segcat -l PORT to listen (segcat "
                     "--help lists the options)");
    refuse("segcat localhost", "port missing: segcat localhost PORT");
    refuse("segcat 8088", "host missing: segcat HOST 8088, or segcat -l 8088 to listen");
    refuse("segcat -l", "port missing: segcat -l PORT (0 picks a free one)");
    refuse("segcat host 80 -w", "option -w needs an argument: -w TIME, or --wait=TIME");
    refuse("segcat host 80 --msl", "option --msl needs an argument: --msl=TIME");
    refuse("segcat --color= host 80", "--color= is not known: give auto, always or never");
}

static void too_many_arguments_are_refused(void **state)
{
    (void)state;
    refuse("segcat host 80 81", "too many arguments, from 81 on: one host and one port are enough");
    refuse("segcat -l a b c d", "too many arguments, from c on: one host and one port are enough");
}

static void bad_ports_are_refused(void **state)
{
    (void)state;
    refuse("segcat host 99999",
           "port 99999: port must be 0 to 65535 with -l, 1 to 65535 otherwise");
    refuse("segcat host 65536",
           "port 65536: port must be 0 to 65535 with -l, 1 to 65535 otherwise");
    refuse("segcat host 0", "port 0: port must be 0 to 65535 with -l, 1 to 65535 otherwise");
    refuse("segcat -l 70000", "port 70000: port must be 0 to 65535 with -l, 1 to 65535 otherwise");
    refuse("segcat -l -p 18446744073709551617",
           "port 18446744073709551617: port must be 0 to 65535 with -l, 1 to 65535 otherwise");
    refuse("segcat -p 0 host 80", "port 0: port must be 0 to 65535 with -l, 1 to 65535 otherwise");
    refuse("segcat host ", "port '': port must be 0 to 65535 with -l, 1 to 65535 otherwise");
    accept("segcat host 65535");
    accept("segcat -l 0");
    accept("segcat -p 65535 host 1");
}

static void an_empty_host_is_refused(void **state)
{
    (void)state;
    refuse("segcat  80", "the host is empty: give a name or an address");
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    refuse("segcat -4 -6 host 80", "-4 and -6 exclude each other: give one, or neither for both");
    refuse("segcat -46l 80", "-4 and -6 exclude each other: give one, or neither for both");
    refuse("segcat -4 ::1 80", "::1 is an IPv6 address: leave out -4");
    refuse("segcat -6 127.0.0.1 80", "127.0.0.1 is an IPv4 address: leave out -6");
    refuse("segcat -l -p 80 host 81", "two ports, -p 80 and 81: give one");
    refuse("segcat -l -s 127.0.0.1 ::1 80",
           "two addresses to listen on, -s 127.0.0.1 and ::1: give one");
    refuse("segcat --demo host 80",
           "--demo runs both sides itself: give it no host, port, -l, -p or -s");
    refuse("segcat -l --demo",
           "--demo runs both sides itself: give it no host, port, -l, -p or -s");
}

static void unknown_options_are_named_and_point_to_help(void **state)
{
    (void)state;
    refuse("segcat -k host 80", "unknown option -k: segcat --help lists the options");
    refuse("segcat -lk 80", "unknown option -k: segcat --help lists the options");
    refuse("segcat --keep-open host 80",
           "unknown option --keep-open: segcat --help lists the options");
    refuse("segcat --foo=bar host 80", "unknown option --foo: segcat --help lists the options");
    refuse("segcat -5", "unknown option -5: segcat --help lists the options");
    refuse("segcat -u host 53", "unknown option -u: segcat speaks TCP only: use nc -u");
    refuse("segcat --listen=80", "option --listen takes no argument");
    refuse("segcat --ver host 80",
           "option --ver could be --verbose or --version: write more of it");
}

static void an_unambiguous_beginning_is_enough(void **state)
{
    (void)state;
    accept("segcat --li 80");
    assert_int_equal(o.mode, MODE_LISTEN);
    accept("segcat --verb host 80");
    assert_int_equal(o.verbose, 1);
}

static void hostile_arguments_reach_the_terminal_escaped(void **state)
{
    (void)state;
    refuse("segcat a b \033[2J",
           "too many arguments, from \\e[2J on: one host and one port are enough");
}

static void help_version_and_demo_need_nothing_else(void **state)
{
    (void)state;
    accept("segcat --help");
    assert_int_equal(o.mode, MODE_HELP);
    accept("segcat -h -4 -6");
    assert_int_equal(o.mode, MODE_HELP);
    accept("segcat --version");
    assert_int_equal(o.mode, MODE_VERSION);
    accept("segcat --demo --msl=500ms");
    assert_int_equal(o.mode, MODE_DEMO);
    assert_int_equal(o.msl, 500 * USEC_MS);
    accept("segcat --list-options");
    assert_int_equal(o.mode, MODE_LIST_OPTIONS);
}

/* Runs a function that prints to stdout; its text is in said[]. */
static void catch_stdout(void (*print)(void))
{
    FILE *const f = tmpfile();
    int saved;

    assert_non_null(f);
    fflush(stdout);
    saved = redirect(STDOUT_FILENO, f);
    print();
    fflush(stdout);
    restore(STDOUT_FILENO, saved, f);
}

static void help_fits_a_screen_and_begins_with_examples(void **state)
{
    unsigned lines = 0;

    (void)state;
    catch_stdout(options_help);
    assert_non_null(strstr(said, "\n  segcat -vv "));
    for (char *p = said; *p != '\0'; p = strchr(p, '\n') + 1, lines++)
        assert_true(strchr(p, '\n') - p <= 80);
    assert_true(lines <= 45);
    assert_true(strstr(said, "segcat -l 8088") < strstr(said, "--listen"));
}

static void help_and_the_list_name_every_option_of_the_table(void **state)
{
    char help[sizeof said];

    (void)state;
    catch_stdout(options_help);
    strcpy(help, said);
    catch_stdout(options_list);
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *r = &option_rows[i];
        char text[64];

        snprintf(text, sizeof text, "--%s%s%s ", r->name,
                 r->arg != NULL && r->arg[0] != '[' ? "=" : "", r->arg != NULL ? r->arg : "");
        assert_non_null(strstr(help, text));
        snprintf(text, sizeof text, "%c %s %s\n", r->letter != 0 ? r->letter : '-', r->name,
                 r->arg != NULL ? r->arg : "-");
        assert_non_null(strstr(said, text));
        if (r->letter != 0)
            assert_int_equal(r->letter, r->id);
    }
}

static void a_message_is_one_line_with_our_name(void **state)
{
    FILE *const f = tmpfile();
    int saved;

    (void)state;
    assert_non_null(f);
    saved = redirect(STDERR_FILENO, f);
    message("cannot %s \"%s\"", "reach", "a\nb");
    restore(STDERR_FILENO, saved, f);
    assert_string_equal(said, "segcat: cannot reach \"a\\nb\"\n");
}

static void an_endless_message_is_cut(void **state)
{
    static char endless[4000];
    FILE *const f = tmpfile();
    int saved;

    (void)state;
    assert_non_null(f);
    memset(endless, '\033', sizeof endless - 1);
    saved = redirect(STDERR_FILENO, f);
    message("%s", endless);
    restore(STDERR_FILENO, saved, f);
    assert_true(strlen(said) < 1500);
    assert_int_equal(said[strlen(said) - 1], '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_and_port_connect),
        cmocka_unit_test(a_service_may_be_named),
        cmocka_unit_test(every_way_of_nc_to_listen_is_understood),
        cmocka_unit_test(options_may_follow_arguments),
        cmocka_unit_test(short_and_long_forms_mean_the_same),
        cmocka_unit_test(times_take_units_and_decimals),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(a_buffer_has_a_size_with_a_unit),
        cmocka_unit_test(an_initial_sequence_number_is_decimal_or_hexadecimal),
        cmocka_unit_test(names_choose_congestion_control),
        cmocka_unit_test(a_ttl_is_a_number_of_hops),
        cmocka_unit_test(a_type_of_service_is_a_word_or_a_number),
        cmocka_unit_test(nagle_is_switched_off_by_nodelay),
        cmocka_unit_test(keepalive_takes_up_to_three_numbers),
        cmocka_unit_test(words_choose_ecn),
        cmocka_unit_test(words_choose_colour_and_time_wait),
        cmocka_unit_test(missing_arguments_are_told_with_the_way_out),
        cmocka_unit_test(too_many_arguments_are_refused),
        cmocka_unit_test(bad_ports_are_refused),
        cmocka_unit_test(an_empty_host_is_refused),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(unknown_options_are_named_and_point_to_help),
        cmocka_unit_test(an_unambiguous_beginning_is_enough),
        cmocka_unit_test(hostile_arguments_reach_the_terminal_escaped),
        cmocka_unit_test(help_version_and_demo_need_nothing_else),
        cmocka_unit_test(help_fits_a_screen_and_begins_with_examples),
        cmocka_unit_test(help_and_the_list_name_every_option_of_the_table),
        cmocka_unit_test(a_message_is_one_line_with_our_name),
        cmocka_unit_test(an_endless_message_is_cut),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
