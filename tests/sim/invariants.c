/*
 * What must hold in every run, after every event. Reads the ends, changes only what it remembers of
 * them (struct sim_memory).
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "segcat/tcp/internal.h"
#include "segcat/wire/options.h"
#include "sim.h"

const char *sim_invariant_text(enum sim_invariant inv)
{
    static const char *const text[INV_COUNT] = {
        [INV_PREFIX] = "delivered bytes are a prefix of what was written",
        [INV_DELIVERED] = "every byte is delivered, both ways",
        [INV_CLOSED] = "both ends are CLOSED, with both FINs acknowledged",
        [INV_SEQUENCE] = "SND.UNA <= SND.NXT, and nothing is sent outside",
        [INV_WINDOW] = "SHLD-16: no data beyond the window offered, but for a probe of one byte",
        [INV_EDGE] = "SHLD-14: the right edge of the window never moves back",
        [INV_MSS] = "MUST-14 MUST-16: no segment is larger than the effective MSS, options counted",
        [INV_SAME_BYTES] = "a retransmission carries the same bytes",
        [INV_OPTIONS] = "MUST-68: options fit into 40 bytes",
        [INV_SYN_OPTIONS] = "MUST-65 MAY-3: MSS in each SYN and nowhere else",
        [INV_TIMESTAMPS] =
            "RFC7323-TS: timestamps in each segment if both SYNs had them, else in none",
        [INV_SACK] = "RFC2018-SACK: blocks only where permitted, and about what has arrived",
        [INV_FLAGS] = "ACK in all but the first SYN; SYN, FIN and RST never together; no RST",
        [INV_ACK] = "acknowledgments never go back and never past what has arrived",
        [INV_DELAYED_ACK] = "MUST-40: an ACK is delayed less than 0.5 s",
        [INV_EVERY_SECOND] = "SHLD-19: at least each second full segment is acknowledged",
        [INV_PUSH] = "MUST-61: PSH on the last byte of what was written",
        [INV_URGENT] = "SHLD-13: urgent data is never sent",
        [INV_TEARDOWN] = "the peer's FIN is acknowledged at once by a segment of its own",
        [INV_STATES] = "every change of state is one of RFC 9293's",
        [INV_RECORDS] = "the sent records cover SND.UNA to SND.NXT and their sums are right",
        [INV_MEMORY] = "memory stays within its bounds",
        [INV_DEADLINE] = "the deadline lies ahead",
        [INV_BOUNDED_OUTPUT] = "tcb_next() comes to an end",
        [INV_CLEAN] = "nothing is sent twice where nothing was lost",
        [INV_PROMPT] = "a clean path is filled: no transfer takes too long",
        [INV_CODEC] = "MUST-2 MUST-3: what was built is parsed, what was corrupted is dropped",
        [INV_EVENTS] = "each segment and each change of state is told once",
        [INV_STATISTICS] = "the counters agree with what happened",
        [INV_ENDS] = "every run comes to an end",
        [INV_ECT] = "RFC3168-ECT: ECT on new data only, and only where both have agreed",
        [INV_ECN_ECHO] = "RFC3168-ECHO: each ACK says ECE from a CE mark on until CWR comes",
        [INV_ECN_ONCE] = "RFC3168-REACT: cwnd is cut once for a window of marks",
        [INV_FLIGHT] = "new data only while the flight is below the congestion window",
        [INV_GROWTH] = "TCP.md 28: cwnd grows by no more than the bytes that were acknowledged",
        [INV_ANSWERS] = "TCP.md 19: one segment brings forth two answers at most",
        [INV_CHALLENGES] = "RFC5961-LIMIT: challenge ACKs are limited",
    };

    return text[inv];
}

void sim_fail(struct sim *s, enum sim_invariant inv, const char *fmt, ...)
{
    va_list ap;
    int n;

    if (s->failed) {
        return;
    }
    s->failed = true;
    s->failed_inv = inv;
    n = snprintf(s->why, sizeof s->why, "%s: ", sim_invariant_text(inv));
    if (n > 0 && (size_t)n < sizeof s->why) {
        va_start(ap, fmt);
        vsnprintf(s->why + n, sizeof s->why - (size_t)n, fmt, ap);
        va_end(ap);
    }
}

/* ---- segments sent */

static bool both_have(const struct sim *s, unsigned option)
{
    return (s->end[0].mem.syn.present & s->end[1].mem.syn.present & option) != 0;
}

static uint8_t scale_of(const struct sim *s, int i)
{
    const uint8_t scale = both_have(s, OPT_WSCALE) ? s->end[i].mem.syn.wscale : 0;

    return scale < WSCALE_MAX ? scale : WSCALE_MAX; /* TCP.md 5 */
}

/* The distance of seq from iss, known to be less than 2 GiB from `near`: it does not wrap. */
static uint64_t place(seq_t iss, uint64_t near, seq_t seq)
{
    const int64_t off = (int32_t)(seq - (iss + (uint32_t)near));

    return off < 0 && (uint64_t)-off > near ? 0 : near + (uint64_t)off;
}

/* Of an acknowledgment by end i, and of sequence space of end i. */
static uint64_t ack_place(const struct sim *s, int i, seq_t ack)
{
    return place(s->end[1 - i].mem.iss, s->end[i].mem.ack_sent, ack);
}

static uint64_t seq_place(const struct sim *s, int i, seq_t seq)
{
    return place(s->end[i].mem.iss, s->end[i].mem.sent_end, seq);
}

/* The right edge of the window that a segment of end i announces. */
static uint64_t announced_edge(const struct sim *s, int i, const struct segment *seg)
{
    const unsigned shift = seg->flags & SEG_SYN ? 0 : scale_of(s, i);

    return ack_place(s, i, seg->ack) + ((uint64_t)seg->window << shift);
}

static size_t plain_option_bytes(const struct tcp_options *o)
{
    return (o->present & OPT_MSS ? 4U : 0) + (o->present & OPT_WSCALE ? 3U : 0) +
           (o->present & OPT_SACK_PERMITTED ? 2U : 0) + (o->present & OPT_TIMESTAMPS ? 10U : 0) +
           (o->present & OPT_SACK ? 2U + 8U * o->sack_count : 0);
}

static void check_flags(struct sim *s, int i, const struct segment *seg)
{
    const struct sim_memory *const m = &s->end[i].mem;
    const unsigned f = seg->flags;

    SIM_CHECK(s, INV_FLAGS, !(f & SEG_RST), "%c sends RST: end %d", 'A' + i,
              (int)s->end[i].tcb.end);
    SIM_CHECK(s, INV_FLAGS, !(f & SEG_SYN) || (!(f & SEG_FIN) && seg->len == 0),
              "%c sends SYN with FIN or data", 'A' + i);
    SIM_CHECK(s, INV_FLAGS, f & SEG_ACK || (f & SEG_SYN && m->ack_sent == 0),
              "%c sends a segment without ACK", 'A' + i);
    SIM_CHECK(s, INV_URGENT, !(f & SEG_URG) && seg->urgent == 0, "%c sends URG", 'A' + i);
    SIM_CHECK(s, INV_FLAGS, m->have_iss || f & SEG_SYN, "%c begins without SYN", 'A' + i);
    SIM_CHECK(s, INV_FLAGS, seg->len == seg->data[0].len + seg->data[1].len,
              "%c: the length is not that of the pieces", 'A' + i);
}

static void check_syn_options(struct sim *s, int i, const struct segment *seg)
{
    const struct sim_end *const e = &s->end[i];
    const unsigned present = seg->opt.present;
    const unsigned asked = s->end[1 - i].mem.syn.present;
    const unsigned echoed = OPT_WSCALE | OPT_SACK_PERMITTED | OPT_TIMESTAMPS;
    const unsigned headers = (s->p.v6 ? 40U : 20U) + TCP_HEADER_MIN;

    SIM_CHECK(s, INV_SYN_OPTIONS, present & OPT_MSS, "%c: SYN without MSS", 'A' + i);
    SIM_CHECK(s, INV_SYN_OPTIONS, seg->opt.mss <= e->cfg.mtu - headers && seg->opt.mss >= MSS_MIN,
              "%c: announces an MSS of %u", 'A' + i, seg->opt.mss);
    SIM_CHECK(s, INV_SYN_OPTIONS, !(present & OPT_SACK), "%c: SYN with SACK", 'A' + i);
    SIM_CHECK(s, INV_SYN_OPTIONS, seg->opt.wscale <= WSCALE_MAX || !(present & OPT_WSCALE),
              "%c: window scale %u", 'A' + i, seg->opt.wscale);
    /* RFC 7323 2.2 and 3.2, RFC 2018 2: in a SYN,ACK only what the SYN had. */
    SIM_CHECK(s, INV_SYN_OPTIONS, !(seg->flags & SEG_ACK) || (present & echoed & ~asked) == 0,
              "%c: SYN,ACK has options (%x) that the SYN did not have (%x)", 'A' + i, present,
              asked);
}

static void check_options(struct sim *s, int i, const struct segment *seg)
{
    const unsigned present = seg->opt.present;

    SIM_CHECK(s, INV_OPTIONS,
              plain_option_bytes(&seg->opt) <= TCP_OPTIONS_MAX &&
                  tcp_options_len(&seg->opt) <= TCP_OPTIONS_MAX,
              "%c: %zu bytes of options", 'A' + i, plain_option_bytes(&seg->opt));
    if (seg->flags & SEG_SYN) {
        check_syn_options(s, i, seg);
        return;
    }
    SIM_CHECK(s, INV_SYN_OPTIONS, !(present & (OPT_MSS | OPT_WSCALE | OPT_SACK_PERMITTED)),
              "%c: options (%x) of a SYN in another segment", 'A' + i, present);
    SIM_CHECK(s, INV_TIMESTAMPS, ((present & OPT_TIMESTAMPS) != 0) == both_have(s, OPT_TIMESTAMPS),
              "%c: timestamps %s", 'A' + i, present & OPT_TIMESTAMPS ? "not agreed" : "missing");
}

static void check_sack(struct sim *s, int i, const struct segment *seg)
{
    const int64_t arrived =
        (int64_t)(s->end[i].mem.arrived_end - ack_place(s, i, seg->ack)); /* beyond the ACK */

    if (!(seg->opt.present & OPT_SACK)) {
        return;
    }
    SIM_CHECK(s, INV_SACK, both_have(s, OPT_SACK_PERMITTED), "%c: SACK not permitted", 'A' + i);
    SIM_CHECK(s, INV_SACK, seg->opt.sack_count >= 1 && seg->opt.sack_count <= SACK_BLOCKS_MAX,
              "%c: %u blocks", 'A' + i, seg->opt.sack_count);
    for (int k = 0; k < seg->opt.sack_count && k < SACK_BLOCKS_MAX; k++) {
        const int64_t left = seq_diff(seg->opt.sack[k].left, seg->ack);
        const int64_t right = seq_diff(seg->opt.sack[k].right, seg->ack);

        /* the first may be a D-SACK, RFC 2883 4 */
        SIM_CHECK(s, INV_SACK, left < right && right <= arrived && (k == 0 || left > 0),
                  "%c: block %d is %" PRId64 " to %" PRId64 " of the ACK, arrived %" PRId64,
                  'A' + i, k, left, right, arrived);
    }
}

static void check_size(struct sim *s, int i, const struct segment *seg)
{
    const struct sim_end *const e = &s->end[i];
    const struct tcp_options *const syn = &s->end[1 - i].mem.syn;
    const uint32_t payload =
        seg->gso_size != 0 && seg->len > seg->gso_size ? seg->gso_size : seg->len;
    const uint32_t options = (uint32_t)tcp_options_len(&seg->opt);
    uint32_t peer = s->p.v6 ? MSS_DEFAULT_V6 : MSS_DEFAULT_V4;

    if (syn->present & OPT_MSS && syn->mss != 0) {
        peer = syn->mss < MSS_MIN ? MSS_MIN : syn->mss;
    }
    SIM_CHECK(s, INV_MSS, payload == 0 || payload + options <= peer,
              "%c: %" PRIu32 " bytes and %" PRIu32 " of options, the peer's MSS is %" PRIu32,
              'A' + i, payload, options, peer);
    SIM_CHECK(s, INV_MSS, (s->p.v6 ? 40U : 20U) + TCP_HEADER_MIN + options + payload <= e->cfg.mtu,
              "%c: %" PRIu32 " bytes and %" PRIu32 " of options, the MTU is %" PRIu32, 'A' + i,
              payload, options, e->cfg.mtu);
    SIM_CHECK(s, INV_MSS, seg->gso_size == 0 || (e->cfg.gso_max != 0 && seg->len <= e->cfg.gso_max),
              "%c: a chunk of %" PRIu32 " with gso_max %" PRIu32, 'A' + i, seg->len,
              e->cfg.gso_max);
}

static void check_bytes(struct sim *s, int i, const struct segment *seg, uint64_t rel)
{
    const size_t first = seg->data[0].len;

    SIM_CHECK(s, INV_SAME_BYTES,
              rel >= 1 && rel - 1 + seg->len <= s->end[i].written &&
                  sim_pattern_check(s, i, rel - 1, seg->data[0].data, first) &&
                  sim_pattern_check(s, i, rel - 1 + first, seg->data[1].data, seg->data[1].len),
              "%c: the payload of %" PRIu64 ":%" PRIu64 " is not what was written", 'A' + i, rel,
              rel + seg->len);
    SIM_CHECK(s, INV_PUSH, seg->flags & SEG_PSH || rel - 1 + seg->len < s->end[i].written,
              "%c: %" PRIu64 ":%" PRIu64 " without PSH", 'A' + i, rel, rel + seg->len);
}

/* A tail loss probe may be more (RFC 8985 7.3), and something may always go. */
static void check_flight(struct sim *s, int i)
{
    const struct tcb *const t = &s->end[i].tcb;
    const uint64_t cwnd = t->cc.cwnd > t->mss ? t->cc.cwnd : t->mss;
    const bool probe = t->tlp_out && t->tlp_end == t->snd_nxt;

    SIM_CHECK(s, INV_FLIGHT, probe || tcb_pipe(t) <= cwnd,
              "%c: %" PRIu64 " bytes in flight, cwnd is %" PRIu32, 'A' + i, tcb_pipe(t),
              t->cc.cwnd);
}

static void check_place(struct sim *s, int i, const struct segment *seg, uint64_t rel)
{
    const struct tcb *const t = &s->end[i].tcb;
    struct sim_memory *const m = &s->end[i].mem;
    const uint64_t end = rel + segment_seq_len(seg);
    const uint64_t una = seq_place(s, i, t->snd_una);
    const uint64_t nxt = seq_place(s, i, t->snd_nxt);

    SIM_CHECK(s, INV_SEQUENCE, end <= nxt && (end == rel || rel >= una),
              "%c: sends %" PRIu64 ":%" PRIu64 " with SND.UNA %" PRIu64 ", SND.NXT %" PRIu64,
              'A' + i, rel, end, una, nxt);
    /* a keepalive probe is one that must be answered: RFC 9293 3.8.4 */
    SIM_CHECK(s, INV_SEQUENCE, end != rel || rel == nxt - (m->reason == SEND_KEEPALIVE),
              "%c: an ACK with seq %" PRIu64 " where SND.NXT is %" PRIu64, 'A' + i, rel, nxt);
    if (seg->len > 0 || seg->flags & SEG_FIN) {
        SIM_CHECK(s, INV_WINDOW, m->edge_valid && rel + seg->len <= m->edge_offered + 1,
                  "%c: sends %" PRIu64 ":%" PRIu64 " and the window ends at %" PRIu64, 'A' + i, rel,
                  end, m->edge_offered);
    }
    if (seg->flags & SEG_FIN) {
        SIM_CHECK(s, INV_SEQUENCE, s->end[i].shut && rel + seg->len == 1 + s->end[i].written,
                  "%c: a FIN at %" PRIu64 ", but the last byte is %" PRIu64, 'A' + i,
                  rel + seg->len, s->end[i].written);
        m->fin_sent = true;
        m->fin = rel + seg->len;
    }
    if (end > m->sent_end) {
        if (seg->len > 0) {
            check_flight(s, i);
        }
        m->sent_end = end;
    }
}

/* DESIGN.md, "the core's shape": the teardown has the four segments of RFC 9293 Figure 12. */
static void check_teardown(struct sim *s, int i, const struct segment *seg, uint64_t ack)
{
    struct sim_memory *const m = &s->end[i].mem;
    const struct sim_memory *const peer = &s->end[1 - i].mem;
    const struct tcb *const t = &s->end[i].tcb;
    const bool fin = s->p.script != NULL ? t->fin_received && seg->ack == t->rcv_nxt
                                         : peer->fin_sent && ack == peer->fin + 1;

    if (m->peer_fin_acked || !fin) {
        return;
    }
    SIM_CHECK(s, INV_TEARDOWN, seg->len == 0 && !(seg->flags & SEG_FIN),
              "%c: the first segment that acknowledges the peer's FIN carries %s", 'A' + i,
              seg->len > 0 ? "data" : "FIN");
    m->peer_fin_acked = true;
}

static void check_ack(struct sim *s, int i, const struct segment *seg)
{
    struct sim_memory *const m = &s->end[i].mem;
    const uint64_t ack = ack_place(s, i, seg->ack);
    const uint64_t edge = announced_edge(s, i, seg);

    SIM_CHECK(s, INV_ACK, ack >= m->ack_sent && ack <= m->arrived_end,
              "%c: ack %" PRIu64 " after %" PRIu64 "; %" PRIu64 " has arrived", 'A' + i, ack,
              m->ack_sent, m->arrived_end);
    SIM_CHECK(s, INV_EDGE, edge >= m->edge_announced,
              "%c: announces %" PRIu64 " + %u << %u, but was at %" PRIu64 " before", 'A' + i, ack,
              seg->window, scale_of(s, i), m->edge_announced);
    if (edge > m->edge_announced) {
        m->edge_announced = edge;
    }
    check_teardown(s, i, seg, ack);
    if (ack > m->ack_sent) {
        m->ack_sent = ack;
    }
}

/* RFC 3168 6.1.1 and 6.1.4 to 6.1.6. */
static void check_ecn(struct sim *s, int i, const struct segment *seg, bool fresh)
{
    const struct tcb *const t = &s->end[i].tcb;

    SIM_CHECK(s, INV_ECT, seg->ecn == ECN_NOT_ECT || (seg->len > 0 && fresh && t->ecn.ok),
              "%c: a packet with ECN bits %u is %s", 'A' + i, seg->ecn,
              seg->len == 0 ? "empty"
              : fresh       ? "not agreed"
                            : "a retransmission");
    SIM_CHECK(s, INV_ECT,
              s->p.script != NULL || seg->ecn == ECN_NOT_ECT || s->end[1 - i].tcb.ecn.hears,
              "%c: believes in ECN, its peer does not", 'A' + i);
    if (seg->flags & (SEG_SYN | SEG_RST) || !t->ecn.hears) {
        return;
    }
    SIM_CHECK(s, INV_ECN_ECHO, ((seg->flags & SEG_ECE) != 0) == s->end[i].mem.echo,
              "%c: ECE is%s set", 'A' + i, seg->flags & SEG_ECE ? "" : " not");
}

/* An arrival, whatever it was, is not worth many answers. */
static void check_answers(struct sim *s, int i, const struct segment *seg)
{
    struct sim_memory *const m = &s->end[i].mem;

    m->answers += segment_seq_len(seg) == 0;
    SIM_CHECK(s, INV_ANSWERS, m->answers <= 2 || s->p.batch, "%c: %u segments answer one", 'A' + i,
              m->answers);
}

void sim_check_sent(struct sim *s, int i, const struct segment *seg)
{
    struct sim_memory *const m = &s->end[i].mem;

    check_answers(s, i, seg);
    if (s->p.script != NULL && seg->flags & SEG_RST) {
        m->segments++;
        SIM_CHECK(s, INV_FLAGS, s->end[i].tcb.state <= STATE_SYN_RECEIVED && seg->len == 0,
                  "%c sends RST in %s", 'A' + i, tcp_state_name(s->end[i].tcb.state));
        return;
    }
    check_flags(s, i, seg);
    if (seg->flags & SEG_SYN) {
        SIM_CHECK(s, INV_SEQUENCE, seg->seq == m->iss, "%c: SYN is not at ISS", 'A' + i);
        check_options(s, i, seg);
        m->have_iss = true;
        m->syn = seg->opt;
    } else {
        check_options(s, i, seg);
    }
    m->segments++;
    if (seg->flags & SEG_ACK) {
        check_ack(s, i, seg);
        check_sack(s, i, seg);
    }
    const uint64_t rel = seq_place(s, i, seg->seq);

    check_ecn(s, i, seg, rel + seg->len > m->sent_end);
    check_place(s, i, seg, rel);
    if (seg->len > 0) {
        check_size(s, i, seg);
        check_bytes(s, i, seg, rel);
    }
}

/* ---- segments arrived */

/* Sequence space counts as arrived where the window offered has it. */
static void note_arrived(struct sim *s, int i, const struct segment *seg)
{
    struct sim_memory *const m = &s->end[i].mem;
    const seq_t irs = s->end[1 - i].mem.iss;
    const uint64_t from = place(irs, m->arrived_end, seg->seq);
    uint64_t end = from + segment_seq_len(seg);

    /* a FIN needs no window */
    if (end > m->edge_announced + 1) {
        end = m->edge_announced + 1;
    }
    if (from <= m->edge_announced && end > m->arrived_end) {
        m->arrived_end = end;
    }
    if (seg->len > m->full) {
        m->full = seg->len;
    }
}

/* A window counts if the acknowledgment is about what was sent. */
static void note_offered(struct sim *s, int i, const struct segment *seg)
{
    struct sim_memory *const m = &s->end[i].mem;
    const unsigned shift = seg->flags & SEG_SYN ? 0 : scale_of(s, 1 - i);
    const uint64_t ack = place(m->iss, m->sent_end, seg->ack);
    const uint64_t edge = ack + ((uint64_t)seg->window << shift);

    if (ack > m->sent_end) {
        return;
    }
    if (!m->edge_valid || edge > m->edge_offered) {
        m->edge_offered = edge;
    }
    m->edge_valid = true;
}

void sim_check_arrived(struct sim *s, int i, const struct segment *seg)
{
    struct sim_memory *const m = &s->end[i].mem;

    if (seg->flags & SEG_RST) {
        return;
    }
    if (seg->flags & SEG_SYN && !(m->arrived_end > 0)) {
        m->arrived_end = 1;
    }
    note_arrived(s, i, seg);
    if (seg->flags & SEG_ACK) {
        note_offered(s, i, seg);
    } else if (seg->flags & SEG_SYN && !m->edge_valid) {
        /* The window of a SYN counts from what it will acknowledge: our SYN. */
        m->edge_offered = 1U + seg->window;
        m->edge_valid = true;
    }
}

/* ---- the tcb */

static bool may_follow(enum tcp_state from, enum tcp_state to)
{
#define S(x) (1U << STATE_##x)
    /* In one call: an ACK with FIN may pass two states, a close that has waited for the opening
     * too. */
    static const unsigned next[STATE_COUNT] = {
        [STATE_LISTEN] = S(SYN_RECEIVED),
        [STATE_SYN_SENT] = S(SYN_RECEIVED) | S(ESTABLISHED) | S(FIN_WAIT_1) | S(CLOSE_WAIT) |
                           S(LAST_ACK) | S(CLOSED),
        [STATE_SYN_RECEIVED] = S(ESTABLISHED) | S(FIN_WAIT_1) | S(CLOSE_WAIT) | S(CLOSING) |
                               S(LAST_ACK) | S(LISTEN) | S(CLOSED),
        [STATE_ESTABLISHED] = S(FIN_WAIT_1) | S(CLOSE_WAIT) | S(CLOSED),
        [STATE_FIN_WAIT_1] = S(FIN_WAIT_2) | S(CLOSING) | S(TIME_WAIT) | S(CLOSED),
        [STATE_FIN_WAIT_2] = S(TIME_WAIT) | S(CLOSED),
        [STATE_CLOSE_WAIT] = S(LAST_ACK) | S(CLOSED),
        [STATE_CLOSING] = S(TIME_WAIT) | S(CLOSED),
        [STATE_LAST_ACK] = S(CLOSED),
        [STATE_TIME_WAIT] = S(CLOSED),
    };
#undef S
    return from == to || next[from] & 1U << to;
}

static void check_records(struct sim *s, int i)
{
    const struct tcb *const t = &s->end[i].tcb;
    seq_t at = t->snd_una;
    uint64_t flight = 0, sacked = 0;
    size_t lost = 0;

    for (size_t k = 0; k < t->sent.count; k++) {
        const struct sent_record *const r = sent_at(&t->sent, k);

        if (r->seq != at || r->len == 0 || r->transmissions == 0) {
            SIM_CHECK(s, INV_RECORDS, false,
                      "%c: record %zu of %zu is %" PRIu32 "+%" PRIu32 ", %" PRIu32 " expected",
                      'A' + i, k, t->sent.count, r->seq - t->iss, r->len, at - t->iss);
            return;
        }
        at += r->len;
        sacked += r->sacked ? r->len : 0;
        flight += r->sacked || r->lost ? 0 : r->len;
        lost += r->lost;
    }
    SIM_CHECK(s, INV_RECORDS, at == t->snd_nxt,
              "%c: the records end at %" PRIu32 ", SND.NXT is %" PRIu32, 'A' + i, at - t->iss,
              t->snd_nxt - t->iss);
    SIM_CHECK(s, INV_RECORDS,
              flight == t->sent.flight && sacked == t->sent.sacked && lost == t->sent.lost,
              "%c: flight %" PRIu64 " sacked %" PRIu64 " lost %zu, but the sums say %" PRIu64
              " %" PRIu64 " %zu",
              'A' + i, flight, sacked, lost, t->sent.flight, t->sent.sacked, t->sent.lost);
}

static void check_memory(struct sim *s, int i)
{
    const struct tcb *const t = &s->end[i].tcb;
    uint64_t right = t->rcv.tail;

    SIM_CHECK(s, INV_MEMORY, t->sent.count <= t->sent.max && t->ooo.count <= t->ooo.max,
              "%c: %zu records of %zu, %zu intervals of %zu", 'A' + i, t->sent.count, t->sent.max,
              t->ooo.count, t->ooo.max);
    SIM_CHECK(s, INV_MEMORY,
              t->snd.head <= t->snd.tail && ring_used(&t->snd) <= t->snd.size &&
                  t->rcv.head <= t->rcv.tail && ring_used(&t->rcv) <= t->rcv.size,
              "%c: a ring holds more than it can", 'A' + i);
    for (size_t k = 0; k < t->ooo.count; k++) {
        const struct interval *const v = &t->ooo.mem[k];

        SIM_CHECK(s, INV_MEMORY,
                  v->left > right - (k > 0) && v->left < v->right &&
                      v->right <= t->rcv.head + t->rcv.size,
                  "%c: interval %zu is %" PRIu64 "-%" PRIu64 " with the ring at %" PRIu64
                  "-%" PRIu64,
                  'A' + i, k, v->left, v->right, t->rcv.head, t->rcv.tail);
        right = v->right;
    }
}

/* Slow start doubles, nothing is faster: RFC 5681 3.1, RFC 3465. The initial window is 10 segments
 * (RFC 6928), and one for rounding. */
static void check_growth(struct sim *s, int i)
{
    const struct tcb *const t = &s->end[i].tcb;
    const uint64_t first = 11 * (uint64_t)t->mss_announced;
    /* who reneges may say the same again */
    const uint64_t sacked = s->p.script != NULL ? s->end[i].mem.sacked : t->sent.sacked;

    SIM_CHECK(s, INV_GROWTH, t->cc.cwnd <= first + t->stats.bytes_acked + sacked,
              "%c: cwnd %" PRIu32 " after %" PRIu64 " bytes acknowledged and %" PRIu64 " SACKed",
              'A' + i, t->cc.cwnd, t->stats.bytes_acked, sacked);
}

/* Not again before what was sent at the last cut is acknowledged, and something behind it. */
static void check_ecn_cut(struct sim *s, int i)
{
    const struct tcb *const t = &s->end[i].tcb;
    struct sim_memory *const m = &s->end[i].mem;

    if (t->stats.ecn_cuts == m->ecn_cuts) {
        return;
    }
    SIM_CHECK(s, INV_ECN_ONCE, m->ecn_cuts == 0 || seq_place(s, i, t->snd_una) > m->cut_end,
              "%c: %" PRIu64 " cuts, the last with %" PRIu64 " sent", 'A' + i, t->stats.ecn_cuts,
              m->cut_end);
    m->ecn_cuts = t->stats.ecn_cuts;
    m->cut_end = seq_place(s, i, t->snd_nxt);
}

void sim_check_tcb(struct sim *s, int i)
{
    const struct tcb *const t = &s->end[i].tcb;
    struct sim_memory *const m = &s->end[i].mem;

    if (s->failed) {
        return;
    }
    SIM_CHECK(s, INV_STATES, may_follow(m->state, t->state), "%c: from %s to %s", 'A' + i,
              tcp_state_name(m->state), tcp_state_name(t->state));
    m->state = t->state;
    SIM_CHECK(s, INV_SEQUENCE, seq_le(t->snd_una, t->snd_nxt), "%c: SND.UNA is past SND.NXT",
              'A' + i);
    check_memory(s, i);
    check_growth(s, i);
    check_ecn_cut(s, i);
    /* walking many records after each of many segments would be all that a run does */
    if (t->end == END_NONE && (t->sent.count <= 64 || s->events % 64 == 0)) {
        check_records(s, i);
    }
    SIM_CHECK(s, INV_CLOSED,
              t->end == END_NONE ||
                  (s->p.script != NULL ? s->p.told.ends & 1U << t->end : t->end == END_CLOSED),
              "%c: the connection ends with end %d", 'A' + i, (int)t->end);
}

void sim_check_settled(struct sim *s, int i)
{
    const struct sim_end *const e = &s->end[i];
    const struct tcb *const t = &e->tcb;
    struct sim_memory *const m = &s->end[i].mem;
    const uint64_t received = ack_place(s, i, t->rcv_nxt);
    const uint32_t mss = s->p.script != NULL ? m->full + 1 : s->end[1 - i].tcb.mss;
    /* that the path has become narrower is not seen where all is pushed */
    const uint32_t full = t->rcv_mss > mss ? t->rcv_mss : mss;
    const usec_t late = s->p.slack + s->p.tick;

    if (s->failed || t->end != END_NONE || t->state == STATE_SYN_SENT) {
        return;
    }
    const uint64_t owed = received - m->ack_sent;

    if (m->owes_ack_since != USEC_NEVER) {
        SIM_CHECK(s, INV_DELAYED_ACK, s->now - m->owes_ack_since < 500 * USEC_MS + late,
                  "%c: %" PRIu64 " us and no ACK", 'A' + i, s->now - m->owes_ack_since);
    }
    if (owed == 0) {
        m->owes_ack_since = USEC_NEVER;
    } else if (m->owes_ack_since == USEC_NEVER) {
        m->owes_ack_since = s->now;
    }
    SIM_CHECK(s, INV_EVERY_SECOND, owed == 0 || owed < 2 * (uint64_t)full,
              "%c: %" PRIu64 " bytes unacknowledged, the peer's segments have %" PRIu32, 'A' + i,
              owed, full);
    SIM_CHECK(s, INV_TEARDOWN, !t->fin_received || m->peer_fin_acked,
              "%c: the peer's FIN is not acknowledged at once", 'A' + i);
}

/* ---- events */

/* tcb_challenge_allowed() lets 10 go in a second of its own, which may lie across two of ours. */
#define CHALLENGES_MAX 20

static void check_challenges(struct sim *s, int i)
{
    struct sim_memory *const m = &s->end[i].mem;

    if (m->challenges == 0 || s->now - m->challenges_at >= USEC_SEC) {
        m->challenges_at = s->now;
        m->challenges = 0;
    }
    m->challenges++;
    SIM_CHECK(s, INV_CHALLENGES, m->challenges <= CHALLENGES_MAX,
              "%c: %u challenge ACKs in a second", 'A' + i, m->challenges);
}

static void note_echo(struct sim *s, int i, const struct tcp_event *ev)
{
    struct sim_memory *const m = &s->end[i].mem;
    const struct segment *const seg = ev->seg;

    if (seg->flags & SEG_CWR && !(seg->flags & SEG_SYN)) {
        m->echo = false;
    }
    SIM_CHECK(s, INV_ECN_ECHO,
              seg->ecn != ECN_CE || ev->delivered == 0 || !ev->tcb->ecn.hears ||
                  ev->notes & NOTE_CE,
              "%c: a CE mark was not seen", 'A' + i);
    m->echo = m->echo || ev->notes & NOTE_CE;
}

void sim_check_event(void *ctx, const struct tcp_event *ev)
{
    const struct sim_watch *const w = ctx;
    struct sim *const s = w->sim;
    struct sim_memory *const m = &s->end[w->end].mem;

    sim_print_event(s, w->end, ev);
    if (ev->type == EVENT_SENT) {
        m->events_sent++;
        m->reason = ev->reason;
        if (ev->reason == SEND_ACK_CHALLENGE) {
            check_challenges(s, w->end);
        }
    } else if (ev->type == EVENT_RECEIVED) {
        m->taken = true;
        m->notes = ev->notes;
        m->sacked += ev->sacked;
        note_echo(s, w->end, ev);
    } else if (ev->type == EVENT_CLOSED) {
        m->events_closed++;
    }
    SIM_CHECK(s, INV_EVENTS, !m->told_any || ev->old_state == m->told,
              "%c: an event from %s, told before was %s", 'A' + w->end,
              tcp_state_name(ev->old_state), tcp_state_name(m->told));
    m->told_any = true;
    m->told = ev->new_state;
}

/* ---- the end */

static void check_statistics(struct sim *s, int i)
{
    const struct sim_end *const e = &s->end[i];
    const struct tcb_stats *const st = &e->tcb.stats;

    SIM_CHECK(s, INV_STATISTICS,
              st->bytes_sent == e->written && st->bytes_acked == e->written &&
                  st->bytes_received == e->read,
              "%c: sent %" PRIu64 ", acked %" PRIu64 ", received %" PRIu64 " counted; %" PRIu64
              " written, %" PRIu64 " read",
              'A' + i, st->bytes_sent, st->bytes_acked, st->bytes_received, e->written, e->read);
    SIM_CHECK(s, INV_STATISTICS, e->cfg.gso_max != 0 || st->segs_sent == e->mem.segments,
              "%c: %" PRIu64 " segments counted, %" PRIu64 " sent", 'A' + i, st->segs_sent,
              e->mem.segments);
    SIM_CHECK(s, INV_EVENTS, e->mem.events_sent == e->mem.segments && e->mem.events_closed == 1,
              "%c: %" PRIu64 " events for %" PRIu64 " segments, %" PRIu64 " for the end", 'A' + i,
              e->mem.events_sent, e->mem.segments, e->mem.events_closed);
    SIM_CHECK(s, INV_EVENTS, e->mem.told == STATE_CLOSED, "%c: the last state told is %s", 'A' + i,
              tcp_state_name(e->mem.told));
}

static void check_clean(struct sim *s, int i)
{
    const struct tcb_stats *const st = &s->end[i].tcb.stats;

    SIM_CHECK(s, INV_CLEAN, st->retransmits == 0 && st->rto_count == 0,
              "%c: %" PRIu64 " retransmissions, %" PRIu64 " timeouts", 'A' + i, st->retransmits,
              st->rto_count);
}

/* It has done all that it had to do. */
static void check_done(struct sim *s, int i)
{
    const struct sim_end *const e = &s->end[i];

    SIM_CHECK(s, INV_CLOSED, e->open, "%c: never opened", 'A' + i);
    SIM_CHECK(s, INV_DELIVERED, e->written == e->app.bytes && e->read == s->end[1 - i].app.bytes,
              "%c: %" PRIu64 " of %" PRIu64 " written, %" PRIu64 " of %" PRIu64 " read", 'A' + i,
              e->written, e->app.bytes, e->read, s->end[1 - i].app.bytes);
    SIM_CHECK(s, INV_CLOSED,
              e->tcb.state == STATE_CLOSED && e->tcb.end == END_CLOSED &&
                  tcb_peer_closed(&e->tcb) && tcb_all_acked(&e->tcb) && e->mem.fin_sent,
              "%c: nothing happens any more, in %s, end %d", 'A' + i, tcp_state_name(e->tcb.state),
              (int)e->tcb.end);
    check_statistics(s, i);
}

static void check_marks(struct sim *s, int i)
{
    const uint64_t marked = s->link[i].marked;
    const uint64_t cuts = s->end[i].tcb.stats.ecn_cuts;

    SIM_CHECK(s, INV_ECN_ECHO, s->end[1 - i].tcb.stats.ce_marks == marked,
              "%c: %" PRIu64 " of %" PRIu64 " marks counted", 'A' + 1 - i,
              s->end[1 - i].tcb.stats.ce_marks, marked);
    SIM_CHECK(s, INV_ECN_ONCE, (marked == 0) == (cuts == 0) && cuts <= marked,
              "%c: %" PRIu64 " cuts for %" PRIu64 " marks", 'A' + i, cuts, marked);
}

/* Against a script: over, or waiting for something that only the peer can do. */
static void check_scripted_end(struct sim *s)
{
    const struct tcb *const t = &s->end[0].tcb;

    if (s->p.told.expect_done) {
        check_done(s, 0);
        return;
    }
    if (!s->end[0].open || t->end != END_NONE) {
        return;
    }
    SIM_CHECK(s, INV_CLOSED, s->p.told.ends & 1U << END_NONE, "A: nothing ends it, in %s",
              tcp_state_name(t->state));
    SIM_CHECK(s, INV_DELIVERED, t->sent.count == 0 && tcb_unsent(t) == 0 && !tcb_fin_pending(t),
              "A: something is to be sent, in %s, and no timer runs", tcp_state_name(t->state));
}

void sim_check_end(struct sim *s)
{
    if (s->p.script != NULL) {
        check_scripted_end(s);
        return;
    }
    for (int i = 0; i < 2; i++) {
        check_done(s, i);
        if (s->p.expect_marks) {
            check_marks(s, i);
        }
        if (s->p.expect_clean) {
            check_clean(s, i);
        }
    }
    if (s->p.expect_done_by != 0) {
        SIM_CHECK(s, INV_PROMPT, s->done_at <= s->p.expect_done_by,
                  "done after %" PRIu64 " us, at most %" PRIu64 " expected", s->done_at,
                  s->p.expect_done_by);
    }
}
