/*
 * The relay between stdin, stdout and a TCB's rings. System calls on those two descriptors only.
 */
#define _GNU_SOURCE 1 /* preadv2(), pwritev2() */
#include "segcat/session/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define WORTH_READING ((size_t)64 << 10)

static enum relay_way way_for(int fd)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
        return WAY_FILE;
    return WAY_NOWAIT;
}

void relay_init(struct relay *r, int in, int out)
{
    *r = (struct relay){.in = in, .out = out};
    if (fcntl(in, F_GETFD) < 0)
        r->in = -1; /* closed by the caller: nothing to send */
    r->in_way = way_for(in);
    r->out_way = way_for(out);
    if (fcntl(out, F_GETFD) < 0) {
        r->out = -1;
        r->out_error = -EBADF;
    }
}

bool relay_wants_input(const struct relay *r, const struct tcb *t)
{
    struct span span[2];
    size_t space;

    if (r->in < 0)
        return false;
    space = tcb_write_space(t, span);
    /* A full ring that may grow must not wait for an ACK: a delayed one, if what is in flight is a
     * single segment of a loopback interface. */
    return space >= WORTH_READING || (space > 0 && space >= t->snd.size / 4) || tcb_wants_room(t);
}

static bool ready(int fd, short what)
{
    struct pollfd p = {.fd = fd, .events = what};

    return poll(&p, 1, 0) == 1;
}

/* The two spans or slices as iovecs; returns how many are not empty. */
static int to_iov(struct iovec iov[2], void *a, size_t alen, void *b, size_t blen)
{
    iov[0] = (struct iovec){a, alen};
    iov[1] = (struct iovec){b, blen};
    return blen > 0 ? 2 : 1;
}

static ssize_t read_some(struct relay *r, struct span span[2])
{
    struct iovec iov[2];
    const int n = to_iov(iov, span[0].data, span[0].len, span[1].data, span[1].len);
    ssize_t got;

    if (r->in_way == WAY_NOWAIT) {
        got = preadv2(r->in, iov, n, -1, RWF_NOWAIT);
        if (got >= 0 ||
            (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL && errno != ESPIPE))
            return got;
        r->in_way = WAY_POLL;
    }
    if (r->in_way == WAY_POLL && !ready(r->in, POLLIN)) {
        errno = EAGAIN;
        return -1;
    }
    return readv(r->in, iov, n);
}

bool relay_read(struct relay *r, struct tcb *t)
{
    struct span span[2];
    ssize_t got;

    if (r->in < 0 || tcb_write_space(t, span) == 0)
        return false;
    got = read_some(r, span);
    if (got > 0) {
        tcb_commit(t, (size_t)got);
        return false;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    /* EIO: a terminal that is gone, or one whose foreground we are not in: no more input. */
    r->in_error = got < 0 ? -errno : 0;
    r->in = -1;
    return true;
}

static ssize_t write_some(struct relay *r, const struct slice s[2])
{
    struct iovec iov[2];
    const int n =
        to_iov(iov, (void *)(uintptr_t)s[0].data, s[0].len, (void *)(uintptr_t)s[1].data, s[1].len);
    ssize_t put;

    if (r->out_way == WAY_NOWAIT) {
        put = pwritev2(r->out, iov, n, -1, RWF_NOWAIT);
        if (put >= 0 ||
            (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL && errno != ESPIPE))
            return put;
        r->out_way = WAY_POLL;
    }
    if (r->out_way == WAY_FILE)
        return writev(r->out, iov, n);
    if (!ready(r->out, POLLOUT)) {
        errno = EAGAIN;
        return -1;
    }
    /* Writable means that PIPE_BUF bytes go without waiting (pipe(7)). */
    return write(r->out, s[0].data, s[0].len < PIPE_BUF ? s[0].len : PIPE_BUF);
}

size_t relay_write(struct relay *r, struct tcb *t)
{
    size_t total = 0;

    r->out_full = false;
    while (r->out >= 0) {
        struct slice s[2];
        ssize_t put;

        if (tcb_peek(t, s) == 0)
            return total;
        put = write_some(r, s);
        if (put > 0) {
            tcb_consume(t, (size_t)put);
            total += (size_t)put;
            continue;
        }
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && errno != EAGAIN) {
            r->out_error = -errno;
            r->out = -1;
            return total;
        }
        r->out_full = true;
        return total;
    }
    return total;
}
