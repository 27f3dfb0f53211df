/*
 * The segcat under test: a child with three pipes. What it writes to stderr is kept.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "peer.h"

static pid_t pid;
static int to_child = -1, from_child = -1, errors = -1;
static char said[1 << 18];
static size_t said_len, said_seen;

int64_t clock_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int wait_ms(int64_t deadline)
{
    const int64_t left = deadline - clock_now();

    return left > 0 ? (int)(left / 1000 + 1) : 0;
}

void child_start(char *const argv[])
{
    int in[2], out[2], err[2];

    if (pipe(in) < 0 || pipe(out) < 0 || pipe(err) < 0)
        fail("pipe: %s", strerror(errno));
    pid = fork();
    if (pid < 0)
        fail("fork: %s", strerror(errno));
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(err[1], 2);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        execv(argv[0], argv);
        _exit(127);
    }
    close(in[0]), close(out[1]), close(err[1]);
    to_child = in[1];
    from_child = out[0];
    errors = err[0];
}

void child_write(const void *p, size_t n)
{
    const char *at = p;

    while (n > 0) {
        const ssize_t done = write(to_child, at, n);

        if (done < 0)
            fail("segcat's stdin: %s", strerror(errno));
        at += done;
        n -= (size_t)done;
    }
}

void child_close(void)
{
    close(to_child);
    to_child = -1;
}

void child_close_output(void)
{
    close(from_child);
    from_child = -1;
}

size_t child_read(void *p, size_t n, int64_t deadline)
{
    size_t got = 0;

    while (got < n) {
        struct pollfd fd = {.fd = from_child, .events = POLLIN};
        ssize_t more;

        if (poll(&fd, 1, wait_ms(deadline)) <= 0)
            break;
        more = read(from_child, (char *)p + got, n - got);
        if (more <= 0)
            break;
        got += (size_t)more;
    }
    return got;
}

/* False at the end of file. */
static bool read_stderr(void)
{
    const ssize_t more = read(errors, said + said_len, sizeof said - 1 - said_len);

    if (more <= 0)
        return false;
    said_len += (size_t)more;
    said[said_len] = '\0';
    return true;
}

bool child_says(const char *text, int64_t deadline)
{
    for (;;) {
        struct pollfd fd = {.fd = errors, .events = POLLIN};
        const char *const at = strstr(said + said_seen, text);

        if (at != NULL) {
            said_seen = (size_t)(at - said) + strlen(text);
            return true;
        }
        if (poll(&fd, 1, wait_ms(deadline)) <= 0 || !read_stderr())
            return false;
    }
}

const char *child_stderr(void)
{
    struct pollfd fd = {.fd = errors, .events = POLLIN};

    while (errors >= 0 && poll(&fd, 1, 0) > 0 && read_stderr())
        continue;
    return said;
}

void child_signal(int sig)
{
    kill(pid, sig);
}

int child_wait(int64_t deadline)
{
    int status = 0;

    /* Its stderr closes when it ends (what it leaves behind has closed it before). */
    for (;;) {
        struct pollfd fd = {.fd = errors, .events = POLLIN};

        if (poll(&fd, 1, wait_ms(deadline)) <= 0)
            return -1;
        if (!read_stderr())
            break;
    }
    if (waitpid(pid, &status, 0) < 0)
        return -1;
    pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void child_kill(void)
{
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        pid = 0;
    }
}
