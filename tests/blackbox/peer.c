/*
 * peer: runs one script against the real segcat. In a private namespace it is the other end of a
 * veth pair and no kernel's TCP is behind its address. See README.md there for the language.
 *
 *     peer SEGCAT SCRIPT [6]      (interfaces sc0 and peer0, addresses as tests/blackbox/one makes)
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "peer.h"

#define TOKENS_MAX 64
#define CONNS_MAX  8
#define STREAM_MAX (1 << 21)
#define PATIENCE   (20 * 1000000LL) /* for what must happen, however slow the machine */

static const char *script_name;
static unsigned line_number;
static const char *segcat;
static int64_t watch;          /* when `start` was */
static long long segments;     /* segments of segcat's since then */
static long long round_number; /* of `repeat`, what % stands for */

static int sock = -1;
static uint8_t their_mac[6];
static int ifindex;
static bool v6_too;             /* the script of `option both`, the second time */
static struct address us, them; /* the peer (this program), and segcat */
static uint16_t their_port;

/* What belongs to one port of ours: `port N` goes over to another. */
static struct conn {
    uint16_t port;
    uint32_t our_isn, their_isn;
    bool their_isn_known;
    uint32_t our_nxt, their_nxt; /* what comes next, absolute */
    bool our_syn_ts, ts_ok;      /* our SYN, or both, had timestamps */
    uint32_t their_ts;
    unsigned our_mss, our_scale, their_scale; /* scales: only where both offered one */
    bool our_wscale, edges_known;
    uint32_t their_ack;
    uint32_t our_edge, their_edge; /* the furthest that each side's window has reached */
} conns[CONNS_MAX] = {{.port = 80, .our_isn = 0xfffffff0}}, *c = conns;

static int64_t last_event;                    /* when a frame was last sent or came */
static uint8_t last_bytes[PAYLOAD_MAX + 200]; /* the last frame that came, for ICMP to quote */
static size_t last_len;

static uint8_t written[STREAM_MAX]; /* segcat's stdin so far */
static size_t written_len;
static size_t read_len; /* of its stdout */

void fail(const char *fmt, ...)
{
    va_list ap;

    printf("# %s:%u: ", script_name, line_number);
    if (round_number > 0)
        printf("round %lld: ", round_number);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    for (const char *p = child_stderr(); *p != '\0';) {
        const size_t n = strcspn(p, "\n");

        printf("#   segcat: %.*s\n", (int)n, p);
        p += n + (p[n] == '\n');
    }
    child_kill();
    exit(1);
}

/* ---- words of a line */

struct line {
    char text[2048];
    char *word[TOKENS_MAX];
    int count;
    int at; /* the next word */
};

/* Words are apart by blanks; "..." is one word, with \n \t \\ \" and \xHH. */
static char *quoted(char *p, char **out)
{
    char *to = p;

    *out = to;
    for (; *p != '"'; p++) {
        if (*p == '\0')
            fail("a quote is not closed");
        if (*p != '\\') {
            *to++ = *p;
            continue;
        }
        p++;
        *to++ = (char)(*p == 'n' ? '\n' : *p == 't' ? '\t' : *p);
    }
    *to = '\0';
    return p + 1;
}

static void split(struct line *l)
{
    char *p = l->text;

    l->count = l->at = 0;
    for (;;) {
        while (isspace((unsigned char)*p))
            p++;
        if (*p == '\0' || *p == '#')
            return;
        if (l->count == TOKENS_MAX)
            fail("too many words");
        if (*p == '"') {
            p = quoted(p + 1, &l->word[l->count++]);
            continue;
        }
        l->word[l->count++] = p;
        while (*p != '\0' && !isspace((unsigned char)*p))
            p++;
        if (*p != '\0')
            *p++ = '\0';
    }
}

static const char *next_word(struct line *l)
{
    if (l->at == l->count)
        fail("a word is missing at the end");
    return l->word[l->at++];
}

/* N, N+% or N+M*%, where % is the round of `repeat`. */
static long long number(const char *text)
{
    char *end;
    long long v = strtoll(text, &end, 0), step = 1;

    if (end != text && *end == '+') {
        if (isdigit((unsigned char)end[1]))
            step = strtoll(end + 1, &end, 0);
        if (strcmp(end, step == 1 ? "+%" : "*%") != 0)
            fail("%s is no number", text);
        return v + step * round_number;
    }
    if (end == text || *end != '\0')
        fail("%s is no number", text);
    return v;
}

static int64_t duration(const char *text)
{
    char *end;
    const double v = strtod(text, &end);

    if (end != text && strcmp(end, "ms") == 0)
        return (int64_t)(v * 1000);
    if (end != text && strcmp(end, "s") == 0)
        return (int64_t)(v * 1000000);
    fail("%s is no time: give ms or s", text);
}

static size_t hex(const char *text, uint8_t *out, size_t max)
{
    size_t n = 0;
    unsigned v;

    for (; *text != '\0' && sscanf(text, "%2x", &v) == 1 && n < max; text += 2)
        out[n++] = (uint8_t)v;
    if (*text != '\0')
        fail("bad or too many hex digits");
    return n;
}

static unsigned flags_of(const char *text)
{
    static const char letters[] = "FSRP.UEW";
    unsigned flags = 0;

    for (; *text != '\0'; text++) {
        const char *const at = strchr(letters, *text);

        if (at == NULL)
            fail("flags are letters of %s", letters);
        flags |= 1U << (at - letters);
    }
    return flags;
}

/* PEER and SEGCAT: the two addresses, of either family. */
static const char *address_text(const char *word)
{
    const bool v6 = v6_too || us.v6;

    if (strcmp(word, "PEER") == 0)
        return v6 ? "2001:db8::2" : "192.0.2.2";
    if (strcmp(word, "SEGCAT") == 0)
        return v6 ? "2001:db8::1" : "192.0.2.1";
    return word;
}

static struct address address_of(const char *word)
{
    const char *const text = address_text(word);
    struct address a = {.v6 = strchr(text, ':') != NULL};

    if (inet_pton(a.v6 ? AF_INET6 : AF_INET, text, a.bytes) != 1)
        fail("%s is no address", text);
    return a;
}

/* ---- what segcat writes and what we send: bytes by their place */

static uint8_t our_byte(uint32_t at)
{
    return (uint8_t)('a' + at % 26);
}

static uint8_t stdin_byte(size_t at)
{
    return (uint8_t)('A' + at % 26);
}

/* ---- frames */

static void open_socket(bool v6)
{
    struct sockaddr_ll at = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP)};
    struct ifreq sc0 = {.ifr_name = "sc0"};

    const int on = 1;

    us = address_of(v6 ? "2001:db8::2" : "192.0.2.2");
    them = address_of(v6 ? "2001:db8::1" : "192.0.2.1");
    ifindex = (int)if_nametoindex("peer0");
    at.sll_ifindex = ifindex;
    sock = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, at.sll_protocol);
    setsockopt(sock, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    if (sock < 0 || bind(sock, (struct sockaddr *)&at, sizeof at) < 0)
        fail("packet socket: %s", strerror(errno));
    if (ioctl(sock, SIOCGIFHWADDR, &sc0) < 0)
        fail("there is no interface sc0: run me by tests/blackbox/one");
    memcpy(their_mac, sc0.ifr_hwaddr.sa_data, sizeof their_mac);
}

static void send_bytes(const uint8_t *p, size_t n, bool v6)
{
    struct sockaddr_ll to = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP),
                             .sll_ifindex = ifindex,
                             .sll_halen = 6};

    memcpy(to.sll_addr, their_mac, 6);
    last_event = clock_now(); /* before: what waits for it waits for longer than we see */
    if (sendto(sock, p, n, 0, (struct sockaddr *)&to, sizeof to) < 0)
        fail("cannot send %zu bytes: %s", n, strerror(errno));
}

static bool is_ours(const uint8_t *p, size_t n)
{
    const size_t len = us.v6 ? 16 : 4, at = us.v6 ? 24 : 16, proto = us.v6 ? 6 : 9;

    return n > at + len && p[proto] == 6 && memcmp(p + at, us.bytes, len) == 0;
}

/* What every segment of segcat's has to be. */
static void check_bytes(const struct frame *f)
{
    const uint32_t at = f->seq + !!(f->flags & F_SYN) - c->their_isn - 1;

    for (size_t i = 0; i < f->len && c->their_isn_known; i++)
        if (at + i >= written_len || f->payload[i] != written[at + i])
            fail("payload byte %zu of %s is not what was written", i,
                 frame_text(f, c->their_isn, c->our_isn));
}

static uint32_t later(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0 ? a : b;
}

/* What holds for every segment of an open connection, whatever the script says. */
static void check_limits(const struct frame *f)
{
    const uint32_t edge = f->ack + ((uint32_t)f->window << c->their_scale);

    if (f->len + f->options_len > c->our_mss)
        fail("larger than our MSS of %u (MUST-16): %s", c->our_mss,
             frame_text(f, c->their_isn, c->our_isn));
    /* a probe is one byte beyond */
    if (f->len > 0 && (int32_t)(f->seq + f->len - c->our_edge) > 1)
        fail("beyond the window that we announced: %s", frame_text(f, c->their_isn, c->our_isn));
    if (c->edges_known && (int32_t)(edge - c->their_edge) < 0)
        fail("its window's right edge moves back (SHLD-14): %s",
             frame_text(f, c->their_isn, c->our_isn));
    c->their_ack = f->ack;
    c->their_edge = edge;
    c->edges_known = true;
}

/* Of our SYN and of every segment that believes to be one of the connection. */
static void note_ours(const struct frame *f)
{
    const bool syn = (f->flags & F_SYN) != 0;

    if (syn) {
        c->our_mss = f->options & O_MSS ? f->mss : 0;
        c->our_mss = c->our_mss == 0 ? (us.v6 ? 1220 : 536) : c->our_mss < 48 ? 48 : c->our_mss;
        c->our_wscale = (f->options & O_WSCALE) != 0;
        c->our_scale = f->wscale > 14 ? 14 : f->wscale;
        c->our_edge = c->their_nxt;
        if (f->raw_options_len >= 0) /* only the script knows what that says */
            c->our_mss = 65535, c->our_edge += 1U << 30;
    }
    if (f->flags & F_ACK && !(f->flags & F_RST))
        c->our_edge = later(c->our_edge, f->ack + ((uint32_t)f->window
                                                   << (syn || !c->our_wscale ? 0 : c->our_scale)));
}

static void note(const struct frame *f)
{
    const uint32_t end = f->seq + (uint32_t)f->len + !!(f->flags & F_SYN) + !!(f->flags & F_FIN);

    if (f->flags & F_SYN) {
        c->their_isn = f->seq;
        c->their_isn_known = true;
        c->their_nxt = end;
        their_port = f->sport;
        c->edges_known = false;
        c->their_scale = f->wscale;
        if (f->flags & F_ACK && !(c->our_wscale && f->options & O_WSCALE))
            c->our_wscale = false, c->their_scale = 0;
        c->ts_ok = (f->options & O_TS) && (c->our_syn_ts || !(f->flags & F_ACK));
    }
    if (!(f->flags & F_RST) && (int32_t)(end - c->their_nxt) > 0)
        c->their_nxt = end;
    if (f->options & O_TS)
        c->their_ts = f->tsval;
    if (!(f->flags & (F_RST | F_SYN)) && c->their_isn_known)
        check_limits(f);
    check_bytes(f);
}

/* One packet into last_bytes, and when it came: this program may have been late to look. */
static ssize_t take(struct sockaddr_ll *from, int64_t *at)
{
    _Alignas(struct cmsghdr) char control[128];
    struct iovec iov = {.iov_base = last_bytes, .iov_len = sizeof last_bytes};
    struct msghdr msg = {.msg_name = from,
                         .msg_namelen = sizeof *from,
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof control};
    const ssize_t n = recvmsg(sock, &msg, 0);
    struct timespec now, stamp;

    *at = clock_now();
    for (struct cmsghdr *m = CMSG_FIRSTHDR(&msg); n > 0 && m != NULL; m = CMSG_NXTHDR(&msg, m)) {
        if (m->cmsg_level != SOL_SOCKET || m->cmsg_type != SO_TIMESTAMPNS)
            continue;
        memcpy(&stamp, CMSG_DATA(m), sizeof stamp);
        clock_gettime(CLOCK_REALTIME, &now);
        *at -= (now.tv_sec - stamp.tv_sec) * 1000000LL + (now.tv_nsec - stamp.tv_nsec) / 1000;
    }
    return n;
}

/* The next segment of segcat's, or false at the deadline. */
static bool receive(struct frame *f, int64_t deadline)
{
    for (;;) {
        struct pollfd fd = {.fd = sock, .events = POLLIN};
        const int64_t left = deadline - clock_now();
        struct sockaddr_ll from;
        const char *wrong;
        int64_t at;
        ssize_t n;

        if (poll(&fd, 1, left > 0 ? (int)(left / 1000 + 1) : 0) <= 0)
            return false;
        n = take(&from, &at);
        if (n <= 0 || from.sll_pkttype == PACKET_OUTGOING || !is_ours(last_bytes, (size_t)n))
            continue;
        last_len = (size_t)n;
        wrong = frame_parse(last_bytes, last_len, f);
        f->at = at;
        if (wrong != NULL)
            fail("segcat sent a bad packet: %s", wrong);
        if (f->dport != c->port || (c->their_isn_known && f->sport != their_port))
            continue;
        note(f);
        segments++;
        return true;
    }
}

/* ---- > : what must come */

struct wish {
    const char *flags;
    bool nopsh, has_blocks;
    bool has_seq, has_len, has_ack, has_win, has_ttl, has_tos, has_df;
    uint32_t seq; /* from segcat's ISN on */
    uint32_t ack;
    size_t len;
    long win;
    char win_how; /* '=', '<' or '>' */
    unsigned ttl, tos, df;
    unsigned opt, noopt;
    long mss, wscale, tsecr;
    unsigned blocks;
    uint32_t sack[BLOCKS_MAX][2];
    int64_t after, within;
};

/* @, @+N and @-N: from what segcat has acknowledged last. */
static uint32_t relative(const char *text, uint32_t base)
{
    if (text[0] == '@')
        return c->their_ack + (text[1] != '\0' ? (uint32_t)number(text + 1) : 0);
    return base + (uint32_t)number(text);
}

static unsigned read_blocks(const char *text, uint32_t base, uint32_t sack[BLOCKS_MAX][2])
{
    unsigned n = 0;

    while (*text != '\0' && n < BLOCKS_MAX) {
        long a, b;
        int used;

        if (sscanf(text, "%ld-%ld%n", &a, &b, &used) != 2)
            fail("SACK blocks are A-B,C-D");
        sack[n][0] = base + (uint32_t)a;
        sack[n++][1] = base + (uint32_t)b;
        text += used + (text[used] == ',');
    }
    return n;
}

static void wish_option(struct wish *w, const char *word)
{
    w->mss = strncmp(word, "mss=", 4) == 0 ? number(word + 4) : w->mss;
    w->wscale = strncmp(word, "wscale=", 7) == 0 ? number(word + 7) : w->wscale;
    w->tsecr = strncmp(word, "tsecr=", 6) == 0 ? number(word + 6) : w->tsecr;
    if (strncmp(word, "mss", 3) == 0)
        w->opt |= O_MSS;
    else if (strncmp(word, "wscale", 6) == 0)
        w->opt |= O_WSCALE;
    else if (strcmp(word, "sackok") == 0)
        w->opt |= O_SACKOK;
    else if (strncmp(word, "ts", 2) == 0)
        w->opt |= O_TS;
    else if (strcmp(word, "sack") == 0)
        w->opt |= O_SACK;
    else if (strncmp(word, "sack=", 5) == 0) {
        w->opt |= O_SACK;
        w->has_blocks = true;
        w->blocks = read_blocks(word + 5, c->our_isn, w->sack);
    } else
        fail("%s is not known behind >", word);
}

static unsigned option_named(const char *word)
{
    static const char *const names[] = {"mss", "wscale", "sackok", "ts", "sack", "other"};

    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(word, names[i]) == 0)
            return 1U << i;
    fail("%s is no option", word);
}

static void read_wish(struct line *l, struct wish *w)
{
    *w = (struct wish){.mss = -1, .wscale = -1, .tsecr = -1, .within = PATIENCE};
    w->flags = next_word(l);
    while (l->at < l->count) {
        const char *const word = next_word(l);

        if (strcmp(word, "seq") == 0)
            w->has_seq = true, w->seq = (uint32_t)number(next_word(l));
        else if (strcmp(word, "ack") == 0)
            w->has_ack = true, w->ack = relative(next_word(l), c->our_isn);
        else if (strcmp(word, "len") == 0)
            w->has_len = true, w->len = (size_t)number(next_word(l));
        else if (strcmp(word, "win") == 0) {
            const char *v = next_word(l);

            w->has_win = true;
            w->win_how = isdigit((unsigned char)*v) ? '=' : *v++;
            w->win = number(v);
        } else if (strcmp(word, "ttl") == 0)
            w->has_ttl = true, w->ttl = (unsigned)number(next_word(l));
        else if (strcmp(word, "tos") == 0)
            w->has_tos = true, w->tos = (unsigned)number(next_word(l));
        else if (strcmp(word, "df") == 0)
            w->has_df = true, w->df = (unsigned)number(next_word(l));
        else if (strcmp(word, "nopsh") == 0)
            w->nopsh = true;
        else if (strcmp(word, "no") == 0)
            w->noopt |= option_named(next_word(l));
        else if (strcmp(word, "after") == 0)
            w->after = duration(next_word(l));
        else if (strcmp(word, "within") == 0)
            w->within = duration(next_word(l));
        else
            wish_option(w, word);
    }
}

/* NULL, or what is not as wished. */
static const char *mismatch(const struct wish *w, const struct frame *f)
{
    const unsigned want = flags_of(w->flags);
    /* PSH only where the script names it. */
    const unsigned care = ~(want & F_PSH ? 0U : F_PSH);

    if ((f->flags & care) != want || (w->nopsh && f->flags & F_PSH))
        return "flags";
    if (w->has_seq && f->seq - c->their_isn != w->seq)
        return "seq";
    if (w->has_len && f->len != w->len)
        return "len";
    if (w->has_ack && f->ack != w->ack)
        return "ack";
    if (w->has_win && !(w->win_how == '='   ? f->window == w->win
                        : w->win_how == '<' ? f->window < w->win
                                            : f->window > w->win))
        return "win";
    if (w->has_ttl && f->ttl != w->ttl)
        return "ttl";
    if (w->has_tos && f->tos != w->tos)
        return "tos";
    if (w->has_df && f->df != !!w->df)
        return "df";
    if ((f->options & w->opt) != w->opt)
        return "a missing option";
    if (f->options & w->noopt)
        return "an option that must not be";
    if ((w->mss >= 0 && f->mss != w->mss) || (w->wscale >= 0 && f->wscale != w->wscale) ||
        (w->tsecr >= 0 && f->tsecr != (uint32_t)w->tsecr))
        return "an option's value";
    if (w->has_blocks &&
        (f->blocks != w->blocks || memcmp(f->sack, w->sack, w->blocks * sizeof w->sack[0]) != 0))
        return "SACK blocks";
    return NULL;
}

static void expect(struct line *l, bool skip)
{
    const int64_t begin = last_event;
    struct wish w;
    struct frame f;
    const char *wrong;

    read_wish(l, &w);
    for (;;) {
        if (!receive(&f, (skip || w.within == PATIENCE ? clock_now() : begin) + w.within))
            fail("nothing came, expected %s", w.flags);
        wrong = mismatch(&w, &f);
        if (wrong == NULL || !skip)
            break;
    }
    if (wrong != NULL)
        fail("%s is not as expected: %s", wrong, frame_text(&f, c->their_isn, c->our_isn));
    if (w.after > 0 && f.at - begin < w.after)
        fail("after %lld ms already: %s", (long long)(f.at - begin) / 1000,
             frame_text(&f, c->their_isn, c->our_isn));
    if (w.within != PATIENCE && f.at - begin > w.within)
        fail("only after %lld ms: %s", (long long)(f.at - begin) / 1000,
             frame_text(&f, c->their_isn, c->our_isn));
    last_event = f.at;
}

/* count MIN-MAX TIME FLAGS FIELD...: so many of such segments come in this time; others may too. */
static void count_segments(struct line *l)
{
    const char *const limits = next_word(l);
    const int64_t until = clock_now() + duration(next_word(l));
    int least, most, n = 0;
    struct wish w;
    struct frame f;

    if (sscanf(limits, "%d-%d", &least, &most) != 2)
        fail("%s: give MIN-MAX", limits);
    read_wish(l, &w);
    while (receive(&f, until))
        n += mismatch(&w, &f) == NULL;
    if (n < least || n > most)
        fail("%d of %s came, not %d to %d", n, w.flags, least, most);
}

/* ---- < : what is sent */

static bool send_word(struct line *l, struct frame *f, const char *word)
{
    if (strcmp(word, "win") == 0)
        f->window = (uint16_t)number(next_word(l));
    else if (strcmp(word, "urg") == 0)
        f->urgent = (uint16_t)number(next_word(l));
    else if (strcmp(word, "ttl") == 0)
        f->ttl = (uint8_t)number(next_word(l));
    else if (strcmp(word, "tos") == 0)
        f->tos = (uint8_t)number(next_word(l));
    else if (strcmp(word, "badsum") == 0)
        f->bad_sum = true;
    else if (strcmp(word, "partialsum") == 0)
        f->partial_sum = true;
    else if (strcmp(word, "badipsum") == 0)
        f->bad_ip_sum = true;
    else if (strcmp(word, "fragment") == 0)
        f->fragment = true;
    else if (strcmp(word, "fragments") == 0)
        f->fragment_size = (size_t)number(next_word(l));
    else if (strcmp(word, "doff") == 0)
        f->data_offset = (int)number(next_word(l));
    else if (strcmp(word, "iplen") == 0)
        f->ip_length = (int)number(next_word(l));
    else if (strcmp(word, "pad") == 0)
        f->padding = (size_t)number(next_word(l));
    else if (strcmp(word, "optraw") == 0)
        f->raw_options_len = (int)hex(next_word(l), f->raw_options, sizeof f->raw_options);
    else if (strcmp(word, "ipopt") == 0)
        f->ip_options_len = hex(next_word(l), f->ip_options, sizeof f->ip_options);
    else if (strcmp(word, "src") == 0)
        f->src = address_of(next_word(l));
    else if (strcmp(word, "dst") == 0)
        f->dst = address_of(next_word(l));
    else if (strcmp(word, "sport") == 0)
        f->sport = (uint16_t)number(next_word(l));
    else if (strcmp(word, "dport") == 0)
        f->dport = (uint16_t)number(next_word(l));
    else
        return false;
    return true;
}

static void send_option(struct frame *f, const char *word)
{
    if (strncmp(word, "mss=", 4) == 0)
        f->options |= O_MSS, f->mss = (uint16_t)number(word + 4);
    else if (strncmp(word, "wscale=", 7) == 0)
        f->options |= O_WSCALE, f->wscale = (uint8_t)number(word + 7);
    else if (strcmp(word, "sackok") == 0)
        f->options |= O_SACKOK;
    else if (strcmp(word, "ts") == 0)
        f->options |= O_TS;
    else if (strncmp(word, "tsval=", 6) == 0)
        f->options |= O_TS, f->tsval = (uint32_t)number(word + 6);
    else if (strncmp(word, "tsage=", 6) == 0) /* so many ms older than now */
        f->options |= O_TS, f->tsval -= (uint32_t)number(word + 6);
    else if (strncmp(word, "tsecr=", 6) == 0)
        f->options |= O_TS, f->tsecr = (uint32_t)number(word + 6);
    else if (strncmp(word, "sack=", 5) == 0) {
        f->options |= O_SACK;
        f->blocks = read_blocks(word + 5, c->their_isn, f->sack);
    } else
        fail("%s is not known behind <", word);
}

static void send_frame(struct line *l)
{
    static uint8_t payload[PAYLOAD_MAX], bytes[PAYLOAD_MAX + 400], piece[PAYLOAD_MAX + 400];
    struct frame f = {
        .src = us,
        .dst = them,
        .sport = c->port,
        .dport = their_port,
        .seq = c->our_nxt,
        .window = 65535,
        .ttl = 64,
        .df = true,
        .tsval = (uint32_t)(clock_now() / 1000),
        .tsecr = c->their_ts,
        .payload = payload,
        .raw_options_len = -1,
        .data_offset = -1,
        .ip_length = -1,
    };
    bool has_data = false, no_ts = false, keep = false;
    uint32_t end;
    size_t n, len;

    f.flags = flags_of(next_word(l));
    f.ack = f.flags & F_ACK ? c->their_nxt : 0;
    if (f.flags & F_SYN)
        f.seq = c->our_isn;
    while (l->at < l->count) {
        const char *const word = next_word(l);

        if (strcmp(word, "seq") == 0)
            f.seq = relative(next_word(l), c->our_isn);
        else if (strcmp(word, "ack") == 0)
            f.ack = relative(next_word(l), c->their_isn);
        else if (strcmp(word, "len") == 0)
            f.len = (size_t)number(next_word(l));
        else if (strcmp(word, "data") == 0) {
            const char *const text = next_word(l);

            has_data = true;
            f.len = strlen(text);
            memcpy(payload, text, f.len);
        } else if (strcmp(word, "nots") == 0)
            no_ts = true;
        else if (strcmp(word, "keep") == 0)
            keep = true; /* c->our_nxt stays: a forgery, or something to be lost */
        else if (!send_word(l, &f, word))
            send_option(&f, word);
    }
    if (f.len > PAYLOAD_MAX)
        fail("too much payload");
    for (size_t i = 0; i < f.len && !has_data; i++)
        payload[i] = our_byte(f.seq + !!(f.flags & F_SYN) - c->our_isn - 1 + (uint32_t)i);
    if (f.flags & F_SYN)
        c->our_syn_ts = (f.options & O_TS) != 0;
    else if (c->ts_ok && !no_ts && f.raw_options_len < 0)
        f.options |= O_TS;
    if (f.flags & F_SYN && f.flags & F_ACK)
        c->ts_ok = c->ts_ok && c->our_syn_ts;
    if (f.flags & F_SYN && f.flags & F_ACK && !keep && !(f.options & O_WSCALE))
        c->their_scale = 0;
    if (!keep || !(f.flags & F_SYN))
        note_ours(&f);
    end = f.seq + (uint32_t)f.len + !!(f.flags & F_SYN) + !!(f.flags & F_FIN);
    if (!keep && (f.flags & F_SYN || (int32_t)(end - c->our_nxt) > 0))
        c->our_nxt = end;
    n = frame_build(&f, bytes);
    if (f.fragment_size == 0)
        send_bytes(bytes, n, f.src.v6);
    for (size_t i = 0; f.fragment_size > 0 && (len = frame_piece(&f, bytes, n, i, piece)) > 0; i++)
        send_bytes(piece, len, false);
}

static void send_icmp(struct line *l)
{
    const unsigned type = (unsigned)number(next_word(l)), code = (unsigned)number(next_word(l));
    uint8_t buf[2048], quote[1200];
    size_t n = last_len < (us.v6 ? 1200U : 28U) ? last_len : us.v6 ? 1200U : 28U;
    struct address from = us;
    uint32_t rest = 0;

    if (last_len == 0)
        fail("nothing has come that could be quoted");
    memcpy(quote, last_bytes, n);
    while (l->at < l->count) {
        const char *const word = next_word(l);

        if (strcmp(word, "mtu") == 0)
            rest = (uint32_t)number(next_word(l));
        else if (strcmp(word, "from") == 0)
            from = address_of(next_word(l));
        else if (strcmp(word, "sport") == 0) {
            const uint16_t port = htons((uint16_t)number(next_word(l)));

            memcpy(quote + (us.v6 ? 40 : 20), &port, 2);
        } else if (strcmp(word, "seq") == 0) {
            const uint32_t seq = htonl(relative(next_word(l), c->their_isn));

            memcpy(quote + (us.v6 ? 44 : 24), &seq, 4);
        } else
            fail("%s is not known behind icmp", word);
    }
    send_bytes(buf, frame_icmp(&from, &them, type, code, rest, quote, n, buf), us.v6);
}

/* ---- the other statements */

static void option(struct line *l)
{
    const char *const word = next_word(l);

    if (strcmp(word, "v6") == 0)
        open_socket(true);
    else if (strcmp(word, "both") == 0)
        open_socket(v6_too);
    else if (strcmp(word, "isn") == 0)
        c->our_isn = (uint32_t)number(next_word(l));
    else if (strcmp(word, "port") == 0)
        c->port = (uint16_t)number(next_word(l));
    else
        fail("%s is not known behind option", word);
}

/* run ARGUMENT...: a port that it listens on is the destination of what we send. */
static void run(struct line *l)
{
    char *argv[TOKENS_MAX + 1] = {(char *)(uintptr_t)segcat};
    int n = 1;
    bool listens = false;

    while (l->at < l->count) {
        argv[n] = (char *)(uintptr_t)address_text(next_word(l));
        listens = listens || (argv[n][0] == '-' && argv[n][1] != '-' && strchr(argv[n], 'l'));
        n++;
    }
    argv[n] = NULL;
    if (sock < 0)
        open_socket(false);
    c->our_nxt = c->our_isn;
    if (listens)
        their_port = (uint16_t)number(argv[n - 1]);
    last_event = clock_now();
    child_start(argv);
    if (listens && !child_says("Listening on", clock_now() + PATIENCE))
        fail("it does not say that it listens (run it with -v)");
}

static void write_stdin(struct line *l)
{
    const char *const word = next_word(l);
    const bool text = !isdigit((unsigned char)word[0]);
    const size_t n = text ? strlen(word) : (size_t)number(word);
    uint8_t *const at = written + written_len;

    last_event = clock_now();

    if (written_len + n > sizeof written)
        fail("too much is written");
    for (size_t i = 0; i < n; i++)
        at[i] = text ? (uint8_t)word[i] : stdin_byte(written_len + i);
    written_len += n;
    child_write(at, n);
}

static void read_stdout(struct line *l)
{
    static uint8_t got[STREAM_MAX];
    const char *const word = next_word(l);
    const bool text = !isdigit((unsigned char)word[0]);
    const size_t n = text ? strlen(word) : (size_t)number(word);
    const size_t came = child_read(got, n < sizeof got ? n : sizeof got, clock_now() + PATIENCE);

    if (came != n)
        fail("%zu bytes of %zu came out", came, n);
    for (size_t i = 0; i < n; i++)
        if (got[i] != (text ? (uint8_t)word[i] : our_byte((uint32_t)(read_len + i))))
            fail("byte %zu of what came out is %02x, not what was sent", i, got[i]);
    read_len += n;
}

static void nothing(struct line *l)
{
    struct frame f;

    if (receive(&f, clock_now() + duration(next_word(l))))
        fail("nothing was expected: %s", frame_text(&f, c->their_isn, c->our_isn));
}

/* came MIN-MAX: so many segments since `start`. */
static void came_since(struct line *l)
{
    int least, most;

    if (sscanf(next_word(l), "%d-%d", &least, &most) != 2)
        fail("give MIN-MAX");
    if (segments < least || segments > most)
        fail("%lld segments came, not %d to %d", segments, least, most);
}

/* took TIME, lasted TIME: so long, at most or at least, since `start`. */
static void took(struct line *l, bool least)
{
    const int64_t limit = duration(next_word(l)), time = clock_now() - watch;

    if (least ? time < limit : time > limit)
        fail("it took %lld ms", (long long)time / 1000);
}

/* port N: what follows is about the connection from this port of ours. */
static void change_port(struct line *l)
{
    const uint16_t port = (uint16_t)number(next_word(l));
    const uint32_t isn = conns[0].our_isn;

    for (c = conns; c->port != 0 && c->port != port; c++)
        if (c == conns + CONNS_MAX - 1)
            fail("too many ports");
    if (c->port == 0)
        *c = (struct conn){.port = port, .our_isn = isn, .our_nxt = isn};
}

static void expect_exit(struct line *l)
{
    const int want = (int)number(next_word(l)), status = child_wait(clock_now() + PATIENCE);

    if (status != want)
        fail(status < 0 ? "it does not end" : "exit status %d, not %d", status, want);
}

static void statement(struct line *l);

/* The opening in one word: with the options that follow in our SYN or SYN,ACK; `rtt TIME` before
 * them makes segcat measure so much. */
static void handshake(struct line *l, const char *const steps[3])
{
    char rest[1024] = "";
    int64_t rtt = 0;

    if (l->at < l->count && strcmp(l->word[l->at], "rtt") == 0) {
        l->at++;
        rtt = duration(next_word(l));
    }
    while (l->at < l->count) {
        strncat(rest, " ", sizeof rest - strlen(rest) - 1);
        strncat(rest, next_word(l), sizeof rest - strlen(rest) - 1);
    }
    for (int i = 0; i < 3; i++) {
        struct line one;
        struct frame f;
        const bool syn = steps[i][0] == '<' && strchr(steps[i], 'S') != NULL;

        snprintf(one.text, sizeof one.text, "%s%s", steps[i], syn ? rest : "");
        split(&one);
        statement(&one);
        if (rtt > 0 && steps[i][0] == '>' && strchr(steps[i], 'S') != NULL &&
            receive(&f, clock_now() + rtt))
            fail("it did not wait for %lld ms", (long long)rtt / 1000);
    }
}

/* repeat N STATEMENT [; STATEMENT]...: % in their numbers counts from 0. */
static void repeat(struct line *l)
{
    const long long rounds = number(next_word(l));
    const int first = l->at, count = l->count;

    for (round_number = 0; round_number < rounds; round_number++)
        for (int at = first, end; at < count; at = end + 1) {
            for (end = at; end < count && strcmp(l->word[end], ";") != 0; end++)
                continue;
            l->at = at;
            l->count = end;
            statement(l);
        }
    l->at = l->count = count;
    round_number = 0;
}

static void statement(struct line *l)
{
    static const char *const active[3] = {"> S", "< S.", "> ."};
    static const char *const passive[3] = {"< S", "> S.", "< ."};
    const char *const word = next_word(l);

    if (strcmp(word, ">") == 0)
        expect(l, false);
    else if (strcmp(word, ">~") == 0)
        expect(l, true);
    else if (strcmp(word, "<") == 0)
        send_frame(l);
    else if (strcmp(word, "icmp") == 0)
        send_icmp(l);
    else if (strcmp(word, "nothing") == 0)
        nothing(l);
    else if (strcmp(word, "count") == 0)
        count_segments(l);
    else if (strcmp(word, "repeat") == 0)
        repeat(l);
    else if (strcmp(word, "start") == 0)
        watch = clock_now(), segments = 0;
    else if (strcmp(word, "came") == 0)
        came_since(l);
    else if (strcmp(word, "took") == 0)
        took(l, false);
    else if (strcmp(word, "lasted") == 0)
        took(l, true);
    else if (strcmp(word, "port") == 0)
        change_port(l);
    else if (strcmp(word, "connect") == 0)
        handshake(l, active);
    else if (strcmp(word, "accept") == 0)
        handshake(l, passive);
    else if (strcmp(word, "option") == 0)
        option(l);
    else if (strcmp(word, "run") == 0)
        run(l);
    else if (strcmp(word, "write") == 0)
        write_stdin(l);
    else if (strcmp(word, "close") == 0)
        child_close();
    else if (strcmp(word, "read") == 0)
        read_stdout(l);
    else if (strcmp(word, "closeout") == 0)
        child_close_output();
    else if (strcmp(word, "signal") == 0)
        child_signal((int)number(next_word(l)));
    else if (strcmp(word, "stderr") == 0) {
        const char *const text = next_word(l);

        if (!child_says(text, clock_now() + PATIENCE))
            fail("it does not say \"%s\"", text);
    } else if (strcmp(word, "unsaid") == 0) {
        const char *const text = next_word(l);

        if (strstr(child_stderr(), text) != NULL)
            fail("it says \"%s\"", text);
    } else if (strcmp(word, "exit") == 0)
        expect_exit(l);
    else
        fail("%s is no statement", word);
    if (l->at < l->count)
        fail("%s is too much", l->word[l->at]);
}

int main(int argc, char *argv[])
{
    struct line l;
    FILE *f;

    v6_too = argc == 4 && strcmp(argv[3], "6") == 0;
    if (argc < 3 || argc != 3 + v6_too || (f = fopen(argv[2], "r")) == NULL) {
        fprintf(stderr, "usage: peer SEGCAT SCRIPT [6]\n");
        return 2;
    }
    segcat = argv[1];
    script_name = argv[2];
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    while (fgets(l.text, sizeof l.text, f) != NULL) {
        line_number++;
        split(&l);
        if (l.count > 0)
            statement(&l);
    }
    fclose(f);
    child_kill();
    return 0;
}
