/*
 * The command line of linkem: one table of faults, each with a parser of its value. Bad values end
 * the program with one line that says what is wanted.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulator.h"

static void usage(FILE *to)
{
    fputs("usage: linkem [OPTION]... IFACE-A IFACE-B\n"
          "       linkem --plain IFACE       turns that interface's offloads off\n"
          "\n"
          "Each of these is for both directions; with a- or b- before its name (--a-loss 1%)\n"
          "only for what A or B sends.\n"
          "  --loss P            drop this share of the segments (1% or 0.01)\n"
          "  --burst P:R         drop bursts: begin one with P, end it with R\n"
          "  --drop LIST         drop these segments: 3,7,20-25; the first is 1\n"
          "  --dup P             deliver twice\n"
          "  --reorder P         deliver late, by --reorder-by\n"
          "  --reorder-by TIME   2ms\n"
          "  --corrupt P         flip one bit behind the IP header\n"
          "  --ce P              mark this share of the ECT segments \"congestion experienced\"\n"
          "  --delay TIME        20ms, 150us, 1s\n"
          "  --jitter TIME       0 to TIME more; keeps the order\n"
          "  --rate N            bits a second: 10m, 64k, 1g\n"
          "  --queue N           bytes that wait for the rate before frames are dropped: 64k\n"
          "  --mark-at N         bytes that wait before ECT packets are marked\n"
          "  --mtu N             larger packets do not pass; where they may not be fragmented\n"
          "                      ICMP says so, from 192.0.2.1 or 2001:db8::1\n"
          "  --black-hole        ICMP says nothing\n"
          "\n"
          "  --seed N            of the random numbers\n"
          "  --coalesce TIME     deliver up to this much late, so that segments leave together,\n"
          "                      and are joined as a card with GRO joins them\n"
          "\n"
          "Ends by SIGTERM or SIGINT, or with its parent; then prints its counts.\n",
          to);
}

/* ---- values */

static double parse_share(const char *name, const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (*end == '%') {
        value /= 100;
        end++;
    }
    if (end == text || *end || !(value >= 0 && value <= 1))
        die("--%s %s: want a share like 1%% or 0.01", name, text);
    return value;
}

static void parse_burst(const char *text, struct faults *out)
{
    char copy[64];
    char *colon;

    snprintf(copy, sizeof(copy), "%s", text);
    colon = strchr(copy, ':');
    if (!colon)
        die("--burst %s: want P:R, like 0.5%%:30%%", text);
    *colon = '\0';
    out->burst_begin = parse_share("burst", copy);
    out->burst_end = parse_share("burst", colon + 1);
}

static nsec_t parse_time(const char *name, const char *text)
{
    static const struct {
        const char *unit;
        double nsec;
    } units[] = {{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}};
    char *end;
    double value = strtod(text, &end);

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (end != text && strcmp(end, units[i].unit) == 0 && value >= 0 && value < 1e6)
            return (nsec_t)(value * units[i].nsec);
    die("--%s %s: want a time like 20ms", name, text);
}

static uint64_t parse_count(const char *name, const char *text)
{
    char *end;
    double value = strtod(text, &end);

    switch (*end) {
    case 'k':
        value *= 1e3;
        break;
    case 'm':
        value *= 1e6;
        break;
    case 'g':
        value *= 1e9;
        break;
    default:
        end--;
    }
    if (end + 1 == text || end[1] != '\0' || !(value >= 0 && value < 1e15))
        die("--%s %s: want a number like 64k", name, text);
    return (uint64_t)value;
}

/* "3,7,20-25", rising. */
static void parse_drop(const char *text, struct faults *out)
{
    const char *at = text;
    uint64_t before = 0;

    out->drop = NULL;
    out->drop_len = 0;
    for (;;) {
        struct range r;
        char *end;

        r.first = r.last = strtoull(at, &end, 10);
        if (end != at && *end == '-') {
            at = end + 1;
            r.last = strtoull(at, &end, 10);
        }
        if (end == at || (*end && *end != ',') || r.first <= before || r.last < r.first)
            die("--drop %s: want rising numbers from 1, like 3,7,20-25", text);
        out->drop = realloc(out->drop, (out->drop_len + 1) * sizeof(r));
        if (!out->drop)
            die("no memory");
        out->drop[out->drop_len++] = r;
        before = r.last;
        if (!*end)
            return;
        at = end + 1;
    }
}

/* ---- options */

static const char *const fault_names[] = {
    "loss",  "burst",  "drop", "dup",   "reorder", "reorder-by", "corrupt",   "ce",
    "delay", "jitter", "rate", "queue", "mark-at", "mtu",        "black-hole"};
#define FAULTS (sizeof(fault_names) / sizeof(fault_names[0]))

static void set_fault(struct faults *f, const char *name, const char *value)
{
    if (strcmp(name, "loss") == 0)
        f->loss = parse_share(name, value);
    else if (strcmp(name, "burst") == 0)
        parse_burst(value, f);
    else if (strcmp(name, "drop") == 0)
        parse_drop(value, f);
    else if (strcmp(name, "dup") == 0)
        f->dup = parse_share(name, value);
    else if (strcmp(name, "reorder") == 0)
        f->reorder = parse_share(name, value);
    else if (strcmp(name, "reorder-by") == 0)
        f->reorder_by = parse_time(name, value);
    else if (strcmp(name, "corrupt") == 0)
        f->corrupt = parse_share(name, value);
    else if (strcmp(name, "ce") == 0)
        f->ce = parse_share(name, value);
    else if (strcmp(name, "delay") == 0)
        f->delay = parse_time(name, value);
    else if (strcmp(name, "jitter") == 0)
        f->jitter = parse_time(name, value);
    else if (strcmp(name, "rate") == 0)
        f->rate = parse_count(name, value) / 8;
    else if (strcmp(name, "queue") == 0)
        f->queue = parse_count(name, value);
    else if (strcmp(name, "mark-at") == 0)
        f->mark_at = parse_count(name, value);
    else if (strcmp(name, "mtu") == 0)
        f->mtu = (uint32_t)parse_count(name, value);
    else
        f->black_hole = true;
}

enum { OPT_SEED = 256, OPT_COALESCE, OPT_PLAIN, OPT_HELP, OPT_FAULT };

static void fill_options(struct option *options)
{
    static char texts[3][FAULTS][16];
    static const char *const prefix[3] = {"", "a-", "b-"};

    for (size_t i = 0; i < 3 * FAULTS; i++) {
        const char *name = fault_names[i % FAULTS];
        char *text = texts[i / FAULTS][i % FAULTS];
        int argument = strcmp(name, "black-hole") == 0 ? no_argument : required_argument;

        snprintf(text, sizeof(texts[0][0]), "%s%s", prefix[i / FAULTS], name);
        options[i] = (struct option){text, argument, NULL, OPT_FAULT + (int)i};
    }
}

static void set_side(struct direction dirs[2], size_t option, const char *value)
{
    const char *name = fault_names[option % FAULTS];

    if (option / FAULTS != 2)
        set_fault(&dirs[0].faults, name, value);
    if (option / FAULTS != 1)
        set_fault(&dirs[1].faults, name, value);
}

void options_parse(int argc, char *argv[], struct direction dirs[2], struct command *command)
{
    struct option options[3 * FAULTS + 5] = {
        [3 * FAULTS] = {"seed", required_argument, NULL, OPT_SEED},
        {"coalesce", required_argument, NULL, OPT_COALESCE},
        {"plain", required_argument, NULL, OPT_PLAIN},
        {"help", no_argument, NULL, OPT_HELP},
    };
    uint64_t seed = 1;
    int c;

    fill_options(options);
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == OPT_SEED) {
            seed = parse_count("seed", optarg);
        } else if (c == OPT_COALESCE) {
            command->coalesce = parse_time("coalesce", optarg);
        } else if (c == OPT_PLAIN) {
            port_plain(optarg);
            exit(0);
        } else if (c == OPT_HELP) {
            usage(stdout);
            exit(0);
        } else if (c >= OPT_FAULT) {
            set_side(dirs, (size_t)(c - OPT_FAULT), optarg);
        } else {
            usage(stderr);
            exit(2);
        }
    }
    if (argc - optind != 2) {
        usage(stderr);
        exit(2);
    }
    command->names[0] = argv[optind];
    command->names[1] = argv[optind + 1];
    /* Far apart: neighbours among the seeds share no numbers. */
    for (uint64_t i = 0; i < 2; i++)
        dirs[i].seed = (seed * 2 + i) * 0xd1342543de82ef95;
}
