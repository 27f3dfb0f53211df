/*
 * inject: sends one TCP segment of which no kernel and no connection knows: an old duplicate, a
 * forgery, a repetition. With --count many, each from the next port with the next number: a flood.
 * Over a raw socket of the namespace that it runs in; touches nothing else.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static void die(const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "inject: ");
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\n");
    exit(1);
}

static uint32_t parse_number(const char *text)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 0);

    if (end == text || *end || value > UINT32_MAX)
        die("%s: want a number", text);
    return (uint32_t)value;
}

static uint8_t parse_flags(const char *text)
{
    static const char letters[] = "FSRPAUEW"; /* by value: 1, 2, 4, ... */
    uint8_t flags = 0;

    for (; *text; text++) {
        const char *at = strchr(letters, *text);

        if (!at)
            die("flags are letters of %s", letters);
        flags |= (uint8_t)(1 << (at - letters));
    }
    return flags;
}

/* "VALUE:ECHO" as two no-operations and a timestamps option; returns its length. */
static size_t parse_timestamps(const char *text, uint8_t out[12])
{
    const uint8_t kind[4] = {TCPOPT_NOP, TCPOPT_NOP, TCPOPT_TIMESTAMP, TCPOLEN_TIMESTAMP};
    char copy[32];
    char *colon;
    uint32_t pair[2];

    snprintf(copy, sizeof(copy), "%s", text);
    colon = strchr(copy, ':');
    if (!colon)
        die("%s: want VALUE:ECHO", text);
    *colon = '\0';
    pair[0] = htonl(parse_number(copy));
    pair[1] = htonl(parse_number(colon + 1));
    memcpy(out, kind, sizeof(kind));
    memcpy(out + sizeof(kind), pair, sizeof(pair));
    return 12;
}

static struct addrinfo *parse_endpoint(const char *address, const char *port)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int rc = getaddrinfo(address, port, &hints, &found);

    if (rc != 0)
        die("%s %s: %s", address, port, gai_strerror(rc));
    return found;
}

static uint32_t sum(uint32_t acc, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        acc += (uint32_t)p[i] << (i % 2 ? 0 : 8);
    return acc;
}

static uint16_t checksum(const struct addrinfo *from, const struct addrinfo *to, const uint8_t *tcp,
                         size_t len)
{
    uint32_t acc = IPPROTO_TCP + (uint32_t)len;

    if (from->ai_family == AF_INET) {
        acc = sum(acc, (void *)&((struct sockaddr_in *)from->ai_addr)->sin_addr, 4);
        acc = sum(acc, (void *)&((struct sockaddr_in *)to->ai_addr)->sin_addr, 4);
    } else {
        acc = sum(acc, (void *)&((struct sockaddr_in6 *)from->ai_addr)->sin6_addr, 16);
        acc = sum(acc, (void *)&((struct sockaddr_in6 *)to->ai_addr)->sin6_addr, 16);
    }
    acc = sum(acc, tcp, len);
    while (acc >> 16)
        acc = (acc & 0xffff) + (acc >> 16);
    return (uint16_t)~acc;
}

static void usage(void)
{
    fprintf(stderr, "usage: inject [--flags SA] [--seq N] [--ack N] [--window N] [--data TEXT]\n"
                    "              [--timestamps VALUE:ECHO] [--count N]\n"
                    "              FROM-ADDRESS FROM-PORT TO-ADDRESS TO-PORT\n");
    exit(2);
}

/* A raw socket that sends from any address, ours or not, and to any. */
static int open_raw(const struct addrinfo *from)
{
    const int fd = socket(from->ai_family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);
    const int on = 1;

    if (fd < 0)
        die("%s", strerror(errno));
    if (from->ai_family == AF_INET)
        setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on));
    else
        setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
    if (bind(fd, from->ai_addr, from->ai_addrlen) < 0)
        die("%s", strerror(errno));
    return fd;
}

static void next_of_flood(struct tcphdr *tcp)
{
    const uint16_t port = ntohs(tcp->th_sport);

    tcp->th_sport = htons(port < UINT16_MAX ? (uint16_t)(port + 1) : 1024);
    tcp->th_seq = htonl(ntohl(tcp->th_seq) + 1);
}

int main(int argc, char *argv[])
{
    static const struct option options[] = {
        {"flags", required_argument, NULL, 'f'}, {"seq", required_argument, NULL, 's'},
        {"ack", required_argument, NULL, 'a'},   {"window", required_argument, NULL, 'w'},
        {"data", required_argument, NULL, 'd'},  {"timestamps", required_argument, NULL, 't'},
        {"count", required_argument, NULL, 'c'}, {NULL, 0, NULL, 0},
    };
    uint8_t packet[1400] = {0};
    struct tcphdr tcp = {.th_off = 5, .th_flags = TH_SYN, .th_win = htons(65535)};
    const char *data = "";
    uint8_t opt[12];
    size_t opt_len = 0, header, len;
    uint32_t count = 1;
    struct addrinfo *from, *to;
    int c, fd;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'f')
            tcp.th_flags = parse_flags(optarg);
        else if (c == 's')
            tcp.th_seq = htonl(parse_number(optarg));
        else if (c == 'a')
            tcp.th_ack = htonl(parse_number(optarg));
        else if (c == 'w')
            tcp.th_win = htons((uint16_t)parse_number(optarg));
        else if (c == 'd')
            data = optarg;
        else if (c == 't')
            opt_len = parse_timestamps(optarg, opt);
        else if (c == 'c')
            count = parse_number(optarg);
        else
            usage();
    }
    header = sizeof(tcp) + opt_len;
    len = header + strlen(data);
    if (argc - optind != 4 || len > sizeof(packet))
        usage();
    tcp.th_off = opt_len > 0 ? 8 : 5;
    tcp.th_sport = htons((uint16_t)parse_number(argv[optind + 1]));
    tcp.th_dport = htons((uint16_t)parse_number(argv[optind + 3]));
    /* To a raw socket a port number says nothing. */
    from = parse_endpoint(argv[optind], "0");
    to = parse_endpoint(argv[optind + 2], "0");
    if (from->ai_family != to->ai_family)
        die("addresses of two families");

    memcpy(packet + sizeof(tcp), opt, opt_len);
    memcpy(packet + header, data, strlen(data));
    fd = open_raw(from);
    for (uint32_t i = 0; i < count; i++) {
        tcp.th_sum = 0;
        memcpy(packet, &tcp, sizeof(tcp));
        tcp.th_sum = htons(checksum(from, to, packet, len));
        memcpy(packet, &tcp, sizeof(tcp));
        if (sendto(fd, packet, len, 0, to->ai_addr, to->ai_addrlen) < 0)
            die("%s", strerror(errno));
        next_of_flood(&tcp);
    }
    return 0;
}
