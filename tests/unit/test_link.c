/*
 * The raw sockets against this machine's kernel, over loopback in a namespace of its own.
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "packets.h"
#include <cmocka.h>

#include <linux/icmp.h> /* after net/if.h, or both define the same */
#include <linux/icmpv6.h>

#include "segcat/link/guard.h"
#include "segcat/link/route.h"
#include "segcat/wire/checksum.h"

#define OURS   5000
#define SYNACK (SEG_SYN | SEG_ACK)

static uint8_t big[65536 * 2];

/* ---- conversations with the kernel's TCP */

static void a_listener_answers_our_syn(void **state)
{
    const enum ip_version version = version_of_test(state);
    const struct ip_addr home = netns_loopback(version);
    const int listener = kernel_listen(&home, 0, false);
    struct link *l = open_link(version, OURS);
    struct packet syn = make_packet(version, OURS, kernel_port(listener), SEG_SYN, 1000, 0);
    const usec_t before = netns_now();
    struct packet answer;

    assert_non_null(l);
    assert_int_equal(send_now(l, &syn), 0);
    assert_true(receive_one(l, version, &answer));
    assert_int_equal(answer.seg.flags, SYNACK);
    assert_int_equal(answer.seg.ack, 1001);
    assert_int_equal(answer.sport, kernel_port(listener));
    assert_int_equal(answer.dport, OURS);
    assert_true(ip_addr_equal(&answer.ip.src, &home));
    assert_true(ip_addr_equal(&answer.ip.dst, &home));
    assert_int_equal(answer.ifindex, 1);
    assert_true(answer.checksum_verdict == CHECKSUM_PARTIAL ||
                answer.checksum_verdict == CHECKSUM_GOOD);
    assert_in_range(answer.seg.at, before, netns_now());
    link_close(l);
    close(listener);
}

static void a_closed_port_answers_with_a_reset(void **state)
{
    const enum ip_version version = version_of_test(state);
    struct link *l = open_link(version, OURS);
    struct packet syn = make_packet(version, OURS, 4999, SEG_SYN, 7, 0);
    struct packet answer;

    assert_int_equal(send_now(l, &syn), 0);
    assert_true(receive_one(l, version, &answer));
    assert_int_equal(answer.seg.flags, SEG_RST | SEG_ACK);
    assert_int_equal(answer.seg.ack, 8);
    link_close(l);
}

/* A connection made by hand: our link on one side, a kernel socket on the other. */
struct connection {
    enum ip_version version;
    struct link *l;
    struct guard guard;
    int fd;
    uint16_t port;
    uint32_t snd_nxt;
    uint32_t rcv_nxt;
};

static void connection_open(struct connection *c, enum ip_version version)
{
    const struct guard_scope scope = {.local = {.port = OURS}};
    const struct ip_addr home = netns_loopback(version);
    const int listener = kernel_listen(&home, 0, false);
    struct packet p;

    c->version = version;
    c->port = kernel_port(listener);
    c->l = open_link(version, OURS);
    assert_int_equal(guard_open(&c->guard, &scope, TEST_MARK), 0);
    p = make_packet(version, OURS, c->port, SEG_SYN, 1000, 0);
    p.seg.opt.present = OPT_MSS | OPT_WSCALE;
    p.seg.opt.mss = 65400;
    p.seg.opt.wscale = 8;
    assert_int_equal(send_now(c->l, &p), 0);
    assert_true(receive_one(c->l, version, &p));
    assert_int_equal(p.seg.flags, SYNACK);
    c->snd_nxt = 1001;
    c->rcv_nxt = p.seg.seq + 1;
    p = make_packet(version, OURS, c->port, SEG_ACK, c->snd_nxt, c->rcv_nxt);
    assert_int_equal(send_now(c->l, &p), 0);
    c->fd = accept(listener, NULL, NULL);
    assert_true(c->fd >= 0);
    close(listener);
}

static void connection_close(struct connection *c)
{
    struct packet p =
        make_packet(c->version, OURS, c->port, SEG_RST | SEG_ACK, c->snd_nxt, c->rcv_nxt);

    assert_int_equal(send_now(c->l, &p), 0);
    close(c->fd);
    link_close(c->l);
    guard_close(&c->guard);
}

static void a_segment_of_64_kilobytes_arrives_at_the_kernel(void **state)
{
    const enum ip_version version = version_of_test(state);
    const size_t len = 65535 - IPV6_HEADER_LEN - TCP_HEADER_MIN;
    static uint8_t got[sizeof(big)];
    struct connection c;
    struct packet p;
    size_t n = 0;

    connection_open(&c, version);
    p = make_packet(version, OURS, c.port, SEG_ACK | SEG_PSH, c.snd_nxt, c.rcv_nxt);
    p.seg.data[0] = (struct slice){big + 100, 999}; /* two pieces of odd length, as from a ring */
    p.seg.data[1] = (struct slice){big + 5000, len - 999};
    p.seg.len = (uint32_t)len;
    assert_int_equal(send_now(c.l, &p), 0);
    while (n < len) {
        const ssize_t r = read(c.fd, got + n, len - n);

        assert_true(r > 0);
        n += (size_t)r;
    }
    assert_memory_equal(got, big + 100, 999);
    assert_memory_equal(got + 999, big + 5000, len - 999);
    c.snd_nxt += (uint32_t)len;
    connection_close(&c);
}

/* Takes data segments until `len` bytes have come in order; returns the largest. */
static uint32_t take_data(struct connection *c, size_t len)
{
    uint32_t largest = 0;
    size_t n = 0;

    while (n < len) {
        struct packet p;

        assert_true(receive_one(c->l, c->version, &p));
        assert_true(p.checksum_verdict == CHECKSUM_PARTIAL || p.checksum_verdict == CHECKSUM_GOOD);
        if (p.seg.len == 0) {
            continue;
        }
        assert_int_equal(p.seg.seq, c->rcv_nxt);
        assert_memory_equal(p.seg.data[0].data, big + n, p.seg.len);
        n += p.seg.len;
        c->rcv_nxt += p.seg.len;
        largest = p.seg.len > largest ? p.seg.len : largest;
        p = make_packet(c->version, OURS, c->port, SEG_ACK, c->snd_nxt, c->rcv_nxt);
        assert_int_equal(send_now(c->l, &p), 0);
    }
    return largest;
}

static void a_segment_of_64_kilobytes_arrives_from_the_kernel(void **state)
{
    struct connection c;

    connection_open(&c, version_of_test(state));
    assert_int_equal(write(c.fd, big, sizeof(big)), sizeof(big));
    assert_in_range(take_data(&c, sizeof(big)), 32768, 65535);
    connection_close(&c);
}

static void a_burst_arrives_in_order(void **state)
{
    const enum ip_version version = version_of_test(state);
    struct link *from = open_link(version, OURS);
    struct link *to = open_link(version, 5001);
    struct packet in[BATCH];
    uint32_t next = 0;

    for (uint32_t i = 0; i < 1000; i++) {
        struct packet p = make_packet(version, OURS, 5001, SEG_ACK, i, 1);

        add_payload(&p, big + i, 100);
        assert_int_equal(link_send(from, &p), 0);
    }
    assert_int_equal(link_flush(from), 0);
    while (next < 1000) {
        int n;

        assert_true(wait_readable(link_fd(to, version)));
        n = link_receive(to, in, BATCH, netns_now(), NULL);
        assert_true(n > 0);
        for (int i = 0; i < n; i++, next++) {
            assert_int_equal(in[i].seg.seq, next);
            assert_int_equal(in[i].checksum_verdict, CHECKSUM_GOOD);
            assert_memory_equal(in[i].seg.data[0].data, big + next, 100);
        }
    }
    assert_int_equal(link_receive(to, in, BATCH, netns_now(), NULL), 0);
    link_close(from);
    link_close(to);
}

static void both_families_are_received_by_one_call(void **state)
{
    const struct link_filter filter = {.local_port = 5001};
    struct link *l;
    struct packet p4 = make_packet(IP_V4, OURS, 5001, SEG_ACK, 4, 4);
    struct packet p6 = make_packet(IP_V6, OURS, 5001, SEG_ACK, 6, 6);
    struct packet in[4];
    unsigned versions = 0;

    (void)state;
    assert_int_equal(link_open(&l, true, true, TEST_MARK, &filter), 0);
    assert_int_equal(link_send(l, &p4), 0);
    assert_int_equal(link_send(l, &p6), 0);
    assert_int_equal(link_send(l, &p4), 0);
    assert_int_equal(link_flush(l), 0);
    assert_true(wait_readable(link_fd(l, IP_V4)) && wait_readable(link_fd(l, IP_V6)));
    assert_int_equal(link_receive(l, in, 4, netns_now(), NULL), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(in[i].seg.seq, in[i].ip.version);
        versions += in[i].ip.version;
    }
    assert_int_equal(versions, 4 + 4 + 6);
    link_close(l);
}

/* ---- what a header says, and what comes of it */

static void the_ip_header_arrives_as_it_was_written(void **state)
{
    const enum ip_version version = version_of_test(state);
    struct link *l = open_link(version, 5001);
    struct packet p = make_packet(version, OURS, 5001, SEG_ACK, 1, 1);
    struct packet in;

    p.ip.ttl = 77;
    p.ip.traffic = 0x28;
    p.seg.ecn = ECN_CE;
    p.ip.flow_label = version == IP_V6 ? 0xabcde : 0;
    p.ip.id = version == IP_V4 ? 0x1234 : 0;
    assert_int_equal(send_now(l, &p), 0);
    assert_true(receive_one(l, version, &in));
    assert_int_equal(in.ip.ttl, 77);
    assert_int_equal(in.ip.traffic, 0x28 | ECN_CE);
    assert_int_equal(in.seg.ecn, ECN_CE);
    assert_int_equal(in.ip.flow_label, p.ip.flow_label);
    assert_int_equal(in.ip.id, p.ip.id);
    assert_int_equal(in.ip.checksum, p.ip.checksum);
    assert_int_equal(in.checksum, p.checksum);
    assert_int_equal(in.ip.total_len, p.ip.total_len);
    link_close(l);
}

/* Past the link: a packet with a wrong TCP checksum. */
static void send_corrupt(enum ip_version version)
{
    struct packet p = make_packet(version, OURS, 5001, SEG_ACK, 1, 1);
    uint8_t buf[PACKET_HEADERS_MAX];
    const size_t len = packet_build(&p, buf);
    union sockaddr_ip to;
    const socklen_t to_len = sockaddr_from_ip(&to, &p.ip.dst, 0);
    const int fd = socket(sockaddr_family(version), SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

    buf[len - TCP_HEADER_MIN + 16] ^= 0x55;
    assert_int_equal(sendto(fd, buf, len, 0, &to.sa, to_len), len);
    close(fd);
}

static void a_wrong_checksum_is_shown_not_hidden(void **state)
{
    const enum ip_version version = version_of_test(state);
    struct link *l = open_link(version, 5001);
    struct packet in;

    send_corrupt(version);
    assert_true(receive_one(l, version, &in));
    assert_int_equal(in.checksum_verdict, CHECKSUM_BAD);
    link_close(l);
}

static void link_local_addresses_have_a_scope(void **state)
{
    const struct ip_addr ip = {.version = IP_V6, .bytes = {0xfe, 0x80, [15] = 1}, .scope_id = 1};
    struct packet p = make_packet(IP_V6, OURS, 5001, SEG_ACK, 1, 1);
    struct link *l;
    struct packet in;
    struct route route;

    (void)state;
    netns_add_v6("lo", &ip);
    l = open_link(IP_V6, 5001);
    p.ip.src = p.ip.dst = ip;
    assert_int_equal(send_now(l, &p), 0);
    assert_true(receive_one(l, IP_V6, &in));
    assert_true(ip_addr_equal(&in.ip.src, &ip));
    assert_int_equal(in.ip.src.scope_id, 1);
    assert_int_equal(in.ip.dst.scope_id, 1);
    assert_int_equal(route_lookup(&ip, NULL, &route), 0);
    assert_int_equal(route.ifindex, 1);
    link_close(l);
}

/* ---- the filter */

static int count_received(struct link *l, enum ip_version version, uint32_t last)
{
    struct packet p = {0};
    int n = 0;

    while (p.seg.seq != last) {
        assert_true(receive_one(l, version, &p));
        n++;
    }
    return n;
}

static void the_filter_lets_in_nothing_else(void **state)
{
    const enum ip_version version = version_of_test(state);
    struct link_filter filter = {.local_port = 5001,
                                 .remote = {.ip = netns_loopback(version), .port = OURS}};
    struct link *l = open_link(version, 5001);
    struct packet wrong_dport = make_packet(version, OURS, 5002, SEG_ACK, 1, 1);
    struct packet wrong_sport = make_packet(version, 5003, 5001, SEG_ACK, 2, 1);
    struct packet right = make_packet(version, OURS, 5001, SEG_ACK, 3, 1);

    assert_int_equal(link_send(l, &wrong_dport), 0);
    assert_int_equal(link_send(l, &wrong_sport), 0);
    assert_int_equal(send_now(l, &right), 0);
    assert_int_equal(count_received(l, version, 3), 2);

    assert_int_equal(link_set_filter(l, &filter), 0);
    assert_int_equal(link_send(l, &wrong_dport), 0);
    assert_int_equal(link_send(l, &wrong_sport), 0);
    assert_int_equal(send_now(l, &right), 0);
    assert_int_equal(count_received(l, version, 3), 1);
    link_close(l);
}

static void the_filter_knows_addresses(void **state)
{
    const struct link_filter filter = {.local_port = 5001, .remote = {.ip = netns_v4(1)}};
    struct packet wrong = make_packet(IP_V4, OURS, 5001, SEG_ACK, 1, 1);
    struct packet right = make_packet(IP_V4, OURS, 5001, SEG_ACK, 2, 1);
    struct packet wrong6 = make_packet(IP_V6, OURS, 5001, SEG_ACK, 1, 1);
    struct packet in;
    struct link *l;

    (void)state;
    wrong.ip.src = netns_v4(2);
    assert_int_equal(link_open(&l, true, true, TEST_MARK, &filter), 0);
    assert_int_equal(link_send(l, &wrong6), 0);
    assert_int_equal(link_send(l, &wrong), 0);
    assert_int_equal(send_now(l, &right), 0);
    assert_int_equal(count_received(l, IP_V4, 2), 1);
    assert_int_equal(link_receive(l, &in, 1, netns_now(), NULL), 0);
    link_close(l);
}

static void nothing_slips_in_before_the_filter(void **state)
{
    const enum ip_version version = version_of_test(state);
    struct link *noise = open_link(version, 5002);
    struct packet in;

    for (uint32_t i = 0; i < 20; i++) {
        struct packet p = make_packet(version, OURS, 5002, SEG_ACK, i, 1);
        struct link *l;

        assert_int_equal(send_now(noise, &p), 0);
        l = open_link(version, 5001);
        assert_int_equal(link_receive(l, &in, 1, netns_now(), NULL), 0);
        link_close(l);
    }
    link_close(noise);
}

/* ---- errors */

/* An ICMP error about `about` from `sender` to its source, as a router on the way would send it. */
static void send_icmp_error(const struct ip_addr *sender, struct packet *about, uint8_t type,
                            uint8_t code, uint32_t info)
{
    const bool v4 = about->ip.version == IP_V4;
    const int fd = socket(sockaddr_family(about->ip.version), SOCK_RAW | SOCK_CLOEXEC,
                          v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    uint8_t msg[8 + PACKET_HEADERS_MAX] = {type, code};
    const size_t len = 8 + packet_build(about, msg + 8);
    const uint32_t info_be = htonl(info);
    union sockaddr_ip sa;
    socklen_t sa_len = sockaddr_from_ip(&sa, sender, 0);

    memcpy(msg + 4, &info_be, sizeof(info_be));
    if (v4) {
        struct checksum sum = {0};
        uint16_t be;

        checksum_add(&sum, msg, len);
        be = htons(checksum_finish(&sum));
        memcpy(msg + 2, &be, sizeof(be));
    }
    assert_int_equal(bind(fd, &sa.sa, sa_len), 0);
    sa_len = sockaddr_from_ip(&sa, &about->ip.src, 0);
    assert_int_equal(sendto(fd, msg, len, 0, &sa.sa, sa_len), len);
    close(fd);
}

static struct ip_addr router(enum ip_version version)
{
    static const struct ip_addr v6 = {.version = IP_V6, .bytes = {0xfd, [15] = 2}};

    return version == IP_V4 ? netns_v4(2) : v6;
}

static void add_router_address(void)
{
    const struct ip_addr v6 = router(IP_V6);

    netns_add_v6("lo", &v6);
}

static bool wait_error(struct link *l, enum ip_version version, struct icmp_error *e)
{
    struct pollfd p = {.fd = link_fd(l, version)};

    return poll(&p, 1, PATIENCE) == 1 && (p.revents & POLLERR) != 0 && link_error(l, e) == 1;
}

static void an_icmp_error_tells_who_and_about_what(void **state)
{
    const enum ip_version version = version_of_test(state);
    const struct ip_addr sender = router(version);
    struct link *l = open_link(version, OURS);
    struct packet about = make_packet(version, OURS, 5001, SEG_SYN, 0xdeadbeef, 0);
    struct icmp_error e;

    add_router_address();
    if (version == IP_V4) {
        send_icmp_error(&sender, &about, ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, 0);
    } else {
        send_icmp_error(&sender, &about, ICMPV6_DEST_UNREACH, ICMPV6_ADM_PROHIBITED, 0);
    }
    assert_true(wait_error(l, version, &e));
    assert_int_equal(e.meaning, ICMP_MEANS_HARD);
    assert_int_equal(e.version, version);
    assert_true(ip_addr_equal(&e.sender, &sender));
    assert_int_equal(e.local.port, OURS);
    assert_int_equal(e.remote.port, 5001);
    assert_true(ip_addr_equal(&e.remote.ip, &about.ip.dst));
    assert_int_equal(e.seq, 0xdeadbeef);
    assert_int_equal(link_error(l, &e), 0);
    link_close(l);
}

static void an_icmp_error_tells_the_mtu(void **state)
{
    const enum ip_version version = version_of_test(state);
    const struct ip_addr sender = router(version);
    struct link *l = open_link(version, OURS);
    struct packet about = make_packet(version, OURS, 5001, SEG_ACK, 99, 0);
    struct icmp_error e;

    add_router_address();
    about.ip.dst = sender; /* the kernel remembers the IPv6 MTU of this address from now on */
    if (version == IP_V4) {
        send_icmp_error(&sender, &about, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400);
    } else {
        send_icmp_error(&sender, &about, ICMPV6_PKT_TOOBIG, 0, 1400);
    }
    assert_true(wait_error(l, version, &e));
    assert_int_equal(e.meaning, ICMP_MEANS_TOO_BIG);
    assert_int_equal(e.mtu, 1400);
    assert_int_equal(e.seq, 99);
    link_close(l);
}

static void errors_about_others_are_not_ours(void **state)
{
    const enum ip_version version = version_of_test(state);
    const struct ip_addr sender = router(version);
    struct link *l = open_link(version, OURS);
    struct packet about = make_packet(version, 5002, 5001, SEG_ACK, 99, 0);
    struct pollfd p = {.fd = link_fd(l, version)};
    struct icmp_error e;

    add_router_address();
    send_icmp_error(&sender, &about, version == IP_V4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH, 1,
                    0);
    assert_int_equal(poll(&p, 1, PATIENCE), 1);
    assert_int_equal(link_error(l, &e), 0);
    assert_int_equal(poll(&p, 1, 0), 0); /* and the loop may sleep again */
    link_close(l);
}

static void an_error_that_waits_does_not_cost_a_packet(void **state)
{
    const enum ip_version version = version_of_test(state);
    const struct ip_addr sender = router(version);
    struct link *l = open_link(version, OURS);
    struct link *to = open_link(version, 5001);
    struct packet about = make_packet(version, OURS, 5001, SEG_ACK, 99, 0);
    struct packet in;

    add_router_address();
    send_icmp_error(&sender, &about, version == IP_V4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH, 1,
                    0);
    assert_int_equal(send_now(l, &about), 0);
    assert_true(receive_one(to, version, &in));
    assert_int_equal(in.seg.seq, 99);
    send_icmp_error(&sender, &about, version == IP_V4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH, 1,
                    0);
    assert_true(link_receive(l, &in, 1, netns_now(), NULL) >= 0);
    link_close(l);
    link_close(to);
}

static void a_packet_above_the_mtu_is_refused_and_named(void **state)
{
    const enum ip_version version = version_of_test(state);
    struct link *l = open_link(version, OURS);
    struct link *to = open_link(version, 5001);
    struct packet small = make_packet(version, OURS, 5001, SEG_ACK, 1, 0);
    struct packet large = make_packet(version, OURS, 5001, SEG_ACK, 2, 0);
    struct packet last = make_packet(version, OURS, 5001, SEG_ACK, 3, 0);
    struct icmp_error e;

    add_payload(&large, big, 3000);
    assert_true(netns_set_mtu("lo", 1500));
    assert_int_equal(link_send(l, &small), 0);
    assert_int_equal(link_send(l, &large), 0);
    assert_int_equal(link_send(l, &last), 0);
    assert_int_equal(link_flush(l), -EMSGSIZE);
    assert_true(netns_set_mtu("lo", 65536));
    assert_int_equal(count_received(to, version, 3), 2);
    assert_int_equal(link_error(l, &e), 1);
    assert_int_equal(e.meaning, ICMP_MEANS_TOO_BIG);
    assert_int_equal(e.mtu, 1500);
    assert_int_equal(e.sender.version, IP_NONE);
    assert_int_equal(e.seq, 2);
    assert_int_equal(e.local.port, OURS);
    assert_int_equal(e.remote.port, 5001);
    assert_int_equal(link_error(l, &e), 0);
    link_close(l);
    link_close(to);
}

static void a_packet_without_a_route_is_refused_and_the_rest_goes(void **state)
{
    const enum ip_version version = version_of_test(state);
    struct link *l = open_link(version, OURS);
    struct link *to = open_link(version, 5001);
    struct packet lost = make_packet(version, OURS, 5001, SEG_ACK, 1, 0);
    struct packet sent = make_packet(version, OURS, 5001, SEG_ACK, 2, 0);

    lost.ip.dst = version == IP_V4
                      ? (struct ip_addr){.version = IP_V4, .bytes = {192, 0, 2, 1}}
                      : (struct ip_addr){.version = IP_V6, .bytes = {0x20, 1, 0xd, 0xb8, 1}};
    assert_int_equal(link_send(l, &lost), 0);
    assert_int_equal(link_send(l, &sent), 0);
    assert_int_equal(link_flush(l), -ENETUNREACH);
    assert_int_equal(count_received(to, version, 2), 1);
    link_close(l);
    link_close(to);
}

static void packets_lost_to_a_full_buffer_are_counted(void **state)
{
    const enum ip_version version = version_of_test(state);
    struct link *from = open_link(version, OURS);
    struct link *to = open_link(version, 5001);
    struct link_stats stats = {0};
    struct packet in[BATCH];
    struct packet p = make_packet(version, OURS, 5001, SEG_ACK, 1, 0);
    int got = 0;

    add_payload(&p, big, 60000);
    for (int i = 0; i < 1200; i++) {
        assert_int_equal(send_now(from, &p), 0);
    }
    for (int n; (n = link_receive(to, in, BATCH, netns_now(), NULL)) > 0;) {
        got += n;
    }
    link_get_stats(to, &stats);
    assert_true(got < 1200);
    assert_true(stats.overflows >= (uint64_t)(1200 - got));
    link_get_stats(from, &stats); /* its filter has refused them all: that is no loss */
    assert_int_equal(stats.overflows, 0);
    link_close(from);
    link_close(to);
}

/* More than the sockets begin with. */
#define LARGE_WINDOW ((size_t)48 << 20)

static void the_announced_capacity_is_there(void **state)
{
    const enum ip_version version = version_of_test(state);
    struct link *from = open_link(version, OURS);
    struct link *to = open_link(version, 5001);
    const size_t capacity = link_receive_capacity(to, LARGE_WINDOW);
    struct link_stats stats = {0};
    struct packet in[BATCH];
    size_t sent = 0;
    size_t got = 0;
    int n;

    /* Where only net.core.rmem_max may be had, it is less. */
    assert_true(capacity > 65536);
    assert_in_range(capacity, link_receive_capacity(to, 65536), LARGE_WINDOW);
    while (sent < capacity) {
        struct packet p = make_packet(version, OURS, 5001, SEG_ACK, (uint32_t)sent, 0);

        add_payload(&p, big, 1448);
        assert_int_equal(link_send(from, &p), 0);
        sent += 1448;
    }
    assert_int_equal(link_flush(from), 0);
    while ((n = link_receive(to, in, BATCH, netns_now(), NULL)) > 0) {
        got += (size_t)n * 1448;
    }
    assert_int_equal(got, sent);
    link_get_stats(to, &stats);
    assert_int_equal(stats.overflows, 0);
    link_close(from);
    link_close(to);
}

static void what_is_queued_takes_room(void **state)
{
    const enum ip_version version = version_of_test(state);
    struct link *l = open_link(version, OURS);
    const size_t room = link_send_room(l, version);
    struct packet p = make_packet(version, OURS, 5001, SEG_ACK, 1, 0);

    add_payload(&p, big, 60000);
    assert_true(room > link_send_cost(&p));
    assert_int_equal(link_send(l, &p), 0);
    assert_in_range(link_send_room(l, version), room - link_send_cost(&p), room - 60000);
    assert_int_equal(link_flush(l), 0);
    assert_int_equal(link_send_room(l, version), room);
    assert_int_equal(link_send_room(l, version == IP_V4 ? IP_V6 : IP_V4), 0);
    link_close(l);
}

/* ---- routes */

static void a_route_tells_source_mtu_and_interface(void **state)
{
    const enum ip_version version = version_of_test(state);
    const struct ip_addr home = netns_loopback(version);
    struct route route;

    assert_int_equal(route_lookup(&home, NULL, &route), 0);
    assert_true(ip_addr_equal(&route.source, &home));
    assert_int_equal(route.mtu, 65535);
    assert_int_equal(route.ifindex, 1);
}

static void a_route_is_asked_for_again_on_an_open_descriptor(void **state)
{
    const enum ip_version version = version_of_test(state);
    const struct ip_addr home = netns_loopback(version);
    const struct ip_addr foreign = {.version = IP_V4, .bytes = {192, 0, 2, 1}};
    const int fd = route_open();
    struct route first, again;

    assert_true(fd >= 0);
    assert_int_equal(route_lookup(&home, NULL, &first), 0);
    assert_int_equal(route_again(fd, &home, &first.source, &again), 0);
    assert_int_equal(again.mtu, first.mtu);
    assert_int_equal(again.ifindex, first.ifindex);
    if (version == IP_V4)
        assert_int_equal(route_again(fd, &foreign, &first.source, &again), -ENETUNREACH);
    close(fd);
}

static void a_route_from_a_chosen_source(void **state)
{
    const struct ip_addr remote = netns_v4(1);
    const struct ip_addr source = netns_v4(9);
    const struct ip_addr foreign = {.version = IP_V4, .bytes = {192, 0, 2, 1}};
    struct route route;

    (void)state;
    assert_int_equal(route_lookup(&remote, &source, &route), 0);
    assert_true(ip_addr_equal(&route.source, &source));
    assert_int_equal(route_lookup(&remote, &foreign, &route), -EADDRNOTAVAIL);
    assert_int_equal(route_lookup(&foreign, NULL, &route), -ENETUNREACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_listener_answers_our_syn),
        BOTH(a_closed_port_answers_with_a_reset),
        BOTH(a_segment_of_64_kilobytes_arrives_at_the_kernel),
        BOTH(a_segment_of_64_kilobytes_arrives_from_the_kernel),
        BOTH(a_burst_arrives_in_order),
        cmocka_unit_test(both_families_are_received_by_one_call),
        BOTH(the_ip_header_arrives_as_it_was_written),
        BOTH(a_wrong_checksum_is_shown_not_hidden),
        cmocka_unit_test(link_local_addresses_have_a_scope),
        BOTH(the_filter_lets_in_nothing_else),
        cmocka_unit_test(the_filter_knows_addresses),
        BOTH(nothing_slips_in_before_the_filter),
        BOTH(an_icmp_error_tells_who_and_about_what),
        BOTH(an_icmp_error_tells_the_mtu),
        BOTH(errors_about_others_are_not_ours),
        BOTH(an_error_that_waits_does_not_cost_a_packet),
        BOTH(a_packet_above_the_mtu_is_refused_and_named),
        BOTH(a_packet_without_a_route_is_refused_and_the_rest_goes),
        BOTH(packets_lost_to_a_full_buffer_are_counted),
        BOTH(the_announced_capacity_is_there),
        BOTH(what_is_queued_takes_room),
        BOTH(a_route_tells_source_mtu_and_interface),
        BOTH(a_route_is_asked_for_again_on_an_open_descriptor),
        cmocka_unit_test(a_route_from_a_chosen_source),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    netns_enter_or_skip();
    for (size_t i = 0; i < sizeof(big); i++) {
        big[i] = (uint8_t)(i * 7 + (i >> 8) * 13);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
