/*
 * Path MTU discovery: what ICMP says (RFC 1191, 8201), black holes that say nothing, and the search
 * for more by probes (RFC 4821). Pure.
 */
#include "segcat/tcp/internal.h"

#define SEARCH_INTERVAL (600 * USEC_SEC) /* RFC 1191 6.3, RFC 8201 4: not before 10 minutes */
#define SEARCH_END      16               /* bytes that are not worth another probe */
#define MIN_V4          552              /* below, routers are to cut (as Linux's min_pmtu) */
#define MIN_V6          1280             /* RFC 8200 5 */
#define HOLE_TIMEOUTS   2

/* --- sizes --- */

static bool is_v6(const struct tcb *t)
{
    return t->cfg.local.ip.version == IP_V6;
}

/* IP and TCP header; a segment's options are part of what the MSS counts. */
static uint32_t headers(const struct tcb *t)
{
    return (is_v6(t) ? 40U : 20U) + TCP_HEADER_MIN;
}

/* A full segment's packet. */
static uint32_t packet_size(const struct tcb *t)
{
    return (t->peer_mss < t->mss_max ? t->peer_mss : t->mss_max) + headers(t);
}

/* What the first hop and the peer would take. */
static uint32_t largest(const struct tcb *t)
{
    const uint32_t peer = t->peer_mss + headers(t);

    return peer < t->cfg.mtu ? peer : t->cfg.mtu;
}

static uint32_t payload_of(const struct tcb *t, uint32_t mtu)
{
    return mtu - headers(t) - (t->use_ts ? 12 : 0);
}

static void tell(struct tcb *t, enum path_news what, uint32_t before, usec_t now)
{
    struct tcp_event ev = tcb_event(t, EVENT_PATH, now);

    ev.path = what;
    ev.mtu_before = before;
    ev.mtu = packet_size(t);
    tcb_emit(t, &ev);
}

static void set_size(struct tcb *t, uint32_t mtu)
{
    t->mss_max = (uint16_t)(mtu - headers(t) < UINT16_MAX ? mtu - headers(t) : UINT16_MAX);
    tcb_set_mss(t);
    t->cc.mss = t->mss;
    t->pmtu.lowered = mtu < largest(t);
}

/* What was larger than this is lost for sure: sent again, in pieces, and no sign of congestion. */
static void lose_above(struct tcb *t, uint32_t payload)
{
    for (size_t i = 0; i < t->sent.count; i++)
        if (sent_at(&t->sent, i)->len > payload)
            sent_mark_lost(&t->sent, i);
}

static void stop_search(struct tcb *t, usec_t now)
{
    t->pmtu.searching = false;
    t->pmtu.search_at = now + SEARCH_INTERVAL;
}

/* --- ICMP --- */

/* RFC 1191 section 7: an old router does not say how much it takes. */
static uint32_t plateau_below(uint32_t size)
{
    static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};

    for (size_t i = 0; i < sizeof plateaus / sizeof plateaus[0]; i++)
        if (plateaus[i] < size)
            return plateaus[i];
    return 68;
}

/* A probe was too big, and a router says what would not have been. */
static void probe_refused(struct tcb *t, uint32_t mtu, usec_t now)
{
    t->pmtu.probing = t->pmtu.halving = false;
    t->pmtu.high = mtu;
    lose_above(t, t->mss);
    if (mtu <= packet_size(t))
        stop_search(t, now);
}

/* Below what every path carries nobody takes us: such a router shall cut the packets itself. */
static void forbid_nothing(struct tcb *t, uint32_t mtu)
{
    const uint32_t least = headers(t) + 12 + 8;

    if (t->pmtu.no_df)
        return;
    t->pmtu.no_df = true;
    lose_above(t, payload_of(t, mtu > least ? mtu : least));
}

void tcb_path_mtu(struct tcb *t, uint32_t mtu, usec_t now)
{
    const uint32_t size = packet_size(t);

    if (mtu == 0 && !is_v6(t))
        mtu = plateau_below(t->pmtu.probing ? t->pmtu.probe : size);
    if (is_v6(t) && mtu < MIN_V6)
        return; /* RFC 8201 4: must be discarded */
    if (t->pmtu.probing && mtu >= size && mtu < t->pmtu.probe) {
        probe_refused(t, mtu, now);
        return;
    }
    if (mtu >= size)
        return;
    if (!is_v6(t) && mtu < MIN_V4)
        forbid_nothing(t, mtu);
    t->pmtu.probing = false;
    if (!is_v6(t) && mtu < MIN_V4)
        mtu = MIN_V4;
    if (mtu < size) {
        set_size(t, mtu);
        lose_above(t, t->mss);
    }
    t->pmtu.lowered = true;
    stop_search(t, now);
}

/* --- black holes, RFC 4821 7.7 --- */

/* The packet of the segment that has no answer. */
static uint32_t stuck_size(const struct tcb *t)
{
    const uint32_t size = sent_at(&t->sent, 0)->len + headers(t) + (t->use_ts ? 12 : 0);

    return size < packet_size(t) ? size : packet_size(t);
}

/* What is tried when packets of `size` do not get through. */
static uint32_t base_below(const struct tcb *t, uint32_t size)
{
    if (is_v6(t))
        return MIN_V6;
    return size > 1064 ? 1064 : 576; /* MSS 1024, then what every host takes */
}

/* A probe's failure says nothing about congestion, and how far up the next may go. */
static void probe_failed(struct tcb *t, usec_t now)
{
    struct pmtu *p = &t->pmtu;

    p->probing = false;
    p->halving = true;
    p->high = p->probe - 1;
    if (p->high < packet_size(t) + SEARCH_END)
        stop_search(t, now);
}

/* Before a timeout's consequences. When full segments have had no answer twice, smaller ones are
 * tried; and if they get through, the way up is tried at once: it may have been a broken path. */
void pmtu_on_timeout(struct tcb *t, usec_t now)
{
    struct pmtu *p = &t->pmtu;
    uint32_t size, base;

    if (p->probing)
        probe_failed(t, now);
    size = t->sent.count > 0 && tcb_synchronized(t) ? stuck_size(t) : 0;
    base = base_below(t, size);
    if (size <= base) {
        p->timeouts = 0;
        return;
    }
    if (++p->timeouts < HOLE_TIMEOUTS)
        return;
    p->timeouts = 0;
    if (p->hole == 0)
        p->hole = packet_size(t);
    p->hole_told = false;
    set_size(t, base);
    lose_above(t, t->mss);
    p->searching = true;
    p->halving = false;
    p->high = p->hole;
}

/* --- the search --- */

static void probe_arrived(struct tcb *t, usec_t now)
{
    struct pmtu *p = &t->pmtu;
    const uint32_t before = packet_size(t);

    p->probing = false;
    set_size(t, p->probe);
    if (p->probe >= p->hole)
        p->hole = 0;
    tell(t, PATH_MTU_RAISED, before, now);
    if (p->high < p->probe + SEARCH_END)
        stop_search(t, now);
}

/* SND.UNA has moved. */
void pmtu_on_progress(struct tcb *t, usec_t now)
{
    struct pmtu *p = &t->pmtu;

    p->timeouts = 0;
    if (p->hole != 0 && !p->hole_told) {
        p->hole_told = true;
        tell(t, PATH_BLACK_HOLE, p->hole, now);
    }
    if (p->probing && seq_ge(t->snd_una, p->probe_end))
        probe_arrived(t, now);
}

/* How many of the bytes that were just found lost are a probe's: no sign of congestion (RFC 4821
 * 7.6.2). */
uint64_t pmtu_probe_lost(struct tcb *t, usec_t now)
{
    const struct sent_record *r;
    size_t i;

    if (!t->pmtu.probing)
        return 0;
    i = sent_find(&t->sent, t->pmtu.probe_seq);
    if (i == t->sent.count)
        return 0;
    r = sent_at(&t->sent, i);
    if (!r->lost)
        return 0;
    probe_failed(t, now);
    return r->len;
}

static bool search_due(struct tcb *t, usec_t now)
{
    struct pmtu *p = &t->pmtu;

    if (!p->searching && p->lowered && now >= p->search_at) {
        p->searching = true;
        p->halving = p->no_df = false;
        p->high = largest(t);
    }
    return p->searching && !p->probing && p->high > packet_size(t);
}

/*
 * The payload of a probe that may go now, 0 if none: only while all is well, and when enough follows
 * it that its loss would show without a timeout (RFC 4821 7.4).
 */
uint32_t pmtu_probe_now(struct tcb *t, uint64_t unsent, uint32_t window, uint64_t room, usec_t now)
{
    const uint32_t size = packet_size(t);
    const uint32_t behind = (DUPTHRESH + 1) * t->mss;
    uint32_t probe, len;

    if (!t->pmtu.lowered || !t->use_sack || t->recovering || t->rto_recovering ||
        t->sent.sacked > 0 || t->sent.lost > 0 || t->sent.max - t->sent.count < 8 ||
        !search_due(t, now))
        return 0;
    probe = t->pmtu.halving ? size + (t->pmtu.high - size + 1) / 2 : t->pmtu.high;
    len = payload_of(t, probe);
    if (unsent < len + behind || window < len + behind || room < len + behind)
        return 0;
    t->pmtu.probing = true;
    t->pmtu.probe = probe;
    t->pmtu.probe_seq = t->snd_nxt;
    t->pmtu.probe_end = t->snd_nxt + len;
    return len;
}
