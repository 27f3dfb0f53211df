/*
 * Capabilities (libcap-ng) and system call filter (libseccomp). Touches this process's own rights.
 */
#define _GNU_SOURCE 1 /* CLONE_* */
#include "segcat/link/privilege.h"

#include <asm/termbits.h>
#include <cap-ng.h>
#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* ---- capabilities */

void privilege_check(struct privilege_missing *out)
{
    capng_get_caps_process(); /* as they are now, not as an earlier call found them */
    out->net_raw = !capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW);
    out->net_admin = !capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN);
}

/* Without CAP_SETPCAP the bounding set stays, and no_new_privs makes it void. */
static void clear_bounding_set(void)
{
    (void)capng_apply(CAPNG_SELECT_BOUNDS);
}

/* Kernels before 4.3 have no ambient set (EINVAL). */
static int clear_ambient_set(void)
{
    const int result = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);

    return result < 0 && errno != EINVAL ? -errno : 0;
}

int privilege_drop(bool keep_net_admin)
{
    struct privilege_missing missing = {.net_admin = true};

    /*
     * Reading what there is takes a hundred system calls: not where nothing is to be kept, which a
     * listener does while its client waits.
     */
    if (keep_net_admin) {
        privilege_check(&missing);
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        return -errno;
    }
    capng_clear(CAPNG_SELECT_ALL);
    if (keep_net_admin && !missing.net_admin &&
        capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN) != 0) {
        return -EINVAL;
    }
    clear_bounding_set();
    if (capng_apply(CAPNG_SELECT_CAPS) != 0) {
        return -EPERM;
    }
    return clear_ambient_set();
}

/* ---- system calls */

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer)
static const bool sanitizer_build = true;
#else
static const bool sanitizer_build = false;
#endif

#ifdef __s390__
#define CLONE_FLAGS_ARG 1
#else
#define CLONE_FLAGS_ARG 0
#endif
#define CLONE_NAMESPACES                                                                          \
    (CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | \
     CLONE_NEWUTS)

/*
 * Allowed whatever the arguments are. Names that this architecture does not have are passed over.
 */
static const int allowed[] = {
    /* bytes in and out */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(preadv2),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwritev2),
    SCMP_SYS(lseek),
    SCMP_SYS(_llseek),
    SCMP_SYS(fsync),
    SCMP_SYS(fstat),
    SCMP_SYS(fstat64),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstatat64),
    SCMP_SYS(statx),
    SCMP_SYS(fcntl),
    SCMP_SYS(fcntl64),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(pipe2),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    /* packets */
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(recvmmsg_time64),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(bind),
    SCMP_SYS(shutdown),
    /* waiting */
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(ppoll_time64),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(eventfd2),
    SCMP_SYS(signalfd4),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_settime64),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(timerfd_gettime64),
    /* time */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_gettime64),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_nanosleep_time64),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrusage),
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(mmap),
    SCMP_SYS(mmap2),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    /* signals */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigreturn),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigsuspend),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
    SCMP_SYS(tgkill),
    SCMP_SYS(restart_syscall),
    /* processes: the TIME-WAIT holder, and the end */
    SCMP_SYS(fork),
    SCMP_SYS(setsid),
    SCMP_SYS(chdir),
    SCMP_SYS(wait4),
    SCMP_SYS(waitid),
    SCMP_SYS(waitpid),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getpgrp),
    SCMP_SYS(getpgid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    /* fewer rights still */
    SCMP_SYS(capget),
    SCMP_SYS(capset),
    SCMP_SYS(prctl),
    SCMP_SYS(seccomp),
    /* the C library */
    SCMP_SYS(futex),
    SCMP_SYS(futex_time64),
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getrandom),
    SCMP_SYS(uname),
};

/* isatty(), the window's width, how much waits. */
static const scmp_datum_t allowed_ioctls[] = {TCGETS, TIOCGWINSZ, FIONREAD, SIOCOUTQ};

static int allow_plain(scmp_filter_ctx ctx)
{
    int result = 0;

    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && result == 0; i++) {
        result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
    }
    return result;
}

static int allow_ioctls(scmp_filter_ctx ctx)
{
    int result = 0;

    for (size_t i = 0; i < sizeof(allowed_ioctls) / sizeof(allowed_ioctls[0]) && result == 0; i++) {
        result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                  SCMP_A1_32(SCMP_CMP_EQ, allowed_ioctls[i], 0));
    }
    return result;
}

/* A child process, but no new namespaces: a user namespace would bring capabilities back. */
static int allow_clone(scmp_filter_ctx ctx)
{
    const int result =
        seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                         SCMP_CMP64(CLONE_FLAGS_ARG, SCMP_CMP_MASKED_EQ, CLONE_NAMESPACES, 0));

    if (result < 0) {
        return result;
    }
    /* Its flags are out of a filter's sight. The C library takes ENOSYS as "use clone". */
    return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static int allow_family(scmp_filter_ctx ctx, int family)
{
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                            SCMP_A0_32(SCMP_CMP_EQ, (scmp_datum_t)family, 0));
}

/*
 * Abstract names for what only one process may do, and what the guard, routes and ports ask the
 * kernel by.
 */
static int allow_sockets(scmp_filter_ctx ctx, bool allow_netlink)
{
    int result = allow_family(ctx, AF_UNIX);

    if (result == 0 && allow_netlink) {
        static const int families[] = {AF_NETLINK, AF_INET, AF_INET6};

        for (size_t i = 0; i < sizeof(families) / sizeof(families[0]) && result == 0; i++) {
            result = allow_family(ctx, families[i]);
        }
        if (result == 0) {
            result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(connect), 0);
        }
    }
    return result;
}

static int fill(scmp_filter_ctx ctx, bool allow_netlink)
{
    int result = allow_plain(ctx);

    if (result == 0) {
        result = allow_ioctls(ctx);
    }
    if (result == 0) {
        result = allow_clone(ctx);
    }
    if (result == 0) {
        result = allow_sockets(ctx, allow_netlink);
    }
    return result;
}

int privilege_seccomp(bool allow_netlink)
{
    scmp_filter_ctx ctx;
    int result;

    if (sanitizer_build) { /* its runtime reads /proc, makes threads and traces */
        return 0;
    }
    ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (ctx == NULL) {
        return -ENOMEM;
    }
    result = fill(ctx, allow_netlink);
    if (result == 0) {
        result = seccomp_load(ctx);
    }
    seccomp_release(ctx);
    return result;
}
