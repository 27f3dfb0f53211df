/*
 * linkem: a link with faults. Forwards frames between two network interfaces of its own network
 * namespace (usually one end of a veth pair each, whose other ends are in the namespaces A and B),
 * and delays, drops, repeats, reorders and damages some on the way. For machines without netem.
 * Touches nothing but the two interfaces; ends with its parent. See usage() below, and
 * tests/bats/common.bash for how it is put between.
 *
 * Delay, rate and queue are for every frame; loss and the other faults are for TCP only, so that an
 * ARP lost by chance does not decide a test. Each direction has its own random numbers, from
 * --seed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NSEC          1000000000
#define RING_BYTES    (8U << 20)
#define SLOT_OVERHEAD 256U /* more than header, address and alignment of a ring's slot */
/* Where in a ring's slot the sender's address stands: behind the header, aligned. */
#define RING_ADDRESS \
    ((sizeof(struct tpacket2_hdr) + TPACKET_ALIGNMENT - 1) / TPACKET_ALIGNMENT * TPACKET_ALIGNMENT)

typedef int64_t nsec_t;

/* The faults of one direction. Probabilities are 0 to 1. */
struct faults {
    double loss;
    double burst_begin,
        burst_end; /* Gilbert: good -> bad, bad -> good; everything is lost while bad */
    double dup;
    double reorder;
    double corrupt;
    nsec_t reorder_by; /* how much later than its time a reordered segment is delivered */
    nsec_t delay;
    nsec_t jitter;  /* added to the delay, 0 to this much; keeps the order */
    uint64_t rate;  /* bytes a second, 0: no limit */
    uint64_t queue; /* bytes that may wait for the rate, 0: no limit */
    uint32_t mtu;   /* larger IP packets vanish, as in a path with a black hole; 0: no limit */
};

struct counts {
    uint64_t forwarded, bytes, segments, lost, duplicated, reordered, corrupted, overflowed,
        too_big;
};

struct frame {
    nsec_t due;
    uint64_t order; /* of its arrival */
    uint32_t len;
    uint8_t data[];
};

/* One direction: frames that arrive at one interface leave by the other. */
struct direction {
    const char *name;
    struct faults faults;
    struct counts counts;
    uint64_t random;
    bool bad;            /* in a burst of losses */
    nsec_t link_free;    /* when the rate lets the next frame begin */
    nsec_t last_due;     /* jitter must not overtake */
    uint64_t order;      /* frames that have arrived */
    uint64_t order_sent; /* the latest that has been delivered */
    struct frame **heap; /* by due, then order */
    size_t heap_len, heap_cap;
    int in;  /* packet socket with a receive ring */
    int out; /* the other direction's `in` */
    uint8_t *ring;
    uint32_t frame_size, frame_count, frame_next;
};

static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static void die(const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "linkem: ");
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\n");
    exit(1);
}

static nsec_t clock_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (nsec_t)ts.tv_sec * NSEC + ts.tv_nsec;
}

/* ---- chance: splitmix64 */

static uint64_t random_next(struct direction *d)
{
    uint64_t z = d->random += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* Always takes one number, so that changing one probability does not shift all the others. */
static bool chance(struct direction *d, double probability)
{
    return (double)(random_next(d) >> 11) * 0x1p-53 < probability;
}

/* ---- frames waiting for their time */

static bool earlier(const struct frame *a, const struct frame *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void heap_push(struct direction *d, struct frame *f)
{
    size_t i = d->heap_len++;

    if (d->heap_len > d->heap_cap) {
        d->heap_cap = d->heap_cap ? 2 * d->heap_cap : 1024;
        d->heap = realloc(d->heap, d->heap_cap * sizeof(d->heap[0]));
        if (!d->heap)
            die("no memory");
    }
    for (; i > 0 && earlier(f, d->heap[(i - 1) / 2]); i = (i - 1) / 2)
        d->heap[i] = d->heap[(i - 1) / 2];
    d->heap[i] = f;
}

static struct frame *heap_pop(struct direction *d)
{
    struct frame *first = d->heap[0];
    struct frame *last = d->heap[--d->heap_len];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= d->heap_len)
            break;
        if (child + 1 < d->heap_len && earlier(d->heap[child + 1], d->heap[child]))
            child++;
        if (!earlier(d->heap[child], last))
            break;
        d->heap[i] = d->heap[child];
        i = child;
    }
    d->heap[i] = last;
    return first;
}

/* ---- looking at a frame */

/* The offset of the TCP header, or 0 if it is no whole TCP segment. */
static uint32_t tcp_offset(const uint8_t *p, uint32_t len)
{
    uint32_t l3 = ETH_HLEN;
    uint16_t type;

    if (len < ETH_HLEN)
        return 0;
    type = (uint16_t)(p[12] << 8 | p[13]);
    if (type == ETH_P_IP && len >= l3 + 20 && p[l3 + 9] == IPPROTO_TCP) {
        uint32_t header = (uint32_t)(p[l3] & 15) * 4;

        if (header >= 20 && len >= l3 + header + 20)
            return l3 + header;
    }
    if (type == ETH_P_IPV6 && len >= l3 + 60 && p[l3 + 6] == IPPROTO_TCP)
        return l3 + 40;
    return 0;
}

static struct frame *frame_new(const uint8_t *data, uint32_t len, nsec_t due, uint64_t order)
{
    struct frame *f = malloc(sizeof(*f) + len);

    if (!f)
        die("no memory");
    f->due = due;
    f->order = order;
    f->len = len;
    memcpy(f->data, data, len);
    return f;
}

static void corrupt(struct direction *d, struct frame *f, uint32_t from)
{
    uint64_t bit = random_next(d) % ((uint64_t)(f->len - from) * 8);

    f->data[from + bit / 8] ^= (uint8_t)(1 << bit % 8);
    d->counts.corrupted++;
}

/* ---- a frame arrives: what becomes of it, and when */

/* When its last bit has left the bottleneck; -1 where the queue is full. */
static nsec_t through_bottleneck(struct direction *d, uint32_t len, nsec_t now)
{
    nsec_t start = d->link_free > now ? d->link_free : now;

    if (d->faults.rate == 0)
        return now;
    if (d->faults.queue != 0 &&
        (double)(start - now) * (double)d->faults.rate / NSEC > (double)d->faults.queue)
        return -1;
    d->link_free = start + (nsec_t)((double)len * NSEC / (double)d->faults.rate);
    return d->link_free;
}

static bool lost(struct direction *d)
{
    bool by_chance = chance(d, d->faults.loss);

    if (chance(d, d->bad ? d->faults.burst_end : d->faults.burst_begin))
        d->bad = !d->bad;
    return by_chance || d->bad;
}

static void arrive(struct direction *d, const uint8_t *data, uint32_t len, nsec_t now)
{
    const struct faults *faults = &d->faults;
    uint32_t tcp = tcp_offset(data, len);
    bool twice = false, late = false, damaged = false;
    struct frame *f;
    nsec_t due;

    if (tcp) {
        bool gone = lost(d);

        twice = chance(d, faults->dup);
        late = chance(d, faults->reorder);
        damaged = chance(d, faults->corrupt);
        d->counts.segments++;
        if (faults->mtu && len - ETH_HLEN > faults->mtu) {
            d->counts.too_big++;
            return;
        }
        if (gone) {
            d->counts.lost++;
            return;
        }
    }
    due = through_bottleneck(d, len, now);
    if (due < 0) {
        d->counts.overflowed++;
        return;
    }
    due += faults->delay;
    if (faults->jitter)
        due += (nsec_t)(random_next(d) % (uint64_t)(faults->jitter + 1));
    if (due < d->last_due)
        due = d->last_due;
    d->last_due = due;

    f = frame_new(data, len, late ? due + faults->reorder_by : due, d->order++);
    if (damaged)
        corrupt(d, f, tcp);
    heap_push(d, f);
    if (twice) {
        d->counts.duplicated++;
        heap_push(d, frame_new(data, len, due, d->order++));
    }
}

static void deliver_due(struct direction *d, nsec_t now)
{
    while (d->heap_len > 0 && d->heap[0]->due <= now) {
        struct frame *f = heap_pop(d);

        if (f->order < d->order_sent)
            d->counts.reordered++;
        else
            d->order_sent = f->order;
        /* The peer's interface may be gone or down at the end: then nobody misses the frame. */
        while (send(d->out, f->data, f->len, 0) < 0 && errno == EINTR)
            ;
        d->counts.forwarded++;
        d->counts.bytes += f->len;
        free(f);
    }
}

/* Empties the receive ring. */
static void receive(struct direction *d, nsec_t now)
{
    for (;;) {
        uint8_t *slot = d->ring + (size_t)d->frame_next * d->frame_size;
        struct tpacket2_hdr *h = (void *)slot;
        const struct sockaddr_ll *from = (void *)(slot + RING_ADDRESS);
        uint32_t status = __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);

        if (!(status & TP_STATUS_USER))
            return;
        if (status & TP_STATUS_CSUMNOTREADY)
            die("%s sends unfinished checksums: linkem --plain IFACE at that end", d->name);
        if (h->tp_snaplen < h->tp_len)
            die("%s sent a frame of %u bytes: linkem --plain IFACE at that end", d->name,
                h->tp_len);
        if (from->sll_pkttype != PACKET_OUTGOING)
            arrive(d, slot + h->tp_mac, h->tp_snaplen, now);
        __atomic_store_n(&h->tp_status, (uint32_t)TP_STATUS_KERNEL, __ATOMIC_RELEASE);
        d->frame_next = (d->frame_next + 1) % d->frame_count;
    }
}

/* ---- interfaces */

static struct ifreq interface(const char *name)
{
    struct ifreq ifr = {0};

    if (strlen(name) >= sizeof(ifr.ifr_name))
        die("%s: no interface has so long a name", name);
    memcpy(ifr.ifr_name, name, strlen(name));
    return ifr;
}

static uint32_t interface_mtu(const char *name)
{
    struct ifreq ifr = interface(name);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || ioctl(fd, SIOCGIFMTU, &ifr) < 0)
        die("%s: %s", name, strerror(errno));
    close(fd);
    return (uint32_t)ifr.ifr_mtu;
}

/* Makes the kernel hand over finished segments: real checksums, none larger than the MTU. */
static void make_plain(const char *name)
{
    static const uint32_t off[] = {ETHTOOL_SGRO, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_STXCSUM};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
        struct ifreq ifr = interface(name);
        struct ethtool_value value = {.cmd = off[i]};

        ifr.ifr_data = (void *)&value;
        if (fd < 0 || ioctl(fd, SIOCETHTOOL, &ifr) < 0)
            die("%s: cannot turn offloads off: %s", name, strerror(errno));
    }
    close(fd);
}

static int open_interface(struct direction *d, const char *name)
{
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    struct tpacket_req req = {0};
    int version = TPACKET_V2, one = 1;
    uint32_t need = SLOT_OVERHEAD + ETH_HLEN + interface_mtu(name);
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

    if (fd < 0)
        die("packet socket: %s", strerror(errno));
    /* A block of one power of two of frames: frames never cross a block's end. */
    for (req.tp_frame_size = 2048; req.tp_frame_size < need;)
        req.tp_frame_size *= 2;
    req.tp_block_size = req.tp_frame_size > 65536 ? req.tp_frame_size : 65536;
    req.tp_block_nr = RING_BYTES / req.tp_block_size;
    req.tp_frame_nr = req.tp_block_size / req.tp_frame_size * req.tp_block_nr;
    at.sll_ifindex = (int)if_nametoindex(name);
    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
               sizeof(one)); /* not before Linux 4.20 */
    if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)) < 0)
        die("%s: receive ring: %s", name, strerror(errno));
    d->ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (d->ring == MAP_FAILED)
        die("%s: receive ring: %s", name, strerror(errno));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
        die("%s: %s", name, strerror(errno));
    d->frame_size = req.tp_frame_size;
    d->frame_count = req.tp_frame_nr;
    return fd;
}

/* ---- options */

static void usage(FILE *to)
{
    fputs("usage: linkem [OPTION]... IFACE-A IFACE-B\n"
          "       linkem --plain IFACE       turns that interface's offloads off\n"
          "\n"
          "Each of these is for both directions; with a- or b- before its name (--a-loss 1%) only "
          "for\n"
          "what A or B sends.\n"
          "  --loss P            drop this share of the segments (1% or 0.01)\n"
          "  --burst P:R         drop bursts: begin one with P, end it with R\n"
          "  --dup P             deliver twice\n"
          "  --reorder P         deliver late, by --reorder-by\n"
          "  --reorder-by TIME   2ms\n"
          "  --corrupt P         flip one bit behind the IP header\n"
          "  --delay TIME        20ms, 150us, 1s\n"
          "  --jitter TIME       0 to TIME more; keeps the order\n"
          "  --rate N            bits a second: 10m, 64k, 1g\n"
          "  --queue N           bytes that wait for the rate before frames are dropped: 64k\n"
          "  --mtu N             larger packets vanish\n"
          "\n"
          "  --seed N            of the random numbers\n"
          "\n"
          "Ends by SIGTERM or SIGINT, or with its parent; then prints its counts.\n",
          to);
}

static double parse_share(const char *name, const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (*end == '%') {
        value /= 100;
        end++;
    }
    if (end == text || *end || !(value >= 0 && value <= 1))
        die("--%s %s: want a share like 1%% or 0.01", name, text);
    return value;
}

static void parse_burst(const char *text, struct faults *out)
{
    char copy[64];
    char *colon;

    snprintf(copy, sizeof(copy), "%s", text);
    colon = strchr(copy, ':');
    if (!colon)
        die("--burst %s: want P:R, like 0.5%%:30%%", text);
    *colon = '\0';
    out->burst_begin = parse_share("burst", copy);
    out->burst_end = parse_share("burst", colon + 1);
}

static nsec_t parse_time(const char *name, const char *text)
{
    static const struct {
        const char *unit;
        double nsec;
    } units[] = {{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}};
    char *end;
    double value = strtod(text, &end);

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (end != text && strcmp(end, units[i].unit) == 0 && value >= 0 && value < 1e6)
            return (nsec_t)(value * units[i].nsec);
    die("--%s %s: want a time like 20ms", name, text);
}

static uint64_t parse_count(const char *name, const char *text)
{
    char *end;
    double value = strtod(text, &end);

    switch (*end) {
    case 'k':
        value *= 1e3;
        break;
    case 'm':
        value *= 1e6;
        break;
    case 'g':
        value *= 1e9;
        break;
    default:
        end--;
    }
    if (end + 1 == text || end[1] != '\0' || !(value >= 0 && value < 1e15))
        die("--%s %s: want a number like 64k", name, text);
    return (uint64_t)value;
}

static const char *const fault_names[] = {"loss",       "burst",   "dup",   "reorder",
                                          "reorder-by", "corrupt", "delay", "jitter",
                                          "rate",       "queue",   "mtu"};
#define FAULTS (sizeof(fault_names) / sizeof(fault_names[0]))

static void set_fault(struct faults *f, const char *name, const char *value)
{
    if (strcmp(name, "loss") == 0)
        f->loss = parse_share(name, value);
    else if (strcmp(name, "burst") == 0)
        parse_burst(value, f);
    else if (strcmp(name, "dup") == 0)
        f->dup = parse_share(name, value);
    else if (strcmp(name, "reorder") == 0)
        f->reorder = parse_share(name, value);
    else if (strcmp(name, "reorder-by") == 0)
        f->reorder_by = parse_time(name, value);
    else if (strcmp(name, "corrupt") == 0)
        f->corrupt = parse_share(name, value);
    else if (strcmp(name, "delay") == 0)
        f->delay = parse_time(name, value);
    else if (strcmp(name, "jitter") == 0)
        f->jitter = parse_time(name, value);
    else if (strcmp(name, "rate") == 0)
        f->rate = parse_count(name, value) / 8;
    else if (strcmp(name, "queue") == 0)
        f->queue = parse_count(name, value);
    else
        f->mtu = (uint32_t)parse_count(name, value);
}

enum { OPT_SEED = 256, OPT_PLAIN, OPT_HELP, OPT_FAULT };

static void parse_options(int argc, char *argv[], struct direction dirs[2], const char *names[2])
{
    struct option options[3 * FAULTS + 4] = {
        {"seed", required_argument, NULL, OPT_SEED},
        {"plain", required_argument, NULL, OPT_PLAIN},
        {"help", no_argument, NULL, OPT_HELP},
    };
    static char texts[3][FAULTS][16];
    static const char *const prefix[3] = {"", "a-", "b-"};
    uint64_t seed = 1;
    int c;

    for (size_t i = 0; i < 3 * FAULTS; i++) {
        char *text = texts[i / FAULTS][i % FAULTS];

        snprintf(text, sizeof(texts[0][0]), "%s%s", prefix[i / FAULTS], fault_names[i % FAULTS]);
        options[3 + i] = (struct option){text, required_argument, NULL, OPT_FAULT + (int)i};
    }
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == OPT_SEED) {
            seed = parse_count("seed", optarg);
        } else if (c == OPT_PLAIN) {
            make_plain(optarg);
            exit(0);
        } else if (c == OPT_HELP) {
            usage(stdout);
            exit(0);
        } else if (c >= OPT_FAULT) {
            size_t side = (size_t)(c - OPT_FAULT) / FAULTS;
            const char *name = fault_names[(size_t)(c - OPT_FAULT) % FAULTS];

            if (side != 2)
                set_fault(&dirs[0].faults, name, optarg);
            if (side != 1)
                set_fault(&dirs[1].faults, name, optarg);
        } else {
            usage(stderr);
            exit(2);
        }
    }
    if (argc - optind != 2) {
        usage(stderr);
        exit(2);
    }
    names[0] = argv[optind];
    names[1] = argv[optind + 1];
    for (uint64_t i = 0; i < 2; i++)
        dirs[i].random = seed * 2 + i;
}

/* ---- the loop */

static void watch(int ep, int fd, uint32_t what)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u32 = what};

    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
        die("epoll: %s", strerror(errno));
}

static void set_timer(int fd, const struct direction dirs[2])
{
    struct itimerspec at = {0};
    nsec_t next = INT64_MAX;

    for (int i = 0; i < 2; i++)
        if (dirs[i].heap_len > 0 && dirs[i].heap[0]->due < next)
            next = dirs[i].heap[0]->due;
    if (next != INT64_MAX) {
        at.it_value.tv_sec = next / NSEC;
        at.it_value.tv_nsec = next % NSEC;
    }
    timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void run(struct direction dirs[2], int signals)
{
    enum { AT_A, AT_B, SIGNALS, TIMER };
    int ep = epoll_create1(EPOLL_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    if (ep < 0 || timer < 0)
        die("epoll, timerfd: %s", strerror(errno));
    watch(ep, dirs[0].in, AT_A);
    watch(ep, dirs[1].in, AT_B);
    watch(ep, signals, SIGNALS);
    watch(ep, timer, TIMER);
    for (;;) {
        struct epoll_event ev[4];
        int n = epoll_wait(ep, ev, 4, -1);
        nsec_t now = clock_now();

        for (int i = 0; i < n; i++) {
            uint64_t expired;

            if (ev[i].data.u32 == SIGNALS)
                return;
            if (ev[i].data.u32 == TIMER) {
                if (read(timer, &expired, sizeof(expired)) < 0)
                    continue;
            } else {
                struct direction *d = &dirs[ev[i].data.u32];
                int error;
                socklen_t len = sizeof(error);

                /* An interface that went away reports an error again and again unless it is
                 * taken. */
                getsockopt(d->in, SOL_SOCKET, SO_ERROR, &error, &len);
                receive(d, now);
            }
        }
        deliver_due(&dirs[0], now);
        deliver_due(&dirs[1], now);
        set_timer(timer, dirs);
    }
}

static void print_counts(const struct direction *d)
{
    const struct counts *c = &d->counts;
    struct tpacket_stats ring = {0};
    socklen_t len = sizeof(ring);

    /* The kernel's own drops (ring full) are not ours to plan: they are shown, so that no test
     * is misread. */
    getsockopt(d->in, SOL_PACKET, PACKET_STATISTICS, &ring, &len);
    printf("%s: %" PRIu64 " frames forwarded (%" PRIu64 " bytes), of %" PRIu64
           " TCP segments %" PRIu64 " dropped, %" PRIu64 " duplicated, %" PRIu64
           " reordered, %" PRIu64 " corrupted, %" PRIu64 " over the queue, %" PRIu64
           " over the MTU; %u missed\n",
           d->name, c->forwarded, c->bytes, c->segments, c->lost, c->duplicated, c->reordered,
           c->corrupted, c->overflowed, c->too_big, ring.tp_drops);
}

static int signals_open(void)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        die("signalfd: %s", strerror(errno));
    return fd;
}

int main(int argc, char *argv[])
{
    struct direction dirs[2] = {
        {.name = "A to B", .faults.reorder_by = 2000000},
        {.name = "B to A", .faults.reorder_by = 2000000},
    };
    const char *names[2];
    pid_t parent = getppid();
    int signals;

    parse_options(argc, argv, dirs, names);
    signals = signals_open();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        return 1;
    for (int i = 0; i < 2; i++)
        dirs[i].in = open_interface(&dirs[i], names[i]);
    dirs[0].out = dirs[1].in;
    dirs[1].out = dirs[0].in;
    printf("ready\n");
    fflush(stdout);
    run(dirs, signals);
    print_counts(&dirs[0]);
    print_counts(&dirs[1]);
    return 0;
}
