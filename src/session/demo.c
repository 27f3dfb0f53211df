/*
 * segcat --demo: two ordinary sessions in a network namespace of their own, driven step by step.
 * Each step waits for the line of a trace that shows it done, never for a time; a trace line is
 * written before its segment leaves, so that one pipe for both keeps the order in which things
 * happened.
 */
#define _GNU_SOURCE 1
#include "segcat/session/demo.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "segcat/session/clock.h"
#include "segcat/session/session.h"
#include "segcat/trace/trace.h"

#define DEMO_MSL      (500 * USEC_MS)
#define DEMO_PATIENCE (30 * USEC_SEC)
#define LINE_MAX_LEN  512

/* What comes through a pipe, cut into lines. */
struct stream {
    int fd;
    size_t len;
    char buf[8192];
};

struct side {
    const char *label;
    pid_t pid;
    int in;            /* what we write is its stdin */
    struct stream out; /* its stdout */
};

struct demo {
    struct side server;
    struct side client;
    struct stream trace; /* of both */
    usec_t give_up;
};

/* --- a network of our own --- */

static bool write_file(const char *path, const char *text)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok;

    if (fd < 0)
        return false;
    ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return ok;
}

/* Root of a new user namespace, which owns a new network namespace. Root already needs no more
 * than the latter. */
static bool new_namespaces(void)
{
    const uid_t uid = geteuid();
    const gid_t gid = getegid();
    char map[48];

    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return uid == 0 && unshare(CLONE_NEWNET) == 0;
    snprintf(map, sizeof map, "0 %u 1", uid);
    if (!write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/uid_map", map))
        return false;
    snprintf(map, sizeof map, "0 %u 1", gid);
    return write_file("/proc/self/gid_map", map);
}

static bool loopback_up(void)
{
    struct ifreq req = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const bool ok = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &req) == 0;

    if (fd >= 0)
        close(fd);
    return ok;
}

/* --- the two sides --- */

static _Noreturn void run_side(const struct options *opt, const char *label, const int stdio[3],
                               usec_t origin)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        dup2(stdio[fd], fd);
    close_range(3, ~0U, 0);
    exit(session_run(opt, label, origin));
}

static bool start_side(struct side *s, const struct options *opt, const char *label, int trace,
                       usec_t origin)
{
    int in[2], out[2];

    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        return false;
    s->label = label;
    s->in = in[1];
    s->out.fd = out[0];
    s->pid = fork();
    if (s->pid == 0)
        run_side(opt, label, (const int[3]){in[0], out[1], trace}, origin);
    close(in[0]);
    close(out[1]);
    return s->pid > 0;
}

static void stop_side(struct side *s)
{
    if (s->pid <= 0)
        return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
}

/* --- the script --- */

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("\n# ", stdout);
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
    fflush(stdout);
}

/* The next whole line that came through, waiting for it. Returns false at the end, or when
 * patience is over. */
static bool next_line(struct demo *d, struct stream *s, char line[LINE_MAX_LEN])
{
    for (;;) {
        char *const nl = memchr(s->buf, '\n', s->len);
        const usec_t now = clock_now();
        struct pollfd p = {.fd = s->fd, .events = POLLIN};
        ssize_t n;

        if (nl != NULL) {
            const size_t len = (size_t)(nl - s->buf);

            snprintf(line, LINE_MAX_LEN, "%.*s", (int)len, s->buf);
            s->len -= len + 1;
            memmove(s->buf, nl + 1, s->len);
            return true;
        }
        if (now >= d->give_up || s->len == sizeof s->buf ||
            poll(&p, 1, (int)((d->give_up - now) / USEC_MS) + 1) <= 0)
            return false;
        n = read(s->fd, s->buf + s->len, sizeof s->buf - s->len);
        if (n <= 0)
            return false;
        s->len += (size_t)n;
    }
}

/* Shows what happens until `side` has said `what`. */
static bool until(struct demo *d, const struct side *side, const char *what)
{
    char line[LINE_MAX_LEN];

    while (next_line(d, &d->trace, line)) {
        printf("%s\n", line);
        if (strstr(line, side->label) != NULL && strstr(line, what) != NULL)
            return true;
    }
    fprintf(stderr, "segcat: the demo stopped: the %s never said '%s'\n", side->label, what);
    return false;
}

/* Shows the line of data that has arrived at a side. */
static bool delivered(struct demo *d, struct side *side)
{
    char line[LINE_MAX_LEN];

    if (!next_line(d, &side->out, line)) {
        fprintf(stderr, "segcat: the demo stopped: nothing arrived at the %s\n", side->label);
        return false;
    }
    printf("%s prints: %s\n", side->label, line);
    return true;
}

static bool type(const struct side *s, const char *text)
{
    return write(s->in, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool end_input(struct side *s)
{
    close(s->in);
    s->in = -1;
    return true;
}

static bool open_both(struct demo *d, const struct options *server, const struct options *client,
                      int out)
{
    const usec_t origin = clock_now();

    say("The server listens:    segcat -vv -l 127.0.0.1 8088");
    if (!start_side(&d->server, server, "server", out, origin) ||
        !until(d, &d->server, "Listening"))
        return false;
    say("The client connects:   segcat -vv 127.0.0.1 8088\n"
        "# Three segments, and each side knows that the other is there and which number its first "
        "byte has.");
    return start_side(&d->client, client, "client", out, origin) &&
           until(d, &d->server, "Connection received");
}

static bool exchange(struct demo *d)
{
    say("The client sends a line. Every byte has a number; the ACK says which one is awaited "
        "next.");
    if (!type(&d->client, "Hello, server.\n") || !until(d, &d->client, "acks 15") ||
        !delivered(d, &d->server))
        return false;
    say("The server sends a line back.");
    return type(&d->server, "Hello, client.\n") && until(d, &d->server, "acks 15") &&
           delivered(d, &d->client);
}

static bool close_both(struct demo *d)
{
    say("The client's input ends: it sends FIN (\"no more from me\"). That closes one direction "
        "only.");
    if (!end_input(&d->client) || !until(d, &d->client, "FIN-WAIT-1 -> FIN-WAIT-2"))
        return false;
    say("The connection is half open: the server may go on sending, and does.");
    if (!type(&d->server, "You closed, I am still talking.\n") ||
        !until(d, &d->server, "acks 32") || !delivered(d, &d->client))
        return false;
    say("The server's input ends too: FIN, ACK. With the first two that makes the four segments of "
        "a teardown.");
    if (!end_input(&d->server) || !until(d, &d->server, "LAST-ACK -> CLOSED"))
        return false;
    say("Who closed first waits in TIME-WAIT for 2*MSL, so that a lost last ACK can be repeated "
        "and old segments\n"
        "# die out. In earnest that is 60 s; here it is shortened to %llu s.",
        (unsigned long long)(2 * DEMO_MSL / USEC_SEC));
    return until(d, &d->client, "TIME-WAIT -> CLOSED");
}

/* Both sides end by themselves; what they still say is shown. */
static int farewell(struct demo *d)
{
    char line[LINE_MAX_LEN];
    int a = -1, b = -1;

    while (next_line(d, &d->trace, line))
        printf("%s\n", line);
    if (waitpid(d->server.pid, &a, 0) > 0)
        d->server.pid = 0;
    if (waitpid(d->client.pid, &b, 0) > 0)
        d->client.pid = 0;
    say("Exit status of the server %d, of the client %d: 0 means that every byte and FIN was "
        "acknowledged.",
        WIFEXITED(a) ? WEXITSTATUS(a) : -1, WIFEXITED(b) ? WEXITSTATUS(b) : -1);
    return a == 0 && b == 0 ? EXIT_OK : EXIT_NETWORK;
}

static int perform(struct demo *d, const struct options *opt)
{
    struct options server = {.mode = MODE_LISTEN,
                             .host = "127.0.0.1",
                             .port = "8088",
                             .numeric = true,
                             .verbose = 2,
                             .time_wait = TIME_WAIT_WAIT,
                             .msl = DEMO_MSL,
                             .has_isn = opt->has_isn,
                             .isn = opt->isn,
                             .color = opt->color};
    struct options client;
    int out[2];
    bool ok;

    if (server.color == COLOR_AUTO && isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL)
        server.color = COLOR_ALWAYS;
    client = server;
    client.mode = MODE_CONNECT;
    if (pipe2(out, O_CLOEXEC) < 0)
        return EXIT_NETWORK;
    d->trace.fd = out[0];
    d->give_up = clock_now() + DEMO_PATIENCE;
    ok = open_both(d, &server, &client, out[1]);
    close(out[1]);
    return ok && exchange(d) && close_both(d) ? farewell(d) : EXIT_NETWORK;
}

int demo_run(const struct options *opt)
{
    struct demo d = {.server = {.pid = 0}};
    int status;

    signal(SIGPIPE, SIG_IGN);
    if (!new_namespaces()) {
        fprintf(stderr,
                "segcat: cannot make a private network (%s): user namespaces are forbidden here; "
                "run it as root: sudo segcat --demo\n",
                strerror(errno));
        return EXIT_USAGE;
    }
    if (!loopback_up()) {
        fprintf(stderr, "segcat: cannot bring up loopback in the private network: %s\n",
                strerror(errno));
        return EXIT_USAGE;
    }
    status = perform(&d, opt);
    stop_side(&d.client);
    stop_side(&d.server);
    return status;
}
