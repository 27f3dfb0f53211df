/*
 * Goodput over a matrix of paths, compared with tests/sim/goodput.snapshot: a change of speed is seen
 * as a change. Whole numbers and one seed for each cell: the same on every machine. TAP on stdout.
 *
 *     sim_goodput            compares
 *     sim_goodput --print    the table as it is now: what make goodput-snapshot writes
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

#define LINE_MAX_BYTES 160
#define HEADERS        52 /* IPv4, TCP, timestamps */
#define MSS            1448

struct cell {
    uint32_t rtt;     /* us */
    uint32_t rate;    /* kbit/s */
    uint32_t loss;    /* ppm */
    uint32_t reorder; /* ppm, by half an RTT at most */
    uint32_t queue;   /* per cent of the bandwidth-delay product */
    uint32_t buffer;  /* KiB, at both ends */
    bool reno, ecn;
};

/* ---- what can be had */

static uint64_t root(uint64_t n)
{
    uint64_t r = 0;

    for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1) {
        if ((r | bit) * (r | bit) <= n) {
            r |= bit;
        }
    }
    return r;
}

/* The average window under random loss, in tenths of a segment: Reno's sqrt(3 / 2p) (Mathis and
 * others), and RFC 9438 section 5.1 where that is more. */
static uint64_t response(const struct cell *c)
{
    const uint64_t reno = root(UINT64_C(150000000) / c->loss);
    const uint64_t x = (uint64_t)c->rtt * 100 / c->loss; /* 100 RTT / p, in seconds */
    const uint64_t cubic = root(root(1234 * x * x * x / 100000));

    return c->reno || reno > cubic ? reno : cubic;
}

/* kbit/s of payload: the link, or the buffer, or what the losses let through. */
static uint64_t ideal(const struct cell *c)
{
    uint64_t most = (uint64_t)c->rate * MSS / (MSS + HEADERS);
    const uint64_t buffer = (uint64_t)c->buffer * 1024 * 8 * 1000 / c->rtt;

    most = buffer < most ? buffer : most;
    if (c->loss != 0) {
        const uint64_t lossy = response(c) * MSS * 8 * 100 / c->rtt;

        most = lossy < most ? lossy : most;
    }
    return most;
}

/* The least time for so many bytes: a handshake, slow start from ten segments, then that rate. */
static usec_t ideal_time(const struct cell *c, uint64_t bytes)
{
    const uint64_t rate = ideal(c) * 125;
    const uint64_t window = rate * c->rtt / USEC_SEC;
    usec_t time = c->rtt + c->rtt / 2;
    uint64_t sent = 0;

    for (uint64_t w = 10 * MSS; w < window && sent + w < bytes; w *= 2) {
        sent += w;
        time += c->rtt;
    }
    return time + (bytes - sent) * USEC_SEC / rate;
}

/* ---- a cell */

/* 30 round trips' worth, a second's at least, or 150 losses, but no more than the simulation has
 * time for. */
static void params_of(const struct cell *c, struct sim_params *p)
{
    const uint64_t rate = (uint64_t)c->rate * 125;
    const uint64_t bdp = rate * c->rtt / USEC_SEC;
    uint64_t queue = bdp * c->queue / 100;
    uint64_t bytes = ideal(c) * 125 *
                     (30 * (uint64_t)c->rtt > USEC_SEC ? 30 * (uint64_t)c->rtt : USEC_SEC) /
                     USEC_SEC;

    if (c->loss != 0 && bytes < UINT64_C(150000000) * MSS / c->loss) {
        bytes = UINT64_C(150000000) * MSS / c->loss;
    }
    bytes = bytes < 8000000 ? bytes : 8000000;
    bytes = bytes > 200000 ? bytes : 200000;
    queue = queue > 10 * (MSS + HEADERS) ? queue : 10 * (MSS + HEADERS);
    memset(p, 0, sizeof *p);
    p->group = "goodput";
    p->seed = 1;
    sim_plain(p);
    for (int i = 0; i < 2; i++) {
        struct tcb_config *const t = &p->end[i].cfg;

        t->snd_size = t->rcv_size = (size_t)c->buffer * 1024;
        t->sent_max = 16384;
        t->ooo_max = 1024;
        t->congestion = c->reno ? &congestion_reno : &congestion_cubic;
        t->ecn = c->ecn ? ECN_USE_ON : ECN_USE_OFF;
        t->has_isn = true;
        p->link[i].delay = c->rtt / 2;
        p->link[i].rate = rate;
        p->link[i].queue = queue;
        p->link[i].mark = c->ecn ? queue / 4 : 0;
    }
    p->link[0].loss = c->loss;
    p->link[0].reorder = c->reorder;
    p->link[0].reorder_by = c->rtt / 2;
    p->end[0].app.bytes = bytes;
    p->end[1].app.close = CLOSE_AFTER_PEER;
    p->event_limit = 20000000;
}

static void title(char *line)
{
    snprintf(line, LINE_MAX_BYTES, "%9s %8s %6s %8s %6s %7s %-6s | %10s %6s %8s %5s", "RTT ms",
             "Mbit/s", "loss %", "reord. %", "queue%", "buf KiB", "cc", "Mbit/s", "ideal%",
             "sent 2x", "RTOs");
}

/* The cell's line; returns how near to the ideal it is, in per cent. */
static unsigned measure(const struct cell *c, char *line)
{
    static struct sim s;
    struct sim_params p;

    params_of(c, &p);
    const bool ok = sim_run(&s, &p, false, NULL);
    const uint64_t rate =
        ok && s.done_at != 0 ? p.end[0].app.bytes * 8 * 1000 / (uint64_t)s.done_at : 0;
    const unsigned percent =
        rate == 0 ? 0 : (unsigned)(ideal_time(c, p.end[0].app.bytes) * 100 / s.done_at);

    snprintf(line, LINE_MAX_BYTES,
             "%5u.%03u %8u %4u.%u %8u %6u %7u %-6s | %6" PRIu64 ".%03u %6u %8" PRIu64 " %5" PRIu64,
             c->rtt / 1000, c->rtt % 1000, c->rate / 1000, c->loss / 10000, c->loss / 1000 % 10,
             c->reorder / 10000, c->queue, c->buffer,
             c->ecn    ? c->reno ? "reno+e" : "cubic+e"
             : c->reno ? "reno"
                       : "cubic",
             rate / 1000, (unsigned)(rate % 1000), percent, s.end[0].tcb.stats.retransmits,
             s.end[0].tcb.stats.rto_count);
    sim_free(&s);
    return ok ? percent : 0;
}

/* ---- the matrix */

static const uint32_t rtts[] = {100, 1000, 10000, 100000, 300000};
static const uint32_t rates[] = {2000, 20000, 200000, 1000000};
static const uint32_t losses[] = {1000, 10000, 30000};

#define COUNT(a)  (sizeof(a) / sizeof(a)[0])
#define CELLS_MAX 256

static size_t cells(struct cell *out)
{
    size_t n = 0;

    /* nothing is lost but by a full queue */
    for (size_t i = 0; i < COUNT(rtts); i++) {
        for (size_t k = 0; k < COUNT(rates); k++) {
            out[n++] =
                (struct cell){.rtt = rtts[i], .rate = rates[k], .queue = 100, .buffer = 16384};
        }
    }
    for (size_t i = 1; i < COUNT(rtts); i++) {
        for (size_t k = 0; k < COUNT(losses); k++) {
            const struct cell c = {
                .rtt = rtts[i], .rate = 200000, .loss = losses[k], .queue = 100, .buffer = 16384};

            out[n] = out[n + 1] = c;
            out[n + 1].reno = true;
            n += 2;
        }
        /* shallow and deep queues, marks, reordering, a small buffer */
        for (int k = 0; k < 7; k++) {
            struct cell c = {.rtt = rtts[i], .rate = 20000, .queue = 100, .buffer = 16384};

            c.queue = k == 0 ? 20 : k == 1 ? 50 : k == 2 ? 800 : 100;
            c.ecn = k == 3;
            c.reorder = k == 4 ? 10000 : k == 5 ? 100000 : 0;
            c.buffer = k == 6 ? 64 : 16384;
            out[n++] = c;
        }
    }
    return n;
}

/* ---- the snapshot */

static FILE *open_snapshot(void)
{
    const char *const top = getenv("abs_top_srcdir");
    char path[4096];

    snprintf(path, sizeof path, "%s/tests/sim/goodput.snapshot", top != NULL ? top : ".");
    return fopen(path, "r");
}

static bool next_line(FILE *f, char *line)
{
    if (f == NULL || fgets(line, LINE_MAX_BYTES, f) == NULL) {
        line[0] = '\0';
        return false;
    }
    line[strcspn(line, "\n")] = '\0';
    return true;
}

/* The lines that differ, the old with '-', the new with '+'. */
static bool compare(FILE *f, const char *now)
{
    char was[LINE_MAX_BYTES];

    if (next_line(f, was) && strcmp(was, now) == 0) {
        return true;
    }
    if (was[0] != '\0') {
        printf("# -%s\n", was);
    }
    printf("# +%s\n", now);
    return false;
}

static int check(const struct cell *list, size_t n)
{
    FILE *const f = open_snapshot();
    char line[LINE_MAX_BYTES];
    bool same, near = true;

    title(line);
    same = compare(f, line);
    for (size_t i = 0; i < n; i++) {
        const unsigned percent = measure(&list[i], line);
        const unsigned least = list[i].loss != 0 || list[i].reorder != 0 ? 40 : 60;

        same = compare(f, line) && same;
        if (percent < least) {
            printf("# less than %u %%: %s\n", least, line);
            near = false;
        }
    }
    same = !next_line(f, line) && same;
    if (f != NULL) {
        fclose(f);
    }
    printf("%sok 1 - goodput is what tests/sim/goodput.snapshot says\n", same ? "" : "not ");
    if (!same) {
        printf(
            "# If this change of speed is meant: make goodput-snapshot, look at the diff, commit "
            "it.\n");
    }
    printf("%sok 2 - no transfer takes more than 1.7 times the least time, with losses or "
           "reordering 2.5\n",
           near ? "" : "not ");
    printf("1..2\n");
    return same && near ? 0 : 1;
}

int main(int argc, char **argv)
{
    static struct cell list[CELLS_MAX];
    const size_t n = cells(list);
    char line[LINE_MAX_BYTES];

    if (argc == 1) {
        return check(list, n);
    }
    if (argc != 2 || strcmp(argv[1], "--print") != 0) {
        fprintf(stderr, "usage: sim_goodput [--print]\n");
        return 2;
    }
    title(line);
    puts(line);
    for (size_t i = 0; i < n; i++) {
        measure(&list[i], line);
        puts(line);
    }
    return 0;
}
