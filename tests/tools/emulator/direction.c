/*
 * One direction of the link: what becomes of a frame that arrives, and when it is delivered. Delay,
 * rate and queue are for every frame, the MTU for every IP packet; loss and the other faults are
 * for TCP only, so that an ARP lost by chance does not decide a test.
 *
 * Luck is a function of the seed, the direction, the number of the segment and the kind of fault:
 * the same segments meet the same fate in every run with that seed, whatever else is asked for.
 */
#include <stdlib.h>

#include "emulator.h"

enum luck { LOSS, BURST, DUP, REORDER, CORRUPT, CORRUPT_BIT, CE, JITTER, KINDS };

/* splitmix64, its n-th number. */
static uint64_t luck(const struct direction *d, enum luck kind, uint64_t n)
{
    uint64_t z = d->seed + (n * KINDS + kind + 1) * 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* For the segment that was counted last. */
static bool chance(const struct direction *d, enum luck kind, double probability)
{
    return (double)(luck(d, kind, d->counts.segments) >> 11) * 0x1p-53 < probability;
}

/* ---- time */

/* Bytes that wait for the rate. */
static double waiting(const struct direction *d, nsec_t now)
{
    return d->link_free > now ? (double)(d->link_free - now) * (double)d->faults.rate / NSEC : 0;
}

/* When its last bit has left the bottleneck; -1 where the queue is full. */
static nsec_t through_bottleneck(struct direction *d, uint32_t len, nsec_t now)
{
    nsec_t start = d->link_free > now ? d->link_free : now;

    if (d->faults.rate == 0)
        return now;
    if (d->faults.queue != 0 && waiting(d, now) > (double)d->faults.queue)
        return -1;
    d->link_free = start + (nsec_t)((double)len * NSEC / (double)d->faults.rate);
    return d->link_free;
}

/* Keeps the order, jitter or not. */
static nsec_t through_wire(struct direction *d, nsec_t due)
{
    due += d->faults.delay;
    if (d->faults.jitter)
        due += (nsec_t)(luck(d, JITTER, d->order) % (uint64_t)(d->faults.jitter + 1));
    if (due < d->last_due)
        due = d->last_due;
    d->last_due = due;
    return due;
}

static struct frame *wait_for(struct direction *d, const struct packet *p, nsec_t due)
{
    struct frame *f = frame_new(p, due, d->order++);

    heap_push(&d->heap, f);
    return f;
}

/* ---- faults */

static bool on_the_list(struct direction *d)
{
    const struct faults *faults = &d->faults;
    uint64_t n = d->counts.segments;

    while (d->drop_next < faults->drop_len && faults->drop[d->drop_next].last < n)
        d->drop_next++;
    return d->drop_next < faults->drop_len && faults->drop[d->drop_next].first <= n;
}

static bool lost(struct direction *d)
{
    if (chance(d, BURST, d->bad ? d->faults.burst_end : d->faults.burst_begin))
        d->bad = !d->bad;
    return d->bad || chance(d, LOSS, d->faults.loss) || on_the_list(d);
}

static void corrupt(struct direction *d, struct frame *f, uint32_t from)
{
    uint64_t bit = luck(d, CORRUPT_BIT, d->counts.segments) % ((uint64_t)(f->len - from) * 8);

    offload_finish_checksum(f);
    f->data[from + bit / 8] ^= (uint8_t)(1 << bit % 8);
    d->counts.corrupted++;
}

static void mark(struct direction *d, struct frame *f, uint8_t version)
{
    frame_mark_ce(f->data, version);
    d->counts.marked++;
}

/* True if it is larger than the path takes. An IPv4 packet that may be fragmented is not: it
 * vanishes, as in a path whose routers do not. */
static bool stopped_by_mtu(struct direction *d, const struct packet *p, const struct view *v)
{
    uint8_t answer[TOO_BIG_MAX];
    struct packet icmp = {.data = answer};

    if (d->faults.mtu == 0 || v->version == 0 || v->ip_len <= d->faults.mtu)
        return false;
    d->counts.too_big++;
    if (d->faults.black_hole || !v->df)
        return true;
    icmp.len = too_big(p->data, v, d->faults.mtu, answer);
    if (icmp.len > 0) {
        d->counts.told++;
        wait_for(d->back, &icmp, through_wire(d->back, p->came));
    }
    return true;
}

/* ---- a frame's way */

static void arrive(struct direction *d, const struct packet *p)
{
    const struct faults *faults = &d->faults;
    struct view v = view_frame(p->data, p->len);
    bool congested = faults->mark_at && waiting(d, p->came) > (double)faults->mark_at;
    bool late = false;
    struct frame *f;
    nsec_t due;

    if (v.tcp) {
        d->counts.segments++;
        late = chance(d, REORDER, faults->reorder);
        if (lost(d)) {
            d->counts.lost++;
            return;
        }
    }
    if (stopped_by_mtu(d, p, &v))
        return;
    due = through_bottleneck(d, p->len, p->came);
    if (due < 0) {
        d->counts.overflowed++;
        return;
    }
    due = through_wire(d, due);
    f = wait_for(d, p, late ? due + faults->reorder_by : due);
    if (v.ecn != ECN_NOT_ECT && v.ecn != ECN_CE &&
        (congested || (v.tcp && chance(d, CE, faults->ce))))
        mark(d, f, v.version);
    if (v.tcp && chance(d, DUP, faults->dup)) {
        struct packet again = {.data = f->data, .len = f->len, .vnet = f->vnet};

        d->counts.duplicated++;
        wait_for(d, &again, due);
    }
    if (v.tcp && chance(d, CORRUPT, faults->corrupt))
        corrupt(d, f, v.tcp);
}

void direction_receive(struct direction *d, nsec_t now)
{
    static uint8_t room[SEGMENT_MAX];
    struct packet p, segment;

    while (port_next(d->in, &p, now)) {
        if (p.vnet.gso_type == VIRTIO_NET_HDR_GSO_NONE)
            arrive(d, &p);
        else
            for (uint32_t i = 0; offload_cut(&p, i, &segment, room); i++)
                arrive(d, &segment);
    }
}

void direction_deliver(struct direction *d, nsec_t now)
{
    struct frame *batch[PORT_BATCH];
    size_t count;

    do {
        for (count = 0; count < PORT_BATCH && d->heap.len > 0 && d->heap.at[0]->due <= now;
             count++) {
            struct frame *f = batch[count] = heap_pop(&d->heap);

            if (f->order < d->order_sent)
                d->counts.reordered++;
            else
                d->order_sent = f->order;
            d->counts.forwarded++;
            d->counts.bytes += f->len;
        }
        port_send(d->out, batch, count, d->join);
        for (size_t i = 0; i < count; i++)
            free(batch[i]);
    } while (count == PORT_BATCH);
}
