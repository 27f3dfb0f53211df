/*
 * The words for a type of service. Touches nothing but its arguments.
 */
#include "segcat/cli/tos.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ECN_BITS 3

/* What the names stand for beside the families af and cs: RFC 1349, RFC 791, RFC 3246, RFC 8622. */
static const struct {
    const char *name;
    uint8_t value;
} words[] = {
    {"critical", 0xa0}, {"ef", 0xb8},         {"inetcontrol", 0xc0}, {"le", 0x04},
    {"lowdelay", 0x10}, {"netcontrol", 0xe0}, {"reliability", 0x04}, {"throughput", 0x08},
};

static bool digit(char c, char least, char most)
{
    return c >= least && c <= most;
}

/* afCD, RFC 2597: class C of 1 to 4, drop precedence D of 1 to 3. csN, RFC 2474: N of 0 to 7. */
static bool family(const char *text, uint8_t *out)
{
    if (strncasecmp(text, "af", 2) == 0 && digit(text[2], '1', '4') && digit(text[3], '1', '3') &&
        text[4] == '\0') {
        *out = (uint8_t)((text[2] - '0') << 5 | (text[3] - '0') << 3);
        return true;
    }
    if (strncasecmp(text, "cs", 2) == 0 && digit(text[2], '0', '7') && text[3] == '\0') {
        *out = (uint8_t)((text[2] - '0') << 5);
        return true;
    }
    return false;
}

static bool number(const char *text, uint8_t *out)
{
    const bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *const digits = hex ? text + 2 : text;
    const size_t len = strlen(digits);
    unsigned long n;

    if (len == 0 || len > 3 || strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") != len)
        return false;
    n = strtoul(digits, NULL, hex ? 16 : 10);
    *out = (uint8_t)n;
    return n <= UINT8_MAX && (n & ECN_BITS) == 0;
}

bool tos_parse(const char *text, uint8_t *out)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i].name) == 0) {
            *out = words[i].value;
            return true;
        }
    return family(text, out) || number(text, out);
}
