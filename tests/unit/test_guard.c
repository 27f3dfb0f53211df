/*
 * The guard against this machine's nf_tables, in a namespace of its own.
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/netlink.h>
#include <signal.h>
#include <sys/wait.h>

#include "packets.h"
#include "segcat/link/guard.h"
#include "segcat/link/netlink.h"
#include "segcat/link/nft.h"

#define OURS 5000

static const struct guard_scope all_peers = {.local = {.port = OURS}};

/* ---- which tables there are */

struct search {
    const char *name;
    bool found;
};

static void compare(const char *name, void *data)
{
    struct search *s = data;

    s->found = s->found || strcmp(name, s->name) == 0;
}

static bool table_exists(const char *name)
{
    struct search s = {.name = name};
    const int fd = netlink_open(NETLINK_NETFILTER);

    assert_true(fd >= 0);
    assert_int_equal(nft_each_table(fd, compare, &s), 0);
    close(fd);
    return s.found;
}

/* The kernel removes the tables of a closed socket a little after the close. */
static bool table_goes(const char *name)
{
    for (int ms = 0; ms < PATIENCE && table_exists(name); ms++) {
        usleep(1000);
    }
    return !table_exists(name);
}

/* ---- what it does */

/*
 * Sends a SYN to a kernel listener; its SYN,ACK makes this machine's kernel, which knows of no such
 * connection, send a reset. Then sends a marker, which comes after anything that the kernel has
 * sent. Returns whether the reset got through to the listener's port.
 */
static bool kernel_reset_gets_through(enum ip_version version, uint16_t sport)
{
    const struct ip_addr home = netns_loopback(version);
    const int listener = kernel_listen(&home, 0, false);
    const uint16_t port = kernel_port(listener);
    struct link *ours = open_link(version, sport);
    struct link *theirs = open_link(version, port); /* sees what arrives at the listener */
    struct packet syn = make_packet(version, sport, port, SEG_SYN, 1000, 0);
    struct packet marker = make_packet(version, sport, port, SEG_RST, 4711, 0);
    struct packet p = {0};
    bool reset = false;

    assert_int_equal(send_now(ours, &syn), 0);
    assert_true(receive_one(ours, version, &p));
    assert_int_equal(p.seg.flags, SEG_SYN | SEG_ACK);
    assert_int_equal(send_now(ours, &marker), 0);
    while (p.seg.seq != 4711) {
        assert_true(receive_one(theirs, version, &p));
        reset = reset || (p.seg.seq != 4711 && (p.seg.flags & SEG_RST) != 0);
    }
    link_close(ours);
    link_close(theirs);
    close(listener);
    return reset;
}

static void without_a_guard_the_kernel_resets(void **state)
{
    assert_true(kernel_reset_gets_through(version_of_test(state), OURS));
}

static void the_kernels_reset_is_dropped_and_ours_passes(void **state)
{
    struct guard g;

    assert_int_equal(guard_open(&g, &all_peers, TEST_MARK), 0);
    assert_true(g.owned);
    assert_false(kernel_reset_gets_through(version_of_test(state), OURS));
    guard_close(&g);
    assert_int_equal(g.fd, -1);
    guard_close(&g);
}

static void an_unowned_guard_does_the_same(void **state)
{
    struct guard g;

    assert_int_equal(guard_open_unowned(&g, &all_peers, TEST_MARK), 0);
    assert_false(g.owned);
    assert_true(table_exists(g.table));
    assert_false(kernel_reset_gets_through(version_of_test(state), OURS));
    guard_close(&g);
    assert_false(table_exists(g.table));
}

static void other_ports_are_left_alone(void **state)
{
    struct guard g;

    assert_int_equal(guard_open(&g, &all_peers, TEST_MARK), 0);
    assert_true(kernel_reset_gets_through(version_of_test(state), OURS + 1));
    guard_close(&g);
}

static void a_reset_without_the_mark_is_refused(void **state)
{
    const enum ip_version version = version_of_test(state);
    const struct link_filter filter = {.local_port = OURS};
    struct packet rst = make_packet(version, OURS, 4999, SEG_RST, 1, 0);
    struct packet ack = make_packet(version, OURS, 4999, SEG_ACK, 1, 0);
    struct guard g;
    struct link *l;

    assert_int_equal(guard_open(&g, &all_peers, TEST_MARK), 0);
    assert_int_equal(link_open(&l, version == IP_V4, version == IP_V6, TEST_MARK + 1, &filter), 0);
    assert_int_equal(send_now(l, &rst), -EPERM);
    assert_int_equal(send_now(l, &ack), 0);
    link_close(l);
    guard_close(&g);
}

/* Whether an unmarked reset from local to remote may leave. */
static bool may_leave(const struct endpoint *local, const struct endpoint *remote)
{
    const struct link_filter filter = {.local_port = OURS};
    struct packet rst = make_packet(local->ip.version, local->port, remote->port, SEG_RST, 1, 0);
    struct link *l;
    int result;

    assert_int_equal(link_open(&l, true, true, 0, &filter), 0);
    rst.ip.src = local->ip;
    rst.ip.dst = remote->ip;
    result = send_now(l, &rst);
    assert_true(result == 0 || result == -EPERM);
    link_close(l);
    return result == 0;
}

static void a_guard_for_one_peer_covers_no_other(void **state)
{
    const enum ip_version version = version_of_test(state);
    const enum ip_version other_version = version == IP_V4 ? IP_V6 : IP_V4;
    const struct guard_scope scope = {
        .local = {netns_loopback(version), OURS},
        .remote = {netns_loopback(version), 4999},
    };
    const struct endpoint other_port = {netns_loopback(version), 4998};
    const struct endpoint other_local = {netns_loopback(other_version), OURS};
    const struct endpoint other_remote = {netns_loopback(other_version), 4999};
    struct guard g;

    assert_int_equal(guard_open(&g, &scope, TEST_MARK), 0);
    assert_false(may_leave(&scope.local, &scope.remote));
    assert_true(may_leave(&scope.local, &other_port));
    assert_true(may_leave(&other_local, &other_remote));
    if (version == IP_V4) {
        const struct endpoint neighbour = {netns_v4(2), 4999};
        const struct endpoint ourselves = {netns_v4(3), OURS};

        assert_true(may_leave(&scope.local, &neighbour));
        assert_true(may_leave(&ourselves, &scope.remote));
    }
    guard_close(&g);
}

static void several_guards_stand_side_by_side(void **state)
{
    struct guard_scope scope = all_peers;
    struct guard g[8];

    (void)state;
    for (uint16_t i = 0; i < 8; i++) {
        scope.local.port = (uint16_t)(OURS + i);
        assert_int_equal(guard_open(&g[i], &scope, TEST_MARK), 0);
    }
    for (uint16_t i = 0; i < 8; i++) {
        assert_false(kernel_reset_gets_through(IP_V4, (uint16_t)(OURS + i)));
    }
    for (uint16_t i = 0; i < 8; i++) {
        guard_close(&g[i]);
    }
}

static void a_name_that_is_taken_is_passed_over(void **state)
{
    struct guard g[3];

    (void)state;
    assert_int_equal(guard_open(&g[0], &all_peers, TEST_MARK), 0);
    assert_int_equal(guard_open(&g[1], &all_peers, TEST_MARK), 0);
    assert_int_equal(guard_open_unowned(&g[2], &all_peers, TEST_MARK), 0);
    for (int i = 0; i < 3; i++) {
        assert_true(table_exists(g[i].table));
        guard_close(&g[i]);
    }
}

/* ---- how long it stays */

/* A child that opens a guard, and its pid and the guard's table. */
struct holder {
    pid_t pid;
    char table[sizeof(((struct guard *)0)->table)];
};

static struct holder start_holder(bool owned)
{
    struct holder h;
    struct guard g;
    int tell[2];

    assert_int_equal(pipe(tell), 0);
    h.pid = fork();
    assert_true(h.pid >= 0);
    if (h.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if ((owned ? guard_open(&g, &all_peers, TEST_MARK)
                   : guard_open_unowned(&g, &all_peers, TEST_MARK)) == 0 &&
            write(tell[1], g.table, sizeof(g.table)) == sizeof(g.table)) {
            pause();
        }
        _exit(1);
    }
    close(tell[1]);
    assert_int_equal(read(tell[0], h.table, sizeof(h.table)), sizeof(h.table));
    close(tell[0]);
    assert_true(table_exists(h.table));
    return h;
}

static void kill_holder(const struct holder *h)
{
    assert_int_equal(kill(h->pid, SIGKILL), 0);
    assert_int_equal(waitpid(h->pid, NULL, 0), h->pid);
}

static void the_table_goes_with_a_killed_process(void **state)
{
    const struct holder h = start_holder(true);

    (void)state;
    kill_holder(&h);
    assert_true(table_goes(h.table));
}

static void a_closed_guard_leaves_nothing(void **state)
{
    struct guard g;

    (void)state;
    assert_int_equal(guard_open(&g, &all_peers, TEST_MARK), 0);
    assert_true(table_exists(g.table));
    guard_close(&g);
    assert_true(table_goes(g.table));
}

static void a_child_with_the_descriptor_keeps_the_table(void **state)
{
    struct guard g;
    pid_t child;

    (void)state;
    assert_int_equal(guard_open(&g, &all_peers, TEST_MARK), 0);
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pause();
        _exit(0);
    }
    close(g.fd); /* as if we had ended */
    usleep(50000);
    assert_true(table_exists(g.table));
    assert_false(kernel_reset_gets_through(IP_V4, OURS));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(table_goes(g.table));
}

static void nobody_else_can_delete_it(void **state)
{
    const struct holder h = start_holder(true);
    const int fd = netlink_open(NETLINK_NETFILTER);

    (void)state;
    assert_int_equal(nft_delete_table(fd, h.table), -EPERM);
    assert_true(table_exists(h.table));
    close(fd);
    kill_holder(&h);
}

static void what_the_dead_have_left_is_cleared_and_nothing_else(void **state)
{
    const struct holder dead = start_holder(false);
    const struct holder alive = start_holder(false);
    struct guard g;

    (void)state;
    kill_holder(&dead);
    assert_true(table_exists(dead.table));
    assert_int_equal(guard_open_unowned(&g, &all_peers, TEST_MARK), 0);
    assert_false(table_exists(dead.table));
    assert_true(table_exists(alive.table));
    assert_true(table_exists(g.table));
    guard_close(&g);
    kill_holder(&alive);
    assert_int_equal(guard_open_unowned(&g, &all_peers, TEST_MARK), 0);
    assert_false(table_exists(alive.table));
    guard_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(without_a_guard_the_kernel_resets),
        BOTH(the_kernels_reset_is_dropped_and_ours_passes),
        BOTH(an_unowned_guard_does_the_same),
        BOTH(other_ports_are_left_alone),
        BOTH(a_reset_without_the_mark_is_refused),
        BOTH(a_guard_for_one_peer_covers_no_other),
        cmocka_unit_test(several_guards_stand_side_by_side),
        cmocka_unit_test(a_name_that_is_taken_is_passed_over),
        cmocka_unit_test(the_table_goes_with_a_killed_process),
        cmocka_unit_test(a_closed_guard_leaves_nothing),
        cmocka_unit_test(a_child_with_the_descriptor_keeps_the_table),
        cmocka_unit_test(nobody_else_can_delete_it),
        cmocka_unit_test(what_the_dead_have_left_is_cleared_and_nothing_else),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    netns_enter_or_skip();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
