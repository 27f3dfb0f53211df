/*
 * src/wire/address.c: kinds of addresses, and when two are the same.
 */
#include "segcat/wire/address.h"

#include "wire_helper.h"

static struct ip_addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct ip_addr){.version = IP_V4, .bytes = {a, b, c, d}};
}

/* first and last byte of an IPv6 address, zero between */
static struct ip_addr v6(uint8_t a, uint8_t b, uint8_t last)
{
    return (struct ip_addr){.version = IP_V6, .bytes = {a, b, [15] = last}};
}

static void lengths(void **state)
{
    (void)state;
    assert_int_equal(ip_addr_len(IP_V4), 4);
    assert_int_equal(ip_addr_len(IP_V6), 16);
    assert_int_equal(ip_addr_len(IP_NONE), 0);
}

static void equality(void **state)
{
    struct ip_addr a = v4(10, 0, 0, 1), b = v4(10, 0, 0, 1);

    (void)state;
    assert_true(ip_addr_equal(&a, &b));
    b.bytes[3] = 2;
    assert_false(ip_addr_equal(&a, &b));
    b = v6(10, 0, 0);
    a = v4(10, 0, 0, 0);
    assert_false(ip_addr_equal(&a, &b));
    a = v6(0xfe, 0x80, 1);
    b = v6(0xfe, 0x80, 2);
    assert_false(ip_addr_equal(&a, &b));
}

static void scope(void **state)
{
    struct ip_addr a = v6(0xfe, 0x80, 1), b = a;

    (void)state;
    a.scope_id = 2;
    assert_true(ip_addr_equal(&a, &b));
    b.scope_id = 3;
    assert_false(ip_addr_equal(&a, &b));
    b.scope_id = 2;
    assert_true(ip_addr_equal(&a, &b));
}

static void endpoints(void **state)
{
    struct endpoint a = {v4(10, 0, 0, 1), 80}, b = a;

    (void)state;
    assert_true(endpoint_equal(&a, &b));
    b.port = 81;
    assert_false(endpoint_equal(&a, &b));
    b = a;
    b.ip.bytes[0] = 11;
    assert_false(endpoint_equal(&a, &b));
}

/* Each address and the one kind that it is of, '-' for a plain host. */
static void kinds(void **state)
{
    const struct {
        struct ip_addr a;
        char kind;
    } table[] = {
        {v4(0, 0, 0, 0), 'u'},
        {v4(0, 0, 0, 1), '-'},
        {v6(0, 0, 0), 'u'},
        {v4(223, 255, 255, 255), '-'},
        {v4(224, 0, 0, 1), 'm'},
        {v4(239, 255, 255, 255), 'm'},
        {v4(240, 0, 0, 1), '-'},
        {v4(255, 255, 255, 254), '-'},
        {v4(255, 255, 255, 255), 'b'},
        {v4(127, 0, 0, 1), 'l'},
        {v4(127, 255, 0, 1), 'l'},
        {v4(128, 0, 0, 1), '-'},
        {v4(169, 254, 1, 1), 'k'},
        {v4(169, 253, 1, 1), '-'},
        {v6(0, 0, 1), 'l'},
        {v6(0, 0, 2), '-'},
        {v6(0xfe, 0x80, 1), 'k'},
        {v6(0xfe, 0xbf, 1), 'k'},
        {v6(0xfe, 0xc0, 1), '-'},
        {v6(0xfe, 0x7f, 1), '-'},
        {v6(0xff, 0x02, 1), 'm'},
        {v6(0xfd, 0x00, 1), '-'},
        {v6(127, 0, 1), '-'},
        {v6(0xff, 0xff, 0xff), 'm'},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        assert_int_equal(ip_addr_is_unspecified(&table[i].a), table[i].kind == 'u');
        assert_int_equal(ip_addr_is_multicast(&table[i].a), table[i].kind == 'm');
        assert_int_equal(ip_addr_is_broadcast(&table[i].a), table[i].kind == 'b');
        assert_int_equal(ip_addr_is_loopback(&table[i].a), table[i].kind == 'l');
        assert_int_equal(ip_addr_is_link_local(&table[i].a), table[i].kind == 'k');
    }
}

static void none(void **state)
{
    const struct ip_addr a = {0};

    (void)state;
    assert_false(ip_addr_is_unspecified(&a));
    assert_false(ip_addr_is_multicast(&a));
    assert_false(ip_addr_is_broadcast(&a));
    assert_false(ip_addr_is_loopback(&a));
    assert_false(ip_addr_is_link_local(&a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("an IPv4 address has 4 bytes, an IPv6 address 16", lengths),
        TEST("addresses are the same by family and bytes", equality),
        TEST("scopes are compared only where both addresses have one", scope),
        TEST("endpoints are the same by address and port", endpoints),
        TEST("every special address is known for what it is, and its neighbours are not", kinds),
        TEST("no address is of no kind, not even unspecified", none),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
