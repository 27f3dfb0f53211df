/*
 * Numbers, times and untrusted bytes as text. Touches nothing but its arguments and the names of
 * interfaces.
 */
#include "segcat/trace/format.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* --- addresses --- */

const char *format_address(const struct ip_addr *a, char buf[ADDRESS_TEXT_MAX])
{
    const int family = a->version == IP_V6 ? AF_INET6 : AF_INET;
    char name[IF_NAMESIZE];
    size_t len;

    if (a->version != IP_V4 && a->version != IP_V6) {
        memcpy(buf, "?", 2);
        return buf;
    }
    if (inet_ntop(family, a->bytes, buf, ADDRESS_TEXT_MAX) == NULL)
        buf[0] = '\0';
    if (a->version == IP_V6 && a->scope_id != 0) {
        len = strlen(buf);
        if (if_indextoname(a->scope_id, name) != NULL) {
            snprintf(buf + len, ADDRESS_TEXT_MAX - len, "%%%s", name);
        } else {
            snprintf(buf + len, ADDRESS_TEXT_MAX - len, "%%%" PRIu32, a->scope_id);
        }
    }
    return buf;
}

const char *format_endpoint(const struct endpoint *e, char sep, char buf[ENDPOINT_TEXT_MAX])
{
    char address[ADDRESS_TEXT_MAX];
    const bool brackets = e->ip.version == IP_V6 && sep == ':';

    format_address(&e->ip, address);
    snprintf(buf, ENDPOINT_TEXT_MAX, "%s%s%s%c%u", brackets ? "[" : "", address,
             brackets ? "]" : "", sep, (unsigned)e->port);
    return buf;
}

/* --- times and rates --- */

/* One way to write a time: in steps of `step` microseconds, below `limit` steps. */
struct scale {
    usec_t step;
    usec_t limit;
    unsigned decimals;
    const char *unit;
};

static const struct scale scales[] = {
    {1, 1000, 0, "us"},
    {10, 1000, 2, "ms"},
    {100, 1000, 1, "ms"},
    {USEC_MS, 1000, 0, "ms"},
    {USEC_MS, 10000, 3, "s"},
    {10 * USEC_MS, 10000, 2, "s"},
    {100 * USEC_MS, 10000, 1, "s"},
    {USEC_SEC, USEC_NEVER, 0, "s"},
};

static usec_t rounded(usec_t d, usec_t step)
{
    return d / step + (d % step >= (step + 1) / 2 ? 1 : 0);
}

const char *format_duration(usec_t d, char buf[DURATION_TEXT_MAX])
{
    const struct scale *s = scales;
    usec_t steps, whole = 1;

    while (rounded(d, s->step) >= s->limit)
        s++;
    steps = rounded(d, s->step);
    for (unsigned i = 0; i < s->decimals; i++)
        whole *= 10;
    if (s->decimals == 0) {
        snprintf(buf, DURATION_TEXT_MAX, "%" PRIu64 " %s", steps, s->unit);
    } else {
        snprintf(buf, DURATION_TEXT_MAX, "%" PRIu64 ".%0*" PRIu64 " %s", steps / whole,
                 (int)s->decimals, steps % whole, s->unit);
    }
    return buf;
}

const char *format_setting(usec_t d, char buf[DURATION_TEXT_MAX])
{
    char *dot, *unit, *last;

    format_duration(d, buf);
    dot = strchr(buf, '.');
    if (dot == NULL)
        return buf;
    unit = strchr(dot, ' ');
    last = unit;
    while (last[-1] == '0')
        last--;
    if (last - 1 == dot)
        last = dot;
    memmove(last, unit, strlen(unit) + 1);
    return buf;
}

const char *format_rate(uint64_t bytes, usec_t over, char buf[RATE_TEXT_MAX])
{
    static const char *const units[] = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s", "PB/s"};
    const double seconds = (double)(over > 0 ? over : 1) / (double)USEC_SEC;
    double rate = (double)bytes / seconds;
    size_t u = 0;
    int decimals = 0;

    while (rate >= 999.5 && u + 1 < sizeof units / sizeof units[0]) {
        rate /= 1000.0;
        u++;
    }
    if (u > 0)
        decimals = rate < 9.995 ? 2 : rate < 99.95 ? 1 : 0;
    snprintf(buf, RATE_TEXT_MAX, "%.*f %s", decimals, rate, units[u]);
    return buf;
}

/* --- control bits --- */

const char *format_flags(unsigned flags, char buf[FLAGS_TEXT_MAX])
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {
        {SEG_SYN, "SYN"}, {SEG_FIN, "FIN"}, {SEG_RST, "RST"}, {SEG_PSH, "PSH"}, {SEG_URG, "URG"},
        {SEG_ACK, "ACK"}, {SEG_ECE, "ECE"}, {SEG_CWR, "CWR"}, {SEG_AE, "AE"},
    };
    size_t len = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((flags & names[i].bit) != 0) {
            if (len > 0)
                buf[len++] = ',';
            memcpy(buf + len, names[i].name, strlen(names[i].name));
            len += strlen(names[i].name);
        }
    }
    if (len == 0) {
        memcpy(buf, "none", 4);
        len = 4;
    }
    buf[len] = '\0';
    return buf;
}

/* --- untrusted bytes --- */

/* One byte that must not be printed as it is. Returns the characters written, at most 4. */
static size_t escape(uint8_t byte, char out[4])
{
    static const char hex[] = "0123456789abcdef";
    static const struct {
        uint8_t byte;
        char letter;
    } short_forms[] = {{'\n', 'n'}, {'\r', 'r'}, {'\t', 't'},
                       {0x1b, 'e'}, {'"', '"'},  {'\\', '\\'}};

    out[0] = '\\';
    for (size_t i = 0; i < sizeof short_forms / sizeof short_forms[0]; i++) {
        if (byte == short_forms[i].byte) {
            out[1] = short_forms[i].letter;
            return 2;
        }
    }
    out[1] = 'x';
    out[2] = hex[byte >> 4];
    out[3] = hex[byte & 15];
    return 4;
}

static size_t escape_payload(uint8_t byte, char out[4])
{
    if (byte >= 0x20 && byte <= 0x7e && byte != '"' && byte != '\\') {
        out[0] = (char)byte;
        return 1;
    }
    return escape(byte, out);
}

/* Byte number i of a payload in two pieces. */
static uint8_t payload_byte(const struct slice data[2], size_t i)
{
    return i < data[0].len ? data[0].data[i] : data[1].data[i - data[0].len];
}

const char *format_payload(const struct slice data[2], size_t width, char *buf, size_t cap)
{
    static const char dots[] = "...";
    const size_t total = data[0].len + data[1].len;
    const size_t room = width < cap ? width : cap - 1;
    size_t len = 1, fits = 1; /* fits: as much as leaves room for the closing quote and the dots */
    size_t i;

    buf[0] = '\0';
    if (room < 5)
        return buf;
    buf[0] = '"';
    for (i = 0; i < total; i++) {
        char piece[4];
        const size_t n = escape_payload(payload_byte(data, i), piece);

        if (len + n + 1 > room)
            break;
        memcpy(buf + len, piece, n);
        len += n;
        if (len + 1 + strlen(dots) <= room)
            fits = len;
    }
    if (i == total) {
        buf[len++] = '"';
        buf[len] = '\0';
        return buf;
    }
    buf[fits] = '"';
    memcpy(buf + fits + 1, dots, sizeof dots);
    return buf;
}

/*
 * The length of the UTF-8 character at p if it is whole, well-formed and no control character;
 * else 0.
 */
static size_t utf8_printable(const uint8_t *p)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    uint32_t c;

    if (len <= 1)
        return len == 1 && p[0] >= 0x20 && p[0] != 0x7f ? 1 : 0;
    c = (uint32_t)p[0] & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fU);
    }
    /* C1 controls, surrogates, and the marks that turn text round on a terminal. */
    if (c < 0xa0 || c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ||
        (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
        (c >= 0x2066 && c <= 0x2069)) {
        return 0;
    }
    return len;
}

const char *format_printable(const char *text, char *buf, size_t cap)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t len = 0;

    while (*p != 0) {
        const size_t whole = utf8_printable(p);
        char piece[4];
        const size_t n = whole > 0 ? whole : escape(*p, piece);

        if (len + n >= cap)
            break;
        memcpy(buf + len, whole > 0 ? (const char *)p : piece, n);
        len += n;
        p += whole > 0 ? whole : 1;
    }
    buf[len] = '\0';
    return buf;
}
