/*
 * The parts of linkem, the link emulator: what they share. Every direction of the link is a struct
 * direction; frames come in by a port, a fault or the bottleneck decides what becomes of them, and
 * they wait in a heap for their time. Linux only; shares no code with segcat, so that one mistake
 * is not made twice.
 */
#ifndef EMULATOR_H
#define EMULATOR_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NSEC 1000000000

typedef int64_t nsec_t;

/* The n-th segments, from first to last, 1 is the first; sorted. */
struct range {
    uint64_t first, last;
};

/* The faults of one direction. Probabilities are 0 to 1. */
struct faults {
    double loss;
    double burst_begin,
        burst_end; /* Gilbert: good -> bad, bad -> good; everything is lost while bad */
    double dup;
    double reorder;
    double corrupt;
    double ce;          /* marks ECT packets by chance */
    struct range *drop; /* these, by number */
    size_t drop_len;
    nsec_t reorder_by; /* how much later than its time a reordered segment is delivered */
    nsec_t delay;
    nsec_t jitter;    /* added to the delay, 0 to this much; keeps the order */
    uint64_t rate;    /* bytes a second, 0: no limit */
    uint64_t queue;   /* bytes that may wait for the rate, 0: no limit */
    uint64_t mark_at; /* with more than this waiting, ECT packets are marked CE; 0: never */
    uint32_t mtu;     /* larger IP packets do not pass; 0: no limit */
    bool black_hole;  /* and nobody is told */
};

struct counts {
    uint64_t forwarded, bytes, segments, lost, duplicated, reordered, corrupted, overflowed,
        too_big, told, marked;
};

/* A frame that came; `vnet` says what of it the sender's kernel left to its card. */
struct packet {
    const uint8_t *data;
    uint32_t len;
    nsec_t came;
    struct virtio_net_hdr vnet;
};

/* ---- frames that wait */

struct frame {
    nsec_t due;
    uint64_t order; /* of its arrival */
    struct virtio_net_hdr vnet;
    uint32_t len;
    uint8_t data[];
};

struct heap {
    struct frame **at; /* the earliest first */
    size_t len, cap;
};

struct frame *frame_new(const struct packet *p, nsec_t due, uint64_t order);
void heap_push(struct heap *h, struct frame *f);
struct frame *heap_pop(struct heap *h);

/* ---- interfaces */

/* A packet socket on one interface, and what it has read but not handed out. */
struct port {
    const char *name;
    int fd;
    struct arrivals *arrivals;
    size_t next, count;
    nsec_t last; /* when the latest frame came */
};

void port_plain(const char *name);
void port_open(struct port *p, const char *name);
/* The next frame that has come, if there is one: valid until the next call. */
bool port_next(struct port *p, struct packet *out, nsec_t now);
/* At most PORT_BATCH; joined like GRO where they can be, if `join`. */
void port_send(struct port *p, struct frame *const *frames, size_t count, bool join);
uint32_t port_missed(struct port *p);

enum { PORT_BATCH = 64 };

/* ---- what cards do: offload.c */

#define SEGMENT_MAX 16384 /* frame without jumbograms */

bool offload_cut(const struct packet *p, uint32_t i, struct packet *segment,
                 uint8_t out[SEGMENT_MAX]);
void offload_finish_checksum(struct frame *f);
size_t offload_join(struct frame *const *frames, size_t count, struct virtio_net_hdr *vnet,
                    uint32_t *headers);

/* ---- one direction: frames that arrive at one port leave by the other */

struct direction {
    const char *name;
    struct faults faults;
    struct counts counts;
    uint64_t seed;
    bool bad;            /* in a burst of losses */
    nsec_t link_free;    /* when the rate lets the next frame begin */
    nsec_t last_due;     /* jitter must not overtake */
    uint64_t order;      /* frames that have arrived */
    uint64_t order_sent; /* the latest that has been delivered */
    size_t drop_next;    /* into faults.drop */
    bool join;           /* segments that leave together, like GRO */
    struct heap heap;
    struct port *in, *out;
    struct direction *back;
};

void direction_receive(struct direction *d, nsec_t now);
void direction_deliver(struct direction *d, nsec_t now);

/* ---- looking at a frame */

struct view {
    uint8_t version;  /* of IP; 0: not IP, or not whole */
    uint8_t protocol; /* of a first fragment's payload, else 255 */
    uint8_t ecn;
    bool df;         /* may not be fragmented: IPv6 always */
    uint32_t ip_len; /* of the packet, without Ethernet's padding */
    uint32_t tcp;    /* where the TCP header begins in the frame; 0: no whole TCP segment */
};

enum { ECN_NOT_ECT = 0, ECN_CE = 3 };

struct view view_frame(const uint8_t *data, uint32_t len);
void frame_mark_ce(uint8_t *data, uint8_t version);
void checksum_ipv4(uint8_t *ip);
/* RFC 1071; the complement is what a header carries. `sum` is of what came before. */
uint32_t sum16(const uint8_t *p, size_t len, uint32_t sum);
uint16_t fold16(uint32_t sum);

/* ---- ICMP: the packet is too big (RFC 1191, RFC 8201) */

#define TOO_BIG_MAX 1294 /* Ethernet's header and the minimum MTU of IPv6 */

/* The answer to a frame, into `out`: its length, 0 where there is none to give. */
uint32_t too_big(const uint8_t *data, const struct view *v, uint32_t mtu, uint8_t out[TOO_BIG_MAX]);

/* ---- the command line */

struct command {
    const char *names[2]; /* of interfaces */
    nsec_t coalesce;      /* how late a frame may be so that others leave with it */
};

void options_parse(int argc, char *argv[], struct direction dirs[2], struct command *command);
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
