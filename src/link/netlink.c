/*
 * The conversation over a netlink socket: open, send, read until nothing is left. Knows no message
 * type.
 */
#include "segcat/link/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int netlink_open(int bus)
{
    const struct sockaddr_nl any = {.nl_family = AF_NETLINK};
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, bus);

    if (fd < 0) {
        return -errno;
    }
    if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0) {
        const int err = -errno;

        close(fd);
        return err;
    }
    return fd;
}

static int send_to_kernel(int fd, const void *request, size_t len)
{
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    ssize_t n;

    do {
        n = sendto(fd, request, len, 0, (const struct sockaddr *)&kernel, sizeof(kernel));
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

int netlink_talk(int fd, const void *request, size_t len, mnl_cb_t cb, void *data)
{
    _Alignas(struct nlmsghdr) char answer[16384];
    int result = send_to_kernel(fd, request, len);

    if (result < 0) {
        return result;
    }
    for (;;) {
        const ssize_t n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return result == 0 && errno != EAGAIN ? -errno : result;
        }
        if (mnl_cb_run(answer, (size_t)n, 0, 0, cb, data) < 0 && result == 0) {
            result = -errno;
        }
    }
}
