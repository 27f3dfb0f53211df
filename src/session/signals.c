/*
 * Signals as events: SIGINT, SIGTERM, SIGHUP ask for an orderly end first, and are insisted on by
 * repeating.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "segcat/session/run.h"

#define PATIENCE_INT  (3 * USEC_SEC)
#define PATIENCE_TERM (500 * USEC_MS)

int signals_open(void)
{
    sigset_t set;
    int fd;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    sigprocmask(SIG_BLOCK, &set, NULL);
    return fd;
}

static void ask_for_end(struct run *run, int sig, usec_t now)
{
    const bool again = run->signal != 0;

    if (!again)
        run->signal = sig;
    if (run->served == NULL || !tcb_synchronized(&run->served->tcb)) {
        run->stopped = true;
        return;
    }
    if (again) {
        run->interrupted = true;
        return;
    }
    run->limit = now + (sig == SIGINT ? PATIENCE_INT : PATIENCE_TERM);
    run->relay.in = -1;
    tcb_shutdown(&run->served->tcb, now);
}

void signals_handle(struct run *run, usec_t now)
{
    struct signalfd_siginfo info;

    while (read(run->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        ask_for_end(run, (int)info.ssi_signo, now);
}

void signals_die(int sig)
{
    sigset_t set;

    signal(sig, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, sig);
    raise(sig);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    _exit(128 + sig); /* not reached, unless the signal was ignored from the start */
}
