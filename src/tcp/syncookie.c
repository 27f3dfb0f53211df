/*
 * SYN cookies. A cookie is an ISN of RFC 6528 whose lowest 24 bits are, instead of the clock's, 21
 * bits of a hash over everything that was agreed and 3 bits that say which MSS: so it rises with
 * time as other ISNs do, and the clock's upper 8 bits tell how old it is. Window scale, SACK and
 * ECN stand in the lowest bits of our timestamp, which the peer echoes. Pure.
 */
#include "segcat/tcp/syncookie.h"

#include <string.h>

#include "segcat/tcp/internal.h"
#include "segcat/tcp/isn.h"

#define MSS_BITS    3
#define COOKIE_BITS 24

/* What is written into the timestamp: 64 ms of it are given up for that. */
#define OPTION_BITS  6
#define OPTION_MASK  ((1U << OPTION_BITS) - 1)
#define OPTION_SCALE 0x0fU /* NO_SCALE: none */
#define OPTION_SACK  0x10U
#define OPTION_ECN   0x20U
#define NO_SCALE     15U
/* Never on the wire: timestamps were agreed, so that whoever forgets them is found out. */
#define OPTION_TIMESTAMPS 0x40U

/* The MSS is rounded down to one of these: the least there is, both defaults, Ethernet and what
 * tunnels leave of it, jumbo frames. */
static const uint16_t mss_table[1 << MSS_BITS] = {
    MSS_MIN, 256, MSS_DEFAULT_V4, MSS_DEFAULT_V6, 1360, 1440, 1460, 8940,
};

static uint32_t mss_index(const struct tcb_config *cfg, const struct tcp_options *o)
{
    const uint16_t none = cfg->local.ip.version == IP_V6 ? MSS_DEFAULT_V6 : MSS_DEFAULT_V4;
    const uint16_t mss = (o->present & OPT_MSS) && o->mss != 0 ? o->mss : none;
    uint32_t i = (1U << MSS_BITS) - 1;

    while (i > 0 && mss_table[i] > mss)
        i--;
    return i;
}

static uint64_t step_of(usec_t now)
{
    return now / COOKIE_STEP;
}

/* The ISN that says all this. */
static seq_t cookie(const struct tcb_config *cfg, seq_t irs, uint64_t step, uint32_t mss,
                    uint32_t options)
{
    const uint64_t fields = (uint64_t)irs | (step & 0xfffff) << 32 | (uint64_t)mss << 52 |
                            (uint64_t)options << (52 + MSS_BITS);
    const uint64_t hash = tuple_hash(cfg->key, &cfg->local, &cfg->remote, HASH_COOKIE, fields);
    const uint32_t low = ((uint32_t)hash << MSS_BITS | mss) & ((1U << COOKIE_BITS) - 1);

    return isn_generate(cfg->key, &cfg->local, &cfg->remote, 0) +
           ((uint32_t)step << COOKIE_BITS | low);
}

/* --- the answer --- */

/* What can be kept of a SYN: with timestamps all, without them the MSS. */
static struct segment keepable(const struct tcb_config *cfg, const struct segment *syn)
{
    struct segment s = *syn;

    if (cfg->no_timestamps || !(s.opt.present & OPT_TIMESTAMPS)) {
        s.opt.present &= OPT_MSS;
        s.flags = SEG_SYN;
    }
    return s;
}

static uint32_t options_of(const struct segment *syn)
{
    const struct tcp_options *o = &syn->opt;
    uint32_t bits = NO_SCALE;

    if (!(o->present & OPT_TIMESTAMPS))
        return 0;
    if (o->present & OPT_WSCALE)
        bits = o->wscale < WSCALE_MAX ? o->wscale : WSCALE_MAX;
    if (o->present & OPT_SACK_PERMITTED)
        bits |= OPTION_SACK;
    if ((syn->flags & (SEG_ECE | SEG_CWR)) == (SEG_ECE | SEG_CWR)) /* RFC 3168 6.1.1 */
        bits |= OPTION_ECN;
    return bits | OPTION_TIMESTAMPS;
}

/* A timestamp that says it, not later than the clock: the next one must not be earlier. */
static uint32_t stamp(uint32_t tsval, uint32_t options)
{
    const uint32_t bits = options & OPTION_MASK;
    const uint32_t t = (tsval & ~OPTION_MASK) | bits;

    return bits > (tsval & OPTION_MASK) ? t - (1U << OPTION_BITS) : t;
}

/* A connection in SYN-RECEIVED that has sent its SYN,ACK, told to nobody. */
static void half_open(struct tcb *t, const struct tcb_config *cfg, const struct segment *syn,
                      struct segment *syn_ack, usec_t now)
{
    struct tcb_config quiet = *cfg;

    quiet.observe = NULL;
    tcb_open_passive(t, &quiet, syn, now);
    tcb_next(t, syn_ack, now);
}

void syncookie_answer(const struct tcb_config *cfg, const struct segment *syn,
                      struct segment *reply, usec_t now)
{
    const struct segment kept = keepable(cfg, syn);
    const uint32_t options = options_of(&kept);
    struct tcb_config brief = *cfg;
    struct sent_record record;
    struct tcb t;

    /* Everything but the numbers is decided where it always is. */
    brief.sent_mem = &record;
    brief.sent_max = 1;
    half_open(&t, &brief, &kept, reply, now);
    reply->seq = cookie(cfg, syn->seq, step_of(now), mss_index(cfg, &syn->opt), options);
    if (options & OPTION_TIMESTAMPS)
        reply->opt.tsval = stamp(reply->opt.tsval, options);
}

/* --- the ACK --- */

/* The SYN that a good cookie stands for. */
static void restore(const struct segment *ack, uint32_t mss, uint32_t options, struct segment *syn)
{
    *syn = (struct segment){
        .seq = ack->seq - 1,
        .flags = SEG_SYN,
        .window = ack->window,
        .at = ack->at,
        .opt = {.present = OPT_MSS, .mss = mss_table[mss]},
    };
    if (!(options & OPTION_TIMESTAMPS))
        return;
    syn->opt.present |= OPT_TIMESTAMPS;
    syn->opt.tsval = ack->opt.tsval;
    if ((options & OPTION_SCALE) != NO_SCALE) {
        syn->opt.present |= OPT_WSCALE;
        syn->opt.wscale = (uint8_t)(options & OPTION_SCALE);
    }
    if (options & OPTION_SACK)
        syn->opt.present |= OPT_SACK_PERMITTED;
    if (options & OPTION_ECN)
        syn->flags |= SEG_ECE | SEG_CWR;
}

bool syncookie_check(const struct tcb_config *cfg, const struct segment *ack, struct segment *syn,
                     usec_t now)
{
    const seq_t iss = ack->ack - 1;
    const uint32_t said = iss - isn_generate(cfg->key, &cfg->local, &cfg->remote, 0);
    const uint64_t age = (step_of(now) - (said >> COOKIE_BITS)) & 0xff;
    const uint32_t mss = said & ((1U << MSS_BITS) - 1);
    uint32_t options = 0;

    if ((ack->flags & (SEG_ACK | SEG_SYN | SEG_RST)) != SEG_ACK || age >= COOKIE_STEPS ||
        age > step_of(now))
        return false;
    if (!cfg->no_timestamps && (ack->opt.present & OPT_TIMESTAMPS))
        options = OPTION_TIMESTAMPS | (ack->opt.tsecr & OPTION_MASK);
    if (iss != cookie(cfg, ack->seq - 1, step_of(now) - age, mss, options))
        return false;
    restore(ack, mss, options, syn);
    return true;
}

void tcb_open_cookie(struct tcb *t, const struct tcb_config *cfg, const struct segment *syn,
                     const struct segment *ack, usec_t now)
{
    struct tcb_config with_isn = *cfg;
    struct segment sent_before;

    with_isn.has_isn = true;
    with_isn.isn = ack->ack - 1;
    half_open(t, &with_isn, syn, &sent_before, now);
    /* When it was sent is not known: no sample of the round trip (Karn), as for one sent twice. */
    sent_at(&t->sent, 0)->transmissions = 2;
    t->by_cookie = true;
    t->cfg.observe = cfg->observe;
    t->told_state = STATE_LISTEN;
    tcb_segment(t, ack, now);
}
