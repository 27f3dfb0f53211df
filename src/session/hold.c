/*
 * TIME-WAIT behind the user's back: a small child in its own session keeps the raw socket and the
 * guard, answers a repeated FIN, hands a newer SYN to who listens, and ends after 2*MSL. Which
 * pairs are held, and how many, is known to all by names of abstract sockets (unix(7)): they belong
 * to the network namespace and vanish with their process.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "segcat/session/clock.h"
#include "segcat/session/reopen.h"
#include "segcat/session/run.h"
#include "segcat/tcp/listen.h"
#include "segcat/trace/format.h"

/* In a network namespace; over that TIME-WAIT is skipped, as the kernel does. */
#define HOLD_MAX 128

static int take_slot(void)
{
    char name[48];

    for (int i = 0; i < HOLD_MAX; i++) {
        int fd;

        snprintf(name, sizeof name, "segcat/time-wait/%d", i);
        fd = reopen_take_name(name);
        if (fd != -EADDRINUSE)
            return fd;
    }
    return -EADDRINUSE;
}

bool hold_is_held(const struct endpoint *local, const struct endpoint *remote)
{
    char name[REOPEN_NAME_MAX];
    int fd;

    reopen_pair_name(local, remote, name);
    fd = reopen_take_name(name);
    if (fd >= 0)
        close(fd);
    return fd == -EADDRINUSE;
}

/* --- the child --- */

/* What the child looks after. */
struct held {
    struct run *run;
    struct conn *c;
    int parent; /* the end of a pipe from it */
    int name;   /* the socket with the pair's name */
    bool still; /* the pair's next connection is being opened by who listens */
};

/* A SYN that may open the next connection, for which nobody listens: refused, as in CLOSED. */
static void refuse(struct held *h, const struct segment *syn)
{
    struct segment reply;
    struct packet pkt;

    if (!tcp_closed(syn, &reply))
        return;
    conn_packet(h->c, &reply, &pkt);
    link_send(h->run->link, &pkt);
}

static void take(struct held *h, const struct segment *seg, usec_t now)
{
    struct conn *c = h->c;
    int r;

    /* Who opens the next one may have died over it. */
    h->still = h->still && reopen_is_wanted(h->name, &c->local);
    if (h->still)
        return;
    if (!tcb_reopens(&c->tcb, seg)) {
        tcb_segment(&c->tcb, seg, now);
        return;
    }
    r = reopen_offer(h->name, &c->local, &c->remote, &c->tcb, seg);
    h->still = r == 0;
    if (r == -ECONNREFUSED)
        refuse(h, seg);
}

static void receive(struct held *h)
{
    struct packet pkt[BATCH];
    const usec_t now = clock_now();
    const int n = link_receive(h->run->link, pkt, BATCH, now, NULL);

    for (int i = 0; i < n; i++)
        if (pkt[i].checksum_verdict != CHECKSUM_BAD && conn_matches(h->c, &pkt[i]))
            take(h, &pkt[i].seg, now);
}

/* The parent is gone: what it need not wait for is done now. Removing a table takes
 * milliseconds. */
static void parent_is_gone(struct held *h)
{
    close(h->parent);
    h->parent = -1;
    if (h->run->pair_guard.fd >= 0)
        for (size_t i = 0; i < h->run->locals; i++)
            guard_close(&h->run->local[i].guard);
}

static void hold_loop(struct held *h)
{
    struct conn *c = h->c;
    struct link *l = h->run->link;

    while (c->tcb.end == END_NONE) {
        struct pollfd p[4] = {
            {.fd = link_fd(l, IP_V4), .events = POLLIN},
            {.fd = link_fd(l, IP_V6), .events = POLLIN},
            {.fd = h->parent, .events = POLLIN},
            {.fd = h->name, .events = POLLIN},
        };
        const usec_t now = clock_now();
        const usec_t at = tcb_deadline(&c->tcb);
        const usec_t left = at > now ? at - now : 0;
        const struct timespec ts = {.tv_sec = (time_t)(left / USEC_SEC),
                                    .tv_nsec = (long)(left % USEC_SEC) * 1000};
        enum reopen_word word;
        struct icmp_error ignored;

        if (ppoll(p, 4, &ts, NULL) < 0 && errno != EINTR)
            return;
        if (p[2].revents != 0)
            parent_is_gone(h);
        word = reopen_hear(h->name, &c->tcb);
        if (word == REOPEN_DONE || word == REOPEN_GIVE)
            return;
        if (word == REOPEN_BACK)
            h->still = false;
        while (link_error(l, &ignored) > 0)
            continue;
        receive(h);
        tcb_timeout(&c->tcb, clock_now());
        conn_pump(c, l, clock_now());
        link_flush(l);
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
    hold_loop(&(struct held){.run = run, .c = c, .parent = own[0], .name = own[1]});
    _exit(0);
}

/* The pair may have had a holder from the connection before, who has been told to go but has not
 * gone yet. */
static int take_pair(const char *name)
{
    int fd = reopen_take_name(name);

    for (int i = 0; i < 50 && fd == -EADDRINUSE; i++) {
        poll(NULL, 0, 2);
        fd = reopen_take_name(name);
    }
    return fd;
}

void hold_time_wait(struct run *run, struct conn *c)
{
    char name[REOPEN_NAME_MAX];
    int pair, slot, alive[2];

    if (c->tcb.state != STATE_TIME_WAIT)
        return;
    if (run->opt->time_wait == TIME_WAIT_NONE) {
        trace_say(&run->trace, 1, true,
                  "TIME-WAIT skipped (--time-wait=none): a lost last ACK would not be repeated");
        return;
    }
    reopen_pair_name(&c->local, &c->remote, name);
    pair = take_pair(name);
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
