/* clash.c - what two tunnels have alike: what must be a tunnel's own is refused at once, what should be is told by `s2sctl check`. */
#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "base/buf.h"

/* --- finding equals: each tunnel writes its claims as bytes, equal bytes end up side by side, the one written first in front --- */
struct claim {
	uint8_t *key;
	size_t n;
	const struct tunnel_conf *by;
};

struct rule {
	/* The i-th claim of t into b; false when there are no more. */
	bool (*claim)(const struct tunnel_conf *t, unsigned i, struct buf *b);
	void (*clash)(struct findings *f, const struct tunnel_conf *t, const struct tunnel_conf *first);
	bool faulty_too; /* tunnels with faults have claims as well */
};

static int by_place(const struct tunnel_conf *a, const struct tunnel_conf *b)
{
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return a->line != b->line ? (a->line < b->line ? -1 : 1) : strcmp(a->name, b->name);
}

static int by_key(const void *x, const void *y)
{
	const struct claim *a = x, *b = y;
	size_t n = a->n < b->n ? a->n : b->n;
	int order = n > 0 ? memcmp(a->key, b->key, n) : 0;
	if (order == 0 && a->n != b->n)
		order = a->n < b->n ? -1 : 1;
	return order != 0 ? order : by_place(a->by, b->by);
}

struct claims {
	struct claim *v;
	size_t n, cap;
};

#define CLAIM_MAX 4096 /* two identities and two addresses fit */

static void claims_of(struct claims *c, const struct rule *r, const struct tunnel_conf *t)
{
	uint8_t room[CLAIM_MAX];
	struct buf b = buf_of(room, sizeof room);
	for (unsigned i = 0; r->claim(t, i, &b) && !b.bad; i++) {
		if (c->n == c->cap) {
			c->cap = c->cap > 0 ? 2 * c->cap : 64;
			c->v = xrealloc_array(c->v, c->cap, sizeof *c->v);
		}
		c->v[c->n] = (struct claim){ .key = xcalloc(b.len, 1), .n = b.len, .by = t };
		memcpy(c->v[c->n++].key, room, b.len);
		b = buf_of(room, sizeof room);
	}
}

/* --- names --- */
static bool name_claim(const struct tunnel_conf *t, unsigned i, struct buf *b)
{
	put_bytes(b, t->name, strlen(t->name));
	return i == 0;
}

static void name_clash(struct findings *f, const struct tunnel_conf *t, const struct tunnel_conf *first)
{
	finding_add(f, tunnel_place(t, KEY_COUNT), FINDING_TUNNEL_TWICE, "this tunnel is written already at %s:%d", first->file,
		first->line);
}

static void compare_claims(struct findings *f, const struct rule *r, struct claims *c)
{
	size_t first = 0;
	if (c->n > 1)
		qsort(c->v, c->n, sizeof *c->v, by_key);
	for (size_t i = 1; i < c->n; i++) {
		bool equal = c->v[i].n == c->v[first].n && memcmp(c->v[i].key, c->v[first].key, c->v[i].n) == 0;
		if (!equal)
			first = i;
		else if (c->v[i].by != c->v[first].by &&
			 (r->clash == name_clash || strcmp(c->v[i].by->name, c->v[first].by->name) != 0))
			r->clash(f, c->v[i].by, c->v[first].by); /* tunnels of one name are one fault, not several */
	}
	for (size_t i = 0; i < c->n; i++)
		free(c->v[i].key);
	free(c->v);
}

/* --- interfaces --- */
static bool interface_claim(const struct tunnel_conf *t, unsigned i, struct buf *b)
{
	put_bytes(b, t->interface, strlen(t->interface));
	return i == 0 && t->interface[0] != 0; /* a syntax error has cut it off before it had one */
}

static void interface_clash(struct findings *f, const struct tunnel_conf *t, const struct tunnel_conf *first)
{
	finding_add(f, tunnel_place(t, KEY_COUNT), FINDING_INTERFACE_SHARED,
		"its interface '%s' is that of tunnel '%s' (%s:%d), too: write 'interface:'", t->interface, first->name,
		first->file, first->line);
}

/* --- identities and addresses: with both equal nobody could tell the tunnels apart --- */
/* An identity that is not written is the outside address. */
static void put_identity(const struct tunnel_conf *t, enum key_id id, const struct addr *address, struct buf *b)
{
	const struct ident *ident = id == KEY_LOCAL_ID ? &t->local_id : &t->remote_id;
	struct bytes ip = addr_bytes(address);
	if (ident->type != 0) {
		tunnel_key_pack(t, id, b);
		return;
	}
	put_u8(b, ip.n == 4 ? ID_IPV4_ADDR : ip.n == 16 ? ID_IPV6_ADDR : 0);
	put_u16(b, (uint16_t)ip.n);
	put_view(b, ip);
}

static bool identity_claim(const struct tunnel_conf *t, unsigned i, struct buf *b)
{
	put_identity(t, KEY_REMOTE_ID, &t->remote, b);
	put_identity(t, KEY_LOCAL_ID, &t->local, b);
	return i == 0;
}

static bool alike_claim(const struct tunnel_conf *t, unsigned i, struct buf *b)
{
	tunnel_key_pack(t, KEY_REMOTE, b);
	tunnel_key_pack(t, KEY_LOCAL, b);
	return identity_claim(t, i, b);
}

/* Who has a tunnel for each pair of networks wants children. */
static bool other_selectors(const struct tunnel_conf *a, const struct tunnel_conf *b)
{
	return !ts_list_equal(a->local_ts, b->local_ts) || !ts_list_equal(a->remote_ts, b->remote_ts);
}

static void alike_clash(struct findings *f, const struct tunnel_conf *t, const struct tunnel_conf *first)
{
	finding_advice(finding_add(f, tunnel_place(t, KEY_COUNT), FINDING_TUNNELS_ALIKE,
			       "its addresses and identities are those of tunnel '%s' (%s:%d), too: nobody could tell them apart",
			       first->name, first->file, first->line),
		other_selectors(t, first) ? "write one tunnel, and the selectors of each as a member of its 'children:'"
					  : "give one of them another remote, local, local-id or remote-id");
}

/* --- a VTI is found by its outside addresses --- */
static bool vti_claim(const struct tunnel_conf *t, unsigned i, struct buf *b)
{
	tunnel_key_pack(t, KEY_REMOTE, b);
	tunnel_key_pack(t, KEY_LOCAL, b);
	return i == 0 && t->interface_type == INTERFACE_VTI;
}

static void vti_clash(struct findings *f, const struct tunnel_conf *t, const struct tunnel_conf *first)
{
	finding_add(f, tunnel_place(t, KEY_COUNT), FINDING_VTI_SHARED,
		"interface-type: a vti between these outside addresses is there already: tunnel '%s' (%s:%d); xfrm has no such limit",
		first->name, first->file, first->line);
}

/* --- inside addresses: legal on two interfaces, but seldom meant --- */
/* A host's length lends the address of another interface: so it is where Azure knows us by one BGP address behind several tunnels. */
static bool inside_claim(const struct tunnel_conf *t, unsigned i, struct buf *b)
{
	while (i < t->n_inside && t->inside[i].len == 8 * addr_bytes(&t->inside[i].addr).n)
		i++;
	if (i >= t->n_inside)
		return false;
	put_view(b, addr_bytes(&t->inside[i].addr));
	return true;
}

static void inside_clash(struct findings *f, const struct tunnel_conf *t, const struct tunnel_conf *first)
{
	finding_advice(
		finding_add(f, tunnel_place(t, KEY_COUNT), FINDING_INSIDE_SHARED,
			"an inside address of it is one of tunnel '%s' (%s:%d), too", first->name, first->file, first->line),
		"give each tunnel its own inside network, at the peer as well");
}

static const struct rule drafts_rules[] = {
	{ name_claim, name_clash, true },
	{ interface_claim, interface_clash, true },
	{ alike_claim, alike_clash, false },
	{ vti_claim, vti_clash, false },
	{ inside_claim, inside_clash, false },
};

void check_clashes(struct findings *f, const struct conf_draft *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(drafts_rules); i++) {
		const struct rule *r = &drafts_rules[i];
		struct claims claims = { 0 };
		for (unsigned k = 0; k < d->n; k++)
			if (!d->v[k].faulty || r->faulty_too)
				claims_of(&claims, r, d->v[k].t);
		compare_claims(f, r, &claims);
	}
}

unsigned check_clash_hashes(const struct tunnel_conf *t, uint32_t out[CLASH_HASHES_MAX])
{
	uint8_t room[CLAIM_MAX];
	unsigned n = 0;
	for (size_t i = 0; i < ARRAY_SIZE(drafts_rules); i++) {
		struct buf b = buf_of(room, sizeof room);
		for (unsigned k = 0; drafts_rules[i].claim(t, k, &b) && !b.bad && n < CLASH_HASHES_MAX; k++) {
			out[n++] = (uint32_t)hash_words(HASH_START + i, room, b.len);
			b = buf_of(room, sizeof room);
		}
	}
	return n;
}

/* --- what works and yet bites: for `s2sctl check` --- */
/* Two to one address from two addresses of ours are two paths; from one they are the same path twice. */
static bool remote_claim(const struct tunnel_conf *t, unsigned i, struct buf *b)
{
	put_view(b, addr_bytes(&t->remote));
	if (t->remote_name != NULL)
		put_bytes(b, t->remote_name, strlen(t->remote_name));
	return i == 0 && (t->remote.family != 0 || t->remote_name != NULL);
}

static void remote_clash(struct findings *f, const struct tunnel_conf *t, const struct tunnel_conf *first)
{
	char text[ADDR_TEXT];
	if (t->local.family != 0 && first->local.family != 0 && !addr_same_ip(&t->local, &first->local))
		return;
	finding_advice(finding_add(f, tunnel_place(t, KEY_REMOTE), FINDING_REMOTE_SHARED, "tunnel '%s' (%s:%d) goes to %s, too",
			       first->name, first->file, first->line,
			       t->remote_name != NULL ? t->remote_name : addr_format(&t->remote, text)),
		other_selectors(t, first)
			? "write one tunnel, and the selectors of each as a member of its 'children:'"
			: "a cloud has one address per tunnel: write the other one, give each tunnel its own 'local', or remove one");
}

static void identity_clash(struct findings *f, const struct tunnel_conf *t, const struct tunnel_conf *first)
{
	/* Without an identity the peer's address is it, and equal addresses are told above. */
	if (t->remote_id.type != 0)
		finding_advice(
			finding_add(f, tunnel_place(t, KEY_REMOTE_ID), FINDING_IDENTITY_SHARED,
				"identities here and there are those of tunnel '%s' (%s:%d), too: when the peer initiates, only its address distinguishes them",
				first->name, first->file, first->line),
			"give one of them another local-id or remote-id, at the peer as well");
}

static bool bgp_claim(const struct tunnel_conf *t, unsigned i, struct buf *b)
{
	put_view(b, addr_bytes(&t->bgp.peer));
	return i == 0 && t->bgp.set;
}

static void bgp_clash(struct findings *f, const struct tunnel_conf *t, const struct tunnel_conf *first)
{
	char text[ADDR_TEXT];
	finding_advice(finding_add(f, tunnel_place(t, KEY_BGP_PEER), FINDING_BGP_PEER_SHARED,
			       "%s is the BGP peer of tunnel '%s' (%s:%d), too", addr_format(&t->bgp.peer, text), first->name,
			       first->file, first->line),
		"give one of the tunnels another inside network, at the peer as well");
}

void check_shared(struct check *c)
{
	static const struct rule rules[] = {
		{ remote_claim, remote_clash, false },
		{ identity_claim, identity_clash, false },
		{ bgp_claim, bgp_clash, false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct claims claims = { 0 };
		for (uint32_t k = 0; k < c->conf->n; k++)
			claims_of(&claims, &rules[i], c->conf->tunnels[k]);
		compare_claims(c->out, &rules[i], &claims);
	}
}
