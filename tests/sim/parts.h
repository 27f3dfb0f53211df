/*
 * What the groups of the simulator's programs are put together from.
 */
#ifndef SEGCAT_SIM_PARTS_H
#define SEGCAT_SIM_PARTS_H

#include "sim.h"

#define SIM_PPM(percent) ((uint32_t)((percent)*10000))

/* IP and TCP without options. */
uint32_t sim_headers(const struct sim_params *p);
uint32_t sim_mss_of(const struct sim_params *p);

/* 1 MB/s each way, 10 ms, nothing goes wrong, nobody writes; A opens. */
void sim_plain(struct sim_params *p);
void sim_plain_end(struct sim_end_params *e);

/* ISNs: any, next to the wrap, or the core's own (RFC 6528). */
void sim_random_isn(struct tcb_config *c, struct rng *r, uint64_t bytes);
void sim_random_path(struct sim_params *p, struct rng *r);
void sim_random_mtu(struct sim_params *p, struct rng *r);
void sim_random_buffers(struct sim_params *p, struct rng *r);
void sim_random_switches(struct sim_params *p, struct rng *r);
void sim_random_app(struct sim_params *p, struct rng *r, int i, uint64_t most);
/* Who closes when; never each after the other. */
void sim_random_close(struct sim_params *p, struct rng *r);
/* Another number of bytes than sim_random_app() chose, and no more bursts than before. */
void sim_set_bytes(struct sim_app *a, uint64_t bytes);
/* Losses in one direction, the other, or both. */
void sim_lossy(struct sim_params *p, struct rng *r, uint32_t ppm);

/* A connection of up to about 150 segments each way, over a path without faults. */
void sim_random_connection(struct sim_params *p, struct rng *r);

#endif
