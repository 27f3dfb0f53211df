/*
 * A peer of ours that speaks TCP as it likes: a small TCP of its own (go-back-N, an ACK for each
 * segment), made independently of src/tcp, with bad habits.
 *
 * hostile.c is the small TCP, attacks.c what it does on purpose.
 */
#ifndef SEGCAT_SIM_HOSTILE_H
#define SEGCAT_SIM_HOSTILE_H

#include "sim.h"

/* struct sim_script_params.habits */
enum hostile_habit {
    /* how it acknowledges */
    HABIT_SPLIT_ACKS = 1 << 0,  /* many for one segment */
    HABIT_DUP_ACKS = 1 << 1,    /* many times the same */
    HABIT_OPTIMISTIC = 1 << 2,  /* what has not arrived yet */
    HABIT_OLD_ACKS = 1 << 3,    /* the past again */
    HABIT_FUTURE_ACKS = 1 << 4, /* what was never sent */
    HABIT_SACK_LIES = 1 << 5,   /* blocks that have not arrived */
    HABIT_SACK_BAD = 1 << 6,    /* blocks of every bad shape */
    HABIT_RENEGE = 1 << 7,      /* throws away what it has SACKed */
    HABIT_SHRINK = 1 << 8,      /* windows of any size, at any time */
    HABIT_ZERO = 1 << 9,        /* no window */
    HABIT_LAZY = 1 << 10,       /* drops what arrives and acknowledges old data only */
    HABIT_SILENT = 1 << 11,     /* says nothing any more */
    /* what it sends */
    HABIT_ONE_BYTE = 1 << 12,    /* one byte at every other offset */
    HABIT_OVERLAPS = 1 << 13,    /* pieces that overlap */
    HABIT_LIES = 1 << 14,        /* and differ */
    HABIT_BEYOND = 1 << 15,      /* data beyond the window */
    HABIT_AFTER_FIN = 1 << 16,   /* data behind its FIN */
    HABIT_WRONG_FIN = 1 << 17,   /* FINs in several places */
    HABIT_EARLY_FIN = 1 << 18,   /* its FIN out of order, in the right place */
    HABIT_RST = 1 << 19,         /* RST in the window, not at RCV.NXT */
    HABIT_SYN = 1 << 20,         /* SYN in the window */
    HABIT_URGENT = 1 << 21,      /* urgent pointers without sense */
    HABIT_TS_BACK = 1 << 22,     /* timestamps that go back */
    HABIT_TS_FORWARD = 1 << 23,  /* and jump ahead */
    HABIT_TS_MISSING = 1 << 24,  /* and are missing */
    HABIT_KEEPALIVE = 1 << 25,   /* probes */
    HABIT_BLIND = 1 << 26,       /* somebody else, who knows the ports and guesses the numbers */
    HABIT_RANDOM = 1 << 27,      /* anything near the right numbers */
    HABIT_BAD_OPENING = 1 << 28, /* before its SYN: what cannot be meant */
    HABIT_ZERO_ECHO = 1 << 29,   /* answers a zero window by a zero window, at once */
};

extern const struct sim_script hostile_script;

/* ---- between hostile.c and attacks.c */

#define HOSTILE_HELD 32

struct hostile_held {
    seq_t left, right;
};

struct hostile {
    struct rng rng;
    bool sent_syn, open, dead, silent;
    seq_t iss, irs, snd_una, snd_nxt, snd_max, rcv_nxt;
    seq_t rcv_max; /* the right end of all that arrived */
    uint32_t snd_wnd;
    uint8_t snd_scale, rcv_scale;
    bool use_ts, use_sack;
    uint32_t ts_recent, ts_skew, ts_jumped;
    struct hostile_held held[HOSTILE_HELD];
    unsigned held_count;
    bool fin_seen, fin_received;
    seq_t fin_at;
    unsigned tries;
    usec_t retransmit_at, attack_at;
};

struct hostile *hostile_of(const struct sim *s);
/* A habit that it has, now. */
bool hostile_does(const struct sim *s, uint64_t habit);
/* A segment with its numbers, window and options, ready to be changed. */
struct segment hostile_segment(struct sim *s, uint16_t flags, seq_t seq, seq_t ack);
/* Sends it; `len` bytes of the stream that belong at seq, `lie` changes them. */
void hostile_send(struct sim *s, struct segment *seg, uint32_t len, bool lie);
/* The end of its stream: where the FIN belongs. */
seq_t hostile_fin(const struct sim *s);

/* attacks.c: one of its bad habits, out of the blue. */
void hostile_attack(struct sim *s);
/* Before its SYN: what cannot be meant. */
void hostile_bad_opening(struct sim *s);
/* What an acknowledgment becomes; before is what the last one said. */
void hostile_acknowledge(struct sim *s, seq_t before);

#endif
