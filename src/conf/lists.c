/* lists.c - values that are arrays: prefixes and proposals. */
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"

struct item { /* of an array */
	size_t size;
	text_item *print;
	void (*pack)(const void *item, struct buf *b);
	bool (*unpack)(const struct key *k, void *item, struct cursor *c);
};
static const struct item prefix_item, proposal_item;

static const struct item *item_of(const struct key *k) { return k->kind == &kind_prefixes ? &prefix_item : &proposal_item; }

/* --- arrays on the heap: a pointer to the first member and a count of one or two bytes. Settings that have the same may share one. --- */
struct block {
	size_t users;
	alignas(max_align_t) char members[];
};

static struct block *block_of(void *members) { return (struct block *)((char *)members - offsetof(struct block, members)); }

static unsigned count_get(const struct key *k, const void *base)
{
	const uint8_t *p = (const uint8_t *)base + k->count_offset;
	uint16_t n;
	if (k->count_size == 1)
		return *p;
	memcpy(&n, p, sizeof n);
	return n;
}

static void count_set(const struct key *k, void *base, unsigned v)
{
	uint8_t *p = (uint8_t *)base + k->count_offset;
	uint16_t n = (uint16_t)v;
	if (k->count_size == 1)
		*p = (uint8_t)v;
	else
		memcpy(p, &n, sizeof n);
}

static void *array_get(const struct key *k, const void *base)
{
	void *v;
	memcpy(&v, field_in(k, base), sizeof v);
	return v;
}

static void array_set(const struct key *k, void *base, void *v, unsigned n)
{
	memcpy(field_of(k, base), &v, sizeof v);
	count_set(k, base, n);
}

/* Room for n members of `size` bytes, in a block of its own; what was there stays. */
static void *array_grow(const struct key *k, void *base, unsigned n, size_t size)
{
	void *old = array_get(k, base);
	bool shared = old != NULL && block_of(old)->users > 1;
	struct block *b = xrealloc_array(old != NULL && !shared ? block_of(old) : NULL, 1, sizeof *b + n * size);
	if (shared) {
		memcpy(b->members, old, count_get(k, base) * size);
		block_of(old)->users--;
	}
	b->users = 1;
	array_set(k, base, b->members, count_get(k, base));
	return b->members;
}

static void array_clear(const struct key *k, void *base)
{
	void *old = array_get(k, base);
	if (old != NULL && --block_of(old)->users == 0)
		free(block_of(old));
	array_set(k, base, NULL, 0);
}

void array_share(const struct key *k, void *base, const void *other)
{
	void *mine = array_get(k, base), *same = array_get(k, other);
	unsigned n = count_get(k, base);
	if (mine == NULL || same == NULL || mine == same || n != count_get(k, other) ||
		memcmp(mine, same, n * item_of(k)->size) != 0)
		return;
	array_clear(k, base);
	block_of(same)->users++;
	array_set(k, base, same, n);
}

static void array_add(const struct key *k, void *base, const void *item, size_t size)
{
	unsigned n = count_get(k, base);
	memcpy((char *)array_grow(k, base, n + 1, size) + n * size, item, size);
	count_set(k, base, n + 1);
}

static void array_print(const struct key *k, const void *base, struct text *o)
{
	text_list(o, count_get(k, base), item_of(k)->print, array_get(k, base));
}

static void array_pack(const struct key *k, const void *base, struct buf *b)
{
	const struct item *item = item_of(k);
	const char *v = array_get(k, base);
	unsigned n = count_get(k, base);
	put_u16(b, (uint16_t)n);
	for (unsigned i = 0; i < n; i++)
		item->pack(v + i * item->size, b);
}

static bool array_unpack(const struct key *k, void *base, struct cursor *c)
{
	const struct item *item = item_of(k);
	unsigned n = get_u16(c);
	if (c->bad || n > k->max_items || n > cursor_left(c))
		return false;
	char *v = n > 0 ? array_grow(k, base, n, item->size) : NULL;
	for (unsigned i = 0; i < n; i++)
		if (!item->unpack(k, v + i * item->size, c))
			return false;
	count_set(k, base, n);
	return true;
}

/* --- prefixes; arg 1: host bits matter --- */
static bool prefixes_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	struct prefix p;
	const struct prefix *v = array_get(k, base);
	char q[QUOTED_TEXT];
	if (!prefix_parse(&p, text))
		return refuse(c, FINDING_VALUE, "%s is not an IPv4 or IPv6 prefix such as 10.20.0.0/16", quoted(q, text));
	if (k->arg == 0 && prefix_has_host_bits(&p))
		return refuse_host_bits(c, text, &p);
	const char *fault = k->arg == 1 ? addr_fault(&p.addr) : NULL;
	if (fault != NULL)
		return refuse(c, FINDING_VALUE, "%s %s", quoted(q, text), fault);
	if (k->arg == 0 && p.len > 0 && addr_is_multicast(&p.addr))
		return refuse(c, FINDING_VALUE, "%s is a multicast or reserved prefix", quoted(q, text));
	for (unsigned i = 0; i < count_get(k, base); i++) {
		if (v[i].len != p.len || !addr_same_ip(&v[i].addr, &p.addr))
			continue;
		finding_add(c->findings, c->place, FINDING_MEMBER_TWICE, "%s is written twice", quoted(q, text));
		return true;
	}
	array_add(k, base, &p, sizeof p);
	return true;
}

static void prefix_print(struct text *o, const void *list, unsigned i, bool several)
{
	char text[ADDR_TEXT];
	(void)several;
	text_add(o, "%s", prefix_format((const struct prefix *)list + i, text));
}

static void prefix_pack(const void *item, struct buf *b)
{
	const struct prefix *p = item;
	addr_pack(&p->addr, b);
	put_u8(b, p->len);
}

static bool prefix_unpack(const struct key *k, void *item, struct cursor *c)
{
	struct prefix *p = item;
	bool good = addr_unpack(&p->addr, c);
	p->len = get_u8(c);
	return good && !c->bad && p->addr.family != 0 && p->len <= 8 * addr_bytes(&p->addr).n &&
	       (k->arg == 1 || !prefix_has_host_bits(p));
}

static const struct item prefix_item = { sizeof(struct prefix), prefix_print, prefix_pack, prefix_unpack };

const struct kind kind_prefixes = { "prefixes such as 10.20.0.0/16", true, prefixes_read, array_print, array_pack, array_unpack,
	array_clear };

/* --- a list as text goes to its kind member by member --- */
static size_t member_len(const char *text, const char *end)
{
	const char *stop = *text == '"'   ? memchr(text + 1, '"', (size_t)(end - text - 1))
			   : *text == '{' ? memchr(text, '}', (size_t)(end - text))
					  : memchr(text, ',', (size_t)(end - text));
	return (size_t)((stop != NULL ? stop : end) - text) + (stop != NULL && *text == '{');
}

bool value_parse(const struct context *c, const struct key *k, void *base, const char *text)
{
	if (!k->kind->list)
		return k->kind->parse(c, k, base, text);
	bool brackets = *text == '[', good = true;
	const char *end = text + strlen(text) - (brackets && text[1] != 0);
	char *member = xcalloc(strlen(text) + 1, 1);
	for (text += brackets; text < end && good;) {
		size_t n = member_len(text, end), quote = *text == '"';
		memcpy(member, text + quote, n - quote);
		member[n - quote] = 0;
		good = k->kind->parse(c, k, base, member);
		text += n;
		text += strspn(text, "\", ");
	}
	free(member);
	return good;
}

/* --- proposals; arg: the protocol --- */
static bool proposals_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	struct proposal p;
	char q[QUOTED_TEXT], word[64];
	const char *bad = NULL, *why = "not a proposal";
	size_t bad_len = 0;
	if (!proposal_parse(&p, k->arg, text, &bad, &bad_len, &why)) {
		if (bad == NULL || bad_len == 0)
			return refuse(c, FINDING_VALUE, "%s: %s", quoted(q, text), why);
		snprintf(word, sizeof word, "%.*s", (int)(bad_len < sizeof word ? bad_len : sizeof word - 1), bad);
		/* Of several words none is misspelt. */
		const char *near = memchr(bad, '-', bad_len) == NULL ? alg_nearest_word(bad, bad_len) : NULL;
		bool other = near != NULL && strcmp(near, word) != 0; /* a good word in a wrong place is its own nearest */
		return refuse(c, FINDING_VALUE, "%s: %s%s%s%s", quoted(q, word), why, other ? ": did you mean '" : "",
			other ? near : "", other ? "'?" : "");
	}
	array_add(k, base, &p, sizeof p);
	return true;
}

static void proposal_print(struct text *o, const void *list, unsigned i, bool several)
{
	char text[PROPOSAL_TEXT];
	(void)several;
	text_add(o, "%s", proposal_format((const struct proposal *)list + i, text));
}

static void proposal_pack(const void *item, struct buf *b)
{
	const struct proposal *p = item;
	put_u8(b, p->n);
	for (unsigned i = 0; i < p->n; i++) {
		put_u8(b, p->t[i].type);
		put_u16(b, p->t[i].id);
		put_u16(b, p->t[i].keylen);
	}
}

static bool proposal_unpack(const struct key *k, void *item, struct cursor *c)
{
	struct proposal *p = item;
	unsigned n = get_u8(c);
	if (c->bad || n == 0 || n > PROPOSAL_TRANSFORMS_MAX)
		return false;
	*p = (struct proposal){ .protocol = k->arg, .n = (uint8_t)n };
	for (unsigned i = 0; i < n; i++) {
		uint8_t type = get_u8(c);
		uint16_t id = get_u16(c), keylen = get_u16(c);
		if (c->bad || type < TRANSFORM_ENCR || type > TRANSFORM_ESN)
			return false;
		p->t[i] = (struct transform){ .type = type, .id = id, .keylen = keylen };
	}
	return true;
}

static const struct item proposal_item = { sizeof(struct proposal), proposal_print, proposal_pack, proposal_unpack };

const struct kind kind_proposals = { "proposals such as aes256-sha256-modp2048", true, proposals_read, array_print, array_pack,
	array_unpack, array_clear };
