/*
 * What network cards do for a kernel, done as they do it: a GSO frame is cut into the segments that
 * a wire would carry, so that each meets a fate of its own; checksums are finished; and segments
 * that leave together are joined again as GRO would join them. Touches nothing but frames.
 */
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "emulator.h"

enum { TCP_CHECKSUM = 16, FIN = 1, PSH = 8, CWR = 0x80, JOINED_MAX = 65535 };

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

static void put16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

/* Where the payload begins. */
static uint32_t headers_len(const uint8_t *data, uint32_t tcp)
{
    return tcp + (uint32_t)(data[tcp + 12] >> 4) * 4;
}

/* Of the pseudo-header, for a segment of this length. */
static uint16_t pseudo_sum(const uint8_t *ip, uint8_t version, uint32_t tcp_len)
{
    const uint8_t *addresses = ip + (version == 4 ? 12 : 8);

    return fold16(sum16(addresses, version == 4 ? 8 : 32, IPPROTO_TCP + tcp_len));
}

/* The IP header's length, and the TCP checksum field left for others to finish. */
static void set_length(uint8_t *data, const struct view *v, uint32_t len)
{
    uint8_t *ip = data + ETH_HLEN;

    if (v->version == 4) {
        put16(ip + 2, len - ETH_HLEN);
        checksum_ipv4(ip);
    } else {
        put16(ip + 4, len - ETH_HLEN - 40);
    }
    put16(data + v->tcp + TCP_CHECKSUM, pseudo_sum(ip, v->version, len - v->tcp));
}

static struct virtio_net_hdr unfinished(const struct view *v)
{
    return (struct virtio_net_hdr){
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .csum_start = (uint16_t)v->tcp,
        .csum_offset = TCP_CHECKSUM,
    };
}

/* ---- in */

/* The i-th segment of a GSO frame, into `out`: false when there is none. */
bool offload_cut(const struct packet *p, uint32_t i, struct packet *segment,
                 uint8_t out[SEGMENT_MAX])
{
    struct view v = view_frame(p->data, p->len);
    uint32_t size = p->vnet.gso_size, headers, from, len;
    uint8_t *flags;

    if (!v.tcp || size == 0)
        die("a GSO frame that is no TCP");
    headers = headers_len(p->data, v.tcp);
    if (headers + size > SEGMENT_MAX)
        die("a GSO frame with segments of %u bytes", size);
    from = headers + i * size;
    if (from >= p->len)
        return false;
    len = p->len - from < size ? p->len - from : size;
    memcpy(out, p->data, headers);
    memcpy(out + headers, p->data + from, len);
    if (v.version == 4)
        put16(out + ETH_HLEN + 4, (uint32_t)(out[ETH_HLEN + 4] << 8 | out[ETH_HLEN + 5]) + i);
    put32(out + v.tcp + 4, get32(out + v.tcp + 4) + i * size);
    flags = &out[v.tcp + 13];
    if (from + len < p->len)
        *flags &= (uint8_t) ~(FIN | PSH);
    if (i > 0)
        *flags &= (uint8_t)~CWR;
    set_length(out, &v, headers + len);
    *segment =
        (struct packet){.data = out, .len = headers + len, .came = p->came, .vnet = unfinished(&v)};
    return true;
}

void offload_finish_checksum(struct frame *f)
{
    uint32_t start = f->vnet.csum_start;

    if (!(f->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
        return;
    put16(f->data + start + f->vnet.csum_offset,
          (uint16_t)~fold16(sum16(f->data + start, f->len - start, 0)));
    f->vnet.flags = 0;
}

/* ---- out */

/* That a receiver's card would find its checksum right. */
static bool is_right(const struct frame *f, const struct view *v)
{
    uint32_t pseudo = pseudo_sum(f->data + ETH_HLEN, v->version, f->len - v->tcp);

    if (f->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
        return true;
    return fold16(pseudo + fold16(sum16(f->data + v->tcp, f->len - v->tcp, 0))) == 0xffff;
}

/* All that is the same in the segments of one GSO frame: all but lengths, numbers and checksums. */
static bool same_headers(const struct frame *a, const struct frame *b, const struct view *v,
                         uint32_t headers)
{
    const uint8_t *x = a->data, *y = b->data;
    uint32_t ip = ETH_HLEN, tcp = v->tcp;
    bool network = v->version == 4
                       ? memcmp(x + ip, y + ip, 2) == 0 && memcmp(x + ip + 6, y + ip + 6, 4) == 0 &&
                             memcmp(x + ip + 12, y + ip + 12, tcp - ip - 12) == 0
                       : memcmp(x + ip, y + ip, 4) == 0 && memcmp(x + ip + 6, y + ip + 6, 34) == 0;

    return network && memcmp(x, y, ETH_HLEN) == 0 && memcmp(x + tcp, y + tcp, 4) == 0 &&
           memcmp(x + tcp + 8, y + tcp + 8, 5) == 0 && /* ACK, header length */
           (x[tcp + 13] | PSH | FIN) == (y[tcp + 13] | PSH | FIN) &&
           memcmp(x + tcp + 14, y + tcp + 14, 2) == 0 &&
           memcmp(x + tcp + 20, y + tcp + 20, headers - tcp - 20) == 0;
}

/* Joins the first of the frames and as many of those behind it as belong to it: returns how many.
 * The first has the headers of them all then; `headers` is their length. */
size_t offload_join(struct frame *const *frames, size_t count, struct virtio_net_hdr *vnet,
                    uint32_t *headers)
{
    struct frame *first = frames[0];
    struct view v = view_frame(first->data, first->len);
    uint32_t size, len = first->len;
    size_t n;

    *vnet = first->vnet;
    if (!v.tcp || v.ip_len + ETH_HLEN != first->len)
        return 1;
    *headers = headers_len(first->data, v.tcp);
    if (*headers >= first->len || first->data[v.tcp + 13] & CWR || !is_right(first, &v))
        return 1;
    size = first->len - *headers;
    for (n = 1; n < count; n++) {
        const struct frame *f = frames[n];
        struct view other = view_frame(f->data, f->len);

        if (other.version != v.version || other.tcp != v.tcp || other.ip_len + ETH_HLEN != f->len ||
            f->len <= *headers || f->len - *headers > size || frames[n - 1]->len != first->len ||
            frames[n - 1]->data[v.tcp + 13] & (FIN | PSH) ||
            len - ETH_HLEN + f->len - *headers > JOINED_MAX ||
            get32(f->data + v.tcp + 4) != get32(first->data + v.tcp + 4) + n * size ||
            !same_headers(first, f, &v, *headers) || !is_right(f, &other))
            break;
        len += f->len - *headers;
    }
    if (n == 1)
        return 1;
    first->data[v.tcp + 13] = frames[n - 1]->data[v.tcp + 13];
    set_length(first->data, &v, len);
    *vnet = unfinished(&v);
    vnet->gso_type = v.version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
    vnet->gso_size = (uint16_t)size;
    vnet->hdr_len = (uint16_t)*headers;
    return n;
}
