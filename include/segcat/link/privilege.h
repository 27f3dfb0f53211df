/*
 * Privileges: which are there at the start, and giving them up when set-up is done.
 */
#ifndef SEGCAT_LINK_PRIVILEGE_H
#define SEGCAT_LINK_PRIVILEGE_H

#include <stdbool.h>

/*
 * What is missing of CAP_NET_RAW and CAP_NET_ADMIN in the effective set; false and false when all
 * is there.
 */
struct privilege_missing {
    bool net_raw;
    bool net_admin;
};
void privilege_check(struct privilege_missing *out);

/*
 * Drops every capability (bounding, permitted, effective, inheritable, ambient) but, with
 * keep_net_admin, CAP_NET_ADMIN; sets no_new_privs. Root without capabilities afterwards. May be
 * called again to drop the last. Returns 0 or a negative errno.
 */
int privilege_drop(bool keep_net_admin);

/*
 * Installs a seccomp filter (libseccomp) that allows what the event loop needs and answers anything
 * else with EPERM (never kills: a library's surprise must not lose a connection). fork is allowed
 * for the TIME-WAIT holder; execve and ptrace, new sockets other than those needed, mount and the
 * like are not. No file can be opened any more: tzset(), setlocale() and the like come before.
 * allow_netlink: the guard, routes and port reservation can still be asked for. Does nothing in a
 * build with sanitizers. Takes 0.6 ms. Returns 0 or a negative errno.
 */
int privilege_seccomp(bool allow_netlink);

#endif
