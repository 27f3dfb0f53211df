/*
 * From one connection of a pair to the next, between processes: who holds a pair in TIME-WAIT hands
 * a newer SYN to who listens (RFC 6191, RFC 1122 4.2.2.13), or gives the pair to who connects from
 * the same port again. By datagrams between abstract names (unix(7)) of this network namespace;
 * only of the same user or root are they believed.
 */
#define _GNU_SOURCE 1
#include "segcat/session/reopen.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long who connects waits for the holder, which answers in microseconds or not at all. */
#define ANSWER_MS 1000

/* --- names --- */

static socklen_t abstract(const char *name, struct sockaddr_un *sa)
{
    const size_t len = strlen(name);

    *sa = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(sa->sun_path + 1, name, len);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len);
}

static int open_socket(void)
{
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;

    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    return fd;
}

int reopen_take_name(const char *name)
{
    struct sockaddr_un sa;
    const socklen_t len = abstract(name, &sa);
    const int fd = open_socket();
    int error;

    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) == 0)
        return fd;
    error = -errno;
    close(fd);
    return error;
}

/* Addresses as hexadecimal digits: a name has room for 107 bytes. */
static size_t put_endpoint(const struct endpoint *e, char *buf, size_t cap)
{
    int n = snprintf(buf, cap, "/");

    for (size_t i = 0; i < ip_addr_len((enum ip_version)e->ip.version); i++)
        n += snprintf(buf + n, cap - (size_t)n, "%02x", e->ip.bytes[i]);
    return (size_t)(n + snprintf(buf + n, cap - (size_t)n, ".%u", e->port));
}

void reopen_pair_name(const struct endpoint *local, const struct endpoint *remote,
                      char name[REOPEN_NAME_MAX])
{
    size_t n = (size_t)snprintf(name, REOPEN_NAME_MAX, "segcat/tw");

    n += put_endpoint(local, name + n, REOPEN_NAME_MAX - n);
    put_endpoint(remote, name + n, REOPEN_NAME_MAX - n);
}

/* ip may be unspecified: every address of its version. */
static void listener_name(const struct ip_addr *ip, uint16_t port, char name[REOPEN_NAME_MAX])
{
    const struct endpoint e = {.ip = *ip, .port = port};
    const size_t n = (size_t)snprintf(name, REOPEN_NAME_MAX, "segcat/listen");

    put_endpoint(&e, name + n, REOPEN_NAME_MAX - n);
}

int reopen_listen(const struct ip_addr *ip, uint16_t port)
{
    char name[REOPEN_NAME_MAX];

    listener_name(ip, port, name);
    return reopen_take_name(name);
}

/* --- datagrams --- */

/* Returns 0 or a negative errno: -ECONNREFUSED where nobody has the name. */
static int send_to(int fd, const char *name, const void *data, size_t len)
{
    struct sockaddr_un sa;
    const socklen_t sa_len = abstract(name, &sa);

    return sendto(fd, data, len, MSG_DONTWAIT, (struct sockaddr *)&sa, sa_len) < 0 ? -errno : 0;
}

/* The kernel's word on who sent it. */
static bool is_trusted(struct msghdr *m)
{
    struct cmsghdr *const c = CMSG_FIRSTHDR(m);
    struct ucred who;

    if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
        return false;
    memcpy(&who, CMSG_DATA(c), sizeof who);
    return who.uid == geteuid() || who.uid == 0;
}

/* Takes the next datagram that can be believed: its length, or -1 if none waits. */
static ssize_t receive(int fd, void *buf, size_t cap, struct sockaddr_un *from, socklen_t *from_len)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {.iov_base = buf, .iov_len = cap};
    ssize_t n;

    for (;;) {
        struct msghdr m = {.msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_name = from,
                           .msg_namelen = from != NULL ? (socklen_t)sizeof *from : 0,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};

        n = recvmsg(fd, &m, MSG_DONTWAIT);
        if (n < 0)
            return -1;
        if (from_len != NULL)
            *from_len = m.msg_namelen;
        if (is_trusted(&m) && !(m.msg_flags & MSG_TRUNC))
            return n;
    }
}

/* --- the holder's side --- */

/* Who listens on this very address, or on all. */
static int to_listener(int fd, const struct endpoint *local, const void *data, size_t len)
{
    const struct ip_addr any = {.version = local->ip.version};
    char name[REOPEN_NAME_MAX];
    int r;

    listener_name(&local->ip, local->port, name);
    r = send_to(fd, name, data, len);
    if (r != -ECONNREFUSED)
        return r;
    listener_name(&any, local->port, name);
    return send_to(fd, name, data, len);
}

int reopen_offer(int fd, const struct endpoint *local, const struct endpoint *remote,
                 const struct tcb *t, const struct segment *syn)
{
    struct reopening r;

    memset(&r, 0, sizeof r);
    r.magic = REOPEN_MAGIC;
    r.local = *local;
    r.remote = *remote;
    r.before = tcb_incarnation(t);
    r.syn = *syn;
    memset(r.syn.data, 0, sizeof r.syn.data);
    r.syn.len = 0; /* what text it may have is sent again */
    return to_listener(fd, local, &r, sizeof r);
}

bool reopen_is_wanted(int fd, const struct endpoint *local)
{
    static const char empty[1];

    return to_listener(fd, local, empty, 0) != -ECONNREFUSED;
}

enum reopen_word reopen_hear(int fd, const struct tcb *t)
{
    struct sockaddr_un from;
    socklen_t from_len;
    char word;
    const struct incarnation before = tcb_incarnation(t);

    while (receive(fd, &word, 1, &from, &from_len) == 1) {
        if (word != REOPEN_GIVE)
            return (enum reopen_word)word;
        /* Without timestamps nothing would tell old segments from new ones. */
        sendto(fd, &before, sizeof before, MSG_DONTWAIT, (struct sockaddr *)&from, from_len);
        if (before.use_ts)
            return REOPEN_GIVE;
    }
    return REOPEN_SILENCE;
}

/* --- the other side --- */

bool reopen_receive(int fd, struct reopening *out)
{
    ssize_t n;

    /* An empty one asks whether somebody is here. */
    while ((n = receive(fd, out, sizeof *out, NULL, NULL)) >= 0)
        if (n == (ssize_t)sizeof *out && out->magic == REOPEN_MAGIC)
            return true;
    return false;
}

void reopen_tell(const struct endpoint *local, const struct endpoint *remote, enum reopen_word word)
{
    const int fd = open_socket();
    const char byte = (char)word;
    char name[REOPEN_NAME_MAX];

    if (fd < 0)
        return;
    reopen_pair_name(local, remote, name);
    send_to(fd, name, &byte, 1);
    close(fd);
}

static bool ask(int fd, const char *name, struct incarnation *before)
{
    const struct sockaddr_un unnamed = {.sun_family = AF_UNIX};
    struct pollfd p = {.fd = fd, .events = POLLIN};
    const char word = REOPEN_GIVE;

    /* The kernel finds a name, or there could be no answer. */
    return bind(fd, (const struct sockaddr *)&unnamed, sizeof unnamed.sun_family) == 0 &&
           send_to(fd, name, &word, 1) == 0 && poll(&p, 1, ANSWER_MS) == 1 &&
           receive(fd, before, sizeof *before, NULL, NULL) == (ssize_t)sizeof *before &&
           before->use_ts;
}

bool reopen_take(const struct endpoint *local, const struct endpoint *remote,
                 struct incarnation *before)
{
    char name[REOPEN_NAME_MAX];
    const int fd = open_socket();
    bool given;

    if (fd < 0)
        return false;
    reopen_pair_name(local, remote, name);
    given = ask(fd, name, before);
    close(fd);
    return given;
}
