/*
 * The command line: parsing, then one block that refuses contradictions. Says what is wrong
 * through message().
 */
#include "segcat/cli/options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "segcat/cli/help.h"
#include "segcat/cli/message.h"
#include "segcat/cli/tos.h"
#include "segcat/tcp/congestion.h"
#include "segcat/tcp/ecn.h"
#include "segcat/tcp/keepalive.h"
#include "segcat/trace/trace.h"

#define TIME_MAX   ((usec_t)366 * 24 * 3600 * USEC_SEC)
#define BUFFER_MIN ((size_t)4 << 10)
#define BUFFER_MAX ((size_t)1 << 30) /* the largest window that RFC 7323 can say */
#define HINT       "segcat --help lists the options"

/* --- the table, as getopt wants it --- */

static const struct option_row *row_of(int id)
{
    for (size_t i = 0; i < option_row_count; i++)
        if (option_rows[i].id == id)
            return &option_rows[i];
    return NULL;
}

static void fill_tables(char *shorts, struct option *longs)
{
    size_t n = 0;

    shorts[n++] = ':'; /* a missing argument is told apart from an unknown option */
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *r = &option_rows[i];

        longs[i] = (struct option){.name = r->name,
                                   .has_arg = r->arg == NULL     ? no_argument
                                              : r->arg[0] == '[' ? optional_argument
                                                                 : required_argument,
                                   .val = r->id};
        if (r->letter != 0) {
            shorts[n++] = (char)r->letter;
            if (r->arg != NULL)
                shorts[n++] = ':';
        }
    }
    shorts[n] = '\0';
    longs[option_row_count] = (struct option){.name = NULL};
}

/* --- arguments of options --- */

/*
 * Digits up to a dot or the end: the whole part in *n. Returns what follows, NULL if there is no
 * digit or too many.
 */
static const char *whole_number(const char *p, uint64_t *n)
{
    const char *const begin = p;

    for (*n = 0; *p >= '0' && *p <= '9'; p++) {
        if (p - begin >= 12)
            return NULL;
        *n = *n * 10 + (uint64_t)(*p - '0');
    }
    return p > begin ? p : NULL;
}

static usec_t unit_of(const char *p)
{
    static const struct {
        const char *name;
        usec_t unit;
    } units[] = {
        {"", USEC_SEC},       {"ms", USEC_MS},        {"s", USEC_SEC},
        {"m", 60 * USEC_SEC}, {"h", 3600 * USEC_SEC},
    };

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(p, units[i].name) == 0)
            return units[i].unit;
    return 0;
}

/* "5", "0.5", "200ms", "2m", ...: more than nothing and at most a year. */
static bool parse_time(const char *text, usec_t *out)
{
    uint64_t whole = 0, fraction = 0, tenths = 1;
    const char *p = *text == '.' ? text : whole_number(text, &whole);
    usec_t unit;

    if (p != NULL && *p == '.') {
        const char *const dot = p;

        p = whole_number(dot + 1, &fraction);
        for (const char *d = dot + 1; p != NULL && d < p; d++)
            tenths *= 10;
    }
    unit = p != NULL ? unit_of(p) : 0;
    if (unit == 0 || whole > TIME_MAX / unit)
        return false;
    /* fraction < 10^12 and unit < 2^32: no overflow. */
    *out = whole * unit + (usec_t)((double)fraction * (double)unit / (double)tenths + 0.5);
    return *out > 0 && *out <= TIME_MAX;
}

static bool time_option(const char *option, const char *text, usec_t *out)
{
    if (parse_time(text, out))
        return true;
    message("%s %s is no time: give seconds (5 or 0.5) or a number with ms, s, m or h", option,
            text);
    return false;
}

/* Bytes, or a number with K, M or G (powers of 1024). */
static bool size_option(const char *option, const char *text, size_t least, size_t most,
                        size_t *out)
{
    static const char units[] = "KMG";
    uint64_t n = 0;
    const char *p = whole_number(text, &n);
    const char *unit;

    if (p != NULL && *p != '\0') {
        unit = strchr(units, *p >= 'a' ? *p - 'a' + 'A' : *p);
        n = unit != NULL && n <= most ? n << 10 * (unit - units + 1) : 0;
        p = unit != NULL ? p + 1 : NULL;
    }
    *out = (size_t)n;
    if (p != NULL && *p == '\0' && n >= least && n <= most)
        return true;
    message("%s %s: give a size from %zuK to %zuG, as in 512K or 64M", option, text, least >> 10,
            most >> 30);
    return false;
}

/*
 * IDLE[,INTERVAL[,COUNT]]: an empty part keeps its default. The count is small: as with Linux's
 * TCP_KEEPCNT.
 */
static bool keepalive_option(const char *text, struct options *o)
{
    usec_t *const times[] = {&o->keepalive.idle, &o->keepalive.interval};
    char part[32];

    o->keepalive.idle = KEEPALIVE_IDLE;
    for (size_t i = 0; text != NULL && i < 3; i++) {
        const char *const comma = strchr(text, ',');
        const size_t len = comma != NULL ? (size_t)(comma - text) : strlen(text);
        uint64_t n = 0;

        if (len >= sizeof part || (i == 2 && comma != NULL))
            return false;
        memcpy(part, text, len);
        part[len] = '\0';
        if (i < 2 && len > 0 && !parse_time(part, times[i]))
            return false;
        if (i == 2) {
            const char *const end = whole_number(part, &n);

            if (end == NULL || *end != '\0' || n < 1 || n > 127)
                return false;
            o->keepalive.count = (unsigned)n;
        }
        text = comma != NULL ? comma + 1 : NULL;
    }
    return true;
}

static bool keepalive_option_good(const char *text, struct options *o)
{
    if (keepalive_option(text, o))
        return true;
    message("--keepalive=%s is not IDLE[,INTERVAL[,COUNT]]: two times and a number from 1 to 127, "
            "as in --keepalive=60,5,3",
            text);
    return false;
}

static bool isn_option(const char *text, uint32_t *out)
{
    const bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *const digits = hex ? text + 2 : text;
    const size_t len = strlen(digits);
    unsigned long long n = 0;

    if (len > 0 && len <= 10 &&
        strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") == len)
        n = strtoull(digits, NULL, hex ? 16 : 10);
    else
        n = UINT64_MAX;
    *out = (uint32_t)n;
    if (n <= UINT32_MAX)
        return true;
    message("--isn %s is no sequence number: give 0 to 4294967295, or 0x...", text);
    return false;
}

static bool ttl_option(const char *text, uint8_t *out)
{
    uint64_t n = 0;
    const char *const end = whole_number(text, &n);

    *out = (uint8_t)n;
    if (end != NULL && *end == '\0' && n >= 1 && n <= UINT8_MAX)
        return true;
    message("-M %s is no number of hops: give 1 to 255", text);
    return false;
}

static bool tos_option(const char *text, uint8_t *out)
{
    if (tos_parse(text, out))
        return true;
    message("-T %s is no type of service: give ef, af11 to af43, cs0 to cs7, lowdelay, throughput, "
            "reliability, or a multiple of 4 up to 252 (0xfc)",
            text);
    return false;
}

/* The place of `text` among `names`, or -1 with a message. */
static int choice_option(const char *option, const char *text, const char *const names[3])
{
    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0)
            return i;
    message("%s=%s is not known: give %s, %s or %s", option, text, names[0], names[1], names[2]);
    return -1;
}

static bool color_option(const char *text, int *out)
{
    static const char *const names[3] = {
        [COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never"};

    *out = choice_option("--color", text, names);
    return *out >= 0;
}

static bool congestion_option(const char *text, const struct congestion_ops **out)
{
    *out = congestion_by_name(text);
    if (*out == NULL)
        message("--congestion=%s is not known: give cubic or reno", text);
    return *out != NULL;
}

static bool ecn_option(const char *text, int *out)
{
    static const char *const names[3] = {
        [ECN_USE_ACCEPT] = "accept", [ECN_USE_ON] = "on", [ECN_USE_OFF] = "off"};

    *out = choice_option("--ecn", text, names);
    return *out >= 0;
}

static bool time_wait_option(const char *text, enum time_wait_mode *out)
{
    static const char *const names[3] = {
        [TIME_WAIT_HOLD] = "hold", [TIME_WAIT_WAIT] = "wait", [TIME_WAIT_NONE] = "none"};
    const int n = choice_option("--time-wait", text, names);

    if (n >= 0)
        *out = (enum time_wait_mode)n;
    return n >= 0;
}

/* --- what getopt does not know --- */

/* Options of nc's that have no sense here, or not yet. */
static const char *advice(int letter)
{
    switch (letter) {
    case 'u':
        return "segcat speaks TCP only: use nc -u";
    case 'U':
        return "segcat speaks TCP only: use nc -U for Unix sockets";
    case 'x':
    case 'X':
        return "segcat speaks to no proxy: use nc for that";
    default:
        return HINT;
    }
}

static size_t name_length(const char *arg)
{
    const char *const end = strchr(arg, '=');

    return end != NULL ? (size_t)(end - arg) : strlen(arg);
}

/* Counts the long options that begin like `name`; writes two of them. */
static unsigned like(const char *name, size_t len, const char *found[2])
{
    unsigned n = 0;

    for (size_t i = 0; i < option_row_count; i++)
        if (strncmp(option_rows[i].name, name, len) == 0) {
            if (n < 2)
                found[n] = option_rows[i].name;
            n++;
        }
    return n;
}

static void tell_unknown(int letter, const char *arg)
{
    const char *found[2];
    const size_t len = name_length(arg);

    if (letter != 0 && row_of(letter) == NULL)
        message("unknown option -%c: %s", letter, advice(letter));
    else if (letter != 0)
        message("option --%s takes no argument", row_of(letter)->name);
    else if (like(arg + 2, len - 2, found) > 1)
        message("option %.*s could be --%s or --%s: write more of it", (int)len, arg, found[0],
                found[1]);
    else
        message("unknown option %.*s: " HINT, (int)len, arg);
}

static void tell_missing(int id)
{
    const struct option_row *const r = row_of(id);

    if (r == NULL)
        return;
    if (r->letter != 0)
        message("option -%c needs an argument: -%c %s, or --%s=%s", r->letter, r->letter, r->arg,
                r->name, r->arg);
    else
        message("option --%s needs an argument: --%s=%s", r->name, r->name, r->arg);
}

/* --- one option --- */

static bool set_option(int id, const char *arg, struct options *o)
{
    switch (id) {
    case 'l':
        o->mode = MODE_LISTEN;
        return true;
    case '4':
        o->v4_only = true;
        return true;
    case '6':
        o->v6_only = true;
        return true;
    case 'n':
        o->numeric = true;
        return true;
    case 'N':
        return true; /* what nc -N asks for is what we do */
    case 'p':
        o->source_port = arg;
        return true;
    case 's':
        o->source = arg;
        return true;
    case 'v':
        o->verbose++;
        return true;
    case 'w':
        return time_option("-w", arg, &o->wait);
    case ID_CONGESTION:
        return congestion_option(arg, &o->congestion);
    case ID_KEEPALIVE:
        return keepalive_option_good(arg, o);
    case ID_USER_TIMEOUT:
        return time_option("--user-timeout", arg, &o->user_timeout);
    case ID_ECN:
        return ecn_option(arg, &o->ecn);
    case ID_TIME_WAIT:
        return time_wait_option(arg, &o->time_wait);
    case ID_BUFFER:
        return size_option("--buffer", arg, BUFFER_MIN, BUFFER_MAX, &o->buffer);
    case ID_MSL:
        return time_option("--msl", arg, &o->msl);
    case ID_ISN:
        o->has_isn = true;
        return isn_option(arg, &o->isn);
    case 'M':
        return ttl_option(arg, &o->ttl);
    case 'T':
        return tos_option(arg, &o->tos);
    case ID_NODELAY:
        return o->nodelay = true;
    case ID_COLOR:
        return color_option(arg, &o->color);
    default:
        return false;
    }
}

/*
 * Options that answer a question and end the program, or make both sides themselves. True if id
 * is one.
 */
static bool set_mode(int id, struct options *o, bool *demo)
{
    switch (id) {
    case 'h':
        o->mode = MODE_HELP;
        return true;
    case ID_VERSION:
        o->mode = MODE_VERSION;
        return true;
    case ID_DEMO:
        *demo = true;
        return true;
    default:
        return false;
    }
}

static bool answers(const struct options *o)
{
    return o->mode == MODE_HELP || o->mode == MODE_VERSION;
}

/* --- contradictions --- */

static bool port_good(const char *port, bool listening)
{
    const size_t len = strlen(port);
    const unsigned long least = listening ? 0 : 1;
    unsigned long n;

    if (len > 0 && strspn(port, "0123456789") != len)
        return true; /* a service's name, maybe: the session looks it up */
    n = len > 0 && len <= 9 ? strtoul(port, NULL, 10) : 65536;
    if (n >= least && n <= 65535)
        return true;
    message("port %s: port must be 0 to 65535 with -l, 1 to 65535 otherwise",
            len > 0 ? port : "''");
    return false;
}

static bool family_good(const struct options *o)
{
    const char *const host = o->host != NULL ? o->host : "";
    struct in_addr v4;

    if (o->v4_only && o->v6_only) {
        message("-4 and -6 exclude each other: give one, or neither for both");
        return false;
    }
    if (o->v4_only && strchr(host, ':') != NULL) {
        message("%s is an IPv6 address: leave out -4", host);
        return false;
    }
    if (o->v6_only && inet_pton(AF_INET, host, &v4) == 1) {
        message("%s is an IPv4 address: leave out -6", host);
        return false;
    }
    return true;
}

static bool demo_good(const struct options *o, int count)
{
    if (o->mode == MODE_LISTEN || count > 0 || o->source != NULL || o->source_port != NULL) {
        message("--demo runs both sides itself: give it no host, port, -l, -p or -s");
        return false;
    }
    return true;
}

/* segcat -l PORT, -l HOST PORT, -l -p PORT, -l -p PORT HOST */
static bool listen_arguments(struct options *o, char *const args[], int count)
{
    const bool port_by_option = o->source_port != NULL;

    if (count == 0 && !port_by_option) {
        message("port missing: segcat -l PORT (0 picks a free one)");
        return false;
    }
    if (count == 2 && port_by_option) {
        message("two ports, -p %s and %s: give one", o->source_port, args[1]);
        return false;
    }
    if (count == 2 || (count == 1 && port_by_option))
        o->host = args[0];
    if (o->host != NULL && o->source != NULL) {
        message("two addresses to listen on, -s %s and %s: give one", o->source, o->host);
        return false;
    }
    o->port = port_by_option ? o->source_port : args[count - 1];
    if (o->host == NULL)
        o->host = o->source;
    o->source = o->source_port = NULL;
    return true;
}

/* segcat HOST PORT */
static bool connect_arguments(struct options *o, char *const args[], int count)
{
    if (count == 0) {
        message("host and port missing: segcat HOST PORT, or segcat -l PORT to listen (" HINT ")");
        return false;
    }
    if (count == 1 && strspn(args[0], "0123456789") == strlen(args[0])) {
        message("host missing: segcat HOST %s, or segcat -l %s to listen", args[0], args[0]);
        return false;
    }
    if (count == 1) {
        message("port missing: segcat %s PORT", args[0]);
        return false;
    }
    o->host = args[0];
    o->port = args[1];
    return o->source_port == NULL || port_good(o->source_port, false);
}

static bool arguments_good(struct options *o, char *const args[], int count)
{
    const bool listening = o->mode == MODE_LISTEN;

    if (count > 2) {
        message("too many arguments, from %s on: one host and one port are enough", args[2]);
        return false;
    }
    if (!(listening ? listen_arguments(o, args, count) : connect_arguments(o, args, count)))
        return false;
    if (o->host != NULL && o->host[0] == '\0') {
        message("the host is empty: give a name or an address");
        return false;
    }
    return port_good(o->port, listening) && family_good(o);
}

int options_parse(int argc, char *const argv[], struct options *out)
{
    char shorts[2 * OPTION_ROWS_MAX + 2];
    struct option longs[OPTION_ROWS_MAX + 1];
    bool demo = false;
    int id;

    *out = (struct options){.mode = MODE_CONNECT};
    if (argc == 2 && strcmp(argv[1], "--list-options") == 0) {
        out->mode = MODE_LIST_OPTIONS; /* in no table, so that nothing is an abbreviation of it */
        return EXIT_OK;
    }
    fill_tables(shorts, longs);
    opterr = 0;
    optind = 0; /* glibc: begin anew */
    while ((id = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (id == '?')
            tell_unknown(optopt, argv[optind - 1]);
        else if (id == ':')
            tell_missing(optopt);
        else if (set_mode(id, out, &demo) || set_option(id, optarg, out)) {
            if (answers(out))
                return EXIT_OK;
            continue;
        }
        return EXIT_USAGE;
    }
    if (demo) {
        if (!demo_good(out, argc - optind) || !family_good(out))
            return EXIT_USAGE;
        out->mode = MODE_DEMO;
        return EXIT_OK;
    }
    return arguments_good(out, argv + optind, argc - optind) ? EXIT_OK : EXIT_USAGE;
}
