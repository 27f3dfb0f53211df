/*
 * linkem: a link with faults. Forwards frames between two network interfaces of its own network
 * namespace (usually one end of a veth pair each, whose other ends are in the namespaces A and B),
 * and delays, drops, repeats, reorders, marks and damages some on the way. For machines without
 * netem. Touches nothing but the two interfaces; ends with its parent. See usage() in
 * emulator/options.c, and tests/bats/common.bash for how it is put between.
 *
 * Here: its loop, its signals and its last words.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "emulator/emulator.h"

void die(const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "linkem: ");
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\n");
    exit(1);
}

static nsec_t clock_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (nsec_t)ts.tv_sec * NSEC + ts.tv_nsec;
}

static nsec_t earliest(nsec_t a, nsec_t b)
{
    return a < b ? a : b;
}

/* How long to sleep; false: until something comes. */
static bool pause_until_due(const struct direction dirs[2], nsec_t coalesce, struct timespec *left)
{
    nsec_t now = clock_now(), next = INT64_MAX;

    for (int i = 0; i < 2; i++)
        if (dirs[i].heap.len > 0)
            next = earliest(next, dirs[i].heap.at[0]->due);
    if (next == INT64_MAX)
        return false;
    /* Who is not woken by arrivals has to look before these could be due. */
    if (coalesce)
        for (int i = 0; i < 2; i++)
            next = earliest(next, now + dirs[i].faults.delay);
    next = next > now ? next - now : 0;
    if (next < coalesce)
        next = coalesce;
    left->tv_sec = next / NSEC;
    left->tv_nsec = next % NSEC;
    return true;
}

static void run(struct direction dirs[2], nsec_t coalesce, int signals)
{
    struct pollfd at[3] = {
        {.fd = signals, .events = POLLIN},
        {.fd = dirs[0].in->fd, .events = POLLIN},
        {.fd = dirs[1].in->fd, .events = POLLIN},
    };

    while (!(at[0].revents & POLLIN)) {
        struct timespec left;
        bool waiting = pause_until_due(dirs, coalesce, &left);
        nsec_t now;

        ppoll(at, waiting && coalesce ? 1 : 3, waiting ? &left : NULL, NULL);
        for (int i = 1; i < 3; i++) {
            int error;
            socklen_t len = sizeof(error);

            /* An interface that went away says so again and again unless it is listened to. */
            if (at[i].revents & POLLERR)
                getsockopt(at[i].fd, SOL_SOCKET, SO_ERROR, &error, &len);
        }
        now = clock_now();
        for (int i = 0; i < 2; i++)
            direction_receive(&dirs[i], now);
        for (int i = 0; i < 2; i++)
            direction_deliver(&dirs[i], now);
    }
}

static void print_counts(const struct direction *d)
{
    const struct counts *c = &d->counts;

    printf("%s: %" PRIu64 " frames forwarded (%" PRIu64 " bytes), of %" PRIu64
           " TCP segments %" PRIu64 " dropped, %" PRIu64 " duplicated, %" PRIu64
           " reordered, %" PRIu64 " corrupted, %" PRIu64 " marked, %" PRIu64
           " over the queue, %" PRIu64 " over the MTU, %" PRIu64 " told by ICMP; %u missed\n",
           d->name, c->forwarded, c->bytes, c->segments, c->lost, c->duplicated, c->reordered,
           c->corrupted, c->marked, c->overflowed, c->too_big, c->told, port_missed(d->in));
}

static int signals_open(void)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        die("signalfd: %s", strerror(errno));
    return fd;
}

int main(int argc, char *argv[])
{
    struct port ports[2] = {0};
    struct direction dirs[2] = {
        {.name = "A to B", .faults.reorder_by = 2000000},
        {.name = "B to A", .faults.reorder_by = 2000000},
    };
    struct command command = {0};
    pid_t parent = getppid();
    int signals;

    options_parse(argc, argv, dirs, &command);
    signals = signals_open();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    /* The sleep before a frame's time is to end at that time: the default is 50 us later. */
    prctl(PR_SET_TIMERSLACK, 1);
    if (getppid() != parent)
        return 1;
    for (int i = 0; i < 2; i++) {
        port_open(&ports[i], command.names[i]);
        dirs[i].in = &ports[i];
        dirs[i].out = &ports[!i];
        dirs[i].back = &dirs[!i];
        dirs[i].join = command.coalesce > 0;
    }
    printf("ready\n");
    fflush(stdout);
    run(dirs, command.coalesce, signals);
    print_counts(&dirs[0]);
    print_counts(&dirs[1]);
    return 0;
}
