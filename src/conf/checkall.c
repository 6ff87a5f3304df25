/* checkall.c - what the tunnels of all files say together: nothing that must be one's own is had by two. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "keys.h"

/* --- finding equals: each tunnel writes its claims as bytes, equal bytes end up side by side --- */
struct claim {
	uint8_t *key;
	size_t n;
	const struct entry *by;
};

struct rule {
	/* The i-th claim of t into b; false when there are no more. */
	bool (*claim)(const struct tunnel_conf *t, unsigned i, struct buf *b);
	void (*clash)(const struct context *c, const struct tunnel_conf *t, const struct tunnel_conf *first);
	bool broken_too; /* tunnels with faults have claims as well */
};

static bool earlier(const struct entry *a, const struct entry *b)
{
	if (a->order != b->order)
		return a->order < b->order;
	return a->seq < b->seq;
}

static int by_key(const void *x, const void *y)
{
	const struct claim *a = x, *b = y;
	size_t n = a->n < b->n ? a->n : b->n;
	int order = n > 0 ? memcmp(a->key, b->key, n) : 0;
	if (order == 0 && a->n != b->n)
		order = a->n < b->n ? -1 : 1;
	return order != 0 ? order : earlier(a->by, b->by) ? -1 : earlier(b->by, a->by);
}

static void report(struct gather *g, const struct rule *r, const struct claim *v, unsigned n)
{
	unsigned first = 0;
	for (unsigned i = 1; i < n; i++) {
		if (v[i].n != v[first].n || memcmp(v[i].key, v[first].key, v[i].n) != 0) {
			first = i;
			continue;
		}
		const struct entry *e = v[i].by;
		struct context c = {
			.gather = g, .file = e->t->file, .order = e->order, .tunnel = e->t->name, .line = e->t->line
		};
		if (e != v[first].by)
			r->clash(&c, e->t, v[first].by->t);
	}
}

#define CLAIM_MAX 4096 /* two identities and two addresses fit */

static void apply_rule(struct gather *g, const struct rule *r, const struct entry *v, unsigned n)
{
	struct claim *claims = NULL;
	unsigned count = 0, cap = 0;
	uint8_t room[CLAIM_MAX];
	for (unsigned i = 0; i < n; i++) {
		if (v[i].broken && !r->broken_too)
			continue;
		struct buf b = buf_of(room, sizeof room);
		for (unsigned j = 0; r->claim(v[i].t, j, &b) && !b.bad; j++) {
			if (count == cap) {
				cap = cap > 0 ? 2 * cap : 64;
				claims = xrealloc_array(claims, cap, sizeof *claims);
			}
			claims[count] = (struct claim){ .key = xcalloc(b.len, 1), .n = b.len, .by = &v[i] };
			memcpy(claims[count++].key, room, b.len);
			b = buf_of(room, sizeof room);
		}
	}
	if (count > 1) {
		qsort(claims, count, sizeof *claims, by_key);
		report(g, r, claims, count);
	}
	for (unsigned i = 0; i < count; i++)
		free(claims[i].key);
	free(claims);
}

/* --- names --- */
static bool name_claim(const struct tunnel_conf *t, unsigned i, struct buf *b)
{
	put_bytes(b, t->name, strlen(t->name));
	return i == 0;
}

static void name_clash(const struct context *c, const struct tunnel_conf *t, const struct tunnel_conf *first)
{
	(void)t;
	refuse(c, "this tunnel is written already at %s:%d", first->file, first->line);
}

/* --- interfaces --- */
static bool interface_claim(const struct tunnel_conf *t, unsigned i, struct buf *b)
{
	put_bytes(b, t->interface, strlen(t->interface));
	return i == 0;
}

static void interface_clash(const struct context *c, const struct tunnel_conf *t, const struct tunnel_conf *first)
{
	if (strcmp(t->name, first->name) != 0) /* else said already */
		refuse(c, "its interface '%s' is that of tunnel '%s' (%s:%d), too: write 'interface:'", t->interface, first->name,
			first->file, first->line);
}

/* --- identities and addresses: with both equal nobody could tell the tunnels apart --- */
static void put_key(const struct tunnel_conf *t, enum key_id id, struct buf *b)
{
	tunnel_keys[id].kind->pack(&tunnel_keys[id], t, b);
}

/* An identity that is not written is the outside address. */
static void put_identity(const struct tunnel_conf *t, enum key_id id, const struct addr *address, struct buf *b)
{
	const struct ident *ident = id == KEY_LOCAL_ID ? &t->local_id : &t->remote_id;
	struct bytes ip = addr_bytes(address);
	if (ident->type != 0) {
		put_key(t, id, b);
		return;
	}
	put_u8(b, ip.n == 4 ? ID_IPV4_ADDR : ip.n == 16 ? ID_IPV6_ADDR : 0);
	put_u16(b, (uint16_t)ip.n);
	put_view(b, ip);
}

static bool identity_claim(const struct tunnel_conf *t, unsigned i, struct buf *b)
{
	put_key(t, KEY_REMOTE, b);
	put_key(t, KEY_LOCAL, b);
	put_identity(t, KEY_REMOTE_ID, &t->remote, b);
	put_identity(t, KEY_LOCAL_ID, &t->local, b);
	return i == 0;
}

static void identity_clash(const struct context *c, const struct tunnel_conf *t, const struct tunnel_conf *first)
{
	if (strcmp(t->name, first->name) != 0)
		refuse(c, "its addresses and identities are those of tunnel '%s' (%s:%d), too: nobody could tell them apart",
			first->name, first->file, first->line);
}

/* --- a VTI is found by its outside addresses --- */
static bool vti_claim(const struct tunnel_conf *t, unsigned i, struct buf *b)
{
	put_key(t, KEY_REMOTE, b);
	put_key(t, KEY_LOCAL, b);
	return i == 0 && t->interface_type == INTERFACE_VTI;
}

static void vti_clash(const struct context *c, const struct tunnel_conf *t, const struct tunnel_conf *first)
{
	if (strcmp(t->name, first->name) != 0)
		refuse(c,
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
	addr_pack(&t->inside[i].addr, b);
	return true;
}

static void inside_clash(const struct context *c, const struct tunnel_conf *t, const struct tunnel_conf *first)
{
	if (strcmp(t->name, first->name) != 0)
		complain(c, FAULT_WARNING, "an inside address of it is one of tunnel '%s' (%s:%d), too", first->name, first->file,
			first->line);
}

void check_all(struct gather *g, const struct entry *v, unsigned n)
{
	static const struct rule rules[] = {
		{ name_claim, name_clash, true },
		{ interface_claim, interface_clash, true },
		{ identity_claim, identity_clash, false },
		{ vti_claim, vti_clash, false },
		{ inside_claim, inside_clash, false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		apply_rule(g, &rules[i], v, n);
}
