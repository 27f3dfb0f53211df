/*
 * nf_tables messages by libnftnl, in a netlink batch by libmnl. Touches the netlink socket that it
 * is handed.
 */
#include "segcat/link/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "segcat/link/guard.h"
#include "segcat/link/netlink.h"

/*
 * Before connection tracking (-200), and before "raw" (-300): a reset that is not to leave must not
 * close the entry that a firewall or NAT keeps for our connection.
 */
#define CHAIN_PRIORITY (-310)
#define CHAIN_NAME     "output"
#define COMMENT        "segcat: the kernel's resets stay at home"
#define BATCH_BYTES    8192

#define TCP_SPORT  0
#define TCP_DPORT  2
#define TCP_FLAGS  13
#define TCP_RST    0x04
#define IPV4_SADDR 12
#define IPV4_DADDR 16
#define IPV6_SADDR 8
#define IPV6_DADDR 24

/* ---- the rule's expressions; each returns false when there is no memory */

static bool add(struct nftnl_rule *r, struct nftnl_expr *e)
{
    if (e == NULL) {
        return false;
    }
    nftnl_rule_add_expr(r, e);
    return true;
}

static bool load_meta(struct nftnl_rule *r, uint32_t key)
{
    struct nftnl_expr *e = nftnl_expr_alloc("meta");

    if (e != NULL) {
        nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
        nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
    }
    return add(r, e);
}

static bool load_payload(struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t len)
{
    struct nftnl_expr *e = nftnl_expr_alloc("payload");

    if (e != NULL) {
        nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
        nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
        nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
        nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
    }
    return add(r, e);
}

static bool compare(struct nftnl_rule *r, uint32_t op, const void *data, uint32_t len)
{
    struct nftnl_expr *e = nftnl_expr_alloc("cmp");

    if (e != NULL) {
        nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
        nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
        nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, len);
    }
    return add(r, e);
}

static bool mask_byte(struct nftnl_rule *r, uint8_t mask)
{
    const uint8_t zero = 0;
    struct nftnl_expr *e = nftnl_expr_alloc("bitwise");

    if (e != NULL) {
        nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
        nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
        nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, sizeof(mask));
        nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof(mask));
        nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, &zero, sizeof(zero));
    }
    return add(r, e);
}

static bool drop(struct nftnl_rule *r)
{
    struct nftnl_expr *e = nftnl_expr_alloc("immediate");

    if (e != NULL) {
        nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
        nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, NF_DROP);
    }
    return add(r, e);
}

/* ---- its conditions */

static bool match_meta_byte(struct nftnl_rule *r, uint32_t key, uint8_t value)
{
    return load_meta(r, key) && compare(r, NFT_CMP_EQ, &value, sizeof(value));
}

static bool match_port(struct nftnl_rule *r, uint32_t offset, uint16_t port)
{
    const uint16_t wire = htons(port);

    return port == 0 || (load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, offset, sizeof(wire)) &&
                         compare(r, NFT_CMP_EQ, &wire, sizeof(wire)));
}

static bool match_address(struct nftnl_rule *r, const struct ip_addr *ip, uint32_t offset_v4,
                          uint32_t offset_v6)
{
    const uint32_t len = (uint32_t)ip_addr_len(ip->version);
    const bool v4 = ip->version == IP_V4;

    if (ip->version == IP_NONE) {
        return true;
    }
    if (!match_meta_byte(r, NFT_META_NFPROTO, v4 ? NFPROTO_IPV4 : NFPROTO_IPV6)) {
        return false;
    }
    return ip_addr_is_unspecified(ip) ||
           (load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, v4 ? offset_v4 : offset_v6, len) &&
            compare(r, NFT_CMP_EQ, ip->bytes, len));
}

static bool match_reset(struct nftnl_rule *r)
{
    const uint8_t zero = 0;

    return load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS, 1) && mask_byte(r, TCP_RST) &&
           compare(r, NFT_CMP_NEQ, &zero, sizeof(zero));
}

static bool match_other_mark(struct nftnl_rule *r, uint32_t mark)
{
    return load_meta(r, NFT_META_MARK) && compare(r, NFT_CMP_NEQ, &mark, sizeof(mark));
}

static bool fill_rule(struct nftnl_rule *r, const struct guard_scope *scope, uint32_t mark)
{
    return match_meta_byte(r, NFT_META_L4PROTO, IPPROTO_TCP) &&
           match_port(r, TCP_SPORT, scope->local.port) &&
           match_port(r, TCP_DPORT, scope->remote.port) &&
           match_address(r, &scope->local.ip, IPV4_SADDR, IPV6_SADDR) &&
           match_address(r, &scope->remote.ip, IPV4_DADDR, IPV6_DADDR) && match_reset(r) &&
           match_other_mark(r, mark) && drop(r);
}

/* What `nft list ruleset` shows beside the rule. */
static bool set_comment(struct nftnl_rule *r)
{
    struct nftnl_udata_buf *buf = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
    bool ok;

    if (buf == NULL) {
        return false;
    }
    ok = nftnl_udata_put_strz(buf, NFTNL_UDATA_RULE_COMMENT, COMMENT) != 0 &&
         nftnl_rule_set_data(r, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(buf),
                             nftnl_udata_buf_len(buf)) == 0;
    nftnl_udata_buf_free(buf);
    return ok;
}

/* ---- a batch of messages */

struct batch {
    _Alignas(struct nlmsghdr) char buf[BATCH_BYTES];
    struct mnl_nlmsg_batch *mnl;
    uint32_t seq;
};

static bool batch_begin(struct batch *b)
{
    b->seq = 1;
    b->mnl = mnl_nlmsg_batch_start(b->buf, sizeof(b->buf));
    if (b->mnl == NULL) {
        return false;
    }
    nftnl_batch_begin(mnl_nlmsg_batch_current(b->mnl), b->seq++);
    mnl_nlmsg_batch_next(b->mnl);
    return true;
}

static struct nlmsghdr *batch_message(struct batch *b, uint16_t type, uint16_t flags)
{
    return nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(b->mnl), type, NFPROTO_INET,
                                 (uint16_t)(flags | NLM_F_ACK), b->seq++);
}

static int batch_commit(struct batch *b, int fd)
{
    int result;

    nftnl_batch_end(mnl_nlmsg_batch_current(b->mnl), b->seq++);
    mnl_nlmsg_batch_next(b->mnl);
    result =
        netlink_talk(fd, mnl_nlmsg_batch_head(b->mnl), mnl_nlmsg_batch_size(b->mnl), NULL, NULL);
    mnl_nlmsg_batch_stop(b->mnl);
    return result;
}

static void put_table(struct batch *b, struct nftnl_table *t, uint16_t type, uint16_t flags)
{
    nftnl_table_nlmsg_build_payload(batch_message(b, type, flags), t);
    mnl_nlmsg_batch_next(b->mnl);
}

static void put_chain(struct batch *b, struct nftnl_chain *c)
{
    nftnl_chain_nlmsg_build_payload(batch_message(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE), c);
    mnl_nlmsg_batch_next(b->mnl);
}

static void put_rule(struct batch *b, struct nftnl_rule *r)
{
    nftnl_rule_nlmsg_build_payload(batch_message(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND),
                                   r);
    mnl_nlmsg_batch_next(b->mnl);
}

/* ---- the three objects */

static struct nftnl_table *make_table(const char *name, uint32_t flags)
{
    struct nftnl_table *t = nftnl_table_alloc();

    if (t != NULL) {
        nftnl_table_set_u32(t, NFTNL_TABLE_FAMILY, NFPROTO_INET);
        nftnl_table_set_str(t, NFTNL_TABLE_NAME, name);
        nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, flags);
    }
    return t;
}

static struct nftnl_chain *make_chain(const char *table)
{
    struct nftnl_chain *c = nftnl_chain_alloc();

    if (c != NULL) {
        nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, table);
        nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, CHAIN_NAME);
        nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, "filter");
        nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, NF_INET_LOCAL_OUT);
        nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, CHAIN_PRIORITY);
        nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_ACCEPT);
    }
    return c;
}

static struct nftnl_rule *make_rule(const char *table, const struct guard_scope *scope,
                                    uint32_t mark)
{
    struct nftnl_rule *r = nftnl_rule_alloc();

    if (r == NULL) {
        return NULL;
    }
    nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, NFPROTO_INET);
    nftnl_rule_set_str(r, NFTNL_RULE_TABLE, table);
    nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, CHAIN_NAME);
    if (!fill_rule(r, scope, mark) || !set_comment(r)) {
        nftnl_rule_free(r);
        return NULL;
    }
    return r;
}

static int send_guard(int fd, struct nftnl_table *t, struct nftnl_chain *c, struct nftnl_rule *r)
{
    struct batch b;

    if (!batch_begin(&b)) {
        return -ENOMEM;
    }
    put_table(&b, t, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
    put_chain(&b, c);
    put_rule(&b, r);
    return batch_commit(&b, fd);
}

int nft_add_guard(int fd, const char *table, uint32_t flags, const struct guard_scope *scope,
                  uint32_t mark)
{
    struct nftnl_table *t = make_table(table, flags);
    struct nftnl_chain *c = make_chain(table);
    struct nftnl_rule *r = make_rule(table, scope, mark);
    const bool made = t != NULL && c != NULL && r != NULL;
    const int result = made ? send_guard(fd, t, c, r) : -ENOMEM;

    if (t != NULL) {
        nftnl_table_free(t);
    }
    if (c != NULL) {
        nftnl_chain_free(c);
    }
    if (r != NULL) {
        nftnl_rule_free(r);
    }
    return result;
}

int nft_delete_table(int fd, const char *table)
{
    struct batch b;
    struct nftnl_table *t = make_table(table, 0);
    int result = -ENOMEM;

    if (t == NULL) {
        return result;
    }
    if (batch_begin(&b)) {
        put_table(&b, t, NFT_MSG_DELTABLE, 0);
        result = batch_commit(&b, fd);
    }
    nftnl_table_free(t);
    return result;
}

/* ---- the list of tables */

struct listing {
    void (*cb)(const char *name, void *data);
    void *data;
};

static int read_table(const struct nlmsghdr *nlh, void *data)
{
    const struct listing *l = data;
    struct nftnl_table *t = nftnl_table_alloc();

    if (t == NULL) {
        errno = ENOMEM;
        return MNL_CB_ERROR;
    }
    if (nftnl_table_nlmsg_parse(nlh, t) == 0 && nftnl_table_is_set(t, NFTNL_TABLE_NAME)) {
        l->cb(nftnl_table_get_str(t, NFTNL_TABLE_NAME), l->data);
    }
    nftnl_table_free(t);
    return MNL_CB_OK;
}

int nft_each_table(int fd, void (*cb)(const char *name, void *data), void *data)
{
    _Alignas(struct nlmsghdr) char buf[256];
    struct listing l = {cb, data};
    struct nlmsghdr *nlh =
        nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETTABLE, NFPROTO_INET, NLM_F_DUMP, 1);

    return netlink_talk(fd, nlh, nlh->nlmsg_len, read_table, &l);
}
