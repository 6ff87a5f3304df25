/*
 * nft_rules.c - what table `s2sd` consists of before any element: sets, chains, rules (nft.c tells what they do). They are written once.
 */
#include <netinet/in.h>

#include "nft_rules.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "base/path.h"
#include "base/util.h"
#include "own.h"

#define PRIORITY_RAW (-300)
#define PRIORITY_MANGLE (-150)
#define TCP_OPTION_MSS 2

/* Data types are only for nft(8), so that it lists the sets readably. */
#define TYPE_IPV4 7
#define TYPE_IPV6 8
#define TYPE_PORT 13
#define TYPE_IFINDEX 20

static const struct set {
	const char *name;
	uint32_t id, flags, key_type, key_len, data_type, data_len;
} sets[] = {
	{ "ours", 1, 0, TYPE_IFINDEX, 4, 0, 0 },
	{ "mss4", 2, NFT_SET_MAP, TYPE_IFINDEX, 4, TYPE_PORT, 2 },
	{ "mss6", 3, NFT_SET_MAP, TYPE_IFINDEX, 4, TYPE_PORT, 2 },
	{ "antispoof4", 4, NFT_SET_INTERVAL, TYPE_IPV4, 4, 0, 0 },
	{ "antispoof6", 5, NFT_SET_INTERVAL, TYPE_IPV6, 16, 0, 0 },
	{ "guarded4", 6, NFT_SET_INTERVAL, TYPE_IPV4, 4, 0, 0 },
	{ "guarded6", 7, NFT_SET_INTERVAL, TYPE_IPV6, 16, 0, 0 },
	{ "elsewhere4", 8, NFT_SET_INTERVAL, TYPE_IPV4, 4, 0, 0 },
	{ "elsewhere6", 9, NFT_SET_INTERVAL, TYPE_IPV6, 16, 0, 0 },
};

static const struct chain {
	const char *name;
	uint32_t hook;
	int32_t priority;
	bool base, always; /* always: also where the checks cannot be made */
} chains[] = {
	{ "source", NF_INET_PRE_ROUTING, PRIORITY_RAW, true, false },
	{ "clear", 0, 0, false, false },
	{ "forward", NF_INET_FORWARD, PRIORITY_MANGLE, true, true },
	{ "leave", NF_INET_POST_ROUTING, PRIORITY_MANGLE, true, false },
	{ "outer", NF_INET_POST_ROUTING, PRIORITY_MANGLE, true, true },
	{ "header", 0, 0, false, true },
};

const char *nft_rules_set(unsigned i) { return i < ARRAY_SIZE(sets) ? sets[i].name : NULL; }

/* --- table, chains, sets --- */
void nft_rules_table(struct batch *b, uint16_t type)
{
	struct nlm *m = batch_begin(b, type, NFPROTO_INET, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);
	nlm_put_text(m, NFTA_TABLE_NAME, TABLE);
	batch_end(b);
}

static void add_chain(struct batch *b, const struct chain *c)
{
	struct nlm *m = batch_begin(b, NFT_MSG_NEWCHAIN, NFPROTO_INET, NLM_F_CREATE);
	nlm_put_text(m, NFTA_CHAIN_TABLE, TABLE);
	nlm_put_text(m, NFTA_CHAIN_NAME, c->name);
	if (c->base) {
		struct nlattr *hook = nlm_nest(m, NFTA_CHAIN_HOOK);
		nlm_put_be32(m, NFTA_HOOK_HOOKNUM, c->hook);
		nlm_put_be32(m, NFTA_HOOK_PRIORITY, (uint32_t)c->priority);
		nlm_nest_end(m, hook);
		nlm_put_be32(m, NFTA_CHAIN_POLICY, NF_ACCEPT);
		nlm_put_text(m, NFTA_CHAIN_TYPE, "filter");
	}
	batch_end(b);
}

/* A note of nft(8) for itself, as libnftnl writes it: number, length and value. Interfaces are numbers of this machine, ports of the network. */
static void put_byte_order(struct nlm *m, bool map)
{
	enum { KEY = 0, DATA = 1 };
	const uint32_t host = 1, network = 2;
	uint8_t note[12] = { KEY, sizeof host, 0, 0, 0, 0, DATA, sizeof network };
	memcpy(note + 2, &host, sizeof host);
	memcpy(note + 8, &network, sizeof network);
	nlm_put(m, NFTA_SET_USERDATA, note, map ? 12 : 6);
}

static void add_set(struct batch *b, const struct set *s)
{
	struct nlm *m = batch_begin(b, NFT_MSG_NEWSET, NFPROTO_INET, NLM_F_CREATE);
	nlm_put_text(m, NFTA_SET_TABLE, TABLE);
	nlm_put_text(m, NFTA_SET_NAME, s->name);
	nlm_put_be32(m, NFTA_SET_FLAGS, s->flags);
	nlm_put_be32(m, NFTA_SET_KEY_TYPE, s->key_type);
	nlm_put_be32(m, NFTA_SET_KEY_LEN, s->key_len);
	if (s->data_len != 0) {
		nlm_put_be32(m, NFTA_SET_DATA_TYPE, s->data_type);
		nlm_put_be32(m, NFTA_SET_DATA_LEN, s->data_len);
	}
	if (s->key_type == TYPE_IFINDEX)
		put_byte_order(m, s->data_len != 0);
	nlm_put_be32(m, NFTA_SET_ID, s->id);
	batch_end(b);
}

/* --- rules --- */
static void rule_begin(struct batch *b, struct rule *r, const char *chain)
{
	r->m = batch_begin(b, NFT_MSG_NEWRULE, NFPROTO_INET, NLM_F_CREATE | NLM_F_APPEND);
	nlm_put_text(r->m, NFTA_RULE_TABLE, TABLE);
	nlm_put_text(r->m, NFTA_RULE_CHAIN, chain);
	r->list = nlm_nest(r->m, NFTA_RULE_EXPRESSIONS);
}

static void rule_end(struct batch *b, struct rule *r)
{
	nlm_nest_end(r->m, r->list);
	batch_end(b);
}

static void add_source_rules(struct batch *b)
{
	struct rule r;
	uint32_t loopback = 1; /* its index in every network namespace */
	rule_begin(b, &r, "source");
	expr_meta(&r, NFT_META_IIF);
	expr_equal(&r, &loopback, sizeof loopback);
	expr_verdict(&r, NF_ACCEPT, NULL);
	rule_end(b, &r);
	rule_begin(b, &r, "source");
	expr_meta(&r, NFT_META_IIF);
	expr_lookup(&r, "ours", 0);
	expr_verdict(&r, NF_ACCEPT, NULL);
	rule_end(b, &r);
	uint8_t yes = 1;
	rule_begin(b, &r, "source");
	expr_meta(&r, NFT_META_SECPATH);
	expr_equal(&r, &yes, sizeof yes);
	expr_verdict(&r, NF_ACCEPT, NULL);
	rule_end(b, &r);
	rule_begin(b, &r, "source");
	expr_route_back(&r);
	expr_lookup(&r, "ours", 0);
	expr_verdict(&r, NFT_GOTO, "clear");
	rule_end(b, &r);
}

/* A tunnel that is down has only its unreachable route: then the look-up finds no interface. */
static void add_antispoof_rule(struct batch *b, uint8_t family, const char *set)
{
	struct rule r;
	uint32_t none = 0;
	bool four = family == NFPROTO_IPV4;
	rule_begin(b, &r, "source");
	expr_meta(&r, NFT_META_NFPROTO);
	expr_equal(&r, &family, sizeof family);
	expr_payload(&r, NFT_PAYLOAD_NETWORK_HEADER, four ? 12 : 8, four ? 4 : 16);
	expr_lookup(&r, set, 0);
	expr_route_back(&r);
	expr_equal(&r, &none, sizeof none);
	expr_verdict(&r, NFT_GOTO, "clear");
	rule_end(b, &r);
}

static void add_clear_rules(struct batch *b)
{
	static const uint16_t ports[] = { IKE_PORT, IKE_NAT_PORT };
	uint8_t esp = IPPROTO_ESP, udp = IPPROTO_UDP;
	struct rule r;
	rule_begin(b, &r, "clear");
	expr_meta(&r, NFT_META_L4PROTO);
	expr_equal(&r, &esp, sizeof esp);
	expr_to_ourselves(&r);
	expr_verdict(&r, NF_ACCEPT, NULL);
	rule_end(b, &r);
	for (unsigned i = 0; i < 2; i++) {
		uint16_t port = htons(ports[i]);
		rule_begin(b, &r, "clear");
		expr_meta(&r, NFT_META_L4PROTO);
		expr_equal(&r, &udp, sizeof udp);
		expr_payload(&r, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
		expr_equal(&r, &port, sizeof port);
		expr_to_ourselves(&r);
		expr_verdict(&r, NF_ACCEPT, NULL);
		rule_end(b, &r);
	}
	rule_begin(b, &r, "clear");
	expr_counter(&r);
	expr_verdict(&r, NF_DROP, NULL);
	rule_end(b, &r);
}

static void add_leave_rule(struct batch *b, uint8_t family, const char *set, int verdict)
{
	struct rule r;
	bool four = family == NFPROTO_IPV4;
	rule_begin(b, &r, "leave");
	expr_meta(&r, NFT_META_NFPROTO);
	expr_equal(&r, &family, sizeof family);
	expr_payload(&r, NFT_PAYLOAD_NETWORK_HEADER, four ? 16 : 24, four ? 4 : 16);
	expr_lookup(&r, set, 0);
	if (verdict == NF_DROP)
		expr_counter(&r);
	expr_verdict(&r, verdict, NULL);
	rule_end(b, &r);
}

static void add_leave_rules(struct batch *b)
{
	struct rule r;
	uint32_t loopback = 1;
	rule_begin(b, &r, "leave");
	expr_marked(&r, PEER_MARK, PEER_RULE_MASK);
	expr_verdict(&r, NF_ACCEPT, NULL);
	rule_end(b, &r);
	rule_begin(b, &r, "leave");
	expr_meta(&r, NFT_META_OIF);
	expr_equal(&r, &loopback, sizeof loopback);
	expr_verdict(&r, NF_ACCEPT, NULL);
	rule_end(b, &r);
	rule_begin(b, &r, "leave");
	expr_meta(&r, NFT_META_OIF);
	expr_lookup(&r, "ours", 0);
	expr_verdict(&r, NF_ACCEPT, NULL);
	rule_end(b, &r);
	rule_begin(b, &r, "leave");
	expr_will_be_encrypted(&r);
	expr_verdict(&r, NF_ACCEPT, NULL);
	rule_end(b, &r);
	add_leave_rule(b, NFPROTO_IPV4, "elsewhere4", NF_ACCEPT);
	add_leave_rule(b, NFPROTO_IPV4, "guarded4", NF_DROP);
	add_leave_rule(b, NFPROTO_IPV6, "elsewhere6", NF_ACCEPT);
	add_leave_rule(b, NFPROTO_IPV6, "guarded6", NF_DROP);
}

static void add_clamp_rule(struct batch *b, uint8_t family, uint32_t device, const char *map)
{
	struct rule r;
	uint8_t tcp = IPPROTO_TCP;
	rule_begin(b, &r, "forward");
	expr_meta(&r, NFT_META_NFPROTO);
	expr_equal(&r, &family, sizeof family);
	expr_meta(&r, NFT_META_L4PROTO);
	expr_equal(&r, &tcp, sizeof tcp);
	expr_syn(&r);
	expr_meta(&r, device);
	expr_lookup(&r, map, NFT_REG_2);
	expr_set_option(&r, TCP_OPTION_MSS, NFT_REG_2);
	rule_end(b, &r);
}

/* Of what the mark says nothing of, nothing is changed; the DSCP is 0 before. */
static void add_header_rule(struct batch *b, uint8_t family, uint32_t bit, const struct header_bits *set)
{
	struct rule r;
	rule_begin(b, &r, "header");
	expr_meta(&r, NFT_META_NFPROTO);
	expr_equal(&r, &family, sizeof family);
	expr_marked(&r, PEER_MARK_HEADER | bit, PEER_MARK_MASK | bit);
	expr_set_header(&r, set);
	rule_end(b, &r);
}

static void add_outer_rules(struct batch *b)
{
	struct rule r;
	rule_begin(b, &r, "outer");
	expr_marked(&r, PEER_MARK_HEADER, PEER_MARK_MASK);
	expr_verdict(&r, NFT_GOTO, "header");
	rule_end(b, &r);
	for (uint32_t bit = 1; bit < PEER_MARK_DF; bit <<= 1) {
		/* DSCP: of IPv4 the upper six bits of octet 1, of IPv6 those of the class, which begins in the middle of octet 0 */
		add_header_rule(b, NFPROTO_IPV4, bit, &(struct header_bits){ 0, (uint16_t)(bit << 2), true });
		add_header_rule(b, NFPROTO_IPV6, bit, &(struct header_bits){ 0, (uint16_t)(bit << 6), false });
	}
	add_header_rule(b, NFPROTO_IPV4, PEER_MARK_DF, &(struct header_bits){ 6, 0x4000, true });
}

void nft_rules_add(struct batch *b, bool check)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sets); i++)
		add_set(b, &sets[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(chains); i++)
		if (check || chains[i].always)
			add_chain(b, &chains[i]);
	if (check) {
		add_source_rules(b);
		add_antispoof_rule(b, NFPROTO_IPV4, "antispoof4");
		add_antispoof_rule(b, NFPROTO_IPV6, "antispoof6");
		add_clear_rules(b);
		add_leave_rules(b);
	}
	add_outer_rules(b);
	add_clamp_rule(b, NFPROTO_IPV4, NFT_META_OIF, "mss4");
	add_clamp_rule(b, NFPROTO_IPV4, NFT_META_IIF, "mss4");
	add_clamp_rule(b, NFPROTO_IPV6, NFT_META_OIF, "mss6");
	add_clamp_rule(b, NFPROTO_IPV6, NFT_META_IIF, "mss6");
}
