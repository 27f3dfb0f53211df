/*
 * Numbers, times, addresses and untrusted bytes as text. Touches no file and no network.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "segcat/trace/format.h"

static void expect_duration(usec_t d, const char *text)
{
    char buf[DURATION_TEXT_MAX];

    assert_string_equal(format_duration(d, buf), text);
}

static void a_duration_has_three_or_four_digits_and_a_unit(void **state)
{
    (void)state;
    expect_duration(0, "0 us");
    expect_duration(120, "120 us");
    expect_duration(999, "999 us");
    expect_duration(1000, "1.00 ms");
    expect_duration(9994, "9.99 ms");
    expect_duration(20113, "20.1 ms");
    expect_duration(200 * USEC_MS, "200 ms");
    expect_duration(USEC_SEC, "1.000 s");
    expect_duration(3040 * USEC_MS, "3.040 s");
    expect_duration(60 * USEC_SEC, "60.00 s");
    expect_duration(924600 * USEC_MS, "924.6 s");
    expect_duration(7200 * USEC_SEC, "7200 s");
}

static void rounding_never_makes_a_digit_too_many(void **state)
{
    (void)state;
    expect_duration(9995, "10.0 ms");
    expect_duration(9999, "10.0 ms");
    expect_duration(99949, "99.9 ms");
    expect_duration(99950, "100 ms");
    expect_duration(999499, "999 ms");
    expect_duration(999500, "1.000 s");
    expect_duration(9999499, "9.999 s");
    expect_duration(9999500, "10.00 s");
    expect_duration(99999999, "100.0 s");
}

static void the_longest_duration_fits(void **state)
{
    (void)state;
    expect_duration(USEC_NEVER, "18446744073710 s");
}

static void a_chosen_duration_has_no_needless_zeros(void **state)
{
    char buf[DURATION_TEXT_MAX];

    (void)state;
    assert_string_equal(format_setting(60 * USEC_SEC, buf), "60 s");
    assert_string_equal(format_setting(1500 * USEC_MS, buf), "1.5 s");
    assert_string_equal(format_setting(200 * USEC_MS, buf), "200 ms");
    assert_string_equal(format_setting(USEC_MS, buf), "1 ms");
    assert_string_equal(format_setting(0, buf), "0 us");
}

static void expect_rate(uint64_t bytes, usec_t over, const char *text)
{
    char buf[RATE_TEXT_MAX];

    assert_string_equal(format_rate(bytes, over, buf), text);
}

static void a_rate_has_three_digits_and_a_decimal_unit(void **state)
{
    (void)state;
    expect_rate(0, USEC_SEC, "0 B/s");
    expect_rate(3006, 9600 * USEC_MS, "313 B/s");
    expect_rate(4348, 9600 * USEC_MS, "453 B/s");
    expect_rate(999, USEC_SEC, "999 B/s");
    expect_rate(1000, USEC_SEC, "1.00 kB/s");
    expect_rate(999600, USEC_SEC, "1.00 MB/s");
    expect_rate(3400000000, USEC_SEC, "3.40 GB/s");
    expect_rate(5, 0, "5.00 MB/s");
}

static void the_highest_rate_fits(void **state)
{
    char buf[RATE_TEXT_MAX];

    (void)state;
    assert_true(strlen(format_rate(UINT64_MAX, 0, buf)) < RATE_TEXT_MAX);
}

static void expect_flags(unsigned flags, const char *text)
{
    char buf[FLAGS_TEXT_MAX];

    assert_string_equal(format_flags(flags, buf), text);
}

static void control_bits_are_in_the_order_of_the_rfcs_figures(void **state)
{
    (void)state;
    expect_flags(SEG_SYN, "SYN");
    expect_flags(SEG_SYN | SEG_ACK, "SYN,ACK");
    expect_flags(SEG_FIN | SEG_ACK, "FIN,ACK");
    expect_flags(SEG_RST | SEG_ACK, "RST,ACK");
    expect_flags(SEG_FIN | SEG_PSH | SEG_ACK, "FIN,PSH,ACK");
    expect_flags(0, "none");
    expect_flags(0xffff, "SYN,FIN,RST,PSH,URG,ACK,ECE,CWR,AE");
}

static void addresses_and_endpoints_have_their_usual_form(void **state)
{
    const struct endpoint v4 = {{.version = IP_V4, .bytes = {192, 0, 2, 1}}, 80};
    const struct endpoint v6 = {{.version = IP_V6, .bytes = {[15] = 1}}, 8088};
    const struct endpoint none = {{.version = IP_NONE}, 0};
    char buf[ENDPOINT_TEXT_MAX];

    (void)state;
    assert_string_equal(format_address(&v4.ip, buf), "192.0.2.1");
    assert_string_equal(format_endpoint(&v4, ':', buf), "192.0.2.1:80");
    assert_string_equal(format_endpoint(&v4, '.', buf), "192.0.2.1.80");
    assert_string_equal(format_endpoint(&v6, ':', buf), "[::1]:8088");
    assert_string_equal(format_endpoint(&v6, '.', buf), "::1.8088");
    assert_string_equal(format_endpoint(&none, ':', buf), "?:0");
}

static void a_scope_is_shown_by_name_or_number(void **state)
{
    struct ip_addr a = {.version = IP_V6, .bytes = {0xfe, 0x80, [15] = 1}, .scope_id = 1};
    char buf[ADDRESS_TEXT_MAX];

    (void)state;
    assert_string_equal(format_address(&a, buf), "fe80::1%lo");
    a.scope_id = 4000000000;
    assert_string_equal(format_address(&a, buf), "fe80::1%4000000000");
}

static void the_longest_endpoint_fits(void **state)
{
    struct endpoint e = {{.version = IP_V6, .scope_id = UINT32_MAX}, 65535};
    char buf[ENDPOINT_TEXT_MAX];

    (void)state;
    memset(e.ip.bytes, 0xff, sizeof e.ip.bytes);
    assert_string_equal(format_endpoint(&e, ':', buf),
                        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
}

static const char *payload(const char *a, size_t alen, const char *b, size_t blen, size_t width)
{
    static char buf[128];
    const struct slice data[2] = {{(const uint8_t *)a, alen}, {(const uint8_t *)b, blen}};

    return format_payload(data, width, buf, sizeof buf);
}

static void a_payload_is_quoted_and_escaped(void **state)
{
    (void)state;
    assert_string_equal(payload("hello\n", 6, NULL, 0, 40), "\"hello\\n\"");
    assert_string_equal(payload("\r\n\t\033[1m", 7, NULL, 0, 40), "\"\\r\\n\\t\\e[1m\"");
    assert_string_equal(payload("a\"b\\", 4, NULL, 0, 40), "\"a\\\"b\\\\\"");
    assert_string_equal(payload("\0\x7f\x80\xff", 4, NULL, 0, 40), "\"\\x00\\x7f\\x80\\xff\"");
    assert_string_equal(payload(NULL, 0, NULL, 0, 40), "\"\"");
}

static void a_payload_in_two_pieces_reads_as_one(void **state)
{
    (void)state;
    assert_string_equal(payload("hel", 3, "lo", 2, 40), "\"hello\"");
    assert_string_equal(payload(NULL, 0, "lo", 2, 40), "\"lo\"");
}

static void a_payload_is_cut_to_its_width_and_says_so(void **state)
{
    (void)state;
    assert_string_equal(payload("0123456789", 10, NULL, 0, 12), "\"0123456789\"");
    assert_string_equal(payload("0123456789", 10, NULL, 0, 11), "\"012345\"...");
    assert_string_equal(payload("0123456789", 10, NULL, 0, 5), "\"\"...");
    assert_string_equal(payload("0123456789", 10, NULL, 0, 4), "");
    assert_string_equal(payload("\xff\xff\xff\xff", 4, NULL, 0, 13), "\"\\xff\\xff\"...");
    assert_string_equal(payload("\xff\xff\xff\xff", 4, NULL, 0, 12), "\"\\xff\"...");
}

static void no_payload_is_wider_than_asked(void **state)
{
    char bytes[64];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7);
    for (size_t len = 0; len <= sizeof bytes; len++)
        for (size_t width = 0; width < 128; width++)
            assert_true(strlen(payload(bytes, len / 2, bytes + len / 2, len - len / 2, width)) <=
                        width);
}

static void a_small_buffer_bounds_the_payload_too(void **state)
{
    const struct slice data[2] = {{(const uint8_t *)"0123456789", 10}, {NULL, 0}};
    char buf[12];

    (void)state;
    assert_string_equal(format_payload(data, 100, buf, sizeof buf), "\"012345\"...");
}

static void printable_text_stays_as_it_is(void **state)
{
    char buf[64];

    (void)state;
    assert_string_equal(format_printable("a \"b\\c\"", buf, sizeof buf), "a \"b\\c\"");
    assert_string_equal(format_printable("m\xc3\xbcnchen.de \xe2\x82\xac", buf, sizeof buf),
                        "m\xc3\xbcnchen.de \xe2\x82\xac");
}

static void control_characters_and_broken_utf8_are_escaped(void **state)
{
    char buf[64];

    (void)state;
    assert_string_equal(format_printable("\033[2J\r\n\x01", buf, sizeof buf), "\\e[2J\\r\\n\\x01");
    assert_string_equal(format_printable("\xc3", buf, sizeof buf), "\\xc3");
    assert_string_equal(format_printable("\xc0\xaf", buf, sizeof buf), "\\xc0\\xaf");
    assert_string_equal(format_printable("\xc2\x9b", buf, sizeof buf), "\\xc2\\x9b");
    assert_string_equal(format_printable("\xed\xa0\x80", buf, sizeof buf), "\\xed\\xa0\\x80");
    assert_string_equal(format_printable("\xe2\x80\xae", buf, sizeof buf), "\\xe2\\x80\\xae");
    assert_string_equal(format_printable("\xf4\x90\x80\x80", buf, sizeof buf),
                        "\\xf4\\x90\\x80\\x80");
    assert_string_equal(format_printable("\xff", buf, sizeof buf), "\\xff");
}

static void printable_text_is_cut_between_characters(void **state)
{
    char buf[6];

    (void)state;
    assert_string_equal(format_printable("abcdefgh", buf, sizeof buf), "abcde");
    assert_string_equal(format_printable("abcd\xc3\xbc", buf, sizeof buf), "abcd");
    assert_string_equal(format_printable("abc\033", buf, sizeof buf), "abc\\e");
    assert_string_equal(format_printable("abcd\033", buf, sizeof buf), "abcd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_duration_has_three_or_four_digits_and_a_unit),
        cmocka_unit_test(rounding_never_makes_a_digit_too_many),
        cmocka_unit_test(the_longest_duration_fits),
        cmocka_unit_test(a_chosen_duration_has_no_needless_zeros),
        cmocka_unit_test(a_rate_has_three_digits_and_a_decimal_unit),
        cmocka_unit_test(the_highest_rate_fits),
        cmocka_unit_test(control_bits_are_in_the_order_of_the_rfcs_figures),
        cmocka_unit_test(addresses_and_endpoints_have_their_usual_form),
        cmocka_unit_test(a_scope_is_shown_by_name_or_number),
        cmocka_unit_test(the_longest_endpoint_fits),
        cmocka_unit_test(a_payload_is_quoted_and_escaped),
        cmocka_unit_test(a_payload_in_two_pieces_reads_as_one),
        cmocka_unit_test(a_payload_is_cut_to_its_width_and_says_so),
        cmocka_unit_test(no_payload_is_wider_than_asked),
        cmocka_unit_test(a_small_buffer_bounds_the_payload_too),
        cmocka_unit_test(printable_text_stays_as_it_is),
        cmocka_unit_test(control_characters_and_broken_utf8_are_escaped),
        cmocka_unit_test(printable_text_is_cut_between_characters),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
