/*
 * A run as text: both ends as segcat -vv shows them, and the parameters of a run that failed. To
 * stdout, as TAP comments.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "sim.h"

/* ---- a run, by the renderer of the program itself */

void sim_print_begin(struct sim *s, int end)
{
    static const char *const labels[2] = {"# A", "# B"};
    struct sim_view *const v = &s->view[end];
    const struct trace_config cfg = {
        .fd = STDOUT_FILENO, .verbose = 2, .color = COLOR_NEVER, .label = labels[end]};

    trace_init(&v->trace, &cfg);
    trace_conn_init(&v->conn, &v->trace, &s->end[end].addr, &s->end[1 - end].addr, 0);
    v->trace.origin = s->end[end].clock;
    v->trace.origin_valid = true;
    v->trace.header_done = end != 0;
}

void sim_print_event(struct sim *s, int end, const struct tcp_event *ev)
{
    if (s->trace) {
        fflush(stdout);
        trace_event(&s->view[end].conn, ev);
    }
}

void sim_print_note(struct sim *s, int end, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    if (!s->trace) {
        return;
    }
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fflush(stdout);
    trace_mark(&s->view[end].conn, sim_clock(s, end), "%s", text);
}

/* ---- what it was made of */

static void print_end(const struct sim_end_params *e, char name)
{
    const struct tcb_config *const c = &e->cfg;
    const struct sim_app *const a = &e->app;

    printf("#   %c %s at %" PRIu64
           ": snd %zu rcv %zu limit %zu records %zu intervals %zu mtu %" PRIu32 " gso %" PRIu32
           " msl %" PRIu64 "%s%s%s%s%s",
           name, e->active ? "opens" : "listens", e->open_at, c->snd_size, c->rcv_size,
           c->rcv_limit, c->sent_max, c->ooo_max, c->mtu, c->gso_max, c->msl,
           c->no_timestamps ? " no-timestamps" : "", c->no_sack ? " no-sack" : "",
           c->no_wscale ? " no-wscale" : "", c->no_nagle ? " no-nagle" : "",
           c->no_delack ? " no-delack" : "");
    printf("%s ecn %d %s", c->no_pacing ? " no-pacing" : "", (int)c->ecn,
           c->congestion != NULL ? c->congestion->name : "cubic");
    if (c->has_isn) {
        printf(" isn %" PRIu32, c->isn);
    }
    if (e->clock != 0) {
        printf(" clock %" PRIu64, e->clock);
    }
    printf("\n#     writes %" PRIu64 " from %" PRIu64 ", bursts of %" PRIu64 " every %" PRIu64
           "%s%s; reads %" PRIu64 " every %" PRIu64 ", stops after %" PRIu64 " for %" PRIu64
           "; closes %s, at %" PRIu64 ", delay %" PRIu64 "\n",
           a->bytes, a->start, a->burst, a->think, a->lockstep ? " in lockstep" : "",
           a->first ? " first" : "", a->chunk, a->read_every, a->stall_after, a->stall_for,
           a->close == CLOSE_AT           ? "at a time"
           : a->close == CLOSE_AFTER_PEER ? "after the peer"
                                          : "when all is written",
           a->close_at, a->close_delay);
}

static void print_link(const struct sim_link_params *l, char name)
{
    printf("#   link from %c:%s mark %" PRIu64 " and %u, from %" PRIu64 ", delay %" PRIu64
           " jitter %" PRIu64 " rate %" PRIu64 " queue %" PRIu64
           " loss %u burst %u x %u duplicate %u reorder %u by %" PRIu64
           " corrupt %u (ppm) mtu %u%s",
           name, l->black_hole ? " black hole," : "", l->mark, l->mark_any, l->mtu_from, l->delay,
           l->jitter, l->rate, l->queue, l->loss, l->burst, l->burst_len, l->duplicate, l->reorder,
           l->reorder_by, l->corrupt, l->mtu, l->whole_chunks ? " whole chunks" : "");
    for (int i = 0; i < SIM_PICKS; i++) {
        static const char *const words[] = {"", "drop", "duplicate", "delay", "corrupt"};

        if (l->pick[i].fate != FATE_PASS) {
            printf("; %s #%u", words[l->pick[i].fate], l->pick[i].nth);
            if (l->pick[i].fate == FATE_DELAY) {
                printf(" by %" PRIu64, l->pick[i].by);
            }
        }
    }
    putchar('\n');
}

void sim_print_params(const struct sim_params *p)
{
    printf("#   group \"%s\"%s%s%s tick %" PRIu64 " slack %" PRIu64 "\n", p->group,
           p->codec ? " codec" : "", p->v6 ? " IPv6" : " IPv4", p->batch ? " batch" : "", p->tick,
           p->slack);
    if (p->script != NULL) {
        printf("#   B is a script: habits %" PRIx64 " until %" PRIu64 " every %" PRIu64
               "%s; SYN %u window %u options %x mss %u wscale %u tsval %u\n",
               p->told.habits, p->told.until, p->told.every, p->told.active ? ", opens" : "",
               p->told.syn.seq, p->told.syn.window, p->told.syn.opt.present, p->told.syn.opt.mss,
               p->told.syn.opt.wscale, p->told.syn.opt.tsval);
    }
    print_end(&p->end[0], 'A');
    print_end(&p->end[1], 'B');
    print_link(&p->link[0], 'A');
    print_link(&p->link[1], 'B');
}
