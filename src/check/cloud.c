/*
 * cloud.c - one tunnel against what its provider can do: algorithms, lifetimes, keys, addresses, AS numbers. The facts and most
 * of the words are the provider's row.
 */
#include <stdio.h>

#include "base/text.h"
#include "crypto/alg.h"
#include "rules.h"

#define PAIRS_TOLD 4

/* ---------------------------------------------------------------- algorithms */
static bool cloud_takes(enum cloud cloud, uint8_t protocol, const struct transform *t)
{
	return t->type == TRANSFORM_ESN ? t->id == ESN_NO || provider_of(cloud)->esn
					: cloud_takes_word(cloud, protocol == PROTOCOL_ESP, transform_word(t));
}

/* What of it the cloud does not know, so that it can choose nothing; NULL when it can. */
static const char *refusal(enum cloud cloud, const struct proposal *p)
{
	static const struct {
		uint8_t type;
		const char *what;
	} kinds[] = { { TRANSFORM_ENCR, "its encryption" }, { TRANSFORM_INTEG, "its integrity" }, { TRANSFORM_PRF, "its PRF" },
		{ TRANSFORM_KE, "its group" }, { TRANSFORM_ESN, "extended sequence numbers" } };
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		bool there = false, good = false;
		for (unsigned i = 0; i < p->n; i++) {
			there = there || p->t[i].type == kinds[k].type;
			good = good || (p->t[i].type == kinds[k].type && cloud_takes(cloud, p->protocol, &p->t[i]));
		}
		if (there && !good)
			return kinds[k].what;
	}
	return p->protocol == PROTOCOL_ESP && transform_of(p, TRANSFORM_KE) == NULL ? provider_of(cloud)->needs_pfs : NULL;
}

static void list_of(struct check *c, const struct tunnel_conf *t, enum key_id key, const struct proposal *v, unsigned n)
{
	unsigned bad = 0;
	char text[PROPOSAL_TEXT];
	for (unsigned i = 0; i < n; i++)
		bad += refusal(t->cloud, &v[i]) != NULL;
	for (unsigned i = 0; i < n; i++) {
		const char *what = refusal(t->cloud, &v[i]);
		if (what != NULL)
			finding_advice(finding_add(c->out, tunnel_place(t, key),
					       bad == n ? FINDING_PROPOSALS_UNKNOWN : FINDING_PROPOSAL_UNKNOWN,
					       "%s: %s does not know %s", proposal_format(&v[i], text),
					       provider_of(t->cloud)->name, what),
				"take 'aes256-sha256-modp2048', which both clouds can do, or see `s2sctl show profile %s`",
				cloud_word(t->cloud));
	}
}

/* A finding that the provider has words for. */
static void tell(struct check *c, const struct tunnel_conf *t, enum key_id key, enum finding_code code, const char *value)
{
	const struct cloud_words *w = &provider_of(t->cloud)->findings[code];
	if (w->why != NULL)
		cloud_finding_add(c->out, tunnel_place(t, key), t, code, w->why, w->advice, value);
}

static bool all_pfs(const struct tunnel_conf *t)
{
	for (unsigned i = 0; i < t->n_esp; i++)
		if (transform_of(&t->esp[i], TRANSFORM_KE) == NULL)
			return false;
	return t->n_esp > 0;
}

static void proposals(struct check *c, const struct tunnel_conf *t)
{
	list_of(c, t, KEY_IKE_PROPOSALS, t->ike, t->n_ike);
	list_of(c, t, KEY_ESP_PROPOSALS, t->esp, t->n_esp);
	if (t->esn == TRI_YES && !provider_of(t->cloud)->esn)
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_ESN), FINDING_ESN_UNKNOWN,
				       "%s does not know extended sequence numbers", provider_of(t->cloud)->name),
			"leave 'esn' out");
	/* Without group 2 the connection has a custom policy, and that one says exactly whether there is a group. */
	if (all_pfs(t) && proposals_have_group(t->ike, t->n_ike, GROUP_MODP_1024))
		tell(c, t, KEY_ESP_PROPOSALS, FINDING_PFS_UNKNOWN, "");
}

static void group_two(struct check *c, const struct tunnel_conf *t)
{
	bool ike = proposals_have_group(t->ike, t->n_ike, GROUP_MODP_1024);
	if (ike || proposals_have_group(t->esp, t->n_esp, GROUP_MODP_1024))
		tell(c, t, ike ? KEY_IKE_PROPOSALS : KEY_ESP_PROPOSALS, FINDING_GROUP_2, "");
	else if (t->n_ike > 0 && refusal(t->cloud, &t->ike[0]) == NULL)
		tell(c, t, KEY_IKE_PROPOSALS, FINDING_POLICY_NEEDED, "");
}

/* ---------------------------------------------------------------- numbers and keys */
/* Those that the daemon warns of come from keys.c. */
static void limits(struct check *c, const struct tunnel_conf *t)
{
	char value[24];
	enum key_id key;
	const struct cloud_limit *m = provider_of(t->cloud)->limits;
	while ((m = cloud_limit_broken(t, m, &key, value)) != NULL) {
		if (finding_load(m->code) == LOAD_TAKES)
			cloud_finding_add(c->out, tunnel_place(t, key), t, m->code, m->why, m->advice, value);
		m++;
	}
}

/* What a provider's documents say of keys is a hint: it may have taken others, and only it knows. */
static void psk(struct check *c, const struct tunnel_conf *t)
{
	const struct provider *p = provider_of(t->cloud);
	if (t->psk == NULL || t->psk->len == 0 || cloud_psk_documented(t->cloud, t->psk->data, t->psk->len))
		return;
	finding_advice(finding_add(c->out, tunnel_place(t, tunnel_key_line(t, KEY_PSK) > 0 ? KEY_PSK : KEY_PSK_FILE),
			       FINDING_KEY_ALPHABET, "this key is not as %s's documents have it: %s", p->name, p->psk.rule),
		"%s", p->findings[FINDING_KEY_ALPHABET].advice);
}

/* ---------------------------------------------------------------- children */
/* One policy of ours for each selector here with each there: what a peer with an SA for each pair has to be told. */
static unsigned pairs_of(const struct tunnel_conf *t, char *text, size_t size, bool *all)
{
	char here[TS_TEXT], there[TS_TEXT];
	struct text o = text_of(text, size);
	struct prefix p;
	unsigned n = 0;
	text_add(&o, "write 'children: [");
	for (unsigned i = 0; i < t->local_ts->n; i++)
		for (unsigned k = 0; k < t->remote_ts->n; k++) {
			const struct ts *a = &t->local_ts->v[i], *b = &t->remote_ts->v[k];
			if (a->lo.family != b->lo.family)
				continue;
			*all = *all || (ts_to_prefix(a, &p) && p.len == 0) || (ts_to_prefix(b, &p) && p.len == 0);
			if (n++ < PAIRS_TOLD)
				text_add(&o, "%s{local-ts: %s, remote-ts: %s}", n > 1 ? ", " : "", ts_format(a, here),
					ts_format(b, there));
		}
	text_add(&o, n > PAIRS_TOLD ? ", ...]', %u pairs in all" : "]'", n);
	return n;
}

static void children(struct check *c, const struct tunnel_conf *t)
{
	char text[PAIRS_TOLD * 2 * TS_TEXT];
	bool all = false; /* a side that is everything is no network of a policy */
	if (t->n_children > 1) {
		snprintf(text, sizeof text, "%u", (unsigned)t->n_children);
		tell(c, t, KEY_CHILDREN, FINDING_CHILDREN_SEVERAL, text);
	} else if (t->n_children == 0 && pairs_of(t, text, sizeof text, &all) > 1 && !all)
		tell(c, t, tunnel_key_line(t, KEY_LOCAL_TS) > 0 ? KEY_LOCAL_TS : KEY_REMOTE_TS, FINDING_CHILDREN_WANTED, text);
}

static void start(struct check *c, const struct tunnel_conf *t)
{
	if (t->start == START_RESPOND)
		tell(c, t, KEY_START, FINDING_NOBODY_INITIATES, "");
}

/* ---------------------------------------------------------------- inside addresses */
static bool within(const char *text, const struct addr *a)
{
	struct prefix p;
	return prefix_parse(&p, text) && prefix_contains(&p, a);
}

static bool in_ranges(const struct cloud_net *n, const struct addr *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(n->ranges) && n->ranges[i] != NULL; i++)
		if (within(n->ranges[i], a))
			return true;
	return false;
}

static const char *reserved_of(const struct cloud_net *n, const struct prefix *p)
{
	struct prefix r;
	for (size_t i = 0; i < ARRAY_SIZE(n->reserved) && n->reserved[i] != NULL; i++)
		if (prefix_parse(&r, n->reserved[i]) && prefix_overlaps(&r, p))
			return n->reserved[i];
	return NULL;
}

static bool is_first_host(const struct prefix *p, unsigned len)
{
	unsigned last = p->addr.family == AF_INET6 ? 15 : 3, mask = (1u << (8 * (last + 1) - len)) - 1;
	return (p->addr.ip[last] & mask) == 1;
}

static void inside(struct check *c, const struct tunnel_conf *t, const struct cloud_net *n, const struct prefix *p)
{
	char text[ADDR_TEXT];
	const char *name = provider_of(t->cloud)->name, *taken = reserved_of(n, p);
	struct place at = tunnel_place(t, KEY_INSIDE);
	if (n->len > 0)
		prefix_format(p, text);
	else
		addr_format(&p->addr, text);
	if (!in_ranges(n, &p->addr))
		cloud_finding_add(c->out, at, t, n->code, n->why, n->advice, text);
	else if (taken != NULL)
		finding_advice(finding_add(c->out, at, FINDING_INSIDE_RESERVED, "%s: %s keeps %s for itself", text, name, taken),
			"%s", n->other);
	else if (n->len > 0 && p->len != n->len)
		finding_advice(
			finding_add(c->out, at, FINDING_INSIDE_RANGE, "%s: %s's inside networks are /%u", text, name, n->len),
			"write the address with /%u", n->len);
	else if (n->first_taken && is_first_host(p, n->len))
		finding_advice(finding_add(c->out, at, FINDING_INSIDE_FIRST,
				       "%s: %s takes the first address of the network for itself", text, name),
			"write the second one");
}

static void nets(struct check *c, const struct tunnel_conf *t)
{
	char text[ADDR_TEXT];
	for (const struct cloud_net *n = provider_of(t->cloud)->nets; n != NULL && n->of != NULL; n++) {
		for (unsigned i = 0; i < t->n_inside; i++)
			if (within(n->of, &t->inside[i].addr))
				inside(c, t, n, &t->inside[i]);
		if (n->peer_too && t->bgp.set && within(n->of, &t->bgp.peer) && !in_ranges(n, &t->bgp.peer))
			cloud_finding_add(c->out, tunnel_place(t, KEY_BGP_PEER), t, n->code, n->why, n->advice,
				addr_format(&t->bgp.peer, text));
	}
}

void check_cloud_nets(struct findings *f, const struct tunnel_conf *t)
{
	struct check c = { .out = f };
	nets(&c, t);
}

/* ---------------------------------------------------------------- AS numbers */
static const struct cloud_as reserved_for_all[] = {
	{ 23456, 23456, "it stands for AS numbers of four bytes (RFC 6793)" },
	{ 64496, 64511, "it is for documentation (RFC 5398)" },
	{ 65535, 65551, "it is reserved (RFC 7300, RFC 5398)" },
	{ 0 },
};

static bool has_cloud(const struct conf *c, enum cloud cloud)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->tunnels[i]->cloud == cloud && c->tunnels[i]->bgp.set)
			return true;
	return false;
}

static void reserved(struct check *c, const struct tunnel_conf *t, const struct cloud_as *r, bool hard)
{
	for (; r != NULL && r->to != 0; r++)
		if (t->bgp.local_as >= r->from && t->bgp.local_as <= r->to)
			finding_advice(finding_add(c->out, tunnel_place(t, KEY_BGP_LOCAL_AS),
					       hard ? FINDING_AS_RESERVED : FINDING_AS_RESERVED_ELSEWHERE, "%u is not for us: %s",
					       t->bgp.local_as, r->why),
				"take a private one, 64512 to 65514 or 4200000000 to 4294967294, here and at the peer");
}

static void as_numbers(struct check *c, const struct tunnel_conf *t)
{
	char value[16];
	if (!t->bgp.set)
		return;
	snprintf(value, sizeof value, "%u", t->bgp.local_as);
	if (t->bgp.local_as == t->bgp.peer_as)
		tell(c, t, KEY_BGP_LOCAL_AS, FINDING_AS_SAME, value);
	for (unsigned i = 0; i < CLOUD_COUNT; i++)
		reserved(c, t, provider_of((enum cloud)i)->reserved_as, has_cloud(c->conf, (enum cloud)i));
	reserved(c, t, reserved_for_all, true);
}

void check_cloud(struct check *c, const struct tunnel_conf *t)
{
	as_numbers(c, t);
	proposals(c, t);
	group_two(c, t);
	limits(c, t);
	psk(c, t);
	children(c, t);
	nets(c, t);
	start(c, t);
}
