/*
 * Port reservation against this machine's kernel, in a namespace of its own.
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>

#include "netns.h"
#include "segcat/link/portuse.h"
#include "segcat/link/reserve.h"

static const struct ip_addr any_v4 = {.version = IP_V4};
static const struct ip_addr any_v6 = {.version = IP_V6};

static void expect_taken(uint16_t port, const struct ip_addr *ip)
{
    assert_int_equal(kernel_listen(ip, port, false), -EADDRINUSE);
    assert_int_equal(kernel_listen(ip, port, true), -EADDRINUSE);
}

static void expect_free(uint16_t port, const struct ip_addr *ip)
{
    const int fd = kernel_listen(ip, port, false);

    assert_true(fd >= 0);
    close(fd);
}

static void a_reserved_port_cannot_be_listened_on(void **state)
{
    struct reservation r;

    (void)state;
    assert_int_equal(reserve_port(&r, NULL, true, true, 4001), 0);
    assert_int_equal(r.port, 4001);
    expect_taken(4001, &any_v4);
    expect_taken(4001, &any_v6);
    reserve_release(&r);
    expect_free(4001, &any_v4);
    expect_free(4001, &any_v6);
}

static void port_0_gives_one_that_is_free_in_both_families(void **state)
{
    struct reservation r;

    (void)state;
    assert_int_equal(reserve_port(&r, NULL, true, true, 0), 0);
    assert_int_not_equal(r.port, 0);
    assert_true(r.fd[0] >= 0 && r.fd[1] >= 0);
    assert_int_equal(kernel_port(r.fd[0]), r.port);
    assert_int_equal(kernel_port(r.fd[1]), r.port);
    reserve_release(&r);
}

static void one_family_leaves_the_other_alone(void **state)
{
    struct reservation r;

    (void)state;
    assert_int_equal(reserve_port(&r, NULL, true, false, 4002), 0);
    assert_int_equal(r.fd[1], -1);
    expect_taken(4002, &any_v4);
    expect_free(4002, &any_v6);
    reserve_release(&r);
    assert_int_equal(reserve_port(&r, NULL, false, true, 4002), 0);
    assert_int_equal(r.fd[0], -1);
    expect_taken(4002, &any_v6);
    expect_free(4002, &any_v4);
    reserve_release(&r);
}

static void one_address_leaves_others_alone(void **state)
{
    const struct ip_addr ours = netns_v4(1);
    const struct ip_addr other = netns_v4(2);
    struct reservation r;

    (void)state;
    assert_int_equal(reserve_port(&r, &ours, true, false, 4003), 0);
    expect_taken(4003, &ours);
    expect_taken(4003, &any_v4);
    expect_free(4003, &other);
    reserve_release(&r);
}

static void a_listening_socket_refuses_us(void **state)
{
    struct reservation r;

    (void)state;
    for (int reuse = 0; reuse <= 1; reuse++) {
        const int fd = kernel_listen(&any_v4, 4004, reuse);

        assert_true(fd >= 0);
        assert_int_equal(reserve_port(&r, NULL, true, true, 4004), -EADDRINUSE);
        assert_int_equal(r.fd[0], -1);
        assert_int_equal(r.fd[1], -1);
        close(fd);
    }
}

static void a_listener_of_the_other_family_refuses_both(void **state)
{
    const int fd = kernel_listen(&any_v6, 4005, true);
    struct reservation r;

    (void)state;
    assert_int_equal(reserve_port(&r, NULL, true, true, 4005), -EADDRINUSE);
    assert_int_equal(reserve_port(&r, NULL, true, false, 4005), 0);
    reserve_release(&r);
    close(fd);
}

static void a_bound_socket_that_shares_refuses_us(void **state)
{
    const int fd = kernel_bind(&any_v4, 4006, true);
    struct reservation r;

    (void)state;
    assert_int_equal(reserve_port(&r, NULL, true, false, 4006), -EADDRINUSE);
    close(fd);
}

static void two_reservations_exclude_each_other(void **state)
{
    struct reservation a;
    struct reservation b;

    (void)state;
    assert_int_equal(reserve_port(&a, NULL, true, true, 4007), 0);
    assert_int_equal(reserve_port(&b, NULL, true, true, 4007), -EADDRINUSE);
    assert_int_equal(reserve_port(&b, NULL, true, false, 4007), -EADDRINUSE);
    assert_int_equal(reserve_port(&b, NULL, false, true, 4007), -EADDRINUSE);
    reserve_release(&a);
    assert_int_equal(reserve_port(&b, NULL, true, true, 4007), 0);
    reserve_release(&b);
}

static void a_foreign_address_is_refused(void **state)
{
    const struct ip_addr ip = {.version = IP_V4, .bytes = {192, 0, 2, 1}};
    struct reservation r;

    (void)state;
    assert_int_equal(reserve_port(&r, &ip, true, false, 4008), -EADDRNOTAVAIL);
}

/* A connection through port whose server closed first: the server's side is in TIME-WAIT. */
static void leave_time_wait(const struct ip_addr *ip, uint16_t port)
{
    const int listener = kernel_listen(ip, port, true);
    const int client = kernel_connect(ip, port);
    const int server = accept(listener, NULL, NULL);
    char byte;

    assert_true(listener >= 0 && client >= 0 && server >= 0);
    shutdown(server, SHUT_WR);
    assert_int_equal(read(client, &byte, 1), 0);
    close(client);
    assert_int_equal(read(server, &byte, 1), 0);
    close(server);
    close(listener);
    assert_int_equal(kernel_listen(ip, port, false), -EADDRINUSE);
}

static void a_port_in_time_wait_is_taken_and_then_ours_alone(void **state)
{
    const struct ip_addr home[2] = {netns_v4(1), netns_v6()};
    const struct ip_addr *any[2] = {&any_v4, &any_v6};

    (void)state;
    for (uint16_t i = 0; i < 2; i++) {
        const uint16_t port = (uint16_t)(4010 + i);
        struct reservation a;
        struct reservation b;

        leave_time_wait(&home[i], port);
        assert_int_equal(reserve_port(&a, NULL, true, true, port), 0);
        assert_int_equal(reserve_port(&b, NULL, true, true, port), -EADDRINUSE);
        assert_int_equal(reserve_port(&b, &home[i], i == 0, i == 1, port), -EADDRINUSE);
        expect_taken(port, any[i]);
        expect_taken(port, &home[i]);
        reserve_release(&a);
        assert_int_equal(reserve_port(&a, NULL, true, true, port), 0);
        reserve_release(&a);
    }
}

static void an_address_in_time_wait_is_taken_and_then_ours_alone(void **state)
{
    const struct ip_addr home = netns_v4(1);
    struct reservation a;
    struct reservation b;

    (void)state;
    leave_time_wait(&home, 4012);
    assert_int_equal(reserve_port(&a, &home, true, false, 4012), 0);
    assert_int_equal(reserve_port(&b, &home, true, false, 4012), -EADDRINUSE);
    assert_int_equal(reserve_port(&b, NULL, true, false, 4012), -EADDRINUSE);
    expect_taken(4012, &home);
    reserve_release(&a);
}

/* A client that chose its port with SO_REUSEADDR, never listened, and closed first. */
static void leave_time_wait_of_client(const struct ip_addr *ip, uint16_t port)
{
    const int listener = kernel_listen(ip, 0, true);
    const int client = kernel_bind(ip, port, true);
    union sockaddr_ip sa;
    const socklen_t len = sockaddr_from_ip(&sa, ip, kernel_port(listener));
    char byte;
    int server;

    assert_int_equal(connect(client, &sa.sa, len), 0);
    server = accept(listener, NULL, NULL);
    shutdown(client, SHUT_WR);
    assert_int_equal(read(server, &byte, 1), 0);
    close(server);
    assert_int_equal(read(client, &byte, 1), 0);
    close(client);
    close(listener);
}

static void a_port_that_the_kernel_believes_to_be_shared_is_ours_alone(void **state)
{
    const struct ip_addr home = netns_v4(1);
    struct reservation a;
    struct reservation b;

    (void)state;
    leave_time_wait_of_client(&home, 4015);
    assert_int_equal(reserve_port(&a, NULL, true, true, 4015), 0);
    assert_int_equal(reserve_port(&b, NULL, true, true, 4015), -EADDRINUSE);
    expect_taken(4015, &any_v4);
    expect_taken(4015, &home);
    reserve_release(&a);
}

static void a_kernel_connection_keeps_its_port(void **state)
{
    const struct ip_addr home = netns_v4(1);
    const int listener = kernel_listen(&home, 4013, true);
    const int client = kernel_connect(&home, 4013);
    const int server = accept(listener, NULL, NULL);
    struct reservation r;

    (void)state;
    assert_true(client >= 0 && server >= 0);
    close(listener);
    /* nc's listener would get it; but our resets would end the connection. */
    assert_int_equal(portuse_only_time_wait(&any_v4, 4013), -EADDRINUSE);
    assert_int_equal(reserve_port(&r, NULL, true, true, 4013), -EADDRINUSE);
    assert_int_equal(reserve_port(&r, NULL, true, true, kernel_port(client)), -EADDRINUSE);
    close(client);
    close(server);
}

#define RACERS 4
#define ROUNDS 50

/*
 * One racer: each round tries once, tells the result, and holds what it got until it is told to go
 * on.
 */
static void race(uint16_t port, int go, int tell)
{
    char byte;

    for (int i = 0; i < ROUNDS && read(go, &byte, 1) == 1; i++) {
        struct reservation r;
        const char won = reserve_port(&r, NULL, true, true, port) == 0;

        if (write(tell, &won, 1) != 1 || read(go, &byte, 1) != 1) {
            break;
        }
        reserve_release(&r);
        if (write(tell, &won, 1) != 1) {
            break;
        }
    }
    _exit(0);
}

static void send_to_all(int go[RACERS][2])
{
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(write(go[i][1], "", 1), 1);
    }
}

static int sum_of_all(int tell)
{
    int sum = 0;

    for (int i = 0; i < RACERS; i++) {
        char won;

        assert_int_equal(read(tell, &won, 1), 1);
        sum += won;
    }
    return sum;
}

static void of_several_at_once_never_two_win(void **state)
{
    const struct ip_addr home = netns_v4(1);
    int go[RACERS][2];
    int tell[2];
    int won = 0;

    (void)state;
    leave_time_wait(&home, 4014);
    assert_int_equal(pipe(tell), 0);
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(pipe(go[i]), 0);
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            race(4014, go[i][0], tell[1]);
        }
    }
    for (int round = 0; round < ROUNDS; round++) {
        int n;

        send_to_all(go);
        n = sum_of_all(tell[0]);
        assert_in_range(n, 0, 1);
        won += n;
        send_to_all(go);
        sum_of_all(tell[0]);
    }
    while (wait(NULL) > 0) {
    }
    assert_int_not_equal(won, 0);
}

/* RFC 6056: whoever has seen one port, or many, does not know the next. */
static void a_free_port_is_not_foretold(void **state)
{
    enum { TURNS = 200 };
    uint16_t port[TURNS];
    unsigned near = 0, again = 0, low = 0;

    (void)state;
    for (unsigned i = 0; i < TURNS; i++) {
        struct reservation r;

        assert_int_equal(reserve_port(&r, NULL, true, false, 0), 0);
        port[i] = r.port;
        reserve_release(&r);
        assert_true(port[i] >= 1024);
        low += port[i] < 32768 + 14116; /* the lower half of Linux's range */
        for (unsigned k = 0; k < i; k++) {
            again += port[k] == port[i];
        }
        near += i > 0 && (unsigned)abs((int)port[i] - (int)port[i - 1]) <= 16;
    }
    /* Of 28232: by chance 0.2 neighbours, and 0.7 pairs of equals. */
    assert_in_range(near, 0, 6);
    assert_in_range(again, 0, 10);
    assert_in_range(low, TURNS / 4, TURNS * 3 / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"TCP.md 23, RFC6056-PORT: a free port is not foretold", a_free_port_is_not_foretold, NULL,
         NULL, NULL},
        cmocka_unit_test(a_reserved_port_cannot_be_listened_on),
        cmocka_unit_test(port_0_gives_one_that_is_free_in_both_families),
        cmocka_unit_test(one_family_leaves_the_other_alone),
        cmocka_unit_test(one_address_leaves_others_alone),
        cmocka_unit_test(a_listening_socket_refuses_us),
        cmocka_unit_test(a_listener_of_the_other_family_refuses_both),
        cmocka_unit_test(a_bound_socket_that_shares_refuses_us),
        cmocka_unit_test(two_reservations_exclude_each_other),
        cmocka_unit_test(a_foreign_address_is_refused),
        cmocka_unit_test(a_port_in_time_wait_is_taken_and_then_ours_alone),
        cmocka_unit_test(an_address_in_time_wait_is_taken_and_then_ours_alone),
        cmocka_unit_test(a_port_that_the_kernel_believes_to_be_shared_is_ours_alone),
        cmocka_unit_test(a_kernel_connection_keeps_its_port),
        cmocka_unit_test(of_several_at_once_never_two_win),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    netns_enter_or_skip();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
