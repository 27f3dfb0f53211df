/*
 * The guard: an nftables rule that keeps the kernel's own TCP from resetting connections it knows
 * nothing of. Set through libmnl and libnftnl in a table that belongs to our netlink socket
 * (NFT_TABLE_F_OWNER), so that it is gone when the last process that holds the socket is gone,
 * however it ends.
 */
#ifndef SEGCAT_LINK_GUARD_H
#define SEGCAT_LINK_GUARD_H

#include "segcat/wire/address.h"

struct guard {
    int fd;         /* the netlink socket, or -1 */
    char table[48]; /* its name, for messages */
    bool owned;     /* false: no owner tables here (Linux < 5.12), must be deleted by hand */
};

/*
 * What a guard covers: RSTs of this machine from local to remote. A port of 0 and an address that
 * is IP_NONE or unspecified mean any; an IPv4 address leaves IPv6 alone and the other way round.
 */
struct guard_scope {
    struct endpoint local;
    struct endpoint remote;
};

/*
 * Drops, on the output hook (table family inet, IPv4 and IPv6), TCP segments with RST inside
 * `scope` that do not carry the SO_MARK `mark`. One netlink batch; about 150 us. Where owner tables
 * are unknown (EOPNOTSUPP/EINVAL), falls back to guard_open_unowned().
 * Returns 0 or a negative errno (-EPERM: no CAP_NET_ADMIN; -EOPNOTSUPP, -EPROTONOSUPPORT, -ENOENT,
 * -EAFNOSUPPORT: no nf_tables, or not enough of it, in this kernel).
 */
int guard_open(struct guard *g, const struct guard_scope *scope, uint32_t mark);

/*
 * The same with an ordinary table, named by pid and start time, after clearing those of processes
 * that are dead. It stays when this process is killed, until the next one clears it.
 */
int guard_open_unowned(struct guard *g, const struct guard_scope *scope, uint32_t mark);

/*
 * Removes the rule. Takes 4 to 30 ms where it closes an owner table, and the table is gone a moment
 * after. Harmless when not open.
 */
void guard_close(struct guard *g);

#endif
