/*
 * Giving up rights, in a namespace of its own. Each test does it in a child, which cannot get them
 * back.
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "packets.h"
#include "segcat/link/guard.h"
#include "segcat/link/netlink.h"
#include "segcat/link/privilege.h"
#include "segcat/link/reserve.h"
#include "segcat/link/route.h"

#define OURS 5000

/* In a child: the line of the first condition that does not hold is its exit status. */
#define CHECK(condition)     \
    do {                     \
        if (!(condition)) {  \
            return __LINE__; \
        }                    \
    } while (0)

static void run_in_child(int (*body)(void))
{
    const pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        const int line = body();

        if (line != 0) {
            fprintf(stderr, "# line %d of test_privilege.c: %s\n", line, strerror(errno));
        }
        _exit(line != 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* The value of a line like "CapEff:\t000001ffffffffff" in /proc/self/status, or -1. */
static long long status_field(const char *name)
{
    FILE *f = fopen("/proc/self/status", "re");
    char line[256];
    long long value = -1;

    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            value = (long long)strtoull(line + strlen(name), NULL, 16);
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    return value;
}

static bool exchange_works(struct link *l, enum ip_version version)
{
    struct packet syn = make_packet(version, OURS, 4999, SEG_SYN, 7, 0);
    struct packet answer;

    return send_now(l, &syn) == 0 && receive_one(l, version, &answer) &&
           answer.seg.flags == (SEG_RST | SEG_ACK);
}

static int drop_all(void)
{
    const struct link_filter filter = {.local_port = OURS};
    struct privilege_missing missing;
    struct reservation r;
    struct link *l;

    privilege_check(&missing);
    CHECK(!missing.net_raw && !missing.net_admin);
    CHECK(link_open(&l, true, true, TEST_MARK, &filter) == 0);
    CHECK(privilege_drop(false) == 0);
    CHECK(status_field("CapEff:") == 0);
    CHECK(status_field("CapPrm:") == 0);
    CHECK(status_field("CapInh:") == 0);
    CHECK(status_field("CapAmb:") == 0);
    CHECK(status_field("CapBnd:") == 0);
    CHECK(status_field("NoNewPrivs:") == 1);
    privilege_check(&missing);
    CHECK(missing.net_raw && missing.net_admin);
    CHECK(exchange_works(l, IP_V4));
    CHECK(exchange_works(l, IP_V6));
    CHECK(reserve_port(&r, NULL, true, true, 80) == -EACCES);
    return 0;
}

static void nothing_is_left_and_the_link_goes_on(void **state)
{
    (void)state;
    run_in_child(drop_all);
}

static int keep_net_admin(void)
{
    const struct guard_scope scope = {.local = {.port = OURS}};
    const struct link_filter filter = {.local_port = OURS};
    struct privilege_missing missing;
    struct guard g;
    struct link *l;

    CHECK(privilege_drop(true) == 0);
    CHECK(status_field("CapEff:") == 1 << CAP_NET_ADMIN);
    CHECK(status_field("CapPrm:") == 1 << CAP_NET_ADMIN);
    CHECK(status_field("CapBnd:") == 0);
    privilege_check(&missing);
    CHECK(missing.net_raw && !missing.net_admin);
    CHECK(guard_open(&g, &scope, TEST_MARK) == 0);
    guard_close(&g);
    CHECK(link_open(&l, true, true, TEST_MARK, &filter) == -EPERM);
    CHECK(privilege_drop(true) == 0); /* once more does no harm */
    CHECK(privilege_drop(false) == 0);
    CHECK(status_field("CapEff:") == 0);
    CHECK(guard_open(&g, &scope, TEST_MARK) == -EPERM);
    return 0;
}

static void the_guard_can_be_kept(void **state)
{
    (void)state;
    run_in_child(keep_net_admin);
}

static int without_setpcap(void)
{
    CHECK(prctl(PR_CAPBSET_DROP, CAP_SETPCAP, 0, 0, 0) == 0);
    CHECK(privilege_drop(true) == 0);
    CHECK(privilege_drop(false) == 0);
    CHECK(status_field("CapEff:") == 0);
    CHECK(status_field("CapPrm:") == 0);
    CHECK(status_field("NoNewPrivs:") == 1);
    return 0;
}

static void a_binary_with_file_capabilities_can_drop_too(void **state)
{
    (void)state;
    run_in_child(without_setpcap);
}

static bool refused(long result)
{
    return result == -1 && errno == EPERM;
}

/* Seccomp filters are not set in sanitizer builds: their runtime needs too much. */
static bool filter_is_on(void)
{
    return syscall(SYS_getpriority, 0, 0) == -1 && errno == EPERM;
}

/* What the event loop does all day. */
static int daily_work(struct link *l)
{
    char byte = 'x';
    int p[2];
    pid_t child;
    void *m;

    CHECK(exchange_works(l, IP_V4));
    CHECK(exchange_works(l, IP_V6));
    CHECK(link_send_room(l, IP_V4) > 0);
    CHECK(pipe(p) == 0);
    CHECK(write(p[1], &byte, 1) == 1);
    CHECK(read(p[0], &byte, 1) == 1);
    CHECK(isatty(p[0]) == 0 && errno == ENOTTY);
    m = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(m != MAP_FAILED);
    CHECK(munmap(m, 1 << 20) == 0);
    child = fork();
    if (child == 0) {
        _exit(setsid() > 0 && chdir("/") == 0 && dup2(p[0], 0) == 0 ? 0 : 1);
    }
    CHECK(child > 0);
    CHECK(waitpid(child, NULL, 0) == child);
    CHECK(close(socket(AF_UNIX, SOCK_DGRAM, 0)) == 0);
    return 0;
}

static int seccomp_strict(void)
{
    const struct link_filter filter = {.local_port = OURS};
    char *const argv[] = {NULL};
    struct link *l;
    int line;

    CHECK(link_open(&l, true, true, TEST_MARK, &filter) == 0);
    CHECK(privilege_drop(false) == 0);
    CHECK(privilege_seccomp(false) == 0);
    line = daily_work(l);
    if (line != 0 || !filter_is_on()) {
        return line;
    }
    CHECK(refused(execve("/bin/true", argv, argv)));
    CHECK(refused(open("/etc/passwd", O_RDONLY)));
    CHECK(refused(socket(AF_INET, SOCK_STREAM, 0)));
    CHECK(refused(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)));
    CHECK(refused(unshare(CLONE_NEWUSER)));
    CHECK(refused(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)));
    CHECK(refused(syscall(SYS_ptrace, 0, 0, 0, 0)));
    CHECK(refused(ioctl(0, TIOCSTI, "x")));
    return 0;
}

static void the_filter_allows_the_loop_and_nothing_more(void **state)
{
    (void)state;
    run_in_child(seccomp_strict);
}

static int seccomp_with_netlink(void)
{
    const struct guard_scope scope = {.local = {.port = OURS}};
    const struct link_filter filter = {.local_port = OURS};
    const struct ip_addr home = netns_v4(1);
    struct reservation r;
    struct route route;
    struct guard g;
    struct link *l;
    int line;

    CHECK(link_open(&l, true, true, TEST_MARK, &filter) == 0);
    CHECK(privilege_drop(true) == 0);
    CHECK(privilege_seccomp(true) == 0);
    line = daily_work(l);
    if (line != 0) {
        return line;
    }
    CHECK(guard_open(&g, &scope, TEST_MARK) == 0);
    guard_close(&g);
    CHECK(route_lookup(&home, NULL, &route) == 0);
    CHECK(route.ifindex == 1);
    CHECK(reserve_port(&r, NULL, true, true, 0) == 0);
    CHECK(!filter_is_on() || refused(socket(AF_PACKET, SOCK_RAW, 0)));
    return 0;
}

static void the_filter_can_leave_netlink_open(void **state)
{
    (void)state;
    run_in_child(seccomp_with_netlink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_left_and_the_link_goes_on),
        cmocka_unit_test(the_guard_can_be_kept),
        cmocka_unit_test(a_binary_with_file_capabilities_can_drop_too),
        cmocka_unit_test(the_filter_allows_the_loop_and_nothing_more),
        cmocka_unit_test(the_filter_can_leave_netlink_open),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    netns_enter_or_skip();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
