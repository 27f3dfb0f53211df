/*
 * The guard's life: its table's name, whether it is owned, and the clearing of what the dead have
 * left. Touches a netlink socket and, for unowned tables, /proc.
 */
#include "segcat/link/guard.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segcat/link/netlink.h"
#include "segcat/link/nft.h"

#define PREFIX "segcat-"
/* Names are tried until one is free: other pid namespaces may have made the same. */
#define NAMES_MAX 64

/*
 * Who made an unowned table: a pid, the namespace in which it is one, and when that process began.
 */
struct maker {
    unsigned pid;
    unsigned namespace;
    unsigned long long start;
};

/*
 * Field 22 of /proc/PID/stat: start time in clock ticks since boot; 0 if there is no such process.
 */
static unsigned long long start_time(unsigned pid)
{
    char path[32];
    char line[1024];
    unsigned long long start = 0;
    const char *p;
    size_t n;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%u/stat", pid);
    f = fopen(path, "re");
    if (f == NULL) {
        return 0;
    }
    n = fread(line, 1, sizeof(line) - 1, f);
    fclose(f);
    line[n] = '\0';
    p = strrchr(line, ')'); /* the name may hold anything, spaces too */
    if (p != NULL && sscanf(p,
                            ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d"
                            " %*d %*d %*d %llu",
                            &start) != 1) {
        start = 0;
    }
    return start;
}

/* The inode of our pid namespace, 0 if it cannot be told. */
static unsigned pid_namespace(void)
{
    struct stat st;

    return stat("/proc/self/ns/pid", &st) < 0 ? 0 : (unsigned)st.st_ino;
}

static struct maker myself(void)
{
    const unsigned pid = (unsigned)getpid();

    return (struct maker){.pid = pid, .namespace = pid_namespace(), .start = start_time(pid)};
}

static bool parse_name(const char *name, struct maker *out)
{
    unsigned serial;

    return sscanf(name, PREFIX "%x-%x-%llx-%x", &out->pid, &out->namespace, &out->start, &serial) ==
           4;
}

/* Dead: it was one of our namespace, and now there is no process with its pid, or a younger one. */
static bool is_stale(const struct maker *m, unsigned namespace)
{
    return m->namespace == namespace && start_time(m->pid) != m->start;
}

struct stale {
    unsigned namespace;
    unsigned count;
    char name[NAMES_MAX][sizeof(((struct guard *)0)->table)];
};

static void collect(const char *name, void *data)
{
    struct stale *s = data;
    struct maker m;

    if (s->count < NAMES_MAX && strlen(name) < sizeof(s->name[0]) && parse_name(name, &m) &&
        is_stale(&m, s->namespace)) {
        strcpy(s->name[s->count++], name);
    }
}

/*
 * First the list, then the deletions: a dump must not be interrupted by another request on its
 * socket.
 */
static void clear_stale(int fd)
{
    struct stale s = {.namespace = pid_namespace()};

    nft_each_table(fd, collect, &s);
    for (unsigned i = 0; i < s.count; i++) {
        nft_delete_table(fd, s.name[i]);
    }
}

/* Whose it is and what for, so that 'nft list tables' can be read: pid, our port, the peer's. */
static void name_owned(struct guard *g, const struct guard_scope *scope, unsigned serial)
{
    snprintf(g->table, sizeof(g->table), PREFIX "%u-%u-%u-%u", (unsigned)getpid(),
             scope->local.port, scope->remote.port, serial);
}

static void name_unowned(struct guard *g, unsigned serial)
{
    const struct maker m = myself();

    snprintf(g->table, sizeof(g->table), PREFIX "%x-%x-%llx-%x", m.pid, m.namespace, m.start,
             serial);
}

/* The name of a table that another socket owns is not "there already" but "not yours": EPERM. */
static bool name_is_taken(const struct guard *g, int result)
{
    return result == -EEXIST || (g->owned && result == -EPERM);
}

static int add_table(struct guard *g, const struct guard_scope *scope, uint32_t mark)
{
    int result = -EEXIST;

    for (unsigned serial = 1; serial <= NAMES_MAX && name_is_taken(g, result); serial++) {
        if (g->owned) {
            name_owned(g, scope, serial);
        } else {
            name_unowned(g, serial);
        }
        result = nft_add_guard(g->fd, g->table, g->owned ? NFT_TABLE_F_OWNER : 0, scope, mark);
    }
    return result;
}

static int open_guard(struct guard *g, const struct guard_scope *scope, uint32_t mark, bool owned)
{
    int result;

    *g = (struct guard){.fd = netlink_open(NETLINK_NETFILTER), .owned = owned};
    if (g->fd < 0) {
        result = g->fd;
        g->fd = -1;
        return result;
    }
    if (!owned) {
        clear_stale(g->fd);
    }
    result = add_table(g, scope, mark);
    if (result < 0) {
        close(g->fd);
        g->fd = -1;
    }
    return result;
}

int guard_open(struct guard *g, const struct guard_scope *scope, uint32_t mark)
{
    const int result = open_guard(g, scope, mark, true);

    return result == -EOPNOTSUPP || result == -EINVAL ? guard_open_unowned(g, scope, mark) : result;
}

int guard_open_unowned(struct guard *g, const struct guard_scope *scope, uint32_t mark)
{
    return open_guard(g, scope, mark, false);
}

void guard_close(struct guard *g)
{
    if (g->fd < 0) {
        return;
    }
    if (!g->owned) {
        nft_delete_table(g->fd, g->table);
    }
    close(g->fd);
    g->fd = -1;
}
