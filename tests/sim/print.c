/*
 * A run as text: one line for each segment, and the parameters of a run that failed. To stdout, as
 * TAP comments.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "sim.h"

static void flags_text(unsigned flags, char buf[16])
{
    static const struct {
        unsigned flag;
        char letter;
    } letters[] = {{SEG_SYN, 'S'}, {SEG_FIN, 'F'}, {SEG_RST, 'R'}, {SEG_PSH, 'P'},
                   {SEG_ACK, '.'}, {SEG_URG, 'U'}, {SEG_ECE, 'E'}, {SEG_CWR, 'W'}};
    size_t n = 0;

    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        if (flags & letters[i].flag) {
            buf[n++] = letters[i].letter;
        }
    }
    buf[n] = '\0';
}

static void print_time(const struct sim *s)
{
    printf("# %6" PRIu64 ".%06" PRIu64 " ", s->now / USEC_SEC, s->now % USEC_SEC);
}

void sim_print_segment(const struct sim *s, int from, const struct segment *seg, const char *fate)
{
    const struct sim_end *const e = &s->end[from];
    const seq_t iss = e->mem.iss;
    const seq_t irs = s->end[1 - from].mem.iss;
    char flags[16];

    flags_text(seg->flags, flags);
    print_time(s);
    printf("%c #%u [%s] seq %" PRIu32, from == 0 ? 'A' : 'B', s->link[from].count, flags,
           seg->seq - iss);
    if (seg->len > 0) {
        printf(":%" PRIu32, seg->seq - iss + seg->len);
    }
    if (seg->flags & SEG_ACK) {
        printf(" ack %" PRIu32, seg->ack - irs);
    }
    printf(" win %u", seg->window);
    if (seg->opt.present & OPT_MSS) {
        printf(" mss %u", seg->opt.mss);
    }
    if (seg->opt.present & OPT_WSCALE) {
        printf(" wscale %u", seg->opt.wscale);
    }
    if (seg->opt.present & OPT_TIMESTAMPS) {
        printf(" ts %" PRIu32 "/%" PRIu32, seg->opt.tsval, seg->opt.tsecr);
    }
    if (seg->opt.present & OPT_SACK) {
        for (int i = 0; i < seg->opt.sack_count; i++) {
            printf(" sack %" PRIu32 "-%" PRIu32, seg->opt.sack[i].left - irs,
                   seg->opt.sack[i].right - irs);
        }
    }
    printf("  %s", tcp_state_name(e->tcb.state));
    if (e->open) {
        printf(" cwnd %" PRIu32 " flight %" PRIu64 " una %" PRIu32, e->tcb.cc.cwnd,
               tcb_flight(&e->tcb), e->tcb.snd_una - iss);
    }
    printf("%s%s\n", fate != NULL ? "  -- " : "", fate != NULL ? fate : "");
}

void sim_print_note(const struct sim *s, int end, const char *fmt, ...)
{
    va_list ap;

    print_time(s);
    printf("%c * ", end == 0 ? 'A' : 'B');
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

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
    if (c->has_isn) {
        printf(" isn %" PRIu32, c->isn);
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
    printf(
        "#   link from %c: delay %" PRIu64 " jitter %" PRIu64 " rate %" PRIu64 " queue %" PRIu64
        " loss %u burst %u x %u duplicate %u reorder %u by %" PRIu64 " corrupt %u (ppm) mtu %u%s",
        name, l->delay, l->jitter, l->rate, l->queue, l->loss, l->burst, l->burst_len, l->duplicate,
        l->reorder, l->reorder_by, l->corrupt, l->mtu, l->whole_chunks ? " whole chunks" : "");
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
    print_end(&p->end[0], 'A');
    print_end(&p->end[1], 'B');
    print_link(&p->link[0], 'A');
    print_link(&p->link[1], 'B');
}
