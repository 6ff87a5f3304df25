/*
 * nft.c - the nf_tables table `s2sd` (family inet): MSS clamping, and the check of clear packets' sources.
 *
 *	chain source (prerouting, raw): from the loopback or one of our interfaces, or out of IPsec: fine. Otherwise, where would
 *	    an answer go? Into an interface of ours: chain clear. Nowhere, but the source lies behind a tunnel that is down: clear.
 *	chain clear: ESP and IKE to ourselves may pass (a peer's outside address may lie behind the tunnel), the rest is dropped.
 *	chain forward (mangle): SYNs in and out of our interfaces get the interface's MSS; the kernel never raises one.
 *
 * Rules are written once. What changes are elements: `ours` (interfaces), `mss4` and `mss6` (interface to MSS), `shield4` and `shield6`
 * (prefixes routed into a tunnel). Each change is one transaction.
 *
 * The sets of prefixes may not overlap, so of nested prefixes only the widest is in them. A default route is never there.
 */
#include <netinet/in.h>

#include "state.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"
#include "nft_expr.h"

#define TABLE "s2sd"
#define PRIORITY_RAW (-300)
#define PRIORITY_MANGLE (-150)
#define TCP_OPTION_MSS 2

/* Data types are only for nft(8), so that it lists the sets readably. */
#define TYPE_IPV4 7
#define TYPE_IPV6 8
#define TYPE_PORT 13
#define TYPE_IFINDEX 20

struct shield {
	struct shield *next; /* same hash */
	struct prefix prefix;
	unsigned refs;
	bool visible; /* in the kernel's set; otherwise a wider one is */
};

static const struct set {
	const char *name;
	uint32_t id, flags, key_type, key_len, data_type, data_len;
} sets[] = {
	{ "ours", 1, 0, TYPE_IFINDEX, 4, 0, 0 },
	{ "mss4", 2, NFT_SET_MAP, TYPE_IFINDEX, 4, TYPE_PORT, 2 },
	{ "mss6", 3, NFT_SET_MAP, TYPE_IFINDEX, 4, TYPE_PORT, 2 },
	{ "shield4", 4, NFT_SET_INTERVAL, TYPE_IPV4, 4, 0, 0 },
	{ "shield6", 5, NFT_SET_INTERVAL, TYPE_IPV6, 16, 0, 0 },
};

static const struct chain {
	const char *name;
	uint32_t hook;
	int32_t priority;
	bool base;
} chains[] = {
	{ "source", NF_INET_PRE_ROUTING, PRIORITY_RAW, true },
	{ "clear", 0, 0, false },
	{ "forward", NF_INET_FORWARD, PRIORITY_MANGLE, true },
};

/* --- table, chains, sets --- */
static void add_table(struct batch *b, uint16_t type)
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
static void add_shield_rule(struct batch *b, uint8_t family, const char *set)
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
	static const uint16_t ports[] = { 500, 4500 };
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

static void add_rules(struct batch *b, bool check)
{
	if (check) {
		add_source_rules(b);
		add_shield_rule(b, NFPROTO_IPV4, "shield4");
		add_shield_rule(b, NFPROTO_IPV6, "shield6");
		add_clear_rules(b);
	}
	add_clamp_rule(b, NFPROTO_IPV4, NFT_META_OIF, "mss4");
	add_clamp_rule(b, NFPROTO_IPV4, NFT_META_IIF, "mss4");
	add_clamp_rule(b, NFPROTO_IPV6, NFT_META_OIF, "mss6");
	add_clamp_rule(b, NFPROTO_IPV6, NFT_META_IIF, "mss6");
}

/* --- elements --- */
static struct nlm *elements_begin(struct batch *b, bool add, const char *set, struct nlattr **list)
{
	struct nlm *m = batch_begin(b, add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, NFPROTO_INET, add ? NLM_F_CREATE : 0);
	nlm_put_text(m, NFTA_SET_ELEM_LIST_TABLE, TABLE);
	nlm_put_text(m, NFTA_SET_ELEM_LIST_SET, set);
	*list = nlm_nest(m, NFTA_SET_ELEM_LIST_ELEMENTS);
	return m;
}

static void put_element(struct nlm *m, const void *key, size_t n, uint32_t flags, const uint16_t *mss)
{
	struct nlattr *e = nlm_nest(m, NFTA_LIST_ELEM), *v = nlm_nest(m, NFTA_SET_ELEM_KEY);
	nlm_put(m, NFTA_DATA_VALUE, key, n);
	nlm_nest_end(m, v);
	if (flags != 0)
		nlm_put_be32(m, NFTA_SET_ELEM_FLAGS, flags);
	if (mss != NULL) {
		v = nlm_nest(m, NFTA_SET_ELEM_DATA);
		nlm_put_u16(m, NFTA_DATA_VALUE, htons(*mss));
		nlm_nest_end(m, v);
	}
	nlm_nest_end(m, e);
}

static void device_element(struct batch *b, bool add, const char *set, uint32_t ifindex, const uint16_t *mss)
{
	struct nlattr *list;
	struct nlm *m = elements_begin(b, add, set, &list);
	put_element(m, &ifindex, sizeof ifindex, 0, mss);
	nlm_nest_end(m, list);
	batch_end(b);
}

static void tunnel_elements(struct batch *b, const struct tunnel *t, bool add)
{
	if (t->nft.ifindex == 0)
		return;
	device_element(b, add, "ours", t->nft.ifindex, NULL);
	if (t->nft.mss4 != 0)
		device_element(b, add, "mss4", t->nft.ifindex, &t->nft.mss4);
	if (t->nft.mss6 != 0)
		device_element(b, add, "mss6", t->nft.ifindex, &t->nft.mss6);
}

/* From the first address to the one behind the last; the end of the address space has no such mark. */
static void shield_element(struct batch *b, bool add, const struct prefix *p)
{
	bool four = p->addr.family == AF_INET;
	struct nlattr *list;
	struct nlm *m = elements_begin(b, add, four ? "shield4" : "shield6", &list);
	struct ts range = ts_from_prefix(p);
	size_t n = four ? 4 : 16, i = n;
	put_element(m, range.lo.ip, n, 0, NULL);
	while (i > 0 && ++range.hi.ip[i - 1] == 0)
		i--;
	if (i > 0)
		put_element(m, range.hi.ip, n, NFT_SET_ELEM_INTERVAL_END, NULL);
	nlm_nest_end(m, list);
	batch_end(b);
}

/* --- shields: what is in the sets of prefixes --- */
static struct shield *shield_find(const struct kernel *k, const struct prefix *p)
{
	struct shield *s = table_get(&k->shields, prefix_hash(p, 0));
	while (s != NULL && !prefix_equal(&s->prefix, p))
		s = s->next;
	return s;
}

static bool covered(const struct kernel *k, const struct prefix *p)
{
	const uint64_t *count = k->shields_by_len[p->addr.family == AF_INET6];
	struct prefix wider = *p;
	while (wider.len-- > 1)
		if (count[wider.len] > 0 && shield_find(k, &wider) != NULL)
			return true;
	return false;
}

/* Those within p change places with it: hidden under it when it comes, seen again when it goes. */
static void change_inner(struct kernel *k, struct batch *b, const struct prefix *p, bool visible)
{
	const uint64_t *count = k->shields_by_len[p->addr.family == AF_INET6];
	size_t it = 0;
	uint64_t narrower = 0;
	for (unsigned len = p->len + 1u; len <= 128; len++)
		narrower += count[len];
	if (narrower == 0)
		return;
	for (struct shield *s; (s = table_next(&k->shields, &it)) != NULL;)
		for (; s != NULL; s = s->next) {
			if (s->prefix.len <= p->len || !prefix_contains(p, &s->prefix.addr) || s->visible == visible)
				continue;
			if (visible && covered(k, &s->prefix))
				continue;
			s->visible = visible;
			shield_element(b, visible, &s->prefix);
		}
}

/* Somebody changed or flushed our table: it is written anew. */
static void mend(struct kernel *k, int error)
{
	if (error != 0)
		nft_rebuild(k);
}

void nft_shield_ref(struct kernel *k, const struct prefix *p)
{
	struct shield *s = shield_find(k, p);
	struct batch b;
	if (p->len == 0)
		return;
	if (s != NULL) {
		s->refs++;
		return;
	}
	s = xcalloc(1, sizeof *s);
	s->prefix = prefix_mask(p);
	s->refs = 1;
	s->visible = !covered(k, &s->prefix);
	batch_open(&b, &k->netfilter);
	if (s->visible) {
		change_inner(k, &b, &s->prefix, false);
		shield_element(&b, true, &s->prefix);
	}
	uint64_t hash = prefix_hash(p, 0);
	s->next = table_del(&k->shields, hash);
	table_put(&k->shields, hash, s);
	k->shields_by_len[p->addr.family == AF_INET6][p->len]++;
	mend(k, batch_close(&b, k->nft == NFT_READY, "change the source check"));
}

void nft_shield_unref(struct kernel *k, const struct prefix *p, bool keep)
{
	struct shield *s = shield_find(k, p);
	struct batch b;
	if (s == NULL || --s->refs > 0 || keep)
		return;
	uint64_t hash = prefix_hash(p, 0);
	struct shield *first = table_del(&k->shields, hash), **at = &first;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	if (first != NULL)
		table_put(&k->shields, hash, first);
	k->shields_by_len[p->addr.family == AF_INET6][p->len]--;
	batch_open(&b, &k->netfilter);
	if (s->visible) {
		shield_element(&b, false, &s->prefix);
		change_inner(k, &b, &s->prefix, true);
	}
	free(s);
	mend(k, batch_close(&b, k->nft == NFT_READY, "change the source check"));
}

void nft_release(struct kernel *k)
{
	size_t it = 0;
	for (struct shield *s; (s = table_next(&k->shields, &it)) != NULL;)
		while (s != NULL) {
			struct shield *next = s->next;
			free(s);
			s = next;
		}
	table_release(&k->shields);
}

/* --- the table as a whole --- */
static int build(struct kernel *k, bool check)
{
	struct batch b;
	size_t it = 0;
	batch_open(&b, &k->netfilter);
	add_table(&b, NFT_MSG_NEWTABLE); /* so that there is one to delete */
	add_table(&b, NFT_MSG_DELTABLE);
	add_table(&b, NFT_MSG_NEWTABLE);
	for (unsigned i = 0; i < ARRAY_SIZE(sets); i++)
		add_set(&b, &sets[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(chains); i++)
		if (check || strcmp(chains[i].name, "forward") == 0)
			add_chain(&b, &chains[i]);
	add_rules(&b, check);
	for (struct tunnel *t; (t = table_next(&k->by_id, &it)) != NULL;)
		tunnel_elements(&b, t, true);
	it = 0;
	for (struct shield *s; check && (s = table_next(&k->shields, &it)) != NULL;)
		for (; s != NULL; s = s->next)
			if (s->visible)
				shield_element(&b, true, &s->prefix);
	return batch_close(&b, true, "write the nf_tables table s2sd");
}

int nft_rebuild(struct kernel *k)
{
	char first[NL_WHY];
	k->nft = NFT_MISSING;
	if (k->netfilter.sock == NULL)
		return why(k, 0, "this kernel has no nf_tables: no MSS clamping, no check of clear packets' sources");
	if (build(k, true) == 0) {
		k->nft = NFT_READY;
		return 0;
	}
	memcpy(first, k->why, sizeof first);
	if (build(k, false) == 0) {
		k->nft = NFT_CLAMP_ONLY;
		return why(k, 0, "no check of clear packets' sources (nft_fib missing?): %.200s", first);
	}
	return why(k, 0, "no MSS clamping, no check of clear packets' sources: %.200s", first);
}

int nft_ensure(struct kernel *k) { return k->nft == NFT_UNTRIED ? nft_rebuild(k) : 0; }

int nft_tunnel(struct kernel *k, struct tunnel *t, uint32_t ifindex, uint32_t mss4, uint32_t mss6)
{
	struct batch b;
	if (t->nft.ifindex == ifindex && t->nft.mss4 == mss4 && t->nft.mss6 == mss6)
		return 0;
	batch_open(&b, &k->netfilter);
	tunnel_elements(&b, t, false);
	t->nft.ifindex = ifindex;
	t->nft.mss4 = (uint16_t)mss4;
	t->nft.mss6 = (uint16_t)mss6;
	tunnel_elements(&b, t, true);
	int error = batch_close(&b, k->nft == NFT_READY || k->nft == NFT_CLAMP_ONLY, "set the tunnel's MSS");
	return error == 0 ? 0 : nft_rebuild(k); /* somebody flushed our table: write it anew */
}

int nft_remove(struct kernel *k)
{
	struct batch b;
	k->nft = NFT_UNTRIED;
	if (k->netfilter.sock == NULL)
		return 0;
	batch_open(&b, &k->netfilter);
	add_table(&b, NFT_MSG_NEWTABLE);
	add_table(&b, NFT_MSG_DELTABLE);
	return batch_close(&b, true, "remove the nf_tables table s2sd");
}
