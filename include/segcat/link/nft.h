/*
 * nf_tables, as far as the guard needs it: one table with one chain on the output hook and one
 * rule.
 */
#ifndef SEGCAT_LINK_NFT_H
#define SEGCAT_LINK_NFT_H

#include <stdint.h>

struct guard_scope;

/*
 * Adds it in one transaction. flags: NFT_TABLE_F_OWNER or 0. Returns 0 or a negative errno
 * (-EEXIST: the name is taken).
 */
int nft_add_guard(int fd, const char *table, uint32_t flags, const struct guard_scope *scope,
                  uint32_t mark);

int nft_delete_table(int fd, const char *table);

/* Calls cb with the name of every table of family inet. Returns 0 or a negative errno. */
int nft_each_table(int fd, void (*cb)(const char *name, void *data), void *data);

#endif
