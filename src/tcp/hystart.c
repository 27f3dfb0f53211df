/*
 * HyStart++, RFC 9406 section 4.2. A round is the time in which one window of data is acknowledged.
 * Pure.
 */
#include "segcat/tcp/hystart.h"

void hystart_init(struct hystart *h)
{
    *h = (struct hystart){
        .phase = HYSTART_SLOW_START,
        .last_min = USEC_NEVER,
        .current_min = USEC_NEVER,
    };
}

void hystart_stop(struct hystart *h)
{
    h->phase = HYSTART_OFF;
}

static void begin_round(struct hystart *h, uint64_t nxt)
{
    h->begun = true;
    h->window_end = nxt;
    h->last_min = h->current_min;
    h->current_min = USEC_NEVER;
    h->samples = 0;
}

/* An eighth of the last round's RTT, but 4 ms at least (noise) and 16 ms at most. */
static usec_t rise_that_counts(const struct hystart *h)
{
    const usec_t eta = h->last_min / HYSTART_MIN_RTT_DIVISOR;

    if (eta < HYSTART_MIN_RTT_THRESH)
        return HYSTART_MIN_RTT_THRESH;
    return eta < HYSTART_MAX_RTT_THRESH ? eta : HYSTART_MAX_RTT_THRESH;
}

static void look_for_rise(struct hystart *h)
{
    if (h->last_min == USEC_NEVER || h->current_min == USEC_NEVER ||
        h->current_min < h->last_min + rise_that_counts(h))
        return;
    h->phase = HYSTART_CSS;
    h->baseline = h->current_min;
    h->css_rounds = 1; /* the round in which it is entered counts */
}

bool hystart_on_ack(struct hystart *h, uint64_t una, uint64_t nxt, usec_t rtt)
{
    if (h->phase == HYSTART_OFF)
        return false;
    /* The ACK that reaches window_end exactly is the old round's last sample. */
    if (!h->begun || una > h->window_end) {
        const bool was_css = h->phase == HYSTART_CSS;

        begin_round(h, nxt);
        if (was_css && ++h->css_rounds > HYSTART_CSS_ROUNDS) {
            h->phase = HYSTART_OFF;
            return true;
        }
    }
    if (rtt == 0)
        return false;
    if (rtt < h->current_min)
        h->current_min = rtt;
    h->samples++;
    if (h->samples < HYSTART_N_RTT_SAMPLE)
        return false;
    if (h->phase == HYSTART_SLOW_START)
        look_for_rise(h);
    else if (h->current_min < h->baseline)
        h->phase = HYSTART_SLOW_START; /* it was not real */
    return false;
}
