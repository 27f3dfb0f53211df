/*
 * TIME-WAIT behind the user's back: a small child in its own session keeps the raw socket and the
 * guard, answers a repeated FIN, and ends after 2*MSL. Which pairs are held, and how many, is known
 * to all by names of abstract sockets (unix(7)): they belong to the network namespace and vanish
 * with their process.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "segcat/session/clock.h"
#include "segcat/session/run.h"
#include "segcat/trace/format.h"

/* In a network namespace; over that TIME-WAIT is skipped, as the kernel does. */
#define HOLD_MAX 128

/* Takes an abstract name. Returns the socket, -EADDRINUSE if somebody has it, or another
 * negative errno. */
static int take_name(const char *name)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    const size_t len = strlen(name);
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0)
        return -errno;
    memcpy(sa.sun_path + 1, name, len);
    if (bind(fd, (struct sockaddr *)&sa,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)) == 0)
        return fd;
    error = -errno;
    close(fd);
    return error;
}

static int take_slot(void)
{
    char name[48];

    for (int i = 0; i < HOLD_MAX; i++) {
        int fd;

        snprintf(name, sizeof name, "segcat/time-wait/%d", i);
        fd = take_name(name);
        if (fd != -EADDRINUSE)
            return fd;
    }
    return -EADDRINUSE;
}

/* Addresses as hexadecimal digits: the name has room for 107 bytes. */
static void pair_name(const struct endpoint *local, const struct endpoint *remote, char *buf,
                      size_t cap)
{
    const struct endpoint *const both[2] = {local, remote};
    int n = snprintf(buf, cap, "segcat/tw");

    for (int i = 0; i < 2; i++) {
        const struct ip_addr *a = &both[i]->ip;

        n += snprintf(buf + n, cap - (size_t)n, "/");
        for (size_t j = 0; j < ip_addr_len((enum ip_version)a->version); j++)
            n += snprintf(buf + n, cap - (size_t)n, "%02x", a->bytes[j]);
        n += snprintf(buf + n, cap - (size_t)n, ".%u", both[i]->port);
    }
}

bool hold_is_held(const struct endpoint *local, const struct endpoint *remote)
{
    char name[108];
    int fd;

    pair_name(local, remote, name, sizeof name);
    fd = take_name(name);
    if (fd >= 0)
        close(fd);
    return fd == -EADDRINUSE;
}

/* --- the child --- */

static void receive(struct run *run, struct conn *c)
{
    struct packet pkt[BATCH];
    const usec_t now = clock_now();
    const int n = link_receive(run->link, pkt, BATCH, now, NULL);

    for (int i = 0; i < n; i++)
        if (pkt[i].checksum_verdict != CHECKSUM_BAD && conn_matches(c, &pkt[i]))
            tcb_segment(&c->tcb, &pkt[i].seg, now);
}

static void hold_loop(struct run *run, struct conn *c, int parent)
{
    struct pollfd p[3] = {
        {.fd = link_fd(run->link, IP_V4), .events = POLLIN},
        {.fd = link_fd(run->link, IP_V6), .events = POLLIN},
        {.fd = parent, .events = POLLIN},
    };

    while (c->tcb.end == END_NONE) {
        const usec_t now = clock_now();
        const usec_t at = tcb_deadline(&c->tcb);
        const usec_t left = at > now ? at - now : 0;
        const struct timespec ts = {.tv_sec = (time_t)(left / USEC_SEC),
                                    .tv_nsec = (long)(left % USEC_SEC) * 1000};
        struct icmp_error ignored;

        if (ppoll(p, 3, &ts, NULL) < 0 && errno != EINTR)
            return;
        if (p[2].revents != 0) {
            /* The parent is gone: what it need not wait for is done now. Removing a table takes
             * milliseconds. */
            close(parent);
            p[2].fd = -1;
            if (run->pair_guard.fd >= 0)
                for (size_t i = 0; i < run->locals; i++)
                    guard_close(&run->local[i].guard);
        }
        while (link_error(run->link, &ignored) > 0)
            continue;
        receive(run, c);
        tcb_timeout(&c->tcb, clock_now());
        conn_pump(c, run->link, clock_now());
        link_flush(run->link);
    }
}

/* Closes every descriptor that is not among the n of keep; -1 there stands for none. */
static void close_others(int *keep, size_t n)
{
    unsigned from = 0;

    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0 && keep[j] < keep[j - 1]; j--) {
            const int swapped = keep[j];

            keep[j] = keep[j - 1];
            keep[j - 1] = swapped;
        }
    for (size_t i = 0; i < n; i++) {
        if (keep[i] < 0)
            continue;
        if ((unsigned)keep[i] > from)
            close_range(from, (unsigned)keep[i] - 1, 0);
        from = (unsigned)keep[i] + 1;
    }
    close_range(from, ~0U, 0);
}

/*
 * Nothing of the caller's terminal, files or jobs stays with us: no descriptor either that we
 * inherited without knowing, for who waits for the other end of that pipe would wait for 2*MSL.
 */
static void detach(const struct run *run, const int own[3])
{
    int keep[6 + 3 * LOCALS_MAX] = {own[0],
                                    own[1],
                                    own[2],
                                    run->pair_guard.fd,
                                    link_fd(run->link, IP_V4),
                                    link_fd(run->link, IP_V6)};

    for (size_t i = 0; i < LOCALS_MAX; i++) {
        keep[6 + 3 * i] = run->local[i].guard.fd;
        keep[7 + 3 * i] = run->local[i].port.fd[0];
        keep[8 + 3 * i] = run->local[i].port.fd[1];
    }
    setsid();
    close_others(keep, sizeof keep / sizeof keep[0]);
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    if (chdir("/") < 0)
        return; /* stays where it is: some file system cannot be unmounted for a minute */
}

/* own: the end of the pipe from the parent, the two names. */
static _Noreturn void child(struct run *run, struct conn *c, const int own[3])
{
    sigset_t none;

    detach(run, own);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    c->tcb.cfg.observe = NULL;
    /* A port that the user chose may be listened on again at once: a SYN for this very pair is
     * told apart by name. */
    if (run->pair_guard.fd >= 0 || run->opt->source_port != NULL)
        for (size_t i = 0; i < run->locals; i++)
            reserve_release(&run->local[i].port);
    hold_loop(run, c, own[0]);
    _exit(0);
}

void hold_time_wait(struct run *run, struct conn *c)
{
    char name[108];
    int pair, slot, alive[2];

    if (c->tcb.state != STATE_TIME_WAIT)
        return;
    if (run->opt->time_wait == TIME_WAIT_NONE) {
        trace_say(&run->trace, 1, true,
                  "TIME-WAIT skipped (--time-wait=none): a lost last ACK would not be repeated");
        return;
    }
    pair_name(&c->local, &c->remote, name, sizeof name);
    pair = take_name(name);
    slot = pair >= 0 ? take_slot() : -1;
    if (slot < 0 || pipe2(alive, O_CLOEXEC) < 0) {
        trace_say(&run->trace, 1, true, "TIME-WAIT skipped: %d are held already", HOLD_MAX);
        return;
    }
    switch (fork()) {
    case 0:
        child(run, c, (const int[3]){alive[0], pair, slot});
    case -1:
        trace_say(&run->trace, 1, true, "TIME-WAIT skipped: %s", strerror(errno));
        break;
    default:
        break;
    }
    close(alive[0]);
    /* alive[1] stays open: its closing at our end is what tells the child. */
    close(pair);
    close(slot);
}
