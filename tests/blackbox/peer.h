/*
 * The scripted peer: one segcat as its child, one packet socket, and a script that says what must
 * come and what is sent. The codec here is its own, so that a mistake of segcat's cannot hide.
 *
 * peer.c has the program and the script's statements, frame.c packets as bytes, child.c the segcat
 * that is tested.
 */
#ifndef SEGCAT_TESTS_BLACKBOX_PEER_H
#define SEGCAT_TESTS_BLACKBOX_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define F_FIN 0x01U
#define F_SYN 0x02U
#define F_RST 0x04U
#define F_PSH 0x08U
#define F_ACK 0x10U
#define F_URG 0x20U
#define F_ECE 0x40U
#define F_CWR 0x80U

#define PAYLOAD_MAX 66000
#define BLOCKS_MAX  4

/* Ends the test with a line that names the script's line. */
void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* ---- frame.c */

struct address {
    bool v6;
    uint8_t bytes[16];
};

enum opt_bit { O_MSS = 1, O_WSCALE = 2, O_SACKOK = 4, O_TS = 8, O_SACK = 16, O_OTHER = 32 };

struct frame {
    struct address src, dst;
    uint16_t sport, dport;
    uint32_t seq, ack;
    unsigned flags;
    uint16_t window, urgent;
    uint8_t ttl, tos;
    bool df;
    unsigned options; /* enum opt_bit */
    uint16_t mss;
    uint8_t wscale;
    uint32_t tsval, tsecr;
    unsigned blocks;
    uint32_t sack[BLOCKS_MAX][2];
    const uint8_t *payload;
    size_t len;
    size_t options_len;
    int64_t at; /* when it came */

    /* only for what is built: ways to be wrong */
    uint8_t raw_options[40]; /* in place of those above */
    int raw_options_len;     /* -1: none given */
    uint8_t ip_options[40];
    size_t ip_options_len;
    int data_offset; /* words; -1: the right one */
    int ip_length;   /* the length field; -1: the right one */
    size_t padding;  /* bytes behind the packet */
    bool bad_sum;
    bool partial_sum; /* of the pseudo-header alone, as offload leaves it */
    bool bad_ip_sum;
    bool fragment;        /* more fragments to come */
    size_t fragment_size; /* sent in fragments of so many bytes (IPv4) */
};

/* The packet's bytes into buf (room for PAYLOAD_MAX + 200). Returns how many. */
size_t frame_build(const struct frame *f, uint8_t *buf);

/* The i-th fragment of a packet that frame_build() has made. Returns its length, 0 if there is none. */
size_t frame_piece(const struct frame *f, const uint8_t *whole, size_t n, size_t i, uint8_t *buf);

/* Reads a packet. Returns NULL, or what is wrong with it: segcat must never send such a thing. */
const char *frame_parse(const uint8_t *p, size_t len, struct frame *f);

/* An ICMP(v6) error that quotes the given packet's first bytes. */
size_t frame_icmp(const struct address *from, const struct address *to, unsigned type,
                  unsigned code, uint32_t rest, const uint8_t *quote, size_t quote_len,
                  uint8_t *buf);

/* In tcpdump's way, into a static buffer; numbers relative to the two ISNs. */
const char *frame_text(const struct frame *f, uint32_t seq_base, uint32_t ack_base);

/* ---- child.c */

/* Starts segcat with these arguments. */
void child_start(char *const argv[]);
/* Bytes into its stdin, all of them (it must take them). */
void child_write(const void *p, size_t n);
void child_close(void);
/* Nobody reads its stdout any more. */
void child_close_output(void);
/* Waits for n bytes of its stdout, at most until the deadline. Returns how many came. */
size_t child_read(void *p, size_t n, int64_t deadline);
/* Waits until its stderr, from where the last call stopped, has this text. */
bool child_says(const char *text, int64_t deadline);
/* All that its stderr has said. */
const char *child_stderr(void);
void child_signal(int sig);
/* Waits for its end: the exit status, 128 + n for a signal, -1 if it does not end. */
int child_wait(int64_t deadline);
void child_kill(void);

/* Microseconds of CLOCK_MONOTONIC. */
int64_t clock_now(void);

#endif
