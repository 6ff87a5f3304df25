/*
 * nft.c - the nf_tables table `s2sd` (family inet): MSS clamping, and the anti-spoofing check.
 *
 *	chain source (prerouting, raw): from the loopback or one of our interfaces, or out of IPsec: fine. Otherwise, where would
 *	    an answer go? Into an interface of ours: chain clear. Nowhere, but the source lies behind a tunnel that is down: clear.
 *	chain clear: ESP and IKE to ourselves may pass (a peer's outside address may lie behind the tunnel), the rest is dropped.
 *	chain forward (mangle): SYNs in and out of our interfaces get the interface's MSS; the kernel never raises one.
 *
 * Rules are written once. What changes are elements: `ours` (interfaces), `mss4` and `mss6` (interface to MSS), `antispoof4` and `antispoof6`
 * (prefixes routed into a tunnel). Each change is one transaction.
 *
 * The sets of prefixes may not overlap, so of nested prefixes only the widest is in them. A default route and its halves are never there.
 */
#include <netinet/in.h>

#include "state.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "nft_look.h"
#include "nft_rules.h"

struct antispoof {
	struct by_prefix at;
	bool visible; /* in the kernel's set; otherwise a wider one is */
};

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
static void antispoof_element(struct batch *b, bool add, const struct prefix *p)
{
	bool four = p->addr.family == AF_INET;
	struct nlattr *list;
	struct nlm *m = elements_begin(b, add, four ? "antispoof4" : "antispoof6", &list);
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

/* --- the anti-spoofing set --- */
static bool covered(const struct kernel *k, const struct prefix *p)
{
	const uint64_t *count = k->antispoof_by_len[p->addr.family == AF_INET6];
	struct prefix wider = *p;
	while (wider.len-- > 1)
		if (count[wider.len] > 0 && prefix_find(&k->antispoof, &wider, 0) != NULL)
			return true;
	return false;
}

/* Those within p change places with it: hidden under it when it comes, seen again when it goes. */
static void change_inner(struct kernel *k, struct batch *b, const struct prefix *p, bool visible)
{
	const uint64_t *count = k->antispoof_by_len[p->addr.family == AF_INET6];
	size_t it = 0;
	uint64_t narrower = 0;
	for (unsigned len = p->len + 1u; len <= 128; len++)
		narrower += count[len];
	if (narrower == 0)
		return;
	for (struct antispoof *s; (s = table_next(&k->antispoof, &it)) != NULL;)
		for (; s != NULL; s = (void *)s->at.next) {
			if (s->at.prefix.len <= p->len || !prefix_contains(p, &s->at.prefix.addr) || s->visible == visible)
				continue;
			if (visible && covered(k, &s->at.prefix))
				continue;
			s->visible = visible;
			antispoof_element(b, visible, &s->at.prefix);
		}
}

/* Somebody changed or flushed our table: it is written anew. */
static void rebuild_after(struct kernel *k, int error)
{
	if (error != 0)
		nft_rebuild(k);
}

void nft_antispoof_ref(struct kernel *k, const struct prefix *p)
{
	struct antispoof *s = prefix_find(&k->antispoof, p, 0);
	struct batch b;
	if (p->len <= 1) /* a default route, or a half of it: behind it is the internet, whose packets come in clear */
		return;
	if (s != NULL) {
		s->at.refs++;
		return;
	}
	bool visible = !covered(k, p);
	s = prefix_add(&k->antispoof, sizeof *s, p, 0);
	s->at.refs = 1;
	s->visible = visible;
	batch_open(&b, &k->netfilter);
	if (s->visible) {
		change_inner(k, &b, &s->at.prefix, false);
		antispoof_element(&b, true, &s->at.prefix);
	}
	k->antispoof_by_len[p->addr.family == AF_INET6][p->len]++;
	rebuild_after(k, batch_close(&b, k->nft == NFT_READY, "change the anti-spoofing set"));
}

void nft_antispoof_unref(struct kernel *k, const struct prefix *p, bool keep)
{
	struct antispoof *s = prefix_find(&k->antispoof, p, 0);
	struct batch b;
	if (s == NULL || --s->at.refs > 0 || keep)
		return;
	prefix_remove(&k->antispoof, &s->at);
	k->antispoof_by_len[p->addr.family == AF_INET6][p->len]--;
	batch_open(&b, &k->netfilter);
	if (s->visible) {
		antispoof_element(&b, false, &s->at.prefix);
		change_inner(k, &b, &s->at.prefix, true);
	}
	free(s);
	rebuild_after(k, batch_close(&b, k->nft == NFT_READY, "change the anti-spoofing set"));
}

static struct antispoof *unwanted(struct kernel *k)
{
	size_t it = 0;
	for (struct antispoof *s; (s = table_next(&k->antispoof, &it)) != NULL;)
		for (; s != NULL; s = (void *)s->at.next)
			if (s->at.refs == 0)
				return s;
	return NULL;
}

void nft_antispoof_sweep(struct kernel *k)
{
	for (struct antispoof *s; (s = unwanted(k)) != NULL;) {
		struct prefix p = s->at.prefix;
		s->at.refs = 1;
		nft_antispoof_unref(k, &p, false);
	}
}

void nft_release(struct kernel *k) { prefix_release(&k->antispoof, free); }

/* --- the table as a whole --- */
static void all_elements(struct kernel *k, struct batch *b, bool check)
{
	size_t it = 0;
	for (struct tunnel *t; (t = table_next(&k->by_id, &it)) != NULL;)
		tunnel_elements(b, t, true);
	it = 0;
	for (struct antispoof *s; check && (s = table_next(&k->antispoof, &it)) != NULL;)
		for (; s != NULL; s = (void *)s->at.next)
			if (s->visible)
				antispoof_element(b, true, &s->at.prefix);
}

uint64_t nft_wanted_elements(struct kernel *k)
{
	struct nft_print p = { 0 };
	struct batch b;
	batch_open(&b, &k->netfilter);
	all_elements(k, &b, k->nft == NFT_READY);
	int left = (int)b.len;
	for (const struct nlmsghdr *h = (void *)b.bytes; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
		nft_print_message(&p, h);
	batch_close(&b, false, "");
	return p.elements;
}

/* What the kernel made of what we wrote: what was read right after. */
static void remember(struct kernel *k)
{
	struct nft_print p;
	k->nft_seen.generation = 0;
	k->nft_seen.rules = nft_print_rules(&k->netfilter, &p) == 0 ? p.rules : 0;
	k->why[0] = 0;
}

static int build(struct kernel *k, bool check)
{
	struct batch b;
	batch_open(&b, &k->netfilter);
	nft_rules_table(&b, NFT_MSG_NEWTABLE); /* so that there is one to delete */
	nft_rules_table(&b, NFT_MSG_DELTABLE);
	nft_rules_table(&b, NFT_MSG_NEWTABLE);
	nft_rules_add(&b, check);
	all_elements(k, &b, check);
	return batch_close(&b, true, "write the nf_tables table s2sd");
}

int nft_rebuild(struct kernel *k)
{
	char first[NL_WHY];
	k->nft = NFT_MISSING;
	if (k->netfilter.sock == NULL)
		return kernel_fail(k, 0, "this kernel has no nf_tables: no MSS clamping, no anti-spoofing check");
	if (build(k, true) == 0) {
		k->nft = NFT_READY;
		remember(k);
		return 0;
	}
	memcpy(first, k->why, sizeof first);
	if (build(k, false) == 0) {
		k->nft = NFT_CLAMP_ONLY;
		remember(k);
		return kernel_fail(k, 0, "no anti-spoofing check (nft_fib missing?): %.200s", first);
	}
	return kernel_fail(k, 0, "no MSS clamping, no anti-spoofing check: %.200s", first);
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
	nft_rules_table(&b, NFT_MSG_NEWTABLE);
	nft_rules_table(&b, NFT_MSG_DELTABLE);
	return batch_close(&b, true, "remove the nf_tables table s2sd");
}
