/*
 * TCP options, bytes <-> struct tcp_options. Pure; reads and writes only what it is given.
 */
#include "segcat/wire/options.h"

#include <string.h>

#include "segcat/wire/bytes.h"

enum kind {
    KIND_END = 0,
    KIND_NOP = 1,
    KIND_MSS = 2,
    KIND_WSCALE = 3,
    KIND_SACK_PERMITTED = 4,
    KIND_SACK = 5,
    KIND_TIMESTAMPS = 8,
};

enum {
    LEN_MSS = 4,
    LEN_WSCALE = 3,
    LEN_SACK_PERMITTED = 2,
    LEN_SACK_BLOCK = 8,
    LEN_TIMESTAMPS = 10,
};

/* The bit of a kind, OPT_UNKNOWN for one that we do not know. */
static uint16_t kind_bit(uint8_t kind)
{
    switch (kind) {
    case KIND_MSS:
        return OPT_MSS;
    case KIND_WSCALE:
        return OPT_WSCALE;
    case KIND_SACK_PERMITTED:
        return OPT_SACK_PERMITTED;
    case KIND_SACK:
        return OPT_SACK;
    case KIND_TIMESTAMPS:
        return OPT_TIMESTAMPS;
    default:
        return OPT_UNKNOWN;
    }
}

/* Whether an option of a known kind may have this length (MUST-7: if not, it is not used). */
static bool length_is_right(uint8_t kind, size_t len)
{
    switch (kind) {
    case KIND_MSS:
        return len == LEN_MSS;
    case KIND_WSCALE:
        return len == LEN_WSCALE;
    case KIND_SACK_PERMITTED:
        return len == LEN_SACK_PERMITTED;
    case KIND_SACK: /* RFC 2018 section 3: 8n + 2 */
        return len > 2 && len % LEN_SACK_BLOCK == 2 && len <= 2 + SACK_BLOCKS_MAX * LEN_SACK_BLOCK;
    case KIND_TIMESTAMPS:
        return len == LEN_TIMESTAMPS;
    default:
        return true;
    }
}

static void read_sack(const uint8_t *p, size_t len, struct tcp_options *out)
{
    out->sack_count = (uint8_t)(len / LEN_SACK_BLOCK);
    for (size_t i = 0; i < out->sack_count; i++) {
        out->sack[i].left = load_be32(p + 2 + i * LEN_SACK_BLOCK);
        out->sack[i].right = load_be32(p + 6 + i * LEN_SACK_BLOCK);
    }
}

/* Takes one option of at least two bytes whose length lies inside the area. */
static void read_option(const uint8_t *p, size_t len, struct tcp_options *out)
{
    const uint8_t kind = p[0];
    const uint16_t bit = kind_bit(kind);

    if (!length_is_right(kind, len)) {
        out->present |= OPT_MALFORMED;
        return;
    }
    if (out->present & bit) {
        return; /* the first of a repeated option wins */
    }
    out->present |= bit;
    switch (kind) {
    case KIND_MSS:
        out->mss = load_be16(p + 2);
        break;
    case KIND_WSCALE:
        out->wscale = p[2];
        break;
    case KIND_SACK:
        read_sack(p, len, out);
        break;
    case KIND_TIMESTAMPS:
        out->tsval = load_be32(p + 2);
        out->tsecr = load_be32(p + 6);
        break;
    default: /* nothing inside, or nothing that we know: MUST-6 */
        break;
    }
}

void tcp_options_parse(const uint8_t *p, size_t len, struct tcp_options *out)
{
    memset(out, 0, sizeof *out);
    for (size_t at = 0; at < len;) {
        if (p[at] == KIND_END) { /* MUST-4: what follows is padding, whatever it says */
            return;
        }
        if (p[at] == KIND_NOP) {
            at++;
            continue;
        }
        /* MUST-7: without a believable length nothing behind this option can be found */
        if (len - at < 2 || p[at + 1] < 2 || p[at + 1] > len - at) {
            out->present |= OPT_MALFORMED;
            return;
        }
        read_option(p + at, p[at + 1], out);
        at += p[at + 1];
    }
}

/* The bytes that all options but SACK take. Each stands on its own multiple of four. */
static size_t fixed_len(uint16_t present)
{
    size_t len = 0;

    len += present & OPT_MSS ? 4 : 0;
    len += present & OPT_TIMESTAMPS ? 12 : 0;
    /* SACK-permitted takes the place of the timestamps' two NOPs */
    len += (present & (OPT_SACK_PERMITTED | OPT_TIMESTAMPS)) == OPT_SACK_PERMITTED ? 4 : 0;
    len += present & OPT_WSCALE ? 4 : 0;
    return len;
}

/* How many of the SACK blocks are wanted and have room. */
static size_t sack_blocks(const struct tcp_options *opt)
{
    const size_t room = (TCP_OPTIONS_MAX - fixed_len(opt->present) - 4) / LEN_SACK_BLOCK;

    if ((opt->present & OPT_SACK) == 0) {
        return 0;
    }
    return opt->sack_count < room ? opt->sack_count : room;
}

size_t tcp_options_len(const struct tcp_options *opt)
{
    const size_t blocks = sack_blocks(opt);

    return fixed_len(opt->present) + (blocks != 0 ? 4 + blocks * LEN_SACK_BLOCK : 0);
}

/* Four bytes: an option of two behind two NOPs, or the start of a longer one. */
static uint8_t *put_after_nops(uint8_t *p, uint8_t kind, size_t len)
{
    p[0] = KIND_NOP;
    p[1] = KIND_NOP;
    p[2] = kind;
    p[3] = (uint8_t)len;
    return p + 4;
}

static uint8_t *put_timestamps(uint8_t *p, const struct tcp_options *opt)
{
    put_after_nops(p, KIND_TIMESTAMPS, LEN_TIMESTAMPS);
    if (opt->present & OPT_SACK_PERMITTED) {
        p[0] = KIND_SACK_PERMITTED;
        p[1] = LEN_SACK_PERMITTED;
    }
    store_be32(p + 4, opt->tsval);
    store_be32(p + 8, opt->tsecr);
    return p + 12;
}

static uint8_t *put_sack(uint8_t *p, const struct tcp_options *opt, size_t blocks)
{
    p = put_after_nops(p, KIND_SACK, 2 + blocks * LEN_SACK_BLOCK);
    for (size_t i = 0; i < blocks; i++, p += LEN_SACK_BLOCK) {
        store_be32(p, opt->sack[i].left);
        store_be32(p + 4, opt->sack[i].right);
    }
    return p;
}

size_t tcp_options_build(const struct tcp_options *opt, uint8_t *buf)
{
    const size_t blocks = sack_blocks(opt);
    uint8_t *p = buf;

    /* Everything keeps to multiples of four, so that no padding is left to do (MUST-69). */
    if (opt->present & OPT_MSS) {
        p[0] = KIND_MSS;
        p[1] = LEN_MSS;
        store_be16(p + 2, opt->mss);
        p += 4;
    }
    if (opt->present & OPT_TIMESTAMPS) {
        p = put_timestamps(p, opt);
    } else if (opt->present & OPT_SACK_PERMITTED) {
        p = put_after_nops(p, KIND_SACK_PERMITTED, LEN_SACK_PERMITTED);
    }
    if (opt->present & OPT_WSCALE) {
        p[0] = KIND_NOP;
        p[1] = KIND_WSCALE;
        p[2] = LEN_WSCALE;
        p[3] = opt->wscale;
        p += 4;
    }
    if (blocks != 0) {
        p = put_sack(p, opt, blocks);
    }
    return (size_t)(p - buf);
}
