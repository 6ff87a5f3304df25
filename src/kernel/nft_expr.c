/* nft_expr.c - nf_tables messages: transactions and expressions. */
#include <netinet/in.h>

#include "nft_expr.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* --- transactions --- */
static void append(struct batch *b)
{
	size_t n = MNL_ALIGN(b->m.head.nlmsg_len);
	if (b->m.bad) {
		b->bad = true;
		return;
	}
	if (b->len + n > b->cap) {
		b->cap = 2 * (b->cap + n);
		b->bytes = xrealloc_array(b->bytes, b->cap, 1);
	}
	b->m.head.nlmsg_seq = ++b->nl->seq;
	memcpy(b->bytes + b->len, b->m.raw, n);
	b->last = b->len;
	b->len += n;
}

static void frame(struct batch *b, uint16_t type)
{
	struct nfgenmsg *g = nlm_begin(&b->m, type, 0, sizeof *g);
	g->nfgen_family = AF_UNSPEC;
	g->version = NFNETLINK_V0;
	g->res_id = htons(NFNL_SUBSYS_NFTABLES);
	append(b);
}

void batch_open(struct batch *b, struct nl *nl)
{
	memset(b, 0, sizeof *b);
	b->nl = nl;
	frame(b, NFNL_MSG_BATCH_BEGIN);
}

struct nlm *batch_begin(struct batch *b, uint16_t type, uint8_t family, uint16_t flags)
{
	struct nfgenmsg *g = nlm_begin(&b->m, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, sizeof *g);
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	return &b->m;
}

void batch_end(struct batch *b)
{
	append(b);
	b->n++;
}

int batch_close(struct batch *b, bool go, const char *what)
{
	int error = 0;
	if (b->bad)
		error = nl_fail(b->nl, -EMSGSIZE, what, NULL);
	if (error == 0 && go && b->n > 0) {
		struct nlmsghdr *last = (void *)(b->bytes + b->last);
		last->nlmsg_flags |= NLM_F_ACK;
		frame(b, NFNL_MSG_BATCH_END);
		error = nl_transact(b->nl, b->bytes, b->len, what);
	}
	free(b->bytes);
	b->bytes = NULL;
	return error;
}

/* --- expressions --- */
struct expr {
	struct nlattr *element, *data;
};

static struct expr begin(struct rule *r, const char *name)
{
	struct expr e = { .element = nlm_nest(r->m, NFTA_LIST_ELEM) };
	nlm_put_text(r->m, NFTA_EXPR_NAME, name);
	e.data = nlm_nest(r->m, NFTA_EXPR_DATA);
	return e;
}

static void end(struct rule *r, struct expr e)
{
	nlm_nest_end(r->m, e.data);
	nlm_nest_end(r->m, e.element);
}

static void put_value(struct rule *r, uint16_t type, const void *value, size_t n)
{
	struct nlattr *nest = nlm_nest(r->m, type);
	nlm_put(r->m, NFTA_DATA_VALUE, value, n);
	nlm_nest_end(r->m, nest);
}

void expr_meta(struct rule *r, uint32_t key)
{
	struct expr e = begin(r, "meta");
	nlm_put_be32(r->m, NFTA_META_DREG, NFT_REG_1);
	nlm_put_be32(r->m, NFTA_META_KEY, key);
	end(r, e);
}

static void compare(struct rule *r, uint32_t op, const void *value, size_t n)
{
	struct expr e = begin(r, "cmp");
	nlm_put_be32(r->m, NFTA_CMP_SREG, NFT_REG_1);
	nlm_put_be32(r->m, NFTA_CMP_OP, op);
	put_value(r, NFTA_CMP_DATA, value, n);
	end(r, e);
}

void expr_equal(struct rule *r, const void *value, size_t n) { compare(r, NFT_CMP_EQ, value, n); }

void expr_payload(struct rule *r, uint32_t base, uint32_t offset, uint32_t n)
{
	struct expr e = begin(r, "payload");
	nlm_put_be32(r->m, NFTA_PAYLOAD_DREG, NFT_REG_1);
	nlm_put_be32(r->m, NFTA_PAYLOAD_BASE, base);
	nlm_put_be32(r->m, NFTA_PAYLOAD_OFFSET, offset);
	nlm_put_be32(r->m, NFTA_PAYLOAD_LEN, n);
	end(r, e);
}

void expr_lookup(struct rule *r, const char *set, uint32_t into)
{
	struct expr e = begin(r, "lookup");
	nlm_put_text(r->m, NFTA_LOOKUP_SET, set);
	nlm_put_be32(r->m, NFTA_LOOKUP_SREG, NFT_REG_1);
	if (into != 0)
		nlm_put_be32(r->m, NFTA_LOOKUP_DREG, into);
	end(r, e);
}

void expr_verdict(struct rule *r, int verdict, const char *chain)
{
	struct expr e = begin(r, "immediate");
	nlm_put_be32(r->m, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	struct nlattr *data = nlm_nest(r->m, NFTA_IMMEDIATE_DATA), *nest = nlm_nest(r->m, NFTA_DATA_VERDICT);
	nlm_put_be32(r->m, NFTA_VERDICT_CODE, (uint32_t)verdict);
	if (chain != NULL)
		nlm_put_text(r->m, NFTA_VERDICT_CHAIN, chain);
	nlm_nest_end(r->m, nest);
	nlm_nest_end(r->m, data);
	end(r, e);
}

void expr_counter(struct rule *r)
{
	struct expr e = begin(r, "counter");
	end(r, e);
}

static void fib(struct rule *r, uint32_t result, uint32_t flags)
{
	struct expr e = begin(r, "fib");
	nlm_put_be32(r->m, NFTA_FIB_DREG, NFT_REG_1);
	nlm_put_be32(r->m, NFTA_FIB_RESULT, result);
	nlm_put_be32(r->m, NFTA_FIB_FLAGS, flags);
	end(r, e);
}

void expr_route_back(struct rule *r) { fib(r, NFT_FIB_RESULT_OIF, NFTA_FIB_F_SADDR | NFTA_FIB_F_MARK); }

void expr_to_ourselves(struct rule *r)
{
	uint32_t local = RTN_LOCAL;
	fib(r, NFT_FIB_RESULT_ADDRTYPE, NFTA_FIB_F_DADDR);
	expr_equal(r, &local, sizeof local);
}

static void mask(struct rule *r, const void *bits, const void *none, uint32_t n)
{
	struct expr e = begin(r, "bitwise");
	nlm_put_be32(r->m, NFTA_BITWISE_SREG, NFT_REG_1);
	nlm_put_be32(r->m, NFTA_BITWISE_DREG, NFT_REG_1);
	nlm_put_be32(r->m, NFTA_BITWISE_LEN, n);
	put_value(r, NFTA_BITWISE_MASK, bits, n);
	put_value(r, NFTA_BITWISE_XOR, none, n);
	end(r, e);
}

void expr_marked(struct rule *r, uint32_t mark, uint32_t bits)
{
	uint32_t none = 0;
	expr_meta(r, NFT_META_MARK);
	mask(r, &bits, &none, sizeof bits);
	expr_equal(r, &mark, sizeof mark);
}

void expr_will_be_encrypted(struct rule *r)
{
	uint8_t yes = 1;
	struct expr e = begin(r, "rt");
	nlm_put_be32(r->m, NFTA_RT_DREG, NFT_REG_1);
	nlm_put_be32(r->m, NFTA_RT_KEY, NFT_RT_XFRM);
	end(r, e);
	expr_equal(r, &yes, sizeof yes);
}

void expr_syn(struct rule *r)
{
	uint8_t syn = 0x02, none = 0;
	expr_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1);
	mask(r, &syn, &none, 1);
	compare(r, NFT_CMP_NEQ, &none, 1);
}

void expr_set_option(struct rule *r, uint8_t option, uint32_t from)
{
	struct expr e = begin(r, "exthdr");
	nlm_put_be32(r->m, NFTA_EXTHDR_SREG, from);
	nlm_put_u8(r->m, NFTA_EXTHDR_TYPE, option);
	nlm_put_be32(r->m, NFTA_EXTHDR_OFFSET, 2);
	nlm_put_be32(r->m, NFTA_EXTHDR_LEN, 2);
	nlm_put_be32(r->m, NFTA_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
	end(r, e);
}

/* Two octets at an even place: the checksum is corrected by the difference of what was there and what is put there. */
void expr_set_header(struct rule *r, const struct header_bits *h)
{
	uint16_t keep = htons((uint16_t)~h->set), set = htons(h->set);
	expr_payload(r, NFT_PAYLOAD_NETWORK_HEADER, h->offset, sizeof set);
	mask(r, &keep, &set, sizeof set);
	struct expr e = begin(r, "payload");
	nlm_put_be32(r->m, NFTA_PAYLOAD_SREG, NFT_REG_1);
	nlm_put_be32(r->m, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
	nlm_put_be32(r->m, NFTA_PAYLOAD_OFFSET, h->offset);
	nlm_put_be32(r->m, NFTA_PAYLOAD_LEN, sizeof set);
	nlm_put_be32(r->m, NFTA_PAYLOAD_CSUM_TYPE, h->checksum ? NFT_PAYLOAD_CSUM_INET : NFT_PAYLOAD_CSUM_NONE);
	if (h->checksum)
		nlm_put_be32(r->m, NFTA_PAYLOAD_CSUM_OFFSET, 10);
	end(r, e);
}
