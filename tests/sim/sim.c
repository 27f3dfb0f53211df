/*
 * The ends of a simulated connection: the TCP, the program that uses it, its clock; and the loop
 * that lets time pass.
 */
#include "sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "segcat/tcp/isn.h"
#include "segcat/tcp/listen.h"

/* So many events without any passing of time are a busy loop. */
#define STANDSTILL_MAX 20000

usec_t sim_clock(const struct sim *s, int i)
{
    return s->end[i].clock + (s->p.tick == 0 ? s->now : s->now - s->now % s->p.tick);
}

/* ---- the bytes: a function of direction and place, so that none need to be kept */

/* A prime: no ring's size, and no difference of two places in it, is a multiple. */
#define PERIOD 65521

static const uint8_t *pattern(void)
{
    static uint8_t table[PERIOD];
    static bool done;

    for (size_t i = 0; i < PERIOD && !done; i++) {
        table[i] = (uint8_t)rng_mix(i);
    }
    done = true;
    return table;
}

static size_t pattern_start(const struct sim *s, int from, uint64_t at)
{
    return (size_t)((rng_mix(s->p.seed * 2 + (uint64_t)from) % PERIOD + at) % PERIOD);
}

void sim_pattern_fill(const struct sim *s, int from, uint64_t at, uint8_t *buf, size_t len)
{
    size_t start = pattern_start(s, from, at);

    for (size_t done = 0, n; done < len; done += n, start = 0) {
        n = len - done < PERIOD - start ? len - done : PERIOD - start;
        memcpy(buf + done, pattern() + start, n);
    }
}

bool sim_pattern_check(const struct sim *s, int from, uint64_t at, const uint8_t *buf, size_t len)
{
    size_t start = pattern_start(s, from, at);

    for (size_t done = 0, n; done < len; done += n, start = 0) {
        n = len - done < PERIOD - start ? len - done : PERIOD - start;
        if (memcmp(buf + done, pattern() + start, n) != 0) {
            return false;
        }
    }
    return true;
}

/* ---- a peer that says one thing and then another */

uint8_t *sim_said(struct sim *s, uint64_t at)
{
    if (s->said == NULL) {
        s->said = malloc(s->end[1].app.bytes);
        if (s->said == NULL) {
            abort();
        }
        sim_pattern_fill(s, 1, 0, s->said, s->end[1].app.bytes);
    }
    return s->said + at;
}

/* ---- the program behind an end */

static bool is_right(struct sim *s, int i, uint64_t at, const uint8_t *data, size_t len)
{
    if (s->said != NULL && i == 0) {
        return len == 0 || memcmp(s->said + at, data, len) == 0;
    }
    return sim_pattern_check(s, 1 - i, at, data, len);
}

static void app_read(struct sim *s, int i)
{
    struct sim_end *const e = &s->end[i];
    struct slice piece[2];

    while (s->now >= e->read_at && !(e->stalled && s->now < e->stalled_until)) {
        uint64_t n = tcb_peek(&e->tcb, piece);

        if (e->app.chunk != 0 && n > e->app.chunk) {
            n = e->app.chunk;
        }
        if (e->app.stall_for != 0 && !e->stalled && e->read + n > e->app.stall_after) {
            n = e->app.stall_after - e->read;
            e->stalled = n == 0;
            e->stalled_until = s->now + e->app.stall_for;
        }
        if (n == 0) {
            return;
        }
        const size_t first = n < piece[0].len ? (size_t)n : piece[0].len;

        SIM_CHECK(s, INV_PREFIX,
                  e->read + n <= s->end[1 - i].written &&
                      is_right(s, i, e->read, piece[0].data, first) &&
                      is_right(s, i, e->read + first, piece[1].data, (size_t)n - first),
                  "%c: bytes %" PRIu64 " to %" PRIu64 " are not what was written (%" PRIu64 ")",
                  'A' + i, e->read, e->read + n, s->end[1 - i].written);
        tcb_consume(&e->tcb, (size_t)n);
        e->read += n;
        if (e->app.read_every != 0) {
            e->read_at = s->now + e->app.read_every;
        }
    }
}

/* How much the program wants to write now. */
static uint64_t app_wish(struct sim *s, int i)
{
    struct sim_end *const e = &s->end[i];
    uint64_t n = e->app.bytes - e->written;

    if (s->now < e->app.start || e->shut || n == 0) {
        return 0;
    }
    if (e->app.lockstep) {
        const uint64_t theirs = s->end[1 - i].app.burst;
        const uint64_t turns = e->read / theirs + (e->app.first ? 1 : 0);

        if (turns * e->app.burst <= e->written) {
            return 0;
        }
        const uint64_t limit = turns * e->app.burst - e->written;

        n = n < limit ? n : limit;
    }
    if (e->app.burst != 0) {
        if (e->burst_left == 0) {
            if (s->now < e->write_at) {
                return 0;
            }
            e->burst_left = e->app.burst;
        }
        n = n < e->burst_left ? n : e->burst_left;
    }
    return n;
}

static void app_write(struct sim *s, int i)
{
    struct sim_end *const e = &s->end[i];
    struct span piece[2];
    uint64_t n;

    while ((n = app_wish(s, i)) > 0) {
        tcb_make_room(&e->tcb);
        const size_t space = tcb_write_space(&e->tcb, piece);

        n = n < space ? n : space;
        if (n == 0) {
            return;
        }
        const size_t first = n < piece[0].len ? (size_t)n : piece[0].len;

        sim_pattern_fill(s, i, e->written, piece[0].data, first);
        sim_pattern_fill(s, i, e->written + first, piece[1].data, (size_t)n - first);
        tcb_commit(&e->tcb, (size_t)n);
        e->written += n;
        if (e->app.burst != 0) {
            e->burst_left -= n;
            if (e->burst_left == 0) {
                e->write_at = s->now + e->app.think;
            }
        }
    }
}

static bool app_is_done(const struct sim *s, int i)
{
    const struct sim_end *const e = &s->end[i];
    struct slice piece[2];

    if (e->written < e->app.bytes) {
        return false;
    }
    switch (e->app.close) {
    case CLOSE_WHEN_WRITTEN:
        return true;
    case CLOSE_AFTER_PEER:
        return tcb_peer_closed(&e->tcb) && tcb_peek(&e->tcb, piece) == 0;
    case CLOSE_AT:
        return s->now >= e->app.close_at;
    }
    return true;
}

static void app_close(struct sim *s, int i)
{
    struct sim_end *const e = &s->end[i];

    if (e->shut || !app_is_done(s, i)) {
        return;
    }
    if (e->shut_at == USEC_NEVER) {
        e->shut_at = s->now + e->app.close_delay;
    }
    if (s->now >= e->shut_at) {
        e->shut = true;
        sim_print_note(s, i, "the program has written all and shuts down");
        tcb_shutdown(&e->tcb, sim_clock(s, i));
        sim_check_tcb(s, i);
    }
}

static void earliest(const struct sim *s, usec_t *first, usec_t at)
{
    if (at > s->now && at < *first) {
        *first = at;
    }
}

/* When the program will do something though nothing else happens. */
static usec_t app_wake(const struct sim *s, int i)
{
    const struct sim_end *const e = &s->end[i];
    struct slice piece[2];
    usec_t at = USEC_NEVER;

    if (!e->open) {
        return at;
    }
    if (tcb_peek(&e->tcb, piece) > 0) {
        earliest(s, &at, e->read_at);
        if (e->stalled) {
            earliest(s, &at, e->stalled_until);
        }
    }
    if (e->written < e->app.bytes) {
        earliest(s, &at, e->app.start);
        if (e->burst_left == 0) {
            earliest(s, &at, e->write_at);
        }
    }
    if (!e->shut) {
        earliest(s, &at, e->shut_at);
        if (e->app.close == CLOSE_AT) {
            earliest(s, &at, e->app.close_at);
        }
    }
    return at;
}

/* ---- one end */

/* The core's word on what is to be sent now, until it has no more. */
static void drain(struct sim *s, int i)
{
    struct sim_end *const e = &s->end[i];
    const uint64_t bound = 64 + 2 * e->cfg.sent_max + e->cfg.snd_size / 16;
    struct segment seg;

    for (uint64_t n = 0; !s->failed; n++) {
        /* whatever tcb_next() forgets to set shall be seen */
        memset(&seg, 0xa5, sizeof seg);
        if (!tcb_next(&e->tcb, &seg, sim_clock(s, i))) {
            break;
        }
        sim_check_sent(s, i, &seg);
        sim_check_tcb(s, i);
        if (!s->failed) {
            sim_link_send(s, i, &seg);
        }
        SIM_CHECK(s, INV_BOUNDED_OUTPUT, n < bound,
                  "%c: tcb_next() has handed out %" PRIu64 " segments and does not end", 'A' + i,
                  n);
    }
}

static void settle(struct sim *s, int i)
{
    struct sim_end *const e = &s->end[i];

    if (!e->open || s->failed) {
        return;
    }
    if (s->p.drain_first) {
        drain(s, i);
    }
    app_read(s, i);
    app_write(s, i);
    app_close(s, i);
    drain(s, i);
    sim_check_settled(s, i);
}

static void opened(struct sim *s, int i)
{
    struct tcb *const t = &s->end[i].tcb;

    t->snd.head = t->snd.tail = t->rcv.head = t->rcv.tail = s->p.stream_at;
    s->end[i].open = true;
    s->end[i].listening = false;
    s->end[i].mem.iss = s->end[i].tcb.iss;
    s->end[i].mem.state = s->end[i].tcb.state;
}

/* The SYN that our end will take for the beginning of a script's sequence space. */
static void note_script_syn(struct sim *s, const struct segment *seg)
{
    const struct tcb *const t = &s->end[0].tcb;
    const bool good_ack = seq_gt(seg->ack, t->iss) && seq_le(seg->ack, t->snd_nxt);

    if (s->p.script == NULL || !(seg->flags & SEG_SYN) || seg->flags & SEG_RST ||
        (t->state == STATE_SYN_SENT && seg->flags & SEG_ACK && !good_ack) ||
        (t->state != STATE_SYN_SENT && s->end[1].mem.have_iss)) {
        return;
    }
    s->end[1].mem.have_iss = true;
    s->end[1].mem.iss = seg->seq;
    s->end[1].mem.syn = seg->opt;
}

/*
 * TCP.md 25, which bytes count where a script's segments overlap and differ: of what is not yet in
 * order the newer, of what is in order the older. Only what the window had room for is looked at.
 */
static void note_said(struct sim *s, const struct segment *seg, uint64_t tail, seq_t nxt, seq_t adv)
{
    const struct sim_memory *const m = &s->end[0].mem;
    const int64_t at = (int64_t)tail + seq_diff(seg->seq, nxt);
    const int64_t edge = (int64_t)tail + seq_diff(adv, nxt);

    if (s->said == NULL || !m->taken || m->notes & NOTE_NO_ROOM) {
        return;
    }
    for (int64_t k = 0; k < (int64_t)seg->len; k++) {
        if (at + k >= (int64_t)tail && at + k < edge && at + k < (int64_t)s->end[1].app.bytes) {
            *sim_said(s, (uint64_t)(at + k)) = seg->data[0].data[k];
        }
    }
}

static void put_in(struct sim *s, int i, const struct segment *seg)
{
    struct tcb *const t = &s->end[i].tcb;
    const uint64_t tail = t->rcv.tail;
    const seq_t nxt = t->rcv_nxt;
    const seq_t adv = t->rcv_adv;

    note_script_syn(s, seg);
    sim_check_arrived(s, i, seg);
    s->end[i].mem.taken = false;
    tcb_segment(t, seg, sim_clock(s, i));
    note_said(s, seg, tail, nxt, adv);
    sim_check_tcb(s, i);
}

static void deliver(struct sim *s, struct sim_packet *pkt)
{
    const int i = pkt->to;
    struct sim_end *const e = &s->end[i];
    const bool alive = e->open && e->tcb.end == END_NONE;
    struct segment reply;

    if (pkt->too_big != 0) {
        if (alive && tcb_outstanding(&e->tcb, pkt->seg.seq)) {
            sim_print_note(s, i, "ICMP: packet too big, %" PRIu32, pkt->too_big);
            tcb_path_mtu(&e->tcb, pkt->too_big, sim_clock(s, i));
            sim_check_tcb(s, i);
        }
        return;
    }
    if (!sim_link_receive(s, pkt)) {
        return;
    }
    pkt->seg.at = sim_clock(s, i);
    if (s->p.script != NULL && i == 1) {
        s->p.script->segment(s, &pkt->seg);
        return;
    }
    if (alive) {
        put_in(s, i, &pkt->seg);
        return;
    }
    if (e->listening) {
        switch (tcp_listen(&pkt->seg, &reply)) {
        case LISTEN_DROP:
            return;
        case LISTEN_RESET:
            sim_link_send(s, i, &reply);
            return;
        case LISTEN_OPEN:
            tcb_open_passive(&e->tcb, &e->cfg, &pkt->seg, sim_clock(s, i));
            opened(s, i);
            note_script_syn(s, &pkt->seg);
            sim_check_arrived(s, i, &pkt->seg);
            sim_check_tcb(s, i);
            return;
        }
    }
    if (tcp_closed(&pkt->seg, &reply)) {
        sim_link_send(s, i, &reply);
    }
}

/* ---- the loop */

/* When end i's timers are served: its clock may be coarse, its program late. */
static usec_t timer_at(struct sim *s, int i)
{
    struct sim_end *const e = &s->end[i];
    usec_t deadline = e->open ? tcb_deadline(&e->tcb) : USEC_NEVER;

    if (deadline == USEC_NEVER) {
        e->timer_for = USEC_NEVER;
        return USEC_NEVER;
    }
    deadline = deadline > e->clock ? deadline - e->clock : 0;
    if (deadline != e->timer_for) {
        const usec_t tick = s->p.tick == 0 ? 1 : s->p.tick;

        e->timer_for = deadline;
        e->timer_at = (deadline + tick - 1) / tick * tick;
        if (s->p.slack != 0) {
            e->timer_at += (usec_t)rng_below(&s->rng, s->p.slack + 1);
        }
    }
    return e->timer_at > s->now ? e->timer_at : s->now;
}

static usec_t next_event(struct sim *s)
{
    usec_t next = USEC_NEVER;
    const struct sim_packet *const head = sim_link_head(s);

    if (head != NULL) {
        next = head->at;
    }
    for (int i = 0; i < 2; i++) {
        const struct sim_end *const e = &s->end[i];
        const usec_t timer = timer_at(s, i);
        const usec_t wake = app_wake(s, i);

        next = timer < next ? timer : next;
        next = wake < next ? wake : next;
        if (e->active && !e->open && e->open_at < next) {
            next = e->open_at;
        }
    }
    if (s->p.script != NULL) {
        const usec_t wake = s->p.script->wake(s);

        next = wake < next ? wake : next;
    }
    return next;
}

static bool take_arrivals(struct sim *s)
{
    bool any = false;

    while (!s->failed && sim_link_head(s) != NULL && sim_link_head(s)->at <= s->now) {
        struct sim_packet *const pkt = sim_link_take(s);
        const int to = pkt->to;

        deliver(s, pkt);
        free(pkt);
        any = true;
        if (!s->p.batch) {
            settle(s, to);
            break;
        }
    }
    return any;
}

static void serve_timers(struct sim *s)
{
    for (int i = 0; i < 2; i++) {
        struct sim_end *const e = &s->end[i];

        if (timer_at(s, i) > s->now) {
            continue;
        }
        tcb_timeout(&e->tcb, sim_clock(s, i));
        sim_check_tcb(s, i);
        SIM_CHECK(s, INV_DEADLINE, tcb_deadline(&e->tcb) > sim_clock(s, i),
                  "%c: tcb_timeout() leaves the deadline in the past", 'A' + i);
        e->timer_for = USEC_NEVER;
    }
}

static void open_active(struct sim *s)
{
    for (int i = 0; i < 2; i++) {
        struct sim_end *const e = &s->end[i];

        if (e->active && !e->open && e->open_at <= s->now) {
            tcb_open_active(&e->tcb, &e->cfg, sim_clock(s, i));
            opened(s, i);
            sim_check_tcb(s, i);
        }
    }
}

static void note_done(struct sim *s)
{
    if (s->done_at == 0 && s->end[0].read == s->end[1].app.bytes &&
        s->end[1].read == s->end[0].app.bytes && s->end[0].open && s->end[1].open) {
        s->done_at = s->now;
    }
}

static void *must_alloc(size_t n)
{
    void *const p = malloc(n);

    if (p == NULL) {
        abort();
    }
    return p;
}

static void init_end(struct sim *s, int i)
{
    struct sim_end *const e = &s->end[i];
    struct tcb_config *const c = &e->cfg;

    *c = s->p.end[i].cfg;
    e->app = s->p.end[i].app;
    e->active = s->p.end[i].active;
    e->listening = !e->active;
    e->open_at = s->p.end[i].open_at;
    e->clock = s->p.end[i].clock;
    e->shut_at = e->timer_for = e->timer_at = USEC_NEVER;
    e->mem.owes_ack_since = USEC_NEVER;
    e->addr.port = i == 0 ? 40000 : 8088;
    e->addr.ip.version = s->p.v6 ? IP_V6 : IP_V4;
    if (s->p.v6) {
        e->addr.ip.bytes[0] = 0xfd;
        e->addr.ip.bytes[15] = (uint8_t)(1 + i);
    } else {
        memcpy(e->addr.ip.bytes, (const uint8_t[4]){192, 0, 2, (uint8_t)(1 + i)}, 4);
    }
    c->snd_mem = must_alloc(c->snd_size);
    c->rcv_mem = must_alloc(c->rcv_size);
    c->sent_mem = must_alloc(c->sent_max * sizeof *c->sent_mem);
    c->ooo_mem = must_alloc(c->ooo_max * sizeof *c->ooo_mem);
    for (size_t k = 0; k < sizeof c->key; k++) {
        c->key[k] = (uint8_t)rng_next(&s->rng);
    }
    s->watch[i] = (struct sim_watch){s, i};
    c->observe = sim_check_event;
    c->observe_ctx = &s->watch[i];
    sim_link_init(&s->link[i], &s->p.link[i]);
}

static void free_end(struct sim_end *e)
{
    free(e->cfg.snd_mem);
    free(e->cfg.rcv_mem);
    free(e->cfg.sent_mem);
    free(e->cfg.ooo_mem);
    e->cfg.snd_mem = e->cfg.rcv_mem = NULL;
    e->cfg.sent_mem = NULL;
    e->cfg.ooo_mem = NULL;
}

static void init(struct sim *s, const struct sim_params *p, bool trace, uint64_t *checks)
{
    memset(s, 0, sizeof *s);
    s->p = *p;
    s->trace = trace;
    s->checks = checks;
    rng_seed(&s->rng, p->seed ^ 0x5eed);
    for (int i = 0; i < 2; i++) {
        init_end(s, i);
    }
    if (p->script != NULL) {
        s->end[1].active = s->end[1].listening = false;
        s->end[1].written = s->end[1].app.bytes;
    }
    for (int i = 0; i < 2; i++) {
        s->end[i].cfg.local = s->end[i].addr;
        s->end[i].cfg.remote = s->end[1 - i].addr;
        if (p->end[i].has_tsval) {
            const struct tcb_config *const c = &s->end[i].cfg;
            const uint32_t offset = timestamp_offset(c->key, &c->local, &c->remote);

            s->end[i].clock = (usec_t)(uint32_t)(p->end[i].tsval - offset) * USEC_MS;
        }
        sim_print_begin(s, i);
    }
    if (p->script != NULL) {
        p->script->begin(s);
    }
}

void sim_free(struct sim *s)
{
    while (s->heap_count > 0) {
        free(sim_link_take(s));
    }
    free(s->heap);
    s->heap = NULL;
    free(s->peer);
    s->peer = NULL;
    free(s->said);
    s->said = NULL;
    free_end(&s->end[0]);
    free_end(&s->end[1]);
}

bool sim_run(struct sim *s, const struct sim_params *p, bool trace, uint64_t *checks)
{
    unsigned standstill = 0;

    init(s, p, trace, checks);
    while (!s->failed) {
        const usec_t next = next_event(s);

        if (next == USEC_NEVER) {
            break;
        }
        standstill = next > s->now ? 0 : standstill + 1;
        SIM_CHECK(s, INV_ENDS,
                  next <= p->limit && s->events < p->event_limit && standstill < STANDSTILL_MAX,
                  "still not over after %" PRIu64 " events, %u of them without time passing",
                  s->events, standstill);
        s->now = next > s->now ? next : s->now;
        s->events++;
        s->end[0].mem.answers = s->end[1].mem.answers = 0;
        open_active(s);
        if (!take_arrivals(s)) {
            serve_timers(s);
            if (s->p.script != NULL) {
                s->p.script->act(s);
            }
        }
        settle(s, 0);
        settle(s, 1);
        note_done(s);
    }
    if (!s->failed) {
        sim_check_end(s);
    }
    return !s->failed;
}
