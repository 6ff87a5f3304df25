/* nft_look.c - see nft_look.h. */
#include <netinet/in.h>

#include "nft_look.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "base/util.h"
#include "nft_rules.h"

#define FIXED sizeof(struct nfgenmsg)

static uint64_t hash_attr(uint64_t h, const struct nlattr *a)
{
	uint16_t type = a != NULL ? mnl_attr_get_type(a) : 0, n = a != NULL ? mnl_attr_get_payload_len(a) : 0;
	h = hash_bytes(h, &type, sizeof type);
	h = hash_bytes(h, &n, sizeof n);
	return n > 0 ? hash_bytes(h, mnl_attr_get_payload(a), n) : h;
}

static uint64_t hash_attrs(uint64_t h, const struct attrs *a, const uint16_t types[], unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		h = hash_attr(h, a->v[types[i]]);
	return h;
}

static struct nlm *begin_ask(struct nlm *m, uint16_t type)
{
	struct nfgenmsg *g = nlm_begin(m, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), 0, sizeof *g);
	g->nfgen_family = NFPROTO_INET;
	g->version = NFNETLINK_V0;
	return m;
}

static void note_generation(void *arg, const struct nlmsghdr *h)
{
	struct attrs a;
	attrs_read(&a, h, FIXED);
	*(uint32_t *)arg = ntohl(attr_u32(&a, NFTA_GEN_ID, 0));
}

int nft_generation(struct nl *nl, uint32_t *generation)
{
	struct nlm m;
	*generation = 0;
	return nl_get(nl, begin_ask(&m, NFT_MSG_GETGEN), "ask for the generation of nf_tables", note_generation, generation);
}

/* --- table, chains, sets, rules --- */
static uint64_t hash_expressions(uint64_t h, const struct nlattr *list)
{
	const struct nlattr *one;
	mnl_attr_for_each_nested(one, list)
	{
		struct attrs a;
		attrs_nested(&a, one);
		h = hash_attr(h, a.v[NFTA_EXPR_NAME]);
		if (strcmp(attr_text(&a, NFTA_EXPR_NAME), "counter") != 0)
			h = hash_attr(h, a.v[NFTA_EXPR_DATA]);
	}
	return h;
}

static void see_part(void *arg, const struct nlmsghdr *h)
{
	static const uint16_t of_table[] = { NFTA_TABLE_NAME, NFTA_TABLE_FLAGS };
	static const uint16_t of_chain[] = { NFTA_CHAIN_NAME, NFTA_CHAIN_HOOK, NFTA_CHAIN_POLICY, NFTA_CHAIN_TYPE,
		NFTA_CHAIN_FLAGS };
	static const uint16_t of_set[] = { NFTA_SET_NAME, NFTA_SET_FLAGS, NFTA_SET_KEY_TYPE, NFTA_SET_KEY_LEN, NFTA_SET_DATA_TYPE,
		NFTA_SET_DATA_LEN };
	static const uint16_t of_rule[] = { NFTA_RULE_CHAIN };
	struct nft_print *p = arg;
	struct attrs a;
	attrs_read(&a, h, FIXED);
	if (strcmp(attr_text(&a, NFTA_TABLE_NAME), TABLE) != 0) /* each kind has its table there */
		return;
	switch (NFNL_MSG_TYPE(h->nlmsg_type)) {
	case NFT_MSG_NEWTABLE: p->rules = hash_attrs(p->rules, &a, of_table, ARRAY_SIZE(of_table)); break;
	case NFT_MSG_NEWCHAIN: p->rules = hash_attrs(p->rules, &a, of_chain, ARRAY_SIZE(of_chain)); break;
	case NFT_MSG_NEWSET: p->rules = hash_attrs(p->rules, &a, of_set, ARRAY_SIZE(of_set)); break;
	case NFT_MSG_NEWRULE:
		p->rules = hash_attrs(p->rules, &a, of_rule, ARRAY_SIZE(of_rule));
		if (a.v[NFTA_RULE_EXPRESSIONS] != NULL)
			p->rules = hash_expressions(p->rules, a.v[NFTA_RULE_EXPRESSIONS]);
		break;
	}
}

int nft_print_rules(struct nl *nl, struct nft_print *p)
{
	static const uint16_t kinds[] = { NFT_MSG_GETCHAIN, NFT_MSG_GETSET, NFT_MSG_GETRULE };
	struct nlm m;
	p->rules = HASH_START;
	begin_ask(&m, NFT_MSG_GETTABLE);
	nlm_put_text(&m, NFTA_TABLE_NAME, TABLE);
	int error = nl_get(nl, &m, "read our nf_tables table", see_part, p);
	for (unsigned i = 0; i < ARRAY_SIZE(kinds) && error == 0; i++) {
		begin_ask(&m, kinds[i]);
		if (kinds[i] != NFT_MSG_GETCHAIN) /* older kernels do not know a filter there */
			nlm_put_text(&m, NFTA_TABLE_NAME, TABLE);
		error = nl_dump(nl, &m, "read our nf_tables table", see_part, p);
	}
	if (error == -ENOENT)
		p->rules = 0;
	return error == -ENOENT ? 0 : error;
}

/* --- elements --- */
static uint64_t hash_value(uint64_t h, const struct nlattr *nest)
{
	struct attrs a;
	attrs_nested(&a, nest);
	return hash_attr(h, a.v[NFTA_DATA_VALUE]);
}

void nft_print_message(struct nft_print *p, const struct nlmsghdr *h)
{
	struct attrs a;
	attrs_read(&a, h, FIXED);
	if (NFNL_MSG_TYPE(h->nlmsg_type) != NFT_MSG_NEWSETELEM || a.v[NFTA_SET_ELEM_LIST_ELEMENTS] == NULL)
		return;
	uint64_t set = hash_attr(HASH_START, a.v[NFTA_SET_ELEM_LIST_SET]);
	const struct nlattr *one;
	mnl_attr_for_each_nested(one, a.v[NFTA_SET_ELEM_LIST_ELEMENTS])
	{
		struct attrs e;
		attrs_nested(&e, one);
		uint32_t flags = attr_u32(&e, NFTA_SET_ELEM_FLAGS, 0);
		uint64_t hash = hash_value(hash_value(set, e.v[NFTA_SET_ELEM_KEY]), e.v[NFTA_SET_ELEM_DATA]);
		p->elements += hash_bytes(hash, &flags, sizeof flags);
	}
}

static void see_elements(void *arg, const struct nlmsghdr *h) { nft_print_message(arg, h); }

int nft_print_elements(struct nl *nl, struct nft_print *p)
{
	struct nlm m;
	int error = 0;
	const char *set;
	p->elements = 0;
	for (unsigned i = 0; error == 0 && (set = nft_rules_set(i)) != NULL; i++) {
		begin_ask(&m, NFT_MSG_GETSETELEM);
		nlm_put_text(&m, NFTA_SET_ELEM_LIST_TABLE, TABLE);
		nlm_put_text(&m, NFTA_SET_ELEM_LIST_SET, set);
		error = nl_dump(nl, &m, "read the elements of our nf_tables sets", see_elements, p);
	}
	if (error == -ENOENT) /* a set is gone */
		p->elements = 0;
	return error == -ENOENT ? 0 : error;
}
