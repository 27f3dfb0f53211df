/*
 * The life of a TCB: opening, the user's calls, and what the other files of tcp/ ask again and
 * again. Pure.
 */
#include "segcat/tcp/tcb.h"

#include <string.h>

#include "segcat/tcp/internal.h"
#include "segcat/tcp/isn.h"

/* --- events --- */

struct tcp_event tcb_event(const struct tcb *t, enum tcp_event_type type, usec_t at)
{
    return (struct tcp_event){
        .type = type,
        .tcb = t,
        .at = at,
        .old_state = t->told_state,
        .cwnd_before = t->cc.cwnd,
        .flight_before = t->sent.flight,
        .snd_nxt_before = t->snd_nxt,
    };
}

void tcb_emit(struct tcb *t, struct tcp_event *ev)
{
    ev->old_state = t->told_state;
    ev->new_state = t->state;
    ev->cwnd = t->cc.cwnd;
    ev->flight = t->sent.flight;
    t->told_state = t->state;
    if (t->cfg.observe != NULL)
        t->cfg.observe(t->cfg.observe_ctx, ev);
}

void tcb_finish(struct tcb *t, enum tcp_end end, usec_t now)
{
    if (t->end != END_NONE)
        return;
    t->end = end;
    t->state = end == END_SYN_CANCELLED ? STATE_LISTEN : STATE_CLOSED;
    t->stats.closed_at = now;
    for (int i = 0; i < TIMER_COUNT; i++)
        t->timer[i] = USEC_NEVER;
    t->ack_due = SEND_NOTHING;
    t->ack_fin_alone = t->syn_due = t->probe_due = t->tlp_due = false;
}

void tcb_tell_end(struct tcb *t, usec_t now)
{
    struct tcp_event ev = tcb_event(t, EVENT_CLOSED, now);

    ev.end = t->end;
    tcb_emit(t, &ev);
}

/* --- opening --- */

/* The smallest shift that lets the 16-bit field say the whole window (RFC 7323 2.2); where there is
 * a shift, an eighth is kept back (see receive.c). */
static uint8_t scale_for(size_t window)
{
    uint8_t s = 0;

    if (window <= UINT16_MAX)
        return 0;
    do
        s++;
    while (s < WSCALE_MAX && (window - window / 8) >> s > UINT16_MAX);
    return s;
}

static uint16_t mss_for(const struct tcb_config *cfg, uint32_t mtu)
{
    const uint32_t headers = (cfg->local.ip.version == IP_V6 ? 40U : 20U) + TCP_HEADER_MIN;
    const uint32_t mss = mtu > headers + MSS_MIN ? mtu - headers : MSS_MIN;

    return mss < UINT16_MAX ? (uint16_t)mss : UINT16_MAX;
}

/*
 * The pair's last connection is in TIME-WAIT: above all numbers that it used, by less than anybody
 * can know and more than a window, and with timestamps that go on from its own.
 */
static void follow(struct tcb *t, const struct tcb_config *cfg)
{
    const struct incarnation *last = cfg->before;
    const uint64_t hash =
        tuple_hash(cfg->key, &cfg->local, &cfg->remote, HASH_REOPEN, last->snd_nxt);

    if (!cfg->has_isn)
        t->iss = last->snd_nxt + (1U << 16) + ((uint32_t)hash & 0xffffff);
    t->ts_offset = last->ts_offset;
    t->cfg.before = NULL;
}

static void init(struct tcb *t, const struct tcb_config *cfg, usec_t now)
{
    memset(t, 0, sizeof *t);
    t->cfg = *cfg;
    if (t->cfg.msl == 0)
        t->cfg.msl = DEFAULT_MSL;
    if (t->cfg.keepalive.interval == 0)
        t->cfg.keepalive.interval = KEEPALIVE_INTERVAL;
    if (t->cfg.keepalive.count == 0)
        t->cfg.keepalive.count = KEEPALIVE_COUNT;
    t->has_user_timeout = t->cfg.user_timeout != 0;
    if (t->cfg.user_timeout == 0)
        t->cfg.user_timeout = USER_TIMEOUT;
    if (t->cfg.syn_timeout == 0)
        t->cfg.syn_timeout = SYN_TIMEOUT;
    if (t->cfg.rcv_limit == 0 || t->cfg.rcv_limit > cfg->rcv_size)
        t->cfg.rcv_limit = cfg->rcv_size;
    ring_init(&t->snd, cfg->snd_mem, RING_FIRST, cfg->snd_size);
    ring_init(&t->rcv, cfg->rcv_mem, RING_FIRST, cfg->rcv_size);
    sent_init(&t->sent, cfg->sent_mem, cfg->sent_max);
    reassembly_init(&t->ooo, cfg->ooo_mem, cfg->ooo_max);
    rtt_init(&t->rtt);
    for (int i = 0; i < TIMER_COUNT; i++)
        t->timer[i] = USEC_NEVER;
    t->iss = cfg->has_isn ? cfg->isn : isn_generate(cfg->key, &cfg->local, &cfg->remote, now);
    t->ts_offset = timestamp_offset(cfg->key, &cfg->local, &cfg->remote);
    if (cfg->before != NULL)
        follow(t, cfg);
    t->snd_una = t->snd_nxt = t->iss;
    t->snd_base = t->iss + 1;
    t->recovery_point = t->iss;
    t->mss_announced = t->mss_max = mss_for(cfg, cfg->mtu);
    t->peer_mss = cfg->local.ip.version == IP_V6 ? MSS_DEFAULT_V6 : MSS_DEFAULT_V4;
    t->rcv_wscale = scale_for(t->cfg.rcv_limit);
    t->use_ts = !cfg->no_timestamps;
    t->use_sack = !cfg->no_sack;
    t->use_wscale = !cfg->no_wscale;
    t->quick_acks = QUICK_ACKS;
    t->stats.opened_at = t->progress_at = now;
    autotune_init(t);
    tcb_set_mss(t);
    congestion_init(&t->cc, cfg->congestion != NULL ? cfg->congestion : &congestion_cubic, t->mss);
    t->syn_due = true;
}

void tcb_open_active(struct tcb *t, const struct tcb_config *cfg, usec_t now)
{
    init(t, cfg, now);
    t->state = STATE_SYN_SENT;
    t->told_state = STATE_CLOSED;
}

void tcb_open_passive(struct tcb *t, const struct tcb_config *cfg, const struct segment *syn,
                      usec_t now)
{
    struct tcp_event ev;

    init(t, cfg, now);
    t->passive = true;
    t->state = t->told_state = STATE_LISTEN;
    t->irs = syn->seq;
    t->rcv_nxt = t->rcv_adv = syn->seq + 1;
    /* Before the third segment the peer's window is what its SYN said (RFC 9293 3.10.7.2). */
    t->snd_wnd = t->snd_wnd_max = syn->window;
    t->snd_wl1 = syn->seq;
    t->snd_wl2 = t->iss;
    tcb_accept_options(t, syn, now);
    t->state = STATE_SYN_RECEIVED;
    t->stats.segs_received++;
    ev = tcb_event(t, EVENT_RECEIVED, syn->at != 0 ? syn->at : now);
    ev.seg = syn;
    tcb_emit(t, &ev);
}

void tcb_set_mss(struct tcb *t)
{
    const uint32_t most = t->peer_mss < t->mss_max ? t->peer_mss : t->mss_max;
    const uint32_t options = t->use_ts ? 12 : 0;
    const uint32_t half = (uint32_t)(t->snd.max / 2);

    /* RFC 6691: the option does not count options, the sender does. Some payload always stays. */
    t->mss = most > options + 8 ? most - options : 8;
    /* Two segments fit the send buffer, or the second waits for a delayed ACK of the first. */
    if (t->mss > half && half > 0)
        t->mss = half;
}

void tcb_established(struct tcb *t, usec_t now)
{
    t->state = STATE_ESTABLISHED;
    t->stats.established_at = now;
    t->stats.handshake_rtt = now - t->stats.opened_at;
    if (t->syn_tries > 1 && !t->rtt.valid)
        t->rtt.rto = 3 * USEC_SEC; /* RFC 6298 5.7 */
    if (t->syn_tries > 1)
        t->cc.cwnd = t->mss; /* RFC 5681 3.1 */
    t->rtt.backoff = 0;
    t->progress_at = now;
    tcb_timer_off(t, TIMER_REXMT);
    /* Simultaneous open, and the peer's SYN,ACK came before ours has left: its SYN is not yet
     * acknowledged. */
    if (t->syn_due)
        tcb_owe_ack(t, SEND_HANDSHAKE_ACK);
    t->syn_due = false;
}

/* --- timers and small questions --- */

void tcb_timer_set(struct tcb *t, enum tcp_timer which, usec_t at)
{
    t->timer[which] = at;
}

void tcb_timer_off(struct tcb *t, enum tcp_timer which)
{
    t->timer[which] = USEC_NEVER;
}

usec_t tcb_deadline(const struct tcb *t)
{
    usec_t first = USEC_NEVER;

    for (int i = 0; i < TIMER_COUNT; i++)
        if (t->timer[i] < first)
            first = t->timer[i];
    return first;
}

bool tcb_synchronized(const struct tcb *t)
{
    return t->state >= STATE_ESTABLISHED;
}

void tcb_enter_time_wait(struct tcb *t, usec_t now)
{
    t->state = STATE_TIME_WAIT;
    for (int i = 0; i < TIMER_COUNT; i++)
        t->timer[i] = USEC_NEVER;
    tcb_timer_set(t, TIMER_TIME_WAIT, now + 2 * t->cfg.msl);
}

uint32_t tcb_ts_now(const struct tcb *t, usec_t now)
{
    return (uint32_t)(now / USEC_MS) + t->ts_offset;
}

uint64_t tcb_snd_offset(const struct tcb *t, seq_t seq)
{
    return t->snd.head + (uint64_t)(int64_t)seq_diff(seq, t->snd_base);
}

uint64_t tcb_unsent(const struct tcb *t)
{
    if (!tcb_synchronized(t) || t->fin_sent)
        return 0;
    return t->snd.tail - tcb_snd_offset(t, t->snd_nxt);
}

bool tcb_fin_pending(const struct tcb *t)
{
    return t->shut && !t->fin_sent;
}

/* A second's allowance is 5 to 10, by the key and the endpoints: a count that others cannot share
 * or predict. */
bool tcb_challenge_allowed(struct tcb *t, usec_t now)
{
    if (t->challenge_start == 0 || now - t->challenge_start >= USEC_SEC) {
        t->challenge_start = now;
        t->challenge_left = 5 + (unsigned)(tuple_hash(t->cfg.key, &t->cfg.local, &t->cfg.remote,
                                                      HASH_CHALLENGE, now) %
                                           6);
    }
    if (t->challenge_left == 0)
        return false;
    t->challenge_left--;
    return true;
}

/* How much a reason must be said: an ACK that is owed for two reasons is sent for the stronger. */
static int ack_rank(enum send_reason why)
{
    switch (why) {
    case SEND_NOTHING:
        return 0;
    case SEND_WINDOW_UPDATE:
        return 1;
    case SEND_ACK_DELAYED:
        return 2;
    case SEND_ACK_QUICK:
        return 3;
    case SEND_ACK_EVERY_OTHER:
        return 4;
    case SEND_ACK_OLD:
        return 5;
    case SEND_ACK_CHALLENGE:
        return 6;
    case SEND_ACK_FILLED:
        return 7;
    case SEND_ACK_DUPLICATE:
        return 8;
    case SEND_HANDSHAKE_ACK:
        return 9;
    default:
        return 10;
    }
}

void tcb_owe_ack(struct tcb *t, enum send_reason why)
{
    if (ack_rank(why) > ack_rank(t->ack_due))
        t->ack_due = why;
}

bool tcb_ack_now(const struct tcb *t)
{
    return t->ack_due == SEND_ACK_DUPLICATE || t->ack_fin_alone || t->syn_due || t->rst_due;
}

/* --- the user --- */

size_t tcb_write_space(const struct tcb *t, struct span out[2])
{
    const bool open = !t->shut && t->end == END_NONE &&
                      (t->state == STATE_ESTABLISHED || t->state == STATE_CLOSE_WAIT ||
                       t->state == STATE_SYN_SENT || t->state == STATE_SYN_RECEIVED);

    if (!open) {
        out[0] = out[1] = (struct span){NULL, 0};
        return 0;
    }
    return ring_write_spans(&t->snd, out);
}

/* Twice the congestion window: one in flight, one that waits for it, or for a hole to be filled. */
bool tcb_wants_room(const struct tcb *t)
{
    return t->snd.size < t->snd.max && t->snd.size < 2 * (uint64_t)t->cc.cwnd &&
           ring_used(&t->snd) > t->snd.size / 2;
}

void tcb_make_room(struct tcb *t)
{
    ring_rewind(&t->snd);
    while (tcb_wants_room(t))
        ring_grow(&t->snd, t->snd.tail);
}

void tcb_commit(struct tcb *t, size_t n)
{
    t->snd.tail += n;
}

size_t tcb_write(struct tcb *t, const void *data, size_t len)
{
    struct span span[2];
    size_t space, n;

    tcb_make_room(t);
    space = tcb_write_space(t, span);
    n = len < space ? len : space;
    ring_put(&t->snd, t->snd.tail, data, n);
    tcb_commit(t, n);
    return n;
}

size_t tcb_peek(const struct tcb *t, struct slice out[2])
{
    const size_t n = ring_used(&t->rcv);

    ring_read(&t->rcv, t->rcv.head, n, out);
    return n;
}

/* CLOSE, 3.10.4. */
void tcb_shutdown(struct tcb *t, usec_t now)
{
    if (t->shut || t->end != END_NONE)
        return;
    switch (t->state) {
    case STATE_SYN_SENT:
        /* "Delete the TCB"; but what the user has written is kept, and the FIN follows the
         * opening. */
    case STATE_SYN_RECEIVED:
        t->shut = true;
        return;
    case STATE_ESTABLISHED:
        t->state = STATE_FIN_WAIT_1;
        break;
    case STATE_CLOSE_WAIT:
        t->state = STATE_LAST_ACK;
        break;
    default:
        return;
    }
    t->shut = true;
    /* The FIN's own line tells the new state, unless data must go before it. */
    if (tcb_unsent(t) > 0 || t->snd_wnd == 0) {
        struct tcp_event ev = tcb_event(t, EVENT_STATE, now);

        tcb_emit(t, &ev);
    }
}

/* ABORT, 3.10.5. */
void tcb_abort(struct tcb *t, usec_t now)
{
    const bool reset = t->state == STATE_SYN_RECEIVED || t->state == STATE_ESTABLISHED ||
                       t->state == STATE_FIN_WAIT_1 || t->state == STATE_FIN_WAIT_2 ||
                       t->state == STATE_CLOSE_WAIT;

    if (t->end != END_NONE)
        return;
    tcb_finish(t, END_ABORTED, now);
    if (reset) {
        t->rst_due = true;
        t->rst_seq = t->snd_nxt;
    } else {
        tcb_tell_end(t, now);
    }
}

/* --- questions --- */

uint64_t tcb_unacked(const struct tcb *t)
{
    return ring_used(&t->snd);
}

struct incarnation tcb_incarnation(const struct tcb *t)
{
    return (struct incarnation){
        .snd_nxt = t->snd_nxt, .use_ts = t->use_ts, .ts_offset = t->ts_offset};
}

bool tcb_all_acked(const struct tcb *t)
{
    return ring_used(&t->snd) == 0 && t->fin_acked;
}

bool tcb_peer_closed(const struct tcb *t)
{
    return t->fin_received;
}

bool tcb_doubts_route(struct tcb *t)
{
    const bool doubted = t->route_doubted;

    t->route_doubted = false;
    return doubted;
}

uint64_t tcb_urgent(const struct tcb *t)
{
    return t->rcv_up > t->rcv.head ? t->rcv_up - t->rcv.head : 0;
}

uint64_t tcb_flight(const struct tcb *t)
{
    return t->sent.flight;
}

bool tcb_outstanding(const struct tcb *t, seq_t seq)
{
    return seq_le(t->snd_una, seq) && seq_lt(seq, t->snd_nxt);
}

/* --- what ICMP says --- */

bool tcb_unreachable(struct tcb *t, usec_t now)
{
    if (t->end != END_NONE || (t->state != STATE_SYN_SENT && t->state != STATE_SYN_RECEIVED))
        return false;
    tcb_finish(t, END_UNREACHABLE, now);
    tcb_tell_end(t, now);
    return true;
}
