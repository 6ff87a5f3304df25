/*
 * nft.c - the nf_tables table `s2sd` (family inet): MSS clamping, the anti-spoofing check, and the last guard against clear text.
 *
 *	chain source (prerouting, raw): from the loopback or one of our interfaces, or out of IPsec: fine. Otherwise, where would
 *	    an answer go? Into an interface of ours: chain clear. Nowhere, but the source lies behind a tunnel that is down: clear.
 *	chain clear: ESP and IKE to ourselves may pass (a peer's outside address may lie behind the tunnel), the rest is dropped.
 *	chain forward (mangle): SYNs in and out of our interfaces get the interface's MSS; the kernel never raises one.
 *
 *	chain outer (postrouting, mangle): ESP whose mark asks for it gets DF and the bits of its DSCP, chain header (xsa.c makes the mark).
 *
 *	chain leave (postrouting): what goes to a prefix in `guarded` leaves by one of our interfaces or not at all; but for what we send to
 *	    peers, what other IPsec policies encrypt, and prefixes in `elsewhere`, to which another program has a route.
 *
 * Rules are written once. What changes are elements: `ours` (interfaces), `mss4` and `mss6` (interface to MSS), `antispoof4` and `antispoof6`
 * (prefixes routed into a tunnel), `guarded4` and `guarded6` (those of the main table), `elsewhere4` and `elsewhere6` (elsewhere.c). Each
 * change is one transaction.
 *
 * The sets of prefixes may not overlap, so of nested prefixes only the widest is in them. A default route and its halves are never there.
 */
#include <netinet/in.h>

#include "state.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "nft_look.h"
#include "nft_rules.h"

struct member { /* of a prefix set */
	struct by_prefix at;
	bool visible; /* in the kernel's set; otherwise a wider one is, or it waits for nft_elsewhere */
	bool there;   /* while nft_elsewhere compares */
};
static const char *const set_names[PREFIX_SETS][2] = { [SET_ANTISPOOF] = { "antispoof4", "antispoof6" },
	[SET_GUARDED] = { "guarded4", "guarded6" },
	[SET_ELSEWHERE] = { "elsewhere4", "elsewhere6" } };

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
static void prefix_element(struct batch *b, bool add, enum prefix_set_kind kind, const struct prefix *p)
{
	bool four = p->addr.family == AF_INET;
	struct nlattr *list;
	struct nlm *m = elements_begin(b, add, set_names[kind][!four], &list);
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

/* --- the sets of prefixes --- */
static bool covered(const struct prefix_set *set, const struct prefix *p)
{
	const uint64_t *count = set->by_len[p->addr.family == AF_INET6];
	struct prefix wider = *p;
	while (wider.len-- > 1)
		if (count[wider.len] > 0 && prefix_find(&set->all, &wider, 0) != NULL)
			return true;
	return false;
}

/* Those within p change places with it: hidden under it when it comes, seen again when it goes. */
static void change_inner(struct kernel *k, struct batch *b, enum prefix_set_kind kind, const struct prefix *p, bool visible)
{
	struct prefix_set *set = &k->sets[kind];
	const uint64_t *count = set->by_len[p->addr.family == AF_INET6];
	size_t it = 0;
	uint64_t narrower = 0;
	for (unsigned len = p->len + 1u; len <= 128; len++)
		narrower += count[len];
	if (narrower == 0)
		return;
	for (struct member *s; (s = table_next(&set->all, &it)) != NULL;)
		for (; s != NULL; s = (void *)s->at.next) {
			if (s->at.prefix.len <= p->len || !prefix_contains(p, &s->at.prefix.addr) || s->visible == visible)
				continue;
			if (visible && covered(set, &s->at.prefix))
				continue;
			s->visible = visible;
			prefix_element(b, visible, kind, &s->at.prefix);
		}
}

static void show(struct kernel *k, struct batch *b, enum prefix_set_kind kind, struct member *s)
{
	if (s->visible || covered(&k->sets[kind], &s->at.prefix))
		return;
	s->visible = true;
	change_inner(k, b, kind, &s->at.prefix, false);
	prefix_element(b, true, kind, &s->at.prefix);
}

static struct member *new_member(struct kernel *k, enum prefix_set_kind kind, const struct prefix *p)
{
	struct member *s = prefix_add(&k->sets[kind].all, sizeof *s, p, 0);
	k->sets[kind].by_len[p->addr.family == AF_INET6][p->len]++;
	return s;
}

static void remove_member(struct kernel *k, struct batch *b, enum prefix_set_kind kind, struct member *s)
{
	prefix_remove(&k->sets[kind].all, &s->at);
	k->sets[kind].by_len[s->at.prefix.addr.family == AF_INET6][s->at.prefix.len]--;
	if (s->visible) {
		prefix_element(b, false, kind, &s->at.prefix);
		change_inner(k, b, kind, &s->at.prefix, true);
	}
	free(s);
}

/* Somebody changed or flushed our table: it is written anew. */
static void finish(struct kernel *k, struct batch *b)
{
	if (batch_close(b, k->nft == NFT_READY, "change the prefixes of the nf_tables table s2sd") != 0)
		nft_rebuild(k);
}

void nft_prefix_ref(struct kernel *k, enum prefix_set_kind kind, const struct prefix *p)
{
	struct member *s = prefix_find(&k->sets[kind].all, p, 0);
	struct batch b;
	if (p->len <= 1) /* a default route, or a half of it: behind it is the internet, whose packets come in clear */
		return;
	if (s == NULL)
		s = new_member(k, kind, p);
	if (s->at.refs++ > 0)
		return;
	if (kind == SET_GUARDED) { /* not before it is known who else has a route within it */
		k->elsewhere_old = true;
		return;
	}
	batch_open(&b, &k->netfilter);
	show(k, &b, kind, s);
	finish(k, &b);
}

void nft_prefix_unref(struct kernel *k, enum prefix_set_kind kind, const struct prefix *p)
{
	struct member *s = prefix_find(&k->sets[kind].all, p, 0);
	struct batch b;
	if (s == NULL || --s->at.refs > 0)
		return;
	batch_open(&b, &k->netfilter);
	remove_member(k, &b, kind, s);
	finish(k, &b);
}

bool nft_guards(const struct kernel *k, const struct prefix *p)
{
	const struct prefix_set *set = &k->sets[SET_GUARDED];
	return prefix_find(&set->all, p, 0) != NULL || covered(set, p);
}

static struct member *gone(const struct prefix_set *set)
{
	size_t it = 0;
	for (struct member *s; (s = table_next(&set->all, &it)) != NULL;)
		for (; s != NULL; s = (void *)s->at.next)
			if (!s->there)
				return s;
	return NULL;
}

void nft_elsewhere(struct kernel *k, const struct prefix *v, unsigned n)
{
	struct prefix_set *set = &k->sets[SET_ELSEWHERE];
	struct batch b;
	size_t it = 0;
	batch_open(&b, &k->netfilter);
	for (struct member *s; (s = table_next(&set->all, &it)) != NULL;)
		for (; s != NULL; s = (void *)s->at.next)
			s->there = false;
	for (unsigned i = 0; i < n; i++) {
		struct member *s = prefix_find(&set->all, &v[i], 0);
		if (s == NULL)
			s = new_member(k, SET_ELSEWHERE, &v[i]);
		s->there = true;
		show(k, &b, SET_ELSEWHERE, s);
	}
	for (struct member *s; (s = gone(set)) != NULL;)
		remove_member(k, &b, SET_ELSEWHERE, s);
	it = 0;
	for (struct member *s; (s = table_next(&k->sets[SET_GUARDED].all, &it)) != NULL;)
		for (; s != NULL; s = (void *)s->at.next)
			show(k, &b, SET_GUARDED, s);
	k->elsewhere_old = false;
	finish(k, &b);
}

void nft_release(struct kernel *k)
{
	for (unsigned kind = 0; kind < PREFIX_SETS; kind++)
		prefix_release(&k->sets[kind].all, free);
}

/* --- the table as a whole --- */
static void all_elements(struct kernel *k, struct batch *b, bool check)
{
	size_t it = 0;
	for (struct tunnel *t; (t = table_next(&k->by_id, &it)) != NULL;)
		tunnel_elements(b, t, true);
	for (unsigned kind = 0; check && kind < PREFIX_SETS; kind++) {
		it = 0;
		for (struct member *s; (s = table_next(&k->sets[kind].all, &it)) != NULL;)
			for (; s != NULL; s = (void *)s->at.next)
				if (s->visible)
					prefix_element(b, true, (enum prefix_set_kind)kind, &s->at.prefix);
	}
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
	struct nft_print p = { 0 };
	k->nft_seen.generation = 0;
	int error = -EINTR;
	for (unsigned tries = 0; tries < 3 && error == -EINTR; tries++)
		error = nft_print_rules(&k->netfilter, &p);
	k->nft_seen.rules = error == 0 ? p.rules : 0;
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
		return kernel_fail(
			k, 0, "this kernel has no nf_tables: no MSS clamping, no anti-spoofing check, no `df: set`, no `dscp`");
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
	return kernel_fail(k, 0, "no MSS clamping, no anti-spoofing check, no `df: set`, no `dscp`: %.200s", first);
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
