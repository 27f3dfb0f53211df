/*
 * One run of the program: set up, listen or connect, clean up.
 */
#define _GNU_SOURCE 1
#include "segcat/session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "segcat/session/clock.h"
#include "segcat/session/run.h"

/* A standard descriptor that the caller has closed would be the number of the next socket, and a
 * message be sent on it. What takes its place fails as the closed one would. */
static void occupy_stdio(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            return;
}

static void init(struct run *run, const struct options *opt, const char *label)
{
    const struct trace_config trace = {
        .fd = STDERR_FILENO,
        .verbose = opt->verbose,
        .color = (enum color_mode)opt->color,
        .label = label,
    };

    memset(run, 0, sizeof *run);
    run->opt = opt;
    run->limit = USEC_NEVER;
    run->pair_guard.fd = run->route_fd = -1;
    run->reopen[0] = run->reopen[1] = -1;
    for (size_t i = 0; i < LOCALS_MAX; i++) {
        run->local[i].guard.fd = -1;
        run->local[i].port.fd[0] = run->local[i].port.fd[1] = -1;
    }
    trace_init(&run->trace, &trace);
    run->conn_cfg.trace = &run->trace;
    run->conn_cfg.has_isn = opt->has_isn;
    run->conn_cfg.isn = opt->isn;
    run->conn_cfg.msl = opt->msl;
    run->conn_cfg.congestion = opt->congestion;
    run->conn_cfg.ttl = opt->ttl != 0 ? opt->ttl : TTL_DEFAULT;
    run->conn_cfg.tos = opt->tos;
    run->conn_cfg.no_nagle = opt->nodelay;
    run->conn_cfg.syn_timeout = run->conn_cfg.user_timeout = opt->user_timeout;
    run->conn_cfg.keepalive = (struct keepalive_config){
        .idle = opt->keepalive.idle,
        .interval = opt->keepalive.interval,
        .count = opt->keepalive.count,
    };
    run->conn_cfg.ecn = (enum ecn_use)opt->ecn;
    run->conn_cfg.buffer = opt->buffer;
    relay_init(&run->relay, STDIN_FILENO, STDOUT_FILENO);
    occupy_stdio();
}

int session_run(const struct options *opt, const char *label, usec_t origin)
{
    struct run run;
    int status;

    init(&run, opt, label);
    run.trace.origin = origin;
    run.trace.origin_valid = origin != 0;
    run.signal_fd = signals_open();
    if (run.signal_fd < 0) {
        trace_say(&run.trace, 0, true, "cannot watch for signals: %s", strerror(-run.signal_fd));
        return EXIT_USAGE;
    }
    status = setup_privileges(&run);
    if (status == EXIT_OK)
        status = opt->mode == MODE_LISTEN ? listener_run(&run) : connector_run(&run);
    if (run.served != NULL)
        hold_time_wait(&run, run.served);
    setup_close(&run);
    close(run.signal_fd);
    if (run.signal != 0)
        signals_die(run.signal);
    return status;
}
