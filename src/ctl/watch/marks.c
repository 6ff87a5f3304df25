/*
 * marks.c - the table that marks packets for the kernel's trace: a chain for each leg, before all that others have (priority -301 is before connection tracking
 * and the raw tables), accepting, with a counter and at most five marks a second. Its owner is our socket.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/util.h"
#include "nfnl.h"

#define PRIORITY (-301)
#define IPSEC_PORT 4500

static const struct chain {
	const char *name;
	enum watch_leg leg;
	unsigned hook;
} chains[] = { { "into", WATCH_INTO, NF_INET_PRE_ROUTING }, { "made-here", WATCH_INTO, NF_INET_LOCAL_OUT },
	{ "esp-out", WATCH_ESP_OUT, NF_INET_LOCAL_OUT }, { "esp-in", WATCH_ESP_IN, NF_INET_PRE_ROUTING },
	{ "back", WATCH_BACK, NF_INET_PRE_ROUTING } };

enum watch_leg marks_leg(const char *chain)
{
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++)
		if (strcmp(chains[i].name, chain) == 0)
			return chains[i].leg;
	return WATCH_LEGS;
}

/* ---------------------------------------------------------------- expressions */
static struct nlattr *expr_begin(struct nlmsghdr *h, const char *name, struct nlattr **data)
{
	struct nlattr *e = mnl_attr_nest_start(h, NFTA_LIST_ELEM);
	mnl_attr_put_strz(h, NFTA_EXPR_NAME, name);
	*data = mnl_attr_nest_start(h, NFTA_EXPR_DATA);
	return e;
}

static void expr_end(struct nlmsghdr *h, struct nlattr *e, struct nlattr *data)
{
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, e);
}

static void compare(struct nlmsghdr *h, uint32_t op, const void *value, size_t size)
{
	struct nlattr *data, *e = expr_begin(h, "cmp", &data), *v;
	mnl_attr_put_u32(h, NFTA_CMP_SREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(h, NFTA_CMP_OP, htonl(op));
	v = mnl_attr_nest_start(h, NFTA_CMP_DATA);
	mnl_attr_put(h, NFTA_DATA_VALUE, size, value);
	mnl_attr_nest_end(h, v);
	expr_end(h, e, data);
}

static void meta(struct nlmsghdr *h, uint32_t key, uint32_t op, const void *value, size_t size)
{
	struct nlattr *data, *e = expr_begin(h, "meta", &data);
	mnl_attr_put_u32(h, NFTA_META_DREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(h, NFTA_META_KEY, htonl(key));
	expr_end(h, e, data);
	compare(h, op, value, size);
}

static void payload(struct nlmsghdr *h, uint32_t base, uint32_t offset, const void *value, size_t size)
{
	struct nlattr *data, *e = expr_begin(h, "payload", &data);
	mnl_attr_put_u32(h, NFTA_PAYLOAD_DREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(h, NFTA_PAYLOAD_BASE, htonl(base));
	mnl_attr_put_u32(h, NFTA_PAYLOAD_OFFSET, htonl(offset));
	mnl_attr_put_u32(h, NFTA_PAYLOAD_LEN, htonl((uint32_t)size));
	expr_end(h, e, data);
	compare(h, NFT_CMP_EQ, value, size);
}

static void address(struct nlmsghdr *h, const struct addr *a, bool source)
{
	bool v6 = a->family == AF_INET6;
	payload(h, NFT_PAYLOAD_NETWORK_HEADER, v6 ? (source ? 8 : 24) : source ? 12 : 16, a->ip, v6 ? 16 : 4);
}

/* counter, limit rate 5/second burst 5, meta nftrace set 1 */
static void mark(struct nlmsghdr *h)
{
	struct nlattr *data, *e = expr_begin(h, "counter", &data);
	expr_end(h, e, data);
	e = expr_begin(h, "limit", &data);
	mnl_attr_put_u64(h, NFTA_LIMIT_RATE, htobe64(5));
	mnl_attr_put_u64(h, NFTA_LIMIT_UNIT, htobe64(1));
	mnl_attr_put_u32(h, NFTA_LIMIT_BURST, htonl(5));
	expr_end(h, e, data);
	uint8_t one = 1;
	e = expr_begin(h, "immediate", &data);
	mnl_attr_put_u32(h, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_1));
	struct nlattr *v = mnl_attr_nest_start(h, NFTA_IMMEDIATE_DATA);
	mnl_attr_put(h, NFTA_DATA_VALUE, sizeof one, &one);
	mnl_attr_nest_end(h, v);
	expr_end(h, e, data);
	e = expr_begin(h, "meta", &data);
	mnl_attr_put_u32(h, NFTA_META_KEY, htonl(NFT_META_NFTRACE));
	mnl_attr_put_u32(h, NFTA_META_SREG, htonl(NFT_REG_1));
	expr_end(h, e, data);
}

/* ---------------------------------------------------------------- rules */
/* Of a leg's packets; udp: ESP in UDP, which is a rule of its own. */
static void conditions(struct nlmsghdr *h, const struct watch *w, enum watch_leg leg, bool made_here, bool udp)
{
	const struct addr *a = leg == WATCH_INTO || leg == WATCH_BACK ? &w->to : &w->peer;
	uint8_t family = a->family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4, protocol = udp ? IPPROTO_UDP : IPPROTO_ESP;
	uint16_t port = htons(IPSEC_PORT);
	meta(h, NFT_META_NFPROTO, NFT_CMP_EQ, &family, 1);
	if (leg == WATCH_INTO) {
		if (!made_here)
			meta(h, NFT_META_IIF, NFT_CMP_NEQ, &w->interface, sizeof w->interface);
		address(h, &w->from, true);
	}
	if (leg == WATCH_BACK) /* to whom is not known before NAT is undone */
		meta(h, NFT_META_IIF, NFT_CMP_EQ, &w->interface, sizeof w->interface);
	address(h, a, leg == WATCH_BACK || leg == WATCH_ESP_IN);
	if (leg != WATCH_ESP_IN && leg != WATCH_ESP_OUT)
		return;
	meta(h, NFT_META_L4PROTO, NFT_CMP_EQ, &protocol, 1);
	if (udp)
		payload(h, NFT_PAYLOAD_TRANSPORT_HEADER, leg == WATCH_ESP_OUT ? 2 : 0, &port, sizeof port);
}

static void add_rule(struct nfnl *n, struct mnl_nlmsg_batch *b, const struct watch *w, const struct chain *c, bool udp)
{
	struct nlmsghdr *h = nfnl_begin(
		n, mnl_nlmsg_batch_current(b), NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWRULE, NFPROTO_INET, NLM_F_CREATE | NLM_F_APPEND);
	mnl_attr_put_strz(h, NFTA_RULE_TABLE, w->table);
	mnl_attr_put_strz(h, NFTA_RULE_CHAIN, c->name);
	struct nlattr *list = mnl_attr_nest_start(h, NFTA_RULE_EXPRESSIONS);
	conditions(h, w, c->leg, c->hook == NF_INET_LOCAL_OUT, udp);
	mark(h);
	mnl_attr_nest_end(h, list);
	mnl_nlmsg_batch_next(b);
}

static void add_chain(struct nfnl *n, struct mnl_nlmsg_batch *b, const struct watch *w, const struct chain *c)
{
	struct nlmsghdr *h = nfnl_begin(
		n, mnl_nlmsg_batch_current(b), NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWCHAIN, NFPROTO_INET, NLM_F_CREATE);
	mnl_attr_put_strz(h, NFTA_CHAIN_TABLE, w->table);
	mnl_attr_put_strz(h, NFTA_CHAIN_NAME, c->name);
	struct nlattr *hook = mnl_attr_nest_start(h, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(h, NFTA_HOOK_HOOKNUM, htonl(c->hook));
	mnl_attr_put_u32(h, NFTA_HOOK_PRIORITY, htonl((uint32_t)PRIORITY));
	mnl_attr_nest_end(h, hook);
	mnl_attr_put_u32(h, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
	mnl_attr_put_strz(h, NFTA_CHAIN_TYPE, "filter");
	mnl_nlmsg_batch_next(b);
}

static void add_border(struct nfnl *n, struct mnl_nlmsg_batch *b, uint8_t type)
{
	struct nlmsghdr *h = nfnl_begin(n, mnl_nlmsg_batch_current(b), 0, 0, AF_UNSPEC, 0);
	struct nfgenmsg *g = mnl_nlmsg_get_payload(h);
	h->nlmsg_type = type;
	g->res_id = htons(NFNL_SUBSYS_NFTABLES);
	mnl_nlmsg_batch_next(b);
}

/* The last message asks to be acknowledged: an error of any other comes before that. */
int marks_make(struct nfnl *n, const struct watch *w)
{
	static char buf[2 * NFNL_ROOM * 2];
	struct mnl_nlmsg_batch *b = mnl_nlmsg_batch_start(buf, sizeof buf / 2);
	if (b == NULL)
		return ENOMEM;
	add_border(n, b, NFNL_MSG_BATCH_BEGIN);
	struct nlmsghdr *h = nfnl_begin(n, mnl_nlmsg_batch_current(b), NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWTABLE, NFPROTO_INET,
		NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK);
	mnl_attr_put_strz(h, NFTA_TABLE_NAME, w->table);
	mnl_attr_put_u32(h, NFTA_TABLE_FLAGS, htonl(NFT_TABLE_F_OWNER));
	mnl_nlmsg_batch_next(b);
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		bool esp = chains[i].leg == WATCH_ESP_OUT || chains[i].leg == WATCH_ESP_IN;
		if (esp && w->peer.family == 0)
			continue;
		add_chain(n, b, w, &chains[i]);
		add_rule(n, b, w, &chains[i], false);
		if (esp)
			add_rule(n, b, w, &chains[i], true);
	}
	add_border(n, b, NFNL_MSG_BATCH_END);
	int error = nfnl_ask(n, mnl_nlmsg_batch_head(b), mnl_nlmsg_batch_size(b), NULL, NULL);
	mnl_nlmsg_batch_stop(b);
	return error;
}

/* ---------------------------------------------------------------- counters */
static uint64_t packets_of(const struct nlattr *expr)
{
	const struct nlattr *a, *c;
	bool counter = false;
	uint64_t n = 0;
	mnl_attr_for_each_nested(a, expr)
	{
		if (mnl_attr_get_type(a) == NFTA_EXPR_NAME && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
			counter = strcmp(mnl_attr_get_str(a), "counter") == 0;
		else if (mnl_attr_get_type(a) == NFTA_EXPR_DATA && counter) {
			mnl_attr_for_each_nested(
				c, a) if (mnl_attr_get_type(c) == NFTA_COUNTER_PACKETS && mnl_attr_validate(c, MNL_TYPE_U64) >= 0)
				n = be64toh(mnl_attr_get_u64(c));
		}
	}
	return n;
}

static int count_rule(const struct nlmsghdr *h, void *arg)
{
	struct watch *w = arg;
	const struct nlattr *a, *e, *list = NULL;
	const char *chain = "", *table = "";
	mnl_attr_for_each(a, h, sizeof(struct nfgenmsg))
	{
		uint16_t type = mnl_attr_get_type(a);
		if (type == NFTA_RULE_CHAIN && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
			chain = mnl_attr_get_str(a);
		else if (type == NFTA_RULE_TABLE && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
			table = mnl_attr_get_str(a);
		else if (type == NFTA_RULE_EXPRESSIONS)
			list = a;
	}
	enum watch_leg leg = strcmp(table, w->table) == 0 ? marks_leg(chain) : WATCH_LEGS;
	if (list != NULL && leg != WATCH_LEGS)
		mnl_attr_for_each_nested(e, list) w->leg[leg].packets += packets_of(e);
	return MNL_CB_OK;
}

void marks_count(struct nfnl *n, struct watch *w)
{
	char buf[NFNL_ROOM];
	struct nlmsghdr *h = nfnl_begin(n, buf, NFNL_SUBSYS_NFTABLES, NFT_MSG_GETRULE, NFPROTO_INET, NLM_F_DUMP);
	mnl_attr_put_strz(h, NFTA_RULE_TABLE, w->table);
	nfnl_ask(n, h, h->nlmsg_len, count_rule, w);
}
